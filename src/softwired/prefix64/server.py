# SPDX-License-Identifier: Apache-2.0
"""The service: ranges, the interfaces that they are on, and what is answered there."""

from __future__ import annotations

import functools
import ipaddress
import types
import typing

from softwired import interfaces, kernel
from softwired.prefix64 import ranges, responder, solicitation
from softwired.prefix64.forward import Forwarder
from softwired.prefix64.link import Link, NotYet, place
from softwired.prefix64.local import Local, forwards
from softwired.prefix64.responder import Responder
from softwired.prefix64.solicitation import ADVERTISEMENT, SOLICITATION, Refused
from softwired.privileges import NET_ADMIN, NET_RAW
from softwired.service import Frame, StartError

# Packet sockets of interfaces that come later, and rules and routes that follow their prefixes.
CAPABILITIES = (NET_ADMIN, NET_RAW)

# Of one socket, before the others have their turn.
AT_ONCE = 64
# Kernel's news apart, what is there is looked at so often.
LOOK_AGAIN = 30.0
# After a change of the firewall, which is seldom one alone.
SETTLES = 0.2
# What was lost in a socket is counted so often.
COUNT_LOST = 1.0

DROPPED = [*responder.DROPPED, "no_way", "too_many_asked", "not_asked", "lost"]


