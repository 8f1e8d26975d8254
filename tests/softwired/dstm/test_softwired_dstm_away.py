# SPDX-License-Identifier: Apache-2.0
"""Border routers that are away: what becomes of the addresses that they carried."""

import socket
import time

import pytest

from softwire.address import format_ipv4, parse_ipv4, parse_ipv6
from tests.softwired.dstm import parts
from tests.softwired.network import until

TEPS = ["2001:db8:b::1", "2001:db8:b::2"]


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


class Site:
    """A server and two border routers in a namespace of their own, and nodes that ask there."""

    def __init__(self, cable, folder):
        self.cable = cable
        for one in TEPS:
            cable.server.run("ip", "address", "replace", f"{one}/128", "dev", "lo", "nodad")
        self.teps = [parts.Tep(address=one, make=cable.server.open) for one in TEPS]
        self.server = parts.Server(folder / "one", listen=[TEPS[0]], port=3653)
        self.server.popen = cable.server.start
        self.nodes = []

    def start(self, pools=None, **more):
        pools = pools or [{"addresses": ["198.51.100.1-198.51.100.4"], "teps": TEPS}]
        self.server.configure(pool=pools, tep=[parts.tep(one, **more) for one in self.teps])
        self.server.start()
        until(lambda: all(one["alive"] for one in self.status()), "both border routers are there")

    def status(self):
        return self.server.status()["teps"]

    def node(self):
        """A connection, over the machine's own loopback device."""
        made = self.cable.server.open(socket.AF_INET6, socket.SOCK_STREAM)
        made.settimeout(20)
        made.connect((TEPS[0], 3653))
        self.nodes.append(parts.Node(made).login())
        return self.nodes[-1]

    def nodes_of(self, tep, count):
        """{number: connection} of nodes that have an address at a border router; they have several at it alone."""
        found = {}
        for number in range(1, 200):
            node = self.node()
            code, told = node.ask(parts.create(name(number)))
            assert code == 200
            if told.server.ipv6 == [parse_ipv6(tep)]:
                found[number] = node, format_ipv4(told.client.ipv4)
                if len(found) == count:
                    return found
            else:
                node.ask(parts.create(name(number), format_ipv4(told.client.ipv4), action="delete"))
                node.close()
        raise AssertionError("none is at that border router")

    def close(self):
        for node in self.nodes:
            node.close()
        self.server.kill()
        for tep in self.teps:
            tep.close()


def name(number):
    return f"2001:db8:1::{number:x}"


@pytest.fixture
def site(cable, tmp_path):
    made = Site(cable, tmp_path)
    yield made
    made.close()
    assert "INTERNAL" not in made.server.log and "Traceback" not in made.server.log, made.server.log


def test_a_border_router_that_is_gone(site):
    """Its nodes are told, and have addresses at the other one; what they had is nobody's until it is back."""
    site.start(gone_after=2)
    ((number, (node, before)),) = site.nodes_of(TEPS[0], 1).items()
    site.teps[0].close()
    began = time.monotonic()
    code, told = node.hear()
    assert time.monotonic() - began >= 2
    assert (code, told.action, format_ipv4(told.client.ipv4)) == (200, "delete", before)
    code, told = node.ask(parts.create(name(number)))
    assert (
        code == 200 and told.server.ipv6 == [parse_ipv6(TEPS[1])] and format_ipv4(told.client.ipv4) != before
    )
    assert [one["gone"] for one in site.status()] == [True, False]
    assert "is gone for 2 s" in site.server.log
    # The others get three of the four.
    codes = [site.node().ask(parts.create(name(other)))[0] for other in range(201, 204)]
    assert codes == [200, 200, 306]
    assert {one["address"]: one["ending"] for one in site.server.leases()}[before] is True
    site.teps[0].open()
    until(lambda: before not in {one["address"] for one in site.server.leases()}, "it forgot it", 60)
    assert [one["gone"] for one in site.status()] == [False, False]
    assert site.node().ask(parts.create(name(203)))[0] == 200
    assert site.teps[0].twice == site.teps[1].twice == 0


def test_nodes_wait_where_nobody_says_otherwise(site):
    """The default; a renewal is granted, and the address stays."""
    site.start()
    ((number, (node, before)),) = site.nodes_of(TEPS[0], 1).items()
    site.teps[0].close()
    assert not parts.wait_readable(node, 4)
    code, told = node.ask(parts.create(name(number), before))
    assert code == 200 and format_ipv4(told.client.ipv4) == before


def test_a_border_router_that_comes_and_goes(site):
    """Each time shorter than that."""
    site.start(gone_after=4)
    ((number, (node, before)),) = site.nodes_of(TEPS[0], 1).items()
    for _ in range(3):
        site.teps[0].close()
        assert not parts.wait_readable(node, 2)
        site.teps[0].open()
        until(lambda: site.status()[0]["alive"], "it is back")
    assert node.ask(parts.create(name(number), before))[0] == 200


def test_no_border_router_answers(site):
    """It may be the server that nobody reaches; when one is back, the other one has its time from then on."""
    site.start(gone_after=2)
    ((_, (node, _)),) = site.nodes_of(TEPS[0], 1).items()
    for tep in site.teps:
        tep.close()
    assert not parts.wait_readable(node, 5)
    assert [one["gone"] for one in site.status()] == [False, False]
    site.teps[1].open()
    until(lambda: site.status()[1]["alive"], "one is back", 60)
    assert not parts.wait_readable(node, 1)
    assert node.hear()[1].action == "delete"


def test_no_more_than_there_is_room_for(site):
    """Who cannot have another address keeps what it has, whatever it asks for."""
    pools = [
        {"addresses": ["198.51.100.1-198.51.100.3"], "teps": TEPS[:1]},
        {"addresses": ["203.0.113.1"], "teps": TEPS[1:]},
    ]
    site.start(pools, gone_after=2)
    nodes = site.nodes_of(TEPS[0], 3)
    site.teps[0].close()
    told = until(lambda: [one for one in nodes if parts.wait_readable(nodes[one][0], 0)], "one is told")
    (number,) = told
    assert nodes[number][0].hear()[1].action == "delete"
    assert not any(parts.wait_readable(node, 2) for node, _ in nodes.values())
    code, info = nodes[number][0].ask(parts.create(name(number)))
    assert code == 200 and info.server.ipv6 == [parse_ipv6(TEPS[1])]
    for other, (node, before) in nodes.items():
        if other != number:
            for held in (before, ""):
                code, info = node.ask(parts.create(name(other), held))
                assert code == 200 and format_ipv4(info.client.ipv4) == before
    # There is room again: now they move when they renew.
    nodes[number][0].ask(parts.create(name(number), "203.0.113.1", action="delete"))
    until(lambda: "203.0.113.1" not in {one["address"] for one in site.server.leases()}, "it is free")
    (other, (node, before)), *_ = [item for item in nodes.items() if item[0] != number]
    assert node.ask(parts.create(name(other), before))[0] == 308
    assert format_ipv4(node.ask(parts.create(name(other)))[1].client.ipv4) == "203.0.113.1"


def test_new_nodes_do_not_wait_for_it(site):
    """A pool whose border routers are away comes after one of which one is there, also before it is gone."""
    pools = [{"addresses": [f"198.51.100.{one}"], "teps": [tep]} for one, tep in enumerate(TEPS, 1)]
    site.start(pools)
    site.teps[0].close()
    until(lambda: not site.status()[0]["alive"], "it is away")
    assert site.node().ask(parts.create())[1].server.ipv6 == [parse_ipv6(TEPS[1])]
