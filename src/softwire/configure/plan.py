# SPDX-License-Identifier: Apache-2.0
"""What `softwire configure` would write, checked before anybody is asked: edits of copies, and warnings."""

from softwire import provisioning
from softwire.config import Config
from softwire.configure import advice, ride, zone
from softwire.configure.files import rewrite
from softwire.configure.options import (
    asking_items,
    get_secrets,
    line_items,
    needed_secrets,
    options_of,
    softwire_items,
)
from softwire.errors import ProvisioningError, bad_config
from softwire.uci import Section, find


class Usage(Exception):
    """The words make no sense."""


def _wrong(text, *values):
    return ProvisioningError("BAD_CONFIG", text.format(*values))


def _check_name(word, value):
    if not value or not all(
        [char == "_" or (char < "\x7f" and (char.isalpha() or char.isdigit())) for char in value]
    ):
        raise _wrong("{} '{}': letters, digits and _ would be right", word, value)
    return value


def interface(sections, name):
    """The section of that name, or None; BAD_CONFIG where it is no interface."""
    section = find(sections, name)
    if section and section.kind != "interface":
        raise _wrong("network.{} is a section of type {}: choose another name", name, section.kind)
    return section


def _names(given, options):
    """The names of softwire and line, from words that go together."""
    methods = provisioning.names()
    if given.method not in methods:
        wrong = "'{}' is no method".format(given.method) if given.method else "the method is missing"
        raise Usage("{}: {} would be right".format(wrong, " or ".join(methods)))
    name = _check_name("--interface", given.interface or "wan")
    line = _check_name("--line", given.line or "wan6")
    if name == line:
        raise _wrong("--interface and --line are both '{}': two names are needed", name)
    known = options_of(given.method)
    for option in sorted(options):
        if option not in known:
            raise _wrong("option {} is not one that {} looks at: {}", option, given.method, ", ".join(known))
    return name, line


def _check_port(network, port):
    if len(port) > 15 or not all([char > " " and char not in "/@'\"" for char in port]):
        raise bad_config("--wan", port, "the name of a port, such as eth1 or wan, would be right")
    section = Section("interface")
    section.items = [("option", "device", port)]
    made_by = ride.carrier(network, section)
    if made_by:
        raise bad_config("--wan", port, "interface {} makes it: its port would be right".format(made_by[0]))


def _line(given, network, name, line):
    """(the line's new lines, or None where it stays as it is; warnings)"""
    old = interface(network, line)
    if given.wan:
        _check_port(network, given.wan)
        return line_items(given.wan, old), []
    if not old:
        raise _wrong("--wan is missing: the name of the port towards the ONU, such as eth1 or wan")
    protocol = old.get("proto") or "none"
    way = ride.carriers(network, old)
    if not way and protocol in ("6in4", "6rd", "6to4"):
        raise _wrong(
            "interface {} is of proto {}, IPv6 over the IPv4 that it is to carry: --wan PORT makes it a line",
            line,
            protocol,
        )
    warnings = []
    if given.method == "softbank" and protocol != "flets":
        warnings.append(
            "interface {} is of proto {}: --wan PORT makes it flets, as NTT's network wants it".format(
                line, protocol
            )
        )
    names = [other for other, _ in way]
    if name not in names and line not in names:
        return None, warnings
    # What it rides on becomes the softwire over it: neither would ever come up.
    port = ride.port(network, old)
    carrier = name + " ({}), which becomes the softwire over it" if name in names else "itself ({})"
    told = "interface {} rides on {}: ".format(line, carrier.format(way[0][1]))
    if not port or [word for _, word in way if word.startswith("tunlink ")]:
        raise _wrong("{}--wan PORT is needed, the port towards the ONU", told)
    warnings.append(told + "it moves to the port, {}".format(port))
    items = [item for item in old.items if item[1] not in ("device", "ifname")]
    return [("option", "device", port)] + items, warnings


def _endpoint(options):
    """What the softwire's local address is made of; two that are equal are one address."""
    method = provisioning.find(str(options.get("provisioning") or "softbank"))
    config = Config(options, method)
    if "ip6addr" in [row[0] for row in method.options] and config["ip6addr"]:
        return (config["ip6addr"],)
    return config["tunlink"], config["ip6prefix"], config["interface_id"]


def _check_endpoint(network, name, options):
    """An address can belong to one softwire alone: the second would go with the first."""
    own = _endpoint(options)
    for section in network:
        if section.kind != "interface" or section.name == name or section.get("proto") != "softwire":
            continue
        try:
            same = _endpoint(section.options()) == own and not advice.is_off(section)
        except ProvisioningError:  # one that does not come up has no address
            continue
        if same:
            option = "ip6addr" if len(own) == 1 else "interface_id"
            raise ProvisioningError(
                "ENDPOINT_TAKEN",
                "option {} '{}' makes the local address of interface {}: another one{} would be right".format(
                    option,
                    options.get(option) or "1111:1111:1111:1111",
                    section.name,
                    ", such as 2222:2222:2222:2222," if option == "interface_id" else "",
                ),
            )


def plan(given, options, files):
    """Edits the copies: (interfaces, their protocols, warnings, what undo needs of the firewall)."""
    name, line = _names(given, options)
    method = given.method
    network = files.before("network")
    old, old_line = interface(network, name), interface(network, line)
    firewall = files.before("firewall")
    for word, section in ("--interface", old), ("--line", old_line):
        reasons = advice.serves_lan(section, network, firewall, files.look("dhcp")) if section else []
        if reasons:
            raise _wrong(
                "{} {}: it serves the LAN ({}): another name would be right",
                word,
                section.name,
                ", ".join(reasons),
            )
        if section and ride.device(section) == "lo":
            raise _wrong(
                "{} {}: it is the loopback interface: another name would be right", word, section.name
            )
    moved, warnings = _line(given, network, name, line)
    items = asking_items(method, moved, old_line)

    options["tunlink"] = line
    options["provisioning"] = method
    # First everything that needs no secret: nobody should type one for nothing.
    unknown = {option: "x" for option in needed_secrets(method, options)}
    trial = dict(unknown, **options)
    warnings += advice.on_method(lambda: provisioning.load(trial))
    _check_endpoint(network, name, trial)
    membership = None
    if "firewall" in files.names:
        commands, told, membership = zone.plan(firewall, (name, line), given.firewall_zone, given.add_zone)
        files.edit("firewall", commands)
        warnings += told
    else:
        warnings.append("there is no /etc/config/firewall: IPv4 has no NAT, and nothing guards the line")
    # Who writes it himself has the secrets, too.
    options.update(unknown if given.plan or given.keep else get_secrets(given, options, old))
    advice.on_method(lambda: provisioning.load(options))

    edits = rewrite("network", line, old_line, items) if items else []
    edits += rewrite("network", name, old, softwire_items(method, line, options, old))
    files.edit("network", edits)
    protocols = ["flets", "softwire"] if given.wan else ["softwire"]
    after = files.after("network")
    warnings += advice.on_device(moved[0][2], after, (name, line)) if moved else []
    warnings += advice.on_others(network, after, name, line) + advice.on_lan(network)
    warnings += advice.on_packages(protocols) + advice.on_comments(files)
    return [line, name] if items else [name], protocols, warnings, membership
