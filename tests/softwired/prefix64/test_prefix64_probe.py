# SPDX-License-Identifier: Apache-2.0
"""softwired prefix64 check: a router that routes, one that asks, one that gave less, one that refuses."""

import ipaddress
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Ether

from softwired.prefix64 import probe
from tests.softwired import network
from tests.softwired.prefix64 import lab

PREFIX = ipaddress.IPv6Network(lab.PREFIX)
OWN = int(ipaddress.IPv6Address(network.SERVER))


def test_targets():
    tried = probe.targets(OWN, PREFIX)
    assert set(tried.values()) == set(probe.DISTANCES) and len(tried) >= 14
    for octets, distance in tried.items():
        number = int.from_bytes(octets, "big")
        assert number >> distance == OWN >> distance and number >> distance - 1 != OWN >> distance - 1
    words = {target: probe.TAKEN if distance == 2 else probe.ASKED for target, distance in tried.items()}
    assert probe.verdict(PREFIX, OWN, tried, words).works
    small = probe.targets(OWN, ipaddress.IPv6Network("2001:db8:1::/124"))
    assert set(small.values()) == {2, 4}


@given(st.binary(min_size=16, max_size=16))
@example(bytes.fromhex("2c148339ae41b54cd07fd68cdda5f6b9"))  # the sum is 0, which RFC 1071 writes so
def test_scapy_writes_the_same_request(target):
    made = probe.echo_request(lab.ROUTER_MAC, lab.ROUTER_MAC, lab.packed("2001:db8::1"), target)
    expected = (
        Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:01")
        / IPv6(src="2001:db8::1", dst=str(ipaddress.IPv6Address(target)), hlim=64)
        / ICMPv6EchoRequest(id=0, seq=0, data=b"softwire")
    )
    assert made == bytes(expected)


@pytest.fixture
def provider(cable, machine):
    """The client's namespace becomes the provider's router; the machine has a default route to it."""
    # The second is Linux's default; a machine for tests may have less.
    cable.client.run("sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1", "net.ipv6.icmp.ratelimit=1000")
    cable.client.run("ip", "address", "del", f"{network.CLIENT}/64", "dev", "vc")
    cable.server.run("ip", "route", "add", "default", "via", "fe80::2", "dev", "vs")
    return cable.client


def checked(machine, status, *said):
    done = machine.inside("prefix64", "check", "--prefix", lab.PREFIX, "--interface", "vs")
    assert done.returncode == status, done.stdout + done.stderr
    for text in said:
        assert text in done.stdout
    return done.stdout


def test_a_router_that_asks(provider, machine):
    provider.run("ip", "route", "add", lab.PREFIX, "dev", "vc")
    checked(machine, 0, "/64: asked for", 'asks for its addresses by neighbour discovery: answer = "yes"')
    # Also while it is answered.
    machine.range()
    checked(machine, 0, "/64: asked for")


def test_a_router_next_to_us(provider, machine):
    """Its own address is nobody else's, and says nothing of the others."""
    provider.run("ip", "address", "add", f"{network.CLIENT}/64", "dev", "vc", "nodad")
    checked(machine, 0, "/126: asked for and taken", "/64: asked for", 'answer = "yes" is needed')


def test_a_router_that_routes(provider, machine):
    provider.run("ip", "route", "add", lab.PREFIX, "via", "fe80::1", "dev", "vc")
    checked(machine, 0, "/64: routed", 'routes it here: answer = "no" will do')


def test_a_router_that_gave_less(provider, machine):
    provider.run("ip", "route", "add", "2001:db8:1::/124", "dev", "vc")
    provider.run("ip", "route", "add", "unreachable", lab.PREFIX)
    told = checked(
        machine,
        1,
        "/124: asked for",
        'prefix = "2001:db8:1::/124" would be right',
    )
    assert 'answer = "yes"' in told
    # Of the two that are tried at each length a busy machine may hear one late.
    for length in (96, 64):
        assert re.search(rf"/{length}: (not heard of and )?refused\n", told), told


def test_a_router_that_refuses(provider, machine):
    provider.run("ip", "route", "add", "unreachable", lab.PREFIX)
    provider.run("ip", "route", "add", f"{network.SERVER}/128", "dev", "vc")
    checked(machine, 1, "it is not this machine's, and that can't work")


def test_a_router_that_is_silent(provider, machine):
    provider.run("ip", "route", "add", "blackhole", lab.PREFIX)
    checked(machine, 1, "/64: not heard of", "a ping from elsewhere, with tcpdump here, would tell")


def test_no_router(cable, machine):
    checked(machine, 1, "vs has no default router that could be asked")
    cable.server.run("ip", "route", "add", "default", "via", "fe80::99", "dev", "vs")
    checked(machine, 1, "the router fe80::99 does not answer")


def test_what_is_configured(provider, machine):
    provider.run("ip", "route", "add", lab.PREFIX, "dev", "vc")
    for answer, status in (("yes", 0), ("no", 1)):
        machine.configure(range=[{"interface": "vs", "prefix": lab.PREFIX, "answer": answer}])
        done = machine.inside("prefix64", "check")
        assert done.returncode == status and f"{lab.PREFIX} on vs:" in done.stdout
        assert ('the configuration says answer = "no"' in done.stdout) == bool(status)
