# SPDX-License-Identifier: Apache-2.0
"""Secrets of forms and tunnels, made from the page's key: the database has nothing but their SHA-256.

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
        return base64.b32encode(digest[:16]).decode().lower().rstrip("=")

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

    def change(self, link: str) -> str:
        """What the forms of a tunnel's page carry."""
        return self._made("change", link)


def stored(secret: str) -> str:
    """What the database has of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def same(secret: str, told: str) -> bool:
    """Whether a secret is the one that the database knows."""
    return hmac.compare_digest(stored(secret), told)
