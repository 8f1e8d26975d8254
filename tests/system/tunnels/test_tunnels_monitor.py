# SPDX-License-Identifier: Apache-2.0
"""The monitor with the kernel, clients and a nameserver: the draft's loop, repairs, and what must not pass."""

import signal
import socket
import struct
import time

from softwired.tunnels import register
from tests.softwired.network import until
from tests.softwired.recovery import recovered
from tests.softwired.tunnels import parts
from tests.softwired.tunnels.nameservers import ZONE
from tests.system.tunnels import machine as lab
from tests.system.tunnels.machine import OTHER, SERVER, WORLD


def test_a_tunnel_comes_and_goes(machine):
    bind = machine.bind()
    hook = machine.folder / "hook"
    hook.write_text(f"#!/bin/sh\necho $TUNNEL $NICNAME $IPV4_CLIENT $IPV6_CLIENT >> {machine.folder}/told\n")
    hook.chmod(0o755)
    machine.configure(bind.table(), hook=[str(hook)])
    machine.start()
    one = machine.create(1)
    assert one.unreachable >= 0 and one.device == "tunnels"
    machine.client(one)
    # Both ways, and the server's own end.
    assert machine.reaches(one.IPv6client) and machine.reaches(one.IPv6client, one.IPv6server)
    assert machine.reaches("", one.IPv6client, machine.world)
    until(lambda: machine.row().answered and machine.row().unreachable == 0, "the monitor hears it")
    until(lambda: bind.ask(f"host1.jp.{ZONE}", "AAAA") == [one.IPv6client], "its name resolves", 30)
    before = machine.row()
    assert machine.reaches(one.IPv6client)
    # An echo request of 104 octets and its answer, beside the monitor's own.
    until(lambda: machine.row().octets_from_client >= before.octets_from_client + 124, "it is counted")
    until(lambda: machine.row().octets_to_client >= before.octets_to_client + 124, "it is counted")
    # The client dies.
    machine.clients.run("ip", "link", "del", "far")
    until(lambda: machine.row() is None, "the tunnel ends", 60)
    assert machine.routes() == []
    assert (machine.folder / "told").read_text() == f"1 host1.jp {one.IPv4client} {one.IPv6client}\n"
    until(lambda: bind.ask(f"host1.jp.{ZONE}", "AAAA") is None, "its name is gone", 30)
    # The DNS is down for a while: later, not lost. Nobody is at this one's far end, and it stays.
    machine.configure(bind.table(), unreachable=100000)
    machine.process.send_signal(signal.SIGHUP)
    bind.stop()
    two = machine.create(2)
    until(lambda: any("wait" in one for one in machine.status()["problem"]), "the monitor tells it", 30)
    bind.start(machine.server.enter)
    recovered(
        "BIND down for some seconds",
        "the monitor says so; the tunnel is carried",
        lambda: bind.ask(f"host2.jp.{ZONE}", "AAAA") == [two.IPv6client],
    )
    bind.stop()


def test_the_kernel_is_made_to_agree(machine):
    """After kill -9, `ip link del`, `ip route del`, `nft delete table`; what is carried is carried on meanwhile."""
    machine.configure(unreachable=100000)
    machine.start()
    one = machine.create(1)
    machine.client(one)
    wanted = machine.routes()
    assert len(wanted) == 3 and machine.reaches(one.IPv6client)
    machine.stop(signal.SIGKILL)
    assert machine.reaches(one.IPv6client)
    machine.start()
    # The ruleset is loaded anew, with the pairs that were there.
    assert machine.counted("repaired_total", "start") == 0
    assert machine.routes() == wanted
    for words in (
        "ip link del tunnels",
        f"ip -6 route del {one.routed}",
        "nft delete table ip softwired_tunnels",
        "nft flush set ip softwired_tunnels own",
        "ip link set tunnels down",
    ):
        machine.server.run(*words.split())

        def good():
            # Its device may not be there at first.
            passes = machine.reaches(one.IPv6client)
            return passes and machine.routes() == wanted and machine.open_pairs() == 1

        told = "`" + words.replace(one.routed, "PREFIX") + "`"
        recovered(told, "packets of the tunnel are lost" if "nft" not in told else "", good)
    assert machine.counted("repaired_total", "later") > 0
    # A stranger's route stays.
    machine.server.run(*"ip -6 route add 2001:db8:77::/48 dev tunnels metric 5".split())
    machine.run(register.delegate, 1, [])
    until(lambda: machine.row().carried == machine.row().version, "carried")
    assert "2001:db8:77::/48" in machine.server.run(*"ip -6 route show dev tunnels".split())


