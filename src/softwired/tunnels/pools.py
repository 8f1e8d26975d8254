# SPDX-License-Identifier: Apache-2.0
"""Addresses by a tunnel's number: a /64 for its two ends, and a prefix that is routed to the client.

What is routed is a piece of `routed` with the tunnel's own number, or of the pool with the length that was chosen, with
a number that is given away and comes back.
"""

from __future__ import annotations

import ipaddress
import types
import typing

# What tests and the kernel were tried with, and some more.
MOST = 200000
# Instead of a pool's length: what all have by their numbers, and nothing at all.
BY_NUMBER, NOTHING = -1, 0


class Pair(typing.NamedTuple):
    """The ends of a tunnel, and what is routed through it."""

    server: ipaddress.IPv6Address
    client: ipaddress.IPv6Address
    network: ipaddress.IPv6Network
    routed: ipaddress.IPv6Network | None


def room(prefix: ipaddress.IPv6Network, length: int) -> int:
    """Tunnels that have a prefix of this length; the first of all is left to the server itself."""
    return max(0, (1 << max(0, length - prefix.prefixlen)) - 1) if prefix.prefixlen <= length else 0


def piece(prefix: ipaddress.IPv6Network, length: int, number: int) -> ipaddress.IPv6Network:
    """The n-th prefix of this length."""
    return ipaddress.IPv6Network((int(prefix.network_address) + (number << 128 - length), length))


def ends(values: types.SimpleNamespace, number: int, length: int = BY_NUMBER, routed_number: int = 0) -> Pair:
    """Of the tunnel with this number, from 1; what is routed is None where the configuration has it no more."""
    network = piece(values.prefix, 64, number)
    pool = by_length(values, length)
    routed = None
    if length == BY_NUMBER and values.routed:
        routed = piece(values.routed, values.routed_length, number)
    elif pool and 0 < routed_number <= room(pool.prefix, length):
        routed = piece(pool.prefix, length, routed_number)
    return Pair(network[1], network[2], network, routed)


def by_length(values: types.SimpleNamespace, length: int) -> types.SimpleNamespace | None:
    """The pool that people choose by this length."""
    return next((one for one in values.pool if one.length == length), None)


def lengths(values: types.SimpleNamespace) -> list[int]:
    """Of all that may be routed."""
    return sorted([values.routed_length] * bool(values.routed) + [one.length for one in values.pool])


def prefixes(values: types.SimpleNamespace) -> list[ipaddress.IPv6Network]:
    """All that the service has."""
    return [values.prefix, *([values.routed] if values.routed else []), *(one.prefix for one in values.pool)]


def reverse_zone(prefix: ipaddress.IPv6Network) -> str:
    """The zone below ip6.arpa that holds all of a prefix."""
    digits = prefix.network_address.exploded.replace(":", "")[: prefix.prefixlen // 4]
    return ".".join([*reversed(digits), "ip6.arpa"])


def under(prefix: ipaddress.IPv6Network, zone: str) -> bool:
    """Whether some of a prefix's names are in a zone, or all."""
    name = reverse_zone(prefix)
    return name == zone or name.endswith("." + zone) or zone.endswith("." + name)
