# SPDX-License-Identifier: Apache-2.0
"""What one interface leaves in the run directory: its configuration, wake-up FIFOs, state and memory."""

import json
import os

try:
    from time import ticks_diff, ticks_ms  # type: ignore[attr-defined]
except ImportError:  # CPython
    from time import monotonic

    def ticks_ms():
        return int(monotonic() * 1000)

    def ticks_diff(end, start):
        return end - start


RUN_DIR = "/var/run/softwire"
LASTING_DIR = "/etc/softwire"


def config_path(interface):
    """Written by the handler at each setup."""
    return "{}/{}.config".format(RUN_DIR, interface)


def fifo_path(interface, tunlink, name):
    """Made by the handler. `wake`: a line in it wakes the client; `released`: where the client answers `release`.

    They have a folder of their own, which goes in one step: whoever writes can never make a file instead.
    """
    return "{}/{}@{}/{}".format(RUN_DIR, interface, tunlink, name)


def state_path(interface):
    """Written by the client, shown by `softwire status`."""
    return "{}/{}.json".format(RUN_DIR, interface)


def kept_path(interface, lasting=False):
    """Written by the provisioning method, for a client that is started again; lasting: after a reboot, too."""
    return "{}/{}.kept".format(LASTING_DIR if lasting else RUN_DIR, interface)


def rules_path(interface):
    """Written by the client: the firewall's rules for a shared IPv4 address, which fw4 includes."""
    return "{}/{}.nft".format(RUN_DIR, interface)


def sip_path(interface):
    """Written by flets_voip.script: what DHCPv4 told on the SIP network."""
    return "{}/{}.sip".format(RUN_DIR, interface)


def read(path):
    """The JSON object in the file, or None where there is none (yet)."""
    try:
        with open(path) as file:
            content = json.loads(file.read())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def write(path, content):
    """Replaces a file in one step; None: removes it. A full run directory loses the file, never the softwire."""
    try:
        if content is None:
            os.remove(path)
            return
        with open(path + ".new", "w") as file:
            file.write(json.dumps(content))
        os.rename(path + ".new", path)
    except OSError:
        pass


def write_state(interface, content):
    """The client's state; an interface that was torn down meanwhile, and so has no configuration, gets none."""
    try:
        os.stat(config_path(interface))
    except OSError:
        return
    write(state_path(interface), content)


def interfaces():
    """The interfaces that netifd has set up, by name."""
    try:
        names = os.listdir(RUN_DIR)
    except OSError:
        names = []
    return sorted([name[: -len(".config")] for name in names if name.endswith(".config")])


def held(interface):
    """The tunnel of a softwire, or what is handed on, as its client wrote it; an empty one where there is none."""
    said = read(state_path(interface)) or {}
    return said.get("tunnel") or said.get("handed_on") or {}


def tunnels_besides(interface):
    """[(name, held(name))] of the other softwires."""
    return [(name, held(name)) for name in interfaces() if name != interface]


def uptime():
    """Seconds since the kernel started: a clock that nobody sets."""
    with open("/proc/uptime") as file:
        return float(file.read().split()[0])


class Uptime:
    """The same for who asks often: it adds up what has passed on the monotonic clock, and reads no file.

    MicroPython's clock begins anew after twelve days on 32 bits; asked once a day, it is right.
    """

    def __init__(self):
        self.now = uptime()
        self.ticks = ticks_ms()

    def __call__(self):
        ticks = ticks_ms()
        self.now += ticks_diff(ticks, self.ticks) / 1000
        self.ticks = ticks
        return self.now
