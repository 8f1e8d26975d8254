# SPDX-License-Identifier: Apache-2.0
"""The lab's line as another kind of line (tests/lab/lines/), and what passed over it since."""

from scapy.layers.inet import UDP
from scapy.layers.inet6 import ICMPv6ND_NA

from tests.lab import addresses
from tests.system import capture, radius

REPLY = 7  # RFC 8415 section 7.3
ONLINK = "2001:db8:4000:900:"
ONLINK_ENDPOINT = "2001:db8:4000:900:1111:1111:1111:1111"


class Profile:
    """The lab's line, of another kind now; what passed over it is counted from here on."""

    def __init__(self, line, name):
        self.line = line
        self.lab, self.router, self.lanhost = line.lab, line.router, line.lanhost
        line.changed = True
        self.switched = capture.count(self.lab.capture)
        self.router.check("/sbin/ifdown wan; /sbin/ifdown wan6")
        line.access(f"line {name}", 120)
        self.router.check(f"cp /etc/lines/{name}/* /etc/config/; /etc/init.d/network reload", 120)
        self.router.check("/sbin/ifup wan6; /sbin/ifup wan")
        # Another household: what a relay told its hosts would stay for hours.
        switch = "/proc/sys/net/ipv6/conf/eth0/disable_ipv6"
        self.lanhost.check(f"echo 1 > {switch}; echo 0 > {switch}")

    def packets(self):
        """Everything in UDP since the line became this one."""
        return list(capture.udp_packets(self.lab.capture, self.switched))

    def messages(self, sport=546):
        """Types of DHCPv6 messages that the router sent, or that came from another UDP port."""
        return [bytes(packet[UDP].payload)[0] for packet in self.packets() if packet[UDP].sport == sport]

    def advertised_neighbours(self):
        """The addresses that the router answered neighbour solicitations for."""
        packets = capture.icmpv6_packets(self.lab.capture, self.switched)
        return {packet[ICMPv6ND_NA].tgt for packet in packets if ICMPv6ND_NA in packet}

    def replies(self):
        """How many DHCPv6 Replies came."""
        return self.messages(547).count(REPLY)

    def requests(self, endpoint):
        """The Access-Requests from this address."""
        return radius.requests(self.lab, endpoint, self.switched)

    def wait_for_softwire(self, endpoint):
        """Until the LAN host's IPv4 passes through a softwire from this endpoint."""
        self.line.wait(lambda: endpoint in self.addresses(), 120, f"the endpoint {endpoint}")
        self.line.wait_for_softwire()
        tunnel = f" remote {addresses.BORDER_ROUTER} local {endpoint} "
        assert tunnel in self.router.check("/sbin/ip -d link show dev sw-wan")

    def addresses(self):
        return self.router.check("/sbin/ip -6 -o address show scope global")

    def wait_for_ipv6(self, prefix):
        """Until the IPv6 internet sees the LAN host under an address of this prefix."""
        self.line.wait(lambda: self.line.seen_by_ipv6().startswith(prefix), 60, f"native IPv6 from {prefix}")

    def wait_for_messages(self, kind, more, what):
        """Until the router sent so many of them."""
        before = self.messages().count(kind)
        more()
        self.line.wait(lambda: self.messages().count(kind) > before, 40, what)

    def has_telephone(self):
        """NTT's options came through."""
        told = self.line.status()["line"]
        return tuple(told["numbers"]) == addresses.NUMBERS and told["mac_echo"] == addresses.WAN_MAC
