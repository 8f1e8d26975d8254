# SPDX-License-Identifier: Apache-2.0
"""The database of the tunnels: tables, and the jobs that change them, each inside one transaction of the store.

IPv4client, IPv6client, IPv6server, device, nicname, creation_time and unreachable are the draft's. The page and the
operator write what is wanted and count `version` up; the monitor makes it so and writes the version that it carries.
"""

from __future__ import annotations

import ipaddress
import types
import typing

import sqlalchemy
from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Integer,
    String,
    UniqueConstraint,
    and_,
    bindparam,
    func,
    or_,
    select,
)

from softwired.store import Connection
from softwired.tunnels import pools

metadata = sqlalchemy.MetaData()
tunnel_table = sqlalchemy.Table(
    "tunnels_tunnel",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("IPv4client", String(15), nullable=False, unique=True),
    Column("IPv6client", String(39), nullable=False, unique=True),
    Column("IPv6server", String(39), nullable=False),
    Column("device", String(15), nullable=False),
    Column("nicname", String(63), nullable=False),
    Column("creation_time", Float, nullable=False),
    # -1: new, 0: the client answered last time, more: it did not so many times.
    Column("unreachable", Integer, nullable=False),
    Column("number", Integer, nullable=False, unique=True),
    Column("country", String(2), nullable=False),
    Column("system", String(32), nullable=False),
    Column("routed", String(43), nullable=False),
    # SHA-256 of the secret of its page's address, and of its update key.
    Column("link", String(64), nullable=False, unique=True),
    Column("key", String(64), nullable=False),
    Column("asker", String(45), nullable=False, index=True),
    Column("network", String(18), nullable=False, index=True),
    Column("state", String(9), nullable=False),
    Column("server", String(64), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("carried", Integer, nullable=False),
    Column("answered", Float),
    Column("moved", Float, nullable=False),
    # When it goes, unless the client answers before.
    Column("until", Float),
    # Of its reverse zone, with blanks between.
    Column("nameservers", String(1000), nullable=False),
    # As the kernel counted them by the last round.
    *(
        Column(f"{what}_{side}_client", BigInteger, nullable=False, server_default="0")
        for side in ("from", "to")
        for what in ("packets", "octets")
    ),
    # What is routed: of the pool of this length the piece with this number, or see pools.BY_NUMBER, NOTHING.
    Column("routed_length", Integer, nullable=False, server_default=str(pools.BY_NUMBER)),
    Column("routed_number", Integer, nullable=False, server_default="0"),
    # Whose it is, 0 for one of nobody's account; the secret of its page's address for that account's list.
    Column("account", Integer, nullable=False, server_default="0", index=True),
    Column("sealed", String(32), nullable=False, server_default=""),
    UniqueConstraint("nicname", "country"),
    # Tunnel ids are not given twice.
    sqlite_autoincrement=True,
)
server_table = sqlalchemy.Table(
    "tunnels_server",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("until", Float, nullable=False),
)
# What is in the DNS, or will be.
name_table = sqlalchemy.Table(
    "tunnels_name",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("kind", String(4), primary_key=True),
    Column("value", String(1000), nullable=False),
    Column("tunnel", Integer, nullable=False, index=True),
    Column("state", String(6), nullable=False, index=True),
)
ON, SUSPENDED, ENDING = "on", "suspended", "ending"
ADD, THERE, REMOVE = "add", "there", "remove"
# Why there is no tunnel: words of ours, which the page translates.
TAKEN, NICNAME, PERSON, NETWORK, FULL = "taken", "nicname", "person", "network", "full"
ACCOUNT = "account_full"
# Why there is no other routed prefix.
NO_SUCH, POOL = "no_routed", "pool"
# Values of one statement; SQLite once took 999.
AT_ONCE = 500


class Tunnel(typing.NamedTuple):
    """A row."""

    id: int
    IPv4client: str
    IPv6client: str
    IPv6server: str
    device: str
    nicname: str
    creation_time: float
    unreachable: int
    number: int
    country: str
    system: str
    routed: str
    link: str
    key: str
    asker: str
    network: str
    state: str
    server: str
    version: int
    carried: int
    answered: float | None
    moved: float
    until: float | None
    nameservers: str
    packets_from_client: int
    octets_from_client: int
    packets_to_client: int
    octets_to_client: int
    routed_length: int
    routed_number: int
    account: int
    sealed: str

    @property
    def name(self) -> str:
        """Below the zone."""
        return f"{self.nicname}.{self.country}"


class Request(typing.NamedTuple):
    """What somebody asks for; all of it is checked."""

    ipv4: str
    nicname: str
    country: str
    system: str
    asker: str
    network: str
    link: str
    key: str
    account: int = 0
    sealed: str = ""


class Refused(Exception):
    """A word that says why."""


def _one(connection: Connection, condition: typing.Any) -> Tunnel | None:
    row = connection.execute(select(tunnel_table).where(condition)).first()
    return Tunnel(*row) if row else None


def _all(connection: Connection, *conditions: typing.Any) -> list[Tunnel]:
    rows = connection.execute(select(tunnel_table).where(*conditions).order_by(tunnel_table.c.id))
    return [Tunnel(*row) for row in rows]


def _count(connection: Connection, *conditions: typing.Any) -> int:
    return int(
        connection.execute(select(func.count()).select_from(tunnel_table).where(*conditions)).scalar() or 0
    )


# What the page and the operator ask for


def by_id(connection: Connection, number: int) -> Tunnel | None:
    return _one(connection, tunnel_table.c.id == number)


def by_link(connection: Connection, link: str) -> Tunnel | None:
    """Of the SHA-256 of its page's secret."""
    return _one(connection, tunnel_table.c.link == link)


def by_ipv4(connection: Connection, ipv4: str) -> Tunnel | None:
    return _one(connection, tunnel_table.c.IPv4client == ipv4)


def by_name(connection: Connection, nicname: str, country: str) -> Tunnel | None:
    columns = tunnel_table.c
    return _one(connection, and_(columns.nicname == nicname, columns.country == country))


def of_account(connection: Connection, account: int) -> list[Tunnel]:
    return _all(connection, tunnel_table.c.account == account)


def claim(
    connection: Connection, values: types.SimpleNamespace, number: int, account: int, sealed: str
) -> bool:
    """One that is nobody's is this account's from now on; Refused."""
    _room(connection, values, account)
    done = connection.execute(
        tunnel_table.update()
        .where(tunnel_table.c.id == number, tunnel_table.c.account == 0)
        .values(account=account, sealed=sealed)
    )
    return bool(done.rowcount)


def all_tunnels(connection: Connection) -> list[Tunnel]:
    return _all(connection)


def create(connection: Connection, values: types.SimpleNamespace, request: Request, now: float) -> Tunnel:
    """A tunnel with the next free number, or the one that the same form made before; Refused."""
    before = by_link(connection, request.link)
    if before:
        return before
    columns, limits = tunnel_table.c, values.limits
    if by_ipv4(connection, request.ipv4):
        raise Refused(TAKEN)
    if _one(connection, and_(columns.nicname == request.nicname, columns.country == request.country)):
        raise Refused(NICNAME)
    _room(connection, values, request.account)
    # A name that has not left the DNS yet is still the other one's.
    for most, column, value, why in (
        (limits.of_a_person, columns.asker, request.asker, PERSON),
        (limits.of_a_network, columns.network, request.network, NETWORK),
    ):
        if most and _count(connection, column == value) >= most:
            raise Refused(why)
    number = _free(connection, columns.number, values.tunnels)
    if not number:
        raise Refused(FULL)
    ends = pools.ends(values, number)
    found = connection.execute(
        tunnel_table.insert().values(
            IPv4client=request.ipv4,
            IPv6client=str(ends.client),
            IPv6server=str(ends.server),
            device=values.device,
            nicname=request.nicname,
            creation_time=now,
            unreachable=-1,
            number=number,
            country=request.country,
            system=request.system,
            routed=str(ends.routed or ""),
            link=request.link,
            key=request.key,
            asker=request.asker,
            network=request.network,
            account=request.account,
            sealed=request.sealed,
            state=ON,
            server="",
            version=1,
            carried=0,
            answered=None,
            moved=now,
            until=None,
            nameservers="",
        )
    )
    made = by_id(connection, found.inserted_primary_key[0])
    assert made
    return made


def _room(connection: Connection, values: types.SimpleNamespace, account: int) -> None:
    """For one more of an account; Refused."""
    most = values.limits.of_an_account
    if account and most and _count(connection, tunnel_table.c.account == account) >= most:
        raise Refused(ACCOUNT)


def _free(connection: Connection, column: typing.Any, most: int, length: int | None = None) -> int:
    """Behind the highest number in use, so that addresses may rest; else the lowest that is free. 0: none.

    length: of routed prefixes; of rows with other ones the numbers do not matter."""

    def of(table: typing.Any) -> list[typing.Any]:
        return [] if length is None else [table.c.routed_length == length]

    highest = connection.execute(select(func.max(column)).where(*of(tunnel_table))).scalar() or 0
    if highest < most:
        return int(highest) + 1
    other = tunnel_table.alias()
    gap = select(func.min(column)).where(
        ~select(other.c.id).where(other.c[column.name] == column + 1, *of(other)).exists(),
        column < most,
        *of(tunnel_table),
    )
    if not _count(connection, column == 1, *of(tunnel_table)):
        return 1
    found = connection.execute(gap).scalar()
    return int(found) + 1 if found else 0


def _change(connection: Connection, number: int, **changed: typing.Any) -> bool:
    done = connection.execute(
        tunnel_table.update()
        .where(tunnel_table.c.id == number, tunnel_table.c.state != ENDING)
        .values(version=tunnel_table.c.version + 1, **changed)
    )
    return bool(done.rowcount)


def move(connection: Connection, number: int, ipv4: str, network: str, now: float) -> bool:
    """Another IPv4 address of the client; whether it was another one. Refused."""
    found = by_id(connection, number)
    if found is None or found.state == ENDING:
        raise Refused(FULL)
    if found.IPv4client == ipv4:
        return False
    if by_ipv4(connection, ipv4):
        raise Refused(TAKEN)
    _change(connection, number, IPv4client=ipv4, network=network, moved=now, until=None)
    return True


def end(connection: Connection, number: int) -> bool:
    """The monitor takes it down, its names too, and forgets it."""
    return _change(connection, number, state=ENDING)


def suspend(connection: Connection, number: int, suspended: bool = True) -> bool:
    """Carried no more; the addresses stay the client's."""
    return _change(connection, number, state=SUSPENDED if suspended else ON)


def delegate(connection: Connection, number: int, nameservers: typing.Sequence[str]) -> bool:
    """Who answers for the reverse zone of what is routed."""
    return _change(connection, number, nameservers=" ".join(nameservers))


def route(connection: Connection, values: types.SimpleNamespace, number: int, length: int) -> bool:
    """A prefix of this length is routed to it, 0 for none; whether that is another one. Refused.

    What it had is anybody's; who answered for its reverse zone is not asked any more."""
    found = by_id(connection, number)
    if found is None or length not in (pools.NOTHING, *pools.lengths(values)):
        raise Refused(NO_SUCH)
    pool = pools.by_length(values, length)
    chosen = length if pool or not length else pools.BY_NUMBER
    if chosen == found.routed_length and (found.routed or not length):
        return False
    piece = 0
    if pool:
        piece = _free(connection, tunnel_table.c.routed_number, pools.room(pool.prefix, length), length)
        if not piece:
            raise Refused(POOL)
    ends = pools.ends(values, found.number, chosen, piece)
    return _change(
        connection,
        number,
        routed=str(ends.routed or ""),
        routed_length=chosen,
        routed_number=piece,
        nameservers="",
    )


# What the monitor asks for


def renew(connection: Connection, name: str, until: float) -> None:
    """This server is here until then."""
    done = connection.execute(server_table.update().where(server_table.c.name == name).values(until=until))
    if not done.rowcount:
        connection.execute(server_table.insert().values(name=name, until=until))


def share(connection: Connection, name: str, now: float) -> int:
    """What nobody has, or a dead one had, is this server's, or its share of that; how many those were."""
    alive = select(server_table.c.name).where(server_table.c.until > now)
    lost = and_(tunnel_table.c.server != name, tunnel_table.c.server.notin_(alive))
    servers = int(
        connection.execute(
            select(func.count()).select_from(server_table).where(server_table.c.until > now)
        ).scalar()
        or 1
    )
    free = [
        row.id
        for row in connection.execute(select(tunnel_table.c.id).where(lost).order_by(tunnel_table.c.id))
    ]
    if servers > 1 and free:
        # Not all of it: the others come for theirs.
        ours = _count(connection, tunnel_table.c.server == name)
        fair = -(-_count(connection) // servers)
        free = free[: max(0, fair - ours)]
    for part in _parts(free):
        connection.execute(
            tunnel_table.update()
            .where(tunnel_table.c.id.in_(part))
            .values(server=name, version=tunnel_table.c.version + 1)
        )
    return len(free)


def leave(connection: Connection, name: str) -> None:
    """This server stops: others may have what it had."""
    connection.execute(server_table.delete().where(server_table.c.name == name))


def of_server(connection: Connection, name: str) -> list[Tunnel]:
    return _all(connection, tunnel_table.c.server == name)


def changed(connection: Connection, name: str) -> list[Tunnel]:
    """Those that are not carried as they are wanted."""
    columns = tunnel_table.c
    return _all(connection, columns.server == name, columns.version != columns.carried)


def renumber(connection: Connection, values: types.SimpleNamespace) -> int:
    """Addresses and device by the configuration, which may be another one than before; how many changed."""
    count = 0
    columns = tunnel_table.c
    numbers = (columns.number, columns.routed_length, columns.routed_number)
    texts = (columns.IPv6server, columns.IPv6client, columns.routed)
    asked = select(columns.id, columns.device, *numbers, *texts).where(columns.server == values.name)
    for number, device, *of in connection.execute(asked).fetchall():
        if device == values.device and pools.are_ends(values, tuple(of[:3]), *of[3:]):
            continue
        ends = pools.ends(values, *of[:3])
        connection.execute(
            tunnel_table.update()
            .where(columns.id == number)
            .values(
                version=columns.version + 1,
                IPv6client=str(ends.client),
                IPv6server=str(ends.server),
                routed=str(ends.routed or ""),
                device=values.device,
            )
        )
        count += 1
    return count


Names = typing.Callable[[Tunnel], typing.Mapping[tuple[str, str], str]]


def settle(connection: Connection, carried: typing.Sequence[Tunnel], names: Names) -> None:
    """They are carried as these rows say, or taken down; what is to be in the DNS changes with it."""
    rename(connection, carried, names)
    for part in _parts([one.id for one in carried if one.state == ENDING]):
        connection.execute(tunnel_table.delete().where(tunnel_table.c.id.in_(part)))
    connection.execute(
        tunnel_table.update().where(tunnel_table.c.id == bindparam("row")).values(carried=bindparam("done")),
        [{"row": one.id, "done": one.version} for one in carried] or [{"row": 0, "done": 0}],
    )
    for part in _parts([one.id for one in carried]):
        connection.execute(
            tunnel_table.update()
            .where(tunnel_table.c.id.in_(part), tunnel_table.c.unreachable < 0)
            .values(unreachable=0)
        )


def rename(connection: Connection, tunnels: typing.Sequence[Tunnel], names: Names) -> None:
    """What is to be in the DNS of these: their names, and nothing of those that end."""
    for part in _parts([one.id for one in tunnels]):
        there: dict[int, dict[tuple[str, str], tuple[str, str]]] = {number: {} for number in part}
        for row in connection.execute(select(name_table).where(name_table.c.tunnel.in_(part))):
            there[row.tunnel][row.name, row.kind] = (row.value, row.state)
        for one in tunnels:
            if one.id in there:
                _rename(connection, one.id, there[one.id], {} if one.state == ENDING else names(one))


def _rename(
    connection: Connection,
    tunnel: int,
    there: typing.Mapping[tuple[str, str], tuple[str, str]],
    wanted: typing.Mapping[tuple[str, str], str],
) -> None:
    columns = name_table.c
    for key, (_, state) in there.items():
        if key not in wanted and state != REMOVE:
            connection.execute(
                name_table.update().where(columns.name == key[0], columns.kind == key[1]).values(state=REMOVE)
            )
    for key, value in wanted.items():
        if there.get(key, ("", REMOVE))[0] == value and there[key][1] != REMOVE:
            continue
        # Also a name that was another tunnel's and has not left the DNS yet.
        connection.execute(name_table.delete().where(columns.name == key[0], columns.kind == key[1]))
        connection.execute(
            name_table.insert().values(name=key[0], kind=key[1], value=value, tunnel=tunnel, state=ADD)
        )


def _parts(numbers: typing.Sequence[int]) -> typing.Iterator[typing.Sequence[int]]:
    for start in range(0, len(numbers), AT_ONCE):
        yield numbers[start : start + AT_ONCE]


def heard(
    connection: Connection,
    name: str,
    answered: typing.Sequence[int],
    silent: typing.Sequence[int],
    now: float,
) -> None:
    """What a round found."""
    columns = tunnel_table.c
    for part in _parts(answered):
        connection.execute(
            tunnel_table.update()
            .where(columns.id.in_(part), columns.server == name)
            .values(unreachable=0, answered=now, until=None)
        )
    for part in _parts(silent):
        connection.execute(
            tunnel_table.update()
            .where(columns.id.in_(part), columns.server == name, columns.unreachable >= 0)
            .values(unreachable=columns.unreachable + 1)
        )


def counted(
    connection: Connection, name: str, counts: typing.Mapping[int, tuple[int, int, int, int]]
) -> None:
    """Packets and octets from clients and to them, as the kernel has them."""
    columns = tunnel_table.c
    if counts:
        connection.execute(
            tunnel_table.update()
            .where(columns.id == bindparam("row"), columns.server == name)
            .values(
                packets_from_client=bindparam("a"),
                octets_from_client=bindparam("b"),
                packets_to_client=bindparam("c"),
                octets_to_client=bindparam("d"),
            ),
            [{"row": number, **dict(zip("abcd", count, strict=True))} for number, count in counts.items()],
        )


def warn(connection: Connection, name: str, threshold: int, until: float) -> list[Tunnel]:
    """Those over the threshold that nobody was told of; they go at that time."""
    columns = tunnel_table.c
    found = _all(
        connection,
        columns.server == name,
        columns.unreachable > threshold,
        columns.until.is_(None),
        columns.state == ON,
    )
    for part in _parts([one.id for one in found]):
        connection.execute(tunnel_table.update().where(columns.id.in_(part)).values(until=until))
    return [one._replace(until=until) for one in found]


def expire(connection: Connection, name: str, now: float) -> int:
    """Those whose time is over end; how many."""
    columns = tunnel_table.c
    done = connection.execute(
        tunnel_table.update()
        .where(columns.server == name, columns.until <= now, columns.state != ENDING)
        .values(state=ENDING, version=columns.version + 1)
    )
    return int(done.rowcount)


def shift(connection: Connection, name: str, step: float) -> None:
    """The clock was set: what was to come comes after the same time as before."""
    columns = tunnel_table.c
    connection.execute(
        tunnel_table.update()
        .where(columns.server == name, columns.until.isnot(None))
        .values(until=columns.until + step)
    )


def count(connection: Connection) -> dict[str, int]:
    """For status: all there are, by what they are."""
    columns = tunnel_table.c
    return {
        "all": _count(connection),
        "answer": _count(
            connection, columns.unreachable == 0, columns.state == ON, columns.answered.isnot(None)
        ),
        "silent": _count(connection, columns.unreachable > 0, columns.state == ON),
        SUSPENDED: _count(connection, columns.state == SUSPENDED),
        "new": _count(connection, columns.unreachable < 0),
    }


# Names


class Name(typing.NamedTuple):
    """A row of what is in the DNS, or will be."""

    name: str
    kind: str
    value: str
    tunnel: int
    state: str


def names_to_do(connection: Connection, most: int) -> list[Name]:
    """What the DNS does not say as it should, the first of it."""
    wanted = select(name_table).where(or_(name_table.c.state == ADD, name_table.c.state == REMOVE))
    return [Name(*row) for row in connection.execute(wanted.limit(most))]


def names_done(connection: Connection, done: typing.Sequence[Name]) -> None:
    """The DNS says so; what changed in between stays to be done."""
    columns = name_table.c
    for one in done:
        same = and_(
            columns.name == one.name,
            columns.kind == one.kind,
            columns.value == one.value,
            columns.tunnel == one.tunnel,
            columns.state == one.state,
        )
        if one.state == REMOVE:
            connection.execute(name_table.delete().where(same))
        else:
            connection.execute(name_table.update().where(same).values(state=THERE))


def all_names(connection: Connection) -> list[Name]:
    return [Name(*row) for row in connection.execute(select(name_table).order_by(name_table.c.name))]


def network_of(ipv4: str, length: int) -> str:
    """The network of an IPv4 address, which `limits` count by."""
    return str(ipaddress.ip_network((ipv4, length), strict=False))
