# SPDX-License-Identifier: Apache-2.0
"""The kernel's side: links, addresses, routes, sysctls, through iproute2 and /sys; and the watch on link
changes."""

import os
import socket
import struct
import subprocess

AF_NETLINK, NETLINK_ROUTE, RTMGRP_LINK = 16, 0, 1
RTM_NEWLINK, RTM_DELLINK, IFLA_IFNAME = 16, 17, 3


def ip(*words):
    """Runs `ip`; True when the kernel took it. What it refused is the caller's to judge, as in netifd."""
    return (
        subprocess.run(
            ("ip",) + words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        ).returncode
        == 0
    )


def read(path, default=""):
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return default


def write(path, value):
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(str(value))
        return True
    except OSError:
        return False


def link_file(name, leaf):
    return f"/sys/class/net/{name}/{leaf}"


def exists(name):
    return bool(name) and os.path.exists(f"/sys/class/net/{name}")


def number(name, leaf, default=0):
    try:
        return int(read(link_file(name, leaf)), 0)
    except ValueError:
        return default


def is_up(name):
    return bool(number(name, "flags") & 1)


def carrier(name):
    """Link as netifd sees it: set up and with carrier; an unreadable file means the device is down."""
    return is_up(name) and read(link_file(name, "carrier")) == "1"


def set_link(name, up):
    return ip("link", "set", "dev", name, "up" if up else "down")


def delete_link(name):
    return ip("link", "del", "dev", name)


def clear(name):
    """What netifd does to a device it takes over: down, without addresses and routes."""
    ip("link", "set", "dev", name, "down")
    ip("addr", "flush", "dev", name)


def sysctl(name, leaf, value=None, family="ipv6"):
    path = f"/proc/sys/net/{family}/conf/{name}/{leaf}"
    return read(path) if value is None else write(path, value)


def flush_routes():
    write("/proc/sys/net/ipv4/route/flush", "-1")
    write("/proc/sys/net/ipv6/route/flush", "-1")


class LinkWatch:
    """Tells changed(name) after every link message of the kernel."""

    def __init__(self, loop, changed):
        self.changed = changed
        self.socket = socket.socket(AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((0, RTMGRP_LINK))
        self.socket.setblocking(False)
        loop.on_readable(self.socket.fileno(), self.receive)

    def receive(self):
        names = []
        while True:
            try:
                data = self.socket.recv(1 << 16)
            except BlockingIOError:
                break
            except OSError:  # lost messages: look at everything
                names += os.listdir("/sys/class/net")
                continue
            names += link_names(data)
        for name in dict.fromkeys(names):
            self.changed(name)


def link_names(data):
    """The interface names in a datagram of rtnetlink link messages (rtnetlink(7))."""
    names, at = [], 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        if length < 16:
            break
        if kind in (RTM_NEWLINK, RTM_DELLINK):
            attribute, end = at + 32, min(at + length, len(data))
            while attribute + 4 <= end:
                size, code = struct.unpack_from("=HH", data, attribute)
                if size < 4:
                    break
                if code & 0x3FFF == IFLA_IFNAME:
                    names.append(
                        data[attribute + 4 : attribute + size].split(b"\0")[0].decode(errors="replace")
                    )
                attribute += (size + 3) & ~3
        at += (length + 3) & ~3
    return names
