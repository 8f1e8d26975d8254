# SPDX-License-Identifier: Apache-2.0
"""The table [dstm] of the configuration: its keys, what is right for each, and what holds between them."""

from __future__ import annotations

import ipaddress
import socket
import types
import typing

from softwire import iadstm, tsp
from softwired.configuration import (
    Fault,
    Field,
    Table,
    database,
    device,
    file_path,
    flag,
    ipv6,
    ipv6_prefix,
    list_of,
    octets,
    plain_name,
    seconds,
    text,
    unicast,
    whole,
)
from softwired.dstm import slots

MECHANISMS = ("DIGEST-MD5", "PLAIN", "ANONYMOUS")


def border_router(value: typing.Any) -> str:
    """An address that a border router can have, as text."""
    return str(unicast(value))


def ipv4(value: typing.Any) -> int | None:
    """An IPv4 address as an integer, or '' for None."""
    if value == "":
        return None
    try:
        return int(ipaddress.IPv4Address(value))
    except ValueError:
        raise ValueError("an IPv4 address such as '192.0.2.1' would be right") from None


def mechanism(value: typing.Any) -> str:
    """One of SASL's that TSP has."""
    if value not in MECHANISMS:
        raise ValueError(f"one of {', '.join(MECHANISMS)} would be right")
    return str(value)


def ports(value: typing.Any) -> int:
    """How many a node gets: a power of two, which a port set can say."""
    found: int = whole(0, 32768)(value)
    if found & (found - 1):
        raise ValueError("0 for all ports, or a power of two such as 2048, would be right")
    return found


TABLE: Table = {
    # Servers that share a database have different ones.
    "name": Field(plain_name, socket.gethostname()[:64] or "dstm"),
    "listen": Field(list_of(lambda value: str(ipv6(value)), 1), ["::"]),
    "port": Field(whole(0, 65535), tsp.PORT),
    "database": Field(database, "sqlite:////var/lib/softwired/dstm.db"),
    "lifetime": Field(whole(60, 31536000), 3600),
    "clients": Field(list_of(ipv6_prefix), []),
    # How much of the address a node asks with has to be that of its tunnel's end.
    "same_prefix": Field(whole(0, 128), 64),
    "mechanisms": Field(list_of(mechanism, 1), ["DIGEST-MD5"]),
    "users": Field(file_path, ""),
    "realm": Field(text(r"[A-Za-z0-9_.-]{1,64}", "a name would be right"), "dstm"),
    # Days.
    "history": Field(whole(0, 3650), 180),
    # Seconds; 0: the nodes need not send any.
    "keepalive": Field(whole(0, 3600), 0),
    # DHCPv6, on these interfaces; with addresses: of relays.
    "interface": [{"name": Field(device), "addresses": Field(list_of(ipv6), [])}],
    "duid": Field(octets, b""),
    "code_ia_dstm": Field(whole(1, 65535), iadstm.IA_DSTM),
    "code_dstm_tep": Field(whole(1, 65535), iadstm.DSTM_TEP),
    "code_dstm_ports": Field(whole(1, 65535), iadstm.DSTM_PORTS),
    "tls": {
        "certificate": Field(file_path, ""),
        "key": Field(file_path, ""),
        "port": Field(whole(1, 65535), tsp.PORT),
    },
    "pool": [
        {
            "addresses": Field(list_of(slots.read_range, 1)),
            "exclude": Field(list_of(slots.read_range), []),
            "teps": Field(list_of(border_router, 1)),
            "ports_of_a_node": Field(ports, 0),
            "first_port": Field(whole(0, 65535), 1024),
        }
    ],
    "tep": [
        {
            "address": Field(border_router),
            "port": Field(whole(1, 65535), tsp.PORT),
            "weight": Field(whole(0, 100), 1),
            # Where it is told nothing: what nodes are told of it.
            "tell": Field(flag, True),
            "ipv4": Field(ipv4, None),
            "user": Field(text(r"[A-Za-z0-9@_.-]{0,64}", "a name would be right"), ""),
            "password_file": Field(file_path, ""),
            "certificate": Field(file_path, ""),
            "patience": Field(seconds(0.05, 60), 3.0),
            # Seconds; 0: its nodes wait until it is back.
            "gone_after": Field(whole(0, 86400), 0),
        }
    ],
    "limits": {
        # 0: as many as there are.
        "leases_of_a_user": Field(whole(0, 1000000), 0),
        "leases_of_a_prefix": Field(whole(0, 1000000), 0),
        "connections": Field(whole(1, 100000), 4096),
        "patience": Field(seconds(0.1, 600), 15.0),
    },
}


