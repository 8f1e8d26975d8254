# SPDX-License-Identifier: Apache-2.0
"""pyrad_lite beside pyrad 2.6.0, which must make the same octets, and scapy, which must read the same fields."""

import hmac
import io
import ipaddress
import pathlib
import socket
import subprocess
import sys
import threading

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pyrad import client as pyrad_client
from pyrad import dictionary as pyrad_dictionary
from pyrad import packet as pyrad_packet
from scapy.layers.radius import Radius

from pyrad_lite import client, dictionary, packet

FILES = pathlib.Path(__file__).resolve().parents[2] / "files/etc/softwire"
PATHS = [str(FILES / name) for name in ("dictionary.rfc", "dictionary.softbank")]
OURS = dictionary.Dictionary(*PATHS)
THEIRS = pyrad_dictionary.Dictionary(*PATHS)
SECRET = b"lab-shared-secret"
BOTH = [(packet, OURS), (pyrad_packet, THEIRS)]

octets = st.binary(max_size=247)
# octets that start like "0x" are hexadecimal for pyrad
values = {
    "string": st.text(max_size=60),
    "octets": octets.filter(lambda value: not value.startswith(b"0x")),
    "integer": st.integers(0, (1 << 32) - 1),
    "ipaddr": st.integers(0, (1 << 32) - 1).map(lambda number: str(ipaddress.IPv4Address(number))),
    "ipv6addr": st.integers(0, (1 << 128) - 1).map(lambda number: str(ipaddress.IPv6Address(number))),
}
# Vendor-Specific is written through the attributes in it; malformed ones have tests of their own
names = sorted(set(OURS.attributes) - {"Message-Authenticator", "Vendor-Specific"})
attributes = st.lists(
    st.sampled_from(names).flatmap(lambda name: st.tuples(st.just(name), values[OURS[name].type])),
    max_size=12,
    unique_by=lambda pair: pair[0],  # pyrad moves an attribute to where it was added first
)


def request(module, names_known, pairs, **args):
    made = module.AuthPacket(id=9, secret=SECRET, authenticator=bytes(range(16)), dict=names_known, **args)
    for name, value in pairs:
        made.AddAttribute(name, value)
    return made


def same(ours, theirs):
    """Whether values are equal; the C library writes ::1:0 as ::0.1.0.0, pyrad does not."""

    def canonical(value):
        return ipaddress.ip_address(value) if isinstance(value, str) and value.startswith("::") else value

    def spelled(found):
        try:
            return [canonical(value) for value in found]
        except ValueError:
            return found

    return spelled(ours) == spelled(theirs)


def test_dictionaries_agree():
    assert sorted(OURS.attributes) == sorted(THEIRS.attributes)
    for name in OURS.attributes:
        ours, theirs = OURS[name], THEIRS[name]
        assert (ours.code, ours.type, ours.vendor) == (theirs.code, theirs.type, theirs.vendor)
        assert ours.key == THEIRS.attrindex.GetForward(name)
    assert OURS.vendors == THEIRS.vendors.forward


@given(attributes, st.booleans())
def test_requests_are_the_same_octets(pairs, signed):
    ours, theirs = [request(module, known, pairs, message_authenticator=signed) for module, known in BOTH]
    assert ours.RequestPacket() == theirs.RequestPacket()
    assert ours.keys() == theirs.keys()
    for name, _ in pairs:
        assert same(ours[name], theirs[name])
        assert name in ours and name in theirs


@given(attributes, st.sampled_from([2, 3, 11]), st.booleans())
def test_replies_are_read_and_verified_alike(pairs, code, signed):
    ours, theirs = [request(module, known, []) for module, known in BOTH]
    answer = theirs.CreateReply(message_authenticator=signed)
    answer.code = code
    for name, value in pairs:
        answer.AddAttribute(name, value)
    raw = answer.ReplyPacket()
    replies = [asked.CreateReply(packet=raw) for asked in (ours, theirs)]
    for enforce in (False, True):
        verdicts = [
            asked.VerifyReply(reply, raw, enforce_ma=enforce) for asked, reply in zip((ours, theirs), replies)
        ]
        assert verdicts == [signed or not enforce] * 2
    assert replies[0].code == replies[1].code == code
    assert replies[0].keys() == replies[1].keys()
    for name in replies[0].keys():
        assert same(replies[0][name], replies[1][name])
    # and ours are the octets that pyrad would send
    made = ours.CreateReply(message_authenticator=signed)
    made.code = code
    for name, value in pairs:
        made.AddAttribute(name, value)
    assert made.ReplyPacket() == raw
    broken = raw[:4] + bytes([raw[4] ^ 1]) + raw[5:]
    assert not ours.VerifyReply(ours.CreateReply(packet=broken), broken)


