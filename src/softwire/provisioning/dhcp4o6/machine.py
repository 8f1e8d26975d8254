# SPDX-License-Identifier: Apache-2.0
"""The client's states (RFC 2131 section 4.4), without sockets; RFC 7618 and RFC 8539 add ports and source address.

DHCPDECLINE is never sent: a shared address is nobody's to probe (RFC 7618 section 7).
"""

import os
import random

from softwire import dhcpv4message
from softwire.provisioning.dhcp4o6 import lease as wire

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE = range(1, 8)

# RFC 2131 section 3.2: where nobody answers INIT-REBOOT, the lease goes on for the rest of its time, unless a reboot
# has taken that (doubt). A probe looks at an offer and does not take it. RFC 8539 section 7.5: other, stubborn.
TABLE = """
state       event    next       what is done
INIT        begin    SELECTING  discover
SELECTING   again    SELECTING  discover
SELECTING   offer    REQUESTING request
SELECTING   silence  INIT       forget
REQUESTING  again    REQUESTING repeat
REQUESTING  ack      BOUND      bind
REQUESTING  nak      INIT       forget
REQUESTING  other    REQUESTING pause
REQUESTING  stubborn INIT       release
REQUESTING  silence  INIT       forget
INIT        probe    PROBING    discover
PROBING     again    PROBING    discover
PROBING     offer    OFFERED    rest
PROBING     silence  INIT       forget
INIT-REBOOT begin    REBOOTING  verify
REBOOTING   again    REBOOTING  repeat
REBOOTING   ack      BOUND      bind
REBOOTING   nak      INIT       forget
REBOOTING   other    REBOOTING  pause
REBOOTING   stubborn INIT       release
REBOOTING   silence  BOUND      rest
REBOOTING   doubt    INIT       forget
REBOOTING   expired  INIT       forget
BOUND       t1       RENEWING   renew
BOUND       asked    RENEWING   renew
BOUND       moved    REBINDING  renew
BOUND       expired  INIT       forget
BOUND       release  INIT       release
RENEWING    again    RENEWING   renew
RENEWING    asked    RENEWING   renew
RENEWING    moved    REBINDING  renew
RENEWING    ack      BOUND      bind
RENEWING    nak      INIT       forget
RENEWING    other    RENEWING   pause
RENEWING    stubborn INIT       release
RENEWING    t2       REBINDING  renew
RENEWING    expired  INIT       forget
RENEWING    release  INIT       release
REBINDING   again    REBINDING  renew
REBINDING   asked    REBINDING  renew
REBINDING   moved    REBINDING  renew
REBINDING   ack      BOUND      bind
REBINDING   nak      INIT       forget
REBINDING   other    REBINDING  pause
REBINDING   stubborn INIT       release
REBINDING   expired  INIT       forget
REBINDING   release  INIT       release
"""
# (state, event): (next state, what is done)
TRANSITIONS = {tuple(row.split()[:2]): row.split()[2:] for row in TABLE.split("\n")[2:-1]}
HELD = ("BOUND", "RENEWING", "REBINDING")
OFFERS_WANTED = ("SELECTING", "PROBING")
# Those in which only the server that gave the lease may answer.
BOUND_TO_ONE = ("REQUESTING", "RENEWING")

NEVER = float("inf")
# RFC 2131 section 4.1: seconds, each a second more or less; and how many of a kind before something else is tried.
PAUSES = (4, 8, 16, 32, 64)
TRIES = {"SELECTING": 4, "REQUESTING": 4, "REBOOTING": 2, "PROBING": 2}
# RFC 2131 section 4.4.5, and RFC 8539 section 7.5
PATIENCE, MOST_PATIENCE = 60, 3600
# Seconds in which a whole address may be offered after a shared one (RFC 7618 section 5).
OFFERS = 1
# Asked for: 121 before 3 (RFC 3442). Octets of an answer, IPv4's and UDP's headers counted (RFC 2132 section 9.10).
WANTED = bytes([wire.ROUTES, wire.ROUTER, wire.DNS, wire.MTU, wire.T1, wire.T2, wire.PORTS])
LARGEST = (1400).to_bytes(2, "big")


