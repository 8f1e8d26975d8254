# SPDX-License-Identifier: Apache-2.0
"""DHCPv6 messages out of a capture file: pcap as pcap-savefile(5) has it, UDP on IPv6."""

from __future__ import annotations

import ipaddress
import typing

from softwire.wire import Reader, WireError

MAGIC = {
    b"\xa1\xb2\xc3\xd4": "big",
    b"\xa1\xb2\x3c\x4d": "big",
    b"\xd4\xc3\xb2\xa1": "little",
    b"\x4d\x3c\xb2\xa1": "little",
}
# Link type: octets before the EtherType (Linux cooked captures of both versions, Ethernet).
ETHERTYPE_AT = {1: 12, 113: 14, 276: 0}
HEADER = {1: 14, 113: 16, 276: 20}
RAW = (101, 229)
SERVER_PORT = 547
IPV6, VLAN, UDP = b"\x86\xdd", b"\x81\x00", 17
# tcpdump's own highest
LONGEST = 262144


class Packet(typing.NamedTuple):
    """One message to port 547."""

    number: int
    source: ipaddress.IPv6Address
    message: bytes


def is_capture(data: bytes) -> bool:
    return data[:4] in MAGIC


def read(data: bytes) -> typing.Iterator[Packet]:
    """Those sent to a server or relay, numbered as tcpdump counts; others are passed over; WireError."""
    order = typing.cast("typing.Literal['big', 'little']", MAGIC[data[:4]])
    reader = Reader(data)
    link_type = int.from_bytes(reader.take(24, "file header")[20:24], order) & 0xFFFF
    if link_type not in HEADER and link_type not in RAW:
        raise WireError(f"link type {link_type}: Ethernet, Linux cooked or raw IP would be right")
    number = 0
    while reader.left():
        number += 1
        length = int.from_bytes(reader.take(16, f"header of packet {number}")[8:12], order)
        if length > LONGEST:
            raise WireError(f"packet {number} of {length} octets: at most {LONGEST}")
        found = _message(reader.take(length, f"packet {number}"), link_type)
        if found:
            yield Packet(number, *found)


def _message(frame: bytes, link_type: int) -> tuple[ipaddress.IPv6Address, bytes] | None:
    if link_type in HEADER:
        at, start = ETHERTYPE_AT[link_type], HEADER[link_type]
        while link_type == 1 and frame[at : at + 2] == VLAN:
            at, start = at + 4, start + 4
        if frame[at : at + 2] != IPV6:
            return None
        frame = frame[start:]
    if (
        len(frame) < 48
        or frame[0] >> 4 != 6
        or frame[6] != UDP
        or int.from_bytes(frame[42:44], "big") != SERVER_PORT
    ):
        return None
    length = int.from_bytes(frame[44:46], "big")
    if not 8 <= length <= len(frame) - 40:
        return None  # cut by the capture, or a fragment
    return ipaddress.IPv6Address(frame[8:24]), frame[48 : 40 + length]
