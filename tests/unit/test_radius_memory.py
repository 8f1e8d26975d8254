# SPDX-License-Identifier: Apache-2.0
"""pyrad_lite in the memory that a router's client has left: 224 KB, most of them taken (files/usr/sbin/softwire)."""

import gc
import unittest

from pyrad_lite import client
from test_radius_packet import answer, plain

# CPython, and 1.23 as WebAssembly, whose heap grows, run these tests for what they say besides.
LEFT = 98304
PIECE = 16384
BIGGEST_HEAP = 1 << 23
# As many attributes as there can be: all alike, all different, as a vendor's, as several vendors'.
DIFFERENT = b"".join([bytes((number, 2)) for number in range(81, 256)])
EMPTY = b"\x12\x02" * 2038
ATTRIBUTES = (
    EMPTY,
    b"\x12\x03a" * 1358,
    (DIFFERENT * 12)[:4076],
    (b"\x1a\xfe\0\0\x56\xb5" + b"\xcc\2" * 124) * 16,
    b"".join([b"\x1a\xe4\0\0\0" + bytes([vendor]) + DIFFERENT[:222] for vendor in range(17)]),
    b"\x21\2" * 2038,
    b"\x50\2" * 2038,
    b"\x50\2" + EMPTY[2:],
    EMPTY[2:] + b"\x21\2",
)


def fill():
    """Objects that leave so much of MicroPython's heap, in pieces that any message fits in.

    Whatever ran before has left holes; a heap that is filled to a sum of holes says nothing about the program.
    """
    taken = []
    gc.collect()
    if hasattr(gc, "mem_free") and gc.mem_free() < BIGGEST_HEAP:
        left = [bytearray(PIECE) for _ in range(LEFT // PIECE)]
        for size in (PIECE, 1024, 64):
            try:
                while True:
                    taken.append(bytearray(size))
            except MemoryError:
                gc.collect()
        left.clear()
        gc.collect()
    return taken


class Listener(client.Client):
    """The client without its socket, which 1.23 in node does not have."""

    def __init__(self):
        self.ignored = {}
        self.enforce_ma = False


def count(found):
    """How many there are, without having them all at a time."""
    number = 0
    for _ in found:
        number += 1
    return number


class Memory(unittest.TestCase):
    def setUp(self):
        self.request = plain(None, message_authenticator=True)
        self.request.AddAttribute(1, b"nemo")
        self.request.RequestPacket()
        self.client = Listener()
        self.taken = fill()

    def tearDown(self):
        self.taken = None
        gc.collect()

    def test_what_is_forged(self):
        for attributes in ATTRIBUTES:
            data = answer(self.request, 2, attributes, b"another secret")
            self.assertEqual(self.client._accept(self.request, data), None)
        self.assertEqual(self.client.ignored, {"authenticator": len(ATTRIBUTES)})

    def test_what_the_server_sends(self):
        """Every attribute is walked over, and a list has its 256 at most."""
        believed = []
        for attributes in ATTRIBUTES:
            data = answer(self.request, 2, attributes)
            reply = self.client._accept(self.request, data)
            data = None
            if reply:
                keys = reply.keys()
                values = [len(reply[key]) for key in keys]
                believed.append((len(keys), max(values), count(reply.walk())))
        self.assertEqual(
            believed, [(1, 256, 2038), (1, 256, 1358), (175, 12, 2038), (1, 256, 1984), (256, 1, 1887)]
        )
        self.assertEqual(self.client.ignored, {"proxy-state": 2, "message-authenticator": 2})

    def test_what_comes_last_is_found(self):
        for before in EMPTY, DIFFERENT * 12:
            data = answer(self.request, 2, before[:4064] + b"\x1a\x0c\0\0\x56\xb5\xcc\6\xcb\0\x71\7")
            reply = self.client._accept(self.request, data)
            self.assertTrue((22197, 204) in reply)
            self.assertEqual(reply[(22197, 204)], [b"\xcb\0\x71\7"])


if __name__ == "__main__":
    unittest.main()
