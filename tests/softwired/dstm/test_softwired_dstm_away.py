# SPDX-License-Identifier: Apache-2.0
"""Border routers that are away: what becomes of the addresses that they carried."""

from softwire.address import parse_ipv4, parse_ipv6
from tests.softwired.dstm import parts
from tests.softwired.network import until


def test_a_renewal_after_a_restart(server, tep):
    """The server was started anew, and does not know what the border router carries: the node keeps what it has until
    its time is over, and nobody else gets it; a lease that is new ends."""
    node = server.node()
    assert node.ask(parts.create())[0] == 200
    tep.close()
    server.kill()
    server.start()
    node = server.node()
    assert node.ask(parts.create(ipv4="198.51.100.1"))[0] == 307
    (lease,) = server.leases()
    assert not lease["ending"]
    assert server.node().ask(parts.create("2001:db8:1::2"))[0] == 307
    until(lambda: sorted(one["ending"] for one in server.leases()) == [False, True], "that one has ended")
    tep.open()
    until(lambda: server.status()["teps"][0]["alive"], "the border router is back")
    code, info = node.ask(parts.create(ipv4="198.51.100.1"))
    assert (code, info.client.ipv4) == (200, parse_ipv4("198.51.100.1"))
    assert tep.mappings == {info.client.ipv4: parse_ipv6(parts.NODE)} and tep.twice == 0


def test_a_reload_that_takes_addresses_away(serve, tep):
    """Nodes that are connected are told by a Tunnel Delete, those whose addresses stay are not; the others hear of it
    when they renew."""
    server = serve(pool=[parts.pool("198.51.100.1-198.51.100.3")], tep=[parts.tep(tep)])
    nodes = [server.node() for _ in range(3)]
    for number, node in enumerate(nodes, 1):
        assert node.ask(parts.create(f"2001:db8:1::{number}"))[0] == 200
    nodes[2].close()
    server.configure(pool=[parts.pool("198.51.100.1"), parts.pool("203.0.113.0/29")])
    server.reload()
    code, told = nodes[1].hear()
    assert (code, told.action) == (200, "delete")
    assert told.client.ipv4 == parse_ipv4("198.51.100.2")
    assert nodes[1].ask(parts.create("2001:db8:1::2"))[1].client.ipv4 == parse_ipv4("203.0.113.1")
    assert not parts.wait_readable(nodes[0], 2)
    held = {one["address"]: one["ending"] for one in server.leases()}
    assert held == {"198.51.100.1": False, "198.51.100.3": False, "203.0.113.1": False}
    assert server.node().ask(parts.create("2001:db8:1::3", "198.51.100.3"))[0] == 308
    assert tep.twice == 0
