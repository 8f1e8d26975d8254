# SPDX-License-Identifier: Apache-2.0
"""`softwire sip`: what a telephone needs on NTT's SIP network, for people, programs, baresip and Asterisk.

There is no password: the network knows the line.
"""

import binascii
import json
import sys

from softwire import ntt, state
from softwire.dhcpv4 import is_host, read_sip_servers
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.netifd import Netifd, errors
from softwire.wire import WireError

FORMATS = ("baresip", "pjsip")

# What makes a telephone work: name in Telephone, what it is called, where it comes from.
NEEDED = (
    ("numbers", "telephone number", "option 125 of DHCPv4 and 17 of DHCPv6"),
    ("domain", "SIP domain", "option 125 of DHCPv4 and 17 of DHCPv6"),
    ("registrars", "SIP server", "option 120 of DHCPv4"),
)


def describe_side(status):
    """Status of the telephone's interface in netifd -> dict of JSON values, without telephone numbers."""
    addresses = [
        "{}/{}".format(entry["address"], entry["mask"]) for entry in status.get("ipv4-address") or []
    ]
    return {
        "up": bool(status.get("up")),
        "device": status.get("l3_device") or status.get("device"),
        "addresses": addresses,
        "errors": errors(status),
    }


class Telephone:
    """interface: netifd's name of the line; side: describe_side(); lease: what flets_voip.script left; numbers, main

    first; domain; registrars; local: our address; problems: what could not be read.
    """

    def __init__(self, line, side, lease):
        """line: Line."""
        self.interface = line.name
        self.side = side
        self.local = side["addresses"][0].partition("/")[0] if side["addresses"] else None
        self.problems: list[str] = []
        self.registrars = self._registrars(lease)
        vendors = [vendor for vendor in (self._vendor(lease), ntt.read_line(line)) if vendor]
        self.numbers: list[str] = []
        self.domain = None
        for vendor in vendors:
            self.problems += [problem for problem in vendor.problems if problem not in self.problems]
            self.numbers = self.numbers or self._numbers(vendor)
            self.domain = self.domain or self._domain(vendor)
        refused = lease.get("refused")
        if refused:
            self.problems.append("option 121: route {} refused".format(refused))

    def _registrars(self, lease):
        # busybox built with RFC 3397 hands option 120 over as text, without it as hexadecimal digits.
        try:
            if lease.get("opt120"):
                return read_sip_servers(binascii.unhexlify(lease["opt120"]))
        except (TypeError, ValueError, WireError) as error:
            self.problems.append("option 120: {}".format(error))
            return []
        names = str(lease.get("sipsrv") or "").split()
        if [name for name in names if not is_host(name)]:
            self.problems.append("option 120: not a host name")
        return [name for name in names if is_host(name)]

    def _vendor(self, lease):
        try:
            return ntt.read_dhcpv4(binascii.unhexlify(lease.get("opt125") or ""))
        except (TypeError, ValueError, WireError) as error:
            self.problems.append("option 125: {}".format(error))
            return None

    def _numbers(self, vendor):
        # They become part of a URI and of a configuration file.
        usable = [number for number in vendor.numbers if number.isdigit()]
        if len(usable) < len(vendor.numbers):
            self.problems.append("a telephone number has other characters than digits")
        return usable

    def _domain(self, vendor):
        if vendor.sip_domain and not is_host(vendor.sip_domain):
            self.problems.append("the SIP domain is no host name")
            return None
        return vendor.sip_domain

    def check(self):
        """ProvisioningError for what is missing."""
        if not self.side["up"] or not self.local:
            told = [error for error in self.side["errors"] if error.startswith("NO_SIP_LEASE: ")]
            raise ProvisioningError(
                "NO_SIP_LEASE",
                told[0].partition(": ")[2]
                if told
                else "no DHCPv4 answer yet on {}".format(self.side["device"]),
            )
        for name, what, source in NEEDED:
            if not getattr(self, name):
                raise ProvisioningError(
                    "NO_SIP_DATA",
                    "the line told no usable {} ({}): is the telephone service on this line, and option mac the "
                    "MAC it knows?".format(what, source),
                )


def find(interface, status_of, read=state.read):
    """The Telephone of a `flets` interface; ProvisioningError."""
    status = status_of(interface)
    if status is None:
        raise ProvisioningError("NO_LINE", "netifd knows no interface '{}'".format(interface))
    side = status_of(interface + "_voip")
    if side is None and not status.get("up"):
        raise ProvisioningError(
            "NO_LINE", "interface {} is down; a telephone side would come up with it".format(interface)
        )
    if side is None:
        raise ProvisioningError(
            "VOIP_OFF",
            "interface {} has no telephone side: proto flets with option voip '1' would be right".format(
                interface
            ),
        )
    lease = read(state.sip_path(interface + "_voip"))
    return Telephone(Line(interface, status), describe_side(side), lease or {})


