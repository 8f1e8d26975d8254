# SPDX-License-Identifier: Apache-2.0
"""Boots the lab's guest with systemd, which runs hosts' network managers, and our units from the package, in it."""

import pytest

from tests.lab.guest import SystemdGuest
from tests.lab.server import PACKAGES, repository
from tests.system import in_guest

TUNNELS = "tests/system/tunnels"


@pytest.fixture(scope="module")
def guest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guest")
    more = [
        (in_guest.TREE / TUNNELS, f"{in_guest.THERE}/{TUNNELS}"),
        (repository(folder / "packages"), PACKAGES),
    ]
    with in_guest.machine("systemd", folder, SystemdGuest, more) as made:
        yield made


@pytest.mark.parametrize("part", in_guest.parts("systemd"))
def test_in_guest(guest, part):
    in_guest.run(guest, "systemd", part)
