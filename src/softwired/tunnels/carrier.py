# SPDX-License-Identifier: Apache-2.0
"""The kernel's part: device, routes and sets of nftables are made to agree with the tunnels that are wanted.

What must not pass is closed first, then routes change, and what may pass is opened last: when an address goes from one
client to another, the old one can send no more before the new one receives.

What a tunnel has sent and received stands in the kernel as a whole: its elements begin with what the database knows.
"""

from __future__ import annotations

import errno
import socket
import types
import typing

from softwired import carrier, encapsulation, netlink, nftables, sixinfour
from softwired.carrier import CarrierError, parts, said
from softwired.nftables import Count
from softwired.sixinfour import Route
from softwired.tunnels import pools, ruleset
from softwired.tunnels.register import ENDING, ON, Tunnel

# What the kernel takes as neighbours before it looks for some to forget; each client is one.
NEIGHBOURS = "/proc/sys/net/ipv6/neigh/default/gc_thresh"

Pairs = dict[str, set[bytes]]


class Wanted(typing.NamedTuple):
    """What one tunnel is in the kernel."""

    routes: frozenset[Route]
    pairs: frozenset[tuple[str, bytes]]
    # Where its packets are counted, also while it is suspended; b"" for one that ends.
    counted: bytes


def wanted(one: Tunnel, lengths: typing.Collection[int]) -> Wanted:
    """Of a row; nothing for one that is not to be carried. What is routed has one of these lengths, as the page may
    know a configuration that we do not know yet."""
    to = socket.inet_pton(socket.AF_INET, one.IPv4client)
    if one.state != ON:
        return Wanted(frozenset(), frozenset(), b"" if one.state == ENDING else to)
    own = _packed(one.IPv6client)[:8] + bytes(8)
    routes = {Route(own, 64, to), Route(_packed(one.IPv6server), 128, b"")}
    pairs = {(ruleset.OWN, ruleset.element(to, own, 64))}
    prefix, _, length = one.routed.partition("/")
    if length and int(length) in lengths:
        network = _packed(prefix)
        routes.add(Route(network, int(length), to))
        pairs.add((ruleset.routed(int(length)), ruleset.element(to, network, int(length))))
    return Wanted(frozenset(routes), frozenset(pairs), to)


def _packed(address: str) -> bytes:
    # A third of the time of ipaddress, for ten thousand tunnels at once.
    return socket.inet_pton(socket.AF_INET6, address)


def known(one: Tunnel) -> dict[str, Count]:
    """What the database knows of a tunnel's packets, by set."""
    return {
        ruleset.FROM: Count(str(one.id), one.packets_from_client, one.octets_from_client),
        ruleset.TO: Count(str(one.id), one.packets_to_client, one.octets_to_client),
    }


def more(one: Count, other: Count | None) -> Count:
    """The count that knows more of the same tunnel."""
    return other if other and other.comment == one.comment and other.packets >= one.packets else one


