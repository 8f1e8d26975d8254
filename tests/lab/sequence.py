# SPDX-License-Identifier: Apache-2.0
"""Makes a sequence diagram out of a capture of the line: who is who, what they said, what to leave out.

The capture is what QEMU's filter-dump writes: Ethernet frames between router and access network.
    python -m tests.lab.sequence line.pcap out.svg
"""

import argparse
import collections
import ipaddress
import logging
import pathlib
import sys
import typing

# Scapy warns about the machine it runs on, which is nobody's concern here.
logging.getLogger("scapy.runtime").setLevel(logging.ERROR)

from scapy.layers import inet, inet6, l2  # noqa: E402
from scapy.utils import PcapReader  # noqa: E402

from tests.lab import sequence_dhcp4o6, sequence_dns, sequence_tsp  # noqa: E402
from tests.lab.sequence_packets import (  # noqa: E402
    dhcpv6_client,
    dhcpv6_name,
    dhcpv6_refusal,
    dhcpv6_server,
    inner_packet,
    radius,
    transport,
)
from tests.lab.sequence_svg import Step, draw  # noqa: E402

LANES = HOST, ROUTER, ACCESS, RESOLVER, RADIUS, SERVER, PROVISIONING, DSTM, BORDER, AFTR, INET4, INET6 = (
    "LAN host",
    "router",
    "access router",
    "resolver",
    "RADIUS server",
    "DHCPv4 server",
    "provisioning server",
    "DSTM server",
    "border router",
    "AFTR",
    "IPv4 internet",
    "IPv6 internet",
)
# The addresses of tests/lab; who is not named is known by what he does.
NAMES = {
    "fe80::1": ACCESS,
    "2001:db8:1812::1": RADIUS,
    "2001:db8:1812::2": RADIUS,
    "2001:db8:547::547": SERVER,
    "2001:db8:53::1": RESOLVER,
    "2001:db8:46::1": PROVISIONING,
    "2001:db8:b::1": BORDER,
    "2001:db8:b::6333": AFTR,
    "2001:db8:b::4": BORDER,
    "198.51.100.80": INET4,
    "2001:db8:6::80": INET6,
}

DHCPV6_PORTS, RADIUS_PORT = (546, 547), 1812
ICMPV6, HOP_BY_HOP = 58, 0
# Neighbour discovery and multicast housekeeping would only hide what matters.
HOUSEKEEPING = {130: "MLD", 131: "MLD", 132: "MLD", 143: "MLD", 135: "NS and NA", 136: "NS and NA"}
# Connections of one kind that are drawn one by one.
SINGLE_FLOWS = 2

Frame = tuple[float, typing.Any]


def _udp_port(packet: typing.Any) -> typing.Optional[int]:
    return packet.payload.dport if isinstance(packet.payload, inet.UDP) else None


def _tcp(packet: typing.Any, port: int) -> typing.Any:
    """Its TCP segment, if one of the ports is this one."""
    payload = packet.payload
    return payload if isinstance(payload, inet.TCP) and port in (payload.sport, payload.dport) else None


def _router_mac(frames: list[typing.Any]) -> typing.Optional[str]:
    """Who asks for DHCPv6, or for RADIUS, or for routers: the last, others on the line do too."""
    packets = [(frame.src, frame[inet6.IPv6]) for frame in frames if inet6.IPv6 in frame]
    for port in (DHCPV6_PORTS[1], RADIUS_PORT):
        for source, packet in packets:
            if _udp_port(packet) == port:
                return str(source)
    return next((str(source) for source, packet in packets if inet6.ICMPv6ND_RS in packet), None)


class Said:
    """A step that may come again; identity: what besides its name tells it from others."""

    def __init__(self, step: Step, identity: typing.Any) -> None:
        self.step, self.identity, self.details, self.times = step, identity, list(step.details), 1

    def matches(self, step: Step, identity: typing.Any) -> bool:
        return (step.kind, step.name, identity) == (self.step.kind, self.step.name, self.identity)

    def again(self, time: float) -> None:
        self.times += 1
        self.step.details = [*self.details, f"{self.times} times, last at {time:.3f} s"]


