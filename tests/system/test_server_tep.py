# SPDX-License-Identifier: Apache-2.0
"""A border router of its own: our Debian package on the server machine, its unit, a node and an IPv4 host beside it."""

import json
import pathlib
import re

import pytest

TELL = pathlib.Path(__file__).with_name("guest") / "tell.py"
UNIT, PORT = "softwired-tep", 3654
TEP, NODE, IPV4, HOST, OUTSIDE = "2001:db8:e::1", "2001:db8:e::2", "198.18.0.1", "203.0.113.9", "203.0.113.8"
TABLE = f"""
[tep]
address = "{TEP}"
ipv4 = "{OUTSIDE}"
prefixes = ["198.18.0.0/16"]
servers = ["{NODE}"]
# The machine may be a DSTM server as well, which has the usual one.
port = {PORT}
"""
# A sysctl of Debian's filters sources loosely; the strict filter is the administrator's.
AROUND = f"""
ip netns add node
ip netns add host
ip link add line type veth peer name eth0 netns node
ip link add outside type veth peer name eth0 netns host
ip address add {TEP}/64 dev line nodad
ip address add {OUTSIDE}/24 dev outside
ip link set line up
ip link set outside up
ip -n node address add {NODE}/64 dev eth0 nodad
ip -n node link set lo up
ip -n node link set eth0 up
ip -n node link add dti type ip6tnl mode ipip6 local {NODE} remote {TEP} encaplimit none
ip -n node address add {IPV4}/32 dev dti
ip -n node link set dti up
ip -n node route add default dev dti
ip -n host address add {HOST}/24 dev eth0
ip -n host link set eth0 up
ip -n host route add default via {OUTSIDE}
sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1
"""
NOTHING = "ip netns del node; ip netns del host; sysctl -qw net.ipv4.conf.all.rp_filter=0"
# linux/capability.h
NET_ADMIN = 1 << 12


@pytest.fixture(scope="module")
def tep(server):
    server.push(TELL.read_text(encoding="utf-8"), "/tmp/tell.py")
    server.push(AROUND, "/tmp/around.sh")
    server.check("cp /etc/softwired.toml /tmp/softwired.toml")
    server.push(server.check("cat /etc/softwired.toml") + TABLE, "/etc/softwired.toml")
    server.check("sh -e /tmp/around.sh")
    server.check(f"systemctl start {UNIT}", 120)
    yield server
    server.run(
        f"systemctl stop {UNIT}; systemctl reset-failed {UNIT}; cp /tmp/softwired.toml /etc/softwired.toml"
    )
    server.run(NOTHING)


def tell(tep, action):
    return tep.check(f"ip netns exec node python3 /tmp/tell.py {action} {TEP} {PORT} {IPV4} {NODE}")


def status(tep):
    return json.loads(tep.check("softwired tep status --json"))


def lost(tep, command):
    """How many packets are lost, there or back, while this is done."""
    ping = f"ip netns exec node ping -q -i 0.02 -w 600 {HOST}"
    tep.check(f"{ping} > /tmp/ping.txt 2>&1 & echo $! > /tmp/ping.pid; sleep 1; {command}; sleep 1", 300)
    tep.check("kill -INT $(cat /tmp/ping.pid); sleep 1")
    told = tep.check("cat /tmp/ping.txt")
    sent, received = map(int, re.search(r"(\d+) packets transmitted, (\d+) received", told).groups())
    assert sent > 20, told
    return sent - received


def test_it_carries_under_its_unit(tep):
    """A user of its own with one capability makes devices, routes and table; also where sources are filtered
    strictly."""
    assert tep.run(f"ip netns exec node ping -c 1 -W 2 {HOST}")[1]
    assert 'action="info"' in tell(tep, "create")
    tep.check(f"ip netns exec node ping -c 3 -W 5 {HOST}")
    pid = tep.check(f"systemctl show -p MainPID --value {UNIT}").strip()
    found = dict(
        line.split(":\t", 1) for line in tep.check(f"cat /proc/{pid}/status").split("\n") if ":\t" in line
    )
    user = tep.check("id -u softwired").strip()
    assert found["Uid"].split() == [user] * 4 and found["NoNewPrivs"] == "1" and found["Seccomp"] == "2"
    assert int(found["CapEff"], 16) == int(found["CapPrm"], 16) == NET_ADMIN
    assert not status(tep)["problem"]


COMMANDS = {
    "restarted": f"systemctl restart {UNIT}",
    "killed": f"systemctl kill -s KILL {UNIT}; sleep 3; until softwired tep status > /dev/null; do sleep 0.2; done",
    "stopped": f"systemctl stop {UNIT}; sleep 2; systemctl start {UNIT}",
    "installed": f"apt-get -q -q -y --reinstall install softwired; systemctl start {UNIT}",
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_no_packet_is_lost_meanwhile(tep, command):
    """The kernel goes on, and the service, come back, leaves as it is what is right."""
    assert 'action="info"' in tell(tep, "create")
    assert lost(tep, command) == 0
    assert IPV4 in tep.check("softwired tep mappings")


def test_what_is_deleted_passes_no_more(tep):
    assert 'action="info"' in tell(tep, "delete")
    assert tep.run(f"ip netns exec node ping -c 1 -W 2 {HOST}")[1]
    assert status(tep)["counters"]["families"]["stopped_packets_total"]["values"]["spoofed"] >= 1
