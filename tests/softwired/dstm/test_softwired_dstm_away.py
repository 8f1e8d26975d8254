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
