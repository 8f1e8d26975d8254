# SPDX-License-Identifier: Apache-2.0
"""Databases and a page that end with their test."""

import pathlib
import tempfile

import pytest

from tests.softwired.dstm.conftest import cluster, postgres  # noqa: F401
from tests.softwired.tunnels import parts
from tests.softwired.tunnels.webpage import WebPage


@pytest.fixture
def values(tmp_path):
    return parts.values(tmp_path)


@pytest.fixture
def database(values):
    made = parts.store(values.database)
    yield made
    made.close()


@pytest.fixture
def web(cable):
    # pytest's own folders are nobody else's to enter.
    with tempfile.TemporaryDirectory() as folder:
        made = WebPage(cable, pathlib.Path(folder))
        yield made
        made.close()
