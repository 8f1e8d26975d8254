# SPDX-License-Identifier: Apache-2.0
"""Three namespaces in a row: nodes of an IPv6 network, the border router between, and a host that has IPv4 alone."""

import ipaddress
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

from tests.softwired.commander import Commander
from tests.softwired.network import TREE, Namespace, until

TEP, NODE, SERVER = "2001:db8:b::1", "2001:db8:b::2", "2001:db8:b::53"
OTHER = "2001:db8:b::99"  # another address of the border router
OUTSIDE, HOST = "203.0.113.1", "203.0.113.9"
NODES, PREFIX = "2001:db8:c::", "198.18.0.0"
CONFIGURATION = f"""
[softwired]
user = ""
run_directory = "FOLDER/run"
[tep]
address = "{TEP}"
ipv4 = "{OUTSIDE}"
prefixes = ["198.18.0.0/16"]
file = "FOLDER/tep.db"
"""
SERVERS = f'servers = ["{SERVER}", "{NODE}"]\n'


def node(number):
    """The IPv6 address of a node."""
    return str(ipaddress.IPv6Address(NODES) + number)


def address(number):
    """Its IPv4 address."""
    return str(ipaddress.IPv4Address(PREFIX) + number)


class Machine:
    """With the service off at first."""

    def __init__(self, folder):
        self.folder = folder
        self.tep = Namespace()
        self.nodes, self.inet = Namespace(self.tep), Namespace(self.tep)
        for name, other, ours in (("line", self.nodes, "fe80::b"), ("outside", self.inet, "fe80::c")):
            pid = str(other.holder.pid)
            self.tep.run(*f"ip link add {name} type veth peer name eth0 netns {pid}".split())
            for namespace, device in ((self.tep, name), (other, "eth0")):
                namespace.run("ip", "link", "set", device, "addrgenmode", "none")
                namespace.run("ip", "link", "set", device, "up")
            self.tep.run(*f"ip address add {ours}/64 dev {name} nodad".split())
        for namespace, words in (
            (self.tep, f"address add {TEP}/64 dev line nodad"),
            (self.tep, f"address add {OTHER}/64 dev line nodad"),
            (self.nodes, f"address add {NODE}/64 dev eth0 nodad"),
            (self.nodes, f"address add {SERVER}/64 dev eth0 nodad"),
            (self.tep, f"route add {NODES}/48 via {NODE}"),
            (self.tep, f"address add {OUTSIDE}/24 dev outside"),
            (self.inet, f"address add {HOST}/24 dev eth0"),
            (self.inet, f"route add default via {OUTSIDE}"),
        ):
            namespace.run("ip", *words.split())
        self.tep.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        # Neighbours are known before the first packet of a node, which would ask from an address of another link.
        self.nodes.run("ping", "-c", "1", TEP)
        self.process = None

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        for namespace in (self.inet, self.nodes, self.tep):
            namespace.close()

    # The service

    def configure(self, text=SERVERS):
        path = self.folder / "softwired.toml"
        path.write_text((CONFIGURATION + text).replace("FOLDER", str(self.folder)))
        return path

    def command(self, *words):
        return [sys.executable, "-m", "softwired", "--config", str(self.folder / "softwired.toml"), *words]

    def start(self, text=SERVERS):
        """Until it is ready; the seconds that it took."""
        self.configure(text)
        log = self.folder / "tep.log"
        before = len(log.read_text()) if log.exists() else 0
        began = time.monotonic()
        with open(log, "a") as file:
            self.process = self.tep.start(
                *self.command("run", "tep"),
                env={**os.environ, "PYTHONPATH": str(TREE / "src")},
                stdout=file,
                stderr=subprocess.STDOUT,
            )

        def ready():
            assert self.process.poll() is None, log.read_text()
            return "ready (version" in log.read_text()[before:]

        until(ready, "the service is ready", 120)
        return time.monotonic() - began

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(20)
        self.process = None

    def ask(self, *words):
        environment = {**os.environ, "PYTHONPATH": str(TREE / "src")}
        return subprocess.run(
            self.command(*words), env=environment, stdout=subprocess.PIPE, text=True, check=True
        ).stdout

    def status(self):
        return json.loads(self.ask("tep", "status", "--json"))

    def counted(self, family, label):
        return self.status()["counters"]["families"][family]["values"].get(label, 0)

    def log(self):
        return (self.folder / "tep.log").read_text()

    def server(self, source=SERVER, **how):
        """A server's connection."""
        made = self.nodes.open(socket.AF_INET6, socket.SOCK_STREAM)
        made.settimeout(20)
        made.bind((source, 0))
        made.connect((TEP, 3653))
        return Commander(made, **how)

    # Nodes and packets

    def node(self, number):
        """A real node: a plain tunnel of the kernel's, whose IPv4 address has a routing table of its own."""
        name, table = f"node{number}", str(1000 + number)
        for words in (
            f"address add {node(number)}/128 dev lo nodad",
            f"link add {name} type ip6tnl mode ipip6 local {node(number)} remote {TEP} encaplimit none",
            f"link set {name} up",
            f"address add {address(number)}/32 dev {name}",
            f"rule add from {address(number)} lookup {table}",
            f"route add default dev {name} table {table}",
        ):
            self.nodes.run("ip", *words.split())
        return address(number)

    def raw(self):
        """Sends whole IPv6 packets from the nodes' side."""
        return self.nodes.open(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def udp(self, namespace, where, port):
        made = namespace.open(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((where, port))
        made.settimeout(5)
        return made


def packed(side):
    """The addresses of a message's side, as texts."""
    return str(ipaddress.IPv4Address(side.ipv4)), [str(ipaddress.IPv6Address(one)) for one in side.ipv6]


def ipv4(source, destination, payload, protocol=17, identification=1, fragment=0):
    """An IPv4 packet; its header's checksum is right."""
    head = struct.pack(
        "!BBHHHBBH4s4s",
        0x45,
        0,
        20 + len(payload),
        identification,
        fragment,
        64,
        protocol,
        0,
        socket.inet_aton(source),
        socket.inet_aton(destination),
    )
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return head[:10] + struct.pack("!H", total) + head[12:] + payload


def udp(port, data):
    """A UDP datagram without a checksum."""
    return struct.pack("!HHHH", 4000, port, 8 + len(data), 0) + data


def ipv6(source, destination, payload, header=4):
    """An IPv6 packet."""
    addresses = (socket.inet_pton(socket.AF_INET6, one) for one in (source, destination))
    return struct.pack("!IHBB", 6 << 28, len(payload), header, 64) + b"".join(addresses) + payload


def options(payload):
    """A destination options header with nothing but padding, before IPv4."""
    return struct.pack("!BBBB4x", 4, 0, 1, 4) + payload


def fragments(payload, size, identification):
    """Fragments of an IPv6 packet's payload, each behind its header (RFC 8200 section 4.5)."""
    for start in range(0, len(payload), size):
        part = payload[start : start + size]
        more = start + size < len(payload)
        yield struct.pack("!BBHI", 4, 0, start | more, identification) + part
