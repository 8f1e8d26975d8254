# SPDX-License-Identifier: Apache-2.0
"""The other end's parsers, of CPython alone, as targets.py has those of the router."""

import base64
import copy
import io
import ipaddress
import json
import re
from xml.dom import minidom

import tomllib

from softwire import iadstm
from softwire.dhcpv6 import only, read_options
from softwire.wire import WireError
from softwired import configuration, relay
from softwired.dhcp4o6 import capture, command, information, messages, options
from softwired.dstm import dhcpv6 as dstm
from softwired.prefix64 import ndppd, ranges, responder, solicitation
from softwired.prefix64 import options as prefix64
from softwired.store import Store
from softwired.tunnels import accounts, asked, echoes, passwords, register, tokens
from softwired.tunnels import options as tunnels
from softwired.tunnels.page import Page

SOURCE = bytes.fromhex("fe800000000000000000000000000002")
DUID = bytes.fromhex("000300010200000000aa")
SERVERS = [ipaddress.IPv6Address("2001:db8::1")]
CONFIGURATION = """
[dhcp4o6]
port = 6767
[[dhcp4o6.interface]]
name = "vs"
[[dhcp4o6.class]]
name = "a"
option = 1
starts_with = "0003"
[[dhcp4o6.subnet]]
prefix = "2001:db8:1::/48"
client_class = "a"
[[dhcp4o6.subnet]]
prefix = "2001:db8:2::/48"
interface_id = "00"
[[dhcp4o6.subnet]]
prefix = "fe80::/16"
[prefix64]
[[prefix64.range]]
interface = "vs"
prefix = "2001:db8:1::/64"
exceptions = ["2001:db8:1::9", "2001:db8:1::20-2001:db8:1::ff"]
[[prefix64.range]]
interface = "vs"
delegated = "wan"
local = false
forward = "auto"
"""


def checked(raw):
    """A whole configuration."""
    tables = {"dhcp4o6": options.TABLE, "prefix64": prefix64.TABLE}
    together = {"dhcp4o6": options.TOGETHER, "prefix64": prefix64.TOGETHER}
    return configuration.check("file", raw, tables, together)


CHECKED = checked(tomllib.loads(CONFIGURATION))
VALUES = CHECKED["dhcp4o6"]


def read_message(data):
    """What arrives at port 547: a query as the DHCPv4 server gets it, or an answer to an Information-request."""
    layers, inner = relay.unwrap(data) if data[:1] == b"\x0c" else ([], data)
    assert len(layers) <= relay.MOST_LAYERS
    relay.refuse_loop(layers)
    command.told(capture.Packet(1, ipaddress.IPv6Address(SOURCE), data), "vs", VALUES)
    if inner[:1] != b"\x14":
        reply = information.answer(inner, DUID, SERVERS, 600)
        if reply:
            assert relay.unwrap(relay.wrap(relay.replies(layers), reply))[1] == reply
        return reply
    found = messages.query(layers, inner, "vs", SOURCE, 546)
    again, message = relay.unwrap(found.datagram)
    # The relays' layers are as they were; the message has one option more, and its DHCPv4 message is the client's.
    assert again == layers
    assert only(read_options(message[4:]), 87) == only(read_options(inner[4:]), 87)
    isc = [value for code, value in read_options(message[4:]) if code == 17 and value[:4] == messages.ISC]
    assert len(isc) == 1 and [code for code, _ in read_options(isc[0][4:])][-3:] == list(messages.OURS)
    return found.datagram


def read_response(data):
    """What the DHCPv4 server sends."""
    try:
        other = messages.response(data, "dhcpd")
    except messages.Refused:
        pass
    else:
        assert len(other.exchange.source) == 16 and len(other.exchange.interface) <= 16
    found = messages.response(data)
    layers, message = relay.unwrap(found.datagram)
    assert bool(layers) == found.relayed and message[:4] == b"\x15\0\0\0"
    only(read_options(message[4:]), 87)
    return [list(found.exchange), found.datagram]


def read_capture(data):
    """A pcap file of somebody's."""
    if not capture.is_capture(data):
        return None
    found = []
    for packet in capture.read(data):
        found.append([packet.number, str(packet.source), packet.message])
    return found


def read_toml(data):
    """A configuration as text: checked, or everything that is wrong with it told on lines of its own."""
    try:
        raw = tomllib.loads(data.decode())
    except (RecursionError, ValueError):
        return None
    try:
        return sorted(checked(raw))
    except configuration.ConfigurationError as error:
        assert all(line.startswith("file: ") for line in str(error).split("\n"))
        raise


