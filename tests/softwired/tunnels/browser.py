# SPDX-License-Identifier: Apache-2.0
"""Who calls the page: the application in this process, with cookies and forms as a browser has them."""

from __future__ import annotations

import html.parser
import io
import re
import typing
import urllib.parse
import wsgiref.validate

FIRST = "203.0.114.9"


class Answer(typing.NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    def fault(self) -> str:
        match = re.search(r'id="fault"[^>]*>([^<]*)<', self.text)
        return match[1] if match else ""

    def field(self, name: str) -> str:
        """The value of an input, or the text of an element with this id."""
        match = re.search(rf'name="{name}"[^>]*value="([^"]*)"', self.text) or re.search(
            rf'id="{name}"[^>]*>([^<]*)<', self.text
        )
        return match[1] if match else ""


class Browser:
    """`call` is the WSGI application."""

    def __init__(self, call: typing.Any, address: str = FIRST) -> None:
        self.plain, self.call, self.address = call, wsgiref.validate.validator(call), address
        self.cookie = ""
        # What the last answer has set.
        self.told: list[str] = []

    def ask(self, path: str, form: dict[str, str] | bytes | None = None, **environ: str) -> Answer:
        """GET, or POST with a form."""
        path, _, query = path.partition("?")
        body = urllib.parse.urlencode(form).encode() if isinstance(form, dict) else form or b""
        told = {
            "REQUEST_METHOD": "GET" if form is None else "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.address,
            "HTTP_HOST": "tunnels.example.org",
            "HTTP_COOKIE": self.cookie,
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            **environ,
        }
        head: list[typing.Any] = []

        def start(status: str, headers: list[tuple[str, str]], _: typing.Any = None) -> typing.Any:
            head.append((status, headers))
            return lambda data: None

        parts = self.call(told, start)
        text = b"".join(parts).decode()
        if hasattr(parts, "close"):
            parts.close()
        status, headers = head[0]
        found = dict(headers)
        self.told = [value for name, value in headers if name == "Set-Cookie"]
        kept = dict(one.split("=", 1) for one in self.cookie.split("; ") if one)
        for one in self.told:
            name, _, value = one.partition(";")[0].partition("=")
            kept[name] = value
            if "Max-Age=0;" in one:
                del kept[name]
        self.cookie = "; ".join(f"{name}={value}" for name, value in kept.items())
        return Answer(int(status[:3]), found, text)

    def fill_in(self, number: int = 1, **changed: str) -> Answer:
        """The form, with what a person would write."""
        form = self.ask("/new/iproute2").field("form")
        told = {
            "form": form,
            "ipv4": self.address,
            "nicname": f"host{number}",
            "country": "jp",
            "system": "iproute2",
            **changed,
        }
        return self.ask("/new", told)

    def tunnel(self, number: int = 1, **changed: str) -> str:
        """The path of the page of a new tunnel."""
        answer = self.fill_in(number, **changed)
        assert answer.status == 303, answer.text
        return urllib.parse.urlsplit(answer.headers["Location"]).path

    def change(self, path: str) -> str:
        """What the forms of a tunnel's page carry."""
        match = re.search(r'name="form" value="([a-z2-7]+)"', self.ask(path).text)
        assert match
        return match[1]


class Strict(html.parser.HTMLParser):
    """Fails for tags that do not match, scripts and handlers of events."""

    VOID = ("meta", "input", "br", "link")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "iframe", "img", "object")
        for name, value in attrs:
            assert not name.startswith("on") and "javascript:" not in str(value)
        # HTML lets these be left open.
        if tag not in (*self.VOID, "p", "li", "dt", "dd", "option"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("p", "li", "dt", "dd", "option"):
            assert self.open and self.open.pop() == tag, tag
