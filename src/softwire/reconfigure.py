# SPDX-License-Identifier: Apache-2.0
"""A DHCPv6 server's Reconfigure, believed by the key that its Reply brought (RFC 8415 sections 18.2.11 and 20.4).

Heard on a raw socket at the line's link-local address, where little else comes: the line's own client, which has port
546, gets it as well, and knows another key. The key came in the clear: it keeps those out who did not hear the Reply.
"""

import socket
from hashlib import md5

from softwire.address import format_ipv6
from softwire.dhcpv6 import CLIENT_ID, only, read_options, write_option
from softwire.endpoint import packed
from softwire.inform import open_raw
from softwire.wire import Reader, WireError

RECONFIGURE, RENEW, REBIND = 10, 5, 6
SERVER_ID, OPTION_REQUEST, AUTH, MESSAGE = 2, 6, 11, 19
# Section 20.4: protocol 3 by HMAC-MD5, a counter against replays; what follows that counter.
RKAP = b"\3\1\0"
KEY, DIGEST = 1, 2
LARGEST = 1500


def hmac_md5(key, octets):
    """RFC 2104, for a key of at most 64 octets; MicroPython has none."""
    key += bytes(64 - len(key))
    inner = md5(bytes([octet ^ 0x36 for octet in key]) + octets).digest()
    return md5(bytes([octet ^ 0x5C for octet in key]) + inner).digest()


def read_auth(options, kind):
    """(counter, 16 octets) of a message's option Authentication; WireError."""
    value = only(options, AUTH)
    if len(value) != 28 or value[:3] != RKAP or value[11] != kind:
        raise WireError(
            "Authentication: protocol 3, algorithm 1, method 0, type {} would be right".format(kind)
        )
    return int.from_bytes(value[3:11], "big"), value[12:]


def unsigned(head, options):
    """The octets of a message that its signature is made over, from its first four and its options."""
    for code, value in options:
        head += write_option(code, value[:12] + bytes(16) if code == AUTH else value)
    return head


def read(data, identity, server, code, key, counter):
    """A UDP datagram -> (RENEW, REBIND or None for what is not ours, its counter); WireError."""
    reader = Reader(data)
    reader.take(2, "source port")
    if reader.number(2, "destination port") != 546:
        raise WireError("another port's datagram")
    reader.take(4, "length and checksum")
    head = reader.take(4, "type and transaction")
    if head[0] != RECONFIGURE:
        raise WireError("another message")
    options = read_options(reader.rest())
    if only(options, CLIENT_ID) != identity or only(options, SERVER_ID) != server:
        raise WireError("another client's, or another server's")
    now, digest = read_auth(options, DIGEST)
    if now <= counter or hmac_md5(key, unsigned(head, options)) != digest:
        raise WireError("Authentication: not by our server, or not now")
    kind = only(options, MESSAGE)
    asked = [value for one, value in options if one == OPTION_REQUEST]
    for value in asked:
        if code.to_bytes(2, "big") not in [value[at : at + 2] for at in range(0, len(value), 2)]:
            kind = b""
    return {b"\5": RENEW, b"\6": REBIND}.get(kind), now


class Ear:
    """Listens for what a server may say."""

    def __init__(self, line, key, counter):
        """OSError where it cannot."""
        self.key, self.counter = key, counter
        address = line.link_local
        if address is None:
            raise OSError(99, "no link-local address")
        self.sock = open_raw(line.device, packed(socket.AF_INET6, format_ipv6(address) + "%" + line.device))

    def heard(self, identity, server, code):
        """RENEW, REBIND or None: what the server wants sent to it for option `code`; does not block."""
        wanted = None
        while True:
            try:
                data = self.sock.recv(LARGEST)
            except OSError:  # nothing more
                return wanted
            try:
                kind, self.counter = read(data, identity, server, code, self.key, self.counter)
                wanted = kind or wanted
            except WireError:  # somebody else's
                pass

    def close(self):
        self.sock.close()
