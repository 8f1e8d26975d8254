# SPDX-License-Identifier: Apache-2.0
"""The page: who calls, which address was called, and another address of the prefix as a link; HTML, JSON or plain text.

A WSGI application (PEP 3333) that knows no server: see pageserver.py. What a stranger sends is an address, or is shown
escaped.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import secrets
import types
import typing

from softwired.prefix64 import ranges
from softwired.prefix64.ranges import Span
from softwired.web import best

# RFC 5453: interface identifiers that no host has; and those below 256, which people give by hand.
RESERVED = [
    Span(0, 0xFF),
    Span(0x02005EFFFE000000, 0x02005EFFFEFFFFFF),
    Span(0xFDFFFFFFFFFFFF80, 0xFDFFFFFFFFFFFFFF),
]
TRIES = 1000
LONGEST_NAME = 64
KINDS = ("text/plain", "text/html", "application/json")
LANGUAGES = ("en", "ja")
ESCAPED = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;", ord("'"): "&#39;"}
WORDS = {
    "en": {
        "title": "Every address of {prefix}",
        "client": "You are",
        "server": "You called",
        "prefix": "Of the prefix",
        "random": "Another one, at random",
        "stable": "The one of “{name}”",
        "ask": "An address for a name",
        "go": "Show",
        "other": "日本語",
        "nothing": "This server has no prefix yet.",
    },
    "ja": {
        "title": "{prefix} のすべてのアドレス",
        "client": "あなたのアドレス",
        "server": "接続先のアドレス",
        "prefix": "プレフィックス",
        "random": "ランダムな別のアドレス",
        "stable": "「{name}」のアドレス",
        "ask": "名前からアドレスを作る",
        "go": "表示",
        "other": "English",
        "nothing": "このサーバーにはまだプレフィックスがありません。",
    },
}
STYLE = (
    "body{font:18px/1.6 sans-serif;margin:3em auto;max-width:46em;padding:0 1em;color:#222;background:#fff}"
    "dt{color:#666}dd{margin:0 0 1em;font-family:monospace;font-size:1.1em;overflow-wrap:anywhere}"
    "input,button{font:inherit}nav{float:right}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#111}a{color:#8cf}dt{color:#999}}"
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

Environ = typing.Mapping[str, typing.Any]
Start = typing.Callable[[str, list[tuple[str, str]]], object]


class Range(typing.NamedTuple):
    """Addresses that are ours."""

    prefix: ipaddress.IPv6Network
    exceptions: list[Span]

    def allows(self, number: int) -> bool:
        identifier = number & 0xFFFFFFFFFFFFFFFF
        if self.prefix.prefixlen <= 64 and any(span.first <= identifier <= span.last for span in RESERVED):
            return False
        return not any(span.first <= number <= span.last for span in self.exceptions)


def random_address(of: Range) -> ipaddress.IPv6Address | None:
    """Each is as likely as any other, and nobody can tell it before."""
    return _first(of, lambda _, bits: secrets.randbits(bits) if bits else 0)


def stable_address(of: Range, name: str, key: bytes) -> ipaddress.IPv6Address | None:
    """RFC 7217 section 5: F(prefix, name, -, counter, secret key), the counter for identifiers that cannot be had."""

    def identifier(counter: int, bits: int) -> int:
        parts = (of.prefix.network_address.packed, bytes((of.prefix.prefixlen,)), name.encode(), b"")
        data = b"".join(len(part).to_bytes(4, "big") + part for part in parts) + counter.to_bytes(4, "big")
        digest = hashlib.sha256(len(key).to_bytes(4, "big") + key + data).digest()
        return int.from_bytes(digest, "big") & (1 << bits) - 1

    return _first(of, identifier)


def _first(of: Range, identifier: typing.Callable[[int, int], int]) -> ipaddress.IPv6Address | None:
    start, bits = int(of.prefix.network_address), 128 - of.prefix.prefixlen
    for counter in range(TRIES):
        number = start | identifier(counter, bits)
        if of.allows(number):
            return ipaddress.IPv6Address(number)
    return None


class Page:
    """The application; `ours` tells the ranges as they are now."""

    def __init__(self, ours: typing.Callable[[], list[Range]], key: bytes) -> None:
        self.ours, self.key = ours, key

    def __call__(self, environ: Environ, start: Start) -> list[bytes]:
        method = environ.get("REQUEST_METHOD", "GET")
        headers = [
            ("Vary", "Accept, Accept-Language"),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", POLICY),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
        ]
        if method not in ("GET", "HEAD"):
            headers += [("Allow", "GET, HEAD"), ("Content-Type", KINDS[0]), ("Content-Length", "0")]
            start("405 Method Not Allowed", headers)
            return []
        asked = query(str(environ.get("QUERY_STRING", "")))
        kind = best(str(environ.get("HTTP_ACCEPT", "")), KINDS, "/")
        language = asked.get("lang", "")
        if language not in LANGUAGES:
            language = best(str(environ.get("HTTP_ACCEPT_LANGUAGE", "")), LANGUAGES, "-")
        told = self.told(environ, asked.get("name", "")[:LONGEST_NAME])
        body = {"text/plain": as_text, "text/html": as_html, "application/json": as_json}[kind](
            told, language
        ).encode()
        charset = "" if kind == "application/json" else "; charset=utf-8"
        start("200 OK", [*headers, ("Content-Type", kind + charset), ("Content-Length", str(len(body)))])
        return [] if method == "HEAD" else [body]

    def told(self, environ: Environ, name: str) -> dict[str, str]:
        """What is shown; only what there is."""
        client, server = addresses(environ)
        found = {"client": client, "server": server}
        of = self._range(server)
        if of is None:
            return {key: value for key, value in found.items() if value}
        base = self._base(environ)
        found["prefix"] = str(of.prefix)
        other = random_address(of)
        if other:
            found.update(random=str(other), url=base.format(other))
        if name and self.key:
            stable = stable_address(of, name, self.key)
            if stable:
                found.update(name=name, stable=str(stable), stable_url=base.format(stable))
        return {key: value for key, value in found.items() if value}

    def _range(self, server: str) -> Range | None:
        ours = self.ours()
        for one in ours:
            if server and ipaddress.ip_address(server) in one.prefix:
                return one
        return ours[0] if ours else None

    def _base(self, environ: Environ) -> str:
        scheme = str(environ.get("wsgi.url_scheme", "http"))
        if _near(environ):
            scheme = str(environ.get("HTTP_X_FORWARDED_PROTO", scheme))
        scheme = "https" if scheme == "https" or environ.get("HTTPS", "") in ("on", "1") else "http"
        match = re.search(r":(\d{1,5})$", str(environ.get("HTTP_HOST", "")))
        port = match[1] if match and 0 < int(match[1]) < 65536 else ""
        return f"{scheme}://[{{}}]{':' + port if port else ''}/"


def addresses(environ: Environ) -> tuple[str, str]:
    """(client, server), each an address or ''; what a web server on this machine says of them goes first."""
    client, server = environ.get("REMOTE_ADDR", ""), environ.get("SERVER_ADDR", "")
    if _near(environ):
        client = environ.get("HTTP_X_REAL_IP", client)
        server = environ.get("HTTP_X_SERVER_ADDRESS", server)
    return _address(client), _address(server)


def _near(environ: Environ) -> bool:
    """Whether a web server of this machine passes it on, and not as CGI, where the addresses are the server's own."""
    address = _address(environ.get("REMOTE_ADDR", ""))
    return not environ.get("wsgi.run_once") and (not address or ipaddress.ip_address(address).is_loopback)


