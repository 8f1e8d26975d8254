# SPDX-License-Identifier: Apache-2.0
"""Answers of a web server, whole and not, as they come in parts (RFC 9112)."""

import unittest

from softwire.provisioning.hb46pp import web

OK = b"HTTP/1.1 200 OK\r\n"


class Parts:
    """A connection that gives one part after the other; the last again and again where it has no end."""

    def __init__(self, parts, endless=False):
        self.parts, self.endless = list(parts), endless
        self.reads = 0

    def read(self):
        """See web.Connection."""
        self.reads += 1
        if self.endless and len(self.parts) == 1:
            return self.parts[0]
        return self.parts.pop(0) if self.parts else b""


def read(*parts, endless=False):
    """(status, body), or the code of the error."""
    try:
        status, _, body = web.read(Parts(parts, endless))
    except web.WebError as error:
        return error.code
    return status, body


class Answer(unittest.TestCase):
    def test_lengths_of_every_kind(self):
        for head, body in (
            (b"Content-Length: 5\r\n\r\n", b"hello and more"),
            (b"content-length:5\n\n", b"hello"),
            (b"Transfer-Encoding: chunked\r\n\r\n", b"2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
            (b"\r\n", b"hello"),
        ):
            data = OK + head + body
            self.assertEqual(read(data), (200, b"hello"))
            self.assertEqual(read(*[bytes([octet]) for octet in data]), (200, b"hello"))

    def test_others_statuses(self):
        self.assertEqual(
            read(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n"), (200, b"")
        )
        for status in (204, 307, 404, 500):
            self.assertEqual(read(b"HTTP/1.1 %d x\r\n\r\n" % status)[0], status)

    def test_no_answer(self):
        for data in (
            b"",
            b"SSH-2.0-x\r\n",
            b"HTTP/1.1\r\n",
            b"HTTP/1.1 2x0 OK\r\n\r\n",
            b"HTTP/2 200 OK\r\n\r\n",
            OK,
            OK + b"A: b\r\n",
        ):
            self.assertEqual(read(data), "BAD_ANSWER")

    def test_lengths_that_are_none(self):
        for head in (
            b"Content-Length: -1",
            b"Content-Length: x",
            b"Content-Length: 5 5",
            b"Content-Length: 9999999999",
        ):
            self.assertEqual(read(OK + head + b"\r\n\r\nhello"), "BAD_ANSWER")
        for body in (
            b"5\r\nhel",
            b"x\r\n",
            b"\r\n",
            b"5\r\nhello6\r\n",
            b"5\r\nhello\r\n",
            b"FFFFFFFFF\r\n",
            b"-1\r\n",
        ):
            self.assertEqual(read(OK + b"Transfer-Encoding: chunked\r\n\r\n" + body), "BAD_ANSWER")
        self.assertEqual(read(OK + b"Content-Length: 6\r\n\r\nhello"), "BAD_ANSWER")

    def test_floods_end(self):
        """Less than a megabyte ends them here, which not every interpreter's memory has."""
        usual, web.LARGEST = web.LARGEST, 65536
        for parts in (
            (OK, b"A: b\r\n"),
            (OK, b"a" * 1000),
            (b"HTTP/1.1 100 x\r\n\r\n",),
            (OK + b"Transfer-Encoding: chunked\r\n\r\n5;", b"x" * 100),
            (OK + b"\r\n", b"x" * 4096),
            (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"fff\r\n" + b"x" * 4095 + b"\r\n"),
        ):
            self.assertEqual(read(*parts, endless=True), "BAD_ANSWER")
        web.LARGEST = usual
        self.assertEqual(read(OK + b"Content-Length: 1048577\r\n\r\n"), "BAD_ANSWER")
