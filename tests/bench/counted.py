# SPDX-License-Identifier: Apache-2.0
"""A part of the bench that runs in a guest whose clock counts instructions, whatever else this machine does.

There are no caches and one processor.
"""

from __future__ import annotations

import json
import tempfile
import typing
from pathlib import Path

from tests.lab.guest import Guest, pack
from tests.lab.lab import ROOT, guest_image

THERE = "/root/softwire"


class Counted(Guest):
    """Each instruction takes a nanosecond of the guest's clock, and waiting takes no time of ours."""

    accelerator = "tcg,thread=single"


def measure(name: str, folders: typing.Sequence[str], patience: float = 1800) -> dict[str, typing.Any]:
    """What tests/bench/guest/<name>.py tells, with these folders of the tree beside it; LabError."""
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "files.tar"
        pack([(ROOT / one, f"{THERE}/{one}") for one in (*folders, "tests/bench/guest")], files)
        machine = Counted(name, Path(folder), 768, [], files)
        machine.extra = ["-icount", "shift=0,sleep=off"]
        try:
            machine.power_on(guest_image())
            machine.log_in()
            machine.unpack()
            told = machine.check(
                f"cd {THERE}; PYTHONPATH=src:. python3 tests/bench/guest/{name}.py", patience
            )
        finally:
            machine.power_off()
    return typing.cast("dict[str, typing.Any]", json.loads(told.strip().splitlines()[-1]))


def of_plain(result: dict[str, typing.Any], tunnels: dict[str, typing.Any]) -> list[tuple[str, ...]]:
    """Instructions a packet without the sender's, and the rate beside the plain device's; the first row is the head."""
    found: list[tuple[str, ...]] = [("", "up", "of plain", "down", "of plain")]
    own = {way: result["plain"][way] - result["sending"][way] for way in ("up", "down")}
    for name, one in (("plain device", result["plain"]), *tunnels.items()):
        row = [name]
        for way in ("up", "down"):
            instructions = one[way] - result["sending"][way]
            row += [f"{instructions:,.0f}", f"{own[way] / instructions:.2f}"]
        found.append(tuple(row))
    return found
