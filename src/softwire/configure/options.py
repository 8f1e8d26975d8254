# SPDX-License-Identifier: Apache-2.0
"""Which options a provisioning method has, which of them are secret, and the lines of an interface made of them."""

import os
import sys

from softwire import config, provisioning
from softwire.configure import terminal
from softwire.errors import ProvisioningError

# The command line has other words for these two.
OURS = ("tunlink", "provisioning")


def options_of(method):
    """The names of the options that a method looks at, its own first."""
    own = [row[0] for row in provisioning.find(method).options]
    return own + [row[0] for row in config.OPTIONS if row[0] not in OURS]


def secrets_of(method):
    """Those of them that must not be seen."""
    return list(provisioning.find(method).secrets)


def needed_secrets(method, options):
    """Those that the method cannot do without: all of them where the options tell as whom, or where, to log in."""
    needed = [row[0] for row in provisioning.find(method).required]
    login = "user_name" in options or "auth_server" in options
    return [name for name in secrets_of(method) if login or name in needed]


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
            if name in provisioning.find(method).lists:
                items += [("list", name, value) for value in values]
            else:
                items.append(("option", name, values))
    if old and old.get("proto") == "softwire":
        known = provisioning.known()
        items += [item for item in old.items if item[1] != "proto" and item[1] not in known]
    return items


def line_items(device, old):
    """The lines of the line; one that is of proto flets already keeps its other options."""
    items = [("option", "device", device), ("option", "proto", "flets")]
    if old and old.get("proto") == "flets":
        items += [item for item in old.items if item[1] not in ("device", "proto", "ifname")]
    return items


def asking_items(method, items, old):
    """The line's lines, changed (`items`) or as they are, so that its DHCPv6 asks for what the method needs.

    Proto flets does by itself; None where they may stay as they are.
    """
    lines = items or (old.items if old else [])
    asked = " ".join([item[2] for item in lines if item[1] == "reqopts"]).split()
    missing = [str(code) for code in provisioning.find(method).asked_for if str(code) not in asked]
    if not missing or ("option", "proto", "dhcpv6") not in [tuple(item) for item in lines]:
        return items
    # The stock handler does not take a list.
    return [item for item in lines if item[1] != "reqopts"] + [
        ("option", "reqopts", " ".join(asked + missing))
    ]


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


def get_secrets(given, options, old):
    """The method's secrets: from the file, from the interface as it is, else from the person at the terminal."""
    wanted = needed_secrets(given.method, options)
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
