# SPDX-License-Identifier: Apache-2.0
"""The service: nodes ask it for addresses, it tells border routers first (draft-bound-dstm-exp-00 appendix C 2).

Nodes ask by TSP (node.py) or by DHCPv6 (access.py); what they get is the same.
"""

from __future__ import annotations

import functools
import ipaddress
import time
import types
import typing

from sqlalchemy.exc import SQLAlchemyError

from softwire import tsp
from softwired import connections
from softwired.dstm import tls
from softwired.dstm.access import Access, Deny, Grant
from softwired.dstm.leases import Lease, Leases, Request, Result, metadata
from softwired.dstm.node import Node, node_address
from softwired.dstm.teps import Tep, Teps
from softwired.dstm.users import Users
from softwired.service import Frame, StartError
from softwired.store import Connection, Store, Worker, said

# Seconds between two looks for what is over, for what another server left behind, for what the history may forget.
LOOK, LOOK_BEHIND, LOOK_BACK = 1.0, 20.0, 3600.0
# Leases that may be remembered beside those that are held.
MORE = 100
TIMES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
ANSWERS = [str(code) for code in (tsp.OK, *tsp.TEXTS)]


class Clock:
    """Seconds since 1970 that nobody can step: read once, and never before the last lease was given."""

    def __init__(self) -> None:
        self.offset = time.time() - time.monotonic()

    def __call__(self) -> float:
        return time.monotonic() + self.offset

    def not_before(self, other: float) -> None:
        self.offset = max(self.offset, other - time.monotonic())


