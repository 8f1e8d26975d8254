# SPDX-License-Identifier: Apache-2.0
"""RADIUS packets in the capture of the line, attribute by attribute, several vendor attributes in one included."""

from scapy.layers.inet import UDP
from scapy.layers.radius import Radius

from tests.system import capture

USER_NAME, CHAP_PASSWORD, VENDOR_SPECIFIC, CHAP_CHALLENGE, MESSAGE_AUTHENTICATOR = 1, 3, 26, 60, 80
SOFTBANK = 22197


class Packet:
    """A packet of RADIUS as it crossed the line (RFC 2865)."""

    def __init__(self, packet):
        self.source, self.destination = packet.src, packet.dst
        self.code = packet[Radius].code
        self.attributes = list(records(bytes(packet[UDP].payload)[20:]))
        self.types = [kind for kind, _ in self.attributes]

    def first(self, kind):
        """The value of the first attribute of this type."""
        return dict(reversed(self.attributes))[kind]

    def vendor(self):
        """The vendor attributes, a list for each attribute that holds some."""
        values = [value for kind, value in self.attributes if kind == VENDOR_SPECIFIC]
        assert all(value[:4] == SOFTBANK.to_bytes(4, "big") for value in values)
        return [list(records(value[4:])) for value in values]


def records(octets):
    """(type, value) of a row of attributes."""
    while octets:
        kind, length = octets[0], octets[1]
        assert 2 <= length <= len(octets)
        yield kind, octets[2:length]
        octets = octets[length:]


def requests(lab, client, start=0):
    """All Access-Requests from this address so far, those of the first `start` frames left out."""
    packets = capture.udp_packets(lab.capture, start)
    return [Packet(packet) for packet in packets if Radius in packet and packet.src == client]


def answers(lab, client):
    """How many answers it got."""
    return len(
        [1 for packet in capture.udp_packets(lab.capture) if Radius in packet and packet.dst == client]
    )
