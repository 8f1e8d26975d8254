# SPDX-License-Identifier: Apache-2.0
"""Option 120 in both encodings: the examples of RFC 3361 section 3, compressed names, and octets that are neither."""

import unittest
from binascii import unhexlify

from softwire.dhcpv4 import is_host, read_sip_servers
from softwire.wire import WireError

SIP = b"\x03sip"
EXAMPLE = b"\x07example\x03com\x00"


class AddressTest(unittest.TestCase):
    def test_one_and_two(self):
        # Section 3.2: 192.0.2.1 and 192.0.2.2.
        self.assertEqual(read_sip_servers(unhexlify("01c0000201")), ["192.0.2.1"])
        self.assertEqual(read_sip_servers(unhexlify("01c0000201c0000202")), ["192.0.2.1", "192.0.2.2"])

    def test_the_first_octet_is_no_count(self):
        # A client of the field takes it for one, which works for a single server alone.
        self.assertRaises(WireError, read_sip_servers, unhexlify("02c0000201c0000202"))

    def test_truncated(self):
        for octets in ("", "01", "01c0", "01c00002", "01c0000201c0"):
            self.assertRaises(WireError, read_sip_servers, unhexlify(octets))


class NameTest(unittest.TestCase):
    def test_names(self):
        # Section 3.1: example.com, then example.net.
        one = b"\0" + EXAMPLE
        self.assertEqual(read_sip_servers(one), ["example.com"])
        two = one + b"\x07example\x03net\x00"
        self.assertEqual(read_sip_servers(two), ["example.com", "example.net"])

    def test_compressed(self):
        # RFC 1035 section 4.1.4, offsets from behind the encoding: sip.<example.com>, then example.com itself.
        value = b"\0" + EXAMPLE + SIP + b"\xc0\x00" + b"\xc0\x00" + b"\x01a\xc0\x08"
        self.assertEqual(read_sip_servers(value), ["example.com", "sip.example.com", "example.com", "a.com"])

    def test_pointers_that_do_not_lead_to_the_front(self):
        for tail in (b"\xc0\x00", b"\xc0\x01", b"\xc0\x05", b"\xff\xff", b"\x01a\xc0\x00"):
            self.assertRaises(WireError, read_sip_servers, b"\0" + tail)
        # Two that point at each other.
        self.assertRaises(WireError, read_sip_servers, b"\0\xc0\x02\xc0\x00")

    def test_broken(self):
        for octets in (
            b"",
            b"\x00",
            b"\x03si",
            b"\x03sip",
            b"\x40" + b"a" * 64 + b"\0",
            b"\xbf",
            b"\xc0",
            b"\x01\x80\0",
            b"\x03a.b\0",
            b"\x03a b\0",
            b'\x03a";\0',
            EXAMPLE + b"\x03",
            b"\x3f" + b"a" * 63 + b"\x3f" + b"b" * 63 + b"\x3f" + b"c" * 63 + b"\x3f" + b"d" * 63 + b"\0",
            b"\x01a" * 300 + b"\0",
        ):
            self.assertRaises(WireError, read_sip_servers, b"\0" + octets)

    def test_no_more_than_sixteen(self):
        self.assertEqual(len(read_sip_servers(b"\0" + b"\x01a\0" + b"\xc0\x00" * 100)), 16)


class HostTest(unittest.TestCase):
    def test_hosts(self):
        for text in ("192.0.2.1", "sip.example.com", "a", "a_b-c.D9"):
            self.assertTrue(is_host(text))
        for text in (
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "a b",
            "a;b",
            'a"',
            "a>",
            "a\n",
            "é.example",
            "a" * 64,
            "a." * 130,
        ):
            self.assertTrue(not is_host(text))


if __name__ == "__main__":
    unittest.main()
