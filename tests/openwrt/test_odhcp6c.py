# SPDX-License-Identifier: Apache-2.0
"""odhcp6c's stand-in where no line is needed: command line, packets, the state script's environment."""

import hashlib
import hmac
import ipaddress
import struct
from types import SimpleNamespace

import pytest

import openwrt_root  # noqa: F401
from dhcp6 import message, script
from dhcp6.client import Client
from dhcp6.options import BadUsage, Options

LINE = [
    "-s",
    "/lib/netifd/dhcpv6.script",
    "-Nnone",
    "-P0",
    "-V",
    "000000d20006020000000001",
    "-r17",
    "-k",
    "-t120",
    "eth1",
]
DUID = b"\x00\x03\x00\x01\x02\x00\x00\x00\x00\x01"


def test_the_line_of_proto_flets():
    options = Options(LINE)
    assert (options.addresses, options.prefix_mode, options.release, options.device) == (
        "none",
        "try",
        False,
        "eth1",
    )
    assert options.extra == {16: bytes.fromhex("000000d20006020000000001")} and options.requested == [17]
    assert [(wish.length, wish.iaid) for wish in options.prefixes] == [(0, 1)]


@pytest.mark.parametrize(
    "words",
    [
        ["eth1", "-l7"],
        ["-l7", "eth1"],
        ["--strict-rfc7550", "eth1"],
        ["-S3", "eth1"],
        ["-E", "eth1"],
        ["-Nmaybe", "eth1"],
        ["-Vxyz", "eth1"],
        ["-Pxx/56", "eth1"],
        ["-cg1", "eth1"],
        [],
        ["-k"],
    ],
)
def test_what_a_release_would_refuse(words):
    with pytest.raises(BadUsage):
        Options(words)


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setattr("dhcp6.client.link_address", lambda _: DUID[4:])
    client = Client(None, Options(LINE), print, None)
    client.packets = []
    client.socket = SimpleNamespace(sendto=lambda packet, _: client.packets.append(packet))
    client.destination = None
    return client


def test_solicit(client):
    client.send(message.SOLICIT, b"\1\2\3", 7)
    packet = client.packets[0]
    assert packet[:4] == b"\x01\1\2\3"
    options = dict(message.read_options(packet[4:]))
    assert [code for code, _ in message.read_options(packet[4:])] == [8, 6, 1, 16, 20, 39, 25]
    assert options[1] == DUID and options[16] == bytes.fromhex("000000d20006020000000001")
    assert options[25] == struct.pack("!III", 1, 0, 0), "no hint for -P0"
    assert struct.unpack("!H", options[6][:2])[0] == 17 and 14 not in options and 3 not in options


def test_information_request(client):
    client.send(message.INFORMATION_REQUEST, b"\1\2\3", 0)
    options = dict(message.read_options(client.packets[0][4:]))
    assert 25 not in options and 39 not in options and options[6].endswith(struct.pack("!H", 32))


def reply(lifetimes=(600, 900)):
    prefix = message.option(
        26, struct.pack("!II", *lifetimes) + b"\x38" + ipaddress.IPv6Address("2001:db8:4000:300::").packed
    )
    vendor = struct.pack("!IHH", 210, 201, 6) + DUID[4:]
    return (
        b"\x07\1\2\3"
        + message.option(1, DUID)
        + message.option(2, b"server")
        + message.option(25, struct.pack("!III", 1, 300, 480) + prefix)
        + message.option(17, vendor)
        + message.option(23, ipaddress.IPv6Address("2001:db8:53::1").packed)
    )


def test_reply_and_environment(client):
    read = message.Message(reply(), 100)
    assert client.keep(read)
    client.bound, client.reply_options, client.server_address = True, read.options, "fe80::1"
    router = SimpleNamespace(
        hop_limit=64, mtu=1500, reachable=0, retransmit=0, addresses={}, routes={}, servers={}, search={}
    )
    variables = script.environment(client, router, 101)
    assert variables["PREFIXES"] == "2001:db8:4000:300::/56,599,899"
    assert variables["RDNSS"] == "2001:db8:53::1" and variables["RA_MTU"] == "1500"
    assert variables["OPTION_17"] == "000000d200c90006020000000001" and "OPTION_23" not in variables
    # code and length included, client, server and IA left out: as recorded in data.passthru
    assert (
        variables["PASSTHRU"] == "0011000e000000d200c90006020000000001"
        "0017001020010db8005300000000000000000001"
    )


