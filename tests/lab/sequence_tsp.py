# SPDX-License-Identifier: Apache-2.0
"""The Tunnel Setup Protocol in words: commands by name, and what they ask for or give. Of a login its name alone."""

import ipaddress
import typing

from softwire import tsp
from softwire.wire import WireError

PORT = tsp.PORT
SHOWN = (b"VERSION", b"CAPABILITY", b"AUTHENTICATE")


def segments(octets: bytes) -> typing.Iterator[tuple[str, list[str], bool]]:
    """(name, details, whether it refuses) of each line and message in what one packet brought."""
    stream = tsp.Stream()
    try:
        stream.feed(octets)
        while stream.data.strip(tsp.BLANK):
            found = _next(stream)
            if found is None:
                return
            yield found
    except WireError as error:
        yield "TSP, unreadable", [str(error)], True


def _next(stream: tsp.Stream) -> typing.Optional[tuple[str, list[str], bool]]:
    if stream.data.lstrip(tsp.BLANK).lower().startswith(b"content-length"):
        found = stream.message()
        return None if found is None else _message(*found)
    line = stream.line()
    if line is None:
        return None
    status = tsp.read_status(line)
    if status:
        return f"{status[0]} {status[1]}", [], status[0] != tsp.OK
    if line.startswith(SHOWN):
        name, sign, rest = tsp.printable(line).replace("=", " ", 1).partition(" ")
        return f"{name}{sign}{rest}", [], False
    return "login", [], False


def _message(code: typing.Optional[int], text: str, body: bytes) -> tuple[str, list[str], bool]:
    details = [] if code is None else [f"{code} {text}"]
    refuses = code not in (None, tsp.OK)
    if not body:
        return f"{code} {text}", [], refuses
    found = tsp.read_message(body)
    for name, side in (("node", found.client), ("border router", found.server)):
        details += _side(name, side)
    if found.lifetime is not None:
        details.append(f"lifetime {found.lifetime} s")
    return f"Tunnel {found.action.capitalize()}", details, refuses


def _side(name: str, side: tsp.Side) -> list[str]:
    details = [f"{name} {ipaddress.IPv6Address(value)}" for value in side.ipv6]
    if side.ipv4 is not None:
        details.append(f"{name} {ipaddress.IPv4Address(side.ipv4)}")
    if side.ports:
        details.append(f"ports {side.ports[0]}-{side.ports[1]}")
    return details
