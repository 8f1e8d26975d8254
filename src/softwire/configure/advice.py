# SPDX-License-Identifier: Apache-2.0
"""What would keep a good configuration from working on this router: each a line for people, none of them final."""

import time

from softwire import kernel
from softwire.configure import ride
from softwire.configure.files import exists, shell
from softwire.errors import ProvisioningError
from softwire.netifd import Netifd
from softwire.uci import find, keyed

NET = "/sys/class/net/"
# Other protocols that bring IPv4 over an IPv6 line.
RIVALS = ("map", "dslite", "464xlat", "ipip6")
# Seconds: netifd's teardown of an interface takes six at most, its own start on a slow router longer.
SETTLES, PAUSE = 15.0, 0.25
ON, OFF = ("1", "on", "true", "yes", "enabled"), ("0", "off", "false", "no", "disabled")


def _is(section, option, words):
    return str(section.get(option)).lower() in words


def is_off(section):
    """Whether netifd leaves the interface out."""
    return _is(section, "disabled", ON)


def _ports(section):
    """The ports of a bridge; before 21.02 the interface itself was the bridge."""
    if section.get("type") != "bridge":
        return []
    return " ".join(section.values("ports") + section.values("ifname")).split()


def on_device(device, sections, own):
    """Whether the port is one that a line can be on; `own` are the interfaces that may name it."""
    told = []
    declared = [section.get("name") for section in sections if section.kind == "device"]
    if not exists(NET + device) and device not in declared and not exists(NET + device.partition(".")[0]):
        names = [name for name in kernel.listdir(NET) if exists(NET + name + "/device")]
        told.append("this router has no port {} (it has {})".format(device, ", ".join(names) or "none"))
    bridge = kernel.read(NET + device + "/brport/bridge/uevent").partition("INTERFACE=")[2].split("\n")[0]
    for key, section in keyed(sections):
        if device in _ports(section):
            bridge = section.get("name") or "br-" + key
        elif section.kind == "interface" and section.name not in own:
            if device in (section.get("device"), section.get("ifname")):
                told.append("port {} is also the device of interface {}".format(device, key))
        names_it = section.kind == "device" and section.get("name") == device
        if (names_it or ride.device(section) == device) and _is(section, "ipv6", OFF):
            told.append(
                "option ipv6 of network.{0} turns IPv6 off on port {1}: uci delete network.{0}.ipv6".format(
                    key, device
                )
            )
    if bridge:
        told.append("port {0} belongs to the bridge {1}: take it out of {1} first".format(device, bridge))
    return told


def serves_lan(section, network, firewall, dhcp):
    """Why the interface is one of the LAN's: what would go with it."""
    reasons = []
    for key, server in keyed(dhcp):
        wanted = server.kind == "dhcp" and server.get("interface") == section.name
        if wanted and not (_is(server, "ignore", ON) or server.get("dhcpv4") == "disabled"):
            reasons.append("dhcp.{} hands out its addresses".format(key))
    zones = [
        zone
        for zone in firewall
        if zone.kind == "zone" and section.name in " ".join(zone.values("network")).split()
    ]
    if not [zone for zone in zones if zone.get("masq") == "1"]:
        reasons += ["the firewall zone '{}'".format(zone.get("name")) for zone in zones]
        reasons += ["option ip6assign"] if section.get("ip6assign") else []
        bridges = [other.get("name") for other in network if other.kind == "device" and _ports(other)]
        if ride.device(section) in bridges or section.get("type") == "bridge":
            reasons.append("a bridge")
    # With an address from elsewhere it may look like that, and be the way out.
    return reasons if section.get("proto") == "static" else []


def on_others(before, after, name, line):
    """What becomes of the other interfaces, and what keeps these two from coming up."""
    told = []
    old = find(before, name)
    port = old and ride.port(before, old)
    moved = [] if old and old.get("proto") == "softwire" else ride.riders(after, name)
    for key, section in keyed(after):
        words = [word for rider, word in moved if rider is section]
        if words and section.name != line:
            told.append(
                "interface {} rides on {} ({}): it moves onto the softwire{}".format(
                    key,
                    name,
                    words[0],
                    "; uci set network.{}.device={} keeps it on the port".format(key, port)
                    if port and section.kind == "interface" and not words[0].startswith("tunlink ")
                    else "",
                )
            )
        if section.kind != "interface":
            continue
        if section.name not in (name, line):
            if (
                section.get("proto") in RIVALS
                and section.get("tunlink") in (None, line)
                and not is_off(section)
            ):
                told.append(
                    "interface {0} ({1}) brings IPv4 over {2}, too: uci set network.{0}.disabled=1 turns it off".format(
                        key, section.get("proto"), line
                    )
                )
            continue
        for option, off in ("disabled", is_off(section)), ("auto", _is(section, "auto", OFF)):
            if off:
                told.append(
                    "option {0} keeps interface {1} from coming up: uci delete network.{1}.{0}".format(
                        option, key
                    )
                )
    return told


def on_lan(sections):
    """Whether hosts behind the router will get IPv6 addresses."""
    if [section for section in sections if section.get("ip6assign")]:
        return []
    return [
        "no interface has option ip6assign, so the hosts of the LAN get no IPv6: "
        "uci set network.lan.ip6assign=60; uci commit network"
    ]


def on_comments(files):
    """Whether the files that change lose lines: uci keeps no comments."""
    told = []
    for name in sorted(set(files.edited)):
        with files.copy(name) as file:
            for line in file:
                if line.strip().startswith(b"#"):
                    told.append("the comments in /etc/config/{} go, as with every uci commit".format(name))
                    break
    return told


def on_packages(protocols):
    """Error codes of what a package is missing for."""
    told = []
    if not kernel.has_module("ip6_tunnel"):
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


def moved(files, interfaces):
    """(interface, device) of those that leave one device for another."""
    found = []
    for name in interfaces:
        was, will = [
            section and ride.device(section)
            for section in (find(files.before("network"), name), find(files.after("network"), name))
        ]
        if was and will and was != will and not will.startswith("@"):
            found.append((name, will))
    return found


def settle(movers):
    """Until netifd has them where they go: fw4 asks it for a zone's devices.

    While netifd takes an interface down it tells the old device or none. The line's answers would be rejected, and
    nothing would have fw4 ask again.
    """
    netifd, left = Netifd(), SETTLES
    for name, port in movers:
        try:
            while left > 0 and (netifd.status(name) or {}).get("device") != port:
                left -= PAUSE
                time.sleep(PAUSE)
        except ProvisioningError:
            return


def commands(protocols, interfaces, firewall, movers=()):
    """(shell command, why) in turn, to make netifd follow."""
    netifd = Netifd()
    found = [("/etc/init.d/network reload", "")]
    try:
        known = netifd.protocols() if protocols else []
        for interface in interfaces:
            if (netifd.status(interface) or {}).get("autostart") is False:
                found.append(("ifup " + interface, "it was given up"))
        why = "a new protocol: netifd learns it only when it starts"
    except ProvisioningError as error:
        known, why = [], error.text
    if [protocol for protocol in protocols if protocol not in known]:
        found = [("/etc/init.d/network restart", why)]
    if firewall:
        once = ["once 'ifstatus {}' tells the device {}".format(name, port) for name, port in movers]
        found.append(("/etc/init.d/firewall reload", " and ".join(once)))
    return found
