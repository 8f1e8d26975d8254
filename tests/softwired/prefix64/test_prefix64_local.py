# SPDX-License-Identifier: Apache-2.0
"""Every address is this machine's: what comes in, what does not, who stays reachable, and what is left."""

import ipaddress
import json
import os
import signal
import socket
import subprocess
import threading
import types

import pytest

from softwired.prefix64 import local, options
from tests.softwired import network
from tests.softwired.prefix64 import lab

RANGE = {"interface": "vs", "prefix": lab.PREFIX, "ports": [80], "udp_ports": [53]}


@pytest.fixture
def echo(cable):
    """A server at [::] that tells which address it was called at: TCP port 80 and 81, UDP port 53."""
    stopped = []
    sockets = []
    for port in (80, 81):
        made = cable.server.open(socket.AF_INET6, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("::", port))
        made.listen(64)
        sockets.append(made)

        def serve(listening=made):
            while not stopped:
                try:
                    with listening.accept()[0] as peer:
                        peer.sendall(peer.getsockname()[0].encode())
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
    yield sockets
    stopped.append(True)
    for made in sockets:
        made.shutdown(socket.SHUT_RDWR)
        made.close()


def call(cable, address, port=80, patience=10.0):
    """What the server at this address says, '' if nobody answers."""
    with cable.client.open(socket.AF_INET6, socket.SOCK_STREAM) as made:
        made.settimeout(patience)
        try:
            made.connect((address, port))
            return made.recv(100).decode()
        except OSError:
            return ""


