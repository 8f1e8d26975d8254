# SPDX-License-Identifier: Apache-2.0
"""The capture of the line: what passed between the router's WAN port and the access network, as scapy reads it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from scapy.layers.dhcp6 import DHCP6_Solicit
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.radius import Radius
from scapy.utils import RawPcapReader

from tests.lab import addresses

ETHERNET, IPV6 = 14, 40
RENEW, REBIND, REPLY = 5, 6, 7  # RFC 8415 section 7.3
PROTOCOL_IPIP, PROTOCOL_UDP, PROTOCOL_ICMPV6 = 4, 17, 58


def count(capture: Path) -> int:
    """How many frames there are by now."""
    return sum(1 for _ in RawPcapReader(str(capture)))


def timed_ipv6_packets(capture: Path, start: int = 0) -> Iterator[tuple[float, bytes]]:
    """(seconds, packet) of all IPv6 packets after the first `start` frames, oldest first."""
    for frame, noted in islice(RawPcapReader(str(capture)), start, None):
        if frame[12:14] == b"\x86\xdd":
            yield noted.sec + noted.usec / 1e6, frame[ETHERNET:]


def ipv6_packets(capture: Path, start: int = 0) -> Iterator[bytes]:
    """The packets alone."""
    for _, packet in timed_ipv6_packets(capture, start):
        yield packet


def tunnelled(capture: Path) -> Iterator[IPv6]:
    """Everything that the router sent to the border router, whatever headers it has."""
    for octets in ipv6_packets(capture):
        packet = IPv6(octets)
        if packet.src == addresses.ENDPOINT and packet.dst == addresses.BORDER_ROUTER:
            yield packet


def udp_packets(capture: Path, start: int = 0) -> Iterator[IPv6]:
    """Everything in UDP."""
    for octets in ipv6_packets(capture, start):
        if octets[6] == PROTOCOL_UDP:
            yield IPv6(octets)


def icmpv6_packets(capture: Path, start: int = 0) -> Iterator[IPv6]:
    """Everything in ICMPv6."""
    for octets in ipv6_packets(capture, start):
        if octets[6] == PROTOCOL_ICMPV6:
            yield IPv6(octets)


def dhcpv6_messages(capture: Path) -> list[int]:
    """The types of all DHCPv6 messages that the router sent."""
    return [bytes(packet[UDP].payload)[0] for packet in udp_packets(capture) if packet[UDP].sport == 546]


def dhcpv6_unanswered(capture: Path) -> bool:
    """Whether a Renew or Rebind of the router's has no Reply yet: told to renew now, it would lose its leases."""
    asked = b""
    for packet in udp_packets(capture):
        message = bytes(packet[UDP].payload)
        if packet[UDP].sport == 546:
            asked = message[1:4] if message[0] in (RENEW, REBIND) else b""
        elif packet[UDP].dport == 546 and message[:1] == bytes([REPLY]) and message[1:4] == asked:
            asked = b""
    return bool(asked)


def first_solicit(capture: Path) -> IPv6:
    """The router's first DHCPv6 message."""
    return next(packet for packet in udp_packets(capture) if DHCP6_Solicit in packet)


def first_radius_request(capture: Path) -> IPv6:
    """The router's first Access-Request."""
    return next(packet for packet in udp_packets(capture) if Radius in packet and packet[Radius].code == 1)
