# SPDX-License-Identifier: Apache-2.0
"""SoftBank's 4over6: a RADIUS server tells the IPv4 address and the border router (RFC 2865, vendor 22197).

NEXT (1 Gbit/s) and CROSS (10 Gbit/s) lines differ in the User-Name, the CHAP identifier, the order and packing of
the attributes, and in where the local endpoint comes from; what SoftBank's own units send was observed by others.
"""

import hashlib
import os

from pyrad_lite import client, dictionary, packet
from softwire.address import expand, format_ipv6, parse_ipv4, parse_ipv6
from softwire.errors import ProvisioningError
from softwire.tunnel import Tunnel, check_endpoint, check_ipv4, inner_mtu

DICTIONARIES = ("/etc/softwire/dictionary.rfc", "/etc/softwire/dictionary.softbank")

# line_type: CHAP identifier, and the defaults of manufacturer, software_version, hardware_version.
PROFILES = {
    "next": (1, ("foxconn", "e-wmta2.3,V5.0.0.1.rc35", "hw_rev_2.00")),
    "cross": (0, ("NTT-AT", "BAPP", "hw_rev_1.00")),
}
# CROSS: valid 14400 s, preferred 12600 s (seen in the field); netifd counts both down in whole seconds.
CROSS_OVERLAP = range(1795, 1806)
IDENTITY_OPTIONS = ("manufacturer", "software_version", "hardware_version")
IDENTITY_ATTRIBUTES = (
    "SoftBank-MAC",
    "SoftBank-Manufacturer",
    "SoftBank-Software-Version",
    "SoftBank-Hardware-Version",
)

# A server that sends nonsense must not make us ask without pause, nor never again.
SHORTEST_LIFETIME, LONGEST_LIFETIME = 60, 2592000
# Attributes that status shows: an answer may hold two thousand, each to be looked up.
MOST_SHOWN = 64


