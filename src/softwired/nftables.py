# SPDX-License-Identifier: Apache-2.0
"""nftables: a ruleset by the program nft, in one transaction; elements of a set and counters by netlink.

A process for each element would cost too much. linux/netfilter/nf_tables.h, linux/netfilter/nfnetlink.h.
"""

from __future__ import annotations

import functools
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
TABLE, SET, ELEMENTS = 1, 2, 3  # NFTA_SET_ELEM_LIST_*
LIST_ELEMENT, VALUE = 1, 1  # NFTA_LIST_ELEM, NFTA_DATA_VALUE
ELEMENT_KEY, ELEMENT_EXPIRATION, ELEMENT_COMMENTS, ELEMENT_EXPRESSION = 1, 5, 6, 7  # NFTA_SET_ELEM_*
EXPRESSION_NAME, EXPRESSION_DATA = 1, 2
OBJECT_TABLE, OBJECT_NAME, OBJECT_TYPE, OBJECT_DATA = 1, 2, 3, 4
COUNTER, COUNTER_BYTES, COUNTER_PACKETS = 1, 1, 2
# Of an element's user data, as nft writes and shows it (libnftnl, udata.h)
COMMENT = 0
PATIENCE = 60
SEARCH = "/usr/sbin:/sbin:/usr/bin:/bin"


# The expression of an element that counts: these octets, then eight of each number.
START = struct.Struct(">24sQ4sQ")
START_HEAD, PACKETS_HEAD = (
    nested(
        ELEMENT_EXPRESSION,
        attribute(EXPRESSION_NAME, b"counter\0"),
        nested(EXPRESSION_DATA, attribute(COUNTER_BYTES, bytes(8)), attribute(COUNTER_PACKETS, bytes(8))),
    )[at : at + length]
    for at, length in ((0, 24), (32, 4))
)


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


class Count(typing.NamedTuple):
    """What the counter of an element has, and whose it is: the element's comment."""

    comment: str
    packets: int
    octets: int


class Set:
    """A set of a table of this family, whose elements are octets."""

    # Of one message; an attribute's length has 16 bits.
    at_once = 1000

    def __init__(self, kernel: netlink.Socket, table: str, name: str, family: int = socket.AF_INET6) -> None:
        self.kernel, self.family = kernel, family
        self.table, self.name = (text.encode() + b"\0" for text in (table, name))

    def change(self, less: typing.Sequence[bytes], more: typing.Sequence[bytes]) -> list[netlink.Failure]:
        """Removes elements and adds others, all at once; what was refused."""
        told = [
            self._message(kind, part[start : start + self.at_once])
            for kind, part in ((DELETE_ELEMENT, less), (NEW_ELEMENT, more))
            for start in range(0, len(part), self.at_once)
        ]
        if not told:
            return []
        whole = struct.pack(">BBH", 0, 0, SUBSYSTEM)
        return self.kernel.transaction(Message(BATCH_BEGIN, whole), told, Message(BATCH_END, whole))

    def elements(self) -> dict[bytes, int] | None:
        """All of them and the milliseconds that each is left, 0 without a time; None if there is no such set."""
        found = self._listed()
        if found is None:
            return None
        return {key: int.from_bytes(told.get(ELEMENT_EXPIRATION, b""), "big") for key, told in found.items()}

    def _listed(self, *elements: bytes) -> dict[bytes, dict[int, bytes]] | None:
        """What the kernel tells of these, or of all; None if there is no such set or element."""
        asked = [_element(one) for one in elements]
        body = self._named() + (nested(ELEMENTS, *asked) if asked else b"")
        try:
            answers = self.kernel.ask(GET_ELEMENT, body, 0 if asked else netlink.DUMP)
        except netlink.NetlinkError as error:
            if error.errno == 2:
                return None
            raise
        found = {}
        for message in answers:
            for kind, data in netlink.pairs(attributes(message.body[4:]).get(ELEMENTS, b"")):
                if kind == LIST_ELEMENT:
                    told = attributes(data)
                    found[attributes(told[ELEMENT_KEY])[VALUE]] = told
        return found

    def _named(self) -> bytes:
        return _header(self.family) + attribute(TABLE, self.table) + attribute(SET, self.name)

    def _message(self, kind: int, elements: typing.Sequence[bytes]) -> Message:
        listed = [self._new(one) if kind == NEW_ELEMENT else _element(one) for one in elements]
        return Message(
            kind, self._named() + nested(ELEMENTS, *listed), netlink.CREATE if kind == NEW_ELEMENT else 0
        )

    def _new(self, element: bytes) -> bytes:
        return _element(element)


class CountingSet(Set):
    """One whose elements count what they match; `starts` are counts of elements that are added."""

    at_once = 500

    def __init__(self, kernel: netlink.Socket, table: str, name: str, family: int = socket.AF_INET6) -> None:
        super().__init__(kernel, table, name, family)
        self.starts: typing.Mapping[bytes, Count] = {}

    def counts(self) -> dict[bytes, Count] | None:
        """Of all elements; None if there is no such set."""
        found = self._listed()
        return None if found is None else {key: _count(told) for key, told in found.items()}

    def count(self, element: bytes) -> Count | None:
        """Of one; None if it is not there."""
        return next((_count(told) for told in (self._listed(element) or {}).values()), None)

    def _new(self, element: bytes) -> bytes:
        start = self.starts[element]
        comment = start.comment.encode() + b"\0"
        return _element(
            element,
            attribute(ELEMENT_COMMENTS, bytes([COMMENT, len(comment)]) + comment)
            + START.pack(START_HEAD, start.octets, PACKETS_HEAD, start.packets),
        )


def _element(key: bytes, more: bytes = b"") -> bytes:
    return _head(len(key), len(more)) + key + more


@functools.lru_cache(maxsize=64)
def _head(key: int, more: int) -> bytes:
    """What stands before a key of so many octets, which fill words, and so many of what follows it."""
    value = attribute(VALUE, bytes(key))[:-key]
    return nested(LIST_ELEMENT, nested(ELEMENT_KEY, value + bytes(key)), bytes(more))[: -key - more]


def _count(told: typing.Mapping[int, bytes]) -> Count:
    """Of what the kernel tells of an element."""
    numbers = attributes(attributes(told.get(ELEMENT_EXPRESSION, b"")).get(EXPRESSION_DATA, b""))
    packets, octets = (
        int.from_bytes(numbers.get(kind, b""), "big") for kind in (COUNTER_PACKETS, COUNTER_BYTES)
    )
    comments = told.get(ELEMENT_COMMENTS, b"")
    # Each a kind, a length and so many octets; ours is the only one.
    comment = comments[2:].rstrip(b"\0").decode(errors="replace") if comments[:1] == bytes([COMMENT]) else ""
    return Count(comment, packets, octets)


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
