# SPDX-License-Identifier: Apache-2.0
"""`softwire status`: the softwire and its line for people, or as JSON."""

import json

from softwire import sip, state, ubus
from softwire.address import format_prefix
from softwire.dhcpv6 import CLIENT_ID, DUID_KINDS, duid_kind
from softwire.errors import CODES
from softwire.line import Line


def describe_line(line):
    """Line -> dict of JSON values."""
    vendor = line.vendor
    return {
        "interface": line.name,
        "up": line.up,
        "device": line.device,
        "mtu": line.mtu,
        "mac": line.mac,
        "default_route": line.default_route,
        "prefixes": [format_prefix(entry[0], entry[1]) for entry in line.prefixes if entry[2] > 0],
        "onlink": [format_prefix(entry[0], entry[1]) for entry in line.onlink],
        "dns": line.dns,
        "client_id": [duid_kind(value) for code, value in line.options if code == CLIENT_ID],
        "numbers": vendor.numbers if vendor else [],
        "sip_domain": vendor.sip_domain if vendor else None,
        "mac_echo": vendor.mac if vendor else None,
        "version_server": vendor.version_server if vendor else None,
        "unknown": [[code, "".join(["%02x" % octet for octet in value])] for code, value in vendor.unknown]
        if vendor
        else [],
        "problems": line.problems + (vendor.problems if vendor else []) + _silent(line),
        "errors": line.errors,
    }


def _silent(line):
    """An on-link /64 where DHCPv6 should have said more by now."""
    if (
        line.proto in ("flets", "dhcpv6")
        and line.onlink
        and not (line.prefixes or line.delegation_wait or line.options)
    ):
        return [
            "no DHCPv6 answer: a line that answers Information-requests alone needs option reqprefix 'no' "
            "in interface {}".format(line.name)
        ]
    return []


def wrong_duid(line, option):
    """What is wrong with the client id that odhcp6c is told to send, and how to mend it; None where nothing is."""
    places = [(line.name, "clientid")]
    if line.proto == "dhcpv6":  # the stock handler's of 25.12 and later
        places.append(("globals", "dhcp_default_duid"))
    for section, name in places:
        given = "".join([char for char in (option(section, name) or "") if char not in ":.- "]).lower()
        if given:
            break
    if not given or given.startswith("0003"):
        return None
    kind = int(given[:4], 16) if len(given) > 4 and given[:4].isdigit() else 0
    where = "network.{}.{}".format(section, name)
    mend = "uci delete " + where
    if section == "globals":
        mend = "uci set network.{}.clientid=00030001{}".format(
            line.name, (line.mac or "<MAC>").replace(":", "")
        )
    return "{} is a {}, and NTT's network answers DUID-LL alone: {}; uci commit network; ifup {}".format(
        where, DUID_KINDS.get(kind, "client id of another kind"), mend, line.name
    )


def explain(name, line, option=None):
    """Why netifd does not even start the client (NO_DEVICE), told from the tunlink; None where it should run."""
    if line is None:
        return "netifd knows no interface '{}': option tunlink names the interface that has IPv6".format(name)
    if not line.device:
        return "interface {} has no device: is its cable plugged, and option device right?".format(name)
    if not line.up:
        return (
            "interface {} is not up: no DHCPv6 answer and no router advertisement gave it an address or prefix yet; "
            "{}".format(
                name,
                wrong_duid(line, option or _option)
                or "NTT's network answers DUID-LL client identifiers only",
            )
        )
    if not line.default_route:
        return (
            "interface {} has no IPv6 default route from netifd: "
            "no router advertisement, or option defaultroute is 0".format(name)
        )
    return None


def collect(interface, ask=ubus.call):
    """All there is to say of one softwire interface, as a dict of JSON values."""
    report = {"interface": interface, "phase": "not running"}
    # What a client left behind says nothing once the interface was torn down.
    if state.read(state.config_path(interface)):
        report.update(state.read(state.state_path(interface)) or {})
    tunlink = report.get("tunlink")
    try:
        own = ask("network.interface." + interface, "status")
        report["up"] = bool(own.get("up"))
        report["device"] = own.get("l3_device")
        report["netifd_errors"] = [
            ": ".join([error.get("code")] + (error.get("data") or [])) for error in own.get("errors") or []
        ]
    except ubus.UbusError:
        report["up"] = False
        report["netifd_errors"] = ["netifd knows no interface '{}'".format(interface)]
        return report
    tunlink = tunlink or _option(interface, "tunlink")
    report["tunlink"] = tunlink
    line = None
    if tunlink:
        try:
            line = Line(tunlink, ask("network.interface." + tunlink, "status"))
            report["line"] = describe_line(line)
            report["voip"] = sip.describe_side(ask("network.interface.{}_voip".format(tunlink), "status"))
        except ubus.UbusError:
            pass
        if not report["up"]:
            report["hint"] = explain(tunlink, line)
    return report


