# SPDX-License-Identifier: Apache-2.0
"""DHCPV4-QUERY to the DHCPv4 server and DHCPV4-RESPONSE back (RFC 7341), with ISC's vendor option for what UDP knew.

Between the servers a datagram is the whole DHCPv6 message, relays' layers included. The innermost message has one
option 17 of enterprise 2495 more: 60000 the interface's name, 60001 the source address, 60002 the source port, as
Kea 1.4 and newer write and read it. ISC's dhcpd has them in front of the message instead: see dhcpd.py.
"""

from __future__ import annotations

import functools
import operator
import typing

from softwire import dhcpv4message
from softwire.dhcpv6 import (
    DHCPV4_MESSAGE,
    DHCPV4_QUERY,
    DHCPV4_RESPONSE,
    VENDOR_OPTS,
    only,
    read_message,
    read_options,
    write_option,
)
from softwire.wire import WireError
from softwired import relay
from softwired.dhcp4o6 import dhcpd

ISC = b"\x00\x00\x09\xbf"
INTERFACE, SOURCE_ADDRESS, SOURCE_PORT = 60000, 60001, 60002
OURS = (INTERFACE, SOURCE_ADDRESS, SOURCE_PORT)
SOURCE_HEAD, PORT_HEAD = write_option(SOURCE_ADDRESS, bytes(16))[:4], write_option(SOURCE_PORT, bytes(2))[:4]
RESPONSE_HEAD = bytes([DHCPV4_RESPONSE, 0, 0, 0])
_code = operator.itemgetter(0)
SERVER_ID = 2
# No DHCPv4 message with all its relays is longer; the DHCPv4 server's side of it has to fit a datagram, too.
LONGEST = 16384


