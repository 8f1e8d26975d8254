# SPDX-License-Identifier: Apache-2.0
"""Rules, routes and neighbours of ours in the kernel by ip-batch(8), a firewall table by nft(8); ours have a number.

What is wanted is compared with what is there, and only the difference is done: at start, after a crash, and whenever
somebody else may have changed it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import subprocess
import typing

from softwired import privileges
from softwired.interfaces import Changes

# Who made a rule, route or neighbour (rtnetlink(7), rtm_protocol): one of ours for each service, and DHCP clients.
PREFIX64 = 164
DHCP = 16
LONGEST = 20.0
# linux/netfilter/nfnetlink.h, NFNLGRP_NFTABLES as a bit of bind()
NETLINK_NETFILTER, NFTABLES = 12, 1 << 6


class KernelError(Exception):
    """What could not be done, in the words of the tool."""


def _run(words: list[str], text: str = "") -> str:
    """The output of a tool, which gets our capabilities; KernelError."""
    try:
        done = subprocess.run(
            words,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LONGEST,
            preexec_fn=privileges.lend,
        )
    except FileNotFoundError:
        raise KernelError(f"{words[0]}: not installed") from None
    except (OSError, subprocess.SubprocessError) as error:
        raise KernelError(f"{words[0]}: {error}") from None
    if done.returncode:
        raise KernelError(f"{words[0]}: {' '.join(done.stderr.split()) or done.returncode}")
    return done.stdout


def shown(*words: str) -> list[dict[str, typing.Any]]:
    """What `ip -6 … show` lists, numbers as numbers; KernelError."""
    # Older ones print nothing at all for an empty list.
    text = _run(["ip", "-json", "-Numeric", "-6", *words]).strip() or "[]"
    try:
        return [one for one in json.loads(text) if one]
    except ValueError:
        raise KernelError(
            f"ip {' '.join(words)}: no JSON; iproute2 itself (ip-full) would be right"
        ) from None


def batch(lines: typing.Iterable[str]) -> None:
    """Does them in order, also those behind one that fails; KernelError with what failed."""
    text = "".join(line + "\n" for line in lines)
    if text:
        _run(["ip", "-6", "-force", "-batch", "-"], text)


def rules(protocol: int) -> list[dict[str, typing.Any]]:
    return [one for one in shown("rule", "show") if str(one.get("protocol")) == str(protocol)]


def routes(protocol: int) -> list[dict[str, typing.Any]]:
    """Of all tables."""
    return shown("route", "show", "table", "all", "proto", str(protocol))


def delegations() -> list[ipaddress.IPv6Network]:
    """Prefixes that were delegated to this machine: what is not used of one goes nowhere (RFC 7084, WPD-5)."""
    found = shown("route", "show", "type", "unreachable", "proto", str(DHCP))
    networks = [ipaddress.IPv6Network(one["dst"]) for one in found if "/" in str(one.get("dst"))]
    return sorted({one for one in networks if one.prefixlen <= 64})


def proxies(protocol: int) -> list[dict[str, typing.Any]]:
    """Addresses that the kernel answers for."""
    found = shown("neigh", "show", "proxy")
    return [one for one in found if str(one.get("protocol")) == str(protocol)]


def difference(there: typing.Iterable[str], wanted: typing.Iterable[str], verb: str) -> list[str]:
    """Lines for `batch`: `<verb> del …` for what is too much, `<verb> add …` for what lacks."""
    there, wanted = list(there), list(wanted)
    return [f"{verb} del {one}" for one in there if one not in wanted] + [
        f"{verb} add {one}" for one in wanted if one not in there
    ]


class Table:
    """One nftables table of ours, loaded as a whole in one transaction; as long as it is, it also stands in a file.

    A firewall that includes the file when it is loaded itself, as OpenWrt's fw4 does, never leaves the table out.
    """

    def __init__(self, name: str, path: str) -> None:
        self.name = name  # family and name
        self.path = path
        self.loaded = ""

    def there(self) -> bool:
        try:
            _run(["nft", "-t", "list", "table", *self.name.split()])
        except KernelError:
            return False
        return True

    def load(self, content: str) -> bool:
        """What stands between its braces, '' for no table; whether there was anything to do; KernelError."""
        there = self.there()
        if not content:
            self._write("")
        if there == bool(content) and self.loaded == content:
            return False
        text = f"table {self.name} {{\n{content}}}\n" if content else ""
        # Meanwhile nobody includes the old one, and never one that nft refuses.
        self._write("")
        if content or there:
            # Created first, so that deleting it never fails.
            _run(["nft", "-f", "-"], f"table {self.name}\ndelete table {self.name}\n{text}")
        self.loaded = content
        self._write(text)
        return True

    def _write(self, text: str) -> None:
        try:
            if text:
                with open(self.path + ".new", "w", encoding="ascii") as file:
                    file.write(text)
                os.replace(self.path + ".new", self.path)
            else:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.path)
        except OSError as error:
            raise KernelError(f"{self.path}: {error.strerror}") from None


def firewall_changes() -> Changes:
    """Tells when somebody changes nftables; OSError where one may not know."""
    return Changes(NETLINK_NETFILTER, NFTABLES)