def ping(cable, address, size=8, patience=10.0):
    """Whether an echo request is answered from that address."""
    with cable.client.open(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as made:
        made.settimeout(patience)
        made.sendto(bytes((128, 0, 0, 0, 0, 64, 0, 1)) + b"x" * size, (address, 0))
        try:
            while True:
                data, peer = made.recvfrom(65535)
                if data[0] == 129:
                    return peer[0] == address and len(data) == 8 + size
        except TimeoutError:
            return False


def ours(namespace):
    """All that has our number or name."""
    rules = [
        one
        for one in json.loads(namespace.run("ip", "-j", "-N", "-6", "rule"))
        if one.get("protocol") == "164"
    ]
    routes = json.loads(
        namespace.run("ip", "-j", "-6", "route", "show", "table", "all", "proto", "164") or "[]"
    )
    proxies = json.loads(namespace.run("ip", "-j", "-6", "neigh", "show", "proxy") or "[]")
    tables = namespace.run("nft", "list", "tables").split("\n")
    return rules, routes, proxies, [one for one in tables if "softwired" in one]


NOTHING = ([], [], [], [])


def test_every_address(cable, machine, echo):
    machine.softwired(range=[RANGE])
    for address in ("2001:db8:1::77", "2001:db8:1:0:ffff:ffff:ffff:ffff", network.SERVER):
        assert call(cable, address) == address
        assert ping(cable, address)
    # Fragments of it, too.
    assert ping(cable, "2001:db8:1::77", 4000)
    # Other ports of the range are dropped; those of the machine's own addresses are its own affair.
    assert call(cable, "2001:db8:1::77", 81, 0.5) == ""
    assert call(cable, network.SERVER, 81) == network.SERVER


def test_udp(cable, machine):
    """A program that binds to any address of the range (IPV6_FREEBIND, linux/in6.h: 78)."""
    machine.softwired(range=[RANGE])
    server = cable.server.open(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IPV6, 78, 1)
    server.bind(("2001:db8:1::53", 53))
    server.settimeout(10)
    client = cable.client.udp("2001:db8:1::2", 0)
    client.sendto(b"question", ("2001:db8:1::53", 53))
    data, peer = server.recvfrom(100)
    server.sendto(b"answer", peer)
    assert data == b"question" and client.recvfrom(100)[:2] == (b"answer", ("2001:db8:1::53", 53, 0, 0))
    server.close()
    client.close()


def test_without_echo(cable, machine, echo):
    machine.softwired(range=[{**RANGE, "echo": False}])
    assert call(cable, "2001:db8:1::77") == "2001:db8:1::77"
    assert not ping(cable, "2001:db8:1::77", patience=0.5)


def test_neighbours_stay_reachable(cable, machine, echo):
    """The router's own address lies in the prefix, as an exception: from here, and from there."""
    machine.softwired(range=[{**RANGE, "exceptions": [network.CLIENT, "2001:db8:1::300/120"]}])
    listening = cable.client.open(socket.AF_INET6, socket.SOCK_STREAM)
    listening.bind((network.CLIENT, 80))
    listening.listen()
    with cable.server.open(socket.AF_INET6, socket.SOCK_STREAM) as made:
        made.settimeout(10)
        made.connect((network.CLIENT, 80))
        listening.settimeout(10)
        assert listening.accept()[1][0] == network.SERVER
    listening.close()
    # Nor is an exception ours.
    assert call(cable, "2001:db8:1::301", patience=0.5) == ""


def test_routed(cable, machine, echo):
    """A router that has a route to us asks for nothing."""
    cable.client.run("ip", "route", "add", "2001:db8:a0::/64", "via", "fe80::1", "dev", "vc")
    machine.softwired(range=[{**RANGE, "prefix": "2001:db8:a0::/64", "answer": "no"}])
    assert call(cable, "2001:db8:a0::1:2:3") == "2001:db8:a0::1:2:3"
    assert machine.status()["listens"] == []


def test_nothing_is_left(cable, machine, echo):
    machine.softwired(range=[RANGE])
    rules, routes, _, tables = ours(cable.server)
    assert (len(rules), len(routes), len(tables)) == (1, 1, 1)
    machine.stop(machine.running[-1])
    assert ours(cable.server) == NOTHING
    assert call(cable, "2001:db8:1::77", patience=0.5) == ""


def test_killed_and_back(cable, machine, echo):
    """What a killed one left is found by its number: nothing is doubled, and other ranges are taken away."""
    machine.softwired(range=[RANGE])
    before = ours(cable.server)
    machine.running[-1].kill()
    machine.running.pop().wait()
    assert ours(cable.server) == before and call(cable, "2001:db8:1::2:1", patience=0.5) == ""
    machine.softwired(range=[RANGE])
    assert ours(cable.server) == before and call(cable, "2001:db8:1::77") == "2001:db8:1::77"
    machine.running[-1].kill()
    machine.running.pop().wait()
    machine.softwired(range=[{**RANGE, "prefix": "2001:db8:2::/64"}], mark=128, table=99, rule=77)
    rules, routes, _, _ = ours(cable.server)
    assert [(one["priority"], one["fwmark"], one["table"]) for one in rules] == [(77, "0x80", "99")]
    assert [one["dst"] for one in routes] == ["2001:db8:2::/64"]
    machine.running[-1].kill()
    machine.running.pop().wait()
    # Without starting it again.
    machine.inside("prefix64", "clean")
    assert ours(cable.server) == NOTHING


def test_somebody_takes_it_away(cable, machine, echo):
    machine.softwired(range=[RANGE])
    cable.server.run("nft", "add", "table", "inet", "others")
    # As a reload of Debian's firewall does.
    cable.server.run("nft", "flush", "ruleset")
    network.until(lambda: ours(cable.server)[3], "the table is back")
    cable.server.run("ip", "-6", "rule", "del", "pref", "64")
    cable.server.run("ip", "-6", "route", "flush", "table", "64")
    # Any change of an interface has it looked at, and half a minute.
    cable.server.run("ip", "link", "add", "other", "type", "bridge")
    network.until(lambda: ours(cable.server)[0] and ours(cable.server)[1], "rule and route are back")
    assert call(cable, "2001:db8:1::77") == "2001:db8:1::77"


def test_a_firewall_that_includes_it(cable, machine, echo):
    """The table stands in a file as long as it is there: who loads all tables anew loads it, too."""
    process = machine.softwired(range=[RANGE])
    path = machine.folder / "run/prefix64.nft"
    firewall = machine.folder / "nftables.conf"
    firewall.write_text(f'flush ruleset\ninclude "{path.parent}/prefix64*.nft"\n')
    before = cable.server.run("nft", "-s", "list", "ruleset")
    assert "meta mark set" in before
    process.send_signal(signal.SIGSTOP)
    cable.server.run("nft", "-f", str(firewall))
    assert cable.server.run("nft", "-s", "list", "ruleset") == before
    process.send_signal(signal.SIGCONT)
    machine.reload(range=[{**RANGE, "ports": [443]}])
    assert "dport { 443 }" in path.read_text()
    machine.reload(range=[{**RANGE, "local": False}])
    assert not path.exists() and ours(cable.server) == NOTHING
    machine.reload(range=[RANGE])
    process.kill()
    process.wait()
    machine.running.remove(process)
    assert path.exists()
    machine.inside("prefix64", "clean")
    assert not path.exists() and ours(cable.server) == NOTHING
    machine.stop(machine.softwired(range=[RANGE]))
    assert not path.exists()


def test_others_rules_stay(cable, machine):
    cable.server.run("ip", "-6", "rule", "add", "pref", "64", "fwmark", "7", "lookup", "64")
    cable.server.run("ip", "-6", "route", "add", "local", "2001:db8:7::/64", "dev", "lo", "table", "64")
    cable.server.run("nft", "add", "table", "ip6", "others")
    before = [
        cable.server.run(*words.split())
        for words in ("ip -6 rule", "ip -6 route show table all", "nft list ruleset")
    ]
    machine.softwired(range=[RANGE])
    machine.stop(machine.running[-1])
    after = [
        cable.server.run(*words.split())
        for words in ("ip -6 rule", "ip -6 route show table all", "nft list ruleset")
    ]
    assert before == after


def test_a_prefix_is_withdrawn_while_connections_run(cable, machine, echo):
    cable.server.run("ip", "address", "add", "2001:db8:a0::1/56", "dev", "lo")
    cable.client.run("ip", "route", "add", "2001:db8:a0::/48", "via", "fe80::1", "dev", "vc")
    entry = {"interface": "vs", "delegated": "lo", "number": 1, "ports": [80, 90], "answer": "no"}
    machine.softwired(range=[entry])
    assert call(cable, "2001:db8:a0:1::77") == "2001:db8:a0:1::77"
    listening = cable.server.open(socket.AF_INET6, socket.SOCK_STREAM)
    listening.bind(("::", 90))
    listening.listen()
    client = cable.client.open(socket.AF_INET6, socket.SOCK_STREAM)
    client.connect(("2001:db8:a0:1::77", 90))
    served = listening.accept()[0]
    cable.server.run("ip", "address", "del", "2001:db8:a0::1/56", "dev", "lo")
    network.until(lambda: ours(cable.server) == NOTHING, "nothing is left")
    assert call(cable, "2001:db8:a0:1::78", patience=0.5) == ""
    cable.server.run("ip", "address", "add", "2001:db8:a0::1/56", "dev", "lo")
    network.until(lambda: ours(cable.server)[1], "it is there again")
    # The connection has survived it.
    client.sendall(b"still there")
    served.settimeout(20)
    assert served.recv(100) == b"still there"
    for one in (client, served, listening):
        one.close()


def test_the_kernels_own_proxy(cable, machine, router):
    """For one address, where the kernel may: it answers on interfaces that forward; on others we do."""
    entry = {"interface": "vs", "prefix": "2001:db8:1::5/128", "local": False, "answer": "kernel"}
    machine.softwired(range=[entry])
    assert "forwarding is 1: until then softwired does" in machine.status()["waits_for"]["vs proxy_ndp"]
    router.answered("2001:db8:1::5")
    cable.server.run("sysctl", "-q", "-w", "net.ipv6.conf.vs.forwarding=1")
    assert router.neighbour("2001:db8:1::5")["lladdr"]
    machine.reload(range=[entry])
    assert machine.status()["waits_for"] == {} and machine.status()["listens"] == []
    machine.stop(machine.running[-1])
    assert ours(cable.server) == NOTHING
    assert cable.server.run("cat", "/proc/sys/net/ipv6/conf/vs/proxy_ndp").strip() == "0"


def test_a_prefix_of_another_link_is_named(machine):
    machine.softwired(range=[{**RANGE, "prefix": "2001:db8:9::/64"}])
    assert "is no prefix of vs, which has 2001:db8:1::/64" in machine.status()["waits_for"]["2001:db8:9::/64"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_without_privileges(cable, machine, echo):
    """What changes later is done by another user, with two capabilities."""
    machine.user = "nobody"
    (machine.folder / "run").mkdir()
    machine.folder.chmod(0o755)
    for folder in [machine.folder, *machine.folder.parents]:
        if str(folder).startswith("/tmp/pytest"):
            folder.chmod(0o755)
    machine.softwired(range=[RANGE])
    status = machine.status()
    assert (status["user"], status["capabilities"], status["problems"]) == ("nobody", "0x3000", [])
    cable.server.run("nft", "flush", "ruleset")
    network.until(lambda: ours(cable.server)[3], "the table is back")
    cable.server.run("ip", "link", "set", "vs", "address", "02:00:00:00:00:aa")
    network.until(lambda: call(cable, "2001:db8:1::77", patience=0.5), "the new address is listened on")
    machine.stop(machine.running[-1])
    assert ours(cable.server) == NOTHING


def test_the_tools_are_missing(cable, machine):
    """Then it is told; whoever wants neighbour discovery alone need not have them."""
    folder = machine.folder / "bin"
    folder.mkdir()
    for entry, told in ((RANGE, "ip: not installed"), ({**RANGE, "local": False}, None)):
        machine.environment["PATH"] = str(folder)
        machine.python = "/usr/bin/python3"
        machine.configure(range=[entry])
        machine.cable = types.SimpleNamespace(server=_Without(cable.server, folder), client=cable.client)
        (machine.folder / "softwired.log").write_text("")
        process = machine.start("softwired", *machine.command("run", "prefix64"), ready="ready (version")
        assert machine.status()["waits_for"].get("kernel") == told
        machine.stop(process)


class _Without:
    """A namespace whose programs start with a path of their own."""

    def __init__(self, namespace, folder):
        self.namespace, self.folder = namespace, folder

    def start(self, *words, env, **keywords):
        given = {**env, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        return self.namespace.start("env", f"PATH={self.folder}", *words, env=given, **keywords)


def test_the_table_is_right_for_nft(cable):
    """Every form of a range."""
    entries = [
        {"exceptions": ["2001:db8:1::1", "2001:db8:1::100-2001:db8:1::1ff"], "ports": [], "echo": False},
        {"ports": [80, 443, 8080], "udp_ports": [443]},
    ]
    values = []
    for number, keys in enumerate(entries, 1):
        default = {key: field.default for key, field in options.TABLE["range"][0].items()}
        keys["exceptions"] = [options.span(one) for one in keys.get("exceptions", [])]
        values.append(
            (
                types.SimpleNamespace(**{**default, "interface": "vs", **keys}),
                ipaddress.IPv6Network(f"2001:db8:{number}::/64"),
            )
        )
    text = f"table {local.TABLE} {{\n{local.firewall(values, 64)}}}\n"
    done = subprocess.run(
        [*cable.server.enter, "nft", "-c", "-f", "-"], input=text, text=True, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, "")
