# SPDX-License-Identifier: Apache-2.0
"""Lightweight 4over6 from end to end: ports by DHCPv4 over DHCPv6, a strict lwAFTR, NAT on these ports alone.

Two operators' lines: scattered ports with the border router beside the lease (RFC 8539), and ports in a row with the
border router told by DHCPv6 (RFC 7598). The lwAFTR's second subscriber is a host without NAT.
"""

import json
import types
from ipaddress import IPv6Address

import pytest

from softwire.tunnel import PortSet
from tests.lab import addresses
from tests.lab.guest import Namespace
from tests.system import programs
from tests.system.doctor import Told
from tests.system.household import CLIENT_ID, Household

S46_BR, S46_BIND_PREFIX, SOURCE, PORTS = 90, 137, 109, 159
SERVER, PORT = addresses.INTERNET4, 7
ROUTER = IPv6Address(addresses.LWAFTR).packed
# The softwire's own end: zeros, address, PSID (RFC 7596 section 5.1).
END = "2001:db8:4000:300:0:cb00:71c8:"
KINDS = {
    "lw4o6": types.SimpleNamespace(
        ports=PortSet(6, 8, 52),
        option=b"\x06\x08\x34\x00",
        end=END + "34",
        # Beside each response, and inside.
        beside={S46_BR: ROUTER, S46_BIND_PREFIX: b"\x24" + IPv6Address("2001:db8:4000::").packed[:5]},
        source={SOURCE: IPv6Address(END + "34").packed},
    ),
    "lw4o6-range": types.SimpleNamespace(
        ports=PortSet(0, 6, 5), option=b"\x00\x06\x14\x00", end=END + "5", beside={}, source={}
    ),
}


def numbers(ports):
    return [port for first, last in ports.ranges() for port in range(first, last + 1)]


@pytest.fixture(scope="module", params=KINDS)
def moved(booted, server, request):
    """The lab's line and server as these, once for all tests of one kind."""
    server.become(request.param)
    household = Household(booted, server, request.param)
    household.kind = KINDS[request.param]
    household.mark()
    household.line.wait_for_softwire(addresses.SHARED_IPV4)
    with programs.running(booted.lab.access, "flows", f"serve {SERVER} {PORT}", namespace="inet4"):
        yield household
    server.become("dhcp4o6")
    booted.changed = True
    booted.restore()


@pytest.fixture
def household(moved):
    """Nothing of what a test does comes from a foreign port, and the softwire passes packets behind it as before."""
    moved.mark()
    dropped = moved.lab.access.check("sh /lab/access/lwaftr dropped")
    yield moved
    assert moved.line.seen_by_ipv4() == addresses.SHARED_IPV4
    assert moved.lab.access.check("sh /lab/access/lwaftr dropped") == dropped


def flows(where, count, *own):
    """The ports under which the internet's server saw as many conversations."""
    command = f"python3 /tmp/flows.py open {SERVER} {PORT} {count} {' '.join(map(str, own))}"
    return json.loads(where.check(command, 300))


def test_lease(household):
    """The exchange: ports in OFFER, REQUEST and ACK, the softwire's end where RFC 8539 has it; and what comes of it."""
    kind = household.kind
    household.router.check("/sbin/ifdown wan")
    household.line.wait_until_gone()
    household.mark()
    household.router.check("/sbin/ifup wan")
    household.line.wait_for_softwire(addresses.SHARED_IPV4)
    discover, request = household.options()[:2]
    offer, ack = household.options(False)[:2]
    assert [message[0] for message in (discover, offer, request, ack)] == [
        "DISCOVER",
        "OFFER",
        "REQUEST",
        "ACK",
    ]
    # Options 90 and 137 are asked for with the DISCOVER.
    assert discover[1] == {6: b"\0\x5a\0\x89"} and request[1] == {}
    assert (offer[1], ack[1]) == (kind.beside, kind.beside)
    assert PORTS not in discover[2] and PORTS in discover[2][55]
    assert [message[2][PORTS] for message in (offer, request, ack)] == [kind.option] * 3
    for message, source in (discover, {}), (offer, {}), (request, kind.source), (ack, kind.source):
        assert message[2].get(SOURCE) == source.get(SOURCE), message[0]
    assert household.leases() == {addresses.SHARED_IPV4: CLIENT_ID}
    tunnel = household.line.status()["tunnel"]
    assert (tunnel["local"], tunnel["remote"]) == (kind.end, addresses.LWAFTR)
    assert tunnel["ports"] == list(kind.ports.key())
    assert household.lease()["softwire_source"] == bool(kind.source)
    assert f" remote {addresses.LWAFTR} local {kind.end} " in household.router.check(
        "/sbin/ip -d link show dev sw-wan"
    )


