# SPDX-License-Identifier: Apache-2.0
"""Addresses by a tunnel's number: a /64 for its two ends, and a prefix that is routed to the client."""

from __future__ import annotations

import ipaddress
import typing

# What tests and the kernel were tried with, and some more.
MOST = 200000


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


def pair(
    prefix: ipaddress.IPv6Network, routed: ipaddress.IPv6Network | None, length: int, number: int
) -> Pair:
    """Of the tunnel with this number, from 1."""
    network = piece(prefix, 64, number)
    return Pair(network[1], network[2], network, piece(routed, length, number) if routed else None)


def reverse_zone(prefix: ipaddress.IPv6Network) -> str:
    """The zone below ip6.arpa that holds all of a prefix."""
    digits = prefix.network_address.exploded.replace(":", "")[: prefix.prefixlen // 4]
    return ".".join([*reversed(digits), "ip6.arpa"])


def under(prefix: ipaddress.IPv6Network, zone: str) -> bool:
    """Whether some of a prefix's names are in a zone, or all."""
    name = reverse_zone(prefix)
    return name == zone or name.endswith("." + zone) or zone.endswith("." + name)
