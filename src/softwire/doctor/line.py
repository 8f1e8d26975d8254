# SPDX-License-Identifier: Apache-2.0
"""The doctor's steps from the router itself to the line: cable, router advertisement, DHCPv6, prefix, options."""

import binascii
import sys
import time

from softwire import ntt, provisioning
from softwire.address import format_prefix, parse_mac
from softwire.config import OPTIONS
from softwire.dhcpv6 import duid_kind, duid_ll
from softwire.doctor import firewall
from softwire.doctor.finding import NOTE, WRONG, note, ok, uci_network, wrong
from softwire.doctor.interface import disabled, not_learnt, not_reloaded, turned_off
from softwire.doctor.router import as_list
from softwire.doctor.written import handed_over, lost, missing, not_handed_over
from softwire.errors import ProvisioningError
from softwire.kernel import has_module
from softwire.line import Line
from softwire.words import seconds

NO_SPACE = 28
# A clock before this was not set since the router started.
OLDEST_CLOCK = 1767225600


def check_router(case):
    """The router's own condition: without these nothing else can be asked."""
    error = case.router.unwritable()
    if error is not None:
        yield wrong(
            "NO_RUN_DIRECTORY",
            "/var/run cannot be written" + (": it is full" if error == NO_SPACE else ""),
            "writing a small file there fails with error {}".format(error),
            "'df /tmp; du -a /tmp | sort -n | tail' shows what fills it; a restart of the router empties it",
        )
        return
    case.sections = case.router.uci("network")
    release = case.router.read("/proc/sys/kernel/osrelease")
    if not has_module("ip6_tunnel", case.router.read, case.router.listdir, case.router.lines):
        yield wrong(
            "MISSING_PACKAGE",
            "the kernel's IPv6 tunnel module, ip6_tunnel, is missing",
            "neither in /sys/module nor in /lib/modules/" + release,
            "install kmod-ip6-tunnel ('opkg update; opkg install kmod-ip6-tunnel', or 'apk add kmod-ip6-tunnel')",
        )
        return
    version = ".".join([str(part) for part in sys.implementation.version[:3]])
    yield ok("{} {}, kernel {}, /var/run is writable".format(sys.implementation.name, version, release))
    if time.time() < OLDEST_CLOCK:
        yield note(
            "CLOCK_WRONG",
            "the clock is not set (it says year {}); the softwire does without it".format(time.gmtime()[0]),
            advice="nothing: it is set over the network once IPv4 or IPv6 passes",
        )


def _section(case, name):
    """Options of an interface in /etc/config/network, or None."""
    for section, kind, options in case.sections:
        if section == name and kind == "interface":
            return options
    return None


def check_settings(case):
    """/etc/config/network and what netifd made of it."""
    written = _section(case, case.interface)
    status = case.router.status(case.interface)
    if written is None or written.get("proto") != "softwire":
        if written is None:
            seen, advice = "no such section in /etc/config/network", "'uci show network' lists them"
        else:
            seen = "its protocol is '{}'".format(written.get("proto"))
            advice = "name the interface that has proto 'softwire'"
        yield wrong("NO_INTERFACE", "there is no softwire named '{}'".format(case.interface), seen, advice)
        return
    if status is None:
        yield disabled(case.interface, written) or wrong(
            "NO_INTERFACE",
            "the network service does not know interface {} yet".format(case.interface),
            "it is in /etc/config/network alone",
            "'/etc/init.d/network reload'; where softwire was just installed, '/etc/init.d/network restart'",
        )
        return
    unlearnt = not_learnt(case.interface, written, status)
    if unlearnt:
        yield unlearnt
        return
    case.learn(status)
    given = case.router.settings(case.interface)
    case.options = given or handed_over(written)
    try:
        case.method = provisioning.load(case.options, case.interface)
        case.config = case.method.config
    except ProvisioningError as error:
        case.up = False  # whatever netifd says: without options there is nothing to look at
        yield missing(case.interface, written, error) or case.failure(error)
        return
    off = turned_off(case.interface, status)
    if off:
        yield off
        return
    yield ok("provisioning {} over {}".format(case.config["provisioning"], case.tunlink))
    lists, unheard = case.method.lists, lost(written)
    changed = [
        name
        for name, _, _ in OPTIONS + case.method.options
        if given
        and name not in unheard
        and _plain(name in lists, name, given) != _plain(name in lists, name, written)
    ]
    if changed:
        yield note(
            "NOT_RELOADED",
            "option {} was changed, but is not in use yet".format(", ".join(changed)),
            "/etc/config/network differs from what netifd handed over",
            "'/etc/init.d/network reload'",
        )
    yield from not_handed_over(case.interface, written)


