# SPDX-License-Identifier: Apache-2.0
"""What would keep a good configuration from working on this router: each a line for people, none of them final."""

import os

from softwire import ubus
from softwire.configure.uci import shell
from softwire.errors import ProvisioningError

NET = "/sys/class/net/"


def _read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def _exists(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def _ports(section):
    """The ports of a bridge; before 21.02 the interface itself was the bridge."""
    if section.get("type") != "bridge":
        return []
    return " ".join(section.values("ports") + section.values("ifname")).split()


def on_device(device, sections, own):
    """Whether the port is one that a line can be on; `own` are the interfaces that may name it."""
    told = []
    declared = [section.get("name") for section in sections if section.kind == "device"]
    if not _exists(NET + device) and device not in declared and not _exists(NET + device.partition(".")[0]):
        try:
            names = sorted([name for name in os.listdir(NET) if _exists(NET + name + "/device")])
        except OSError:
            names = []
        told.append("this router has no port {} (it has {})".format(device, ", ".join(names) or "none"))
    bridge = _read(NET + device + "/brport/bridge/uevent").partition("INTERFACE=")[2].split("\n")[0]
    for section in sections:
        if device in _ports(section):
            bridge = section.get("name") or "br-" + str(section.name)
        elif section.kind == "interface" and section.name not in own:
            if device in (section.get("device"), section.get("ifname")):
                told.append("port {} is also the device of interface {}".format(device, section.name))
    if bridge:
        told.append("port {0} belongs to the bridge {1}: take it out of {1} first".format(device, bridge))
    return told


def on_lan(sections):
    """Whether hosts behind the router will get IPv6 addresses."""
    if [section for section in sections if section.get("ip6assign")]:
        return []
    return [
        "no interface has option ip6assign, so the hosts of the LAN get no IPv6: "
        "uci set network.lan.ip6assign=60; uci commit network"
    ]


def on_packages(protocols):
    """Error codes of what a package is missing for."""
    told = []
    release = _read("/proc/sys/kernel/osrelease").strip()
    modules = "/lib/modules/{}/".format(release)
    if not (
        _exists("/sys/module/ip6_tunnel")
        or _exists(modules + "ip6_tunnel.ko")
        or "/ip6_tunnel.ko" in _read(modules + "modules.dep") + _read(modules + "modules.builtin")
    ):
        told.append("MISSING_PACKAGE: install the package kmod-ip6-tunnel")
    if "flets" in protocols and shell("command -v odhcp6c >/dev/null"):
        told.append("MISSING_PACKAGE: install the package odhcp6c")
    return told


def on_method(check):
    """Runs the method's own check; what the interpreter lacks is told, any other error stays one."""
    try:
        check()
    except ProvisioningError as error:
        if error.code != "NO_MD5":
            raise
        return [str(error)]
    return []


def commands(protocols, interfaces, firewall):
    """(shell command, why) in turn, to make netifd follow."""
    try:
        known = ubus.call("network", "get_proto_handlers")
    except ubus.UbusError:
        known = {}
    if [protocol for protocol in protocols if protocol not in known]:
        found = [("/etc/init.d/network restart", "a new protocol: netifd learns it only when it starts")]
    else:
        found = [("/etc/init.d/network reload", "")]
        for interface in interfaces:
            try:
                started = ubus.call("network.interface." + interface, "status").get("autostart")
            except ubus.UbusError:
                continue
            if started is False:
                found.append(("ifup " + interface, "it was given up"))
    if firewall:
        found.append(("/etc/init.d/firewall reload", ""))
    return found
