# SPDX-License-Identifier: Apache-2.0
"""DHCPv4 messages both ways: RFC 2131's fields, RFC 3396's split and overloaded options, octets that are none."""

import unittest
from binascii import unhexlify

from softwire import dhcpv4message
from softwire.dhcpv4message import Message
from softwire.wire import WireError

# A DISCOVER by hand after RFC 2131 figure 1 and RFC 4361: xid 01020304, secs 5, Ethernet, options 53, 61 and 55.
HEAD = "01010600 01020304 0005 0000 00000000 00000000 00000000 00000000 020000000001 00000000000000000000"
NAMES = "00" * 192
OPTIONS = "350101 3d0fff0000000100030001020000000001 3703010306 ff"
DISCOVER = unhexlify((HEAD + NAMES + "63825363" + OPTIONS).replace(" ", ""))


def with_options(text, sname=b"", file=b""):
    """The same head with other octets behind."""
    fields = sname + bytes(64 - len(sname)) + file + bytes(128 - len(file))
    return DISCOVER[:44] + fields + dhcpv4message.COOKIE + unhexlify(text.replace(" ", ""))


class ReadTest(unittest.TestCase):
    def test_fields(self):
        message = dhcpv4message.read(DISCOVER)
        self.assertEqual((message.op, message.xid, message.secs), (1, 0x01020304, 5))
        self.assertEqual((message.ciaddr, message.yiaddr), (0, 0))
        self.assertEqual(message.chaddr, unhexlify("020000000001"))
        self.assertEqual([code for code, _ in message.options], [53, 61, 55])
        self.assertEqual(message.option(53), b"\x01")
        self.assertEqual(message.option(54), None)

    def test_both_ways(self):
        self.assertEqual(dhcpv4message.write(dhcpv4message.read(DISCOVER)), DISCOVER)

    def test_pads_and_what_follows_the_end(self):
        message = dhcpv4message.read(with_options("00 350102 0000 ff 350105"))
        self.assertEqual(message.options, [(53, b"\x02")])

    def test_no_end(self):
        self.assertEqual(dhcpv4message.read(with_options("350102")).options, [(53, b"\x02")])

    def test_split_options_are_one(self):
        # RFC 3396 section 7: by order of appearance, with others between.
        message = dhcpv4message.read(with_options("780201c0 350102 7803000201 ff"))
        self.assertEqual(message.options, [(120, unhexlify("01c0000201")), (53, b"\x02")])

    def test_overload(self):
        file, sname = unhexlify("0c0362ff00"), unhexlify("0c0163ff")
        # RFC 3396 section 5: the options field, then file, then sname.
        cut = unhexlify("0c0162ff")
        message = dhcpv4message.read(with_options("340103 0c0161 ff", sname, cut))
        self.assertEqual(message.options, [(12, b"abc")])
        message = dhcpv4message.read(with_options("340101 0c0161 ff", sname, cut))
        self.assertEqual(message.options, [(12, b"ab")])
        message = dhcpv4message.read(with_options("340102 0c0161 ff", sname, file))
        self.assertEqual(message.options, [(12, b"ac")])

    def test_overload_in_an_overloaded_field_says_nothing(self):
        message = dhcpv4message.read(with_options("340101 ff", b"\x0c\x01c\xff", unhexlify("340102ff")))
        self.assertEqual(message.options, [])

    def test_broken_overload(self):
        for text in ("340100ff", "340104ff", "3400ff", "34020101ff"):
            self.assertRaises(WireError, dhcpv4message.read, with_options(text))
        # An option may not go on in the next field.
        self.assertRaises(WireError, dhcpv4message.read, with_options("340102ff", b"\x0c\xff"))

    def test_truncated(self):
        for end in range(len(DISCOVER) - 1):
            if end not in (240, 243, 260):
                self.assertRaises(WireError, dhcpv4message.read, DISCOVER[:end])

    def test_no_dhcpv4(self):
        self.assertRaises(WireError, dhcpv4message.check, DISCOVER[:236] + b"\0\0\0\0\xff")
        self.assertRaises(WireError, dhcpv4message.check, b"\x01\x01\x11" + DISCOVER[3:])
        dhcpv4message.check(DISCOVER)


class WriteTest(unittest.TestCase):
    def test_long_options_are_split(self):
        message = Message([(53, b"\x02"), (121, b"a" * 300), (80, b"")])
        octets = dhcpv4message.write(message)
        self.assertEqual(octets[243:245], unhexlify("79ff"))
        self.assertEqual(octets[500:502], unhexlify("792d"))
        self.assertEqual(dhcpv4message.read(octets).options, message.options)
        alone = dhcpv4message.write_options(message.options)
        self.assertEqual(dhcpv4message.read_options(alone), message.options)

    def test_every_field(self):
        message = Message()
        message.op, message.xid, message.secs = 2, 0xFFFFFFFF, 65535
        message.ciaddr, message.yiaddr, message.chaddr = 1, 0xC0000201, b"0123456789abcdef"
        read = dhcpv4message.read(dhcpv4message.write(message))
        for name in "op xid secs ciaddr yiaddr chaddr".split():
            self.assertEqual(getattr(read, name), getattr(message, name))

    def test_what_does_not_fit(self):
        for name, value in (
            ("xid", 1 << 32),
            ("secs", -1),
            ("chaddr", bytes(17)),
            ("options", [(0, b"")]),
            ("options", [(255, b"")]),
        ):
            message = Message()
            setattr(message, name, value)
            self.assertRaises(WireError, dhcpv4message.write, message)


if __name__ == "__main__":
    unittest.main()