def _plain(is_list, name, options):
    value = options.get(name)
    return as_list(value) if is_list else str(value if value is not None else "")


def check_cable(case):
    """The line's device and its carrier."""
    case.line_status = case.router.status(case.tunlink)
    case.line_section = _section(case, case.tunlink) or {}
    if case.line_status is None:
        yield disabled(case.tunlink, case.line_section) or wrong(
            "NO_LINE",
            "there is no interface '{}', which option tunlink of {} names".format(
                case.tunlink, case.interface
            ),
            "netifd does not know it",
            "set option tunlink to the interface that has IPv6, such as wan6, or '/etc/init.d/network reload'",
        )
        return
    changed = not_reloaded(case.tunlink, case.line_section, case.line_status)
    if changed:
        yield changed
        if changed.status == WRONG:
            return
    case.line = Line(case.tunlink, case.line_status, case.router.read, case.config["ip6prefix"])
    device = case.line.device or str(case.line_section.get("device") or "")
    if device[:1] == "@":  # the device of another interface
        parent = case.router.status(device[1:]) or {}
        device = parent.get("l3_device") or parent.get("device") or device
    present = case.router.listdir("/sys/class/net")
    if device not in present:
        yield wrong(
            "NO_PORT",
            "the port '{}' of interface {} is not there".format(device, case.tunlink),
            "the router has " + ", ".join([name for name in present if name not in ("lo", "ip6tnl0")]),
            "set option device of {} to the port towards the ONU".format(case.tunlink),
        )
        return
    off = turned_off(case.tunlink, case.line_status)
    if off:
        yield off
        return
    case.line.device = device
    folder = "/sys/class/net/{}/".format(device)
    if case.router.read(folder + "carrier") != "1":
        yield wrong(
            "NO_CARRIER",
            "{} has no link: the cable is out, or the other end is off".format(device),
            "the kernel says carrier {}".format(case.router.read(folder + "carrier") or "none"),
            "check the cable to the ONU (or home gateway), and its lamps",
        )
        return
    speed = case.router.read(folder + "speed")
    yield ok("{} has a link{}".format(device, " of {} Mbit/s".format(speed) if speed.isdigit() else ""))
    case.mac = case.line.mac or str(case.line_section.get("mac") or "")
    if not case.mac:
        yield wrong(
            "NO_MAC",
            device + " has no MAC address",
            "the kernel knows none, and option mac of {} is not set".format(case.tunlink),
            "set option mac of {} to the one that the operator knows, or take another device".format(
                case.tunlink
            ),
        )


def check_advertisement(case):
    """Whether the line's router answers a router solicitation, and what its advertisement says."""
    line = case.line
    if case.line_status.get("proto") not in ("flets", "dhcpv6") and line.default_route:
        yield ok("not needed: {} has proto {}".format(line.name, case.line_status.get("proto")))
        return
    try:
        heard = case.advertisement = case.network.solicit_router(line.device)
    except OSError as error:
        yield note("NOT_ASKED", "could not be asked", "sending failed with error {}".format(error.errno))
        return
    silent = "no router advertisement came on {} after three solicitations".format(line.device)
    if heard is None and line.default_route:
        yield note("RA_SILENT", "the line's router is silent, though its route is still valid", silent)
    elif heard is None and firewall.ignores(line.device, case.router.run):
        yield wrong(
            "FIREWALL_NOT_LOADED",
            "the firewall rejects what comes in on {}, the line's router's word with it".format(line.device),
            "no rule of table inet fw4 names {}".format(line.device),
            "'/etc/init.d/firewall reload'; if it stays so, add {} to the networks of zone wan".format(
                line.name
            ),
        )
    elif heard is None:
        yield wrong(
            "NO_RA",
            "the line's router says nothing",
            silent,
            "turn the ONU off and on; is the line opened? Does the firewall let ICMPv6 of zone wan in?",
        )
    elif not heard.lifetime:
        yield wrong(
            "RA_NO_DEFAULT",
            "the line's router says that it is no way to the internet",
            "its advertisement from {} has router lifetime 0".format(heard.source),
            "wait; restart the ONU or home gateway; ask the operator if it stays so",
        )
    else:
        told = "the line's router {} answers: {}, valid for {}{}"
        yield ok(
            told.format(
                heard.source,
                _flags(heard),
                seconds(heard.lifetime),
                ", MTU {}".format(heard.mtu) if heard.mtu else "",
            )
        )


