# SPDX-License-Identifier: Apache-2.0
"""DHCPv6 messages out of pcap files, put together here and by scapy; broken ones."""

import ipaddress

import pytest
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import CookedLinux, Dot1Q, Ether
from scapy.utils import wrpcap

from softwire.wire import WireError
from softwired.dhcp4o6 import capture

PACKET = IPv6(src="fe80::2", dst="ff02::1:2") / UDP(sport=546, dport=547) / b"\x0b\1\2\3"
FOUND = [(1, ipaddress.IPv6Address("fe80::2"), b"\x0b\1\2\3")]


@pytest.mark.parametrize(
    ("frame", "keywords"),
    [
        (Ether(dst="33:33:00:01:00:02", src="02:00:00:00:00:01") / PACKET, {}),
        (Ether(dst="33:33:00:01:00:02", src="02:00:00:00:00:01") / Dot1Q(vlan=5) / PACKET, {}),
        (Ether(dst="33:33:00:01:00:02", src="02:00:00:00:00:01") / PACKET, {"endianness": ">"}),
        (Ether(dst="33:33:00:01:00:02", src="02:00:00:00:00:01") / PACKET, {"nano": True}),
        (CookedLinux(proto=0x86DD) / PACKET, {"linktype": 113}),
        (PACKET, {"linktype": 101}),
    ],
)
def test_link_types(tmp_path, frame, keywords):
    path = tmp_path / "x.pcap"
    wrpcap(str(path), [frame], **keywords)
    data = path.read_bytes()
    assert capture.is_capture(data)
    assert list(capture.read(data)) == FOUND
    for end in range(25, len(data)):
        with pytest.raises(WireError):
            list(capture.read(data[:end]))


def test_what_is_something_else(tmp_path):
    path = tmp_path / "x.pcap"
    others = [
        Ether() / b"x",
        Ether() / IPv6() / UDP(dport=546) / b"x",
        Ether(type=0x86DD) / b"\x60",
        Ether() / IPv6() / UDP(dport=547, len=99) / b"x",
    ]
    wrpcap(str(path), [*others, Ether() / PACKET])
    assert [found[0] for found in capture.read(path.read_bytes())] == [5]


def test_no_capture():
    assert not capture.is_capture(b"\x0a\x0d\x0d\x0a")
    with pytest.raises(WireError, match="link type 6"):
        list(capture.read(bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 00000400 06000000")))
