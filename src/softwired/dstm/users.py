# SPDX-License-Identifier: Apache-2.0
"""Who may ask: a file of users and their secrets, read anew whenever it changed."""

from __future__ import annotations

import os
import stat
import tempfile

from softwire import tspdigest
from softwired.log import Log
from softwired.tsp import read_users


class Users:
    """The secrets of one realm. A file with a fault leaves what was read before."""

    def __init__(self, path: str, realm: str, log: Log) -> None:
        self.path, self.realm, self.log = path, realm, log
        self.seen: tuple[int, int, int] | None = None
        self.known: dict[bytes, bytes] = {}
        self.problem = ""

    def find(self, user: bytes) -> bytes | None:
        """What the server keeps of a user's password."""
        self.look()
        return self.known.get(user)

    def look(self) -> None:
        if not self.path:
            return
        try:
            found = os.stat(self.path)
            seen = (found.st_ino, found.st_mtime_ns, found.st_size)
            if seen == self.seen:
                return
            self.known = read_users(self.path, self.realm)
            self.seen, self.problem = seen, ""
        except (OSError, ValueError) as error:
            problem = str(getattr(error, "strerror", "") or error)
            if problem != self.problem:
                self.log.error(f"dstm.users = '{self.path}': {problem}")
            self.problem = problem


def write(path: str, realm: str, user: str, password: str | None) -> bool:
    """Adds a user, gives it another password, or (None) takes it out; whether it was there before. OSError."""
    lines: list[str] = []
    mode, owner = 0o600, None
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
            found = os.fstat(file.fileno())
            mode, owner = stat.S_IMODE(found.st_mode) & 0o770, (found.st_uid, found.st_gid)
    except FileNotFoundError:
        pass
    kept = [line for line in lines if not line.startswith(f"{user}:{realm}:")]
    if password is not None:
        digest = tspdigest.secret(user.encode(), realm.encode(), password.encode())
        kept.append(f"{user}:{realm}:{digest.hex()}")
    # Complete at once, and never anybody else's to read.
    descriptor, new = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".users.")
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in kept))
            file.flush()
            os.fchmod(file.fileno(), mode)
            if owner:
                os.fchown(file.fileno(), *owner)
            os.fsync(file.fileno())
        os.rename(new, path)
    except BaseException:
        os.unlink(new)
        raise
    return len(kept) - (password is not None) < len(lines)
