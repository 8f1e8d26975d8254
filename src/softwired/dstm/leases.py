# SPDX-License-Identifier: Apache-2.0
"""Who has which address: the tables, and the jobs that change them, each inside one transaction of the store.

An address belongs to one node from the moment its row is there until its border router has said that it forgot it, or
need not be told: held, then ending, then gone to the history.
"""

from __future__ import annotations

import ipaddress
import secrets
import types
import typing

import sqlalchemy
from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, String, and_, func, or_, select

from softwire import tsp
from softwired.dstm.slots import Pool, Slot, Slots
from softwired.store import Connection

metadata = sqlalchemy.MetaData()
lease_table = sqlalchemy.Table(
    "dstm_lease",
    metadata,
    Column("address", BigInteger, primary_key=True, autoincrement=False),
    Column("first_port", Integer, primary_key=True, autoincrement=False),
    Column("last_port", Integer, nullable=False),
    Column("serial", String(16), nullable=False, unique=True),
    # The node while the lease is held: a node has one. NULL once it is ending.
    Column("holder", String(39), unique=True),
    Column("node", String(39), nullable=False),
    Column("link_local", String(39), nullable=False),
    Column("network", String(39), nullable=False, index=True),
    Column("user", String(64), nullable=False, index=True),
    Column("tep", String(39), nullable=False, index=True),
    Column("server", String(64), nullable=False),
    Column("since", Float, nullable=False),
    Column("renewed", Float, nullable=False),
    Column("expires", Float, nullable=False, index=True),
    Column("ending", Boolean, nullable=False),
)
history_table = sqlalchemy.Table(
    "dstm_history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("address", BigInteger, nullable=False, index=True),
    Column("first_port", Integer, nullable=False),
    Column("last_port", Integer, nullable=False),
    Column("node", String(39), nullable=False),
    Column("link_local", String(39), nullable=False),
    Column("user", String(64), nullable=False),
    Column("tep", String(39), nullable=False),
    Column("since", Float, nullable=False),
    Column("until", Float, nullable=False, index=True),
)
KEPT = "address first_port last_port node link_local user tep since".split()
# Another server's leases are looked after by this one so many seconds after their time.
STRANGE = 60.0
# Rows in one go.
MOST = 500
# Slots that are known to have been somebody's not long ago, where the order of the free ones begins anew.
RESTING = 1000


class Lease(typing.NamedTuple):
    """A row. Addresses are texts but IPv4's, an integer; times are seconds since 1970."""

    address: int
    first_port: int
    last_port: int
    serial: str
    holder: str | None
    node: str
    link_local: str
    network: str
    user: str
    tep: str
    server: str
    since: float
    renewed: float
    expires: float
    ending: bool

    @property
    def slot(self) -> Slot:
        return Slot(self.address, self.first_port, self.last_port)

    @property
    def ports(self) -> tuple[int, int] | None:
        """Of a shared address."""
        return None if self.slot[1:] == (0, 65535) else (self.first_port, self.last_port)

    def __str__(self) -> str:
        text = str(ipaddress.IPv4Address(self.address))
        return text if self.ports is None else f"{text} ports {self.first_port}-{self.last_port}"


class Request(typing.NamedTuple):
    """What a node asks for. ipv4: what it holds already, or None; shares: whether a range of ports does."""

    node: str
    link_local: str
    user: str
    ipv4: int | None
    shares: bool


class Result(typing.NamedTuple):
    """code: 0, or why not; lease: the node's; ended: one that it had and has no more."""

    code: int
    lease: Lease | None = None
    ended: Lease | None = None


class Routers(typing.Protocol):
    """The border routers, by address; asked in the store's thread."""

    def choose(self, addresses: typing.Sequence[str]) -> str | None:
        """The one of a pool's that gets the next node, or None."""

    def answers(self, addresses: typing.Iterable[str]) -> bool:
        """Whether one of them does."""

    def gone(self, address: str) -> bool:
        """Whether its nodes shall have another one."""


