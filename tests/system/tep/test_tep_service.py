# SPDX-License-Identifier: Apache-2.0
"""Servers and the border router: whose commands are taken, and what becomes of them; restarts, repairs, learning."""

import os
import signal
import socket
import ssl
import subprocess
import time

import pytest

from softwire import tsp
from tests.softwired.commander import Refused
from tests.softwired.network import until
from tests.system.tep import machine as lab
from tests.system.tep.machine import HOST, NODE, OUTSIDE, SERVER, TEP, address, node

MANY = 10000
SERVERS_AND = f'servers = ["{SERVER}"]\n'


def routes(machine):
    return machine.tep.run("ip", "route", "show", "proto", "104").count("encap")


def pairs(machine):
    asked = machine.tep.start(*"nft list set ip6 softwired_tep own".split(), stdout=subprocess.PIPE)
    return asked.communicate()[0].count(" . 0x")


def reaches(machine, number):
    """Whether the node gets an answer."""
    words = ["ping", "-I", address(number), "-c", "1", "-W", "2", HOST]
    return machine.nodes.start(*words, stdout=subprocess.DEVNULL).wait() == 0


def test_c_2_1_create_info_and_delete(machine):
    machine.start()
    machine.node(1)
    assert not reaches(machine, 1)
    for version, words in (("1.0", b"OK Authentication successful"), ("2.0.1", b"200 Success")):
        server = machine.server(version=version)
        assert server.success == words
        told = server.create(address(1), "fe80::1", node(1))
        # "This message contains the IPv6 and IPv4 addresses of the TEP for the new tunnel."
        assert lab.packed(told.server) == (OUTSIDE, [TEP])
        assert lab.packed(told.client) == (address(1), [node(1)])
        assert reaches(machine, 1)
        assert server.create(address(1), node(1)).action == "info"  # once more is no error
        # A late Delete for whoever had it before changes nothing.
        assert server.delete(address(1), node(2)).action == "info"
        assert reaches(machine, 1)
        assert server.delete(address(1), node(1)).action == "info"
        # "The TEP MUST stop forwarding packets for that node as a reaction to this type of message."
        assert not reaches(machine, 1)
        assert server.delete(address(1), node(1)).action == "info"
        server.close()
    assert (routes(machine), pairs(machine)) == (0, 0)


def test_c_2_1_only_from_a_valid_server(machine):
    """The TEP MUST be configured to accept TSP messages only from a valid DSTM server."""
    machine.start(f'servers = ["{SERVER}"]\n')
    machine.server().close()
    with pytest.raises((EOFError, ConnectionError)):
        machine.server(source=NODE)
    assert machine.counted("connections_total", "stranger") == 1
    assert "is in none of tep.servers" in machine.log()


def test_errors_of_the_profile_section_5(machine):
    machine.start(SERVERS_AND + "[tep.limits]\nmappings = 2\n")
    server = machine.server()
    for code, words in (
        (310, ("192.0.2.1", node(1))),
        (309, (address(1), "fe80::1")),
        (309, (address(1), TEP)),
    ):
        with pytest.raises(Refused) as found:
            server.create(*words)
        assert found.value.code == code
    server.create(address(1), node(1)), server.create(address(2), node(2))
    with pytest.raises(Refused) as found:
        server.create(address(3), node(3))
    assert found.value.code == 307
    # Also a kernel that does not take it: nothing is left of it, and it works again.
    machine.tep.run("sh", "-c", "ip link del dstm; ip link add dstm type veth peer name other")
    with pytest.raises(Refused) as found:
        server.delete(address(1), node(1)), server.create(address(3), node(3))
    assert found.value.code == 307 and "another device" in str(machine.status()["problem"])
    machine.tep.run("ip", "link", "del", "dstm")
    until(lambda: routes(machine) >= 1, "the device is made again", 90)
    server.create(address(3), node(3))
    assert machine.counted("refused_total", "full") == 1 and not machine.status()["problem"]


def test_log_in(machine):
    users = machine.folder / "users"
    machine.configure()
    done = subprocess.run(
        machine.command("tep", "secret", "dstm"),
        input="se:cret\n",
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(lab.TREE / "src")},
    )
    users.write_text(done.stdout)
    users.chmod(0o640)
    machine.start(f'{SERVERS_AND}users = "{users}"\n')
    server = machine.server(user="dstm", password="se:cret")
    assert server.mechanisms == ["DIGEST-MD5"]
    server.create(address(1), node(1))
    for how in (
        {"user": "dstm", "password": "wrong"},
        {"user": "other", "password": "se:cret"},
        {},
        {"user": "dstm", "password": "se:cret", "mechanism": "PLAIN"},
    ):
        with pytest.raises(Refused) as found:
            machine.server(**how)
        assert found.value.code == 300
    assert machine.counted("connections_total", "login") == 4
    assert "se:cret" not in machine.log()
    # A file that others can read is none.
    users.chmod(0o644)
    done = subprocess.run(
        machine.command("check"),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(lab.TREE / "src")},
    )
    assert done.returncode == 1 and "tep.users" in done.stderr and "chmod o=" in done.stderr