class Method:
    """See softwire.provisioning. tell(text) is given each step, for `softwire probe`; log(text) what was decided.

    linger: how many seconds a reply's copies are waited for, to be counted.
    """

    linger = 0

    def __init__(self, config, tell=None):
        self.config = config
        self.tell = tell or (lambda text: None)
        self.wait = client.Client.wait
        self.log = lambda text: None
        self.answer = {}
        self.line_type = "next" if config["line_type"] == "auto" else config["line_type"]
        self.guess = None  # what classify() said of the line
        self.accepted = None  # the line type that the server accepted since
        config.require("auth_server", "the address of the operator's RADIUS server")
        config.require("shared_secret", "the RADIUS secret shared by server and client")
        config.require("password", "the line's CHAP password")
        if not hasattr(hashlib, "md5"):
            raise ProvisioningError(
                "NO_MD5",
                "RADIUS needs MD5, which this interpreter lacks: install micropython-mbedtls or python3-light",
            )

    def endpoint(self, line, held=None):
        """The prefix's first /64 with option interface_id: NEXT's for good, CROSS' until the Accept tells another."""
        prefix = line.delegated_prefix()[0]
        if held and held.local >> 64 == prefix >> 64:
            return held.local
        return prefix | self.config["interface_id"]

    def user_name(self, line):
        """Option user_name, else the first /64 as groups; with the interface identifier behind it on NEXT lines."""
        if self.config["user_name"]:
            return self.config["user_name"]
        prefix = line.delegated_prefix()[0]
        if self.line_type == "cross":
            return expand(prefix, 64)
        return expand(prefix | self.config["interface_id"])

    def line_types(self, line):
        """The line types to try, the likelier one first, each with the reason for it."""
        if self.config["line_type"] != "auto":
            return [(self.line_type, "option line_type")]
        guess = classify(line)
        if guess != self.guess:
            self.guess, self.accepted = guess, None
            self.log("line_type auto: {}, since {}".format(guess[0], guess[1]))
        kind, why, settled = guess
        kinds = [(kind, why)]
        if not settled:
            other = "cross" if kind == "next" else "next"
            kinds.append((other, "the server rejected a login as {}".format(kind)))
            if self.accepted == other:
                kinds.reverse()
        return kinds

    def request(self, radius, line):
        """The Access-Request, its attributes in the order and packing of SoftBank's own units."""
        chap_id, identity = PROFILES[self.line_type]
        challenge = os.urandom(16)
        chap = packet.ChapPassword(chap_id, self.config["password"].encode(), challenge)
        mac = self.config["mac"] or (line.vendor and line.vendor.mac) or line.mac
        if not mac:
            raise ProvisioningError("BAD_CONFIG", "option mac is missing, and the line tells no MAC address")
        values = [mac] + [
            self.config[option] or default for option, default in zip(IDENTITY_OPTIONS, identity)
        ]
        vsas = list(zip(IDENTITY_ATTRIBUTES, values))
        self.tell("sends User-Name {}".format(self.user_name(line)))
        for name, value in vsas:
            self.tell("sends {} {}".format(name, value))
        self.tell("sends CHAP-Challenge and CHAP-Password (not shown)")
        signed = self.config["message_authenticator"] != "off"
        request = radius.CreateAuthPacket(message_authenticator=signed)
        request.AddAttribute("User-Name", self.user_name(line))
        if self.line_type == "cross":
            request.AddAttribute("CHAP-Password", chap)
            request.AddVendorAttributes(vsas)
            request.AddAttribute("CHAP-Challenge", challenge)
        else:
            for name, value in vsas:
                request.AddAttribute(name, value)
            request.AddAttribute("CHAP-Challenge", challenge)
            request.AddAttribute("CHAP-Password", chap)
        return request

    def exchange(self, line, source):
        """Asks the servers in turn from `source`; the verified reply."""
        names = dictionary.Dictionary(*DICTIONARIES)
        failures = []
        forged = 0
        for server in self.config["auth_server"]:
            radius = client.Client(
                server=server,
                authport=self.config["auth_port"],
                secret=self.config["shared_secret"].encode(),
                dict=names,
                enforce_ma=self.config["message_authenticator"] == "require",
            )
            radius.wait = self.wait
            radius.linger = self.linger
            where = "[{}]:{}".format(server, self.config["auth_port"])
            self.tell("asks {} from {}".format(where, format_ipv6(source)))
            try:
                radius.bind((format_ipv6(source), 0))
                reply = radius.SendPacket(self.request(radius, line))
            except client.Timeout:
                failures.append(where + " is silent" + _ignored(radius.ignored))
                forged += radius.ignored.get("authenticator", 0)
            except OSError as error:
                failures.append("{}: {}".format(where, error))
            else:
                self.answer = {
                    "server": where,
                    "code": reply.code,
                    "tries": reply.tries,
                    "copies": reply.copies,
                    "ignored": dict(radius.ignored),
                }
                return reply
        if forged:
            raise ProvisioningError(
                "SECRET_MISMATCH",
                "; ".join(failures) + ": option shared_secret is not the server's, or they are forged",
            )
        raise ProvisioningError("NO_ANSWER", "; ".join(failures))

    def provision(self, line, source):
        """One whole exchange -> Tunnel; a second one as the other line type where the server rejects a guess.

        Silence says nothing about the line's type: nobody is asked twice as often because nobody answers.
        """
        rejected = []
        for kind, why in self.line_types(line):
            self.line_type = kind
            self.tell("asks as a {} line: {}".format(self.line_type, why))
            reply = self.exchange(line, source)
            self.answer.update({"line_type": self.line_type, "line_type_why": why})
            if reply.code != packet.AccessReject:
                break
            # A Reject may carry attributes; they are nobody's parameters.
            rejected.append("{}{} ({})".format(self.user_name(line), _message(reply), self.line_type))
        else:
            raise ProvisioningError(
                "AUTH_REJECTED",
                "{} rejected {}: compare password, line_type and mac with the operator's".format(
                    self.answer["server"], " and ".join(rejected)
                ),
            )
        if reply.code != packet.AccessAccept:
            raise ProvisioningError(
                "BAD_ANSWER", "RADIUS code {}: Access-Accept would be right".format(reply.code)
            )
        if rejected:
            self.log("line_type auto: {}, since the server rejected {}".format(self.line_type, rejected[0]))
        self.accepted = self.line_type
        try:
            self.answer["attributes"] = _attributes(reply)
            return self.tunnel(line, reply)
        except ValueError as error:
            raise ProvisioningError("BAD_ANSWER", str(error))

    def tunnel(self, line, reply):
        """Access-Accept -> Tunnel; ValueError names the attribute."""
        ipv4 = check_ipv4(parse_ipv4(_first(reply, "SoftBank-WANv4-IP", 204)), "SoftBank-WANv4-IP (204)")
        remote = check_endpoint(parse_ipv6(_first(reply, "SoftBank-v6-GW", 207)), "SoftBank-v6-GW (207)")
        if self.line_type == "cross":
            # 203.0.113.7 becomes 00cb:0071:0700:0000.
            local = line.delegated_prefix()[0] | ipv4 << 24
        else:
            local = line.delegated_prefix()[0] | self.config["interface_id"]
        if local == remote:
            raise ValueError("SoftBank-v6-GW (207) {} is our own address".format(format_ipv6(remote)))
        lifetime = _number(reply, "Session-Timeout") or _number(reply, "SoftBank-Config-Req-Time")
        if lifetime:
            lifetime = max(SHORTEST_LIFETIME, min(LONGEST_LIFETIME, lifetime))
        return Tunnel(
            local,
            remote,
            [(ipv4, 32)],
            inner_mtu(self.config, line),
            self.config["ttl"],
            _dns(reply),
            lifetime or self.config["reauth"],
        )


