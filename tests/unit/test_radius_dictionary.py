# SPDX-License-Identifier: Apache-2.0
"""pyrad_lite's dictionary: the shipped files, FreeRADIUS syntax, every data type, faults with file and line."""

import unittest
from io import BytesIO, StringIO

from pyrad_lite import dictionary
from pyrad_lite.dictionary import Dictionary, ParseError
from pyrad_lite.packet import Packet
from pyrad_lite.tools import DecodeAttr, EncodeAttr

HERE = __file__.rpartition("/")[0]
FILES = HERE + "/../../files/etc/softwire/"


def read(text):
    return Dictionary(StringIO(text))


class Octets:
    """A file of these octets."""

    def __init__(self, octets):
        self.octets = octets

    def read(self):
        return self

    def encode(self):
        return self.octets


def fault(file):
    """The ParseError of a file, or None; micropython-lib's assertRaises keeps no exception."""
    try:
        Dictionary(file)
    except ParseError as error:
        return error


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
        names.update({4: "NAS-IP-Address", 32: "NAS-Identifier", 95: "NAS-IPv6-Address"})
        for code in names:
            self.assertEqual(rfc.name(code), names[code])
            self.assertEqual(rfc[names[code]].vendor, "")


class Syntax(unittest.TestCase):
    def test_comments_blanks_and_tabs(self):
        names = read(
            "# ATTRIBUTE No 1 string\n\n ATTRIBUTE\t\tA  1\tstring # trailing\nATTRIBUTE B 0x02 octets[4]\r\n"
        )
        self.assertEqual(len(names), 2)
        self.assertTrue("A" in names and names.has_key("B") and not names.has_key("No"))
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

    def test_numbers_have_leading_zeros_and_other_bases(self):
        names = read(
            "ATTRIBUTE A 010 integer\nATTRIBUTE B 0x10 integer\nATTRIBUTE C 0X11 integer\nATTRIBUTE D 0o22 string\n"
            "VENDOR V 0009\nATTRIBUTE E 007 string V\nVALUE A Ten 0010\nVALUE A Eight 08\nVALUE A Six 0x06\n"
        )
        self.assertEqual([names[name].key for name in "ABCDE"], [10, 16, 17, 18, (9, 7)])
        self.assertEqual(
            [names.encode("A", name) for name in ("Ten", "Eight", "Six")],
            [b"\0\0\0\x0a", b"\0\0\0\x08", b"\0\0\0\x06"],
        )

    def test_types_by_other_names(self):
        names = read(
            "ATTRIBUTE A 1 String\nATTRIBUTE B 2 uint32\nATTRIBUTE C 3 ipv4addr\nATTRIBUTE D 4 uint8\n"
            "attribute E 5 UINT16\nATTRIBUTE F 6 IPv6Addr\nATTRIBUTE G 7 Octets[8]\n"
        )
        self.assertEqual(
            [names[name].type for name in "ABCDEFG"],
            ["string", "integer", "ipaddr", "byte", "short", "ipv6addr", "octets"],
        )

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

    def test_values_of_octets_have_no_names(self):
        # FreeRADIUS' dictionary.cablelabs numbers them.
        names = read("ATTRIBUTE A 1 octets\nVALUE A One 1\n")
        self.assertEqual(names["A"].values, {})
        self.assertEqual(names.decode("A", b"1"), b"1")

    def test_later_definitions_win(self):
        names = read("ATTRIBUTE A 1 string\nATTRIBUTE A 1 octets\nATTRIBUTE Alias 1 string\n")
        self.assertEqual((names["A"].type, names.name(1)), ("octets", "Alias"))

    def test_a_name_leads_back_to_its_attribute(self):
        # Found by fuzzing: a packet's keys() had names that it could not be read by.
        found = read("ATTRIBUTE User-Name 1 string\nATTRIBUTE Wide 300 string\nATTRIBUTE Moved 2 string\n")
        found.ReadDictionary(
            StringIO("VENDOR Nobody 0\nATTRIBUTE Moved 3 string\nATTRIBUTE N 4 string Nobody\n")
        )
        for key in ((0, 1), (1, 44), 300, 2, 4):  # 300 is 1 and 44 in two octets
            self.assertEqual(found.name(key), key)
        for key in (1, 3, (0, 4)):
            self.assertEqual(found[found.name(key)].key, key)
        packet = Packet(packet=b"\2\1\0\x1e" + bytes(16) + b"\x1a\x0a\0\0\0\0\1\4ab", dict=found)
        self.assertEqual([packet[key] for key in packet.keys()], [[b"ab"]])

    def test_what_cannot_be_read_by_name_is_left_out(self):
        names = read(
            "VENDOR Wide 1 format=2,2\nVENDOR V 2 format=1,1\nVENDOR More 3 format=1,1,c\n"
            "BEGIN-VENDOR Wide\nATTRIBUTE W 1 string\nEND-VENDOR Wide\nATTRIBUTE W2 2 string Wide\n"
            "ATTRIBUTE M 1 string More\n"
            "BEGIN-VENDOR V format=Extended-Vendor-Specific-1\nATTRIBUTE E 1 string\nEND-VENDOR V\n"
            "ATTRIBUTE T 1 tlv\nATTRIBUTE T.1 1.1 string\nATTRIBUTE Tag 2 string has_tag,encrypt=2\n"
            "ATTRIBUTE Ipv6 3 ipv6prefix\nATTRIBUTE Many 4 ipaddr array\nATTRIBUTE Salted 7 string encrypt=3\n"
            "ATTRIBUTE Vsa 26 vsa\nATTRIBUTE New 8 whatever\nATTRIBUTE Internal 1000 string virtual\n"
            "ATTRIBUTE Pw 5 string encrypt=1,secret\nATTRIBUTE Big 6 octets concat\nMEMBER x 1 string\n"
        )
        self.assertEqual(sorted(names.attributes), ["Big", "Pw"])
        self.assertEqual(names.vendors, {"": 0, "Wide": 1, "V": 2, "More": 3})
        names.ReadDictionary(StringIO("VENDOR Wide 1\nATTRIBUTE W 1 string Wide\n"))
        self.assertEqual(names.name((1, 1)), "W")

    def test_nothing_takes_the_name_of_what_is_left_out(self):
        """What stands in a block, or belongs to nobody that is known, is not the standard attribute of its number."""
        standard = "ATTRIBUTE User-Name 1 string\nATTRIBUTE Old 2 integer\nVENDOR V 9\n"
        for text in (
            "ATTRIBUTE Any 1 string Unknown\n",
            "ATTRIBUTE Any 1 string Unknown,has_tag\n",
            "BEGIN-VENDOR Unknown\nATTRIBUTE Any 1 string\nEND-VENDOR Unknown\n",
            "BEGIN-TLV T\nATTRIBUTE Any 1 string\nEND-TLV T\n",
            "BEGIN-TLV T\nBEGIN-TLV U\nEND-TLV U\nATTRIBUTE Any 1 string\nEND-TLV T\n",
            "BEGIN-VENDOR V\nBEGIN-TLV T\nATTRIBUTE Any 1 string\nEND-TLV T\nEND-VENDOR V\n",
            "BEGIN-VENDOR V\nBEGIN-TLV T\nEND-VENDOR V\n",
            "BEGIN-PROTOCOL DHCPv4\nATTRIBUTE Any 1 string\nEND-PROTOCOL DHCPv4\n",
            "ATTRIBUTE Any 256 string\n",
        ):
            names = read(standard + text + "ATTRIBUTE After 3 string\n")
            self.assertEqual(sorted(names.attributes), ["After", "Old", "User-Name"])
            self.assertEqual(
                [names.name(key) for key in (1, 2, 3, (9, 1))], ["User-Name", "Old", "After", (9, 1)]
            )
        # FreeRADIUS: 123 was Ascend's before it was an IPv6 prefix
        for text in ("ATTRIBUTE New 2 ipv6prefix\n", "ATTRIBUTE New 2 integer has_tag\n"):
            names = read(standard + text)
            self.assertEqual((names.name(2), names["Old"].key), (2, 2))

    def test_words_that_say_nothing(self):
        names = read("VENDOR Microsoft 311 Microsoft\nATTRIBUTE A 9 integer Microsoft more\n")
        self.assertEqual(names["A"].key, (311, 9))

    def test_a_vendor_goes_on_in_an_included_file(self):
        names = read("VENDOR V 9\nBEGIN-VENDOR V\n$INCLUDE %s/radius/included\nATTRIBUTE A 1 string\n" % HERE)
        self.assertEqual((names["Included"].key, names["A"].key), ((9, 2), (9, 1)))

    def test_include_is_relative_to_the_file(self):
        names = Dictionary(HERE + "/radius/including")
        self.assertEqual(sorted(names.attributes), ["Included", "Including"])
        self.assertEqual(len(read("$INCLUDE " + HERE + "/radius/including\n")), 2)

    def test_include_of_an_absolute_path(self):
        files = {
            "/etc/a": b"$INCLUDE b\n$INCLUDE /other/c\n",
            "/etc/b": b"ATTRIBUTE B 1 string\n",
            "/other/c": b"$INCLUDE d\n",
            "/other/d": b"ATTRIBUTE D 2 string\n",
        }
        dictionary.open = lambda path, mode: BytesIO(files[path])
        try:
            self.assertEqual(sorted(Dictionary("/etc/a").attributes), ["B", "D"])
        finally:
            del dictionary.open

    def test_include_of_itself_ends(self):
        with self.assertRaises(ParseError):
            Dictionary(HERE + "/radius/looping")

    def test_include_of_a_missing_file(self):
        error = fault(StringIO("\n$INCLUDE /nonexistent/dictionary\n"))
        self.assertEqual(str(error), "(2): Parse error: /nonexistent/dictionary cannot be read")
        self.assertEqual(len(read("$INCLUDE- /nonexistent/dictionary\nATTRIBUTE A 1 string\n")), 1)
        with self.assertRaises(OSError):
            Dictionary("/nonexistent/dictionary")


