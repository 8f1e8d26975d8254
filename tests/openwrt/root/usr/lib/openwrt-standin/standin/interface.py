# SPDX-License-Identifier: Apache-2.0
"""One interface: its states down, setup, up, teardown and what moves it between them (NETIFD.md; netifd's
interface states)."""

import ipaddress
import random

from . import addressing, kernel
from .blob import ARRAY, BOOL, INT32, STRING, select
from .device import ADD, DOWN, LINK_DOWN, LINK_UP, REMOVE, UP, User
from .settings import Settings

OPTIONS = {
    "device": STRING,
    "proto": STRING,
    "ifname": STRING,
    "auto": BOOL,
    "zone": STRING,
    "jail": STRING,
    "defaultroute": BOOL,
    "peerdns": BOOL,
    "metric": INT32,
    "dns": ARRAY,
    "renew": BOOL,
    "dns_search": ARRAY,
    "dns_metric": INT32,
    "interface": STRING,
    "ip6assign": INT32,
    "ip6hint": STRING,
    "ip4table": STRING,
    "ip6table": STRING,
    "ip6class": ARRAY,
    "delegate": BOOL,
    "ip6ifaceid": STRING,
    "force_link": BOOL,
    "ip6weight": INT32,
    "tags": ARRAY,
}
# `remove` acts later, an add_dynamic in between is lost: a tenth of a second in netifd, more here, because an emulated
# machine needs that long for one ubus call, and what is "at once" on a router must not succeed here
REMOVE_DELAY = 1.0