def read_neighbour(data):
    """A frame at the responder: an answer is to whoever asked, of our address and about the target alone."""
    sent, asked = [], []
    mac, link_local = bytes.fromhex("020000000099"), SOURCE
    one = responder.Responder(
        CHECKED["prefix64"].limits, lambda: 0.0, None, sent.append, lambda *given: asked.append(given)
    )
    one.mac, one.link_local = mac, link_local
    ours, others = CHECKED["prefix64"].range
    ours.flags = others.flags = 0
    spans = [(span, ours) for span in ranges.without(ranges.of(ours.prefix), ours.exceptions)]
    one.ranges = ranges.Ranges(spans + [(ranges.read("2001:db8:2::/64"), others)])
    try:
        solicitation.read_advertisement(data)
    except solicitation.Refused:
        pass
    result = one.heard(data)
    assert (len(sent), len(asked)) == ((0, 1) if result == "forwarded" else (1, 0))
    for frame in sent:
        target = solicitation.read_advertisement(frame)
        assert len(frame) == 86 and target == data[62:78] and one.ranges.find(target) is ours
        assert frame[6:12] == frame[80:] == mac and frame[22:38] == link_local
        assert frame[38:54] == (data[22:38] if any(data[22:38]) else solicitation.ALL_NODES)
        assert not frame[0] & 1 or result == "defended"
    return [result, sent]


def read_ndppd(data):
    """ndppd's configuration: what comes of it is a right one of ours, or it is told why not."""
    imported = ndppd.read(data.decode("utf-8", "replace"))
    text = ndppd.toml(imported)
    try:
        checked(tomllib.loads(text))
    except configuration.ConfigurationError:
        pass  # an interface of no such name, a prefix that nobody can have
    return text


TUNNELS = configuration.check(
    "file",
    {
        "tunnels": {
            "address": "192.0.2.1",
            "prefix": "2001:db8:1::/48",
            "routed": "2001:db8:8000::/40",
            "limits": {"requests": 1000000, "requests_of_a_network": 1000000},
        }
    },
    {"tunnels": tunnels.TABLE},
    {"tunnels": tunnels.TOGETHER},
)["tunnels"]
CLIENT = "203.0.114.9"


def tunnel_page():
    """A page with one tunnel, and the secret of its address."""
    store = Store("sqlite://", register.metadata)
    store.create()
    page = Page(TUNNELS, store, b"k" * 32, lambda: 1000000.0, lambda address: True)
    link = page.tokens.link("form")
    request = register.Request(
        CLIENT,
        "host",
        "jp",
        "iproute2",
        CLIENT,
        "203.0.114.0/24",
        tokens.stored(link),
        tokens.stored(page.tokens.key_of(link)),
    )
    store.run([lambda connection: register.create(connection, TUNNELS, request, 1.0)])
    return page, link


PAGE, LINK = tunnel_page()
PATHS = ["/", "/new/openwrt", "/new", f"/t/{LINK}", f"/t/{LINK}/ipv4", f"/t/{LINK}/openwrt.sh", "/nic/update"]
PATHS += ["/tunnelInfo.php", "/tunnelInfo.json", f"/t/{LINK}/nameservers", f"/t/{LINK}/routed"]
KEY = base64.b64encode(f"1:{PAGE.tokens.key_of(LINK)}".encode()).decode()


def read_request(data):
    """A request of the page: a path by its number, then lines: query, cookie, host, forwarded, authorization, body.

    Whatever it is, it is answered without a fault of ours, and nothing of it comes out unescaped. @K and @M stand for
    what a program has, and a form of the tunnel's page.
    """
    text = data[1:].decode("utf-8", "replace")
    text = text.replace("@K", f"Basic {KEY}").replace("@M", PAGE.tokens.change(LINK))
    return [ask(PAGE, PATHS[data[0] % len(PATHS)] if data else "/", text)]


def ask(page, path, text):
    """The status of the answer to a request in lines."""
    query, cookie, host, forwarded, authorization, body = (text.split("\n", 5) + [""] * 6)[:6]
    octets = body.encode()
    head = []
    environ = {
        "REQUEST_METHOD": "POST" if octets else "GET",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "HTTP_COOKIE": cookie,
        "HTTP_HOST": host,
        "HTTP_X_FORWARDED_FOR": forwarded,
        "HTTP_ACCEPT_LANGUAGE": forwarded,
        "HTTP_AUTHORIZATION": authorization,
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(octets)),
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(octets),
        "wsgi.errors": io.StringIO(),
    }
    text = b"".join(page.application(environ, lambda status, headers, _=None: head.append((status, headers))))
    status, headers = head[0]
    assert status[:3] in ("200", "303", "400", "401", "404", "405", "413"), (
        status,
        environ["wsgi.errors"].getvalue(),
    )
    for name, value in headers:
        assert "\n" not in name + value and "\r" not in name + value
    assert b"<script" not in text and b"<img" not in text
    if status[:3] == "200" and path.startswith("/tunnelInfo"):
        (json.loads if path.endswith("json") else minidom.parseString)(text)
    return status


