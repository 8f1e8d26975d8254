# SPDX-License-Identifier: Apache-2.0
"""Measures in the lab's two machines the time from the line's prefix to the first IPv4 packet that came through.

Read off the capture of the line, from the DHCPv6 Reply on, so that a real OpenWrt (OPENWRT_IMAGE) needs no tools for
it. Beside SoftBank's line stands `transix`: DS-Lite that a provisioning server tells over TLS, and a resolver the
address. On an OpenWrt that has the package ds-lite, stock `proto dslite` to the same border router is measured,
too: it asks nobody. The line has 1 ms of delay there and back. The machines are emulated, so that the times are many
times longer than on bare metal.

python -m tests.bench.line measures nothing else.
"""

from __future__ import annotations

import ipaddress
import json
import pathlib
import shlex
import statistics
import typing

from tests.lab import addresses
from tests.lab.lab import ROOT, Lab, LabError
from tests.system import capture

RUNS = 5
# Where softwires end: the border router, and the AFTR.
REMOTES = [ipaddress.IPv6Address(text).packed for text in (addresses.BORDER_ROUTER, addresses.AFTR)]
DELAY = "1ms"
RADIUS_PORT, DNS_PORT, DHCPV6_SERVER_PORT, REPLY = 1812, 53, 547, 7
# Before IPv4 in IPv6 there may be an encapsulation limit (RFC 2473 section 4.1.1).
DESTINATION_OPTIONS = 60
STEPS = "asked", "answered", "first_packet_out", "first_packet_back"
# Somebody who cannot wait: a TCP connection each 20 ms, which is then how exact the result is. A new port each time:
# the firewall would go on with what it once decided about a flow.
IMPATIENT = f"""
import collections, socket, time
tried = collections.deque(maxlen=50)
while True:
    tried.append(socket.socket())
    tried[-1].setblocking(False)
    tried[-1].connect_ex(("{addresses.INTERNET4}", 80))
    time.sleep(0.02)
"""
# The border router knows no subscriber of this protocol; one has this address, where it is not seen under its own.
DSLITE_IPV4, LAN = "192.0.0.2", "192.168.1.0/24"
DSLITE = f"""
uci delete network.wan
uci set network.wan=interface
uci set network.wan.proto=dslite
uci set network.wan.tunlink=wan6
uci set network.wan.peeraddr={addresses.BORDER_ROUTER}
uci commit network
"""


def step(packet: bytes) -> tuple[str, bytes]:
    """Which of STEPS an IPv6 packet of the line is, or "line_up" for the DHCPv6 Reply, or ""; the LAN host's port."""
    payload = packet[capture.IPV6 :]
    if packet[6] == capture.PROTOCOL_UDP and len(payload) > 8:
        source, target = (int.from_bytes(payload[at : at + 2], "big") for at in (0, 2))
        if source == DHCPV6_SERVER_PORT and payload[8] == REPLY:
            return "line_up", b""
        if target in (RADIUS_PORT, DNS_PORT):
            return "asked", b""
        if source == RADIUS_PORT:
            return "answered", b""
    if packet[6] == DESTINATION_OPTIONS and payload[0] == capture.PROTOCOL_IPIP:
        payload = payload[8 * (payload[1] + 1) :]
    elif packet[6] != capture.PROTOCOL_IPIP:
        return "", b""
    ports = payload[4 * (payload[0] & 15) :][:4]
    if packet[24:40] in REMOTES:
        return "first_packet_out", ports[:2]
    return "first_packet_back", ports[2:]


def times(path: pathlib.Path, start: int) -> dict[str, float]:
    """Milliseconds after the first DHCPv6 Reply behind the first `start` frames: each step's first packet."""
    seen: dict[str, float] = {}
    tried = set()
    for seconds, packet in capture.timed_ipv6_packets(path, start):
        name, port = step(packet)
        if name == "line_up" or (name and seen):
            if name == "first_packet_out":
                tried.add(port)
            # The internet repeats its answers to what was tried before the line went down.
            if name != "first_packet_back" or port in tried:
                seen.setdefault(name, seconds)
    return {name: round((seen[name] - seen["line_up"]) * 1000, 1) for name in STEPS if name in seen}


