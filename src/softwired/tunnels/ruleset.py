# SPDX-License-Identifier: Apache-2.0
"""The service's tables of nftables: who may send from which inner source, closed ports, a rate of each tunnel (nft(8)).

A tunnel is a pair: outer IPv4 source, inner /64; what is routed to a client is another of its own prefix length. What
passes is counted by the client's address.

Outer packets are IPv4's and inner ones IPv6's: in a table of both families, each hook would be gone through by packets
that none of its rules is for. A set that says how much room it needs is a hash of that size, which the kernel finds
things in fastest.
"""

from __future__ import annotations

import ipaddress
import socket
import typing

TABLE, OWN = "softwired_tunnels", "own"
FROM, TO = COUNTING = "from_clients", "to_clients"
COUNTERS = ("spoofed", "strange", "closed", "rate")
# All but this one are of IPv4's table.
FAMILY, ELSEWHERE = socket.AF_INET, {"closed": socket.AF_INET6}
# Outer fragments are put together before the hook only where somebody needs that: conntrack, or tproxy. Nobody goes to
# that chain. The inner source begins eight octets behind the outer header.
TEXT = """\
add table ip {table}
delete table ip {table}
add table ip6 {table}
delete table ip6 {table}
table ip {table} {{
{counters}
	set own {{
		typeof ip saddr . @th,64,64
		size {room}
{own}	}}
{routed_sets}	set from_clients {{
		typeof ip saddr
		size {room}
		counter
	}}
	set to_clients {{
		typeof ip daddr
		size {room}
		counter
	}}
{meters}	chain defragment {{
		meta l4proto tcp tproxy to :1
	}}
{rated}	chain elsewhere {{
		fib daddr type local counter name strange drop
	}}
	chain prerouting {{
		type filter hook prerouting priority raw; policy accept;
		ip protocol != 41 accept
		ip daddr != {address} goto elsewhere
		notrack
		ip saddr . @th,64,64 @own {right}
{routed_rules}		counter name spoofed drop
	}}
	chain output {{
		type filter hook output priority raw; policy accept;
		ip protocol != 41 accept
		ip saddr != {address} accept
{down}		ip daddr @to_clients
	}}
}}
"""
# Without a rate, one rule says it all.
RIGHT = "ip saddr @from_clients accept"
RATED = """\
	chain right {{
		{limit}
		{right}
	}}
"""
# Most packets are of other ports, and go through one rule.
CLOSED = """\
table ip6 {table} {{
	counter closed {{ packets {count} bytes 0; }}
	chain closed {{
		meta l4proto != {{ tcp, udp }} accept
		iifname "{device}" counter name closed drop
		oifname "{device}" counter name closed drop
	}}
	chain forward {{
		type filter hook forward priority filter; policy accept;
		th dport {ports} goto closed
	}}
}}
"""


def routed(length: int) -> str:
    """The set of pairs whose prefixes are so long."""
    return f"routed{length}"


def _octets(length: int) -> int:
    """Of a prefix of this length in an element: nft would shift what is no whole number of octets."""
    return length // 8 if length % 8 == 0 else 8


def element(ipv4: bytes, prefix: bytes, length: int) -> bytes:
    """A set's element, as the kernel has it: each part fills words of four octets."""
    octets = _octets(length)
    return ipv4 + prefix[:octets] + bytes(-octets % 4)


def text(
    address: ipaddress.IPv4Address,
    device: str,
    lengths: typing.Iterable[int],
    pairs: typing.Mapping[str, typing.Iterable[bytes]],
    counted: typing.Mapping[str, int],
    room: int,
    closed: typing.Sequence[int] = (),
    rate: int = 0,
) -> str:
    """Both tables, in the place of those that are there; `lengths` of what is routed, `pairs` by set, `room` in each
    set, `rate` in kilobytes each second."""
    limits = {"up": "saddr", "down": "daddr"}
    rules = {
        name: f"update @{name} {{ ip {field} limit rate over {rate} kbytes/second burst {rate} kbytes }}"
        " counter name rate drop"
        for name, field in limits.items()
    }
    right = "goto right" if rate else RIGHT
    whole = TEXT.format(
        table=TABLE,
        address=address,
        room=room,
        right=right,
        counters="\n".join(
            f"\tcounter {name} {{ packets {counted.get(name, 0)} bytes 0; }}"
            for name in COUNTERS
            if name not in ELSEWHERE
        ),
        own=_elements(pairs.get(OWN, ()), 64),
        routed_sets="".join(
            f"\tset {routed(length)} {{\n\t\ttypeof ip saddr . @th,64,{8 * _octets(length)}\n\t\tsize {room}\n"
            f"{_elements(pairs.get(routed(length), ()), length)}\t}}\n"
            for length in lengths
        ),
        routed_rules="".join(
            f"\t\tip saddr . {_source(length)} @{routed(length)} {right}\n" for length in lengths
        ),
        meters="".join(
            f"\tset {name} {{\n\t\ttypeof ip {field}\n\t\tsize 65535\n"
            "\t\tflags dynamic, timeout\n\t\ttimeout 1m\n\t}\n"
            for name, field in limits.items()
            if rate
        ),
        rated=RATED.format(limit=rules["up"], right=RIGHT) if rate else "",
        down=f"\t\t{rules['down']}\n" if rate else "",
    )
    if not closed:
        return whole
    ports = str(closed[0]) if len(closed) == 1 else f"{{ {', '.join(map(str, closed))} }}"
    return whole + CLOSED.format(table=TABLE, count=counted.get("closed", 0), device=device, ports=ports)


def _source(length: int) -> str:
    """The first bits of the inner source."""
    whole = f"@th,64,{8 * _octets(length)}"
    return whole if length % 8 == 0 else f"({whole} & {(1 << 64) - (1 << 64 - length):#x})"


def _elements(pairs: typing.Iterable[bytes], length: int) -> str:
    listed = ", ".join(
        f"{ipaddress.IPv4Address(one[:4])} . {int.from_bytes(one[4 : 4 + _octets(length)], 'big'):#x}"
        for one in sorted(pairs)
    )
    return f"\t\telements = {{ {listed} }}\n" if listed else ""
