# SPDX-License-Identifier: Apache-2.0
"""SoftBank's 4over6: a RADIUS server tells the IPv4 address and the border router (RFC 2865, vendor 22197).

NEXT (1 Gbit/s) and CROSS (10 Gbit/s) lines differ in the User-Name, the CHAP identifier, the order and packing of
the attributes, and in where the local endpoint comes from; what SoftBank's own units send was observed by others.
Attributes go by their numbers: names are looked up for people alone (explain.py).
"""

import hashlib
import os
from binascii import hexlify

from pyrad_lite import client, packet
from softwire import config, ntt, provisioning
from softwire.address import expand, format_ipv4, format_ipv6, parse_ipv4, parse_ipv6
from softwire.errors import ProvisioningError
from softwire.tunnel import Tunnel, check_endpoint, check_ipv4, inner_mtu
from softwire.wire import WireError

VENDOR = 22197
# RFC 2865 section 5, RFC 3162 section 2.1.
USER_NAME, CHAP_PASSWORD, REPLY_MESSAGE, SESSION_TIMEOUT, NAS_IDENTIFIER, CHAP_CHALLENGE, NAS_IPV6_ADDRESS = (
    1, 3, 18, 27, 32, 60, 95,
)  # fmt: skip
CONFIG_REQ_TIME, WANV4_IP, V6_GW = (VENDOR, 176), (VENDOR, 204), (VENDOR, 207)
DNSV4, DNSV6 = ((VENDOR, 205), (VENDOR, 206)), ((VENDOR, 198), (VENDOR, 199))
MESSAGES = REPLY_MESSAGE, (VENDOR, 18)
# The values of these are no secrets; of any other only the length is kept.
SHOWN = [REPLY_MESSAGE, SESSION_TIMEOUT] + [
    (VENDOR, number) for number in (5, 6, 18, 176, 198, 199, 201, 202, 203, 204, 205, 206, 207, 214, 215)
]
MOST_READ, MOST_SHOWN = 256, 64

# line_type: CHAP identifier, and the defaults of manufacturer, software_version, hardware_version.
PROFILES = {
    "next": (1, ("foxconn", "e-wmta2.3,V5.0.0.1.rc35", "hw_rev_2.00")),
    "cross": (0, ("NTT-AT", "BAPP", "hw_rev_1.00")),
}
# CROSS: valid 14400 s, preferred 12600 s (seen in the field); netifd counts both down in whole seconds.
CROSS_OVERLAP = range(1795, 1806)
# Vendor attributes 1 to 4 of a request: the MAC address, and these options.
IDENTITY = ("manufacturer", "software_version", "hardware_version")

# A server that sends nonsense must not make us ask without pause, nor never again.
SHORTEST_LIFETIME, LONGEST_LIFETIME = 60, 2592000

# Four of them, and their heads, may share one Vendor-Specific attribute of 249 octets.
_identity = config.octets(60)


