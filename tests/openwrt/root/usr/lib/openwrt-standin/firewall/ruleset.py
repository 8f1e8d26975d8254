# SPDX-License-Identifier: Apache-2.0
"""The whole table inet fw4: chains by zone as fw4 names them, rules of uci and of netifd's data.firewall,
masquerade, MSS clamp."""

from . import rules
from .zones import BadRule, Zone, assign, flag, words


class Ruleset:
    """includes: what packages brought for the ruleset's end; physical(devices): those that are ports."""

    def __init__(self, sections, interfaces, warn, includes=(), physical=lambda devices: []):
        self.warn = warn
        self.includes = includes
        self.physical = physical
        self.defaults = next((options for kind, options in sections if kind == "defaults"), {})
        self.zones = [Zone(options, self.defaults) for kind, options in sections if kind == "zone"]
        assign(self.zones, interfaces)
        self.forwardings = [options for kind, options in sections if kind == "forwarding"]
        self.chains = {}
        for kind, options in sections:
            if kind in ("rule", "redirect") and flag(options.get("enabled", "1")):
                self.add(kind, options, options.get("name", f"@{kind}"), None)
        for interface in interfaces:
            for number, options in enumerate(interface.get("data", {}).get("firewall", [])):
                label = f"ubus:{interface['interface']}[{interface.get('proto')}] rule {number}"
                # a rule of an interface without a device of its own is bound to that interface's device
                self.add(options.get("type", "rule"), options, label, interface.get("l3_device"))

    def zone(self, name):
        found = next((zone for zone in self.zones if zone.name == name), None)
        if found is None:
            raise BadRule(f"zone {name}")
        return found

    def add(self, kind, options, label, device):
        try:
            if kind == "rule":
                self.rule(options, label, device)
            elif kind == "redirect":
                self.redirect(options, label, device)
            else:
                raise BadRule(f"type {kind}")
        except BadRule as problem:
            self.warn(f"Section {label} skipped: {problem}")

    def put(self, chain, line):
        self.chains.setdefault(chain, []).append(line)

    def rule(self, options, label, device):
        lines = [
            f"{match} counter {rules.verdict(options)} {rules.comment(options, label)}".strip()
            for match in rules.matches(options, device)
        ]
        source, dest = options.get("src"), options.get("dest")
        if dest and source:
            chain = "forward" if source == "*" else f"forward_{self.zone(source).name}"
            if dest != "*":
                devices = device_set(self.zone(dest).devices)
                lines = [f"oifname {devices} {line}" for line in lines] if devices else []
        elif dest:
            chain = "output" if dest == "*" else f"output_{self.zone(dest).name}"
        else:
            chain = "input" if source in (None, "*") else f"input_{self.zone(source).name}"
        for line in lines:
            self.put(chain, line)

    def redirect(self, options, label, device):
        if options.get("target", "DNAT").upper() != "DNAT":
            raise BadRule(f"target {options.get('target')}")
        zone, target = self.zone(options.get("src")), options.get("dest_ip")
        if not target:
            raise BadRule("dest_ip missing")
        options = dict(options)
        inner = options.pop("dest_port", None)
        outer = options.pop("src_dport", None)
        dip = options.pop("src_dip", None)
        options.pop("dest_ip")
        options.update({name: value for name, value in (("dest_port", outer), ("dest_ip", dip)) if value})
        version = rules.family_of({"dest_ip": target})
        options["family"] = version
        to = f"{target}:{inner or outer}" if version == "ipv4" else f"[{target}]:{inner or outer}"
        word = "ip" if version == "ipv4" else "ip6"
        for match in rules.matches(options, device):
            self.put(
                f"dstnat_{zone.name}",
                f"{match} counter dnat {word} to "
                f"{to if inner or outer else target} {rules.comment(options, label)}",
            )

    # text

    def render(self):
        base = {"input": [], "forward": [], "output": [], "srcnat": [], "dstnat": [], "mangle": []}
        chains = {
            f"{place}_{zone.name}": [] for zone in self.zones for place in ("input", "forward", "output")
        }
        for name, lines in self.chains.items():
            (base if name in base else chains).setdefault(name, []).extend(lines)
        for zone in self.zones:
            self.render_zone(zone, base, chains)
        includes = self.includes if flag(self.defaults.get("auto_includes", "1")) else ()
        return "\n".join(
            ["table inet fw4", "flush table inet fw4", "table inet fw4 {"]
            + self.flowtable()
            + self.hooks(base)
            + [text for name, lines in chains.items() for text in block(name, lines)]
            + ["}", ""]
            + [f'include "{path}"' for path in includes]
            + [""]
        )

    def offloaded(self):
        """The devices whose connections pass the rules by."""
        if not flag(self.defaults.get("flow_offloading")):
            return []
        return self.physical([device for zone in self.zones for device in zone.devices])

    def flowtable(self):
        devices = device_set(self.offloaded())
        return (
            devices
            and [
                "\tflowtable ft {",
                f"\t\thook ingress priority 0; devices = {devices};",
                "\t\tcounter;",
                "\t}",
            ]
            or []
        )

    def render_zone(self, zone, base, chains):
        devices = device_set(zone.devices)
        for forwarding in self.forwardings:
            if forwarding.get("src") == zone.name:
                to = device_set(self.zone_devices(forwarding.get("dest")))
                if to:
                    chains[f"forward_{zone.name}"].append(f"oifname {to} accept")
        chains[f"input_{zone.name}"].append("ct status dnat accept")
        chains[f"forward_{zone.name}"].append("ct status dnat accept")
        if devices:
            for place, word in (("input", "iifname"), ("output", "oifname"), ("forward", "iifname")):
                base[place].append(f"{word} {devices} jump {place}_{zone.name}")
            if zone.forward == "accept":
                chains[f"forward_{zone.name}"].append(f"oifname {devices} accept")
            if f"dstnat_{zone.name}" in chains:
                base["dstnat"].append(f"iifname {devices} jump dstnat_{zone.name}")
            if zone.masq:
                base["srcnat"].append(f"meta nfproto ipv4 oifname {devices} masquerade")
            if zone.mtu_fix:
                for word in ("iifname", "oifname"):
                    base["mangle"].append(
                        f"{word} {devices} tcp flags syn / fin,syn,rst tcp option maxseg size set rt mtu"
                    )
        for place in ("input", "output", "forward"):
            policy = getattr(zone, place)
            if (place, policy) == ("forward", "accept"):
                continue  # within the zone only, see above; the rest is for the hook's own end
            chains[f"{place}_{zone.name}"].append("jump handle_reject" if policy == "reject" else policy)

    def zone_devices(self, name):
        try:
            return self.zone(name).devices
        except BadRule as problem:
            self.warn(f"Section @forwarding skipped: {problem}")
            return []

    def hooks(self, base):
        start = ["ct state established,related accept"]
        policy = {place: self.defaults.get(place, "DROP").upper() for place in ("input", "forward", "output")}
        end = {place: ["jump handle_reject"] if policy[place] == "REJECT" else [] for place in policy}
        lines = []
        for place in ("input", "forward", "output"):
            local = [f"{'iif' if place == 'input' else 'oif'} lo accept"] if place != "forward" else []
            offload = (
                ["meta l4proto { tcp, udp } flow offload @ft"]
                if place == "forward" and self.offloaded()
                else []
            )
            lines += hook(
                place,
                "filter",
                place,
                "filter",
                local + offload + start + base[place] + end[place],
                "accept" if policy[place] == "ACCEPT" else "drop",
            )
        lines += hook("dstnat", "nat", "prerouting", "dstnat", base["dstnat"], "accept")
        lines += hook("srcnat", "nat", "postrouting", "srcnat", base["srcnat"], "accept")
        lines += hook("mangle_forward", "filter", "forward", "mangle", base["mangle"], "accept")
        lines += block(
            "handle_reject",
            ["meta l4proto tcp reject with tcp reset", "reject with icmpx type port-unreachable"],
        )
        return lines


def device_set(devices):
    return "{ " + ", ".join(rules.quoted(device) for device in devices) + " }" if devices else ""


def block(name, lines):
    return [f"\tchain {name} {{"] + [f"\t\t{line}" for line in lines] + ["\t}"]


def hook(name, kind, place, priority, lines, policy):
    return block(name, [f"type {kind} hook {place} priority {priority}; policy {policy};"] + lines)


def sections_of(package):
    """(type, options) of each section; a section type that this stand-in lacks is left out."""
    return [
        (
            section.kind,
            {
                name: value if isinstance(value, str) else words(value)
                for name, value in section.options.items()
            },
        )
        for section in package.sections
    ]
