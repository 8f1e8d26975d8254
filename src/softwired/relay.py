# SPDX-License-Identifier: Apache-2.0
"""Relay-forward and Relay-reply messages, one around the other (RFC 8415 section 9)."""

from __future__ import annotations

import typing

from softwire.dhcpv6 import only, read_options, write_option
from softwire.wire import Reader, WireError

FORWARD, REPLY = 12, 13
INTERFACE_ID, RELAY_MESSAGE, RELAY_PORT = 18, 9, 135
# RFC 3315's HOP_COUNT_LIMIT; RFC 8415 has 8, which its relays keep to by themselves.
MOST_LAYERS = 32


class TooManyLayers(WireError):
    """More relays around a message than any network has."""


class Loop(WireError):
    """A message that passed one relay twice."""


class Layer(typing.NamedTuple):
    """What one relay put around the message. The options are in order, with the place of option 9 empty."""

    kind: int
    hop_count: int
    link_address: bytes
    peer_address: bytes
    options: list[tuple[int, bytes]]

    def option(self, code: int) -> bytes | None:
        for found, value in self.options:
            if found == code:
                return value
        return None


def unwrap(data: bytes) -> tuple[list[Layer], bytes]:
    """(layers, the relay next to the server first; the innermost message); WireError."""
    layers: list[Layer] = []
    while data[:1] in (b"\x0c", b"\x0d"):
        if len(layers) == MOST_LAYERS:
            raise TooManyLayers(f"more than {MOST_LAYERS} relay messages around each other")
        reader = Reader(data)
        kind, hop_count = reader.number(1, "message type"), reader.number(1, "hop count")
        if layers and kind != layers[0].kind:
            raise WireError("a Relay-forward and a Relay-reply around each other")
        link_address, peer_address = reader.take(16, "link-address"), reader.take(16, "peer-address")
        options = read_options(reader.rest())
        data = only(options, RELAY_MESSAGE)
        layers.append(
            Layer(
                kind,
                hop_count,
                link_address,
                peer_address,
                [(code, b"" if code == RELAY_MESSAGE else value) for code, value in options],
            )
        )
    return layers, data


def refuse_loop(layers: list[Layer]) -> None:
    """Loop if two layers name the same link, peer and interface."""
    if len(layers) > 1:
        passed = {(layer.link_address, layer.peer_address, layer.option(INTERFACE_ID)) for layer in layers}
        if len(passed) != len(layers):
            raise Loop("two of the relay messages around each other are of one relay and one peer")


def wrap(layers: list[Layer], message: bytes) -> bytes:
    """What `unwrap` takes apart; WireError if it does not fit."""
    for layer in reversed(layers):
        options = [
            write_option(code, message if code == RELAY_MESSAGE else value) for code, value in layer.options
        ]
        head = bytes([layer.kind, layer.hop_count]) + layer.link_address + layer.peer_address
        message = head + b"".join(options)
    return message


def replies(layers: list[Layer]) -> list[Layer]:
    """The layers of a Relay-reply: what RFC 8415 section 19.3 and RFC 8357 section 5 want echoed, then option 9."""
    return [
        layer._replace(
            kind=REPLY,
            options=[pair for pair in layer.options if pair[0] in (INTERFACE_ID, RELAY_PORT)]
            + [(RELAY_MESSAGE, b"")],
        )
        for layer in layers
    ]
