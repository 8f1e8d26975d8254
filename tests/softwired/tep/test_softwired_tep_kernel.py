# SPDX-License-Identifier: Apache-2.0
"""What is said to the kernel in a namespace of this machine, without a tunnel: routes, set, and who changed them."""

import os
import socket
import subprocess

import pytest

from tests.softwired import network

# Runs in the namespace. A pair of veth devices stands where the tunnel devices would be.
PROGRAM = """
import ipaddress, subprocess
from softwired import encapsulation
from softwired.tep import ruleset
from softwired.tep.carrier import Carrier

encapsulation.make_device = lambda asked, name: encapsulation.device(asked, name).number
encapsulation.make_receiver = lambda asked, name, local: encapsulation.device(asked, "v1").number
made = []

def carrier(learning=None):
    made.append(Carrier("v0", ipaddress.IPv6Address("2001:db8:b::1"), PREFIXES, learning))
    return made[-1]

def run(command):
    return subprocess.run(command, shell=True, check=True, stdout=subprocess.PIPE, text=True).stdout

PREFIXES = [ipaddress.IPv4Network("198.18.0.0/16")]
MANY = {
    (0xC6120000 + number).to_bytes(4, "big"): ipaddress.IPv6Address((0x20010DB8 << 96) + number).packed
    for number in range(1, 3001)
}
FIRST, SECOND = list(MANY)[:2]
"""


def run(text):
    with_tree = {**os.environ, "PYTHONPATH": str(network.TREE / "src")}
    try:
        namespace = network.Namespace()
    except network.NoNamespace as error:
        pytest.skip(str(error))
    try:
        for words in (
            "link add v0 type veth peer name v1",
            "link set v0 up",
            "link set v1 up",
        ):
            namespace.run("ip", *words.split())
        done = namespace.start(
            "python3", "-c", PROGRAM + text, env=with_tree, stdout=-1, stderr=subprocess.STDOUT
        )
        output, _ = done.communicate(timeout=60)
        assert done.returncode == 0, output
    finally:
        namespace.close()


def test_it_agrees_and_changes_nothing_that_is_right():
    run("""
one = carrier()
assert one.agree(MANY) == 3000 and not one.disturbed()
assert one.agree(MANY) == 0
routes = run("ip route show proto 104")
assert routes.count("encap ip6") == 3000 and "unreachable 198.18.0.0/16" in routes
line = next(line for line in routes.splitlines() if line.startswith("198.18.0.7 "))
assert "src 2001:db8:b::1 dst 2001:db8::7 hoplimit 64" in line and "via 192.0.0.1 dev v0" in line, line
assert "onlink" in line
# Another process, after a crash of this one.
assert carrier().agree(MANY) == 0
assert "2001:db8::7 . 0xc6120007" in run("nft list set ip6 softwired_tep own")
""")


def test_a_change_is_taken_and_undone():
    run("""
one = carrier()
one.agree({FIRST: MANY[FIRST]})
one.change({FIRST: MANY[SECOND], SECOND: MANY[SECOND]})
assert encapsulation.routes(one.routing, one.index) == {
    (ipv4, None): encapsulation.Route(MANY[SECOND], one.local) for ipv4 in (FIRST, SECOND)
}
assert set(one.set.elements()) == {MANY[SECOND] + FIRST, MANY[SECOND] + SECOND}
one.change({FIRST: None, SECOND: None})
assert not encapsulation.routes(one.routing, one.index) and not one.set.elements() and not one.disturbed()
""")


