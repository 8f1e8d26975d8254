# SPDX-License-Identifier: Apache-2.0
"""DSTM by TSP on the line: server, border router and node as processes of three machines, and their bad days."""

import pytest

from tests.lab import addresses
from tests.system.dstm import household

SECOND = "203.0.113.8"
ADDRESSES = {addresses.IPV4, SECOND}
MORE = """
set network.{0}=interface; set network.{0}.proto=softwire; set network.{0}.tunlink=wan6
set network.{0}.provisioning=tsp; set network.{0}.server=2001:db8:547::547; set network.{0}.user_name=ann
set network.{0}.password=lab-password; set network.{0}.interface_id=::{1}; set network.{0}.defaultroute=0
"""
LOCK = """python3 -c 'import sqlite3, time
held = sqlite3.connect("/var/lib/softwired/dstm.db", isolation_level=None)
held.execute("BEGIN IMMEDIATE")
open("/run/locked", "w").close()
time.sleep(30)' > /dev/null 2>&1 &"""


@pytest.fixture(scope="module")
def home(booted):
    with household(booted, "tsp") as made:
        yield made


def test_an_address_there_and_back(home):
    """What the server gave is what the border router carries, the router has and the internet sees."""
    address = home.wait_until_it_works()
    (lease,) = home.leases()
    assert (lease["address"], lease["node"], lease["user"]) == (address, addresses.ENDPOINT, "ann")
    assert home.mappings() == [address]
    answer = home.line.status()["answer"]
    assert (answer["mechanism"], answer["version"]) == ("DIGEST-MD5", "1.0")
    told = home.server.check(f"softwired dstm had {address}")
    assert addresses.ENDPOINT in told
    assert home.tep("stopped_packets_total", "spoofed") == 0


def test_c_2_2_a_renewal_sends_the_border_router_nothing(home):
    before, commands, device = home.renewed(), home.tep("commands_total", "create"), home.line.ifindex()
    home.wait(lambda: home.renewed() > before, 90, "it is renewed by itself")
    assert (home.tep("commands_total", "create"), home.line.ifindex()) == (commands, device)


def test_the_server_is_killed_and_back(home):
    """Nothing is lost meanwhile; the router connects again and renews."""
    address, device, before = home.held(), home.line.ifindex(), home.renewed()
    home.server.check("systemctl kill -s KILL softwired-dstm")
    assert home.line.seen_by_ipv4() == address
    home.wait(lambda: home.renewed() > before, 120, "it is renewed")
    assert (home.held(), home.line.ifindex()) == (address, device)
    assert home.line.seen_by_ipv4() == address


def test_the_border_router_comes_back_empty(home):
    """Killed, and without its file: the server tells it all again, before anybody asks."""
    address, device = home.held(), home.line.ifindex()
    home.line.access("tep empty")
    assert home.line.seen_by_ipv4() == ""
    home.line.access("tep start")
    home.wait(lambda: home.mappings() == [address], 60, "it was told")
    home.wait(lambda: home.line.seen_by_ipv4() == address, 30, "packets pass")
    assert home.line.ifindex() == device


def test_the_border_router_is_killed(home):
    """Its kernel carries on without it, and it finds everything as it was."""
    address = home.held()
    home.line.access("tep kill")
    assert home.line.seen_by_ipv4() == address
    home.line.access("tep start")
    assert home.tep("repaired_total", "start") == 0
    assert home.mappings() == [address] and home.line.seen_by_ipv4() == address


def test_the_database_is_locked(home):
    """Longer than the service waits: a renewal is refused for now (530), and what is held stays."""
    # What is held lives for a minute: it begins now.
    before = home.renewed()
    home.router.check("ubus call network.interface.wan renew")
    home.wait(lambda: home.renewed() > before, 30, "it is renewed")
    address, before = home.held(), home.renewed()
    home.server.check(f"rm -f /run/locked; {LOCK}")
    home.server.wait_until("[ -e /run/locked ]", 20, "the database is locked")
    home.router.check("ubus call network.interface.wan renew")
    home.router.wait_until("/sbin/logread | grep -q 'SERVER_BUSY'", 40, "the router was told")
    assert home.line.seen_by_ipv4() == address
    home.wait(lambda: home.renewed() > before, 120, "it is renewed")
    assert home.held() == address


def test_c_2_3_delete_at_the_end(home):
    """Node and border router are told; the node asks anew, and gets another address."""
    address = home.held()
    home.server.check(f"softwired dstm revoke {address}")
    home.wait(lambda: address not in home.mappings(), 30, "the border router forgot it")
    other = home.wait_until_it_works()
    assert {address, other} == ADDRESSES
    assert "LEASE_ENDED" in home.router.check("/sbin/logread")


def test_delete_while_the_node_is_away(home):
    """The border router stops at once; the node hears of it when it is back."""
    address = home.held()
    (client,) = home.line.client()
    home.router.check(f"kill -STOP {client}")
    try:
        home.server.check(f"softwired dstm revoke {address}")
        home.wait(lambda: home.mappings() == [], 30, "the border router forgot it")
        assert home.line.seen_by_ipv4() == ""
        home.wait(lambda: home.leases() == [], 30, "the address is free")
    finally:
        home.router.check(f"kill -CONT {client}")
    assert {address, home.wait_until_it_works()} == ADDRESSES


def test_the_pool_is_exhausted_and_free_again(home):
    """Two addresses, three softwires."""
    names = ("wan_b", "wan_c")
    batch = "".join(MORE.format(name, number) for number, name in enumerate(names, 0xB))
    commands = "; ".join(f"uci {one.strip()}" for one in batch.replace("\n", ";").split(";") if one.strip())
    home.router.check(f"{commands}; uci commit network; /etc/init.d/network reload")
    try:
        home.wait(lambda: len(home.leases()) == 2, 90, "both addresses are somebody's")
        up = home.wait(lambda: [one for one in names if home.line.interface(one).get("up")], 60, "one is up")
        (late,) = set(names) - set(up)
        home.wait(lambda: "POOL_EXHAUSTED" in home.line.errors(late), 60, "the other one hears why")
        home.router.check(f"/sbin/ifdown {up[0]}")
        home.wait(lambda: home.line.interface(late).get("up"), 150, "the other one is up")
    finally:
        home.router.check(
            "; ".join(f"uci -q delete network.{one}" for one in names) + "; uci commit network; "
            "/etc/init.d/network reload"
        )
    home.wait(lambda: len(home.leases()) == 1, 90, "they are given back")
    home.wait_until_it_works()


def test_ifdown_gives_it_back(home):
    home.router.check("/sbin/ifdown wan")
    home.wait(lambda: home.leases() == [] and home.mappings() == [], 30, "it is nobody's")
    home.router.check("/sbin/ifup wan")
    home.wait_until_it_works()
