# SPDX-License-Identifier: Apache-2.0
"""Mappings from packets, for networks without a server: the border router remembers the path back to a node.

The first packet of an address that nobody has comes here by the kernel's log (linux/netfilter/nfnetlink_log.h), is
dropped, and the next ones pass. Whoever is first has an address until it has been silent for its age.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import time
import types

from softwired import netlink
from softwired.log import Log
from softwired.loop import Loop
from softwired.netlink import Message, attribute, attributes
from softwired.tep.plan import pair
from softwired.tep.ruleset import Learning
from softwired.tep.store import Mapping
from softwired.tep.table import Table

SUBSYSTEM, PACKET, CONFIGURE = 4, 0, 1
COMMAND, MODE, THRESHOLD, PAYLOAD = 1, 2, 5, 9  # NFULA_CFG_*, NFULA_PAYLOAD
BIND, COPY_PACKET = 1, 2
IPV6_HEADER, IPV4_HEADER, IPV4_IN_IPV6 = 40, 20, 4
# Hop-by-hop options, routing, destination options: their second octet is their length (RFC 8200 section 4).
EXTENSIONS = (0, 43, 60)
# How often the silent ones are looked for.
LOOKS = 10


def rules(values: types.SimpleNamespace) -> Learning | None:
    """What the kernel has to know of it."""
    if not values.learn:
        return None
    one = values.learning
    most = min(one.mappings, values.limits.mappings)
    return Learning(one.clients, values.prefixes, most, one.age + slack(one.age), one.group, one.rate)


def pause(age: float) -> float:
    """Seconds between two looks for the silent."""
    return max(1.0, min(60.0, age / LOOKS))


def slack(age: float) -> int:
    """The kernel forgets a node itself, but only so much later than we do, so that we find what we remove."""
    return int(4 * pause(age))


def sender(packet: bytes) -> tuple[bytes, bytes] | None:
    """(outer source, inner source) of IPv4 in IPv6, as far as the packet is there."""
    if len(packet) < IPV6_HEADER or packet[0] >> 4 != 6:
        return None
    header, at = packet[6], IPV6_HEADER
    while header in EXTENSIONS and at + 8 <= len(packet):
        header, at = packet[at], at + 8 * (packet[at + 1] + 1)
    if header != IPV4_IN_IPV6 or len(packet) < at + IPV4_HEADER or packet[at] >> 4 != 4:
        return None
    return packet[8:24], packet[at + 12 : at + 16]


class Learner:
    """Hears of new nodes, and forgets those that are silent."""

    def __init__(self, learning: Learning, table: Table, loop: Loop, log: Log) -> None:
        self.learning, self.table, self.loop, self.log = learning, table, loop, log
        self.age = learning.age - slack(learning.age)
        self.kernel = netlink.Socket(netlink.NETFILTER)
        self._configure(attribute(COMMAND, bytes([BIND])))
        # Each at once, so much of it as has both addresses behind some extension headers.
        self._configure(
            attribute(MODE, struct.pack(">IBx", 128, COPY_PACKET))
            + attribute(THRESHOLD, struct.pack(">I", 1))
        )
        self.kernel.socket.settimeout(0)

    def _configure(self, body: bytes) -> None:
        header = struct.pack(">BBH", socket.AF_UNSPEC, 0, self.learning.group)
        for refused in self.kernel.tell([Message(SUBSYSTEM << 8 | CONFIGURE, header + body)]):
            raise netlink.NetlinkError(refused.number, f"nfnetlink_log: {refused.text}")

    def fileno(self) -> int:
        return self.kernel.fileno()

    def start(self) -> None:
        self.loop.later(pause(self.age), self._look)

    def close(self) -> None:
        self.kernel.close()

    def heard(self) -> None:
        """Packets of nodes that nobody knows, or that somebody else is."""
        found: dict[bytes, Mapping | None] = {}
        for message in self.kernel.news() or ():
            if message.kind != SUBSYSTEM << 8 | PACKET:
                continue
            new = sender(attributes(message.body[4:]).get(PAYLOAD, b""))
            if new and self._may(*new, len(found)) and new[1] not in found:
                found[new[1]] = Mapping(new[0], "", time.time())
        self.table.change(found)

    def _may(self, ipv6: bytes, ipv4: bytes, more: int) -> bool:
        if ipv4 in self.table.wanted:
            return False
        address = ipaddress.IPv4Address(ipv4)
        if not any(address in prefix for prefix in self.learning.prefixes):
            return False
        if len(self.table.wanted) + more >= self.learning.most:
            self.log.seldom("full", f"{self.learning.most} nodes are known already (tep.learning.mappings)")
            return False
        return True

    def _look(self) -> None:
        self.forget()
        self.loop.later(pause(self.age), self._look)

    def forget(self) -> None:
        """Those whose last packet is longer ago than their age."""
        left = self.table.carrier.set.elements()
        if left is None:
            return  # somebody took the table away; that is no node's silence
        still = 1000 * slack(self.age)
        silent = [
            ipv4 for ipv4, one in self.table.wanted.items() if left.get(pair(ipv4, one.ipv6), 0) <= still
        ]
        self.table.change({ipv4: None for ipv4 in silent})
