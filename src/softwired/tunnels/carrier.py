# SPDX-License-Identifier: Apache-2.0
"""The kernel's part: device, routes and sets of nftables are made to agree with the tunnels that are wanted.

What must not pass is closed first, then routes change, and what may pass is opened last: when an address goes from one
client to another, the old one can send no more before the new one receives.
"""

from __future__ import annotations

import errno
import ipaddress
import types
import typing

from softwired import carrier, encapsulation, netlink, nftables, sixinfour
from softwired.carrier import CarrierError, parts, said
from softwired.sixinfour import Route
from softwired.tunnels import ruleset
from softwired.tunnels.register import ON, Tunnel

# What the kernel takes as neighbours before it looks for some to forget; each client is one.
NEIGHBOURS = "/proc/sys/net/ipv6/neigh/default/gc_thresh"
SETS = (ruleset.OWN, ruleset.ROUTED)

Pairs = dict[str, set[bytes]]


class Wanted(typing.NamedTuple):
    """What one tunnel is in the kernel."""

    routes: frozenset[Route]
    pairs: frozenset[tuple[str, bytes]]


def wanted(one: Tunnel) -> Wanted:
    """Of a row; nothing for one that is not to be carried."""
    if one.state != ON:
        return Wanted(frozenset(), frozenset())
    to = ipaddress.IPv4Address(one.IPv4client).packed
    own = ipaddress.IPv6Address(one.IPv6client).packed[:8] + bytes(8)
    routes = {Route(own, 64, to), Route(ipaddress.IPv6Address(one.IPv6server).packed, 128, b"")}
    pairs = {(ruleset.OWN, ruleset.element(to, own, 64))}
    if one.routed:
        prefix = ipaddress.IPv6Network(one.routed)
        routes.add(Route(prefix.network_address.packed, prefix.prefixlen, to))
        pairs.add((ruleset.ROUTED, ruleset.element(to, prefix.network_address.packed, prefix.prefixlen)))
    return Wanted(frozenset(routes), frozenset(pairs))


class Carrier(carrier.Carrier):
    """Of all tunnels of this server, by id."""

    table, counters, family = ruleset.TABLE, ruleset.COUNTERS, nftables.INET

    def __init__(self, values: types.SimpleNamespace) -> None:
        super().__init__((encapsulation.LINKS, sixinfour.IPV6_ROUTES))
        self.values = values
        self.sets = {name: self.set_of(name) for name in SETS}
        # What the kernel has, as far as we know.
        self.carried: dict[int, Wanted] = {}
        self.routes: set[Route] = set()

    def prepare(self) -> None:
        """What no tunnel is needed for; what is carried stays. CarrierError."""
        try:
            self.index = sixinfour.make_device(self.routing, self.values.device, self.values.address.packed)
            self._reserve()
        except OSError as error:
            raise CarrierError(said(error)) from None

    def agree(self, tunnels: typing.Iterable[Tunnel]) -> int:
        """Makes the kernel agree, whatever it has; how many routes and pairs were not as they should be.

        CarrierError."""
        self.carried = {one.id: wanted(one) for one in tunnels}
        should: Pairs = {name: set() for name in SETS}
        self.routes = set()
        for one in self.carried.values():
            self.routes |= one.routes
            for name, pair in one.pairs:
                should[name].add(pair)
        try:
            self.prepare()
            there = sixinfour.routes(self.routing, self.index)
            found = {name: self.sets[name].elements() for name in SETS}
            elements = {name: set(found[name] or ()) for name in SETS}
            if not self.table_is_ours or None in found.values():
                self._load({name: elements[name] & should[name] for name in SETS})
                elements = {name: elements[name] & should[name] for name in SETS}
            self._take(elements, there, should, self.routes)
        except (OSError, CarrierError, nftables.NftError) as error:
            self.table_is_ours = False
            raise CarrierError(said(error)) from None
        return len(there ^ self.routes) + sum(len(set(found[name] or ()) ^ should[name]) for name in SETS)

    def change(self, tunnels: typing.Iterable[Tunnel]) -> None:
        """These are other than before; CarrierError, and then nobody knows what the kernel has."""
        new = {one.id: wanted(one) for one in tunnels}
        old = {number: self.carried[number] for number in new if number in self.carried}
        before: Pairs = {name: set() for name in SETS}
        after: Pairs = {name: set() for name in SETS}
        for pairs, side in ((before, old), (after, new)):
            for one in side.values():
                for name, pair in one.pairs:
                    pairs[name].add(pair)
        routes = {route for one in old.values() for route in one.routes}
        should = {route for one in new.values() for route in one.routes}
        try:
            self._take(before, routes, after, should)
        except OSError as error:
            raise CarrierError(said(error)) from None
        self.routes = self.routes - routes | should
        self.carried.update(new)

    def _take(self, pairs: Pairs, routes: set[Route], should: Pairs, wanted_routes: set[Route]) -> None:
        for name in SETS:
            # A pair whose prefix goes elsewhere is another pair.
            for part in parts(sorted(pairs[name] - should[name])):
                self.must(self.sets[name].change(part, ()), errno.ENOENT)
        targets = {(one.prefix, one.length, bool(one.to)) for one in wanted_routes}
        less = [
            one for one in routes - wanted_routes if (one.prefix, one.length, bool(one.to)) not in targets
        ]
        for part in parts(sorted(less)):
            self.must(
                self.routing.tell([sixinfour.route(one, self.index, False) for one in part]), errno.ESRCH
            )
        for part in parts(sorted(wanted_routes - routes)):
            self.must(self.routing.tell([sixinfour.route(one, self.index) for one in part]))
        for name in SETS:
            for part in parts(sorted(should[name] - pairs[name])):
                self.must(self.sets[name].change((), part))

    def _reserve(self) -> None:
        prefixes = [one for one in (self.values.prefix, self.values.routed) if one]
        self.must(
            self.routing.tell(
                [sixinfour.unreachable(one.network_address.packed, one.prefixlen) for one in prefixes]
            )
        )

    def _load(self, pairs: Pairs) -> None:
        values = self.values
        self.load(
            ruleset.text(
                values.address,
                values.device,
                values.routed_length,
                pairs,
                self.counted(),
                values.closed_ports,
                values.rate,
            )
        )

    def ours(self, news: netlink.Message) -> bool:
        """See softwired.carrier."""
        if encapsulation.is_gone(news, self.index):
            return True
        if news.kind not in (sixinfour.NEWROUTE, sixinfour.DELROUTE):
            return False
        found, index = sixinfour.parse(news)
        right = news.kind == sixinfour.NEWROUTE and found in self.routes
        return found is not None and index == self.index and not right
