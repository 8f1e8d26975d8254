# SPDX-License-Identifier: Apache-2.0
"""The lab's router on a line whose IPv4 address comes by DHCPv4 over DHCPv6, and what it says to whom."""

from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6

from softwire import dhcpv4message, dhcpv6
from tests.lab import addresses, sequence_dhcp4o6
from tests.system import capture
from tests.system.profile import Profile

UNICAST = 0x80
CLIENT_ID = "ff:00:00:00:01:00:03:00:01:" + addresses.WAN_MAC


class Household(Profile):
    """The router on this line, and what it said to whom."""

    def __init__(self, line, server, name):
        super().__init__(line, name)
        self.server = server

    def say(self, words, timeout=60):
        """Something to the server machine: see `server help`."""
        return self.server.check(f"sh /lab/server/server {words}", timeout)

    def leases(self):
        """What Kea has leased: {address: client id}."""
        rows = (row.split() for row in self.say("leases").splitlines())
        return {row[0]: row[2] for row in rows if row}

    def mark(self):
        """From here on `said` counts."""
        self.marked = capture.count(self.lab.capture)

    def messages(self, out=True):
        """Yields (name, source, destination, octets) of queries or responses since the mark."""
        for octets in capture.ipv6_packets(self.lab.capture, self.marked):
            packet = IPv6(octets)
            message = bytes(packet[UDP].payload) if UDP in packet else b""
            told = sequence_dhcp4o6.message(message)
            if told and (message[0] == sequence_dhcp4o6.QUERY) == out:
                yield told[0].partition("(")[2].rstrip(")"), packet.src, packet.dst, message

    def said(self, out=True):
        """[(name, whether the U flag is set, source, destination)] of them."""
        return [(kind, bool(message[1] & UNICAST), *ends) for kind, *ends, message in self.messages(out)]

    def options(self, out=True):
        """[(name, {code: value} of DHCPv6, the same of DHCPv4)] of them."""
        found = []
        for kind, _, _, message in self.messages(out):
            outside = dict(dhcpv6.read_message(message)[2])
            inside = dhcpv4message.read(outside.pop(dhcpv6.DHCPV4_MESSAGE))
            found.append((kind, outside, dict(inside.options)))
        return found

    def kinds(self, out=True):
        """Their names alone."""
        return [row[0] for row in self.said(out)]

    def lease(self):
        """`softwire status --json`'s answer of the interface."""
        return self.line.status()["answer"]

    def wait(self, good, timeout, what):
        return self.line.wait(good, timeout, what)

    def renew(self):
        """As `ubus call network.interface.wan renew` does it, until it is answered."""
        self.mark()
        self.router.check("ubus call network.interface.wan renew")
        self.wait(lambda: "ACK" in self.kinds(False), 30, "a DHCPACK")

    def times(self, times):
        """Kea's, and of the lease that is held."""
        self.say(f"kea4 times '{times}'")
        self.renew()

    def kill(self):
        """The client, without a word; until netifd has started another one."""
        client = self.line.client()
        self.router.check(f"kill -9 {' '.join(client)}")
        self.wait(lambda: self.line.client() not in ([], client), 60, "another client")

    def addresses4(self):
        return [entry["address"] for entry in self.line.interface("wan").get("ipv4-address", [])]
