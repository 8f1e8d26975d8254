# SPDX-License-Identifier: Apache-2.0
"""softwired dhcp4o6 select: which subnet a message gets, and why."""

from __future__ import annotations

import argparse
import ipaddress
import types
import typing

from softwire.wire import WireError
from softwired import relay, service
from softwired.dhcp4o6 import capture, selection


def add_commands(words: typing.Any) -> None:
    """The service's own commands beside `status` and `metrics`."""
    made = words.add_parser("select", help="tells which subnet a message gets, and why")
    made.add_argument("message", help="DHCPv6 as hexadecimal text, or the path of a pcap file")
    made.add_argument("--interface", required=True, help="where it arrived")
    made.add_argument(
        "--source",
        type=ipaddress.IPv6Address,
        default=ipaddress.IPv6Address("fe80::1"),
        help="of hexadecimal text",
    )
    made.set_defaults(answer=select)


def messages(text: str, source: ipaddress.IPv6Address) -> typing.Iterator[capture.Packet]:
    """The messages that the argument means; StartError."""
    try:
        yield capture.Packet(1, source, bytes.fromhex(text.replace(":", " ")))
        return
    except ValueError:
        pass
    try:
        with open(text, "rb") as file:
            data = file.read()
    except OSError as error:
        raise service.StartError(f"{text}: neither hexadecimal octets nor a file: {error.strerror}") from None
    if not capture.is_capture(data):
        raise service.StartError(f"{text}: no pcap file (of pcapng, tshark -F pcap makes one)")
    try:
        yield from capture.read(data)
    except WireError as error:
        raise service.StartError(f"{text}: {error}") from None


def select(given: argparse.Namespace) -> int:
    """Prints a few lines for each message; exit status 1 if one gets no subnet."""
    _, values = service.values_of("dhcp4o6", given.config)
    lacking = 0
    for packet in messages(given.message, given.source):
        lines, subnet = told(packet, given.interface, values)
        lacking += subnet is None
        print("\n".join(lines))
    return 1 if lacking else 0


def told(
    packet: capture.Packet, interface: str, values: types.SimpleNamespace
) -> tuple[list[str], types.SimpleNamespace | None]:
    """The lines for one message, and its subnet or None."""
    classes = getattr(values, "class")
    try:
        layers, message = relay.unwrap(packet.message)
    except WireError as error:
        return [f"packet {packet.number}: {error}"], None
    asked = selection.selector(layers, message, interface, packet.source, classes)
    choice = selection.select(values.subnet, asked)
    kind = f"type {message[0]}" if message else "empty"
    found = choice.subnet.prefix if choice.subnet else "no subnet"
    lines = [f"packet {packet.number}: {kind} from {packet.source} on {interface}: {found}"]
    if classes:
        lines.append("  classes: " + (", ".join(sorted(asked.classes)) or "none"))
    return lines + ["  " + step for step in choice.why], choice.subnet