class Server:
    """See softwired.service.Service."""

    def __init__(self, frame: Frame, values: types.SimpleNamespace) -> None:
        self.loop, self.log, self.values = frame.loop, frame.log, values
        self.clock = Clock()
        self.teps = Teps(frame.loop, frame.log, self._came)
        self.leases = Leases(values, self.clock, self.teps)
        self.users = Users(values.users, values.realm, frame.log)
        self.access = Access(frame, self)
        self.listeners: dict[bool, connections.Listener] = {}
        self.worker: Worker | None = None
        # Each node's connections: all of them hear of the end of its lease.
        self.nodes: dict[str, list[Node]] = {}
        # Leases that their border routers are known to carry, and those that they are told to forget.
        self.carried: dict[str, str] = {}
        self.ending: set[str] = set()
        self.held = {"held": 0, "ending": 0}
        self._count(frame)

    def _count(self, frame: Frame) -> None:
        counters = frame.counters
        self.answers = counters.family("answers_total", "Answers to nodes by status code", "code", ANSWERS)
        self.ends = counters.family(
            "ended_total",
            "Leases by why they ended",
            "reason",
            ("expired", "given_back", "not_carried", "replaced"),
        )
        self.closed = counters.family("connections_closed_total", "Connections by why they ended", "reason")
        self.told = counters.family(
            "tep_commands_total", "Commands to border routers by result", "result", ("done", "failed")
        )
        self.times = counters.histogram("create_seconds", "From a Tunnel Create to its answer", TIMES)
        counters.gauge("connections", "Open connections of nodes", lambda: len(self._connections()))
        counters.gauge("leases", "Leases that are held", lambda: self.held["held"])
        counters.gauge(
            "leases_ending", "Leases whose border router has yet to forget them", lambda: self.held["ending"]
        )
        counters.gauge(
            "teps_alive",
            "Border routers that answer",
            lambda: sum(one.alive for one in self.teps.known.values()),
        )

    # A service's life

    def open(self) -> None:
        self._listen(self.values)
        self.access.open(self.values)

    def start(self) -> None:
        values = self.values
        try:
            store = Store(values.database, metadata)
            store.create()
            (latest,) = store.run([self.leases.latest])
        except (SQLAlchemyError, OSError) as error:
            raise StartError(f"dstm.database: {said(error)}") from None
        self.clock.not_before(latest)
        self.users.look()
        self.worker = Worker(store, self.loop, self.leases.lost)
        self.worker.start()
        self.teps.apply(values.tep)
        self.access.start()
        self._look()
        self._look_behind()
        self._look_back()

    def reload(self, values: types.SimpleNamespace) -> None:
        for name in ("database", "name"):
            if getattr(values, name) != getattr(self.values, name):
                self.log.warning(f"dstm.{name} takes effect at the next start")
                setattr(values, name, getattr(self.values, name))
        self._listen(values)
        self.access.apply(values)
        self.values = values
        self.users = Users(values.users, values.realm, self.log)
        self.users.look()
        self.teps.apply(values.tep)
        self._apply(values)

    def _apply(self, values: types.SimpleNamespace) -> None:
        """Between two jobs of the store, as soon as it answers."""

        def apply(connection: Connection) -> list[Lease]:
            self.leases.apply(values)
            return self.leases.misplaced(connection)

        def applied(found: list[Lease] | None, error: Exception | None) -> None:
            if error is None:
                self._move(found or [])
            elif values is self.values:
                self.loop.later(LOOK, lambda: self._apply(values))

        self._ask(apply, applied)

    def stop(self) -> None:
        for listener in self.listeners.values():
            listener.close()
        self.access.stop()
        self.teps.close()
        if self.worker:
            self.worker.stop()

    def status(self) -> dict[str, typing.Any]:
        error = self.worker.error if self.worker else None
        return {
            "database": error or "answers",
            "leases": self.held,
            "users": self.users.problem or len(self.users.known),
            "listens": [
                f"[{address}]:{port} over TLS" if over_tls else f"[{address}]:{port}"
                for over_tls, listener in sorted(self.listeners.items())
                for address, port in listener.listening
            ],
            "dhcpv6": self.access.status(),
            "teps": [
                {
                    "address": one.address,
                    "alive": one.alive,
                    "gone": one.gone,
                    "problem": one.problem,
                    "waiting": len(one.waiting) + len(one.asked),
                }
                for one in self.teps.known.values()
            ],
        }

    def _listen(self, values: types.SimpleNamespace) -> None:
        ports = {False: values.port, True: values.tls.port if values.tls.certificate else 0}
        if ports[True] == ports[False]:
            ports[False] = 0
        for over_tls, port in ports.items():
            listener = self.listeners.get(over_tls)
            if listener is None:
                listener = self.listeners[over_tls] = connections.Listener(
                    self.loop, 0, 0.0, functools.partial(self._admit, over_tls), self._closed, self._full
                )
            listener.most, listener.patience = values.limits.connections, values.limits.patience
            wanted = {(address, port) for address in values.listen} if port else set()
            for place in set(listener.listening) - wanted:
                listener.leave(*place)
            if over_tls and port:
                listener.tls = tls.context(values.tls)
            for place in wanted - set(listener.listening):
                try:
                    listener.listen(*place)
                except OSError as error:
                    raise StartError(
                        f"dstm.listen: cannot listen at [{place[0]}]:{place[1]}: {error.strerror}"
                    ) from None

    def _connections(self) -> list[connections.Connection]:
        return [one for listener in self.listeners.values() for one in listener.connections]

    # Connections

    def _admit(self, over_tls: bool, connection: connections.Connection) -> Node | None:
        values = self.values
        if values.clients and not any(connection.address in prefix for prefix in values.clients):
            self.closed["not a client"] += 1
            self.log.seldom("client", f"{connection.address} is in no prefix of dstm.clients")
            return None
        mechanisms = [one for one in values.mechanisms if over_tls or one != "PLAIN"]
        return Node(
            connection, mechanisms, values.realm.encode(), lambda user: self.users.find(user), self._serve
        )

    def _full(self) -> None:
        self.closed["too many"] += 1
        self.log.seldom("full", f"more than {self.values.limits.connections} connections (dstm.limits)")

    def _closed(self, connection: connections.Connection, why: str) -> None:
        node = typing.cast(Node, connection.session)
        self.closed[why.partition(":")[0][:40] or "by the node"] += 1
        self._leave(node)
        if why == "wrong login":
            self.answers["300"] += 1
            self.log.seldom("login", f"{connection.address}: wrong login")

    def _leave(self, node: Node) -> None:
        beside = self.nodes.get(node.holds, [])
        if node in beside:
            beside.remove(node)
        if not beside:
            self.nodes.pop(node.holds, None)
        node.holds = ""

    # What nodes ask for; see softwired.dstm.access.Jobs

    def allocate(self, request: Request, grant: Grant, deny: Deny) -> None:
        """A lease that its border router carries: one of the two is called, in time."""
        began = self.loop.clock()

        def refuse(code: int) -> None:
            self.answers[str(code)] += 1
            deny(code)

        def give(lease: Lease) -> None:
            # The lease is on the disk, and carried.
            tep = self.teps.known.get(lease.tep)
            if tep is None or lease.serial in self.ending:
                refuse(tsp.UNAVAILABLE)
                return
            self.times.add(self.loop.clock() - began)
            self.answers["200"] += 1
            grant(lease, tep)

        def told(lease: Lease, code: int) -> None:
            self.told["failed" if code else "done"] += 1
            if code:
                # Who renews goes on with what it has: nobody else may get that before its time is over.
                if request.ipv4 is None:
                    self._end(lease, "not_carried")
                refuse(code)
                return
            self.carried[lease.serial] = lease.tep
            give(lease)

        def allocated(result: Result | None, error: Exception | None) -> None:
            if result is None:
                refuse(tsp.BUSY)
                return
            if result.ended:
                self.ends["replaced"] += 1
                if result.ended.user != request.user:
                    self.access.forget(result.ended.user)
                self._end_at_tep(result.ended)
            lease = result.lease
            if lease is None:
                refuse(result.code)
            elif lease.serial in self.carried:
                give(lease)
            else:
                self.teps.create(lease, functools.partial(told, lease))

        self._ask(lambda connection: self.leases.allocate(connection, request), allocated)

    def offer(self, request: Request, grant: Grant, deny: Deny) -> None:
        def found(result: Result | None, error: Exception | None) -> None:
            tep = self.teps.known.get(result.lease.tep) if result and result.lease else None
            if result and result.lease and tep:
                grant(result.lease, tep)
            else:
                deny(result.code or tsp.TEP_ERROR if result else tsp.BUSY)

        self._ask(lambda connection: self.leases.offer(connection, request), found)

    def give_back(self, holder: str, user: str, address: int, done: typing.Callable[[bool], object]) -> None:
        def ended(lease: Lease | None, error: Exception | None) -> None:
            if lease:
                self.ends["given_back"] += 1
                self._end_at_tep(lease)
            # What the store cannot end now, ends with its time.
            done(lease is not None or error is not None)

        self._ask(lambda connection: self.leases.end_of(connection, holder, address, user), ended)

    # Commands of nodes, by TSP

    def _serve(self, node: Node, message: tsp.Message) -> None:
        if message.action == "create":
            self._create(node, message)
        elif message.action in ("delete", "reject"):
            self._give_back(node, message)
        elif message.action in ("info", "accept"):
            # To a Delete, or to an Info: it was told already.
            node.quiet()
        else:
            self._deny(node, tsp.FORMAT)

    def _deny(self, node: Node, code: int) -> None:
        self.answers[str(code)] += 1
        node.deny(code)

    def _create(self, node: Node, message: tsp.Message) -> None:
        if message.type not in ("v4v6", ""):
            self._deny(node, tsp.TUNNEL_TYPE)
            return
        found = node_address(message, node.address, self.values.same_prefix)
        if found is None:
            self._deny(node, tsp.BAD_IPV6)
            return
        if message.client.ipv4 is not None and not ipaddress.IPv4Address(message.client.ipv4).packed[0]:
            self._deny(node, tsp.BAD_IPV4)
            return
        address, link_local = found
        request = Request(
            str(address), link_local, node.user, message.client.ipv4, message.client.ports is not None
        )
        self.allocate(request, lambda lease, tep: self._grant(node, lease, tep), lambda code: node.deny(code))

    def _grant(self, node: Node, lease: Lease, tep: Tep) -> None:
        message = self._message("info", lease, tep)
        message.lifetime = tsp.lifetime_of(self.values.lifetime, node.version)
        if self.values.keepalive and tep.ipv4 is not None:
            message.keepalive = (self.values.keepalive, str(ipaddress.IPv4Address(tep.ipv4)))
        if node.connection.descriptor >= 0:
            self._leave(node)
            node.holds = lease.node
            self.nodes.setdefault(lease.node, []).append(node)
        node.answer(message)

    def _message(self, action: str, lease: Lease, tep: Tep | None) -> tsp.Message:
        client = tsp.Side(lease.address, [int(ipaddress.IPv6Address(lease.node))], lease.ports)
        server = tsp.Side(tep.ipv4, [tep.ipv6]) if tep else None
        return tsp.Message(action, client, server)

    def _give_back(self, node: Node, message: tsp.Message) -> None:
        if not node.holds or message.client.ipv4 is None:
            self._deny(node, tsp.UNAVAILABLE)
            return

        def answer(lease: Lease | None, error: Exception | None) -> None:
            if lease is None:
                self._deny(node, tsp.BUSY if error else tsp.UNAVAILABLE)
                return
            self.ends["given_back"] += 1
            self._leave(node)
            self._end_at_tep(lease)
            if message.action == "delete":
                node.answer(self._message("info", lease, self.teps.known.get(lease.tep)))
            else:
                node.quiet()

        holder, address = node.holds, message.client.ipv4
        self._ask(lambda connection: self.leases.end_of(connection, holder, address), answer)

    # The end of a lease: the node and the border router are told at once, the address is free once the latter is done

    def _end(self, lease: Lease, reason: str) -> None:
        def answer(ended: Lease | None, error: Exception | None) -> None:
            # What the store cannot end now, ends with its time.
            if ended:
                self.ends[reason] += 1
                self._end_at_tep(ended)

        self._ask(lambda connection: self.leases.end(connection, lease.serial), answer)

    def _end_at_tep(self, lease: Lease) -> None:
        self.carried.pop(lease.serial, None)
        if lease.serial not in self.ending:
            self.ending.add(lease.serial)
            self.teps.delete(lease, lambda code: self._release(lease))

    def _release(self, lease: Lease) -> None:
        def answer(_: None, error: Exception | None) -> None:
            if error:
                self.loop.later(LOOK, lambda: self._release(lease))
            else:
                self.ending.discard(lease.serial)

        self._ask(lambda connection: self.leases.release(connection, lease.serial), answer)

    def _look(self) -> None:
        self._look_for_gone()
        self._ask(self.leases.due, self._over)
        self._ask(self.leases.count, self._counted)
        self.loop.later(LOOK, self._look)

    def _counted(self, found: dict[str, int] | None, error: Exception | None) -> None:
        self.held = found or self.held
        if len(self.carried) > self.held["held"] + MORE:
            self._ask(self.leases.serials, self._remember)

    def _remember(self, held: set[str] | None, error: Exception | None) -> None:
        """Of what is carried: not what another server has ended."""
        if held is not None:
            self.carried = {serial: tep for serial, tep in self.carried.items() if serial in held}

    def _over(self, found: list[Lease] | None, error: Exception | None) -> None:
        for lease in found or ():
            self.ends["expired"] += 1
            self._end_at_tep(lease)
            for node in self.nodes.pop(lease.node, ()):
                node.holds = ""
                node.tell(self._message("delete", lease, self.teps.known.get(lease.tep)))
            # Who let its time go by is not there to be told.
            if lease.expires < lease.renewed + self.values.lifetime - LOOK:
                self.access.ask_again(lease.user)
            else:
                self.access.forget(lease.user)

    def _move(self, found: list[Lease]) -> None:
        """Refused at their next renewal. Who has a key is asked for it now; TSP has a Tunnel Delete alone to say so."""
        connected = [lease.serial for lease in found if lease.node in self.nodes]
        self._ask(lambda connection: self.leases.cut(connection, connected), lambda *_: None)
        for lease in found:
            if lease.node not in self.nodes:
                self.access.ask_again(lease.user)

    def _look_behind(self) -> None:
        def answer(found: list[Lease] | None, error: Exception | None) -> None:
            for lease in found or ():
                self._end_at_tep(lease)

        self._ask(self.leases.unfinished, answer)
        self.loop.later(LOOK_BEHIND, self._look_behind)

    def _look_back(self) -> None:
        self._ask(self.leases.forget, lambda *_: None)
        self.loop.later(LOOK_BACK, self._look_back)

    # Border routers

    def _look_for_gone(self) -> None:
        found = self.teps.look()
        for tep in found:
            self.log.warning(
                f"border router {tep.address} is gone for {tep.table.gone_after} s: its nodes shall have another"
            )
        if found:
            self._look_who_moves()

    def _look_who_moves(self) -> None:
        def answer(found: list[Lease] | None, error: Exception | None) -> None:
            if error:
                self.loop.later(LOOK, self._look_who_moves)
            self._move(found or [])

        self._ask(self.leases.misplaced, answer)

    def _came(self, tep: Tep) -> None:
        """It may have forgotten everything, and is told all of it again."""
        self.carried = {serial: one for serial, one in self.carried.items() if one != tep.address}

        def answer(found: list[Lease] | None, error: Exception | None) -> None:
            if error and tep.alive:
                self.loop.later(LOOK, lambda: self._came(tep))
            waiting = {lease.serial: lease for lease in found or ()}
            for lease in found or ():
                if tep.alive:
                    tep.create(lease, functools.partial(done, lease, waiting))

        def done(lease: Lease, waiting: dict[str, Lease], code: int) -> None:
            self.told["failed" if code else "done"] += 1
            if not code and lease.serial not in self.ending:
                self.carried[lease.serial] = lease.tep
            waiting.pop(lease.serial, None)
            told.append(lease)
            if not waiting:
                self._check(tep, told)

        told: list[Lease] = []
        self._ask(lambda connection: self.leases.held_at(connection, tep.address), answer)

    def _check(self, tep: Tep, told: list[Lease]) -> None:
        """What another server ended while it was told: it must not carry that."""

        def answer(gone: list[Lease] | None, error: Exception | None) -> None:
            if error and tep.alive:
                self.loop.later(LOOK, lambda: self._check(tep, told))
            for lease in gone or ():
                self.carried.pop(lease.serial, None)
                tep.delete(lease, lambda code: None)

        self._ask(lambda connection: self.leases.not_held(connection, told), answer)

    # The store

    def _ask(self, job: typing.Callable[..., typing.Any], answer: typing.Callable[..., object]) -> None:
        assert self.worker

        def safely(result: typing.Any, error: Exception | None) -> None:
            if error:
                self.log.seldom("store", f"dstm.database: {said(error)}")
            answer(result, error)

        self.worker.ask(job, safely)


def make(frame: Frame, values: types.SimpleNamespace) -> Server:
    """See softwired.service.Service."""
    return Server(frame, values)
