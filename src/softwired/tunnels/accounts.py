# SPDX-License-Identifier: Apache-2.0
"""Accounts of people in the database, and who is logged in; jobs as in register.py, of what passwords.py keeps."""

from __future__ import annotations

import typing

import sqlalchemy
from sqlalchemy import Column, Float, Integer, String, and_, func, select

from softwired.store import Connection
from softwired.tunnels import register
from softwired.tunnels.register import Refused, metadata, tunnel_table

account_table = sqlalchemy.Table(
    "tunnels_account",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(32), nullable=False, unique=True),
    Column("password", String(250), nullable=False),
    Column("created", Float, nullable=False),
    # Numbers are not given twice: tunnels have them.
    sqlite_autoincrement=True,
)
# SHA-256 of what the browser's cookie has.
session_table = sqlalchemy.Table(
    "tunnels_session",
    metadata,
    Column("secret", String(64), primary_key=True),
    Column("account", Integer, nullable=False, index=True),
    Column("until", Float, nullable=False),
)
# Why there is none: a word of ours, which the page translates.
NAME = "name_taken"


class Account(typing.NamedTuple):
    """A row."""

    id: int
    name: str
    password: str
    created: float


def _one(connection: Connection, condition: typing.Any) -> Account | None:
    row = connection.execute(select(account_table).where(condition)).first()
    return Account(*row) if row else None


def by_name(connection: Connection, name: str) -> Account | None:
    return _one(connection, account_table.c.name == name)


def by_id(connection: Connection, number: int) -> Account | None:
    return _one(connection, account_table.c.id == number)


def by_session(connection: Connection, secret: str, now: float) -> Account | None:
    """Who is logged in."""
    columns = session_table.c
    there = select(columns.account).where(columns.secret == secret, columns.until > now)
    return _one(connection, account_table.c.id.in_(there))


def create(connection: Connection, name: str, password: str, now: float) -> Account:
    """Refused."""
    if by_name(connection, name):
        raise Refused(NAME)
    connection.execute(account_table.insert().values(name=name, password=password, created=now))
    made = by_name(connection, name)
    assert made
    return made


def begin(connection: Connection, account: Account, secret: str, now: float, until: float) -> bool:
    """Logs in; False if the password became another one in between."""
    connection.execute(session_table.delete().where(session_table.c.until <= now))
    if by_id(connection, account.id) != account:
        return False
    connection.execute(session_table.insert().values(secret=secret, account=account.id, until=until))
    return True


def end(connection: Connection, secret: str) -> None:
    """Logs out."""
    connection.execute(session_table.delete().where(session_table.c.secret == secret))


def change(connection: Connection, account: Account, password: str) -> Account:
    """Another password; who is logged in with the old one is so no more."""
    connection.execute(session_table.delete().where(session_table.c.account == account.id))
    return keep(connection, account, password)


def keep(connection: Connection, account: Account, password: str) -> Account:
    """The same password, kept otherwise."""
    connection.execute(
        account_table.update().where(account_table.c.id == account.id).values(password=password)
    )
    return account._replace(password=password)


def remove(connection: Connection, account: Account) -> int:
    """Its tunnels end with it; how many."""
    connection.execute(session_table.delete().where(session_table.c.account == account.id))
    connection.execute(account_table.delete().where(account_table.c.id == account.id))
    return sum(register.end(connection, one.id) for one in register.of_account(connection, account.id))


def all_accounts(connection: Connection) -> list[tuple[Account, int]]:
    """And how many tunnels each has."""
    columns = account_table.c
    counted = (
        select(account_table, func.count(tunnel_table.c.id))
        .outerjoin(
            tunnel_table,
            and_(tunnel_table.c.account == columns.id, tunnel_table.c.state != register.ENDING),
        )
        .group_by(*columns)
        .order_by(columns.name)
    )
    return [(Account(*row[:-1]), int(row[-1])) for row in connection.execute(counted)]
