# SPDX-License-Identifier: Apache-2.0
"""The stub resolver on real sockets of the loopback device; the servers are played whenever it waits."""

import socket
import unittest

from softwire import dns
from test_dns import message, record
from test_radius_socket import bound

NAME = "aftr.example"
ADDRESS = bytes([0x20, 0x01, 0x0D, 0xB8]) + bytes(11) + b"\1"


def answer(query, *records, flags=0x8180):
    """An answer to these octets of a question."""
    return message(*records, flags=flags, ident=query[:2], question=query[12:])


class Played(unittest.TestCase):
    """A resolver and its one server."""

    def setUp(self):
        self.sock, self.port = bound("::1")
        self.queries = []
        self.sources = []
        self.now = 0.0
        self.serve = self.right
        self.resolver = dns.Resolver(["::1"], "::1", None, self.wait, lambda: self.now, self.port)

    def tearDown(self):
        self.sock.close()

    def right(self, query):
        """The datagrams that answer a question; a test may have its own."""
        return [answer(query, record(ADDRESS, kind=dns.AAAA))]

    def wait(self, sock, milliseconds):
        """Plays the server, then waits a moment for what it sent; else the time is over."""
        self.sock.setblocking(False)
        try:
            query, source = self.sock.recvfrom(4096)
        except OSError:
            pass
        else:
            self.queries.append(query)
            self.sources.append(source)
            for data in self.serve(query):
                self.sock.sendto(data, source)
        if dns.readable(sock, 100):
            return True
        self.now += milliseconds / 1000
        return False

    def error(self):
        """The error of a question for the name's address."""
        try:
            self.resolver.addresses(NAME)
        except dns.DnsError as error:
            return error
        raise AssertionError("no error")


class Datagrams(Played):
    def test_an_address_and_its_lifetime(self):
        self.assertEqual(self.resolver.addresses(NAME), ([int.from_bytes(ADDRESS, "big")], 300))
        self.assertEqual(self.resolver.asked, "::1")

    def test_identifier_and_port_differ_each_time(self):
        for _ in range(4):
            self.resolver.addresses(NAME)
        self.assertEqual(len(set([query[:2] for query in self.queries])), 4)
        self.assertTrue(len(set([bytes(str(source), "utf-8") for source in self.sources])) > 1)

    def test_texts(self):
        self.serve = lambda query: [answer(query, record(b"\2v=\1x"), record(b"\3ab"), record(b"\1y"))]
        self.assertEqual(self.resolver.texts(NAME)[0], [b"v=x", b"y"])

    def test_bad_datagrams_are_waited_out(self):
        def serve(query):
            good = answer(query, record(ADDRESS, kind=dns.AAAA))
            return [b"", b"\0", query, good[:-1], bytes([good[0] ^ 1]) + good[1:], good]

        self.serve = serve
        self.assertEqual(len(self.resolver.addresses(NAME)[0]), 1)
        self.assertEqual(len(self.queries), 1)

    def test_a_stranger_is_not_heard(self):
        stranger, _ = bound("::1")

        def serve(query):
            stranger.sendto(answer(query, record(bytes(16), kind=dns.AAAA)), self.sources[-1])
            return [answer(query, record(ADDRESS, kind=dns.AAAA))]

        self.serve = serve
        try:
            self.assertEqual(self.resolver.addresses(NAME)[0], [int.from_bytes(ADDRESS, "big")])
        finally:
            stranger.close()

    def test_asked_again(self):
        def serve(query):
            return [answer(query, record(ADDRESS, kind=dns.AAAA))] if len(self.queries) == 3 else []

        self.serve = serve
        self.assertEqual(len(self.resolver.addresses(NAME)[0]), 1)
        self.assertTrue(2.7 <= self.now <= 3.4, self.now)

    def test_silence_ends(self):
        self.serve = lambda query: []
        error = self.error()
        self.assertEqual(str(error), "AAAA of aftr.example: ::1: silent")
        self.assertTrue(not error.absent)
        self.assertEqual(len(self.queries), 3)

    def test_a_server_that_does_not_help_is_asked_once(self):
        self.serve = lambda query: [answer(query, flags=0x8182)]
        error = self.error()
        self.assertEqual(str(error), "AAAA of aftr.example: ::1: SERVFAIL")
        self.assertEqual(len(self.queries), 1)

    def test_the_second_server_helps(self):
        # Nobody listens at the first: the kernel says so at once.
        self.resolver.servers = ["2001:db8::53", "::1"]
        self.resolver.source = None
        self.assertEqual(len(self.resolver.addresses(NAME)[0]), 1)

    def test_nobody_to_ask(self):
        resolver = dns.Resolver(["192.0.2.1"], "::1")
        with self.assertRaises(dns.DnsError):
            resolver.addresses(NAME)

    def test_refused(self):
        self.sock.close()
        self.resolver.wait = dns.readable
        self.assertEqual(str(self.error()), "AAAA of aftr.example: ::1: refused")

    def test_an_address_that_is_not_ours(self):
        self.resolver.source = "2001:db8:ffff::1"
        error = self.error()
        self.assertIn("our address is gone", str(error))

    def test_no_such_name(self):
        for flags in (0x8183, 0x8180):
            self.serve = lambda query, flags=flags: [answer(query, flags=flags)]
            self.assertTrue(self.error().absent)
        self.assertEqual(len(self.queries), 2)

    def test_an_alias_leads_to_another_question(self):
        def serve(query):
            if b"\4real" in query:
                return [answer(query, record(ADDRESS, kind=dns.AAAA, lifetime=900))]
            return [answer(query, record(b"\4real\xc0\x0c", kind=dns.CNAME, lifetime=60))]

        self.serve = serve
        self.assertEqual(self.resolver.addresses(NAME), ([int.from_bytes(ADDRESS, "big")], 60))
        self.assertEqual(len(self.queries), 2)

    def test_aliases_without_end(self):
        def serve(query):
            return [answer(query, record(b"\1a" + query[12:-4], kind=dns.CNAME))]

        self.serve = serve
        error = self.error()
        self.assertIn("aliases", str(error))

    def test_addresses_of_another_length(self):
        self.serve = lambda query: [answer(query, record(ADDRESS[:4], kind=dns.AAAA))]
        self.error()


