# SPDX-License-Identifier: Apache-2.0
"""What becomes of a solicitation on one interface (RFC 4861 sections 7.2.3, 7.2.4, 7.2.8; RFC 4862 section 5.4).

Knows no sockets: it is given frames, its clock and a way to send.
"""

from __future__ import annotations

import functools
import ipaddress
import random
import types
import typing

from softwired.loop import Timer
from softwired.prefix64 import solicitation
from softwired.prefix64.ranges import Ranges
from softwired.prefix64.solicitation import OVERRIDE, ROUTER, SOLICITED, UNSPECIFIED, Refused, Solicitation

# RFC 4861 section 10, RetransTimer: nobody who detects duplicates asks sooner for the same target.
DEFENDED_AGAIN, MOST_DEFENDED = 1.0, 1024
# Seconds after which a source that still asks is known, and how many are remembered.
KNOWN_AFTER, MOST_KNOWN, MOST_SEEN = 2.0, 64, 1024
DROPPED = """cut other hop_limit code options checksum target source not_ours own_source too_fast too_many_delayed
    not_defended no_address not_sent internal flags""".split()

Send = typing.Callable[[bytes], None]
Later = typing.Callable[[float, typing.Callable[[], object]], Timer]
# Asks elsewhere; calls back if there is such a neighbour.
Forward = typing.Callable[[types.SimpleNamespace, bytes, typing.Callable[[], object]], None]


class Bucket:
    """At most `rate` a second, and so many at once."""

    def __init__(self, rate: int, now: float) -> None:
        self.rate, self.left, self.since = rate, float(rate), now

    def take(self, now: float) -> bool:
        self.left = min(float(self.rate), self.left + (now - self.since) * self.rate)
        self.since = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


class Sources:
    """Who asks has a share of the answers of its own once it has asked for some seconds; all others have one together.

    So a flood from random sources takes nothing from the routers that were here before. Memory is bounded: one that
    asks all the time stays, one of a flood is soon forgotten.
    """

    def __init__(self, rate: int, now: float) -> None:
        self.rate = rate
        self.others = Bucket(rate, now)
        self.known: dict[bytes, Bucket] = {}
        self.seen: dict[bytes, float] = {}

    def take(self, source: bytes, now: float) -> bool:
        bucket = self.known.get(source)
        if bucket is None:
            first = self.seen.get(source)
            if first is None:
                self.seen[source] = now
                if len(self.seen) > MOST_SEEN:
                    del self.seen[next(iter(self.seen))]
            elif now - first >= KNOWN_AFTER:
                self._know(source, now)
            bucket = self.known.get(source, self.others)
        return bucket.take(now)

    def _know(self, source: bytes, now: float) -> None:
        del self.seen[source]
        if len(self.known) >= MOST_KNOWN:
            oldest = min(self.known, key=lambda one: self.known[one].since)
            if now - self.known[oldest].since < KNOWN_AFTER:
                return
            del self.known[oldest]
        self.known[source] = Bucket(self.rate, now)


