# SPDX-License-Identifier: Apache-2.0
"""DHCPv6 messages: what odhcp6c sends, and a checked reading of what comes back (RFC 8415 sections 8, 21)."""

import hashlib
import hmac
import ipaddress
import struct

SOLICIT, ADVERTISE, REQUEST, RENEW, REBIND, REPLY, RELEASE, RECONFIGURE, INFORMATION_REQUEST = (
    1,
    2,
    3,
    5,
    6,
    7,
    8,
    10,
    11,
)
CLIENT_ID, SERVER_ID, IA_NA, IA_ADDRESS, ORO, PREFERENCE, ELAPSED, STATUS = 1, 2, 3, 5, 6, 7, 8, 13
AUTH, RECONF_MSG = 11, 19
RECONFIGURE_ACCEPT, DNS, DOMAINS, IA_PD, IA_PREFIX, REFRESH, FQDN = 20, 23, 24, 25, 26, 32, 39
SOL_MAX_RT, INF_MAX_RT = 82, 83
NAMES = {
    SOLICIT: "SOLICIT",
    REQUEST: "REQUEST",
    RENEW: "RENEW",
    REBIND: "REBIND",
    RELEASE: "RELEASE",
    INFORMATION_REQUEST: "INFORMATION REQUEST",
}
USUAL_REQUEST = (21, 22, 23, 24, 31, 56, 67)
REQUIRED_REQUEST = (SOL_MAX_RT, INF_MAX_RT)


class Malformed(Exception):
    """Not a message that odhcp6c would look at."""


def option(code, data):
    return struct.pack("!HH", code, len(data)) + data


def read_options(data):
    """(code, value) of each option. Raises Malformed when a length runs over the end."""
    at, result = 0, []
    while at + 4 <= len(data):
        code, length = struct.unpack_from("!HH", data, at)
        if at + 4 + length > len(data):
            raise Malformed(f"option {code}")
        result.append((code, data[at + 4 : at + 4 + length]))
        at += 4 + length
    return result


class Lease:
    """An address or a delegated prefix with its lifetimes, counted from when it came."""

    def __init__(self, iaid, address, length, preferred, valid, since, t1=0, t2=0):
        self.iaid, self.address, self.length = iaid, address, length
        self.preferred, self.valid, self.since = preferred, valid, since
        self.t1, self.t2 = t1, t2

    @property
    def key(self):
        return (self.iaid, self.address, self.length)

    def left(self, seconds, now):
        return seconds if seconds == 0xFFFFFFFF else max(0, int(seconds - (now - self.since)))


def encode_leases(leases, kind, with_lifetimes):
    """The IA_NA or IA_PD options for leases of one kind, one option an IAID."""
    result = b""
    for iaid in dict.fromkeys(lease.iaid for lease in leases):
        inner = b""
        for lease in (each for each in leases if each.iaid == iaid):
            lifetimes = struct.pack("!II", lease.preferred, lease.valid) if with_lifetimes else bytes(8)
            if kind == IA_PD:
                inner += option(IA_PREFIX, lifetimes + bytes([lease.length]) + lease.address.packed)
            else:
                inner += option(IA_ADDRESS, lease.address.packed + lifetimes)
        result += option(kind, struct.pack("!III", iaid, 0, 0) + inner)
    return result


def encode_wishes(prefixes):
    """IA_PDs of a Solicit: a hint only where a length was given."""
    result = b""
    for wish in prefixes:
        hint = (
            option(IA_PREFIX, bytes(8) + bytes([wish.length]) + wish.address.packed) if wish.length else b""
        )
        result += option(IA_PD, struct.pack("!III", wish.iaid, 0, 0) + hint)
    return result


def encode_fqdn(name):
    """Option 39 with the flags that leave the DNS update to the server (RFC 4704)."""
    labels = b"".join(bytes([len(label)]) + label for label in name.encode().split(b".") if label)
    return option(FQDN, b"\0" + labels)


class IdentityAssociation:
    def __init__(self, kind, data, now):
        if len(data) < 12:
            raise Malformed("IA")
        self.kind = kind
        self.iaid, self.t1, self.t2 = struct.unpack_from("!III", data)
        self.status = None
        self.leases = []
        for code, value in read_options(data[12:]):
            if code == STATUS and len(value) >= 2:
                self.status = struct.unpack_from("!H", value)[0]
            elif code == IA_PREFIX and kind == IA_PD and len(value) >= 25:
                preferred, valid = struct.unpack_from("!II", value)
                self.add(ipaddress.IPv6Address(value[9:25]), value[8], preferred, valid, now)
            elif code == IA_ADDRESS and kind == IA_NA and len(value) >= 24:
                preferred, valid = struct.unpack_from("!II", value, 16)
                self.add(ipaddress.IPv6Address(value[:16]), 128, preferred, valid, now)

    def add(self, address, length, preferred, valid, now):
        if preferred <= valid:
            self.leases.append(Lease(self.iaid, address, length, preferred, valid, now, self.t1, self.t2))


class ReconfigureKey:
    """RFC 8415 section 20.4: the key that came with a Reply authenticates Reconfigures, each newer than the last."""

    HEAD = b"\3\1"  # protocol RKAP, algorithm HMAC-MD5
    KEY, DIGEST = 1, 2  # types
    LENGTH = 28

    def __init__(self):
        self.key, self.replay = bytes(16), None

    def learn(self, reply):
        value = reply.first(AUTH)
        if value and len(value) == self.LENGTH and value[:2] == self.HEAD and value[11] == self.KEY:
            self.key = value[12:]

    def proves(self, data):
        """Whether this whole message was signed with the key; data: its octets."""
        values = [value for code, value in read_options(data[4:]) if code == AUTH]
        if len(values) != 1 or len(values[0]) != self.LENGTH:
            return False
        value = values[0]
        replay = int.from_bytes(value[3:11], "big")
        if value[:2] != self.HEAD or value[11] != self.DIGEST:
            return False
        if self.replay is not None and replay <= self.replay:
            return False
        unsigned = data.replace(value, value[:12] + bytes(16), 1)
        if not hmac.compare_digest(hmac.new(self.key, unsigned, hashlib.md5).digest(), value[12:]):
            return False
        self.replay = replay
        return True


class Message:
    """A received message: its options in order, identity associations read."""

    def __init__(self, data, now):
        if len(data) < 4:
            raise Malformed("header")
        self.kind, self.transaction = data[0], data[1:4]
        self.options = read_options(data[4:])
        self.associations = [
            IdentityAssociation(code, value, now) for code, value in self.options if code in (IA_NA, IA_PD)
        ]

    def first(self, code):
        return next((value for known, value in self.options if known == code), None)

    def status(self):
        value = self.first(STATUS)
        return struct.unpack_from("!H", value)[0] if value and len(value) >= 2 else 0
