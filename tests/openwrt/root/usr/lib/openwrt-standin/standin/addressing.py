# SPDX-License-Identifier: Apache-2.0
"""Addresses, routes and prefixes of an update: how netifd reads them and what `ip` is told (NETIFD.md,
updates)."""

import ipaddress
import socket
import time

from . import kernel
from .blob import BOOL, INT32, STRING, select

INFINITE = 0xFFFFFFFF
NULL_ROUTE_METRIC = 0x7FFFFFFF
ADDRESS = {
    "ipaddr": STRING,
    "mask": STRING,
    "broadcast": STRING,
    "ptp": STRING,
    "preferred": INT32,
    "valid": INT32,
    "offlink": BOOL,
    "class": STRING,
}
ROUTE = {
    "target": STRING,
    "netmask": STRING,
    "gateway": STRING,
    "metric": INT32,
    "mtu": INT32,
    "valid": INT32,
    "table": STRING,
    "source": STRING,
    "onlink": BOOL,
    "type": STRING,
    "proto": STRING,
    "disabled": BOOL,
}


class Invalid(Exception):
    """netifd would refuse this; the text is the value."""


def now():
    return int(time.monotonic())


def packed(text, v6):
    """Canonical text of an address, by inet_pton's rules."""
    try:
        return (
            socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, text))
            if v6
            else socket.inet_ntop(socket.AF_INET, socket.inet_pton(socket.AF_INET, text))
        )
    except OSError:
        raise Invalid(text) from None


def netmask(text, v6):
    """A prefix length from '24' or '255.255.255.0'."""
    if "." in text and not v6:
        try:
            bits = int.from_bytes(socket.inet_aton(text), "big")
        except OSError:
            raise Invalid(text) from None
        return 32 - (~bits & 0xFFFFFFFF).bit_length()
    try:
        value = int(text or "0", 0)
    except ValueError:
        raise Invalid(text) from None
    if not 0 <= value <= (128 if v6 else 32):
        raise Invalid(text)
    return value


def split(text, v6, default):
    """(address, length) of 'address' or 'address/length'."""
    address, slash, length = text.partition("/")
    return packed(address, v6), netmask(length, v6) if slash else default


def network(address, length):
    return str(ipaddress.ip_interface(f"{address}/{length}").network.network_address)


def until(seconds):
    """The moment a lifetime ends, 0 for ever. netifd reads the 32 bits as unsigned."""
    seconds &= 0xFFFFFFFF
    return 0 if seconds == INFINITE else now() + seconds


class Address:
    def __init__(self, address, length, v6, index=0):
        self.address, self.length, self.v6, self.index = address, length, v6, index
        self.preferred_until = self.valid_until = 0
        self.broadcast = self.peer = self.kind_class = None
        self.offlink = self.external = self.enabled = False

    @classmethod
    def from_update(cls, item, v6, index, external):
        if not isinstance(item, dict):
            raise Invalid(str(item))
        item = select(ADDRESS, item)
        if "ipaddr" not in item:
            raise Invalid("ipaddr")
        length = netmask(item["mask"], v6) if "mask" in item else (128 if v6 else 32)
        new = cls(packed(item["ipaddr"], v6), length, v6, index)
        new.offlink = item.get("offlink", False)
        new.external = external
        if not v6:
            new.broadcast = packed(item["broadcast"], False) if "broadcast" in item else None
            new.peer = packed(item["ptp"], False) if "ptp" in item else None
            return new
        if "preferred" in item:
            new.preferred_until = until(item["preferred"])
        if "valid" in item:
            new.valid_until = until(item["valid"])
        if new.valid_until:
            new.preferred_until = new.preferred_until or new.valid_until
            if new.preferred_until > new.valid_until:
                raise Invalid(item["ipaddr"])
        new.kind_class = item.get("class")
        return new

    @property
    def key(self):
        return (self.index, self.v6, self.offlink, self.length, self.address)

    def same(self, other):
        return (self.broadcast, self.peer, self.external) == (other.broadcast, other.peer, other.external)

    def lifetimes(self, other):
        return (self.preferred_until, self.valid_until) == (other.preferred_until, other.valid_until)

    def words(self):
        words = [f"{self.address}/{self.length}"]
        if not self.v6:
            if self.peer:
                words = [self.address, "peer", f"{self.peer}/{self.length}"]
            # netifd always sets a broadcast address; for /31 and /32 it is 255.255.255.255
            shown = self.broadcast or (
                "255.255.255.255"
                if self.length >= 31
                else str(ipaddress.ip_interface(f"{self.address}/{self.length}").network.broadcast_address)
            )
            words += ["broadcast", shown]
        return words

    def add(self, device):
        words = self.words()
        if self.v6:
            if self.valid_until and self.valid_until <= now():
                return False
            if self.valid_until:
                words += ["valid_lft", str(self.valid_until - now())]
            if self.preferred_until:
                words += ["preferred_lft", str(max(0, self.preferred_until - now()))]
            if self.offlink:
                words.append("noprefixroute")
        return kernel.ip("-6" if self.v6 else "-4", "addr", "replace", *words, "dev", device)

    def delete(self, device):
        return kernel.ip(
            "-6" if self.v6 else "-4", "addr", "del", f"{self.address}/{self.length}", "dev", device
        )

    def shown(self):
        result = {"address": self.address, "mask": self.length}
        if self.peer:
            result["ptpaddress"] = self.peer
        if self.preferred_until:
            result["preferred"] = max(0, self.preferred_until - now())
        if self.valid_until:
            result["valid"] = self.valid_until - now()
        if self.kind_class:
            result["class"] = self.kind_class
        return result