@pytest.mark.parametrize(
    "command",
    [
        "nft flush ruleset",
        "nft flush set ip6 softwired_tep own",
        "nft flush chain ip6 softwired_tep inner",
        "ip route del 198.18.0.7",
        "ip route flush proto 104",
        "ip link set v0 down; ip link set v0 up",
        "ip link set v1 down; ip link set v1 up",
    ],
)
def test_what_somebody_else_does_is_noticed_and_mended(command):
    run(f"""
one = carrier()
one.agree(MANY)
assert not one.disturbed()
before = run("nft list table ip6 softwired_tep")
run({command!r})
assert one.disturbed()
one.agree(MANY)
one.disturbed()
assert len(encapsulation.routes(one.routing, one.index)) == len(one.set.elements()) == 3000
sort = lambda text: sorted(text.replace("elements = {{", "").replace("}}", "").replace(",", "").split())
assert sort(run("nft list table ip6 softwired_tep")) == sort(before)
""")


def test_what_others_do_with_their_own_is_no_news():
    run("""
one = carrier()
one.agree(MANY)
run("nft add table ip6 other; ip route add 192.0.2.0/24 dev v0; ip link add v2 type veth; ip link del v2")
assert not one.disturbed()
""")


def test_what_the_kernel_refuses_is_an_error_with_its_words():
    run("""
from softwired.tep.carrier import CarrierError
one = carrier()
one.agree({})
run("ip link set v0 down")
try:
    one.change({FIRST: MANY[FIRST]})
except CarrierError as error:
    assert str(error), error
else:
    raise AssertionError
""")


def test_learning_rules_are_taken():
    run("""
clients = [ipaddress.IPv6Network("2001:db8:c::/48")]
one = carrier(ruleset.Learning(clients, PREFIXES, 10, 60, 3653, 100))
one.agree({FIRST: MANY[FIRST]})
(left,) = one.set.elements().values()
assert 50_000 < left <= 60_000, left
assert "log group 3653" in run("nft list chain ip6 softwired_tep inner")
""")


def test_a_packet_of_nobody_is_heard_of():
    run("""
import os, socket, types
from softwired.tep.learning import Learner, sender
clients = [ipaddress.IPv6Network("2001:db8:c::/48")]
learning = ruleset.Learning(clients, PREFIXES, 10, 60, 3653, 100)
one = carrier(learning)
one.agree({})
run("ip link set v0 address 02:00:00:00:00:01; ip address add 2001:db8:b::1/64 dev v0 nodad")
heard = {}
table = types.SimpleNamespace(wanted={}, change=heard.update, carrier=one)
learner = Learner(learning, table, None, None)
inner = bytes([0x45, 0, 0, 20]) + bytes(5) + b"\\x11" + bytes(2) + FIRST + bytes(4)
outer = b"\\x60\\0\\0\\0\\0\\x14\\4\\x40"
frame = lambda node, inner: (
    bytes.fromhex("020000000001") + bytes(6) + b"\\x86\\xdd"
    + outer + ipaddress.IPv6Address(node).packed + one.local + inner
)
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
raw.bind(("v1", 0))
raw.send(frame("2001:db8:dead::1", inner))  # no client
raw.send(frame("2001:db8:c::1", inner.replace(FIRST, b"\\1\\2\\3\\4")))  # in no prefix
raw.send(frame("2001:db8:c::2", inner))
import select
assert select.select([learner], [], [], 5)[0], run("nft list table ip6 softwired_tep")
learner.heard()
assert {ipv4: found.ipv6 for ipv4, found in heard.items()} == {
    FIRST: ipaddress.IPv6Address("2001:db8:c::2").packed
}
assert one.counted()["spoofed"] == 3
""")


SHARED = """
from softwired.tep import sharing
shared = [sharing.Shared(ipaddress.IPv4Network("198.18.0.0/28"), 4096)]
made.append(Carrier("v0", ipaddress.IPv6Address("2001:db8:b::1"), PREFIXES, None, shared))
one = made[-1]
LOW, HIGH = sharing.slot(FIRST, 4096), sharing.slot(FIRST, 8192)
"""