class Flow:
    """The packets between two sockets, or one host's echoes: (time, ends, octets, from, to, what, outer)."""

    def __init__(
        self, kind: str, version: str, protocol: str, tunnel: typing.Optional[tuple[str, str]]
    ) -> None:
        self.kind, self.version, self.protocol, self.tunnel = kind, version, protocol, tunnel
        self.packets: list[typing.Any] = []

    def _step(self, packet: typing.Any, name: str, details: list[str], both: bool = False) -> Step:
        return Step(packet[0], packet[1], self.kind, name, details, self.tunnel, both)

    def steps(self) -> list[Step]:
        """The first packet each way, then one step for all others."""
        first: dict[str, typing.Any] = {}
        rest = [packet for packet in self.packets if first.setdefault(packet[3], packet) is not packet]
        found = [
            self._step(packet, f"{self.version}: {packet[5]}", [f"{packet[3]} → {packet[4]}", *packet[6]])
            for packet in first.values()
        ]
        return found + (self.summary(rest, "then ") if rest else [])

    def summary(self, packets: list[typing.Any], of: str) -> list[Step]:
        """One step for many packets of one or several flows."""
        protocol, number = self.protocol.split()[0], len(packets)
        name = f"{self.version}: {protocol}, {of}{number} packet{'s' if number > 1 else ''}"
        octets = sum(packet[2] for packet in packets)
        details = [f"{octets} octets" + (f" until {packets[-1][0]:.3f} s" if number > 1 else "")]
        for mark in ("FIN", "RST"):
            if any(mark in packet[5].split() for packet in packets):
                details[0] += f", {mark}"
        return [self._step(packets[0], name, details, both=len({packet[1] for packet in packets}) > 1)]