def _option(interface, name):
    """An option from /etc/config/network, for an interface that netifd has not set up."""
    try:
        return ubus.output(["uci", "-q", "get", "network.{}.{}".format(interface, name)]).strip()
    except OSError:
        return None


def seconds(value):
    """A duration for people: 3725 -> '1 h 2 min'."""
    value = int(value)
    for size, unit in (86400, "d"), (3600, "h"), (60, "min"):
        if value >= size:
            return "{} {} {}".format(
                value // size, unit, seconds(value % size) if value % size >= 60 else ""
            ).strip()
    return "{} s".format(value)


def _rows(report, now):
    """(heading, text) pairs."""
    tunnel = report.get("tunnel")
    if tunnel:
        yield "softwire", "{} -> {}".format(tunnel["local"], tunnel["remote"])
        yield "", "device {}, MTU {}, no encapsulation limit".format(report.get("device"), tunnel["mtu"])
        yield "IPv4", ", ".join(tunnel["ipaddr"])
        if tunnel["dns"]:
            yield "resolvers", ", ".join(tunnel["dns"])
    answer = report.get("answer")
    if answer:
        asked = seconds(now - report["asked"])
        if answer.get("line_type_why"):
            yield "line type", "{}: {}".format(answer["line_type"], answer["line_type_why"])
        yield "asked", "{}, answered {} ago".format(answer["server"], asked)
        for name in sorted(answer.get("attributes") or {}):
            yield "", "{}: {}".format(name, ", ".join([str(value) for value in answer["attributes"][name]]))
        for reason in sorted(answer.get("ignored") or {}):
            yield "", "ignored replies, {}: {}".format(reason, answer["ignored"][reason])
    if report.get("next"):
        yield "next", "asks again in " + seconds(max(0, report["next"] - now))
    error = report.get("error")
    if error:
        yield "error", "{} ({} ago): {}".format(error["code"], seconds(now - error["at"]), error["text"])
    for told in report.get("netifd_errors") or []:
        code = told.partition(":")[0]
        if not error or code != error["code"]:
            yield "netifd", told + (": " + CODES[code] if told in CODES else "")
    if report.get("hint"):
        yield "why", report["hint"]


def _line_rows(line, voip):
    up = "up" if line["up"] else "down"
    yield "line", "{} {} on {}, MTU {}".format(line["interface"], up, line["device"], line["mtu"])
    yield "", "delegated prefix " + (", ".join(line["prefixes"]) or "none")
    if line["onlink"]:
        yield "", "on-link prefix " + ", ".join(line["onlink"])
    if line["numbers"] or line["sip_domain"]:
        yield (
            "telephone",
            "{}, SIP domain {}".format(", ".join(line["numbers"]) or "no number", line["sip_domain"]),
        )
    if voip:
        where = "{} on {}".format(", ".join(voip["addresses"]) or "no address", voip["device"])
        why = ", ".join(voip["errors"]) or "no DHCPv4 answer yet"
        yield "SIP side", "up, " + where if voip["up"] else "down, " + why
    if line["mac_echo"]:
        yield "MAC echo", line["mac_echo"]
    if line["version_server"]:
        yield "firmware", "version server " + line["version_server"]
    for code, octets in line["unknown"]:
        yield "unknown", "sub-option {}: {}".format(code, octets)
    for problem in line["problems"]:
        yield "problem", problem


def text(report, now):
    """The report for people: a headline and a table."""
    lines = ["{}: {}".format(report["interface"], "up" if report["up"] else "down, " + report["phase"])]
    rows = list(_rows(report, now))
    if report.get("line"):
        rows += list(_line_rows(report["line"], report.get("voip")))
    return "\n".join(lines + ["  {:<10} {}".format(heading, value).rstrip() for heading, value in rows])


def main(interface, as_json):
    """Exit status 0 if every interface asked for is up, 1 otherwise."""
    names = [interface] if interface else state.interfaces()
    if not names:
        print("netifd has set up no interface of proto softwire; 'softwire status <interface>' explains one")
        return 1
    reports = [collect(name) for name in names]
    if as_json:
        print(json.dumps(reports[0] if interface else reports))
    else:
        now = state.uptime()
        print("\n\n".join([text(report, now) for report in reports]))
    return 0 if all([report["up"] for report in reports]) else 1
