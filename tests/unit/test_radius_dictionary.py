# SPDX-License-Identifier: Apache-2.0
"""pyrad_lite's dictionary: the shipped files, FreeRADIUS syntax, every data type, faults with file and line."""

import unittest
from io import StringIO

from pyrad_lite.dictionary import Dictionary, ParseError
from pyrad_lite.packet import Packet
from pyrad_lite.tools import DecodeAttr, EncodeAttr

HERE = __file__.rpartition("/")[0]
FILES = HERE + "/../../files/etc/softwire/"


def read(text):
    return Dictionary(StringIO(text))


class Shipped(unittest.TestCase):
    def test_softbank(self):
        softbank = Dictionary(FILES + "dictionary.softbank")
        self.assertEqual(softbank.vendors["SoftBank"], 22197)
        for code, name, datatype in (
            (1, "SoftBank-MAC", "string"),
            (2, "SoftBank-Manufacturer", "string"),
            (3, "SoftBank-Software-Version", "string"),
            (4, "SoftBank-Hardware-Version", "string"),
            (176, "SoftBank-Config-Req-Time", "integer"),
            (198, "SoftBank-DNSv6-Primary", "ipv6addr"),
            (199, "SoftBank-DNSv6-Secondary", "ipv6addr"),
            (204, "SoftBank-WANv4-IP", "ipaddr"),
            (205, "SoftBank-DNSv4-Primary", "ipaddr"),
            (206, "SoftBank-DNSv4-Secondary", "ipaddr"),
            (207, "SoftBank-v6-GW", "ipv6addr"),
        ):
            self.assertEqual(softbank.name((22197, code)), name)
            attribute = softbank[name]
            self.assertEqual((attribute.code, attribute.type, attribute.vendor), (code, datatype, "SoftBank"))
        self.assertFalse("User-Name" in softbank)  # a RADIUS server has its own

    def test_standard_attributes(self):
        rfc = Dictionary(FILES + "dictionary.rfc")
        names = {1: "User-Name", 3: "CHAP-Password", 18: "Reply-Message", 24: "State", 26: "Vendor-Specific"}
        names.update({27: "Session-Timeout", 60: "CHAP-Challenge", 80: "Message-Authenticator"})
        for code in names:
            self.assertEqual(rfc.name(code), names[code])
            self.assertEqual(rfc[names[code]].vendor, "")


class Syntax(unittest.TestCase):
    def test_comments_blanks_and_tabs(self):
        names = read(
            "# ATTRIBUTE No 1 string\n\n ATTRIBUTE\t\tA  1\tstring # trailing\nATTRIBUTE B 0x02 octets[4]\r\n"
        )
        self.assertEqual(len(names), 2)
        self.assertEqual((names["A"].code, names["B"].code, names["B"].type), (1, 2, "octets"))

    def test_vendor_blocks_and_the_older_form(self):
        names = read(
            "VENDOR V 9\nATTRIBUTE Old 3 string V\nBEGIN-VENDOR V\nATTRIBUTE In 1 string\nEND-VENDOR V\n"
            "ATTRIBUTE Out 1 string\n"
        )
        self.assertEqual((names["In"].vendor, names["Out"].vendor, names["Old"].vendor), ("V", "", "V"))
        self.assertEqual(
            [names.name(key) for key in ((9, 1), 1, (9, 3), (9, 4))], ["In", "Out", "Old", (9, 4)]
        )
        self.assertEqual(names.vendors["V"], 9)

    def test_values_also_before_their_attribute(self):
        names = read(
            "VALUE A One 1\nATTRIBUTE A 6 integer\nVALUE A Two 0x2\nVALUE Unknown X 1\nATTRIBUTE B 7 integer\n"
            "ATTRIBUTE C 8 ipaddr\nVALUE C Home 127.0.0.1\n"
        )
        pkt = Packet(dict=names)
        pkt.AddAttribute("A", ["One", "Two", 3])
        pkt["B"] = 1
        pkt["C"] = "Home"
        self.assertEqual(pkt[6], [b"\x00\x00\x00\x01", b"\x00\x00\x00\x02", b"\x00\x00\x00\x03"])
        self.assertEqual(pkt["A"], ["One", "Two", 3])
        self.assertEqual(pkt["B"], [1])
        self.assertEqual((pkt[8], pkt["C"]), ([b"\x7f\x00\x00\x01"], ["Home"]))

    def test_later_definitions_win(self):
        names = read("ATTRIBUTE A 1 string\nATTRIBUTE A 1 octets\nATTRIBUTE Alias 1 string\n")
        self.assertEqual((names["A"].type, names.name(1)), ("octets", "Alias"))

    def test_a_name_leads_back_to_its_attribute(self):
        # Found by fuzzing: a packet's keys() had names that it could not be read by.
        found = read("ATTRIBUTE User-Name 1 string\nATTRIBUTE Wide 300 string\nATTRIBUTE Moved 2 string\n")
        found.ReadDictionary(
            StringIO("VENDOR Nobody 0\nATTRIBUTE Moved 3 string\nATTRIBUTE N 4 string Nobody\n")
        )
        for key in ((0, 1), (1, 44), 2, 4):  # 300 is 1 and 44 in two octets
            self.assertEqual(found.name(key), key)
        for key in (1, 300, 3, (0, 4)):
            self.assertEqual(found[found.name(key)].key, key)
        packet = Packet(packet=b"\2\1\0\x1e" + bytes(16) + b"\x1a\x0a\0\0\0\0\1\4ab", dict=found)
        self.assertEqual([packet[key] for key in packet.keys()], [[b"ab"]])

    def test_what_cannot_be_read_by_name_is_left_out(self):
        names = read(
            "VENDOR Wide 1 format=2,2\nVENDOR V 2 format=1,1\n"
            "BEGIN-VENDOR Wide\nATTRIBUTE W 1 string\nEND-VENDOR Wide\nATTRIBUTE W2 2 string Wide\n"
            "BEGIN-VENDOR V format=Extended-Vendor-Specific-1\nATTRIBUTE E 1 string\nEND-VENDOR V\n"
            "ATTRIBUTE T 1 tlv\nATTRIBUTE T.1 1.1 string\nATTRIBUTE Tag 2 string has_tag,encrypt=2\n"
            "ATTRIBUTE Ipv6 3 ipv6prefix\nATTRIBUTE Many 4 ipaddr array\n"
            "ATTRIBUTE Pw 5 string encrypt=1\nATTRIBUTE Big 6 octets concat\nMEMBER x 1 string\n"
        )
        self.assertEqual(sorted(names.attributes), ["Big", "Pw"])

    def test_include_is_relative_to_the_file(self):
        names = Dictionary(HERE + "/radius/including")
        self.assertEqual(sorted(names.attributes), ["Included", "Including"])

    def test_include_of_itself_ends(self):
        with self.assertRaises(ParseError):
            Dictionary(HERE + "/radius/looping")

    def test_include_of_a_missing_file(self):
        with self.assertRaises(OSError):
            read("$INCLUDE /nonexistent/dictionary\n")
        self.assertEqual(len(read("$INCLUDE- /nonexistent/dictionary\nATTRIBUTE A 1 string\n")), 1)
        with self.assertRaises(OSError):
            Dictionary("/nonexistent/dictionary")


