# SPDX-License-Identifier: Apache-2.0
"""Netlink as bytes: messages, attributes, a socket that tells and asks (linux/netlink.h, RFC 3549).

For what pyroute2 cannot say (IPv6 encapsulation of a route), and for ten thousand of a kind at once.
"""

from __future__ import annotations

import os
import socket
import struct
import typing

from softwired import bpf

ROUTE, NETFILTER = 0, 12
# Message types and flags
ERROR, DONE = 2, 3
REQUEST, MULTI, ACK, DUMP_INTERRUPTED, DUMP = 0x1, 0x2, 0x4, 0x10, 0x300
REPLACE, EXCLUSIVE, CREATE = 0x100, 0x200, 0x400
# Socket options
ADD_MEMBERSHIP, NO_ENOBUFS, CAP_ACK, EXT_ACK, GET_STRICT_CHK = 1, 5, 10, 11, 12
SOL_NETLINK, SO_SNDBUFFORCE, SO_RCVBUFFORCE = 270, 32, 33
NESTED, BIG_ENDIAN, TYPE_MASK = 0x8000, 0x4000, 0x3FFF
ERROR_TEXT = 1  # NLMSGERR_ATTR_MSG
HEADER, ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=HH")
PORT_AT = 12  # nlmsg_pid in the header
# Of one system call, so that answers find room in the receive buffer.
AT_ONCE = 500
BUFFER = 4 << 20
LONGEST = 1 << 18
# The kernel answers at once; without an answer something is broken for good.
PATIENCE = 20.0


class Message(typing.NamedTuple):
    """What follows the header, and the header's part that matters."""

    kind: int
    body: bytes
    flags: int = 0
    # Of what the kernel tells: whose request it answers, or caused it.
    port: int = 0


class Failure(typing.NamedTuple):
    """The kernel refused the message at this place of what it was told, -1 for a transaction as a whole."""

    at: int
    number: int
    text: str


class NetlinkError(OSError):
    """What was asked was refused."""


def attribute(kind: int, data: bytes) -> bytes:
    """One attribute, padded."""
    return ATTRIBUTE.pack(4 + len(data), kind) + data + bytes(-len(data) % 4)


def nested(kind: int, *parts: bytes) -> bytes:
    """An attribute that holds others."""
    return attribute(kind | NESTED, b"".join(parts))


def pairs(data: bytes) -> typing.Iterator[tuple[int, bytes]]:
    """Attributes as they come; the kernel's are whole, so one that is not ends it."""
    at = 0
    while at + 4 <= len(data):
        length, kind = ATTRIBUTE.unpack_from(data, at)
        if length < 4 or at + length > len(data):
            return
        yield kind & TYPE_MASK, data[at + 4 : at + length]
        at += length + 3 & ~3


def attributes(data: bytes) -> dict[int, bytes]:
    """Attributes by type. As `pairs`, but this is where the time goes with ten thousand routes."""
    found = {}
    at, end = 0, len(data)
    while at + 4 <= end:
        length, kind = ATTRIBUTE.unpack_from(data, at)
        if length < 4 or at + length > end:
            break
        found[kind & TYPE_MASK] = data[at + 4 : at + length]
        at += length + 3 & ~3
    return found


def messages(data: bytes) -> typing.Iterator[tuple[int, Message]]:
    """(sequence number, message) of what the kernel sent at once."""
    at = 0
    while at + HEADER.size <= len(data):
        length, kind, flags, number, port = HEADER.unpack_from(data, at)
        if length < HEADER.size or at + length > len(data):
            return
        yield number, Message(kind, data[at + HEADER.size : at + length], flags, port)
        at += length + 3 & ~3


def failure(at: int, message: Message) -> Failure | None:
    """Of an answer of type ERROR; None if it is an acknowledgement."""
    number = -struct.unpack_from("=i", message.body)[0]
    if not number:
        return None
    said = attributes(message.body[4 + HEADER.size :]).get(ERROR_TEXT, b"")
    text = said.rstrip(b"\0").decode(errors="replace")
    return Failure(at, number, f"{os.strerror(number)}{f' ({text})' if text else ''}")


