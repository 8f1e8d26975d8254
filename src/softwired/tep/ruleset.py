# SPDX-License-Identifier: Apache-2.0
"""The border router's tables of nftables: which inner source may come from which outer source (see nft(8))."""

from __future__ import annotations

import ipaddress
import socket
import sys
import typing

from softwired.tep import sharing

TABLE, OWN, RANGES = "softwired_tep", "own", "ranges"
COUNTERS = ("spoofed", "elsewhere")
# The inner IPv4 source, behind whatever extension headers the outer packet has.
INNER_SOURCE = "@th,96,32"
# Outer fragments are put together before this hook only where somebody needs that: conntrack, which then looks at all
# packets, or tproxy, which does not. Nobody goes to that chain; `notrack` is for conntrack of the machine's own.
TEXT = """\
add table ip6 {table}
delete table ip6 {table}
table ip6 {table} {{
{counters}
	set {own} {{
		typeof ip6 saddr . {source}
{kind}{elements}	}}
	set {ranges} {{
		typeof ip6 saddr . {source} . meta mark
{range_elements}	}}
	chain defragment {{
		meta l4proto tcp tproxy to :1
	}}
{chains}	chain inner {{
{shared}		ip6 saddr . {source} @{own} {refresh}accept
{learn}		counter name spoofed drop
	}}
	chain prerouting {{
		type filter hook prerouting priority raw; policy accept;
		ip6 daddr {address} meta l4proto 4 notrack goto inner
		meta l4proto 4 fib daddr type local counter name elsewhere drop
	}}
}}
"""


# Of a shared address (no options in the inner header): TCP and UDP by the port, ICMP's echoes by their identifier
# (RFC 5508); its errors and what is no first fragment have none. {mask} leaves the first port of a range.
INNER = """\
	chain shared{number} {{
		ip6 saddr . {source} != @{own} counter name spoofed drop
		@th,0,8 != 0x45 counter name spoofed drop
		@th,48,16 & 0x1fff != 0 accept
		@th,72,8 1 @th,160,8 {{ 3, 11, 12 }} accept
		meta mark set 0
		@th,72,8 {{ 6, 17 }} meta mark set @th,144,32 & {mask:#x}
		@th,72,8 1 @th,160,8 {{ 0, 8 }} meta mark set @th,176,32 & {mask:#x}
		@th,72,8 != {{ 1, 6, 17 }} counter name spoofed drop
		meta mark set meta mark | {mark:#x}
		ip6 saddr . {source} . meta mark @{ranges} meta mark set 0 accept
		counter name spoofed drop
	}}
"""
# To a shared address, in IPv4: an error is for whoever sent what it is about.
OUTER = """\
	chain shared{number} {{
		meta l4proto {{ tcp, udp }} meta mark set @th,0,32 & {mask:#x} goto marked
		icmp type {{ echo-request, echo-reply }} meta mark set @th,16,32 & {mask:#x} goto marked
		icmp type {{ destination-unreachable, time-exceeded, parameter-problem }} goto error{number}
	}}
	chain error{number} {{
		@th,136,8 {{ 6, 17 }} meta mark set @th,208,32 & {mask:#x} goto marked
		@th,136,8 1 meta mark set @th,240,32 & {mask:#x} goto marked
	}}
"""
IPV4 = """\
table ip {table} {{
	chain marked {{
		meta mark set meta mark | {mark:#x}
	}}
	chain defragment {{
		meta l4proto tcp tproxy to :1
	}}
{chains}	chain prerouting {{
		type filter hook prerouting priority raw; policy accept;
{rules}	}}
	chain output {{
		type route hook output priority mangle; policy accept;
{rules}	}}
}}
"""


class Learning(typing.NamedTuple):
    """Mappings come from packets: of whom, for which addresses, how many, how long after the last packet."""

    clients: list[ipaddress.IPv6Network]
    prefixes: list[ipaddress.IPv4Network]
    most: int
    age: int
    group: int
    rate: int


def text(
    address: ipaddress.IPv6Address,
    pairs: typing.Iterable[bytes],
    counted: typing.Mapping[str, int],
    learning: Learning | None = None,
    shared: typing.Sequence[sharing.Shared] = (),
) -> str:
    """The whole tables, in the place of those that are there."""
    pairs = sorted(pairs)
    own = [f"{_node(one)} . {int.from_bytes(one[16:], 'big')}" for one in pairs if len(one) == 20]
    ranges = [
        f"{_node(one)} . {int.from_bytes(one[16:20], 'big')} . {int.from_bytes(one[20:], sys.byteorder)}"
        for one in pairs
        if len(one) > 20
    ]
    numbered = list(enumerate(shared))
    inner = TEXT.format(
        table=TABLE,
        own=OWN,
        source=INNER_SOURCE,
        address=address,
        counters="\n".join(
            f"\tcounter {name} {{ packets {counted.get(name) or 0} bytes 0; }}" for name in COUNTERS
        ),
        kind=_kind(learning) if learning else "",
        elements=_listed(own),
        ranges=RANGES,
        range_elements=_listed(ranges),
        chains="".join(_chain(INNER, number, one) for number, one in numbered),
        shared="".join(
            f"\t\t{INNER_SOURCE} & {int(one.prefix.netmask):#x} == {int(one.prefix.network_address):#x} "
            f"goto shared{number}\n"
            for number, one in numbered
        ),
        refresh=f"update @{OWN} {{ ip6 saddr . {INNER_SOURCE} }} " if learning else "",
        learn="".join(_learn(learning)) if learning else "",
    )
    # An older one is taken away, whether addresses are shared now or not.
    fresh = f"add table ip {TABLE}\ndelete table ip {TABLE}\n"
    if not shared:
        return inner + fresh
    return (
        inner
        + fresh
        + IPV4.format(
            table=TABLE,
            mark=sharing.MARK,
            chains="".join(_chain(OUTER, number, one) for number, one in numbered),
            rules="".join(f"\t\tip daddr {one.prefix} goto shared{number}\n" for number, one in numbered),
        )
    )


def _node(element: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET6, element[:16])


def _listed(elements: list[str]) -> str:
    return f"\t\telements = {{ {', '.join(elements)} }}\n" if elements else ""


def _chain(form: str, number: int, one: sharing.Shared) -> str:
    return form.format(
        number=number,
        own=OWN,
        ranges=RANGES,
        source=INNER_SOURCE,
        mask=65536 - one.size,
        mark=sharing.MARK,
    )


def _kind(learning: Learning) -> str:
    return f"\t\tflags dynamic, timeout\n\t\ttimeout {learning.age}s\n\t\tsize {learning.most}\n"


def _learn(learning: Learning) -> typing.Iterator[str]:
    clients = ", ".join(map(str, learning.clients))
    for prefix in learning.prefixes:
        yield (
            f"\t\tip6 saddr {{ {clients} }} {INNER_SOURCE} & {int(prefix.netmask):#x} == "
            f"{int(prefix.network_address):#x} limit rate {learning.rate}/second "
            f"log group {learning.group} snaplen 128\n"
        )
