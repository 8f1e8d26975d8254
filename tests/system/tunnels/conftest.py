# SPDX-License-Identifier: Apache-2.0
"""These tests run in the guest, whose kernel has tunnels: test_tunnels_in_guest.py boots it. Also by hand, as root,
where sit is there: SOFTWIRE_GUEST=1 python -m pytest tests/system/tunnels."""

import os

import pytest

IN_GUEST = "SOFTWIRE_GUEST" in os.environ

collect_ignore = ["test_tunnels_in_guest.py"] if IN_GUEST else []
collect_ignore_glob = [] if IN_GUEST else ["test_tunnels_[!i]*.py"]


@pytest.fixture
def machine(tmp_path):
    from tests.system.tunnels.machine import Machine

    made = Machine(tmp_path)
    try:
        yield made
    finally:
        made.close()
