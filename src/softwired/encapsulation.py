# SPDX-License-Identifier: Apache-2.0
"""One tunnel device for all clients, and a route that encapsulates for each of them: IPv4 in IPv6 (RFC 2473).

The device has no endpoints of its own (collect metadata); the route has them. What comes in is taken by a second one
that has the local address and any remote one: metadata that nobody reads would cost each packet a tenth of its way.
linux/rtnetlink.h, linux/if_tunnel.h, linux/lwtunnel.h.
"""

from __future__ import annotations

import socket
import struct
import typing

from softwired import netlink
from softwired.netlink import Message, attribute, attributes, nested

NEWLINK, DELLINK, GETLINK = 16, 17, 18
NEWROUTE, DELROUTE, GETROUTE = 24, 25, 26
# Multicast groups
LINKS, IPV4_ROUTES, IPV4_RULES = 1, 7, 8
IFLA_IFNAME, IFLA_LINKINFO, IFLA_INFO_KIND, IFLA_INFO_DATA = 3, 18, 1, 2
IFLA_IPTUN_LOCAL, IFLA_IPTUN_REMOTE, IFLA_IPTUN_PROTO, IFLA_IPTUN_COLLECT_METADATA = 2, 3, 9, 19
IPPROTO_IPIP = 4
# linux/if_link.h, linux/ip.h: a device's rp_filter
IFLA_AF_SPEC, IFLA_INET_CONF, RP_FILTER = 26, 1, 8
# linux/if_addr.h; the address is RFC 7600's, of machines that have none.
NEWADDR, IFA_LOCAL, SCOPE_HOST, DUMMY = 20, 2, 254, socket.inet_aton("192.0.0.8")
ADDRESS = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
IFF_UP = 1
LINK = struct.Struct("=BxHiII")  # family, type, index, flags, change
TABLE_MAIN, SCOPE_UNIVERSE, UNICAST, UNREACHABLE, ONLINK = 254, 0, 1, 7, 4
# family, destination and source length, TOS, table, protocol, scope, type, flags
ROUTE = struct.Struct("=BBBBBBBBI")
# Ours among others' routes; the kernel does not interpret it.
PROTOCOL = 104
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_TABLE, RTA_ENCAP_TYPE, RTA_ENCAP = 1, 4, 5, 6, 15, 21, 22
# linux/fib_rules.h; a rule's header is as large as a route's.
NEWRULE, DELRULE, GETRULE, TO_TABLE = 32, 33, 34, 1
FRA_PRIORITY, FRA_FWMARK, FRA_TABLE, FRA_PROTOCOL = 6, 10, 15, 21
ENCAP_IP6, IP6_DST, IP6_SRC, IP6_HOPLIMIT = 4, 2, 3, 4
HOP_LIMIT = 64
# One neighbour for all routes: with their destinations, each would take an entry of the neighbour table.
NEIGHBOUR = socket.inet_aton("192.0.0.1")
NO_DEVICE, EXISTS, NO_SUCH_ROUTE = 19, 17, 3


class Device(typing.NamedTuple):
    """A tunnel device that is there."""

    number: int
    up: bool
    ours: bool  # of the right kind, and with metadata


class Route(typing.NamedTuple):
    """Where packets to an IPv4 address go: the outer destination and source."""

    remote: bytes
    local: bytes


class Link(typing.NamedTuple):
    """A device as the kernel tells it: number, whether it is up, kind, attributes of its kind."""

    number: int
    up: bool
    kind: bytes
    data: dict[int, bytes]


def link(kernel: netlink.Socket, name: str) -> Link | None:
    """The device of this name, of whatever kind, if there is one; NetlinkError."""
    try:
        (found,) = kernel.ask(GETLINK, LINK.pack(0, 0, 0, 0, 0) + _named(name), 0)
    except netlink.NetlinkError as error:
        if error.errno == NO_DEVICE:
            return None
        raise
    _, _, index, flags, _ = LINK.unpack_from(found.body)
    info = attributes(attributes(found.body[LINK.size :]).get(IFLA_LINKINFO, b""))
    kind = info.get(IFLA_INFO_KIND, b"").rstrip(b"\0")
    return Link(index, bool(flags & IFF_UP), kind, attributes(info.get(IFLA_INFO_DATA, b"")))


def is_gone(message: Message, index: int) -> bool:
    """Whether news says that this device went, or went down."""
    if message.kind not in (NEWLINK, DELLINK):
        return False
    _, _, number, flags, _ = LINK.unpack_from(message.body)
    return number == index and (message.kind == DELLINK or not flags & IFF_UP)


def device(kernel: netlink.Socket, name: str) -> Device | None:
    """The device of this name, if there is one."""
    found = link(kernel, name)
    if found is None:
        return None
    right = found.kind == b"ip6tnl" and IFLA_IPTUN_COLLECT_METADATA in found.data
    return Device(found.number, found.up, right)


