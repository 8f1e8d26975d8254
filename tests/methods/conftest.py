# SPDX-License-Identifier: Apache-2.0
"""A line in network namespaces, for each interpreter that this machine has."""

import pytest

from tests.methods import servers
from tests.softwired import network
from tests.softwired.kea import household


@pytest.fixture(scope="session")
def cable():
    try:
        made = network.Cable()
    except network.NoNamespace as error:
        pytest.skip(f"no network namespaces here: {error}")
    yield made
    made.close()


@pytest.fixture(params=["cpython", "micropython"])
def line(request, cable, tmp_path):
    command = household.interpreters().get(request.param)
    if command is None:
        pytest.skip(f"no {request.param}: tests/setup.sh arch fetches it")
    # A folder that others may enter: unbound and nginx look at their own rights.
    made = servers.Line(cable, tmp_path, command)
    yield made
    made.close()
