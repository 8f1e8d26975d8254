# SPDX-License-Identifier: Apache-2.0
"""DHCPv4 over DHCPv6 on the line: every state of a lease, with Debian's Kea behind softwired and a relay before it."""

import json
import time

import pytest

from tests.lab import addresses
from tests.system.household import CLIENT_ID, Household

# T1, T2 and lifetime of a lease: those of the configuration, and those with which nothing waits.
LONG, SHORT = "30 60 120", "6 14 24"
OTHER_IPV4 = "203.0.113.200"


@pytest.fixture(scope="module")
def moved(booted, server):
    """The lab's line as this one, once for all tests here."""
    household = Household(booted, server, "dhcp4o6")
    household.mark()
    household.line.wait_for_softwire()
    yield household
    booted.changed = True
    booted.restore()


@pytest.fixture
def household(moved):
    """With a lease whose times are the configuration's."""
    moved.mark()
    yield moved


def test_lease(household):
    """DISCOVER to ACK through relay and softwired; what Kea says is what the router and the LAN host have."""
    household.router.check("/sbin/ifdown wan")
    household.line.wait_until_gone()
    household.mark()
    household.router.check("/sbin/ifup wan")
    household.line.wait_for_softwire()
    assert household.kinds() == ["DISCOVER", "REQUEST"] and household.kinds(False) == ["OFFER", "ACK"]
    # Option 88 is empty: from the link-local address to the group; both would be broadcast (RFC 7341 section 6).
    assert {(flag, to) for _, flag, _, to in household.said()} == {(False, "ff02::1:2")}
    assert all(source.startswith("fe80:") for _, _, source, _ in household.said())
    assert household.leases() == {addresses.IPV4: CLIENT_ID}
    lease = household.lease()
    assert (lease["dhcpv4_server"], lease["lease"]) == ("192.0.2.66", 120)
    assert household.addresses4() == [addresses.IPV4]
    told = json.loads(household.server.check("softwired dhcp4o6 status --json"))
    assert not any(told["counters"]["families"]["dropped_total"]["values"].values())


def test_renew_and_rebind(household):
    """At T1 a REQUEST with the U flag, at T2 one without; the softwire stays as it is, server or no server."""
    before = household.line.ifindex()
    household.times(SHORT)
    household.mark()
    household.wait(lambda: "ACK" in household.kinds(False), 40, "a renewal at T1")
    assert [row[:2] for row in household.said()] == [("REQUEST", True)]

    household.server.check("systemctl stop kea-dhcp4-server")
    household.mark()
    household.wait(lambda: ("REQUEST", False) in [row[:2] for row in household.said()], 40, "a rebinding")
    assert household.said()[0][:2] == ("REQUEST", True) and household.kinds(False) == []
    assert household.line.seen_by_ipv4() == addresses.IPV4
    assert household.line.ifindex() == before


def test_expiry(household):
    """Nobody answers until the lease is over: the softwire goes; it comes back by itself with the server."""
    household.line.wait_until_gone()
    assert household.addresses4() == [] and household.line.status()["phase"] != "up"
    household.wait(lambda: "DISCOVER" in household.kinds(), 20, "it is asked for anew")
    household.say("restart kea-dhcp4-server")
    household.say(f"kea4 times '{LONG}'")
    household.line.wait_for_softwire()
    household.renew()
    assert household.lease()["lease"] == 120


def test_another_subnet(household):
    """Kea's subnet is another one: a renewal is refused, and so is a new client's question for the address it knows.

    Kea 2.6 refuses a renewal only where it finds no subnet at all; what it does not know it leaves unanswered.
    """
    household.line.access(f"tunnel {addresses.ENDPOINT} {OTHER_IPV4}")
    household.say("kea4 subnet '2 203.0.113.128/25 203.0.113.200 203.0.113.200 lo'")
    try:
        household.mark()
        household.router.check("ubus call network.interface.wan renew")
        household.wait(lambda: "NAK" in household.kinds(False), 20, "a DHCPNAK")
        household.line.wait_until_gone()
        household.say("kea4 subnet '2 203.0.113.128/25 203.0.113.200 203.0.113.200 eth0'")
        household.line.wait_for_softwire(OTHER_IPV4)
        assert household.kinds(False) == ["NAK", "OFFER", "ACK"]
        assert household.kinds()[0] == "REQUEST" and household.kinds()[-2:] == ["DISCOVER", "REQUEST"]
        assert OTHER_IPV4 in household.leases()
    finally:
        household.say("kea4 subnet '1 203.0.113.0/25 203.0.113.7 203.0.113.7 eth0'")
        household.line.access(f"tunnel {addresses.ENDPOINT} {addresses.IPV4}")
        household.mark()
        household.kill()
    household.line.wait_for_softwire()
    assert household.kinds() == ["REQUEST", "DISCOVER", "REQUEST"]
    assert household.kinds(False) == ["NAK", "OFFER", "ACK"]


