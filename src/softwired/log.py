# SPDX-License-Identifier: Apache-2.0
"""Lines on standard error, for journald with priorities (sd-daemon(3)); a kind of trouble at most once a minute."""

from __future__ import annotations

import os
import sys
import time
import typing

PAUSE = 60.0
# Of one run; a kind is a word of ours, never of the network's.
ERROR, WARNING, INFO = 3, 4, 6


class Log:
    """What one service says."""

    def __init__(
        self,
        name: str,
        clock: typing.Callable[[], float] = time.monotonic,
        stream: typing.TextIO | None = None,
    ) -> None:
        self.name = name
        self.clock = clock
        self.stream = stream or sys.stderr
        self.priorities = "JOURNAL_STREAM" in os.environ
        self.kinds: dict[str, tuple[float, int]] = {}

    def line(self, priority: int, text: str) -> None:
        """One line, whatever the text holds."""
        plain = "".join(char if char.isprintable() else "?" for char in text)
        prefix = f"<{priority}>" if self.priorities else ""
        try:
            self.stream.write(f"{prefix}{self.name}: {plain}\n")
            self.stream.flush()
        except OSError:
            pass  # nobody reads it; that must not stop the service

    def info(self, text: str) -> None:
        self.line(INFO, text)

    def warning(self, text: str) -> None:
        self.line(WARNING, text)

    def error(self, text: str) -> None:
        self.line(ERROR, text)

    def seldom(self, kind: str, text: str) -> None:
        """A warning at most once a minute for each kind; the next one tells how many were left out."""
        now = self.clock()
        since, silent = self.kinds.get(kind, (now - PAUSE, 0))
        if now - since < PAUSE:
            self.kinds[kind] = (since, silent + 1)
            return
        self.kinds[kind] = (now, 0)
        self.warning(text + (f" ({silent} more of these since the last such line)" if silent else ""))