class Route:
    def __init__(self, target, length, v6):
        self.target, self.length, self.v6 = target, length, v6
        self.gateway = "::" if v6 else "0.0.0.0"
        self.source, self.source_length = self.gateway, 0
        self.metric = self.mtu = self.table = self.kind = None
        self.own_metric = 0
        self.valid_until = 0
        self.onlink = self.enabled = self.failed = False

    @classmethod
    def from_update(cls, item, v6):
        """None for a disabled route; Invalid is for the caller to swallow, as netifd swallows it."""
        item = select(ROUTE, item)
        if item.get("disabled"):
            return None
        full = 128 if v6 else 32
        length = netmask(item["netmask"], v6) if "netmask" in item else full
        target, length = split(item.get("target", "::" if v6 else "0.0.0.0"), v6, length)
        new = cls(target if v6 else network(target, length), length, v6)
        if "gateway" in item:
            new.gateway = packed(item["gateway"], v6)
        new.metric, new.mtu = item.get("metric"), item.get("mtu")
        if "source" in item:
            new.source, new.source_length = split(item["source"], v6, full)
        new.onlink = item.get("onlink", False)
        if item.get("table") not in (None, "main", "254"):
            new.table = item["table"]
        if "valid" in item:
            new.valid_until = until(item["valid"])
        new.kind = item.get("type")
        return new

    @property
    def key(self):
        return (
            self.length,
            self.effective_metric,
            self.metric is None,
            self.source_length,
            self.table or "",
            self.source,
            self.target,
            self.v6,
        )

    @property
    def effective_metric(self):
        return self.own_metric if self.metric is None else self.metric

    def same(self, other):
        return (self.gateway, self.mtu, self.kind) == (
            other.gateway,
            other.mtu,
            other.kind,
        ) and not self.failed

    def words(self, device):
        target = f"{self.target}/{self.length}" if self.length else "default"
        words = ([self.kind] if self.kind else []) + [target]
        if self.source_length and self.v6:
            words += ["from", f"{self.source}/{self.source_length}"]
        if self.gateway not in ("::", "0.0.0.0"):
            words += ["via", self.gateway]
        if device and self.kind not in ("unreachable", "blackhole", "prohibit", "throw"):
            words += ["dev", device]
        words += ["proto", "static"]
        if self.source_length and not self.v6:
            words += ["src", self.source]
        if self.effective_metric:
            words += ["metric", str(self.effective_metric)]
        if self.table:
            words += ["table", self.table]
        if self.onlink:
            words.append("onlink")
        return words

    def add(self, device):
        words = self.words(device) + (["mtu", str(self.mtu)] if self.mtu else [])
        return kernel.ip("-6" if self.v6 else "-4", "route", "replace", *words)

    def delete(self, device):
        return kernel.ip("-6" if self.v6 else "-4", "route", "del", *self.words(device))

    def matches(self, address):
        return ipaddress.ip_address(address) in ipaddress.ip_network(
            f"{network(self.target, self.length)}/{self.length}"
        )

    def shown(self):
        result = {"target": self.target, "mask": self.length, "nexthop": self.gateway}
        if self.mtu:
            result["mtu"] = self.mtu
        if self.metric is not None:
            result["metric"] = self.metric
        if self.table:
            result["table"] = int(self.table) if self.table.isdigit() else self.table
        if self.valid_until:
            result["valid"] = self.valid_until - now()
        result["source"] = f"{self.source}/{self.source_length}"
        return result


def null_route(target, length, add):
    """netifd keeps traffic for the unassigned rest of a prefix from leaving again."""
    kernel.ip(
        "-6",
        "route",
        "replace" if add else "del",
        "unreachable",
        f"{network(target, length)}/{length}",
        "proto",
        "static",
        "metric",
        str(NULL_ROUTE_METRIC),
    )
