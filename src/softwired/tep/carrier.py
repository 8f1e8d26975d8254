# SPDX-License-Identifier: Apache-2.0
"""The kernel's part of the border router: device, routes and set are made to agree with the wanted mappings."""

from __future__ import annotations

import errno
import ipaddress
import typing

from softwired import carrier, encapsulation, netlink, nftables
from softwired.carrier import CarrierError, parts, said
from softwired.tep import ruleset, sharing
from softwired.tep.plan import RANGE, Plan, pairs_of, plan

# Of the name of the device that receives; the kernel takes 15 letters.
IN, LETTERS = "-in", 15
# Of our rules; before the main table.
PRIORITY = 3653

Mappings = typing.Mapping[bytes, bytes]


class Carrier(carrier.Carrier):
    """Of mappings: the IPv6 address of each slot (sharing.slot), packed."""

    table, counters = ruleset.TABLE, ruleset.COUNTERS

    def __init__(
        self,
        device: str,
        address: ipaddress.IPv6Address,
        prefixes: typing.Sequence[ipaddress.IPv4Network],
        learning: ruleset.Learning | None = None,
        shared: typing.Sequence[sharing.Shared] = (),
    ) -> None:
        super().__init__((encapsulation.LINKS, encapsulation.IPV4_ROUTES, encapsulation.IPV4_RULES))
        self.device, self.address, self.prefixes, self.learning = device, address, prefixes, learning
        self.shared = list(shared)
        self.local = address.packed
        self.receiver = 0
        self.set, self.ranges = self.set_of(ruleset.OWN), self.set_of(ruleset.RANGES)
        self.marks = {sharing.MARK | first for one in self.shared for first in one.firsts()}
        # What the kernel has, as far as we know.
        self.carried: dict[bytes, bytes] = {}

    def agree(self, wanted: Mappings) -> int:
        """Makes the kernel agree, whatever it has; how many mappings were not as they should be. CarrierError."""
        try:
            self.index = encapsulation.make_device(self.routing, self.device)
            self.receiver = encapsulation.make_receiver(
                self.routing, self.device[: LETTERS - len(IN)] + IN, self.local
            )
            self._reserve()
            there = encapsulation.routes(self.routing, self.index)
            routes = {_slot(*key): to for key, to in there.items()}
            found = self._elements()
            steps = plan(wanted, self.local, routes, found or ())
            if not self.table_is_ours or found is None:
                self._load((found or {}).keys() - set(steps.close))
                steps = steps._replace(close=[])
            self._take(steps, wanted)
        except (OSError, nftables.NftError) as error:
            self.table_is_ours = False
            raise CarrierError(said(error)) from None
        self.carried = dict(wanted)
        changed = {one[16:20] for one in steps.close + steps.open if len(one) < RANGE or not self.shared}
        return len(changed | {*steps.remove, *steps.point})

    def change(self, changed: typing.Mapping[bytes, bytes | None]) -> None:
        """Makes mappings, or removes those that are None; CarrierError, and then nobody knows what the kernel has."""
        wanted = {slot: ipv6 for slot, ipv6 in changed.items() if ipv6}
        had = {slot: self.carried[slot] for slot in changed if slot in self.carried}
        beside = {slot: self.carried[slot] for slot in self._beside(changed) if slot not in changed}
        there = {**had, **beside}
        routes = {slot: encapsulation.Route(ipv6, self.local) for slot, ipv6 in there.items()}
        pairs = [one for slot, ipv6 in there.items() for one in pairs_of(slot, ipv6)]
        steps = plan({**wanted, **beside}, self.local, routes, pairs)
        try:
            self._take(steps, wanted)
        except OSError as error:
            raise CarrierError(said(error)) from None
        for slot in had:
            del self.carried[slot]
        self.carried.update(wanted)

    def _beside(self, slots: typing.Iterable[bytes]) -> typing.Iterator[bytes]:
        """What is carried of the same shared addresses."""
        for ipv4 in {slot[:4] for slot in slots if len(slot) > 4}:
            of = sharing.find(self.shared, ipaddress.IPv4Address(ipv4))
            for first in of.firsts() if of else ():
                if sharing.slot(ipv4, first) in self.carried:
                    yield sharing.slot(ipv4, first)

    def _elements(self) -> dict[bytes, int] | None:
        """Of both sets; None if one is not there."""
        own = self.set.elements()
        ranges = self.ranges.elements() if self.shared else {}
        return None if own is None or ranges is None else {**own, **ranges}

    def _change(self, less: list[bytes], more: list[bytes]) -> None:
        for elements, right in ((self.set, False), (self.ranges, True)):
            parts = ([one for one in part if (len(one) == RANGE) is right] for part in (less, more))
            self.must(elements.change(*parts))

    def _take(self, steps: Plan, wanted: Mappings) -> None:
        for part in parts(steps.close):
            self._change(part, [])
        for part in parts(steps.remove):
            told = [encapsulation.no_route(slot[:4], sharing.table(slot)) for slot in part]
            self.must(self.routing.tell(told), errno.ESRCH)
        for part in parts(steps.point):
            told = [
                encapsulation.route(
                    slot[:4], encapsulation.Route(wanted[slot], self.local), self.index, sharing.table(slot)
                )
                for slot in part
            ]
            self.must(self.routing.tell(told))
        for part in parts(steps.open):
            self._change([], part)

    def _reserve(self) -> None:
        told = [
            encapsulation.unreachable(prefix.network_address.packed, prefix.prefixlen, True)
            for prefix in self.prefixes
        ]
        there = encapsulation.rules(self.routing)
        told += [encapsulation.rule(encapsulation.DELRULE, mark, PRIORITY) for mark in there - self.marks]
        told += [encapsulation.rule(encapsulation.NEWRULE, mark, PRIORITY) for mark in self.marks - there]
        self.must(self.routing.tell(told))

    def _load(self, pairs: typing.Iterable[bytes]) -> None:
        self.load(ruleset.text(self.address, pairs, self.counted(), self.learning, self.shared))

    def ours(self, news: netlink.Message) -> bool:
        """See softwired.carrier."""
        if news.kind in (encapsulation.NEWLINK, encapsulation.DELLINK):
            return any(encapsulation.is_gone(news, one) for one in (self.index, self.receiver))
        if news.kind in (encapsulation.NEWRULE, encapsulation.DELRULE):
            return encapsulation.mark_of(news) is not None
        ipv4, table, to, _ = encapsulation.parse_route(news)
        wanted = self.carried.get(_slot(ipv4, table))
        right = news.kind == encapsulation.NEWROUTE and to and wanted == to.remote
        return bool(ipv4) and not right


def _slot(ipv4: bytes, table: int | None) -> bytes:
    """Of a route to this address in this table."""
    return sharing.slot(ipv4, None if table is None else table & 0xFFFF)
