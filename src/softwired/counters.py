# SPDX-License-Identifier: Apache-2.0
"""Counters, gauges and histograms, and their text in Prometheus' exposition format 0.0.4."""

from __future__ import annotations

import bisect
import collections
import typing


class Family(collections.Counter[str]):
    """A counter with one label: `family["reason"] += 1`."""

    def __init__(self, help_text: str, label: str) -> None:
        super().__init__()
        self.help = help_text
        self.label = label


class Histogram:
    """How many values were at most each bound."""

    def __init__(self, help_text: str, bounds: typing.Sequence[float]) -> None:
        self.help = help_text
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect.bisect_left(self.bounds, value)] += 1
        self.total += value


class Counters:
    """All of one service, by name."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.families: dict[str, Family] = {}
        self.histograms: dict[str, Histogram] = {}
        self.gauges: dict[str, tuple[str, typing.Callable[[], float]]] = {}

    def family(self, name: str, help_text: str, label: str, values: typing.Iterable[str] = ()) -> Family:
        """A counter with a label; the values given are shown also while they are 0."""
        family = self.families[name] = Family(help_text, label)
        for value in values:
            family[value] = 0
        return family

    def histogram(self, name: str, help_text: str, bounds: typing.Sequence[float]) -> Histogram:
        self.histograms[name] = Histogram(help_text, bounds)
        return self.histograms[name]

    def gauge(self, name: str, help_text: str, ask: typing.Callable[[], float]) -> None:
        self.gauges[name] = (help_text, ask)

    def values(self) -> dict[str, typing.Any]:
        """All of it as JSON can carry it; `text` makes Prometheus' text of it."""
        return {
            "prefix": self.prefix,
            "families": {
                name: {"help": one.help, "label": one.label, "values": dict(one)}
                for name, one in self.families.items()
            },
            "histograms": {
                name: {"help": one.help, "bounds": one.bounds, "counts": one.counts, "total": one.total}
                for name, one in self.histograms.items()
            },
            "gauges": {
                name: {"help": help_text, "value": ask()} for name, (help_text, ask) in self.gauges.items()
            },
        }


def text(values: dict[str, typing.Any]) -> str:
    """What `values` gave, as Prometheus reads it."""
    lines = []
    for name, one in sorted(values["families"].items()):
        full = f"{values['prefix']}_{name}"
        lines += [f"# HELP {full} {one['help']}", f"# TYPE {full} counter"]
        lines += [
            f'{full}{{{one["label"]}="{label}"}} {count}' for label, count in sorted(one["values"].items())
        ]
    for name, one in sorted(values["histograms"].items()):
        full = f"{values['prefix']}_{name}"
        lines += [f"# HELP {full} {one['help']}", f"# TYPE {full} histogram"]
        total = 0
        for bound, count in zip([*one["bounds"], "+Inf"], one["counts"], strict=True):
            total += count
            lines.append(f'{full}_bucket{{le="{bound}"}} {total}')
        lines += [f"{full}_sum {one['total']:.9g}", f"{full}_count {total}"]
    for name, one in sorted(values["gauges"].items()):
        full = f"{values['prefix']}_{name}"
        lines += [f"# HELP {full} {one['help']}", f"# TYPE {full} gauge", f"{full} {one['value']:g}"]
    return "\n".join(lines) + "\n"
