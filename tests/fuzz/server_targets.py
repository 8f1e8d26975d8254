# SPDX-License-Identifier: Apache-2.0
"""The other end's parsers, of CPython alone, as targets.py has those of the router."""

import ipaddress

import tomllib

from softwire.dhcpv6 import only, read_options
from softwire.wire import WireError
from softwired import configuration, relay
from softwired.dhcp4o6 import capture, command, information, messages, options

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
"""


def checked(raw):
    """A whole configuration."""
    tables = {"dhcp4o6": options.TABLE}
    together = {"dhcp4o6": options.TOGETHER}
    return configuration.check("file", raw, tables, together)


VALUES = checked(tomllib.loads(CONFIGURATION))["dhcp4o6"]


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


REFUSED = (WireError, messages.Refused)
TARGETS = {
    "softwired-capture": (read_capture, WireError),
    "softwired-message": (read_message, REFUSED),
    "softwired-response": (read_response, REFUSED),
    "softwired-toml": (read_toml, configuration.ConfigurationError),
}
