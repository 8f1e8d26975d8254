# SPDX-License-Identifier: Apache-2.0
"""A handler script or proto task: one child at a time, its output logged line by line, its end told
(NETIFD.md, handler protocol)."""

import os
import signal
import subprocess

LINE_LIMIT = 4096


class Process:
    """One slot; starting again kills what ran in it, without a word to the callback."""

    def __init__(self, loop, log, prefix, directory, ended):
        self.loop = loop
        self.log = log
        self.prefix = prefix
        self.directory = directory
        self.ended = ended
        self.pid = None
        self.child = None
        self.pipe = None
        self.rest = b""

    @property
    def pending(self):
        return self.pid is not None

    def start(self, argv, extra_environment=()):
        self.kill()
        environment = dict(os.environ)
        environment.update(entry.split("=", 1) for entry in extra_environment if "=" in entry)
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        try:
            self.child = self.spawn(argv, environment, writer)
        except OSError:
            self.child = self.spawn(["/bin/sh", "-c", "exit 127"], environment, writer)
        os.close(writer)
        self.pid, self.pipe, self.rest = self.child.pid, reader, b""
        self.loop.on_readable(reader, self.read)
        self.loop.on_exit(self.pid, self.exited)

    def spawn(self, argv, environment, writer):
        # netifd gives the pipe as standard input, too: a task that reads gets nothing
        return subprocess.Popen(
            argv,
            cwd=self.directory,
            env=environment,
            stdin=writer,
            stdout=writer,
            stderr=writer,
            restore_signals=True,
        )

    def read(self):
        while True:
            try:
                data = os.read(self.pipe, 65536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.loop.forget(self.pipe)
                return
            lines = (self.rest + data).split(b"\n")
            self.rest = lines.pop()[:LINE_LIMIT]
            for line in lines:
                self.log(f"{self.prefix} ({self.pid}): {line.decode(errors='replace')}")

    def close(self):
        self.read()
        self.loop.forget(self.pipe)
        os.close(self.pipe)
        self.loop.forget_child(self.pid)
        self.pid = None

    def exited(self, status):
        self.child.returncode = os.waitstatus_to_exitcode(status)
        self.close()
        self.ended(self, os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0)

    def signal(self, number):
        if self.pending:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                pass

    def kill(self):
        """SIGKILL, and forget it."""
        if not self.pending:
            return
        self.signal(signal.SIGKILL)
        self.child.wait()
        self.close()
