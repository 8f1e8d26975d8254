# SPDX-License-Identifier: Apache-2.0
"""The daemon: reads /etc/config/network, owns interfaces and devices, passes events on, writes the
resolver file (netifd)."""

import os
import signal
import sys

from . import dump, kernel, status, uci
from .addressing import Invalid, Route
from .blob import from_uci
from .device import OPTIONS as DEVICE_OPTIONS
from .device import Table
from .handlers import Handlers
from .hotplug import Hotplug
from .interface import OPTIONS, Interface
from .kernel import LinkWatch
from .lan import RouterAdvertisements
from .log import Log
from .loop import Loop
from .prefixes import Assignments
from .service import Service

RESOLV = "/tmp/resolv.conf.d/resolv.conf.auto"
PID_FILE = "/var/run/netifd.pid"
KINDS = ("tunnel", "Network device", "bridge", "veth", "macvlan", "8021ad", "8021q", "bonding", "vrf")


class Daemon:
    def __init__(self):
        self.loop = Loop()
        self.log = Log()
        self.log.listen(self.loop)
        for kind in KINDS:
            self.log.netifd(f"Added device handler type: {kind}")
        self.reading_config = False
        self.interfaces = {}
        self.devices = Table(self.loop, self.log)
        self.devices.device_of = self.l3_of_running
        self.handlers = Handlers()
        self.hotplug = Hotplug(self.loop, self.log)
        self.advertisements = RouterAdvertisements(self)
        self.assignments = Assignments(self.log, self.advertisements.changed)
        self.assignments.interfaces = lambda: self.interfaces
        self.watch = LinkWatch(self.loop, self.devices.kernel_changed)

    def run(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        with open(PID_FILE, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")
        self.read_config()
        self.service = Service(self)
        self.loop.after(1, self.expire)
        self.loop.run()
        self.advertisements.stop()
        for interface in self.interfaces.values():
            if interface.proto:
                interface.proto.free()

    def stop(self):
        self.loop.running = False

    def restart(self):
        """`ubus call network restart`: everything down, a second later the same program anew."""
        for interface in list(self.interfaces.values()):
            interface.go_down()
        self.loop.after(1, lambda: os.execv(sys.executable, [sys.executable] + sys.orig_argv[1:]))

    def expire(self):
        for interface in self.interfaces.values():
            if interface.state == "up":
                interface.proto_settings.expire()
        self.loop.after(1, self.expire)

    # configuration

    def read_config(self):
        """False when the file can't be read; then everything stays as it is."""
        try:
            package = uci.Package("network")
        except uci.UciError as problem:
            self.log.netifd(f"Failed to load network config ({problem})", "crit")
            return False
        self.reading_config = True
        self.read_devices(package)
        seen = set()
        for section in package.of("interface"):
            if section.options.get("disabled") in ("1", "true"):
                continue
            seen.add(section.name)
            self.add_interface(section.name, *self.interface_config(section.options))
        self.read_routes(package)
        self.reading_config = False
        for interface in list(self.interfaces.values()):
            if interface.name not in seen and not interface.dynamic:
                interface.set_config_state("remove")
        for interface in list(self.interfaces.values()):
            if interface.autostart:
                interface.set_up()
        return True

    def read_devices(self, package):
        for section in package.of("device"):
            options = from_uci(DEVICE_OPTIONS, section.options)
            name = options.get("name")
            if not name:
                continue
            if options.get("type") == "bridge":
                self.devices.bridge(name, options)
            elif "type" not in options:
                device = self.devices.get(name)
                if device:
                    device.configured = True
                    device.configure(options)

    def interface_config(self, options):
        """(all that reaches the handler, what concerns the device): netifd's options and the declared ones only."""
        config = from_uci(OPTIONS, options)
        handler = self.handlers.find(config.get("proto"))
        if handler:
            config.update(from_uci(handler.options, options))
        device = from_uci(
            {
                name: kind
                for name, kind in DEVICE_OPTIONS.items()
                if name not in ("type", "name", "ports", "bridge_empty", "stp")
            },
            options,
        )
        for name, value in device.items():
            config.setdefault(name, value)
        return config, device

    def add_interface(self, name, config, device_options=None, dynamic=False):
        new = Interface(self, name, config, dynamic)
        new.device_options = device_options or {}
        known = self.interfaces.get(name)
        if known:
            known.take_over(new)
            return
        self.interfaces[name] = new
        new.event("create")
        new.start()
        if dynamic and new.autostart:
            new.set_up()

    def read_routes(self, package):
        for interface in self.interfaces.values():
            interface.config_settings.begin()
            interface.config_settings.add_dns(interface.config.get("dns", []))
            interface.config_settings.add_search(interface.config.get("dns_search", []))
        for section in package.sections:
            if section.kind not in ("route", "route6"):
                continue
            interface = self.interfaces.get(section.options.get("interface", "loopback"))
            options = {name: value for name, value in section.options.items() if name != "interface"}
            item = {
                name: int(value) if name in ("metric", "mtu") and value.isdigit() else value
                for name, value in options.items()
            }
            try:
                route = Route.from_update(item, section.kind == "route6")
            except Invalid:
                continue
            if interface and route:
                interface.config_settings.add_route(route)
        for interface in self.interfaces.values():
            interface.config_settings.finish()

    def add_dynamic(self, message):
        name = message.get("name")
        if not isinstance(name, str):
            return status.INVALID_ARGUMENT
        self.add_interface(name, message, dynamic=True)
        return status.OK

    # what interfaces ask of all others

    def interface_event(self, interface, event):
        for other in list(self.interfaces.values()):
            if other is not interface and hasattr(other.proto, "interfaces_changed"):
                other.proto.interfaces_changed(event)
        self.hotplug.queue(interface, event)
        if event in ("ifup", "ifdown", "ifupdate"):
            self.advertisements.changed()

    def l3_of_running(self, name):
        interface = self.interfaces.get(name)
        return interface.l3.device if interface and interface.state == "up" else None

    def l3_name(self, name):
        """The l3 device of a netifd interface (a tunnel's `link`); KeyError when there is no such interface."""
        device = self.interfaces[name].l3.device
        return device.ifname if device else None

    def way_to(self, host, v6, only=None):
        """The interface over which a host is reached; adds no host route for the unspecified address."""
        candidates = [only] if only else [self.interfaces[name] for name in sorted(self.interfaces)]
        best = None
        for interface in candidates:
            for settings in (interface.proto_settings, interface.config_settings):
                if host not in ("::", "0.0.0.0") and settings.reaches(host, v6):
                    return interface
                route = settings.route_to(host, v6)
                if route and (
                    best is None
                    or (route.length, -route.effective_metric) > (best[1].length, -best[1].effective_metric)
                ):
                    best = (interface, route)
        return best[0] if best else None

    def host_route(self, message):
        target, v6 = message.get("target"), message.get("v6", False)
        if not isinstance(target, str):
            return status.INVALID_ARGUMENT, None
        found = self.way_to(target, v6, self.interfaces.get(message.get("interface")))
        return (status.OK, {"interface": found.name}) if found else (status.NOT_FOUND, None)

    def write_resolv(self):
        ready = [
            interface
            for interface in self.interfaces.values()
            if interface.state == "up"
            and any(
                settings.dns or settings.search
                for settings in (interface.config_settings, interface.proto_settings)
            )
        ]
        lines = []
        for interface in sorted(ready, key=lambda each: (each.dns_metric, each.metric, each.name)):
            lines.append(f"# Interface {interface.name}")
            for settings in (interface.config_settings, interface.proto_settings):
                if settings is interface.proto_settings and settings.no_dns:
                    continue
                scope = f"%{settings.device}"
                lines += [
                    f"nameserver {server}{scope if server.startswith('fe80:') else ''}"
                    for server in settings.dns
                ]
                lines += [f"search {name}" for name in settings.search]
        text = "".join(f"{line}\n" for line in lines)
        os.makedirs(os.path.dirname(RESOLV), exist_ok=True)
        if kernel.read(RESOLV) + "\n" != text or not text:
            with open(f"{RESOLV}.tmp", "w", encoding="ascii") as file:
                file.write(text)
            os.rename(f"{RESOLV}.tmp", RESOLV)

    def status_of(self, interface):
        return dump.interface(interface)
