# SPDX-License-Identifier: Apache-2.0
"""Every parser that reads the network, as a function of octets, beside the only errors it may raise.

Its contract: a value or its own error, never another exception, never a hang, bounded memory. What is asserted
here beside it holds for every input: what was read writes back the same, what is shown cannot steer a terminal.
It runs on MicroPython, too. A new parser is one line in TARGETS and, after `make fuzz`, a folder in tests/corpus.
"""

import json
from binascii import b2a_base64, hexlify
from hashlib import md5

from pyrad_lite import dictionary, packet
from pyrad_lite.client import Client
from softwire import (
    address,
    dhcpv4,
    dhcpv4message,
    dhcpv6,
    dns,
    iadstm,
    ntt,
    provisioning,
    reconfigure,
    sip,
    status,
    tsp,
    tspdigest,
)
from softwire.codes import CODES
from softwire.config import Config
from softwire.doctor import network
from softwire.doctor.finding import Case
from softwire.doctor.hindrance import hindrance
from softwire.doctor.redact import Redactor
from softwire.doctor.router import Router
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.provisioning import dhcp4o6, softbank
from softwire.provisioning.auto import container
from softwire.provisioning.dhcp4o6 import explain as lease_words
from softwire.provisioning.dhcp4o6 import transport
from softwire.provisioning.hb46pp import answer, ask, web
from softwire.provisioning.softbank import explain
from softwire.tunnel import OVERHEAD, PortSet
from softwire.wire import WireError

SECRET = b"xyzzy5461"
FILES = __file__.rpartition("/")[0] + "/../../files/etc/softwire/"
NAMES = dictionary.Dictionary(FILES + "dictionary.rfc", FILES + "dictionary.softbank")


def printable(text):
    """Fails for what could steer a terminal: the text is shown, and comes from the network."""
    assert all([" " <= char <= "~" or char == "\n" for char in text]), text
    return text


def octets_as_text(data):
    """Each octet as one character: every input is some text."""
    return "".join([chr(octet) for octet in data])


# DHCP


def read_options(data):
    found = dhcpv6.read_options(data)
    assert b"".join([dhcpv6.write_option(code, value) for code, value in found]) == data
    for _, value in found:
        dhcpv6.duid_kind(value)
    return found


def read_dhcpv6_message(data):
    found = dhcpv6.read_message(data)
    assert dhcpv6.write_message(*found) == data
    return list(found)


def read_dhcpv4_message(data):
    """A message writes back to one that reads the same, its options where they belong."""
    found = dhcpv4message.read(data)
    again = dhcpv4message.read(dhcpv4message.write(found))
    names = "op xid secs ciaddr yiaddr chaddr options".split()
    values = [getattr(found, name) for name in names]
    assert [getattr(again, name) for name in names] == values
    return values


def read_name(data):
    name = dhcpv6.read_name(data)
    assert dhcpv6.read_name(dhcpv6.write_name(name)) == name
    return printable(name)


def read_addresses(data):
    found = dhcpv6.read_addresses(data)
    assert len(found) * 16 == len(data)
    return [address.format_ipv6(value) for value in found]


def vendor_options(found):
    """ntt.VendorOptions as plain values."""
    if found is None:
        return None
    for text in (
        found.numbers + found.problems + [found.mac or "", found.sip_domain or "", found.version_server or ""]
    ):
        printable(text)
    return [found.mac, found.numbers, found.sip_domain, found.version_server, found.unknown]


def read_ntt_dhcpv6(data):
    found = ntt.read_dhcpv6(data)
    return vendor_options(ntt.read_dhcpv6(data, found))


def read_ntt_dhcpv4(data):
    return vendor_options(ntt.read_dhcpv4(data))


# DNS

QUERY = dns.write_query(b"\7\7", "4over6.info", dns.TXT)


def read_dns(data):
    """An answer to the question for a text, what stands behind the question."""
    for flags in (0x8180, 0x8183):
        head = b"\7\7" + flags.to_bytes(2, "big") + b"\0\1\0\2\0\0\0\0" + QUERY[12:]
        try:
            values, lifetime, name = dns.read_answer(head + data, QUERY, dns.TXT)
        except dns.DnsError as error:
            assert error.absent
            continue
        assert 0 <= lifetime < 1 << 32 and len(values) <= 2 and (values or not lifetime or name)
        printable(name)
    return [hexlify(dns.read_text(value)).decode() for value in values], lifetime, name


