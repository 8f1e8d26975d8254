# SPDX-License-Identifier: Apache-2.0
"""One `rule` or `redirect` as nftables text: family, device, addresses, protocol, ports, ICMP types,
limit, target (fw4's options)."""

import ipaddress

from .zones import BadRule, words

NUMBERS = {"icmp": 1, "icmpv6": 58, "ipv6-icmp": 58}
ICMP6 = {
    "bad-header": ("parameter-problem", 0),
    "unknown-header-type": ("parameter-problem", 1),
    "neighbour-solicitation": ("nd-neighbor-solicit", None),
    "neighbour-advertisement": ("nd-neighbor-advert", None),
    "router-solicitation": ("nd-router-solicit", None),
    "router-advertisement": ("nd-router-advert", None),
    "packet-too-big": ("packet-too-big", None),
}
FAMILIES = {"ipv4": "ipv4", "4": "ipv4", "ipv6": "ipv6", "6": "ipv6", "any": None, "*": None, "": None}
TARGETS = {"ACCEPT": "accept", "REJECT": "jump handle_reject", "DROP": "drop"}
KNOWN = {
    "name",
    "enabled",
    "type",
    "device",
    "direction",
    "src",
    "dest",
    "family",
    "proto",
    "src_ip",
    "dest_ip",
    "src_port",
    "dest_port",
    "src_dport",
    "src_dip",
    "icmp_type",
    "limit",
    "target",
    "reflection",
}


def family_of(options):
    text = str(options.get("family", "")).lower()
    if text not in FAMILIES:
        raise BadRule(f"family {text}")
    wanted = FAMILIES[text]
    for name in ("src_ip", "dest_ip", "src_dip"):
        for address in words(options.get(name)):
            try:
                version = f"ipv{ipaddress.ip_network(address, strict=False).version}"
            except ValueError:
                raise BadRule(f"{name} {address}") from None
            if wanted not in (None, version):
                raise BadRule(f"{name} {address} is not {wanted}")
            wanted = version
    return wanted


def protocols(options):
    """Protocol names or numbers; None matches every protocol. fw4's default is TCP and UDP."""
    found = words(options.get("proto", "tcp udp"))
    found = ["tcp", "udp"] if found == ["tcpudp"] else found
    return [None] if found in (["all"], ["any"], ["*"]) else found


def ports(text):
    items = [item.replace(":", "-") for item in words(text)]
    for item in items:
        low, dash, high = item.partition("-")
        if not (low.isdigit() and (not dash or high.isdigit())):
            raise BadRule(f"port {item}")
    return items[0] if len(items) == 1 else "{ " + ", ".join(items) + " }"


def quoted(name):
    return '"' + str(name).replace('"', "") + '"'


def icmp_types(options, family):
    """The type matches of an ICMP rule, one nftables expression each."""
    result = []
    for name in words(options.get("icmp_type")):
        if family == "ipv6":
            kind, code = ICMP6.get(name, (name, None))
            result.append(f"icmpv6 type {kind}" + (f" icmpv6 code {code}" if code is not None else ""))
        else:
            result.append(f"icmp type {name}")
    return result or [f"meta l4proto {'ipv6-icmp' if family == 'ipv6' else 'icmp'}"]


def matches(options, default_device=None):
    """nftables expressions of a rule without its verdict, one for each protocol and ICMP type."""
    unknown = set(options) - KNOWN
    if unknown:
        raise BadRule(f"option {sorted(unknown)[0]} is not known here")
    family, head = family_of(options), []
    if family and not any(options.get(name) for name in ("src_ip", "dest_ip", "src_dip")):
        head.append(f"meta nfproto {family}")
    device = options.get("device", default_device)
    if device:
        direction = options.get("direction", "in")
        if direction not in ("in", "out"):
            raise BadRule(f"direction {direction}")
        head.append(f"{'iifname' if direction == 'in' else 'oifname'} {quoted(device)}")
    word = "ip6" if family == "ipv6" else "ip"
    for name, side in (("src_ip", "saddr"), ("dest_ip", "daddr")):
        addresses = words(options.get(name))
        if addresses:
            text = addresses[0] if len(addresses) == 1 else "{ " + ", ".join(addresses) + " }"
            head.append(f"{word} {side} {text}")
    result = []
    for protocol in protocols(options):
        for part in protocol_part(options, protocol, family):
            limit = f"limit rate {options['limit'].replace('/sec', '/second')}" if "limit" in options else ""
            result.append(" ".join(filter(None, head + [part, limit])))
    return result


def protocol_part(options, protocol, family):
    if protocol is None:
        return [""]
    if protocol in NUMBERS:
        families = [family] if family else ["ipv4", "ipv6"]
        return [part for each in families for part in icmp_types(options, each)]
    port_words = [
        f"{protocol} {side} {ports(options[name])}"
        for name, side in (("src_port", "sport"), ("dest_port", "dport"))
        if options.get(name)
    ]
    if port_words and protocol not in ("tcp", "udp", "sctp", "dccp"):
        raise BadRule(f"protocol {protocol} has no ports")
    return [" ".join(port_words) or f"meta l4proto {protocol}"]


def verdict(options):
    target = options.get("target", "DROP").upper()
    if target not in TARGETS:
        raise BadRule(f"target {target}")
    return TARGETS[target]


def comment(options, fallback):
    name = str(options.get("name", fallback)).replace('"', "").replace("\\", "")
    return f'comment "!fw4: {name}"'