def together(values: types.SimpleNamespace) -> typing.Iterator[Fault]:
    """What no key alone can tell."""
    if not values.pool:
        yield "pool", [], "at least one table [[dstm.pool]] would be right"
    if not values.tep:
        yield "tep", [], "at least one table [[dstm.tep]] would be right"
    yield from _teps(values)
    yield from _pools(values)
    codes = [values.code_ia_dstm, values.code_dstm_tep, values.code_dstm_ports]
    if len(set(codes)) < 3:
        yield "code_ia_dstm", codes[0], "three codes of which none is another's would be right"
    if values.duid and not 3 <= len(values.duid) <= 130:
        # RFC 8415 section 11.1
        yield "duid", values.duid.hex(":"), "a type of 2 octets and 1 to 128 octets more would be right"
    if values.mechanisms != ["ANONYMOUS"] and not values.users:
        yield "users", "", 'the path of a file with users would be right, or mechanisms = ["ANONYMOUS"]'
    if "PLAIN" in values.mechanisms and values.port and values.port != values.tls.port:
        yield (
            "mechanisms",
            values.mechanisms,
            "PLAIN over TLS alone: port = 0, or that of dstm.tls, would be right",
        )
    for one, other in (("certificate", "key"), ("key", "certificate")):
        if getattr(values.tls, one) and not getattr(values.tls, other):
            yield f"tls.{other}", "", f"the file that belongs to tls.{one} would be right"
    if not values.port and not values.tls.certificate:
        yield "port", 0, "a port, or a certificate in [dstm.tls], would be right"


def _teps(values: types.SimpleNamespace) -> typing.Iterator[Fault]:
    known = [one.address for one in values.tep]
    for number, one in enumerate(values.tep, 1):
        if one.address in known[: number - 1]:
            yield f"tep[{number}].address", one.address, "there once already; another one would be right"
        if bool(one.user) != bool(one.password_file):
            yield (
                f"tep[{number}].password_file",
                one.password_file,
                "both or none of user and password_file would be right",
            )
        if one.gone_after and not one.tell:
            yield f"tep[{number}].gone_after", one.gone_after, "0 would be right, since it is not asked"
        if not one.tell and one.ipv4 is None:
            yield (
                f"tep[{number}].ipv4",
                "",
                "what nodes are told of it, since it is not asked, would be right",
            )
        for pool in values.pool:
            if one.ipv4 is not None and slots.holds(pool, one.ipv4):
                address = str(ipaddress.IPv4Address(one.ipv4))
                yield (
                    f"tep[{number}].ipv4",
                    address,
                    "one that is in no pool, or in its exclude, would be right",
                )
    for number, pool in enumerate(values.pool, 1):
        for address in pool.teps:
            if address not in known:
                yield f"pool[{number}].teps", address, "the address of a [[dstm.tep]] would be right"


def _pools(values: types.SimpleNamespace) -> typing.Iterator[Fault]:
    seen: list[tuple[int, slots.Range]] = []
    total = 0
    for number, pool in enumerate(values.pool, 1):
        for one in pool.addresses:
            for other, there in seen:
                if one.first <= there.last and there.first <= one.last:
                    yield (
                        f"pool[{number}].addresses",
                        _shown(one),
                        f"none that is in pool[{other}] already ({_shown(there)}) would be right",
                    )
            seen.append((number, one))
        if pool.ports_of_a_node and not slots.port_ranges(pool):
            yield (
                f"pool[{number}].first_port",
                pool.first_port,
                f"room for {pool.ports_of_a_node} ports would be right",
            )
        total += slots.count(pool)
    if total > slots.MOST:
        yield "pool", f"{total} addresses", f"at most {slots.MOST} would be right"


def _shown(one: slots.Range) -> str:
    return f"{ipaddress.IPv4Address(one.first)}-{ipaddress.IPv4Address(one.last)}"


TOGETHER = together