def read_dns_message(data):
    return list(dns.read_answer(data, QUERY, dns.TXT))


# HB46PP


class Connection:
    """Gives the octets in two parts, then ends."""

    def __init__(self, data):
        self.parts = [data[: len(data) // 2], data[len(data) // 2 :]]

    def read(self):
        """See web.Connection."""
        return self.parts.pop(0) if self.parts else b""


def read_http(data):
    status, _, body = web.read(Connection(b"HTTP/1.1 200 OK\r\n" + data))
    assert len(body) <= len(data)
    return [status, hexlify(body).decode()]


def read_record(data):
    url, checked = ask.read_record([b"v=v6mig-1 " + data])
    printable(url.authority() + url.target)
    assert not checked or url.scheme == "https"
    question = {"vendorid": "000000", "user": "u", "pass": "p", "server_name": "a.example"}
    target = ask.target(url, question, checked)
    assert ("pass=p" in target) == (checked and url.host.rstrip(".") == "a.example") or "pass=p" in url.target
    further = ask.join(url, "../x?y")
    return [url.scheme, url.authority(), target, further.authority(), further.target]


def read_provisioning(data):
    """What is offered is JSON again, and short."""
    found = answer.read(data, PREFIXES)
    assert json.loads(json.dumps(found))["order"] == found["order"]
    for name, told in found["offers"]:
        read_mapping(name, told)
    return [found["ttl"], found["offers"], found["left"]]


# RFC 7598's containers, and what MAP's rules become

PREFIXES = ["2001:db8:1:200::/56"]


def read_mapping(name, told):
    """No rule has a word, a quote or a blank that is not ours: a shell script gets it."""
    if name not in ("map_e", "map_t"):
        return
    for rule in told["rule"].split(" "):
        fields = [word.partition("=") for word in rule.split(",")]
        assert [field[0] for field in fields if field[0] not in MAPCALC] == []
        for _, _, value in fields:
            assert all([char.isalpha() or char.isdigit() or char in ".:/-" for char in value]), rule


MAPCALC = "type fmr ealen prefix4len prefix6len ipv6prefix ipv4prefix offset psidlen psid br dmr".split()


def read_container(data):
    """Its first octet says which option it is."""
    name = ("lw4o6", "map_e", "map_t")[data[0] % 3] if data else "map_e"
    found = container.read(name, data[1:], PREFIXES)
    assert json.loads(json.dumps(found)) == found
    read_mapping(name, found)
    if name == "lw4o6":
        PortSet(*found["ports"])
    return [found[key] for key in sorted(found)]


# The line


def shown(line):
    """The line as `softwire status` shows it, both ways."""
    told = status.describe_line(line)
    assert json.loads(json.dumps(told))["interface"] == line.name
    report = {"interface": "wan", "up": False, "phase": "retrying", "line": told}
    for value in line.lan_addresses + [entry[0] for entry in line.prefixes + line.onlink]:
        address.format_ipv6(value)
    return told, status.text(report, 100.0)


def read_passthru(data):
    """DHCPv6 options as odhcp6c hands them on."""
    reply = {"up": True, "l3_device": "eth1", "data": {"passthru": hexlify(data).decode()}}
    told, text = shown(Line("wan6", reply, lambda path: "1500"))
    printable(text)
    return [told["numbers"], told["mac_echo"], told["unknown"], told["client_id"]]


ENTRY = {
    "address": "",
    "mask": 0,
    "preferred": 0,
    "valid": 0,
    "class": "",
    "assigned": {None: {"address": "", "mask": 0}},
}
# netifd's own types; "" stands for any text, 0 for any number of 32 bits, None for any name.
STATUS = {
    "up": True,
    "uptime": 0,
    "proto": "",
    "device": "",
    "l3_device": "",
    "ipv6-prefix": [ENTRY],
    "ipv6-address": [ENTRY],
    "route": [{"target": "", "mask": 0, "nexthop": "", "source": "", "valid": 0, "metric": 0}],
    "dns-server": [""],
    "data": {"passthru": "", None: ""},
    "errors": [{"subsystem": "", "code": "", "data": [""]}],
}


def fits(value, form):
    """Whether a JSON value has the form of STATUS; what it lacks, it lacks."""
    if isinstance(form, dict):
        return isinstance(value, dict) and all(
            [key in form or None in form for key in value]
            + [fits(value[key], form.get(key, form.get(None))) for key in value]
        )
    if isinstance(form, list):
        return isinstance(value, list) and all([fits(item, form[0]) for item in value])
    return type(value) is type(form) and (type(value) is not int or -(1 << 31) <= value < 1 << 31)


def read_json(data):
    """The JSON object, else None."""
    try:
        found = json.loads(data.decode())
    except (RuntimeError, ValueError):  # too deep, or no JSON
        return None
    return found if isinstance(found, dict) else None


class Looked(Router):
    """The router whose line has this status, and a softwire that is not up."""

    def __init__(self, line):
        super().__init__({"wan": {"proto": "softwire"}, "wan6": line}.get)
        self.device = line.get("l3_device") or line.get("device") or "eth1"

    def uci(self, package):
        wan = {"proto": "softwire", "tunlink": "wan6", "provisioning": "static"}
        wan.update(peeraddr="2001:db8:b::1", ipaddr="203.0.113.7")
        return [("wan", "interface", wan), ("wan6", "interface", {"clientid": "00010001"})]

    def read(self, path):
        return "1"

    def listdir(self, path):
        return [self.device]

    def settings(self, interface):
        return None

    def processes(self):
        return [["odhcp6c", "-c00010001", self.device]]


def read_status(data):
    """What netifd says of the line: its form is netifd's, its values are anybody's, and any of them may lack."""
    reply = read_json(data)
    if reply is None or not fits(reply, STATUS):
        return None
    line = Line("wan6", reply, lambda path: "1500")
    shown(line)
    hindrance(Case("wan", Looked(reply)))
    return list(line.delegated_prefix())


# RADIUS

REQUEST = packet.AuthPacket(id=7, secret=SECRET, authenticator=bytes(range(16)), dict=NAMES)
LINE = Line(
    "wan6",
    {
        "up": True,
        "l3_device": "eth1",
        "ipv6-prefix": [{"address": "2001:db8:4000:300::", "mask": 56}],
        "route": [{"target": "::", "mask": 0, "nexthop": "fe80::1"}],
    },
    lambda path: "1500",
)
OPTIONS = {
    "tunlink": "wan6",
    "auth_server": ["2001:db8:1812::1"],
    "shared_secret": SECRET.decode(),
    "password": "lab-password",
    "mac": "52:54:00:12:34:01",
}


def values_of(found):
    """[key, values] of each attribute; ValueError is the contract of reading one."""
    keys = found.keys()
    assert len(keys) == len(found)
    told = []
    for key in keys[:64]:
        assert key in found
        try:
            told.append([key, found[key]])
        except ValueError:
            told.append([key, None])
    return told


def read_packet(data):
    """A packet, with and without a dictionary; what was read is what would be sent."""
    named = packet.AuthPacket(secret=SECRET, packet=data, dict=NAMES)
    plain = packet.AuthPacket(secret=SECRET, packet=data)
    assert len(plain) == len(named) <= min(len(data) // 2, plain.MOST)
    told = values_of(named)
    values_of(plain)
    walked = list(plain.walk())
    assert walked == list(named.walk())
    if not plain.message_authenticator:  # that one would be computed anew
        length = int.from_bytes(data[2:4], "big")
        assert named.RequestPacket() == data[:length]
        assert plain.RequestPacket() == data[:length]
    # What is taken out is gone, and nothing else is.
    for key in list(plain)[:4]:
        del plain[key]
        walked = [pair for pair in walked if pair[0] != key]
        assert key not in plain and list(plain.walk()) == walked
    plain.message_authenticator = None
    assert list(packet.Packet(packet=plain.RequestPacket()).walk()) == walked
    return told


class Listener(Client):
    """The RADIUS client without its socket, which tests/floor does not have."""

    def __init__(self):
        self.ignored = {}
        self.enforce_ma = False


def read_reply(data):
    """A datagram as it comes in, which nobody believes; then as if it came from who knows the secret."""
    client = Listener()
    reply = client._accept(REQUEST, data)
    assert reply is None or data[4:20] == signed(data[0], data[20 : int.from_bytes(data[2:4], "big")])[4:20]
    proven = signed(data[0] if data else 0, data[20:4096])
    reply = client._accept(REQUEST, proven)
    if reply is None:
        assert "authenticator" not in client.ignored or client.ignored["authenticator"] == 1
    else:
        assert REQUEST.VerifyReply(reply) and reply.raw_packet == proven
        assert reply.code in (packet.AccessAccept, packet.AccessReject, packet.AccessChallenge)
    return sorted(client.ignored.keys()) + [reply is not None]


def signed(code, attributes):
    """A reply to REQUEST from a server that knows the secret."""
    head = bytes([code, REQUEST.id]) + (20 + len(attributes)).to_bytes(2, "big")
    return head + md5(head + REQUEST.authenticator + attributes + SECRET).digest() + attributes


class Answered(softbank.Method):
    """SoftBank's method with one reply instead of the network."""

    datagram = b""

    def exchange(self, line, source, prefix):
        """See Method."""
        client = Listener()
        reply = client._accept(REQUEST, self.datagram)
        if reply is None:
            raise ProvisioningError("NO_ANSWER", "nothing that can be believed")
        told, kept = softbank.read(reply.walk())
        self.answer = {
            "server": "[2001:db8:1812::1]:1812",
            "tries": 1,
            "ignored": client.ignored,
            "attributes": kept,
        }
        return reply.code, told


EXPLAIN = explain.Explain()
explain.DICTIONARIES = (FILES + "dictionary.rfc", FILES + "dictionary.softbank")
GATEWAY = b"2001:db8:b:0:0:0::7\0"


def attributes_fit(data):
    """Whether the octets are a row of attributes."""
    while data:
        if len(data) < 2 or not 2 <= data[1] <= len(data):
            return False
        data = data[data[1] :]
    return True


def methods():
    """One for each kind of line."""
    made = []
    for line_type in ("next", "cross"):
        options = {"line_type": line_type}
        options.update(OPTIONS)
        made.append(Answered(Config(options, Answered)))
    return made


METHODS = methods()


def read_accept(data):
    """Code and attributes of a reply with the right authenticator, up to the softwire."""
    method = METHODS[data[0] >> 7 if data else 0]
    method.datagram = signed(data[0] & 0x7F if data else 2, data[1:4000])
    try:
        tunnel = method.provision(LINE, method.endpoint(LINE, None))
    except ProvisioningError as error:
        assert error.code in CODES
        printable(error.text)
        return [error.code]
    assert address.contains(*LINE.delegated_prefix(), tunnel.local)
    assert address.is_global_ipv6(tunnel.remote) and tunnel.remote != tunnel.local
    assert len(method.answer["attributes"]) <= 64
    assert tunnel.mtu == 1500 - OVERHEAD and 48 <= tunnel.refresh <= 2592000
    assert tunnel.expires is None or 60 <= tunnel.expires <= 2592000
    json.dumps(method.answer)
    described = EXPLAIN.describe(method.answer)
    report = {"interface": "wan", "up": True, "asked": 0.0, "provisioning": "softbank", "answer": described}
    report["tunnel"] = json.loads(json.dumps(tunnel.to_dict()))
    json.dumps(report)
    printable(status.text(report, 100.0))
    return [tunnel.ipaddr(), tunnel.dns, tunnel.expires, described["attributes"]]


def read_accept_beside(data):
    """Octets as further attributes beside a right 204 and 207: a softwire, whatever they are."""
    needed = b"\x1a\x15\0\0\x56\xb5\xcc\x0f203.0.113.77\0" + b"\x1a\x1c\0\0\x56\xb5\xcf\x16" + GATEWAY
    more = b""
    for part in [data[at : at + 200] for at in range(0, min(len(data), 3000), 200)]:
        more += b"\x1a" + bytes([len(part) + 6]) + b"\0\0\x56\xb5" + part if part[0] & 1 else part
    told = read_accept(b"\x02" + needed + (more if attributes_fit(more) else b""))
    assert told[0] == ["203.0.113.77/32"], told
    return told


# DHCPv4 over DHCPv6


def read_response(data):
    """A DHCPv6 message as it comes in."""
    found = transport.read_response(data)
    if found is None:
        return None
    assert all([0 <= router < 1 << 128 for router in found.routers])
    if found.bind_prefix:
        prefix, length = found.bind_prefix
        assert address.network(prefix, length) == prefix
    return [found.message.options, found.routers, found.bind_prefix]


class Lessee(dhcp4o6.Method):
    """The method with one answer to all that it sends: an address and the octets of the options of that."""

    datagram = b""

    def __init__(self, config):
        super().__init__(config)
        self.now = 0.0
        self.answers = []
        self.clock = lambda: self.now
        self.wait = self.come
        self.machine.uniform = lambda low, high: low
        self.keep = lambda content, lasting=False: None
        self.kept = lambda lasting=False: None
        self.transport.send = self.ask
        self.transport.receive = self.taken
        self.transport.sockets = lambda: ["socket"]
        self.transport.close = lambda: None

    def _attach(self, line, source):
        self.line, self.source = line, source

    def taken(self):
        """What has come, once."""
        found, self.answers = self.answers, []
        return found

    def come(self, sock, milliseconds, further=()):
        """Time passes as fast as it can."""
        self.now += milliseconds / 1000
        return bool(self.answers)

    def ask(self, data):
        """The server's whole answer; what says which kind it is stands before the hostile octets."""
        sent = dhcpv4message.read(dhcpv6.only(dhcpv6.read_message(data)[2], dhcpv6.DHCPV4_MESSAGE))
        head = bytes([2, 1, 6, 0]) + sent.xid.to_bytes(4, "big") + bytes(8) + self.datagram[:4] + bytes(216)
        kind = {1: 2, 3: 5}.get(sent.option(53)[0], 0)
        message = head + dhcpv4message.COOKIE + bytes([53, 1, kind]) + self.datagram[4:]
        outside = self.datagram[-32:]
        try:
            options = [(dhcpv6.DHCPV4_MESSAGE, message), (transport.S46_BIND_PREFIX, outside)]
            made = transport.read_response(dhcpv6.write_message(21, 0, options))
        except WireError as error:
            self.answers = [(None, str(error))]
        else:
            self.answers = [(made, None)]


LESSEE = Lessee(
    Config({"tunlink": "wan6", "peeraddr": "2001:db8:b::1", "clientid": "00030001525400123401"}, Lessee)
)
LEASE_WORDS = lease_words.Explain()
lease_words.uptime = lambda: 0.0


def read_lease(data):
    """Four octets of an address, and options: an offer and what comes after it, up to the softwire and its words."""
    LESSEE.datagram = (data + bytes(4))[: max(len(data), 4)][:1200]
    try:
        tunnel = LESSEE.provision(LINE, LESSEE.endpoint(LINE, None))
    except ProvisioningError as error:
        assert error.code in ("NO_ANSWER", "LEASE_REFUSED")
        printable(error.text)
        return [error.code]
    assert address.is_unicast_ipv4(tunnel.addresses[0][0]) and address.is_global_ipv6(tunnel.local)
    assert 68 <= tunnel.mtu <= 1460 and (tunnel.expires is None or 0 < tunnel.expires < (1 << 32) + 300)
    machine = LESSEE.machine
    assert machine.sent < machine.t1 <= machine.t2 <= machine.end
    assert len(tunnel.dns) <= 4 and len(tunnel.route_texts()) <= 64
    described = LEASE_WORDS.describe(json.loads(json.dumps(LESSEE.answer)))
    printable("\n".join([text for _, text in LEASE_WORDS.rows(described)]))
    # Whatever comes while it is held: the same again, later.
    LESSEE.tick(machine.t1)
    return [
        tunnel.ipaddr(),
        tunnel.dns,
        tunnel.route_texts(),
        tunnel.mtu,
        tunnel.ports and tunnel.ports.key(),
    ]


ASKER = provisioning.load({"tunlink": "wan6", "provisioning": "dhcp4o6"})


def read_servers(data):
    """DHCPv6 options of the line: which servers it has, and which border router."""
    line = Line(
        "wan6",
        {"up": True, "l3_device": "eth1", "data": {"passthru": hexlify(data).decode()}},
        lambda path: "",
    )
    servers = ASKER.servers_of(line)
    assert 0 < len(servers) <= 16 and all([dhcp4o6.is_server(server) for server in servers])
    real, dhcp4o6.inform.ask = dhcp4o6.inform.ask, lambda *_: []
    try:
        return [servers, ASKER.border_router(line, 0)]
    finally:
        dhcp4o6.inform.ask = real


# The telephone


def read_sip_servers(data):
    found = dhcpv4.read_sip_servers(data)
    assert found and all([dhcpv4.is_host(server) for server in found])
    return found


SIDE = sip.describe_side(
    {"up": True, "l3_device": "eth1", "ipv4-address": [{"address": "198.18.0.2", "mask": 30}]}
)


def read_telephone(data):
    """A DHCPv4 lease as udhcpc hands it on: two lengths and octets of options 120 and 125, then the text of 120."""
    parts = []
    for _ in range(2):
        end = 1 + (data[0] if data else 0)
        parts.append(data[1:end])
        data = data[end:]
    lease = {"opt120": hexlify(parts[0]).decode(), "opt125": hexlify(parts[1]).decode()}
    lease["sipsrv"] = octets_as_text(data)
    told = sip.Telephone(LINE, SIDE, lease)
    for problem in told.problems:
        printable(problem)
    told.check()
    assert all([number.isdigit() for number in told.numbers]) and dhcpv4.is_host(told.domain)
    lines = printable("\n".join([sip.text(told), sip.baresip(told), sip.pjsip(told)])).split("\n")
    # Nothing of it makes a line of its own.
    assert len(lines) == 53 + len(told.problems) + 2 * len(told.numbers) + (len(told.numbers) > 1) + len(
        told.registrars
    )
    return [told.numbers, told.domain, told.registrars]


# DSTM


def read_ia_dstm(data):
    """The IA_DSTM of a DHCPv6 message, and what is written of it."""
    told = []
    for ia in iadstm.found(dhcpv6.read_message(data)[2], iadstm.CODES):
        printable(ia.status[1])
        again = iadstm.read(iadstm.write(ia, iadstm.CODES)[4:], iadstm.CODES)
        assert (again.addresses, again.teps, again.ports) == (ia.addresses, ia.teps, ia.ports)
        told.append([ia.iaid, ia.t1, ia.t2, ia.addresses, ia.teps, ia.ports, ia.status[0]])
    return told


def read_reconfigure(data):
    """A Reconfigure as it comes, and with the right signature, where it has one."""
    words = b"client", b"server", iadstm.IA_DSTM, SECRET, 7
    head, options = data[8:12], dhcpv6.read_options(data[12:])
    digest = reconfigure.hmac_md5(SECRET, reconfigure.unsigned(head, options))
    rows = [(code, value[:12] + digest if code == 11 else value) for code, value in options]
    signed = data[:12] + b"".join([dhcpv6.write_option(*row) for row in rows])
    kind, counter = reconfigure.read(signed, *words)
    assert kind in (5, 6, None) and counter > 7
    try:
        assert reconfigure.read(data, *words) == (kind, counter) and data == signed
    except WireError:
        assert data != signed
    return [kind, counter]


# TSP


def read_tsp_stream(data):
    """What comes over a connection, in pieces: a line, then messages."""
    stream = tsp.Stream()
    told: list = []
    try:
        for at in range(0, len(data), 7):
            stream.feed(data[at : at + 7])
            while True:
                got = stream.message() if told else stream.line()
                if got is None:
                    break
                told.append(got)
    except WireError as error:
        told.append(str(error))
    for item in told[1:]:
        if isinstance(item, tuple):
            printable(item[1])
    return told


def read_tsp_message(data):
    found = tsp.read_message(data)
    for side in (found.client, found.server, found.broker):
        printable("\n".join(side.names))
    return [found.action, found.lifetime, found.client.ipv4, found.client.ipv6, found.server.ports]


def read_tsp_line(data):
    told: list = [tsp.read_status(data)]
    for read in (tsp.read_version, tsp.read_authenticate, tsp.read_capability, tsp.read_plain):
        try:
            told.append(read(data))
        except WireError:
            told.append(None)
    return [list(item) if isinstance(item, tuple) else item for item in told]


def read_tsp_digest(data):
    """Both ends' lines; base64 of what came, since hardly anything that came is that."""
    line = b2a_base64(data).strip()
    found = tspdigest.read(line)
    tspdigest.check(line, b"r", b"n", {b"u": bytes(16)}.get)
    sent, proof = tspdigest.answer(line, b"u", b"p", b"tsp/x", b"c")
    key = tspdigest.secret(b"u", found.get(b"realm", b""), b"p")
    assert tspdigest.check(sent, found.get(b"realm", b""), found[b"nonce"], {b"u": key}.get)
    tspdigest.proven(line, proof)
    return sorted(found.keys())


# The doctor


class Socket:
    """Takes whatever is sent."""

    def setsockopt(self, *_):
        """Takes it."""

    bind = connect = setsockopt


class Known:
    """Stands for os: an answer can know the question."""

    @staticmethod
    def urandom(count):
        """Nobody else's octets are like these."""
        return b"\7" * count


def asked(question, data, *words):
    """What a question of the doctor's makes of one datagram."""
    names = ("_open", "_address", "_ask", "os")
    real = [getattr(network, name) for name in names]
    network._open = lambda *_: Socket()
    network._address = lambda *_: None
    network._ask = lambda sock, send, accept, tries, pause: accept(data, ("fe80::1%eth1", 0))
    network.os = Known
    try:
        return question(*words)
    finally:
        for name, value in zip(names, real):
            setattr(network, name, value)


def read_advertisement(data):
    heard = asked(network.solicit_router, data, "eth1")
    return [heard.source, heard.managed, heard.other, heard.lifetime, heard.mtu, heard.prefixes]


def read_dhcpv6_answer(data):
    """An answer to the doctor's Solicit, without the UDP header."""
    data = b"\x02\x23\x02\x22\0\0\0\0" + data
    options = asked(network.ask_dhcpv6, data, "eth1", bytes(6), network.SOLICIT)
    return [options, network.offered_prefixes(options or [])]


def read_echo(data):
    return asked(network.echo, data, "sw-wan", "192.0.2.1", "198.51.100.1")


def read_resolver(data):
    return asked(network.ask_resolver, data, "sw-wan", "192.0.2.1", "198.51.100.1")


CASE = (
    "0312345678",
    "52:54:00:12:34:0a",
    "2001:db8:4000:3a00::/56",
    "2001:db8:4000:3a00:7012:3456:89ab:cdef",
)
# What it is, and the password, as they may be written.
SPELLED = (
    "lab-password", "6c61622d70617373776f7264", "lab\\-pass\\167ord", "%6Cab-pas\\u0073word", "0312345678",
    "03-1234-5678", "30 33 31 32 33 34 35 36 37 38", "5254.0012.340a", "525400:12340A", "5054:ff:fe12:340a",
    "2001:0DB8:4000:3a00", "20010db840003a", "7012:3456:89ab:cdef", "\\u0030312345\\x3678",
)  # fmt: skip


def eights(text):
    """Every eight characters in a row."""
    return [text[at : at + 8] for at in range(len(text) - 7)]


# The first 32 bits of an address are the operator's, and are shown.
TELLING = eights("0312345678") + eights("52540012340a") + eights("7012345689abcdef") + eights("0010db840003a")


def read_report(data):
    """A log line that may hold anything, with something of the case in its middle.

    The end of the password is a word that every report has.
    """
    spelled = SPELLED[data[0] % len(SPELLED)] if data else SPELLED[0]
    half = len(data[:1024]) // 2
    redactor = Redactor([OPTIONS["password"]], CASE)
    shown = redactor.text(data[:half] + spelled.encode() + data[half:1024])
    assert all([char < "\x80" for char in shown])
    assert not [piece for piece in eights(OPTIONS["password"])[:-1] if piece in shown], shown
    # The number in a stand-in is none of it.
    parts = shown.split(" octets)")
    left = "z".join([part.rpartition("(")[0] for part in parts[:-1]] + parts[-1:])
    for kind in redactor.seen:
        for number in range(len(redactor.seen[kind]), 0, -1):
            left = left.replace(kind + str(number), "z")
    digits = "".join([char for char in left.lower() if "0" <= char <= "9" or "a" <= char <= "z"])
    assert not [piece for piece in TELLING if piece in digits], shown
    return shown


# Files and options


class File:
    """A file of these octets."""

    def __init__(self, data):
        self.data = data

    def read(self):
        """What encode() gives back."""
        return self

    def encode(self):
        """The octets."""
        return self.data


def no_file(path, mode="r"):
    """Stands for open(), so that $INCLUDE leads nowhere."""
    raise OSError(2)


def read_dictionary(data):
    dictionary.open = no_file
    try:
        found = dictionary.Dictionary(File(data))
    finally:
        del dictionary.open
    for name in found.attributes:
        assert found[name].name == name and name in found and found[name].code < 256
        for value in found[name].values:
            assert (
                found.encode(name, found.decode(name, found.encode(name, value))) == found[name].values[value]
            )
        # What a packet calls it leads back to it, or to nothing.
        key = found.name(found[name].key)
        assert key == found[name].key or found[key].key == found[name].key
    return sorted(found.attributes.keys())


def read_text(data):
    """Addresses, prefixes, identifiers: each a value or ValueError."""
    text = octets_as_text(data)
    told = []
    for parse, write in (
        (address.parse_ipv4, address.format_ipv4),
        (address.parse_ipv6, address.format_ipv6),
        (address.parse_interface_id, address.format_ipv6),
        (address.parse_mac, address.format_mac),
    ):
        try:
            value = parse(text)
        except ValueError:
            told.append(None)
        else:
            assert parse(write(value)) == value
            told.append(value)
    try:
        prefix, length = address.parse_prefix(text)
        assert 0 <= length <= 128
        assert address.parse_prefix(address.format_prefix(prefix, length)) == (prefix, length)
    except ValueError:
        length = None
    return told + [length]


def read_config(data):
    """The options of a softwire, as JSON: what a user wrote."""
    options = read_json(data)
    if options is None:
        return None
    method = provisioning.load(options)
    method.endpoint(LINE, None)
    config = method.config
    return [config["mtu"], config["interface_id"]]


# name: (function of octets, the errors that are an answer)
TARGETS = {
    "address-text": (read_text, ()),
    "bug-report": (read_report, ()),
    "config": (read_config, ProvisioningError),
    "dhcp4o6-lease": (read_lease, ()),
    "dhcp4o6-response": (read_response, WireError),
    "dhcp4o6-servers": (read_servers, ProvisioningError),
    "dhcpv4-message": (read_dhcpv4_message, WireError),
    "dhcpv6-addresses": (read_addresses, WireError),
    "dhcpv6-message": (read_dhcpv6_message, WireError),
    "dhcpv6-name": (read_name, WireError),
    "dhcpv6-options": (read_options, WireError),
    "dhcpv6-reconfigure": (read_reconfigure, WireError),
    "dns-answer": (read_dns, WireError),
    "dns-message": (read_dns_message, (WireError, dns.DnsError, dns.Truncated)),
    "doctor-advertisement": (read_advertisement, WireError),
    "doctor-dhcpv6": (read_dhcpv6_answer, WireError),
    "doctor-echo": (read_echo, WireError),
    "doctor-resolver": (read_resolver, ()),
    "hb46pp-answer": (read_provisioning, ValueError),
    "hb46pp-http": (read_http, web.WebError),
    "hb46pp-record": (read_record, ValueError),
    "ia-dstm": (read_ia_dstm, WireError),
    "line-passthru": (read_passthru, ()),
    "line-status": (read_status, ProvisioningError),
    "ntt-dhcpv4": (read_ntt_dhcpv4, WireError),
    "ntt-dhcpv6": (read_ntt_dhcpv6, WireError),
    "radius-accept": (read_accept, ()),
    "radius-accept-beside": (read_accept_beside, ()),
    "radius-dictionary": (read_dictionary, dictionary.ParseError),
    "radius-packet": (read_packet, packet.PacketError),
    "radius-reply": (read_reply, ()),
    "sip-servers": (read_sip_servers, WireError),
    "sip-telephone": (read_telephone, ProvisioningError),
    "softwire46-container": (read_container, ValueError),
    "tsp-digest": (read_tsp_digest, WireError),
    "tsp-line": (read_tsp_line, ()),
    "tsp-message": (read_tsp_message, WireError),
    "tsp-stream": (read_tsp_stream, ()),
}

# The other end's are for CPython, from 3.11; their names begin with this.
OTHER_END = "softwired-"
try:
    from tests.fuzz import server_targets
except ImportError:
    server_targets = None
else:
    TARGETS.update(server_targets.TARGETS)

# Their inputs are JSON, and mutated as such.
JSON = ("config", "hb46pp-answer", "line-status")

# Octets: more than odhcp6c hands on, and the largest RADIUS packet.
LONGEST = 4096


def run(name, data):
    """What the target makes of the octets: its value, or the name of its error. Anything raised is a fault."""
    function, errors = TARGETS[name]
    try:
        return function(data)
    except errors as error:
        return type(error).__name__
