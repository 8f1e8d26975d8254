# SPDX-License-Identifier: Apache-2.0
"""What people ask and say by the service's commands: the store answers, whether the service runs or not."""

from __future__ import annotations

import argparse
import datetime
import ipaddress
import json
import os
import re
import time
import types
import typing

from softwired import password, service
from softwired.dstm import leases, users
from softwired.store import operate


def _run(given: argparse.Namespace, job: typing.Callable[[typing.Any], typing.Any]) -> typing.Any:
    return operate("dstm", given.config, leases.metadata, job)


def when(seconds: float | None) -> str:
    if seconds is None:
        return "now"
    return datetime.datetime.fromtimestamp(seconds).isoformat(" ", "seconds")


def show(given: argparse.Namespace) -> int:
    found = _run(given, lambda connection: list(leases.all_leases(connection)))
    if given.json:
        rows = [{**one._asdict(), "address": str(ipaddress.IPv4Address(one.address))} for one in found]
        print(json.dumps(rows, indent=2))
        return 0
    for one in found:
        state = "ending" if one.ending else f"until {when(one.expires)}"
        print(f"{one}  {one.node}  {one.user or 'anonymous'}  at {one.tep}  since {when(one.since)}  {state}")
    return 0


def had(given: argparse.Namespace) -> int:
    """Exit status 1 where nobody had it."""
    at = given.at.timestamp() if given.at else time.time()
    found = [
        row
        for row in _run(given, lambda connection: leases.had(connection, int(given.address), at))
        if given.port is None or row["first_port"] <= given.port <= row["last_port"]
    ]
    if given.json:
        print(json.dumps([{**row, "address": str(given.address)} for row in found], indent=2))
    for row in found if not given.json else ():
        ports = f" ports {row['first_port']}-{row['last_port']}" if row["first_port"] else ""
        print(
            f"{given.address}{ports}  {row['node']} ({row['link_local'] or 'no link-local address'})"
            f"  {row['user'] or 'anonymous'}  from {when(row['since'])} to {when(row['until'])}"
        )
    return 0 if found else 1


def revoke(given: argparse.Namespace) -> int:
    count = _run(given, lambda connection: leases.revoke(connection, int(given.address), time.time()))
    print(f"{given.address}: " + (f"ends, {count} in all" if count else "nobody has it"))
    return 0 if count else 1


def _users(given: argparse.Namespace) -> types.SimpleNamespace:
    _, values = service.values_of("dstm", given.config)
    if not values.users:
        raise service.StartError("dstm.users: the path of the file of users would be right")
    if not re.fullmatch(r"[A-Za-z0-9@_.-]{1,64}", given.name):
        raise service.StartError(
            f"user '{given.name}': letters, digits, '@', '_', '-' and '.' would be right"
        )
    return values


def _write(given: argparse.Namespace, secret: str | None) -> bool:
    values = _users(given)
    try:
        return users.write(values.users, values.realm, given.name, secret)
    except OSError as error:
        raise service.StartError(f"dstm.users = '{values.users}': {error.strerror}") from None


def add_user(given: argparse.Namespace) -> int:
    values = _users(given)
    secret = password.read(given.name)
    new = not os.path.exists(values.users)
    changed = _write(given, secret)
    print(f"{given.name}: " + ("changed" if changed else "added"))
    if new and os.geteuid() == 0:
        print(f"{values.users} is root's: chown it to the user the service runs as")
    return 0


def remove_user(given: argparse.Namespace) -> int:
    found = _write(given, None)
    print(f"{given.name}: " + ("removed" if found else "is not there"))
    return 0 if found else 1
