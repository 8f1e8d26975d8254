# SPDX-License-Identifier: Apache-2.0
"""The DHCPv6 client: solicit, request, bound, renew, rebind, information request, release (RFC 8415
section 18, odhcp6c's ways)."""

import os
import random
import socket
import struct
import time

from . import message as dhcp
from .message import (
    ADVERTISE,
    IA_NA,
    IA_PD,
    INFORMATION_REQUEST,
    REBIND,
    RECONFIGURE,
    RELEASE,
    RENEW,
    REPLY,
    REQUEST,
    SOLICIT,
    Malformed,
    Message,
    ReconfigureKey,
    option,
)
from .router import SO_BINDTODEVICE, link_address
from .script import SYNC_DELAY

SERVERS, CLIENT_PORT, SERVER_PORT = "ff02::1:2", 546, 547
INFINITE = 0xFFFFFFFF
# first timeout, largest timeout, duration (0: for ever), of each message; RFC 8415 section 7.6
RETRANSMISSION = {
    SOLICIT: (1, 120, 0),
    REQUEST: (1, 30, 60),
    RENEW: (10, 600, 0),
    REBIND: (10, 600, 0),
    INFORMATION_REQUEST: (1, 120, 0),
    RELEASE: (1, 0, 0),
}
NO_BINDING = 3
DEFAULT_REFRESH = 86400