class Refused(Exception):
    """Why a message goes no further: a kind that is counted, and a text."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(kind, text)
        self.kind = kind
        self.text = text


class Exchange(typing.NamedTuple):
    """By what a query and its response find each other."""

    interface: str
    source: bytes
    port: int
    xid: bytes
    chaddr: bytes


class Query(typing.NamedTuple):
    """A query that may go on: its exchange, and what goes to the DHCPv4 server."""

    exchange: Exchange
    datagram: bytes


class Response(typing.NamedTuple):
    """A response as the client or its relay gets it."""

    exchange: Exchange
    relayed: bool
    datagram: bytes


def query(
    layers: list[relay.Layer], message: bytes, interface: str, source: bytes, port: int, server: str = "kea"
) -> Query:
    """A message of type 20 from `source` (16 octets), for a DHCPv4 server of this name; Refused."""
    try:
        _, _, options = read_message(message)
    except WireError as error:
        raise Refused("malformed", str(error)) from None
    inner = _dhcpv4(options, dhcpv4message.BOOTREQUEST)
    others = b""
    for code, value in options:
        if code == SERVER_ID:
            raise Refused("other_server", "a server identifier, which no DHCPv4-query has")
        if code == VENDOR_OPTS and value[:4] == ISC:
            # Of two, Kea's DHCPv4 server would believe the first.
            if any(own in OURS for own, _ in _sub_options(value)):
                raise Refused(
                    "forged_source", "ISC's vendor option with what only the servers tell each other"
                )
            others += value[4:]
    exchange = Exchange(interface, source, port, inner[4:8], inner[28:44])
    if server == "dhcpd":
        whole = _wrapped(layers, message) if layers else message
        return Query(exchange, _fits(dhcpd.write(interface, source, port, whole)))
    where = write_option(
        VENDOR_OPTS, ISC + others + _where(interface) + source + PORT_HEAD + port.to_bytes(2, "big")
    )
    # Kea writes options in the order of their codes; so the DHCPv4 server sees the same octets from either half.
    before, behind, last = message[:4], b"", 0
    for code, value in options:
        if code < last or others:
            kept = [pair for pair in options if pair[0] != VENDOR_OPTS or pair[1][:4] != ISC]
            kept.sort(key=_code)
            before = message[:4] + b"".join(write_option(*pair) for pair in kept if pair[0] <= VENDOR_OPTS)
            behind = b"".join(write_option(*pair) for pair in kept if pair[0] > VENDOR_OPTS)
            break
        last = code
        if code <= VENDOR_OPTS:
            before = message[: len(before) + 4 + len(value)]
    else:
        behind = message[len(before) :]
    datagram = before + where + behind
    if layers:
        datagram = _wrapped(layers, datagram)
    return Query(exchange, _fits(datagram))


def response(datagram: bytes, server: str = "kea") -> Response:
    """What the DHCPv4 server sent, without what is between the servers; Refused."""
    told: tuple[str, bytes, int] | None = None
    try:
        if server == "dhcpd":
            interface, source, port, datagram = dhcpd.read(datagram)
            told = interface, source, port
        layers, message = relay.unwrap(datagram)
        kind, _, options = read_message(message)
    except WireError as error:
        raise Refused("malformed", str(error)) from None
    if kind != DHCPV4_RESPONSE or (layers and layers[0].kind != relay.REPLY):
        raise Refused(
            "not_a_response", f"message type {kind}: {DHCPV4_RESPONSE}, bare or in a Relay-reply, is right"
        )
    inner = _dhcpv4(options, dhcpv4message.BOOTREPLY)
    where: dict[int, bytes] = {}
    # The flags of a response are 0 (RFC 7341 section 6.2), whatever the query's were.
    plain = RESPONSE_HEAD
    at = 4
    for code, value in options:
        start, at = at, at + 4 + len(value)
        if told or code != VENDOR_OPTS or value[:4] != ISC:
            plain += message[start:at]
            continue
        rest = b""
        for own, octets in _sub_options(value):
            if own in OURS:
                where.setdefault(own, octets)
            else:
                rest += write_option(own, octets)
        if rest:
            plain += write_option(VENDOR_OPTS, ISC + rest)
    interface, source, port = told or _told(where)
    if layers:
        plain = _wrapped(layers, plain)
    return Response(Exchange(interface, source, port, inner[4:8], inner[28:44]), bool(layers), plain)


def _told(where: dict[int, bytes]) -> tuple[str, bytes, int]:
    interface, source, port = where.get(INTERFACE), where.get(SOURCE_ADDRESS), where.get(SOURCE_PORT)
    if interface is None or source is None or port is None or len(source) != 16 or len(port) != 2:
        raise Refused("no_destination", "ISC's vendor option lacks the interface, the address or the port")
    return interface.decode("utf-8", "replace"), source, int.from_bytes(port, "big")


def _fits(datagram: bytes) -> bytes:
    if len(datagram) > LONGEST:
        raise Refused("oversize", f"{len(datagram)} octets for the DHCPv4 server: at most {LONGEST}")
    return datagram


@functools.cache
def _where(interface: str) -> bytes:
    # Of ISC's option what is before the source address; there are as many as interfaces.
    return typing.cast(bytes, write_option(INTERFACE, interface.encode())) + SOURCE_HEAD


def is_query(message: bytes) -> bool:
    """Whether it is a DHCPV4-QUERY, by its type alone."""
    return message[:1] == bytes([DHCPV4_QUERY])


def _dhcpv4(options: list[tuple[int, bytes]], op: int) -> bytes:
    try:
        inner: bytes = only(options, DHCPV4_MESSAGE)
    except WireError as error:
        raise Refused("not_one_message", str(error)) from None
    try:
        dhcpv4message.check(inner)
    except WireError as error:
        raise Refused("bad_dhcpv4", str(error)) from None
    if inner[0] != op:
        raise Refused("bad_dhcpv4", f"op {inner[0]}: {op} is right")
    return inner


def _sub_options(value: bytes) -> list[tuple[int, bytes]]:
    try:
        return typing.cast("list[tuple[int, bytes]]", read_options(value[4:]))
    except WireError as error:
        raise Refused("malformed", f"vendor option: {error}") from None


def _wrapped(layers: list[relay.Layer], message: bytes) -> bytes:
    try:
        return relay.wrap(layers, message)
    except WireError as error:
        raise Refused("oversize", str(error)) from None