def _flags(heard):
    return "M={} O={}".format(int(heard.managed), int(heard.other))


def client(case):
    """The arguments of the odhcp6c that runs on the line's device, or None."""
    for words in case.router.processes():
        names = [word.rpartition("/")[2] for word in words]
        if "odhcp6c" in names and words[-1] == case.line.device:
            return words[names.index("odhcp6c") :]
    return None


def _settled_client(case):
    """The same, given five seconds where netifd is just setting the line up."""
    words, tries = client(case), 10 if case.line_status.get("pending") else 0
    while words is None and tries:
        time.sleep(0.5)
        words, tries = client(case), tries - 1
    return words


def check_dhcpv6(case):
    """Whether the line's DHCPv6 server answers: the router's own client, and a question of the doctor's."""
    line = case.line
    words = _settled_client(case)
    if words is None:
        proto = case.line_status.get("proto")
        if proto not in ("flets", "dhcpv6"):
            yield ok("not needed: {} has proto {}".format(line.name, proto))
            return
        yield wrong(
            "NO_DHCPV6_CLIENT",
            "the DHCPv6 client, odhcp6c, does not run on {}".format(line.device),
            "no such process; netifd tells of {}: {}".format(line.name, ", ".join(line.errors) or "nothing"),
            "is the package odhcp6c installed? 'ifup {}', then 'logread -e {}'".format(line.name, line.name),
        )
        return
    given = client_ids(words)
    kind = kind_of(given)
    asks_prefix = any([word[:2] == "-P" for word in words])
    delegated = bool(case.line_status.get("ipv6-prefix") or line.too_long)
    answered = bool(line.options) or delegated
    try:
        offer, reply = _question(case, asks_prefix, answered, delegated)
    except (OSError, ValueError) as error:
        offer = reply = None
        if answered:
            yield ok("answered; client id {} (not asked again: {})".format(kind, error))
            return
    # Options alone, an earlier line's perhaps, are no answer to a question for a prefix.
    if answered and (delegated or reply is None or not asks_prefix):
        yield ok("the router was answered; its client id is a {}".format(kind))
        yield from _offers_map(case, (offer or []) + (reply or []))
        if offer is None and reply is None:
            yield note(
                "DHCPV6_SILENT",
                "the server does not answer now",
                "a question of the doctor's own stayed unanswered; what was got is still valid",
                "nothing yet: odhcp6c asks again in time; if it stays silent, native IPv6 and IPv4 end with it",
            )
        elif offer is not None and not case.config["ip6prefix"]:
            if not given or given[0].lower() == _own_duid(case):
                yield from _moved(line, case.network.offered_prefixes(offer))
        return
    finding = _unanswered(case, kind, given, asks_prefix, offer, reply)
    if case.up or _does_without(case):
        finding.status = NOTE
    yield finding


def _offers_map(case, options):
    """odhcp6c of proto dhcpv6 asks for MAP by itself, and an operator may have nothing else for who does."""
    offered = [str(code) for code in case.network.S46 if code in [item[0] for item in options]]
    there = "map.sh" in case.router.listdir("/lib/netifd/proto")
    if offered and case.line_status.get("proto") == "dhcpv6" and not there:
        yield note(
            "S46_WITHOUT_MAP",
            "the line offers MAP-E, MAP-T or lw4o6, and the router has no package map",
            "DHCPv6 option {} came; odhcp6c asks for it, installed or not".format(", ".join(offered)),
            "nothing, if IPv4 works; otherwise install map where the contract has it, or let {} not ask: "
            "options defaultreqopts and reqopts".format(case.tunlink),
        )