def test_names_of_values():
    text = "ATTRIBUTE A 6 integer\nVALUE A One 1\nVENDOR V 9\nBEGIN-VENDOR V\nATTRIBUTE B 1 ipaddr\nEND-VENDOR V\n"
    for value in ("One", 1, 2):
        made = [
            request(module, reader.Dictionary(io.StringIO(text)), [("A", value), ("B", "192.0.2.1")])
            for module, reader in ((packet, dictionary), (pyrad_packet, pyrad_dictionary))
        ]
        assert made[0].RequestPacket() == made[1].RequestPacket()
        assert made[0]["A"] == made[1]["A"]


@pytest.mark.parametrize("password", ["", "x", "arctangent", "x" * 16, "x" * 17, "あ" * 20])
def test_hidden_passwords(password):
    ours, theirs = [request(module, known, []) for module, known in BOTH]
    assert ours.PwCrypt(password) == theirs.PwCrypt(password)


@given(st.binary(max_size=130), st.binary(max_size=200), st.integers(0, 200))
def test_hmac(key, message, at):
    assert packet._hmac_md5(key, message[:at], message[at:]) == hmac.digest(key, message, "md5")


def test_hmac_of_a_key_as_long_as_a_block():
    for length in (63, 64, 65):
        assert packet._hmac_md5(b"k" * length, b"message") == hmac.digest(b"k" * length, b"message", "md5")


def test_chap_password():
    challenge = bytes(range(100, 116))
    chap = packet.ChapPassword(1, b"lab-password", challenge)
    theirs = request(pyrad_packet, THEIRS, [("CHAP-Password", chap), ("CHAP-Challenge", challenge)])
    ours = request(packet, OURS, [("CHAP-Password", chap), ("CHAP-Challenge", challenge)])
    for made in (ours, theirs):
        assert made.VerifyChapPasswd(b"lab-password") and made.VerifyChapPasswd(" lab-password\n")
        assert not made.VerifyChapPasswd(b"another")


def test_numbers_need_no_dictionary():
    """A router's client loads neither that module nor the conversions, which names alone want."""
    script = (
        "import sys; from pyrad_lite.client import Client; request = Client('::1', secret=b's').CreateAuthPacket();"
        "request.AddAttribute((22197, 1), b'm'); request.RequestPacket();"
        "print(sorted(name for name in sys.modules if name.startswith('pyrad_lite')))"
    )
    told = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(FILES.parents[2] / "src")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    assert told.strip() == str(["pyrad_lite", "pyrad_lite.client", "pyrad_lite.packet"])


def test_several_vendor_attributes_in_one_are_read_by_pyrad():
    ours = request(packet, OURS, [])
    ours.AddVendorAttributes([("SoftBank-MAC", "02:00:00:00:00:01"), ("SoftBank-Hardware-Version", "hw")])
    theirs = pyrad_packet.AuthPacket(packet=ours.RequestPacket(), dict=THEIRS)
    assert theirs["SoftBank-MAC"] == ["02:00:00:00:00:01"]
    assert theirs["SoftBank-Hardware-Version"] == ["hw"]


