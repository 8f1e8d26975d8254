# SPDX-License-Identifier: Apache-2.0
"""NTT's vendor options: recorded ones, each sub-option in every form that was seen, and those that cannot be right."""

import unittest
from binascii import unhexlify

from softwire import ntt
from softwire.wire import WireError

# data.passthru of recorded/wan6-status-*.json, option 17: 201, 202, 204, and a 210 that holds no name.
RECORDED = unhexlify(
    "000000d200c900060200deadbeef00ca000e6c61622d737472696e672d32303200cc001403616161036c6162076578616d706c65026a7000"
    "00d200070001020304a0ff"
)

# The lab's line; the names are those of PROTOCOLS section 1.
MAC = unhexlify("525400123401")
SIP_DOMAIN = unhexlify("086e74742d65617374026e65026a7000")
VERSION_SERVER = unhexlify("0377777707766572696e666f036867770a666c6574732d65617374026a7000")
SUB_OPTIONS = (
    (201, MAC),
    (202, b"0312345678"),
    (203, b"0312345679"),
    (203, b"0312345670"),
    (204, SIP_DOMAIN),
    (210, VERSION_SERVER),
    (205, b"\x01\x02"),
)


def dhcpv6(sub_options, enterprise=210):
    """Option 17: enterprise, then code and length of two octets each (RFC 8415 section 21.17)."""
    value = enterprise.to_bytes(4, "big")
    for code, octets in sub_options:
        value += code.to_bytes(2, "big") + len(octets).to_bytes(2, "big") + octets
    return value


def dhcpv4(sub_options, enterprise=210):
    """Option 125: enterprise, length of all, then code and length of one octet each (RFC 3925 section 4)."""
    data = b"".join([bytes([code, len(octets)]) + octets for code, octets in sub_options])
    return enterprise.to_bytes(4, "big") + bytes([len(data)]) + data


class WholeTest(unittest.TestCase):
    def check(self, found):
        self.assertEqual(found.mac, "52:54:00:12:34:01")
        self.assertEqual(found.numbers, ["0312345678", "0312345679", "0312345670"])
        self.assertEqual(found.sip_domain, "ntt-east.ne.jp")
        self.assertEqual(found.version_server, "www.verinfo.hgw.flets-east.jp")
        self.assertEqual(found.unknown, [(205, b"\x01\x02")])
        self.assertEqual(found.problems, [])

    def test_dhcpv6(self):
        self.check(ntt.read_dhcpv6(dhcpv6(SUB_OPTIONS)))

    def test_dhcpv4(self):
        self.check(ntt.read_dhcpv4(dhcpv4(SUB_OPTIONS)))

    def test_recorded(self):
        found = ntt.read_dhcpv6(RECORDED)
        self.assertEqual(found.mac, "02:00:de:ad:be:ef")
        self.assertEqual(found.sip_domain, "aaa.lab.example.jp")
        # 'lab-string-202' is no telephone number, 0001020304a0ff no name: kept, and named.
        self.assertEqual(found.numbers, [])
        self.assertEqual(found.version_server, None)
        self.assertEqual(found.unknown, [(202, b"lab-string-202"), (210, unhexlify("0001020304a0ff"))])
        self.assertEqual(len(found.problems), 2)
        self.assertIn("sub-option 202", found.problems[0])
        self.assertIn("sub-option 210", found.problems[1])

    def test_main_number_comes_first(self):
        found = ntt.read_dhcpv6(dhcpv6([(203, b"0312345679"), (202, b"0312345678")]))
        self.assertEqual(found.numbers, ["0312345678", "0312345679"])

    def test_two_options_17_add_up(self):
        found = ntt.read_dhcpv6(dhcpv6([(202, b"0312345678")]))
        found = ntt.read_dhcpv6(dhcpv6([(204, SIP_DOMAIN)]), found)
        self.assertEqual((found.numbers, found.sip_domain), (["0312345678"], "ntt-east.ne.jp"))

    def test_no_sub_option(self):
        found = ntt.read_dhcpv6(dhcpv6([]))
        self.assertEqual((found.mac, found.numbers, found.sip_domain, found.unknown), (None, [], None, []))

    def test_somebody_elses(self):
        self.assertEqual(ntt.read_dhcpv6(dhcpv6(SUB_OPTIONS, 2495)), None)
        self.assertEqual(ntt.read_dhcpv4(dhcpv4(SUB_OPTIONS, 2495)), None)
        found = ntt.read_dhcpv6(dhcpv6([(202, b"0312345678")]))
        self.assertTrue(ntt.read_dhcpv6(dhcpv6(SUB_OPTIONS, 2495), found) is found)
        self.assertEqual(ntt.read_dhcpv4(b""), None)

    def test_several_enterprises_in_one_option_125(self):
        # RFC 3925 section 4: the data of several vendors stand one behind the other.
        value = dhcpv4([(1, b"x")], 2495) + dhcpv4(SUB_OPTIONS) + dhcpv4([], 1)
        self.check(ntt.read_dhcpv4(value))

    def test_dhcpv4_framing_is_not_dhcpv6s(self):
        found = ntt.read_dhcpv6(dhcpv4(SUB_OPTIONS))
        self.assertEqual((found.mac, found.numbers, found.sip_domain), (None, [], None))


