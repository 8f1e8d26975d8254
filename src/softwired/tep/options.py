# SPDX-License-Identifier: Apache-2.0
"""The table [tep] of the configuration: its keys, what is right for each, and what holds between them."""

from __future__ import annotations

import ipaddress
import itertools
import types
import typing

from softwire import tsp
from softwired.configuration import (
    Fault,
    Field,
    Table,
    device,
    file_path,
    flag,
    ipv4,
    ipv4_prefix,
    ipv6,
    ipv6_prefix,
    list_of,
    seconds,
    text,
    whole,
)


def unicast(value: typing.Any) -> ipaddress.IPv6Address:
    """An address that nodes can send to."""
    address = ipv6(value)
    if address.is_multicast or address.is_link_local or address.is_unspecified or address.is_loopback:
        raise ValueError("a unicast address that nodes can send to would be right")
    return address


def server(value: typing.Any) -> ipaddress.IPv6Network:
    """Whose commands are taken: an address or a prefix."""
    return (
        ipv6_prefix(value) if isinstance(value, str) and "/" in value else ipaddress.IPv6Network(ipv6(value))
    )


def ports(value: typing.Any) -> int:
    """How many a node has: each range of an address is a rule of the kernel's, so that few are many."""
    found: int = whole(256, 32768)(value)
    if found & (found - 1):
        raise ValueError("a power of two such as 2048 would be right")
    return found


TABLE: Table = {
    # The outer address of all tunnels, and the IPv4 address that nodes are told of.
    "address": Field(unicast),
    "ipv4": Field(ipv4),
    # Of the nodes' addresses; others are refused.
    "prefixes": Field(list_of(ipv4_prefix, 1)),
    "servers": Field(list_of(server), []),
    # None: the address above.
    "listen": Field(list_of(ipv6), []),
    "port": Field(whole(1, 65535), tsp.PORT),
    "users": Field(file_path, ""),
    "realm": Field(text(r"[A-Za-z0-9_.-]{1,64}", "a name would be right"), "dstm"),
    "device": Field(device, "dstm"),
    "file": Field(text(r"/\S+", "an absolute path would be right"), "/var/lib/softwired/tep.db"),
    "learn": Field(flag, False),
    # Addresses that several nodes have, each so many of the ports.
    "shared": [{"prefix": Field(ipv4_prefix), "ports_of_a_node": Field(ports)}],
    "tls": {
        "certificate": Field(file_path, ""),
        "key": Field(file_path, ""),
        # Who signs the servers' certificates; '': a server needs none.
        "authorities": Field(file_path, ""),
    },
    "learning": {
        "clients": Field(list_of(ipv6_prefix), []),
        "mappings": Field(whole(1, 1000000), 4096),
        # Seconds after the last packet.
        "age": Field(whole(10, 31536000), 3600),
        # New ones a second, of all nodes together.
        "rate": Field(whole(1, 10000), 100),
        # Of nfnetlink_log; other programs use others.
        "group": Field(whole(1, 65535), 3653),
    },
    "limits": {
        "mappings": Field(whole(1, 1000000), 65536),
        "connections": Field(whole(1, 10000), 64),
        # Seconds that a server has for a login, and for a message it has begun.
        "patience": Field(seconds(0.1, 600), 15.0),
    },
}


def together(values: types.SimpleNamespace) -> typing.Iterator[Fault]:
    """What no key alone can tell."""
    if values.learn and values.servers:
        yield "learn", True, "either servers or learn = true would be right: mappings come from one of them"
    if not values.learn and not values.servers:
        yield "servers", [], "the address of a server that may ask would be right, or learn = true"
    if values.learn and not values.learning.clients:
        yield "learning.clients", [], "the prefixes of nodes whose packets are trusted would be right"
    for one, other in itertools.combinations(values.prefixes, 2):
        if one.overlaps(other):
            yield "prefixes", str(other), f"none that overlaps {one} would be right"
    for number, one in enumerate(values.shared, 1):
        if not any(one.prefix.subnet_of(prefix) for prefix in values.prefixes):
            yield (
                f"shared[{number}].prefix",
                str(one.prefix),
                "one that is part of tep.prefixes would be right",
            )
        for other in values.shared[: number - 1]:
            if one.prefix.overlaps(other.prefix):
                yield (
                    f"shared[{number}].prefix",
                    str(one.prefix),
                    f"none that overlaps {other.prefix} would be right",
                )
    if values.learn and values.shared:
        yield "learn", True, "servers instead: who has which ports cannot be learned from packets"
    if any(values.ipv4 in prefix for prefix in values.prefixes):
        yield (
            "ipv4",
            str(values.ipv4),
            "an address that no node can get, so outside of prefixes, would be right",
        )
    for one, other in (("certificate", "key"), ("key", "certificate"), ("authorities", "certificate")):
        if getattr(values.tls, one) and not getattr(values.tls, other):
            yield f"tls.{other}", "", f"the file that belongs to tls.{one} would be right"


TOGETHER = together
