# SPDX-License-Identifier: Apache-2.0
"""The table [prefix64] of the configuration: its keys, what is right for each, and what holds between them."""

from __future__ import annotations

import ipaddress
import re
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
    one_of,
    seconds,
    text,
    whole,
)
from softwired.prefix64 import ranges


def unicast_prefix(value: typing.Any) -> ipaddress.IPv6Network:
    """A prefix of any length, of addresses that hosts can have."""
    prefix = ipv6_prefix(value)
    least = ranges.of(prefix)
    for other in ("ff00::/8", "fe80::/10", "::/127"):
        if ranges.overlap(least, ranges.of(ipaddress.IPv6Network(other))):
            raise ValueError("a prefix of global or unique local unicast addresses would be right")
    return prefix


def span(value: typing.Any) -> ranges.Span:
    """Addresses that are somebody else's."""
    try:
        if not isinstance(value, str) or "%" in value:
            raise ValueError
        return ranges.read(value)
    except ValueError:
        raise ValueError(
            "an address, a prefix with host bits zero or two addresses as '2001:db8::1-2001:db8::9' would be right"
        ) from None


def forward(value: typing.Any) -> str:
    """'', 'auto' or an interface."""
    return "" if value == "" else device(value)


def delegated(value: typing.Any) -> str | ipaddress.IPv6Network:
    """An interface, or what it was given."""
    if isinstance(value, str) and "/" in value:
        prefix = unicast_prefix(value)
        if prefix.prefixlen > 64:
            raise ValueError("a prefix of 64 bits or shorter would be right")
        return prefix
    return device(value)


def listen(value: typing.Any) -> tuple[str, int]:
    """[address]:port"""
    match = re.fullmatch(r"\[([0-9a-fA-F:.]+)\]:(\d{1,5})", value) if isinstance(value, str) else None
    try:
        if match is None or not 0 < int(match[2]) < 65536:
            raise ValueError
        return str(ipaddress.IPv6Address(match[1])), int(match[2])
    except ValueError:
        raise ValueError("an address and a port such as '[::1]:8064' would be right") from None


PORT = whole(1, 65535)

TABLE: Table = {
    # Bits of the packet mark, the routing table and the place of its rule.
    "mark": Field(whole(1, 0xFFFFFFFF), 64),
    "table": Field(whole(1, 0xFFFFFFFF), 64),
    "rule": Field(whole(1, 32765), 64),
    "range": [
        {
            "interface": Field(device),
            "prefix": Field(unicast_prefix, None),
            # Instead: the n-th /64 of what this interface has.
            "delegated": Field(delegated, ""),
            "number": Field(whole(0, 65535), 0),
            "exceptions": Field(list_of(span), []),
            # Packets: these come to this machine, all others of the range are dropped.
            "local": Field(flag, True),
            "ports": Field(list_of(PORT), [80, 443]),
            "udp_ports": Field(list_of(PORT), []),
            "echo": Field(flag, True),
            # Neighbour discovery.
            "answer": Field(one_of("yes", "no", "kernel"), "yes"),
            "source": Field(one_of("link-local", "target"), "link-local"),
            "router": Field(flag, False),
            "override": Field(flag, False),
            "defend": Field(flag, True),
            "delay": Field(seconds(0, 1), 0.0),
            "join": Field(list_of(ipv6), []),
            "prime": Field(list_of(ipv6), []),
            # Ask there first: an interface, or 'auto' for the one that the routing table names.
            "forward": Field(forward, ""),
            "timeout": Field(seconds(0.01, 10), 0.5),
            "ttl": Field(seconds(0.1, 3600), 30.0),
            # A host route there to each who answers.
            "wire": Field(flag, False),
        }
    ],
    # For nginx on this machine, or as CGI.
    "page": {
        "listen": Field(listen, ("::1", 8064)),
        "key_file": Field(
            text(r"(/\S+)?", "an absolute path, or '', would be right"), "/var/lib/softwired/page.key"
        ),
    },
    "limits": {
        # Of one interface, each second: answers, and those that go to all nodes.
        "answers": Field(whole(1, 1000000), 20000),
        "to_all": Field(whole(1, 1000), 50),
        # Answers that wait for their time, and targets that were asked for elsewhere.
        "delayed": Field(whole(1, 65536), 4096),
        "asked": Field(whole(1, 65536), 4096),
    },
}
# Groups that are joined, of all ranges: each is a report that switches keep.
MOST_JOINED = 1024


