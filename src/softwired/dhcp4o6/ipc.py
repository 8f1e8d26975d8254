# SPDX-License-Identifier: Apache-2.0
"""The socket between the servers, as Kea has it: ours is UDP ::1 port N, the DHCPv4 server's is ::1 port N + 1."""

from __future__ import annotations

import socket
import struct
import typing

from softwired.dhcp4o6.messages import LONGEST
from softwired.interfaces import rows
from softwired.listeners import new

# linux/in6.h
IPV6_RECVERR = 25
# Of this network namespace, also where systemd's sandbox hides /proc/net.
SOCKETS = "/proc/self/net/udp6"
ANY = "0" * 32
LOOPBACK = "".join(f"{word:08X}" for word in struct.unpack("@4I", socket.inet_pton(socket.AF_INET6, "::1")))


class Channel:
    """Both directions. It is not connected, so that datagrams of others are seen, and can be counted."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.server = ("::1", port + 1)
        self.socket = new()
        try:
            # So the kernel tells that nobody listens there.
            self.socket.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
            self.socket.bind(("::1", port))
        except OSError:
            self.socket.close()
            raise

    def send(self, datagram: bytes) -> None:
        """Whether somebody gets it is told later, by `refused`; OSError."""
        try:
            self.socket.sendto(datagram, self.server)
        except ConnectionRefusedError:  # an earlier one; this one was not sent yet
            self.socket.sendto(datagram, self.server)

    def refused(self) -> int:
        """How many datagrams, of those sent, the kernel has said that nobody listens for."""
        found = 0
        while True:
            try:
                self.socket.recvmsg(1, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return found
            found += 1

    def unread(self) -> bool:
        """Whether something that was sent lies unread in the server's socket (proc(5), net/udp6: rx_queue)."""
        places = [f"{address}:{self.port + 1:04X}" for address in (LOOPBACK, ANY)]
        try:
            for fields in rows(SOCKETS):
                if fields[1] in places:
                    return int(fields[4].partition(":")[2], 16) > 0
        except (ValueError, IndexError):
            pass
        return False  # who cannot see it takes silence for an answer

    def receive(self) -> tuple[bytes, bool] | None:
        """The next datagram and whether the DHCPv4 server sent it; None if there is none now."""
        try:
            datagram, source = self.socket.recvfrom(LONGEST + 1)
        except OSError:
            return None  # also for what `refused` counts
        return datagram, typing.cast("tuple[str, int]", source[:2]) == self.server

    def close(self) -> None:
        self.socket.close()
