# SPDX-License-Identifier: Apache-2.0
"""The report on faults: what happened while each lasted, and how long the softwire took to come back."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from tests.lab import addresses

ROOT = Path(__file__).resolve().parents[2]

# Each fault as long and as often as the report is to say; short otherwise.
LONG = bool(os.environ.get("FAULTS_LONG"))

HEAD = """# Reliability

Each fault was injected in the lab (an access network and a router in two QEMU machines without KVM, see
[tests/lab](../tests/lab)) by `tests/system/test_faults.py`; `make faults` made this file. Recovery is the time from
the end of the fault until a LAN host's IPv4 packets passed again, found by asking twice a second. Behind each fault
there was one tunnel device, one endpoint, one client, no process left over, and native IPv6 worked. The doctor's
column has the codes by which `softwire doctor` named the fault while it lasted.

| fault | meanwhile | the doctor | IPv4 passed again after |
|---|---|---|---|
"""


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
    """The rows, in the order of the tests."""

    def __init__(self) -> None:
        self.rows: list[Recovery] = []

    def add(self, recovery: Recovery) -> None:
        """One fault that was recovered from."""
        self.rows += [*recovery.others, recovery]

    def write(self) -> None:
        """docs/reliability.md where the faults were whole, else a copy among the run's files.

        The rows of faults that this run left out stay, so that one can be injected again: make faults ARGS='-k cable'.
        """
        path = ROOT / ("docs/reliability.md" if LONG else "build/test/reliability.md")
        told = path.read_text(encoding="utf-8").partition(HEAD)[2] if path.exists() else ""
        table, _, fuzz = told.partition("\n\n")
        rows = {line.split(" | ")[0]: line for line in table.splitlines()}
        for row in self.rows:
            line = f"| {row.name} | {row.meanwhile} | {row.diagnosis} | {row.seconds:.0f} s |"
            rows[line.split(" | ")[0]] = line
        path.write_text(
            HEAD + "\n".join(rows.values()) + "\n" + (fuzzed() or fuzz and f"\n{fuzz}"), encoding="utf-8"
        )


def fuzzed() -> str:
    """What `make fuzz` has counted in this tree so far; empty where it has not run."""
    counted = ROOT / "build/fuzz/inputs.json"
    if not counted.exists():
        return ""
    inputs = json.loads(counted.read_text(encoding="utf-8"))
    return (
        f"\nEvery parser that reads the network was fuzzed (`make fuzz`): {len(inputs)} targets, "
        f"{sum(inputs.values()):,} inputs\naltogether. What was found on the way is in tests/corpus.\n"
    )


def send_in_background(host) -> None:
    """The host sends IPv4 packets until stop_sending(); two a second."""
    host.check(f"(setsid ping -i 0.5 {addresses.INTERNET4} > /dev/null 2>&1 & echo $! > /tmp/sending)")


def stop_sending(host) -> None:
    """Ends it."""
    host.check("kill $(cat /tmp/sending)")
