# SPDX-License-Identifier: Apache-2.0
"""The service: what arrives from clients and relays, what arrives from the DHCPv4 server, and what becomes of it."""

from __future__ import annotations

import ipaddress
import types
import typing

from softwire.wire import WireError
from softwired import listeners, relay
from softwired.dhcp4o6 import callouts, information, messages, selection, window
from softwired.dhcp4o6.ipc import Channel
from softwired.listeners import Listener, Origin, back, packed
from softwired.privileges import NET_BIND_SERVICE
from softwired.service import Frame, StartError

# For interfaces that come later.
CAPABILITIES = (NET_BIND_SERVICE,)

# Of one socket, before the others have their turn.
AT_ONCE = 64
# Kernel's news apart, sockets that could not be opened are tried again, and old queries forgotten.
LOOK_AGAIN = 10.0
# An old channel still gets the answers to what it asked.
LEAVE_OPEN = 5.0

DROPPED = """malformed oversize too_many_layers relay_loop not_one_message bad_dhcpv4 other_server forged_source
    too_many no_dhcpv4_server not_from_dhcpv4_server not_a_response no_destination for_nobody not_sent
    dropped_by_callout unicast_information no_duid internal""".split()
LATENCIES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Server:
    """See softwired.service.Service."""

    def __init__(self, frame: Frame, values: types.SimpleNamespace) -> None:
        self.loop, self.log = frame.loop, frame.log
        self.values = values
        counters = frame.counters
        self.messages = counters.family(
            "messages_total",
            "Messages by what became of them",
            "kind",
            ("query", "response", "information_request", "information_reply", "left_alone"),
        )
        self.dropped = counters.family(
            "dropped_total", "Messages that went no further, by reason", "reason", DROPPED
        )
        self.called = counters.family(
            "callouts_total", "Packets given to callouts", "result", ("done", "dropped", "skipped")
        )
        self.latency = counters.histogram(
            "dhcpv4_server_seconds", "From a query's sending to its response", LATENCIES
        )
        counters.gauge("waiting", "Queries that wait for the DHCPv4 server", lambda: len(self.window.waiting))
        counters.gauge("asked", "Queries whose response may still come", lambda: len(self.window.asked))
        self.window = window.Window(self._send, self._unread, 1, 0, 1.0)
        self.channel: Channel | None = None
        self.chain: callouts.Chain | None = None
        self.duid = b""
        self.dhcpv4_server: bool | None = None
        self.looks = False
        self.listeners = listeners.Listeners(frame.log, frame.loop.watch, frame.loop.forget, self.arrived)

    # A service's life

    def open(self) -> None:
        check(self.values)
        self._open_channel(self.values.port)
        self.listeners.reserve(self.values.interface)
        self._apply(self.values)

    def start(self) -> None:
        self.chain = callouts.Chain(self.values.callout, self.loop, self.log, self.called)
        self.loop.watch(self.listeners.changes.fileno(), self._changed)
        self.loop.later(LOOK_AGAIN, self._look_again)

    def reload(self, values: types.SimpleNamespace) -> None:
        check(values, self.chain.entries if self.chain else ())
        if values.port != self.values.port:
            self._open_channel(values.port)
        if self.chain and values.callout != self.chain.entries:
            self.chain.close()
            self.chain = callouts.Chain(values.callout, self.loop, self.log, self.called)
        self.values = values
        self._apply(values)

    def stop(self) -> None:
        if self.chain:
            self.chain.close()
        self.listeners.close()
        if self.channel:
            self.channel.close()

    def status(self) -> dict[str, typing.Any]:
        return {
            "port": self.values.port,
            "dhcpv4_server": {None: "not asked yet", True: "answers", False: "nobody listens"}[
                self.dhcpv4_server
            ],
            "listens": [
                {"kind": kind, "address": address, "interface": name}
                for kind, name, _, address in sorted(self.listeners.open_ones)
            ],
            "waits_for": dict(sorted(self.listeners.problems.items())),
            "callouts": self.chain.status() if self.chain else [],
            "duid": self.duid.hex(":"),
        }

    def _open_channel(self, port: int) -> None:
        try:
            channel = Channel(port)
        except OSError as error:
            raise StartError(
                f"dhcp4o6.port = {port}: cannot listen at [::1]:{port}: {error.strerror}; a port that is free, with the"
                " DHCPv4 server's on the next one (Kea's dhcp4o6-port), would be right"
            ) from None
        old, self.channel = self.channel, channel
        self.loop.watch(channel.socket.fileno(), lambda: self.answered(channel))
        if old:
            self.loop.later(LEAVE_OPEN, lambda: self._close_channel(old))

    def _close_channel(self, old: Channel) -> None:
        self.loop.forget(old.socket.fileno())
        old.close()

    def _apply(self, values: types.SimpleNamespace) -> None:
        limits = values.limits
        self.window.resize(limits.in_flight, limits.waiting, limits.patience)
        self.listeners.want(values.interface)
        self.duid = values.duid
        self._find_duid()
        self.serves_information = {one.name for one in values.interface if one.serve_information}

    def _find_duid(self) -> None:
        # It may come late.
        self.duid = self.duid or listeners.duid(self.values.interface)

    def _changed(self) -> None:
        if self.listeners.changes.changed():
            self.listeners.reconcile()
            self._find_duid()

    def _look_again(self) -> None:
        self.listeners.reconcile()
        self.window.forget(self.loop.clock())
        self.loop.later(LOOK_AGAIN, self._look_again)

    def _silence(self) -> None:
        self.window.silence(self.loop.clock())
        self.looks = self.window.busy()
        if self.looks:
            self.loop.later(window.SILENCE, self._silence)

    # From clients and relays

    def arrived(self, listener: Listener) -> bool:
        """Something can be read; whether there may be more than was read now."""
        for _ in range(AT_ONCE):
            try:
                data, origin = listeners.receive(listener, messages.LONGEST + 1)
            except OSError:
                return False
            if not origin.interface:
                continue
            try:
                self.message(data, origin)
            except Exception as error:  # a fault of ours, which must not stop the service for all others
                self._drop("internal", origin, f"{type(error).__name__}: {error}")
        return True

    def message(self, data: bytes, origin: Origin) -> None:
        """One datagram of port 547, whatever it is."""
        if len(data) > messages.LONGEST:
            self._drop("oversize", origin, f"more than {messages.LONGEST} octets")
            return
        layers: list[relay.Layer] = []
        inner = data
        if data[:1] == b"\x0c":
            try:
                layers, inner = relay.unwrap(data)
                relay.refuse_loop(layers)
            except WireError as error:
                kind = {relay.TooManyLayers: "too_many_layers", relay.Loop: "relay_loop"}.get(
                    type(error), "malformed"
                )
                self._drop(kind, origin, str(error))
                return
        if messages.is_query(inner):
            self._query(layers, inner, origin)
        elif (
            inner[:1] == bytes([information.INFORMATION_REQUEST])
            and origin.interface in self.serves_information
        ):
            self._information(layers, inner, origin)
        else:
            self.messages["left_alone"] += 1

    def _query(self, layers: list[relay.Layer], inner: bytes, origin: Origin) -> None:
        peer = origin.peer
        try:
            query = messages.query(
                layers, inner, origin.interface, packed(peer), peer[1], self.values.dhcpv4_server
            )
        except messages.Refused as error:
            self._drop(error.kind, origin, error.text)
            return
        self.messages["query"] += 1
        if not self.window.query(query.exchange, query.datagram, back(origin, layers), self.loop.clock()):
            self._drop("too_many", origin, "too many queries wait for the DHCPv4 server already")
        if not self.looks:
            self.looks = True
            self.loop.later(window.SILENCE, self._silence)

    def _information(self, layers: list[relay.Layer], inner: bytes, origin: Origin) -> None:
        if not layers and origin.listener.key[0] != "multicast":
            # RFC 8415 section 16
            self._drop("unicast_information", origin, "an Information-request that was sent to one address")
            return
        if not self.duid:
            self._drop("no_duid", origin, "this server has no DUID: no interface has an Ethernet address")
            return
        values = self.values
        address = ipaddress.IPv6Address(packed(origin.peer))
        where = selection.selector(layers, inner, origin.interface, address, getattr(values, "class"))
        subnet = selection.select(values.subnet, where).subnet or types.SimpleNamespace(
            servers=None, refresh_time=None
        )
        try:
            reply = information.answer(
                inner,
                self.duid,
                values.servers if subnet.servers is None else subnet.servers,
                subnet.refresh_time or values.refresh_time,
            )
        except WireError as error:
            self._drop("malformed", origin, str(error))
            return
        self.messages["information_request" if reply else "left_alone"] += 1
        if reply:
            reply = relay.wrap(relay.replies(layers), reply)
            self.messages["information_reply"] += self._deliver(reply, back(origin, layers))

    # To and from the DHCPv4 server

    def _send(self, datagram: bytes) -> None:
        assert self.channel
        try:
            self.channel.send(datagram)
        except OSError as error:
            self._drop("not_sent", None, f"to the DHCPv4 server: {error.strerror}")

    def _unread(self) -> bool:
        return self.channel is not None and self.channel.unread()

    def answered(self, channel: Channel) -> None:
        """The DHCPv4 server, or somebody who would like to be it, sent something; or nobody is there."""
        for _ in range(AT_ONCE):
            got = channel.receive()
            if got is None:
                break
            datagram, genuine = got
            if not genuine:
                self._drop("not_from_dhcpv4_server", None, "a datagram of another local sender")
            elif len(datagram) > messages.LONGEST:
                self._drop("oversize", None, f"more than {messages.LONGEST} octets")
            else:
                try:
                    self._response(datagram)
                except Exception as error:  # as above
                    self._drop("internal", None, f"{type(error).__name__}: {error}")
        refused = channel.refused()
        if refused:
            self._nobody_listens(channel, refused)

    def _nobody_listens(self, channel: Channel, refused: int) -> None:
        self.window.refused()
        self.dhcpv4_server = False
        self.dropped["no_dhcpv4_server"] += refused
        self.log.seldom(
            "no_dhcpv4_server",
            f"nobody listens at [::1]:{channel.port + 1}: queries are dropped until a DHCPv4 server with"
            f" dhcp4o6-port {channel.port} does",
        )

    def _response(self, datagram: bytes) -> None:
        if self.dhcpv4_server is not True:
            if self.dhcpv4_server is False:
                self.log.info("the DHCPv4 server answers again")
            self.dhcpv4_server = True
        try:
            response = messages.response(datagram, self.values.dhcpv4_server)
        except messages.Refused as error:
            self._drop(error.kind, None, error.text)
            return
        now = self.loop.clock()
        asked = self.window.answer(response.exchange, now)
        if asked is None:
            self._drop("for_nobody", None, "a response to a query that nobody sent, or too long ago")
            return
        self.latency.add(now - asked.time)
        origin: Origin = asked.origin
        if self.chain and self.chain.callouts:
            self.chain.run(response.datagram, lambda packet: self._called(packet, origin))
        else:
            self.messages["response"] += self._deliver(response.datagram, origin)

    def _called(self, packet: bytes | None, origin: Origin) -> None:
        if packet is None:
            self.dropped["dropped_by_callout"] += 1
        else:
            self.messages["response"] += self._deliver(packet, origin)

    def _deliver(self, data: bytes, origin: Origin) -> bool:
        try:
            self.listeners.answer(origin.listener, data, origin.peer)
        except OSError as error:
            self._drop("not_sent", origin, error.strerror or str(error))
            return False
        return True

    def _drop(self, reason: str, origin: Origin | None, text: str) -> None:
        self.dropped[reason] += 1
        where = f"{origin.peer[0]} on {origin.interface}" if origin else "the loopback"
        self.log.seldom(reason, f"dropped ({reason}) from {where}: {text}")


def check(values: types.SimpleNamespace, known: typing.Sequence[types.SimpleNamespace] = ()) -> None:
    """What only trying tells: callouts, but those known, can be loaded; StartError."""
    for number, entry in enumerate(values.callout, 1):
        problem = None if entry in known else callouts.problem(entry)
        if problem:
            raise StartError(f"dhcp4o6.callout[{number}]: {problem}")


def make(frame: Frame, values: types.SimpleNamespace) -> Server:
    """See softwired.service.Service."""
    return Server(frame, values)
