# SPDX-License-Identifier: Apache-2.0
"""The service's own commands: import-ndppd, check, page, clean."""

from __future__ import annotations

import argparse
import ipaddress
import os
import sys
import tomllib
import typing

from softwired import configuration, interfaces, service
from softwired.kernel import KernelError
from softwired.prefix64 import ndppd, options
from softwired.prefix64.local import Local
from softwired.prefix64.probe import Probe, ProbeError, Verdict
from softwired.prefix64.server import prefix_of


def add_commands(words: typing.Any) -> None:
    """Beside `status` and `metrics`."""
    made = words.add_parser("import-ndppd", help="writes what ndppd's configuration means as ours")
    made.add_argument("file", help="such as /etc/ndppd.conf")
    made.set_defaults(answer=import_ndppd)
    made = words.add_parser("check", help="looks how the provider brings each prefix here")
    made.add_argument("--prefix", type=ipaddress.IPv6Network, help="another one than the configuration's")
    made.add_argument("--interface", help="where; the configuration's")
    made.set_defaults(answer=check)
    made = words.add_parser("page", help="serves the page, for a web server in front of it")
    made.add_argument("--cgi", action="store_true", help="one request, as CGI has it")
    made.set_defaults(answer=page)
    made = words.add_parser("clean", help="takes away what a service that was killed left in the kernel")
    made.set_defaults(answer=clean)


def import_ndppd(given: argparse.Namespace) -> int:
    """Prints [prefix64]; what cannot be had is named in front, and on standard error."""
    try:
        with open(given.file, encoding="utf-8", errors="replace") as file:
            imported = ndppd.read(file.read(1 << 20))
    except OSError as error:
        raise service.StartError(f"{given.file}: {error.strerror}") from None
    except ndppd.NdppdError as error:
        raise service.StartError(f"{given.file}: {error}") from None
    text = ndppd.toml(imported)
    tables = {"prefix64": options.TABLE}
    configuration.check(given.file, tomllib.loads(text), tables, {"prefix64": options.TOGETHER})
    for remark in imported.remarks:
        print(f"softwired: {given.file}: {remark}", file=sys.stderr)
    sys.stdout.write(text)
    return 0


def clean(given: argparse.Namespace) -> int:
    """As it does when it stops."""
    try:
        folder = configuration.run_directory(given.config)
    except configuration.ConfigurationError:
        folder = str(configuration.COMMON["run_directory"].default)
    try:
        Local(folder).clean()
    except KernelError as error:
        raise service.StartError(str(error)) from None
    return 0


def check(given: argparse.Namespace) -> int:
    """Prints what was found for each range; exit status 1 if one cannot work, or is configured otherwise."""
    wrong = False
    for interface, prefix, answer in _asked_about(given):
        print(f"{prefix} on {interface}:")
        found = _probed(interface, prefix)
        lines = list(found.lines)
        if found.works and answer and (answer == "no") != (found.answer == "no"):
            lines.append(f'the configuration says answer = "{answer}"')
            # To answer where nobody asks does no harm.
            wrong |= answer == "no"
        wrong |= not found.works
        print("\n".join(f"  {line}" for line in lines))
    return int(wrong)


def _asked_about(given: argparse.Namespace) -> list[tuple[str, ipaddress.IPv6Network, str]]:
    if given.prefix and given.interface:
        return [(given.interface, given.prefix, "")]
    if given.prefix or given.interface:
        raise service.StartError("--prefix and --interface belong together")
    _, values = service.values_of("prefix64", given.config)
    problems: dict[str, str] = {}
    found = []
    for entry in values.range:
        prefix = prefix_of(entry, interfaces.addresses(), problems)
        if prefix is not None:
            found.append((entry.interface, prefix, entry.answer))
    for name, problem in problems.items():
        print(f"{name}: {problem}")
    return found


def _probed(interface: str, prefix: ipaddress.IPv6Network) -> Verdict:
    try:
        probe = Probe(interface)
        try:
            return probe.ask(prefix)
        finally:
            probe.close()
    except ProbeError as error:
        return Verdict([f"cannot be told: {error}"], False, "")


def page(given: argparse.Namespace) -> int:
    """Serves until it is ended."""
    from softwired import web
    from softwired.prefix64 import pageserver

    _, values = service.values_of("prefix64", given.config)
    made = pageserver.application(values, make_key=not given.cgi)
    if given.cgi:
        pageserver.cgi(made, os.environ, sys.stdout.buffer)
        return 0
    host, port = values.page.listen
    web.serve(lambda: made, host, port, "prefix64")