def certificate(folder, name):
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} -days 30"
        f" -keyout {folder}/{name}.key -out {folder}/{name}.pem",
        shell=True,
        check=True,
        capture_output=True,
    )
    return f"{folder}/{name}.pem", f"{folder}/{name}.key"


def test_tls(machine):
    ours, theirs, other = (certificate(machine.folder, name) for name in ("tep", "server", "other"))
    machine.start(
        f'{SERVERS_AND}[tep.tls]\ncertificate = "{ours[0]}"\nkey = "{ours[1]}"\nauthorities = "{theirs[0]}"\n'
    )

    def context(*files):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname = False
        made.load_verify_locations(ours[0])
        if files:
            made.load_cert_chain(*files)
        return made

    server = machine.server(tls=context(*theirs))
    assert server.create(address(1), node(1)).action == "info"
    for bad in (context(), context(*other), None):
        with pytest.raises((OSError, EOFError)):
            machine.server(tls=bad).create(address(2), node(2))
    # Those who say nothing hold nobody up; on a slow machine the first connection was idle for too long by now.
    assert machine.server(tls=context(*theirs)).create(address(3), node(3)).action == "info"


def test_bad_input(machine):
    machine.start(SERVERS_AND + "[tep.limits]\nconnections = 5\npatience = 1\n")
    good = machine.server()
    lines = b"VERSION=1.0\r\nAUTHENTICATE ANONYMOUS\r\n"
    for octets in (
        b"\xff\xfe\0binary\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"x" * 5000,
        lines + b"Content-length: -1\r\n<tunnel/>",
        lines + b"Content-length: 99999999\r\n",
        lines + tsp.frame(b'<!DOCTYPE t [<!ENTITY a "b">]><tunnel action="create"/>'),
        lines + tsp.frame(b"<a>" * 500),
    ):
        made = machine.nodes.open(socket.AF_INET6, socket.SOCK_STREAM)
        made.settimeout(10)
        made.bind((SERVER, 0))
        made.connect((TEP, 3653))
        made.sendall(octets)
        try:
            while made.recv(4096):
                pass
        except ConnectionResetError:
            pass  # it was closed before all of it was read
        made.close()
    # Too many at once, and all that say nothing.
    silent = []
    for _ in range(8):
        made = machine.nodes.open(socket.AF_INET6, socket.SOCK_STREAM)
        made.bind((SERVER, 0))
        made.connect((TEP, 3653))
        silent.append(made)
    until(lambda: machine.counted("connections_total", "too_many") == 4, "the others are turned away")
    until(lambda: machine.counted("connections_total", "too_slow") == 4, "the silent ones are too slow")
    assert good.create(address(1), node(1)).action == "info"


def fill(machine, count):
    """Mappings of so many nodes, in one connection, many at a time."""
    server = machine.server()
    for start in range(1, count + 1, 100):
        numbers = range(start, min(start + 100, count + 1))
        for number in numbers:
            server.ask("create", address(number), node(number))
        for _ in numbers:
            server.answer()
    server.close()


def test_ten_thousand_at_a_restart_without_losing_a_packet(machine):
    machine.start()
    fill(machine, MANY)
    assert (routes(machine), pairs(machine)) == (MANY, MANY)
    machine.node(1)
    pinging = machine.nodes.start(
        "ping", "-I", address(1), "-i", "0.05", "-W", "5", "-q", HOST, stdout=subprocess.PIPE
    )
    machine.stop(signal.SIGKILL)
    took = machine.start()
    assert machine.counted("repaired_total", "start") == 0
    pinging.send_signal(signal.SIGINT)
    assert " 0% packet loss" in pinging.communicate(timeout=60)[0]
    # And from nothing: the machine was off in between.
    machine.stop()
    machine.tep.run("sh", "-c", "ip link del dstm; nft flush ruleset")
    anew = machine.start()
    assert (routes(machine), pairs(machine)) == (MANY, MANY)
    print(f"with all in the kernel {took:.1f} s, with nothing in it {anew:.1f} s")
    with open("/tmp/tep-restart", "w") as file:
        file.write(f"{took:.2f} {anew:.2f}\n")
    # An emulated processor beside others; the goal is five seconds.
    assert took < 30 and anew < 30


