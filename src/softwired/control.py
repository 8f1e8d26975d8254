# SPDX-License-Identifier: Apache-2.0
"""What a running service tells whoever may open its socket: one JSON object for each connection, nothing is asked."""

from __future__ import annotations

import json
import os
import socket
import typing


def path(run_directory: str, service: str) -> str:
    return f"{run_directory}/{service}.socket"


class Control:
    """The socket of a service; that it can be connected to means that the service is ready."""

    def __init__(self, address: str, tell: typing.Callable[[], dict[str, typing.Any]]) -> None:
        self.address = address
        self.tell = tell
        self.socket = socket.socket(
            socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        )
        if running(address):
            raise OSError(98, f"another one already answers at {address}")
        if os.path.exists(address):
            os.unlink(address)
        before = os.umask(0o177)
        try:
            self.socket.bind(address)
        finally:
            os.umask(before)
        self.socket.listen(8)

    def heard(self) -> None:
        """Somebody connected."""
        try:
            peer, _ = self.socket.accept()
        except OSError:
            return
        with peer:
            try:
                # What does not fit the socket's buffer at once is not waited for.
                peer.setblocking(False)
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
                peer.send(json.dumps(self.tell()).encode())
            except OSError:
                pass

    def close(self) -> None:
        self.socket.close()
        try:
            os.unlink(self.address)
        except OSError:
            pass


def running(address: str) -> bool:
    """Whether somebody answers there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
        try:
            asked.connect(address)
        except OSError:
            return False
        return True


def ask(address: str) -> dict[str, typing.Any]:
    """What the service tells; OSError if it does not run, or not for us."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
        asked.settimeout(5)
        asked.connect(address)
        parts = []
        while part := asked.recv(65536):
            parts.append(part)
    told: dict[str, typing.Any] = json.loads(b"".join(parts))
    return told
