# SPDX-License-Identifier: Apache-2.0
"""A server's Reconfigure: whose it is, and what it asks for (RFC 8415 sections 18.2.11 and 20.4, DSTM appendix A 6)."""

import unittest

import test_dstm
from softwire import provisioning, reconfigure
from softwire.dhcpv6 import write_option
from softwire.errors import ProvisioningError
from softwire.wire import WireError
from test_dstm import CODES, RENEW, REPLY, REQUEST, SERVER, SOLICIT, SOURCE, association

CLIENT = b"\0\3\0\1RT\0\x124\1"
KEY = b"0123456789abcdef"
REBIND = 6


def auth(kind, octets, counter):
    return (11, b"\3\1\0" + counter.to_bytes(8, "big") + bytes([kind]) + octets)


def datagram(
    message=b"\5", client=CLIENT, server=SERVER, counter=8, key=KEY, asked=(), port=546, kind=10, more=()
):
    """A Reconfigure as a raw socket gets it."""
    options = [(1, client), (2, server), (19, message)]
    if asked:
        options.append((6, b"".join([code.to_bytes(2, "big") for code in asked])))
    options += list(more)

    def octets(digest):
        rows = options + [auth(2, digest, counter)]
        return bytes([kind]) + b"abc" + b"".join([write_option(*row) for row in rows])

    digest = reconfigure.hmac_md5(key, octets(bytes(16)))
    return b"\x02\x23" + port.to_bytes(2, "big") + b"\0\0\0\0" + octets(digest)


class Socket:
    """Stands for a raw one."""

    def __init__(self, told=()):
        self.told = list(told)
        self.closed = False

    def recv(self, most):
        if not self.told:
            raise OSError(11)
        return self.told.pop(0)[:most]

    def close(self):
        self.closed = True


class FormatTest(unittest.TestCase):
    def read(self, data, counter=7):
        return reconfigure.read(data, CLIENT, SERVER, CODES[0], KEY, counter)

    def test_hmac(self):
        """RFC 2202 section 2, test case 1."""
        digest = reconfigure.hmac_md5(b"\x0b" * 16, b"Hi There")
        self.assertEqual(digest, bytes.fromhex("9294727a3638bb1c13f48ef8158bfc9d"))

    def test_what_is_wanted(self):
        self.assertEqual(self.read(datagram()), (RENEW, 8))
        self.assertEqual(self.read(datagram(b"\6", counter=9, asked=(23, CODES[0]))), (REBIND, 9))
        # An Information-request, or for another option: it counts, and asks for nothing of ours.
        for other in (datagram(b"\x0b"), datagram(b"\5\5"), datagram(asked=(23, 25))):
            self.assertEqual(self.read(other), (None, 8))

    def test_a_replay(self):
        self.assertRaises(WireError, self.read, datagram(), 8)
        self.assertRaises(WireError, self.read, datagram(), 9)
        self.assertEqual(self.read(datagram(counter=1 << 63)), (RENEW, 1 << 63))

    def test_whose_it_is_not(self):
        for wrong in (
            datagram(key=b"fedcba9876543210"),
            datagram(client=b"\0\3\0\1other"),
            datagram(server=b"\0\3\0\1other"),
            datagram(port=547),
            datagram(kind=7),
            datagram(more=[(19, b"\6")]),
            datagram(more=[auth(2, bytes(16), 9)]),
        ):
            self.assertRaises(WireError, self.read, wrong)

    def test_every_octet_counts(self):
        """Of the message; the header of UDP has its own checksum."""
        data = datagram()
        for at in range(8, len(data)):
            wrong = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            self.assertRaises(WireError, self.read, wrong)
        for end in range(len(data)):
            self.assertRaises(WireError, self.read, data[:end])

    def test_the_key(self):
        self.assertEqual(reconfigure.read_auth([auth(1, KEY, 7)], 1), (7, KEY))
        good = auth(1, KEY, 7)[1]
        for wrong in (good[:-1], b"\2" + good[1:], good + b"x", auth(2, KEY, 7)[1], b""):
            self.assertRaises(WireError, reconfigure.read_auth, [(11, wrong)], 1)


