# SPDX-License-Identifier: Apache-2.0
"""Whether fw4 masquerades, clamps and forwards for a device: its configuration (uci) and the kernel's rules."""

from softwire.doctor.finding import wrong
from softwire.doctor.router import as_list

RELOAD = "/etc/init.d/firewall reload"
COMMIT = "uci commit firewall; " + RELOAD


def zone_of(interface, device, status, sections):
    """(number, options) of the zone that holds the interface: by network, by device, or by netifd's data.zone."""
    wanted = (status.get("data") or {}).get("zone")
    zones = [options for name, kind, options in sections if kind == "zone"]
    for number, options in enumerate(zones):
        if (
            interface in as_list(options.get("network"))
            or device in as_list(options.get("device"))
            or (wanted and options.get("name") == wanted)
        ):
            return number, options
    return None, {}


def rules(text):
    """`nft list table` -> list of (chain, rule)."""
    found, chain = [], ""
    for line in text.split("\n"):
        words = line.split()
        if words[:1] == ["chain"]:
            chain = words[1]
        elif words and words[0] not in ("}", "table", "type"):
            found.append((chain, line.strip()))
    return found


def concerns(found, device, wanted):
    """Whether a rule that names the device, or a chain that such a rule jumps to, has one of the wanted words."""
    named = [rule for chain, rule in found if '"{}"'.format(device) in rule]
    targets = [rule.partition(" jump ")[2].split()[0] for rule in named if " jump " in rule]
    reached = named + [rule for chain, rule in found if chain in targets]
    return any([word in rule for rule in reached for word in wanted])


def ignores(device, run):
    """Whether fw4 is loaded, and no rule of it names the device: what comes in there is rejected."""
    loaded = rules(run("nft", "list", "table", "inet", "fw4"))
    return bool(loaded) and not any(['"{}"'.format(device) in rule for chain, rule in loaded])


def on(options, name):
    return options.get(name) in ("1", "on", "true", "yes", "enabled")


def findings(interface, device, status, sections, run):
    """Yields (status, text, code, seen, advice), see steps.Finding. run(*words) is a command's output."""
    loaded = rules(run("nft", "list", "table", "inet", "fw4"))
    if not loaded:
        yield (
            "note",
            "there is no fw4 here: not looked at",
            "NO_FW4",
            "'nft list table inet fw4' says nothing",
            "see that IPv4 out of {} is masqueraded".format(device),
        )
        return
    number, zone = zone_of(interface, device, status, sections)
    if number is None:
        yield (
            "wrong",
            "{} is in no firewall zone: LAN hosts do not get out".format(interface),
            "NO_ZONE",
            "no zone in /etc/config/firewall names it",
            _into_wan(sections, interface),
        )
        return
    name = str(zone.get("name"))
    setting = "firewall.@zone[{}]".format(number)
    masq = concerns(loaded, device, ("masquerade", "snat "))
    clamp = concerns(loaded, device, ("maxseg",))
    sources = [
        options.get("src")
        for _, kind, options in sections
        if kind == "forwarding" and options.get("dest") == name
    ]
    good = True
    for there, option, code, text in (
        (masq, "masq", "NO_MASQ", "zone {} does not masquerade: answers do not find back to LAN hosts"),
        (clamp, "mtu_fix", "NO_MTU_FIX", "zone {} does not fit TCP to the softwire: big downloads hang"),
    ):
        if there:
            continue
        good = False
        if on(zone, option):
            yield (
                "wrong",
                "the firewall has not taken {} into its rules".format(device),
                "FIREWALL_NOT_LOADED",
                "option {} of zone {} is on, but no rule of the kernel's names {}".format(
                    option, name, device
                ),
                "'{}'".format(RELOAD),
            )
            return
        yield (
            "wrong",
            text.format(name),
            code,
            "option {} of zone {} is off".format(option, name),
            "'uci set {}.{}=1; {}'".format(setting, option, COMMIT),
        )
    if not sources:
        good = False
        yield (
            "wrong",
            "no other zone may send into zone {}".format(name),
            "NO_FORWARDING",
            "no forwarding section has dest '{}'".format(name),
            "'uci add firewall forwarding; uci set firewall.@forwarding[-1].src=lan; "
            "uci set firewall.@forwarding[-1].dest={}; {}'".format(name, COMMIT),
        )
    if good:
        yield (
            "ok",
            "zone {}: masquerading and TCP size for {}, from {}".format(name, device, ", ".join(sources)),
            None,
            "",
            "",
        )


def not_loaded(case, chain, text):
    """What is wrong where the kernel lacks a chain of the client's own file."""
    defaults = [
        (number, options)
        for number, options in enumerate(
            [options for _, kind, options in case.router.uci("firewall") if kind == "defaults"]
        )
        if options.get("auto_includes") and not on(options, "auto_includes")
    ]
    if defaults:
        return wrong(
            "FIREWALL_NOT_LOADED",
            text,
            "option auto_includes of the firewall's defaults is off",
            "'uci set firewall.@defaults[{}].auto_includes=1; {}'".format(defaults[0][0], COMMIT),
        )
    return wrong(
        "FIREWALL_NOT_LOADED",
        text,
        "nft knows no chain {}, which names {}".format(chain, case.device),
        "'{}'".format(RELOAD),
    )


def _into_wan(sections, interface):
    zones = [options.get("name") for _, kind, options in sections if kind == "zone"]
    if "wan" not in zones:
        return "name it among the networks of the internet's zone in /etc/config/firewall, then '{}'".format(
            RELOAD
        )
    return "add it to zone wan: 'uci add_list firewall.@zone[{}].network={}; {}'".format(
        zones.index("wan"), interface, COMMIT
    )
