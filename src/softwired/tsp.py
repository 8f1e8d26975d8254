# SPDX-License-Identifier: Apache-2.0
"""The server's end of a TSP connection: version, authentication, then commands (draft-bound-dstm-exp-00 appendix C).

It knows no sockets: octets come in by `heard`, what is to be sent collects in `output`.
"""

from __future__ import annotations

import os
import secrets
import stat
import typing

from softwire import tsp, tspdigest
from softwire.wire import WireError

ANONYMOUS, PLAIN, DIGEST_MD5 = "ANONYMOUS", "PLAIN", "DIGEST-MD5"
VERSION, AUTHENTICATE, LINE, COMMANDS = "version", "authenticate", "line", "commands"
# RFC 5572 section 5.1.3; the profile's own is 1.0.
VERSIONS = ("1.", "2.0")
Find = typing.Callable[[bytes], bytes | None]


class Session:
    """One client. `take` is given each of its messages, and answers them in their order by `info` and `refuse`."""

    def __init__(
        self,
        mechanisms: typing.Sequence[str],
        realm: bytes,
        find: Find,
        take: typing.Callable[[tsp.Message], object],
    ) -> None:
        self.mechanisms, self.realm, self.find, self.take = mechanisms, realm, find, take
        self.stream = tsp.Stream()
        self.state = VERSION
        self.version = ""
        self.mechanism = ""
        self.nonce = b""
        self.user = ""
        self.output = bytearray()
        # Why it ends once the output is gone; '' while it goes on.
        self.ended = ""

    @property
    def waits(self) -> bool:
        """Whether the client owes something: a login, or the rest of a message."""
        return self.state != COMMANDS or bool(self.stream.data)

    def heard(self, octets: bytes) -> None:
        """What came; nothing that a client sends is an exception."""
        try:
            self.stream.feed(octets)
            while not self.ended and self._step():
                pass
        except WireError as error:
            self._end(tsp.FORMAT, f"malformed: {error}")

    def info(self, message: tsp.Message) -> None:
        """Answers a command."""
        self.output += tsp.frame(message.xml(), self._success())

    def refuse(self, code: int) -> None:
        """Answers a command that cannot be done."""
        self.output += tsp.frame(b"", tsp.refusal(code))

    def _success(self) -> str:
        return "200 Success" if self.version.startswith("2") else "200 OK"

    def _end(self, code: int, why: str) -> None:
        self.output += tsp.refusal(code).encode() + b"\r\n"
        self.ended = why

    def _step(self) -> bool:
        """Whether there may be more of what came."""
        if self.state == COMMANDS:
            found = self.stream.message()
            if found is None:
                return False
            # A client that answers has a status line, and maybe nothing behind it.
            if found[2]:
                self.take(tsp.read_message(found[2]))
            return True
        line = self.stream.line()
        if line is None:
            return False
        if self.state == VERSION:
            self._version(line)
        elif self.state == AUTHENTICATE:
            self._authenticate(line)
        else:
            self._login(line)
        return True

    def _version(self, line: bytes) -> None:
        self.version = tsp.read_version(line)
        if not self.version.startswith(VERSIONS):
            self._end(tsp.VERSION, f"version {self.version}")
            return
        self.output += tsp.capability(self.mechanisms)
        self.state = AUTHENTICATE

    def _authenticate(self, line: bytes) -> None:
        self.mechanism = tsp.read_authenticate(line)
        if self.mechanism not in self.mechanisms:
            self._end(tsp.AUTHENTICATION, f"mechanism {self.mechanism}")
        elif self.mechanism == ANONYMOUS:
            self._open("")
        else:
            self.state = LINE
            if self.mechanism == DIGEST_MD5:
                self.nonce = secrets.token_hex(16).encode()
                self.output += tspdigest.challenge(self.realm, self.nonce)

    def _login(self, line: bytes) -> None:
        if self.mechanism == PLAIN:
            user, password = tsp.read_plain(line)
            known = self.find(user)
            given = tspdigest.secret(user, self.realm, password)
            # Who is unknown takes as long as who is known.
            right = tspdigest.same(given, known or bytes(16)) and known is not None
        else:
            answer = tspdigest.check(line, self.realm, self.nonce, self.find)
            user, proof = answer or (b"", b"")
            right = answer is not None
            self.output += proof
        if right:
            self._open(tsp.printable(user))
        else:
            self._end(tsp.AUTHENTICATION, "wrong login")

    def _open(self, user: str) -> None:
        self.user = user
        self.output += (
            b"200 Success" if self.version.startswith("2") else b"OK Authentication successful"
        ) + b"\r\n"
        self.state = COMMANDS


# Users


def read_users(path: str, realm: str) -> dict[bytes, bytes]:
    """The secrets of a file `user:realm:hexadecimal digest`, as htdigest(1) makes it; ValueError, OSError."""
    with open(path, encoding="utf-8") as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o007:
            raise ValueError("a file that others can neither read nor write (chmod o=) would be right")
        found = {}
        for number, line in enumerate(file, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            user, _, rest = line.partition(":")
            theirs, _, digest = rest.rpartition(":")
            try:
                octets = bytes.fromhex(digest)
            except ValueError:
                octets = b""
            if not user or len(octets) != 16:
                raise ValueError(f"line {number}: user:realm:digest would be right")
            if theirs == realm:
                found[user.encode()] = octets
        return found