class Server:
    """See softwired.service.Service."""

    def __init__(self, frame: Frame, values: types.SimpleNamespace) -> None:
        self.loop, self.log = frame.loop, frame.log
        self.values = values
        counters = frame.counters
        self.solicitations = counters.family(
            "solicitations_total",
            "Neighbour solicitations by what became of them",
            "result",
            ("answered", "defended", "delayed", "forwarded"),
        )
        self.dropped = counters.family(
            "dropped_total", "Neighbour messages that went no further, by reason", "reason", DROPPED
        )
        counters.gauge("asked", "Targets that were asked for elsewhere", lambda: len(self.forwarder.sessions))
        counters.gauge("asked_waiting", "Those that may still answer", lambda: self.forwarder.waiting())
        self.responders: dict[str, Responder] = {}
        self.links: dict[tuple[str, int], Link] = {}
        self.problems: dict[str, str] = {}
        self.prefixes: list[tuple[types.SimpleNamespace, ipaddress.IPv6Network | None]] = []
        self.forwarder = Forwarder(
            values.limits.asked,
            self.loop.clock,
            self.loop.later,
            self._ask_elsewhere,
            self._wire,
            self._wanting,
        )
        self.changes = interfaces.Changes()
        self.local = Local(frame.run_directory)
        self.firewall: interfaces.Changes | None = None
        self.settles = False

    # A service's life

    def open(self) -> None:
        self._reconcile()
        for problem in self.problems.values():
            if problem.startswith("may not"):
                raise StartError(problem)

    def start(self) -> None:
        self.loop.watch(self.changes.fileno(), self._changed)
        try:
            self.firewall = kernel.firewall_changes()
            self.loop.watch(self.firewall.fileno(), self._firewall_changed)
        except OSError:
            pass  # then it is found out when it is looked at again
        self.loop.later(LOOK_AGAIN, self._look_again)
        self.loop.later(COUNT_LOST, self._count_lost)

    def reload(self, values: types.SimpleNamespace) -> None:
        self.values = values
        self.forwarder.limit = values.limits.asked
        for one in self.responders.values():
            one.limit(values.limits)
        self._reconcile()

    def stop(self) -> None:
        try:
            self.local.clean()
        except kernel.KernelError as error:
            if any(entry.local or entry.answer == "kernel" for entry in self.values.range):
                self.log.error(f"not all of it could be taken away: {error}")
        for link in self.links.values():
            link.close()
        self.links.clear()
        self.changes.close()
        if self.firewall:
            self.firewall.close()

    def status(self) -> dict[str, typing.Any]:
        return {
            "ranges": [
                {
                    "prefix": str(prefix or named(entry)),
                    "interface": entry.interface,
                    "local": entry.local,
                    "answer": f"after asking {entry.forward}" if entry.forward else entry.answer,
                }
                for entry, prefix in self.prefixes
            ],
            "listens": [
                {"interface": name, "kind": "solicitations" if kind == SOLICITATION else "advertisements"}
                for name, kind in sorted(self.links)
            ],
            "waits_for": dict(sorted(self.problems.items())),
        }

    def _changed(self) -> None:
        if self.changes.changed():
            self._reconcile()

    def _look_again(self) -> None:
        self._reconcile()
        self.loop.later(LOOK_AGAIN, self._look_again)

    def _firewall_changed(self) -> None:
        if self.firewall and self.firewall.changed() and not self.settles:
            self.settles = True
            self.loop.later(SETTLES, self._settled)

    def _settled(self) -> None:
        self.settles = False
        self._reconcile()

    def _count_lost(self) -> None:
        for link in self.links.values():
            self.dropped["lost"] += link.lost()
        self.loop.later(COUNT_LOST, self._count_lost)

    # What is there is made to agree with what is wanted

    def _reconcile(self) -> None:
        problems: dict[str, str] = {}
        addresses = interfaces.addresses()
        self.prefixes = [(entry, prefix_of(entry, addresses, problems)) for entry in self.values.range]
        answered: dict[str, list[tuple[types.SimpleNamespace, ipaddress.IPv6Network]]] = {}
        for entry, prefix in self.prefixes:
            ours = entry.answer == "yes" or entry.answer == "kernel" and not forwards(entry.interface)
            if prefix is not None and ours:
                answered.setdefault(entry.interface, []).append((entry, prefix))
        wanted: set[tuple[str, int]] = set()
        for name, entries in answered.items():
            if self._answer_on(name, entries, addresses, problems):
                wanted.add((name, SOLICITATION))
            for entry, _ in entries:
                if entry.forward and entry.forward != "auto":
                    wanted.add((entry.forward, ADVERTISEMENT))
                    self._listen(entry.forward, ADVERTISEMENT, self._forwarded(), problems)
        for key in [key for key in self.links if key not in wanted]:
            # What 'auto' found stays as long as there is such a range and such an interface.
            if key[1] == SOLICITATION or not self._still(key[0]):
                self._close(key)
        known = [(entry, prefix) for entry, prefix in self.prefixes if prefix is not None]
        if self.local.reconcile(self.values, known, problems):
            self.log.info("rules, routes and firewall table are as they should be now")
        _judge(known, addresses, problems)
        for name, problem in problems.items():
            if self.problems.get(name) != problem:
                self.log.warning(f"{name}: {problem}")
        self.problems = problems

    def _answer_on(
        self,
        name: str,
        entries: list[tuple[types.SimpleNamespace, ipaddress.IPv6Network]],
        addresses: list[interfaces.Address],
        problems: dict[str, str],
    ) -> bool:
        # The kernel answers for this interface's own addresses.
        own = [
            ranges.Span(number, number)
            for number in (int.from_bytes(one.octets, "big") for one in addresses if one.interface == name)
        ]
        spans = []
        for entry, prefix in entries:
            entry.flags = responder.flags(entry)
            left = ranges.without(ranges.of(prefix), [*entry.exceptions, *own])
            spans += [(span, entry) for span in left]
        link = self._listen(name, SOLICITATION, [span for span, _ in spans], problems)
        if link is None:
            return False
        one = self.responders.get(name)
        if one is None:
            one = self.responders[name] = Responder(
                self.values.limits,
                self.loop.clock,
                self.loop.later,
                functools.partial(self._send, (name, SOLICITATION)),
                self.forwarder.wanted,
            )
        fresh = one.mac != link.where.mac or not one.ranges.spans
        one.mac, one.link_local = link.where.mac, self._link_local(name, addresses, entries, problems)
        one.ranges = ranges.Ranges(spans)
        try:
            link.join([address for entry, _ in entries for address in entry.join])
        except OSError as error:
            problems[f"{name} groups"] = f"cannot join all groups of 'join': {error.strerror}"
        if fresh and any(entry.prime for entry, _ in entries):
            one.prime()
        return True

    def _link_local(
        self,
        name: str,
        addresses: list[interfaces.Address],
        entries: list[tuple[types.SimpleNamespace, ipaddress.IPv6Network]],
        problems: dict[str, str],
    ) -> bytes:
        for one in addresses:
            if (one.interface, one.scope) == (name, interfaces.LINK) and not one.flags & interfaces.TENTATIVE:
                return one.octets
        if any(entry.source == "link-local" for entry, _ in entries):
            problems[name] = "has no link-local address that could be used (down, or still tentative)"
        return b""

    def _listen(
        self, name: str, kind: int, spans: list[ranges.Span], problems: dict[str, str]
    ) -> Link | None:
        key = (name, kind)
        try:
            where = place(name)
            old = self.links.get(key)
            if old and old.where == where:
                old.filter(spans)
                return old
            if old:
                self._close(key)
            link = Link(name, where, kind, spans)
        except NotYet as error:
            problems[name] = f"{error}; it is waited for"
            self._close(key)
            return None
        except PermissionError:
            problems[name] = f"may not listen on {name}: root, or CAP_NET_RAW, would be right"
            return None
        except OSError as error:
            problems[name] = f"cannot listen: {error.strerror}"
            return None
        self.links[key] = link
        self.loop.watch(link.socket.fileno(), functools.partial(self._arrived, key, link))
        self.log.info(f"listens on {name}")
        return link

    def _close(self, key: tuple[str, int]) -> None:
        link = self.links.pop(key, None)
        if link:
            self.loop.forget(link.socket.fileno())
            link.close()
            self.log.info(f"no longer listens on {key[0]}")
        if key[1] == SOLICITATION:
            self.responders.pop(key[0], None)

    def _still(self, name: str) -> bool:
        try:
            place(name)
        except NotYet:
            return False
        return any(entry.forward == "auto" for entry in self.values.range)

    def _forwarded(self) -> list[ranges.Span]:
        return [ranges.of(prefix) for entry, prefix in self.prefixes if entry.forward and prefix is not None]

    # From and to the links

    def _arrived(self, key: tuple[str, int], link: Link) -> None:
        one = self.responders.get(key[0])
        for _ in range(AT_ONCE):
            frame = link.receive()
            if frame is None:
                return
            try:
                if key[1] == ADVERTISEMENT:
                    target = solicitation.read_advertisement(frame)
                    if not self.forwarder.heard(key[0], target):
                        self.dropped["not_asked"] += 1
                elif one:
                    self.solicitations[one.heard(frame)] += 1
            except Refused as error:
                self.dropped[error.kind] += 1
            except Exception as error:  # a fault of ours, which must not stop the service for all others
                self.dropped["internal"] += 1
                self.log.seldom(
                    "internal", f"dropped (internal) on {key[0]}: {type(error).__name__}: {error}"
                )

    def _send(self, key: tuple[str, int], frame: bytes) -> None:
        link = self.links.get(key)
        try:
            if link:
                link.socket.send(frame)
        except OSError as error:
            self.dropped["not_sent"] += 1
            self.log.seldom("not_sent", f"{key[0]}: cannot send: {error.strerror}")

    def _ask_elsewhere(self, name: str, target: bytes) -> bool:
        key = (name, ADVERTISEMENT)
        link = self.links.get(key) or self._listen(name, ADVERTISEMENT, self._forwarded(), self.problems)
        source = interfaces.link_local_addresses().get(name)
        if link is None or source is None:
            return False
        packed = ipaddress.IPv6Address(source).packed
        self._send(key, solicitation.solicitation(link.where.mac, packed, target))
        return True

    def _wire(self, name: str, target: bytes, wired: bool) -> None:
        try:
            self.local.wire(name, ipaddress.IPv6Address(target), wired)
        except kernel.KernelError as error:
            self.log.seldom("wire", f"no route to {ipaddress.IPv6Address(target)} on {name}: {error}")

    def _wanting(self, name: str, target: bytes) -> types.SimpleNamespace | None:
        address = ipaddress.IPv6Address(target)
        for entry, prefix in self.prefixes:
            if entry.wire and entry.forward in (name, "auto") and prefix is not None and address in prefix:
                return entry
        return None


