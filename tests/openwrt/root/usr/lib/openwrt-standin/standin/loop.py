# SPDX-License-Identifier: Apache-2.0
"""The event loop: timers, readable descriptors, ended child processes; one thread, callbacks only
(libubox, uloop)."""

import heapq
import itertools
import os
import selectors
import signal
import time


class Timer:
    """A call in the future that can be taken back."""

    def __init__(self, due, call):
        self.due = due
        self.call = call
        self.pending = True

    def cancel(self):
        self.pending = False


class Loop:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.timers = []
        self.order = itertools.count()
        self.children = {}
        self.running = True
        reader, writer = os.pipe()
        for fd in (reader, writer):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.wakeup = reader
        self.on_readable(reader, self.drain)

    def drain(self):
        try:
            os.read(self.wakeup, 4096)
        except BlockingIOError:
            pass

    def after(self, seconds, call):
        timer = Timer(time.monotonic() + seconds, call)
        heapq.heappush(self.timers, (timer.due, next(self.order), timer))
        return timer

    def on_readable(self, fd, call):
        self.selector.register(fd, selectors.EVENT_READ, call)

    def forget(self, fd):
        try:
            self.selector.unregister(fd)
        except (KeyError, ValueError):
            pass

    def on_exit(self, pid, call):
        """call(status) once that child has ended; status as os.waitpid gives it."""
        self.children[pid] = call

    def forget_child(self, pid):
        self.children.pop(pid, None)

    def reap(self):
        for pid in list(self.children):
            try:
                done, status = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                done, status = pid, 0
            if done:
                call = self.children.pop(pid, None)
                if call:
                    call(status)

    def run(self):
        while self.running:
            now = time.monotonic()
            while self.timers and (self.timers[0][0] <= now or not self.timers[0][2].pending):
                timer = heapq.heappop(self.timers)[2]
                if timer.pending:
                    timer.pending = False
                    timer.call()
            wait = max(0.0, self.timers[0][0] - time.monotonic()) if self.timers else None
            for key, _ in self.selector.select(wait):
                if self.selector.get_map().get(key.fd) is key:
                    key.data()
            self.reap()