class TruncatedTest(unittest.TestCase):
    def test_no_enterprise(self):
        for end in range(4):
            self.assertRaises(WireError, ntt.read_dhcpv6, RECORDED[:end])
        for end in range(1, 5):
            self.assertRaises(WireError, ntt.read_dhcpv4, dhcpv4(SUB_OPTIONS)[:end])

    def test_what_stands_before_the_cut_is_used(self):
        whole = dhcpv6(SUB_OPTIONS)
        for end in range(14 + 14, 14 + 14 + 14):  # within the first 203
            found = ntt.read_dhcpv6(whole[:end])
            self.assertEqual((found.mac, found.numbers), ("52:54:00:12:34:01", ["0312345678"]))
            self.assertEqual(len(found.problems), 1 if end > 28 else 0)

    def test_dhcpv4_data_length_beyond_the_option(self):
        value = dhcpv4(SUB_OPTIONS)
        self.assertRaises(WireError, ntt.read_dhcpv4, value[:-1])

    def test_dhcpv4_sub_option_beyond_the_data(self):
        value = b"\0\0\0\xd2\x0e" + b"\xca\x0a0312345678" + b"\xcb\x0a"
        found = ntt.read_dhcpv4(value)
        self.assertEqual((found.numbers, len(found.problems)), (["0312345678"], 1))


class SubOptionTest(unittest.TestCase):
    def one(self, code, octets):
        return ntt.read_dhcpv6(dhcpv6([(code, octets)]))

    def test_mac_as_text(self):
        for octets in (b"52:54:00:12:34:01", b"52:54:00:12:34:01\0", b"52-54-00-12-34-01"):
            self.assertEqual(self.one(201, octets).mac, "52:54:00:12:34:01")
        self.assertEqual(self.one(201, b"52:54:00:AB:CD:EF").mac, "52:54:00:ab:cd:ef")

    def test_mac_that_is_none(self):
        for octets in (
            b"",
            MAC[:5],
            MAC + b"\0",
            b"52:54:00:12:34",
            b"zz:zz:zz:zz:zz:zz",
            b"52:54:00:12:34:\xff1",
        ):
            found = self.one(201, octets)
            self.assertEqual((found.mac, found.unknown), (None, [(201, octets)]))
            self.assertIn("201", found.problems[0])

    def test_number_with_padding(self):
        self.assertEqual(self.one(202, b"0312345678\0\0").numbers, ["0312345678"])

    def test_number_that_is_none(self):
        for octets in (b"", b"\0", b"03 1234 5678", b"0312345678\n", b"\xff\xfe", b"0" * 33):
            found = self.one(202, octets)
            self.assertEqual((found.numbers, found.unknown), ([], [(202, octets)]))

    def test_text_is_ascii(self):
        """Else a letter of another script would be one of a name."""
        for octets, problem in (
            (b"0312~", "a telephone number has digits only"),
            (b"0312 ", "a telephone number has digits only"),
            (b"0312\x7f", "not ASCII text"),
            (b"0312\x1f", "not ASCII text"),
        ):
            self.assertEqual(self.one(202, octets).problems, ["sub-option 202: " + problem])
        for octets in (b"ntt-\xc3\xa9ast.jp", b"ntt\xff.jp"):
            found = self.one(204, octets)
            self.assertEqual((found.sip_domain, found.problems), (None, ["sub-option 204: not ASCII text"]))

    def test_names_as_plain_text(self):
        # Defensively: nobody has seen a line that does it.
        self.assertEqual(self.one(204, b"ntt-west.ne.jp").sip_domain, "ntt-west.ne.jp")
        self.assertEqual(self.one(204, b"ntt-west.ne.jp.\0").sip_domain, "ntt-west.ne.jp")
        self.assertEqual(
            self.one(210, b"www.verinfo.hgw.flets-west.jp").version_server, "www.verinfo.hgw.flets-west.jp"
        )

    def test_label_whose_length_looks_like_a_letter(self):
        # 48 octets in a label: its length is the character '0'.
        self.assertEqual(self.one(204, b"0" + b"a" * 48 + b"\0").sip_domain, "a" * 48)

    def test_name_that_is_none(self):
        for octets in (
            b"",
            b"\0",
            b"\xc0\x00",
            b"\x03aaa\xc0\x00",
            b"\x09ntt-east",
            b"ntt east",
            b"$(reboot)",
            b"\xff" * 9,
        ):
            for code in (204, 210):
                found = self.one(code, octets)
                self.assertEqual((found.sip_domain, found.version_server), (None, None))
                self.assertEqual(found.unknown, [(code, octets)])

    def test_one_that_is_wrong_does_not_spoil_the_others(self):
        found = ntt.read_dhcpv6(
            dhcpv6([(201, b"x"), (202, b"0312345678"), (204, b"\xc0\0"), (203, b"0312345679")])
        )
        self.assertEqual(found.numbers, ["0312345678", "0312345679"])
        self.assertEqual(len(found.problems), 2)

    def test_more_than_anybody_sends(self):
        # Found by fuzzing: a megabyte of memory was not enough for what was wrong with 4096 octets.
        for sub_option, unknown, numbers in (((201, b""), 64, 0), ((203, b"1"), 0, 64)):
            for found in (
                ntt.read_dhcpv6(dhcpv6([sub_option] * 800)),
                ntt.read_dhcpv4(dhcpv4([sub_option] * 80)),
            ):
                self.assertEqual((len(found.unknown), len(found.numbers)), (unknown, numbers))
                self.assertIn("64", found.problems[-1])