@pytest.mark.parametrize(
    "command",
    [
        "ip link del dstm",
        "ip link del dstm-in",
        "nft flush ruleset",
        "ip route flush proto 104",
        "ip link set dstm down",
    ],
)
def test_what_somebody_takes_away_comes_back(machine, command):
    machine.start()
    machine.node(1), machine.node(2)
    fill(machine, 2)
    assert reaches(machine, 1)
    machine.tep.run("sh", "-c", command)
    until(lambda: reaches(machine, 1), f"{command} is mended", 30)
    until(lambda: pairs(machine) == 2, f"{command} is mended", 30)
    raw = machine.raw()
    raw.sendto(lab.ipv6(node(1), TEP, lab.ipv4(address(2), HOST, lab.udp(53, b"x"))), (TEP, 0))
    until(lambda: machine.counted("stopped_packets_total", "spoofed") == 1, "a foreign source is dropped")


def test_a_strict_filter_of_sources_lets_nodes_in(machine):
    """Answers to a node leave by another device than its packets come by (RFC 3704)."""
    machine.tep.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=1", "net.ipv4.conf.default.rp_filter=1")
    machine.start()
    machine.node(1)
    fill(machine, 1)
    assert reaches(machine, 1)


def test_an_address_goes_from_node_to_node_under_traffic(machine):
    """Both nodes send with it all the time: what the host hears and what it sends is one node's at any time."""
    machine.start()
    there = machine.udp(machine.inet, HOST, 53)
    there.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    raw = machine.raw()
    packets = {
        number: lab.ipv6(node(number), TEP, lab.ipv4(address(9), HOST, lab.udp(53, b"%d" % number)))
        for number in (1, 2)
    }
    server = machine.server()
    for turn in range(200):
        owner = 1 + turn % 2
        server.ask("create", address(9), node(owner))
        for _ in range(20):
            raw.sendto(packets[1], (TEP, 0)), raw.sendto(packets[2], (TEP, 0))
        server.answer()
        # From here on it is the owner's alone.
        drain(there)
        raw.sendto(packets[3 - owner], (TEP, 0)), raw.sendto(packets[owner], (TEP, 0))
        assert there.recv(100) == b"%d" % owner
    server.delete(address(9), node(owner))
    drain(there)
    raw.sendto(packets[owner], (TEP, 0))
    there.settimeout(0.5)
    with pytest.raises(TimeoutError):
        there.recv(100)


def drain(there):
    """Until nothing has come for a moment."""
    there.settimeout(0.02)
    try:
        while there.recv(100):
            pass
    except TimeoutError:
        pass
    there.settimeout(5)


def test_section_1_caches_the_path_back(machine):
    """MUST cache the path back: without a server, from packets; bounded, with age."""
    machine.start('learn = true\n[tep.learning]\nclients = ["2001:db8:c::/48"]\nmappings = 2\nage = 10\n')
    for number in (1, 2, 3):
        machine.node(number)
    until(lambda: reaches(machine, 1), "node 1 is learned")
    until(lambda: reaches(machine, 2), "node 2 is learned")
    assert not reaches(machine, 3) and not reaches(machine, 3)  # no room for it
    assert "learned" in machine.ask("tep", "mappings", address(1))
    # Somebody else does not get it while it is in use.
    raw, there = machine.raw(), machine.udp(machine.inet, HOST, 53)
    for _ in range(3):
        raw.sendto(lab.ipv6(node(2), TEP, lab.ipv4(address(1), HOST, lab.udp(53, b"x"))), (TEP, 0))
    raw.sendto(lab.ipv6(node(1), TEP, lab.ipv4(address(1), HOST, lab.udp(53, b"own"))), (TEP, 0))
    assert there.recv(100) == b"own"
    # Whoever sends stays, whoever is silent goes.
    end = time.monotonic() + 60
    while machine.status()["counters"]["gauges"]["mappings"]["value"] == 2:
        assert reaches(machine, 1) and time.monotonic() < end
    assert address(1) in machine.ask("tep", "mappings")
    until(lambda: reaches(machine, 3), "there is room for node 3")


def test_reload(machine):
    machine.start(SERVERS_AND)
    server = machine.server()
    machine.configure(f'servers = ["{SERVER}", "{NODE}"]\n')
    machine.process.send_signal(signal.SIGHUP)
    until(lambda: "reloaded" in machine.log(), "it is reloaded")
    assert machine.server(source=NODE).create(address(1), node(1))
    assert server.create(address(2), node(2))
    machine.configure(f'servers = ["{NODE}"]\n')
    machine.process.send_signal(signal.SIGHUP)
    with pytest.raises((EOFError, ConnectionError)):
        while True:
            server.create(address(2), node(2))
