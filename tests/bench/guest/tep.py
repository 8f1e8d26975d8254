# SPDX-License-Identifier: Apache-2.0
"""Runs in the guest, whose clock counts instructions: what a packet costs the border router, and a plain tunnel device.

Frames are sent from a ring (packet(7), PACKET_TX_RING), a system call for all; what sending alone costs is measured
with frames for another station, and taken off. One JSON object on standard output.
"""

import ipaddress
import json
import mmap
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from softwired.tep.store import Mapping, Store
from tests.system.tep import machine as lab
from tests.system.tep.machine import HOST, TEP, address, node

COUNTS = (1, 1000, 10000)
PACKETS = 20000
SOL_PACKET, TX_RING, SEND_REQUEST = 263, 13, 1
FRAME, BLOCK, HEADER = 256, 1 << 16, 32
OURS, THEIRS = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
STRANGER = bytes.fromhex("020000000099")


class Ring:
    """Frames of one device, sent at once."""

    def __init__(self, namespace, device, frames):
        self.count = len(frames)
        blocks = -(-self.count * FRAME // BLOCK)
        self.socket = namespace.open(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.setsockopt(
            SOL_PACKET, TX_RING, struct.pack("=IIII", BLOCK, blocks, FRAME, blocks * BLOCK // FRAME)
        )
        self.socket.bind((device, 0x86DD if frames[0][12:14] == b"\x86\xdd" else 0x0800))
        self.slots = blocks * BLOCK // FRAME
        self.map = mmap.mmap(self.socket.fileno(), blocks * BLOCK)
        # The kernel goes round the whole ring: all of it is filled.
        for number in range(self.slots):
            frame = frames[number % self.count]
            at = number * FRAME
            struct.pack_into("=II", self.map, at + 4, len(frame), len(frame))
            self.map[at + HEADER : at + HEADER + len(frame)] = frame

    def send(self):
        """All slots once; when it began."""
        for number in range(self.slots):
            struct.pack_into("=I", self.map, number * FRAME, SEND_REQUEST)
        began = time.monotonic_ns()
        self.socket.send(b"")
        return began

    def close(self):
        self.map.close()
        self.socket.close()


def received(namespace, device):
    (told,) = json.loads(namespace.run("ip", "-j", "-s", "link", "show", "dev", device))
    return told["stats64"]["rx"]["packets"]


def cost(source, device, frames, sink, arrives):
    """Instructions a packet, the median of some rounds; `arrives`: whether the sink gets them."""
    frames = (frames * (-(-PACKETS // len(frames))))[:PACKETS] if len(frames) < 1000 else frames
    ring = Ring(source, device, frames)
    found = []
    for _ in range(4):
        before = received(sink, "eth0")
        began = ring.send()
        took = time.monotonic_ns() - began
        got = received(sink, "eth0") - before
        assert not arrives or got >= ring.slots, f"{got} of {ring.slots} packets arrived"
        found.append(took / ring.slots)
    ring.close()
    return sorted(found)[1]


def ethernet(payload, destination=OURS):
    return destination + THEIRS + (b"\x86\xdd" if payload[0] >> 4 == 6 else b"\x08\0") + payload


def up(number, destination=OURS):
    inner = lab.ipv4(address(number), HOST, lab.udp(53, bytes(64)))
    return ethernet(lab.ipv6(node(number), TEP, inner), destination)


def down(number, destination=OURS):
    return ethernet(lab.ipv4(HOST, address(number), lab.udp(53, bytes(64))), destination)


def prepare(machine):
    """Neighbours that never have to be asked for, stations that throw everything away, nothing but us."""
    for namespace, device in ((machine.tep, "line"), (machine.tep, "outside")):
        namespace.run("ip", "link", "set", device, "address", OURS.hex(":"))
    machine.tep.run("ip", "neigh", "replace", lab.NODE, "lladdr", STRANGER.hex(":"), "dev", "line")
    machine.tep.run("ip", "neigh", "replace", HOST, "lladdr", STRANGER.hex(":"), "dev", "outside")
    machine.tep.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")


def both(machine, numbers):
    return {
        "up": cost(machine.nodes, "eth0", [up(number) for number in numbers], machine.inet, True),
        "down": cost(machine.inet, "eth0", [down(number) for number in numbers], machine.nodes, True),
    }


def sending(machine, numbers):
    return {
        "up": cost(machine.nodes, "eth0", [up(one, STRANGER) for one in numbers], machine.inet, False),
        "down": cost(machine.inet, "eth0", [down(one, STRANGER) for one in numbers], machine.nodes, False),
    }


def plain(machine):
    """One tunnel device with one mapping, no check of the source."""
    for words in (
        f"link add plain type ip6tnl mode ipip6 local {TEP} remote {node(1)} encaplimit none",
        "link set plain up",
        f"route add {address(1)} dev plain",
    ):
        machine.tep.run("ip", *words.split())
    found = both(machine, [1])
    machine.tep.run("ip", "link", "del", "plain")
    return found


def free():
    """Bytes that are not in use, caches apart."""
    subprocess.run("sync; echo 3 > /proc/sys/vm/drop_caches", shell=True, check=True)
    return (
        int(next(line for line in open("/proc/meminfo") if line.startswith("MemAvailable")).split()[1]) * 1024
    )


def resident(pid):
    return (
        int(next(line for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS")).split()[1]) * 1024
    )


def populate(machine, last):
    """So many mappings in the service's file, while it does not run."""
    store = Store(str(machine.folder / "tep.db"))
    store.write(
        {
            ipaddress.IPv4Address(address(number)).packed: Mapping(
                ipaddress.IPv6Address(node(number)).packed, lab.SERVER, time.time()
            )
            for number in range(1, last + 1)
        }
    )
    store.close()


def main():
    result = {"tep": {}, "start_seconds": {}, "kernel_bytes": {}, "process_bytes": {}}
    with tempfile.TemporaryDirectory() as folder:
        machine = lab.Machine(Path(folder))
        prepare(machine)
        result["sending"] = sending(machine, [1])
        result["plain"] = plain(machine)
        for count in COUNTS:
            populate(machine, count)
            before = free()
            result["start_seconds"][str(count)] = machine.start()
            result["kernel_bytes"][str(count)] = before - free() - resident(machine.process.pid)
            result["process_bytes"][str(count)] = resident(machine.process.pid)
            result["tep"][str(count)] = both(machine, range(1, count + 1))
            if count != COUNTS[-1]:
                machine.stop()
        machine.stop()
        result["restart_seconds"] = machine.start()
        machine.stop()
        machine.close()
    print(json.dumps(result))


main()
