# SPDX-License-Identifier: Apache-2.0
"""A shared IPv4 address, configured by hand (provisioning static): two subscribers behind one strict lwAFTR.

The lwAFTR (tests/lab/access/lwaftr) drops what comes from a port that is not the sender's; the other subscriber is a
host without NAT.
"""

from __future__ import annotations

import json
import pathlib

import pytest

from softwire.tunnel import PortSet
from tests.lab import addresses
from tests.lab.guest import Namespace
from tests.system.doctor import Told

AFTR, ADDRESS = "2001:db8:b::4", "203.0.113.200"
OURS, THEIRS = PortSet(6, 8, 0x34), PortSet(6, 8, 0x35)
OWN = [port for first, last in OURS.ranges() for port in range(first, last + 1)]
FLOWS = pathlib.Path(__file__).with_name("guest") / "flows.py"
UDP_TIMEOUT = "/proc/sys/net/netfilter/nf_conntrack_udp_timeout"
SERVER, PORT = addresses.INTERNET4, 7
# Nobody has said a word to it before the test that wants all ports for it.
FRESH = 9

FORWARDED = """
config redirect
	option name 'Web'
	option src 'wan'
	option src_dport '{port}'
	option dest 'lan'
	option dest_ip '192.168.1.100'
	option dest_port '80'
	option proto 'tcp'
	option target 'DNAT'
"""


@pytest.fixture(scope="module")
def shared(booted):
    """The line with the shared address, and a server on the internet that says which port it sees."""
    line = booted
    access = line.lab.access
    access.push(FLOWS.read_text(encoding="utf-8"), "/tmp/flows.py")
    access.check(f"sh /lab/access/lwaftr start {addresses.ENDPOINT} 6 8 {OURS.psid} {THEIRS.psid}")
    for port in PORT, FRESH:
        access.check(
            f"ip netns exec inet4 python3 /tmp/flows.py serve {SERVER} {port} > /tmp/flows.{port} 2>&1 &"
        )
    line.configure(
        provisioning="static",
        peeraddr=AFTR,
        ipaddr=ADDRESS,
        offset="6",
        psidlen="8",
        psid=str(OURS.psid),
    )
    line.wait_for_softwire(ADDRESS)
    yield line
    access.check("sh /lab/access/lwaftr stop; pkill -f '[f]lows.py serve'")
    line.restore()


@pytest.fixture
def line(shared):
    """Nothing of what a test does comes from a foreign port."""
    dropped = shared.lab.access.check("sh /lab/access/lwaftr dropped")
    yield shared
    assert shared.lab.access.check("sh /lab/access/lwaftr dropped") == dropped


def flows(where, count, *own, port=PORT):
    """The ports under which the server saw as many conversations."""
    command = f"python3 /tmp/flows.py open {SERVER} {port} {count} {' '.join(map(str, own))}"
    return json.loads(where.check(command, 300))


def test_status(line):
    """What is in use is shown; the doctor finds nothing wrong."""

    def use():
        # What ends while the kernel tells its list makes it leave out another: it is asked again.
        line.lanhost.check(f"curl -4 -s -m 5 http://{SERVER}/ && ping -c 1 -W 5 {SERVER}")
        told = line.status()["port_use"]
        return told if told["used"]["icmp"] and told["used"]["tcp"] else None

    told = line.wait(use, 60, "ports of ICMP and TCP are in use")
    assert (told["count"], told["ranges"], told["full"]) == (252, 63, [])
    assert told["first"] == list(OURS.ranges()[0])
    assert told["used"]["icmp"] <= 252 and told["used"]["tcp"] <= 252
    assert " of 252 in use; 63 ranges from 1232-1235 on" in line.router.check("softwire status wan")


def test_each_subscriber_has_its_ports(line):
    """The same address twice, and the other one's packets go to the other one."""
    neighbour = Namespace(line.lab.access, "lwneighbour")
    port = THEIRS.ranges()[0][0]
    assert flows(neighbour, 1, ADDRESS, port) == [port]
    seen = flows(line.lanhost, 1)
    assert seen[0] in OWN
    assert flows(neighbour, 1, ADDRESS, port) == [port]


