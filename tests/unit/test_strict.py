# SPDX-License-Identifier: Apache-2.0
"""JSON to the letter: what is read, and what MicroPython's own reader would let through."""

import json
import unittest

from softwire.provisioning.hb46pp.strict import DEEPEST, load

RIGHT = (
    '{"a":1,"b":[true,false,null,{"c":"d"}],"e":{}}',
    " [ ] ",
    '\t{\r\n"a" : [ 1 , -2 ] }\n',
    '"caf\u00e9 \u65e5\u672c \U0001f600"',
    r'"\"\\\/\b\f\n\r\t\u0041\u00e9"',
    "0",
    "-0",
    "123456789012345",
    "true",
)
WRONG = (
    "", " ", "{", "[", '"', '{"a":1', '{"a":1,', '{"a"', '{"a":', "[1", "[1,", "[1 2]", "[1,]", '{"a" 1}', '{"a":1,}',
    "{a:1}", "{'a':1}", "{1:2}", "01", "-", "+1", "1.", ".5", "1e", "1e+", "NaN", "Infinity", "tru", "nul", "True",
    "1 1", '"a" "b"', '"a\n"', '"\x00"', r'"\x41"', r'"\u12"', r'"\u12g4"', r'"\ud800"', r'"\ud800\u0041"', r'"\udc00"',
    '"\\', '"\\"', "]", "}", "[1}", '{"a":1]', "\ufeff{}", "[]]", "// x\n1", "[1,,2]", '{"a":1,,"b":2}', '{,}',
)  # fmt: skip


class Strict(unittest.TestCase):
    def test_what_is_right_reads_as_by_json(self):
        for text in RIGHT:
            self.assertEqual(load(text.encode()), json.loads(text))
        # Which MicroPython's takes for two characters.
        self.assertEqual(load(b'"\\ud83d\\ude00"'), "\U0001f600")

    def test_what_is_wrong_is_refused_everywhere(self):
        for text in WRONG:
            with self.assertRaises(ValueError):
                load(text.encode())

    def test_octets_that_are_no_text(self):
        for data in (b'"\xff"', b'"\xc3"', b'"\xed\xa0\x80"', b"\xff", b'{"\xff":1}'):
            try:
                load(data)
            except ValueError:
                continue
            # MicroPython takes a surrogate's octets for text.
            self.assertEqual(data, b'"\xed\xa0\x80"')

    def test_cut_anywhere(self):
        whole = '{"a":[1,2,{"b":"\\u00e9\u65e5"}],"c":true}'.encode()
        for size in range(len(whole)):
            with self.assertRaises(ValueError):
                load(whole[:size])

    def test_numbers_that_nobody_needs(self):
        for text in ("1.5", "1e3", "-2E-7", "1234567890123456"):
            self.assertEqual(load(text.encode()), None)

    def test_depth(self):
        for head, tail in (("[", "]"), ('{"a":', "}")):
            inner = "1" if tail == "}" else ""
            load((head * DEEPEST + inner + tail * DEEPEST).encode())
            with self.assertRaises(ValueError):
                load((head * (DEEPEST + 1) + inner + tail * (DEEPEST + 1)).encode())

    def test_the_error_says_where(self):
        try:
            load(b'{"a":1 "b":2}')
        except ValueError as error:
            self.assertEqual(str(error), "no JSON at octet 8: ',' or '}' would be right")
