# SPDX-License-Identifier: Apache-2.0
"""Callouts of the hook point buffer6_send: each a process that is given packets, and gives them back or drops them.

Both ways the packets are in a row, each behind its length in 2 octets (network order); length 0 in an answer drops the
packet. Answers come in the order of the packets. A callout that takes longer than its time limit is skipped, by this
packet and, until it has caught up, by all that follow; one that is dead is skipped and started again.
"""

from __future__ import annotations

import collections
import os
import signal
import subprocess
import sys
import types
import typing

import softwired
from softwired.counters import Family
from softwired.log import Log
from softwired.loop import WRITE, Loop, Timer

Done = typing.Callable[[bytes | None], None]
MOST_PENDING = 1024
# A callout that has not caught up after so many time limits is ended and started again.
HOPELESS = 50
LONGEST_PAUSE = 60.0


class Pending:
    """A packet that a callout has; `done` is None once it has been skipped."""

    __slots__ = ("packet", "done", "deadline")

    def __init__(self, packet: bytes, done: Done, deadline: float) -> None:
        self.packet = packet
        self.done: Done | None = done
        self.deadline = deadline


def command_of(entry: types.SimpleNamespace) -> list[str]:
    """The program and its arguments; a Python function gets a process of its own, too."""
    if entry.command:
        return list(entry.command)
    return [sys.executable, "-BP", "-m", "softwired.dhcp4o6.callout", entry.function]


def environment() -> dict[str, str]:
    """So that the process finds this package, and what the user's own PYTHONPATH has."""
    library = os.path.dirname(os.path.dirname(os.path.abspath(softwired.__file__)))
    rest = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": library + (os.pathsep + rest if rest else ""), "NOTIFY_SOCKET": ""}


def problem(entry: types.SimpleNamespace) -> str | None:
    """Why a callout cannot be started, or None."""
    if entry.command:
        return None if os.access(entry.command[0], os.X_OK) else f"{entry.command[0]} cannot be executed"
    try:
        done = subprocess.run(
            [*command_of(entry), "--check"],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=10,
        )
    except subprocess.TimeoutExpired:
        return f"{entry.function}: loading it took more than 10 seconds"
    if not done.returncode:
        return None
    lines = done.stdout.strip().splitlines()
    return f"{entry.function}: {lines[-1] if lines else 'cannot be loaded'}"


