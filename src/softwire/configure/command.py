# SPDX-License-Identifier: Apache-2.0
"""`softwire configure`: writes the line and the softwire as two interfaces, after showing what changes; --undo."""

import json
import os
import sys

from softwire import provisioning, state
from softwire.config import LISTS, METHODS, OPTIONS, Config
from softwire.configure import advice, terminal, uci, zone
from softwire.errors import ProvisioningError, bad_config

# What was there before; the one file that is kept.
RECORD = "/etc/softwire/before.json"

# The options that one method alone looks at, in the order of README; every other option of OPTIONS is for all.
METHOD_OPTIONS = {
    "softbank": (
        "auth_server",
        "auth_port",
        "shared_secret",
        "password",
        "line_type",
        "user_name",
        "mac",
        "manufacturer",
        "software_version",
        "hardware_version",
        "message_authenticator",
        "reauth",
    ),
    "static": ("peeraddr", "ipaddr", "ip6addr"),
}
# The command line has other words for these two.
OURS = ("tunlink", "provisioning")

ABOUT = """Writes the line and the softwire as two interfaces into /etc/config/network: shows the difference, and asks.

  softwire configure softbank --wan eth1 --auth-server 2001:db8::1
  softwire configure static --wan eth1 --peeraddr 2001:db8::2 --ipaddr 192.0.2.1
  softwire configure --undo

shared_secret and password are asked for, or read from a file of lines such as shared_secret=..., one each.
Every other option of the method may be given as well; README tells what they mean."""


class Usage(Exception):
    """The words make no sense."""


def options_of(method):
    """The names of the options that a method looks at, its own first."""
    others = [METHOD_OPTIONS[name] for name in sorted(METHOD_OPTIONS)]
    common = [name for name in sorted(OPTIONS) if not [own for own in others if name in own]]
    return list(METHOD_OPTIONS.get(method, ())) + [name for name in common if name not in OURS]


def secrets_of(method):
    """Those of them that must not be seen."""
    return [name for name in options_of(method) if OPTIONS[name][2]]


def parse(words):
    """(what was said, the options of proto softwire among it)."""
    import argparse  # what the rest of the module needs, no MicroPython lacks

    parser = argparse.ArgumentParser(prog="softwire configure", description=ABOUT)
    if hasattr(argparse, "RawDescriptionHelpFormatter"):
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.allow_abbrev = False
    parser.add_argument("method", nargs="?", help="who tells the parameters: " + " or ".join(METHODS))
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
        ("--undo", "puts back what was there before"),
    ):
        parser.add_argument(name, action="store_true", help=text)
    names = [name for name in sorted(OPTIONS) if name not in OURS and not OPTIONS[name][2]]
    for name in names:
        users = [method for method in METHODS if name in METHOD_OPTIONS.get(method, ())]
        parser.add_argument(
            _word(name),
            dest=name,
            nargs="+" if name in LISTS else None,
            help=" " + (" ".join(users) or "any method"),
        )
    for word in words:
        name = word.partition("=")[0].lstrip("-").replace("-", "_")
        if word.startswith("--") and name in OPTIONS and OPTIONS[name][2]:
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


def read_secrets(text, method):
    """The lines name=value; a value goes to the end of its line as it is."""
    found: dict = {}
    wanted = secrets_of(method)
    for number, line in enumerate(text.split("\n")):
        line = line.rstrip("\r")
        if not line.strip() or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or name.strip() not in wanted or name.strip() in found:
            raise ProvisioningError(
                "BAD_CONFIG",
                "line {} of the secrets is not right: each of {} once, as {}=...".format(
                    number + 1, ", ".join(wanted) or "(none)", wanted[0] if wanted else "name"
                ),
            )
        found[name.strip()] = value
    return found


def _open_secrets(path):
    if path == "-":
        return sys.stdin.read()
    if not path.startswith("/"):
        # The launcher has gone to the folder of the modules.
        path = (os.getenv("SOFTWIRE_FOLDER") or ".") + "/" + path
    try:
        if os.stat(path)[0] & 0o77:
            print("Warning: {} can be read by others: chmod 600".format(path))
        with open(path) as file:
            return file.read()
    except OSError:
        raise ProvisioningError("BAD_CONFIG", "--secrets {}: the file cannot be read".format(path))


