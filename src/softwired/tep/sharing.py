# SPDX-License-Identifier: Apache-2.0
"""Addresses that several nodes share, each with a range of ports: what of a prefix is one node's.

Packets to such an address are marked by their port, and each range has a routing table of its own that the mark leads
to. So there are as many rules as an address has ranges, however many addresses and nodes there are.
"""

from __future__ import annotations

import ipaddress
import typing

# Marks and tables of ours: this, and the first port of a range.
MARK = 0x36530000


class Shared(typing.NamedTuple):
    """A prefix whose addresses have ranges of so many ports, a power of two."""

    prefix: ipaddress.IPv4Network
    size: int

    def firsts(self) -> range:
        """The first ports of the ranges."""
        return range(0, 65536, self.size)


def find(shared: typing.Sequence[Shared], address: ipaddress.IPv4Address) -> Shared | None:
    """What an address is of."""
    return next((one for one in shared if address in one.prefix), None)


def slot(ipv4: bytes, first: int | None = None) -> bytes:
    """What a node has: an address, or the range of its ports that begins there."""
    return ipv4 if first is None else ipv4 + first.to_bytes(2, "big")


def table(one: bytes) -> int | None:
    """The routing table (and mark) of a slot; None for the main one."""
    return MARK | int.from_bytes(one[4:], "big") if len(one) > 4 else None


def ports(one: bytes, shared: typing.Sequence[Shared]) -> tuple[int, int | None] | None:
    """First and last port of a slot, the last one where its prefix is known; None for a whole address."""
    if len(one) == 4:
        return None
    first = int.from_bytes(one[4:], "big")
    of = find(shared, ipaddress.IPv4Address(one[:4]))
    return first, first + of.size - 1 if of else None


def shown(one: bytes, shared: typing.Sequence[Shared]) -> str:
    """'192.0.2.1', '192.0.2.1 ports 4096-8191'."""
    text, found = str(ipaddress.IPv4Address(one[:4])), ports(one, shared)
    if found:
        text += f" ports from {found[0]}" if found[1] is None else f" ports {found[0]}-{found[1]}"
    return text