def test_release(household):
    """`ifdown` gives the lease back; `ifup` asks for one anew."""
    assert addresses.IPV4 in household.leases()
    household.router.check("/sbin/ifdown wan")
    household.wait(lambda: addresses.IPV4 not in household.leases(), 20, "Kea has the address back")
    assert [row[:2] for row in household.said()] == [("RELEASE", True)]
    household.router.check("/sbin/ifup wan")
    household.line.wait_for_softwire()
    assert household.kinds() == ["RELEASE", "DISCOVER", "REQUEST"]


def test_killed(household):
    """The client is killed: the next one asks for the same address (INIT-REBOOT), and nobody for another."""
    household.kill()
    household.wait(lambda: "ACK" in household.kinds(False), 60, "a DHCPACK")
    household.line.wait_for_softwire()
    assert household.kinds() == ["REQUEST"] and not household.said()[0][1]
    assert household.lease()["server"].startswith("fe80:")


def test_other_servers(household):
    """Option 88 changes: the server itself is asked from then on; without it nobody, and the code says so."""
    before = household.line.ifindex()
    household.line.access(f"option88 {addresses.SERVER}")
    household.line.renew()
    household.renew()
    assert {(source, to) for _, _, source, to in household.said()} == {(addresses.ENDPOINT, addresses.SERVER)}
    assert household.line.ifindex() == before
    assert household.line.seen_by_ipv4() == addresses.IPV4

    household.line.access("option88 none")
    household.mark()
    household.line.renew()
    household.line.wait_for_error("NO_4O6_SERVER", 60)
    household.mark()
    time.sleep(3)
    assert household.kinds() == []

    household.line.access("option88 empty")
    household.line.renew()
    household.line.wait_for_softwire()
    assert household.said()[-1][3] == "ff02::1:2"


def test_keas_own_half(household):
    """Both halves Kea's: the lease that ours brought is renewed by it, and back."""
    household.say("half kea")
    try:
        household.renew()
        household.router.check("/sbin/ifdown wan; /sbin/ifup wan")
        household.line.wait_for_softwire()
    finally:
        household.say("half ours")
    household.renew()
    assert household.line.seen_by_ipv4() == addresses.IPV4


def test_two_softwires(household):
    """A second softwire on the line has a client id and a lease of its own."""
    second = "203.0.113.8"
    household.say("kea4 subnet '1 203.0.113.0/25 203.0.113.7 203.0.113.8 eth0'")
    set_up = (
        "uci set network.wan_b=interface; uci set network.wan_b.proto=softwire; uci set network.wan_b.tunlink=wan6;"
        " uci set network.wan_b.provisioning=dhcp4o6; uci set network.wan_b.interface_id=::2:2:2:2;"
        f" uci set network.wan_b.peeraddr={addresses.BORDER_ROUTER}; uci set network.wan_b.defaultroute=0;"
        " uci commit network; /etc/init.d/network reload"
    )
    household.router.check(set_up)
    try:
        household.wait(lambda: household.line.interface("wan_b").get("up"), 60, "wan_b is up")
        assert household.line.interface("wan_b")["ipv4-address"][0]["address"] == second
        leases = household.leases()
        assert leases[addresses.IPV4] == CLIENT_ID
        assert leases[second] != CLIENT_ID and leases[second].endswith(CLIENT_ID[15:])
        assert household.line.seen_by_ipv4() == addresses.IPV4
    finally:
        household.router.check("uci delete network.wan_b; uci commit network; /etc/init.d/network reload")
        household.wait(lambda: second not in household.leases(), 20, "the second lease is given back")
        household.say("kea4 subnet '1 203.0.113.0/25 203.0.113.7 203.0.113.7 eth0'")
    assert household.line.seen_by_ipv4() == addresses.IPV4


def test_renumbered_line(household):
    """Another prefix, another endpoint: the address is asked for from there, and the old one is not waited for."""
    household.line.access(f"delegate {addresses.NEXT_PREFIX}")
    household.line.access(f"tunnel {addresses.NEXT_ENDPOINT} {addresses.IPV4}")
    household.line.renew()
    household.wait(lambda: addresses.NEXT_ENDPOINT in household.line.endpoints(), 60, "the new endpoint")
    household.line.wait_for_softwire()
    assert household.leases()[addresses.IPV4] == CLIENT_ID
    tunnel = f" remote {addresses.BORDER_ROUTER} local {addresses.NEXT_ENDPOINT} "
    assert tunnel in household.router.check("/sbin/ip -d link show dev sw-wan")