def get_secrets(given, old):
    """The method's secrets: from the file, from the interface as it is, else from the person at the terminal."""
    wanted = secrets_of(given.method)
    found = read_secrets(_open_secrets(given.secrets), given.method) if given.secrets else {}
    kept = old and old.get("proto") == "softwire"
    for name in [name for name in wanted if not found.get(name)]:
        found[name] = kept and old.get(name)
        if terminal.is_there() and not (given.yes and found[name]):
            if not terminal.termios:
                raise ProvisioningError(
                    "BAD_CONFIG", "this interpreter cannot hide what is typed: give --secrets FILE"
                )
            text = "{} (not shown{}): ".format(name, "; Enter keeps the present one" if found[name] else "")
            found[name] = terminal.ask_secret(text) or found[name]
        if not found[name]:
            raise ProvisioningError(
                "BAD_CONFIG", "option {} is missing: type it, or give --secrets FILE".format(name)
            )
    return found


def softwire_items(method, line, options, old):
    """The lines of the softwire; those of an earlier one that are netifd's (metric, dns ...) stay."""
    items = [
        ("option", "proto", "softwire"),
        ("option", "tunlink", line),
        ("option", "provisioning", method),
    ]
    for name in options_of(method):
        if name in options:
            values = options[name]
            if name in LISTS:
                items += [("list", name, value) for value in values]
            else:
                items.append(("option", name, values))
    if old and old.get("proto") == "softwire":
        items += [item for item in old.items if item[1] != "proto" and item[1] not in OPTIONS]
    return items


def line_items(device, old):
    """The lines of the line; one that is of proto flets already keeps its other options."""
    items = [("option", "device", device), ("option", "proto", "flets")]
    if old and old.get("proto") == "flets":
        items += [item for item in old.items if item[1] not in ("device", "proto", "ifname")]
    return items


def _check_name(word, value):
    if not value or not all(
        [char == "_" or (char < "\x7f" and (char.isalpha() or char.isdigit())) for char in value]
    ):
        raise ProvisioningError(
            "BAD_CONFIG", "{} '{}': letters, digits and _ would be right".format(word, value)
        )
    return value


def _section(sections, name):
    section = uci.find(sections, name)
    if section and section.kind != "interface":
        raise ProvisioningError(
            "BAD_CONFIG", "network.{} is a section of type {}: choose another name".format(name, section.kind)
        )
    return section


def plan(given, options, files):
    """Edits the copies: (interfaces, their protocols, warnings, what undo needs of the firewall)."""
    method = given.method
    if method not in METHODS:
        wrong = "'{}' is no method".format(method) if method else "the method is missing"
        raise Usage("{}: {} would be right".format(wrong, " or ".join(METHODS)))
    name = _check_name("--interface", given.interface or "wan")
    line = _check_name("--line", given.line or "wan6")
    if name == line:
        raise ProvisioningError(
            "BAD_CONFIG", "--interface and --line are both '{}': two names are needed".format(name)
        )
    for option in sorted(options):
        if option not in options_of(method):
            raise ProvisioningError(
                "BAD_CONFIG",
                "option {} is not one that {} looks at: {}".format(
                    option, method, ", ".join(options_of(method))
                ),
            )
    network = files.before("network")
    old, old_line = _section(network, name), _section(network, line)
    warnings = []
    if given.wan:
        if len(given.wan) > 15 or not all([char > " " and char not in "/@'\"" for char in given.wan]):
            raise bad_config("--wan", given.wan, "the name of a port, such as eth1 or wan, would be right")
        warnings += advice.on_device(given.wan, network, (name, line))
    elif not old_line:
        raise ProvisioningError(
            "BAD_CONFIG", "--wan is missing: the name of the port towards the ONU, such as eth1 or wan"
        )
    elif method == "softbank" and old_line.get("proto") != "flets":
        warnings.append(
            "interface {} is of proto {}: --wan PORT makes it flets, as NTT's network wants it".format(
                line, old_line.get("proto")
            )
        )

    options["tunlink"] = line
    options["provisioning"] = method
    # First everything that needs no secret: nobody should type one for nothing.
    trial = {option: "x" for option in secrets_of(method)}
    trial.update(options)
    warnings += advice.on_method(lambda: provisioning.load(Config(trial)))
    membership = None
    if "firewall" in files.names:
        firewall, told, membership = zone.plan(
            files.before("firewall"), (name, line), given.firewall_zone, given.add_zone
        )
        files.edit("firewall", firewall)
        warnings += told
    else:
        warnings.append("there is no /etc/config/firewall: IPv4 has no NAT, and nothing guards the line")
    options.update(get_secrets(given, old))
    advice.on_method(lambda: provisioning.load(Config(options)))

    edits = uci.rewrite("network", line, old_line, line_items(given.wan, old_line)) if given.wan else []
    edits += uci.rewrite("network", name, old, softwire_items(method, line, options, old))
    files.edit("network", edits)
    protocols = ["flets", "softwire"] if given.wan else ["softwire"]
    warnings += advice.on_lan(network) + advice.on_packages(protocols)
    return [line, name] if given.wan else [name], protocols, warnings, membership


