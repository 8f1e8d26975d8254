# SPDX-License-Identifier: Apache-2.0
"""Who tells a border router what to carry: one TSP connection, octet by octet as the profile has it."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import typing

from softwire import tsp, tspdigest

PORT = tsp.PORT


class Refused(Exception):
    """A status code other than 200."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code


class Commander:
    """Logged in once it is made; ANONYMOUS without a user. Refused, OSError, EOFError."""

    def __init__(
        self,
        connection: socket.socket,
        user: str = "",
        password: str = "",
        version: str = "1.0",
        mechanism: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        connection.settimeout(20)
        self.socket = tls.wrap_socket(connection) if tls else connection
        self.stream = tsp.Stream()
        self.send(f"VERSION={version}\r\n".encode())
        _, self.mechanisms = tsp.read_capability(self.line())
        mechanism = mechanism or ("DIGEST-MD5" if user else "ANONYMOUS")
        self.send(f"AUTHENTICATE {mechanism}\r\n".encode())
        if mechanism == "PLAIN":
            self.send(tsp.plain(user.encode(), password.encode()))
        elif mechanism == "DIGEST-MD5":
            answer, proof = tspdigest.answer(
                self.line(), user.encode(), password.encode(), b"tsp/lab", b"0123456789"
            )
            self.send(answer)
            line = self.line()
            if line.startswith(b"300"):
                raise Refused(300, line.decode())
            assert tspdigest.proven(line, proof)
        self.success = self.line()
        status = tsp.read_status(self.success)
        assert status
        if status[0] != tsp.OK:
            raise Refused(*status)

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def _more(self) -> None:
        octets = self.socket.recv(4096)
        if not octets:
            raise EOFError
        self.stream.feed(octets)

    def line(self) -> bytes:
        while (found := self.stream.line()) is None:
            self._more()
        return typing.cast(bytes, found)

    def answer(self) -> tsp.Message:
        """The next Tunnel Info; Refused."""
        while (found := self.stream.message()) is None:
            self._more()
        code, text, body = found
        if code != tsp.OK:
            raise Refused(code or 0, text)
        return tsp.read_message(body)

    def ask(self, action: str, ipv4: str, *ipv6: str, ports: tuple[int, int] | None = None) -> None:
        """Without waiting for the answer."""
        addresses = [int(ipaddress.IPv6Address(one)) for one in ipv6]
        side = tsp.Side(int(ipaddress.IPv4Address(ipv4)), addresses, ports)
        self.send(tsp.frame(tsp.Message(action, side).xml()))

    def create(self, ipv4: str, *ipv6: str, ports: tuple[int, int] | None = None) -> tsp.Message:
        self.ask("create", ipv4, *ipv6, ports=ports)
        return self.answer()

    def delete(self, ipv4: str, *ipv6: str, ports: tuple[int, int] | None = None) -> tsp.Message:
        self.ask("delete", ipv4, *ipv6, ports=ports)
        return self.answer()

    def close(self) -> None:
        self.socket.close()
