# SPDX-License-Identifier: Apache-2.0
"""Border routers, servers and databases that end with their test."""

import os
import pathlib
import tempfile

import pytest

from tests.softwired.dstm import parts


@pytest.fixture
def tep():
    made = parts.Tep()
    yield made
    made.close()


@pytest.fixture
def serve(tmp_path):
    """serve(table) -> a server that runs."""
    running = []

    def start(name="one", **table):
        server = parts.Server(tmp_path / name, **table)
        running.append(server)
        return server.start()

    yield start
    for server in running:
        server.kill()
        assert "INTERNAL" not in server.log and "Traceback" not in server.log, server.log


@pytest.fixture
def server(serve, tep):
    """A server with a pool and a border router."""
    return serve(pool=[parts.pool()], tep=[parts.tep(tep)])


@pytest.fixture(scope="session")
def cluster():
    if not parts.find_postgres():
        pytest.fail("PostgreSQL is not here: tests/setup.sh server installs it")
    # A socket's path may not be long, and pytest's folders are nobody else's to enter.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        made = parts.Postgres(pathlib.Path(folder) / "p")
        yield made
        made.stop()


@pytest.fixture
def postgres(cluster):
    """A database without tables."""
    from softwired.dstm.leases import metadata
    from softwired.store import Store

    store = Store(cluster.url, metadata)
    metadata.drop_all(store.engine)
    store.close()
    return cluster