def together(values: types.SimpleNamespace) -> typing.Iterator[Fault]:
    """What no key alone can tell."""
    if not values.range:
        yield "range", [], "at least one table [[prefix64.range]] would be right"
    if sum(len(entry.join) for entry in values.range) > MOST_JOINED:
        yield "range[].join", MOST_JOINED + 1, f"at most {MOST_JOINED} addresses of all ranges would be right"
    for number, entry in enumerate(values.range, 1):
        key = f"range[{number}]"
        if (entry.prefix is None) == (not entry.delegated):
            yield f"{key}.prefix", str(entry.prefix), "either prefix or delegated would be right"
        if isinstance(entry.delegated, ipaddress.IPv6Network):
            if entry.number >> 64 - entry.delegated.prefixlen:
                yield f"{key}.number", entry.number, f"{entry.delegated} has no /64 of that number"
        if entry.answer == "kernel" and entry.prefix is not None and entry.prefix.prefixlen != 128:
            yield (
                f"{key}.answer",
                "kernel",
                "a prefix of one address (/128) would be right: the kernel has no ranges",
            )
        if entry.forward and (entry.local or entry.answer != "yes"):
            yield f"{key}.forward", entry.forward, "local = false and answer = 'yes' beside it would be right"
        if entry.wire and not entry.forward:
            yield f"{key}.wire", "true", "forward beside it would be right"
        if entry.forward == entry.interface:
            yield f"{key}.forward", entry.forward, "another interface than the range's own would be right"
        if entry.answer != "yes" and not entry.local:
            if entry.answer == "no":
                yield (
                    f"{key}.answer",
                    "no",
                    "a range that is neither local nor answered does nothing: leave it out",
                )
        yield from _exceptions(key, entry)
        yield from _overlaps(key, entry, values.range[: number - 1])


def _exceptions(key: str, entry: types.SimpleNamespace) -> typing.Iterator[Fault]:
    for at, one in enumerate(entry.exceptions):
        if entry.prefix is not None and not ranges.within(one, ranges.of(entry.prefix)):
            yield f"{key}.exceptions", one.text(), f"addresses of {entry.prefix} would be right"
        for other in entry.exceptions[:at]:
            if ranges.overlap(one, other):
                yield (
                    f"{key}.exceptions",
                    one.text(),
                    f"overlaps {other.text()}: each address once would be right",
                )
    if entry.prefix is not None:
        whole_range = ranges.of(entry.prefix)
        if entry.exceptions and not ranges.without(whole_range, entry.exceptions):
            yield f"{key}.exceptions", entry.exceptions[0].text(), f"nothing of {entry.prefix} is left"
        for name in ("join", "prime"):
            for address in getattr(entry, name):
                if not ranges.overlap(ranges.Span(int(address), int(address)), whole_range):
                    yield f"{key}.{name}", str(address), f"addresses of {entry.prefix} would be right"


def _overlaps(
    key: str, entry: types.SimpleNamespace, before: list[types.SimpleNamespace]
) -> typing.Iterator[Fault]:
    for other in before:
        if entry.prefix is not None and other.prefix is not None and entry.interface == other.interface:
            others = ranges.without(ranges.of(other.prefix), other.exceptions)
            ours = ranges.without(ranges.of(entry.prefix), entry.exceptions)
            if any(ranges.overlap(one, another) for one in ours for another in others):
                yield (
                    f"{key}.prefix",
                    str(entry.prefix),
                    f"overlaps {other.prefix} of the same interface: each address in one range would be right",
                )
        elif entry.delegated and (entry.delegated, entry.number, entry.interface) == (
            other.delegated,
            other.number,
            other.interface,
        ):
            yield f"{key}.delegated", entry.delegated, "there once already; another number would be right"


TOGETHER = together
