# SPDX-License-Identifier: Apache-2.0
"""A router with a shared IPv4 address between a LAN host and the IPv4 internet, in network namespaces.

The softwire's device is a cable to the internet, whose side keeps watch as a strict lwAFTR does (RFC 7596 section
6.3): it counts and drops what comes from a port that is not the subscriber's.
"""

import json
import pathlib
import socket

from softwire.portnat import PortMap
from softwire.tunnel import PortSet
from tests.softwired.network import Namespace

TREE = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = TREE / "files/usr/share/nftables.d/ruleset-post/softwire.nft"
ADDRESS, INTERNET, OTHER, NARROW = "192.0.2.1", "198.51.100.1", "198.51.100.2", "203.0.113.1"
LAN_HOST, LAN_ROUTER = "192.168.1.100", "192.168.1.1"
DEVICE = "sw-wan"
PATIENCE = 20  # seconds for what takes none on an idle machine

# As far as it matters here, what fw4 makes: masquerading for the zone wan, which ours comes before; a forwarded port.
FIREWALL = """
table inet fw4
flush table inet fw4
table inet fw4 {{
	chain forward {{
		type filter hook forward priority filter; policy drop;
		ct state vmap {{ established : accept, related : accept, invalid : drop }}
		iifname "l1" accept
		ct status dnat accept
	}}
	chain dstnat {{
		type nat hook prerouting priority dstnat; policy accept;
		iifname "sw-wan" udp dport {forwarded} dnat ip to {lan}:5000
		iifname "sw-wan" tcp dport {forwarded} dnat ip to {lan}:5000
		iifname "l1" ip saddr 192.168.1.0/24 ip daddr {address} udp dport {forwarded} dnat ip to {lan}:5000
	}}
	chain srcnat {{
		type nat hook postrouting priority srcnat; policy accept;
		iifname "l1" oifname "l1" ip saddr 192.168.1.0/24 ip daddr {lan} udp dport 5000 snat ip to {router}
		oifname "sw-wan" meta nfproto ipv4 masquerade
	}}
}}
"""
# Sees packets before anything of the other side does.
WATCH = """
table ip watch {{
	counter strange {{ }}
	chain strict {{
		type filter hook prerouting priority -500; policy accept;
		iifname != "n0" accept
		ip frag-off & 0x1fff != 0 accept
		udp sport {{ {ports} }} accept
		tcp sport {{ {ports} }} accept
		icmp type {{ echo-request, echo-reply }} icmp id {{ {ports} }} accept
		icmp type {{ destination-unreachable, time-exceeded }} @th,240,16 {{ {ports} }} accept
		counter name strange drop
	}}
}}
"""


class Network:
    """The three of them, with a port set."""

    def __init__(self, offset, length, psid, folder):
        self.ports = PortSet(offset, length, psid)
        self.map = PortMap(self.ports)
        self.own = [port for first, last in self.ports.ranges() for port in range(first, last + 1)]
        self.folder = folder
        self.router = Namespace()
        self.lan, self.internet = Namespace(self.router), Namespace(self.router)
        self.made = [self.lan, self.internet, self.router]
        self.cable(self.lan, "l0", LAN_HOST, "l1", LAN_ROUTER)
        self.cable(self.internet, "n0", INTERNET, DEVICE, ADDRESS)
        run = self.internet.run
        run("ip", "address", "add", OTHER, "dev", "n0")
        # A way that carries less, and nobody at its end.
        run("ip", "link", "add", "narrow", "mtu", "1280", "type", "veth", "peer", "name", "end")
        for device in "narrow", "end":
            run("ip", "link", "set", device, "up")
        run("ip", "route", "add", NARROW, "dev", "narrow")
        for namespace in self.router, self.internet:
            namespace.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        self.lan.run("ip", "route", "add", "default", "via", LAN_ROUTER)
        self.router.run("ip", "route", "add", "default", "via", INTERNET, "dev", DEVICE, "onlink")
        self.load(self.internet, WATCH.format(ports=self.sets()))

    def cable(self, namespace, device, address, other_device, other_address):
        pid = str(namespace.holder.pid)
        self.router.run(
            "ip", "link", "add", other_device, "type", "veth", "peer", "name", device, "netns", pid
        )
        for side, name, own, peer in (
            (self.router, other_device, other_address, address),
            (namespace, device, address, other_address),
        ):
            side.run("ip", "address", "add", own, "peer", peer, "dev", name)
            side.run("ip", "link", "set", name, "up")

    def sets(self):
        return ", ".join(f"{first}-{last}" for first, last in self.ports.ranges())

    def load(self, namespace, text):
        file = self.folder / "rules.nft"
        file.write_text(text)
        namespace.run("nft", "-f", str(file))

    def firewall(self):
        """What fw4 loads: its table, and behind it the package's file with the client's."""
        rules = self.folder / "run"
        rules.mkdir(exist_ok=True)
        with open(rules / "wan.nft", "w") as file:
            self.map.write(file, "wan", DEVICE)
        fixed = INCLUDE.read_text().replace("/var/run/softwire", str(rules))
        values = {"forwarded": self.own[-1], "lan": LAN_HOST, "router": LAN_ROUTER, "address": ADDRESS}
        self.load(self.router, FIREWALL.format(**values) + fixed)

    def strange(self):
        """Packets that the other side had to drop."""
        found = json.loads(self.internet.run("nft", "-j", "list", "counter", "ip", "watch", "strange"))
        return found["nftables"][1]["counter"]["packets"]

    def udp(self, namespace, address="0.0.0.0", port=0):
        made = namespace.open(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((address, port))
        made.settimeout(PATIENCE)
        return made

    def tcp(self, namespace, address="0.0.0.0", port=0):
        made = namespace.open(socket.AF_INET, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        made.settimeout(PATIENCE)
        return made

    def close(self):
        for namespace in self.made:
            namespace.close()
