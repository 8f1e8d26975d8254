# SPDX-License-Identifier: Apache-2.0
"""Draws steps between lanes as a sequence diagram in SVG, in light and in dark; knows no protocol."""

import dataclasses
import html
import typing

# What a step is about, and its colour on light and on dark ground.
KINDS = {
    "neighbour": ("neighbour discovery", "#57606a", "#9198a1"),
    "dhcpv6": ("DHCPv6", "#0969da", "#4493f8"),
    "dhcp4o6": ("DHCPv4 in DHCPv6", "#116329", "#56d364"),
    "dns": ("DNS", "#9a6700", "#d29922"),
    "tsp": ("Tunnel Setup Protocol", "#7d4e00", "#d29922"),
    "radius": ("RADIUS", "#8250df", "#b392f0"),
    "ipv4": ("IPv4 in the softwire", "#bc4c00", "#f0883e"),
    "ipv6": ("native IPv6", "#0b7285", "#39c5cf"),
    "error": ("refused, or in error", "#cf222e", "#f85149"),
}

STYLE = """
.ground{fill:#fff}.box{fill:#f6f8fa;stroke:#d0d7de}.life{stroke:#d0d7de;stroke-dasharray:3 4}
text{font:12px system-ui,'Segoe UI','DejaVu Sans',sans-serif;fill:#1f2328}
.mono{font:11px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace}
.small{font-size:10px}.bold{font-weight:600}.title{font-size:17px;font-weight:600}.dim{fill:#59636e}
line,path{fill:none;stroke-width:1.6}.beyond{stroke-dasharray:2 4}.tunnel{stroke-width:11;stroke-opacity:.16}
"""
STYLE_DARK = """
.ground{fill:#0d1117}.box{fill:#161b22;stroke:#3d444d}.life{stroke:#3d444d}text{fill:#e6edf3}
.dim{fill:#9198a1}
"""

LEFT, LANE, EDGE = 96, 176, 24
LINE, GAP, HEAD = 15, 22, 66
# Widths that no common font exceeds, so that what is behind a text can be cleared.
WIDTH_BOLD, WIDTH_MONO = 7.4, 6.75
# What fits below a lane's name.
LANE_LETTERS, LANE_ROWS = 26, 3


@dataclasses.dataclass
class Step:
    """One arrow.

    time: seconds since the first packet; ends: the lanes it goes from and to; tunnel: the lanes between which the
    packet is inside another one; both: packets went both ways.
    """

    time: float
    ends: tuple[str, str]
    kind: str
    name: str
    details: list[str]
    tunnel: typing.Optional[tuple[str, str]] = None
    both: bool = False


def _text(x: float, y: float, text: str, css: str = "", anchor: str = "") -> str:
    anchor = f' text-anchor="{anchor}"' if anchor else ""
    printable = "".join(char if char.isprintable() else "?" for char in text)
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{css}"{anchor}>{html.escape(printable)}</text>'


def _line(css: str, x1: float, x2: float, y: float) -> str:
    return f'<line class="{css}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _box(css: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{css}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" rx="5"/>'


def _tip(css: str, x: float, y: float, to_right: bool) -> str:
    back = x - 8 if to_right else x + 8
    points = f"{x:.1f},{y:.1f} {back:.1f},{y - 4:.1f} {back:.1f},{y + 4:.1f}"
    return f'<polygon class="{css}" points="{points}"/>'


def _wrapped(address: str, letters: int) -> list[str]:
    """An address that is too long for its box, in rows that end with a colon."""
    if len(address) <= letters or ":" not in address[:letters]:
        return [address]
    cut = address.rindex(":", 0, letters) + 1
    return [address[:cut], *_wrapped(address[cut:], letters)]


