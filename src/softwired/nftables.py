# SPDX-License-Identifier: Apache-2.0
"""nftables: a ruleset by the program nft, in one transaction; elements of a set and counters by netlink.

A process for each element would cost too much. linux/netfilter/nf_tables.h, linux/netfilter/nfnetlink.h.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import typing

from softwired import netlink, privileges
from softwired.netlink import Message, attribute, attributes, nested

SUBSYSTEM = 10
BATCH_BEGIN, BATCH_END = 0x10, 0x11
NEW_ELEMENT, GET_ELEMENT, DELETE_ELEMENT, GET_OBJECT = (SUBSYSTEM << 8 | kind for kind in (12, 13, 14, 19))
# Multicast group
RULESETS = 7
# The family of tables for both IPv4 and IPv6 (linux/netfilter.h, NFPROTO_INET)
INET = 1
TABLE, SET, ELEMENTS = 1, 2, 3  # NFTA_SET_ELEM_LIST_*
LIST_ELEMENT, ELEMENT_KEY, ELEMENT_EXPIRATION, VALUE = (
    1,
    1,
    5,
    1,
)  # NFTA_LIST_ELEM, NFTA_SET_ELEM_*, NFTA_DATA_VALUE
OBJECT_TABLE, OBJECT_NAME, OBJECT_TYPE, OBJECT_DATA = 1, 2, 3, 4
COUNTER, COUNTER_BYTES, COUNTER_PACKETS = 1, 1, 2
# Of one message; an attribute's length has 16 bits.
AT_ONCE = 1000
PATIENCE = 60
SEARCH = "/usr/sbin:/sbin:/usr/bin:/bin"


class NftError(Exception):
    """nft refused a ruleset, or is not there; one line."""


def load(ruleset: str) -> int:
    """Makes all of it take effect at once; NftError, and then nothing changed. The port of the news that it causes."""
    program = shutil.which("nft", path=SEARCH)
    if program is None:
        raise NftError("the program nft is missing: the package nftables has it")
    try:
        with subprocess.Popen(
            [program, "-f", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": SEARCH, "LC_ALL": "C"},
            preexec_fn=privileges.lend if os.geteuid() else None,
        ) as process:
            try:
                said, _ = process.communicate(ruleset, timeout=PATIENCE)
            finally:
                process.kill()
    except (OSError, subprocess.SubprocessError) as error:
        raise NftError(f"nft: {error}") from None
    if process.returncode:
        raise NftError("nft: " + " ".join(said.split())[:300])
    # A netlink socket that is not bound gets its process's number (netlink(7)).
    return process.pid


class Set:
    """A set of a table of this family, whose elements are octets."""

    def __init__(self, kernel: netlink.Socket, table: str, name: str, family: int = socket.AF_INET6) -> None:
        self.kernel, self.family = kernel, family
        self.table, self.name = (text.encode() + b"\0" for text in (table, name))

    def change(self, less: typing.Sequence[bytes], more: typing.Sequence[bytes]) -> list[netlink.Failure]:
        """Removes elements and adds others, all at once; what was refused."""
        told = [
            self._message(kind, part[start : start + AT_ONCE])
            for kind, part in ((DELETE_ELEMENT, less), (NEW_ELEMENT, more))
            for start in range(0, len(part), AT_ONCE)
        ]
        if not told:
            return []
        whole = struct.pack(">BBH", 0, 0, SUBSYSTEM)
        return self.kernel.transaction(Message(BATCH_BEGIN, whole), told, Message(BATCH_END, whole))

    def elements(self) -> dict[bytes, int] | None:
        """All of them and the milliseconds that each is left, 0 without a time; None if there is no such set."""
        body = _header(self.family) + attribute(TABLE, self.table) + attribute(SET, self.name)
        try:
            answers = self.kernel.ask(GET_ELEMENT, body)
        except netlink.NetlinkError as error:
            if error.errno == 2:
                return None
            raise
        found = {}
        for message in answers:
            for kind, data in netlink.pairs(attributes(message.body[4:]).get(ELEMENTS, b"")):
                if kind == LIST_ELEMENT:
                    told = attributes(data)
                    left = int.from_bytes(told.get(ELEMENT_EXPIRATION, b""), "big")
                    found[attributes(told[ELEMENT_KEY])[VALUE]] = left
        return found

    def _message(self, kind: int, elements: typing.Sequence[bytes]) -> Message:
        listed = [nested(LIST_ELEMENT, nested(ELEMENT_KEY, attribute(VALUE, one))) for one in elements]
        body = _header(self.family) + attribute(TABLE, self.table) + attribute(SET, self.name)
        return Message(kind, body + nested(ELEMENTS, *listed), netlink.CREATE if kind == NEW_ELEMENT else 0)


def counter(kernel: netlink.Socket, table: str, name: str, family: int = socket.AF_INET6) -> int | None:
    """Packets of a named counter of a table of this family; None if there is none."""
    body = _header(family) + b"".join(
        attribute(kind, data)
        for kind, data in (
            (OBJECT_TABLE, table.encode() + b"\0"),
            (OBJECT_NAME, name.encode() + b"\0"),
            (OBJECT_TYPE, struct.pack(">I", COUNTER)),
        )
    )
    try:
        (answer,) = kernel.ask(GET_OBJECT, body, 0)
    except netlink.NetlinkError:
        return None
    data = attributes(attributes(answer.body[4:])[OBJECT_DATA])
    return int.from_bytes(data[COUNTER_PACKETS], "big")


def table_of(news: Message) -> str:
    """The table that a piece of news of group RULESETS is about; '' of a generation."""
    if news.kind >> 8 != SUBSYSTEM or news.kind & 0xFF == 15:  # NFT_MSG_NEWGEN
        return ""
    return attributes(news.body[4:]).get(1, b"").rstrip(b"\0").decode(errors="replace")


def _header(family: int) -> bytes:
    return struct.pack(">BBH", family, 0, 0)