def test_a_prefix_with_lifetime_nought_is_told_once(client):
    client.keep(message.Message(reply(), 100))
    assert not client.keep(message.Message(reply((0, 0)), 101)), "nothing usable in that answer"
    assert [lease.valid for lease in client.prefixes.values()] == [0]
    client.clock = lambda: 102
    client.expire()
    assert not client.prefixes


@pytest.mark.parametrize("data", [b"", b"\x07\1\2", b"\x07\1\2\3\0\1\0\xff", b"\x07\1\2\3\0\x19\0\4\0\0\0\1"])
def test_malformed(data):
    with pytest.raises(message.Malformed):
        message.Message(data, 0)


KEY = bytes(range(16))


def auth(kind, replay, octets):
    return message.option(11, b"\3\1\0" + replay.to_bytes(8, "big") + bytes([kind]) + octets)


def reconfigure(kind=5, replay=1, key=KEY, transaction=bytes(3), server=b"server", client=DUID):
    """A Reconfigure as RFC 8415 section 20.4 signs it."""
    head = b"\x0a" + transaction + message.option(1, client) + message.option(2, server)
    head += message.option(19, bytes([kind]))
    digest = hmac.new(key, head + auth(2, replay, bytes(16)), hashlib.md5).digest()
    return head + auth(2, replay, digest)


@pytest.fixture
def bound(client):
    """As after a Reply that brought the key, from a server whose Advertise accepted Reconfigure."""
    client.bound, client.accepts_reconfigure, client.server_id = True, True, b"server"
    client.key.learn(message.Message(b"\x07\1\2\3" + auth(1, 0, KEY), 0))
    return client


def takes(client, data):
    return client.may_reconfigure(message.Message(data, 0), data)


def test_reconfigure(bound):
    for replay, kind in enumerate((5, 6, 11), 1):
        assert takes(bound, reconfigure(kind, replay))


def test_reconfigure_that_proves_nothing(bound):
    for wrong in (
        {"key": bytes(16)},
        {"server": b"another"},
        {"client": DUID[:-1] + b"\7"},
        {"transaction": b"\0\0\1"},
        {"kind": 3},
    ):
        assert not takes(bound, reconfigure(**wrong))
    whole = reconfigure()
    assert not takes(bound, whole[:-1] + bytes([whole[-1] ^ 1]))
    assert not takes(bound, whole[: -4 - 28]), "unsigned"
    assert not takes(bound, whole + whole[-4 - 28 :]), "signed twice"


def test_reconfigure_is_not_taken_twice(bound):
    assert takes(bound, reconfigure(replay=7))
    assert not takes(bound, reconfigure(replay=7)) and not takes(bound, reconfigure(replay=6))
    assert takes(bound, reconfigure(replay=8))


def test_reconfigure_at_the_wrong_time(bound):
    bound.exchange = {"kind": message.RENEW}
    assert not takes(bound, reconfigure())
    bound.exchange, bound.accepts_reconfigure = None, False
    assert not takes(bound, reconfigure())
    bound.accepts_reconfigure, bound.bound = True, False
    assert not takes(bound, reconfigure())


def test_told_to_renew_while_nobody_answers(bound):
    """As odhcp6c up to 24.10: the leases are lost."""
    begun = []
    bound.begin = lambda kind, *_: begun.append(kind)
    bound.restart = lambda: begun.append("lost")
    bound.keep(message.Message(reply(), 100))
    bound.t2_at, bound.end_at = 500, 900
    bound.told_to_renew()
    bound.exchange = {"kind": message.RENEW}
    bound.told_to_renew()
    bound.exchange = {"kind": message.REBIND}
    bound.told_to_renew()
    bound.exchange = {"kind": message.REBIND, "reconfigured": True}
    bound.told_to_renew()
    assert begun == [message.RENEW, message.REBIND, "lost", "lost", message.RENEW]


def test_rebind_names_the_server_that_is_known(bound):
    """As one that a Reconfigure asks for; at T2 the server is forgotten first."""
    sent = []
    bound.socket = SimpleNamespace(sendto=lambda packet, to: sent.append(message.Message(packet, 0)))
    bound.send(message.REBIND, b"\1\2\3", 0)
    bound.server_id = None
    bound.send(message.REBIND, b"\1\2\3", 0)
    assert [packet.first(message.SERVER_ID) for packet in sent] == [b"server", None]
