# SPDX-License-Identifier: Apache-2.0
"""The client's side of an exchange: a request, sent as RFC 5080 section 2.2.1 says, and its reply."""

import select
import socket
from os import urandom

from .packet import AccessAccept, AccessChallenge, AccessReject, AuthPacket

try:
    from time import ticks_diff, ticks_ms  # type: ignore[attr-defined]
except ImportError:  # CPython
    from time import monotonic

    def ticks_ms():
        return int(monotonic() * 1000)

    def ticks_diff(end, start):
        return end - start


# MicroPython has no constants; the same on every architecture of OpenWrt.
_SO_BINDTODEVICE = 25
_EAGAIN = 11
# Of one socket: each request can bring back an ICMP error, more than that is a flood, or a broken socket.
_MAX_ERRORS = 99


class Timeout(Exception):
    """No server gave a valid reply."""


def _resolve(host, port, family):
    # As octets: CPython takes text through its codec idna, which wants a package besides OpenWrt's python3-light.
    return socket.getaddrinfo(host.encode(), port, family, socket.SOCK_DGRAM)


def _wait(sock, milliseconds):
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(milliseconds))


class Client:
    """Asks one server, or each of a list in turn, and believes only replies that prove the secret.

    server is a host, or (not in pyrad) a list of hosts; each gets a whole run of retransmissions. A run sends
    at most `retries` times (RFC 5080: MRC) and lasts at most `retries * timeout` seconds (MRD); the defaults
    are the RFC's 5 and 30, pyrad's 3 and 15. The time between doubles from IRT up to MRT, +- a tenth.

    Not in pyrad: `ignored` counts, by reason, the datagrams that were no reply ("malformed", "id", "code",
    "authenticator", "message-authenticator", "proxy-state") and the errors the network reported
    ("unreachable"); `device` binds to a network device; `reply.source` is the host that answered, `reply.tries`
    how often it was asked, `reply.copies` how often the reply came within `linger` seconds of the first.
    """

    IRT = 2
    MRT = 16
    device = ""
    linger = 0
    _source: tuple = ()
    # What a test, or a caller with other descriptors to watch, may replace. wait(socket, milliseconds) says
    # whether the socket is readable; what it raises, unless an OSError, ends the exchange.
    wait = staticmethod(_wait)
    ticks_ms = staticmethod(ticks_ms)
    ticks_diff = staticmethod(ticks_diff)
    random = staticmethod(urandom)

    def __init__(
        self, server, authport=1812, acctport=1813, coaport=3799,
        secret=b"", dict=None, retries=5, timeout=6, enforce_ma=False,
    ):  # fmt: skip
        self.server = server
        self.authport = authport
        self.acctport = acctport  # accounting and CoA are not covered; their ports are for pyrad's signature
        self.coaport = coaport
        self.secret = secret
        self.dict = dict
        self.retries = retries
        self.timeout = timeout
        self.enforce_ma = enforce_ma
        self.ignored = {}
        self.socket_factory = socket.socket

    def bind(self, addr):
        """Sends from addr, (host, port); OSError if this host does not have the address."""
        family, _, _, _, address = _resolve(addr[0], addr[1], 0)[0]
        self._source = ()
        sock = self._open(family)
        try:
            sock.bind(address)
        finally:
            sock.close()
        self._source = addr

    def CreateAuthPacket(self, **args):
        """A new AuthPacket, with a Message-Authenticator unless message_authenticator=False is given."""
        if "packet" not in args:
            args.setdefault("message_authenticator", True)
        return AuthPacket(secret=self.secret, dict=self.dict, **args)

    def SendPacket(self, pkt):
        """The reply to pkt, whatever its code. Timeout if no server answered, OSError if none could be asked.

        A host with several addresses is asked at each of them. A reply without attributes counts as False, as
        in pyrad: test reply.code.
        """
        raw = pkt.RequestPacket()
        timeout = failure = None
        for host in [self.server] if isinstance(self.server, str) else self.server:
            try:
                addresses = _resolve(host, self.authport, 0)
            except OSError as error:
                failure = error
                continue
            for family, _, _, _, address in addresses:
                try:
                    reply = self._exchange(family, address, pkt, raw)
                    if reply is not None:
                        reply.source = host
                        return reply
                    timeout = Timeout("no valid reply from %s" % host)
                except OSError as error:
                    failure = error
        raise timeout or failure or Timeout("no server to ask")

    def _open(self, family, peer=None):
        sock = self.socket_factory(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            if self.device:
                sock.setsockopt(socket.SOL_SOCKET, _SO_BINDTODEVICE, self.device.encode() + b"\0")
            if self._source:
                host, port = self._source
                sock.bind(_resolve(host, port, family)[0][-1])
            if peer:
                sock.connect(peer)  # from now on the kernel drops what comes from elsewhere
        except OSError:
            sock.close()
            raise
        return sock

    def _exchange(self, family, address, pkt, raw):
        limit = self.retries * self.timeout * 1000
        start = self.ticks_ms()
        elapsed = errors = 0
        rt = self.IRT * 1000.0
        sock = self._open(family, address)
        try:
            for attempt in range(self.retries):
                rand = (int.from_bytes(self.random(2), "big") - 32768) / 327680
                rt = (2 if attempt else 1) * rt + rand * rt
                if rt > self.MRT * 1000:
                    rt = self.MRT * 1000 * (1 + rand)
                until = min(elapsed + rt, limit)
                self._transmit(sock, raw)
                while elapsed < until:
                    if self.wait(sock, int(until - elapsed) + 1):
                        try:
                            reply = self._accept(pkt, sock.recv(4096))
                            if reply is not None:
                                reply.tries = attempt + 1
                                reply.copies = 1 + self._copies(pkt, sock)
                                return reply
                        except OSError as error:
                            # A server that is just starting refuses: no reason to give up. A datagram with a wrong
                            # checksum wakes us, too, and is gone.
                            if error.errno != _EAGAIN:
                                self._ignore("unreachable")
                                errors += 1
                    if errors > _MAX_ERRORS:
                        sock.close()
                        sock = None  # the next one may not be had
                        sock = self._open(family, address)
                        errors = 0
                    elapsed = self.ticks_diff(self.ticks_ms(), start)
                if elapsed >= limit:
                    break
        finally:
            if sock:
                sock.close()  # the next request gets another source port

    def _copies(self, pkt, sock):
        found = 0
        start = self.ticks_ms()
        while found < _MAX_ERRORS:
            left = self.linger * 1000 - self.ticks_diff(self.ticks_ms(), start)
            try:
                if left <= 0 or not self.wait(sock, left):
                    break
                found += self._accept(pkt, sock.recv(4096)) is not None
            except OSError:
                break
        return found

    def _transmit(self, sock, raw):
        for _ in range(2):  # an ICMP error for an earlier request is reported here, too, and nothing is sent
            try:
                sock.send(raw)
                return
            except OSError:
                self._ignore("unreachable")

    def _accept(self, pkt, data):
        why = pkt.WhyNotReply(data, self.enforce_ma)
        if why is None:
            if data[0] in (AccessAccept, AccessReject, AccessChallenge):
                return pkt.CreateReply(packet=data)
            why = "code"
        self._ignore(why)

    def _ignore(self, why):
        self.ignored[why] = self.ignored.get(why, 0) + 1