def test_suspended_moved_and_routed(machine):
    machine.configure(unreachable=100000)
    machine.start()
    one = machine.create(1)
    machine.client(one)
    inside = one.routed.replace("::/56", ":a::1")
    machine.clients.run("ip", "address", "add", inside, "dev", "lo")
    machine.clients.run(*f"ip -6 rule add from {one.routed} lookup 1001".split())
    assert machine.reaches("", inside, machine.world)
    machine.ask("suspend", "1")
    until(lambda: not machine.routes(), "suspended")
    assert not machine.reaches(one.IPv6client)
    machine.ask("resume", "1")
    until(lambda: machine.reaches(one.IPv6client), "resumed")
    # Another IPv4 address: the old one may send no more.
    machine.run(register.move, 1, "198.51.102.9", "198.51.102.0/24", 2000.0)
    until(lambda: "198.51.102.9" in " ".join(machine.routes()), "moved")
    assert not machine.reaches(one.IPv6client)
    machine.clients.run(*"ip address add 198.51.102.9/32 dev lo".split())
    machine.clients.run(*"ip link change name far type sit local 198.51.102.9".split())
    assert machine.reaches(one.IPv6client)


def test_an_address_that_is_another_customers(machine):
    """The old one's tunnel moves, somebody new gets a tunnel from the address, and neither has the other's packets."""
    machine.configure(unreachable=100000)
    machine.start()
    old = machine.create(1)
    machine.client(old)
    assert machine.reaches(old.IPv6client)
    began = time.monotonic()
    machine.run(register.move, 1, "198.51.102.9", "198.51.102.0/24", 2000.0)
    new = machine.create(2, ipv4=old.IPv4client)
    # What stands at the address now is the new one's; the old tunnel's inner addresses are no longer right from there.
    assert not machine.reaches(old.IPv6client)
    machine.clients.run("ip", "link", "del", "far")
    machine.clients.run("ip", "address", "del", f"{old.IPv4client}/32", "dev", "lo")
    machine.client(new)
    recovered(
        "an IPv4 address that moved to another customer",
        "the old one's inner source is dropped from there",
        lambda: machine.reaches(new.IPv6client) and not machine.reaches(old.IPv6client),
        began=began,
    )
    assert machine.counted("stopped_packets_total", "spoofed")


def test_another_routed_prefix(machine):
    """Chosen on the page: it is carried, and what was given back is not."""
    pool = '[[tunnels.pool]]\nprefix = "2001:db8:4000::/48"\nlength = 60\n'
    machine.configure(pool, unreachable=100000)
    machine.start()
    one = machine.create(1)
    machine.client(one)
    assert machine.run(register.route, machine.values, 1, 60)
    until(lambda: machine.row().carried == machine.row().version, "carried", 30)
    inside = {"2001:db8:4000:10:a::1": True, one.routed.replace("::/56", ":a::1"): False}
    for address, good in inside.items():
        machine.clients.run("ip", "address", "add", address, "dev", "lo")
        machine.clients.run(*f"ip -6 rule add from {address} lookup {1000 + one.id}".split())
        assert machine.reaches("", address, machine.world) is good
    assert machine.run(register.route, machine.values, 1, 0)
    until(lambda: len(machine.routes()) == 2, "given back")
    assert not machine.reaches("", next(iter(inside)), machine.world)


def test_spoofed_inner_sources_are_dropped(machine):
    machine.configure(unreachable=100000)
    machine.start()
    one, two = machine.create(1), machine.create(2)
    for made in (one, two):
        machine.clients.run("ip", "address", "add", f"{made.IPv4client}/32", "dev", "lo")
    heard = machine.world.udp(WORLD, 5000)
    # The world's host is known to the server's neighbour table before it counts.
    assert machine.reaches("", WORLD, machine.server)
    mine, other = machine.raw(one.IPv4client), machine.raw("192.0.2.2")
    routed = one.routed.replace("::/56", ":ff::1")
    good = [(mine, one.IPv6client), (mine, one.IPv6client[:-1] + "77"), (mine, routed)]
    bad = [
        (mine, two.IPv6client),
        (mine, two.routed.replace("::/56", "::1")),
        (mine, WORLD),
        (mine, "2001:db8:f::1"),
        (other, one.IPv6client),
        (other, routed),
    ]
    began = time.monotonic()
    for sender, source in bad:
        sender.sendto(lab.udp(source, WORLD, 5000, b"bad"), (SERVER, 0))
    # To another address of the server.
    mine.sendto(lab.udp(one.IPv6client, WORLD, 5000, b"bad"), (OTHER, 0))
    # Outer fragments: of a packet that may pass, and of one that may not.
    big = b"x" * 2000
    mine.sendto(lab.udp(two.IPv6client, WORLD, 5000, big), (SERVER, 0))
    for sender, source in good:
        sender.sendto(lab.udp(source, WORLD, 5000, b"good"), (SERVER, 0))
    mine.sendto(lab.udp(one.IPv6client, WORLD, 5000, b"y" * 1400), (SERVER, 0))
    for _, source in good:
        data, (address, *_) = heard.recvfrom(4096)
        assert (data, address) == (b"good", source)
    assert heard.recvfrom(4096)[0] == b"y" * 1400
    recovered("a spoofed inner source", "dropped and counted", lambda: True, began=began)
    assert machine.counted("stopped_packets_total", "spoofed") == len(bad) + 1
    assert machine.counted("stopped_packets_total", "strange") == 1


