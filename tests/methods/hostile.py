# SPDX-License-Identifier: Apache-2.0
"""A web server that no real one is, for http over IPv6: hostile.py <address> <way>."""

import socket
import sys
import time

HEAD = b"HTTP/1.1 200 OK\r\n"


def silent():
    """Takes the request and says nothing."""
    time.sleep(60)
    yield b""


def slow():
    """Goes on for ever, an octet at a time."""
    yield HEAD
    while True:
        time.sleep(0.2)
        yield b"x"


def headers():
    """A head without end, a line at a time."""
    yield HEAD
    while True:
        yield b"X-More: and more\r\n"


def line():
    """The same in one line."""
    yield HEAD + b"X-More: "
    while True:
        yield b"and more " * 100


def chunks():
    """A body without end, in parts."""
    yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"1000\r\n" + b"{" * 0x1000 + b"\r\n"


def endless():
    """A body without end and without a length."""
    yield HEAD + b"\r\n"
    while True:
        yield b"[" * 4096


def cut():
    """Less than it promised."""
    yield HEAD + b'Content-Length: 100\r\n\r\n{"order":["dslite"]'


def main(address, way):
    with socket.create_server((address, 80), family=socket.AF_INET6) as server:
        while True:
            client, _ = server.accept()
            with client:
                client.recv(4096)
                try:
                    for part in globals()[way]():
                        client.sendall(part)
                except OSError:
                    pass


main(*sys.argv[1:])
