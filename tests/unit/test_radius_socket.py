# SPDX-License-Identifier: Apache-2.0
"""pyrad_lite's client on real sockets and the real clock, over IPv6 and IPv4 of the loopback device."""

import os
import socket
import unittest

from pyrad_lite import client
from test_radius_packet import SECRET, SOFTBANK, answer


def bound(host):
    """A UDP socket on a free port, and the port; MicroPython has no getsockname."""
    while True:
        port = 20000 + int.from_bytes(os.urandom(2), "big") % 20000
        family, _, _, _, address = socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM)[0]
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.bind(address)
        except OSError:
            sock.close()
            continue
        return sock, port


class Loopback(unittest.TestCase):
    """The server's part is played whenever the client waits: serve(number of the wait)."""

    def setUp(self):
        self.sockets = []
        self.received = []  # (octets, address) as recvfrom gave them
        self.waits = 0

    def tearDown(self):
        for sock in self.sockets:
            sock.close()

    def server(self, host):
        sock, port = bound(host)
        self.sockets.append(sock)
        return sock, port

    def client(self, host, port, serve):
        made = client.Client(host, authport=port, secret=SECRET, dict=SOFTBANK, retries=4, timeout=1)
        made.IRT = 0.1
        wait = made.wait

        def play(sock, milliseconds):
            self.waits += 1
            serve(self.waits)
            return wait(sock, milliseconds)

        made.wait = play
        made.bind((host, 0))
        return made

    def exchange(self, host):
        server, port = self.server(host)
        stranger, _ = self.server(host)

        def serve(number):
            if number == 1:
                self.received.append(server.recvfrom(4096))
                # the right octets from the wrong port: the kernel must drop them
                stranger.sendto(answer(request, 3, b""), self.received[0][1])
            else:
                self.received.append(server.recvfrom(4096))
                server.sendto(answer(request, 2, b"\x12\x04hi"), self.received[0][1])

        made = self.client(host, port, serve)
        request = made.CreateAuthPacket()
        reply = made.SendPacket(request)
        self.assertEqual((reply.code, reply["Reply-Message"], reply.source), (2, ["hi"], host))
        self.assertEqual(made.ignored, {})
        self.assertEqual(len(self.received), 2)
        # the same octets from the same port
        self.assertEqual(self.received[0], self.received[1])

    def test_ipv6(self):
        self.exchange("::1")

    def test_ipv4(self):
        self.exchange("127.0.0.1")

    def test_a_server_that_is_started_during_the_wait(self):
        server, port = self.server("::1")
        server.close()
        self.sockets.clear()

        def serve(number):
            if number == 2:  # the refusal of the first transmission has arrived
                family, _, _, _, address = socket.getaddrinfo("::1", port, 0, socket.SOCK_DGRAM)[0]
                self.sockets.append(socket.socket(family, socket.SOCK_DGRAM))
                self.sockets[0].bind(address)
            if number == 3:
                octets, source = self.sockets[0].recvfrom(4096)
                self.sockets[0].sendto(answer(request, 2, b""), source)

        made = self.client("::1", port, serve)
        request = made.CreateAuthPacket()
        self.assertEqual(made.SendPacket(request).code, 2)
        self.assertEqual(made.ignored, {"unreachable": 1})

    def test_nobody_there(self):
        server, port = self.server("::1")
        server.close()
        self.sockets.clear()
        made = self.client("::1", port, lambda number: None)
        # Long enough for several requests on a busy machine.
        made.timeout = 0.4
        start = client.ticks_ms()
        with self.assertRaises(client.Timeout):
            made.SendPacket(made.CreateAuthPacket())
        self.assertTrue(client.ticks_diff(client.ticks_ms(), start) >= 1000)
        self.assertTrue(made.ignored["unreachable"] >= 2)

    def test_bound_again(self):
        server, port = self.server("::1")
        made = client.Client("::1", authport=port, secret=SECRET)
        made.bind(("127.0.0.1", 0))
        made.bind(("::1", 0))
        made.wait = lambda sock, milliseconds: server.sendto(
            answer(request, 2, b""), server.recvfrom(4096)[1]
        )
        request = made.CreateAuthPacket()
        self.assertEqual(made.SendPacket(request).code, 2)

    def test_an_address_that_is_not_ours(self):
        made = client.Client("::1", secret=SECRET)
        for host in ("2001:db8:ffff::1", "192.0.2.1"):
            with self.assertRaises(OSError):
                made.bind((host, 0))

    def test_a_device_that_is_not_there(self):
        made = client.Client("::1", secret=SECRET)
        made.device = "nosuchdevice"
        with self.assertRaises(OSError):
            made.SendPacket(made.CreateAuthPacket())


if __name__ == "__main__":
    unittest.main()
