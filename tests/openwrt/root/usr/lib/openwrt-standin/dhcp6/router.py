# SPDX-License-Identifier: Apache-2.0
"""Router discovery: solicitations out, advertisements in, what they said with lifetimes (RFC 4861, 8106,
4191)."""

import ipaddress
import socket
import struct

ALL_ROUTERS = "ff02::2"
SOLICITATION, ADVERTISEMENT = 133, 134
ICMP6_FILTER = 1
SO_BINDTODEVICE = 25
IPV6_RECVHOPLIMIT, IPV6_HOPLIMIT = 51, 52
INTERVAL, ATTEMPTS = 4, 3
METRICS = {0: 512, 1: 384, 3: 640}
ONLINK_METRIC = 256


class Entry:
    """A route, address or server of an advertisement."""

    def __init__(self, address, length, router, valid, preferred, metric):
        self.address, self.length, self.router = address, length, router
        self.valid, self.preferred, self.metric, self.since = valid, preferred, metric, 0

    @property
    def key(self):
        return (self.address, self.length, self.router)

    def left(self, seconds, now):
        return seconds if seconds == 0xFFFFFFFF else max(0, int(seconds - (now - self.since)))


class Router:
    """Calls changed() when an advertisement brought something new."""

    def __init__(self, loop, options, log, clock, changed):
        self.loop, self.options, self.log, self.clock, self.changed = loop, options, log, clock, changed
        self.routes, self.addresses, self.servers, self.search = {}, {}, {}, {}
        self.hop_limit = self.mtu = self.reachable = self.retransmit = 0
        self.managed = False
        self.attempts = 0
        self.complained = False
        self.timer = None
        self.link_local = None
        self.index = socket.if_nametoindex(options.device)
        self.socket = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, options.device.encode())
        accept = bytearray(b"\xff" * 32)
        accept[ADVERTISEMENT >> 3 & ~3 : (ADVERTISEMENT >> 3 & ~3) + 4] = struct.pack(
            "=I", 0xFFFFFFFF & ~(1 << (ADVERTISEMENT & 31))
        )
        self.socket.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, bytes(accept))
        for name, value in (
            (socket.IPV6_MULTICAST_HOPS, 255),
            (socket.IPV6_UNICAST_HOPS, 255),
            (IPV6_RECVHOPLIMIT, 1),
        ):
            self.socket.setsockopt(socket.IPPROTO_IPV6, name, value)
        self.socket.setblocking(False)
        loop.on_readable(self.socket.fileno(), self.receive)

    def solicit(self):
        mac = link_address(self.options.device)
        # every other one without the link-layer address, as odhcp6c does
        source = b"\x01\x01" + mac if self.attempts % 2 == 0 and any(mac) else b""
        try:
            self.socket.sendto(
                struct.pack("!BBHI", SOLICITATION, 0, 0, 0) + source, (ALL_ROUTERS, 0, 0, self.index)
            )
        except OSError as problem:
            self.log(f"Failed to send RS ({problem.strerror})")
        self.attempts += 1
        if self.attempts <= ATTEMPTS:
            self.timer = self.loop.after(INTERVAL, self.solicit)

    def own_address(self):
        """The link-local address whose interface identifier our addresses get."""
        if self.link_local is None:
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
                try:
                    probe.connect((ALL_ROUTERS, 9, 0, self.index))
                    self.link_local = int(ipaddress.IPv6Address(probe.getsockname()[0].split("%")[0]))
                except OSError as problem:
                    if not self.complained:
                        self.complained = True
                        self.log(f"{self.options.device}: error connecting LLA socket ({problem.strerror})")
                    return None
        return self.link_local

    def receive(self):
        news = fresh_prefix = heard = False
        while True:
            try:
                data, control, _, peer = self.socket.recvmsg(2048, 256)
            except OSError:
                break
            hops = next(
                (
                    struct.unpack("=i", value)[0]
                    for level, kind, value in control
                    if level == socket.IPPROTO_IPV6 and kind == IPV6_HOPLIMIT
                ),
                0,
            )
            source = ipaddress.IPv6Address(peer[0].split("%")[0])
            if (
                hops != 255
                or not source.is_link_local
                or len(data) < 16
                or data[0] != ADVERTISEMENT
                or data[1]
            ):
                continue
            if self.own_address() is None:
                continue
            before = len(self.addresses)
            heard = True
            news = self.advertisement(data, source) or news
            fresh_prefix = fresh_prefix or len(self.addresses) != before
        if heard:
            self.changed(news, fresh_prefix and self.managed)
            self.expire()

    def advertisement(self, data, source):
        hop_limit, flags, lifetime, reachable, retransmit = struct.unpack_from("!BBHII", data, 4)
        if lifetime and self.timer:
            self.timer.cancel()
            self.attempts = 0
        self.managed = bool(flags & 0xC0)
        metric = METRICS.get(flags >> 3 & 3, 512)
        changed = self.put(
            self.routes, Entry(ipaddress.IPv6Address(0), 0, source, lifetime, lifetime, metric)
        )
        changed |= self.value("hop_limit", hop_limit) | self.value(
            "reachable", reachable if reachable <= 3600000 else 0
        )
        changed |= self.value("retransmit", retransmit if retransmit <= 60000 else 0)
        at = 16
        while at + 8 <= len(data):
            length = data[at + 1] * 8
            if not length or at + length > len(data):
                break
            changed |= self.option(data[at], data[at : at + length], source)
            at += length
        return changed

    def value(self, name, new):
        """A parameter of the link; 0 means that this router doesn't say."""
        if not new or getattr(self, name) == new:
            return False
        setattr(self, name, new)
        return True

    def option(self, kind, data, source):
        if kind == 5 and len(data) == 8:
            mtu = struct.unpack_from("!I", data, 4)[0]
            return self.value("mtu", mtu if 1280 <= mtu <= 65535 else 0)
        if kind == 3 and len(data) == 32:
            return self.prefix(data)
        if kind == 24 and len(data) <= 24 and data[2] <= 128:
            lifetime = struct.unpack_from("!I", data, 4)[0]
            target = ipaddress.IPv6Address(data[8:].ljust(16, b"\0"))
            metric = METRICS.get(data[3] >> 3 & 3)
            if metric is None or target.is_link_local or target.is_multicast or target.is_loopback:
                return False
            return self.put(self.routes, Entry(target, data[2], source, lifetime, lifetime, metric))
        if kind == 25 and len(data) >= 24:
            lifetime = struct.unpack_from("!I", data, 4)[0]
            changed = False
            for at in range(8, len(data) - 15, 16):
                entry = Entry(ipaddress.IPv6Address(data[at : at + 16]), 128, source, lifetime, 0, 0)
                changed |= self.put(self.servers, entry)
            return changed
        return False

    def prefix(self, data):
        length, flags = data[2], data[3]
        valid, preferred = struct.unpack_from("!II", data, 4)
        target = ipaddress.IPv6Address(data[16:32])
        if (
            length > 128
            or target.is_link_local
            or target.is_multicast
            or target.is_loopback
            or valid < preferred
        ):
            return False
        changed = False
        if flags & 0x80:
            changed |= self.put(self.routes, Entry(target, length, None, valid, preferred, ONLINK_METRIC))
        if flags & 0x40 and length == 64:
            host = self.options.interface_id or self.own_address() & (1 << 64) - 1
            own = ipaddress.IPv6Address(int(target) >> 64 << 64 | host)
            changed |= self.put(self.addresses, Entry(own, 64, None, valid, preferred, ONLINK_METRIC))
        return changed

    def put(self, table, new):
        """True for news; the same with a little more lifetime than what is left of it is none."""
        old, now, holdoff = table.get(new.key), self.clock(), self.options.ra_holdoff
        new.since = now
        if old and holdoff:
            gained = [
                later - old.left(earlier, now)
                for later, earlier in ((new.valid, old.valid), (new.preferred, old.preferred))
            ]
            if all(0 <= gain < holdoff for gain in gained):
                return False
        table[new.key] = new
        return True

    def expire(self):
        now = self.clock()
        for table in (self.routes, self.addresses, self.servers):
            for key in [key for key, entry in table.items() if not entry.left(entry.valid, now)]:
                del table[key]


def link_address(device):
    with open(f"/sys/class/net/{device}/address", encoding="ascii") as file:
        return bytes.fromhex(file.read().strip().replace(":", ""))
