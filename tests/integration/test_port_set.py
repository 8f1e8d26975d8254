# SPDX-License-Identifier: Apache-2.0
"""NAT to a port set, in this machine's kernel: every port is used, by TCP, UDP and pings, and nobody else's.

Behind the softwire's device stands the internet, which drops what comes from a port that is not ours (port_set.py).
"""

import re
import shutil
import socket
import struct
import time

import pytest
from scapy.layers.inet import ICMP, IP, UDP

from port_set import ADDRESS, INTERNET, LAN_HOST, LAN_ROUTER, NARROW, OTHER, Network
from softwire.portnat import PortMap
from softwire.tunnel import PortSet
from tests.softwired.network import NoNamespace

ECHO, CHARACTERS = 7, b"0123456789"
IP_TTL, IP_MTU_DISCOVER, IP_RECVERR, IP_MTU, SO_NO_CHECK = 2, 10, 11, 14, 11
# 252 ports in 63 ranges; 240 in 15, as offset 4 has them; one range; one port in each of 15 ranges.
SETS = ((6, 8, 0x34), (4, 8, 0x34), (0, 8, 0x34), (4, 12, 0x345))


@pytest.fixture(scope="module", params=SETS, ids=lambda key: "{}-{}-{}".format(*key))
def network(request, tmp_path_factory):
    if not shutil.which("nft"):
        pytest.skip("this machine has no nft: Debian's package nftables has it")
    try:
        made = Network(*request.param, tmp_path_factory.mktemp("rules"))
    except NoNamespace as error:
        pytest.skip(f"no network namespace: {error}")
    made.firewall()
    yield made
    made.close()


@pytest.fixture
def net(network):
    """The network, without connections; nothing of what a test does is dropped by the other side."""
    network.firewall()
    before = network.strange()
    yield network
    assert network.strange() == before


def answer(server):
    """Sends back what has come."""
    server.setblocking(False)
    peers = []
    while True:
        try:
            data, peer = server.recvfrom(65535)
        except BlockingIOError:
            return peers
        server.sendto(data, peer)
        peers.append(peer)


def converse(server, host, sends, seconds=2.0):
    """Whether a host gets an answer, however often it has to ask; the port under which it was seen."""
    host.setblocking(False)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sends()
        time.sleep(0.001)
        seen = answer(server)
        time.sleep(0.001)
        try:
            assert host.recv(100) == CHARACTERS
            return seen[-1][1]
        except BlockingIOError:
            pass
    return None


def test_every_port_by_udp_and_one_more(net):
    """As many conversations with one place as there are ports, all open at once; the next fails, elsewhere it works."""
    server = net.udp(net.internet, INTERNET, ECHO)
    hosts, seen = [], []
    for _ in net.own:
        host = net.udp(net.lan)
        host.connect((INTERNET, ECHO))
        hosts.append(host)
        seen.append(converse(server, host, lambda host=host: host.send(CHARACTERS)))
    assert sorted(seen) == net.own
    # All of them still are what they were.
    assert [converse(server, host, lambda host=host: host.send(CHARACTERS)) for host in hosts] == seen
    host = net.udp(net.lan)
    host.connect((INTERNET, ECHO))
    assert converse(server, host, lambda: host.send(CHARACTERS), 1) is None
    elsewhere = net.udp(net.internet, OTHER, ECHO)
    host.connect((OTHER, ECHO))
    assert converse(elsewhere, host, lambda: host.send(CHARACTERS)) in net.own


