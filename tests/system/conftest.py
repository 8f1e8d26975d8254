# SPDX-License-Identifier: Apache-2.0
"""The lab's line for system tests: up once, and put back behind each test that changed it."""

import pytest

from tests.system import processes
from tests.system.router import Line


def pytest_collection_modifyitems(items):
    """What looks back at the whole run comes last."""
    items.sort(key=lambda item: item.path.name == "test_secrets.py")


@pytest.fixture(scope="session")
def booted(lab):
    """The line after the first time that it came up by itself; every program that the router starts is noted."""
    processes.watch(lab.router)
    line = Line(lab)
    line.wait_for_softwire()
    return line


@pytest.fixture
def line(booted):
    """The working line; whatever a test changed is put back behind it."""
    yield booted
    booted.restore()
