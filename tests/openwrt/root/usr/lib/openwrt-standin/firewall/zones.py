# SPDX-License-Identifier: Apache-2.0
"""Zones and their devices: uci's `network` lists, and in addition every interface whose netifd status has
data.zone (NETIFD.md)."""

import glob
import os


class BadRule(Exception):
    """A section that fw4 skips with a warning; the text says why."""


def words(value):
    """A uci list or a string of words."""
    if value is None:
        return []
    return value.split() if isinstance(value, str) else list(value)


def flag(value):
    return value in (True, 1, "1", "true", "yes", "on", "enabled")


class Zone:
    def __init__(self, options, defaults):
        self.name = options.get("name", "")
        self.networks = words(options.get("network"))
        self.devices = words(options.get("device"))
        for chain in ("input", "output", "forward"):
            policy = options.get(chain, defaults.get(chain, "DROP")).lower()
            setattr(self, chain, policy if policy in ("accept", "reject", "drop") else "drop")
        self.masq = flag(options.get("masq"))
        self.mtu_fix = flag(options.get("mtu_fix"))

    def take(self, interface):
        """Adds an interface (of netifd's dump) with the devices that it has now."""
        if interface["interface"] not in self.networks:
            self.networks.append(interface["interface"])
        # a device that is known already counts before the interface is up: DHCPv6 answers must come in
        device = interface.get("l3_device", interface.get("device"))
        if device and device not in self.devices:
            self.devices.append(device)


def assign(zones, interfaces):
    """Puts interfaces into zones; netifd's data.zone comes on top of what uci says."""
    for interface in interfaces:
        wanted = interface.get("data", {}).get("zone")
        for zone in zones:
            if interface["interface"] in zone.networks or zone.name == wanted:
                zone.take(interface)


def physical(devices, folder="/sys/class/net"):
    """The ports among them, and those of bridges; a tunnel has none."""
    found = set()
    for device in devices:
        below = glob.glob(f"{folder}/{device}/lower_*")
        found |= {path.rpartition("/lower_")[2] for path in below} or {device}
    return sorted(device for device in found if os.path.exists(f"{folder}/{device}/device"))


def of_network(zones, name):
    return next((zone for zone in zones if name in zone.networks), None)
