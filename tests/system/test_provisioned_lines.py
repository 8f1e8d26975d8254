# SPDX-License-Identifier: Apache-2.0
"""Lines whose operator tells by HB46PP what it offers: unbound, nginx and an AFTR of the kernel's on the other side."""

import json

import pytest

from tests.lab import addresses
from tests.system.profile import Profile

STATIC = {
    "enabler_name": "例示インターネット",
    "ttl": 86400,
    "order": ["ipip"],
    "ipip": [
        {
            "ipv6_local": addresses.CROSS_ENDPOINT,
            "ipv6_remote": addresses.BORDER_ROUTER,
            "ipv4": addresses.IPV4 + "/32",
        }
    ],
}


class Household(Profile):
    """The router on such a line, and what the provisioning server was asked since."""

    def __init__(self, line, name):
        self.line, self.before = line, 0
        self.before = len(self.asked())
        super().__init__(line, name)

    def asked(self):
        """[(who asked, URL, status)] since the line became this one."""
        rows = self.line.access("hb46pp requests").splitlines()
        return [row.split() for row in rows if row][self.before :]

    def ask(self, phase="up"):
        """As `ubus call network.interface.wan renew` does it, until something came of it."""
        at = self.line.status()["at"]
        self.router.check("ubus call network.interface.wan renew")
        self.line.wait(
            lambda: self.line.status()["at"] > at and self.line.status()["phase"] == phase, 60, phase
        )

    def answer(self):
        return self.line.status()["answer"]

    def tunnel(self):
        return self.router.check("/sbin/ip -d link show dev sw-wan")


@pytest.fixture(scope="module")
def last(booted):
    """Puts the line of the other tests back behind the last of these."""
    yield booted
    booted.changed = True
    booted.restore()


@pytest.fixture(scope="module")
def ocx(last):
    return Household(last, "ocx")


@pytest.fixture(scope="module")
def transix(last):
    return Household(last, "transix")


@pytest.fixture(scope="module")
def auto(last):
    return Household(last, "auto")


def test_a_static_address(ocx):
    """The tunnel that the server tells, from an address of the delegated prefix, carries the LAN host's packets."""
    ocx.wait_for_softwire(addresses.CROSS_ENDPOINT)
    ocx.wait_for_ipv6("2001:db8:4000:300:")
    answer = ocx.answer()
    assert (answer["used"], answer["server"]) == ("ipip", "setup.vne.example")
    assert answer["names"][0] == ["enabler_name", "例示インターネット"]
    first, second = ocx.asked()[:2]
    assert first[1].startswith("https://vne.example/rule.cgi?vendorid=525400-softwire&product=softwire&")
    assert second[1].startswith("https://setup.vne.example/config?vendorid=") and second[2] == "200"
    assert (first[0], first[2]) == (addresses.ENDPOINT, "307")


def test_unchanged_data_touches_nothing(ocx):
    before = ocx.line.ifindex(), ocx.line.client()
    ocx.ask()
    assert (ocx.line.ifindex(), ocx.line.client()) == before
    assert "asked again: unchanged" in ocx.router.check("/sbin/logread")


def test_another_address(ocx):
    """The contract changes: from the next answer on the LAN host is seen as the other address."""
    changed = json.dumps({**STATIC, "ipip": [{**STATIC["ipip"][0], "ipv4": addresses.NEXT_IPV4 + "/32"}]})
    ocx.line.access(f"tunnel {addresses.CROSS_ENDPOINT} {addresses.NEXT_IPV4}")
    ocx.line.access(f"hb46pp '{changed}'")
    ocx.router.check("ubus call network.interface.wan renew")
    ocx.line.wait_for_softwire(addresses.NEXT_IPV4)


