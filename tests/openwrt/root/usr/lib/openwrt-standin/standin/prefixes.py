# SPDX-License-Identifier: Apache-2.0
"""Delegated prefixes and their subnets on interfaces with ip6assign: subnet 0 first, address ::1,
deprecation when a prefix goes (NETIFD.md)."""

import ipaddress

from . import kernel
from .addressing import Address, Invalid, Route, network, now, null_route, packed, until

WITHDRAWN_LIFETIME = 7200  # RFC 7084 L-14: hosts hear of the end of a prefix for two hours


class Assignment:
    def __init__(self, interface, length, subnet):
        self.interface = interface
        self.length = length
        self.subnet = subnet
        self.address = None
        self.enabled = False

    def prefix_of(self, prefix):
        return str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix.address)) | self.subnet << 64))


class Prefix:
    def __init__(self, address, length, interface):
        self.address, self.length, self.interface = address, length, interface
        self.preferred_until = self.valid_until = 0
        self.kind_class = interface.name if interface else "local"
        self.assigned = {}

    @classmethod
    def parse(cls, text, interface):
        """`address/length,preferred,valid[,class=…]`: one argument, in this order."""
        if not isinstance(text, str):
            raise Invalid(str(text))
        head, *fields = text.split(",")
        address, slash, length = head.partition("/")
        if not slash or not length.isdigit() or not 1 <= int(length) <= 64:
            raise Invalid(text)
        new = cls(network(packed(address, True), int(length)), int(length), interface)
        if fields:
            new.preferred_until = until(leading_number(fields[0]))
        if len(fields) > 1:
            new.valid_until = until(leading_number(fields[1]))
        for field in fields[2:]:
            name, equals, value = field.partition("=")
            if name == "class" and equals:
                new.kind_class = value
        return new

    @property
    def key(self):
        return (self.address, self.length)

    @property
    def valid(self):
        return not (self.valid_until and self.valid_until - 1 <= now())

    def shown(self):
        result = {"address": self.address, "mask": self.length, **self.lifetimes(), "class": self.kind_class}
        result["assigned"] = {
            name: {"address": item.prefix_of(self), "mask": item.length}
            for name, item in sorted(self.assigned.items(), key=lambda pair: pair[1].subnet)
        }
        return result

    def lifetimes(self):
        result = {}
        if self.preferred_until:
            result["preferred"] = max(0, self.preferred_until - now())
        if self.valid_until:
            result["valid"] = self.valid_until - now()
        return result


def leading_number(text):
    """strtoul: what isn't a number counts as 0."""
    digits = ""
    for char in text.strip():
        if not char.isdigit():
            break
        digits += char
    return int(digits or "0")


