# SPDX-License-Identifier: Apache-2.0
"""The report on faults: what happened while each lasted, and how long the softwire, or a service, took to come back."""

from __future__ import annotations

import itertools
import json
import os
import time
import typing
from pathlib import Path

from tests.lab import addresses

ROOT = Path(__file__).resolve().parents[2]

# Each fault as long and as often as the report is to say; short otherwise.
LONG = bool(os.environ.get("FAULTS_LONG"))


class Table(typing.NamedTuple):
    """A part of the report, and what makes it; the names of its columns tell it from the others."""

    head: str
    columns: str


CLIENT = Table(
    """# Reliability

Each fault was injected in the lab (an access network and a router in two QEMU machines without KVM, see
[tests/lab](../tests/lab)) by `tests/system/test_faults.py`; `make faults` made this file. Recovery is the time from
the end of the fault until a LAN host's IPv4 packets passed again, found by asking twice a second. Behind each fault
there was one tunnel device, one endpoint, one client, no process left over, and native IPv6 worked. The doctor's
column has the codes by which `softwire doctor` named the fault while it lasted.
""",
    "| fault | meanwhile | the doctor | IPv4 passed again after |",
)
TUNNELS = Table(
    """## softwired tunnels

Bad days of [the tunnel service](tunnels.md), by `tests/softwired/tunnels` on the machine itself and by
`tests/system/tunnels` in a QEMU machine without KVM, some twenty times slower. Right again means: every tunnel that
somebody was promised is there, no address is given twice, routes and pairs in the kernel are those of the database.
""",
    "| fault of a tunnel server | meanwhile | all was right again after |",
)
TABLES = (CLIENT, TUNNELS)
FUZZED = "Every parser that reads the network was fuzzed"


class Recovery:
    """One fault that has just ended."""

    def __init__(self, name: str, meanwhile: str, *diagnosis: str):
        self.name = name
        self.diagnosis = ", ".join([f"`{code}`" for code in diagnosis])
        self.meanwhile = meanwhile
        self.began = time.monotonic()
        self.seconds: float | None = None
        self.others: list[Recovery] = []

    def over(self) -> None:
        """Packets pass again; the first time counts."""
        if self.seconds is None:
            self.seconds = time.monotonic() - self.began

    def also(self, other: Recovery) -> None:
        """Another recovery that belongs before this one in the report."""
        self.others.append(other)


class Report:
    """The rows of one table, in the order of the tests."""

    def __init__(self, table: Table = CLIENT) -> None:
        self.table = table
        self.rows: dict[str, str] = {}

    def add(self, recovery: Recovery) -> None:
        """One fault that was recovered from."""
        for one in (*recovery.others, recovery):
            self._row(one.name, one.meanwhile, one.diagnosis, f"{one.seconds:.0f} s")

    def read(self, told: str) -> None:
        """What tests.softwired.recovery wrote."""
        for line in filter(None, told.splitlines()):
            one = json.loads(line)
            self._row(one["name"], one["meanwhile"], f"{one['seconds']:.1f} s")

    def _row(self, *cells: str) -> None:
        self.rows[cells[0]] = f"| {' | '.join(cells)} |"

    def write(self) -> None:
        """docs/reliability.md where the faults were whole, else a copy among the run's files.

        Other tables stay, and the rows of faults that this run left out, so that one can be injected again:
        make faults ARGS='-k cable'.
        """
        path = ROOT / ("docs/reliability.md" if LONG else "build/test/reliability.md")
        path.parent.mkdir(parents=True, exist_ok=True)
        told = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(merged(told, self.table, self.rows, fuzzed()), encoding="utf-8")


def merged(told: str, table: Table, rows: dict[str, str], fuzz: str) -> str:
    """The report with these rows of one table; all else as it was told."""
    parts = []
    for one in TABLES:
        found = told.partition(one.columns + "\n")[2].splitlines()[1:]
        there = dict.fromkeys(itertools.takewhile(lambda line: line.startswith("| "), found))
        lines = {line[2:].split(" | ")[0]: line for line in there}
        if one is table:
            lines.update(rows)
        if lines:
            ruler = "|---" * (one.columns.count("|") - 1) + "|"
            parts.append("\n".join([one.head, one.columns, ruler, *lines.values(), ""]))
    before = told.partition(FUZZED)
    return "\n".join([*parts, fuzz or before[1] + before[2]]).rstrip() + "\n"


def fuzzed() -> str:
    """What `make fuzz` has counted in this tree so far; empty where it has not run."""
    counted = ROOT / "build/fuzz/inputs.json"
    if not counted.exists():
        return ""
    inputs = json.loads(counted.read_text(encoding="utf-8"))
    return (
        f"{FUZZED} (`make fuzz`): {len(inputs)} targets, "
        f"{sum(inputs.values()):,} inputs\naltogether. What was found on the way is in tests/corpus.\n"
    )


def send_in_background(host) -> None:
    """The host sends IPv4 packets until stop_sending(); two a second."""
    host.check(f"(setsid ping -i 0.5 {addresses.INTERNET4} > /dev/null 2>&1 & echo $! > /tmp/sending)")


def stop_sending(host) -> None:
    """Ends it."""
    host.check("kill $(cat /tmp/sending)")
