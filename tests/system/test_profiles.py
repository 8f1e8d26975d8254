# SPDX-License-Identifier: Apache-2.0
"""Every kind of line that the lab has (tests/lab/lines/), with the configuration that its folder gives a user."""

import pytest
from scapy.layers.dhcp6 import DHCP6OptVendorSpecificInfo

from tests.lab import addresses
from tests.system import radius
from tests.system.profile import ONLINK, ONLINK_ENDPOINT, REPLY, Profile

SOLICIT, RENEW, REBIND, INFORMATION_REQUEST = 1, 5, 6, 11


@pytest.fixture(scope="module")
def last(booted):
    """Puts the line of the other tests back behind the last of these."""
    yield booted
    booted.changed = True
    booted.restore()


@pytest.fixture
def profile(last):
    """Makes the line another kind of line."""
    return lambda name: Profile(last, name)


def held(line):
    """What a softwire that was left alone keeps."""
    return line.ifindex(), line.client(), len(line.requests())


def test_next_phone(profile):
    """FLET'S Next with telephone: `auto` takes it for NEXT, since nothing speaks for CROSS, and status says so."""
    there = profile("next-phone")
    there.wait_for_softwire(addresses.ENDPOINT)
    there.wait_for_ipv6("2001:db8:4000:300:")
    assert there.has_telephone()
    answer = there.line.status()["answer"]
    assert (answer["line_type"], answer["line_type_why"]) == ("next", "nothing speaks for a CROSS line")
    assert "line type  next: nothing speaks" in there.router.check("softwire status wan")
    assert "line_type auto: next, since nothing" in there.router.check("/sbin/logread")


def test_next(profile):
    """A /64 and Information-request alone: the endpoint is a neighbour on the line, and the LAN lives in the /64."""
    there = profile("next")
    there.wait_for_softwire(ONLINK_ENDPOINT)
    assert set(there.messages()) == {INFORMATION_REQUEST}
    assert there.has_telephone(), "the options came by Information-request"
    answer = there.line.status()["answer"]
    assert answer["line_type"] == "next" and "delegates no prefix" in answer["line_type_why"]
    assert there.requests(ONLINK_ENDPOINT)

    # The endpoint is on the WAN device, whose neighbours get an answer for it.
    assert f" {ONLINK_ENDPOINT}/128 " in there.router.check("/sbin/ip -6 -o address show dev eth1")
    assert there.line.endpoints() == []
    assert ONLINK_ENDPOINT in there.advertised_neighbours()

    # The LAN host's own address is in the line's /64, and neighbours on the line get an answer for it, too.
    there.wait_for_ipv6(ONLINK)
    host = there.line.seen_by_ipv6()
    assert f" {host}/64 " in there.lanhost.check("ip -6 -o address show dev eth0 scope global")
    there.lab.access.check("ip -6 neigh flush dev line0")
    there.lab.internet6.check(f"ping -c 1 -W 5 {host}")
    assert host in there.advertised_neighbours()

    # Solicits would stay unanswered: native IPv6 and softwire come up even so, without NTT's options.
    before = there.line.ifindex()
    there.router.check("uci delete network.wan6.reqprefix; uci commit network; /etc/init.d/network reload")
    there.line.wait(lambda: there.messages().count(SOLICIT) > 1, 120, "Solicits")
    there.line.wait(
        lambda: "DHCPv6 stays silent" in there.router.check("/sbin/logread"), 60, "the wait is told"
    )
    there.line.wait(lambda: there.line.interface("wan")["up"], 90, "the softwire is up")
    assert there.line.ifindex() != before
    there.wait_for_softwire(ONLINK_ENDPOINT)
    assert there.messages().count(REPLY) == 0
    assert "reqprefix 'no'" in there.router.check("softwire status wan")


def test_next_has_no_room_for_onlink_addresses_alone(profile):
    """An address without a /64 gives no softwire: ONLY_ONLINK_PREFIX says what is missing."""
    there = profile("next")
    there.router.check(
        "uci set network.wan6.proto=static; uci add_list network.wan6.ip6addr=2001:db8:4000:900::5/128;"
        " uci set network.wan6.ip6gw=fe80::1; uci commit network; /etc/init.d/network reload"
    )
    told = there.line.wait_for_error("ONLY_ONLINK_PREFIX")
    assert "interface wan6 has 2001:db8:4000:900::5/128 on the link" in told and "needs a /64" in told


