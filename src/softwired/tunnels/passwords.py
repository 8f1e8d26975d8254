# SPDX-License-Identifier: Apache-2.0
"""What is kept of a password: scrypt (RFC 7914) with its parameters and a salt, written as PHC strings are."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import threading

# OWASP's with the least memory that needs no list of exceptions: 16 MB, five times over.
COST, BLOCK, PARALLEL = 14, 8, 5
SALT = HASH = 16
LEAST, MOST = 10, 100
KEPT = re.compile(
    r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{2,99})\$([A-Za-z0-9+/]{2,99})"
)
# So much memory is taken at a time, however many people log in.
_turns = threading.Semaphore(2)


def _hashed(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    plain = password.encode("utf-8", "replace")
    room = 128 * block * ((1 << cost) + parallel + 2) + 65536
    with _turns:
        return hashlib.scrypt(plain, salt=salt, n=1 << cost, r=block, p=parallel, maxmem=room, dklen=HASH)


def _written(octets: bytes) -> str:
    return base64.b64encode(octets).decode().rstrip("=")


def _read(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))


def kept(password: str) -> str:
    """What the database has of it."""
    salt = os.urandom(SALT)
    found = _hashed(password, salt, COST, BLOCK, PARALLEL)
    return f"$scrypt$ln={COST},r={BLOCK},p={PARALLEL}${_written(salt)}${_written(found)}"


def right(password: str, told: str) -> bool:
    """Whether it is the one of which this is kept; as much work where nothing is, or nothing whole."""
    match = KEPT.fullmatch(told)
    try:
        cost, block, parallel = map(int, match.groups()[:3]) if match else (COST, BLOCK, PARALLEL)
        salt, found = (_read(match[4]), _read(match[5])) if match else (bytes(SALT), b"")
    except ValueError:
        return False
    return hmac.compare_digest(_hashed(password, salt, cost, block, parallel), found)


def is_old(told: str) -> bool:
    """Whether it was made with other parameters than are used now."""
    return not told.startswith(f"$scrypt$ln={COST},r={BLOCK},p={PARALLEL}$")
