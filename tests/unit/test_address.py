# SPDX-License-Identifier: Apache-2.0
"""Addresses as text and integers: RFC 4291's and RFC 5952's examples, SoftBank's forms, and what is no address."""

import unittest

from softwire import address

IPV6 = 0x20010DB8400003001111111111111111


class TextTest(unittest.TestCase):
    def test_ipv4_both_ways(self):
        for text, value in (("203.0.113.7", 0xCB007107), ("0.0.0.0", 0), ("255.255.255.255", 0xFFFFFFFF)):
            self.assertEqual(address.parse_ipv4(text), value)
            self.assertEqual(address.format_ipv4(value), text)

    def test_ipv6_both_ways(self):
        for text, value in (
            ("2001:db8:4000:300:1111:1111:1111:1111", IPV6),
            ("::", 0),
            ("::1", 1),
            ("fe80::1", 0xFE80 << 112 | 1),
            ("2001:db8::", 0x20010DB8 << 96),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", (1 << 128) - 1),
        ):
            self.assertEqual(address.parse_ipv6(text), value)
            self.assertEqual(address.format_ipv6(value), text)

    def test_ipv6_is_written_as_rfc_5952_wants(self):
        # Sections 4.1 to 4.3: no leading zeros, the longest run of zeros, the first of equal ones, lower case.
        for given, right in (
            ("2001:0DB8::0001", "2001:db8::1"),
            ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
            ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ):
            self.assertEqual(address.format_ipv6(address.parse_ipv6(given)), right)

    def test_what_is_no_address(self):
        for text in (
            "",
            " ",
            "203.0.113",
            "203.0.113.256",
            "203.0.113.7.1",
            "203.0.113.7/32",
            "2001:db8::1",
            "a.b.c.d",
        ):
            self.assertRaises(ValueError, address.parse_ipv4, text)
        # Found by fuzzing: MicroPython's inet_pton reads up to the zero.
        self.assertRaises(ValueError, address.parse_ipv4, "192.0.2.1\0x")
        self.assertRaises(ValueError, address.parse_ipv6, "2001:db8::1\0x")
        for text in (
            "",
            ":",
            ":::",
            "2001:db8::1::1",
            "2001:db8:1:2:3:4:5",
            "2001:db8:1:2:3:4:5:6:7",
            "2001:db8::12345",
            "2001:db8::g",
            "2001:db8::1/64",
            "fe80::1%eth0",
            "203.0.113.7",
        ):
            self.assertRaises(ValueError, address.parse_ipv6, text)
        for value in (None, 7):
            self.assertRaises(ValueError, address.parse_ipv4, value)
            self.assertRaises(ValueError, address.parse_ipv6, value)

    def test_expanded_for_softbank(self):
        # PROTOCOLS section 2: NEXT has eight groups, CROSS four, all of four digits.
        prefix = address.parse_ipv6("2400:2650:7e1:5a00::")
        self.assertEqual(
            address.expand(prefix | 0x1111111111111111), "2400:2650:07e1:5a00:1111:1111:1111:1111"
        )
        self.assertEqual(address.expand(prefix, 64), "2400:2650:07e1:5a00")
        self.assertEqual(address.expand(0), "0000:0000:0000:0000:0000:0000:0000:0000")


