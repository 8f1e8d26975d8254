# SPDX-License-Identifier: Apache-2.0
"""Router advertisements on LAN interfaces through radvd: each address of a bridge with its lifetimes, lost
ones deprecated; where /etc/config/dhcp says relay, the /64 of the master interface, its neighbour solicitations
answered by ndppd (odhcpd)."""

import ipaddress
import json
import os
import signal
import subprocess
import time

from . import kernel, uci
from .prefixes import WITHDRAWN_LIFETIME

CONFIG = "/var/etc/radvd.conf"
NDPPD_CONFIG = "/var/etc/ndppd.conf"
RELAY_METRIC = 128  # before the route of the line's own /64
SETTLE = 0.2  # changes come in groups; radvd shall read one file for all of them
LIFETIME = 1800


def announced(device):
    """(prefix/64, preferred, valid) of every global address on the device that belongs to a /64."""
    try:
        output = subprocess.run(
            ("ip", "-j", "-6", "addr", "show", "dev", device),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        ).stdout
        links = json.loads(output or b"[]")
    except ValueError:
        return []
    result = []
    for item in (address for link in links for address in link.get("addr_info", [])):
        if item.get("scope") == "global" and item.get("prefixlen") == 64 and not item.get("temporary"):
            result.append((f"{item['local']}/64", item["preferred_life_time"], item["valid_life_time"]))
    return result


def lifetime(seconds):
    return "infinity" if seconds == 0xFFFFFFFF else str(seconds)


def render(interfaces, router_lifetime):
    lines = []
    for device, mtu, prefixes in interfaces:
        lines += [
            f"interface {device} {{",
            "\tAdvSendAdvert on;",
            "\tMinRtrAdvInterval 3;",
            "\tMaxRtrAdvInterval 10;",
            f"\tAdvDefaultLifetime {router_lifetime};",
        ]
        if mtu:
            lines.append(f"\tAdvLinkMTU {mtu};")
        for prefix, preferred, valid in prefixes:
            lines += [
                f"\tprefix {prefix} {{",
                f"\t\tAdvValidLifetime {lifetime(valid)};",
                f"\t\tAdvPreferredLifetime {lifetime(preferred)};",
                # radvd keeps quiet about a prefix whose counted-down preferred lifetime is 0
                f"\t\tDecrementLifetimes {'on' if preferred else 'off'};",
                "\t};",
            ]
        lines.append("};")
    return "\n".join(lines) + "\n"


def relayed():
    """(the LAN interfaces that relay, the master interfaces) of /etc/config/dhcp."""
    try:
        sections = uci.Package("dhcp").of("dhcp")
    except (OSError, uci.UciError):
        return [], []
    names = {True: [], False: []}
    for section in sections:
        options = section.options
        if options.get("ra") == options.get("ndp") == "relay":
            names[options.get("master") == "1"].append(options.get("interface"))
    return names[False], names[True]