class Carrier(carrier.Carrier):
    """Of all tunnels of this server, by id."""

    table, counters, family = ruleset.TABLE, ruleset.COUNTERS, ruleset.FAMILY
    elsewhere = ruleset.ELSEWHERE

    def __init__(self, values: types.SimpleNamespace) -> None:
        super().__init__((encapsulation.LINKS, sixinfour.IPV6_ROUTES))
        self.use(values)
        self.counting = {
            name: nftables.CountingSet(self.filter, self.table, name, self.family)
            for name in ruleset.COUNTING
        }
        # What the kernel has, as far as we know.
        self.carried: dict[int, Wanted] = {}
        self.routes: set[Route] = set()

    def use(self, values: types.SimpleNamespace) -> None:
        """What is configured; `agree` has to follow."""
        self.values, self.table_is_ours = values, False
        self.lengths = pools.lengths(values)
        names = [ruleset.OWN, *(ruleset.routed(length) for length in self.lengths)]
        self.sets = {name: self.set_of(name) for name in names}

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
        rows = {one.id: one for one in tunnels}
        self.carried = {number: wanted(one, self.lengths) for number, one in rows.items()}
        should: Pairs = {name: set() for name in self.sets}
        self.routes = set()
        for one in self.carried.values():
            self.routes |= one.routes
            for name, pair in one.pairs:
                should[name].add(pair)
        try:
            self.prepare()
            there = sixinfour.routes(self.routing, self.index)
            found = {name: self.sets[name].elements() for name in self.sets}
            elements = {name: set(found[name] or ()) for name in self.sets}
            counts = {name: self.counting[name].counts() for name in ruleset.COUNTING}
            starts = {
                name: {
                    one.counted: more(known(rows[number])[name], (counts[name] or {}).get(one.counted))
                    for number, one in self.carried.items()
                    if one.counted
                }
                for name in ruleset.COUNTING
            }
            if not self.table_is_ours or None in (*found.values(), *counts.values()):
                self._load({name: elements[name] & should[name] for name in self.sets})
                elements = {name: elements[name] & should[name] for name in self.sets}
                counts = {name: {} for name in ruleset.COUNTING}
            for name in ruleset.COUNTING:
                self._count(name, counts[name] or {}, starts[name])
            self._take(elements, there, should, self.routes)
        except (OSError, CarrierError, nftables.NftError) as error:
            self.table_is_ours = False
            raise CarrierError(said(error)) from None
        return len(there ^ self.routes) + sum(
            len(set(found[name] or ()) ^ should[name]) for name in self.sets
        )

    def change(self, tunnels: typing.Iterable[Tunnel]) -> None:
        """These are other than before; CarrierError, and then nobody knows what the kernel has."""
        rows = {one.id: one for one in tunnels}
        new = {number: wanted(one, self.lengths) for number, one in rows.items()}
        old = {number: self.carried[number] for number in new if number in self.carried}
        before: Pairs = {name: set() for name in self.sets}
        after: Pairs = {name: set() for name in self.sets}
        for pairs, side in ((before, old), (after, new)):
            for one in side.values():
                for name, pair in one.pairs:
                    pairs[name].add(pair)
        routes = {route for one in old.values() for route in one.routes}
        should = {route for one in new.values() for route in one.routes}
        try:
            for name in ruleset.COUNTING:
                self._recount(name, rows, old, new)
            self._take(before, routes, after, should)
        except OSError as error:
            raise CarrierError(said(error)) from None
        self.routes = self.routes - routes | should
        self.carried.update(new)

    def counts(self) -> dict[int, tuple[int, int, int, int]]:
        """Packets and octets from a client and to it, of each tunnel; CarrierError."""
        try:
            there, back = (self.counting[name].counts() or {} for name in ruleset.COUNTING)
        except OSError as error:
            raise CarrierError(said(error)) from None
        found = {}
        for number, one in self.carried.items():
            first, second = there.get(one.counted), back.get(one.counted)
            if first and second and first.comment == second.comment == str(number):
                found[number] = (first.packets, first.octets, second.packets, second.octets)
        return found

    def _recount(
        self,
        name: str,
        rows: typing.Mapping[int, Tunnel],
        old: typing.Mapping[int, Wanted],
        new: typing.Mapping[int, Wanted],
    ) -> None:
        """What a tunnel has counted goes with it to its other address."""
        less, starts = {}, {}
        for number, one in new.items():
            before = old[number].counted if number in old else b""
            if before == one.counted:
                continue
            start = known(rows[number])[name]
            if before:
                less[before] = start
                start = more(start, self.counting[name].count(before))
            if one.counted:
                starts[one.counted] = start
        self._count(name, less, starts)

    def _count(
        self, name: str, there: typing.Mapping[bytes, Count], starts: typing.Mapping[bytes, Count]
    ) -> None:
        one = self.counting[name]
        for part in parts([key for key, count in there.items() if starts.get(key) != count]):
            self.must(one.change(part, ()), errno.ENOENT)
        one.starts = starts
        for part in parts([key for key, count in starts.items() if there.get(key) != count]):
            self.must(one.change((), part))

    def _take(self, pairs: Pairs, routes: set[Route], should: Pairs, wanted_routes: set[Route]) -> None:
        for name in self.sets:
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
        for name in self.sets:
            for part in parts(sorted(should[name] - pairs[name])):
                self.must(self.sets[name].change((), part))

    def _reserve(self) -> None:
        self.must(
            self.routing.tell(
                [
                    sixinfour.unreachable(one.network_address.packed, one.prefixlen)
                    for one in pools.prefixes(self.values)
                ]
            )
        )

    def _load(self, pairs: Pairs) -> None:
        values = self.values
        self.load(
            ruleset.text(
                values.address,
                values.device,
                self.lengths,
                pairs,
                self.counted(),
                # Twice: what is new may come before what it takes the place of goes.
                2 * max(values.tunnels, len(self.carried)) + 1000,
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
