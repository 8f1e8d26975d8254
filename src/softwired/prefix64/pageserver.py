# SPDX-License-Identifier: Apache-2.0
"""The page as a program: its key, and one CGI request (uhttpd, RFC 3875); softwired.web serves it over HTTP."""

from __future__ import annotations

import types
import typing

from softwired import interfaces
from softwired.prefix64 import page
from softwired.prefix64.page import Page, Range
from softwired.prefix64.server import prefix_of
from softwired.web import key_of

KEY = "prefix64.page.key_file"


def application(values: types.SimpleNamespace, make_key: bool) -> Page:
    """The page of a configuration; StartError."""

    def ours() -> list[Range]:
        addresses = interfaces.addresses()
        problems: dict[str, str] = {}
        return page.ranges_of((entry, prefix_of(entry, addresses, problems)) for entry in values.range)

    return Page(ours, key_of(values.page.key_file, make_key, KEY))


def cgi(made: Page, environ: typing.Mapping[str, str], output: typing.BinaryIO) -> None:
    """One request; the octets of the environment are UTF-8, or replaced."""
    head: list[str] = []

    def start(status: str, headers: list[tuple[str, str]]) -> None:
        # How long it is the web server tells in its own way; uhttpd sends it in chunks, beside which a length is wrong.
        kept = [f"{name}: {value}\r\n" for name, value in headers if name != "Content-Length"]
        head.append(f"Status: {status}\r\n" + "".join(kept))

    body = b"".join(made({**environ, "wsgi.run_once": True}, start))
    output.write(head[0].encode() + b"\r\n" + body)
    output.flush()
