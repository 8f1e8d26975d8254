# SPDX-License-Identifier: Apache-2.0
"""A person at a terminal: a program under a pseudo-terminal (pty(7)), what it shows, and what is typed."""

import os
import pty
import select
import signal
import termios
import time


class Terminal:
    """Starts the program; close() ends what is left of it."""

    def __init__(self, arguments, environment):
        self.shown = ""
        self.status = None
        self.process, self.descriptor = pty.fork()
        if not self.process:
            # A shell that runs the tests in the background has them ignore it, and so would the program.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execve(arguments[0], arguments, environment)

    def _read(self, seconds):
        if not select.select([self.descriptor], [], [], seconds)[0]:
            return True
        try:
            octets = os.read(self.descriptor, 65536)
        except OSError:  # Linux says EIO once the program has closed its end
            return False
        self.shown += octets.decode().replace("\r\n", "\n")
        return bool(octets)

    def see(self, text, seconds=60):
        """Waits until it shows the text."""
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            assert self._read(0.1) and time.monotonic() < deadline, f"no '{text}' in: {self.shown}"

    def echo(self):
        """Whether what is typed is shown."""
        return bool(termios.tcgetattr(self.descriptor)[3] & termios.ECHO)

    def see_silence(self, seconds=60):
        """Waits until what is typed is not shown."""
        deadline = time.monotonic() + seconds
        while self.echo():
            assert self._read(0.01) and time.monotonic() < deadline, (
                "it is shown what is typed: " + self.shown
            )

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def end(self, seconds=60):
        """The exit status, minus the signal's number if it died of one."""
        deadline = time.monotonic() + seconds
        while self._read(0.1):
            assert time.monotonic() < deadline, "it does not end: " + self.shown
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        return self.status

    def close(self):
        if self.status is None:
            os.kill(self.process, 9)
            os.waitpid(self.process, 0)
        os.close(self.descriptor)
