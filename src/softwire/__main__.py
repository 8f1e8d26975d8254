# SPDX-License-Identifier: Apache-2.0
"""The command line of /usr/sbin/softwire."""

import sys

from softwire import __version__

# Linux' number on every machine; MicroPython's errno does not name it.
EPIPE = 32

COMMANDS = """IPv4 over an IPv6-only line.

commands:
  configure METHOD    writes the first configuration, or takes it back: softwire configure --help
  status [INTERFACE]  the softwire, its line and the telephone's parameters; of every softwire without INTERFACE
  sip INTERFACE       what a telephone needs on the SIP network of a flets interface, such as wan6
  probe INTERFACE     one dry run of the whole exchange: each step told, secrets hidden, nothing changed

exit status: 0 all is well; 1 a softwire or the telephone is not up, the probe failed, or nothing was written;
2 wrong usage"""


def take_format(words):
    """(words without --format, its value or None), wherever it stands; argparse shall not see it."""
    left, form = [], None
    words = list(words)
    while words:
        word = words.pop(0)
        if word == "--format":
            form = words.pop(0) if words else ""
        elif word.startswith("--format="):
            form = word[len("--format=") :]
        else:
            left.append(word)
    return left, form


def main(words):
    """Runs one command; the exit status."""
    if words[:1] == ["client"] and len(words) == 2:
        # netifd's task: resident, so it does without argparse.
        from softwire.client import main as client

        return client(words[1])
    if words[:1] == ["configure"]:
        from softwire.configure.command import main as configure

        return configure(words[1:])
    import argparse

    parser = argparse.ArgumentParser(prog="softwire", description=COMMANDS)
    if hasattr(
        argparse, "RawDescriptionHelpFormatter"
    ):  # CPython would fill the lines; MicroPython has no choice
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.add_argument(
        "--json", action="store_true", help="status as one JSON object (a list without INTERFACE)"
    )
    parser.add_argument("--format", help="sip as a configuration: baresip or pjsip (Asterisk)")
    parser.add_argument("command", nargs="?", help="configure, status, sip or probe")
    parser.add_argument("interface", nargs="?", help="netifd's name of the softwire, such as wan")
    words, form = take_format(words)
    # micropython-lib's argparse takes an option that stands behind a left-out positional for that positional.
    options = [word for word in words if word.startswith("-")]
    given = parser.parse_args(options + [word for word in words if not word.startswith("-")])
    if given.version:
        print("softwire " + __version__)
        return 0
    if given.command == "sip" and given.interface:
        from softwire.sip import FORMATS
        from softwire.sip import main as sip

        if form is None or (form in FORMATS and not given.json):
            return sip(given.interface, given.json, form)
    if given.command == "status" and form is None:
        from softwire.status import main as status

        return status(given.interface, given.json)
    if given.command == "probe" and given.interface and not given.json and form is None:
        from softwire.probe import main as probe

        return probe(given.interface)
    print("softwire: '{}' is no command; see softwire --help".format(" ".join(words)), file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.errno != EPIPE:  # `softwire status | head`
            raise
