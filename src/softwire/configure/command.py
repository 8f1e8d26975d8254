# SPDX-License-Identifier: Apache-2.0
"""`softwire configure`: writes the line and the softwire as two interfaces, after showing what changes; --undo."""

import gc
import sys

from softwire import provisioning
from softwire.configure import advice, record, terminal, zone
from softwire.configure.files import Files, difference, exists, rewrite, shell
from softwire.configure.options import options_of, secrets_of
from softwire.configure.plan import Usage, interface, plan
from softwire.errors import ProvisioningError
from softwire.uci import find

ABOUT = """Writes the line and the softwire as two interfaces into /etc/config/network: shows the difference, and asks.

  softwire configure softbank --wan eth1 --auth-server 2001:db8::1
  softwire configure static --wan eth1 --peeraddr 2001:db8::2 --ipaddr 192.0.2.1
  softwire configure --undo
  softwire configure --forget

shared_secret and password are asked for, or read from a file of lines such as shared_secret=..., one each.
Every other option of the method may be given as well; docs/options.md tells what they mean."""


def parse(words):
    """(what was said, the options of proto softwire among it)."""
    import argparse  # what the rest of the module needs, no MicroPython lacks

    parser = argparse.ArgumentParser(prog="softwire configure", description=ABOUT)
    if hasattr(argparse, "RawDescriptionHelpFormatter"):
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.allow_abbrev = False
    methods = provisioning.names()
    parser.add_argument("method", nargs="?", help="who tells the parameters: " + " or ".join(methods))
    for name, text in (
        ("--wan", "the port towards the ONU; without it the line stays as it is"),
        ("--interface", "name of the softwire; wan if not given"),
        ("--line", "name of the line's interface; wan6 if not given"),
        ("--secrets", "file with the secrets, - for the standard input"),
        ("--firewall-zone", "zone of the internet side; wan if not given"),
    ):
        parser.add_argument(name, help=" " + text)  # micropython-lib's leaves no blank before it
    for name, text in (
        ("--add-zone", "makes that zone where the firewall has none"),
        ("--yes", "writes without asking"),
        ("--apply", "reloads the network afterwards"),
        ("--plan", "writes nothing: what it would do as JSON, secrets left out"),
        ("--keep", "writes what --undo needs, and nothing else"),
        ("--undo", "puts back what was there before"),
        ("--forget", "removes what --undo needs, old passwords among it"),
    ):
        parser.add_argument(name, action="store_true", help=text)
    users: dict = {}  # option: the methods that look at it
    secrets: list = []
    lists: list = []
    for method in methods:
        secrets += secrets_of(method)
        lists += provisioning.find(method).lists
        for name in options_of(method):
            users.setdefault(name, []).append(method)
    names = [name for name in sorted(users) if name not in secrets]
    for name in names:
        parser.add_argument(
            _word(name),
            dest=name,
            nargs="+" if name in lists else None,
            help=" " + (" ".join(users[name]) if len(users[name]) < len(methods) else "any method"),
        )
    for word in words:
        name = word.partition("=")[0].lstrip("-").replace("-", "_")
        if word.startswith("--") and name in secrets:
            raise Usage(
                "{} on a command line could be read by others: it is asked for, or read from --secrets FILE".format(
                    name
                )
            )
    given = parser.parse_args(_split(words))
    options = {name: getattr(given, name) for name in names}
    for name in names + ["wan", "interface", "line", "secrets", "firewall_zone"]:
        # micropython-lib's argparse takes the next option for the value that is missing.
        if str(getattr(given, name) or "").startswith("--"):
            raise Usage("{} needs a value".format(_word(name)))
    return given, {name: options[name] for name in options if options[name]}


def _word(name):
    return "--" + name.replace("_", "-")


def _split(words):
    """--option=value as two words, which micropython-lib's argparse needs."""
    found: list = []
    for word in words:
        name, equals, value = word.partition("=")
        found += [name, value] if equals and name.startswith("--") else [word]
    return found


def _headlines(before, after):
    names = []
    for section in before + after:
        if section.kind == "interface" and section.name not in names:
            names.append(section.name)
    for name in names:
        was, will = [section and section.get("proto") for section in (find(before, name), find(after, name))]
        if was != will:
            yield "Interface {}: {} becomes {}".format(name, was or "(none)", will or "(none)")


def show(files):
    """Prints what would change; the names of the files that do."""
    changed = []
    for line in _headlines(files.before("network"), files.after("network")):
        print(line)
    for name in files.names:
        lines = difference(files.before(name), files.after(name))
        if lines:
            changed.append(name)
            print("/etc/config/{}:".format(name))
            print("\n".join(lines + [""]))
    return changed


def agreed(given, question="Write this?"):
    """Whether it may be done."""
    if given.yes:
        return True
    if not terminal.is_there():
        print("There is no terminal to ask on: --yes does it without asking.")
        return False
    return terminal.ask(question + " [y/N] ").strip().lower() in ("y", "yes")


