# SPDX-License-Identifier: Apache-2.0
"""softwired is for CPython 3.11 and newer; the tests of what runs on routers take an older one, too."""

import sys

import pytest

if sys.version_info < (3, 11):  # noqa: UP036
    collect_ignore_glob = ["*"]


@pytest.fixture
def cable():
    """Between a server and a client, for one test; its namespaces end with it."""
    from tests.softwired import network

    try:
        made = network.Cable()
    except network.NoNamespace as error:
        pytest.skip(f"no network namespaces here: {error}")
    yield made
    made.close()
