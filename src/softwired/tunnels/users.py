# SPDX-License-Identifier: Apache-2.0
"""What the operator does with accounts of people."""

from __future__ import annotations

import argparse
import json
import time

from softwired import password
from softwired.service import StartError
from softwired.store import Connection
from softwired.tunnels import accounts, asked, operator, passwords
from softwired.tunnels.words import ENGLISH


def show_all(given: argparse.Namespace) -> int:
    found = operator.run(given, accounts.all_accounts)
    if given.json:
        rows = [{"name": one.name, "created": one.created, "tunnels": count} for one, count in found]
        print(json.dumps(rows, indent=2))
        return 0
    for one, count in found:
        print(f"{one.name}  since {operator.when(one.created)}  {count} tunnels")
    return 0


def add(given: argparse.Namespace) -> int:
    try:
        name = asked.account(given.name)
        told = asked.password(password.read(name), name)
    except asked.Fault as error:
        raise StartError(f"user '{given.name}': {ENGLISH[str(error)]}") from None
    kept = passwords.kept(told)

    def job(connection: Connection) -> bool:
        one = accounts.by_name(connection, name)
        if one is None:
            accounts.create(connection, name, kept, time.time())
            return False
        accounts.change(connection, one, kept)
        return True

    print(f"{name}: " + ("changed" if operator.run(given, job) else "added"))
    return 0


def remove(given: argparse.Namespace) -> int:
    def job(connection: Connection) -> int | None:
        one = accounts.by_name(connection, given.name)
        return accounts.remove(connection, one) if one else None

    ended = operator.run(given, job)
    print(f"{given.name}: " + ("is not there" if ended is None else f"removed, {ended} tunnels end"))
    return 1 if ended is None else 0
