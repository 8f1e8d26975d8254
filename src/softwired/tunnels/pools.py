# SPDX-License-Identifier: Apache-2.0
"""Addresses by a tunnel's number: a /64 for its two ends, and a prefix that is routed to the client.

What is routed is a piece of `routed` with the tunnel's own number, or of the pool with the length that was chosen, with
a number that is given away and comes back.
"""

from __future__ import annotations

import ipaddress
import socket
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
    routed = _routed(values, number, length, routed_number)
    return Pair(network[1], network[2], network, piece(*routed) if routed else None)


def are_ends(
    values: types.SimpleNamespace, numbers: tuple[int, int, int], server: str, client: str, routed: str
) -> bool:
    """Whether that is what `ends` says of these numbers, without making ten thousand of its values."""
    first = int(values.prefix.network_address) + (numbers[0] << 64)
    texts = [server, client]
    right = [first + 1, first + 2]
    of = _routed(values, *numbers)
    text, _, length = routed.partition("/")
    if (length or None) != (str(of[1]) if of else None):
        return False
    if of:
        texts.append(text)
        right.append(int(of[0].network_address) + (of[2] << 128 - of[1]))
    return b"".join(socket.inet_pton(socket.AF_INET6, one) for one in texts) == b"".join(
        one.to_bytes(16, "big") for one in right
    )


def _routed(
    values: types.SimpleNamespace, number: int, length: int, routed_number: int
) -> tuple[ipaddress.IPv6Network, int, int] | None:
    """(of which prefix, its pieces' length, which of them)"""
    if length == BY_NUMBER:
        return (values.routed, values.routed_length, number) if values.routed else None
    pool = by_length(values, length)
    if pool and 0 < routed_number <= room(pool.prefix, length):
        return pool.prefix, length, routed_number
    return None


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
