# SPDX-License-Identifier: Apache-2.0
"""What a packet costs a machine in the guest, whose clock counts instructions, and what memory is taken.

Frames are sent from a ring (packet(7), PACKET_TX_RING), a system call for all; what sending alone costs is measured
with frames for another station, and taken off.
"""

import json
import mmap
import socket
import struct
import subprocess
import time

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
