# SPDX-License-Identifier: Apache-2.0
"""One thread's loop: readable descriptors, timers and signals, in the order in which they come."""

from __future__ import annotations

import heapq
import itertools
import select
import signal
import socket
import time
import typing

Callback = typing.Callable[[], object]
READ, WRITE = select.EPOLLIN, select.EPOLLOUT


class Timer:
    """One call in the future; `cancel` forgets it."""

    def __init__(self, callback: Callback | None) -> None:
        self.callback = callback

    def cancel(self) -> None:
        self.callback = None


class Loop:
    """Calls back until `stop`. Errors on a descriptor count as readable: reading tells them."""

    def __init__(self, clock: typing.Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.poll = select.epoll()
        self.callbacks: dict[int, Callback] = {}
        self.timers: list[tuple[float, int, Timer]] = []
        self.number = itertools.count()
        self.running = False

    def watch(self, descriptor: int, callback: Callback, events: int = READ) -> None:
        """Calls whenever the descriptor is readable (or writable), until `forget`."""
        if descriptor in self.callbacks:
            self.poll.modify(descriptor, events)
        else:
            self.poll.register(descriptor, events)
        self.callbacks[descriptor] = callback

    def forget(self, descriptor: int) -> None:
        if self.callbacks.pop(descriptor, None):
            self.poll.unregister(descriptor)

    def later(self, delay: float, callback: Callback) -> Timer:
        """Calls once, `delay` seconds from now."""
        timer = Timer(callback)
        heapq.heappush(self.timers, (self.clock() + delay, next(self.number), timer))
        return timer

    def on_signals(self, callbacks: dict[int, Callback]) -> None:
        """Signals become calls of the loop, never of the middle of something else."""
        ours, pythons = socket.socketpair()
        ours.setblocking(False)
        pythons.setblocking(False)
        signal.set_wakeup_fd(pythons.fileno(), warn_on_full_buffer=False)
        for number in callbacks:
            signal.signal(number, lambda *_: None)

        def heard() -> None:
            for number in ours.recv(64):
                if number in callbacks:
                    callbacks[number]()

        self.signals = (ours, pythons)
        self.watch(ours.fileno(), heard)

    def stop(self) -> None:
        self.running = False

    def run(self) -> None:
        """Until `stop`."""
        self.running = True
        while self.running:
            self.turn()

    def turn(self, longest: float = 3600.0) -> None:
        """What has come by now, or the next that comes."""
        while self.timers and self.timers[0][2].callback is None:
            heapq.heappop(self.timers)
        wait = longest
        if self.timers:
            wait = min(longest, max(0.0, self.timers[0][0] - self.clock()))
        for descriptor, _ in self.poll.poll(wait):
            callback = self.callbacks.get(descriptor)
            if callback:
                callback()
        now = self.clock()
        while self.timers and self.timers[0][0] <= now:
            due = heapq.heappop(self.timers)[2].callback
            if due:
                due()
