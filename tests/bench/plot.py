# SPDX-License-Identifier: Apache-2.0
"""Draws groups of bars as SVG, in light and in dark; knows nothing of what is measured."""

from __future__ import annotations

import html
import typing

STYLE = """
.ground{fill:#fff}.axis{stroke:#d0d7de}
text{font:12px system-ui,'Segoe UI','DejaVu Sans',sans-serif;fill:#1f2328}
.title{font-size:15px;font-weight:600}.dim{fill:#59636e}
.one{fill:#bc4c00}.other{fill:#0969da}.third{fill:#1a7f37}.wanted{fill:none;stroke:#59636e;stroke-dasharray:3 3}
@media(prefers-color-scheme:dark){.ground{fill:#0d1117}.axis{stroke:#3d444d}text{fill:#e6edf3}
.dim{fill:#9198a1}.one{fill:#f0883e}.other{fill:#4493f8}.third{fill:#3fb950}.wanted{stroke:#9198a1}}
"""
COLOURS = ("one", "other", "third")
WIDTH, HEIGHT, TOP, LEFT, BAR = 400.0, 230.0, 64.0, 24.0, 44.0


class Group(typing.NamedTuple):
    """Bars beside each other: what they have in common, a value for each series, and what would be all."""

    name: str
    values: typing.Sequence[float]
    wanted: float | None = None


class Chart(typing.NamedTuple):
    """One picture of a row."""

    title: str
    groups: typing.Sequence[Group]
    form: str = "{:,.0f}"


def _text(x: float, y: float, text: str, css: str = "", anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" text-anchor="{anchor}">{html.escape(text)}</text>'


def _chart(chart: Chart, left: float, width: float) -> list[str]:
    most = max(max((*group.values, group.wanted or 0.0)) for group in chart.groups) or 1.0
    base = TOP + HEIGHT
    parts = [_text(left, 24, chart.title, "title", "start")]
    parts.append(f'<line class="axis" x1="{left}" x2="{left + width - 40}" y1="{base}" y2="{base}"/>')
    step = (width - 40) / len(chart.groups)
    bar = min(BAR, step / (0.3 + max(len(group.values) for group in chart.groups)))
    for number, group in enumerate(chart.groups):
        middle = left + step * (number + 0.5)
        start = middle - bar * len(group.values) / 2
        if group.wanted:
            height = HEIGHT * group.wanted / most
            parts.append(
                f'<rect class="wanted" x="{start - 3:.1f}" y="{base - height:.1f}"'
                f' width="{bar * len(group.values) + 6:.1f}" height="{height:.1f}"/>'
            )
        for colour, value in zip(COLOURS, group.values, strict=False):
            height = HEIGHT * value / most
            parts.append(
                f'<rect class="{colour}" x="{start + 2:.1f}" y="{base - height:.1f}" width="{bar - 4:.1f}"'
                f' height="{height:.1f}"/>'
            )
            parts.append(_text(start + bar / 2, base - height - 4, chart.form.format(value), "dim"))
            start += bar
        parts.append(_text(middle, base + 18, group.name))
    return parts


def svg(charts: typing.Sequence[Chart], series: typing.Sequence[str]) -> str:
    """All of them beside each other, the names of the series below."""
    each = WIDTH * max(2, len(series)) / 2
    width, height = each * len(charts) + LEFT, TOP + HEIGHT + 56
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{width:.0f}" height="{height:.0f}" rx="8"/>',
    ]
    for number, chart in enumerate(charts):
        parts += _chart(chart, LEFT + each * number, each)
    at = LEFT
    for colour, name in zip(COLOURS, series, strict=False):
        parts.append(f'<rect class="{colour}" x="{at:.0f}" y="{height - 24:.0f}" width="12" height="12"/>')
        parts.append(_text(at + 18, height - 14, name, "", "start"))
        at += 40 + 8 * len(name)
    return "\n".join([*parts, "</svg>"]) + "\n"
