# SPDX-License-Identifier: Apache-2.0
"""Every address of a range is this machine's: a mark for what may come in, its rule, a table of local routes.

The packets of a range that are for an open port are marked as they come in; a rule looks them up in a table that calls
the whole range local. Everything else of the range is dropped. What this machine sends is looked up as ever, so
neighbours in the same prefix stay neighbours.
"""

from __future__ import annotations

import ipaddress
import os
import types
import typing

from softwired import kernel
from softwired.kernel import PREFIX64, KernelError
from softwired.prefix64 import ranges

TABLE = "ip6 softwired_prefix64"
# In the run directory, for fw4 to include.
FILE = "prefix64.nft"
# Of ICMPv6 what belongs to a connection: path MTU discovery and the like (RFC 4890 section 4.4.1).
ERRORS = "destination-unreachable, packet-too-big, time-exceeded, parameter-problem"
PROXY = "/proc/sys/net/ipv6/conf/{}/{}"

Prefixes = typing.Sequence[tuple[types.SimpleNamespace, ipaddress.IPv6Network]]


def firewall(prefixes: Prefixes, mark: int) -> str:
    """The content of the nftables table, '' for nothing."""
    entries = [(entry, prefix) for entry, prefix in prefixes if entry.local]
    if not entries:
        return ""
    lines = ["\tchain prerouting {", "\t\ttype filter hook prerouting priority mangle; policy accept;"]
    for number, (entry, prefix) in enumerate(entries):
        spans = ranges.without(ranges.of(prefix), entry.exceptions)
        elements = ", ".join(span.text() for span in spans)
        lines.append(f'\t\tiifname "{entry.interface}" ip6 daddr {{ {elements} }} jump range_{number}')
    lines.append("\t}")
    for number, (entry, _) in enumerate(entries):
        lines += [
            f"\tchain range_{number} {{",
            "\t\tfib daddr type { local, anycast } return",
            # Ports stand in the first fragment alone, without which nothing comes of the others.
            "\t\tfrag frag-off != 0 goto ours",
        ]
        for protocol, ports in (("tcp", entry.ports), ("udp", entry.udp_ports)):
            if ports:
                lines.append(f"\t\t{protocol} dport {{ {', '.join(map(str, ports))} }} goto ours")
        icmp = ERRORS + (", echo-request" if entry.echo else "")
        lines += [f"\t\ticmpv6 type {{ {icmp} }} goto ours", "\t\tcounter drop", "\t}"]
    lines += ["\tchain ours {", f"\t\tcounter meta mark set meta mark | {mark:#x} accept", "\t}"]
    return "\n".join(lines) + "\n"


