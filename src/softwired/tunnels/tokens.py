# SPDX-License-Identifier: Apache-2.0
"""Secrets of forms and tunnels, made from the page's key: without it the database has nothing but their SHA-256.

A form carries a mark that only we can make for this browser (its cookie); the address of the page that it makes is made
from the mark, so that the same form makes the same tunnel however often it is sent.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
import typing

# A form may lie open for so long.
FORM_SECONDS = 86400
LINK = re.compile(r"[a-z2-7]{26}")


class Tokens:
    """Of one service; all of its processes have the same key."""

    def __init__(self, key: bytes, clock: typing.Callable[[], float] = time.time) -> None:
        self.key, self.clock = key, clock

    def _made(self, kind: str, text: str) -> str:
        digest = hmac.new(self.key, f"{kind}\0{text}".encode("utf-8", "replace"), hashlib.sha256).digest()
        return _letters(digest[:16])

    @staticmethod
    def cookie() -> str:
        """A browser's, once."""
        return secrets.token_hex(16)

    def form(self, cookie: str) -> str:
        """What a form carries."""
        told = f"{int(self.clock())}-{secrets.token_hex(8)}"
        return f"{told}-{self._made('form', cookie + ' ' + told)}"

    def is_form(self, mark: str, cookie: str) -> bool:
        """Whether we made it for this browser, not long ago."""
        match = re.fullmatch(r"((\d{1,12})-[0-9a-f]{16})-([a-z2-7]{26})", mark)
        if not match or not cookie or not 0 <= self.clock() - int(match[2]) <= FORM_SECONDS:
            return False
        return hmac.compare_digest(match[3], self._made("form", f"{cookie} {match[1]}"))

    def link(self, mark: str) -> str:
        """The secret in the address of the page of a tunnel."""
        return self._made("link", mark)

    def key_of(self, link: str) -> str:
        """The update key of the tunnel with this page."""
        return self._made("update", link)

    def change(self, link: str, session: str = "") -> str:
        """What the forms of a tunnel's page carry, for who is logged in with this session."""
        return self._made("change", f"{link} {session}".strip())

    def is_change(self, mark: str, link: str, session: str = "") -> bool:
        """Whether a form carries that."""
        return hmac.compare_digest(mark.encode("utf-8", "replace"), self.change(link, session).encode())

    def sealed(self, link: str) -> str:
        """A link as the database may have it: nothing without the key."""
        octets = base64.b32decode(link.upper() + "======")
        return self._mixed(octets, stored(link)).hex()

    def opened(self, sealed: str, told: str) -> str:
        """The link that the database knows as this; '' if another key sealed it, or none."""
        if not re.fullmatch(r"[0-9a-f]{32}", sealed):
            return ""
        link = _letters(self._mixed(bytes.fromhex(sealed), told))
        return link if same(link, told) else ""

    def _mixed(self, octets: bytes, told: str) -> bytes:
        """With a pad that is this link's alone, as the SHA-256 is of which it is made."""
        pad = hmac.new(self.key, f"seal\0{told}".encode(), hashlib.sha256).digest()
        return bytes(one ^ other for one, other in zip(octets, pad, strict=False))


def _letters(octets: bytes) -> str:
    return base64.b32encode(octets).decode().lower().rstrip("=")


def stored(secret: str) -> str:
    """What the database has of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def same(secret: str, told: str) -> bool:
    """Whether a secret is the one that the database knows."""
    return hmac.compare_digest(stored(secret), told)
