# SPDX-License-Identifier: Apache-2.0
"""softwired dstm leases, had, revoke and user: their words; what answers them is loaded when it is asked for."""

from __future__ import annotations

import argparse
import datetime
import importlib
import ipaddress
import typing


def add_commands(words: typing.Any) -> None:
    """The service's own commands beside `status` and `metrics`."""
    made = words.add_parser("leases", help="who has which address")
    made.add_argument("--json", action="store_true", help="for programs")
    made.set_defaults(answer=_later("show"))
    made = words.add_parser("had", help="who had an address, for who asks about abuse")
    made.add_argument("address", type=ipaddress.IPv4Address)
    made.add_argument(
        "--at", type=datetime.datetime.fromisoformat, metavar="TIME", help="such as 2026-01-31T12:00; now"
    )
    made.add_argument("--port", type=int, help="of a shared address")
    made.add_argument("--json", action="store_true", help="for programs")
    made.set_defaults(answer=_later("had"))
    made = words.add_parser("revoke", help="ends who has this address")
    made.add_argument("address", type=ipaddress.IPv4Address)
    made.set_defaults(answer=_later("revoke"))
    kinds = words.add_parser("user", help="who may ask").add_subparsers(
        dest="what", required=True, metavar="WHAT"
    )
    for name, text, answer in (
        ("add", "adds one or changes the password, which standard input has", "add_user"),
        ("remove", "takes one out; what it holds stays until its time is over", "remove_user"),
    ):
        made = kinds.add_parser(name, help=text)
        made.add_argument("name")
        made.set_defaults(answer=_later(answer))


def _later(name: str) -> typing.Callable[[argparse.Namespace], int]:
    def answer(given: argparse.Namespace) -> int:
        found: int = getattr(importlib.import_module("softwired.dstm.answers"), name)(given)
        return found

    return answer
