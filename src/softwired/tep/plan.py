# SPDX-License-Identifier: Apache-2.0
"""From what the kernel has to what is wanted, in an order in which no mapping is ever open to a stranger.

A pair (outer source, inner source; of a shared address its ports as well) lets packets in, a route sends them out. What
must not pass is closed first, then routes change, and what may pass is opened last: when a node gets an address that
was another's, the old one can send no more before the new one receives, and the new one sends nothing whose answer the
old one would get.
"""

from __future__ import annotations

import sys
import typing

from softwired.encapsulation import Route
from softwired.tep import sharing

# Octets of an element of the other set: that with ports.
RANGE = 24


class Plan(typing.NamedTuple):
    """Steps in their order."""

    close: list[bytes]
    remove: list[bytes]
    point: list[bytes]
    open: list[bytes]


def pair(ipv4: bytes, ipv6: bytes) -> bytes:
    """An element of the set of pairs: outer source, inner source."""
    return ipv6 + ipv4


def pairs_of(slot: bytes, ipv6: bytes) -> list[bytes]:
    """Elements that a mapping needs: of a shared address one for its range, behind one for what has no ports."""
    mark = sharing.table(slot)
    own = pair(slot[:4], ipv6)
    return [own] if mark is None else [own + mark.to_bytes(4, sys.byteorder), own]


def plan(
    wanted: typing.Mapping[bytes, bytes],
    local: bytes,
    routes: typing.Mapping[bytes, Route],
    pairs: typing.Iterable[bytes],
) -> Plan:
    """`wanted` has the IPv6 address of each slot (sharing.slot), `local` is the outer source."""
    elsewhere = {
        ipv4 for ipv4, to in routes.items() if ipv4 not in wanted or to != Route(wanted[ipv4], local)
    }
    should = {
        # Of a shared address the range alone decides.
        one: slot if len(one) == RANGE or len(slot) == 4 else b""
        for slot, ipv6 in wanted.items()
        for one in pairs_of(slot, ipv6)
    }
    found = set(pairs)
    kept = {one for one in found if one in should and should[one] not in elsewhere}
    return Plan(
        close=sorted(found - kept),
        remove=sorted(elsewhere - wanted.keys()),
        point=sorted(ipv4 for ipv4 in wanted if ipv4 in elsewhere or ipv4 not in routes),
        open=sorted(should.keys() - kept),
    )
