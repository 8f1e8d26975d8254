# SPDX-License-Identifier: Apache-2.0
"""The figures in the pages' tables beside those that the bench measured: which are stale; new ones are written in.

A figure is the cell of a row's first words and a column's head. Of times only how they compare is claimed, and a busy
machine's say nothing.
"""

import pathlib
import re
import typing

TREE = pathlib.Path(__file__).resolve().parents[2]
DEVELOPMENT, PACKAGES = "docs/development.md", "docs/packages.md"

KB, MB, MILLION = 1 << 10, 1 << 20, 1000000
# What a budget is judged by, in the unit of its figure.
BUDGETS = {
    "exchange_instructions": 15 * MILLION,
    # Of radclient's time with a dictionary as small as ours.
    "exchange_time": 1,
    "refresh_instructions": 3 * MILLION,
    "event_instructions": 3 * MILLION,
    "private_dirty": 512 * KB,
    "package": 64 * KB,
    "method": 8 * KB,
}
# By how much of itself a figure may be off: other builds of the interpreters, other processors, what else runs.
TOLERANCES = {"instructions": 0.05, "bytes": 0.03, "memory": 0.1, "times": 0.3}
CLIENTS = {
    "micropython": "MicroPython",
    "micropython_sources": "from sources",
    "python3": "CPython",
    "radclient": "`radclient`",
    "radclient_lean": "`radclient`, small dictionary",
}
BUDGET = "budget"


class Figure(typing.NamedTuple):
    """A measured value; `unit` is one of TOLERANCES, or "" for words. counts: whether it says anything."""

    value: typing.Any
    unit: str
    counts: bool = True

    def __str__(self) -> str:
        if not self.unit:
            return str(self.value)
        if self.unit == "instructions":
            return f"{self.value / MILLION:.1f} M"
        if self.unit == "times":
            return f"{self.value:.1f}"
        if self.value >= 1000 * KB:
            return f"{self.value / MB:.1f} MB"
        return f"{self.value / KB:.{0 if self.value >= 10 * KB else 1}f} KB"

    def holds(self, claimed: str) -> bool:
        """Whether the text of a cell is still right."""
        if not self.counts or str(self) == claimed:
            return True
        found = re.fullmatch(r"([\d.]+)(?: (M|KB|MB))?", claimed)
        if not self.unit or not found:
            return False
        value = float(found[1]) * {"M": MILLION, "KB": KB, "MB": MB, None: 1}[found[2]]
        return abs(self.value - value) <= TOLERANCES[self.unit] * self.value


# page, words of the row, head of the column
Place = tuple[str, str, str]


class Claims:
    """Every figure of the pages as it was measured, by its place."""

    def __init__(self, result: dict[str, typing.Any]):
        self.figures: dict[Place, Figure] = {}
        self.busy = result["busy"]
        self._development(result)
        self._packages(result)

    def _add(self, page: str, row: str, column: str, value: float, unit: str) -> None:
        self.figures[page, row, column] = Figure(value, unit, not self.busy or unit != "times")

    def _judge(self, page: str, row: str, name: str, value: float, unit: str) -> None:
        limit = str(Figure(BUDGETS[name], unit)).replace(".0", "")
        verdict = f"{limit}: {'met' if value <= BUDGETS[name] else 'not met'}"
        self.figures[page, row, BUDGET] = Figure(verdict, "", not self.busy or unit != "times")

    def _clients(self, row: str, values: dict[str, float], unit: str, budget: str = "") -> None:
        """A row of the table in DEVELOPMENT, whose budget is MicroPython's."""
        for name, value in values.items():
            self._add(DEVELOPMENT, row, CLIENTS[name], value, unit)
        if budget:
            self._judge(DEVELOPMENT, row, budget, values["micropython"], unit)

    def _development(self, result: dict[str, typing.Any]) -> None:
        exchange, memory = result["exchange"], result["private_dirty_kib"]
        event = result["event_instructions"]
        counts = {name: one["instructions"] for name, one in exchange.items()}
        self._clients("start to hand-over: instructions", counts, "instructions", "exchange_instructions")
        yardstick = exchange["radclient_lean"]["wall_ms"]["median"]
        ratios = {name: one["wall_ms"]["median"] / yardstick for name, one in exchange.items()}
        self._clients(
            "start to hand-over: time (`radclient`, small dictionary: 1)", ratios, "times", "exchange_time"
        )
        peaks = {name: one["peak_kib"] * KB for name, one in exchange.items()}
        self._clients("start to hand-over: peak memory", peaks, "memory")
        refresh = result["refresh_instructions"]
        self._clients(
            "refresh by the resident client: instructions", refresh, "instructions", "refresh_instructions"
        )
        asked = result["hb46pp_instructions"]
        for row, name in (("of HB46PP", "resident"), ("of HB46PP, the process that asks", "errand")):
            value = {"micropython": asked[name]}
            self._clients(f"refresh {row}: instructions", value, "instructions")
        interpreters = "micropython", "python3"
        unchanged = {name: event["hotplug_script"] + event["wake_up_" + name] for name in interpreters}
        self._clients(
            "line event that changes nothing: instructions", unchanged, "instructions", "event_instructions"
        )
        held = {name: memory[name] * KB for name in interpreters}
        self._clients("resident client: private memory", held, "memory", "private_dirty")
        leased = result["lease"]
        self._clients(
            "DHCPv4 over DHCPv6, start to hand-over: instructions",
            leased["exchange_instructions"],
            "instructions",
        )
        self._clients(
            "DHCPv4 over DHCPv6, renewal by the resident client: instructions",
            leased["renewal_instructions"],
            "instructions",
            "refresh_instructions",
        )
        held = {name: value * KB for name, value in leased["private_dirty_kib"].items()}
        self._clients("DHCPv4 over DHCPv6, resident client: private memory", held, "memory", "private_dirty")
        bare = {name: memory["bare_" + name] * KB for name in interpreters}
        self._clients("bare interpreter: private memory", bare, "memory")

    def _packages(self, result: dict[str, typing.Any]) -> None:
        rows = {"`softwire` (bytecode)": result["size"]["softwire"]}
        rows["`softwire-python3` (sources)"] = result["size"]["softwire-python3"]
        rows.update({_of_method(name): one for name, one in result["methods"].items()})
        rows["MicroPython (Debian's, x86-64)"] = result["interpreters"]["MicroPython"]
        rows["mbedTLS, which OpenWrt's images have anyway"] = result["interpreters"]["mbedTLS"]
        rows["CPython (Debian's with its library, x86-64)"] = result["interpreters"]["CPython"]
        for row, one in rows.items():
            for column, name in (("installed", "bytes"), ("on squashfs", "squashfs"), ("packed", "packed")):
                if name in one:
                    self._add(PACKAGES, row, column, one[name], "bytes")
        self._judge(
            PACKAGES, "`softwire` (bytecode)", "package", result["size"]["softwire"]["squashfs"], "bytes"
        )
        # The first method came with the program.
        for name in set(result["methods"]) - {"softbank"}:
            if " " not in name:
                size = result["methods"][name]["squashfs"]
                self._judge(PACKAGES, _of_method(name), "method", size, "bytes")


