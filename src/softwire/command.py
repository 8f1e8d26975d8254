# SPDX-License-Identifier: Apache-2.0
"""The command line of /usr/sbin/softwire, as people use it."""

import sys

from softwire import __version__

COMMANDS = """IPv4 over an IPv6-only line.

commands:
  configure METHOD    writes the first configuration, or takes it back: softwire configure --help
  status [INTERFACE]  the softwire, its line and the telephone's parameters; of every softwire without INTERFACE
  doctor [INTERFACE [HOST]]
                      the whole way, step by step: what is wrong, how it knows, what to do; nothing changed.
                      HOST: an IPv4 address to try instead of the operator's resolvers
  probe INTERFACE     one dry run of the whole exchange: each step told, secrets hidden, nothing changed
  forget INTERFACE    erases what its operator told and is remembered for an outage, in RAM and on flash
  sip INTERFACE       what a telephone needs on the SIP network of a flets interface, such as wan6

exit status: 0 all is well; 1 something is not up, a check failed, or nothing was written; 2 wrong usage"""

# command: least and most positional arguments, and the options it takes; configure has its own.
WORDS = {
    "status": (0, 1, ("json",)),
    "doctor": (0, 2, ("json", "report", "steps")),
    "probe": (1, 1, ()),
    "forget": (1, 1, ()),
    "sip": (1, 1, ("json", "format")),
}


def _parse(words):
    import argparse

    parser = argparse.ArgumentParser(prog="softwire", description=COMMANDS)
    if hasattr(
        argparse, "RawDescriptionHelpFormatter"
    ):  # CPython would fill the lines; MicroPython has no choice
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.add_argument("--json", action="store_true", help="status, doctor, sip: JSON for programs")
    parser.add_argument(
        "--report", action="store_true", help="doctor: for a public bug report, without secrets"
    )
    parser.add_argument("--steps", action="store_true", help="doctor: JSON, a line a step, as it looks")
    parser.add_argument("--format", help="sip as a configuration: baresip or pjsip (Asterisk)")
    parser.add_argument("command", nargs="?", help="configure, status, doctor, probe, forget or sip")
    parser.add_argument("interface", nargs="?", help="netifd's name of the softwire, such as wan")
    parser.add_argument("host", nargs="?", help="doctor: an IPv4 address to try")
    # micropython-lib's argparse takes an option that stands behind a left-out positional for that positional.
    options: list = []
    others: list = []
    for word in words:
        name, equals, value = word.partition("=")
        if options and options[-1] == "--format":
            options.append(word)
        elif word.startswith("-"):
            options += [name, value] if equals else [word]
        else:
            others.append(word)
    return parser.parse_args(options + others)


def _run(given):
    """One command's exit status; None where the words do not go together."""
    fewest, most, options = WORDS.get(given.command, (1, 0, ()))
    positional = (given.interface is not None) + (given.host is not None)
    named = [name for name in ("json", "report", "steps", "format") if getattr(given, name)]
    # One form of output at most.
    if not fewest <= positional <= most or len(named) > 1 or [name for name in named if name not in options]:
        return None
    if given.command == "status":
        from softwire.status import main as status

        return status(given.interface, given.json)
    if given.command == "doctor":
        from softwire.doctor import main as doctor

        return doctor(given.interface, given.json, given.report, given.host, given.steps)
    if given.command == "probe":
        from softwire.probe import main as probe

        return probe(given.interface)
    if given.command == "forget":
        from softwire.forget import main as forget

        return forget(given.interface)
    from softwire import sip

    if given.format and given.format not in sip.FORMATS:
        print(
            "softwire: --format '{}': {} would be right".format(given.format, " or ".join(sip.FORMATS)),
            file=sys.stderr,
        )
        return 2
    return sip.main(given.interface, given.json, given.format)


def main(words):
    """Runs one command of a person's; the exit status."""
    if words[:1] == ["configure"]:
        from softwire.configure.command import main as configure

        return configure(words[1:])
    given = _parse(words)
    if given.version:
        print("softwire " + __version__)
        return 0
    status = _run(given)
    if status is None:
        print("softwire: '{}' is no command; see softwire --help".format(" ".join(words)), file=sys.stderr)
        return 2
    return status