class Assignments:
    """All prefixes, newest first, and who has which part of them."""

    def __init__(self, log, changed):
        self.log = log
        self.changed = changed
        self.prefixes = []
        self.interfaces = dict

    def put(self, new, old):
        if old:
            new.assigned = old.assigned
            if old in self.prefixes:
                self.prefixes.remove(old)
            for item in new.assigned.values():
                self.apply(item, new, new.valid)
        else:
            null_route(new.address, new.length, True)
            if not (new.interface and new.interface.proto_settings.no_delegation):
                self.distribute(new, new.valid)
        if not (new.interface and new.interface.proto_settings.no_delegation):
            self.prefixes.insert(0, new)
        self.changed()

    def drop(self, prefix):
        self.distribute(prefix, False)
        null_route(prefix.address, prefix.length, False)
        if prefix in self.prefixes:
            self.prefixes.remove(prefix)
        self.changed()

    def refresh(self):
        for prefix in self.prefixes:
            self.distribute(prefix, prefix.valid)
        self.changed()

    def distribute(self, prefix, setup):
        for item in prefix.assigned.values():
            self.apply(item, prefix, False)
        prefix.assigned = {}
        if not setup:
            return
        wanting = [
            interface
            for interface in self.interfaces().values()
            if 48 <= interface.assign_length <= 64
            and (not interface.assign_classes or prefix.kind_class in interface.assign_classes)
        ]
        later = []
        for interface in sorted(wanting, key=lambda each: each.name):
            if interface.assign_hint is None:
                later.append(interface)
            elif not self.place(prefix, interface, interface.assign_length, interface.assign_hint):
                self.log.netifd(
                    "Failed to assign requested subprefix of size "
                    f"{interface.assign_length} for {interface.name}, trying other",
                    "warn",
                )
                later.append(interface)
        later.sort(key=lambda each: (each.assign_length, -each.assign_weight, each.name))
        for interface in later:
            if not any(
                self.place(prefix, interface, length, None) for length in range(interface.assign_length, 65)
            ):
                self.log.netifd(
                    f"Failed to assign subprefix of size {interface.assign_length} for {interface.name}",
                    "warn",
                )
        for item in prefix.assigned.values():
            self.apply(item, prefix, True)
        if not prefix.assigned:
            self.log.netifd(
                "You have delegated IPv6-prefixes but haven't assigned them to any interface. Did "
                "you forget to set option ip6assign on your lan-interfaces?",
                "warn",
            )

    def place(self, prefix, interface, length, hint):
        """First free aligned subnet, or the hinted one. False when there is no room."""
        space, size = 1 << (64 - prefix.length), 1 << (64 - length)
        taken = [(item.subnet, item.subnet + (1 << (64 - item.length))) for item in prefix.assigned.values()]
        candidates = [hint] if hint is not None else range(0, space, size)
        for start in candidates:
            if start + size <= space and all(start + size <= low or start >= high for low, high in taken):
                prefix.assigned[interface.name] = Assignment(interface.name, length, start)
                return True
        return False

    def interface_enabled(self, interface, enabled):
        for prefix in self.prefixes:
            if interface.name in prefix.assigned:
                self.apply(prefix.assigned[interface.name], prefix, enabled)
        self.changed()

    def apply(self, item, prefix, add):
        """Puts the subnet's address on its interface, or hands it over to the kernel as deprecated."""
        interface = self.interfaces().get(item.interface)
        device = interface and interface.l3.device
        if not device:
            return
        if add and interface.state in ("up", "setup"):
            if item.address is None:
                item.address = self.host_address(item, prefix, interface)
            address = self.lifetime(item, prefix.preferred_until, prefix.valid_until)
            address.offlink = True
            if not address.add(device.ifname):
                return
            self.subnet_route(item, interface).add(device.ifname)
            self.follow_mtu(prefix, device.ifname)
            item.enabled = True
        elif not add and item.enabled:
            expired = prefix.valid_until and prefix.valid_until - 1 <= now()
            end = prefix.valid_until
            if not end or end > now() + WITHDRAWN_LIFETIME:
                end = now() + WITHDRAWN_LIFETIME
            address = self.lifetime(item, now(), end)
            self.subnet_route(item, interface).delete(device.ifname)
            if expired:
                address.delete(device.ifname)
            else:
                address.add(device.ifname)
            item.address, item.enabled = None, False

    @staticmethod
    def lifetime(item, preferred_until, valid_until):
        address = Address(item.address, item.length, True)
        address.preferred_until, address.valid_until = preferred_until, valid_until
        return address

    @staticmethod
    def subnet_route(item, interface):
        length = max(64, item.length)
        route = Route(network(item.address, length), length, True)
        route.own_metric = interface.metric
        return route

    @staticmethod
    def host_address(item, prefix, interface):
        return str(
            ipaddress.IPv6Address(
                int(ipaddress.IPv6Address(item.prefix_of(prefix))) | interface.interface_id()
            )
        )

    @staticmethod
    def follow_mtu(prefix, device):
        """The LAN's IPv6 MTU follows the uplink's, unless they agree already."""
        uplink = prefix.interface and prefix.interface.l3.device
        if not uplink:
            return
        wanted = kernel.sysctl(uplink.ifname, "mtu")
        if wanted and wanted != kernel.sysctl(device, "mtu"):
            kernel.sysctl(device, "mtu", wanted)

    def of(self, interface):
        """`ipv6-prefix-assignment` of that interface's status."""
        result = []
        for prefix in self.prefixes:
            item = prefix.assigned.get(interface.name)
            if not item:
                continue
            local = {"address": item.address, "mask": item.length} if item.enabled else {}
            result.append(
                {
                    "address": item.prefix_of(prefix),
                    "mask": item.length,
                    **prefix.lifetimes(),
                    "local-address": local,
                }
            )
        return result
