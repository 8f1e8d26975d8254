# SPDX-License-Identifier: Apache-2.0
"""Boots the lab's guest, whose kernel has tunnels, and runs the tunnel service's tests in it."""

import pytest

from tests.system import in_guest, reliability


@pytest.fixture(scope="module")
def guest(tmp_path_factory):
    with in_guest.machine("tunnels", tmp_path_factory.mktemp("guest")) as made:
        yield made


@pytest.fixture(scope="module")
def report():
    """What the tests told of recoveries, written when all are through."""
    made = reliability.Report(reliability.TUNNELS)
    yield made
    made.write()


@pytest.mark.parametrize("part", in_guest.parts("tunnels"))
def test_in_guest(guest, report, part):
    report.read(in_guest.run(guest, "tunnels", part))
