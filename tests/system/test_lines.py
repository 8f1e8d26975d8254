# SPDX-License-Identifier: Apache-2.0
"""Other options, another interpreter: what the router sends then, and that IPv4 packets pass."""

import pytest

from tests.lab import addresses
from tests.lab.lab import SOURCES
from tests.system.radius import MESSAGE_AUTHENTICATOR, answers, requests
from tests.system.softwires import Softwire, Softwires

NOBODY = {"auth_server": None, "shared_secret": None, "password": None}

FIXED = Softwire(
    64, "fixed", provisioning="static", peeraddr=addresses.BORDER_ROUTER, ipaddr="203.0.113.164", **NOBODY
)
SIGNED = Softwire(65, "signed", message_authenticator="send")
VERIFIED = Softwire(66, "verified", message_authenticator="require")
MAC = Softwire(67, "mac", mac="00-00-5E-00-53-Af")
ZONE = Softwire(68, "zone", zone="wan")
NARROW = Softwire(69, "narrow", mtu="1400")
# The first one is silent.
SECOND = Softwire(70, "second", auth_server=[addresses.SECOND_RADIUS, addresses.RADIUS])
ALL = [FIXED, SIGNED, VERIFIED, MAC, ZONE, NARROW, SECOND]


# --- several at once


@pytest.fixture(scope="module")
def beside(booted):
    """All of them, beside the line's own softwire; only the one with two servers may still be waiting for the first."""
    access = booted.lab.access
    table = Softwires(booted, ALL)
    table.subscribe()
    booted.access_changed("radius accept")
    booted.access(f"tunnel {FIXED.endpoint} {FIXED.ipv4}")
    silence = f"UDP6-RECV:1812,bind=[{addresses.SECOND_RADIUS}]"
    access.check(f"(setsid socat -u '{silence}' OPEN:/dev/null & echo $! > /tmp/silent)")
    table.configure(ALL)
    booted.wait(lambda: table.down() in ([], [SECOND.name]), 240, "the softwires are up")
    yield table
    access.check("kill $(cat /tmp/silent)")
    table.remove()
    booted.access("restore", 120)
    booted.changed = False


def test_static(beside):
    """A softwire from options alone: packets pass, and nobody was asked."""
    assert beside.seen(FIXED) == FIXED.ipv4
    assert requests(beside.line.lab, FIXED.endpoint) == []
    tunnel = f" remote {addresses.BORDER_ROUTER} local {FIXED.endpoint} "
    assert tunnel in beside.router.check("/sbin/ip -d link show dev sw-fixed")


def test_mac(beside):
    """Option mac goes into vendor attribute 1 as it is written."""
    assert [value for _, value in requests(beside.line.lab, MAC.endpoint)[0].vendor()[0]] == [
        b"00-00-5E-00-53-Af"
    ]
    assert beside.seen(MAC) == MAC.ipv4


def test_zone(beside):
    """Option zone puts the tunnel into the firewall's zone; without it the interface is nobody's."""
    interfaces = beside.interfaces()
    assert interfaces["zone"]["data"]["zone"] == "wan"
    assert "zone" not in interfaces["narrow"]["data"]
    # The firewall is told behind the interface.
    beside.router.wait_until("nft list ruleset | grep -q sw-zone", 60, "the zone has sw-zone")
    ruleset = beside.router.check("nft list ruleset")
    assert "sw-wan" in ruleset and "sw-narrow" not in ruleset
    assert beside.seen(ZONE) == ZONE.ipv4


def test_mtu(beside):
    """Option mtu: a packet of that size passes whole, one octet more does not."""
    assert " mtu 1400 " in beside.router.check("/sbin/ip link show dev sw-narrow")
    beside.line.need("iputils-ping")
    ping = f"/usr/bin/ping -I sw-narrow -M do -c 1 -W 5 {addresses.INTERNET4} -s "
    beside.router.check(f"{ping} 1372")
    assert beside.router.run(f"{ping} 1373")[1] != 0
    assert beside.seen(NARROW) == NARROW.ipv4


def test_message_authenticator(beside):
    """A server that requires it answers those who send it, as the first attribute, and nobody else."""
    lab, line = beside.line.lab, beside.line
    before = {softwire: answers(lab, softwire.endpoint) for softwire in (MAC, SIGNED, VERIFIED)}
    asked = len(requests(lab, MAC.endpoint))
    line.access("radius require-message-authenticator")
    for softwire in before:
        beside.router.check(f"ubus call network.interface.{softwire.name} renew")

    def answered(softwire):
        return (
            answers(lab, softwire.endpoint) > before[softwire] and line.status(softwire.name)["phase"] == "up"
        )

    for softwire in SIGNED, VERIFIED:
        line.wait(lambda softwire=softwire: answered(softwire), 30, f"{softwire.name} is answered")
        assert {request.types[0] for request in requests(lab, softwire.endpoint)} == {MESSAGE_AUTHENTICATOR}
        assert "error" not in line.status(softwire.name)
        assert beside.seen(softwire) == softwire.ipv4
    # It asks a second time because it got no answer.
    line.wait(lambda: len(requests(lab, MAC.endpoint)) >= asked + 2, 30, "the one without asks twice")
    assert MESSAGE_AUTHENTICATOR not in requests(lab, MAC.endpoint)[-1].types
    assert answers(lab, MAC.endpoint) == before[MAC]
    line.access("radius accept")


def test_second_server(beside):
    """The second server is asked when the first one is silent."""
    beside.wait_until_up(240)
    servers = [request.destination for request in requests(beside.line.lab, SECOND.endpoint)]
    assert servers[0] == addresses.SECOND_RADIUS and servers[-1] == addresses.RADIUS
    # Several packets to the one before the first to the other; there may be several rounds.
    assert servers.index(addresses.RADIUS) >= 3
    assert beside.line.status(SECOND.name)["answer"]["server"] == f"[{addresses.RADIUS}]:1812"
    assert beside.seen(SECOND) == SECOND.ipv4


# --- the line's own


def interpreter(line):
    """The program that runs the resident client."""
    client = line.client()
    return line.router.check(f"readlink /proc/{client[0]}/exe").strip() if len(client) == 1 else ""


def test_cpython(line):
    """With the sources in place of MicroPython's bytecode the launcher takes python3, and all is the same."""
    line.need("softwire", "python3-light")
    assert "/micropython" in interpreter(line)
    usual = line.status()
    modules = "/usr/lib/softwire"
    with line.undone():
        line.router.check(f"mv {modules} {modules}.away && cp -a {SOURCES} {modules}")
        try:
            line.router.check("/sbin/ifup wan")
            line.wait(lambda: "/python3" in interpreter(line), 60, "the client runs on CPython")
            line.wait_for_softwire()
            status = line.status()
            for told in status, usual:
                del told["tunnel"]["refresh"]  # jittered
            assert status["tunnel"] == usual["tunnel"] and status["line"] == usual["line"]
            assert line.router.check("softwire status wan").startswith("wan: up\n")
        finally:
            line.router.check(f"rm -rf {modules} && mv {modules}.away {modules}")
        line.router.check("/sbin/ifup wan")
        line.wait(lambda: "/micropython" in interpreter(line), 60, "the client runs on MicroPython again")
        line.wait_for_softwire()
