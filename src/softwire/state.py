# SPDX-License-Identifier: Apache-2.0
"""What one interface leaves in the run directory: its configuration, wake-up FIFO and state."""

import json
import os

RUN_DIR = "/var/run/softwire"


def config_path(interface):
    """Written by the handler at each setup."""
    return "{}/{}.config".format(RUN_DIR, interface)


def fifo_path(interface, tunlink):
    """Made by the handler; a line in it wakes the client."""
    return "{}/{}@{}".format(RUN_DIR, interface, tunlink)


def state_path(interface):
    """Written by the client, shown by `softwire status`."""
    return "{}/{}.json".format(RUN_DIR, interface)


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


def write_state(interface, content):
    """Replaces the client's state in one step; a full run directory loses the state, never the softwire.

    An interface that was torn down meanwhile, and so has no configuration, gets none.
    """
    path = state_path(interface)
    try:
        os.stat(config_path(interface))
        with open(path + ".new", "w") as file:
            file.write(json.dumps(content))
        os.rename(path + ".new", path)
    except OSError:
        pass


def interfaces():
    """The interfaces that netifd has set up, by name."""
    try:
        names = os.listdir(RUN_DIR)
    except OSError:
        names = []
    return sorted([name[: -len(".config")] for name in names if name.endswith(".config")])


def uptime():
    """Seconds since the kernel started: a clock that nobody sets."""
    with open("/proc/uptime") as file:
        return float(file.read().split()[0])