def test_closed_port(machine):
    machine.configure(unreachable=100000)
    machine.start()
    one = machine.create(1)
    machine.clients.run("ip", "address", "add", f"{one.IPv4client}/32", "dev", "lo")
    heard = machine.world.udp(WORLD, 25)
    other = machine.world.udp(WORLD, 26)
    mine = machine.raw(one.IPv4client)
    for port in (25, 26):
        mine.sendto(lab.udp(one.IPv6client, WORLD, port, b"mail"), (SERVER, 0))
    assert other.recvfrom(100)[0] == b"mail"
    heard.setblocking(False)
    try:
        heard.recv(100)
        raise AssertionError("port 25 is open")
    except BlockingIOError:
        pass
    assert machine.counted("stopped_packets_total", "closed") == 1


def test_a_rate(machine):
    """Over its kilobytes a second, a tunnel loses packets; another one does not."""
    machine.configure(unreachable=100000, rate=10)
    machine.start()
    one, two = machine.create(1), machine.create(2)
    for made in (one, two):
        machine.clients.run("ip", "address", "add", f"{made.IPv4client}/32", "dev", "lo")
    mine = machine.raw(one.IPv4client)
    for _ in range(100):
        mine.sendto(lab.udp(one.IPv6client, WORLD, 5000, b"x" * 1000), (SERVER, 0))
    until(lambda: machine.counted("stopped_packets_total", "rate") > 50, "the rate is kept")
    heard = machine.world.udp(WORLD, 5001)
    machine.raw(two.IPv4client).sendto(lab.udp(two.IPv6client, WORLD, 5001, b"two"), (SERVER, 0))
    assert heard.recvfrom(100)[0] == b"two"


def test_forged_answers(machine):
    """From outside the tunnel, and from inside without the cookie: the tunnel stays silent."""
    machine.configure(unreachable=100000, interval=1.0, patience=0.9)
    machine.start()
    one = machine.create(1)
    machine.clients.run("ip", "address", "add", f"{one.IPv4client}/32", "dev", "lo")
    reply = struct.pack("!BBHHH", 129, 0, 0, machine.process.pid & 0xFFFF, 1) + bytes(16)
    # The kernel of the world fills in checksums for an address that it is made to have.
    machine.world.run("ip", "address", "add", f"{one.IPv6client}/128", "dev", "lo", "nodad")
    outside = machine.world.open(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    outside.bind((one.IPv6client, 0))

    def forged():
        outside.sendto(reply, (one.IPv6server, 0))
        return machine.counted("echoes_total", "forged")

    until(forged, "forged answers are counted", 30)
    assert machine.row().answered is None and machine.counted("echoes_total", "answered") == 0
    machine.world.run("ip", "address", "del", f"{one.IPv6client}/128", "dev", "lo")
    machine.clients.run("ip", "address", "del", f"{one.IPv4client}/32", "dev", "lo")
    machine.client(one)
    recovered(
        "echo answers forged from outside the tunnel",
        "counted, the tunnel stays silent",
        lambda: machine.row().answered,
    )


def test_many(machine):
    """A thousand tunnels, all at once; a round hears those that are there."""
    machine.configure(
        "[tunnels.limits]\nof_a_network = 0\n", tunnels=1000, unreachable=100000, routed="", interval=2.0
    )
    for number in range(1000):
        machine.run(register.create, machine.values, parts.request(number), 1000.0)
    machine.start()
    until(lambda: machine.status()["all_tunnels"].get("new") == 0, "all are carried", 300)
    assert len(machine.routes()) == 2000
    one = machine.row(500)
    machine.client(one)
    until(lambda: machine.row(500).answered, "the monitor hears it", 60)
    machine.stop(signal.SIGKILL)
    machine.server.run("ip", "link", "del", "tunnels")
    began = time.monotonic()
    machine.start()
    recovered(
        "kill -9 of the monitor and `ip link del tunnels`, 1,000 tunnels",
        "packets are lost",
        lambda: len(machine.routes()) == 2000 and machine.reaches(one.IPv6client),
        began=began,
    )


def test_the_prefix_of_the_service_changes(machine):
    machine.configure(unreachable=100000)
    machine.start()
    one = machine.create(1)
    machine.configure(prefix="2001:db8:2::/48", unreachable=100000)
    machine.process.send_signal(signal.SIGHUP)
    recovered(
        "the service's prefix is another one",
        "tunnels keep their numbers",
        lambda: (
            machine.row().IPv6client == "2001:db8:2:1::2" and machine.row().carried == machine.row().version
        ),
    )
    assert one.IPv6client == "2001:db8:1:1::2"
    assert not [line for line in machine.routes() if "2001:db8:1:1::" in line]