def test_ranges_of_an_address_have_rules_and_tables_of_their_own():
    run(
        SHARED
        + """
one.agree({LOW: MANY[FIRST], HIGH: MANY[SECOND]})
assert run("ip rule").count("proto 104") == 16 and "fwmark 0x36531000 lookup 911413248" in run("ip rule")
assert "dst 2001:db8::1 " in run("ip route show table 911413248"), run("ip route show table all")
assert "dst 2001:db8::2 " in run(f"ip route show table {0x36532000}")
assert len(one.ranges.elements()) == len(one.set.elements()) == 2
assert one.agree({LOW: MANY[FIRST], HIGH: MANY[SECOND]}) == 0 and not one.disturbed()
# One node has both, then one of them: what has no ports is still its own.
one.change({HIGH: MANY[FIRST]})
assert len(one.ranges.elements()) == 2 and len(one.set.elements()) == 1
one.change({HIGH: None})
assert len(one.ranges.elements()) == len(one.set.elements()) == 1 and not one.disturbed()
assert not run(f"ip route show table {0x36532000}")
run("ip rule del fwmark 0x36531000")
assert one.disturbed()
one.agree({LOW: MANY[FIRST]})
assert run("ip rule").count("proto 104") == 16
# Nothing is shared any more.
two = carrier()
two.agree({})
assert "proto 104" not in run("ip rule") and "table ip softwired_tep" not in run("nft list tables")
assert not run("ip route show table 911413248")
"""
    )


# A veth device in the place of the tunnel's, which looks like one; answers leave by v0.
RECEIVER = """
import socket
from softwired import encapsulation, netlink
kernel, found = netlink.Socket(netlink.ROUTE), encapsulation.link
encapsulation.link = lambda asked, name: found(asked, name)._replace(
    kind=b"ip6tnl", data={encapsulation.IFLA_IPTUN_LOCAL: bytes(16)}
)
number = encapsulation.make_receiver(kernel, "in0", bytes(16))
assert number == encapsulation.make_receiver(kernel, "in0", bytes(16)) == socket.if_nametoindex("in0")
heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
heard.bind(("203.0.113.1", 53))
heard.settimeout(10)
print("ready", flush=True)
assert heard.recv(10) == b"in"
"""


@pytest.mark.parametrize("everywhere", "012")
def test_no_filter_of_sources_drops_what_comes_in(everywhere):
    """RFC 3704: off, strict and loose."""
    try:
        ours = network.Namespace()
    except network.NoNamespace as error:
        pytest.skip(str(error))
    node = network.Namespace(ours)
    try:
        for namespace, words in (
            (ours, f"link add in0 type veth peer name eth0 netns {node.holder.pid}"),
            (ours, "link add v0 type veth peer name v1"),
            (ours, "link set v0 up"),
            (ours, "link set v1 up"),
            (ours, "link set lo up"),
            (ours, "address add 203.0.113.1/32 dev lo"),
            (ours, "route add 198.18.0.1/32 via 192.0.0.1 dev v0 onlink"),
            (ours, "link set in0 address 02:00:00:00:00:01"),
            (node, "link set eth0 up"),
            (node, "address add 198.18.0.1/32 dev eth0"),
            (node, "route add default dev eth0"),
            (node, "neighbour add 203.0.113.1 lladdr 02:00:00:00:00:01 dev eth0"),
        ):
            namespace.run("ip", *words.split())
        ours.run("sysctl", "-qw", f"net.ipv4.conf.all.rp_filter={everywhere}")
        environment = {**os.environ, "PYTHONPATH": str(network.TREE / "src")}
        service = ours.start("python3", "-c", RECEIVER, env=environment, stdout=-1, stderr=subprocess.STDOUT)
        assert service.stdout.readline() == "ready\n", service.stdout.read()
        made = node.open(socket.AF_INET, socket.SOCK_DGRAM)
        made.sendto(b"in", ("203.0.113.1", 53))
        output, _ = service.communicate(timeout=20)
        assert service.returncode == 0, output
        made.close()
    finally:
        node.close()
        ours.close()
