# SPDX-License-Identifier: Apache-2.0
"""A router (the client's namespace of network.Cable) and the machine that answers for a prefix."""

from __future__ import annotations

import ipaddress
import json
import pathlib
import socket
import subprocess
import typing

from softwired.prefix64 import solicitation
from tests.softwired import network
from tests.softwired.processes import Processes

PREFIX = "2001:db8:1::/64"
ROUTER_MAC = bytes.fromhex("020000000001")
ETHERTYPE = 0x86DD


def packed(address: str) -> bytes:
    return ipaddress.IPv6Address(address).packed


class Machine(Processes):
    """`softwired prefix64` in the server's namespace, with what it needs of /sys."""

    service = "prefix64"
    table: typing.ClassVar[dict[str, typing.Any]] = {"range": [{"interface": "vs", "prefix": PREFIX}]}

    def __init__(self, cable: network.Cable, folder: pathlib.Path) -> None:
        super().__init__(cable, folder, folder)
        cable.server.run("mount", "-t", "sysfs", "sysfs", "/sys")

    def range(self, **keys: typing.Any) -> None:
        """Starts with one range of the link's prefix."""
        self.softwired(range=[{"interface": "vs", "prefix": PREFIX, "local": False, **keys}])

    def range_of(
        self, ranges: list[dict[str, typing.Any]], limits: dict[str, typing.Any]
    ) -> subprocess.Popen[str]:
        """Starts with these."""
        return self.softwired(range=ranges, limits=limits)

    def inside(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of ours in the machine's namespace."""
        return subprocess.run(
            [*self.cable.server.enter, *self.command(*words)],
            env=self.environment,
            capture_output=True,
            text=True,
        )

    def reload(self, **table: typing.Any) -> None:
        before = self.log("softwired").count("eloaded")
        self.configure(**table)
        self.running[-1].send_signal(1)
        network.until(lambda: self.log("softwired").count("eloaded") > before, "reloaded")


class Router:
    """Asks as a router does, octet by octet; the kernel of the same namespace asks, too."""

    def __init__(self, namespace: network.Namespace, device: str = "vc", source: str = "fe80::2") -> None:
        self.namespace, self.device = namespace, device
        told = json.loads(namespace.run("ip", "-j", "link", "show", device))
        self.mac = bytes.fromhex(told[0]["address"].replace(":", ""))
        self.source = packed(source)
        self.socket = namespace.open(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind((device, ETHERTYPE))
        self.socket.settimeout(10)

    def send(self, frame: bytes) -> None:
        self.socket.send(frame)

    def ask(self, target: str, source: str | None = None) -> None:
        asked = self.source if source is None else packed(source)
        self.send(solicitation.solicitation(self.mac, asked, packed(target)))

    def hear(self, kind: int = solicitation.ADVERTISEMENT) -> bytes:
        """The next frame of this kind."""
        while True:
            frame = self.socket.recv(2048)
            if len(frame) >= solicitation.OPTIONS and frame[20] == 58 and frame[solicitation.ICMP] == kind:
                return frame

    def answered(self, target: str, source: str | None = None) -> bytes:
        """Asks, and gives the answer."""
        self.ask(target, source)
        frame = self.hear()
        assert frame[solicitation.TARGET : solicitation.OPTIONS] == packed(target), frame.hex(" ")
        return frame

    def silent(self, *frames: bytes, beside: str = "2001:db8:1::beef") -> None:
        """None of these is answered: what is heard next is the answer to a question that comes after them."""
        for frame in frames:
            self.send(frame)
        self.answered(beside)

    def neighbour(self, address: str) -> dict[str, typing.Any]:
        """What the kernel found out about a neighbour that it was made to ask."""
        with self.namespace.open(socket.AF_INET6, socket.SOCK_DGRAM) as made:
            made.sendto(b"", (address, 9))

        def look() -> dict[str, typing.Any] | None:
            told = json.loads(self.namespace.run("ip", "-j", "-6", "neigh", "show", "to", address))
            return told[0] if told and told[0]["state"][0] not in ("INCOMPLETE", "NONE") else None

        found: dict[str, typing.Any] = network.until(look, f"neighbour {address}")
        return found

    def close(self) -> None:
        self.socket.close()


def frame(**changes: typing.Any) -> bytes:
    """A solicitation by its parts; the checksum is right unless it is given."""
    target = packed(changes.get("target", "2001:db8:1::77"))
    source = packed(changes.get("source", "fe80::2"))
    destination = packed(changes["destination"]) if "destination" in changes else solicitation.group(target)
    mac = changes.get("mac", ROUTER_MAC)
    options = changes.get("options", bytes((1, 1)) + mac)
    body = changes.get("reserved", bytes(4)) + target + options
    head = bytes((changes.get("kind", 135), changes.get("code", 0)))
    length = 4 + len(body)
    octets = source + destination + length.to_bytes(4, "big") + bytes((0, 0, 0, 58)) + head + b"\0\0" + body
    octets += bytes(len(octets) % 2)
    total = sum(octets[at] << 8 | octets[at + 1] for at in range(0, len(octets), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    checksum = changes.get("checksum", ~total & 0xFFFF).to_bytes(2, "big")
    ethernet = changes.get("ethernet", b"\x33\x33" + destination[12:] + mac + b"\x86\xdd")
    ipv6 = b"\x60\0\0\0" + changes.get("length", length).to_bytes(2, "big")
    ipv6 += bytes((changes.get("next_header", 58), changes.get("hop_limit", 255)))
    made = ethernet + ipv6 + source + destination + head + checksum + body
    return made[: changes.get("cut", len(made))] + changes.get("behind", b"")


# Kind of refusal, and a solicitation that is refused so.
MALFORMED = [
    ("cut", frame(cut=77)),
    ("cut", frame(cut=14)),
    ("cut", frame(length=23)),
    ("cut", frame(length=4096)),
    ("cut", frame(cut=80)),
    ("hop_limit", frame(hop_limit=254)),
    ("hop_limit", frame(hop_limit=0)),
    ("code", frame(code=1)),
    ("checksum", frame(checksum=0x1234)),
    ("options", frame(options=b"\x01\x00" + bytes(6))),
    ("options", frame(options=b"\x01\x02" + bytes(6))),
    ("options", frame(options=b"\x01")),
    ("options", frame(options=b"\x01\x01\x02\0\0\0\0\x01\x0e\x01")),
    ("options", frame(options=b"\x01\x01\x02\0\0\0\0\x01\x0e")),
    ("target", frame(target="ff02::1", destination="ff02::1:ff00:77")),
    ("source", frame(source="ff02::2")),
    ("source", frame(source="::", options=b"", destination="ff02::1")),
    ("source", frame(source="::", options=b"", destination="2001:db8:1::77")),
    ("source", frame(source="::")),
    ("source", frame(mac=bytes.fromhex("030000000001"))),
    ("other", frame(next_header=17)),
    ("other", frame(kind=136)),
]
