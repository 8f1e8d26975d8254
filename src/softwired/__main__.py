# SPDX-License-Identifier: Apache-2.0
"""The command line: softwired run SERVICE | check | SERVICE status [--json] | SERVICE metrics, and a service's own."""

from __future__ import annotations

import argparse
import json
import sys

import softwired
from softwired import configuration, control, counters, service, status


def parser() -> argparse.ArgumentParser:
    """All commands."""
    made = argparse.ArgumentParser(prog="softwired", description="Hands out softwires and tunnels.")
    made.add_argument("--version", action="version", version=f"softwired {softwired.__version__}")
    made.add_argument(
        "--config", default=configuration.PATH, metavar="FILE", help=f"instead of {configuration.PATH}"
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="runs a service in the foreground")
    run.add_argument("service", choices=softwired.installed())
    commands.add_parser("check", help="checks the configuration file as a whole")
    for name in softwired.installed():
        words = commands.add_parser(name, help=f"asks the service {name}").add_subparsers(
            dest="question", required=True, metavar="QUESTION"
        )
        words.add_parser("status", help="how it stands").add_argument(
            "--json", action="store_true", help="all of it, for programs"
        )
        words.add_parser("metrics", help="its counters as Prometheus' text")
        softwired.load(name).add_commands(words)
    return made


def ask(given: argparse.Namespace) -> int:
    """status and metrics of a running service."""
    address = control.path(configuration.run_directory(given.config), given.command)
    try:
        told = control.ask(address)
    except PermissionError:
        raise service.StartError(f"may not ask at {address}: root and the service's user may") from None
    except (OSError, ValueError):
        raise service.StartError(f"{given.command} does not run: nobody answers at {address}") from None
    if given.question == "metrics":
        sys.stdout.write(counters.text(told["counters"]))
    elif given.json:
        print(json.dumps(told, indent=2))
    else:
        sys.stdout.write(status.text(told))
    return 0


def main(words: list[str] | None = None) -> int:
    given = parser().parse_args(words)
    try:
        if given.command == "run":
            return service.Runner(given.service, given.config).run()
        if given.command == "check":
            values = service.checked(given.config)
            for name, module in ((name, softwired.load(name)) for name in values if name != "softwired"):
                module.check(values[name])
            print(
                f"{given.config}: right; it configures "
                + (", ".join(sorted(set(values) - {"softwired"})) or "nothing")
            )
            return 0
        if given.question in ("status", "metrics"):
            return ask(given)
        return int(given.answer(given))
    except (configuration.ConfigurationError, service.StartError) as error:
        for line in str(error).splitlines():
            print(f"softwired: {line}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