def test_a_foreign_port_is_dropped(shared):
    """The lwAFTR is strict: without that the other tests would show nothing."""
    before = int(shared.lab.access.check("sh /lab/access/lwaftr dropped"))
    assert flows(Namespace(shared.lab.access, "lwneighbour"), 1, ADDRESS, OWN[0]) == [None]
    assert int(shared.lab.access.check("sh /lab/access/lwaftr dropped")) > before


def test_large_transfers(line):
    """TCP both ways with full segments, pings of any size, and a path that says "too big"."""
    size = line.lanhost.check(
        f"curl -4 -s -m 150 -o /dev/null -w '%{{size_download}}' http://{SERVER}/big", 180
    )
    assert size.strip() == "4194304"
    for octets in (56, 1432, 1433, 4000):
        line.lanhost.check(f"ping -c 1 -W 10 -M dont -s {octets} {SERVER}")
    line.router.check(f"ping -c 1 -W 10 -s 3000 {SERVER}")


def test_the_router_itself(line):
    """It has no other address to send from."""
    line.need("curl")
    assert line.router.check(f"curl -s -m 10 http://{SERVER}/").strip() == ADDRESS


def test_a_forwarded_port(line):
    """One of the set's; offloading, which passes by the rules that write ports, changes nothing."""
    text = FORWARDED.format(port=OWN[-1])
    line.router.check(
        f'cp /etc/config/firewall /etc/firewall.saved; printf %s "{text}" >> /etc/config/firewall'
    )
    try:
        for offloading in ("0", "1"):
            line.router.check(
                f"uci set firewall.@defaults[0].flow_offloading={offloading}; uci commit firewall"
            )
            line.router.check("/etc/init.d/firewall reload")
            loaded = line.router.check("nft list chain inet fw4 forward")
            assert ("@ft" in loaded) == (offloading == "1")
            answer = line.lab.internet4.check(f"curl -s -m 20 http://{ADDRESS}:{OWN[-1]}/")
            assert answer.strip() == SERVER
            if line.lab.openwrt:  # the stand-in's fw4 reflects nothing
                answer = line.lanhost.check(f"curl -4 -s -m 20 http://{ADDRESS}:{OWN[-1]}/")
                assert answer.strip() == "192.168.1.1"
            size = line.lanhost.check(
                f"curl -4 -s -m 150 -o /dev/null -w '%{{size_download}}' http://{SERVER}/big", 180
            )
            assert size.strip() == "4194304"
    finally:
        line.router.check("mv /etc/firewall.saved /etc/config/firewall; /etc/init.d/firewall reload")


def test_every_port_and_one_more(line):
    """As many conversations with one place as there are ports; the next one fails, and the doctor says why."""
    usual = line.router.check(f"cat {UDP_TIMEOUT}").strip()
    line.router.check(f"echo 300 > {UDP_TIMEOUT}")
    try:
        seen = flows(line.lanhost, 253, port=FRESH)
        assert sorted(port for port in seen if port) == OWN and seen.count(None) == 1
        full = [["udp", SERVER, FRESH]]
        line.wait(lambda: line.status()["port_use"]["full"] == full, 20, "status tells who has all ports")

        def told():
            # The kernel's list may leave some out: it is asked again.
            found = Told(line, host=SERVER)
            return found if found.exit_status else None

        line.wait(told, 120, "the doctor finds it").names(
            "ports", "PORTS_USED_UP", "252", f"{SERVER}, UDP port {FRESH}"
        )
        # Elsewhere everybody still gets.
        assert line.seen_by_ipv4() == ADDRESS
    finally:
        line.router.check(f"echo {usual} > {UDP_TIMEOUT}")


def test_rules_come_and_go(shared):
    """They are there before the device is, and leave with the interface when the firewall next reloads."""
    line = shared
    line.router.check("/sbin/ifdown wan")
    line.wait_until_gone()
    assert "wan.nft" not in line.router.check("ls /var/run/softwire")
    line.router.check("/etc/init.d/firewall reload; ! nft list table ip softwire 2> /dev/null")
    line.router.check("/sbin/ifup wan")
    line.wait_for_softwire(ADDRESS)
    line.router.check("nft list chain ip softwire nat_wan | grep -q 'masquerade to :32516-32767'")
    # Another set: the numbers in the kernel's NAT stay what they were.
    line.configure(psid=str(THEIRS.psid))
    line.router.wait_until(
        f"nft list map ip softwire ports_wan | grep -q '32516 : {THEIRS.ranges()[0][0]}'", 60, "other ports"
    )
