# SPDX-License-Identifier: Apache-2.0
"""The table [tunnels] of the configuration: its keys, what is right for each, and what holds between them."""

from __future__ import annotations

import base64
import ipaddress
import re
import socket
import types
import typing

from softwired.configuration import (
    Check,
    Fault,
    Field,
    Table,
    database,
    device,
    file_path,
    flag,
    ipv4,
    ipv4_prefix,
    ipv6_prefix,
    list_of,
    one_of,
    plain_name,
    seconds,
    text,
    whole,
)
from softwired.tunnels import pools

LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
LANGUAGES = ("en", "ja")
ALGORITHMS = ("hmac-sha256", "hmac-sha384", "hmac-sha512")


def public_ipv4(value: typing.Any) -> ipaddress.IPv4Address:
    """The address that packets of tunnels have outside."""
    address = ipv4(value)
    if address.is_multicast or address.is_loopback or address.is_unspecified or address.is_link_local:
        raise ValueError("an address of this machine that others reach would be right")
    return address


def optional(check: Check) -> Check:
    """'' for None."""
    return lambda value: None if value == "" else check(value)


def zone(value: typing.Any) -> str:
    """A DNS zone, without the dot at its end."""
    name = str(value).rstrip(".").lower()
    if not isinstance(value, str) or not re.fullmatch(rf"{LABEL}(\.{LABEL})*", name) or len(name) > 200:
        raise ValueError("a DNS zone such as 'tunnels.example.org' would be right")
    return name


def dns_server(value: typing.Any) -> tuple[str, int]:
    """Who takes updates: (address, port)."""
    match = re.fullmatch(r"\[([0-9a-fA-F:.]+)\]:(\d{1,5})|([0-9.]+):(\d{1,5})|([0-9a-fA-F:.]+)", str(value))
    try:
        if not isinstance(value, str) or not match:
            raise ValueError
        port = int(match[2] or match[4] or 53)
        if not 0 < port < 65536:
            raise ValueError
        return str(ipaddress.ip_address(match[1] or match[3] or match[5])), port
    except ValueError:
        raise ValueError(
            "an address such as '192.0.2.53', '192.0.2.53:53' or '[::1]:53' would be right"
        ) from None


def listen(value: typing.Any) -> tuple[str, int]:
    """Where the page is: (host, port)."""
    match = re.fullmatch(r"\[([0-9a-fA-F:.]+)\]:(\d{1,5})", str(value))
    try:
        if not isinstance(value, str) or not match or not 0 < int(match[2]) < 65536:
            raise ValueError
        return str(ipaddress.IPv6Address(match[1])), int(match[2])
    except ValueError:
        raise ValueError("an address and a port such as '[::1]:8041', '[::]:80' would be right") from None


def url(value: typing.Any) -> str:
    """What people call the page."""
    if not isinstance(value, str) or not re.fullmatch(
        r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._/-]*)?|", value
    ):
        raise ValueError("such as 'https://tunnels.example.org', or '', would be right")
    return value.rstrip("/")


