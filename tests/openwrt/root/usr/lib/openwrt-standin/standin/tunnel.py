# SPDX-License-Identifier: Apache-2.0
"""Tunnel devices of an update: mode ipip6 through the kernel's ip6tnl, with netifd's checks and refusals
(NETIFD.md, tunnel)."""

import ipaddress

from . import kernel
from .blob import ARRAY, BOOL, INT32, STRING, TABLE, select
from .device import Device

ATTRIBUTES = {
    "mode": STRING,
    "local": STRING,
    "remote": STRING,
    "mtu": INT32,
    "df": BOOL,
    "ttl": INT32,
    "tos": STRING,
    "link": STRING,
    "data": TABLE,
}
DATA = {"encaplimit": STRING, "fmrs": ARRAY}
DEFAULT_TTL = 64


class Refused(Exception):
    """EINVAL: the kernel device is not made."""


def limit_of(text):
    """The Tunnel Encapsulation Limit from C's strtoul with base 0; None for `ignore`."""
    if text == "ignore":
        return None
    try:
        value = int(text, 8) if text[:1] == "0" and text[1:].isdigit() else int(text, 0)
    except ValueError:
        raise Refused(f"encaplimit {text}") from None
    if not 0 <= value <= 255:
        raise Refused(f"encaplimit {text}")
    return value


def ipv6(text):
    try:
        if "%" in text:
            raise ValueError
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise Refused(text) from None


def words_for(name, config, link_device):
    """`ip link add` for that configuration. Raises Refused where netifd says EINVAL."""
    if config.get("mode") != "ipip6":
        # sit, gre, vti … exist in netifd; nothing here needs them
        raise Refused(f"mode {config.get('mode')}")
    ttl = config.get("ttl", 0) & 0xFFFFFFFF
    if ttl > 255:
        raise Refused(f"ttl {ttl}")
    words = ["link", "add", "name", name, "type", "ip6tnl", "mode", "ipip6", "ttl", str(ttl or DEFAULT_TTL)]
    for side in ("local", "remote"):
        if side in config:
            words += [side, ipv6(config[side])]
    if link_device:
        words += ["dev", link_device]
    if "data" in config:
        data = select(DATA, config["data"])
        limit = limit_of(data["encaplimit"]) if "encaplimit" in data else None
        words += ["encaplimit", "none" if limit is None else str(limit)]
        if data.get("fmrs"):
            raise Refused("fmrs need OpenWrt's kernel patch")
    else:
        # without data netifd sets nothing and the kernel's own limit of 4 stays
        words += ["encaplimit", "4"]
    return words


class Tunnel(Device):
    label = "tunnel"

    def __init__(self, table, name, links):
        super().__init__(table, name)
        self.links = links

    def start(self):
        self.set_present(True)

    def stop(self):
        kernel.delete_link(self.name)

    def apply(self, config):
        """The same attributes again: nothing. Others while it is up: made anew, bare of addresses (NETIFD.md)."""
        config = select(ATTRIBUTES, config)
        if config == self.config:
            return
        self.config = config
        self.restart()

    def set_state(self, up):
        if not up:
            done = kernel.set_link(self.name, False)
            kernel.delete_link(self.name)
            return done
        kernel.delete_link(self.name)
        try:
            link_device = self.links(self.config["link"]) if "link" in self.config else None
            words = words_for(self.name, self.config, link_device)
        except (Refused, KeyError):
            return False
        if not kernel.ip(*words):
            return False
        if "mtu" in self.config:
            kernel.ip("link", "set", "dev", self.name, "mtu", str(self.config["mtu"]))
        done = kernel.set_link(self.name, True)
        if not done:
            kernel.delete_link(self.name)
        return done