class Diagram:
    """Collects SVG from top to bottom."""

    def __init__(self, lanes: list[tuple[str, list[str]]], least_width: int = 0) -> None:
        """lanes: (name, lines below the name), from left to right."""
        self.lanes = lanes
        self.at = {name: LEFT + LANE * (number + 0.5) for number, (name, _) in enumerate(lanes)}
        self.width = max(LEFT + LANE * len(lanes) + EDGE, least_width)
        self.parts: list[str] = []
        self.y = float(EDGE)
        self.last_time = 0.0

    def title(self, title: str, below: str) -> None:
        self.parts += [_text(EDGE, self.y + 12, title, "title"), _text(EDGE, self.y + 33, below, "dim")]
        self.y += 52

    def heads(self) -> None:
        """The lanes' boxes."""
        for name, below in self.lanes:
            x = self.at[name]
            self.parts += [
                _box("box", x - LANE / 2 + 5, self.y, LANE - 10, HEAD),
                _text(x, self.y + (17 if below else HEAD / 2 + 4), name, "bold", "middle"),
            ]
            rows = [row for line in below for row in _wrapped(line, LANE_LETTERS)]
            if len(rows) > LANE_ROWS:
                rows = [*rows[: LANE_ROWS - 1], "…"]
            first = self.y + 42 - 6 * (len(rows) - 1)
            for number, row in enumerate(rows):
                self.parts.append(_text(x, first + 12 * number + 4, row, "mono small dim", "middle"))
        self.y += HEAD

    def step(self, step: Step) -> None:
        left, right = sorted(self.at[end] for end in step.ends)
        lines = [(step.name, "bold", WIDTH_BOLD)] + [(line, "mono", WIDTH_MONO) for line in step.details]
        wide = max(len(line) * width for line, _, width in lines)
        x = max(LEFT + 4.0, min(left + 10, self.width - EDGE - wide))
        arrow = self.y + GAP + LINE + 1
        texts = []
        for row, (line, css, width) in enumerate(lines):
            y = arrow - 8 if row == 0 else arrow + LINE * row
            # Clears the lanes' lines behind the text.
            texts.append(_box("ground", x - 3, y - 11, len(line) * width + 6, 14))
            texts.append(_text(x, y, line, css))
        self.parts += texts
        self._arrow(step, left, right, arrow)
        self._time(step, arrow)
        self.y = arrow + LINE * len(step.details)

    def _arrow(self, step: Step, left: float, right: float, y: float) -> None:
        css = step.kind
        if step.tunnel:
            inner, outer = sorted(self.at[end] for end in step.tunnel)
            self.parts.append(_line(css + " tunnel", inner, outer, y))
        else:
            inner, outer = left, right
        # What the capture did not see itself is dashed.
        for x1, x2, beyond in (left, inner, " beyond"), (inner, outer, ""), (outer, right, " beyond"):
            if x1 < x2:
                self.parts.append(_line(css + beyond, x1, x2, y))
        to_right = self.at[step.ends[0]] < self.at[step.ends[1]]
        if to_right or step.both:
            self.parts.append(_tip(css + " tip", right, y, True))
        if not to_right or step.both:
            self.parts.append(_tip(css + " tip", left, y, False))

    def _time(self, step: Step, y: float) -> None:
        self.parts.append(_text(LEFT - 12, y + 4, f"{step.time:.3f} s", "mono", "end"))
        since = step.time - self.last_time
        if since >= 0.0005:
            self.parts.append(_text(LEFT - 12, y + 4 - LINE, f"+{since:.3f}", "mono dim", "end"))
        self.last_time = step.time

    def foot(self, kinds: typing.Iterable[str], notes: list[str]) -> None:
        self.y += GAP
        x = float(EDGE)
        for kind in kinds:
            name = KINDS[kind][0]
            self.parts += [_line(kind, x, x + 26, self.y + 8), _text(x + 32, self.y + 12, name, "dim")]
            x += 56 + len(name) * WIDTH_BOLD
        self.y += 20
        for note in notes:
            self.parts.append(_text(EDGE, self.y + 12, note, "dim"))
            self.y += 17

    def svg(self, life_from: float, life_to: float) -> str:
        """The whole document; the lanes' lines run between the two heights."""
        height = self.y + EDGE
        light = "".join(
            f".{kind}{{stroke:{KINDS[kind][1]}}}.tip.{kind}{{fill:{KINDS[kind][1]}}}" for kind in KINDS
        )
        dark = "".join(
            f".{kind}{{stroke:{KINDS[kind][2]}}}.tip.{kind}{{fill:{KINDS[kind][2]}}}" for kind in KINDS
        )
        lives = [
            f'<line class="life" x1="{x:.1f}" x2="{x:.1f}" y1="{life_from:.1f}" y2="{life_to:.1f}"/>'
            for x in self.at.values()
        ]
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:.0f} {height:.0f}"'
                f' width="{self.width:.0f}" height="{height:.0f}" role="img">',
                f"<style>{STYLE}{light}\n@media (prefers-color-scheme:dark){{{STYLE_DARK}{dark}}}</style>",
                f'<rect class="ground" width="{self.width:.0f}" height="{height:.0f}"/>',
                *lives,
                *self.parts,
                "</svg>\n",
            ]
        )


def draw(
    title: str,
    below: str,
    lanes: list[tuple[str, list[str]]],
    steps: list[Step],
    notes: list[str],
) -> str:
    """The diagram as SVG text."""
    widest = max([len(line) * WIDTH_MONO for step in steps for line in step.details] or [0])
    diagram = Diagram(lanes, int(widest) + LEFT + 2 * EDGE)
    diagram.title(title, below)
    diagram.heads()
    life_from = diagram.y
    for step in steps:
        diagram.step(step)
    diagram.y += GAP
    life_to = diagram.y
    used = {step.kind for step in steps}
    diagram.foot([kind for kind in KINDS if kind in used], notes)
    return diagram.svg(life_from, life_to)
