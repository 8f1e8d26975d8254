# SPDX-License-Identifier: Apache-2.0
"""The pools of the configuration as slots: an IPv4 address, or a range of its ports; which of them are free."""

from __future__ import annotations

import collections
import ipaddress
import types
import typing

ALL_PORTS = (0, 65535)
# Slots of all pools together; each free one takes some hundred octets.
MOST = 1 << 20


class Slot(typing.NamedTuple):
    """What a node gets: an address as an integer, first and last port."""

    address: int
    first: int
    last: int


class Range(typing.NamedTuple):
    """Addresses, both ends among them."""

    first: int
    last: int


def read_range(text: typing.Any) -> Range:
    """'192.0.2.0/24' (without the network's and the broadcast address), '192.0.2.8-192.0.2.15', one; ValueError."""
    right = "a prefix, two addresses with '-' between or one address would be right"
    if not isinstance(text, str):
        raise ValueError(right)
    first, dash, last = text.partition("-")
    try:
        if dash:
            found = Range(int(ipaddress.IPv4Address(first.strip())), int(ipaddress.IPv4Address(last.strip())))
        else:
            network = ipaddress.IPv4Network(text)
            found = Range(int(network.network_address), int(network.broadcast_address))
            if network.prefixlen < 31:
                found = Range(found.first + 1, found.last - 1)
    except ValueError:
        raise ValueError(right) from None
    if found.first > found.last:
        raise ValueError("the lower address first would be right")
    for value in found:
        address = ipaddress.IPv4Address(value)
        if address.is_multicast or address.is_loopback or address.is_link_local or value >> 24 in (0, 255):
            raise ValueError(f"addresses that hosts can have would be right, not {address}")
    return found


def count(pool: types.SimpleNamespace) -> int:
    """How many slots a pool has at most."""
    return sum(one.last - one.first + 1 for one in pool.addresses) * len(port_ranges(pool))


def port_ranges(pool: types.SimpleNamespace) -> list[tuple[int, int]]:
    """Of each of its addresses."""
    if not pool.ports_of_a_node:
        return [ALL_PORTS]
    size = pool.ports_of_a_node
    return [(first, first + size - 1) for first in range(0, 65536, size) if first >= pool.first_port]


def holds(pool: types.SimpleNamespace, address: int) -> bool:
    """Whether an address is one of a pool's."""
    return any(one.first <= address <= one.last for one in pool.addresses) and not any(
        first <= address <= last for first, last in pool.exclude
    )


class Pool:
    """The free slots of one pool."""

    def __init__(self, table: types.SimpleNamespace) -> None:
        self.table = table
        self.ranges = port_ranges(table)
        self.shared = bool(table.ports_of_a_node)
        self.size = 0
        self.free: collections.OrderedDict[Slot, None] = collections.OrderedDict()

    def fill(self, used: dict[int, list[tuple[int, int]]]) -> None:
        """Begins anew; used: the port ranges by address that are somebody's."""
        self.free.clear()
        self.size = 0
        for one in self.table.addresses:
            for address in range(one.first, one.last + 1):
                if any(first <= address <= last for first, last in self.table.exclude):
                    continue
                self.size += len(self.ranges)
                taken = used.get(address, ())
                for first, last in self.ranges:
                    if not any(first <= end and last >= begin for begin, end in taken):
                        self.free[Slot(address, first, last)] = None

    def has(self, address: int, first: int, last: int) -> bool:
        """Whether such a slot is of this pool, free or not."""
        return holds(self.table, address) and (first, last) in self.ranges

    def give_back(self, slot: Slot) -> None:
        """To the end of the row: nobody gets soon what somebody else just had."""
        if self.has(*slot):
            self.free[slot] = None


class Slots:
    """All pools, in their order. The store's thread alone has it."""

    def __init__(self, pools: typing.Sequence[types.SimpleNamespace]) -> None:
        self.pools = [Pool(table) for table in pools]
        self.stale = True

    def fill(self, used: typing.Iterable[Slot], rested: typing.Iterable[Slot] = ()) -> None:
        """From what the store has; rested: what was somebody's, the latest last."""
        by_address: dict[int, list[tuple[int, int]]] = {}
        for address, first, last in used:
            by_address.setdefault(address, []).append((first, last))
        for pool in self.pools:
            pool.fill(by_address)
        for slot in rested:
            found = self.of(*slot)
            if found and slot in found.free:
                found.free.move_to_end(slot)
        self.stale = False

    def of(self, address: int, first: int, last: int) -> Pool | None:
        """Whose a slot is."""
        for pool in self.pools:
            if pool.has(address, first, last):
                return pool
        return None

    def give_back(self, slot: Slot) -> None:
        pool = self.of(*slot)
        if pool:
            pool.give_back(slot)
