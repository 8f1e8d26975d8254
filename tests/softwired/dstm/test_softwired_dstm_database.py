# SPDX-License-Identifier: Apache-2.0
"""The database does not answer for a while, just when the server has something else to ask it than for a node."""

import sqlite3

import pytest

from softwire.address import parse_ipv4, parse_ipv6
from softwired.counters import Counters
from softwired.dstm import leases as jobs
from softwired.dstm import server as service
from softwired.dstm.leases import Lease, Request
from softwired.log import Log
from softwired.loop import Loop
from softwired.service import Frame
from softwired.store import Store
from tests.softwired.dstm import parts
from tests.softwired.dstm.test_softwired_dstm_pool import values
from tests.softwired.network import until


@pytest.fixture
def locked(server):
    """locked() -> what lets the database go again; until then the server hears that it is locked."""
    connections = []

    def lock():
        made = sqlite3.connect(server.folder / "dstm.db", isolation_level=None)
        connections.append(made)
        made.execute("BEGIN IMMEDIATE")
        return made.rollback

    yield lock
    for one in connections:
        one.close()


def fails(server):
    """Until all that the server has asked by now has failed: who asks behind it is told so."""
    node = server.node()
    node.socket.settimeout(60)
    assert node.ask(parts.create("2001:db8:1::2"))[0] == 530


def test_a_reload(server, locked):
    """What it says holds once the database is there again, and nodes that are connected are told."""
    node = server.node()
    assert node.ask(parts.create())[0] == 200
    release = locked()
    server.configure(pool=[parts.pool("203.0.113.0/29")])
    server.reload()
    fails(server)
    release()
    code, told = node.hear()
    assert (code, told.action) == (200, "delete")
    assert node.ask(parts.create())[1].client.ipv4 == parse_ipv4("203.0.113.1")


def test_a_border_router_that_comes_back_without_memory(server, tep, locked):
    """It is told all leases once they can be read."""
    assert server.node().ask(parts.create())[0] == 200
    release = locked()
    tep.close()
    tep.mappings.clear()
    until(lambda: not server.status()["teps"][0]["alive"], "the border router is away")
    tep.open()
    until(lambda: server.status()["teps"][0]["alive"], "it is back")
    fails(server)
    release()
    until(lambda: tep.mappings == {parse_ipv4("198.51.100.1"): parse_ipv6(parts.NODE)}, "it was told")


def test_what_another_server_ended_is_not_remembered(tmp_path):
    """Which leases a border router carries is in memory: those that another server of the database ended go, too."""
    url, more = f"sqlite:///{tmp_path}/dstm.db", {"listen": ["::1"], "port": parts.free_port()}
    table, other = (
        values(name, url, [parts.pool("198.51.100.0/28")], tep=[parts.tep()], **more)
        for name in ("one", "two")
    )
    loop = Loop()
    one = service.make(Frame(loop, Log("dstm"), Counters("dstm"), str(tmp_path)), table)
    store = Store(url, jobs.metadata)
    one.open()
    one.start()
    try:
        two = jobs.Leases(other, one.clock, one.teps)
        granted: list[Lease] = []

        def end(connection):
            lease = granted.pop()
            two.end(connection, lease.serial)
            two.release(connection, lease.serial)

        for number in range(3 * service.MORE):
            request = Request(f"2001:db8:1::{number:x}", "", "", None, False)
            one.allocate(request, lambda lease, tep: granted.append(lease), print)
            until(lambda: loop.turn(0.1) or granted, "it was given")
            store.run([end])
        until(lambda: loop.turn(0.1) or len(one.carried) <= service.MORE, "they are forgotten")
    finally:
        one.stop()
        store.close()
