# SPDX-License-Identifier: Apache-2.0
"""MAP-E that the operator offers, handed on to proto map; the LAN host's packets pass the lab's border router."""

import json

import pytest

from tests.lab import addresses
from tests.lab.lab import ROOT
from tests.system.test_provisioned_lines import STATIC, Household

STAND_IN = ROOT / "tests/openwrt/map"
# The draft's form of the subscriber's address is the one that this line's static tunnel has, too.
MAP_E = {
    "version": 0,
    "mesh": False,
    "br": addresses.BORDER_ROUTER,
    "rules": [
        {"ipv6": addresses.PREFIX, "ipv4": addresses.IPV4 + "/32", "ea_length": 0, "psid_offset": 4},
        {"ipv6": "2001:db8:4001::/48", "ipv4": "203.0.113.8/32", "ea_length": 0, "psid_offset": 4},
    ],
}
RULE = (
    "type=map-e,ealen=0,prefix4len=32,prefix6len=56,ipv4prefix=203.0.113.7,ipv6prefix=2001:db8:4000:300::,"
    "offset=4,br=2001:db8:b::1"
)
# RFC 7598: a container with RFC 7597's form of the address, so of another endpoint.
ENDPOINT = "2001:db8:4000:300:0:cb00:7107:0"
CONTAINER = "0059000f000020cb00710738" + "20010db8400003" + "005a001020010db8000b00000000000000000001"


class Carried(Household):
    """The line, and what carries the softwire on it."""

    def offer(self, *order, **more):
        """What the server says from now on, and the router asks it."""
        told = {**STATIC, "map_e": MAP_E, "order": order, **more}
        self.line.access(f"hb46pp '{json.dumps(told)}'")
        self.router.check("ubus call network.interface.wan renew")

    def devices(self):
        return self.router.check("ls /sys/class/net").split()

    def interfaces(self):
        """netifd's, those that belong to wan."""
        told = self.router.check("ubus list 'network.interface.*'").split()
        names = [name.rpartition("network.interface.")[2] for name in told]
        return [name for name in names if name.startswith("wan_")]

    def carried(self):
        """Until the LAN host's packets pass through the interface of proto map, alone."""
        self.line.wait(lambda: self.line.interface("wan").get("l3_device") == "map-wan_4", 120, "wan follows")
        self.line.wait_for_softwire()
        assert "sw-wan" not in self.devices()


@pytest.fixture(scope="module")
def home(booted):
    if booted.lab.openwrt:
        booted.need("map", "ip-full", "curl")
    else:
        router = booted.router
        router.push((STAND_IN / "map.sh").read_text(), "/lib/netifd/proto/map.sh")
        router.push((STAND_IN / "mapcalc").read_text(), "/usr/sbin/mapcalc")
        router.check("chmod 755 /lib/netifd/proto/map.sh /usr/sbin/mapcalc")
    booted.changed = True
    booted.router.check("/etc/init.d/network restart", 120)
    home = Carried(booted, "ocx")
    home.wait_for_softwire(addresses.CROSS_ENDPOINT)
    yield home
    if not booted.lab.openwrt:
        booted.router.check("rm /lib/netifd/proto/map.sh /usr/sbin/mapcalc")
    booted.changed = True
    booted.restore()


def test_map_e(home):
    """The first offer is nobody's here, the second proto map's: the tunnel of our own gives way to it."""
    home.offer("464xlat", "map_e", "ipip", **{"464xlat": {"nat64prefix": "64:ff9b::/96"}})
    home.carried()
    answer = home.answer()
    assert answer["used"] == "map_e" and [name for name, _ in answer["skipped"]] == ["464xlat"]
    assert "capability=dslite,ipip,lw4o6,map_e," in home.asked()[-1][1]
    tunnel = home.router.check("/sbin/ip -d link show dev map-wan_4")
    assert f" remote {addresses.BORDER_ROUTER} local {addresses.CROSS_ENDPOINT} " in tunnel
    assert "encaplimit none" in tunnel and "mtu 1460" in tunnel
    assert home.line.interface("wan").get("ipv4-address") == []
    assert home.router.check("fw4 -q device map-wan_4").strip() == "wan"


def test_what_netifd_was_told(home):
    if home.lab.openwrt:
        pytest.skip("the handler of package map keeps no record of it")
    given = json.loads(home.router.check("cat /tmp/map-wan_4.given"))
    assert given == {
        "name": "wan_4",
        "proto": "map",
        "type": "map-e",
        "rule": RULE,
        "legacymap": True,
        "tunlink": "wan6",
        "zone": "wan",
        "mtu": 1460,
        "ttl": 64,
        "encaplimit": "ignore",
    }