def test_only_these_ports(household):
    """A LAN host is seen at the leased ports alone; status tells how many there are, and the doctor finds no fault."""
    own = numbers(household.kind.ports)
    seen = flows(household.lanhost, 40)
    assert len(set(seen)) == 40 and set(seen) <= set(own)
    use = household.line.status()["port_use"]
    assert (use["count"], use["full"]) == (len(own), []) and use["used"]["udp"] >= 40
    assert f" of {len(own)} in use" in household.router.check("softwire status wan")
    told = Told(household.line, host=SERVER)
    assert told.wrong() == [] and told.at("ports"), told.findings
    size = household.lanhost.check(
        f"curl -4 -s -m 150 -o /dev/null -w '%{{size_download}}' http://{SERVER}/big", 180
    )
    assert size.strip() == "4194304"


def test_the_other_subscriber(moved):
    """The same address with the next identifier: its own ports pass, ours do not, since the lwAFTR is strict."""
    ports = moved.kind.ports
    neighbour = Namespace(moved.lab.access, "lwneighbour")
    theirs = PortSet(ports.offset, ports.length, ports.psid + 1).ranges()[0][0]
    assert flows(neighbour, 1, addresses.SHARED_IPV4, theirs) == [theirs]
    before = int(moved.lab.access.check("sh /lab/access/lwaftr dropped"))
    assert flows(neighbour, 1, addresses.SHARED_IPV4, ports.ranges()[0][0]) == [None]
    assert int(moved.lab.access.check("sh /lab/access/lwaftr dropped")) > before


def test_renewal(household):
    """Ports and the softwire's end are asked for again, and stay as they are."""
    before = household.line.ifindex()
    household.renew()
    (request,), (ack,) = household.options(), household.options(False)
    for kind, _, inside in request, ack:
        assert (inside[PORTS], inside.get(SOURCE)) == (
            household.kind.option,
            household.kind.source.get(SOURCE),
        ), kind
    assert household.line.ifindex() == before


def test_probe(household):
    """A dry run shows which ports there would be, and takes nothing: the lease goes on."""
    output, status = household.router.run("softwire probe wan", 120)
    ranges = household.kind.ports.ranges()
    where = f"{ranges[0][0]}-{ranges[0][1]}"
    where = f"{len(ranges)} ranges from {where} on" if len(ranges) > 1 else where
    assert status == 0 and f"ports of a shared address: {where}" in output, output
    assert household.kinds() == ["DISCOVER"] and household.kinds(False) == ["OFFER"]


def test_killed(household):
    """The next client asks for what it finds remembered: address, ports and end."""
    household.kill()
    household.wait(lambda: "ACK" in household.kinds(False), 60, "a DHCPACK")
    kind, _, inside = household.options()[0]
    assert (kind, inside[PORTS], inside.get(SOURCE)) == (
        "REQUEST",
        household.kind.option,
        household.kind.source.get(SOURCE),
    )
    assert "DISCOVER" not in household.kinds()
    household.line.wait_for_softwire(addresses.SHARED_IPV4)


def test_keas_own_half(household):
    """Ports need nothing of ours: both halves Kea's."""
    if household.kind.beside:
        pytest.skip("Kea's own half has no options 90 and 137")
    household.say("half kea")
    try:
        household.router.check("/sbin/ifdown wan; /sbin/ifup wan")
        household.line.wait_for_softwire(addresses.SHARED_IPV4)
        assert household.kinds()[-2:] == ["DISCOVER", "REQUEST"]
    finally:
        household.say("half ours")


def test_release(household):
    """At teardown the lease is given back with its ports (RFC 7618), without the end (RFC 8539)."""
    household.router.check("/sbin/ifdown wan")
    household.wait(lambda: not household.leases(), 20, "Kea has the address back")
    ((kind, _, inside),) = household.options()
    assert (kind, inside[PORTS]) == ("RELEASE", household.kind.option) and SOURCE not in inside
    household.router.check("/sbin/ifup wan")
    household.line.wait_for_softwire(addresses.SHARED_IPV4)
