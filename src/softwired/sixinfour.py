# SPDX-License-Identifier: Apache-2.0
"""One tunnel device for all clients, and routes through it: IPv6 in IPv4 (RFC 4213). linux/if_tunnel.h.

The device (sit) has no remote end: the gateway of a route, ::a.b.c.d, is the outer destination.
"""

from __future__ import annotations

import functools
import socket
import struct
import typing

from softwired import netlink
from softwired.encapsulation import (
    DELROUTE,
    EXISTS,
    GETROUTE,
    NEWROUTE,
    ONLINK,
    ROUTE,
    RTA_DST,
    RTA_GATEWAY,
    RTA_OIF,
    RTA_PRIORITY,
    TABLE_MAIN,
    UNICAST,
    UNREACHABLE,
    bring_up,
    create,
    index_of,
    link,
    remove_device,
)
from softwired.netlink import ATTRIBUTE, Message, attribute, attributes

__all__ = ["DELROUTE", "IPV6_ROUTES", "NEWROUTE", "Route", "make_device", "parse", "route", "routes"]

# Multicast group
IPV6_ROUTES = 11
IFLA_IPTUN_LOCAL, IFLA_IPTUN_REMOTE, IFLA_IPTUN_TTL, IFLA_IPTUN_PROTO, IPPROTO_IPV6 = 2, 3, 4, 9, 41
TTL = 64
LOCAL, SCOPE_UNIVERSE = 2, 0
# Ours among others' routes; the kernel does not interpret it.
PROTOCOL = 141
METRIC, LAST = struct.pack("=I", 1024), b"\xff" * 4
MAPPED = bytes(12)


class Device(typing.NamedTuple):
    """A device of this name that is there."""

    number: int
    up: bool
    sit: bool
    local: bytes
    remote: bytes


class Route(typing.NamedTuple):
    """A prefix, packed, and its length; where it goes: an IPv4 address, packed, or b'' for this machine itself."""

    prefix: bytes
    length: int
    to: bytes


def device(kernel: netlink.Socket, name: str) -> Device | None:
    """The device of this name, if there is one."""
    found = link(kernel, name)
    if found is None:
        return None
    local, remote = (found.data.get(kind, bytes(4)) for kind in (IFLA_IPTUN_LOCAL, IFLA_IPTUN_REMOTE))
    return Device(found.number, found.up, found.kind == b"sit", local, remote)


def make_device(kernel: netlink.Socket, name: str, local: bytes) -> int:
    """The index of the device, made if it lacks and brought up; NetlinkError, also if another one has the name."""
    found = device(kernel, name)
    if found and not (found.sit and found.remote == bytes(4)):
        raise netlink.NetlinkError(EXISTS, f"there is another device '{name}'")
    if found and found.local != local:
        remove_device(kernel, found.number)
        found = None
    if not found:
        create(
            kernel,
            name,
            b"sit",
            attribute(IFLA_IPTUN_LOCAL, local),
            attribute(IFLA_IPTUN_TTL, bytes([TTL])),
            attribute(IFLA_IPTUN_PROTO, bytes([IPPROTO_IPV6])),
        )
    if not found or not found.up:
        bring_up(kernel, name)
    return found.number if found else index_of(kernel, name)


def route(one: Route, index: int, there: bool = True) -> Message:
    """Makes, replaces or removes a route."""
    begin, end = _around(one.length, bool(one.to), index, there)
    body = begin + one.prefix + end
    if not there:
        return Message(DELROUTE, body)
    return Message(NEWROUTE, body + one.to, netlink.CREATE | netlink.REPLACE)


@functools.lru_cache(maxsize=64)
def _around(length: int, away: bool, index: int, there: bool) -> tuple[bytes, bytes]:
    """What stands before a route's prefix, and between it and where it goes."""
    # Also what is the machine's own is in the main table: ten thousand more in the table `local`, which is asked first,
    # would cost every packet.
    kind = UNICAST if away else LOCAL
    flags = ONLINK if away and there else 0
    begin = ROUTE.pack(socket.AF_INET6, length, 0, 0, TABLE_MAIN, PROTOCOL, SCOPE_UNIVERSE, kind, flags)
    end = attribute(RTA_PRIORITY, METRIC) + attribute(RTA_OIF, struct.pack("=i", index))
    if away and there:
        end += ATTRIBUTE.pack(20, RTA_GATEWAY) + MAPPED
    return begin + ATTRIBUTE.pack(20, RTA_DST), end


def unreachable(prefix: bytes, length: int) -> Message:
    """Makes the route of addresses that nobody has: they are not sent back to where they come from."""
    header = ROUTE.pack(socket.AF_INET6, length, 0, 0, TABLE_MAIN, PROTOCOL, SCOPE_UNIVERSE, UNREACHABLE, 0)
    body = header + attribute(RTA_DST, prefix) + attribute(RTA_PRIORITY, LAST)
    return Message(NEWROUTE, body, netlink.CREATE | netlink.REPLACE)


def routes(kernel: netlink.Socket, index: int) -> set[Route]:
    """Those of ours through this device."""
    header = ROUTE.pack(socket.AF_INET6, 0, 0, 0, 0, PROTOCOL, 0, 0, 0)
    body = header + attribute(RTA_OIF, struct.pack("=i", index))
    parsed = (parse(message) for message in kernel.ask(GETROUTE, body))
    return {one for one, oif in parsed if one and oif == index}


def parse(message: Message) -> tuple[Route | None, int]:
    """(route of ours through a tunnel device, device); None for any other."""
    family, length, _, _, table, protocol, _, kind, _ = ROUTE.unpack_from(message.body)
    if message.kind not in (NEWROUTE, DELROUTE) or family != socket.AF_INET6 or protocol != PROTOCOL:
        return None, 0
    told = attributes(message.body[ROUTE.size :])
    if table != TABLE_MAIN or kind not in (UNICAST, LOCAL) or RTA_DST not in told:
        return None, 0
    gateway = told.get(RTA_GATEWAY, b"")
    # Another gateway than ours, or none, is no route that is wanted: any that differs will do.
    to = b"" if kind == LOCAL else gateway[12:] if gateway[:12] == MAPPED else b"\0"
    return Route(told[RTA_DST], length, to), struct.unpack("=i", told.get(RTA_OIF, bytes(4)))[0]
