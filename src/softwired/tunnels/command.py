# SPDX-License-Identifier: Apache-2.0
"""softwired tunnels page, monitor, list, show, suspend, resume, delete, user: their words; answers are loaded then."""

from __future__ import annotations

import argparse
import importlib
import typing


def add_commands(words: typing.Any) -> None:
    """The service's own commands beside `status` and `metrics`."""
    made = words.add_parser(
        "monitor", help="carries and watches the tunnels; the same as `softwired run tunnels`"
    )
    made.set_defaults(answer=_monitor)
    made = words.add_parser("page", help="serves the page, for a web server in front of it or by itself")
    made.set_defaults(answer=_later("webserver", "page"))
    made = words.add_parser("list", help="all tunnels")
    made.add_argument("--json", action="store_true", help="for programs")
    made.set_defaults(answer=_later("operator", "list_all"))
    for name, text in (
        ("show", "all of one tunnel"),
        ("suspend", "carries it no more; its addresses stay its own"),
        ("resume", "carries it again"),
        ("delete", "takes it down, its names too"),
    ):
        made = words.add_parser(name, help=text)
        made.add_argument("tunnel", help="its number, an address of it, or nicname.country")
        made.set_defaults(answer=_later("operator", name))
    kinds = words.add_parser("user", help="accounts of people, for page.accounts = true").add_subparsers(
        dest="what", required=True, metavar="WHAT"
    )
    made = kinds.add_parser("list", help="all of them")
    made.add_argument("--json", action="store_true", help="for programs")
    made.set_defaults(answer=_later("users", "show_all"))
    for name, text in (
        (
            "add",
            "adds one or changes the password, which standard input has; whoever is logged in is so no more",
        ),
        ("remove", "takes it out; its tunnels end"),
    ):
        made = kinds.add_parser(name, help=text)
        made.add_argument("name")
        made.set_defaults(answer=_later("users", name))


def _later(module: str, name: str) -> typing.Callable[[argparse.Namespace], int]:
    def answer(given: argparse.Namespace) -> int:
        found: int = getattr(importlib.import_module(f"softwired.tunnels.{module}"), name)(given)
        return found

    return answer


def _monitor(given: argparse.Namespace) -> int:
    from softwired import service

    return service.Runner("tunnels", given.config).run()
