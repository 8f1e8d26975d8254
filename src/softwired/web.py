# SPDX-License-Identifier: Apache-2.0
"""What pages have in common: a key, a language, and a server for WSGI applications (PEP 3333), in front or behind."""

from __future__ import annotations

import os
import re
import sys
import typing

from softwired.service import StartError

# A peer that is silent holds nothing up for longer.
PATIENCE = 10
KEY_OCTETS = 32


def key_of(path: str, make: bool, name: str) -> bytes:
    """A secret key of 128 bits or more, b'' where there is none; StartError, which calls it `name`."""
    if not path:
        return b""
    try:
        if make and not os.path.exists(path):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:
                file.write(os.urandom(KEY_OCTETS))
        with open(path, "rb") as file:
            found = file.read(4096)
    except OSError as error:
        if not make:
            return b""
        raise StartError(f"{name} = '{path}': {error.strerror}") from None
    if len(found) < 16:
        raise StartError(f"{name} = '{path}': {len(found)} octets: at least 16 would be right")
    return found


def best(header: str, offered: typing.Sequence[str], separator: str) -> str:
    """Which is liked most (RFC 9110 section 12.5), the first of equals; `separator` parts what `*` may stand for."""
    liked: dict[str, tuple[int, float]] = {}
    for part in header[:1000].split(","):
        name, *parameters = [word.strip().lower() for word in part.split(";")]
        quality = 1.0
        for parameter in parameters:
            match = re.fullmatch(r"q=(0(\.\d{0,3})?|1(\.0{0,3})?)", parameter)
            if match:
                quality = float(match[1])
        for one in offered:
            head = one.partition(separator)[0]
            exact = 3 if name == one else 2 if name.partition(separator)[0] == head and name != one else 0
            if separator == "/" and exact == 2 and not name.endswith("/*"):
                exact = 0
            exact = exact or (1 if name in ("*", "*/*") else 0)
            if exact > liked.get(one, (0, 0.0))[0]:
                liked[one] = (exact, quality)
    return max(offered, key=lambda one: liked.get(one, (0, 0.0 if header.strip() else 1.0))[1])


def serve(make: typing.Callable[[], typing.Any], host: str, port: int, name: str) -> typing.NoReturn:
    """Until it is ended; a thread for each request. The application is made once the port is ours.

    StartError, which calls the service `name`."""
    # Parts of Python that CGI does without, and OpenWrt has in other packages.
    import socket
    import socketserver
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

    class Handler(WSGIRequestHandler):
        timeout = PATIENCE

        def get_environ(self) -> dict[str, typing.Any]:
            environ = super().get_environ()
            environ["SERVER_ADDR"] = self.connection.getsockname()[0]
            return environ

        def address_string(self) -> str:
            return str(self.client_address[0])

        def log_message(self, *_: typing.Any) -> None:
            """The web server in front keeps the log."""

    class Server(socketserver.ThreadingMixIn, WSGIServer):
        daemon_threads = True
        address_family = socket.AF_INET6
        # A thousand people at once: with less room, the kernel resets some of their connections.
        request_queue_size = 1024

        def server_bind(self) -> None:
            # Without looking up a name for the address.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind(self.server_address)
            self.server_name, self.server_port = host, port
            self.setup_environ()

        def handle_error(self, *_: typing.Any) -> None:
            """A peer that went away is no news."""

    try:
        server = Server((host, port), Handler)
    except OSError as error:
        raise StartError(f"{name}.page.listen: cannot listen at [{host}]:{port}: {error.strerror}") from None
    server.set_app(make())
    print(f"{name} page: listens at [{host}]:{port}", file=sys.stderr, flush=True)
    server.serve_forever()
    raise AssertionError