def make_device(kernel: netlink.Socket, name: str) -> int:
    """The index of the device, made if it lacks and brought up; NetlinkError, also if another one has the name."""
    found = device(kernel, name)
    if found and not found.ours:
        raise netlink.NetlinkError(EXISTS, f"there is another device '{name}'")
    if not found:
        # IPv4 alone: without a protocol it would take IPv6 in IPv6 as well.
        create(
            kernel,
            name,
            b"ip6tnl",
            attribute(IFLA_IPTUN_PROTO, bytes([IPPROTO_IPIP])),
            attribute(IFLA_IPTUN_COLLECT_METADATA, b""),
        )
    if not found or not found.up:
        bring_up(kernel, name)
    return found.number if found else index_of(kernel, name)


def make_receiver(kernel: netlink.Socket, name: str, local: bytes) -> int:
    """The index of the device that takes what comes to this address, made if it lacks and brought up; NetlinkError."""
    found = link(kernel, name)
    if found and not _receives(found):
        raise netlink.NetlinkError(EXISTS, f"there is another device '{name}'")
    if found and found.data.get(IFLA_IPTUN_LOCAL) != local:
        remove_device(kernel, found.number)
        found = None
    if not found:
        create(
            kernel,
            name,
            b"ip6tnl",
            attribute(IFLA_IPTUN_LOCAL, local),
            attribute(IFLA_IPTUN_PROTO, bytes([IPPROTO_IPIP])),
        )
    index = found.number if found else index_of(kernel, name)
    # Answers leave by the other device. Of the filters of sources, the strict one would drop what comes in, the loose
    # one wherever the device has no address of its own.
    must(
        kernel,
        Message(
            NEWADDR,
            ADDRESS.pack(socket.AF_INET, 32, 0, SCOPE_HOST, index) + attribute(IFA_LOCAL, DUMMY),
            netlink.CREATE | netlink.REPLACE,
        ),
    )
    conf = nested(IFLA_INET_CONF, attribute(RP_FILTER, struct.pack("=I", _loose())))
    bring_up(kernel, name, nested(IFLA_AF_SPEC, nested(socket.AF_INET, conf)))
    return index


def create(kernel: netlink.Socket, name: str, kind: bytes, *data: bytes) -> None:
    """A device of this kind, with attributes of its kind, which is not up yet; NetlinkError."""
    info = nested(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, kind), nested(IFLA_INFO_DATA, *data))
    body = LINK.pack(0, 0, 0, 0, 0) + _named(name) + info
    must(kernel, Message(NEWLINK, body, netlink.CREATE | netlink.EXCLUSIVE))


def bring_up(kernel: netlink.Socket, name: str, more: bytes = b"") -> None:
    """Sets a device up, and what further attributes say; NetlinkError."""
    must(kernel, Message(NEWLINK, LINK.pack(0, 0, 0, IFF_UP, IFF_UP) + _named(name) + more))


def index_of(kernel: netlink.Socket, name: str) -> int:
    """Of a device that is there; NetlinkError."""
    found = link(kernel, name)
    if found is None:
        raise netlink.NetlinkError(NO_DEVICE, f"the device '{name}' has gone")
    return found.number


def _named(name: str) -> bytes:
    return attribute(IFLA_IFNAME, name.encode() + b"\0")


def _receives(found: Link) -> bool:
    """Whether it is a device for what comes from anywhere."""
    anywhere = not any(found.data.get(IFLA_IPTUN_REMOTE, b""))
    return found.kind == b"ip6tnl" and anywhere and IFLA_IPTUN_COLLECT_METADATA not in found.data


def _loose() -> int:
    """The rp_filter of a device that must not be strict; the kernel takes the larger one of its and that of all."""
    try:
        with open("/proc/sys/net/ipv4/conf/all/rp_filter", encoding="ascii") as file:
            return 0 if file.read().strip() == "0" else 2
    except OSError:
        return 2


def remove_device(kernel: netlink.Socket, index: int) -> None:
    """And all its routes."""
    must(kernel, Message(DELLINK, LINK.pack(0, 0, index, 0, 0)))


def route(ipv4: bytes, to: Route, index: int, table: int | None = None) -> Message:
    """Makes or replaces the route to this address; table: another one than the main."""
    encapsulation = nested(
        RTA_ENCAP,
        attribute(IP6_DST, to.remote),
        attribute(IP6_SRC, to.local),
        attribute(IP6_HOPLIMIT, bytes([HOP_LIMIT])),
    )
    body = (
        _header(UNICAST, ONLINK, table)
        + attribute(RTA_DST, ipv4)
        + _metric(ipv4)
        + attribute(RTA_OIF, struct.pack("=i", index))
        + attribute(RTA_GATEWAY, NEIGHBOUR)
        + attribute(RTA_ENCAP_TYPE, struct.pack("=H", ENCAP_IP6))
        + encapsulation
    )
    return Message(NEWROUTE, body, netlink.CREATE | netlink.REPLACE)


