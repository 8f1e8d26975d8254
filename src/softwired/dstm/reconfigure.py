# SPDX-License-Identifier: Apache-2.0
"""Clients that the server has ask it by itself: Reconfigure, signed with a key that only they were told (RFC 8415
sections 18.3.11 and 20.4).

Keys are in memory: a server that was started anew gives a client another one with the next Reply.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import secrets
import time
import typing

from softwire.dhcpv6 import CLIENT_ID, write_message
from softwired.dstm.dhcpv6 import OPTION_REQUEST, RECONFIGURE_ACCEPT, RENEW, SERVER_ID
from softwired.loop import Loop, Timer

RECONFIGURE = 10
AUTH, MESSAGE = 11, 19
# Section 20.4: protocol, algorithm (HMAC-MD5), replay detection; what stands behind the counter.
RKAP = b"\3\1\0"
KEY, DIGEST = b"\1", b"\2"
# Section 7.6: REC_TIMEOUT, REC_MAX_RC
TIMEOUT, MOST = 2.0, 8
RESULTS = "sent answered unanswered".split()

# Sends a message on the way that the client's last one came.
Send = typing.Callable[[bytes], object]


@dataclasses.dataclass
class Peer:
    """A client with a key."""

    client: bytes
    key: bytes
    send: Send
    left: int = 0
    pause: float = 0.0
    timer: Timer | None = None

    def quiet(self) -> None:
        if self.timer:
            self.timer.cancel()
            self.timer = None


class Reconfigures:
    """Of the clients that hold a lease and take one, by their name in the store."""

    def __init__(self, loop: Loop, counted: typing.MutableMapping[str, int]) -> None:
        """counted: messages, and what became of them, by RESULTS."""
        self.loop, self.counted = loop, counted
        self.peers: dict[str, Peer] = {}
        self.counter = 0

    def welcome(self, user: str, client: bytes, first: bool, send: Send) -> list[tuple[int, bytes]]:
        """A client gets a lease, and takes Reconfigure: options of its Reply. first: it is told its key, else only
        where we have none, as after a start."""
        peer = self.peers.get(user)
        if peer:
            peer.send = send
            if not first:
                return []
        else:
            peer = self.peers[user] = Peer(client, secrets.token_bytes(16), send)
        return [(RECONFIGURE_ACCEPT, b""), (AUTH, RKAP + self._count() + KEY + peer.key)]

    def heard(self, user: str) -> None:
        """It has asked."""
        peer = self.peers.get(user)
        if peer and peer.timer:
            self.counted["answered"] += 1
            peer.quiet()

    def forget(self, user: str) -> None:
        """It has nothing any more."""
        peer = self.peers.pop(user, None)
        if peer:
            peer.quiet()

    def ask(self, user: str, duid: bytes, code: int) -> None:
        """Has it send a Renew about option `code`: section 18.3.11, repeated until it does."""
        peer = self.peers.get(user)
        if peer and not peer.timer:
            peer.left, peer.pause = MOST, TIMEOUT
            self._send(user, peer, duid, code)

    def _send(self, user: str, peer: Peer, duid: bytes, code: int) -> None:
        peer.timer = None
        if not peer.left:
            self.counted["unanswered"] += 1
            self.forget(user)
            return
        peer.send(message(peer.client, duid, code, peer.key, self._count()))
        self.counted["sent"] += 1
        peer.timer = self.loop.later(peer.pause, lambda: self._send(user, peer, duid, code))
        peer.left, peer.pause = peer.left - 1, peer.pause * 2

    def _count(self) -> bytes:
        """More than ever before, also before a start: section 20.3 would have an NTP timestamp."""
        self.counter = max(self.counter + 1, time.time_ns())
        return self.counter.to_bytes(8, "big")


def message(client: bytes, duid: bytes, code: int, key: bytes, counter: bytes) -> bytes:
    """Reconfigure for a Renew; the signature is made over it with zeros in its place."""

    def made(digest: bytes) -> bytes:
        options = [
            (CLIENT_ID, client),
            (SERVER_ID, duid),
            (MESSAGE, bytes([RENEW])),
            (OPTION_REQUEST, code.to_bytes(2, "big")),
            (AUTH, RKAP + counter + DIGEST + digest),
        ]
        return typing.cast(bytes, write_message(RECONFIGURE, 0, options))

    return made(hmac.new(key, made(bytes(16)), hashlib.md5).digest())
