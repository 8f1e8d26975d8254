# SPDX-License-Identifier: Apache-2.0
"""The addresses, routes, prefixes and DNS of one interface: applied, kept, replaced or taken back as
netifd does (NETIFD.md, updates)."""

import ipaddress

from . import kernel
from .addressing import Address, Invalid, Route, netmask, now, null_route, packed, split
from .blob import ARRAY, BOOL, STRING, select
from .prefixes import Prefix

UPDATE = {
    "ipaddr": ARRAY,
    "ip6addr": ARRAY,
    "gateway": STRING,
    "ip6gw": STRING,
    "ip6prefix": ARRAY,
    "netmask": STRING,
    "broadcast": STRING,
    "ptpaddr": STRING,
    "ip6deprecated": BOOL,
}


def addresses_of(item_list, wanted=str):
    return [item for item in item_list if isinstance(item, wanted)]


class Settings:
    """What an interface's protocol (or static configuration) gave it."""

    def __init__(self, interface):
        self.interface = interface
        self.enabled = True
        self.addresses = {}
        self.routes = {}
        self.prefixes = {}
        self.dns = []
        self.search = []
        self.no_defaultroute = self.no_dns = self.no_delegation = False
        self.incoming = None

    @property
    def device(self):
        used = self.interface.l3.device
        return used.ifname if used else None

    # one update: begin, add…, finish; what was not added again goes away unless the update is additive

    def begin(self, keep=False):
        self.incoming = {"addresses": set(), "routes": set(), "prefixes": set(), "keep": keep}
        if not keep:
            self.dns, self.search = [], []

    def add_address(self, new):
        old = self.addresses.get(new.key)
        if not old:
            self.interface.updated.add("addresses")
        keep = bool(old) and old.same(new)
        if old and not keep and old.enabled and not old.external:
            old.delete(self.device)
        new.enabled = True
        # netifd marks an unchanged address as kept without asking the kernel whether it is still there
        if not new.external and not (keep and old.lifetimes(new)):
            new.add(self.device)
            if not keep and self.off_link(new):
                null_route(new.address, new.length, True)
        self.addresses[new.key] = new
        if self.incoming:
            self.incoming["addresses"].add(new.key)

    def off_link(self, address):
        return (
            address.offlink
            and address.length < (128 if address.v6 else 32)
            and not point_to_point(self.device)
        )

    def add_route(self, new):
        new.own_metric = self.interface.metric
        if new.table is None:
            new_table = self.interface.ip6table if new.v6 else self.interface.ip4table
            if new_table:
                new.table = new_table
        old = self.routes.get(new.key)
        if not old:
            self.interface.updated.add("routes")
        keep = bool(old) and old.same(new)
        if old and old.enabled and not keep:
            old.delete(self.device)
        new.enabled = self.route_enabled(new)
        if not keep and new.enabled:
            new.failed = not new.add(self.device)
        self.routes[new.key] = new
        if self.incoming:
            self.incoming["routes"].add(new.key)

    def route_enabled(self, route):
        return self.enabled and not (self.no_defaultroute and not route.length)

    def add_prefix(self, text):
        new = Prefix.parse(text, self.interface)
        old = self.prefixes.get(new.key)
        if not old or (old.preferred_until, old.valid_until) != (new.preferred_until, new.valid_until):
            self.interface.updated.add("prefixes")
        self.prefixes[new.key] = new
        self.interface.assignments.put(new, old)
        if self.incoming:
            self.incoming["prefixes"].add(new.key)

    def finish(self):
        incoming, self.incoming = self.incoming, None
        if not incoming["keep"]:
            for key in [key for key in self.routes if key not in incoming["routes"]]:
                self.drop_route(key)
            for key in [key for key in self.addresses if key not in incoming["addresses"]]:
                self.drop_address(key)
            for key in [key for key in self.prefixes if key not in incoming["prefixes"]]:
                self.drop_prefix(key)
        self.interface.write_resolv()

    def drop_route(self, key):
        self.interface.updated.add("routes")
        route = self.routes.pop(key)
        if route.enabled and self.device:
            route.delete(self.device)

    def drop_address(self, key):
        self.interface.updated.add("addresses")
        old = self.addresses.pop(key)
        # the same address may have come again under another place in the list
        again = any(
            (kept.address, kept.length) == (old.address, old.length) for kept in self.addresses.values()
        )
        if old.enabled and not old.external and self.device and not again:
            old.delete(self.device)
            if self.off_link(old):
                null_route(old.address, old.length, False)

    def drop_prefix(self, key):
        self.interface.updated.add("prefixes")
        self.interface.assignments.drop(self.prefixes.pop(key))

    def set_enabled(self, enabled):
        self.enabled = enabled
        if not self.device:
            return
        for address in self.addresses.values():
            if address.external or address.enabled == enabled:
                continue
            (address.add if enabled else address.delete)(self.device)
            if self.off_link(address):
                null_route(address.address, address.length, enabled)
            address.enabled = enabled
        for route in self.routes.values():
            wanted = enabled and self.route_enabled(route)
            if route.enabled != wanted:
                route.own_metric = self.interface.metric
                (route.add if wanted else route.delete)(self.device)
                route.enabled = wanted
        if self is self.interface.proto_settings:
            self.interface.assignments.interface_enabled(self.interface, enabled)

    def flush(self):
        self.dns, self.search = [], []
        for key in list(self.routes):
            self.drop_route(key)
        for key in list(self.addresses):
            self.drop_address(key)
        for key in list(self.prefixes):
            self.drop_prefix(key)

    def expire(self):
        """Once a second: netifd lets go of what has outlived its lifetime."""
        moment = now()
        for table, drop in (
            (self.addresses, self.drop_address),
            (self.routes, self.drop_route),
            (self.prefixes, self.drop_prefix),
        ):
            for key in [key for key, item in table.items() if item.valid_until and item.valid_until < moment]:
                drop(key)

    # what an update or a static configuration says

    def from_update(self, message, external):
        message = select(UPDATE, message)
        counts = {}
        try:
            for name, v6 in (("ipaddr", False), ("ip6addr", True)):
                counts[v6] = 0
                for item in message.get(name, []):
                    self.add_address(Address.from_update(item, v6, counts[v6], external))
                    counts[v6] += 1
            for item in message.get("ip6prefix", []):
                self.add_prefix(item)
            self.gateways(message, counts)
        except Invalid:
            return  # netifd keeps what it has read so far and says nothing

    def from_static(self, message):
        """False where the interface can't come up."""
        message = select(UPDATE, message)
        interface, counts = self.interface, {False: 0, True: 0}
        for name, error in (
            ("netmask", "INVALID_NETMASK"),
            ("broadcast", "INVALID_BROADCAST"),
            ("ptpaddr", "INVALID_PTPADDR"),
        ):
            try:
                if name in message:
                    static_netmask(message[name]) if name == "netmask" else packed(message[name], False)
            except Invalid:
                interface.add_error("proto", error)
                return False
        for name, v6 in (("ipaddr", False), ("ip6addr", True)):
            for item in message.get(name, []):
                try:
                    self.add_address(static_address(item, v6, counts[v6], message))
                except Invalid:
                    interface.add_error("proto", "INVALID_ADDRESS", [str(item)])
                    return False
                counts[v6] += 1
        try:
            for item in message.get("ip6prefix", []):
                self.add_prefix(item)
        except Invalid:
            return False
        return self.gateways(message, counts)

    def gateways(self, message, counts):
        for name, v6 in (("gateway", False), ("ip6gw", True)):
            if name not in message or not counts[v6]:
                continue
            route = Route("::" if v6 else "0.0.0.0", 0, v6)
            try:
                route.gateway = packed(message[name], v6)
            except Invalid:
                self.interface.add_error("proto", "INVALID_GATEWAY", [message[name]])
                return False
            self.add_route(route)
        return True

    def add_routes(self, items, v6):
        for item in addresses_of(items, dict):
            try:
                route = Route.from_update(item, v6)
            except Invalid:
                continue
            if route:
                self.add_route(route)

    def add_dns(self, servers):
        for server in addresses_of(servers):
            for v6 in (False, True):
                try:
                    text = packed(server, v6)
                except Invalid:
                    continue
                if text not in self.dns:
                    self.dns.append(text)

    def add_search(self, names):
        self.search += [name for name in addresses_of(names) if name not in self.search]

    # who can be reached over this interface: host dependencies

    def reaches(self, host, v6):
        address = ipaddress.ip_address(host)
        return any(
            item.enabled
            and item.v6 == v6
            and address
            in ipaddress.ip_network(
                f"{item.address}/{128 if item.offlink and v6 else item.length}", strict=False
            )
            for item in self.addresses.values()
        )

    def route_to(self, host, v6):
        fitting = [
            route
            for route in self.routes.values()
            if route.enabled and route.v6 == v6 and route.table is None and route.matches(host)
        ]
        return max(fitting, key=lambda route: (route.length, -route.effective_metric), default=None)


def static_netmask(text):
    return netmask(text, False)


def static_address(text, v6, index, message):
    if not isinstance(text, str):
        raise Invalid(str(text))
    default = 128 if v6 else static_netmask(message.get("netmask", "32"))
    address, length = split(text, v6, default)
    if v6 and ipaddress.IPv6Address(address).is_multicast:
        raise Invalid(text)
    new = Address(address, length, v6, index)
    if v6:
        new.preferred_until = now() if message.get("ip6deprecated") else 0
    else:
        new.broadcast, new.peer = message.get("broadcast"), message.get("ptpaddr")
    return new


def point_to_point(device):
    return bool(kernel.number(device, "flags") & 0x10) if device else False
