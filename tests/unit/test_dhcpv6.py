# SPDX-License-Identifier: Apache-2.0
"""DHCPv6 options, both directions: what odhcp6c passed through on real routers, RFC 8415's formats, broken ones."""

import unittest
from binascii import unhexlify

from softwire import dhcpv6
from softwire.wire import WireError

# NETIFD, data.passthru of recorded/wan6-status-*.json: option 17 (enterprise 210), option 23 with two resolvers.
VENDOR = unhexlify(
    "000000d200c900060200deadbeef00ca000e6c61622d737472696e672d32303200cc001403616161036c6162076578616d706c65026a7000"
    "00d200070001020304a0ff"
)
RESOLVERS = unhexlify("20010db800530000000000000000000120010db8005300000000000000000002")
PASSTHRU = unhexlify("00110043") + VENDOR + unhexlify("00170020") + RESOLVERS

MAC = unhexlify("525400123401")
# What flets.sh makes odhcp6c send: NETIFD, "Solicit and Request carry option 16"; PROTOCOLS section 1.
VENDOR_CLASS = unhexlify("0010000c000000d20006525400123401")


class OptionsTest(unittest.TestCase):
    def test_passthru_both_ways(self):
        options = dhcpv6.read_options(PASSTHRU)
        self.assertEqual(options, [(17, VENDOR), (23, RESOLVERS)])
        self.assertEqual(b"".join([dhcpv6.write_option(code, value) for code, value in options]), PASSTHRU)

    def test_order_and_repetition_are_kept(self):
        self.assertEqual(
            dhcpv6.read_options(unhexlify("00110000000100010900110000")), [(17, b""), (1, b"\t"), (17, b"")]
        )

    def test_nothing(self):
        self.assertEqual(dhcpv6.read_options(b""), [])

    def test_truncated(self):
        for end in range(1, len(PASSTHRU)):
            if end != 4 + len(VENDOR):
                self.assertRaises(WireError, dhcpv6.read_options, PASSTHRU[:end])

    def test_too_long_to_write(self):
        self.assertRaises(WireError, dhcpv6.write_option, 17, b"a" * 65536)
        self.assertRaises(WireError, dhcpv6.write_option, 65536, b"")

    def test_addresses(self):
        resolver = 0x20010DB8005300000000000000000001
        self.assertEqual(dhcpv6.read_addresses(RESOLVERS), [resolver, resolver + 1])
        self.assertEqual(dhcpv6.read_addresses(b""), [])
        self.assertRaises(WireError, dhcpv6.read_addresses, RESOLVERS[:-1])


class MessageTest(unittest.TestCase):
    def test_both_ways(self):
        # RFC 7341 section 7: a DHCPV4-QUERY with the U flag, here with an empty DHCPv4 message.
        query = unhexlify("1480000000570000")
        self.assertEqual(dhcpv6.read_message(query), (dhcpv6.DHCPV4_QUERY, 0x800000, [(87, b"")]))
        self.assertEqual(dhcpv6.write_message(dhcpv6.DHCPV4_QUERY, 0x800000, [(87, b"")]), query)

    def test_truncated(self):
        for octets in ("", "14", "148000", "1480000000", "14800000005700"):
            self.assertRaises(WireError, dhcpv6.read_message, unhexlify(octets))
        self.assertEqual(dhcpv6.read_message(unhexlify("14800000")), (20, 0x800000, []))

    def test_what_does_not_fit(self):
        self.assertRaises(WireError, dhcpv6.write_message, 20, 1 << 24, [])

    def test_exactly_one(self):
        self.assertEqual(dhcpv6.only([(1, b"a"), (87, b"b")], 87), b"b")
        self.assertRaises(WireError, dhcpv6.only, [(1, b"a")], 87)
        self.assertRaises(WireError, dhcpv6.only, [(87, b"a"), (87, b"b")], 87)


