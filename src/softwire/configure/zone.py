# SPDX-License-Identifier: Apache-2.0
"""The firewall's zone of the internet side: whether both interfaces are in it, and what to add (OpenWrt, firewall)."""

from softwire.errors import ProvisioningError
from softwire.ubus import quote
from softwire.uci import keyed

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
        commands, forwarding = _add_zone(sections, wanted, missing)
        record = {"zone": wanted, "names": missing, "made": True, "forwarding": forwarding}
        return commands, warnings, record
    key, zone = chosen[0]
    for option, value in DEFAULTS[3:]:
        if zone.get(option) != value:
            warnings.append("the firewall zone '{}' lacks option {} '{}'".format(wanted, option, value))
    if not missing:
        return [], warnings, None
    record = {"zone": wanted, "names": missing, "made": False, "forwarding": False}
    return _join(key, zone, missing), warnings, record


def _is_list(zone):
    return not [item for item in zone.items if item[0] == "option" and item[1] == "network"]


def _join(key, zone, names):
    path = "firewall.{}.network".format(key)
    if _is_list(zone):
        return ["add_list {}={}".format(path, quote(name)) for name in names]
    return ["set {}={}".format(path, quote(" ".join(_members(zone) + names)))]


def _add_zone(sections, name, names):
    """(lines for `uci batch`, whether a forwarding from the LAN is among them)"""
    commands = ["add firewall zone", "set firewall.@zone[-1].name=" + quote(name)]
    commands += ["add_list firewall.@zone[-1].network=" + quote(member) for member in names]
    commands += ["set firewall.@zone[-1].{}={}".format(option, quote(value)) for option, value in DEFAULTS]
    lan = [section for _, section in _zones(sections) if section.get("name") == "lan"]
    forwarding = bool(lan and not _from_lan(sections, name))
    if forwarding:
        commands += ["add firewall forwarding", "set firewall.@forwarding[-1].src='lan'"]
        commands += ["set firewall.@forwarding[-1].dest=" + quote(name)]
    return commands, forwarding


def _from_lan(sections, name):
    """The forwardings from the LAN to the zone that have nothing else to say, as uci addresses them."""
    plain = [["dest", name], ["src", "lan"]]
    return [
        key
        for key, section in keyed(sections)
        if section.kind == "forwarding" and sorted([list(item[1:]) for item in section.items]) == plain
    ]


def undo(sections, record):
    """(lines for `uci batch` that take back what plan() added, as far as it is still there; warnings)"""
    chosen = [pair for pair in _zones(sections) if pair[1].get("name") == record["zone"]]
    if not chosen:
        return [], []
    key, zone = chosen[0]
    stay = [name for name in _members(zone) if name not in record["names"]]
    if record["made"] and not stay and not zone.values("device") + zone.values("subnet"):
        # A rule or forwarding that somebody has written for it since then is not ours to take away.
        ours = _from_lan(sections, record["zone"])[:1] if record["forwarding"] else []
        told = [
            "{} of the firewall names the zone '{}', which goes".format(other, record["zone"])
            for other, section in keyed(sections)
            if record["zone"] in (section.get("src"), section.get("dest")) and other not in ours
        ]
        return ["delete firewall." + name for name in [key] + ours], told
    path = "firewall.{}.network".format(key)
    if not _is_list(zone):
        return ["set {}={}".format(path, quote(" ".join(stay)))], []
    return ["del_list {}={}".format(path, quote(name)) for name in record["names"]], []
