# SPDX-License-Identifier: Apache-2.0
"""Neighbour solicitations and advertisements (RFC 4861 sections 4.3, 4.4, 7.1, 7.2) in Ethernet frames: read, write.

A packet of Neighbour Discovery has no extension header here: RFC 6980 forbids fragments, and no host sends others.
"""

from __future__ import annotations

import typing

ETHERTYPE = b"\x86\xdd"
ICMPV6, HOP_LIMIT, SOLICITATION, ADVERTISEMENT = 58, 255, 135, 136
SOURCE_LINK_LAYER, TARGET_LINK_LAYER = 1, 2
ROUTER, SOLICITED, OVERRIDE = 0x80, 0x40, 0x20
UNSPECIFIED = bytes(16)
ALL_NODES = b"\xff\x02" + bytes(13) + b"\x01"
SOLICITED_NODE = b"\xff\x02" + bytes(9) + b"\x01\xff"
# Where a frame's parts begin.
IPV6, SOURCE, DESTINATION, ICMP, TARGET, OPTIONS = 14, 22, 38, 54, 62, 78
# The last octets of an advertisement with one option, or a solicitation: payload length 32.
HEAD = ETHERTYPE + b"\x60\0\0\0\0\x20" + bytes([ICMPV6, HOP_LIMIT])
# Of pseudo-headers with this length.
SUM_32 = 32 + ICMPV6


class Refused(Exception):
    """Why a frame is not answered: a kind that is counted, and a text."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(kind, text)
        self.kind = kind
        self.text = text


class Solicitation(typing.NamedTuple):
    """One that RFC 4861 section 7.1.1 calls valid."""

    target: bytes
    source: bytes
    mac: bytes  # whom to answer
    multicast: bool


def message(frame: bytes, kind: int) -> int:
    """Where the ICMPv6 message of this type ends; Refused for what is not valid."""
    if len(frame) < OPTIONS:
        raise Refused("cut", f"{len(frame)} octets, {OPTIONS} are the least")
    if frame[12:14] != ETHERTYPE or frame[IPV6] >> 4 != 6 or frame[20] != ICMPV6 or frame[ICMP] != kind:
        raise Refused("other", "another kind of packet")
    if frame[21] != HOP_LIMIT:
        raise Refused("hop_limit", f"hop limit {frame[21]}: it came from another link")
    if frame[55]:
        raise Refused("code", f"code {frame[55]}")
    length = frame[18] << 8 | frame[19]
    end = ICMP + length
    if length < 24 or end > len(frame):
        raise Refused("cut", f"payload of {length} octets in a frame of {len(frame)}")
    if length & 1:
        raise Refused("options", f"payload of {length} octets: options are of eight each")
    # Addresses and message lie behind each other, so one sum will do (RFC 4443 section 2.3); 0xffff is 0.
    if (int.from_bytes(frame[SOURCE:end], "big") + length + ICMPV6) % 0xFFFF:
        raise Refused("checksum", "wrong checksum")
    if frame[TARGET] == 0xFF:
        raise Refused("target", "a multicast target")
    if frame[SOURCE] == 0xFF:
        raise Refused("source", "a multicast source")
    if frame[6] & 1:
        raise Refused("source", "a group's Ethernet address for a source")
    return end


def link_layer(frame: bytes, end: int, wanted: int) -> bytes:
    """The first option of this kind that holds an Ethernet address, or b''; Refused if options do not add up."""
    at = OPTIONS
    found = b""
    while at < end:
        length = frame[at + 1] << 3 if at + 2 <= end else 0
        if not length or at + length > end:
            raise Refused("options", "an option of no length, or a cut one")
        if frame[at] == wanted and length == 8 and not found:
            found = frame[at + 2 : at + 8]
        at += length
    return found


def read(frame: bytes) -> Solicitation:
    """A solicitation in an Ethernet frame; Refused."""
    end = message(frame, SOLICITATION)
    mac = link_layer(frame, end, SOURCE_LINK_LAYER)
    source, target = frame[SOURCE:DESTINATION], frame[TARGET:OPTIONS]
    if source == UNSPECIFIED:
        if frame[DESTINATION:51] != SOLICITED_NODE:
            raise Refused("source", "no source, and not to a solicited-node group")
        if mac:
            raise Refused("source", "no source, and yet a link-layer address")
    if not mac or mac[0] & 1 or not any(mac):
        mac = frame[6:12]
    return Solicitation(target, source, mac, frame[DESTINATION] == 0xFF)


def read_advertisement(frame: bytes) -> bytes:
    """The target of a valid advertisement (RFC 4861 section 7.1.2); Refused."""
    end = message(frame, ADVERTISEMENT)
    link_layer(frame, end, TARGET_LINK_LAYER)
    if frame[DESTINATION] == 0xFF and frame[58] & SOLICITED:
        raise Refused("flags", "solicited, and yet to a group")
    return frame[TARGET:OPTIONS]


def group(target: bytes) -> bytes:
    """The solicited-node group of an address (RFC 4291 section 2.7.1)."""
    return SOLICITED_NODE + target[13:]


def group_mac(multicast: bytes) -> bytes:
    """RFC 2464 section 7."""
    return b"\x33\x33" + multicast[12:]


def advertisement(
    mac: bytes, source: bytes, to_mac: bytes, destination: bytes, target: bytes, flags: int
) -> bytes:
    """A whole frame; the target's link-layer address is `mac`."""
    words = flags << 8, 0x0201, mac[0] << 8 | mac[1], mac[2] << 8 | mac[3], mac[4] << 8 | mac[5]
    total = 0x8800 + SUM_32 + sum(words) + int.from_bytes(source + destination + target, "big")
    return b"".join(
        (
            to_mac,
            mac,
            HEAD,
            source,
            destination,
            b"\x88\0",
            (-total % 0xFFFF).to_bytes(2, "big"),
            bytes((flags, 0, 0, 0)),
            target,
            b"\x02\x01",
            mac,
        )
    )


def solicitation(mac: bytes, source: bytes, target: bytes) -> bytes:
    """A whole frame to the target's solicited-node group; without a source, one that detects duplicates."""
    destination = group(target)
    option = b"" if source == UNSPECIFIED else bytes((SOURCE_LINK_LAYER, 1)) + mac
    length = 24 + len(option)
    body = bytes(4) + target + option
    total = (SOLICITATION << 8) + length + ICMPV6 + int.from_bytes(source + destination + body, "big")
    checksum = (-total % 0xFFFF).to_bytes(2, "big")
    head = group_mac(destination) + mac + HEAD[:6] + length.to_bytes(2, "big") + HEAD[8:]
    return head + source + destination + bytes((SOLICITATION, 0)) + checksum + body