def finish(given, files, protocols, names, firewall):
    """Says what is left to do, or does it; the exit status."""
    movers = advice.moved(files, names)
    status = 0
    print("Now{}:".format("" if given.apply else " run"))
    for command, why in advice.commands(protocols, names, firewall, movers):
        print("  " + command + ("  # " + why if why else ""))
        if given.apply and "firewall" in command:
            advice.settle(movers)
        if given.apply and shell(command):
            print("  It failed.")
            status = 1
    return status


def configure(given, options, files):
    """The exit status: 0 written, or nothing to write; 1 if the answer was no."""
    names, protocols, warnings, membership = plan(given, options, files)
    if given.plan or given.keep:
        from softwire.configure.elsewhere import keep, tell

        return (
            keep(files, names, membership) if given.keep else tell(given, files, names, protocols, warnings)
        )
    changed = show(files)
    for text in warnings:
        print("Warning: " + text)
    if not changed:
        print("Nothing to change: the configuration is already like that.")
        return 0
    if warnings:
        print()
    before = record.renew(files, names, membership)
    if not agreed(given):
        print("Nothing was changed.")
        return 1
    files.write("record", record.text(before))
    files.put(changed, [("record", record.PATH)])
    print("Written. 'softwire configure --undo' puts back what was there before ({}).".format(record.PATH))
    held = record.secrets(before)
    if held:
        print(
            "It holds old secrets ({}), for root alone: 'softwire configure --forget' removes it once nobody "
            "wants to go back.".format(", ".join(held))
        )
    name = names[-1]
    # A port that no interface had before is in no zone yet, so that the line's answers would be rejected.
    firewall = "firewall" in changed or len(names) > 1 and "firewall" in files.names
    status = finish(given, files, protocols, names, firewall)
    print("Then 'softwire status {}' tells how it goes.".format(name))
    return status


def undo(given, files):
    """The same way back."""
    before = record.read()
    if before is None:
        print("Nothing to undo: {} is not there.".format(record.PATH))
        return 1
    network = before["network"]
    names = sorted(network)
    edits = []
    for name in names:
        section = interface(files.before("network"), name)
        if network[name] is not None:
            edits += rewrite("network", name, section, [tuple(item) for item in network[name]])
        elif section:
            edits.append("delete network." + name)
    files.edit("network", edits)
    warnings = []
    for membership in before["zones"]:
        commands, told = zone.undo(files.after("firewall"), membership)
        files.edit("firewall", commands)
        warnings += told
    changed = show(files)
    for text in warnings:
        print("Warning: " + text)
    if changed and not agreed(given):
        print("Nothing was changed.")
        return 1
    files.put(changed, gone=[record.PATH])
    if not changed:
        print("Nothing to put back: everything is as it was before.")
        return 0
    there = [name for name in names if network[name] is not None]
    print(
        "Put back as before: {}. {}".format(
            ", ".join(there) or "nothing",
            "Removed: {}.".format(", ".join([name for name in names if name not in there]))
            if there != names
            else "",
        ).strip()
    )
    return finish(given, files, [], there, "firewall" in changed)


def forget(given, files):
    """The exit status: 0 where nothing of what was there before is kept any more."""
    if not exists(record.PATH):
        print("Nothing to forget: {} is not there.".format(record.PATH))
        return 0
    if not agreed(given, "Remove {}, after which --undo can put nothing back?".format(record.PATH)):
        print("Nothing was changed.")
        return 1
    files.put((), gone=[record.PATH])
    print("Removed.")
    return 0


def main(words):
    """Exit status 0 if it is configured now, 1 if not, 2 for wrong usage, 130 after Ctrl-C."""
    terminal.heed_interrupts()
    if hasattr(gc, "threshold"):
        # MicroPython's heap is swept when it is full: what stays then lies scattered, and no room is in one piece.
        gc.threshold(65536)
    files = Files()
    try:
        given, options = parse(words)
        if given.forget:
            files.open(())
            return forget(given, files)
        files.open(("network", "firewall"))
        if "network" not in files.names:
            raise ProvisioningError("BAD_CONFIG", "/etc/config/network is not there: is this OpenWrt?")
        return undo(given, files) if given.undo else configure(given, options, files)
    except (KeyboardInterrupt, EOFError):
        print("\nInterrupted." if files.done else "\nNothing was changed.")
        return 130
    except Usage as error:
        print("softwire configure: {}".format(error), file=sys.stderr)
        return 2
    except ProvisioningError as error:
        told = str(error)
    except UnicodeError:
        told = "BAD_CONFIG: there is text that is not UTF-8"
    finally:
        files.close()
    print("softwire configure: {}".format(told), file=sys.stderr)
    if not files.done:
        print("Nothing was changed.", file=sys.stderr)
    return 1
