# SPDX-License-Identifier: Apache-2.0
"""softwired tep in a guest whose clock counts instructions, beside a plain tunnel device: packets, start, memory.

What a packet costs there is independent of whatever else this machine does; there are no caches and one processor.

python -m tests.bench.tep
"""

from __future__ import annotations

import json
import sys
import tempfile
import typing
from pathlib import Path

from tests.bench.dhcp4o6 import OUT, table
from tests.lab.guest import Guest, LabError, pack
from tests.lab.lab import ROOT, guest_image

THERE = "/root/softwire"
FOLDERS = ("src", "tests/softwired", "tests/system/tep", "tests/bench/guest")


class Counted(Guest):
    """Each instruction takes a nanosecond of the guest's clock, and waiting takes no time of ours."""

    accelerator = "tcg,thread=single"


def measure() -> dict[str, typing.Any]:
    """What tests/bench/guest/tep.py tells."""
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "files.tar"
        pack([(ROOT / name, f"{THERE}/{name}") for name in FOLDERS], files)
        machine = Counted("tep", Path(folder), 768, [], files)
        machine.extra = ["-icount", "shift=0,sleep=off"]
        try:
            machine.power_on(guest_image())
            machine.log_in()
            machine.unpack()
            told = machine.check(f"cd {THERE}; PYTHONPATH=src:. python3 tests/bench/guest/tep.py", 1800)
        finally:
            machine.power_off()
    return typing.cast("dict[str, typing.Any]", json.loads(told.strip().splitlines()[-1]))


def rows(result: dict[str, typing.Any]) -> list[tuple[str, ...]]:
    """Instructions a packet without the sender's, and the rate beside the plain device's."""
    found: list[tuple[str, ...]] = [("", "up", "of plain", "down", "of plain")]
    own = {way: result["plain"][way] - result["sending"][way] for way in ("up", "down")}
    for name, one in (("plain device", result["plain"]), *result["tep"].items()):
        row = [name]
        for way in ("up", "down"):
            instructions = one[way] - result["sending"][way]
            row += [f"{instructions:,.0f}", f"{own[way] / instructions:.2f}"]
        found.append(tuple(row))
    return found


def main() -> int:
    try:
        result = measure()
    except LabError as error:
        print(f"bench: not measured: {error}", file=sys.stderr)
        return 1
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "tep.json").write_text(json.dumps(result, indent=2) + "\n")
    print(table(rows(result)))
    print(f"start with nothing in the kernel, 10^9 instructions: {result['start_seconds']}")
    print(f"restart with all mappings in the kernel: {result['restart_seconds']:.2f}")
    for name in ("kernel", "process"):
        told = result[f"{name}_bytes"]
        print(f"{name}: {(told['10000'] - told['1']) / 9999:,.0f} octets a mapping")
    return 0


if __name__ == "__main__":
    sys.exit(main())
