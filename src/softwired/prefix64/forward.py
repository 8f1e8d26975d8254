# SPDX-License-Identifier: Apache-2.0
"""Targets that are asked for on another interface before they are answered for here, as ndppd's iface and auto do it.

Knows no sockets. A target is asked for once, whoever wants to know, and is not asked for again while its answer, or
that there was none, is fresh: so two that ask each other come to an end.
"""

from __future__ import annotations

import collections
import functools
import ipaddress
import types
import typing

from softwired.interfaces import rows
from softwired.loop import Timer
from softwired.prefix64.responder import Later
from softwired.prefix64.solicitation import Refused

TRIES = 3
MOST_WAITING = 8
ROUTES_FRESH = 10.0
# Nobody is asked again sooner.
AGAIN = 0.1
REJECT = 0x200  # linux/ipv6_route.h, linux/route.h: RTF_REJECT

Key = tuple[str, bytes]
# Sends a solicitation on an interface; False if it cannot now.
Ask = typing.Callable[[str, bytes], bool]
# Makes a host route to who answered, or takes it away.
Wire = typing.Callable[[str, bytes, bool], None]
# The range that still wants such a route, if there is one.
Wanting = typing.Callable[[str, bytes], types.SimpleNamespace | None]


class Session:
    """One target on one interface."""

    def __init__(self) -> None:
        self.there: bool | None = None
        self.until = 0.0
        self.waiting: list[typing.Callable[[], object]] = []
        self.timer: Timer | None = None
        self.wired = False


class Route(typing.NamedTuple):
    """A line of /proc/net/ipv6_route."""

    length: int
    metric: int
    prefix: int
    interface: str


def routes(path: str = "/proc/net/ipv6_route") -> list[Route]:
    """Those that lead to a link, the best first."""
    found = [
        Route(int(length, 16), int(metric, 16), int(prefix, 16), interface)
        for prefix, length, _, _, _, metric, _, _, flags, interface in rows(path)
        if interface != "lo" and not int(flags, 16) & REJECT
    ]
    return sorted(found, key=lambda route: (-route.length, route.metric))


def way(table: typing.Iterable[Route], target: int) -> str:
    """The interface of the best route to the target, or ''."""
    for route in table:
        if target >> 128 - route.length == route.prefix >> 128 - route.length:
            return route.interface
    return ""


class Forwarder:
    """All targets that are asked for elsewhere."""

    def __init__(
        self,
        limit: int,
        clock: typing.Callable[[], float],
        later: Later,
        ask: Ask,
        wire: Wire,
        wanting: Wanting,
    ) -> None:
        self.limit, self.clock, self.later, self.ask = limit, clock, later, ask
        self.wire, self.wanting = wire, wanting
        self.sessions: collections.OrderedDict[Key, Session] = collections.OrderedDict()
        self.table: list[Route] = []
        self.read_at: float | None = None

    def wanted(
        self, entry: types.SimpleNamespace, target: bytes, callback: typing.Callable[[], object]
    ) -> None:
        """Calls back, perhaps at once, if the target is there; Refused."""
        interface = self._auto(entry, target) if entry.forward == "auto" else entry.forward
        if not interface:
            raise Refused("no_way", f"no route to {ipaddress.IPv6Address(target)} on another interface")
        key = (interface, target)
        session = self.sessions.get(key)
        # Who has a route is asked again when it is time, so that there is always one.
        if session and session.there is not None and not session.wired and self.clock() >= session.until:
            self._forget(key, session)
            session = None
        if session is None:
            session = self._new(key)
            session.waiting.append(callback)
            self._try(key, session, entry, TRIES)
        elif session.there:
            callback()
        elif session.there is None and len(session.waiting) < MOST_WAITING:
            session.waiting.append(callback)

    def heard(self, interface: str, target: bytes) -> bool:
        """Somebody on an interface says that the target is there; whether that was asked."""
        key = (interface, target)
        session = self.sessions.get(key)
        if session is None:
            return False
        if session.timer:
            session.timer.cancel()
            session.timer = None
        asked, session.there = session.there is None, True
        waiting, session.waiting = session.waiting, []
        session.until = max(session.until, self.clock())
        if self.wanting(*key):
            self._wire(key, session, True)
            left = max(session.until - self.clock(), AGAIN)
            session.timer = self.later(left, functools.partial(self._again, key, session))
        for callback in waiting:
            callback()
        return asked

    def waiting(self) -> int:
        """How many targets may still answer."""
        return sum(session.there is None for session in self.sessions.values())

    def _auto(self, entry: types.SimpleNamespace, target: bytes) -> str:
        now = self.clock()
        if self.read_at is None or now - self.read_at >= ROUTES_FRESH:
            self.table, self.read_at = routes(), now
        found = way(self.table, int.from_bytes(target, "big"))
        return "" if found == entry.interface else found

    def _new(self, key: Key) -> Session:
        if len(self.sessions) >= self.limit:
            # The oldest that nobody waits for gives way.
            for old, session in self.sessions.items():
                if session.there is not None:
                    self._forget(old, session)
                    break
            else:
                raise Refused("too_many_asked", f"{self.limit} targets are asked for already")
        made = self.sessions[key] = Session()
        return made

    def _try(self, key: Key, session: Session, entry: types.SimpleNamespace, left: int) -> None:
        if not left:
            session.there, session.timer = False, None
            session.waiting.clear()
            self._wire(key, session, False)
            return
        session.until = self.clock() + entry.ttl
        self.ask(*key)
        session.timer = self.later(entry.timeout, functools.partial(self._try, key, session, entry, left - 1))

    def _again(self, key: Key, session: Session) -> None:
        """Whether who has a route is still there."""
        session.timer = None
        entry = self.wanting(*key)
        if entry is None:
            self._forget(key, session)
        else:
            session.there = None
            self._try(key, session, entry, TRIES)

    def _forget(self, key: Key, session: Session) -> None:
        del self.sessions[key]
        if session.timer:
            session.timer.cancel()
        self._wire(key, session, False)

    def _wire(self, key: Key, session: Session, wired: bool) -> None:
        if session.wired != wired:
            session.wired = wired
            self.wire(*key, wired)
