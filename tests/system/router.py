# SPDX-License-Identifier: Apache-2.0
"""What system tests say to the router and the access network, and how they wait for what follows."""

from __future__ import annotations

import contextlib
import json
import shlex
from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.lab import addresses
from tests.lab.lab import Lab
from tests.system import capture


def seconds_between(first: str, second: str) -> float:
    """Between two lines of `access requests`."""
    times = [datetime.fromisoformat(" ".join(entry.split()[:2])) for entry in (first, second)]
    return (times[1] - times[0]).total_seconds()


RENEW = 5  # RFC 8415 section 7.3

# What tests run on the router that not every OpenWrt has: its package there, and how to see that it is there.
TOOLS = {
    "baresip": "command -v baresip",
    "curl": "command -v curl",
    "ip-full": "/sbin/ip -d link show dev lo",
    "map": "[ -x /lib/netifd/proto/map.sh ]",
    "iputils-ping": "/usr/bin/ping -M do -c 1 127.0.0.1",
    "python3-light": "command -v python3",
    "softwire": "test -e /usr/lib/softwire/softwire/__main__.mpy",
}


class Line:
    """The subscriber's line in the lab, seen from outside."""

    def __init__(self, lab: Lab):
        self.lab = lab
        self.router = lab.router
        self.lanhost = lab.lanhost
        self.changed = False
        self.router.check("cp /etc/config/network /etc/network.saved")

    def need(self, *packages: str) -> None:
        """Skips the test where an OpenWrt lacks something; the stand-in's guest has all of it."""
        missing = [package for package in packages if self.router.run(TOOLS[package])[1]]
        if missing:
            assert self.lab.openwrt, f"the guest image lacks {missing}"
            pytest.skip(f"this OpenWrt has no {' and no '.join(missing)}; OPENWRT_FEED may bring it")

    # The access network

    def access(self, words: str, timeout: float = 60) -> str:
        """Says something to the access network: see `access help`."""
        return self.lab.access.check(f"sh /lab/access/access {words}", timeout)

    def access_changed(self, words: str, timeout: float = 60) -> str:
        """The same, for what has to be put back."""
        self.changed = True
        return self.access(words, timeout)

    def requests(self) -> list[str]:
        """What the RADIUS server was asked so far, a line each, answers left out."""
        return [entry for entry in self.access("requests").splitlines() if " request " in entry]

    # The router

    def interface(self, name: str) -> dict:
        """netifd's status of an interface."""
        return json.loads(self.router.check(f"ifstatus {name}"))

    def errors(self, name: str = "wan") -> list[str]:
        """The error codes in ifstatus."""
        return [error["code"] for error in self.interface(name).get("errors", [])]

    def status(self, name: str = "wan") -> dict:
        """`softwire --json status`."""
        output, _ = self.router.run(f"softwire status --json {name}")
        return json.loads(output)

    def endpoints(self) -> list[str]:
        """The global addresses on lo."""
        told = self.router.check("/sbin/ip -6 -o address show dev lo scope global")
        return [entry.split()[3].partition("/")[0] for entry in told.splitlines() if entry]

    def ifindex(self) -> int:
        """The kernel's number of the tunnel device; a device made anew has another."""
        return int(self.router.check("cat /sys/class/net/sw-wan/ifindex"))

    def client(self) -> list[str]:
        """The process numbers of the resident client: one, where all is well."""
        return self.router.run("pgrep -f 'm [s]oftwire client wan$'")[0].split()

    def configure(self, reload: bool = True, **options: str | None) -> None:
        """Sets (or with None deletes) options of interface wan and reloads the network."""
        self.changed = True
        for name, value in options.items():
            key = f"network.wan.{name}"
            if value is None:
                self.router.run(f"uci -q delete {key}")
            else:
                self.router.check(f"uci set {key}={shlex.quote(value)}")
        self.router.check("uci commit network")
        if reload:
            self.router.check("/etc/init.d/network reload")

    def wait(self, good, timeout: float, what: str):
        """The first true value of good()."""
        return self.lab.wait_until(good, timeout, what)

    def wait_for_softwire(self, ipv4: str = addresses.IPV4) -> None:
        """Until IPv4 packets of the LAN host pass."""
        self.wait(lambda: self.interface("wan").get("up"), 120, "wan is up")
        self.wait(lambda: self.seen_by_ipv4() == ipv4, 60, f"the IPv4 internet sees {ipv4}")

    def wait_until_gone(self) -> None:
        """Until nothing is left of the tunnel's device."""
        self.router.wait_until("! [ -e /sys/class/net/sw-wan ]", 30, "sw-wan is gone")

    def wait_for_error(self, code: str, timeout: float = 120) -> str:
        """Until ifstatus shows the code; the error's text."""
        self.wait(lambda: code in self.errors(), timeout, f"ifstatus shows {code}")
        return next(
            (error.get("data") or [""])[0]
            for error in self.interface("wan")["errors"]
            if error["code"] == code
        )

    def wait_until_answered(self) -> None:
        """Until odhcp6c waits for no answer of a DHCPv6 server that knows it."""
        self.wait(lambda: not capture.dhcpv6_unanswered(self.lab.capture), 60, "the DHCPv6 server answers")

    def renew(self) -> None:
        """Until odhcp6c has asked for its leases' renewal, as it does by itself every half minute."""
        self.wait_until_answered()
        before = capture.dhcpv6_messages(self.lab.capture).count(RENEW)
        self.router.check("ubus call network.interface.wan6 renew")
        self.wait(
            lambda: capture.dhcpv6_messages(self.lab.capture).count(RENEW) > before, 30, "a DHCPv6 Renew"
        )

    # The LAN host

    def seen_by_ipv4(self) -> str:
        """Which address the IPv4 internet sees the LAN host under; empty if it does not reach it."""
        return self.lanhost.run(f"curl -4 -s -m 5 http://{addresses.INTERNET4}/")[0].strip()

    def seen_by_ipv6(self) -> str:
        """The same over native IPv6."""
        return self.lanhost.run(f"curl -6 -s -m 5 'http://[{addresses.INTERNET6}]/'")[0].strip()

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """For what the test itself puts back: only where it fails, restore() has to."""
        self.changed = True
        yield
        self.changed = False

    def restore(self) -> None:
        """Back to the line and configuration that the first test found."""
        if not self.changed:
            return
        self.access("restore", 120)
        self.router.check(
            "cp /etc/lines/next-phone/* /etc/config/; cp /etc/network.saved /etc/config/network"
        )
        self.router.check("/etc/init.d/network restart", 120)
        self.changed = False
        self.wait_for_softwire()