class Method(provisioning.Method):
    """One RADIUS exchange; with `line_type auto` a second one as the other type of line."""

    options = (
        ("auth_server", config.host, None),
        ("auth_port", config.number(1, 65535), 1812),
        ("shared_secret", config.text, None),
        ("password", config.text, None),
        ("line_type", config.choice("auto", "next", "cross"), "auto"),
        ("user_name", config.octets(253), None),
        ("mac", config.mac, None),
        ("manufacturer", _identity, None),
        ("software_version", _identity, None),
        ("hardware_version", _identity, None),
        ("message_authenticator", config.choice("off", "send", "require"), "off"),
        ("nas_identifier", config.octets(253), None),
        ("nas_ipv6_address", config.flag, False),
        ("reauth", config.number(60, 2592000), 86400),
    )
    lists = ("auth_server",)
    secrets = ("shared_secret", "password")
    required = (
        ("auth_server", "the address of the operator's RADIUS server"),
        ("shared_secret", "the RADIUS secret shared by server and client"),
        ("password", "the line's CHAP password"),
    )

    def __init__(self, config, interface=""):
        super().__init__(config, interface)
        self.retries = 5  # RFC 5080: MRC
        self.line_type = "next" if config["line_type"] == "auto" else config["line_type"]
        self.guess = None  # what classify() said of the line
        self.accepted = None  # the line type that the server accepted since
        self.echoed = None  # the MAC address that a line told last
        self.clients: dict = {}
        self.bound: dict = {}  # server: the address that its client asks from
        self.signed = config["message_authenticator"] != "off"
        if not hasattr(hashlib, "md5"):
            raise ProvisioningError(
                "NO_MD5",
                "RADIUS needs MD5, which this interpreter lacks: install micropython-mbedtls or python3-light",
            )

    def endpoint(self, line, held):
        """The prefix's first /64 with option interface_id: NEXT's for good, CROSS' until the Accept tells another."""
        local = super().endpoint(line, held)
        return held.local if held and held.local >> 64 == local >> 64 else local

    def needs(self, line):
        """The MAC address of the request. A renewed answer may lack the vendor options: the last echo stays."""
        self.look(line)
        return self.config["mac"] or self.echoed or line.mac

    def look(self, line):
        """Reads what it needs of the line's vendor options, once a line."""
        if "telephone" in line.memo:
            return
        told = ntt.find(line)
        codes = [code for code, _ in told or []]
        line.memo["telephone"] = (
            None if told is None else ntt.NUMBER in codes or ntt.ADDITIONAL_NUMBER in codes
        )
        for code, value in told or []:
            if code == ntt.MAC:
                try:
                    self.echoed = ntt.read_mac(value)
                except WireError:  # status and doctor name it
                    pass

    def servers(self, line):
        """See softwire.provisioning."""
        return [(server, self.config["auth_port"]) for server in self.config["auth_server"]]

    def user_name(self, prefix):
        """Option user_name, else the first /64 as groups; with the interface identifier behind it on NEXT lines."""
        if self.config["user_name"]:
            return self.config["user_name"]
        if self.line_type == "cross":
            return expand(prefix, 64)
        return expand(prefix | self.config["interface_id"])

    def line_types(self, line):
        """The line types to try, the likelier one first, each with the reason for it."""
        if self.config["line_type"] != "auto":
            return [(self.line_type, "option line_type")]
        self.look(line)
        guess = classify(line, line.memo["telephone"])
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

    def request(self, radius, line, source, prefix):
        """The Access-Request, its attributes in the order and packing of SoftBank's own units."""
        chap_id, identity = PROFILES[self.line_type]
        challenge = os.urandom(16)
        chap = packet.ChapPassword(chap_id, self.config["password"].encode(), challenge)
        mac = self.needs(line)
        if not mac:
            raise ProvisioningError("BAD_CONFIG", "option mac is missing, and the line tells no MAC address")
        user_name = self.user_name(prefix)
        values = [mac] + [self.config[option] or default for option, default in zip(IDENTITY, identity)]
        if self.tell:
            self.tell("sends User-Name {}".format(user_name))
            for name, value in zip(("MAC address",) + IDENTITY, values):
                self.tell("sends {} {}".format(name, value))
            self.tell("sends CHAP-Challenge and CHAP-Password (not shown)")
        vsas = [((VENDOR, number + 1), values[number].encode()) for number in range(4)]
        request = radius.CreateAuthPacket(message_authenticator=self.signed)
        request.AddAttribute(USER_NAME, user_name.encode())
        if self.line_type == "cross":
            request.AddAttribute(CHAP_PASSWORD, chap)
            request.AddVendorAttributes(vsas)
            request.AddAttribute(CHAP_CHALLENGE, challenge)
        else:
            for key, value in vsas:
                request.AddAttribute(key, value)
            request.AddAttribute(CHAP_CHALLENGE, challenge)
            request.AddAttribute(CHAP_PASSWORD, chap)
        if self.config["nas_identifier"]:
            request.AddAttribute(NAS_IDENTIFIER, self.config["nas_identifier"].encode())
        if self.config["nas_ipv6_address"]:
            request.AddAttribute(NAS_IPV6_ADDRESS, source.to_bytes(16, "big"))
        return request

    def client(self, server):
        """The RADIUS client for one server, made once: its next question is sent from the same address."""
        radius = self.clients.get(server)
        if radius is None:
            radius = self.clients[server] = client.Client(
                server=server,
                authport=self.config["auth_port"],
                secret=self.config["shared_secret"].encode(),
                enforce_ma=self.config["message_authenticator"] == "require",
            )
        radius.retries = self.retries
        radius.wait = self.wait
        radius.linger = self.linger
        radius.ignored = {}
        return radius

    def exchange(self, line, source, prefix):
        """Asks the servers in turn from `source` -> (code, {key: values}) of the verified reply."""
        failures = []
        forged = 0
        for server in self.config["auth_server"]:
            where = "[{}]:{}".format(server, self.config["auth_port"])
            if self.tell:
                self.tell("asks {} from {}".format(where, format_ipv6(source)))
            radius = self.client(server)
            try:
                if self.bound.get(server) != source:
                    radius.bind((format_ipv6(source), 0))
                    self.bound[server] = source
                reply = radius.SendPacket(self.request(radius, line, source, prefix))
            except client.Timeout:
                failures.append(where + " is silent" + _ignored(radius.ignored))
                forged += radius.ignored.get("authenticator", 0)
            except OSError as error:
                failures.append("{}: {}".format(where, error))
            else:
                told, kept = read(reply.walk())
                self.answer = {
                    "server": where,
                    "code": reply.code,
                    "tries": reply.tries,
                    "copies": reply.copies,
                    "ignored": radius.ignored,
                    "attributes": kept,
                }
                return reply.code, told
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
        prefix = line.delegated_prefix(source)[0]
        for kind, why in self.line_types(line):
            self.line_type = kind
            if self.tell:
                self.tell("asks as a {} line: {}".format(self.line_type, why))
            code, told = self.exchange(line, source, prefix)
            self.answer.update({"line_type": self.line_type, "line_type_why": why})
            if code != packet.AccessReject:
                break
            # A Reject may carry attributes; they are nobody's parameters.
            rejected.append("{}{} ({})".format(self.user_name(prefix), _message(told), self.line_type))
        else:
            raise ProvisioningError(
                "AUTH_REJECTED",
                "{} rejected {}: compare password, line_type and mac with the operator's".format(
                    self.answer["server"], " and ".join(rejected)
                ),
                ended=True,
            )
        if code != packet.AccessAccept:
            raise ProvisioningError("BAD_ANSWER", "RADIUS code {}: Access-Accept would be right".format(code))
        if rejected:
            self.log("line_type auto: {}, since the server rejected {}".format(self.line_type, rejected[0]))
        self.accepted = self.line_type
        try:
            return self.tunnel(line, prefix, told)
        except ValueError as error:
            raise ProvisioningError("BAD_ANSWER", str(error))

    def tunnel(self, line, prefix, told):
        """Access-Accept -> Tunnel; ValueError names the attribute. What the tunnel does not need cannot fail."""
        ipv4 = check_ipv4(_needed(told, WANV4_IP, 4), "SoftBank-WANv4-IP (204)")
        remote = check_endpoint(_needed(told, V6_GW, 16), "SoftBank-v6-GW (207)")
        # CROSS: 203.0.113.7 becomes 00cb:0071:0700:0000.
        local = prefix | (ipv4 << 24 if self.line_type == "cross" else self.config["interface_id"])
        if local == remote:
            raise ValueError("SoftBank-v6-GW (207) {} is our own address".format(format_ipv6(remote)))
        # RFC 2865 section 5.27: the most that the session may last. 176 only says when to ask again.
        session = _seconds(told, SESSION_TIMEOUT)
        again = session or _seconds(told, CONFIG_REQ_TIME) or self.config["reauth"]
        return Tunnel(
            local,
            remote,
            [(ipv4, 32)],
            inner_mtu(self.config, line),
            self.config["ttl"],
            _dns(told),
            refresh=provisioning.early(again),
            expires=session,
        )