def no_route(ipv4: bytes, table: int | None = None) -> Message:
    """Removes the route to this address."""
    return Message(DELROUTE, _header(UNICAST, 0, table) + attribute(RTA_DST, ipv4) + _metric(ipv4))


def _header(kind: int, flags: int, table: int | None) -> bytes:
    # A table's number that does not fit there is an attribute.
    small = TABLE_MAIN if table is None else 0
    header = ROUTE.pack(socket.AF_INET, 32, 0, 0, small, PROTOCOL, SCOPE_UNIVERSE, kind, flags)
    return header if table is None else header + attribute(RTA_TABLE, struct.pack("=I", table))


def _metric(ipv4: bytes) -> bytes:
    # Routes that differ in their encapsulation alone lie in one bucket of the kernel's table, which is searched for
    # each new one: a metric of its own spreads them.
    return attribute(RTA_PRIORITY, struct.pack("=I", int.from_bytes(ipv4, "big")))


def unreachable(prefix: bytes, length: int, there: bool) -> Message:
    """Makes or removes the route of addresses that nobody has: they are not sent back to where they come from."""
    header = ROUTE.pack(socket.AF_INET, length, 0, 0, TABLE_MAIN, PROTOCOL, SCOPE_UNIVERSE, UNREACHABLE, 0)
    body = header + attribute(RTA_DST, prefix) + attribute(RTA_PRIORITY, b"\xff" * 4)
    if there:
        return Message(NEWROUTE, body, netlink.CREATE | netlink.REPLACE)
    return Message(DELROUTE, body)


def routes(kernel: netlink.Socket, index: int) -> dict[tuple[bytes, int | None], Route]:
    """The encapsulating routes of ours through this device, by IPv4 address and table."""
    header = ROUTE.pack(socket.AF_INET, 0, 0, 0, 0, PROTOCOL, 0, 0, 0)
    found = {}
    for message in kernel.ask(GETROUTE, header + attribute(RTA_OIF, struct.pack("=i", index))):
        ipv4, table, to, oif = parse_route(message)
        if ipv4 and to and oif == index:
            found[ipv4, table] = to
    return found


def parse_route(message: Message) -> tuple[bytes, int | None, Route | None, int]:
    """(address, table, where it goes, device) of a route of ours; an empty address otherwise, no Route if it does not
    encapsulate."""
    family, length, _, _, _, protocol, *_ = ROUTE.unpack_from(message.body)
    told = attributes(message.body[ROUTE.size :])
    if message.kind not in (NEWROUTE, DELROUTE) or (family, length, protocol) != (
        socket.AF_INET,
        32,
        PROTOCOL,
    ):
        return b"", None, None, 0
    outer = attributes(told.get(RTA_ENCAP, b""))
    right = told.get(RTA_PRIORITY) == _metric(told[RTA_DST])[4:] and told.get(RTA_GATEWAY) == NEIGHBOUR
    to = Route(outer[IP6_DST], outer[IP6_SRC]) if right and IP6_DST in outer and IP6_SRC in outer else None
    (number,) = struct.unpack("=I", told[RTA_TABLE])
    table = None if number == TABLE_MAIN else number
    return told[RTA_DST], table, to, struct.unpack("=i", told.get(RTA_OIF, bytes(4)))[0]


def rule(kind: int, mark: int, priority: int) -> Message:
    """Makes (NEWRULE) or removes (DELRULE) the rule that leads packets of this mark to the table of its number."""
    body = ROUTE.pack(socket.AF_INET, 0, 0, 0, 0, 0, 0, TO_TABLE, 0)
    for number, value in ((FRA_PRIORITY, priority), (FRA_FWMARK, mark), (FRA_TABLE, mark)):
        body += attribute(number, struct.pack("=I", value))
    body += attribute(FRA_PROTOCOL, bytes([PROTOCOL]))
    return Message(kind, body, netlink.CREATE | netlink.EXCLUSIVE if kind == NEWRULE else 0)


def rules(kernel: netlink.Socket) -> set[int]:
    """The marks of our rules."""
    header = ROUTE.pack(socket.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0)
    return {mark for message in kernel.ask(GETRULE, header) if (mark := mark_of(message)) is not None}


def mark_of(message: Message) -> int | None:
    """Of a rule of ours."""
    if message.kind not in (NEWRULE, DELRULE):
        return None
    told = attributes(message.body[ROUTE.size :])
    if told.get(FRA_PROTOCOL) != bytes([PROTOCOL]) or FRA_FWMARK not in told:
        return None
    (mark,) = struct.unpack("=I", told[FRA_FWMARK])
    return int(mark)


def must(kernel: netlink.Socket, message: Message) -> None:
    """What may not be refused; NetlinkError."""
    for refused in kernel.tell([message]):
        raise netlink.NetlinkError(refused.number, refused.text)
