# SPDX-License-Identifier: Apache-2.0
"""Clients that ask by DHCPv6, of a link or through relays: their messages come in, and go back as they came."""

from __future__ import annotations

import functools
import ipaddress
import types
import typing

from softwire import iadstm, tsp
from softwire.wire import WireError
from softwired import listeners, relay
from softwired.dstm import dhcpv6
from softwired.dstm.dhcpv6 import Question
from softwired.dstm.leases import Lease, Request
from softwired.dstm.node import is_tunnel_end
from softwired.dstm.reconfigure import RESULTS, Reconfigures, Send
from softwired.dstm.teps import Tep
from softwired.listeners import Listener, Origin, back
from softwired.service import Frame

# Octets of a message with its relays at most, and messages of one socket before others have their turn.
LONGEST, AT_ONCE = 4096, 64
# Seconds until interfaces are looked for again, the kernel's news apart.
LOOK_AGAIN = 10.0
STATUS = {tsp.EXHAUSTED: iadstm.NO_ADDRESSES, tsp.UNAVAILABLE: iadstm.NO_BINDING}
REASONS = "malformed oversize no_duid not_sent internal".split()


class Jobs(typing.Protocol):
    """What the server does for whoever asks, by whatever protocol; grant or deny is called once, later."""

    def allocate(self, request: Request, grant: Grant, deny: Deny) -> None:
        """A lease that its border router carries."""

    def offer(self, request: Request, grant: Grant, deny: Deny) -> None:
        """What `allocate` would give; nothing is promised."""

    def give_back(self, holder: str, user: str, address: int, done: typing.Callable[[bool], object]) -> None:
        """done(whether the user had it)."""


Grant = typing.Callable[[Lease, Tep], object]
Deny = typing.Callable[[int], object]