def describe(telephone):
    """Telephone -> dict of JSON values."""
    return {
        "interface": telephone.interface,
        "up": telephone.side["up"],
        "device": telephone.side["device"],
        "addresses": telephone.side["addresses"],
        "local": telephone.local,
        "numbers": telephone.numbers,
        "domain": telephone.domain,
        "registrars": telephone.registrars,
        "problems": telephone.problems,
    }


def text(telephone):
    """For people: a headline and a table."""
    rows = [
        ("numbers", ", ".join(telephone.numbers)),
        ("domain", telephone.domain),
        ("registrar", ", ".join(telephone.registrars)),
        ("address", "{} on {}".format(telephone.local, telephone.side["device"])),
        ("password", "none, the network knows the line"),
    ] + [("problem", problem) for problem in telephone.problems]
    return "\n".join(
        ["{}: telephone".format(telephone.interface)]
        + ["  {:<10} {}".format(heading, value) for heading, value in rows]
    )


def baresip(telephone):
    """For ~/.baresip/accounts: the main number registers, the additional ones stand ready. Lines of ~/.baresip/config

    are comments there: without them older releases send from the address that the default route has.
    """
    # baresip takes two of them.
    servers = "".join(
        [
            ';outbound{}="sip:{}"'.format(index + 1, server)
            for index, server in enumerate(telephone.registrars[:2])
        ]
    )
    lines = [
        "# softwire sip {} --format baresip, for ~/.baresip/accounts".format(telephone.interface),
        "# what follows 'config:' is for ~/.baresip/config",
        "# config: sip_listen {}:5060".format(telephone.local),
        "# config: net_interface {}".format(telephone.side["device"]),
        "# to call: /dial <number>; where the line answers 400: /dial sip:<number>@{}".format(
            telephone.registrars[0]
        ),
        "# a line that refuses rport (RFC 3581) still answers 400: baresip always sends it, Asterisk need not",
    ]
    for index, number in enumerate(telephone.numbers):
        if index == 1:
            lines.append("# additional numbers")
        account = "<sip:{}@{};transport=udp>{};regint=3600".format(number, telephone.domain, servers)
        lines.append(("# " if index else "") + account)
    return "\n".join(lines)


def pjsip(telephone):
    """For Asterisk's pjsip.conf: calls come in as context from-flets, G.711 u-law as NTT wants it.

    disable_rport is an option of the whole system, in 13.35, 16.12, 17.6 and newer; with its three companions of the
    endpoint it is what lines were seen to want (RFC 3581). Registrations name the domain; calls the server, as of the
    two forms seen on real lines the one that was seen with Asterisk.
    """
    number, domain, server = telephone.numbers[0], telephone.domain, telephone.registrars[0]
    proxy = "outbound_proxy = sip:{}\\;lr".format(server)
    sections = (
        ("system", "system", "disable_rport = yes"),
        ("flets-transport", "transport", "protocol = udp", "bind = {}:5060".format(telephone.local)),
        (
            "flets",
            "registration",
            "transport = flets-transport",
            proxy,
            "server_uri = sip:{}".format(domain),
            "client_uri = sip:{}@{}".format(number, domain),
            "contact_user = {}".format(number),
        ),
        ("flets", "aor", "contact = sip:{}".format(server)),
        (
            "flets",
            "endpoint",
            "transport = flets-transport",
            "aors = flets",
            "context = from-flets",
            "disallow = all",
            "allow = ulaw",
            "from_user = {}".format(number),
            "from_domain = {}".format(domain),
            "rtp_symmetric = no",
            "force_rport = no",
            "rewrite_contact = no",
            "direct_media = no",
        ),
        ("flets", "identify", "endpoint = flets")
        + tuple(["match = {}".format(server) for server in telephone.registrars]),
    )
    lines = [
        "; softwire sip {} --format pjsip, for Asterisk's pjsip.conf".format(telephone.interface),
        "; where the line answers 400 to calls: 'contact = sip:{}' in the aor, and in the endpoint".format(
            domain
        ),
        "; '{}'".format(proxy),
    ]
    for additional in telephone.numbers[1:]:
        lines.append("; additional number {}".format(additional))
    for section in sections:
        lines += ["", "[{}]".format(section[0]), "type = {}".format(section[1])] + list(section[2:])
    return "\n".join(lines)


def main(interface, as_json, form, status_of=None, read=state.read):
    """Exit status 0 if a telephone can work with what is printed, 1 otherwise."""
    told = {"interface": interface, "up": False}
    try:
        telephone = find(interface, status_of or Netifd().status, read)
        told = describe(telephone)
        telephone.check()
    except ProvisioningError as error:
        if as_json:
            told["error"] = {"code": error.code, "text": error.text}
            print(json.dumps(told))
        else:
            print("softwire: {}".format(error), file=sys.stderr)
            for problem in told.get("problems") or []:
                print("softwire: {}".format(problem), file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps(told))
    elif form:
        print(baresip(telephone) if form == "baresip" else pjsip(telephone))
    else:
        print(text(telephone))
    return 0
