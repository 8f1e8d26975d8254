# SPDX-License-Identifier: Apache-2.0
"""The monitor on a kernel without tunnels: a veth device stands where the tunnel device would be, all else is real.

python -m tests.softwired.tunnels.standin [softwired's words]: WALL_CLOCK names a file with seconds that are added to
the wall clock, WAITS says how much shorter waits for a nameserver are.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import time

from softwired import encapsulation, sixinfour
from softwired.__main__ import main
from softwired.tunnels import monitor
from tests.softwired.network import TREE
from tests.system.tunnels.machine import Machine

DEVICE = "tunnels"
# Does a job in the database; prints what comes of it, or the database's refusal.
INSIDE = """
import pickle, sys
from softwired import store
from softwired.tunnels import register
url, job, words = pickle.load(sys.stdin.buffer)
try:
    done = store.Store(url, register.metadata).run([lambda connection: job(connection, *words)])[0]
except store.SQLAlchemyError as error:
    done = store.said(error)
sys.stdout.buffer.write(pickle.dumps(done))
"""
REAL = time.time


class Standin(Machine):
    """The machine of tests/system/tunnels, with such a monitor."""

    shorter = 1
    inside = False

    def __init__(self, folder) -> None:
        super().__init__(folder)
        for words in (f"add {DEVICE} type veth peer name other", f"set {DEVICE} up", "set other up"):
            self.server.run("ip", "link", *words.split())

    def environment(self):
        clock = {"WALL_CLOCK": str(self.folder / "clock"), "WAITS": str(self.shorter)}
        return {**super().environment(), "PYTHONPATH": f"{TREE}/src:{TREE}", **clock}

    def command(self, *words):
        return [
            sys.executable,
            *("-m", "tests.softwired.tunnels.standin", "--config", str(self.folder / "softwired.toml")),
            *words,
        ]

    def run(self, job, *words):
        """In the database, as the page does; where only the namespace sees it, in there."""
        if not self.inside:
            return super().run(job, *words)
        told = pickle.dumps((self.values.database, job, words))
        done = subprocess.run(
            [*self.server.enter, sys.executable, "-c", INSIDE],
            env=self.environment(),
            input=told,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
        return pickle.loads(done.stdout)

    def set_clock(self, seconds):
        """So much beside the real one."""
        (self.folder / "clock.new").write_text(str(seconds))
        (self.folder / "clock.new").rename(self.folder / "clock")

    def whole(self):
        """Whether the kernel has what the database says, no more and no less, and no address is given twice."""
        rows = self.run(monitor.register.all_tunnels)
        if any(one.carried != one.version or one.state == monitor.register.ENDING for one in rows):
            return False
        for field in ("IPv4client", "IPv6client", "number"):
            assert len({getattr(one, field) for one in rows}) == len(rows)
        on = [one for one in rows if one.state == monitor.register.ON]
        told = self.routes()
        prefixes = {one.routed for one in on} | {one.IPv6server for one in on}
        right = prefixes <= {line.removeprefix("local ").split()[0] for line in told}
        return right and len(told) == 3 * len(on) and self.open_pairs() == len(on)


def wall() -> float:
    """What time.time says."""
    with contextlib.suppress(OSError, ValueError), open(os.environ["WALL_CLOCK"]) as file:
        return REAL() + float(file.read())
    return REAL()


if __name__ == "__main__":
    sixinfour.make_device = lambda kernel, name, local: encapsulation.device(kernel, name).number
    time.time = wall
    waits = float(os.environ["WAITS"])
    monitor.NAMES_AGAIN, monitor.NAMES_AT_MOST = monitor.NAMES_AGAIN / waits, monitor.NAMES_AT_MOST / waits
    sys.exit(main())