def test_ds_lite(transix):
    """Of all that the server offers the first; the AFTR by its name, and the NAT is the operator's."""
    transix.line.wait_for_softwire()
    assert f" remote {addresses.AFTR} local {addresses.ENDPOINT} " in transix.tunnel()
    transix.wait_for_ipv6("2001:db8:4000:300:")
    answer = transix.answer()
    assert (answer["used"], answer["aftr"], answer["addresses"]) == (
        "dslite",
        "gw.vne.example",
        [addresses.AFTR],
    )
    assert transix.line.interface("wan")["ipv4-address"][0]["address"] == "192.0.0.2"
    told = transix.router.check("softwire status wan")
    assert "例示ネット" in told and "gw.vne.example (told by the server)" in told


def test_an_outage(transix):
    """Nobody answers: the softwire stays, and a client that is started again builds it from what was told before."""
    transix.line.access("hb46pp stop")
    try:
        before = transix.line.ifindex()
        transix.router.check("ubus call network.interface.wan renew")
        transix.line.wait(lambda: "error" in transix.line.status(), 60, "the failure is told")
        assert transix.line.status()["error"]["code"] == "NO_SERVER"
        # Until fw4 has the softwire in its zone, a while after it is up, the LAN is rejected.
        transix.line.wait_for_softwire()
        assert transix.line.ifindex() == before
        client = transix.line.client()
        transix.router.check(f"kill -9 {' '.join(client)}")
        transix.line.wait(lambda: transix.line.client() not in ([], client), 60, "another client")
        transix.line.wait_for_softwire()
        assert "what the server told before" in transix.router.check("/sbin/logread")
    finally:
        transix.line.access("hb46pp start")
    # The token that the server gave is what it is asked with.
    transix.ask()
    assert "&token=0123456789abcdef" in transix.asked()[-1][1]


def test_the_operator_has_nothing_any_more(transix):
    """No record: the softwire goes; it is back with the record, once somebody asks."""
    transix.line.access("hb46pp record none")
    transix.router.check("ubus call network.interface.wan renew")
    assert "no HB46PP" in transix.line.wait_for_error("NO_DISCOVERY")
    transix.line.wait_until_gone()
    transix.line.access("hb46pp record 'v=v6mig-1 url=https://vne.example/rule.cgi t=b'")
    transix.router.check("ubus call network.interface.wan renew")
    transix.line.wait_for_softwire()


def test_a_line_that_nothing_is_known_of(auto):
    """DHCPv6 offers nothing, HB46PP DS-Lite; status tells what was found."""
    auto.line.wait_for_softwire()
    answer = auto.answer()
    assert (answer["method"], answer["tried"], answer["used"]) == ("hb46pp", [], "dslite")
    assert f" remote {addresses.AFTR} local {addresses.ENDPOINT} " in auto.tunnel()
    assert "  method     hb46pp" in auto.router.check("softwire status wan")


def test_what_dhcpv6_offers_comes_first(auto):
    """The line's DHCPv6 server names an AFTR from now on; the tunnel to it is the one that is there already."""
    before = auto.line.ifindex()
    auto.line.access("option64 gw.vne.example")
    auto.ask()
    answer = auto.answer()
    assert (answer["method"], answer["aftr"]) == ("dslite", "gw.vne.example")
    assert auto.line.ifindex() == before


def test_a_line_that_has_nothing_any_more(auto):
    """What each one answers is told, and what is held stays until somebody has something again."""
    auto.line.access("option64 gw.vne.example")
    auto.ask()
    before = auto.line.ifindex()
    auto.line.access("option64 none")
    auto.line.access("hb46pp record none")
    auto.router.check("ubus call network.interface.wan renew")
    auto.line.wait(lambda: "error" in auto.line.status(), 60, "the failure is told")
    error = auto.line.status()["error"]
    assert error["code"] == "NOTHING_FOUND"
    assert error["text"].startswith("hb46pp: NO_DISCOVERY: this line has no HB46PP")
    assert auto.line.seen_by_ipv4() == addresses.IPV4
    auto.line.access("hb46pp record 'v=v6mig-1 url=https://vne.example/rule.cgi t=b'")
    auto.ask()
    assert auto.answer()["method"] == "hb46pp" and auto.line.ifindex() == before
