# SPDX-License-Identifier: Apache-2.0
"""What ISC's dhcpd 4.3 and 4.4 (--enable-dhcpv4o6) has between its halves in place of Kea's vendor option.

In front of the DHCPv6 message, relays' layers included, there are 36 octets: the interface's name in 16, NUL behind
it, the source address in 16, the source port in 2, and 2 that tell dhcpd's own DHCPv6 half of RFC 8357, 0 here. A
response has what its query had.
"""

from __future__ import annotations

import struct

from softwire.wire import WireError

HEAD = struct.Struct("!16s16sHH")


def write(interface: str, source: bytes, port: int, message: bytes) -> bytes:
    """A datagram for dhcpd's DHCPv4 half."""
    return HEAD.pack(interface.encode(), source, port, 0) + message


def read(datagram: bytes) -> tuple[str, bytes, int, bytes]:
    """(interface, source address, source port, DHCPv6 message) of one that came from it; WireError."""
    if len(datagram) < HEAD.size:
        raise WireError(f"{len(datagram)} octets: dhcpd's {HEAD.size} in front of the message would be right")
    name, source, port, _ = HEAD.unpack_from(datagram)
    return name.rstrip(b"\0").decode("utf-8", "replace"), source, port, datagram[HEAD.size :]
