# SPDX-License-Identifier: Apache-2.0
"""The border routers: a connection to each, kept open, by which they are told what to carry (TSP, profile 1.0)."""

from __future__ import annotations

import collections
import errno
import os
import random
import secrets
import socket
import ssl
import types
import typing

from softwire import tsp, tspdigest
from softwire.address import format_ipv6
from softwire.wire import WireError
from softwired.dstm.leases import Lease
from softwired.log import Log
from softwired.loop import READ, WRITE, Loop, Timer

# Seconds between two tries to reach one, at most.
LONGEST = 30.0
VERSION = "1.0"
CREATE, DELETE = "create", "delete"
# Octets read before others have their turn.
AT_ONCE = 16384

Told = typing.Callable[[int], object]


class Command(typing.NamedTuple):
    """What a border router is told; told(code) with 0 once it has done it. A Delete's is told 0 only."""

    action: str
    lease: Lease
    told: Told


def message(action: str, lease: Lease) -> tsp.Message:
    """The command as the profile has it."""
    return tsp.Message(action, tsp.Side(lease.address, [_integer(lease.node)], lease.ports))


def _integer(address: str) -> int:
    return int.from_bytes(socket.inet_pton(socket.AF_INET6, address), "big")


class Tep:
    """One of them. `came` is called whenever it is there again, before it is told what waits."""

    def __init__(
        self, table: types.SimpleNamespace, loop: Loop, log: Log, came: typing.Callable[[Tep], object]
    ) -> None:
        self.table, self.loop, self.log, self.came = table, loop, log, came
        self.address: str = table.address
        self.ipv4: int | None = table.ipv4
        # Where packets go to; it may tell another address than it is asked at.
        self.ipv6 = _integer(table.address)
        self.alive = not table.tell
        # Since when it is not, while another one is; whether that is longer than `gone_after`.
        self.away: float | None = None
        self.gone = False
        self.problem = ""
        self.waiting: collections.deque[Command] = collections.deque()
        self.asked: collections.deque[Command] = collections.deque()
        self.pause = 0.5
        self.socket: socket.socket | None = None
        self.descriptor = -1
        self.stream = tsp.Stream()
        self.output = bytearray()
        self.step = ""
        self.proof = b""
        self.handshake = False
        self.timer: Timer | None = None
        self.closed = False

    # What it is told

    def create(self, lease: Lease, told: Told) -> None:
        """told(0) once it carries the lease, else a code."""
        if self.alive and not self.table.tell:
            told(0)
        else:
            self._say(Command(CREATE, lease, told))

    def delete(self, lease: Lease, told: Told) -> None:
        """told(0) once it does not carry it any more, however late."""
        if not self.table.tell:
            told(0)
        else:
            self._say(Command(DELETE, lease, told))

    def _say(self, command: Command) -> None:
        if self.step == "ready":
            self._send(command)
            self._flush()
            return
        self.waiting.append(command)
        if command.action == CREATE:
            # Whoever waits for it is answered in time.
            self.loop.later(self.table.patience, lambda: self._late(command))
        self.connect()

    def _send(self, command: Command) -> None:
        self.asked.append(command)
        self.output += tsp.frame(message(command.action, command.lease).xml())
        self._expect()

    def _late(self, command: Command) -> None:
        if command in self.waiting:
            self.waiting.remove(command)
            command.told(tsp.TEP_ERROR)

    def _expect(self) -> None:
        if self.timer is None:
            self.timer = self.loop.later(self.table.patience, lambda: self._lose("is silent"))

    def _heard_from(self) -> None:
        if self.timer:
            self.timer.cancel()
            self.timer = None
        if self.asked or self.step != "ready":
            self._expect()

    # The connection

    def connect(self) -> None:
        """If there is none."""
        if self.socket or self.closed or not self.table.tell:
            return
        self.stream, self.output, self.step = tsp.Stream(), bytearray(), "connect"
        made: socket.socket = socket.socket(
            socket.AF_INET6, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        )
        try:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 20)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
            code = made.connect_ex((self.address, self.table.port))
        except OSError as error:
            code = error.errno or errno.EIO
        self.socket, self.descriptor = made, made.fileno()
        if code not in (0, errno.EINPROGRESS):
            self._lose(os.strerror(code))
            return
        self.loop.watch(self.descriptor, self._ready, WRITE)
        self._expect()

    def _ready(self) -> None:
        try:
            if self.step == "connect":
                self._connected()
            if self.handshake:
                assert isinstance(self.socket, ssl.SSLSocket)
                self.socket.do_handshake()
                self.handshake = False
            assert self.socket
            while self.socket and len(octets := self.socket.recv(AT_ONCE)):
                self._heard(octets)
            if self.socket:
                self._lose("has closed the connection")
        except (ssl.SSLWantReadError, BlockingIOError):
            self._flush()
        except ssl.SSLWantWriteError:
            self._want(True)
        except WireError as error:
            self._lose(f"sends nonsense: {error}")
        except (OSError, ValueError) as error:
            self._lose(str(getattr(error, "reason", "") or getattr(error, "strerror", "") or error))

    def _connected(self) -> None:
        assert self.socket
        code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        if self.table.certificate:
            context = ssl.create_default_context(cafile=self.table.certificate)
            self.socket = context.wrap_socket(
                self.socket, do_handshake_on_connect=False, server_hostname=self.address
            )
            self.handshake = True
        self.step = "version"
        self.output += f"VERSION={VERSION}\r\n".encode()
        self._want(False)

    def _want(self, more: bool) -> None:
        self.loop.watch(self.descriptor, self._ready, READ | (WRITE if more else 0))

    def _flush(self) -> None:
        if not self.socket or self.handshake or self.step == "connect":
            return
        try:
            while self.output:
                del self.output[: self.socket.send(self.output[:AT_ONCE])]
            self._want(False)
        except ssl.SSLWantReadError:
            pass
        except (BlockingIOError, ssl.SSLWantWriteError):
            self._want(True)
        except (OSError, ValueError) as error:
            self._lose(str(getattr(error, "strerror", "") or error))

    def _lose(self, why: str) -> None:
        """Ends the connection; Creates have failed, Deletes stay to be told."""
        if self.timer:
            self.timer.cancel()
            self.timer = None
        if self.socket:
            self.loop.forget(self.descriptor)
            self.socket.close()
            self.socket = None
        self.step = ""
        self.alive = False
        if why != self.problem and not self.closed:
            self.log.warning(f"border router {self.address} {why}")
        self.problem = why
        asked, self.asked = self.asked, collections.deque()
        self.waiting.extendleft(one for one in reversed(asked) if one.action == DELETE)
        for one in asked:
            if one.action == CREATE:
                one.told(tsp.TEP_ERROR)
        if not self.closed:
            self.loop.later(self.pause * random.uniform(0.5, 1), self.connect)
            self.pause = min(LONGEST, 2 * self.pause)

    def close(self) -> None:
        self.closed = True
        self._lose("stopped")

    # What it says

    def _heard(self, octets: bytes) -> None:
        self.stream.feed(octets)
        while self.socket:
            if self.step == "ready":
                found = self.stream.message()
                if found is None:
                    break
                self._answer(*found)
            else:
                line = self.stream.signature() if self.step == "proof" else self.stream.line()
                if line is None:
                    break
                self._log_in(line)
        self._heard_from()

    def _log_in(self, line: bytes) -> None:
        status = tsp.read_status(line)
        if status and status[0] != tsp.OK:
            raise ValueError(f"refuses: {status[0]} {status[1]}")
        if self.step == "version":
            _, mechanisms = tsp.read_capability(line)
            wanted = "DIGEST-MD5" if self.table.user else "ANONYMOUS"
            if wanted not in mechanisms:
                raise ValueError(f"takes {', '.join(mechanisms)}, not {wanted}")
            self.output += f"AUTHENTICATE {wanted}\r\n".encode()
            self.step = "challenge" if self.table.user else "login"
        elif self.step == "challenge":
            with open(self.table.password_file, encoding="utf-8") as file:
                password = file.read().strip().encode()
            uri = f"tsp/{self.address}".encode()
            nonce = secrets.token_hex(8).encode()
            answer, self.proof = tspdigest.answer(line, self.table.user.encode(), password, uri, nonce)
            self.output += answer
            self.step = "proof"
        elif self.step == "proof":
            if status or not tspdigest.proven(line, self.proof):
                raise ValueError("does not know the password itself")
            self.step = "login"
        elif status:
            self.step = "ready"
            self._there()

    def _there(self) -> None:
        self.alive, self.away, self.gone = True, None, False
        self.pause = 0.5
        if self.problem:
            self.log.info(f"border router {self.address} is there")
        self.problem = ""
        waiting, self.waiting = self.waiting, collections.deque()
        self.came(self)
        for command in waiting:
            self._send(command)
        self._flush()

    def _answer(self, code: int | None, text: str, body: bytes) -> None:
        found = tsp.read_message(body) if body else None
        if code not in (None, tsp.OK):
            if not self.asked:
                raise WireError(f"{code} {text}, though nobody asked")
            self._done(self.asked.popleft(), code)
            return
        if found is None or found.action != "info":
            raise WireError("Tunnel Info would be right")
        number = self._meant(found)
        if number is None:
            return
        # Where Deletes are not acknowledged: what was said before this is done, too.
        for _ in range(number):
            self._done(self.asked.popleft(), tsp.OK)
        command = self.asked.popleft()
        if command.action == CREATE and not self._takes(found):
            self._done(command, tsp.TEP_ERROR)
        else:
            self._done(command, tsp.OK)

    def _takes(self, found: tsp.Message) -> bool:
        if found.server.ipv4 is not None:
            self.ipv4 = found.server.ipv4
        if found.server.ipv6:
            self.ipv6 = found.server.ipv6[0]
        return self.ipv4 is not None

    def _meant(self, found: tsp.Message) -> int | None:
        """Which of the commands an Info is for."""
        client = found.client
        if client.ipv4 is None and not client.ipv6:
            return 0 if self.asked else None
        for number, command in enumerate(self.asked):
            lease = command.lease
            if client.ipv4 in (None, lease.address) and (
                not client.ipv6 or format_ipv6(client.ipv6[-1]) == format_ipv6(_integer(lease.node))
            ):
                return number
        return None

    def _done(self, command: Command, code: int | None) -> None:
        # It does not carry what it says it cannot delete.
        good = code == tsp.OK or command.action == DELETE
        command.told(0 if good else tsp.TEP_ERROR)


