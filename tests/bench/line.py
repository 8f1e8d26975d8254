# SPDX-License-Identifier: Apache-2.0
"""Measures in the lab's two machines the time from odhcp6c's `bound` to the first IPv4 packet that came through.

The line has 0.5 ms of delay each way. The machines are emulated, so that the times are many times longer than on
bare metal; all are read off the router's own clock.
"""

from __future__ import annotations

import pathlib
import shlex
import typing

from tests.lab.guest import Guest
from tests.lab.lab import Lab, LabError

DELAY = "0.5ms"
BOUND, PACKETS = "/tmp/bench-bound", "/tmp/bench-packets"
# Stands before the stock event script of odhcp6c, which is called as before; OpenWrt's own or the stand-in's.
WRAPPER = f"""#!/bin/sh
[ "$2" != bound ] || [ -e {BOUND} ] || : > {BOUND}
exec /lib/netifd/dhcpv6.script.stock "$@"
"""
# Somebody who cannot wait: a TCP connection each 20 ms, which is then how exact the result is. A new port each time:
# the firewall would go on with what it once decided about a flow.
IMPATIENT = """
import collections, socket, time
tried = collections.deque(maxlen=50)
while True:
    tried.append(socket.socket())
    tried[-1].setblocking(False)
    tried[-1].connect_ex(("198.51.100.80", 80))
    time.sleep(0.02)
"""


def slow_down(guest: Guest, device: str) -> None:
    guest.check(f"modprobe sch_netem 2>/dev/null; tc qdisc replace dev {device} root netem delay {DELAY}")


def watch(router: Guest) -> None:
    """Makes the first `bound` leave a file, and notes every packet of RADIUS and of the softwire with its time."""
    script = "/lib/netifd/dhcpv6.script"
    router.check(
        f"mv {script} {script}.stock; printf %s {shlex.quote(WRAPPER)} > {script}; chmod 755 {script}"
    )
    # On all devices: one on eth1 would end when netifd takes that down and up.
    router.check(f"tcpdump -i any -n -tt -l 'udp port 1812 or ip6 proto 4' > {PACKETS} 2> /dev/null &")


def times(router: Guest) -> dict[str, float]:
    """Milliseconds after the first `bound`: question, answer, first packet out, first packet back."""
    # The file's own time is exact to the kernel's tick of 4 ms.
    start = float(router.check(f"stat -c %.3Y {BOUND}"))
    found: dict[str, float] = {}
    for line in router.check(f"head -n 200 {PACKETS}").splitlines():
        words = line.split()
        if "IP6" not in words or words[1] != "eth1":
            continue
        asked = ".1812:" in line
        told = ".1812 >" in line
        inward = words[2] == "In"
        name = (
            "asked"
            if asked
            else "answered"
            if told
            else "first_packet_back"
            if inward
            else "first_packet_out"
        )
        found.setdefault(name, round((float(words[0]) - start) * 1000, 1))
    return found


def measure(directory: pathlib.Path, tell: typing.Callable[[str], None]) -> dict[str, float]:
    """Boots the lab, brings the line up once; see times()."""
    lab = Lab(directory, tell)
    try:
        lab.boot()
        lab.start_access()
        slow_down(lab.access, "line0")
        watch(lab.router)
        slow_down(lab.router, "eth1")
        lab.lanhost.check(f"python3 -c {shlex.quote(IMPATIENT)} > /dev/null 2>&1 &")
        lab.start_router()
        lab.router.wait_until(
            f"grep -q '2001:db8:b::1 >' {PACKETS}", 180, "an IPv4 packet came through the softwire"
        )
        return times(lab.router)
    except LabError:
        lab.collect()
        raise
    finally:
        lab.stop()