def remember(files, names, membership):
    """The text of RECORD: the interfaces as they were before the first softwire took their place."""
    record = state.read(RECORD) or {}
    network = record.get("network") or {}
    sections = files.before("network")
    for name in names:
        section = uci.find(sections, name)
        if name in network and section and section.get("proto") in ("flets", "softwire"):
            continue
        network[name] = section.items if section else None
    zones = record.get("zones") or []
    return json.dumps({"network": network, "zones": zones + ([membership] if membership else [])})


def _headlines(before, after):
    names = []
    for section in before + after:
        if section.kind == "interface" and section.name not in names:
            names.append(section.name)
    for name in names:
        was, will = [
            section and section.get("proto") for section in (uci.find(before, name), uci.find(after, name))
        ]
        if was != will:
            yield "Interface {}: {} becomes {}".format(name, was or "(none)", will or "(none)")


def show(files):
    """Prints what would change; the names of the files that do."""
    changed = []
    for line in _headlines(files.before("network"), files.after("network")):
        print(line)
    for name in files.names:
        lines = uci.difference(files.before(name), files.after(name))
        if lines:
            changed.append(name)
            print("/etc/config/{}:".format(name))
            print("\n".join(lines + [""]))
    return changed


def agreed(given):
    """Whether it may be written."""
    if given.yes:
        return True
    if not terminal.is_there():
        print("There is no terminal to ask on: --yes writes without asking.")
        return False
    return terminal.ask("Write this? [y/N] ").strip().lower() in ("y", "yes")


def finish(given, commands):
    """Says what is left to do, or does it; the exit status."""
    status = 0
    print("Now{}:".format("" if given.apply else " run"))
    for command, why in commands:
        print("  " + command + ("  # " + why if why else ""))
        if given.apply and uci.shell(command):
            print("  It failed.")
            status = 1
    return status


def configure(given, options, files):
    """The exit status: 0 written, or nothing to write; 1 if the answer was no."""
    names, protocols, warnings, membership = plan(given, options, files)
    changed = show(files)
    for text in warnings:
        print("Warning: " + text)
    if not changed:
        print("Nothing to change: the configuration is already like that.")
        return 0
    if warnings:
        print()
    if not agreed(given):
        print("Nothing was changed.")
        return 1
    files.write("record", remember(files, names, membership))
    files.put(changed, [("record", RECORD)])
    print("Written. 'softwire configure --undo' puts back what was there before ({}).".format(RECORD))
    name = names[-1]
    # A port that no interface had before is in no zone yet, so that the line's answers would be rejected.
    firewall = "firewall" in changed or bool(given.wan) and "firewall" in files.names
    status = finish(given, advice.commands(protocols, names, firewall))
    print("Then 'softwire status {}' tells how it goes.".format(name))
    return status


def undo(given, files):
    """The same way back."""
    record = state.read(RECORD)
    if record is None:
        print("Nothing to undo: {} is not there.".format(RECORD))
        return 1
    network = record["network"]
    names = sorted(network)
    edits = []
    for name in names:
        section = _section(files.before("network"), name)
        if network[name] is not None:
            edits += uci.rewrite("network", name, section, [tuple(item) for item in network[name]])
        elif section:
            edits.append("delete network." + name)
    files.edit("network", edits)
    for membership in record["zones"]:
        files.edit("firewall", zone.undo(files.after("firewall"), membership))
    changed = show(files)
    if changed and not agreed(given):
        print("Nothing was changed.")
        return 1
    files.put(changed, gone=[RECORD])
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
    return finish(given, advice.commands([], there, "firewall" in changed))


def main(words):
    """Exit status 0 if it is configured now, 1 if not, 2 for wrong usage, 130 after Ctrl-C."""
    terminal.heed_interrupts()
    files = uci.Files()
    try:
        given, options = parse(words)
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
    print("softwire configure: {}\nNothing was changed.".format(told), file=sys.stderr)
    return 1
