# SPDX-License-Identifier: Apache-2.0
"""The reader of all wire formats: what it takes, in which order, and that it never goes past the end."""

import unittest

from softwire.wire import Reader, WireError, record, records


class ReaderTest(unittest.TestCase):
    def setUp(self):
        self.reader = Reader(b"\x00\x11\x00\x02\xab\xcd")

    def test_reads_front_to_back(self):
        self.assertEqual(self.reader.number(2, "code"), 17)
        self.assertEqual(self.reader.number(2, "length"), 2)
        self.assertEqual(self.reader.left(), 2)
        self.assertEqual(self.reader.take(2, "value"), b"\xab\xcd")
        self.assertEqual(self.reader.left(), 0)
        self.reader.finish("option")

    def test_numbers_of_any_size(self):
        self.assertEqual(Reader(b"\xff" * 16).number(16, "address"), (1 << 128) - 1)
        self.assertEqual(Reader(b"").number(0, "nothing"), 0)

    def test_part_of_the_data(self):
        reader = Reader(b"abcdef", 1, 4)
        self.assertEqual(reader.rest(), b"bcd")
        self.assertRaises(WireError, reader.take, 1, "octet behind the end")

    def test_takes_any_kind_of_octets(self):
        self.assertEqual(Reader(bytearray(b"ab")).take(2, "text"), b"ab")
        self.assertEqual(Reader(memoryview(b"ab")).take(2, "text"), b"ab")

    def test_past_the_end_names_field_and_offset(self):
        self.reader.take(4, "head")
        try:
            self.reader.take(3, "MAC address")
            self.fail("read past the end")
        except WireError as error:
            self.assertEqual(str(error), "MAC address: 3 octets wanted at offset 4, 2 left")
        # Nothing was taken.
        self.assertEqual(self.reader.rest(), b"\xab\xcd")

    def test_backwards_is_refused(self):
        self.reader.take(4, "head")
        self.assertRaises(WireError, self.reader.take, -4, "head")

    def test_what_is_left_over_is_an_error(self):
        self.assertRaises(WireError, self.reader.finish, "option")
        self.assertEqual(self.reader.rest(), b"\x00\x11\x00\x02\xab\xcd")
        self.reader.finish("option")
        self.assertEqual(self.reader.rest(), b"")


class RecordsTest(unittest.TestCase):
    ROW = (
        (
            2,
            b"\x00\xc9\x00\x02ab\x00\xca\x00\x00\xff\xff\x00\x01\x00",
            [(201, b"ab"), (202, b""), (65535, b"\0")],
        ),
        (1, b"\xc9\x02ab\xca\x00\xff\x01\x00", [(201, b"ab"), (202, b""), (255, b"\0")]),
    )

    def test_both_ways(self):
        for octets, row, content in self.ROW:
            self.assertEqual(list(records(row, octets, "option")), content)
            self.assertEqual(b"".join([record(code, value, octets) for code, value in content]), row)

    def test_empty_row(self):
        self.assertEqual(list(records(b"", 2, "option")), [])

    def test_every_cut_is_an_error(self):
        for octets, row, content in self.ROW:
            whole = [sum([2 * octets + len(value) for _, value in content[:count]]) for count in range(4)]
            for end in range(len(row)):
                if end in whole:
                    self.assertEqual(list(records(row[:end], octets, "option")), content[: whole.index(end)])
                else:
                    self.assertRaises(WireError, list, records(row[:end], octets, "option"))

    def test_what_stands_before_the_cut_comes_first(self):
        found = []
        try:
            for item in records(b"\x01\x01a\x02\x05b", 1, "sub-option"):
                found.append(item)
            self.fail("read past the end")
        except WireError:
            self.assertEqual(found, [(1, b"a")])

    def test_what_does_not_fit_is_refused(self):
        self.assertEqual(len(record(255, b"a" * 255, 1)), 257)
        self.assertRaises(WireError, record, 256, b"", 1)
        self.assertRaises(WireError, record, 1, b"a" * 256, 1)
        self.assertRaises(WireError, record, -1, b"", 2)
        self.assertRaises(WireError, record, 65536, b"", 2)
        self.assertRaises(WireError, record, 1, b"a" * 65536, 2)
