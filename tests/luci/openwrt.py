# SPDX-License-Identifier: Apache-2.0
"""A real OpenWrt with LuCI, in namespaces of this machine: our packages put in by its own opkg, its LAN's cable in a
computer from which the browser comes, its line's cable in a router that advertises nothing."""

from __future__ import annotations

import json
import os
import pathlib
import re
import socket
import threading
import typing
import urllib.request

from tests.softwired import network, openwrt

PASSWORD = "of the router"
LAN = "192.168.1.1"
# What LuCI is to a package of ours.
NEEDED = ("www/luci-static/resources/luci.js", "usr/lib/rpcd/ucode.so", "usr/sbin/uhttpd")
# netifd and fw4 as OpenWrt has them by itself; the line is OpenWrt's default.
NETWORK = f"""
config interface 'loopback'
	option device 'lo'
	option proto 'static'
	option ipaddr '127.0.0.1'
	option netmask '255.0.0.0'

config interface 'lan'
	option device 'eth0'
	option proto 'static'
	option ipaddr '{LAN}'
	option netmask '255.255.255.0'
	option ip6assign '60'

config interface 'wan'
	option device 'eth1'
	option proto 'dhcp'

config interface 'wan6'
	option device 'eth1'
	option proto 'dhcpv6'
"""
# A line that needs nobody at its far end, and a softwire over it.
LINE = (
    NETWORK.partition("config interface 'wan'")[0]
    + """config interface 'wan6'
	option device 'eth1'
	option proto 'static'
	list ip6addr '2001:db8:4000:300::1/64'
	option ip6gw 'fe80::1'
	option ip6prefix '2001:db8:4000:300::/56'

config interface 'wan'
	option proto 'softwire'
	option tunlink 'wan6'
	option provisioning 'static'
	option peeraddr '2001:db8:b::1'
	option ipaddr '203.0.113.7'
"""
)
# The session of somebody who has not logged in.
NOBODY = "0" * 32


def image() -> pathlib.Path:
    """The rootfs of the image that OPENWRT_IMAGE names, which has LuCI; NoOpenWrt."""
    path = openwrt.tarball()
    missing = sorted(set(NEEDED) - openwrt.files(path))
    if missing:
        raise openwrt.NoOpenWrt(
            f"OPENWRT_IMAGE {os.environ['OPENWRT_IMAGE']} has no LuCI of 23.05 or newer: it lacks {', '.join(missing)}"
        )
    return path


class Door:
    """A port of this machine that leads to one of the router's, through the computer on its LAN."""

    def __init__(self, computer: network.Namespace, port: int = 80) -> None:
        self.computer, self.port = computer, port
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                outside = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.carry, args=(outside,), daemon=True).start()

    def carry(self, outside: socket.socket) -> None:
        try:
            with self.lock:
                inside = self.computer.open(socket.AF_INET, socket.SOCK_STREAM)
            inside.settimeout(5)
            inside.connect((LAN, self.port))
            inside.settimeout(None)
        except (OSError, AssertionError):
            outside.close()
            return
        threading.Thread(target=self.pump, args=(inside, outside), daemon=True).start()
        self.pump(outside, inside)

    @staticmethod
    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while octets := source.recv(65536):
                sink.sendall(octets)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        self.listener.close()


class Router:
    """The router, running, with packages of ours; address: where a browser finds it."""

    def __init__(self, folder: pathlib.Path, packages: typing.Sequence[str]) -> None:
        image()
        self.own = network.Namespace()
        self.computer = network.Namespace(self.own)
        self.openwrt = self.door = None
        try:
            for port, far in (("eth0", "lan"), ("eth1", "line"), ("eth2", "other")):
                self.plug(port, far)
            self.plug_in()
            self.openwrt = openwrt.OpenWrt(self.own, folder, {"etc/config/network": NETWORK})
            self.run, self.check, self.root = self.openwrt.run, self.openwrt.check, self.openwrt.root
            network.until(lambda: self.run("ubus list network.interface.wan6")[0] == 0, "netifd runs", 90)
            self.openwrt.install(*packages)
            # netifd learns of a protocol when it is started.
            self.check("killall netifd; sleep 2; until ubus list network.interface.lan; do sleep 1; done")
            self.check(f"printf '%s\\n' '{PASSWORD}' '{PASSWORD}' | passwd root")
            self.openwrt.up("lan")
            network.until(lambda: "0.0.0.0:80" in self.run("netstat -ltn")[1], "uhttpd listens", 60)
        except BaseException:
            self.close()
            raise
        self.door = Door(self.computer)
        self.address = self.door.address

    def plug(self, port: str, name: str) -> None:
        """A cable from a port of the router's to a device of the computer's."""
        pid = str(self.computer.holder.pid)
        self.own.run("ip", "link", "add", port, "type", "veth", "peer", "name", name, "netns", pid)
        self.computer.run("ip", "link", "set", name, "up")

    def unplug(self) -> None:
        """Takes the LAN's cable out of the computer."""
        self.computer.run("ip", "link", "set", "lan", "down")

    def plug_in(self) -> None:
        self.computer.run("ip", "link", "set", "lan", "up")
        self.computer.run("ip", "address", "replace", "192.168.1.2/24", "dev", "lan")

    def uci(self, words: str) -> list[str]:
        """What uci shows, a line each."""
        return self.check(f"uci -q show {words} || true").splitlines()

    def close(self) -> None:
        if self.door:
            self.door.close()
        if self.openwrt:
            self.openwrt.close()
        self.computer.close()
        self.own.close()


def configure(router: Router, text: str) -> None:
    """Makes it /etc/config/network; waits until netifd has the interfaces, and a softwire its line."""
    (router.root / "etc/config/network").write_text(text)
    router.check("/etc/init.d/network reload")
    name = re.findall("interface '(.*)'", text)[-1]
    network.until(lambda: router.run(f"ubus list network.interface.{name}")[0] == 0, f"{name} is there", 60)
    if "softwire" in text:
        up = "delegated prefix"
        network.until(lambda: up in router.run("softwire status wan")[1], "the line is up", 60)


def ubus(router: Router, session: str, name: str, method: str, message: dict[str, typing.Any]) -> typing.Any:
    """What uhttpd says to a browser's JSON-RPC: [status, answer], or its error's code."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": "call", "params": [session, name, method, message]}
    with urllib.request.urlopen(f"{router.address}/ubus/", json.dumps(asked).encode(), timeout=30) as answer:
        said = json.load(answer)
    return said["result"] if "result" in said else said["error"]["code"]


def log_in(router: Router, user: str, password: str) -> str:
    """A session."""
    said = ubus(router, NOBODY, "session", "login", {"username": user, "password": password})
    return str(said[1]["ubus_rpc_session"])
