# SPDX-License-Identifier: Apache-2.0
"""Questions to the network that change nothing: RFC 4861 (router), RFC 8415 (DHCPv6), RFC 792 (echo), RFC 1035 (DNS).

Raw sockets get copies, so that odhcp6c, which asks the same, loses nothing. OSError: the question could not be sent.
"""

import os
import socket
import time

from softwire import inform
from softwire.address import format_ipv6, parse_ipv4
from softwire.dhcpv6 import (
    DNS_SERVERS,
    VENDOR_CLASS,
    VENDOR_OPTS,
    read_options,
    write_option,
    write_vendor_class,
)
from softwire.endpoint import packed as _address
from softwire.endpoint import sender as _sender
from softwire.inform import IPPROTO_IPV6, IPV6_CHECKSUM, REPLY, SO_BINDTODEVICE, UDP
from softwire.ntt import ENTERPRISE
from softwire.state import uptime
from softwire.wire import Reader, WireError

# Linux' numbers on every machine of OpenWrt's; MicroPython has no names for them.
IPPROTO_IP, IP_TTL, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE = 0, 2, 10, 3
IPV6_MULTICAST_HOPS = 18
ICMP, ICMPV6 = 1, 58
EAGAIN, EMSGSIZE, EADDRNOTAVAIL, ECONNREFUSED = 11, 90, 99, 111

# Seconds of duplicate address detection (RFC 4862 section 5.4): NTT's routers advertise a RetransTimer of 10 s.
DAD_LONGEST = 12

SOLICIT, ADVERTISE, IA_PD = 1, 2, 25
# RFC 7598 section 5: MAP-E, MAP-T, lightweight 4over6.
S46 = 94, 95, 96
INFORMATION_REQUEST = inform.INFORMATION_REQUEST


def _open(family, kind, protocol, device):
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, device.encode() + b"\0")
    return sock


def _ask(sock, send, accept, tries, pause):
    """Sends up to `tries` times, `pause` seconds apart, until accept(octets, sender) is not None; closes the socket."""
    latest = uptime() + DAD_LONGEST
    try:
        while tries:
            try:
                send()
            except OSError as error:
                if error.errno == ECONNREFUSED:  # told for the datagram before
                    return "refused"
                if error.errno != EADDRNOTAVAIL or uptime() > latest:
                    raise
                time.sleep(0.5)  # a device that just came up has its link-local address soon
                continue
            tries -= 1
            end = uptime() + pause
            left = pause
            while left > 0:
                sock.settimeout(left)
                try:
                    found = accept(*sock.recvfrom(4096))
                    if found is not None:
                        return found
                except OSError as error:
                    if error.errno == ECONNREFUSED:
                        return "refused"
                    if error.errno in (None, EAGAIN):  # CPython's timeout has no number
                        break
                except WireError:
                    pass  # not for us, or broken: wait on
                left = end - uptime()
        return None
    finally:
        sock.close()


class RouterAdvertisement:
    """RFC 4861 section 4.2: source, flags managed and other, lifetime in s, mtu or None, prefixes (integer, length)."""

    def __init__(self, data, source):
        reader = Reader(data)
        if reader.number(1, "type") != 134:
            raise WireError("no router advertisement")
        self.source = source
        reader.take(4, "code, checksum, hop limit")
        flags = reader.number(1, "flags")
        self.managed, self.other = bool(flags & 0x80), bool(flags & 0x40)
        self.lifetime = reader.number(2, "router lifetime")
        reader.take(8, "timers")
        self.mtu = None
        self.prefixes = []
        while reader.left():
            kind, length = reader.number(1, "option type"), reader.number(1, "option length")
            option = Reader(reader.take(8 * length - 2, "option"))
            if kind == 5:
                option.take(2, "reserved")
                self.mtu = option.number(4, "MTU")
            elif kind == 3:
                length = option.number(1, "prefix length")
                option.take(13, "flags and lifetimes")
                self.prefixes.append((option.number(16, "prefix"), length))


def solicit_router(device, tries=3, pause=2):
    """A RouterAdvertisement that came after a router solicitation, or None. A router may take 3 s between two."""
    sock = _open(socket.AF_INET6, socket.SOCK_RAW, ICMPV6, device)
    sock.setsockopt(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255)
    everyone = _address(socket.AF_INET6, "ff02::2%" + device)
    return _ask(
        sock,
        lambda: sock.sendto(b"\x85" + bytes(7), everyone),
        lambda data, peer: RouterAdvertisement(data, _sender(peer)),
        tries,
        pause,
    )


