# SPDX-License-Identifier: Apache-2.0
"""The fw4 command: start, stop, restart, reload, flush, print, check, network <interface>, device
<device>, zone <name>."""

import glob
import json
import os
import subprocess
import sys

from standin.uci import Package, UciError

from .ruleset import Ruleset, sections_of
from .zones import of_network, physical

INCLUDES = "/usr/share/nftables.d/ruleset-post/*.nft"
STATE = "/var/run/fw4.state"
USAGE = "Usage: fw4 [-q] start|stop|flush|restart|reload|print|check|zone <zone> [device]|network <net>|device <dev>\n"


def interfaces():
    """What netifd has, [] while it isn't there."""
    result = subprocess.run(
        ("ubus", "-S", "call", "network.interface", "dump"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    ).stdout
    try:
        return json.loads(result)["interface"]
    except (ValueError, KeyError):
        return []


def nft(text, check=False):
    return subprocess.run(
        ("nft", "-c", "-f", "-") if check else ("nft", "-f", "-"), input=text.encode(), check=False
    ).returncode


def answer(line):
    """Prints it; status 1 when there is nothing to print."""
    if line:
        print(line)
    return 0 if line else 1


def ask(words, ruleset):
    what, name = words[0], words[1] if len(words) > 1 else None
    if name is None:
        return 1
    if what == "network":
        zone = of_network(ruleset.zones, name)
        return answer(zone.name if zone else None)
    if what == "device":
        return answer(next((zone.name for zone in ruleset.zones if name in zone.devices), None))
    return answer("\n".join(device for zone in ruleset.zones if zone.name == name for device in zone.devices))


def main(words):
    quiet = words[:1] == ["-q"]
    words = words[1:] if quiet else words

    def warn(text):
        if not quiet:
            sys.stderr.write(f"[!] {text}\n")

    if not words:
        sys.stderr.write(USAGE)
        return 1
    if words[0] in ("stop", "flush"):
        if os.path.exists(STATE):
            os.unlink(STATE)
        return nft("table inet fw4\ndelete table inet fw4\n")
    try:
        includes = sorted(glob.glob(INCLUDES))
        ruleset = Ruleset(sections_of(Package("firewall")), interfaces(), warn, includes, physical)
    except UciError as problem:
        sys.stderr.write(f"fw4: {problem}\n")
        return 1
    if words[0] in ("network", "device", "zone"):
        # the real one answers from the state that `start` left
        return ask(words, ruleset) if os.path.exists(STATE) else 1
    if words[0] == "print":
        print(ruleset.render())
        return 0
    if words[0] == "check":
        return nft(ruleset.render(), check=True)
    if words[0] in ("start", "restart", "reload"):
        if words[0] == "reload" and not os.path.exists(STATE):
            return 1
        status = nft(ruleset.render())
        if not status:
            with open(STATE, "w", encoding="ascii") as file:
                file.write("\n")
        return status
    sys.stderr.write(USAGE)
    return 1
