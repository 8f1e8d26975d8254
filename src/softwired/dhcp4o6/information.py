# SPDX-License-Identifier: Apache-2.0
"""Answers to an Information-request (RFC 8415 section 18.3.6) that asks for option 88 (RFC 7341 section 7.2)."""

from __future__ import annotations

import ipaddress
import typing

from softwire.dhcpv6 import CLIENT_ID, read_message, write_message
from softwire.wire import WireError

INFORMATION_REQUEST, REPLY = 11, 7
SERVER_ID, OPTION_REQUEST, REFRESH_TIME, SERVERS = 2, 6, 32, 88
# RFC 8415 section 16.12: with one of them it is discarded.
ADDRESS_OPTIONS = (3, 4, 25)


def answer(
    message: bytes, duid: bytes, servers: typing.Iterable[ipaddress.IPv6Address], refresh_time: int
) -> bytes | None:
    """The Reply, or None for what is to be left alone; WireError for what is no message."""
    kind, transaction, options = read_message(message)
    requested: set[int] = set()
    for code, value in options:
        if code in ADDRESS_OPTIONS or code == SERVER_ID and value != duid:
            return None
        if code == OPTION_REQUEST:
            if len(value) % 2:
                raise WireError(
                    f"option {OPTION_REQUEST} of {len(value)} octets: two for each code are right"
                )
            requested.update(int.from_bytes(value[at : at + 2], "big") for at in range(0, len(value), 2))
    if kind != INFORMATION_REQUEST or SERVERS not in requested:
        return None
    found = [(code, value) for code, value in options if code == CLIENT_ID][:1] + [(SERVER_ID, duid)]
    if REFRESH_TIME in requested:
        found.append((REFRESH_TIME, refresh_time.to_bytes(4, "big")))
    found.append((SERVERS, b"".join(address.packed for address in servers)))
    return typing.cast(bytes, write_message(REPLY, transaction, found))
