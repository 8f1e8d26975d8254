# SPDX-License-Identifier: Apache-2.0
"""DHCP messages put together by hand after the RFCs, not by the code under test; WRONG has what must go no further."""

from __future__ import annotations

import socket

COOKIE = bytes.fromhex("63825363")
MAC = bytes.fromhex("020000000001")
# RFC 4361: type 255, IAID 1, DUID-LL
CLIENT_ID = bytes.fromhex("ff00000001") + bytes.fromhex("00030001") + MAC
ISC = bytes.fromhex("000009bf")


def option(code: int, value: bytes) -> bytes:
    return code.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


def bootp(
    kind: int = 1,
    xid: int = 0x01020304,
    op: int = 1,
    options: bytes = b"",
    mac: bytes = MAC,
    client_id: bytes = CLIENT_ID,
) -> bytes:
    """A DHCPv4 message: kind 1 DISCOVER, 2 OFFER, 3 REQUEST, 5 ACK, 7 RELEASE."""
    head = bytes([op, 1, 6, 0]) + xid.to_bytes(4, "big") + bytes(20) + mac + bytes(10 + 192)
    identity = bytes([61, len(client_id)]) + client_id if client_id else b""
    return head + COOKIE + bytes([53, 1, kind]) + identity + options + b"\xff"


def query(inner: bytes, flags: int = 0, before: bytes = b"", behind: bytes = b"") -> bytes:
    """DHCPV4-QUERY (RFC 7341 section 6)."""
    return b"\x14" + flags.to_bytes(3, "big") + before + option(87, inner) + behind


def response(inner: bytes, where: bytes = b"", flags: int = 0) -> bytes:
    """DHCPV4-RESPONSE."""
    return b"\x15" + flags.to_bytes(3, "big") + where + option(87, inner)


def isc(interface: str, source: str, port: int) -> bytes:
    """ISC's vendor option: where a query came from."""
    subs = (
        option(60000, interface.encode())
        + option(60001, address(source))
        + option(60002, port.to_bytes(2, "big"))
    )
    return option(17, ISC + subs)


def relayed(
    message: bytes,
    link: str = "::",
    peer: str = "fe80::9",
    options: bytes = b"",
    hops: int = 0,
    kind: int = 12,
) -> bytes:
    """Relay-forward (RFC 8415 section 9), its options before the message."""
    return bytes([kind, hops]) + address(link) + address(peer) + options + option(9, message)


def information_request(
    *codes: int, identity: bytes = bytes.fromhex("00030001") + MAC, more: bytes = b""
) -> bytes:
    """Information-request with an option request option."""
    asked = b"".join(code.to_bytes(2, "big") for code in codes)
    return bytes.fromhex("0b123456") + (option(1, identity) if identity else b"") + option(6, asked) + more


def address(text: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6, text)


def loop() -> bytes:
    """A message that two relays sent in a circle."""
    once = relayed(relayed(query(bootp()), "2001:db8:1::5", "fe80::9"), "::", "2001:db8:1::7", hops=1)
    return relayed(once, "::", "2001:db8:1::7", hops=2)


def deep(layers: int) -> bytes:
    """A query in so many relay messages."""
    message = query(bootp())
    for number in range(layers):
        message = relayed(message, "::", f"fe80::{number + 1:x}", hops=number & 255)
    return message


# (name of the counter's label, octets)
WRONG = [
    ("malformed", query(bootp())[:-1]),
    ("malformed", b"\x14\0\0"),
    ("not_one_message", b"\x14\0\0\0"),
    ("not_one_message", b"\x14\0\0\0" + option(8, b"\0\0")),
    ("not_one_message", query(bootp()) + option(87, bootp())),
    ("bad_dhcpv4", query(b"")),
    ("bad_dhcpv4", query(bootp()[:239])),
    ("bad_dhcpv4", query(bootp()[:236] + b"\0\0\0\0\xff")),
    ("bad_dhcpv4", query(b"\x01\x01\x11" + bootp()[3:])),
    ("bad_dhcpv4", query(bootp(op=2))),
    ("other_server", query(bootp(), before=option(2, bytes.fromhex("00030001020000000009")))),
    ("forged_source", query(bootp(), before=isc("vs", "fe80::2", 546))),
    ("forged_source", query(bootp(), behind=option(17, ISC + option(60000, b"evil")))),
    ("too_many_layers", deep(33)),
    ("relay_loop", loop()),
    ("malformed", relayed(query(bootp()))[:-1]),
    ("malformed", relayed(query(bootp())) + option(9, query(bootp()))),
    ("malformed", b"\x0c\0"),
    ("oversize", query(bootp(options=b"\0" * 16200))),
]
# What is somebody else's: Solicit, Request, Relay-reply, DHCPV4-RESPONSE, unknown, nothing.
OTHERS = [b"\x01\1\2\3", b"\x03\1\2\3" + option(1, b"ab"), b"\x0d", response(bootp(op=2)), b"\xff\0\0\0", b""]