class Teps:
    """All of them, by address."""

    def __init__(self, loop: Loop, log: Log, came: typing.Callable[[Tep], object]) -> None:
        self.loop, self.log, self.came = loop, log, came
        self.known: dict[str, Tep] = {}

    def apply(self, tables: typing.Sequence[types.SimpleNamespace]) -> None:
        """Other ones; those whose table is as it was go on."""
        before, self.known = self.known, {}
        for table in tables:
            old = before.get(table.address)
            if old and old.table == table:
                self.known[table.address] = before.pop(table.address)
            else:
                self.known[table.address] = Tep(table, self.loop, self.log, self.came)
        for old in before.values():
            new = self.known.get(old.address)
            waiting = [one for one in (*old.asked, *old.waiting) if one.action == DELETE]
            old.close()
            for command in waiting:
                if new:
                    new.delete(command.lease, command.told)
                else:
                    command.told(0)
        for tep in self.known.values():
            tep.connect()

    def look(self) -> list[Tep]:
        """Those that are gone from now on. Where none answers, it may be this server that nobody reaches."""
        now, found = self.loop.clock(), []
        some = self.answers(self.known)
        for tep in self.known.values():
            if tep.alive or not some:
                tep.away, tep.gone = None, False
            elif tep.away is None:
                tep.away = now
            elif tep.table.gone_after and not tep.gone and now - tep.away >= tep.table.gone_after:
                tep.gone = True
                found.append(tep)
        return found

    # Also called in the store's thread: what leases have to know (softwired.dstm.leases.Routers)

    def answers(self, addresses: typing.Iterable[str]) -> bool:
        """Whether one of them is there, and gets nodes."""
        some = [self.known[address] for address in addresses if address in self.known]
        return any(one.alive and one.table.weight for one in some)

    def gone(self, address: str) -> bool:
        """Whether its nodes shall have another one."""
        tep = self.known.get(address)
        return tep is not None and tep.gone

    def choose(self, addresses: typing.Sequence[str]) -> str | None:
        """One by weight of those that are there, else of all."""
        known = [self.known[address] for address in addresses if address in self.known]
        there = [one for one in known if one.alive and one.table.weight] or [
            one for one in known if one.table.weight
        ]
        if not there:
            return None
        return random.choices(there, [one.table.weight for one in there])[0].address

    def delete(self, lease: Lease, told: Told) -> None:
        """At the one that carries it; one that is in no configuration any more carries nothing of ours."""
        tep = self.known.get(lease.tep)
        if tep:
            tep.delete(lease, told)
        else:
            told(0)

    def create(self, lease: Lease, told: Told) -> None:
        tep = self.known.get(lease.tep)
        if tep:
            tep.create(lease, told)
        else:
            told(tsp.TEP_ERROR)

    def close(self) -> None:
        for tep in self.known.values():
            tep.close()