def account_page():
    """A page with accounts, and one that is logged in: what its cookie has, and the mark of its forms."""
    values = copy.deepcopy(TUNNELS)
    values.page.accounts = True
    for name in ("logins", "sign_ups"):
        setattr(values.limits, name, 1 << 30)
        setattr(values.limits, f"{name}_of_a_network", 1 << 30)
    values.limits.logins_of_a_name = 1 << 30
    store = Store("sqlite://", register.metadata)
    store.create()
    page = Page(values, store, b"k" * 32, lambda: 1000000.0, lambda address: True)
    one = store.run([lambda connection: accounts.create(connection, "alice", KEPT, 1.0)])[0]
    secret = tokens.stored(SESSION)
    store.run([lambda connection: accounts.begin(connection, one, secret, 1.0, 2e6)])
    return page


# The password is "four words of mine", with parameters that take no time.
KEPT = "$scrypt$ln=4,r=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$mMt9C4ApzobrYfJ2K8pYhA"
SESSION, FORM = "5" * 32, "f" * 32
ACCOUNTS = account_page()
ENTRIES = ["/login", "/sign-up", "/account/password", "/logout", "/account", "/new", f"/t/{LINK}/claim"]


def read_account(data):
    """As read_request, of the pages for people with accounts; @S, @F, @M and @A stand for what a browser has."""
    text = data[1:].decode("utf-8", "replace")
    for sign, secret in (
        ("@S", f"session={SESSION}"),
        ("@F", f"form={FORM}"),
        ("@M", ACCOUNTS.tokens.form(FORM)),
        ("@A", ACCOUNTS.tokens.change("account", SESSION)),
    ):
        text = text.replace(sign, secret)
    before, passwords.COST = passwords.COST, 4
    try:
        ask(ACCOUNTS, ENTRIES[data[0] % len(ENTRIES)] if data else "/login", text)
    finally:
        passwords.COST = before
    found = ACCOUNTS.run(accounts.all_accounts)
    assert all(re.fullmatch(r"[a-z][a-z0-9._-]{2,31}", one.name) for one, _ in found)


def read_form(data):
    """Fields of a form, a line each: what passes is made of nothing but what scripts and zones may have."""
    fields = (data.decode("utf-8", "replace").split("\n", 5) + [""] * 6)[:6]
    ipv4, nicname, country, nameservers, host, forwarded = fields
    found = []
    for check, plain in (
        (lambda: asked.ipv4(ipv4, TUNNELS.page, TUNNELS.address), r"[0-9.]{7,15}"),
        (lambda: asked.nicname(nicname, ["bank*"]), r"[a-z0-9-]{1,63}"),
        (lambda: asked.country(country), r"[a-z]{2}"),
        (lambda: " ".join(asked.nameservers(nameservers)), r"[a-z0-9. -]*"),
    ):
        try:
            found.append(check())
            assert re.fullmatch(plain, found[-1])
        except asked.Fault as error:
            found.append(str(error))
    environ = {"REMOTE_ADDR": "::1", "HTTP_X_FORWARDED_FOR": forwarded, "HTTP_HOST": host}
    who = asked.asker(environ, TUNNELS.page.proxies)
    assert re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", asked.host(environ))
    found += who.person, who.network
    return found


ECHOES = echoes.Echoes(b"k" * 32, 7)


def read_echo(data):
    """What comes as an answer to an echo request: only our cookie of this address is one."""
    source = ipaddress.IPv6Address("2001:db8:1:1::2").packed
    number = ECHOES.answered(data, source)
    assert number is None or data[8:] == ECHOES.cookie(source, number)
    assert ECHOES.answered(data, bytes(16)) is None
    return [number]


def read_dstm(data):
    """A client's message, and what it is answered."""
    asked = dstm.question(data, DUID, iadstm.CODES)
    if asked is None:
        return None
    assert len(asked.user) <= dstm.LONGEST
    for ia in (
        dstm.given(asked.ia, 0xC6336401, 600, 1, (4096, 8191)),
        dstm.refused(asked.ia, iadstm.NO_BINDING, "no"),
    ):
        (told,) = iadstm.found(read_options(dstm.answer(asked, DUID, iadstm.CODES, ia)[4:]), iadstm.CODES)
        assert told.iaid == asked.ia.iaid
    return [asked.kind, asked.rapid, asked.shares, str(asked.node), asked.ipv4]


REFUSED = (WireError, messages.Refused)
TARGETS = {
    "softwired-echo": (read_echo, ()),
    "softwired-account": (read_account, ()),
    "softwired-form": (read_form, ()),
    "softwired-request": (read_request, ()),
    "softwired-dstm": (read_dstm, WireError),
    "softwired-capture": (read_capture, WireError),
    "softwired-ndppd": (read_ndppd, ndppd.NdppdError),
    "softwired-neighbour": (read_neighbour, solicitation.Refused),
    "softwired-message": (read_message, REFUSED),
    "softwired-response": (read_response, REFUSED),
    "softwired-toml": (read_toml, configuration.ConfigurationError),
}