class ClientTest(test_dstm.ClientTest):
    """The method, in the same surroundings as its other tests, which pass with a server that has a key as well."""

    def setUp(self):
        super().setUp()
        self.usual = reconfigure.open_raw, type(self.line).link_local
        self.made = []
        reconfigure.open_raw = lambda device, address: self.made.append(Socket()) or self.made[-1]
        type(self.line).link_local = 0xFE80 << 112 | 1
        reconfigure.packed = lambda family, text: text
        self.answers[REQUEST] = [self.answer(REPLY, more=[auth(1, KEY, 7)])]

    def tearDown(self):
        super().tearDown()
        reconfigure.open_raw, type(self.line).link_local = self.usual

    def hear(self, method, data):
        (sock,) = method.sockets()
        sock.told = [data]
        try:
            method.heard(sock)
        except provisioning.Refresh:
            return True
        return False

    def test_a_6_it_says_that_it_takes_one(self):
        self.ask(self.method())
        for _, options in self.asked:
            self.assertEqual([value for code, value in options if code == 20], [b""])
        self.assertEqual(len(self.made), 1)

    def test_a_6_renew(self):
        method = self.method()
        tunnel = self.ask(method)
        self.assertTrue(self.hear(method, datagram()))
        method.refresh(self.line, SOURCE, tunnel)
        self.assertEqual(self.kinds(), [SOLICIT, REQUEST, RENEW])
        # The key is still the one.
        self.assertFalse(self.hear(method, datagram()))
        self.assertTrue(self.hear(method, datagram(counter=9)))

    def test_a_6_rebind(self):
        method = self.method()
        tunnel = self.ask(method)
        self.assertTrue(self.hear(method, datagram(b"\6")))
        self.assertEqual(method.refresh(self.line, SOURCE, tunnel), tunnel)
        self.assertEqual(self.kinds()[2:], [REBIND])

    def test_somebody_elses(self):
        method = self.method()
        self.ask(method)
        for data in (datagram(key=bytes(16)), datagram(asked=(25,)), b"", b"\xff" * 40):
            self.assertFalse(self.hear(method, data))

    def test_another_key(self):
        method = self.method()
        tunnel = self.ask(method)
        self.answers[RENEW] = [self.answer(REPLY, more=[auth(1, b"x" * 16, 1)])]
        method.refresh(self.line, SOURCE, tunnel)
        self.assertEqual([sock.closed for sock in self.made], [True, False])
        self.assertFalse(self.hear(method, datagram(counter=99)))
        self.assertTrue(self.hear(method, datagram(counter=2, key=b"x" * 16)))

    def test_where_nothing_is_heard(self):
        """No key, one that is none, no socket: the lease is as good."""
        for more in [], [(11, b"\2" + bytes(27))]:
            self.answers[REQUEST] = [self.answer(REPLY, more=more)]
            method = self.method()
            self.ask(method)
            self.assertEqual(method.sockets(), ())
        self.answers[REQUEST] = [self.answer(REPLY, more=[auth(1, KEY, 7)])]
        type(self.line).link_local = None
        method = self.method()
        self.assertEqual((self.ask(method).ipaddr(), method.sockets()), (["203.0.113.7/32"], ()))

    def test_it_ends_with_the_lease(self):
        for end in "release", "drop", "another":
            method = self.method()
            tunnel = self.ask(method)
            if end == "release":
                method.release(tunnel)
            elif end == "drop":
                method.drop()
            else:
                self.answers[SOLICIT] = []
                try:
                    method.refresh(self.line, SOURCE + 1, tunnel)
                except ProvisioningError:
                    pass
            self.assertEqual((method.sockets(), self.made[-1].closed), ((), True))

    def test_the_answer_is_the_reply_that_counts(self):
        """A key beside an Advertise is nobody's."""
        self.answers[SOLICIT] = [self.answer(2, more=[auth(1, KEY, 7)])]
        self.answers[REQUEST] = [self.answer(REPLY, association())]
        method = self.method()
        self.ask(method)
        self.assertEqual(method.sockets(), ())


if __name__ == "__main__":
    unittest.main()
