# SPDX-License-Identifier: Apache-2.0
"""Network devices as netifd keeps them: presence, claim count, link, users that hear events (netifd's
DESIGN file)."""

from . import kernel
from .blob import ARRAY, BOOL, INT32, STRING

NAME_MAX = 15
ADD, REMOVE, UP, DOWN, LINK_UP, LINK_DOWN = "add", "remove", "up", "down", "link_up", "link_down"
# the device options that netifd takes from an interface or device section and that make sense here
OPTIONS = {
    "type": STRING,
    "mtu": INT32,
    "mtu6": INT32,
    "macaddr": STRING,
    "txqueuelen": INT32,
    "enabled": BOOL,
    "ipv6": BOOL,
    "name": STRING,
    "ports": ARRAY,
    "bridge_empty": BOOL,
    "stp": BOOL,
}
APPLIED = ("mtu", "mtu6", "macaddr", "txqueuelen", "ipv6")


class NameTooLong(Exception):
    """Longer than the kernel's IFNAMSIZ allows."""


class User:
    """One who uses a device: hears its events, and holds it up while claimed."""

    def __init__(self, call):
        self.call = call
        self.device = None
        self.claimed = False

    def attach(self, device):
        if self.device is device:
            return
        self.detach()
        self.device = device
        if device is None:
            return
        device.users.append(self)
        if device.present:
            self.call(ADD)
            if device.active:
                self.call(UP)
            if device.link_active:
                self.call(LINK_UP)

    def detach(self):
        device = self.device
        if device is None:
            return
        self.release()
        if self in device.users:
            device.users.remove(self)
        self.device = None
        device.table.unused(device)

    def claim(self):
        """True when the device is (already) up for us."""
        if self.claimed:
            return True
        if self.device is None:
            return False
        self.claimed = True
        if self.device.claim():
            return True
        self.claimed = False
        return False

    def release(self):
        if self.claimed:
            self.claimed = False
            self.device.release()


class Device:
    """A plain network device; hidden: not shown in an interface's status."""

    label = "Network device"
    hidden = False

    def __init__(self, table, name):
        if len(name) > NAME_MAX:
            table.log.netifd(f"Cannot set device name: '{name}' is longer than max size {NAME_MAX}", "warn")
            raise NameTooLong(name)
        self.table = table
        self.name = name
        self.users = []
        self.active = 0
        self.present = self.link_active = False
        self.config = {}
        self.configured = False

    @property
    def ifname(self):
        return self.name

    def start(self):
        if kernel.exists(self.name):
            if self.name != "lo":
                kernel.clear(self.name)
            self.set_present(True)
        self.table.loop.after(0, self.check)

    def broadcast(self, event):
        for user in list(self.users):
            if user.device is self:
                user.call(event)

    def claim(self):
        self.active += 1
        if self.active != 1:
            return True
        if self.set_state(True):
            self.broadcast(UP)
            return True
        self.active = 0
        return False

    def release(self):
        self.active -= 1
        if self.active:
            return
        self.set_state(False)
        if not self.active:
            self.broadcast(DOWN)

    def set_state(self, up):
        if not kernel.exists(self.name):
            return False
        if up:
            self.apply_settings()
        return kernel.set_link(self.name, up)

    def apply_settings(self):
        if "macaddr" in self.config:
            kernel.ip("link", "set", "dev", self.name, "address", self.config["macaddr"])
        for option in ("mtu", "txqueuelen"):
            if option in self.config:
                kernel.ip("link", "set", "dev", self.name, option, str(self.config[option]))
        kernel.sysctl(self.name, "disable_ipv6", 0 if self.config.get("ipv6", True) else 1)
        if "mtu6" in self.config:
            kernel.sysctl(self.name, "mtu", self.config["mtu6"])

    def set_present(self, state):
        if self.present == state:
            return
        self.present = state
        self.broadcast(ADD if state else REMOVE)
        if not state:
            for user in list(self.users):
                user.release()

    def set_link(self, state):
        if self.link_active == state:
            return
        self.link_active = state
        self.table.log.netifd(f"{self.label} '{self.name}' link is {'up' if state else 'down'}")
        self.broadcast(LINK_UP if state else LINK_DOWN)

    def check(self):
        """Looks at the kernel, after one of its messages."""
        if type(self) is Device:
            self.set_present(kernel.exists(self.name))
        self.set_link(kernel.carrier(self.name))

    def configure(self, config):
        """A changed configuration takes the device down and up; the same one does nothing."""
        config = {name: value for name, value in config.items() if name in APPLIED}
        if config == self.config:
            return
        self.config = config
        self.restart()

    def restart(self):
        """Away and back: the users lose their claims on the way."""
        if self.present:
            self.set_present(False)
            self.set_present(True)

    def stop(self):
        """Last user gone."""

    def mtu(self):
        return kernel.number(self.ifname, "mtu")


