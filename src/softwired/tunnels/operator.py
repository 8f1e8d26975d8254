# SPDX-License-Identifier: Apache-2.0
"""What the operator asks and says: the database answers, whether the monitor runs or not; it does what was said."""

from __future__ import annotations

import argparse
import datetime
import ipaddress
import json
import typing

from softwired import service
from softwired.store import Connection, operate
from softwired.tunnels import accounts, register
from softwired.tunnels.register import Tunnel

SECRET = ("link", "key", "sealed")


def run(given: argparse.Namespace, job: typing.Callable[[Connection], typing.Any]) -> typing.Any:
    """In the configured database; StartError."""
    return operate("tunnels", given.config, register.metadata, job)


def when(seconds: float | None) -> str:
    """A time for people."""
    if seconds is None:
        return "never"
    return datetime.datetime.fromtimestamp(seconds).isoformat(" ", "seconds")


def state(one: Tunnel) -> str:
    """How it stands, in a few words."""
    if one.state != register.ON:
        return one.state
    if one.unreachable < 0:
        return "new"
    if one.unreachable:
        return f"silent {one.unreachable}" + (f", goes {when(one.until)}" if one.until else "")
    return "answers" if one.answered else "not heard yet"


def told(one: Tunnel) -> dict[str, typing.Any]:
    """All of it but secrets."""
    return {key: value for key, value in one._asdict().items() if key not in SECRET}


def list_all(given: argparse.Namespace) -> int:
    found = run(given, register.all_tunnels)
    if given.json:
        print(json.dumps([told(one) for one in found], indent=2))
        return 0
    for one in found:
        print(f"{one.id}  {one.IPv4client}  {one.IPv6client}  {one.routed or '-'}  {one.name}  {state(one)}")
    return 0


def matches(one: Tunnel, text: str) -> bool:
    """Whether an operator's words mean this tunnel."""
    if text in (str(one.id), one.name, one.IPv4client):
        return True
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return False
    own = ipaddress.IPv6Network((one.IPv6client, 64), strict=False)
    return address in own or bool(one.routed and address in ipaddress.IPv6Network(one.routed))


def _found(connection: Connection, text: str) -> Tunnel:
    for one in register.all_tunnels(connection):
        if matches(one, text):
            return one
    raise service.StartError(
        f"tunnel '{text}': there is none; a number, an address or a name of `softwired tunnels list` would be right"
    )


def show(given: argparse.Namespace) -> int:
    def look(connection: Connection) -> tuple[Tunnel, str]:
        found = _found(connection, given.tunnel)
        person = accounts.by_id(connection, found.account)
        return found, person.name if person else ""

    one, account = run(given, look)
    for key, value in {**told(one), "account": account or "-"}.items():
        shown = when(value) if key in ("creation_time", "answered", "moved", "until") else value
        print(f"{key}: {shown}")
    return 0


def _change(given: argparse.Namespace, job: typing.Callable[[Connection, int], bool], text: str) -> int:
    def change(connection: Connection) -> tuple[Tunnel, bool]:
        one = _found(connection, given.tunnel)
        return one, job(connection, one.id)

    one, done = run(given, change)
    print(f"{one.id} ({one.name}, {one.IPv4client}): {text if done else 'ends already'}")
    return 0 if done else 1


def suspend(given: argparse.Namespace) -> int:
    return _change(given, register.suspend, "suspended")


def resume(given: argparse.Namespace) -> int:
    return _change(given, lambda connection, number: register.suspend(connection, number, False), "resumed")


def delete(given: argparse.Namespace) -> int:
    return _change(given, register.end, "ends")