def classify(line, telephone):
    """(line type, why, whether that settles it): what tells NEXT (1 Gbit/s) from CROSS (10 Gbit/s) at the router.

    telephone: whether the line has one, or None where it told nothing of NTT's. NEXT lines delegate a prefix only with
    one, else they announce a /64; CROSS lines always delegate a /56.
    """
    if not line.prefixes:
        return "next", "the line delegates no prefix, and every CROSS line does", True
    if any([overlap in CROSS_OVERLAP for overlap in line.overlaps]):
        return "cross", "the prefix has the lifetimes of CROSS lines", False
    if telephone is False and min([entry[1] for entry in line.prefixes]) <= 56:
        return "cross", "the line delegates a prefix without having a telephone", False
    return "next", "nothing speaks for a CROSS line", False


def read_address(octets, size):
    """An address of `size` octets -> integer; ValueError. Equipment sends it raw or as text, padded or not."""
    try:
        text = octets.decode().strip("\0 \t\r\n")
        return parse_ipv4(text) if size == 4 else parse_ipv6(text)
    except ValueError:  # UnicodeError is one
        # Sixteen letters are some other text, not an address.
        text = size == 16 and min(octets) >= 32 and max(octets) < 127 if octets else True
        if text or len(octets) < size or octets[size:].strip(b"\0 \t\r\n"):
            raise ValueError("{} octets that are no address".format(len(octets)))
        return int.from_bytes(octets[:size], "big")


