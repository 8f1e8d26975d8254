# SPDX-License-Identifier: Apache-2.0
"""Tests of a folder beside this file that run in the lab's guest, whose kernel has tunnels."""

from __future__ import annotations

import contextlib
import pathlib
import typing

from tests.lab.guest import Guest, pack
from tests.lab.lab import guest_image
from tests.softwired import recovery

TREE = pathlib.Path(__file__).resolve().parents[2]
THERE = "/root/softwire"


def parts(name: str) -> list[str]:
    """The files of the folder that run there."""
    return sorted(path.stem for path in pathlib.Path(__file__).parent.glob(f"{name}/test_{name}_[!i]*.py"))


@contextlib.contextmanager
def machine(
    name: str,
    folder: pathlib.Path,
    kind: type[Guest] = Guest,
    more: typing.Sequence[tuple[pathlib.Path, str]] = (),
) -> typing.Iterator[Guest]:
    """A guest with the sources, the folder's tests, and other folders by their paths in the guest."""
    folders = ("src", "tests/softwired", f"tests/system/{name}")
    files = folder / "files.tar"
    pack([*((TREE / one, f"{THERE}/{one}") for one in folders), *more], files)
    made = kind(name, folder, 768, [], files)
    try:
        made.power_on(guest_image())
        made.log_in()
        made.unpack()
        yield made
    finally:
        made.power_off()


def run(guest: Guest, name: str, part: str) -> str:
    """One file of them, in which nothing may fail or be skipped; what it told of recoveries."""
    # tests/conftest.py and pyproject.toml stay out: they want what the guest lacks
    output, status = guest.run(
        f"cd {THERE}; rm -f /tmp/told; export {recovery.FILE}=/tmp/told SOFTWIRE_GUEST=1 PYTHONPATH=src:.;"
        f" python3 -m pytest -q -c /dev/null --rootdir=."
        f" -p no:cacheprovider --confcutdir=tests/system/{name} tests/system/{name}/{part}.py",
        900,
    )
    assert status == 0, output
    assert " passed" in output and "skipped" not in output
    return guest.run("cat /tmp/told 2> /dev/null")[0]