class Machine:
    """One lease.

    send(message, unicast): puts it on the way; unicast: whether IPv4 would send it to one server.
    judge(response, lease): why an offer is of no use, or None; sets `source` where RFC 8539 counts.
    client_id, hardware: octets, set before the first event.
    """

    def __init__(self, send, judge, clock, uniform=random.uniform):
        self.send = send
        self.judge = judge
        self.clock = clock
        self.uniform = uniform
        self.client_id = b""  # option 61
        self.hardware = b""
        self.state = "INIT"
        self.lease: wire.Lease  # the one that is held, or was offered, or None
        self.began: float = NEVER  # when the exchange began; one in vain goes on with the next
        self.ended = ""  # the event that led back to INIT
        self.text = ""  # what a server said with its NAK
        self.forget()

    def forget(self):
        """As new."""
        self.lease = None  # type: ignore[assignment]
        self.source = 0  # what option 109 says, if it does
        self.xid = 0  # of the exchange under way
        self.kind = DISCOVER
        self.tries = self.others = self.secs = 0
        self.t1 = self.t2 = self.end = self.due = NEVER
        self.sent = 0.0  # when the lease was asked for
        self.sure = True  # whether the lease's times are known
        self.options: list = []  # of the DHCPREQUEST under way
        self.failure = 0  # the number of the error with which it could not be sent

    def event(self, name):
        """Takes a row of TRANSITIONS; whether there is one."""
        row = TRANSITIONS.get((self.state, name))
        if row is None:
            return False
        self.state = row[0]
        self.ended = name if row[0] == "INIT" else ""
        getattr(self, row[1])()
        return True

    def recall(self, lease, source, since):
        """A lease from before a restart; since: when it was asked for, None if nobody knows."""
        self.lease, self.source = lease, source
        self.sure = since is not None
        if self.sure:
            self.start(since)
        if self.clock() < self.end:
            self.state = "INIT-REBOOT"
        else:
            self.forget()

    # What time brings

    def tick(self):
        """Does what is due."""
        now = self.clock()
        if now >= self.end:
            self.event("expired")
        elif now >= self.t2 and self.event("t2") or now >= self.t1 and self.event("t1"):
            pass
        elif now >= self.due:
            if self.state in OFFERS_WANTED and self.lease:
                self.event("offer")
            elif self.tries < TRIES.get(self.state, NEVER):
                self.event("again")
            else:
                self.event("silence" if self.sure else "doubt")

    def next(self):
        """When tick() has something to do."""
        times = {"BOUND": self.t1, "RENEWING": min(self.t2, self.due)}
        return min(times.get(self.state, self.due), self.end)

    # What comes

    def received(self, response):
        """Takes a response of transport's; None, or why it was ignored: "" where it is another exchange's."""
        message = response.message
        if message.op != dhcpv4message.BOOTREPLY or not self.xid or message.xid != self.xid:
            return ""
        # RFC 6842
        if message.option(wire.CLIENT) not in (None, self.client_id):
            return "another client identifier"
        kind = message.option(wire.KIND)
        kind = kind[0] if kind and len(kind) == 1 else 0
        if kind == NAK:
            return self._refused(message)
        if kind != (OFFER if self.state in OFFERS_WANTED else ACK):
            return "message type {} in state {}".format(kind, self.state)
        try:
            lease = wire.Lease(message)
        except (ValueError, wire.WireError) as error:
            return str(error)
        if kind == OFFER:
            return self._offered(response, lease)
        return self._granted(lease)

    def _from_another(self, server):
        return self.state in BOUND_TO_ONE and server != self.lease.server

    def _refused(self, message):
        server = message.option(wire.SERVER)
        if server is None:
            return "a refusal without server identifier"
        if self.lease and self._from_another(int.from_bytes(server, "big")):
            return "another server"
        text = message.option(wire.TEXT) or b""
        if not self.event("nak"):
            return "a refusal in state " + self.state
        self.text = "".join([chr(octet) if 32 <= octet < 127 else "?" for octet in text[:128]])
        return None

    def _offered(self, response, lease):
        # The whole address is the better one; of two alike the first.
        if self.lease and lease.ports:
            return None
        reason = self.judge(response, lease)
        if reason is None:
            self.lease = lease
            if lease.ports and response.several:
                self.due = min(self.due, self.clock() + OFFERS)
            else:
                self.event("offer")
        return reason

    def _granted(self, lease):
        if self._from_another(lease.server):
            return "another server"
        if lease.key() != self.lease.key():
            return "another address or port set"
        if self.source and lease.source != self.source:
            self.others += 1
            self.event("other" if self.others == 1 else "stubborn")
            return "option 109 is not our source address"
        self.lease, self.sure = lease, True
        self.event("ack")
        return None

    # What is done

    def discover(self):
        """The same again is the same exchange."""
        self._begin()
        self._send(DISCOVER, [])
        self._wait()

    def request(self):
        """Takes the offer: with the secs of the DHCPDISCOVER (section 4.4.1)."""
        lease = self.lease
        self.tries = 0
        self.options = [(wire.ADDRESS, _octets(lease.address)), (wire.SERVER, _octets(lease.server))]
        self.repeat()

    def verify(self):
        """Asks for the address that is remembered."""
        self.options = [(wire.ADDRESS, _octets(self.lease.address))]
        self.repeat()

    def repeat(self):
        """The same DHCPREQUEST."""
        if self.state == "REBOOTING":
            self._begin()
        self._send(REQUEST, self.options + self._identity())
        self._wait()

    def renew(self):
        """To one server while RENEWING; half of the time that is left, until the next try."""
        self._begin()
        self._send(REQUEST, self._identity(), self.lease.address, self.state == "RENEWING")
        now = self.clock()
        end = self.t2 if self.state == "RENEWING" else self.end
        self.due = now + (MOST_PATIENCE if end == NEVER else max(PATIENCE, (end - now) / 2))

    def pause(self):
        """RFC 8539 section 7.5: the server has bound another source address, and may learn ours not yet."""
        self.due = self.clock() + PATIENCE + self.uniform(0, 4)
        self.tries = 0

    def bind(self):
        """From now on it is held; its time counts from the request on."""
        self.start(self.sent)
        self.rest()

    def rest(self):
        """Nothing is asked until T1."""
        self.xid, self.began = 0, NEVER
        self.others = 0
        self.due = NEVER

    def start(self, since):
        """The lease's times; since: when it was asked for."""
        lease = self.lease
        self.t1 = self.t2 = self.end = NEVER
        if lease.time is not None:
            # Not all clients at once.
            self.t1 = since + lease.t1 * self.uniform(0.98, 1)
            self.t2, self.end = since + lease.t2, since + lease.time

    def release(self):
        """There is no answer to it."""
        self.xid, self.began = 0, NEVER
        self._begin()
        options = [(wire.SERVER, _octets(self.lease.server))] + self._ports()
        try:
            self._send(RELEASE, options, self.lease.address, True)
        finally:
            self.began = NEVER
            self.forget()

    def _begin(self):
        # Goes on where an exchange is under way.
        if not self.xid:
            self.xid = int.from_bytes(os.urandom(4), "big") or 1
            self.tries = 0
        if self.began == NEVER:
            self.began = self.clock()
        self.secs = min(int(self.clock() - self.began), 0xFFFF)

    def _wait(self):
        self.due = self.clock() + PAUSES[min(self.tries, len(PAUSES)) - 1] + self.uniform(-1, 1)

    def _ports(self):
        ports = self.lease.ports
        return [(wire.PORTS, wire.write_ports(ports))] if ports else []

    def _identity(self):
        """What makes it this lease, and stays with it."""
        source = self.source
        return self._ports() + ([(wire.SOURCE, source.to_bytes(16, "big"))] if source else [])

    def _send(self, kind, options, ciaddr=0, unicast=False):
        message = dhcpv4message.Message([(wire.KIND, bytes([kind])), (wire.CLIENT, self.client_id)] + options)
        if kind != RELEASE:
            message.options += [(wire.ASKED, WANTED), (wire.SIZE, LARGEST)]
        message.xid, message.secs, message.ciaddr = self.xid, self.secs, ciaddr
        message.chaddr = self.hardware
        self.kind = kind
        self.tries += 1
        if kind == REQUEST:
            self.sent = self.clock()
        try:
            self.send(message, unicast)
        except OSError as error:
            self.failure = error.errno or 0
            if kind == RELEASE:
                raise


def _octets(address):
    return address.to_bytes(4, "big")
