# SPDX-License-Identifier: Apache-2.0
"""So many of a kind in a span of time, of each address and of each network; what is remembered has a bound."""

from __future__ import annotations

import collections
import threading
import time
import typing

# Of a limit; who was silent longest is forgotten first.
MOST = 20000


class Limit:
    """At most `most` in `span` seconds of a key; what is refused is not counted."""

    def __init__(self, most: int, span: float, clock: typing.Callable[[], float] = time.monotonic) -> None:
        self.most, self.span, self.clock = most, span, clock
        # A key's room, which grows back evenly, and when that was so.
        self.room: collections.OrderedDict[str, tuple[float, float]] = collections.OrderedDict()
        self.lock = threading.Lock()

    def take(self, key: str) -> bool:
        """Whether there is room for one more."""
        now = self.clock()
        with self.lock:
            room, since = self.room.pop(key, (float(self.most), now))
            room = min(float(self.most), room + (now - since) * self.most / self.span)
            good = room >= 1
            self.room[key] = (room - 1 if good else room, now)
            if len(self.room) > MOST:
                self.room.popitem(last=False)
        return good


class Limits:
    """Of requests, new tunnels, passwords that are tried, and new accounts."""

    def __init__(self, values: typing.Any, clock: typing.Callable[[], float] = time.monotonic) -> None:
        self.requests = [
            Limit(values.requests, 60, clock),
            Limit(values.requests_of_a_network, 60, clock),
        ]
        self.new, self.logins, self.sign_ups = (
            [
                Limit(getattr(values, name), 3600, clock),
                Limit(getattr(values, f"{name}_of_a_network"), 3600, clock),
            ]
            for name in ("new", "logins", "sign_ups")
        )
        self.names = Limit(values.logins_of_a_name, 3600, clock)

    @staticmethod
    def take(limits: typing.Sequence[Limit], person: str, network: str) -> bool:
        """Of both."""
        return limits[0].take(person) and limits[1].take(network)