class NeighbourRelay:
    """Answers for the LAN's hosts on the line, and routes the line's /64 to the LAN."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.wanted = None
        self.process = None

    def update(self, wanted):
        """wanted: (line's device, LAN's device, prefixes), or None."""
        if wanted == self.wanted:
            return
        self.stop()
        self.wanted = wanted
        if not wanted:
            return
        line, lan, prefixes = wanted
        rules = "".join(f"\trule {prefix} {{\n\t\tiface {lan}\n\t}}\n" for prefix in prefixes)
        with open(NDPPD_CONFIG, "w", encoding="ascii") as file:
            file.write(f"proxy {line} {{\n\trouter no\n{rules}}}\n")
        for prefix in prefixes:
            self.route("replace", prefix, lan)
        try:
            self.process = subprocess.Popen(
                ("ndppd", "-c", NDPPD_CONFIG),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError as problem:
            self.daemon.log.write(f"ndppd: {problem}", level="err")

    @staticmethod
    def route(verb, prefix, device):
        words = ("ip", "-6", "route", verb, prefix, "dev", device, "metric", str(RELAY_METRIC))
        subprocess.run(words, stderr=subprocess.DEVNULL, check=False)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None
        if self.wanted:
            for prefix in self.wanted[2]:
                self.route("del", prefix, self.wanted[1])
        self.wanted = None


class RouterAdvertisements:
    def __init__(self, daemon):
        self.daemon = daemon
        self.relay = NeighbourRelay(daemon)
        self.timer = None
        self.shape = None
        self.radvd = None
        self.told = {}  # device -> {prefix: when hosts forget it}

    def changed(self):
        """Addresses or routes may have changed; looks in a moment."""
        if self.timer is None or not self.timer.pending:
            self.timer = self.daemon.loop.after(SETTLE, self.update)

    def update(self):
        interfaces = []
        relaying, masters = relayed()
        line = next((device for device in map(self.daemon.l3_of_running, masters) if device), None)
        shared = announced(line.ifname) if line else []
        wanted = None
        for interface in self.daemon.interfaces.values():
            device = interface.l3.device
            if interface.assign_length and interface.state == "up" and device:
                prefixes = self.with_lost(device.ifname, announced(device.ifname))
                if interface.name in relaying and shared:
                    prefixes += shared
                    networks = sorted({str(ipaddress.IPv6Interface(item[0]).network) for item in shared})
                    wanted = (line.ifname, device.ifname, networks)
                if prefixes:
                    interfaces.append((device.ifname, kernel.sysctl(device.ifname, "mtu"), prefixes))
        self.relay.update(wanted)
        router = LIFETIME if self.daemon.way_to("::", True) else 0
        text = render(interfaces, router) if interfaces else None
        # lifetimes tick by themselves in radvd; only what jumps is news
        shape = (
            router,
            [
                (device, mtu, [(prefix, preferred > 0) for prefix, preferred, _ in prefixes])
                for device, mtu, prefixes in interfaces
            ],
            self.ends(interfaces),
        )
        if shape == self.shape:
            return
        self.shape = shape if text else None
        if text is None:
            self.stop()
            return
        os.makedirs(os.path.dirname(CONFIG), exist_ok=True)
        with open(CONFIG, "w", encoding="ascii") as file:
            file.write(text)
        if self.radvd:
            os.kill(self.radvd.pid, signal.SIGHUP)
        else:
            self.start()

    @staticmethod
    def ends(interfaces):
        """When each lifetime ends, in units coarse enough for what reading it costs."""
        now = time.monotonic()
        return [round((now + valid) / 5) for _, _, prefixes in interfaces for _, _, valid in prefixes]

    def with_lost(self, device, prefixes):
        """A prefix that is gone is announced as deprecated for as long as hosts were told to keep it (RFC 9096).

        That of a relay is not: odhcpd passes on what the line says, and nobody says that it is over.
        """
        now, told = time.monotonic(), self.told.setdefault(device, {})
        present = {str(ipaddress.IPv6Interface(prefix).network) for prefix, _, _ in prefixes}
        for name, end in list(told.items()):
            if end <= now:
                del told[name]
            elif name not in present:
                prefixes.append((name, 0, int(end - now)))
                self.daemon.loop.after(end - now + 1, self.changed)
        for prefix, _, valid in prefixes:
            told[str(ipaddress.IPv6Interface(prefix).network)] = now + min(valid, WITHDRAWN_LIFETIME)
        return prefixes

    def start(self):
        try:
            self.radvd = subprocess.Popen(
                ("radvd", "-n", "-C", CONFIG, "-p", "/var/run/radvd-lan.pid", "-m", "syslog"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError as problem:
            self.daemon.log.write(f"radvd: {problem}", level="err")
            return
        self.daemon.loop.on_exit(self.radvd.pid, self.ended)

    def ended(self, status):
        self.radvd.returncode = os.waitstatus_to_exitcode(status)
        self.radvd = None
        if self.daemon.loop.running and self.shape:
            self.daemon.log.write(f"radvd: ended with {os.waitstatus_to_exitcode(status)}", level="err")
            self.shape = None
            self.daemon.loop.after(2, self.update)

    def stop(self):
        self.relay.stop()
        if self.radvd:
            self.daemon.loop.forget_child(self.radvd.pid)
            self.radvd.terminate()
            self.radvd.wait()
            self.radvd = None
