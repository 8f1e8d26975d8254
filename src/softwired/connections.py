# SPDX-License-Identifier: Apache-2.0
"""TCP connections of strangers: so many at once, so long, so much that waits; with TLS where there is a context."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import typing

from softwired.loop import READ, WRITE, Loop, Timer

IPV6_FREEBIND = 78  # linux/in6.h
# Of one connection, before others have their turn. Nobody is read from who does not take what he is sent.
AT_ONCE, TURNS = 4096, 16
# A client that is gone without a word is found out by these, seconds and times.
KEEPALIVE = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 20), (socket.TCP_KEEPCNT, 3))


class Session(typing.Protocol):
    """What a connection is for; see softwired.tsp.Session."""

    output: bytearray
    ended: str

    @property
    def waits(self) -> bool:
        """Whether the other end owes something."""

    def heard(self, octets: bytes) -> None:
        """What came."""


class Connection:
    """One of them. `closed` is told why it ended."""

    def __init__(
        self,
        loop: Loop,
        peer: socket.socket,
        tls: ssl.SSLContext | None,
        patience: float,
        closed: typing.Callable[[Connection, str], object],
    ) -> None:
        self.loop, self.patience, self.closed = loop, patience, closed
        self.address = ipaddress.IPv6Address(peer.getpeername()[0].partition("%")[0])
        peer.setblocking(False)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEPALIVE:
            peer.setsockopt(socket.IPPROTO_TCP, option, value)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.handshake = tls is not None
        self.socket = tls.wrap_socket(peer, server_side=True, do_handshake_on_connect=False) if tls else peer
        self.descriptor = self.socket.fileno()
        self.session: Session | None = None
        self.timer: Timer | None = None
        self.events = READ

    def begin(self, session: Session) -> None:
        self.session = session
        self._expect()
        self.loop.watch(self.descriptor, self._ready, self.events)

    def flush(self) -> None:
        """Sends what the session has to say, as far as it goes now."""
        if self.descriptor >= 0 and self.session:
            self._do(self._send)

    def _ready(self) -> None:
        self._do(self._serve)

    def _do(self, what: typing.Callable[[], None]) -> None:
        assert self.session
        try:
            what()
        except ssl.SSLWantReadError:
            self._want(READ)
        except ssl.SSLWantWriteError:
            self._want(WRITE)
        except BlockingIOError:
            self._want(WRITE if self.session.output else READ)
        except (OSError, ValueError) as error:
            self.close(_said(error))

    def _serve(self) -> None:
        assert self.session
        if self.handshake:
            assert isinstance(self.socket, ssl.SSLSocket)
            self.socket.do_handshake()
            self.handshake = False
        for _ in range(TURNS):
            self._send()
            if self.descriptor < 0:
                return
            octets = self.socket.recv(AT_ONCE)
            if not octets:
                self.close("")
                return
            self.session.heard(octets)
            self._expect()
        # What TLS has read already, poll does not tell of.
        self.loop.later(0, self._again)

    def _again(self) -> None:
        if self.descriptor >= 0:
            self._ready()

    def _send(self) -> None:
        session = self.session
        assert session
        while session.output:
            del session.output[: self.socket.send(session.output[:AT_ONCE])]
        if session.ended:
            self.close(session.ended)
        else:
            self._expect()
            self._want(READ)

    def _want(self, events: int) -> None:
        if self.descriptor >= 0 and events != self.events:
            self.events = events
            self.loop.watch(self.descriptor, self._ready, events)

    def _expect(self) -> None:
        # The clock runs from the first thing that the other end owes, not from its last octet.
        owes = self.session is not None and (self.session.waits or bool(self.session.output))
        if owes and self.timer is None:
            self.timer = self.loop.later(self.patience, lambda: self.close("too slow"))
        elif not owes and self.timer:
            self.timer.cancel()
            self.timer = None

    def close(self, why: str) -> None:
        """Ends it, whatever is on its way."""
        if self.descriptor < 0:
            return
        if self.timer:
            self.timer.cancel()
        self.loop.forget(self.descriptor)
        self.descriptor = -1
        self.socket.close()
        self.closed(self, why)


class Listener:
    """Takes connections at addresses; `admit` tells whose, and makes their session."""

    def __init__(
        self,
        loop: Loop,
        most: int,
        patience: float,
        admit: typing.Callable[[Connection], Session | None],
        closed: typing.Callable[[Connection, str], object],
        full: typing.Callable[[], object],
    ) -> None:
        self.loop, self.most, self.patience = loop, most, patience
        self.admit, self.closed, self.full = admit, closed, full
        self.tls: ssl.SSLContext | None = None
        self.listening: dict[tuple[str, int], socket.socket] = {}
        self.connections: set[Connection] = set()

    def listen(self, address: str, port: int) -> None:
        """OSError; the address may come later."""
        made = socket.socket(socket.AF_INET6, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
            made.bind((address, port))
            made.listen(128)
        except OSError:
            made.close()
            raise
        self.listening[address, port] = made
        self.loop.watch(made.fileno(), lambda: self._accept(made))

    def leave(self, address: str, port: int) -> None:
        """What is open stays open."""
        made = self.listening.pop((address, port))
        self.loop.forget(made.fileno())
        made.close()

    def _accept(self, made: socket.socket) -> None:
        try:
            peer, _ = made.accept()
        except OSError:
            return
        if len(self.connections) >= self.most:
            peer.close()
            self.full()
            return
        try:
            connection = Connection(self.loop, peer, self.tls, self.patience, self._closed)
        except OSError:
            peer.close()
            return
        session = self.admit(connection)
        if session is None:
            connection.socket.close()
            return
        self.connections.add(connection)
        connection.begin(session)

    def _closed(self, connection: Connection, why: str) -> None:
        self.connections.discard(connection)
        self.closed(connection, why)

    def close(self) -> None:
        for address, port in list(self.listening):
            self.leave(address, port)
        for connection in list(self.connections):
            connection.close("stopped")


def server_context(certificate: str, key: str, clients: str = "") -> ssl.SSLContext:
    """TLS 1.2 or newer; with `clients`, only those whose certificate one of these signed. OSError, ssl.SSLError."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_cert_chain(certificate, key)
    if clients:
        made.load_verify_locations(clients)
        made.verify_mode = ssl.CERT_REQUIRED
    return made


def _said(error: Exception) -> str:
    return str(getattr(error, "reason", "") or getattr(error, "strerror", "") or error)
