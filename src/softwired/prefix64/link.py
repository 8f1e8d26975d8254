# SPDX-License-Identifier: Apache-2.0
"""An Ethernet interface's neighbour messages: a packet(7) socket with a kernel filter, and groups that are joined."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
import typing

from softwired import bpf
from softwired.interfaces import mac
from softwired.prefix64 import kernel_filter, solicitation
from softwired.prefix64.ranges import Span

# linux/if_packet.h
SOL_PACKET, ADD_MEMBERSHIP, STATISTICS, ALL_MULTICAST = 263, 1, 6, 2
ETH_P_IPV6 = 0x86DD
SO_RCVBUFFORCE = 33
RECEIVE_BUFFER = 8 << 20
# More than any neighbour message that a host sends; what is longer is cut, and refused.
LONGEST = 2048
# The memory for options of one socket holds some hundred groups (net.core.optmem_max).
GROUPS_EACH = 64


class NotYet(Exception):
    """Why an interface cannot be used now, in words for people."""


class Place(typing.NamedTuple):
    """What a socket is bound to: another one after the interface came back, or changed its address."""

    number: int
    mac: bytes


def place(name: str) -> Place:
    """Where an interface is; NotYet."""
    try:
        index = socket.if_nametoindex(name)
    except OSError:
        raise NotYet("there is no such interface") from None
    folder = f"/sys/class/net/{name}"
    if os.path.exists(f"{folder}/brport"):
        bridge = os.path.basename(os.path.realpath(f"{folder}/master"))
        raise NotYet(f"it is a port of the bridge {bridge}, which would be right in its place")
    found = mac(name)
    if not found:
        raise NotYet("it is no Ethernet interface (or has no address)")
    return Place(index, found)


class Link:
    """Receives messages of one kind on one interface, and sends; bound to one place."""

    def __init__(self, name: str, where: Place, kind: int, spans: typing.Sequence[Span]) -> None:
        self.where, self.kind = where, kind
        # No protocol yet: nothing comes before there is a filter.
        self.socket = socket.socket(
            socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0
        )
        self.joined: dict[bytes, socket.socket] = {}
        try:
            self.filter(spans)
            try:
                self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
            except OSError:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            self.socket.setsockopt(
                SOL_PACKET, ADD_MEMBERSHIP, struct.pack("@iHH8x", where.number, ALL_MULTICAST, 0)
            )
            self.socket.bind((name, ETH_P_IPV6))
        except OSError:
            self.socket.close()
            raise

    def filter(self, spans: typing.Sequence[Span]) -> None:
        """From now on only messages about these addresses; those that have come already stay."""
        bpf.attach(self.socket, kernel_filter.program(spans, self.kind))

    def receive(self) -> bytes | None:
        """The next frame, or None; an interface that went down is no error."""
        for _ in range(2):
            try:
                return self.socket.recv(LONGEST)
            except OSError as error:
                if error.errno != errno.ENETDOWN:
                    return None
        return None

    def lost(self) -> int:
        """Frames that found no room since this was asked last."""
        return int(struct.unpack("@II", self.socket.getsockopt(SOL_PACKET, STATISTICS, 8))[1])

    def join(self, targets: typing.Iterable[ipaddress.IPv6Address]) -> None:
        """Solicited-node groups of these addresses and no others: the kernel reports them by MLD; OSError."""
        wanted = {solicitation.group(target.packed) for target in targets}
        if wanted == set(self.joined):
            return
        self.leave()
        made: socket.socket | None = None
        for number, group in enumerate(sorted(wanted)):
            if number % GROUPS_EACH == 0 or made is None:
                made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            made.setsockopt(
                socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group + struct.pack("@I", self.where.number)
            )
            self.joined[group] = made

    def leave(self) -> None:
        for one in set(self.joined.values()):
            one.close()
        self.joined.clear()

    def close(self) -> None:
        self.leave()
        self.socket.close()
