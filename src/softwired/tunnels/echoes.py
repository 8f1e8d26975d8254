# SPDX-License-Identifier: Apache-2.0
"""ICMPv6 echo to the far ends of tunnels (RFC 4443 section 4), by one raw socket; nobody can forge an answer.

A request carries a cookie that only this process can make, of the address, identifier and sequence number; an answer
counts that brings it back from this address, through the tunnels' device.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import socket
import struct
import typing

ECHO_REQUEST, ECHO_REPLY = 128, 129
HEAD = struct.Struct("!BBHHH")
COOKIE = 16
# linux/icmpv6.h, linux/in6.h
ICMPV6_FILTER, IPV6_FREEBIND, SO_RCVBUFFORCE = 1, 78, 33
PKTINFO = struct.Struct("=16sI")
BUFFER = 4 << 20
# Answers that are read before something else gets its turn.
AT_ONCE = 1000


class Echoes:
    """`sent` and `heard` know octets alone; a socket goes around them."""

    def __init__(self, key: bytes = b"", identifier: int | None = None) -> None:
        self.key = key or os.urandom(32)
        self.identifier = os.getpid() & 0xFFFF if identifier is None else identifier

    def cookie(self, target: bytes, number: int) -> bytes:
        words = target + struct.pack("!HH", self.identifier, number)
        return hashlib.blake2s(words, key=self.key, digest_size=COOKIE).digest()

    def request(self, target: bytes, number: int) -> bytes:
        """The message; the kernel fills in the checksum."""
        return HEAD.pack(ECHO_REQUEST, 0, 0, self.identifier, number) + self.cookie(target, number)

    def answered(self, data: bytes, source: bytes) -> int | None:
        """The number of the request to `source` that this answers; None if it answers none of ours."""
        if len(data) != HEAD.size + COOKIE:
            return None
        kind, code, _, identifier, number = HEAD.unpack_from(data)
        if (kind, code, identifier) != (ECHO_REPLY, 0, self.identifier):
            return None
        good = hmac.compare_digest(data[HEAD.size :], self.cookie(source, number))
        return int(number) if good else None


def open_socket() -> socket.socket:
    """Hears echo replies alone, and may send from every address that is routed here; OSError."""
    made = socket.socket(
        socket.AF_INET6, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, socket.IPPROTO_ICMPV6
    )
    passed = bytearray(b"\xff" * 32)
    passed[ECHO_REPLY // 32 * 4 : ECHO_REPLY // 32 * 4 + 4] = struct.pack(
        "=I", 0xFFFFFFFF & ~(1 << ECHO_REPLY % 32)
    )
    made.setsockopt(socket.IPPROTO_ICMPV6, ICMPV6_FILTER, bytes(passed))
    made.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    try:
        made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    except OSError:
        pass  # then there is less room for answers that come at once
    return made


def send(made: socket.socket, data: bytes, target: str, source: bytes, index: int) -> bool:
    """Through the device of this index; False if there is no room, or no way."""
    ancillary = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, PKTINFO.pack(source, index))]
    try:
        made.sendmsg([data], ancillary, 0, (target, 0))
    except OSError:
        return False
    return True


def received(made: socket.socket) -> typing.Iterator[tuple[bytes, str, int]]:
    """(octets, source, index of the device) of what is there, not too much at once."""
    for _ in range(AT_ONCE):
        try:
            data, ancillary, _, (source, *_) = made.recvmsg(256, 128)
        except OSError:
            return
        for level, kind, told in ancillary:
            if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO) and len(told) >= PKTINFO.size:
                yield data, source, PKTINFO.unpack_from(told)[1]