def _needed(told, key, size):
    name = {WANV4_IP: "SoftBank-WANv4-IP (204)", V6_GW: "SoftBank-v6-GW (207)"}[key]
    values = told.get(key)
    if not values:
        raise ValueError("the Access-Accept lacks " + name)
    try:
        return read_address(values[0], size)
    except ValueError as error:
        raise ValueError("{}: {}".format(name, error))


def _seconds(told, key):
    """A number of seconds within what makes sense, or None where there is none."""
    for value in told.get(key, []):
        if len(value) == 4 and value != b"\0\0\0\0":
            return max(SHORTEST_LIFETIME, min(LONGEST_LIFETIME, int.from_bytes(value, "big")))
    return None


def _dns(told):
    """The resolvers in the Accept that can be ones; the others are left out."""
    servers: list = []
    for keys, size, check, form in (
        (DNSV4, 4, check_ipv4, format_ipv4),
        (DNSV6, 16, check_endpoint, format_ipv6),
    ):
        for key in keys:
            for value in told.get(key, []):
                try:
                    text = form(check(read_address(value, size), "resolver"))
                except ValueError:
                    continue
                if text not in servers:
                    servers.append(text)
    return servers


def read(pairs):
    """(key, octets) of a packet's attributes -> ({key: values}, what is kept for explain.py).

    Of more attributes than a router's heap may hold the first ones. Kept are [key, hexadecimal digits] in their order,
    of what may be a secret [key, number of octets].
    """
    told: dict = {}
    kept: list = []
    left = MOST_READ
    for key, value in pairs:
        told.setdefault(key, []).append(value)
        if key != 80 and len(kept) < MOST_SHOWN:  # Message-Authenticator
            kept.append([key, hexlify(value).decode() if key in SHOWN else len(value)])
        left -= 1
        if not left:
            break
    return told, kept


def _message(told):
    texts = [printable(value) for key in MESSAGES for value in told.get(key, [])]
    return " ('{}')".format(" ".join(texts)) if texts else ""


def printable(octets):
    """Octets from the network as text that cannot steer a terminal."""
    return "".join([chr(octet) if 32 <= octet < 127 else "?" for octet in octets[:128]])


def _ignored(counts):
    if not counts:
        return ""
    return " (ignored: {})".format(
        ", ".join(["{} {}".format(counts[reason], reason) for reason in sorted(counts)])
    )
