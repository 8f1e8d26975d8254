# SPDX-License-Identifier: Apache-2.0
"""Classic BPF: a program that says which packets a socket gets (linux/filter.h, linux/bpf_common.h)."""

from __future__ import annotations

import ctypes
import socket
import struct

LOAD_WORD, EQUAL, RETURN = 0x20, 0x15, 0x06
SO_ATTACH_FILTER = 26

Instruction = tuple[int, int, int, int]
Program = list[Instruction]
ACCEPT: Instruction = (RETURN, 0, 0, 0xFFFFFFFF)
REJECT: Instruction = (RETURN, 0, 0, 0)


def attach(made: socket.socket, code: Program) -> None:
    """From now on the socket gets only what passes; OSError."""
    octets = b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
    held = ctypes.create_string_buffer(octets, len(octets))

    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]

    made.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(Filter(len(code), ctypes.addressof(held))))