class Tcp(Played):
    """What did not fit a datagram."""

    def setUp(self):
        super().setUp()
        self.listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(socket.getaddrinfo("::1", self.port, socket.AF_INET6, socket.SOCK_STREAM)[0][-1])
        self.listener.listen(1)
        self.listener.settimeout(0.02)
        self.connection = None
        self.parts = []
        self.plain = self.resolver.wait
        self.resolver.wait = self.play
        self.serve = lambda query: [answer(query, flags=0x8380)]
        self.reply = self.whole

    def tearDown(self):
        super().tearDown()
        self.listener.close()
        if self.connection:
            self.connection.close()

    def whole(self, query):
        """The parts of what comes over TCP; a test may have its own."""
        records = [record(ADDRESS, kind=dns.AAAA)] * 30
        data = answer(query, *records)
        data = len(data).to_bytes(2, "big") + data
        return [data[:1], data[1:50], data[50:]]

    def play(self, sock, milliseconds):
        if not self.connection:
            try:
                self.connection = self.listener.accept()[0]
            except OSError:
                return self.plain(sock, milliseconds)
            query = self.connection.recv(4096)
            self.assertEqual(len(query), 2 + query[1])
            self.parts = self.reply(query[2:])
        if self.parts:
            self.connection.send(self.parts.pop(0))
        elif self.connection:
            self.connection.close()
        if dns.readable(sock, 100):
            return True
        self.now += milliseconds / 1000
        return False

    def test_an_address_and_its_lifetime(self):
        self.assertEqual(self.resolver.addresses(NAME), ([int.from_bytes(ADDRESS, "big")] * 30, 300))

    def test_a_connection_that_ends_too_early(self):
        self.reply = lambda query: [b"\1\0" + query]
        error = self.error()
        self.assertIn("no whole answer over TCP", str(error))

    def test_nonsense_over_tcp(self):
        self.reply = lambda query: [b"\0\0", b"\0\1\0"]
        self.error()
