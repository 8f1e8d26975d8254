# SPDX-License-Identifier: Apache-2.0
"""The service: commands of servers come in, mappings are kept and carried, and each command is answered then."""

from __future__ import annotations

import ipaddress
import ssl
import time
import types
import typing

from softwire import tsp as wire
from softwired import connections, tsp
from softwired.service import Frame, StartError
from softwired.tep import learning, messages, sharing
from softwired.tep.carrier import Carrier
from softwired.tep.messages import Request
from softwired.tep.store import Mapping, Store, StoreError
from softwired.tep.table import Table

# The kernel is compared with what is wanted this often, and this soon after somebody changed it.
LOOK_AGAIN, SOON = 60.0, 0.2
REFUSED = "ipv4 ipv6 type kernel full malformed".split()
CODES = {
    wire.BAD_IPV4: "ipv4",
    wire.BAD_IPV6: "ipv6",
    wire.TUNNEL_TYPE: "type",
    wire.TEP_ERROR: "kernel",
}
CONNECTIONS = "taken stranger too_many login malformed too_slow lost".split()


class Asked(typing.NamedTuple):
    """A command, and who waits for its answer."""

    request: Request
    session: tsp.Session
    connection: connections.Connection


class Server:
    """See softwired.service.Service."""

    def __init__(self, frame: Frame, values: types.SimpleNamespace) -> None:
        self.loop, self.log = frame.loop, frame.log
        self.values = values
        counters = frame.counters
        self.commands = counters.family(
            "commands_total", "Commands that were done, by action", "action", ("create", "delete")
        )
        self.refused = counters.family(
            "refused_total", "Commands that were refused, by reason", "reason", REFUSED
        )
        self.met = counters.family(
            "connections_total", "Connections by what became of them", "result", CONNECTIONS
        )
        self.stopped = counters.family(
            "stopped_packets_total",
            "Packets that were dropped: of a foreign inner source, or to another address of this machine",
            "reason",
            ("spoofed", "elsewhere"),
        )
        self.repaired = counters.family(
            "repaired_total",
            "Mappings that were not in the kernel as they should be",
            "when",
            ("start", "later"),
        )
        counters.gauge("mappings", "Mappings that are wanted", lambda: len(self.table.wanted))
        self.table: Table
        self.users: dict[bytes, bytes] = {}
        self.waiting: list[Asked] = []
        self.looks = False
        self.learner: learning.Learner | None = None
        self.listener = connections.Listener(
            frame.loop,
            values.limits.connections,
            values.limits.patience,
            self._admit,
            self._closed,
            lambda: self._met("too_many", "more connections than tep.limits.connections"),
        )

    # A service's life

    def open(self) -> None:
        check(self.values)
        self._secure()

    def start(self) -> None:
        # Without root's privileges: what it needs later has to work now, and the file is the service's own.
        values = self.values
        try:
            carrier = Carrier(
                values.device, values.address, values.prefixes, learning.rules(values), shared(values)
            )
            self.table = Table(Store(values.file), carrier, self.log)
        except (OSError, StoreError) as error:
            raise StartError(f"tep: {error}") from None
        repaired = self.table.agree()
        if repaired is None:
            raise StartError(f"tep: {self.table.problems['kernel']}")
        self.repaired["start"] += repaired
        for problem in problems():
            self.log.warning(problem)
        self._watch()
        self.loop.later(LOOK_AGAIN, self._look_again)
        if self.values.servers:
            self._listen()

    def reload(self, values: types.SimpleNamespace) -> None:
        check(values)
        carrier = ("address", "prefixes", "shared", "device", "learn", "learning", "file")
        changed = [key for key in carrier if getattr(values, key) != getattr(self.values, key)]
        if changed:
            raise StartError(f"tep.{changed[0]}: takes effect at the next start alone")
        before, self.values = self.values, values
        self.listener.most, self.listener.patience = values.limits.connections, values.limits.patience
        self._secure()
        if (before.listen, before.port) != (values.listen, values.port):
            self._listen()
        for connection in list(self.listener.connections):
            if not self._valid(connection.address):
                connection.close("stranger")

    def stop(self) -> None:
        """The kernel goes on carrying, until the next start."""
        self.listener.close()
        self._flush()
        if self.learner:
            self.learner.close()
        self.table.carrier.close()
        self.table.store.close()

    def status(self) -> dict[str, typing.Any]:
        self.stopped.update(self._new_counts())
        return {
            "address": str(self.values.address),
            "listens": [f"[{address}]:{port}" for address, port in self.listener.listening],
            "problem": [*self.table.problems.values(), *problems()],
        }

    def _new_counts(self) -> dict[str, int]:
        counted = self.table.carrier.counted()
        return {name: max(0, count - self.stopped[name]) for name, count in counted.items()}

    def _secure(self) -> None:
        values = self.values
        self.users = tsp.read_users(values.users, values.realm) if values.users else {}
        tls = values.tls
        self.listener.tls = (
            connections.server_context(tls.certificate, tls.key, tls.authorities) if tls.certificate else None
        )
        self.mechanisms: tuple[str, ...] = (tsp.ANONYMOUS,)
        if values.users:
            # A password in plain text is for nobody else's ears.
            self.mechanisms = (tsp.DIGEST_MD5, tsp.PLAIN) if tls.certificate else (tsp.DIGEST_MD5,)

    def _listen(self) -> None:
        wanted = {(str(one), self.values.port) for one in self.values.listen or [self.values.address]}
        for key in self.listener.listening.keys() - wanted:
            self.listener.leave(*key)
        for address, port in wanted - self.listener.listening.keys():
            try:
                self.listener.listen(address, port)
            except OSError as error:
                raise StartError(f"tep.listen: [{address}]:{port}: {error.strerror}") from None

    # The kernel

    def _watch(self) -> None:
        carrier = self.table.carrier
        for news in (carrier.links, carrier.rulesets):
            self.loop.watch(news.fileno(), self._news)
        if carrier.learning:
            self.learner = learning.Learner(carrier.learning, self.table, self.loop, self.log)
            self.loop.watch(self.learner.fileno(), self.learner.heard)
            self.learner.start()

    def _news(self) -> None:
        if self.table.carrier.disturbed() and not self.looks:
            # What else comes with it is waited for.
            self.looks = True
            self.loop.later(SOON, self._repair)

    def _repair(self) -> None:
        self.looks = False
        if self.learner:
            # A node that the kernel forgot is not given back to it.
            self.learner.forget()
        repaired = self.table.agree()
        if repaired:
            self.repaired["later"] += repaired
            self.log.seldom("repaired", f"{repaired} mappings were not in the kernel as they should be")

    def _look_again(self) -> None:
        self.table.retry()
        self._repair()
        self.loop.later(LOOK_AGAIN, self._look_again)

    # Servers

    def _valid(self, address: ipaddress.IPv6Address) -> bool:
        return any(address in network for network in self.values.servers)

    def _admit(self, connection: connections.Connection) -> tsp.Session | None:
        if not self._valid(connection.address):
            self._met("stranger", f"{connection.address} is in none of tep.servers")
            return None
        self.met["taken"] += 1
        session = tsp.Session(
            self.mechanisms,
            self.values.realm.encode(),
            self.users.get,
            lambda message: self._take(message, session, connection),
        )
        return session

    def _closed(self, connection: connections.Connection, why: str) -> None:
        session = typing.cast("tsp.Session | None", connection.session)
        if why in ("", "stopped") or session is None:
            return
        kind = {"too slow": "too_slow", "stranger": "stranger"}.get(why, "lost")
        if why.startswith("malformed") or why.startswith("version"):
            kind = "malformed"
        elif session.ended and session.state != tsp.COMMANDS:
            kind = "login"
        self._met(kind, f"{connection.address}: {why}")

    def _met(self, kind: str, text: str) -> None:
        self.met[kind] += 1
        self.log.seldom(kind, f"connection ended ({kind}): {text}")

    def _take(self, message: wire.Message, session: tsp.Session, connection: connections.Connection) -> None:
        try:
            asked = messages.request(
                message, self.values.prefixes, self.values.address, self.table.carrier.shared
            )
        except messages.Refused as error:
            # Answers come in the order of the commands.
            self._flush()
            self._refuse(session, error.code, CODES[error.code], f"{connection.address}: {error}")
            return
        if asked:
            if not self.waiting:
                # With whatever else comes in this turn.
                self.loop.later(0, self._flush)
            self.waiting.append(Asked(asked, session, connection))

    def _refuse(self, session: tsp.Session, code: int, kind: str, text: str) -> None:
        self.refused[kind] += 1
        self.log.seldom(f"refused_{kind}", f"refused ({code}) {text}")
        session.refuse(code)

    def _flush(self) -> None:
        """What waits is written, carried and answered."""
        waiting, self.waiting = self.waiting, []
        changes: dict[bytes, Mapping | None] = {}
        batch: list[Asked] = []
        for one in waiting:
            # One change of an address after the other.
            if one.request.slot in changes:
                self._do(batch, changes)
                batch, changes = [], {}
            batch.append(one)
            changes.update(self._change(one, len(changes)))
        self._do(batch, changes)
        for connection in {one.connection for one in waiting}:
            connection.flush()

    def _change(self, one: Asked, more: int) -> dict[bytes, Mapping | None]:
        request = one.request
        there = self.table.wanted.get(request.slot)
        if request.action == messages.CREATE:
            if there is None and len(self.table.wanted) + more >= self.values.limits.mappings:
                return {}
            return {request.slot: Mapping(request.ipv6, str(one.connection.address), time.time())}
        # Late, for an address that is another node's by now, or nobody's: then it is done already.
        return {request.slot: None} if there and there.ipv6 == request.ipv6 else {}

    def _do(self, batch: list[Asked], changes: dict[bytes, Mapping | None]) -> None:
        good = self.table.change(changes)
        for request, session, connection in batch:
            full = request.action == messages.CREATE and request.slot not in changes
            if good and not full:
                self.commands[request.action] += 1
                session.info(messages.info(request, self.values.address, self.values.ipv4))
            else:
                why = "more than tep.limits.mappings" if full else "; ".join(self.table.problems.values())
                kind = "full" if full else "kernel"
                self._refuse(session, wire.TEP_ERROR, kind, f"{connection.address}: {why}")


def shared(values: types.SimpleNamespace) -> list[sharing.Shared]:
    """Of the configuration."""
    return [sharing.Shared(one.prefix, one.ports_of_a_node) for one in values.shared]


def problems() -> list[str]:
    """What of this machine keeps packets from flowing."""
    try:
        with open("/proc/sys/net/ipv4/ip_forward", encoding="ascii") as file:
            forwards = file.read().strip() != "0"
    except OSError:
        forwards = True
    return [] if forwards else ["net.ipv4.ip_forward is 0: this machine forwards no IPv4 packets"]


def check(values: types.SimpleNamespace) -> None:
    """What only trying tells: files that are named can be read; StartError."""
    if values.users:
        try:
            tsp.read_users(values.users, values.realm)
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) else error
            raise StartError(f"tep.users = '{values.users}': {said}") from None
    tls = values.tls
    if tls.certificate:
        try:
            connections.server_context(tls.certificate, tls.key, tls.authorities)
        except (OSError, ssl.SSLError) as error:
            raise StartError(
                f"tep.tls.certificate = '{tls.certificate}': {error.strerror or error}"
            ) from None