def classify(line):
    """(line type, why, whether that settles it): what tells NEXT (1 Gbit/s) from CROSS (10 Gbit/s) at the router.

    NEXT lines delegate a prefix only with a telephone, else they announce a /64; CROSS lines always delegate a /56.
    """
    if not line.prefixes:
        return "next", "the line delegates no prefix, and every CROSS line does", True
    if any([overlap in CROSS_OVERLAP for overlap in line.overlaps]):
        return "cross", "the prefix has the lifetimes of CROSS lines", False
    if line.vendor and not line.vendor.numbers and min([entry[1] for entry in line.prefixes]) <= 56:
        return "cross", "the line delegates a prefix without having a telephone", False
    return "next", "nothing speaks for a CROSS line", False


def _first(reply, name, code):
    values = reply.get(name)
    if not values:
        raise ValueError("the Access-Accept lacks {} ({})".format(name, code))
    return values[0]


def _number(reply, name):
    values = reply.get(name)
    return values[0] if values and isinstance(values[0], int) else None


def _dns(reply):
    """The resolvers in the Accept that can be ones; the others are left out."""
    servers = []
    for version, parse, check in ("v4", parse_ipv4, check_ipv4), ("v6", parse_ipv6, check_endpoint):
        for rank in "Primary", "Secondary":
            for value in reply.get("SoftBank-DNS{}-{}".format(version, rank), []):
                try:
                    check(parse(value), "resolver")
                except ValueError:
                    continue
                if value not in servers:
                    servers.append(value)
    return servers


def _attributes(reply):
    """(name, values) of all attributes for status; of one without a name only the length, it might be a secret."""
    shown = {}
    for key in list(reply.keys())[:MOST_SHOWN]:
        if key == "Message-Authenticator":
            continue
        values = reply[key]
        if isinstance(key, str) and all([isinstance(value, (str, int)) for value in values]):
            shown[key] = [value if isinstance(value, int) else _printable(value) for value in values]
        else:
            shown[str(key)] = ["({} octets)".format(len(value)) for value in values]
    return shown


def _message(reply):
    texts = reply.get("Reply-Message")
    return " ('{}')".format(_printable(texts[0])) if texts and isinstance(texts[0], str) else ""


def _printable(text):
    return "".join([char if " " <= char <= "~" else "?" for char in text[:128]])


def _ignored(counts):
    if not counts:
        return ""
    return " (ignored: {})".format(
        ", ".join(["{} {}".format(counts[reason], reason) for reason in sorted(counts)])
    )
