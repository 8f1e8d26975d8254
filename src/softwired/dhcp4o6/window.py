# SPDX-License-Identifier: Apache-2.0
"""Which queries the DHCPv4 server has, which wait for it, and whose an answer is.

The server reads its socket in order, so an answer tells that it has read all that was sent before. No more than
`size` are sent beyond that: what it cannot read yet waits here instead of being lost in its socket's buffer.
"""

from __future__ import annotations

import collections
import typing

Key = typing.Hashable
# After so long without an answer the kernel is asked what the server has read; many messages (RELEASE, unknown subnets)
# have no answer.
SILENCE = 0.2
# Memory must not depend on how many are asked.
MOST_REMEMBERED = 32768


class Asked(typing.NamedTuple):
    """A query that was sent on."""

    number: int
    time: float
    origin: typing.Any


class Window:
    """Sends by `send(datagram)`; `unread()` is whether anything lies in the server's socket; time is given."""

    def __init__(
        self,
        send: typing.Callable[[bytes], None],
        unread: typing.Callable[[], bool],
        size: int,
        waiting: int,
        patience: float,
    ) -> None:
        self.send = send
        self.unread = unread
        self.resize(size, waiting, patience)
        self.asked: dict[Key, Asked] = {}
        self.waiting: collections.OrderedDict[Key, tuple[bytes, typing.Any]] = collections.OrderedDict()
        self.sent = 0
        self.read = 0
        self.heard = 0.0

    def resize(self, size: int, waiting: int, patience: float) -> None:
        """Other limits, from now on."""
        self.size, self.most_waiting, self.patience = size, waiting, patience

    def query(self, key: Key, datagram: bytes, origin: typing.Any, now: float) -> bool:
        """Sends it, or keeps it until it can be sent; False if too many wait already."""
        if self.waiting or self.sent - self.read >= self.size:
            self.silence(now)
        if self.waiting or self.sent - self.read >= self.size:
            # A client that repeats itself waits once, at its first place.
            if key not in self.waiting and len(self.waiting) >= self.most_waiting:
                return False
            self.waiting[key] = (datagram, origin)
            return True
        self._ask(key, datagram, origin, now)
        return True

    def answer(self, key: Key, now: float) -> Asked | None:
        """Whose answer it is; None if nobody asked, or too long ago."""
        found = self.asked.pop(key, None)
        if found is None:
            return None
        if found.number > self.read:
            self.read = found.number
        self.heard = now
        if self.waiting:
            self._go_on(now)
        return found if now - found.time <= self.patience else None

    def refused(self) -> None:
        """Nobody reads what was sent: it will not be answered."""
        self.read = self.sent
        self.asked.clear()

    def silence(self, now: float) -> None:
        """To be called now and then: a server that answers nothing may have read all, or be held up by its disk."""
        if self.sent > self.read and now - self.heard >= SILENCE:
            self.heard = now
            if not self.unread():
                self.read = self.sent
        if self.waiting:
            self._go_on(now)

    def busy(self) -> bool:
        """Whether `silence` has anything to look for."""
        return self.sent > self.read or bool(self.waiting)

    def forget(self, now: float) -> int:
        """Drops what nobody will answer any more; how many that were."""
        before = len(self.asked)
        for key, asked in list(self.asked.items()):
            if now - asked.time <= self.patience:
                break
            del self.asked[key]
        return before - len(self.asked)

    def _go_on(self, now: float) -> None:
        while self.waiting and self.sent - self.read < self.size:
            key, (datagram, origin) = self.waiting.popitem(last=False)
            self._ask(key, datagram, origin, now)

    def _ask(self, key: Key, datagram: bytes, origin: typing.Any, now: float) -> None:
        if self.sent == self.read:
            self.heard = now
        self.send(datagram)
        self.sent += 1
        # Anew at the end: the oldest come first.
        self.asked.pop(key, None)
        self.asked[key] = Asked(self.sent, now, origin)
        if len(self.asked) > MOST_REMEMBERED:
            del self.asked[next(iter(self.asked))]
