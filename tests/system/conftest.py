# SPDX-License-Identifier: Apache-2.0
"""The lab for system tests: the line, up once, and put back behind each test that changed it; the server machine."""

import re

import pytest

from tests.system import processes
from tests.system.router import Line

# What a failure's report shows of the router, whose state is another one by the time that anybody can look.
ROUTER_STATE = """softwire status; ifstatus wan; ifstatus wan6; ip -6 address; ip -4 route; ip -6 route
ip -6 neigh; nft list ruleset; cat /proc/net/nf_conntrack; /sbin/logread | tail -n 60"""


def pytest_collection_modifyitems(items):
    """What looks back at the whole run comes last."""
    items.sort(key=lambda item: item.path.name in ("test_small_memory.py", "test_secrets.py"))


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


@pytest.fixture(scope="session")
def server(lab):
    """The lab's server machine, which no other test waits for."""
    if not lab.server.shell:
        lab.start_server("dhcp4o6")
    return lab.server


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the router's state to the report of a test that failed while the line was there."""
    outcome = yield
    line = getattr(item, "funcargs", {}).get("booted")
    if call.when == "call" and call.excinfo and line:
        told = (f"# {command}\n{line.router.run(command)[0]}" for command in re.split("[;\n]", ROUTER_STATE))
        outcome.get_result().sections.append(("the router", "\n".join(told)))