class Interface:
    def __init__(self, daemon, name, config, dynamic=False):
        self.daemon = daemon
        self.log = daemon.log.netifd
        self.assignments = daemon.assignments
        self.name = name
        self.config = config
        self.dynamic = dynamic
        self.state = "down"
        self.config_state = "normal"
        self.available = self.enabled = self.link_state = False
        self.errors = []
        self.updated = set()
        self.data = {}
        self.users = []
        self.start_time = 0
        self.remove_timer = None
        self.main = User(self.main_event)
        self.l3 = User(self.l3_event)
        self.link_up_told = False
        self.proto = None
        self.device_options = {}
        self.metric = self.dns_metric = 0
        self.ip4table = self.ip6table = None
        self.proto_settings = Settings(self)
        self.config_settings = Settings(self)
        self.config_settings.enabled = False
        self.read_config()

    def read_config(self):
        options = select(OPTIONS, self.config)
        self.zone = options.get("zone")
        self.handler = self.daemon.handlers.find(options.get("proto"))
        if self.handler is None:
            self.handler = self.daemon.handlers.find("none")
            self.errors.append({"subsystem": "proto", "code": "INVALID_PROTO"})
        self.autostart = self.config_autostart = options.get("auto", True)
        self.renewable = options.get("renew", True)
        self.force_link = options.get("force_link", self.handler.force_link)
        self.device_name = options.get("device", options.get("ifname"))
        self.parent = options.get("interface")
        self.proto_settings.no_defaultroute = not options.get("defaultroute", True)
        self.proto_settings.no_dns = not options.get("peerdns", True)
        self.proto_settings.no_delegation = not options.get("delegate", True)
        self.config_settings.dns, self.config_settings.search = [], []
        self.config_settings.add_dns(options.get("dns", []))
        self.config_settings.add_search(options.get("dns_search", []))
        self.metric, self.dns_metric = options.get("metric", 0), options.get("dns_metric", 0)
        self.ip4table, self.ip6table = options.get("ip4table"), options.get("ip6table")
        self.assign_length = options.get("ip6assign", 0)
        if self.assign_length > 64:
            self.log(f"Invalid ip6assign value {self.assign_length} for interface '{self.name}'", "warn")
            self.assign_length = 0
        self.assign_hint = None
        if "ip6hint" in options and self.assign_length:
            try:
                hint = int(options["ip6hint"], 16)
            except ValueError:
                hint = 0
            self.assign_hint = hint & ~((1 << (64 - self.assign_length)) - 1)
        self.assign_classes = options.get("ip6class", [])
        self.assign_weight = options.get("ip6weight", 0)
        self.interface_id_option = options.get("ip6ifaceid", "::1")

    def interface_id(self):
        """The lower 64 bits of this interface's own address in a delegated prefix."""
        if self.interface_id_option == "random":
            return random.getrandbits(64)
        if self.interface_id_option == "eui64":
            mac = bytes.fromhex(
                kernel.read(kernel.link_file(self.l3.device.ifname, "address")).replace(":", "")
            )
            return int.from_bytes(bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:], "big")
        try:
            value = int(ipaddress.IPv6Address(self.interface_id_option))
        except ValueError:
            value = 0
        return value if 0 < value < 1 << 64 else 1

    # errors, data, events

    def keeps_last_error(self):
        return self.proto is not None and self.proto.handler.lasterror and self.proto.handler is self.handler

    def clear_errors(self):
        if not self.keeps_last_error():
            self.errors = []

    def add_error(self, subsystem, code, data=()):
        if self.handler.lasterror:
            self.errors = []
        error = {"subsystem": subsystem, "code": code}
        if data:
            error["data"] = list(data)
        self.errors.append(error)

    def set_data(self, message):
        """`set_data`, and the `data` of an update."""
        for name, value in message.items():
            if name not in self.data or self.data[name] != value:
                self.data[name] = value
                self.updated.add("data")

    def event(self, name):
        for call in list(self.users):
            call(self, name)
        self.daemon.interface_event(self, name)
        if name == "ifup":
            self.errors = []
            self.daemon.devices.alias_of(self.name, self.l3.device)
        elif name in ("ifdown", "ifup-failed"):
            self.daemon.devices.alias_of(self.name, None)

    def write_resolv(self):
        self.daemon.write_resolv()

    # the device under it

    def main_event(self, event):
        if event == ADD:
            self.set_available(True)
        elif event == REMOVE:
            self.set_available(False)
        elif event in (UP, DOWN):
            self.set_enabled(event == UP)
        elif event in (LINK_UP, LINK_DOWN):
            self.set_link_state(self.main.device.link_active)

    def l3_event(self, event):
        if (
            self.l3.device is not self.main.device
            and event == LINK_DOWN
            and self.handler.teardown_on_l3_link_down
        ):
            self.proto.command("teardown")

    def set_available(self, state):
        if self.available == state:
            return
        self.available = state
        if not state:
            self.go_down(force=True)
        elif self.autostart and not self.daemon.reading_config:
            self.set_up()

    def set_enabled(self, state):
        if self.enabled == state:
            return
        self.log(f"Interface '{self.name}' is {'enabled' if state else 'disabled'}")
        self.enabled = state
        self.check_state()

    def set_link_state(self, state):
        if self.link_state == state:
            return
        self.log(f"Interface '{self.name}' has link connectivity {'' if state else 'loss'}")
        self.link_state = state
        self.check_state()
        if state and self.force_link and self.state == "up" and not self.link_up_told:
            self.event("iflink")
            self.link_up_told = True

    def check_state(self):
        link = self.link_state or self.force_link
        if self.state in ("up", "setup"):
            if not self.enabled or not link:
                self.state = "teardown"
                if self.dynamic:
                    self.config_state = "remove"
                self.proto.command("teardown")
        elif self.state == "down":
            if (
                self.available
                and self.autostart
                and self.enabled
                and link
                and not self.daemon.reading_config
                and self.config_state != "remove"
            ):
                self.start_setup()

    def set_l3(self, device):
        if self.l3.device is device:
            return
        claimed = self.l3.claimed
        states = (self.config_settings.enabled, self.proto_settings.enabled)
        self.config_settings.set_enabled(False)
        self.proto_settings.set_enabled(False)
        self.proto_settings.flush()
        self.l3.attach(device)
        if device is None or (claimed and not self.l3.claim()):
            return
        self.config_settings.set_enabled(states[0])
        self.proto_settings.set_enabled(states[1])

    def set_main(self, device):
        if self.main.device is device:
            return
        self.set_available(False)
        self.main.attach(device)
        if device is None:
            self.set_link_state(False)
        elif self.l3.device is None:
            self.set_l3(device)

    def claim_device(self):
        if self.parent:
            self.set_main(self.daemon.devices.get(f"@{self.parent}"))
        elif self.device_name and not self.handler.no_device:
            device = self.daemon.devices.get(self.device_name)
            if device and not self.handler.no_device_config and not device.configured and self.device_options:
                device.configure(self.device_options)
            if device:
                self.set_main(device)
        if self.handler.init_available:
            self.set_available(True)

    # up and down

    def start_setup(self):
        self.log(f"Interface '{self.name}' is setting up now")
        self.state = "setup"
        if not self.proto.command("setup"):
            self.mark_down()
            return False
        return True

    def set_up(self):
        if self.config_state == "remove":
            return
        self.autostart = True
        if self.state != "down":
            return
        self.clear_errors()
        if not self.available:
            self.add_error("interface", "NO_DEVICE")
        elif self.main.device is not None:
            if self.main.claim():
                self.check_state()
            else:
                self.add_error("interface", "DEVICE_CLAIM_FAILED")
        elif not self.start_setup():
            self.add_error("interface", "SETUP_FAILED")

    def set_down(self):
        self.autostart = False
        self.go_down()

    def go_down(self, force=False):
        if self.state in ("up", "setup"):
            was_up = self.state == "up"
            self.state = "teardown"
            if self.dynamic:
                self.config_state = "remove"
            if was_up:
                self.event("ifdown")
            self.proto.command("teardown")
            if force:
                self.flush_state()
        elif self.state == "down":
            self.main.release()

    def flush_state(self):
        self.l3.release()
        self.data = {}

    def mark_down(self):
        was, self.state = self.state, "down"
        if was == "down":
            return
        self.link_up_told = False
        if was in ("up", "teardown"):
            self.event("ifdown")
        elif was == "setup":
            self.event("ifup-failed")
        self.config_settings.set_enabled(False)
        self.proto_settings.set_enabled(False)
        self.proto_settings.flush()
        self.flush_state()
        kernel.flush_routes()

    def proto_up(self):
        """The protocol has a connection, or more to say about it."""
        if self.state != "setup":
            if self.state == "up" and self.updated:
                self.event("ifupdate")
            return
        if self.l3.device is None:
            self.set_l3(self.main.device)
        self.config_settings.set_enabled(True)
        self.proto_settings.set_enabled(True)
        kernel.flush_routes()
        self.state = "up"
        self.start_time = addressing.now()
        self.event("ifup")
        self.log(f"Interface '{self.name}' is now up")
        self.write_resolv()

    def proto_down(self):
        if self.state == "down":
            return
        self.log(f"Interface '{self.name}' is now down")
        self.mark_down()
        self.write_resolv()
        if not (self.config_state == "normal" and self.autostart and self.available):
            self.main.release()
        self.l3.detach()
        self.handle_config_change()

    def proto_link_lost(self):
        if self.state != "up":
            return
        self.log(f"Interface '{self.name}' has lost the connection")
        self.mark_down()
        self.state = "setup"
        self.write_resolv()

    # configuration

    def handle_config_change(self):
        state, self.config_state = self.config_state, "normal"
        if state == "reload":
            self.reload()
        elif state == "remove":
            self.config_state = "remove"
            self.daemon.loop.after(0.001, self.finish_remove)
            return
        if self.autostart:
            self.set_up()

    def set_config_state(self, state):
        self.config_state = state
        if self.state == "down":
            self.handle_config_change()
        else:
            self.go_down()

    def reload(self):
        self.event("reload")
        self.clean_up()
        self.proto = self.handler.attach(self)
        self.claim_device()

    def clean_up(self):
        self.set_available(False)
        self.flush_state()
        self.clear_errors()
        if self.proto:
            self.proto.free()
            self.proto = None
        self.state = "down"
        self.set_main(None)
        self.set_l3(None)

    def finish_remove(self):
        if self.config_state != "remove" or self.daemon.interfaces.get(self.name) is not self:
            return
        self.event("free")
        self.config_settings.flush()
        self.clean_up()
        del self.daemon.interfaces[self.name]

    def remove(self):
        """`ubus call network.interface.X remove`; False when that is under way already."""
        if self.remove_timer:
            return False
        self.remove_timer = self.daemon.loop.after(REMOVE_DELAY, lambda: self.set_config_state("remove"))
        return True

    def start(self):
        """A new interface: attach protocol and device."""
        self.proto = self.handler.attach(self)
        self.claim_device()

    def take_over(self, new):
        """The same name configured again: restart only when something that counts has changed."""
        if self.config_state == "remove":
            self.config_state = "normal"
        old_handler, old_config = self.handler, self.config
        declared = new.handler.options
        reload = (self.parent, self.device_name, self.zone, old_handler) != (
            new.parent,
            new.device_name,
            new.zone,
            new.handler,
        )
        reload = reload or select(old_handler.options, old_config) != select(declared, new.config)
        reload = reload or self.device_options != new.device_options and self.main.device is not None
        reload = reload or self.config_autostart and not new.config_autostart
        ip_changed = (self.metric, self.proto_settings.no_defaultroute, self.ip4table, self.ip6table) != (
            new.metric,
            new.proto_settings.no_defaultroute,
            new.ip4table,
            new.ip6table,
        )
        assigned = ("assign_length", "assign_hint", "assign_classes", "assign_weight", "interface_id_option")
        assign_changed = any(getattr(self, name) != getattr(new, name) for name in assigned)
        autostart = self.autostart if self.config_autostart == new.config_autostart else new.config_autostart
        states = (self.config_settings.enabled, self.proto_settings.enabled)
        if ip_changed and not reload:
            self.config_settings.set_enabled(False)
            self.proto_settings.set_enabled(False)
        errors = self.errors
        self.config, self.device_options, self.dynamic = new.config, new.device_options, new.dynamic
        self.read_config()
        self.errors, self.autostart = errors, autostart
        if not reload:
            before = self.main.device
            self.claim_device()
            reload = self.main.device is not before
        if reload:
            self.clear_errors()
            self.set_config_state("reload")
            return
        if ip_changed:
            self.proto_settings.set_enabled(states[1])
            self.config_settings.set_enabled(states[0])
        if assign_changed:
            self.assignments.refresh()
        self.write_resolv()
        if self.main.device:
            self.check_state()