class Bridge(Device):
    """A bridge with its ports; it exists in the kernel only while claimed, and is present when a port is."""

    label = "bridge"

    def __init__(self, table, name):
        super().__init__(table, name)
        self.ports = {}

    def start(self):
        pass

    def configure(self, config):
        ports = config.get("ports", [])
        settings = {name: value for name, value in config.items() if name in APPLIED + ("bridge_empty",)}
        settings["ports"] = ports
        if settings == self.config:
            return
        self.config = settings
        self.set_ports(ports)

    def set_ports(self, names):
        for name in [known for known in self.ports if known not in names]:
            self.ports.pop(name).detach()
        for name in names:
            if name not in self.ports:
                user = User(lambda event, port=name: self.port_event(port, event))
                self.ports[name] = user
                user.attach(self.table.get(name))
        self.refresh()

    def port_event(self, name, event):
        user = self.ports.get(name)
        if user and event == ADD and self.active:
            self.enslave(name, user)
        if event in (ADD, REMOVE):
            self.refresh()

    def refresh(self):
        self.set_present(
            self.config.get("bridge_empty", False)
            or any(user.device and user.device.present for user in self.ports.values())
        )

    def enslave(self, name, user):
        if user.claim():
            kernel.sysctl(name, "disable_ipv6", 1)
            kernel.ip("link", "set", "dev", name, "master", self.name)

    def set_state(self, up):
        if up:
            first = next((name for name in self.ports if kernel.exists(name)), None)
            mac = self.config.get("macaddr") or (
                kernel.read(kernel.link_file(first, "address")) if first else ""
            )
            words = ("address", mac) if mac else ()
            kernel.ip(
                "link",
                "add",
                "name",
                self.name,
                *words,
                "type",
                "bridge",
                "stp_state",
                "0",
                "forward_delay",
                "200",
            )
            self.apply_settings()
            done = kernel.set_link(self.name, True)
            for name, user in self.ports.items():
                if user.device and user.device.present:
                    self.enslave(name, user)
            return done
        for name, user in self.ports.items():
            kernel.ip("link", "set", "dev", name, "nomaster")
            user.release()
        kernel.delete_link(self.name)
        return True


class Alias(Device):
    """`@name`: whatever device that interface has while it is up."""

    label = "alias"

    def __init__(self, table, name):
        super().__init__(table, name)
        self.target = None

    @property
    def ifname(self):
        return self.target.ifname if self.target else self.name

    @property
    def hidden(self):
        return self.target is None

    def start(self):
        self.point_at(self.table.device_of(self.name[1:]))

    def set_state(self, up):
        return self.target is not None

    def check(self):
        self.set_link(self.target is not None and self.target.link_active)

    def point_at(self, target):
        if target is self.target:
            return
        if self.target:
            self.set_link(False)
            self.set_present(False)
        self.target = target
        if target:
            self.set_present(True)
            self.check()


class Table:
    """All devices by name."""

    def __init__(self, loop, log):
        self.loop = loop
        self.log = log
        self.devices = {}
        self.device_of = lambda interface: None  # the l3 device of a netifd interface that is up

    def find(self, name):
        return self.devices.get(name)

    def add(self, device):
        self.devices[device.name] = device
        return device

    def get(self, name):
        """The device, made known when it isn't; None for a name the kernel can't have."""
        if name in self.devices:
            return self.devices[name]
        try:
            device = self.add((Alias if name.startswith("@") else Device)(self, name))
        except NameTooLong:
            return None
        device.start()
        return device

    def bridge(self, name, config):
        device = self.devices.get(name)
        if not isinstance(device, Bridge):
            device = self.add(Bridge(self, name))
            kernel.delete_link(name)
        device.configured = True
        device.configure(config)
        return device

    def unused(self, device):
        if device.users or device.configured or self.devices.get(device.name) is not device:
            return
        device.stop()
        del self.devices[device.name]

    def kernel_changed(self, name):
        device = self.devices.get(name)
        if device:
            device.check()

    def alias_of(self, interface, device):
        alias = self.devices.get(f"@{interface}")
        if alias:
            alias.point_at(device)