class Conversation:
    """The steps of one capture, in two passes: first who is who, then what they say."""

    def __init__(self, frames: typing.Iterable[Frame], names: typing.Mapping[str, str]) -> None:
        self.names = {str(ipaddress.ip_address(address)): lane for address, lane in names.items()}
        self.addresses: dict[str, list[str]] = collections.defaultdict(list)
        self.left_out: typing.Counter[str] = collections.Counter()
        self._steps: list[Step] = []
        self._last: dict[typing.Any, Said] = {}
        self._flows: dict[typing.Any, Flow] = {}
        frames = list(frames)
        self.router_mac = _router_mac([frame for _, frame in frames])
        for _, frame in frames:
            self._learn(frame)
        for time, frame in frames:
            self._frame(time - frames[0][0], frame)

    def steps(self) -> list[Step]:
        alike = collections.defaultdict(list)
        for flow in self._flows.values():
            _, ends, _, _, to, _, _ = flow.packets[0]
            alike[(flow.kind, flow.protocol.split()[0], ends, to)].append(flow)
        found = list(self._steps)
        for flows in alike.values():
            for flow in flows[:SINGLE_FLOWS]:
                found += flow.steps()
            others = flows[SINGLE_FLOWS:]
            if others:
                packets = sorted(
                    [packet for flow in others for packet in flow.packets], key=lambda packet: packet[0]
                )
                found += others[0].summary(packets, f"{len(others)} more alike, ")
        return sorted(found, key=lambda step: step.time)

    # Who is who

    def _learn(self, frame: typing.Any) -> None:
        if inet6.IPv6 not in frame:
            return
        packet = frame[inet6.IPv6]
        port = _udp_port(packet)
        if port == RADIUS_PORT:
            self.names.setdefault(packet.src, ROUTER)
            self.names.setdefault(packet.dst, RADIUS)
        elif self.names.get(packet.dst) in (RESOLVER, PROVISIONING) or (
            port == DHCPV6_PORTS[1] and frame.src == self.router_mac
        ):
            self.names.setdefault(packet.src, ROUTER)
        elif _tcp(packet, sequence_tsp.PORT):
            asks = packet.payload.dport == sequence_tsp.PORT
            self.names.setdefault(packet.src if asks else packet.dst, ROUTER)
            self.names[packet.dst if asks else packet.src] = DSTM
        elif inet6.ICMPv6ND_RA in packet:
            self.names.setdefault(packet.src, ACCESS)
        elif inner_packet(packet) is not None:
            ours, theirs = (
                (packet.src, packet.dst) if frame.src == self.router_mac else (packet.dst, packet.src)
            )
            self.names.setdefault(ours, ROUTER)
            self.names.setdefault(theirs, BORDER)

    def _lane(self, text: str, inside: bool, tunnelled: bool = False) -> str:
        address = ipaddress.ip_address(text)
        lane = self.names.get(text)
        if lane is None and inside:
            # The router's own address in the LAN's subnet ends in ::1.
            router = address.version == 6 and (address.is_link_local or int(address) & (1 << 64) - 1 == 1)
            lane = ROUTER if router and not tunnelled else HOST
        elif lane is None:
            lane = ACCESS if address.is_link_local else INET4 if address.version == 4 else INET6
        # The LAN host is behind NAT44: its IPv4 address is not to be seen here.
        if not address.is_multicast and text not in self.addresses[lane] and not (lane == HOST and tunnelled):
            self.addresses[lane].append(text)
        return lane

    def _ends(self, packet: typing.Any, out: bool, tunnelled: bool = False) -> tuple[str, str]:
        return self._lane(packet.src, out, tunnelled), self._lane(packet.dst, not out, tunnelled)

    # What they say

    def _frame(self, time: float, frame: typing.Any) -> None:
        if inet6.IPv6 not in frame:
            self.left_out["ARP" if l2.ARP in frame else "not IPv6"] += 1
            return
        packet, out = frame[inet6.IPv6], frame.src == self.router_mac
        udp = packet.payload if isinstance(packet.payload, inet.UDP) else None
        inner = inner_packet(packet)
        if inner is not None:
            self._softwire(time, packet, inner, out)
        elif udp and udp.dport in DHCPV6_PORTS:
            self._dhcpv6(time, packet, out)
        elif udp and RADIUS_PORT in (udp.sport, udp.dport):
            name, details = radius(bytes(udp.payload), packet.src)
            kind = "error" if name in ("Access-Reject", "malformed RADIUS packet") else "radius"
            self._say(Step(time, self._ends(packet, out), kind, name, details), bytes(udp.payload))
        elif udp and sequence_dns.PORT in (udp.sport, udp.dport):
            name, details, refuses = sequence_dns.message(packet)
            self._say(Step(time, self._ends(packet, out), "error" if refuses else "dns", name, details), name)
        elif _tcp(packet, sequence_tsp.PORT):
            self._tsp(time, packet, out)
        elif inet6.ICMPv6ND_RA in packet or inet6.ICMPv6ND_RS in packet:
            self._router_discovery(time, packet, out)
        elif ipaddress.ip_address(packet.dst).is_multicast or packet.nh in (ICMPV6, HOP_BY_HOP):
            self._icmpv6(time, packet, out)
        else:
            self._carried(time, packet, out, "ipv6", "IPv6")

    def _say(self, step: Step, identity: typing.Any) -> None:
        """A new step; the same said again before an answer came is only counted."""
        # Advertisements answer nobody in particular.
        unasked = step.kind == "neighbour"
        said = self._last.get((step.ends, unasked))
        if said and said.matches(step, identity):
            said.again(step.time)
            return
        self._last[(step.ends, unasked)] = Said(step, identity)
        if not unasked:
            self._last.pop((step.ends[::-1], unasked), None)
        self._steps.append(step)

    def _router_discovery(self, time: float, packet: typing.Any, out: bool) -> None:
        if out == (inet6.ICMPv6ND_RA in packet):
            self.left_out["RS or RA the other way"] += 1
            return
        name, details = "Router Solicitation", []
        if inet6.ICMPv6ND_RA in packet:
            advert = packet[inet6.ICMPv6ND_RA]
            name = "Router Advertisement"
            details.append(f"M={advert.M} O={advert.O}, router lifetime {advert.routerlifetime} s")
            if inet6.ICMPv6NDOptMTU in packet:
                details.append(f"MTU {packet[inet6.ICMPv6NDOptMTU].mtu}")
            if inet6.ICMPv6NDOptPrefixInfo in packet:
                prefix = packet[inet6.ICMPv6NDOptPrefixInfo]
                details.append(f"prefix {prefix.prefix}/{prefix.prefixlen}, A={prefix.A} L={prefix.L}")
        self._lane(packet.src, out)
        self._say(
            Step(time, (ROUTER, ACCESS) if out else (ACCESS, ROUTER), "neighbour", name, details),
            tuple(details),
        )

    def _dhcpv6(self, time: float, packet: typing.Any, out: bool) -> None:
        message = packet[inet.UDP].payload
        carried = sequence_dhcp4o6.message(bytes(message))
        if carried:
            self._dhcp4o6(time, packet, out, carried)
            return
        if not hasattr(message, "trid") or not hasattr(message, "msgtype"):
            self.left_out["unreadable DHCPv6"] += 1
            return
        details = dhcpv6_client(message) if out else dhcpv6_server(message)
        refusal = None if out else dhcpv6_refusal(message)
        kind = "error" if refusal else "dhcpv6"
        ends = (ROUTER, ACCESS) if out else (ACCESS, ROUTER)
        self._lane(packet.src, out)
        step = Step(time, ends, kind, dhcpv6_name(message), details + ([refusal] if refusal else []))
        self._say(step, message.trid)

    def _dhcp4o6(
        self, time: float, packet: typing.Any, out: bool, carried: tuple[str, list[str], bool]
    ) -> None:
        """With the server itself, or with whoever takes what is sent to the group on to it."""
        name, details, refuses = carried
        if ipaddress.ip_address(packet.dst).is_multicast:
            details.append(f"to the group {packet.dst}, for the relay")
        peer = self.names.get(packet.dst if out else packet.src, ACCESS)
        self._lane(packet.src, out)
        ends = (ROUTER, peer) if out else (peer, ROUTER)
        self._say(Step(time, ends, "error" if refuses else "dhcp4o6", name, details), tuple(details))

    def _tsp(self, time: float, packet: typing.Any, out: bool) -> None:
        ends = self._ends(packet, out)
        payload = bytes(packet.payload.payload)
        if not payload.strip(b"\0"):
            self.left_out["TCP without data"] += 1
        for name, details, refuses in sequence_tsp.segments(payload):
            self._say(
                Step(time, ends, "error" if refuses else "tsp", name, details), (packet.payload.seq, name)
            )

    def _icmpv6(self, time: float, packet: typing.Any, out: bool) -> None:
        message = packet.payload
        while isinstance(message, inet6.IPv6ExtHdrHopByHop):
            message = message.payload
        if not isinstance(message, inet6._ICMPv6):
            self.left_out["other multicasts" if packet.nh != ICMPV6 else "other ICMPv6"] += 1
        elif message.type in HOUSEKEEPING:
            self.left_out[HOUSEKEEPING[message.type]] += 1
        else:
            self._carried(time, packet, out, "ipv6", "IPv6")

    def _softwire(self, time: float, packet: typing.Any, inner: typing.Any, out: bool) -> None:
        ends = self._ends(packet, out)
        options = ", with Destination Options" if inet6.IPv6ExtHdrDestOpt in packet else ""
        outer = [f"in IPv6 {packet.src} → {packet.dst}{options}"]
        self._carried(time, inner, out, "ipv4", "IPv4", ends if out else ends[::-1], outer)

    def _carried(
        self,
        time: float,
        packet: typing.Any,
        out: bool,
        kind: str,
        version: str,
        tunnel: typing.Optional[tuple[str, str]] = None,
        outer: typing.Sequence[str] = (),
    ) -> None:
        protocol, source, target, what = transport(packet)
        ends = self._ends(packet, out, tunnel is not None)
        if protocol == "error":
            step = Step(time, ends, "error", f"{version}: {what}", [f"{source} → {target}", *outer], tunnel)
            self._say(step, (source, target))
            return
        key = (kind, protocol, *sorted((source, target)))
        if key not in self._flows:
            self._flows[key] = Flow(kind, version, protocol, tunnel)
        self._flows[key].packets.append((time, ends, len(packet), source, target, what, outer))