class VendorTest(unittest.TestCase):
    def test_enterprise_and_rest(self):
        self.assertEqual(dhcpv6.read_vendor_opts(VENDOR), (210, VENDOR[4:]))
        self.assertEqual(dhcpv6.read_vendor_opts(b"\0\0\0\xd2"), (210, b""))

    def test_truncated(self):
        for end in range(4):
            self.assertRaises(WireError, dhcpv6.read_vendor_opts, VENDOR[:end])

    def test_vendor_class(self):
        value = dhcpv6.write_vendor_class(210, [MAC])
        self.assertEqual(dhcpv6.write_option(dhcpv6.VENDOR_CLASS, value), VENDOR_CLASS)
        self.assertEqual(dhcpv6.write_vendor_class(210, []), b"\0\0\0\xd2")
        self.assertEqual(dhcpv6.write_vendor_class(1, [b"a", b""]), b"\0\0\0\1\0\1a\0\0")


class NameTest(unittest.TestCase):
    # RFC 8415 section 10: RFC 1035's labels, without compression.
    NAMES = (
        ("aaa.lab.example.jp", "03616161036c6162076578616d706c65026a7000"),
        ("ntt-east.ne.jp", "086e74742d65617374026e65026a7000"),
        ("www.verinfo.hgw.flets-east.jp", "0377777707766572696e666f036867770a666c6574732d65617374026a7000"),
        ("x", "017800"),
    )

    def test_both_ways(self):
        for name, octets in self.NAMES:
            self.assertEqual(dhcpv6.read_name(unhexlify(octets)), name)
            self.assertEqual(dhcpv6.write_name(name), unhexlify(octets))
            self.assertEqual(dhcpv6.write_name(name + "."), unhexlify(octets))

    def test_partial_name_without_root(self):
        self.assertEqual(dhcpv6.read_name(b"\x03aaa\x02jp"), "aaa.jp")

    def test_longest_label_and_name(self):
        label = b"\x3f" + b"a" * 63
        self.assertEqual(dhcpv6.read_name(label + b"\0"), "a" * 63)
        longest = label * 3 + b"\x3d" + b"a" * 61 + b"\0"  # 255 octets, RFC 1035 section 2.3.4
        self.assertEqual(len(dhcpv6.read_name(longest)), 253)
        self.assertEqual(dhcpv6.write_name(dhcpv6.read_name(longest)), longest)
        self.assertRaises(WireError, dhcpv6.read_name, label * 4 + b"\0")
        # One octet more than the longest.
        self.assertRaises(WireError, dhcpv6.read_name, label * 3 + b"\x3e" + b"a" * 62 + b"\0")

    def test_octets_of_a_label(self):
        """Printable ASCII but for blank and dot, to its very ends."""
        for octet in (33, 45, 47, 126):
            self.assertEqual(dhcpv6.read_name(bytes([1, octet, 0])), chr(octet))
        for octet in (0, 32, 46, 127, 128, 255):
            self.assertRaises(WireError, dhcpv6.read_name, bytes([1, octet, 0]))

    def test_broken_names(self):
        for octets in (
            b"",
            b"\0",  # the root alone is nobody's domain
            b"\3aa",  # cut
            b"\3aaa\5jp",
            b"\3aaa\0\2jp\0",  # goes on behind its root
            b"\xc0\x00",  # a pointer to itself: a loop for who follows it
            b"\3aaa\xc0\x00",
            b"\x40" + b"a" * 64,  # the reserved kinds of label
            b"\3a.a\0",  # a dot would make another name of it
            b"\3a\na\0",
            b"\3a\0a\0",
            b"\2\xe3\x81\0",
        ):
            self.assertRaises(WireError, dhcpv6.read_name, octets)

    def test_names_that_cannot_be_written(self):
        for name in ("", ".", "a..b", ".a", "a" * 64, "\u65e5" * 22, "a b", ".".join(["a" * 63] * 4)):
            self.assertRaises(WireError, dhcpv6.write_name, name)


class DuidTest(unittest.TestCase):
    def test_link_layer(self):
        # NETIFD: 00030001 and the device's MAC.
        self.assertEqual(dhcpv6.duid_ll(MAC), unhexlify("00030001525400123401"))

    def test_kinds(self):
        for octets, kind in (
            ("00030001525400123401", "DUID-LL"),
            ("0001000128b6a1f2525400123401", "DUID-LLT"),
            ("00020000000901", "DUID-EN"),
            ("0004" + "00" * 16, "DUID-UUID"),
            ("0005", "unknown DUID"),
            ("00", "unknown DUID"),
            ("", "unknown DUID"),
        ):
            self.assertEqual(dhcpv6.duid_kind(unhexlify(octets)), kind)