def test_what_people_are_told(home):
    told = home.router.check("softwire status wan")
    assert "  handed on  to proto map: wan_4 is up on map-wan_4, 203.0.113.7" in told and RULE in told
    report = home.line.status()["handed_on"]
    assert (report["interface"], report["up"], report["addresses"]) == ("wan_4", True, [addresses.IPV4])
    told, status = home.router.run("softwire doctor wan", 180)
    assert "handed on to proto map: wan_4 is up on map-wan_4" in told and "left to proto map" in told
    assert status == 0, told


def test_unchanged_data_touches_nothing(home):
    number = "cat /sys/class/net/map-wan_4/ifindex"
    before = home.router.check(number), home.line.client()
    home.ask()
    assert (home.router.check(number), home.line.client()) == before
    assert "asked again: unchanged" in home.router.check("/sbin/logread")


def test_the_other_interface_is_lost(home):
    """Somebody takes it down: ours follows, and puts it back."""
    home.router.check("/sbin/ifdown wan_4")
    home.router.wait_until(
        "/sbin/logread | grep -q 'what proto map carries was lost'", 120, "the client has seen it"
    )
    home.carried()


def test_a_client_that_is_killed_leaves_none(home):
    client = home.line.client()
    home.router.check(f"kill -9 {' '.join(client)}")
    home.line.wait(lambda: home.line.client() not in ([], client), 60, "another client")
    home.carried()
    assert home.interfaces() == ["wan_4", "wan_4_", "wan_ep"]
    assert [name for name in home.devices() if name.startswith("map-")] == ["map-wan_4"]


def test_down_and_up(home):
    home.router.check("/sbin/ifdown wan")
    try:
        home.line.wait(lambda: home.interfaces() == [], 60, "wan_4 and wan_ep are gone")
        home.line.wait(lambda: "map-wan_4" not in home.devices(), 30, "its device is gone")
    finally:
        home.router.check("/sbin/ifup wan")
    home.carried()


def test_another_offer(home):
    """What was handed on goes, the tunnel of our own is there; and the way back."""
    home.offer("ipip")
    home.line.wait(lambda: "sw-wan" in home.devices(), 60, "a tunnel of our own")
    home.line.wait(lambda: home.interfaces() == ["wan_ep"], 60, "wan_4 is gone")
    home.line.wait_for_softwire()
    home.offer("map_e", "ipip")
    home.carried()


def test_what_dhcpv6_offers(home):
    """`auto` reads the container, and hands the same on; of its other form, which is another address."""
    home.line.access(f"tunnel {ENDPOINT} {addresses.IPV4}")
    home.line.access(f"container 94 {CONTAINER}")
    try:
        home.line.configure(provisioning="auto")
        home.carried()
        answer = home.answer()
        assert (answer["method"], answer["server"]) == ("map_e", "the line's DHCPv6 server")
        assert f" local {ENDPOINT} " in home.router.check("/sbin/ip -d link show dev map-wan_4")
    finally:
        home.line.access("container 94 none")
        home.line.access(f"tunnel {addresses.CROSS_ENDPOINT} {addresses.IPV4}")
        home.line.configure(provisioning="hb46pp")
    home.carried()


def test_an_interface_that_does_not_come_up(home):
    """Its reason is told, the next offer is used; without another one wan is down, and says why."""
    home.router.check("mv /usr/sbin/mapcalc /usr/sbin/mapcalc.away")
    try:
        home.router.check("/sbin/ifup wan")
        home.line.wait(lambda: "sw-wan" in home.devices(), 120, "a tunnel of our own")
        home.line.wait_for_softwire()
        answer = home.answer()
        assert answer["used"] == "ipip" and answer["skipped"][0][0] == "map_e"
        assert "HANDED_ON_DOWN: interface wan_4, proto map, does not come up:" in answer["skipped"][0][1]
        assert home.interfaces() == ["wan_ep"]

        home.offer("map_e")
        home.router.check("/sbin/ifup wan")
        # The next try has nothing else, and says why.
        text = home.line.wait_for_error("NOTHING_OFFERED")
        assert "map_e: HANDED_ON_DOWN: interface wan_4, proto map, does not come up: " in text
    finally:
        home.router.check("mv /usr/sbin/mapcalc.away /usr/sbin/mapcalc")
    # It is what was mended, not the clock, that somebody who says ifup goes by.
    home.router.check("/sbin/ifup wan")
    home.carried()