def test_calling_code_runs_on_both():
    """The calls that pyrad_lite promises to share, written once."""
    for ours, reader in ((client, dictionary), (pyrad_client, pyrad_dictionary)):
        server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        server.bind(("::1", 0))
        known = reader.Dictionary(*PATHS)

        def serve(server=server):
            raw, source = server.recvfrom(4096)
            asked = pyrad_packet.AuthPacket(packet=raw, dict=THEIRS, secret=SECRET)
            assert asked.verify_message_authenticator()
            assert asked["NAS-Identifier"] == ["router"]
            answer = asked.CreateReply()
            answer.AddAttribute("SoftBank-v6-GW", "2001:db8:b::1")
            server.sendto(answer.ReplyPacket(), source)

        thread = threading.Thread(target=serve)
        thread.start()
        radius = ours.Client(
            "::1", authport=server.getsockname()[1], secret=SECRET, dict=known,
            retries=3, timeout=5, enforce_ma=True,
        )  # fmt: skip
        radius.bind(("::1", 0))
        asked = radius.CreateAuthPacket(User_Name="nemo")
        asked["State"] = b"s"
        asked["NAS-Identifier"] = "router"
        asked[(22197, 1)] = [b"02:00:00:00:00:01"]
        reply = radius.SendPacket(asked)
        thread.join()
        server.close()
        assert reply.code == pyrad_packet.AccessAccept
        assert reply["SoftBank-v6-GW"] == ["2001:db8:b::1"]
        assert reply.get("State") is None
        assert (22197, 207) in reply and "SoftBank-v6-GW" in reply
        silent = ours.Client("::1", secret=SECRET, dict=known, retries=0)
        with pytest.raises(ours.Timeout):
            silent.SendPacket(silent.CreateAuthPacket())


@given(attributes, st.booleans())
def test_scapy_reads_the_same_fields(pairs, signed):
    ours = request(packet, OURS, pairs, message_authenticator=signed)
    seen = Radius(ours.RequestPacket())
    assert (seen.code, seen.id, seen.len) == (1, 9, len(bytes(seen)))
    assert seen.authenticator == bytes(range(16))
    expected = []
    for key in ours:
        for value in ours[key]:
            if isinstance(key, tuple):
                inner = key[0].to_bytes(4, "big") + bytes([key[1], 2 + len(value)]) + value
                expected.append(bytes([26, 2 + len(inner)]) + inner)
            else:
                expected.append(bytes([key, 2 + len(value)]) + value)
    assert [bytes(attribute) for attribute in seen.attributes] == expected


def test_scapy_reads_vendor_and_message_authenticator():
    ours = request(packet, OURS, [("SoftBank-MAC", "m")], message_authenticator=True)
    seen = Radius(ours.RequestPacket()).attributes
    assert [attribute.type for attribute in seen] == [80, 26]
    assert (seen[1].vendor_id, seen[1].vendor_type, seen[1].value) == (22197, 1, b"m")


@given(st.binary(max_size=300))
def test_any_octets_are_a_packet_or_a_packet_error(raw):
    decoded(raw)


@given(st.binary(max_size=200), st.booleans())
def test_any_attributes_are_a_packet_or_a_packet_error(body, vendor):
    if vendor:
        body = bytes([26, (6 + len(body)) % 256]) + (22197).to_bytes(4, "big") + body
    decoded(b"\x02\x09" + (20 + len(body)).to_bytes(2, "big") + bytes(16) + body)


def decoded(raw):
    """Decodes, reads every value by name, verifies and encodes again."""
    try:
        reply = packet.Packet(packet=raw, dict=OURS)
    except packet.PacketError:
        return
    for key in reply.keys():
        try:
            assert reply[key]
        except ValueError:
            assert isinstance(key, str)
    assert len(reply) == len(reply.keys())
    asked = request(packet, OURS, [])
    assert asked.WhyNotReply(raw) is not None
    # what was received is sent again octet for octet, also where attributes share a Vendor-Specific one
    again = packet.AuthPacket(packet=raw, dict=OURS, message_authenticator=False)
    assert again.RequestPacket() == raw[: int.from_bytes(raw[2:4], "big")]


@given(
    st.text(max_size=200)
    | st.lists(
        st.sampled_from(
            "ATTRIBUTE VALUE VENDOR BEGIN-VENDOR END-VENDOR $INCLUDE- A B 1 2 0x 1.2 string integer ipaddr tlv has_tag "
            "format=2,2 format=1,1 # \n \n \n \n".split(" ")
        )
    ).map(" ".join)
)
def test_any_text_is_a_dictionary_or_a_parse_error(text):
    assume("$INCLUDE " not in text.upper())
    try:
        dictionary.Dictionary(io.StringIO(text))
    except dictionary.ParseError as error:
        assert error.line > 0


@given(st.sampled_from(sorted(values)), octets)
def test_any_octets_are_a_value_or_a_value_error(datatype, raw):
    from pyrad_lite.tools import DecodeAttr, EncodeAttr

    try:
        value = DecodeAttr(datatype, raw)
    except ValueError:
        return
    assert EncodeAttr(datatype, value) == raw
