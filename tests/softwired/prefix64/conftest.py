# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a cable between a router and the machine, and softwired's process there."""

import pytest

from tests.softwired.prefix64 import lab


@pytest.fixture
def machine(cable, tmp_path):
    made = lab.Machine(cable, tmp_path)
    yield made
    made.close()


@pytest.fixture
def router(cable):
    made = lab.Router(cable.client)
    yield made
    made.close()