def network(value: typing.Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Of proxies."""
    try:
        if not isinstance(value, str) or "%" in value:
            raise ValueError
        return ipaddress.ip_network(value)
    except ValueError:
        raise ValueError("an address or a prefix such as '127.0.0.1' or '::1' would be right") from None


def program(value: typing.Any) -> list[str]:
    """A program and its arguments; [] for none."""
    if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
        raise ValueError("a list of words would be right")
    if value and not value[0].startswith("/"):
        raise ValueError("a program by its absolute path, then its arguments, would be right")
    return value


TABLE: Table = {
    # Servers that share a database have different ones.
    "name": Field(plain_name, socket.gethostname()[:64] or "tunnels"),
    "address": Field(public_ipv4),
    "prefix": Field(ipv6_prefix),
    "routed": Field(optional(ipv6_prefix), None),
    "routed_length": Field(whole(48, 64), 64),
    # What people may choose to have routed, by its length.
    "pool": [{"prefix": Field(ipv6_prefix), "length": Field(whole(48, 64), 64)}],
    "tunnels": Field(whole(1, pools.MOST), 1000),
    "device": Field(device, "tunnels"),
    "database": Field(database, "sqlite:////var/lib/softwired/tunnels.db"),
    # The monitor
    "interval": Field(seconds(0.2, 86400), 60.0),
    "patience": Field(seconds(0.1, 60), 3.0),
    "echoes": Field(whole(1, 100000), 2000),
    "unreachable": Field(whole(1, 100000), 60),
    "grace": Field(whole(0, 31536000), 7 * 86400),
    "hook": Field(program, []),
    # A second without news of a server, and others take what it had.
    "lease": Field(whole(1, 86400), 60),
    # Of a tunnel and direction, kilobytes each second; 0: as fast as it goes.
    "rate": Field(whole(0, 10000000), 0),
    "closed_ports": Field(list_of(whole(1, 65535)), [25]),
    "dns": {
        "type": Field(one_of("none", "update"), "none"),
        "zone": Field(optional(zone), None),
        "reverse": Field(list_of(zone), []),
        "server": Field(dns_server, ("127.0.0.1", 53)),
        "key_name": Field(optional(zone), None),
        "key_file": Field(file_path, ""),
        "algorithm": Field(one_of(*ALGORITHMS), ALGORITHMS[0]),
        "ttl": Field(whole(1, 86400), 60),
    },
    "page": {
        "listen": Field(listen, ("::1", 8041)),
        "url": Field(url, ""),
        "key_file": Field(file_path, "/var/lib/softwired/tunnels.key"),
        "proxies": Field(list_of(network), [network("127.0.0.1"), network("::1")]),
        "languages": Field(list_of(one_of(*LANGUAGES), 1), list(LANGUAGES)),
        "contact": Field(text(r"[^\x00-\x1f<>]{0,200}", "a line of text would be right"), ""),
        # Such as 100.64.0.0/10 where the network's own people are offered tunnels.
        "allow": Field(list_of(ipv4_prefix), []),
        "refuse": Field(list_of(ipv4_prefix), []),
        "reserved": Field(
            list_of(text(r"[a-z0-9*-]{1,63}", "a nicname, '*' stands for any text, would be right")), []
        ),
        "echo": Field(flag, True),
        # Tunnels are of people with a name and a password; whether anybody may become one of them.
        "accounts": Field(flag, False),
        "sign_up": Field(flag, True),
    },
    "limits": {
        "of_a_person": Field(whole(0, 100000), 4),
        "of_a_network": Field(whole(0, 1000000), 32),
        "of_an_account": Field(whole(0, 100000), 4),
        "network_length": Field(whole(8, 32), 24),
        # A minute, of an address and of a network.
        "requests": Field(whole(1, 1000000), 60),
        "requests_of_a_network": Field(whole(1, 1000000), 600),
        # An hour.
        "new": Field(whole(1, 1000000), 10),
        "new_of_a_network": Field(whole(1, 1000000), 100),
        "logins": Field(whole(1, 1000000), 20),
        "logins_of_a_network": Field(whole(1, 1000000), 200),
        "logins_of_a_name": Field(whole(1, 1000000), 20),
        "sign_ups": Field(whole(1, 1000000), 5),
        "sign_ups_of_a_network": Field(whole(1, 1000000), 50),
    },
}


def together(values: types.SimpleNamespace) -> typing.Iterator[Fault]:
    """What holds between keys."""
    yield from _prefixes(values)
    dns = values.dns
    if dns.type == "none":
        return
    if not dns.zone:
        yield "dns.zone", "", "the zone of the names, or dns.type = 'none', would be right"
    for name in ("key_name", "key_file"):
        if not getattr(dns, name):
            yield f"dns.{name}", "", "the TSIG key that the server knows would be right"
    for number, name in enumerate(dns.reverse, 1):
        if not name.endswith("ip6.arpa"):
            yield f"dns.reverse[{number}]", name, "a zone below ip6.arpa would be right"
        elif not any(pools.under(prefix, name) for prefix in pools.prefixes(values)):
            right = pools.reverse_zone(values.prefix)
            yield (
                f"dns.reverse[{number}]",
                name,
                f"one that holds names of tunnels.prefix, {right}, would be right",
            )


def _prefixes(values: types.SimpleNamespace) -> typing.Iterator[Fault]:
    prefix, routed = values.prefix, values.routed
    named = [("prefix", prefix, 64, values.tunnels), ("routed", routed, values.routed_length, values.tunnels)]
    named += [
        (f"pool[{number}].prefix", one.prefix, one.length, 1) for number, one in enumerate(values.pool, 1)
    ]
    named = [entry for entry in named if entry[1]]
    for place, (name, one, length, promised) in enumerate(named):
        if one.is_multicast or one.is_link_local or one.is_loopback or one.prefixlen < 16:
            yield name, str(one), "a prefix of global or unique local unicast addresses would be right"
            continue
        room = pools.room(one, length)
        if room < promised:
            of = f"tunnels.tunnels = {promised} of /{length}" if promised > 1 else f"a /{length}"
            yield (
                name,
                str(one),
                f"room for {of}, so a /{length - promised.bit_length()} or shorter, would be right"
                f" (this one has {room})",
            )
        for other, there, *_ in named[:place]:
            if one.overlaps(there):
                yield (
                    name,
                    str(one),
                    f"one that does not overlap tunnels.{other} ({there}) would be right",
                )
    lengths = [values.routed_length] if routed else []
    for number, one in enumerate(values.pool, 1):
        if one.length in lengths:
            yield (
                f"pool[{number}].length",
                one.length,
                "a length that neither tunnels.routed_length nor another pool has would be right",
            )
        lengths.append(one.length)


def secret(path: str) -> str:
    """The TSIG key's secret, base64 as RFC 8945's tools write it; OSError, ValueError."""
    with open(path, encoding="ascii", errors="replace") as file:
        found = file.read(4096)
    # Also the file that tsig-keygen and keymgr write.
    match = re.search(r'secret:?\s*"?([A-Za-z0-9+/]{8,}={0,2})"?', found)
    plain = match[1] if match else found.strip()
    try:
        if len(base64.b64decode(plain, validate=True)) < 8:
            raise ValueError
    except ValueError:
        raise ValueError(
            "a TSIG secret in base64, or the file that tsig-keygen writes, would be right"
        ) from None
    return plain


TOGETHER = together