class Leases:
    """The jobs. `slots` is what is remembered beside the store, and filled from it anew where that may be wrong."""

    def __init__(
        self, values: types.SimpleNamespace, clock: typing.Callable[[], float], routers: Routers
    ) -> None:
        self.clock, self.routers = clock, routers
        self.apply(values)

    def apply(self, values: types.SimpleNamespace) -> None:
        """Other values; what is held stays as it is."""
        self.values = values
        self.slots = Slots(values.pool)

    def lost(self) -> None:
        """A transaction failed."""
        self.slots.stale = True

    # What nodes ask for

    def allocate(self, connection: Connection, request: Request) -> Result:
        """A lease for the node: its own with a new life, or a new one."""
        now = self.clock()
        held = self._row(connection, lease_table.c.holder == request.node)
        if held:
            good = held.user == request.user and held.expires > now and self._placed(held)
            if good and not self._leaves(connection, held, request.shares):
                if request.ipv4 not in (None, held.address):
                    return Result(tsp.UNAVAILABLE)
                return Result(0, self._renew(connection, held, now))
            # Somebody else's, of no pool any more, or at a border router that is gone.
            held = self.end(connection, held.serial)
        if request.ipv4 is not None:
            return Result(tsp.UNAVAILABLE, ended=held)
        found = self._full(connection, request) or self._take(connection, request, now)
        if isinstance(found, int):
            return Result(found, ended=held)
        return Result(0, found, held)

    def offer(self, connection: Connection, request: Request) -> Result:
        """What `allocate` would give now. It changes nothing, and promises nothing."""
        now = self.clock()
        held = self._row(connection, lease_table.c.holder == request.node)
        if held and held.user == request.user and held.expires > now:
            return Result(0, held)
        code = self._full(connection, request)
        if code:
            return Result(code)
        for fresh in (False, True):
            if self.slots.stale or fresh:
                self.fill(connection)
            for pool in self._pools(request.shares):
                tep = self.routers.choose(pool.table.teps)
                if tep is None:
                    return Result(tsp.TEP_ERROR)
                return Result(0, self._new(request, next(iter(pool.free)), tep, now))
        return Result(tsp.EXHAUSTED)

    def _renew(self, connection: Connection, held: Lease, now: float) -> Lease:
        changed = {"expires": now + self.values.lifetime, "renewed": now, "server": self.values.name}
        connection.execute(lease_table.update().where(lease_table.c.serial == held.serial).values(**changed))
        return held._replace(**changed)

    def _full(self, connection: Connection, request: Request) -> int:
        limits = self.values.limits
        for most, column, value in (
            (limits.leases_of_a_user, lease_table.c.user, request.user),
            (limits.leases_of_a_prefix, lease_table.c.network, network_of(request.node)),
        ):
            if most and value:
                count = connection.execute(
                    select(func.count())
                    .select_from(lease_table)
                    .where(column == value, lease_table.c.holder.isnot(None))
                ).scalar()
                if count >= most:
                    return tsp.EXHAUSTED
        return 0

    def _take(self, connection: Connection, request: Request, now: float) -> Lease | int:
        refreshed = False
        while True:
            if self.slots.stale:
                self.fill(connection)
                refreshed = True
            code = tsp.EXHAUSTED
            for pool in self._pools(request.shares):
                tep = self.routers.choose(pool.table.teps)
                if tep is None:
                    code = tsp.TEP_ERROR
                    continue
                lease = self._insert(connection, request, pool, tep, now)
                if lease:
                    return lease
            if refreshed or code == tsp.TEP_ERROR:
                return code
            # Other servers may have given some back.
            self.slots.stale = True

    def _pools(self, shares: bool) -> list[Pool]:
        """Those that have something for a node, first those of which a border router answers."""
        some = [pool for pool in self.slots.pools if pool.free and (shares or not pool.shared)]
        return sorted(some, key=lambda pool: not self.routers.answers(pool.table.teps))

    def _insert(
        self, connection: Connection, request: Request, pool: Pool, tep: str, now: float
    ) -> Lease | None:
        while pool.free:
            slot, _ = pool.free.popitem(last=False)
            lease = self._new(request, slot, tep, now)
            there = connection.execute(
                select(lease_table.c.serial).where(
                    lease_table.c.address == slot.address,
                    lease_table.c.first_port <= slot.last,
                    lease_table.c.last_port >= slot.first,
                )
            ).first()
            if there is None:
                connection.execute(lease_table.insert().values(**lease._asdict()))
                return lease
        return None

    def _new(self, request: Request, slot: Slot, tep: str, now: float) -> Lease:
        return Lease(
            *slot,
            secrets.token_hex(8),
            request.node,
            request.node,
            request.link_local,
            network_of(request.node),
            request.user,
            tep,
            self.values.name,
            now,
            now,
            now + self.values.lifetime,
            False,
        )

    def fill(self, connection: Connection) -> None:
        """What is free, from what is not; what was somebody's last comes last."""
        past, columns = history_table.c, lease_table.c
        rested = connection.execute(
            select(past.address, past.first_port, past.last_port)
            .order_by(past.until.desc(), past.id.desc())
            .limit(RESTING)
        )
        latest = [Slot(*row) for row in rested]
        used = connection.execute(select(columns.address, columns.first_port, columns.last_port))
        self.slots.fill((Slot(*row) for row in used), reversed(latest))

    # What becomes of them

    def end(self, connection: Connection, serial: str) -> Lease | None:
        """The node has it no more; nobody else gets it before `release`. None: it was not held."""
        held = self._row(connection, and_(lease_table.c.serial == serial, lease_table.c.ending.is_(False)))
        if held:
            self._mark(connection, [serial])
            return held._replace(ending=True, holder=None)
        return None

    def end_of(
        self, connection: Connection, holder: str, address: int, user: str | None = None
    ) -> Lease | None:
        """The node gives it back; user: whose it has to be."""
        held = self._row(connection, and_(lease_table.c.holder == holder, lease_table.c.address == address))
        return self.end(connection, held.serial) if held and user in (None, held.user) else None

    def _mark(self, connection: Connection, serials: list[str]) -> None:
        connection.execute(
            lease_table.update()
            .where(lease_table.c.serial.in_(serials))
            .values(ending=True, holder=None, server=self.values.name, renewed=self.clock())
        )

    def release(self, connection: Connection, serial: str) -> None:
        """Nobody's any more."""
        gone = self._row(connection, and_(lease_table.c.serial == serial, lease_table.c.ending.is_(True)))
        if gone is None:
            return
        connection.execute(
            history_table.insert().values(until=self.clock(), **{name: getattr(gone, name) for name in KEPT})
        )
        connection.execute(lease_table.delete().where(lease_table.c.serial == serial))
        self.slots.give_back(gone.slot)

    def due(self, connection: Connection) -> list[Lease]:
        """Those whose time is over, now ending."""
        now = self.clock()
        over = select(lease_table).where(
            lease_table.c.ending.is_(False), self._ours(lease_table.c.expires, now)
        )
        found = [Lease(*row) for row in connection.execute(over.limit(MOST))]
        if found:
            self._mark(connection, [one.serial for one in found])
        return [one._replace(ending=True, holder=None) for one in found]

    def unfinished(self, connection: Connection) -> list[Lease]:
        """Those that are ending and whose server is not there to end them, now ours; our own at the start."""
        now = self.clock()
        found = [
            Lease(*row)
            for row in connection.execute(
                select(lease_table).where(
                    lease_table.c.ending.is_(True), self._ours(lease_table.c.renewed, now)
                )
            )
        ]
        if found:
            self._mark(connection, [one.serial for one in found])
        return found

    def _ours(self, column: typing.Any, now: float) -> typing.Any:
        return or_(and_(lease_table.c.server == self.values.name, column <= now), column <= now - STRANGE)

    def held_at(self, connection: Connection, tep: str) -> list[Lease]:
        """What a border router has to know."""
        wanted = select(lease_table).where(lease_table.c.tep == tep, lease_table.c.ending.is_(False))
        return [Lease(*row) for row in connection.execute(wanted)]

    def misplaced(self, connection: Connection) -> list[Lease]:
        """Ours that the pools, as they are now, would not give, or not at this border router."""
        wanted = select(lease_table).where(
            lease_table.c.server == self.values.name, lease_table.c.ending.is_(False)
        )
        ours = [Lease(*row) for row in connection.execute(wanted)]
        found = [one for one in ours if not self._placed(one)]
        for shares in (False, True):
            gone = [one for one in ours if self.routers.gone(one.tep) and bool(one.ports) == shares]
            found += [one for one in gone if self._placed(one)][: self._room(connection, shares)]
        return found

    def _placed(self, held: Lease) -> bool:
        pool = self.slots.of(*held.slot)
        return bool(pool and held.tep in pool.table.teps)

    def _leaves(self, connection: Connection, held: Lease, shares: bool) -> bool:
        """Its border router is gone, and another one has room."""
        return self.routers.gone(held.tep) and self._room(connection, shares) > 0

    def _room(self, connection: Connection, shares: bool) -> int:
        """How many leases border routers that answer can have."""
        if self.slots.stale:
            self.fill(connection)
        return sum(len(pool.free) for pool in self._pools(shares) if self.routers.answers(pool.table.teps))

    def cut(self, connection: Connection, serials: typing.Sequence[str]) -> None:
        """They are due from now on."""
        for at in range(0, len(serials), MOST):
            some = lease_table.c.serial.in_(serials[at : at + MOST])
            connection.execute(lease_table.update().where(some).values(expires=self.clock()))

    def not_held(self, connection: Connection, leases: typing.Sequence[Lease]) -> list[Lease]:
        """Those of them that are nobody's any more."""
        held = self.serials(connection)
        return [lease for lease in leases if lease.serial not in held]

    def serials(self, connection: Connection) -> set[str]:
        """Of all that are held."""
        wanted = select(lease_table.c.serial).where(lease_table.c.ending.is_(False))
        return {row.serial for row in connection.execute(wanted)}

    def forget(self, connection: Connection) -> None:
        """What the history has held long enough."""
        until = self.clock() - self.values.history * 86400
        connection.execute(history_table.delete().where(history_table.c.until < until))

    def count(self, connection: Connection) -> dict[str, int]:
        """For status."""
        found = {"held": 0, "ending": 0}
        query = select(lease_table.c.ending, func.count()).group_by(lease_table.c.ending)
        for ending, number in connection.execute(query):
            found["ending" if ending else "held"] = number
        return found

    def latest(self, connection: Connection) -> float:
        """When the last lease was given, by the clock of then."""
        return float(connection.execute(select(func.max(lease_table.c.renewed))).scalar() or 0)

    def _row(self, connection: Connection, condition: typing.Any) -> Lease | None:
        row = connection.execute(select(lease_table).where(condition)).first()
        return Lease(*row) if row else None


def network_of(node: str) -> str:
    """The /64 of an address."""
    return str(ipaddress.IPv6Network((node, 64), strict=False).network_address)


def all_leases(connection: Connection) -> typing.Iterator[Lease]:
    """Of all servers, by address."""
    rows = connection.execute(select(lease_table).order_by(lease_table.c.address, lease_table.c.first_port))
    return (Lease(*row) for row in rows)


def had(connection: Connection, address: int, at: float) -> list[dict[str, typing.Any]]:
    """Who had an address at a time: of the history, and who has it still."""
    found = []
    for table, until in ((history_table, history_table.c.until), (lease_table, None)):
        conditions = [table.c.address == address, table.c.since <= at]
        if until is not None:
            conditions.append(until > at)
        columns = [table.c[name] for name in KEPT] + ([] if until is None else [until])
        for row in connection.execute(select(*columns).where(*conditions).order_by(table.c.first_port)):
            found.append({"until": None, **row._mapping})
    return found


def revoke(connection: Connection, address: int, now: float) -> int:
    """Their servers end them within a second; how many."""
    done = connection.execute(
        lease_table.update()
        .where(lease_table.c.address == address, lease_table.c.ending.is_(False))
        .values(expires=now)
    )
    return int(done.rowcount)