def test_every_port_by_tcp_and_one_more(net):
    server = net.tcp(net.internet, INTERNET, 80)
    server.listen(500)
    pairs = []
    for _ in net.own:
        host = net.tcp(net.lan)
        host.connect((INTERNET, 80))
        pairs.append((host, *server.accept()))
    assert sorted(peer[1] for _, _, peer in pairs) == net.own
    for host, there, _ in pairs[:: len(pairs) // 10]:
        for one, other in ((host, there), (there, host)):
            one.sendall(bytes(50000))
            assert len(other.makefile("rb").read(50000)) == 50000
    host = net.tcp(net.lan)
    host.settimeout(1.5)
    with pytest.raises(socket.timeout):
        host.connect((INTERNET, 80))


def echo_request(identifier, sequence, data=b"ping"):
    return bytes(ICMP(id=identifier, seq=sequence) / data)


def test_every_identifier_of_pings_and_one_more(net):
    """The internet's kernel answers; each host pings with an identifier of its own."""
    made = net.lan.open(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    made.settimeout(0.05)
    watch = net.internet.open(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    watch.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)

    def ping(identifier, tries=40):
        for sequence in range(tries):
            made.sendto(echo_request(identifier, sequence), (INTERNET, 0))
            try:
                while True:
                    reply = IP(made.recv(2000))[ICMP]
                    if (reply.type, reply.id, reply.seq) == (0, identifier, sequence):
                        return True
            except socket.timeout:
                pass
        return False

    assert all(ping(10000 + number) for number in range(len(net.own)))
    seen = set()
    watch.setblocking(False)
    while True:
        try:
            seen.add(IP(watch.recv(2000))[ICMP].id)
        except BlockingIOError:
            break
    assert sorted(seen) == net.own
    assert not ping(9999, 5)


def test_fragments(net):
    server, host = net.udp(net.internet, OTHER, ECHO), net.udp(net.lan)
    for size in (1473, 4000, 60000):
        host.sendto(bytes(size), (OTHER, ECHO))
        data, peer = server.recvfrom(65535)
        assert len(data) == size and peer[0] == ADDRESS and peer[1] in net.own
        server.sendto(data, peer)
        assert len(host.recv(65535)) == size


def test_udp_without_checksum(net):
    """A checksum of 0 stays one, both ways: a receiver would drop what nft makes of it."""
    server, host = net.udp(net.internet, OTHER, ECHO), net.udp(net.lan)
    for one in server, host:
        one.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    watch = net.internet.open(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    watch.settimeout(5)
    host.sendto(CHARACTERS, (OTHER, ECHO))
    peer = server.recvfrom(100)[1]
    assert peer[1] in net.own
    assert struct.unpack("!H", watch.recv(100)[26:28]) == (0,)
    server.sendto(CHARACTERS, peer)
    assert host.recv(100) == CHARACTERS


def test_the_router_itself(net):
    """What it sends leaves from a port of the set; from the same one, where it is bound to one."""
    # Each time to a place of its own: an earlier conversation's port, still remembered, could be the one asked for.
    for there, port in enumerate((0, net.own[0], net.own[-1]), 1000):
        server, router = net.udp(net.internet, OTHER, there), net.udp(net.router, port=port)
        router.connect((OTHER, there))
        peer_port = converse(server, router, lambda router=router: router.send(CHARACTERS))
        assert peer_port == port if port else peer_port in net.own
    listener = net.tcp(net.internet, OTHER, 80)
    listener.listen()
    router = net.tcp(net.router)
    router.connect((OTHER, 80))
    assert listener.accept()[1][1] in net.own


def test_a_service_of_the_router(net):
    """What listens to a port of the set is found there, and answers from there."""
    port = net.own[len(net.own) // 2]
    service, stranger = net.udp(net.router, port=port), net.udp(net.internet, OTHER)
    for _ in range(3):
        stranger.sendto(CHARACTERS, (ADDRESS, port))
        data, peer = service.recvfrom(100)
        assert peer == (OTHER, stranger.getsockname()[1])
        service.sendto(data, peer)
        assert stranger.recvfrom(100) == (CHARACTERS, (ADDRESS, port))
    listener, caller = net.tcp(net.router, port=port), net.tcp(net.internet, OTHER)
    listener.listen()
    caller.connect((ADDRESS, port))
    listener.accept()[0].sendall(CHARACTERS)
    assert caller.recv(100) == CHARACTERS


def test_a_forwarded_port(net):
    """fw4's rule names the port that the internet sees; LAN hosts reach it as well (hairpin)."""
    port = net.own[-1]
    host, stranger, neighbour = net.udp(net.lan, port=5000), net.udp(net.internet, OTHER), net.udp(net.lan)
    for one, seen_as in ((stranger, OTHER), (neighbour, LAN_ROUTER)):
        for _ in range(2):
            one.sendto(CHARACTERS, (ADDRESS, port))
            data, peer = host.recvfrom(100)
            assert peer[0] == seen_as
            host.sendto(data, peer)
            assert one.recvfrom(100) == (CHARACTERS, (ADDRESS, port))
    listener, caller = net.tcp(net.lan, port=5000), net.tcp(net.internet, OTHER)
    listener.listen()
    caller.connect((ADDRESS, port))
    listener.accept()[0].sendall(CHARACTERS)
    assert caller.recv(100) == CHARACTERS
    # Nobody listens any more: the LAN host's error reaches who asked.
    host.close()
    stranger.connect((ADDRESS, port))
    stranger.send(CHARACTERS)
    with pytest.raises(ConnectionRefusedError):
        stranger.recv(100)


def test_a_ping_from_outside(net):
    stranger = net.internet.open(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    stranger.bind((OTHER, 0))
    stranger.settimeout(5)
    stranger.sendto(echo_request(net.own[0], 1), (ADDRESS, 0))
    reply = IP(stranger.recv(2000))[ICMP]
    assert (reply.type, reply.id) == (0, net.own[0])


def test_errors_find_their_connection(net):
    """Port unreachable, time exceeded and "fragmentation needed" reach who sent the packet."""
    for namespace in (net.lan, net.router):
        host = net.udp(namespace)
        host.connect((OTHER, 99))
        host.send(CHARACTERS)
        with pytest.raises(ConnectionRefusedError):
            host.recv(100)
    host = net.udp(net.lan)
    host.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    host.setsockopt(socket.IPPROTO_IP, IP_TTL, 2)
    host.connect((NARROW, 99))
    host.send(CHARACTERS)
    with pytest.raises(OSError, match="No route to host"):
        host.recv(100)
    ancillary = host.recvmsg(100, 1000, socket.MSG_ERRQUEUE)[1]
    # struct sock_extended_err: errno, origin, type, code; behind it who said so.
    assert ancillary[0][2][4:7] == bytes([2, 11, 0]) and socket.inet_aton(INTERNET) in ancillary[0][2]
    host = net.udp(net.lan)
    host.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, 2)
    host.connect((NARROW, 99))
    host.send(bytes(1400))
    with pytest.raises(OSError, match="Message too long"):
        host.recv(100)
    assert host.getsockopt(socket.IPPROTO_IP, IP_MTU) == 1280


def test_an_error_about_a_ping(net):
    host = net.lan.open(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    host.settimeout(5)
    host.setsockopt(socket.IPPROTO_IP, IP_TTL, 2)
    host.sendto(echo_request(4321, 1), (NARROW, 0))
    error = IP(host.recv(2000))
    quoted = IP(bytes(error[ICMP].payload))
    assert (error.src, error[ICMP].type, quoted.src, quoted[ICMP].id) == (INTERNET, 11, LAN_HOST, 4321)
    sum_of = error[ICMP].chksum
    del error[ICMP].chksum
    assert IP(bytes(error))[ICMP].chksum == sum_of


def test_what_has_no_port_of_ours_stays(net):
    """Neither foreign ports nor protocols without ports, in either direction."""
    stranger = net.internet.open(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    foreign = next(port for port in range(2000, 65536) if port not in net.own)
    router = net.udp(net.router, port=foreign)
    router.settimeout(0.3)
    stranger.sendto(
        bytes(IP(src=OTHER, dst=ADDRESS) / UDP(sport=5, dport=foreign) / CHARACTERS), (ADDRESS, 0)
    )
    with pytest.raises(socket.timeout):
        router.recv(100)
    before = net.internet.run("nft", "list", "counter", "ip", "watch", "strange")
    raw = net.lan.open(socket.AF_INET, socket.SOCK_RAW, 47)
    raw.sendto(b"\0\0\x08\0" + bytes(20), (OTHER, 0))
    time.sleep(0.2)
    assert net.internet.run("nft", "list", "counter", "ip", "watch", "strange") == before


def test_another_set_changes_no_hook(network):
    """With one that goes the kernel drops what it keeps for a program; rules and maps are the new set's alone."""

    def chains():
        told = network.router.start("nft", "-a", "list", "table", "ip", "softwire", stdout=-1).communicate()[
            0
        ]
        return re.findall(r"chain (\S+) {.* # handle (\d+)", told), told

    before, rules = chains()
    ours = network.map
    network.map = PortMap(PortSet(6, 8, 0x35))
    try:
        network.firewall()
        after, others = chains()
        assert after == before and len(after) > 5
        assert others.count("masquerade") == rules.count("masquerade") == 3
        first, _ = network.map.ranges[0]
        assert f": {first}," in others
    finally:
        network.map = ours
        network.firewall()
    assert chains()[0] == before
