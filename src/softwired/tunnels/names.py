# SPDX-License-Identifier: Apache-2.0
"""Names of tunnels in the DNS: which a tunnel has, and the zones that they are in; updates.py tells the server."""

from __future__ import annotations

import ipaddress
import types
import typing

from softwired.tunnels import pools, register
from softwired.tunnels.register import Tunnel

# Of one message.
AT_ONCE = 200


def of(values: types.SimpleNamespace) -> register.Names:
    """Which names a tunnel has, by the configuration: {(name, kind): value}, without dots at the end."""
    dns = values.dns

    def names(one: Tunnel) -> dict[tuple[str, str], str]:
        if dns.type == "none":
            return {}
        full = f"{one.name}.{dns.zone}"
        found = {(full, "AAAA"): one.IPv6client}
        pointer = ipaddress.IPv6Address(one.IPv6client).reverse_pointer
        if zone_of(pointer, dns.reverse):
            found[pointer, "PTR"] = full
        if one.routed and one.nameservers:
            prefix = ipaddress.IPv6Network(one.routed)
            if delegable(prefix, dns.reverse):
                found[pools.reverse_zone(prefix), "NS"] = one.nameservers
        return found

    return names


def delegable(prefix: ipaddress.IPv6Network, zones: typing.Iterable[str]) -> bool:
    """Whether its reverse zone is one by itself, in a zone of ours."""
    return prefix.prefixlen % 4 == 0 and bool(zone_of(pools.reverse_zone(prefix), zones))


def zone_of(name: str, zones: typing.Iterable[str]) -> str:
    """The closest zone that has a name; '' if none has."""
    return max((zone for zone in zones if name.endswith("." + zone)), key=len, default="")
