# SPDX-License-Identifier: Apache-2.0
"""softwired tep mappings: who has which address, from the service's file; softwired tep secret: a line for `users`."""

from __future__ import annotations

import argparse
import datetime
import ipaddress
import json
import typing

from softwired import service


def add_commands(words: typing.Any) -> None:
    """The service's own commands beside `status` and `metrics`."""
    made = words.add_parser("mappings", help="tells which node has which address")
    made.add_argument("address", nargs="?", default="", help="an IPv4 or IPv6 address; without it, all")
    made.add_argument("--json", action="store_true", help="for programs")
    made.set_defaults(answer=mappings)
    made = words.add_parser("secret", help="asks for a password and makes a line for the file of tep.users")
    made.add_argument("user")
    made.set_defaults(answer=secret)


def mappings(given: argparse.Namespace) -> int:
    """A line for each; exit status 1 if none has the address that was asked for."""
    from softwired.tep import sharing
    from softwired.tep.store import Store, StoreError

    _, values = service.values_of("tep", given.config)
    try:
        wanted = ipaddress.ip_address(given.address).packed if given.address else b""
        store = Store(values.file, read_only=True)
        found = store.read()
    except (StoreError, ValueError) as error:
        raise service.StartError(str(error)) from None
    shown = [(key, one) for key, one in sorted(found.items()) if not wanted or wanted in (key[:4], one.ipv6)]
    shared = [sharing.Shared(one.prefix, one.ports_of_a_node) for one in values.shared]
    if given.json:
        rows: list[dict[str, typing.Any]] = []
        for key, one in shown:
            first, last = sharing.ports(key, shared) or (None, None)
            address, node = ipaddress.IPv4Address(key[:4]), ipaddress.IPv6Address(one.ipv6)
            rows.append({"address": str(address), "first_port": first, "last_port": last, "node": str(node)})
            rows[-1] |= {"server": one.server, "since": one.since}
        print(json.dumps(rows, indent=2))
    for key, one in shown if not given.json else ():
        since = datetime.datetime.fromtimestamp(one.since).isoformat(" ", "seconds")
        source = f"by {one.server}" if one.server else "learned"
        print(f"{sharing.shown(key, shared)}  {ipaddress.IPv6Address(one.ipv6)}  since {since}  {source}")
    return 1 if wanted and not shown else 0


def secret(given: argparse.Namespace) -> int:
    """Prints the line; the password comes from the terminal or from standard input, never from the arguments."""
    from softwire import tspdigest
    from softwired import password

    _, values = service.values_of("tep", given.config)
    if not given.user or ":" in given.user:
        raise service.StartError(f"'{given.user}': a name without ':' would be right")
    told = password.read(given.user)
    digest = tspdigest.secret(given.user.encode(), values.realm.encode(), told.encode())
    print(f"{given.user}:{values.realm}:{digest.hex()}")
    return 0
