# SPDX-License-Identifier: Apache-2.0
"""`softwire status`: the softwire and its line for people, or as JSON."""

import json

from softwire import carrier, ntt, portuse, provisioning, sip, state, ubus
from softwire.address import format_prefix
from softwire.codes import CODES
from softwire.dhcpv6 import CLIENT_ID, duid_kind
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.netifd import Netifd, errors
from softwire.words import seconds


def describe_line(line):
    """Line -> dict of JSON values."""
    vendor = ntt.read_line(line)
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


def explain(interface, status_of):
    """Why netifd does not even start the client, by what the doctor finds without asking the line; None else."""
    # Only now, since the doctor needs this module, and a softwire that is up no doctor.
    from softwire.doctor.finding import Case
    from softwire.doctor.hindrance import hindrance
    from softwire.doctor.router import Router

    found = hindrance(Case(interface, Router(status_of)))
    if found is None:
        return None
    seen = " ({})".format(found.seen) if found.seen else ""
    return "{}: {}{}: {}".format(found.code, found.text, seen, found.advice)


def collect(interface, status_of=None):
    """All there is to say of one softwire interface, as a dict of JSON values; "up" is None while netifd is silent."""
    report = {"interface": interface, "phase": "not running", "up": None, "netifd_errors": []}
    try:
        _ask_netifd(report, status_of or Netifd().status)
    except ProvisioningError as error:
        report["netifd_errors"].append(str(error))
        if report["up"] is None:
            report.update(_said(interface))
    return report


def _said(interface):
    """What the client wrote last; what one left behind says nothing once the interface was torn down."""
    said = (state.read(state.config_path(interface)) and state.read(state.state_path(interface))) or {}
    # A client that was started before an upgrade wrote it in its own way.
    method = said.get("provisioning")
    said["answer"] = (
        provisioning.explain(method).describe(said["answer"]) if method and said.get("answer") else {}
    )
    return said


def _ask_netifd(report, status_of):
    """Adds what netifd and the client know; ProvisioningError where netifd stops to answer."""
    interface = report["interface"]
    own = status_of(interface)
    report["up"] = bool(own and own.get("up"))
    if own is None:
        report["netifd_errors"].append("netifd knows no interface '{}'".format(interface))
        report["hint"] = explain(interface, status_of)
        return
    report.update(_said(interface))
    report["device"] = own.get("l3_device")
    tunnel = report.get("tunnel") or {}
    report["port_use"] = portuse.of_tunnel(tunnel) if tunnel.get("ipaddr") else None
    if report.get("handed_on"):
        report["handed_on"] = carrier.describe(interface, report["handed_on"], status_of)
    report["netifd_errors"] += errors(own)
    tunlink = report["tunlink"] = report.get("tunlink") or _option(interface, "tunlink")
    status = status_of(tunlink) if tunlink else None
    if status is not None:
        line = Line(tunlink, status)
        report["line"] = describe_line(line)
        side = status_of(tunlink + "_voip") if line.proto == "flets" else None
        if side is not None:
            report["voip"] = sip.describe_side(side)
    if not report["up"]:
        report["hint"] = explain(interface, status_of)


def _option(interface, name):
    """An option from /etc/config/network, for an interface that netifd has not set up."""
    try:
        return ubus.output(["uci", "-q", "get", "network.{}.{}".format(interface, name)]).strip()
    except OSError:
        return None


def _rows(report, now):
    """(heading, text) pairs."""
    tunnel = report.get("tunnel")
    if tunnel and not tunnel["ipaddr"]:
        yield "IPv4", "asked for when a packet wants out"
    elif tunnel:
        yield "softwire", "{} -> {}".format(tunnel["local"], tunnel["remote"])
        device = "device {}, ".format(report["device"]) if report.get("device") else ""
        yield "", "{}MTU {}, no encapsulation limit".format(device, tunnel["mtu"])
        yield "IPv4", ", ".join(tunnel["ipaddr"])
        use = report.get("port_use")
        if use:
            yield "ports", portuse.text(use)
        if tunnel["dns"]:
            yield "resolvers", ", ".join(tunnel["dns"])
    handed_on = report.get("handed_on")
    if handed_on and "interface" in handed_on:
        yield "handed on", "to proto {}: {}".format(handed_on["proto"], carrier.text(handed_on))
        for name in sorted(handed_on["options"]):
            yield "", "{} {}".format(name, handed_on["options"][name])
    answer = report.get("answer")
    if answer:
        yield "asked", "{}, answered {} ago".format(answer["server"], seconds(now - report["asked"]))
        yield from provisioning.explain(report["provisioning"]).rows(answer)
        for reason in sorted(answer.get("ignored") or {}):
            yield "", "ignored replies, {}: {}".format(reason, answer["ignored"][reason])
    if report.get("next"):
        yield "next", "asks again in " + seconds(max(0, report["next"] - now))
    if report.get("expires"):
        yield "", "over in {} if nobody answers until then".format(seconds(max(0, report["expires"] - now)))
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
    where = "{} {}".format(line["interface"], "up" if line["up"] else "down")
    where += " on " + line["device"] if line["device"] else ""
    yield "line", where + (", MTU {}".format(line["mtu"]) if line["mtu"] else "")
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


def _headline(report):
    """One word from netifd, and what the client does about it; a client that calls itself up has not looked yet."""
    if report["up"]:
        tunnel = report.get("tunnel")
        return "up" if not tunnel or tunnel["ipaddr"] else "up, " + report["phase"]
    if report["up"] is None:
        return "unknown, netifd does not answer; the client said last: " + report["phase"]
    return "down" + (", " + report["phase"] if report["phase"] != "up" else "")


def text(report, now):
    """The report for people: a headline and a table."""
    lines = ["{}: {}".format(report["interface"], _headline(report))]
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
    netifd = Netifd()
    reports = [collect(name, netifd.status) for name in names]
    if as_json:
        print(json.dumps(reports[0] if interface else reports))
    else:
        now = state.uptime()
        print("\n\n".join([text(report, now) for report in reports]))
    return 0 if all([report["up"] for report in reports]) else 1
