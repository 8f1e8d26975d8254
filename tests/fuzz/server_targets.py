# SPDX-License-Identifier: Apache-2.0
"""The other end's parsers, of CPython alone, as targets.py has those of the router."""

import ipaddress

import tomllib

from softwire import iadstm
from softwire.dhcpv6 import only, read_options
from softwire.wire import WireError
from softwired import configuration, relay
from softwired.dhcp4o6 import capture, command, information, messages, options
from softwired.dstm import dhcpv6 as dstm
from softwired.prefix64 import ndppd, ranges, responder, solicitation
from softwired.prefix64 import options as prefix64

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
    "softwired-dstm": (read_dstm, WireError),
    "softwired-capture": (read_capture, WireError),
    "softwired-ndppd": (read_ndppd, ndppd.NdppdError),
    "softwired-neighbour": (read_neighbour, solicitation.Refused),
    "softwired-message": (read_message, REFUSED),
    "softwired-response": (read_response, REFUSED),
    "softwired-toml": (read_toml, configuration.ConfigurationError),
}
