# SPDX-License-Identifier: Apache-2.0
"""The wire format: what is refused, and that scapy writes and reads the same octets."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import Ether

from softwired.prefix64 import solicitation
from softwired.prefix64.solicitation import Refused
from tests.softwired.prefix64 import lab

ADDRESS = st.binary(min_size=16, max_size=16).filter(lambda octets: octets[0] != 0xFF and any(octets))
MAC = st.binary(min_size=6, max_size=6).filter(lambda octets: not octets[0] & 1 and any(octets))


def mac_text(mac):
    return mac.hex(":")


def text(octets):
    return str(ipaddress.IPv6Address(octets))


@pytest.mark.parametrize("kind, frame", lab.MALFORMED)
def test_what_is_refused(kind, frame):
    with pytest.raises(Refused) as refused:
        solicitation.read(frame)
    assert refused.value.kind == kind


@pytest.mark.parametrize(
    "changes, mac, multicast",
    [
        ({}, lab.ROUTER_MAC, True),
        ({"destination": "2001:db8:1::77"}, lab.ROUTER_MAC, False),
        # Without the option, the frame's own source; with two, the first; unknown ones (nonce, 14) are passed over.
        ({"options": b""}, lab.ROUTER_MAC, True),
        ({"options": b"\x0e\x01abcdef\x01\x01\x02aaaaa\x01\x01\x02bbbbb"}, b"\x02aaaaa", True),
        # A group's or no address is nobody's.
        ({"options": b"\x01\x01\x03aaaaa"}, lab.ROUTER_MAC, True),
        ({"options": b"\x01\x01\0\0\0\0\0\0"}, lab.ROUTER_MAC, True),
        # Of eight octets for other links (RFC 4944): not ours.
        ({"options": b"\x01\x02" + b"\x02" * 14}, lab.ROUTER_MAC, True),
        ({"behind": b"\0" * 4}, lab.ROUTER_MAC, True),
        ({"reserved": b"\xff" * 4}, lab.ROUTER_MAC, True),
    ],
)
def test_what_is_taken(changes, mac, multicast):
    read = solicitation.read(lab.frame(**changes))
    assert read == (lab.packed("2001:db8:1::77"), lab.packed("fe80::2"), mac, multicast)


def test_duplicate_address_detection():
    read = solicitation.read(lab.frame(source="::", options=b"\x0e\x01abcdef"))
    assert read.source == solicitation.UNSPECIFIED and read.mac == lab.ROUTER_MAC


@given(MAC, ADDRESS, MAC, ADDRESS, ADDRESS, st.integers(0, 7))
def test_scapy_writes_the_same_advertisement(mac, source, to_mac, destination, target, flags):
    made = solicitation.advertisement(mac, source, to_mac, destination, target, flags << 5)
    expected = (
        Ether(dst=mac_text(to_mac), src=mac_text(mac))
        / IPv6(src=text(source), dst=text(destination), hlim=255)
        / ICMPv6ND_NA(tgt=text(target), R=flags >> 2, S=flags >> 1 & 1, O=flags & 1)
        / ICMPv6NDOptDstLLAddr(lladdr=mac_text(mac))
    )
    assert made == bytes(expected)


@given(MAC, ADDRESS, ADDRESS)
def test_scapy_writes_the_same_solicitation(mac, source, target):
    made = solicitation.solicitation(mac, source, target)
    group = solicitation.group(target)
    expected = (
        Ether(dst=mac_text(solicitation.group_mac(group)), src=mac_text(mac))
        / IPv6(src=text(source), dst=text(group), hlim=255)
        / ICMPv6ND_NS(tgt=text(target))
        / ICMPv6NDOptSrcLLAddr(lladdr=mac_text(mac))
    )
    assert made == bytes(expected)
    assert solicitation.read(made) == (target, source, mac, True)


@given(MAC, ADDRESS)
def test_a_solicitation_that_detects_duplicates(mac, target):
    made = solicitation.solicitation(mac, solicitation.UNSPECIFIED, target)
    read = Ether(made)
    assert (read.src, read[IPv6].src, read[ICMPv6ND_NS].tgt) == (mac_text(mac), "::", text(target))
    assert solicitation.read(made).source == solicitation.UNSPECIFIED


@given(ADDRESS, ADDRESS)
def test_an_advertisement_is_read(source, target):
    made = solicitation.advertisement(lab.ROUTER_MAC, source, lab.ROUTER_MAC, source, target, 0x60)
    assert solicitation.read_advertisement(made) == target


def test_a_solicited_advertisement_to_a_group():
    made = solicitation.advertisement(
        lab.ROUTER_MAC, lab.packed("fe80::2"), b"\x33" * 6, solicitation.ALL_NODES, bytes(15) + b"\1", 0x60
    )
    with pytest.raises(Refused, match="solicited, and yet to a group"):
        solicitation.read_advertisement(made)


@given(st.binary(max_size=200), st.integers(0, 120), st.integers(0, 255))
def test_any_octets(behind, at, octet):
    """Refused, or read: nothing else."""
    good = bytearray(lab.frame(behind=behind))
    if at < len(good):
        good[at] = octet
    for octets in (behind, bytes(good)):
        for reader in (solicitation.read, solicitation.read_advertisement):
            try:
                reader(octets)
            except Refused:
                pass
