# SPDX-License-Identifier: Apache-2.0
"""What programs are told of tunnels: Hurricane Electric's tunnelInfo as XML, and the same as JSON.

The elements are those that its operators described in their forum (topic 3109, February 2014).
"""

from __future__ import annotations

import ipaddress
import types
import typing

from softwired.tunnels.register import Tunnel

ESCAPED = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;"}


def of(one: Tunnel, values: types.SimpleNamespace) -> dict[str, str]:
    """By the names of the elements, in their order."""
    found = {
        "description": one.name,
        "serverv4": str(values.address),
        "clientv4": one.IPv4client,
        "serverv6": one.IPv6server,
        "clientv6": one.IPv6client,
    }
    if one.routed:
        found[f"routed{ipaddress.IPv6Network(one.routed).prefixlen}"] = one.routed
    for number, name in enumerate(one.nameservers.split(), 1):
        found[f"rdns{number}"] = name
    return found


def as_xml(tunnels: typing.Sequence[Tunnel], values: types.SimpleNamespace) -> str:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<tunnels>"]
    for one in tunnels:
        lines.append(f'<tunnel id="{one.id}">')
        for name, value in of(one, values).items():
            lines.append(f"<{name}>{value.translate(ESCAPED)}</{name}>")
        lines.append("</tunnel>")
    return "\n".join([*lines, "</tunnels>"]) + "\n"


def as_json(tunnels: typing.Sequence[Tunnel], values: types.SimpleNamespace) -> dict[str, typing.Any]:
    return {"tunnels": [{"id": str(one.id), **of(one, values)} for one in tunnels]}