class Client:
    def __init__(self, loop, options, log, script):
        self.loop, self.options, self.log, self.script = loop, options, log, script
        self.clock = time.monotonic
        self.bound = False
        self.stateless = options.addresses == "none" and options.prefix_mode == "none"
        self.prefixes, self.addresses = {}, {}
        self.reply_options = []
        self.server_id = self.server_address = None
        self.offers = []
        self.accepts_reconfigure, self.key = False, ReconfigureKey()
        self.timers = []
        self.socket = None
        self.exchange = None
        self.client_id = options.client_id or b"\x00\x03\x00\x01" + link_address(options.device)

    # one exchange: a message, sent again until it is answered

    def open(self):
        if self.socket:
            return
        index = socket.if_nametoindex(self.options.device)
        self.socket = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, self.options.device.encode())
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, self.options.priority)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, self.options.dscp << 2)
        self.socket.bind(("::", CLIENT_PORT))
        self.socket.setblocking(False)
        self.destination = (SERVERS, SERVER_PORT, 0, index)
        self.loop.on_readable(self.socket.fileno(), self.receive)

    def close(self):
        if self.socket:
            self.loop.forget(self.socket.fileno())
            self.socket.close()
            self.socket = None

    def start(self):
        self.open()
        self.log(f"(re)starting transaction on {self.options.device}")
        self.server_id = self.server_address = None
        self.prefixes, self.addresses, self.offers = {}, {}, []
        # RFC 8415 18.2.1: all of a street's routers shall not ask at the same moment after a power cut
        self.later(random.random(), lambda: self.begin(INFORMATION_REQUEST if self.stateless else SOLICIT))

    def later(self, seconds, call):
        timer = self.loop.after(seconds, call)
        self.timers = [known for known in self.timers if known.pending] + [timer]
        return timer

    def cancel_timers(self):
        for timer in self.timers:
            timer.cancel()
        self.timers = []

    def begin(self, kind, limit=0, failed=None):
        """A new exchange; `failed` when it goes unanswered for `limit` seconds."""
        self.cancel_timers()
        first, largest, duration = RETRANSMISSION[kind]
        if kind == SOLICIT:
            largest = self.options.solicit_max
        self.exchange = {
            "kind": kind,
            "transaction": os.urandom(3),
            "since": self.clock(),
            "timeout": 0.0,
            "first": first,
            "largest": largest,
            "limit": limit or duration,
            "count": 0,
            "failed": failed or self.restart,
        }
        self.transmit()

    def transmit(self):
        exchange = self.exchange
        elapsed = self.clock() - exchange["since"]
        if exchange["kind"] == SOLICIT and self.offers:
            self.choose()
            return
        if exchange["limit"] and elapsed >= exchange["limit"]:
            exchange["failed"]()
            return
        self.send(exchange["kind"], exchange["transaction"], int(elapsed * 100))
        exchange["count"] += 1
        jitter = random.uniform(-0.1, 0.1)
        if not exchange["timeout"]:
            jitter = abs(jitter) if exchange["kind"] == SOLICIT else jitter
            timeout = exchange["first"] * (1 + jitter)
        else:
            timeout = exchange["timeout"] * (2 + jitter)
        if exchange["largest"] and timeout > exchange["largest"]:
            timeout = exchange["largest"] * (1 + jitter)
        exchange["timeout"] = timeout
        if exchange["limit"]:
            timeout = min(timeout, max(0.0, exchange["limit"] - elapsed))
        self.later(timeout, self.transmit)

    def send(self, kind, transaction, elapsed):
        requested = list(self.options.requested)
        if not self.options.strict:
            requested += dhcp.USUAL_REQUEST
        requested += dhcp.REQUIRED_REQUEST
        if kind == INFORMATION_REQUEST:
            requested.append(dhcp.REFRESH)
        packet = bytes([kind]) + transaction
        packet += option(dhcp.ELAPSED, min(elapsed, 0xFFFF).to_bytes(2, "big"))
        if kind != RELEASE:
            packet += option(dhcp.ORO, b"".join(struct.pack("!H", code) for code in dict.fromkeys(requested)))
        packet += option(dhcp.CLIENT_ID, self.client_id)
        # Known in a Rebind, too, where a Reconfigure asks for it: against RFC 8415 section 16.7, as odhcp6c does.
        if self.server_id and kind in (REQUEST, RENEW, REBIND, RELEASE):
            packet += option(dhcp.SERVER_ID, self.server_id)
        if kind != RELEASE:
            packet += b"".join(option(code, value) for code, value in self.options.extra.items())
            if self.options.accept_reconfigure:
                packet += option(dhcp.RECONFIGURE_ACCEPT, b"")
            if self.options.fqdn and kind != INFORMATION_REQUEST:
                packet += dhcp.encode_fqdn(os.uname().nodename)
        if kind != INFORMATION_REQUEST:
            packet += self.associations(kind)
        try:
            self.socket.sendto(packet, self.destination)
        except OSError as problem:
            self.log(f"Failed to send {dhcp.NAMES[kind]} message to {SERVERS} ({problem.strerror})")

    def associations(self, kind):
        packet = b""
        if self.options.addresses != "none":
            held = list(self.addresses.values())
            packet += dhcp.encode_leases(held, IA_NA, kind == REQUEST) or (
                option(IA_NA, struct.pack("!III", 1, 0, 0)) if kind in (SOLICIT, REQUEST) else b""
            )
        if self.options.prefix_mode != "none":
            held = list(self.prefixes.values())
            if kind == SOLICIT or (kind == REQUEST and not held):
                packet += dhcp.encode_wishes(self.options.prefixes)
            else:
                packet += dhcp.encode_leases(held, IA_PD, kind == REQUEST)
        return packet

    # answers, whatever UDP port they come from

    def receive(self):
        while True:
            try:
                data, peer = self.socket.recvfrom(65535)
            except OSError:
                return
            try:
                message = Message(data, self.clock())
            except Malformed:
                continue
            if self.exchange and self.fits(message):
                self.handle(message, peer[0].split("%")[0])
            elif message.kind == RECONFIGURE and self.may_reconfigure(message, data):
                self.reconfigured(message.first(dhcp.RECONF_MSG)[0])
            if not self.socket:
                return

    def fits(self, message):
        kind = self.exchange["kind"]
        if (
            message.kind != (ADVERTISE if kind == SOLICIT else REPLY)
            or message.transaction != self.exchange["transaction"]
        ):
            return False
        server = message.first(dhcp.SERVER_ID)
        if message.first(dhcp.CLIENT_ID) != self.client_id or not server or len(server) > 130:
            return False
        return kind not in (REQUEST, RENEW, RELEASE) or server == self.server_id

    def may_reconfigure(self, message, data):
        """While nothing is asked, from a server whose Advertise accepted it, signed with the key of its Reply."""
        kinds = [value for code, value in message.options if code == dhcp.RECONF_MSG]
        return (
            self.bound
            and not self.exchange
            and self.accepts_reconfigure
            and message.transaction == bytes(3)
            and message.first(dhcp.CLIENT_ID) == self.client_id
            and message.first(dhcp.SERVER_ID) == self.server_id
            and kinds in ([bytes([RENEW])], [bytes([REBIND])], [bytes([INFORMATION_REQUEST])])
            and self.key.proves(data)
        )

    def reconfigured(self, kind):
        """The Reply to what a Reconfigure asked for is told as `updated`, a Rebind's too."""
        self.log(f"Need to respond with {dhcp.NAMES[kind]} in reply to RECONFIGURE")
        self.begin(kind, failed=self.renew)
        self.exchange["reconfigured"] = True

    def handle(self, message, peer):
        kind = self.exchange["kind"]
        if kind == SOLICIT:
            self.advertised(message)
        elif kind == INFORMATION_REQUEST:
            self.informed(message, peer)
        elif kind in (REQUEST, RENEW, REBIND):
            self.replied(kind, message, peer)

    def advertised(self, message):
        leases = [lease for association in message.associations for lease in association.leases]
        prefix = next((lease for lease in leases if lease.length <= 64), None)
        address = any(lease.length == 128 for lease in leases)
        options = self.options
        if (
            (options.prefix_mode == "force" and not prefix)
            or (options.addresses == "force" and not address)
            or (options.stateful_only and not leases)
        ):
            return
        preference = message.first(dhcp.PREFERENCE) or b"\0"
        score = preference[0]
        if options.addresses != "none" and not address:
            score -= 1000
        if options.prefix_mode != "none":
            score += 2000 + 128 - prefix.length if prefix else -2000
        self.offers.append((score, message))
        # the first answer is not taken until the first timeout has passed, unless it says that it is the best
        if self.exchange["count"] > 1 or (preference[0] == 255 and score > 0):
            self.choose()

    def choose(self):
        score, message = max(self.offers, key=lambda offer: offer[0])
        self.offers.remove((score, message))
        self.server_id = message.first(dhcp.SERVER_ID)
        self.accepts_reconfigure, self.key = (
            message.first(dhcp.RECONFIGURE_ACCEPT) is not None,
            ReconfigureKey(),
        )
        self.prefixes, self.addresses = {}, {}
        self.keep(message)
        if score <= -2000 and not self.prefixes and not self.addresses:
            # nothing but other configuration on offer: try stateless, as odhcp6c's candidates without leases do
            self.begin(INFORMATION_REQUEST)
            return
        self.begin(REQUEST, failed=self.next_offer)

    def next_offer(self):
        if self.offers:
            self.choose()
        else:
            self.restart()

    def keep(self, message):
        """Takes over leases; True when some were there. A lease with lifetime 0 stays until it has been told."""
        some = False
        for association in message.associations:
            mode = self.options.prefix_mode if association.kind == IA_PD else self.options.addresses
            if mode == "none" or (association.status or 0) != 0:
                continue
            table = self.prefixes if association.kind == IA_PD else self.addresses
            for lease in association.leases:
                if lease.valid or lease.key in table:
                    table[lease.key] = lease
                    some = some or bool(lease.valid)
        return some

    def expire(self):
        now = self.clock()
        for table in (self.prefixes, self.addresses):
            for key in [key for key, lease in table.items() if not lease.left(lease.valid, now)]:
                del table[key]

    def replied(self, kind, message, peer):
        if message.status():
            return  # the wait goes on
        self.expire()
        if kind == REQUEST and not self.bound:
            self.prefixes, self.addresses = {}, {}
        lost = any(association.status == NO_BINDING for association in message.associations)
        if kind in (RENEW, REBIND) and lost:
            self.server_id = message.first(dhcp.SERVER_ID)
            self.begin(REQUEST)
            return
        if not self.keep(message):
            if kind == REQUEST:
                self.next_offer()
            return
        self.server_id = message.first(dhcp.SERVER_ID)
        self.server_address = peer
        self.reply_options = message.options
        self.key.learn(message)
        rebound = kind == REBIND and not self.exchange.get("reconfigured")
        was, self.bound, self.exchange = self.bound, True, None
        self.schedule()
        if not was:
            self.script.call("bound", SYNC_DELAY, resume=True)
            self.log(f"entering stateful-mode on {self.options.device}")
        elif rebound:
            self.script.call("rebound", resume=True)
        else:
            self.script.call("updated")

    def informed(self, message, peer):
        if message.associations:
            return
        self.server_address = peer
        self.reply_options = message.options
        was, self.bound, self.exchange = self.bound, True, None
        refresh = message.first(dhcp.REFRESH)
        seconds = int.from_bytes(refresh, "big") if refresh and len(refresh) == 4 else DEFAULT_REFRESH
        self.cancel_timers()
        self.later(max(600, seconds), lambda: self.begin(INFORMATION_REQUEST))
        if not was:
            self.log(f"entering stateless-mode on {self.options.device}")
        self.script.call("informed", 0 if was else SYNC_DELAY, resume=True)

    def schedule(self):
        """Renew at T1, rebind at T2, start anew when everything has run out."""
        self.cancel_timers()
        now = self.clock()
        alive = [
            lease for table in (self.prefixes, self.addresses) for lease in table.values() if lease.valid
        ]
        t1 = min((lease.t1 or lease.preferred // 2 for lease in alive), default=INFINITE)
        t2 = min((lease.t2 or lease.preferred * 8 // 10 for lease in alive), default=INFINITE)
        end = max((lease.left(lease.valid, now) for lease in alive), default=INFINITE)
        self.t2_at, self.end_at = now + t2, now + end
        if t1 < INFINITE:
            self.later(t1, self.renew)

    def told_to_renew(self):
        """SIGUSR1. It ends the wait for an answer to a Renew or Rebind.

        odhcp6c up to 24.10 sends one Rebind instead of the former, waits for no answer to that either, and loses all.
        Where a Reconfigure asked for the Rebind, it begins anew.
        """
        exchange = (self.bound and self.exchange) or {}
        kind = exchange.get("kind")
        if kind == RENEW:
            self.rebind()
        if kind == RENEW or (kind == REBIND and not exchange.get("reconfigured")):
            self.restart()
        else:
            self.renew()

    def renew(self):
        """T1, or SIGUSR1."""
        if not self.bound:
            return
        if self.stateless or not (self.prefixes or self.addresses):
            self.begin(INFORMATION_REQUEST)
            return
        self.begin(RENEW, max(1, self.t2_at - self.clock()), self.rebind)

    def rebind(self):
        self.server_id = self.server_address = None
        self.begin(REBIND, max(1, self.end_at - self.clock()))

    def unbind(self):
        self.cancel_timers()
        self.exchange = None
        if self.bound:
            self.bound = False
            self.script.call("unbound", resume=True)

    def restart(self):
        self.unbind()
        self.close()
        self.start()

    def release_and_restart(self):
        """SIGUSR2, and new prefixes of a router that has a DHCPv6 server: -k is no matter here, as in odhcp6c."""
        self.unbind()
        self.release()
        self.close()
        self.start()

    def release(self):
        if self.socket and self.server_id and (self.prefixes or self.addresses):
            self.send(RELEASE, os.urandom(3), 0)

    def stop(self):
        self.unbind()
        if self.options.release:
            self.release()
        self.close()
