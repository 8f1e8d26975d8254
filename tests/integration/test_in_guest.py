# SPDX-License-Identifier: Apache-2.0
"""Boots the lab's guest, which has FreeRADIUS and the router's MicroPython, and runs test_freeradius.py in it."""

import pathlib

import pytest

from tests.lab.guest import Guest, pack
from tests.lab.lab import guest_image

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TREE = "/root/softwire"
FOLDERS = ("src", "files", "tests/integration")


@pytest.fixture(scope="module")
def guest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guest")
    files = folder / "files.tar"
    pack([(REPOSITORY / name, f"{TREE}/{name}") for name in FOLDERS], files)
    machine = Guest("integration", folder, 384, [], files)
    try:
        machine.power_on(guest_image())
        machine.log_in()
        machine.check("tar -xf /dev/vdb -C /")
        yield machine
    finally:
        machine.power_off()


def test_freeradius(guest):
    # tests/conftest.py and pyproject.toml stay out: they want what the guest lacks
    output, status = guest.run(
        f"cd {TREE}; SOFTWIRE_GUEST=1 python3 -m pytest -q -c /dev/null --rootdir=. -p no:cacheprovider"
        " --confcutdir=tests/integration tests/integration",
        900,
    )
    assert status == 0, output
    assert " passed" in output and "skipped" not in output
