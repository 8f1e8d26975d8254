# SPDX-License-Identifier: Apache-2.0
"""The border router's own file: which node has which slot (sharing.slot), kept before it is acknowledged.

SQLite alone, of the standard library: the file is this machine's, and a restart that waits for a larger library is one
in which nothing new is taken.
"""

from __future__ import annotations

import os
import sqlite3
import typing

VERSION = 1
SCHEMA = (
    "CREATE TABLE mapping (ipv4 BLOB PRIMARY KEY, ipv6 BLOB NOT NULL, server TEXT NOT NULL, since REAL NOT NULL)"
    " WITHOUT ROWID"
)


class StoreError(Exception):
    """The file cannot be read or written; one line."""


class Mapping(typing.NamedTuple):
    """One node's address: who asked for it, and when."""

    ipv6: bytes
    server: str
    since: float


class Store:
    """A file, made if it is not there; StoreError."""

    def __init__(self, path: str, read_only: bool = False) -> None:
        self.path = path
        try:
            if read_only:
                os.stat(path)
            where = f"file:{path.replace('%', '%25').replace('?', '%3f').replace('#', '%23')}"
            self.database = sqlite3.connect(
                f"{where}?mode={'ro' if read_only else 'rwc'}", uri=True, isolation_level=None, timeout=5
            )
            if not read_only:
                self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"tep.file = '{path}': {_said(error)}; a file in a folder that the service may write to would be right"
            ) from None

    def _prepare(self) -> None:
        # A crash of the machine loses nothing that was acknowledged.
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("PRAGMA synchronous = FULL")
        (version,) = self.database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self.database.execute("BEGIN IMMEDIATE")
            self.database.execute(SCHEMA)
            self.database.execute(f"PRAGMA user_version = {VERSION}")
            self.database.execute("COMMIT")
        elif version != VERSION:
            raise sqlite3.DatabaseError(f"of version {version}; this softwired knows {VERSION}")

    def read(self) -> dict[bytes, Mapping]:
        """All mappings by slot; StoreError."""
        try:
            rows = self.database.execute("SELECT ipv4, ipv6, server, since FROM mapping").fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {_said(error)}") from None
        return {ipv4: Mapping(*rest) for ipv4, *rest in rows if len(ipv4) in (4, 6) and len(rest[0]) == 16}

    def write(self, changed: typing.Mapping[bytes, Mapping | None]) -> None:
        """All of them or none: a mapping, or None where it ends; on disk when this returns. StoreError."""
        try:
            self.database.execute("BEGIN IMMEDIATE")
            self.database.executemany(
                "DELETE FROM mapping WHERE ipv4 = ?", [(ipv4,) for ipv4, one in changed.items() if not one]
            )
            self.database.executemany(
                "INSERT OR REPLACE INTO mapping VALUES (?, ?, ?, ?)",
                [(ipv4, *one) for ipv4, one in changed.items() if one],
            )
            self.database.execute("COMMIT")
        except sqlite3.Error as error:
            if self.database.in_transaction:
                self.database.execute("ROLLBACK")
            raise StoreError(f"{self.path}: {_said(error)}") from None

    def close(self) -> None:
        self.database.close()


def _said(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
