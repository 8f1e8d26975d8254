# SPDX-License-Identifier: Apache-2.0
"""One IPv4 address of two nodes (DSTM Ports): whose ports packets go to, and what a node may not send."""

import socket
import struct
import subprocess

import pytest

from softwire import tsp
from tests.softwired.commander import Refused
from tests.softwired.network import until
from tests.system.tep import machine as lab
from tests.system.tep.machine import HOST, SERVER, TEP, address, node

SHARED = f'servers = ["{SERVER}"]\n[[tep.shared]]\nprefix = "198.18.0.0/28"\nports_of_a_node = 4096\n'
ADDRESS = address(9)
RANGES = {1: (4096, 8191), 2: (8192, 12287)}


class Node:
    """A node without a network stack: its packets are written and read as they are."""

    def __init__(self, machine, number):
        self.number = number
        machine.nodes.run("ip", "address", "add", f"{node(number)}/128", "dev", "lo", "nodad")
        self.raw = machine.raw()
        self.socket = machine.nodes.open(socket.AF_INET6, socket.SOCK_RAW, 4)
        self.socket.bind((node(number), 0))
        self.socket.settimeout(5)

    def send(self, payload, protocol=17, **how):
        inner = lab.ipv4(ADDRESS, HOST, payload, protocol, **how)
        self.raw.sendto(lab.ipv6(node(self.number), TEP, inner), (TEP, 0))

    def got(self):
        """(protocol, payload) of the next IPv4 packet that came."""
        packet = self.socket.recv(65535)
        assert socket.inet_ntoa(packet[16:20]) == ADDRESS
        return packet[9], packet[20:]


@pytest.fixture
def shared(machine):
    machine.start(SHARED)
    server = machine.server()
    for number, ports in RANGES.items():
        assert server.create(ADDRESS, node(number), ports=ports).client.ports == ports
    machine.commands = server
    machine.pair = Node(machine, 1), Node(machine, 2)
    return machine


def udp(source, data):
    return struct.pack("!HHHH", source, 53, 8 + len(data), 0) + data


def echo(identifier, kind=8):
    head = struct.pack("!BBHHH", kind, 0, 0, identifier, 1)
    total = sum(struct.unpack("!4H", head))
    return head[:2] + struct.pack("!H", ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF) + head[4:]


def test_each_node_has_its_ports(shared):
    first, second = shared.pair
    host = shared.udp(shared.inet, HOST, 53)
    first.send(udp(8192, b"a port of the other's"))
    first.send(udp(4095, b"nobody's port"))
    first.send(udp(4096, b"one"))
    second.send(udp(12287, b"two"))
    assert [host.recvfrom(100) for _ in range(2)] == [(b"one", (ADDRESS, 4096)), (b"two", (ADDRESS, 12287))]
    host.sendto(b"for two", (ADDRESS, 8192))
    host.sendto(b"for one", (ADDRESS, 8191))
    assert first.got()[1][8:] == b"for one" and second.got()[1][8:] == b"for two"
    assert shared.counted("stopped_packets_total", "spoofed") == 2


def test_fragments(shared):
    """Of a datagram to a node, whose first one alone has its port; and of one from a node."""
    _, second = shared.pair
    host = shared.udp(shared.inet, HOST, 53)
    host.sendto(b"x" * 3000, (ADDRESS, 9000))
    came = 0
    while came < 3008:
        protocol, payload = second.got()
        came += len(payload)
    assert came == 3008
    whole = udp(9000, b"y" * 2000)
    second.send(whole[:1200], identification=7, fragment=0x2000)
    second.send(whole[1200:], identification=7, fragment=150)
    assert host.recv(65535) == b"y" * 2000


def test_icmp(shared):
    first, second = shared.pair
    second.send(echo(4100), 1)  # the other's identifier
    first.send(echo(4100), 1)
    protocol, payload = first.got()
    assert (protocol, payload[0], payload[4:6]) == (1, 0, struct.pack("!H", 4100))
    assert shared.counted("stopped_packets_total", "spoofed") == 1
    # Nobody listens there: the error goes to whoever sent the packet that it is about.
    second.send(udp(8200, b"nobody"))
    protocol, payload = second.got()
    assert (protocol, payload[0]) == (1, 3)
    # Its own error, about a packet that came, is nobody's port.
    shared.counted("stopped_packets_total", "spoofed")
    second.send(bytes([3, 3, 0xFC, 0xFC, 0, 0, 0, 0]), 1)
    assert shared.counted("stopped_packets_total", "spoofed") == 1


def test_an_end_is_one_nodes_alone(shared):
    first, second = shared.pair
    host = shared.udp(shared.inet, HOST, 53)
    shared.commands.delete(ADDRESS, node(1), ports=RANGES[1])
    first.send(udp(4096, b"gone"))
    second.send(udp(8192, b"there"))
    assert host.recv(100) == b"there"
    # Another node gets the range.
    shared.commands.create(ADDRESS, node(2), ports=RANGES[1])
    second.send(udp(4096, b"moved"))
    assert host.recv(100) == b"moved"
    host.sendto(b"back", (ADDRESS, 4096))
    assert second.got()[1][8:] == b"back"


def test_a_restart_keeps_them(shared):
    shared.stop()
    shared.start(SHARED)
    assert shared.counted("repaired_total", "start") == 0
    first, _ = shared.pair
    host = shared.udp(shared.inet, HOST, 53)
    first.send(udp(5000, b"still"))
    assert host.recv(100) == b"still"
    assert f"{ADDRESS} ports 4096-8191" in shared.ask("tep", "mappings")
    shared.tep.run("ip", "rule", "flush", "protocol", "104")
    until(lambda: _rules(shared) == 16, "the rules are there again", 20)


def _rules(machine):
    asked = machine.tep.start("ip", "rule", stdout=subprocess.PIPE)
    return asked.communicate()[0].count(" proto 104")


@pytest.mark.parametrize("ports", [None, (4096, 6143), (4097, 8192), (0, 65535)])
def test_what_is_refused(shared, ports):
    with pytest.raises(Refused) as found:
        shared.commands.create(ADDRESS, node(3), ports=ports)
    assert found.value.code == tsp.TEP_ERROR
    with pytest.raises(Refused):
        shared.commands.create(address(99), node(3), ports=(4096, 8191))