class Local:
    """Makes the kernel agree with what is wanted."""

    def __init__(self, folder: str) -> None:
        self.table = kernel.Table(TABLE, os.path.join(folder, FILE))
        self.switched: set[str] = set()
        # Host routes to neighbours on another interface.
        self.wired: set[str] = set()
        # Nothing is wanted, and nothing of ours is there.
        self.idle = False

    def reconcile(self, values: types.SimpleNamespace, prefixes: Prefixes, problems: dict[str, str]) -> bool:
        """Whether anything had to be done; what cannot be had is told in `problems`."""
        local = [prefix for entry, prefix in prefixes if entry.local]
        proxied = [(entry.interface, prefix) for entry, prefix in prefixes if entry.answer == "kernel"]
        if self.idle and not local and not proxied:
            return False
        self.idle = False
        try:
            # Nothing is marked before there is where it goes.
            changed = self._routes(values, local)
            changed |= self.table.load(firewall(prefixes, values.mark))
            changed |= self._proxies(proxied, problems)
            self.idle = not local and not proxied
        except KernelError as error:
            # Who wants nothing of it need not have the tools.
            if local or proxied:
                problems["kernel"] = str(error)
            return False
        return changed

    def _routes(self, values: types.SimpleNamespace, local: list[ipaddress.IPv6Network]) -> bool:
        wanted = [
            f"local {prefix} dev lo table {values.table} proto {PREFIX64}" for prefix in dict.fromkeys(local)
        ]
        there = [_route(one) for one in kernel.routes(PREFIX64)]
        # Those are made when somebody answers; what an earlier run left is too much.
        there = [one for one in there if one not in self.wired]
        mark = f"{values.mark:#x}"
        rules = []
        if local:
            rules = [f"pref {values.rule} fwmark {mark}/{mark} lookup {values.table} protocol {PREFIX64}"]
        found = [
            f"pref {one['priority']} fwmark {one.get('fwmark')}/{one.get('fwmask', '0xffffffff')}"
            f" lookup {one.get('table')} protocol {PREFIX64}"
            for one in kernel.rules(PREFIX64)
        ]
        lines = kernel.difference(there, wanted, "route") + kernel.difference(found, rules, "rule")
        kernel.batch(lines)
        return bool(lines)

    def _proxies(self, proxied: list[tuple[str, ipaddress.IPv6Network]], problems: dict[str, str]) -> bool:
        wanted = []
        for interface, prefix in proxied:
            if _setting(interface, "proxy_ndp") == "0":
                self.switched |= {interface} if _set(interface, "1") else set()
            if not forwards(interface):
                problems[f"{interface} proxy_ndp"] = (
                    f"the kernel answers for {prefix.network_address} only where"
                    f" net.ipv6.conf.{interface}.forwarding is 1: until then softwired does"
                )
            if _setting(interface, "proxy_ndp") is not None:
                wanted.append(f"proxy {prefix.network_address} dev {interface} protocol {PREFIX64}")
        there = [
            f"proxy {one['dst']} dev {one['dev']} protocol {PREFIX64}" for one in kernel.proxies(PREFIX64)
        ]
        lines = kernel.difference(there, wanted, "neigh")
        kernel.batch(lines)
        return bool(lines)

    def wire(self, interface: str, address: ipaddress.IPv6Address, wired: bool) -> None:
        """Makes or takes away a host route; KernelError."""
        line = f"unicast {address}/128 dev {interface} table main proto {PREFIX64}"
        if wired:
            self.wired.add(line)
            self.idle = False
        else:
            self.wired.discard(line)
        kernel.batch([f"route {'replace' if wired else 'del'} {line}"])

    def clean(self) -> None:
        """Nothing of ours stays; KernelError."""
        if self.idle:
            return
        kernel.batch(f"rule del pref {one['priority']} protocol {PREFIX64}" for one in kernel.rules(PREFIX64))
        self.table.loaded = "?"
        self.table.load("")
        kernel.batch(f"route del {_route(one)}" for one in kernel.routes(PREFIX64))
        kernel.batch(f"neigh del proxy {one['dst']} dev {one['dev']}" for one in kernel.proxies(PREFIX64))
        for interface in self.switched:
            _set(interface, "0")
        self.switched.clear()


def forwards(interface: str) -> bool:
    """Whether the kernel would answer there for others' addresses."""
    return _setting(interface, "forwarding") == "1"


def _route(one: dict[str, typing.Any]) -> str:
    """As `ip route` takes it."""
    destination = one["dst"] if "/" in one["dst"] else f"{one['dst']}/128"
    # Numbers, as everything is asked for: RTN_UNICAST is not told, RTN_LOCAL is 2.
    kind = {"2": "local", "1": "unicast"}.get(str(one.get("type", 1)), one.get("type"))
    return (
        f"{kind} {destination} dev {one.get('dev', 'lo')} table {one.get('table', 'main')} proto {PREFIX64}"
    )


def _setting(interface: str, name: str) -> str | None:
    try:
        with open(PROXY.format(interface, name), encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return None


def _set(interface: str, value: str) -> bool:
    try:
        with open(PROXY.format(interface, "proxy_ndp"), "w", encoding="ascii") as file:
            file.write(value)
    except OSError:
        return False
    return True