def line_up(lab: Lab, device: str) -> dict[str, float]:
    """Takes the line down and up once; see times()."""
    lab.router.check("/sbin/ifdown wan6")
    lab.router.wait_until("ifstatus wan6 | grep -q '\"pending\": false'", 60, "wan6 is down")
    gone = f"[ ! -e /sys/class/net/{device} ] && ! ubus list network.interface.wan_ep"
    lab.router.wait_until(gone, 60, f"{device} is gone")
    start = capture.count(lab.capture)
    lab.router.check("/sbin/ifup wan6")
    lab.wait_until(
        lambda: STEPS[-1] in times(lab.capture, start), 120, f"an IPv4 packet came back through {device}"
    )
    return times(lab.capture, start)


def line_ups(lab: Lab, device: str) -> dict[str, float]:
    """The median of each step, and of the last one the least and the most; a first time does not count."""
    line_up(lab, device)
    found = [line_up(lab, device) for _ in range(RUNS)]
    result = {
        name: round(statistics.median(one[name] for one in found), 1)
        for name in STEPS
        if all(name in one for one in found)
    }
    back = [one[STEPS[-1]] for one in found]
    return {**result, "least": min(back), "most": max(back)}


def use_dslite(lab: Lab) -> None:
    """The router's wan becomes a stock ds-lite to the lab's border router, whose other end is the LAN's address."""
    lab.router.check(DSLITE)
    lab.router.check("/etc/init.d/network reload", 120)
    lab.router.wait_until("[ -e /sys/class/net/ds-wan ]", 120, "ds-wan is there")
    endpoint = lab.router.check(
        ". /lib/functions/network.sh; network_get_ipaddr6 ip6addr wan6 || network_get_ipaddr6 ip6addr lan;"
        " echo $ip6addr"
    ).strip()
    lab.access.check(f"sh /lab/access/access tunnel {endpoint} {DSLITE_IPV4}")
    device = "sub" + "".join(f"{int(octet):02x}" for octet in DSLITE_IPV4.split("."))
    lab.access.check(f"ip route replace {LAN} dev {device}")


def use_transix(lab: Lab) -> None:
    """The line and the router's configuration become those of `transix`."""
    lab.router.check("/sbin/ifdown wan; /sbin/ifdown wan6")
    lab.access.check("sh /lab/access/access line transix", 120)
    lab.router.check("cp /etc/lines/transix/* /etc/config/; /etc/init.d/network reload", 120)
    lab.router.check("/sbin/ifup wan6; /sbin/ifup wan")
    lab.router.wait_until("[ -e /sys/class/net/sw-wan ]", 180, "the softwire is up")


def measure(directory: pathlib.Path, tell: typing.Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Boots the lab; protocol -> see line_ups()."""
    lab = Lab(directory, tell)
    try:
        lab.boot()
        lab.start_access()
        lab.access.check(
            f"modprobe sch_netem 2>/dev/null; tc qdisc replace dev line0 root netem delay {DELAY}"
        )
        lab.lanhost.check(f"python3 -c {shlex.quote(IMPATIENT)} > /dev/null 2>&1 &")
        lab.start_router()
        lab.router.wait_until("ifstatus wan | grep -q '\"up\": true'", 180, "the softwire is up")
        tell(f"the line {RUNS} times down and up, softwire")
        found = {"softwire": line_ups(lab, "sw-wan")}
        tell(f"the line {RUNS} times down and up, HB46PP and DS-Lite")
        use_transix(lab)
        found["transix"] = line_ups(lab, "sw-wan")
        if lab.router.run("[ -e /lib/netifd/proto/dslite.sh ]")[1]:
            tell("not measured: the router has no ds-lite, which a real OpenWrt has with the package")
            return found
        tell(f"the line {RUNS} times down and up, ds-lite")
        use_dslite(lab)
        return {**found, "dslite": line_ups(lab, "ds-wan")}
    except LabError:
        lab.collect()
        raise
    finally:
        lab.stop()


if __name__ == "__main__":
    print(json.dumps(measure(ROOT / "build/bench/lab", print), indent=2))