class Responder:
    """For the ranges of one interface."""

    def __init__(
        self,
        limits: types.SimpleNamespace,
        clock: typing.Callable[[], float],
        later: Later,
        send: Send,
        forward: Forward,
    ) -> None:
        self.clock, self.later, self.send, self.forward = clock, later, send, forward
        self.limits = limits
        self.answers = Sources(limits.answers, clock())
        self.to_all = Bucket(limits.to_all, clock())
        self.ranges: Ranges[types.SimpleNamespace] = Ranges()
        self.mac = self.link_local = b""
        self.defended: dict[bytes, float] = {}
        self.delayed = 0

    def limit(self, limits: types.SimpleNamespace) -> None:
        """Other limits, from now on."""
        self.limits = limits
        self.answers = Sources(limits.answers, self.clock())
        self.to_all = Bucket(limits.to_all, self.clock())

    def heard(self, frame: bytes) -> str:
        """What became of it: 'answered', 'defended', 'delayed', 'forwarded'; Refused."""
        asked = solicitation.read(frame)
        entry = self.ranges.find(asked.target)
        if entry is None:
            raise Refused("not_ours", "a target of no range, or an exception")
        if frame[6:12] == self.mac or asked.mac == self.mac:
            raise Refused("own_source", "our own Ethernet address asks: a loop, or somebody who pretends")
        if entry.forward:
            self.forward(entry, asked.target, functools.partial(self._answer_late, asked, entry))
            return "forwarded"
        if entry.delay and asked.multicast:
            return self._delay(asked, entry)
        return self._answer(asked, entry)

    def _delay(self, asked: Solicitation, entry: types.SimpleNamespace) -> str:
        if self.delayed >= self.limits.delayed:
            raise Refused("too_many_delayed", f"{self.delayed} answers wait already")
        self.delayed += 1
        self.later(
            random.uniform(0, entry.delay), functools.partial(self._answer_late, asked, entry, waited=True)
        )
        return "delayed"

    def _answer_late(self, asked: Solicitation, entry: types.SimpleNamespace, waited: bool = False) -> None:
        self.delayed -= waited
        # Meanwhile the range may have been taken away.
        if self.ranges.find(asked.target) is entry:
            try:
                self._answer(asked, entry)
            except Refused:
                pass

    def _answer(self, asked: Solicitation, entry: types.SimpleNamespace) -> str:
        now = self.clock()
        if asked.source == UNSPECIFIED:
            return self._defend(asked.target, entry, now)
        source = asked.target if entry.source == "target" else self.link_local
        if not source:
            raise Refused("no_address", "this interface has no link-local address yet")
        if not self.answers.take(asked.source, now):
            raise Refused("too_fast", f"more than {self.limits.answers} answers in a second")
        self.send(
            solicitation.advertisement(
                self.mac, source, asked.mac, asked.source, asked.target, SOLICITED | entry.flags
            )
        )
        return "answered"

    def _defend(self, target: bytes, entry: types.SimpleNamespace, now: float) -> str:
        if not entry.defend:
            raise Refused("not_defended", "duplicate address detection of a range that is not defended")
        if now - self.defended.get(target, now - DEFENDED_AGAIN) < DEFENDED_AGAIN or not self.to_all.take(
            now
        ):
            raise Refused("too_fast", "advertisements to all nodes are limited")
        self.defended.pop(target, None)
        self.defended[target] = now
        if len(self.defended) > MOST_DEFENDED:
            del self.defended[next(iter(self.defended))]
        self.announce(target, entry)
        return "defended"

    def announce(self, target: bytes, entry: types.SimpleNamespace) -> None:
        """An advertisement to all nodes that nobody asked for (RFC 4861 section 7.2.6)."""
        source = target if entry.source == "target" else self.link_local
        if source and self.mac:
            all_nodes = solicitation.ALL_NODES
            to_mac = solicitation.group_mac(all_nodes)
            self.send(solicitation.advertisement(self.mac, source, to_mac, all_nodes, target, entry.flags))

    def prime(self) -> None:
        """What a host does that takes an address, for routers that learn neighbours by it (RFC 4862 section 5.4)."""
        seen: list[int] = []
        for entry in self.ranges.values:
            if id(entry) in seen:
                continue
            seen.append(id(entry))
            for address in entry.prime:
                if self.ranges.find(address.packed) is entry and self.mac:
                    self.send(solicitation.solicitation(self.mac, UNSPECIFIED, address.packed))
                    self.announce(address.packed, entry)


def flags(entry: types.SimpleNamespace) -> int:
    """The flags of its advertisements, but that of solicited ones."""
    return ROUTER * entry.router | OVERRIDE * entry.override


def shown(octets: bytes) -> str:
    """An address for people."""
    return str(ipaddress.IPv6Address(octets))
