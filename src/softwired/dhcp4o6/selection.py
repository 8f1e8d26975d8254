# SPDX-License-Identifier: Apache-2.0
"""Which subnet a message belongs to, as Kea's DHCPv6 server selects it (its developer's guide, "Subnet Selection")."""

from __future__ import annotations

import ipaddress
import types
import typing

from softwire.dhcpv6 import read_message
from softwire.wire import WireError
from softwired import relay


class Selector(typing.NamedTuple):
    """What a message tells of where its client is."""

    interface: str
    remote_address: ipaddress.IPv6Address
    link_address: ipaddress.IPv6Address | None  # None: the client is on the link itself
    interface_id: bytes | None
    classes: frozenset[str]


class Choice(typing.NamedTuple):
    """A subnet's configuration, or None; and why, a line for each step."""

    subnet: types.SimpleNamespace | None
    why: list[str]


def selector(
    layers: list[relay.Layer],
    message: bytes,
    interface: str,
    remote_address: ipaddress.IPv6Address,
    classes: typing.Sequence[types.SimpleNamespace],
) -> Selector:
    """Layers with the relay next to the server first; the client's side is the other end."""
    link_address = None
    for layer in reversed(layers):
        address = ipaddress.IPv6Address(layer.link_address)
        if not address.is_unspecified and not address.is_link_local:
            link_address = address
            break
    # Only the client's own relay is asked for its interface.
    interface_id = layers[-1].option(relay.INTERFACE_ID) if layers else None
    return Selector(interface, remote_address, link_address, interface_id, members(message, classes))


def members(message: bytes, classes: typing.Sequence[types.SimpleNamespace]) -> frozenset[str]:
    """The names of the classes that the innermost message belongs to."""
    if not classes:
        return frozenset()
    try:
        options = read_message(message)[2]
    except WireError:
        return frozenset()
    return frozenset(
        one.name
        for one in classes
        if any(code == one.option and value.startswith(one.starts_with) for code, value in options)
    )


def select(subnets: typing.Sequence[types.SimpleNamespace], asked: Selector) -> Choice:
    """The first subnet, in the order of the configuration, that a rule matches; each rule in turn."""
    why = []
    if asked.link_address is None:
        rules = [
            (f"interface {asked.interface}", lambda subnet: subnet.interface == asked.interface),
            (
                f"remote address {asked.remote_address} in its prefix",
                lambda subnet: asked.remote_address in subnet.prefix,
            ),
        ]
        why.append("no link address that is neither undefined nor link-local: the client is on the link")
    else:
        rules = [
            (
                f"link address {asked.link_address} is one of its relays",
                lambda subnet: asked.link_address in subnet.relays,
            ),
            (
                f"link address {asked.link_address} in its prefix",
                lambda subnet: asked.link_address in subnet.prefix,
            ),
        ]
        if asked.interface_id is not None:
            rules.insert(
                0,
                (
                    f"interface id {asked.interface_id.hex(':')}",
                    lambda subnet: subnet.interface_id and subnet.interface_id == asked.interface_id,
                ),
            )
        why.append(f"first link address from the client's side: {asked.link_address}: relayed")
    for text, rule in rules:
        for subnet in subnets:
            if not rule(subnet):
                continue
            if subnet.client_class and subnet.client_class not in asked.classes:
                why.append(f"{text}: {subnet.prefix}, but the client is not in class {subnet.client_class}")
                continue
            why.append(f"{text}: {subnet.prefix}")
            return Choice(subnet, why)
        why.append(f"{text}: no subnet")
    return Choice(None, why)