def named(entry: types.SimpleNamespace) -> str:
    """A range whose prefix is not known, for people."""
    return f"of {entry.delegated}, number {entry.number}"


def prefix_of(
    entry: types.SimpleNamespace, addresses: list[interfaces.Address], problems: dict[str, str]
) -> ipaddress.IPv6Network | None:
    """Literal, or the n-th /64 of what was delegated, or else of what an interface has."""
    if entry.prefix is not None:
        return typing.cast(ipaddress.IPv6Network, entry.prefix)
    if isinstance(entry.delegated, ipaddress.IPv6Network):
        return _numbered(int(entry.delegated.network_address), entry.number)
    name = named(entry)
    try:
        found = kernel.delegations()
    except kernel.KernelError:
        found = []  # who has no tools has no client for that
    if len(found) > 1:
        problems[name] = (
            f"several prefixes were delegated: {', '.join(map(str, found))}; one of them as 'delegated' would be right"
        )
        return None
    for one in addresses:
        if (one.interface, one.scope) != (entry.delegated, interfaces.GLOBAL) or one.prefix_length > 64:
            continue
        if not found and not one.flags & (interfaces.DEPRECATED | interfaces.TENTATIVE):
            found = [ipaddress.IPv6Network((one.octets, one.prefix_length), strict=False)]
    if not found:
        problems[name] = (
            "was delegated no prefix, and has no address of one of 64 bits or shorter yet; it is waited for"
        )
        return None
    if entry.number >> 64 - found[0].prefixlen:
        problems[name] = f"has a /{found[0].prefixlen} only, which has no /64 of that number"
        return None
    return _numbered(int(found[0].network_address), entry.number)


def _judge(
    prefixes: list[tuple[types.SimpleNamespace, ipaddress.IPv6Network]],
    addresses: list[interfaces.Address],
    problems: dict[str, str],
) -> None:
    """Names a prefix that nobody on the link would ask for."""
    for entry, prefix in prefixes:
        on_link = [
            ipaddress.IPv6Network((one.octets, one.prefix_length), strict=False)
            for one in addresses
            if (one.interface, one.scope) == (entry.interface, interfaces.GLOBAL)
        ]
        if entry.answer == "no" or not on_link or any(prefix.overlaps(one) for one in on_link):
            continue
        problems[str(prefix)] = (
            f"is no prefix of {entry.interface}, which has {', '.join(sorted(set(map(str, on_link))))}:"
            " it is asked for there only if a router has a route to it on that link"
        )


def _numbered(start: int, number: int) -> ipaddress.IPv6Network:
    return ipaddress.IPv6Network((start + (number << 64), 64))


def check(values: types.SimpleNamespace) -> None:
    """Nothing that only trying tells."""


def make(frame: Frame, values: types.SimpleNamespace) -> Server:
    """See softwired.service.Service."""
    return Server(frame, values)