def _own_duid(case):
    """The client id that the doctor asks with, in hex: a server may tell another one other things."""
    return binascii.hexlify(duid_ll(parse_mac(case.mac))).decode()


def _moved(line, offered):
    """A server that lost its memory has another prefix for the line; odhcp6c learns it only when it asks next."""
    held = [format_prefix(item[0], item[1]) for item in line.prefixes if item[2] > 0]
    if offered and held and not [prefix for prefix in offered if prefix in held]:
        yield note(
            "PREFIX_MOVED",
            "the line now delegates {}".format(", ".join(offered)),
            "the DHCPv6 server offers it to the doctor; the router has {}".format(", ".join(held)),
            "'ifup {}' fetches it; the router itself asks when the old one is half used up".format(line.name),
        )


def _does_without(case):
    """Whether a router advertisement, or options, bring all that the softwire needs."""
    try:
        case.method.endpoint(case.line, None)
    except ProvisioningError:
        return False
    return case.line.default_route


def _question(case, asks_prefix, answered, delegated):
    """(offer, reply) of the server to the doctor's Solicit and Information-Request; None where silent or not asked."""
    network, device, mac = case.network, case.line.device, parse_mac(case.mac)
    offer = reply = None
    if asks_prefix or not answered:
        offer = network.ask_dhcpv6(device, mac, network.SOLICIT)
    if offer is None and not (delegated and asks_prefix):
        reply = network.ask_dhcpv6(device, mac, network.INFORMATION_REQUEST)
    return offer, reply


def client_ids(words):
    """What odhcp6c is told to send: one at most; without any it makes a DUID-LL itself."""
    return [word[2:] for word in words if word[:2] == "-c"]


def kind_of(given):
    try:
        return duid_kind(binascii.unhexlify(given[0])) if given else "DUID-LL"
    except ValueError:
        return "unknown DUID"


def client_id_option(case):
    """(the option that makes odhcp6c send its client id, how to mend it)"""
    name = case.line.name
    if case.line_section.get("clientid"):
        where = "network.{}.clientid".format(name)
        mend = "uci delete " + where
    else:  # the stock handler's of 25.12 and later; other interfaces may need it
        where = "network.globals.dhcp_default_duid"
        mend = "uci set network.{}.clientid={}".format(name, _own_duid(case.line))
    return where, "'{}; uci commit network; /etc/init.d/network reload; ifup {}'".format(mend, name)


def _unanswered(case, kind, given, asks_prefix, offer, reply):
    """Why the router's own DHCPv6 client has no answer, by what the doctor's own questions brought."""
    name = case.line.name
    flags = "; its router advertises " + _flags(case.advertisement) if case.advertisement else ""
    if kind != "DUID-LL" and (offer is not None or reply is not None):
        where, mend = client_id_option(case)
        return wrong(
            "NOT_DUID_LL",
            "the line does not answer this router's client id, a {}".format(kind),
            "a question with a DUID-LL, made from the MAC address, was answered at once; {} sets another".format(
                where
            ),
            mend,
        )
    if offer is None and reply is not None and asks_prefix:
        return wrong(
            "STATELESS_ONLY",
            "the line gives no prefix by DHCPv6: it answers questions for information only",
            "an Information-Request was answered, a Solicit was not" + flags,
            "'uci set network.{}.reqprefix=no; uci commit network; ifup {}'".format(name, name),
        )
    if offer is not None:
        prefixes = case.network.offered_prefixes(offer)
        if not prefixes:
            return wrong(
                "NO_PREFIX",
                "the line delegates no prefix",
                "the DHCPv6 server's offer to a question of the doctor's holds none",
                case.advice("NO_PREFIX"),
            )
        if not asks_prefix:
            return wrong(
                "PREFIX_NOT_ASKED",
                "the line delegates a prefix, but the router does not ask for one",
                "the server offers {}; odhcp6c runs without -P".format(prefixes[0]),
                "'uci delete network.{}.reqprefix; uci commit network; ifup {}'".format(name, name),
            )
    if offer is not None or reply is not None:
        return wrong(
            "DHCPV6_WAITS",
            "the DHCPv6 server answers, but the router's client has no answer (yet)",
            "a question of the doctor's was answered",
            "wait half a minute, then 'ifup {0}' and 'logread -e {0}'".format(name),
        )
    return wrong(
        "NO_DHCPV6",
        "no DHCPv6 server answers on {}".format(case.line.device),
        "neither a Solicit nor an Information-Request of the doctor's was answered" + flags,
        "is this the operator's line, and opened? Does the firewall let UDP port 546 in (rule Allow-DHCPv6)?"
        + ("" if kind == "DUID-LL" else " And the client id is a {}, which NTT ignores".format(kind)),
    )


