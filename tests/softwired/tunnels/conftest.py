# SPDX-License-Identifier: Apache-2.0
"""Databases and a page that end with their test."""

import os
import pathlib
import tempfile

import pytest

from tests.softwired import recovery
from tests.softwired.dstm.conftest import cluster, postgres  # noqa: F401
from tests.softwired.tunnels import parts
from tests.softwired.tunnels.webpage import WebPage
from tests.system import reliability


@pytest.fixture(scope="session", autouse=True)
def recoveries(tmp_path_factory):
    """What tests tell of recoveries is in the report."""
    told = tmp_path_factory.mktemp("recoveries") / "told"
    os.environ[recovery.FILE] = str(told)
    yield
    del os.environ[recovery.FILE]
    if told.exists():
        report = reliability.Report(reliability.TUNNELS)
        report.read(told.read_text(encoding="utf-8"))
        report.write()


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
