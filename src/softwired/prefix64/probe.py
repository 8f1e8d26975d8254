# SPDX-License-Identifier: Apache-2.0
"""How a provider brings a prefix here: routed, asked for by neighbour discovery, or less of it than it seems.

An echo request goes to the provider's router, for an address of the prefix that nobody has. A router that has a route
to us sends it back at once; one that asks sends a solicitation first; one that knows better does neither. Addresses
ever farther from our own tell how much of the prefix is ours.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import time
import typing

from softwired import interfaces, kernel
from softwired.prefix64 import solicitation
from softwired.prefix64.link import ETH_P_IPV6, LONGEST, NotYet, place
from softwired.prefix64.solicitation import DESTINATION, ICMP, SOURCE, Refused

ECHO_REQUEST, ECHO_REPLY, UNREACHABLE = 128, 129, 1
# So many of the last bits differ from our own address; the prefix lengths are 128 less these.
DISTANCES = (2, 4, 8, 12, 16, 24, 32, 48, 64)
EACH = 2
# A router waits so long for a neighbour at the most, and asks three times (RFC 4861 section 10).
PATIENCE = 3.0
# It may have refused more than it tells: Linux sends six errors to one host at once, and one more each second.
AGAIN = 1.5
ROUTED, ASKED, REFUSED, SILENT = "routed", "asked for", "refused", "not heard of"
# The router's own address, or a neighbour's: it tells nothing of those beside it.
TAKEN = "taken"


class ProbeError(Exception):
    """Why it cannot be told."""


def targets(
    near: int, prefix: ipaddress.IPv6Network, random: typing.Callable[[int], bytes] = os.urandom
) -> dict[bytes, int]:
    """Addresses to try: how many of their last bits differ from `near`."""
    found: dict[bytes, int] = {}
    for distance in DISTANCES:
        if distance > 128 - prefix.prefixlen:
            break
        before = len(found)
        while len(found) < before + EACH:
            lower = int.from_bytes(random(8), "big") & (1 << distance - 1) - 1
            # The highest of these bits is another one, those below are any.
            address = (near ^ 1 << distance - 1) >> distance - 1 << distance - 1 | lower
            found[address.to_bytes(16, "big")] = distance
    return found


def echo_request(mac: bytes, router: bytes, source: bytes, target: bytes) -> bytes:
    """A whole frame."""
    body = b"softwire"
    total = (ECHO_REQUEST << 8) + 8 + len(body) + 58 + int.from_bytes(source + target + body, "big")
    checksum = (-total % 0xFFFF).to_bytes(2, "big")
    head = router + mac + b"\x86\xdd\x60\0\0\0" + (8 + len(body)).to_bytes(2, "big") + bytes((58, 64))
    return head + source + target + bytes((ECHO_REQUEST, 0)) + checksum + bytes(4) + body


def judge(frame: bytes, router: bytes, tried: typing.Container[bytes]) -> tuple[bytes, str] | None:
    """What a frame that came in says of one of these addresses."""
    if len(frame) < ICMP + 8 or frame[12:14] != solicitation.ETHERTYPE:
        return None
    try:
        asked = solicitation.read(frame)
    except Refused:
        asked = None
    if asked and asked.target in tried:
        return asked.target, ASKED
    if frame[DESTINATION:ICMP] in tried and frame[6:12] == router:
        return frame[DESTINATION:ICMP], ROUTED
    if frame[20] == 58 and frame[ICMP] == UNREACHABLE and frame[ICMP + 8 + 24 : ICMP + 8 + 40] in tried:
        return frame[ICMP + 8 + 24 : ICMP + 8 + 40], REFUSED
    if frame[20] == 58 and frame[ICMP] == ECHO_REPLY and frame[SOURCE:DESTINATION] in tried:
        return frame[SOURCE:DESTINATION], TAKEN
    return None


class Verdict(typing.NamedTuple):
    """What was found, in lines for people; whether the prefix can be had; what `answer` has to be."""

    lines: list[str]
    works: bool
    answer: str


def verdict(
    prefix: ipaddress.IPv6Network, near: int, tried: dict[bytes, int], seen: dict[bytes, str]
) -> Verdict:
    """How it stands, from what was seen of each address."""
    by_distance: dict[int, list[str]] = {}
    for target, distance in tried.items():
        by_distance.setdefault(distance, []).append(seen.get(target, SILENT))
    lines = [
        f"/{128 - distance}: {' and '.join(sorted(set(words)))}" for distance, words in by_distance.items()
    ]
    here = 0
    for distance, words in by_distance.items():
        if set(words) == {TAKEN}:
            continue
        if not {ROUTED, ASKED} & set(words):
            break
        here = distance
    every = set(seen.values())
    answer = "yes" if ASKED in every else "no"
    if here == max(by_distance):
        half = (
            'asks for its addresses by neighbour discovery: answer = "yes" is needed'
            if answer == "yes"
            else 'routes it here: answer = "no" will do'
        )
        return Verdict([*lines, f"the provider {half}"], True, answer)
    if here:
        less = ipaddress.IPv6Network((near >> here << here, 128 - here))
        return Verdict(
            [
                *lines,
                f"the provider gave less than {prefix}: {less} at the most is here (and at least half of it);"
                f' prefix = "{less}" would be right, with answer = "{answer}"',
            ],
            False,
            answer,
        )
    if REFUSED in every:
        text = f"the router refuses all of {prefix}: it is not this machine's, and that can't work"
    else:
        text = (
            f"nothing was heard of {prefix}: the router drops what is sent back to the link it came from, or does not"
            " bring the prefix here; a ping from elsewhere, with tcpdump here, would tell"
        )
    return Verdict([*lines, text], False, answer)


class Probe:
    """On one interface, as root."""

    def __init__(self, interface: str) -> None:
        self.interface = interface
        try:
            self.mac = place(interface).mac
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IPV6))
            self.socket.bind((interface, ETH_P_IPV6))
        except NotYet as error:
            raise ProbeError(f"{interface}: {error}") from None
        except PermissionError:
            raise ProbeError("may not listen: only root may") from None
        except OSError as error:
            raise ProbeError(f"{interface}: {error.strerror}") from None

    def frames(self, seconds: float) -> typing.Iterator[bytes]:
        """What comes in, for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                yield self.socket.recv(LONGEST)
            except TimeoutError:
                return
            except OSError as error:
                raise ProbeError(f"{self.interface}: {error.strerror}") from None

    def router(self) -> bytes:
        """The Ethernet address of the default router."""
        try:
            found = kernel.shown("route", "show", "default", "dev", self.interface)
        except kernel.KernelError as error:
            raise ProbeError(str(error)) from None
        gateways = [one["gateway"] for one in found if "gateway" in one]
        if not gateways:
            raise ProbeError(f"{self.interface} has no default router that could be asked")
        source = interfaces.link_local_addresses().get(self.interface)
        if source is None:
            raise ProbeError(f"{self.interface} has no link-local address")
        target = ipaddress.IPv6Address(gateways[0]).packed
        for _ in range(3):
            self.socket.send(
                solicitation.solicitation(self.mac, ipaddress.IPv6Address(source).packed, target)
            )
            for frame in self.frames(1.0):
                try:
                    if solicitation.read_advertisement(frame) == target:
                        return frame[6:12]
                except Refused:
                    pass
        raise ProbeError(f"the router {gateways[0]} does not answer")

    def ask(self, prefix: ipaddress.IPv6Network) -> Verdict:
        """ProbeError."""
        router = self.router()
        here = [one.octets for one in interfaces.addresses() if one.scope == interfaces.GLOBAL]
        own = [one.octets for one in interfaces.addresses() if one.interface == self.interface]
        inside = [octets for octets in own if ipaddress.IPv6Address(octets) in prefix]
        sources = [octets for octets in inside or own + here if octets[0] & 0xE0 == 0x20 or octets in inside]
        if not sources:
            raise ProbeError(f"{self.interface} has no global address to send from")
        near = int.from_bytes(inside[0], "big") if inside else int(prefix.network_address)
        tried = targets(near, prefix)
        seen: dict[bytes, str] = {}
        patience, left = PATIENCE, list(tried)
        while left:
            for target in left:
                self.socket.send(echo_request(self.mac, router, sources[0], target))
            before = len(seen)
            for frame in self.frames(patience):
                found = judge(frame, router, tried)
                # Who asks and is answered sends the packet, too.
                if found and seen.get(found[0]) != ASKED:
                    seen[found[0]] = found[1]
                if len(seen) == len(tried) and set(seen.values()) == {ASKED}:
                    break
            known = {tried[target] for target in seen}
            patience = AGAIN
            left = [target for target in tried if tried[target] not in known] if len(seen) > before else []
        return verdict(prefix, near, tried, seen)

    def close(self) -> None:
        self.socket.close()