def ask_dhcpv6(device, mac, kind, tries=3, pause=1.5):
    """The options of the answer to a SOLICIT or INFORMATION_REQUEST with a DUID-LL made from `mac`, or None.

    Nobody's lease changes: a Solicit without Rapid Commit is answered by an offer.
    """
    transaction = os.urandom(3)
    more = write_option(VENDOR_CLASS, write_vendor_class(ENTERPRISE, [mac]))
    if kind == SOLICIT:
        more += write_option(IA_PD, b"\0\0\0\1" + bytes(8))
    datagram = inform.write_question(kind, transaction, mac, (VENDOR_OPTS, DNS_SERVERS) + S46, more)
    sock = _open(socket.AF_INET6, socket.SOCK_RAW, UDP, device)
    sock.setsockopt(IPPROTO_IPV6, IPV6_CHECKSUM, 6)
    servers = _address(socket.AF_INET6, "ff02::1:2%" + device)

    wanted = ADVERTISE if kind == SOLICIT else REPLY
    return _ask(
        sock,
        lambda: sock.sendto(datagram, servers),
        lambda data, peer: inform.read_answer(data, wanted, transaction),
        tries,
        pause,
    )


def offered_prefixes(options):
    """Prefix texts of the IA_PD options of an Advertise (RFC 8415 sections 21.21, 21.22); one of 0 s is taken back."""
    found = []
    for code, value in options:
        try:
            inner = read_options(value[12:]) if code == IA_PD else []
            for kind, octets in inner:
                reader = Reader(octets)
                if kind == 26 and reader.number(8, "lifetimes") >> 32:
                    length = reader.number(1, "prefix length")
                    found.append("{}/{}".format(format_ipv6(reader.number(16, "prefix")), length))
        except WireError:
            pass
    return found


def unreachable(source, host, port):
    """Why no datagram can leave for this host from this address: None, "name", or the error's number."""
    try:
        address = _address(socket.AF_INET6, host, port)
    except OSError:
        return "name"
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        sock.bind(_address(socket.AF_INET6, source))
        sock.connect(address)
    except OSError as error:
        return error.errno
    finally:
        sock.close()
    return None


def _checksum(data):
    total = 0
    for at in range(0, len(data) - 1, 2):
        total += data[at] << 8 | data[at + 1]
    if len(data) % 2:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def echo(device, source, host, size=64, ttl=64, tries=2, pause=1):
    """Who answers an ICMP echo request that is an IPv4 packet of `size` octets and must not be fragmented.

    "reply from …", "time exceeded from …", "unreachable from …" (RFC 792), "too big" for the device, or None.
    """
    key = os.urandom(4)  # identifier and sequence number
    payload = bytes(size - 28)
    request = b"\x08\0" + _checksum(b"\x08\0\0\0" + key + payload).to_bytes(2, "big") + key + payload
    sock = _open(socket.AF_INET, socket.SOCK_RAW, ICMP, device)
    sock.setsockopt(IPPROTO_IP, IP_TTL, ttl)
    sock.setsockopt(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
    sock.bind(_address(socket.AF_INET, source))
    target = _address(socket.AF_INET, host)

    def accept(data, peer):
        reader = Reader(data)
        reader.take((reader.number(1, "version and length") & 15) * 4 - 1, "IPv4 header")
        kind = reader.number(1, "type")
        reader.take(3, "code and checksum")
        if kind in (3, 11):  # holds the head of our packet
            reader.take(4, "rest of the header")
            reader.take((reader.number(1, "version and length") & 15) * 4 - 1, "inner header")
            reader.take(4, "inner type")
        word = {0: "reply", 3: "unreachable", 11: "time exceeded"}.get(kind)
        return "{} from {}".format(word, _sender(peer)) if word and reader.take(4, "key") == key else None

    try:
        return _ask(sock, lambda: sock.sendto(request, target), accept, tries, pause)
    except OSError as error:
        if error.errno == EMSGSIZE:
            return "too big"
        raise


def ask_resolver(device, source, host, tries=2, pause=1.5):
    """What a DNS server does with the question for the root's name servers: "answers", "refused", or None."""
    sock = _open(socket.AF_INET, socket.SOCK_DGRAM, 0, device)
    key = os.urandom(2)
    try:
        sock.bind(_address(socket.AF_INET, source))
        sock.connect(_address(socket.AF_INET, host, 53))
    except OSError:
        sock.close()
        raise
    question = key + b"\1\0\0\1" + bytes(6) + b"\0\0\2\0\1"
    return _ask(
        sock,
        lambda: sock.send(question),
        lambda data, peer: "answers" if data[:2] == key and data[2:3] >= b"\x80" else None,
        tries,
        pause,
    )


def is_ipv4(text):
    """Whether this is an IPv4 address."""
    try:
        return parse_ipv4(text) >= 0
    except ValueError:
        return False
