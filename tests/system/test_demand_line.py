# SPDX-License-Identifier: Apache-2.0
"""A DSTM address on demand (section 5.2: Dynamic Tunnel Interface), beside a real server and border router."""

import json
import re

import pytest

from tests.lab import addresses
from tests.system.dstm import household

IDLE = 20
HOST = addresses.INTERNET4


@pytest.fixture(scope="module", params=["tsp", "dstm"])
def home(booted, request):
    """By DHCPv6 with a range of ports, so that its rules are in the same file."""
    with household(booted, request.param) as made:
        made.line.need("curl")
        made.line.configure(demand="1", idle=str(IDLE))
        wait_until_idle(made)
        yield made


def wait_until_idle(home):
    """Until nobody has an address, and the route is there; what is late of a test before may wake it once more."""
    home.wait(
        lambda: (
            not home.leases()
            and home.line.interface("wan").get("up")
            and home.line.status()["phase"] == "waiting for a packet"
        ),
        180,
        "it waits for a packet",
    )
    home.wait(lambda: home.mappings() == [], 30, "the border router forgot it")


def test_5_2_the_route_is_there_and_nobody_is_asked(home):
    """Also for the doctor, whose dry run gives back what it was given."""
    assert home.held() == ""
    assert "default dev sw-wan" in home.router.check("/sbin/ip -4 route")
    text = home.router.check("softwire status wan")
    assert "wan: up, waiting for a packet" in text
    told = json.loads(home.router.run("softwire doctor --json wan", 120)[0])
    assert told["well"], told
    assert [step["text"] for step in told["steps"] if "waits for a packet" in step["text"]]
    wait_until_idle(home)


def test_4_the_first_packet_is_late_and_not_lost(home):
    """One ping, which nobody sends again; the first range of ports is loaded while it waits."""
    told = home.lanhost.check(f"ping -c 1 -W 30 {HOST}", 60)
    (late,) = re.findall(r"time=([\d.]+) ms", told)
    print(f"the first packet's answer came after {late} ms")
    assert home.held() in [lease["address"] for lease in home.leases()]
    assert [mapping.split(" ")[0] for mapping in home.mappings()] == [home.held()]
    assert "Unreachable" not in told


def test_idle_gives_it_back_and_the_next_packet_starts_anew(home):
    """By TCP this time."""
    wait_until_idle(home)
    told = home.lanhost.check(f"curl -4 -s -m 60 -w ' %{{time_connect}}' http://{HOST}/", 90)
    address, late = told.split()
    print(f"TCP was connected after {late} s")
    assert address == home.held()
    # While it is held, packets pass by the queue: the kernel has none of ours.
    assert home.router.run("cat /proc/net/netfilter/nfnetlink_queue")[0].strip() == ""


def test_the_routers_own_tcp(home):
    """Its first packet goes with the device that it was meant for; it is sent again, and leaves under the address."""
    wait_until_idle(home)
    assert home.router.check(f"curl -4 -s -m 60 http://{HOST}/", 90).strip() == home.held() != ""


def test_nobody_is_told_that_there_is_no_way(home):
    """Packets all the time while the address is asked for and the device is made anew: none is refused."""
    wait_until_idle(home)
    told, _ = home.lanhost.run(f"ping -i 0.05 -c 100 -W 10 {HOST}", 90)
    assert "nreachable" not in told and "errors" not in told, told
    assert home.held()


def test_ifdown_while_it_waits(home):
    wait_until_idle(home)
    home.router.check("/sbin/ifdown wan")
    home.wait(lambda: not home.line.client(), 30, "the client has ended")
    home.line.wait_until_gone()
    home.router.check("/sbin/ifup wan")
    wait_until_idle(home)
    home.wait(lambda: home.lanhost.run(f"ping -c 1 -W 2 {HOST}", 60)[1] == 0, 60, "a packet passes")


def test_without_demand_it_is_as_it_was(home):
    home.line.configure(demand=None, idle=None)
    home.wait_until_it_works()
    assert "want_wan" not in home.router.check("cat /var/run/softwire/*.nft 2>&1; true")
