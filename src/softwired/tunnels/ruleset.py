# SPDX-License-Identifier: Apache-2.0
"""The service's table of nftables: who may send from which inner source, closed ports, a rate for each tunnel (nft(8)).

A tunnel is a pair: outer IPv4 source, inner /64; what is routed to a client is another of its own prefix length. What
passes is counted by the client's address.
"""

from __future__ import annotations

import ipaddress
import typing

TABLE, OWN = "softwired_tunnels", "own"
FROM, TO = COUNTING = "from_clients", "to_clients"
COUNTERS = ("spoofed", "strange", "closed", "rate")
# Outer fragments are put together before the hook only where somebody needs that: conntrack, or tproxy. Nobody goes to
# that chain. The inner source begins eight octets behind the outer header.
TEXT = """\
add table inet {table}
delete table inet {table}
table inet {table} {{
{counters}
	set own {{
		typeof ip saddr . @th,64,64
{own}	}}
{routed_sets}	set from_clients {{
		typeof ip saddr
		counter
	}}
	set to_clients {{
		typeof ip daddr
		counter
	}}
{meters}	chain defragment {{
		meta nfproto ipv4 meta l4proto tcp tproxy ip to :1
	}}
	chain right {{
		ip saddr @from_clients accept
	}}
	chain inner {{
{up}		ip saddr . @th,64,64 @own goto right
{routed_rules}		counter name spoofed drop
	}}
	chain prerouting {{
		type filter hook prerouting priority raw; policy accept;
		ip daddr {address} ip protocol 41 notrack goto inner
		ip protocol 41 fib daddr type local counter name strange drop
	}}
	chain forward {{
		type filter hook forward priority filter; policy accept;
{closed}	}}
	chain output {{
		type filter hook output priority raw; policy accept;
{down}		ip protocol 41 ip saddr {address} ip daddr @to_clients
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
    closed: typing.Sequence[int] = (),
    rate: int = 0,
) -> str:
    """The whole table, in the place of the one that is there; `lengths` of what is routed, `pairs` by set, `rate` in
    kilobytes each second."""
    limits = {"up": "saddr", "down": "daddr"}
    return TEXT.format(
        table=TABLE,
        address=address,
        counters="\n".join(
            f"\tcounter {name} {{ packets {counted.get(name, 0)} bytes 0; }}" for name in COUNTERS
        ),
        own=_elements(pairs.get(OWN, ()), 64),
        routed_sets="".join(
            f"\tset {routed(length)} {{\n\t\ttypeof ip saddr . @th,64,{8 * _octets(length)}\n"
            f"{_elements(pairs.get(routed(length), ()), length)}\t}}\n"
            for length in lengths
        ),
        routed_rules="".join(
            f"\t\tip saddr . {_source(length)} @{routed(length)} goto right\n" for length in lengths
        ),
        meters="".join(
            f"\tset {name} {{\n\t\ttypeof ip {field}\n\t\tsize 65535\n"
            "\t\tflags dynamic, timeout\n\t\ttimeout 1m\n\t}\n"
            for name, field in limits.items()
            if rate
        ),
        closed="".join(
            f'\t\t{direction} "{device}" meta l4proto {{ tcp, udp }} th dport {{ {_list(closed)} }}'
            " counter name closed drop\n"
            for direction in ("iifname", "oifname")
            if closed
        ),
        **{
            name: f"\t\t{'ip protocol 41 ip saddr ' + str(address) + ' ' if name == 'down' else ''}"
            f"update @{name} {{ ip {field} limit rate over {rate} kbytes/second burst {rate} kbytes }}"
            " counter name rate drop\n"
            if rate
            else ""
            for name, field in limits.items()
        },
    )


def _list(ports: typing.Sequence[int]) -> str:
    return ", ".join(map(str, ports))


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
