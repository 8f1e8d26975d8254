# SPDX-License-Identifier: Apache-2.0
"""What passes the border router and what does not: protocols, fragments of both layers, foreign sources."""

import json
import random
import socket
import threading

import pytest

from tests.system.tep import machine as lab
from tests.system.tep.machine import HOST, OTHER, SERVER, TEP, address, node


@pytest.fixture
def served(machine):
    """Nodes 1 and 2 are there, and the border router carries them."""
    machine.start()
    machine.node(1), machine.node(2)
    server = machine.server()
    for number in (1, 2):
        server.create(address(number), node(number))
    server.close()
    return machine


def test_icmp_and_inner_fragments(served):
    # 3,000 octets are three packets of the inner layer, each in its own outer one.
    for size in ("56", "1400", "3000"):
        served.nodes.run("ping", "-I", address(1), "-c", "2", "-i", "0.2", "-W", "5", "-s", size, HOST)
    # From outside, too.
    served.inet.run("ping", "-c", "2", "-i", "0.2", "-W", "5", "-s", "3000", address(2))
    assert served.counted("stopped_packets_total", "spoofed") == 0


def test_tcp(served):
    data = random.Random(1).randbytes(1 << 20)
    listener = served.inet.open(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind((HOST, 80))
    listener.listen()

    def serve():
        peer, _ = listener.accept()
        while part := peer.recv(65536):
            peer.sendall(part)
        peer.close()

    thread = threading.Thread(target=serve)
    thread.start()
    asked = served.nodes.open(socket.AF_INET, socket.SOCK_STREAM)
    asked.settimeout(60)
    asked.bind((address(1), 0))
    asked.connect((HOST, 80))
    sender = threading.Thread(target=lambda: (asked.sendall(data), asked.shutdown(socket.SHUT_WR)))
    sender.start()
    got = b""
    while part := asked.recv(65536):
        got += part
    sender.join(), thread.join()
    assert got == data


def test_udp_both_ways(served):
    there, here = served.udp(served.inet, HOST, 53), served.udp(served.nodes, address(1), 5353)
    here.sendto(b"question", (HOST, 53))
    data, peer = there.recvfrom(2000)
    assert (data, peer) == (b"question", (address(1), 5353))
    there.sendto(b"answer", peer)
    assert here.recvfrom(2000) == (b"answer", (HOST, 53))


def sent(machine, packets):
    """What of these packets' UDP data arrives at the host before a last one that has to."""
    there = machine.udp(machine.inet, HOST, 53)
    raw = machine.raw()
    for packet in packets:
        raw.sendto(packet, (TEP, 0))
    raw.sendto(lab.ipv6(node(1), TEP, lab.ipv4(address(1), HOST, lab.udp(53, b"last"))), (TEP, 0))
    found = []
    while not found or found[-1] != b"last":
        found.append(there.recv(65535))
    return found[:-1]


def inner(number, data, **how):
    return lab.ipv4(address(number), HOST, lab.udp(53, data), **how)


def test_extension_headers(served):
    packet = lab.ipv6(node(1), TEP, lab.options(inner(1, b"options")), header=60)
    assert sent(served, [packet]) == [b"options"]


def test_outer_fragments(served):
    whole = inner(1, b"x" * 1300)
    # In order, and the other way round.
    for identification, turn in ((7, 1), (8, -1)):
        parts = list(lab.fragments(whole, 504, identification))[::turn]
        packets = [lab.ipv6(node(1), TEP, part, header=44) for part in parts]
        assert len(packets) == 3 and sent(served, packets) == [b"x" * 1300]


def test_outer_fragments_of_inner_fragments(served):
    data = lab.udp(53, b"y" * 2000)
    first = lab.ipv4(address(1), HOST, data[:1200], identification=9, fragment=0x2000)
    second = lab.ipv4(address(1), HOST, data[1200:], identification=9, fragment=150)
    packets = [
        lab.ipv6(node(1), TEP, part, header=44)
        for identification, whole in ((10, first), (11, second))
        for part in lab.fragments(whole, 504, identification)
    ]
    assert sent(served, packets) == [b"y" * 2000]


def spoofed():
    """Packets of which each has a source that is not its sender's."""
    yield "another node's address", lab.ipv6(node(1), TEP, inner(2, b"1"))
    yield "an address that nobody has", lab.ipv6(node(1), TEP, inner(77, b"2"))
    yield "an address of the internet", lab.ipv6(node(1), TEP, lab.ipv4("192.0.2.7", HOST, lab.udp(53, b"3")))
    yield "an unknown node", lab.ipv6(node(77), TEP, inner(1, b"4"))
    yield "behind options", lab.ipv6(node(1), TEP, lab.options(inner(2, b"5")), header=60)
    for part in lab.fragments(inner(2, b"6" * 1300), 504, 12):
        yield "in outer fragments", lab.ipv6(node(1), TEP, part, header=44)


def test_a_foreign_source_is_dropped_and_counted(served):
    packets = [packet for _, packet in spoofed()]
    assert sent(served, packets) == []
    # Three fragments are one packet.
    assert served.counted("stopped_packets_total", "spoofed") == len(packets) - 2
    # Who may send is not held responsible for it.
    assert sent(served, [lab.ipv6(node(2), TEP, inner(2, b"right"))]) == [b"right"]


def test_no_way_in_by_another_address(served):
    """The tunnel device takes whatever comes to any address of this machine."""
    served.nodes.run("ping", "-c", "1", OTHER)  # its neighbour is known now
    packet = lab.ipv6(node(1), OTHER, inner(2, b"around"))
    served.raw().sendto(packet, (OTHER, 0))
    assert sent(served, []) == []
    assert served.counted("stopped_packets_total", "elsewhere") == 1


def test_ipv6_in_ipv6_is_not_taken(served):
    """plain `external` would decapsulate it."""
    packet = lab.ipv6(node(1), TEP, lab.ipv6("2001:db8:dead::1", SERVER, b"", header=59), header=41)
    before = received(served)
    assert sent(served, [packet]) == []
    assert received(served) == before + 1  # the last one of sent()


def received(machine):
    """By the device that takes what comes in; the other one would have to read its metadata."""
    (told,) = json.loads(machine.tep.run("ip", "-j", "-s", "link", "show", "dev", "dstm-in"))
    return told["stats64"]["rx"]["packets"]


def test_an_address_that_nobody_has_is_unreachable(served):
    """Instead of going back to where it came from, again and again."""
    output = served.inet.start("ping", "-c", "1", "-W", "3", address(99), stdout=-1).communicate()[0]
    assert "Unreachable" in output


def test_node_to_node(served):
    served.nodes.run("ip", "rule", "add", "to", address(2), "lookup", "1001")
    a, b = served.udp(served.nodes, address(1), 1000), served.udp(served.nodes, address(2), 2000)
    a.sendto(b"neighbour", (address(2), 2000))
    assert b.recvfrom(100) == (b"neighbour", (address(1), 1000))