class PrefixTest(unittest.TestCase):
    def test_parse_clears_the_host_part(self):
        self.assertEqual(address.parse_prefix("2001:db8:4000:3ff::1/56"), (0x20010DB840000300 << 64, 56))
        self.assertEqual(address.parse_prefix("::/0"), (0, 0))
        self.assertEqual(address.parse_prefix("2001:db8::1"), (0x20010DB8 << 96 | 1, 128))
        self.assertEqual(address.parse_prefix("203.0.113.7/29", address.parse_ipv4, 32), (0xCB007100, 29))
        self.assertEqual(address.parse_prefix("203.0.113.7", address.parse_ipv4, 32), (0xCB007107, 32))

    def test_format(self):
        self.assertEqual(address.format_prefix(0x20010DB840000300 << 64, 56), "2001:db8:4000:300::/56")

    def test_what_is_no_prefix(self):
        for text in (
            "",
            "/56",
            "2001:db8::/",
            "2001:db8::/129",
            "2001:db8::/-1",
            "2001:db8::/5 6",
            "2001:db8::/56/56",
            "x/5",
        ):
            self.assertRaises(ValueError, address.parse_prefix, text)
        self.assertRaises(ValueError, address.parse_prefix, "203.0.113.7/33", address.parse_ipv4, 32)

    def test_contains(self):
        prefix = 0x20010DB840000300 << 64
        self.assertTrue(address.contains(prefix, 56, IPV6))
        self.assertTrue(address.contains(prefix, 56, address.parse_ipv6("2001:db8:4000:3ff:ffff::")))
        self.assertFalse(address.contains(prefix, 56, address.parse_ipv6("2001:db8:4000:400::")))
        self.assertTrue(address.contains(0, 0, IPV6))
        self.assertFalse(address.contains(IPV6, 128, IPV6 + 1))


class InterfaceIdTest(unittest.TestCase):
    def test_forms(self):
        for text, value in (
            ("1111:1111:1111:1111", 0x1111111111111111),
            ("::1111:1111:1111:1111", 0x1111111111111111),
            ("::1", 1),
            ("00cb:0071:0700:0000", 0x00CB007107000000),  # CROSS's of 203.0.113.7
            ("ffff:ffff:ffff:ffff", (1 << 64) - 1),
        ):
            self.assertEqual(address.parse_interface_id(text), value)

    def test_what_is_none(self):
        for text in ("", "1:1111:1111:1111:1111", "2001:db8::1", "1::", "xyz", "1111:1111:1111:11111"):
            self.assertRaises(ValueError, address.parse_interface_id, text)


class MacTest(unittest.TestCase):
    def test_both_ways(self):
        octets = b"\x52\x54\x00\x12\x34\xab"
        for text in ("52:54:00:12:34:ab", "52:54:00:12:34:AB", "52-54-00-12-34-AB"):
            self.assertEqual(address.parse_mac(text), octets)
        self.assertEqual(address.format_mac(octets), "52:54:00:12:34:ab")

    def test_what_is_none(self):
        for text in (
            "",
            "52:54:00:12:34",
            "52:54:00:12:34:56:78",
            "525400123456",
            "52:54:00:12:34:5g",
            "5:254:00:12:34:56",
            "52:54:00:12:34:+6",
            "52:54:00:12:34: 6",
        ):
            self.assertRaises(ValueError, address.parse_mac, text)


class KindTest(unittest.TestCase):
    def test_ipv4_that_a_host_can_have(self):
        for text in (
            "203.0.113.7",
            "126.0.0.1",
            "10.0.0.1",
            "100.64.0.1",
            "1.0.0.0",
            "223.255.255.255",
            "169.253.0.1",
        ):
            self.assertTrue(address.is_unicast_ipv4(address.parse_ipv4(text)), text)
        for text in (
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "169.254.0.1",
            "224.0.0.1",
            "239.1.1.1",
            "255.255.255.255",
            "240.0.0.1",
        ):
            self.assertFalse(address.is_unicast_ipv4(address.parse_ipv4(text)), text)

    def test_ipv6_that_a_router_forwards_to(self):
        for text in ("2001:db8:b::1", "2400:2000::1", "fc00::1", "fd00::1"):
            self.assertTrue(address.is_global_ipv6(address.parse_ipv6(text)), text)
        for text in (
            "::",
            "::1",
            "::ffff:203.0.113.7",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ):
            self.assertFalse(address.is_global_ipv6(address.parse_ipv6(text)), text)

    def test_unique_local_is_not_the_internet(self):
        self.assertTrue(address.is_internet_ipv6(IPV6))
        for text in ("fc00::1", "fd12:3456:789a::", "fe80::1", "ff02::1", "::1"):
            self.assertFalse(address.is_internet_ipv6(address.parse_ipv6(text)), text)