class Faults(unittest.TestCase):
    def test_each_names_file_and_line(self):
        for text, told in (
            ("ATTRIBUTE A 1", "ATTRIBUTE lacks words"),
            ("ATTRIBUTE A", "ATTRIBUTE lacks words"),
            ("ATTRIBUTE A x string", "'x' is no number"),
            ("ATTRIBUTE A -1 string", "'-1' is no number"),
            ("ATTRIBUTE A 0xg string", "'0xg' is no number"),
            ("VENDOR V", "VENDOR lacks words"),
            ("VENDOR V x", "'x' is no number"),
            ("BEGIN-VENDOR", "BEGIN-VENDOR lacks words"),
            ("END-VENDOR", "END-VENDOR lacks words"),
            ("VENDOR V 1\nEND-VENDOR V", "vendor V has not begun"),
            ("VENDOR V 1\nBEGIN-VENDOR V\nEND-VENDOR W", "vendor W has not begun"),
            ("VENDOR V 1\nBEGIN-VENDOR V\nBEGIN-VENDOR V", "vendor V has not ended"),
            ("END-TLV T", "END-TLV has not begun"),
            ("$INCLUDE", "$INCLUDE lacks words"),
            ("ATTRIBUTE A 1 integer\nVALUE A One", "VALUE lacks words"),
            ("ATTRIBUTE A 1 integer\nVALUE A One one", "'one' is no number"),
            ("ATTRIBUTE A 1 byte\nVALUE A Much 256", "256 does not fit into 1 octets"),
            ("ATTRIBUTE A 1 ipaddr\nVALUE A One 1", "'1' is no ipaddr"),
        ):
            error = fault(StringIO("\n" + text))
            self.assertEqual((error.file, error.line), ("", 2 + text.count("\n")))
            self.assertEqual(str(error), "(%d): Parse error: %s" % (error.line, told))

    def test_in_an_included_file(self):
        error = fault(HERE + "/radius/including-broken")
        self.assertEqual((error.file, error.line), (HERE + "/radius/broken", 4))

    def test_text_that_is_no_utf8(self):
        """In a comment it is anybody's, in a name nobody's."""
        error = fault(Octets(b"# \xe4\nATTRIBUTE A 1 string # \xf6\nATTRIBUTE Gr\xfc\xdfe 2 string\n"))
        self.assertEqual(error.line, 3)
        self.assertTrue(str(error) > "(3): Parse error: ")


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
