# SPDX-License-Identifier: Apache-2.0
"""What a server asks the border router for, and how it is answered (draft-bound-dstm-exp-00, appendix C section 2)."""

from __future__ import annotations

import ipaddress
import typing

from softwire import tsp
from softwired.tep import sharing

CREATE, DELETE = "create", "delete"
TUNNEL_TYPE = "v4v6"


class Refused(Exception):
    """Why, for the log, and the code for the server."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Request(typing.NamedTuple):
    """One command: the mapping of `slot` (sharing.slot) to `ipv6`, packed, is made or ends. ports: of a shared one."""

    action: str
    slot: bytes
    ipv6: bytes
    ports: tuple[int, int] | None = None


def request(
    message: tsp.Message,
    prefixes: typing.Sequence[ipaddress.IPv4Network],
    own: ipaddress.IPv6Address,
    shared: typing.Sequence[sharing.Shared] = (),
) -> Request | None:
    """The command of a message; None of what needs no answer. Refused."""
    if message.action not in (CREATE, DELETE):
        # A server's answer, or RFC 5572's `accept`.
        return None
    if message.type != TUNNEL_TYPE:
        raise Refused(tsp.TUNNEL_TYPE, f"type '{message.type}': {TUNNEL_TYPE} would be right")
    client = message.client
    if client.ipv4 is None:
        raise Refused(tsp.BAD_IPV4, "no IPv4 address of the node")
    ipv4 = ipaddress.IPv4Address(client.ipv4)
    if not any(ipv4 in prefix for prefix in prefixes):
        raise Refused(tsp.BAD_IPV4, f"{ipv4} is in none of tep.prefixes")
    # A node may tell its link-local address as well; the tunnel's end is the other one.
    found = [one for one in map(ipaddress.IPv6Address, client.ipv6) if not one.is_link_local]
    if len(found) != 1:
        raise Refused(tsp.BAD_IPV6, f"{len(found)} global IPv6 addresses of the node: one would be right")
    (ipv6,) = found
    if ipv6.is_multicast or ipv6.is_unspecified or ipv6.is_loopback or ipv6.ipv4_mapped or ipv6 == own:
        raise Refused(tsp.BAD_IPV6, f"{ipv6} is no node's address")
    of = sharing.find(shared, ipv4)
    ports = client.ports or None
    right = ports == (ports and of and _range(ports[0], of))
    if message.action == CREATE and (not right or bool(of) != bool(ports)):
        what = f"ports {ports[0]}-{ports[1]}" if ports else "all ports"
        would = f"a range of {of.size}" if of else "all ports (tep.shared has it not)"
        raise Refused(tsp.TEP_ERROR, f"{ipv4}, {what}: {would} would be right")
    if not ports or not of:
        return Request(message.action, ipv4.packed, ipv6.packed)
    return Request(message.action, sharing.slot(ipv4.packed, ports[0]), ipv6.packed, ports)


def _range(first: int, of: sharing.Shared) -> tuple[int, int] | None:
    """The range that begins there."""
    return (first, first + of.size - 1) if first in of.firsts() else None


def info(asked: Request, own: ipaddress.IPv6Address, ipv4: ipaddress.IPv4Address) -> tsp.Message:
    """Tunnel Info: the border router's own addresses, and the node's."""
    address = int.from_bytes(asked.slot[:4], "big")
    node = tsp.Side(address, [int.from_bytes(asked.ipv6, "big")], asked.ports)
    return tsp.Message("info", node, tsp.Side(int(ipv4), [int(own)]))
