# SPDX-License-Identifier: Apache-2.0
"""What the kernel tells of interfaces: addresses, Ethernet addresses, and that something changed (rtnetlink(7))."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
import typing

TENTATIVE, DEPRECATED = 0x40, 0x20  # linux/if_addr.h, IFA_F_*
LINK, GLOBAL = "20", "00"  # include/net/ipv6.h, the scopes of /proc/net/if_inet6
SIOCGIFHWADDR, ARPHRD_ETHER = 0x8927, 1
# linux/rtnetlink.h
RTMGRP_LINK, RTMGRP_IPV6_IFADDR = 0x1, 0x100


class Address(typing.NamedTuple):
    """One address of an interface."""

    interface: str
    octets: bytes
    prefix_length: int
    scope: str
    flags: int


def rows(path: str) -> list[list[str]]:
    """The words of each line of one of the kernel's lists; none where it has no such list."""
    try:
        with open(path, encoding="ascii") as file:
            return [line.split() for line in file]
    except OSError:
        return []


def addresses(path: str = "/proc/net/if_inet6") -> list[Address]:
    """All IPv6 addresses of this machine, as the kernel lists them; none without IPv6."""
    return [
        Address(name, bytes.fromhex(octets), int(length, 16), scope, int(flags, 16))
        for octets, _, length, scope, flags, name in rows(path)
    ]


def link_local_addresses(path: str = "/proc/net/if_inet6") -> dict[str, str]:
    """Interface: its first link-local address that is not tentative."""
    found: dict[str, str] = {}
    for one in addresses(path):
        if one.scope == LINK and not one.flags & TENTATIVE:
            found.setdefault(one.interface, str(ipaddress.IPv6Address(one.octets)))
    return found


def mac(interface: str) -> bytes:
    """Octets of an Ethernet device's address (netdevice(7)); b'' if it has none."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asked:
        try:
            told = fcntl.ioctl(asked, SIOCGIFHWADDR, struct.pack("16s24x", interface.encode()))
        except OSError:
            return b""
    found = told[18:24]
    return found if struct.unpack_from("=H", told, 16)[0] == ARPHRD_ETHER and any(found) else b""


class Changes:
    """Becomes readable when the kernel tells of a change: of an interface, or an IPv6 address of one."""

    def __init__(
        self, protocol: int = socket.NETLINK_ROUTE, groups: int = RTMGRP_LINK | RTMGRP_IPV6_IFADDR
    ) -> None:
        self.socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol
        )
        self.socket.bind((0, groups))

    def fileno(self) -> int:
        return self.socket.fileno()

    def changed(self) -> bool:
        """Eats what the kernel told; whether it told anything."""
        told = False
        while True:
            try:
                self.socket.recv(65536)
            except BlockingIOError:
                return told
            except OSError:
                pass  # told more than fits
            told = True

    def close(self) -> None:
        self.socket.close()