def test_cross(profile):
    """CROSS: told by its lifetimes, four groups in the name, the endpoint from the answer; it survives Reconfigure."""
    there = profile("cross")
    there.wait_for_softwire(addresses.CROSS_ENDPOINT)
    there.wait_for_ipv6("2001:db8:4000:300:")
    answer = there.line.status()["answer"]
    assert (answer["line_type"], answer["line_type_why"]) == (
        "cross",
        "the prefix has the lifetimes of CROSS lines",
    )
    requests = there.requests(addresses.ENDPOINT)
    request = requests[-1]
    assert {one.first(radius.USER_NAME) for one in requests} == {b"2001:0db8:4000:0300"}, "never as NEXT"
    assert request.types == [
        radius.USER_NAME,
        radius.CHAP_PASSWORD,
        radius.VENDOR_SPECIFIC,
        radius.CHAP_CHALLENGE,
    ]
    assert request.first(radius.CHAP_PASSWORD)[0] == 0 and len(request.first(radius.CHAP_PASSWORD)) == 17
    assert request.vendor() == [
        [(1, addresses.WAN_MAC.encode()), (2, b"NTT-AT"), (3, b"BAPP"), (4, b"hw_rev_1.00")]
    ]
    there.lab.access.check("ip -6 route show dev line0 | grep -F 2001:db8:4000:300::/56")

    # Reconfigure, Renew, Rebind: the line's business alone.
    before = held(there.line)

    def wait_for_reply():
        there.line.wait(lambda: there.replies() > answered, 30, "a Reply")

    answered = there.replies()
    there.wait_for_messages(
        RENEW, lambda: there.line.access("reconfigure renew"), "Reconfigure leads to Renew"
    )
    wait_for_reply()
    # odhcp6c names the server in that Rebind, which therefore stays silent (RFC 8415 section 16.7).
    there.wait_for_messages(
        REBIND, lambda: there.line.access("reconfigure rebind"), "Reconfigure leads to Rebind"
    )
    assert there.line.seen_by_ipv4() == addresses.IPV4
    # Asked to renew meanwhile, it begins anew: 23.05's with another Rebind.
    renew = "ubus call network.interface.wan6 renew"
    answered = there.replies()
    there.router.check(renew)
    wait_for_reply()
    there.wait_for_messages(RENEW, lambda: there.router.check(renew), "a Renew of its own")
    assert there.line.seen_by_ipv4() == addresses.IPV4
    there.wait_for_ipv6("2001:db8:4000:300:")
    assert held(there.line) == before
    # The line does not answer that; nobody asked.
    assert INFORMATION_REQUEST not in there.messages()


def test_cross_without_its_mark(profile):
    """A CROSS line whose lifetimes say nothing: rejected as NEXT it is tried as CROSS at once, which is remembered."""
    there = profile("cross")
    there.lab.access.check("sed -i \"s/^timers=.*/timers='30 60 600 900'/\" /lab/lines/cross/access")
    try:
        there = profile("cross")
        there.wait_for_softwire(addresses.CROSS_ENDPOINT)
        assert "rejected a login as next" in there.line.status()["answer"]["line_type_why"]
        asked = len(there.line.requests())
        there.router.check("ubus call network.interface.wan renew")
        there.line.wait(lambda: len(there.line.requests()) > asked, 30, "another login")
        there.line.wait(lambda: there.line.status()["phase"] == "up", 30, "it is answered")
        assert len(there.line.requests()) == asked + 1
    finally:
        there.lab.access.check(
            "sed -i \"s/^timers=.*/timers='7200 10800 12600 14400'/\" /lab/lines/cross/access"
        )


def test_hgw(profile):
    """Behind a home gateway: a /60, answers from UDP port 49153; its LAN's /64 does not displace that prefix."""
    there = profile("hgw")
    there.wait_for_softwire(addresses.ENDPOINT)
    there.wait_for_ipv6("2001:db8:4000:300:")
    assert there.has_telephone()
    prefixes = there.line.interface("wan6")["ipv6-prefix"]
    assert [(prefix["address"], prefix["mask"]) for prefix in prefixes] == [("2001:db8:4000:300::", 60)]
    assert there.messages(547) == [] and REPLY in there.messages(49153)
    assert "2001:db8:4000:310:" in there.addresses(), "the /64 was there, too"
    assert there.requests(addresses.ENDPOINT)


def test_stock(profile):
    """Stock `proto dhcpv6` that asks for option 17 is as good a tunlink as `flets`."""
    there = profile("stock")
    there.wait_for_softwire(addresses.ENDPOINT)
    there.wait_for_ipv6("2001:db8:4000:300:")
    assert there.line.interface("wan6")["proto"] == "dhcpv6" and there.has_telephone()
    replies = [packet for packet in there.packets() if DHCP6OptVendorSpecificInfo in packet]
    assert replies, "option 17 passed over the line"


def test_wrong_duid(profile):
    """Nobody answers a DUID-UUID: status says why, and what it says to do mends it."""
    there = profile("wrong-duid")
    there.line.wait(lambda: there.messages().count(SOLICIT) > 1, 120, "Solicits")
    status, code = there.router.run("softwire status wan")
    assert code == 1
    told = " ".join(status.split())
    assert "network.wan6.clientid is no DUID-LL, and NTT's network answers DUID-LL alone" in told
    assert "what it sends is a DUID-UUID" in told
    assert there.messages(547) == []

    # `flets` names it in ifstatus as well.
    there.router.check("uci set network.wan6.proto=flets; uci commit network; /etc/init.d/network reload")
    there.line.wait(lambda: "LINE_NOT_DUID_LL" in there.line.errors("wan6"), 60, "LINE_NOT_DUID_LL")

    mend = told.partition("): '")[2].partition("ifup wan6'")
    assert mend[0].startswith("uci delete network.wan6.clientid; uci commit network;") and mend[1]
    there.router.check(mend[0] + "/sbin/ifup wan6")
    there.wait_for_softwire(addresses.ENDPOINT)
    assert there.line.errors("wan6") == []