class Faults(unittest.TestCase):
    def test_each_names_file_and_line(self):
        for text in (
            "ATTRIBUTE A 1",
            "ATTRIBUTE A",
            "ATTRIBUTE A x string",
            "ATTRIBUTE A 1 strin",
            "VENDOR V",
            "VENDOR V x",
            "BEGIN-VENDOR V",
            "BEGIN-VENDOR",
            "$INCLUDE",
            "ATTRIBUTE A 1 integer\nVALUE A One",
            "ATTRIBUTE A 1 integer\nVALUE A One one",
            "ATTRIBUTE A 1 byte\nVALUE A Much 256",
            "ATTRIBUTE A 1 ipaddr\nVALUE A One 1",
        ):
            try:
                read("\n" + text)
            except ParseError as error:
                self.assertEqual(error.line, 2 + text.count("\n"))
                self.assertIn("(%d): Parse error: " % error.line, str(error))
            else:
                self.fail("no error: " + text)


class DataTypes(unittest.TestCase):
    def test_both_ways(self):
        for datatype, value, octets in (
            ("string", "\u3042", b"\xe3\x81\x82"),
            ("octets", b"\x00\xff", b"\x00\xff"),
            ("byte", 255, b"\xff"),
            ("short", 258, b"\x01\x02"),
            ("integer", 0xFFFFFFFF, b"\xff\xff\xff\xff"),
            ("date", 1, b"\x00\x00\x00\x01"),
            ("ipaddr", "203.0.113.7", b"\xcb\x00\x71\x07"),
            ("ipv6addr", "2001:db8::1", b"\x20\x01\x0d\xb8" + bytes(11) + b"\x01"),
            ("ifid", "1:22:333:4444", b"\x00\x01\x00\x22\x03\x33\x44\x44"),
        ):
            self.assertEqual(EncodeAttr(datatype, value), octets)
            self.assertEqual(DecodeAttr(datatype, octets), value)

    def test_what_is_no_value(self):
        for datatype, value in (
            ("byte", 256),
            ("short", 65536),
            ("integer", -1),
            ("ifid", "1:2:3"),
            ("ifid", "1:2:3:4:5"),
            ("ifid", "1:2:3:10000"),
            ("ifid", "1:2:3:x"),
            ("ipaddr", ""),
            ("ipv6addr", "fe80::1%lo"),
        ):
            self.assertRaises(ValueError, EncodeAttr, datatype, value)
        for datatype, octets in (
            ("byte", 0),
            ("short", 3),
            ("integer", 5),
            ("ipaddr", 3),
            ("ipv6addr", 17),
            ("ifid", 7),
        ):
            self.assertRaises(ValueError, DecodeAttr, datatype, bytes(octets))


if __name__ == "__main__":
    unittest.main()