class Socket:
    """A blocking socket for requests; one that joined groups is for news alone."""

    def __init__(self, family: int, groups: typing.Sequence[int] = ()) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, family)
        for option in (CAP_ACK, EXT_ACK, GET_STRICT_CHK):
            self.socket.setsockopt(SOL_NETLINK, option, 1)
        for option in (SO_SNDBUFFORCE, SO_RCVBUFFORCE):
            try:
                self.socket.setsockopt(socket.SOL_SOCKET, option, BUFFER)
            except OSError:
                pass  # then batches have less room, and fail if it is not enough
        self.socket.bind((0, 0))
        self.port: int = self.socket.getsockname()[0]
        for group in groups:
            self.socket.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, group)
        self.socket.settimeout(0 if groups else PATIENCE)
        self.number = 0

    def fileno(self) -> int:
        return self.socket.fileno()

    def close(self) -> None:
        self.socket.close()

    def ignore(self, port: int) -> None:
        """News that this port's requests caused are not heard: ten thousand routes of our own cost nothing then."""
        # What is read is big-endian; nlmsg_pid is not, where the machine is not.
        caused = socket.htonl(port)
        bpf.attach(
            self.socket,
            [(bpf.LOAD_WORD, 0, 0, PORT_AT), (bpf.EQUAL, 0, 1, caused), bpf.REJECT, bpf.ACCEPT],
        )

    def tell(self, told: typing.Sequence[Message]) -> list[Failure]:
        """Sends requests in order, each by itself; what was refused. OSError if the kernel cannot be asked."""
        failures: list[Failure] = []
        for start in range(0, len(told), AT_ONCE):
            part = told[start : start + AT_ONCE]
            failures += [one._replace(at=start + one.at) for one in self._send(part, len(part) - 1)]
        return failures

    def transaction(self, begin: Message, told: typing.Sequence[Message], end: Message) -> list[Failure]:
        """Sends messages of which all or none take effect; what was refused."""
        failures = self._send([begin, *told, end], len(told), whole=True)
        return [one._replace(at=one.at - 1) for one in failures]

    def ask(self, kind: int, body: bytes, flags: int = DUMP) -> list[Message]:
        """What the kernel answers; once more if it changed in between. NetlinkError."""
        while True:
            found: list[Message] = []
            whole = True
            first = self._put([Message(kind, body, flags)], -1)
            for number, message in self._answers():
                if number != first:
                    continue
                whole = whole and not message.flags & DUMP_INTERRUPTED
                if message.kind == ERROR:
                    refused = failure(0, message)
                    if refused:
                        raise NetlinkError(refused.number, refused.text)
                    break
                if message.kind == DONE:
                    break
                found.append(message)
                if not message.flags & MULTI:
                    break
            if whole:
                return found

    def news(self) -> list[Message] | None:
        """What came to the groups by now; None if more than there was room for."""
        found: list[Message] = []
        while True:
            try:
                data = self.socket.recv(LONGEST)
            except BlockingIOError:
                return found
            except OSError:
                return None
            found += [message for _, message in messages(data)]

    def _put(self, told: typing.Sequence[Message], last: int) -> int:
        first = self.number + 1
        self.number += len(told)
        data = bytearray()
        for index, (kind, body, flags, _) in enumerate(told):
            flags |= REQUEST | (ACK if index == last else 0)
            data += HEADER.pack(HEADER.size + len(body), kind, flags, first + index & 0xFFFFFFFF, 0)
            data += body + bytes(-len(body) % 4)
        self.socket.send(data)
        return first

    def _answers(self) -> typing.Iterator[tuple[int, Message]]:
        while True:
            yield from messages(self.socket.recv(LONGEST))

    def _send(self, told: typing.Sequence[Message], last: int, whole: bool = False) -> list[Failure]:
        first = self._put(told, last)
        failures = []
        for number, message in self._answers():
            index = number - first
            if message.kind != ERROR or not 0 <= index < len(told):
                continue
            refused = failure(index, message)
            if refused:
                failures.append(refused)
            # A transaction that is refused as a whole is so at its first message, and not acknowledged.
            if index == last or (refused and index == 0 and whole):
                return failures
        raise AssertionError