def sequence(frames: typing.Iterable[Frame], title: str, names: typing.Mapping[str, str] = NAMES) -> str:
    """(time, Ethernet frame) pairs -> SVG. names: address -> lane."""
    frames = list(frames)
    talk = Conversation(frames, names)
    steps = talk.steps()
    used = {end for step in steps for end in step.ends + (step.tunnel or ())}
    below = dict(talk.addresses)
    below[HOST] = below.get(HOST) or ["behind NAT44"]
    lanes = [(lane, below.get(lane, [])) for lane in LANES if lane in used]
    seconds = frames[-1][0] - frames[0][0] if frames else 0.0
    notes = []
    if any(step.tunnel for step in steps):
        notes.append(
            "The broad band is the softwire; dashed is the way beyond it, which the line does not show."
        )
    if talk.left_out:
        counted = ", ".join(f"{number} {what}" for what, number in sorted(talk.left_out.items()))
        notes.append("Left out: " + counted)
    return draw(
        title, f"{len(frames)} frames in {seconds:.3f} s, seen at the router's WAN", lanes, steps, notes
    )


def read(path: str) -> typing.Iterator[Frame]:
    """(time, frame) of a capture file; one that is cut off in the middle ends there."""
    with PcapReader(path) as reader:
        for frame in reader:
            yield float(frame.time), frame


def main(arguments: typing.Optional[typing.Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.sequence", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("capture", help="pcap of Ethernet frames")
    parser.add_argument("svg", help="where the diagram goes")
    parser.add_argument("--title", default="A softwire line comes up")
    parser.add_argument(
        "--name", action="append", default=[], metavar="ADDRESS=LANE", help="lanes: " + ", ".join(LANES)
    )
    given = parser.parse_args(arguments)
    names = dict(NAMES)
    for name in given.name:
        address, _, lane = name.partition("=")
        if lane not in LANES:
            parser.error(f"--name {name}: one of {', '.join(LANES)} would be right after '='")
        names[address] = lane
    pathlib.Path(given.svg).write_text(sequence(read(given.capture), given.title, names), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