class Callout:
    """One of the configuration's list."""

    def __init__(self, entry: types.SimpleNamespace, loop: Loop, log: Log, counts: Family) -> None:
        self.entry, self.loop, self.log, self.counts = entry, loop, log, counts
        self.name = entry.function or entry.command[0]
        self.limit: float = entry.time_limit
        self.process: subprocess.Popen[bytes] | None = None
        self.pending: collections.deque[Pending] = collections.deque()
        self.out = bytearray()
        self.come = bytearray()
        self.timer: Timer | None = None
        self.late = False
        self.pause = 1.0
        self.closed = False
        self.start()

    def start(self) -> None:
        """Starts the process."""
        if self.closed:
            return
        try:
            self.process = subprocess.Popen(
                command_of(self.entry),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment(),
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            self.log.seldom(
                "callout", f"callout {self.name} cannot be started: {error.strerror}; it is skipped"
            )
            self._again()
            return
        assert self.process.stdin and self.process.stdout
        os.set_blocking(self.process.stdin.fileno(), False)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.loop.watch(self.process.stdout.fileno(), self._readable)

    def run(self, packet: bytes, done: Done) -> None:
        """Calls `done` once, with the packet that came back, the same if it was skipped, None if it was dropped."""
        if self.process is None or self.late or len(self.pending) >= MOST_PENDING:
            self.counts["skipped"] += 1
            done(packet)
            return
        self.pending.append(Pending(packet, done, self.loop.clock() + self.limit))
        self.out += len(packet).to_bytes(2, "big") + packet
        self._write()
        if self.timer is None and self.pending:
            self.timer = self.loop.later(self.limit, self._due)

    def close(self) -> None:
        """Ends it once it has given back what it has."""
        self.closed = True
        if not self.pending:
            self._end()

    def _write(self) -> None:
        process = self.process
        assert process and process.stdin
        try:
            while self.out:
                del self.out[: os.write(process.stdin.fileno(), self.out[:65536])]
        except BlockingIOError:
            self.loop.watch(process.stdin.fileno(), self._writable, WRITE)
        except OSError:
            self._died()

    def _writable(self) -> None:
        if self.process and self.process.stdin:
            self.loop.forget(self.process.stdin.fileno())
            self._write()

    def _readable(self) -> None:
        process = self.process
        assert process and process.stdout
        try:
            octets = os.read(process.stdout.fileno(), 65536)
        except BlockingIOError:
            return
        except OSError:
            octets = b""
        if not octets:
            self._died()
            return
        self.come += octets
        at = 0
        while len(self.come) - at >= 2:
            end = at + 2 + int.from_bytes(self.come[at : at + 2], "big")
            if len(self.come) < end:
                break
            packet = bytes(self.come[at + 2 : end])
            at = end
            if not self.pending:
                self.log.seldom(
                    "callout", f"callout {self.name} answers without being asked; it is started again"
                )
                self._died()
                return
            one = self.pending.popleft()
            self.pause = 1.0
            if one.done is None:
                continue
            self.counts["done" if packet else "dropped"] += 1
            one.done(packet or None)
            if self.process is not process:
                return
        del self.come[:at]
        if self.timer and not self.pending:
            self.timer.cancel()
            self.timer = None
        if self.late and not self.pending:
            self.late = False
            self.log.info(f"callout {self.name} has caught up")
        if self.closed and not self.pending:
            self._end()

    def _due(self) -> None:
        # The first that waits: skip those whose time is over.
        self.timer = None
        now = self.loop.clock()
        for one in self.pending:
            if one.deadline > now:
                break
            if one.done is not None:
                self.late = True
                self._skip(one)
        if self.late:
            self.log.seldom(
                "callout", f"callout {self.name} took longer than {self.limit:g} s; it is skipped"
            )
        if self.pending and now - self.pending[0].deadline > HOPELESS * self.limit:
            self._died()
        elif self.pending:
            first = next((one for one in self.pending if one.done is not None), None)
            delay = self.limit if first is None else max(0.0, first.deadline - now)
            self.timer = self.loop.later(delay, self._due)

    def _skip(self, one: Pending) -> None:
        done, one.done = one.done, None
        self.counts["skipped"] += 1
        if done:
            done(one.packet)

    def _died(self) -> None:
        if self.process is None:
            return
        status = self._end()
        if not self.closed:
            self.log.seldom(
                "callout", f"callout {self.name} ended ({status}); it is skipped and started again"
            )
            self._again()

    def _again(self) -> None:
        self.loop.later(self.pause, self.start)
        self.pause = min(self.pause * 2, LONGEST_PAUSE)

    def _end(self) -> str:
        # Whatever it still has goes its way without it.
        process, self.process = self.process, None
        status = "not running"
        if process:
            assert process.stdin and process.stdout
            for pipe in (process.stdin, process.stdout):
                self.loop.forget(pipe.fileno())
                pipe.close()
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except OSError:
                pass
            status = f"exit status {process.wait()}"
        self.out.clear()
        self.come.clear()
        self.late = False
        waiting = [one for one in self.pending if one.done is not None]
        self.pending.clear()
        for one in waiting:
            self._skip(one)
        return status


class Chain:
    """All callouts of the configuration, in its order."""

    def __init__(
        self, entries: typing.Sequence[types.SimpleNamespace], loop: Loop, log: Log, counts: Family
    ) -> None:
        self.entries = list(entries)
        self.callouts = [Callout(entry, loop, log, counts) for entry in entries]

    def run(self, packet: bytes, done: Done) -> None:
        """Through all of them; `done` gets the packet, or None if one dropped it."""
        self._next(0, packet, done)

    def _next(self, number: int, packet: bytes | None, done: Done) -> None:
        if packet is None or number == len(self.callouts):
            done(packet)
            return
        self.callouts[number].run(packet, lambda changed: self._next(number + 1, changed, done))

    def status(self) -> list[dict[str, typing.Any]]:
        return [
            {
                "name": callout.name,
                "running": callout.process is not None,
                "late": callout.late,
                "pending": len(callout.pending),
            }
            for callout in self.callouts
        ]

    def close(self) -> None:
        for callout in self.callouts:
            callout.close()
