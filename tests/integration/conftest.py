# SPDX-License-Identifier: Apache-2.0
"""Which of these tests run where: those marked guest in the guest, which has the servers, the others on the host."""

import os

IN_GUEST = "SOFTWIRE_GUEST" in os.environ  # set by test_in_guest.py

collect_ignore = ["test_in_guest.py", "test_port_set.py"] if IN_GUEST else []


def pytest_configure(config):
    config.addinivalue_line("markers", "guest: runs in the guest, where test_in_guest.py takes it")


def pytest_collection_modifyitems(config, items):
    """On the host they are left to test_in_guest.py, unless named: pytest -m guest, as root with freeradius."""
    if not IN_GUEST and not config.option.markexpr:
        left = [item for item in items if item.get_closest_marker("guest")]
        if left:
            items[:] = [item for item in items if item not in left]
            config.hook.pytest_deselected(items=left)
