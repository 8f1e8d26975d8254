# SPDX-License-Identifier: Apache-2.0
"""The firewall's zone of the internet side: whether both interfaces are in it, and what to add (OpenWrt, firewall)."""

from softwire.configure.uci import keyed
from softwire.errors import ProvisioningError
from softwire.ubus import quote

# OpenWrt's own zone wan.
DEFAULTS = (("input", "REJECT"), ("output", "ACCEPT"), ("forward", "REJECT"), ("masq", "1"), ("mtu_fix", "1"))


def _zones(sections):
    return [(key, section) for key, section in keyed(sections) if section.kind == "zone"]


def _members(zone):
    """The interfaces that a zone names; older configurations have them in one option, blanks between."""
    return " ".join(zone.values("network")).split()


def plan(sections, names, wanted=None, add=False):
    """(lines for `uci batch`, warnings, what undo() needs or None); NO_FIREWALL_ZONE where there is none."""
    zones = _zones(sections)
    homes = [[pair for pair in zones if name in _members(pair[1])] for name in names]
    taken = [home[0] for home in homes if home]
    if wanted is None:
        wanted = taken[0][1].get("name") if taken else "wan"
    chosen = [pair for pair in zones if pair[1].get("name") == wanted]
    missing = [name for name, home in zip(names, homes) if not home]
    warnings = [
        "interface {} is in the firewall zone '{}', not in '{}'".format(name, home[0][1].get("name"), wanted)
        for name, home in zip(names, homes)
        if home and home[0] not in chosen
    ]
    if not chosen:
        if not add:
            raise ProvisioningError(
                "NO_FIREWALL_ZONE",
                "/etc/config/firewall has no zone '{}' for the internet side (zones: {}), so IPv4 would have no NAT: "
                "--add-zone adds one as OpenWrt has it, --firewall-zone NAME takes another".format(
                    wanted, ", ".join([str(pair[1].get("name")) for pair in zones]) or "none"
                ),
            )
        return _add_zone(zones, wanted, missing), warnings, {"zone": wanted, "names": missing, "made": True}
    key, zone = chosen[0]
    for option, value in DEFAULTS[3:]:
        if zone.get(option) != value:
            warnings.append("the firewall zone '{}' lacks option {} '{}'".format(wanted, option, value))
    if not missing:
        return [], warnings, None
    return _join(key, zone, missing), warnings, {"zone": wanted, "names": missing, "made": False}


def _is_list(zone):
    return not [item for item in zone.items if item[0] == "option" and item[1] == "network"]


def _join(key, zone, names):
    path = "firewall.{}.network".format(key)
    if _is_list(zone):
        return ["add_list {}={}".format(path, quote(name)) for name in names]
    return ["set {}={}".format(path, quote(" ".join(_members(zone) + names)))]


def _add_zone(zones, name, names):
    commands = ["add firewall zone", "set firewall.@zone[-1].name=" + quote(name)]
    commands += ["add_list firewall.@zone[-1].network=" + quote(member) for member in names]
    commands += ["set firewall.@zone[-1].{}={}".format(option, quote(value)) for option, value in DEFAULTS]
    if [pair for pair in zones if pair[1].get("name") == "lan"]:
        commands += ["add firewall forwarding", "set firewall.@forwarding[-1].src='lan'"]
        commands += ["set firewall.@forwarding[-1].dest=" + quote(name)]
    return commands


def undo(sections, record):
    """The lines for `uci batch` that take back what plan() added, as far as it is still there."""
    chosen = [pair for pair in _zones(sections) if pair[1].get("name") == record["zone"]]
    if not chosen:
        return []
    key, zone = chosen[0]
    stay = [name for name in _members(zone) if name not in record["names"]]
    if record["made"] and not stay:
        forwardings = [
            "delete firewall." + other
            for other, section in keyed(sections)
            if section.kind == "forwarding" and section.get("dest") == record["zone"]
        ]
        # From the last, for the numbers of the others would change.
        return ["delete firewall." + key] + forwardings[::-1]
    path = "firewall.{}.network".format(key)
    if not _is_list(zone):
        return ["set {}={}".format(path, quote(" ".join(stay)))]
    return ["del_list {}={}".format(path, quote(name)) for name in record["names"]]