def _address(text: typing.Any) -> str:
    try:
        found = ipaddress.ip_address(str(text).strip("[]").partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(found, "ipv4_mapped", None) or found)


def query(text: str) -> dict[str, str]:
    """name=value pairs, the first of each (WHATWG URL, application/x-www-form-urlencoded)."""
    found: dict[str, str] = {}
    for part in text[:2000].split("&"):
        name, _, value = part.partition("=")
        octets = re.sub(
            rb"%([0-9A-Fa-f]{2})",
            lambda match: bytes((int(match[1], 16),)),
            value.replace("+", " ").encode("utf-8", "replace"),
        )
        plain = "".join(char for char in octets.decode("utf-8", "replace") if char.isprintable())
        found.setdefault(name, plain)
    return found


def as_json(told: dict[str, str], _: str) -> str:
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def as_text(told: dict[str, str], language: str) -> str:
    words = WORDS[language]
    rows = [
        (key, words[key].format(**told))
        for key in ("client", "server", "prefix", "random", "stable")
        if key in told
    ]
    lines = [f"{said}: {told[key]}" for key, said in rows]
    lines += [told[key] for key in ("url", "stable_url") if key in told]
    return "\n".join(lines if "prefix" in told else [*lines, words["nothing"]]) + "\n"


def as_html(told: dict[str, str], language: str) -> str:
    words = WORDS[language]
    safe = {key: value.translate(ESCAPED) for key, value in told.items()}
    title = words["title"].format(**safe) if "prefix" in safe else words["nothing"]
    rows = []
    for key, link in (
        ("client", ""),
        ("server", ""),
        ("prefix", ""),
        ("random", "url"),
        ("stable", "stable_url"),
    ):
        if key in safe:
            shown = f'<a id="{key}-link" href="{safe[link]}">{safe[key]}</a>' if link else safe[key]
            rows.append(f'<dt>{words[key].format(**safe)}</dt><dd id="{key}">{shown}</dd>')
    other = LANGUAGES[1 - LANGUAGES.index(language)]
    form = (
        f'<form><input type="hidden" name="lang" value="{language}"><label>{words["ask"]} '
        f'<input name="name" maxlength="{LONGEST_NAME}" value="{safe.get("name", "")}"></label> '
        f"<button>{words['go']}</button></form>"
    )
    return (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
        f'<style>{STYLE}</style></head><body><nav><a href="?lang={other}" hreflang="{other}">{words["other"]}</a></nav>'
        f"<h1>{title}</h1><dl>{''.join(rows)}</dl>{form if 'prefix' in safe else ''}</body></html>\n"
    )


def ranges_of(
    prefixes: typing.Iterable[tuple[types.SimpleNamespace, ipaddress.IPv6Network | None]],
) -> list[Range]:
    """Those that are local."""
    return [
        Range(prefix, entry.exceptions)
        for entry, prefix in prefixes
        if prefix is not None and entry.local and ranges.without(ranges.of(prefix), entry.exceptions)
    ]
