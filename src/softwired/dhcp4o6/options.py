# SPDX-License-Identifier: Apache-2.0
"""The table [dhcp4o6] of the configuration: its keys, what is right for each, and what holds between them."""

from __future__ import annotations

import ipaddress
import types
import typing

from softwired.configuration import (
    Fault,
    Field,
    Table,
    device,
    flag,
    ipv6,
    ipv6_prefix,
    list_of,
    octets,
    one_of,
    plain_name,
    seconds,
    text,
    unicast,
    whole,
)


def server(value: typing.Any) -> ipaddress.IPv6Address:
    """An address for option 88 (RFC 7341 section 7.2 allows multicast)."""
    address = ipv6(value)
    if address.is_unspecified or address.is_loopback:
        raise ValueError("an address that clients can send to would be right")
    return address


def command(value: typing.Any) -> list[str]:
    """A program with its arguments."""
    words = list_of(text(r"[^\0]*", "a text would be right"), 1)(value)
    if not words[0].startswith("/"):
        raise ValueError("a program by its absolute path, then its arguments, would be right")
    return typing.cast("list[str]", words)


ENTRY_POINT = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"
OPTIONAL_SERVERS = Field(list_of(server), None)

TABLE: Table = {
    # Kea's dhcp4o6-port: the DHCPv4 server listens on the next one.
    "port": Field(whole(1, 65534)),
    # How it is told of interface, source address and port.
    "dhcpv4_server": Field(one_of("kea", "dhcpd"), "kea"),
    # Option 88 of an answer to an Information-request, and option 32.
    "servers": Field(list_of(server), []),
    "refresh_time": Field(whole(600, 0xFFFFFFFF), 86400),
    "duid": Field(octets, b""),
    "interface": [
        {
            "name": Field(device),
            "addresses": Field(list_of(unicast), []),
            "serve_information": Field(flag, False),
        }
    ],
    "class": [
        {
            "name": Field(plain_name),
            "option": Field(whole(1, 65535)),
            "starts_with": Field(octets, b""),
        }
    ],
    "subnet": [
        {
            "prefix": Field(ipv6_prefix),
            "interface": Field(device, ""),
            "interface_id": Field(octets, b""),
            "relays": Field(list_of(ipv6), []),
            "client_class": Field(plain_name, ""),
            "servers": OPTIONAL_SERVERS,
            "refresh_time": Field(whole(600, 0xFFFFFFFF), None),
        }
    ],
    "callout": [
        {
            "hook": Field(one_of("buffer6_send"), "buffer6_send"),
            "function": Field(
                text(ENTRY_POINT, "an entry point such as 'package.module:function' would be right"), ""
            ),
            "command": Field(command, []),
            "time_limit": Field(seconds(0.001, 60), 0.1),
        }
    ],
    "limits": {
        # What may be in the DHCPv4 server's socket unread, of ours, before others wait here.
        "in_flight": Field(whole(1, 1024), 64),
        "waiting": Field(whole(0, 100000), 4096),
        # Seconds after which an answer to a query is one for nobody.
        "patience": Field(seconds(1, 300), 30.0),
    },
}


def together(values: types.SimpleNamespace) -> typing.Iterator[Fault]:
    """What no key alone can tell."""
    if not values.interface:
        yield "interface", [], "at least one table [[dhcp4o6.interface]] would be right"
    for key, one in (("interface", "name"), ("class", "name"), ("subnet", "prefix")):
        seen: list[typing.Any] = []
        for number, entry in enumerate(getattr(values, key), 1):
            value = getattr(entry, one)
            if value in seen:
                yield f"{key}[{number}].{one}", str(value), "there once already; another one would be right"
            seen.append(value)
    classes = {entry.name for entry in getattr(values, "class")}
    for number, entry in enumerate(values.subnet, 1):
        if entry.client_class and entry.client_class not in classes:
            yield (
                f"subnet[{number}].client_class",
                entry.client_class,
                "the name of a [[dhcp4o6.class]] would be right",
            )
    for number, entry in enumerate(values.callout, 1):
        if bool(entry.function) == bool(entry.command):
            yield f"callout[{number}].function", entry.function, "either function or command would be right"
    if values.duid and not 3 <= len(values.duid) <= 130:
        # RFC 8415 section 11.1
        yield "duid", values.duid.hex(":"), "a type of 2 octets and 1 to 128 octets more would be right"


TOGETHER = together