class Access:
    """Port 547 of the interfaces that the configuration names."""

    def __init__(self, frame: Frame, jobs: Jobs) -> None:
        self.loop, self.log, self.jobs = frame.loop, frame.log, jobs
        self.listeners = listeners.Listeners(frame.log, frame.loop.watch, frame.loop.forget, self.arrived)
        self.duid = b""
        counted = frame.counters.family(
            "reconfigures_total", "Reconfigure messages, and clients that did (not) answer", "result", RESULTS
        )
        self.reconfigures = Reconfigures(frame.loop, counted)
        self.dropped = frame.counters.family(
            "dhcpv6_dropped_total", "DHCPv6 messages that went no further, by reason", "reason", REASONS
        )

    def open(self, values: types.SimpleNamespace) -> None:
        """As long as one may."""
        if values.interface:
            self.listeners.reserve(values.interface)
        self.apply(values)

    def apply(self, values: types.SimpleNamespace) -> None:
        self.values = values
        self.codes = (values.code_ia_dstm, values.code_dstm_tep, values.code_dstm_ports)
        self.duid = values.duid
        self._look()

    def start(self) -> None:
        self.loop.watch(self.listeners.changes.fileno(), self._changed)
        self._look_again()

    def stop(self) -> None:
        self.listeners.close()

    def status(self) -> list[str]:
        """Where it listens, and what it waits for."""
        there = [
            f"[{address}]:547 on {name}" if name else f"[{address}]:547"
            for _, name, _, address in sorted(self.listeners.open_ones)
        ]
        return there + [f"{name}: {problem}" for name, problem in sorted(self.listeners.problems.items())]

    def _look(self) -> None:
        self.listeners.want(self.values.interface)
        # It may come late.
        self.duid = self.duid or listeners.duid(self.values.interface)

    def _changed(self) -> None:
        if self.listeners.changes.changed():
            self._look()

    def _look_again(self) -> None:
        self._look()
        self.loop.later(LOOK_AGAIN, self._look_again)

    def ask_again(self, user: str) -> None:
        """A client shall ask now, if it takes Reconfigure: what it has is over, or shall be another."""
        if self.duid:
            self.reconfigures.ask(user, self.duid, self.codes[0])

    def forget(self, user: str) -> None:
        """A client has nothing any more, and knows it or is gone."""
        self.reconfigures.forget(user)

    # Messages

    def arrived(self, listener: Listener) -> bool:
        """Something can be read; whether there may be more than was read now."""
        for _ in range(AT_ONCE):
            try:
                data, origin = listeners.receive(listener, LONGEST + 1)
            except OSError:
                return False
            try:
                if origin.interface:
                    self._message(data, origin)
            except WireError as error:
                self._drop("malformed", origin, str(error))
            except Exception as error:  # a fault of ours, which must not stop the service for all others
                self._drop("internal", origin, f"{type(error).__name__}: {error}")
        return True

    def _message(self, data: bytes, origin: Origin) -> None:
        if len(data) > LONGEST:
            self._drop("oversize", origin, f"more than {LONGEST} octets")
            return
        layers, inner = relay.unwrap(data) if data[:1] == bytes([relay.FORWARD]) else ([], data)
        relay.refuse_loop(layers)
        if not layers and origin.listener.key[0] != "multicast":
            return  # RFC 8415 section 16: to one address go relays alone
        asked = dhcpv6.question(inner, self.duid, self.codes)
        if asked is None:
            return
        if not self.duid:
            self._drop(
                "no_duid",
                origin,
                "this server has no DUID: dstm.duid, or an interface with an Ethernet address",
            )
            return
        place = back(origin, layers)
        self.reconfigures.heard(asked.user)
        reply = functools.partial(self._reply, asked, layers, place)
        peer = layers[-1].peer_address if layers else listeners.packed(origin.peer)
        self._serve(asked, ipaddress.IPv6Address(peer), reply, functools.partial(self._send, layers, place))

    def _serve(
        self,
        asked: Question,
        peer: ipaddress.IPv6Address,
        reply: typing.Callable[..., object],
        send: Send,
    ) -> None:
        node = asked.node or peer
        clients = self.values.clients
        good = is_tunnel_end(node) and (not clients or any(node in prefix for prefix in clients))
        advertise = asked.kind == dhcpv6.SOLICIT and not asked.rapid
        values = self.values

        def grant(lease: Lease, tep: Tep) -> None:
            more: list[tuple[int, bytes]] = []
            if asked.reconfigures and not advertise:
                first = asked.kind in (dhcpv6.SOLICIT, dhcpv6.REQUEST)
                more = self.reconfigures.welcome(asked.user, asked.client, first, send)
            ia = dhcpv6.given(asked.ia, lease.address, values.lifetime, tep.ipv6, lease.ports)
            reply(ia, advertise, more)

        def deny(code: int) -> None:
            if code == tsp.UNAVAILABLE:
                self.forget(asked.user)
            text = tsp.TEXTS.get(code, "")
            reply(dhcpv6.refused(asked.ia, STATUS.get(code, iadstm.UNSPECIFIED), text), advertise)

        def gone(had: bool) -> None:
            if had:
                self.forget(asked.user)
            reply(None if had else dhcpv6.refused(asked.ia, iadstm.NO_BINDING, "no such lease"))

        if not good:
            deny(tsp.BAD_IPV6)
        elif asked.kind in (dhcpv6.RELEASE, dhcpv6.DECLINE):
            self.jobs.give_back(str(node), asked.user, asked.ipv4 or 0, gone)
        else:
            renews = asked.kind in (dhcpv6.RENEW, dhcpv6.REBIND)
            if renews and asked.ipv4 is None:
                deny(tsp.UNAVAILABLE)
                return
            held = asked.ipv4 if renews else None
            request = Request(str(node), str(peer), asked.user, held, asked.shares)
            (self.jobs.offer if advertise else self.jobs.allocate)(request, grant, deny)

    def _reply(
        self,
        asked: Question,
        layers: list[relay.Layer],
        origin: Origin,
        ia: iadstm.Association | None,
        advertise: bool = False,
        more: typing.Sequence[tuple[int, bytes]] = (),
    ) -> None:
        self._send(layers, origin, dhcpv6.answer(asked, self.duid, self.codes, ia, advertise, more))

    def _send(self, layers: list[relay.Layer], origin: Origin, data: bytes) -> None:
        """To where a message came from, through the relays that it came through."""
        try:
            self.listeners.answer(origin.listener, relay.wrap(relay.replies(layers), data), origin.peer)
        except OSError as error:
            self._drop("not_sent", origin, error.strerror or str(error))

    def _drop(self, reason: str, origin: Origin, text: str) -> None:
        self.dropped[reason] += 1
        self.log.seldom(
            f"dhcpv6 {reason}", f"dropped ({reason}) from {origin.peer[0]} on {origin.interface}: {text}"
        )