def check_prefix(case):
    """The prefix that the softwire lives in, and the route out of it."""
    line = case.line
    try:
        case.endpoint = case.method.endpoint(line, None)
    except ProvisioningError as error:
        seen = ""
        if line.onlink:
            seen = "on-link {}".format(", ".join([format_prefix(item[0], item[1]) for item in line.onlink]))
        yield wrong(error.code, error.text, seen, case.advice(error.code))
        return
    if not line.default_route:
        yield no_default_route(line)
        return
    lan = [format_prefix(item[0], item[1]) for item in line.prefixes if item[2] > 0]
    yield ok(", ".join(lan) or "the line's own /64")
    if not lan and not _relays(case):
        yield note(
            "NO_LAN_RELAY",
            "no LAN shares the line's /64: LAN hosts have no native IPv6",
            "no section of /etc/config/dhcp with interface {} has option master 1".format(line.name),
            "set odhcpd up as a relay between {} and the LAN, as the manual says of lines without delegation".format(
                line.name
            ),
        )
    elif lan and not any([entry.get("assigned") for entry in case.line_status.get("ipv6-prefix") or []]):
        yield note(
            "NO_LAN_PREFIX",
            "no LAN takes a part of the prefix: LAN hosts have no native IPv6",
            "netifd has assigned nothing of it",
            uci_network("set network.lan.ip6assign=64"),
        )


def no_default_route(line):
    return wrong(
        "NO_DEFAULT_ROUTE",
        "interface {} has no IPv6 way to the internet".format(line.name),
        "netifd has no default route on it",
        "is option defaultroute 0? Otherwise 'ifup {0}' and 'logread -e {0}'".format(line.name),
    )


def _relays(case):
    """Whether odhcpd passes the line's router advertisements on."""
    return any(
        [
            kind == "dhcp" and options.get("interface") == case.line.name and options.get("master") == "1"
            for _, kind, options in case.router.uci("dhcp")
        ]
    )


def check_vendor(case):
    """NTT's options: telephone, MAC echo."""
    vendor = ntt.read_line(case.line)
    for problem in case.line.problems + (vendor.problems if vendor else []):
        yield note("BAD_OPTION", problem, "in the line's DHCPv6 answer", "nothing: the softwire does without")
    if vendor:
        told = "MAC echo {}, {} telephone number(s), SIP domain {}"
        yield ok(told.format(vendor.mac or "none", len(vendor.numbers), vendor.sip_domain or "none"))
        return
    words = client(case)
    if words is None:
        yield ok("not needed without DHCPv6")
    elif "-r17" in words:
        yield note(
            "NO_VENDOR_OPTIONS",
            "the line tells nothing of NTT's",
            "option 17 of enterprise 210 was asked for and did not come",
            "nothing, if IPv4 works; otherwise ask the operator whether this is the right line",
        )
    else:
        yield note(
            "NO_VENDOR_OPTIONS",
            "the line was not asked for NTT's options",
            "odhcp6c runs without -r17",
            "use proto flets, or 'uci set network.{0}.reqopts=17; uci commit network; ifup {0}'".format(
                case.tunlink
            ),
        )
