# SPDX-License-Identifier: Apache-2.0
"""Three namespaces in a row: hosts that have IPv4 alone, the server between, and a host of the IPv6 world."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys

from softwired import control
from softwired.store import Store
from softwired.tunnels import register
from tests.softwired.network import TREE, Namespace, until
from tests.softwired.tunnels import nameservers, parts

SERVER, NEIGHBOUR, OTHER = "192.0.2.1", "192.0.2.2", "192.0.2.99"
UPLINK, WORLD = "2001:db8:f::1", "2001:db8:f::9"
CONFIGURATION = f"""
[softwired]
user = ""
run_directory = "FOLDER/run"
[tunnels]
name = "one"
address = "{SERVER}"
prefix = "2001:db8:1::/48"
routed = "2001:db8:8000::/40"
routed_length = 56
database = "sqlite:///FOLDER/tunnels.db"
interval = 0.5
patience = 0.4
unreachable = 3
grace = 0
"""


class Machine:
    """With the monitor off at first. One `beside` another stands by: the same database, hosts, world and addresses,

    and cables that are pulled until take_over(). Server or hosts may be a namespace that is there already.
    """

    def __init__(self, folder, beside=None, server=None, clients=None):
        self.folder = folder
        self.beside = beside
        self.server = server or Namespace(beside and beside.server)
        self.clients = clients or (beside.clients if beside else Namespace(self.server))
        self.world = beside.world if beside else Namespace(self.server)
        self.cable = "eth1" if beside else "eth0"
        for name, other in (("line", self.clients), ("uplink", self.world)):
            pid = str(other.holder.pid)
            self.server.run(*f"ip link add {name} type veth peer name {self.cable} netns {pid}".split())
            self.server.run("ip", "link", "set", name, "up")
        if not beside:
            self.plug()
        for words in (
            f"address add {SERVER}/24 dev line",
            f"address add {OTHER}/32 dev lo",
            f"route add 198.51.100.0/22 via {NEIGHBOUR}",
            f"route add 198.18.0.0/15 via {NEIGHBOUR}",
            f"address add {UPLINK}/64 dev uplink nodad",
        ):
            self.server.run("ip", *words.split())
        for namespace in (self.server, self.clients):
            namespace.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
        self.process = self.store = None
        self.values = self.configure()

    def plug(self):
        """Hosts and world have their cable to this server."""
        for namespace, words in (
            (self.clients, f"link set {self.cable} up"),
            (self.clients, f"address add {NEIGHBOUR}/24 dev {self.cable}"),
            (self.clients, f"route add {OTHER} via {SERVER}"),
            (self.world, f"link set {self.cable} up"),
            (self.world, f"address add {WORLD}/64 dev {self.cable} nodad"),
            (self.world, f"-6 route add default via {UPLINK}"),
        ):
            namespace.run("ip", *words.split())

    def take_over(self):
        """The other server's cables are pulled; this one, which has the same addresses, has all of them now."""
        for namespace in (self.clients, self.world):
            namespace.run("ip", "link", "del", self.beside.cable)
        self.plug()

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        if self.store:
            self.store.close()
        for namespace in [self.server] if self.beside else [self.world, self.clients, self.server]:
            namespace.close()

    # The service

    def configure(self, text="", **changed):
        base = "\n".join(
            line for line in CONFIGURATION.splitlines() if line.partition(" = ")[0] not in changed
        )
        given = "".join(f"{key} = {json.dumps(value)}\n" for key, value in changed.items())
        self.values = parts.values(self.folder, text, f"{base}\n{given}")
        return self.values

    def environment(self):
        return {**os.environ, "PYTHONPATH": str(TREE / "src")}

    def command(self, *words):
        return [sys.executable, "-m", "softwired", "--config", str(self.folder / "softwired.toml"), *words]

    def start(self):
        """Until all tunnels that there were are carried."""
        log = self.folder / "tunnels.log"
        before = len(log.read_text()) if log.exists() else 0
        with open(log, "a") as file:
            self.process = self.server.start(
                *self.command("tunnels", "monitor"),
                env=self.environment(),
                stdout=file,
                stderr=subprocess.STDOUT,
            )

        def ready():
            assert self.process.poll() is None, log.read_text()
            return "ready (version" in log.read_text()[before:] and self.status().get("loaded")

        until(ready, "the monitor is ready", 120)

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(20)
        self.process = None

    def ask(self, *words):
        return subprocess.run(
            self.command("tunnels", *words),
            env=self.environment(),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout

    def status(self):
        def ask():
            # A processor without KVM takes its time.
            try:
                return control.ask(control.path(f"{self.folder}/run", "tunnels"))
            except TimeoutError:
                return None

        return until(ask, "the monitor answers", 120)

    def counted(self, family, label):
        return self.status()["counters"]["families"][family]["values"].get(label, 0)

    def log(self):
        return (self.folder / "tunnels.log").read_text()

    def run(self, job, *words):
        """In the database, as the page does."""
        if self.store is None:
            self.store = Store(self.values.database, register.metadata)
            self.store.create()
        return self.store.run([lambda connection: job(connection, *words)])[0]

    def row(self, number=1):
        return self.run(register.by_id, number)

    def create(self, number, **changed):
        """A tunnel, once it is carried."""
        made = self.run(register.create, self.values, parts.request(number, **changed), 1000.0)
        until(lambda: self.row(made.id).carried == self.row(made.id).version, "it is carried", 30)
        return self.row(made.id)

    # Clients and packets

    def client(self, one, name="far"):
        """A real client: a plain tunnel of the kernel's."""
        for words in (
            f"address add {one.IPv4client}/32 dev lo",
            f"link add name {name} type sit local {one.IPv4client} remote {SERVER} ttl 64",
            f"link set {name} up",
            f"-6 address add {one.IPv6client}/64 dev {name} nodad",
            f"-6 rule add from {one.IPv6client} lookup {1000 + one.id}",
            f"-6 route add default dev {name} table {1000 + one.id}",
        ):
            self.clients.run("ip", *words.split())

    def reaches(self, source, target=WORLD, namespace=None):
        """Whether an echo request is answered."""
        words = ["ping", "-6", "-c", "1", "-W", "1", *(["-I", source] if source else []), target]
        made = (namespace or self.clients).start(*words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return made.wait() == 0

    def routes(self):
        return self.server.run(*"ip -6 route show table all proto 141 dev tunnels".split()).splitlines()

    def open_pairs(self):
        """How many pairs may pass; -1 without a table."""
        words = ["nft", "list", "set", "ip", "softwired_tunnels", "own"]
        asked = self.server.start(*words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        text = asked.communicate()[0]
        return text.count(" . 0x") if asked.returncode == 0 else -1

    def raw(self, source):
        """Sends protocol 41 from an IPv4 address of the clients."""
        made = self.clients.open(socket.AF_INET, socket.SOCK_RAW, 41)
        made.bind((source, 0))
        return made

    def bind(self):
        """A real nameserver; it and the monitor are in one namespace."""
        made = nameservers.Nameserver("named", self.folder / "bind")
        made.start(self.server.enter)
        return made


def ipv6(source, destination, payload, header=17):
    """An IPv6 packet."""
    addresses = (socket.inet_pton(socket.AF_INET6, one) for one in (source, destination))
    return struct.pack("!IHBB", 6 << 28, len(payload), header, 64) + b"".join(addresses) + payload


def udp(source, destination, port, data):
    """A UDP datagram in IPv6, its checksum right."""
    addresses = b"".join(socket.inet_pton(socket.AF_INET6, one) for one in (source, destination))
    head = struct.pack("!HHHH", 4000, port, 8 + len(data), 0)
    octets = addresses + struct.pack("!II", 8 + len(data), 17) + head + data + bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ipv6(source, destination, head[:6] + struct.pack("!H", ~total & 0xFFFF or 0xFFFF) + data)
