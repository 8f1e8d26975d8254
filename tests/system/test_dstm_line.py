# SPDX-License-Identifier: Apache-2.0
"""DSTM by DHCPv6 on the line, through ISC's relay, with a range of ports of a shared address."""

import json
import pathlib

import pytest

from tests.lab import addresses
from tests.system.dstm import household

FLOWS = pathlib.Path(__file__).with_name("guest") / "flows.py"
SERVER, PORT = addresses.INTERNET4, 7
SIZE = 4096


@pytest.fixture(scope="module")
def home(booted):
    access = booted.lab.access
    access.push(FLOWS.read_text(encoding="utf-8"), "/tmp/flows.py")
    with household(booted, "dstm") as made:
        access.check(
            f"ip netns exec inet4 python3 /tmp/flows.py serve {SERVER} {PORT} > /tmp/flows.out 2>&1 &"
        )
        yield made
        access.check("pkill -f '[f]lows.py serve'")


def ports(home):
    """First and last port of the lease."""
    (lease,) = home.leases()
    return lease["first_port"], lease["last_port"]


def test_a_range_of_ports_there_and_back(home):
    """The server gives it, the border router carries it, and the LAN host's packets leave from it."""
    address = home.wait_until_it_works()
    first, last = ports(home)
    assert (first % SIZE, last - first) == (0, SIZE - 1)
    assert home.mappings() == [f"{address} ports {first}-{last}"]
    told = home.lanhost.check(f"python3 /tmp/flows.py open {SERVER} {PORT} 20", 120)
    seen = json.loads(told)
    assert all(port and first <= port <= last for port in seen), seen
    home.lanhost.check(f"ping -c 1 -W 10 -s 3000 {SERVER}")
    size = home.lanhost.check(
        f"curl -4 -s -m 150 -o /dev/null -w '%{{size_download}}' http://{SERVER}/big", 180
    )
    assert size.strip() == "4194304"
    assert home.tep("stopped_packets_total", "spoofed") == 0


def test_odhcp6c_goes_on(home):
    """Its own leases, on the same port, are untouched."""
    home.line.renew()
    assert home.line.interface("wan6").get("up")
    assert home.line.seen_by_ipv6().startswith("2001:db8:4000:")


def test_a_4_renewal_at_t1(home):
    before, device, commands = home.renewed(), home.line.ifindex(), home.tep("commands_total", "create")
    home.wait(lambda: home.renewed() > before, 60, "a Renew at T1")
    assert (home.line.ifindex(), home.tep("commands_total", "create")) == (device, commands)


def test_a_4_rebind_at_t2(home):
    """The server is away from before T1 until after T2."""
    before, device = home.renewed(), home.line.ifindex()
    home.server.check("systemctl stop softwired-dstm")
    home.router.wait_until(
        "/sbin/logread | grep -q 'no DHCPv6 server of the line answers'", 60, "a Renew was in vain"
    )
    home.restart()
    home.wait(lambda: home.renewed() > before, 60, "it is renewed")
    assert home.line.ifindex() == device and home.line.seen_by_ipv4() == home.held()


def test_an_end_is_heard_of_at_once(home):
    """By the server's Reconfigure, through the relay."""
    was, answered = ports(home), home.reconfigured()
    home.server.check(f"softwired dstm revoke {home.held()}")
    home.wait(lambda: home.mappings() == [], 30, "the border router forgot it")
    home.wait(lambda: home.leases() and ports(home) != was, 120, "other ports")
    home.wait_until_it_works()
    assert home.reconfigured() == answered + 1
    first, last = ports(home)
    home.router.wait_until(
        f"nft list chain ip softwire nat_wan | grep -q ':{first}-{last}'", 30, "NAT has the new range"
    )


def test_ifdown_gives_it_back(home):
    home.router.check("/sbin/ifdown wan")
    home.wait(lambda: home.leases() == [] and home.mappings() == [], 30, "it is nobody's")
    home.router.check("/sbin/ifup wan")
    home.wait_until_it_works()
