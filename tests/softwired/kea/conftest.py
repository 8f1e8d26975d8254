# SPDX-License-Identifier: Apache-2.0
"""A cable between two namespaces, what runs at its one end, who asks at the other."""

import pytest

from tests.softwired import network
from tests.softwired.processes import NoKea, Processes, programs


@pytest.fixture(scope="session")
def kea_programs(tmp_path_factory):
    try:
        return programs(tmp_path_factory.mktemp("kea"))
    except NoKea as error:
        pytest.fail(str(error))


@pytest.fixture(scope="session")
def cable():
    try:
        made = network.Cable()
    except network.NoNamespace as error:
        pytest.skip(f"no network namespace to be had: {error}")
    yield made
    made.close()


@pytest.fixture
def processes(cable, kea_programs, tmp_path):
    made = Processes(cable, kea_programs, tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(cable):
    made = network.Client(cable)
    yield made
    made.close()


@pytest.fixture
def relay(cable):
    """A relay agent with a global address."""
    made = network.Client(cable, network.CLIENT, 547)
    yield made
    made.close()