def _of_method(name: str) -> str:
    """The words of a method's row, or of several methods' together."""
    names = name.split()
    if len(names) == 1:
        return f"of `softwire`, method `{name}`"
    return f"of `softwire`, {' '.join(f'`{one}`' for one in names)} together"


def cells(text: str) -> dict[tuple[str, str], tuple[int, int, str]]:
    """(row, column) of every table of a page: number of the line, of the cell, and what it says."""
    found = {}
    head: list[str] = []
    for number, line in enumerate(text.splitlines()):
        if not line.startswith("|"):
            head = []
            continue
        row = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not head:
            head = row
        elif set(line) - set("|-: "):
            for at, cell in enumerate(row[1 : len(head)], 1):
                found[row[0], head[at]] = (number, at, cell)
    return found


class Compared(typing.NamedTuple):
    """One figure of a page beside what was measured; None where there is no such cell, or nobody measures it."""

    place: Place
    claimed: str | None
    measured: Figure | None

    @property
    def holds(self) -> bool:
        return self.claimed is not None and self.measured is not None and self.measured.holds(self.claimed)


def compare(page: str, text: str, claims: Claims) -> list[Compared]:
    """Every figure of a page's tables, those of its text and those that it lacks."""
    figures = {(row, column): figure for (of, row, column), figure in claims.figures.items() if of == page}
    there = cells(text)
    found = [
        Compared((page, *place), there[place][2] if place in there else None, figure)
        for place, figure in figures.items()
    ]
    # A table that has a measured column has nothing else in it.
    columns = {column for _, column in figures}
    return found + [
        Compared((page, *place), cell, None)
        for place, (_, _, cell) in there.items()
        if cell and place[1] in columns and place not in figures
    ]


def written(page: str, text: str, claims: Claims) -> str:
    """The page's text with the measured figures in it."""
    lines = text.splitlines(keepends=True)
    there = cells(text)
    for (of, row, column), figure in claims.figures.items():
        if of == page and figure.counts and (row, column) in there:
            number, at, _ = there[row, column]
            parts = lines[number].split("|")
            parts[at + 1] = f" {figure} "
            lines[number] = "|".join(parts)
    return "".join(lines)


def check(result: dict[str, typing.Any], write: bool = False) -> list[Compared]:
    """Compares all pages, after writing the measured figures into them where that is asked for."""
    claims = Claims(result)
    found = []
    for page in DEVELOPMENT, PACKAGES:
        path = TREE / page
        text = path.read_text(encoding="utf-8")
        if write:
            text = written(page, text, claims)
            path.write_text(text, encoding="utf-8")
        found += compare(page, text, claims)
    return found
