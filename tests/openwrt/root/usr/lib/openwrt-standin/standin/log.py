# SPDX-License-Identifier: Apache-2.0
"""The system log: what logread prints, in its line format; takes /dev/log, too, so that `logger` reaches
it."""

import os
import re
import socket
import time

PATH = "/var/log/messages"
DEVICE = "/dev/log"
LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
FACILITIES = ("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron")


class Log:
    def __init__(self, path=PATH):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.file = open(path, "a", buffering=1, encoding="utf-8", errors="replace")  # noqa: SIM115
        self.socket = None

    def write(self, text, facility="daemon", level="notice"):
        self.file.write(f"{time.strftime('%a %b %e %H:%M:%S %Y')} {facility}.{level} {text}\n")

    def netifd(self, text, level="notice"):
        self.write(f"netifd: {text}", level=level)

    def listen(self, loop):
        """Be the system logger, unless somebody else is."""
        try:
            if os.path.exists(DEVICE):
                probe = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                try:
                    probe.connect(DEVICE)
                    return
                except OSError:
                    os.unlink(DEVICE)
                finally:
                    probe.close()
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.socket.bind(DEVICE)
            os.chmod(DEVICE, 0o666)
        except OSError:
            self.socket = None
            return
        self.socket.setblocking(False)
        loop.on_readable(self.socket.fileno(), self.receive)

    def receive(self):
        while True:
            try:
                data = self.socket.recv(8192)
            except OSError:
                return
            match = re.match(
                r"^<(\d+)>(?:\w{3} [ \d]\d [\d:]{8} )?(.*)$", data.decode(errors="replace"), re.S
            )
            if not match:
                continue
            facility, level = divmod(int(match.group(1)), 8)
            name = FACILITIES[facility] if facility < len(FACILITIES) else "user"
            self.write(match.group(2).rstrip("\n\0"), name, LEVELS[level])
