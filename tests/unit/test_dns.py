# SPDX-License-Identifier: Apache-2.0
"""What a resolver's answer says (RFC 1035 section 4), and what is no answer."""

import unittest

from softwire import dns
from softwire.wire import WireError

IDENT = b"\x12\x34"
NAME = "4over6.info"
QUERY = dns.write_query(IDENT, NAME, dns.TXT)
QUESTION = QUERY[12:]
POINTER = b"\xc0\x0c"  # to the question's name


def record(value, name=POINTER, kind=dns.TXT, lifetime=300, family=1):
    """One resource record (section 4.1.3)."""
    head = kind.to_bytes(2, "big") + family.to_bytes(2, "big") + lifetime.to_bytes(4, "big")
    return name + head + len(value).to_bytes(2, "big") + value


def message(*records, flags=0x8180, ident=IDENT, question=QUESTION, questions=1, count=None):
    """An answer of those records."""
    counts = [questions, len(records) if count is None else count, 0, 0]
    head = ident + flags.to_bytes(2, "big") + b"".join([number.to_bytes(2, "big") for number in counts])
    return head + question + b"".join(records)


def read(data, query=QUERY, kind=dns.TXT):
    return dns.read_answer(data, query, kind)


def error(data):
    """(text, whether it is absent) of a DnsError."""
    try:
        read(data)
    except dns.DnsError as caught:
        return str(caught), caught.absent
    raise AssertionError("no error")


class Query(unittest.TestCase):
    def test_octets(self):
        self.assertEqual(QUERY, b"\x12\x34\1\0\0\1\0\0\0\0\0\0\x064over6\x04info\0\0\x10\0\1")

    def test_a_name_that_is_none(self):
        for name in ("", "a..b", "a" * 64, "caf\u00e9.example", ".".join(["a" * 60] * 5)):
            with self.assertRaises(WireError):
                dns.write_query(IDENT, name, dns.AAAA)


class Answer(unittest.TestCase):
    def test_texts_in_their_order(self):
        found = read(message(record(b"\2v=\1x", lifetime=600), record(b"\0")))
        self.assertEqual(found, ([b"\2v=\1x", b"\0"], 300, NAME))
        self.assertEqual([dns.read_text(value) for value in found[0]], [b"v=x", b""])
        with self.assertRaises(WireError):
            dns.read_text(b"\3ab")

    def test_the_case_of_letters_does_not_count(self):
        question = QUESTION.replace(b"info", b"INFO")
        self.assertEqual(read(message(record(b"\0"), question=question))[0], [b"\0"])

    def test_aliases(self):
        first = record(b"\1a\xc0\x0c", kind=dns.CNAME, lifetime=20)
        target = b"\1a\x064over6\x04info\0"
        # The target's record first: their order says nothing.
        self.assertEqual(read(message(record(b"\1t", name=target), first)), ([b"\1t"], 20, "a." + NAME))
        # An alias whose target's record did not come: to be asked for.
        self.assertEqual(read(message(first)), ([], 20, "a." + NAME))

    def test_aliases_that_go_round(self):
        found = read(message(record(POINTER, kind=dns.CNAME)))
        self.assertEqual(found[0], [])

    def test_no_such_record(self):
        self.assertEqual(read(message())[0], [])
        # Other names', types' and classes' records are none.
        others = (record(b"\1t", name=b"\1b\0"), record(bytes(16), kind=dns.AAAA), record(b"\1t", family=3))
        self.assertEqual(read(message(*others))[0], [])

    def test_no_such_name(self):
        self.assertEqual(error(message(flags=0x8183)), ("no such name", True))

    def test_a_server_that_does_not_help(self):
        for flags in (0x8182, 0x8185, 0x8181, 0x818A):
            self.assertTrue(not error(message(flags=flags))[1])
        # One that could not read the question.
        self.assertEqual(error(message(flags=0x8181, question=b"", questions=0)), ("FORMERR", False))

    def test_truncated(self):
        with self.assertRaises(dns.Truncated):
            read(message(flags=0x8380))

    def test_a_lifetime_is_a_number_of_31_bits(self):
        self.assertEqual(read(message(record(b"\0", lifetime=0x80000000)))[1], 0)

    def test_another_question_is_none_of_ours(self):
        for data in (
            message(record(b"\0"), ident=b"\x12\x35"),
            message(record(b"\0"), flags=0x0100),  # a question
            message(record(b"\0"), flags=0xA980),  # another operation
            message(record(b"\0"), question=dns.write_query(IDENT, NAME, dns.AAAA)[12:]),
            message(record(b"\0"), question=dns.write_query(IDENT, "4over6.inf0", dns.TXT)[12:]),
            message(record(b"\0"), questions=2),
            message(record(b"\0"), questions=0),
        ):
            with self.assertRaises(WireError):
                read(data)

    def test_cut_anywhere(self):
        whole = message(record(b"\1t"), record(b"\1u"))
        for size in range(len(whole)):
            with self.assertRaises(WireError):
                read(whole[:size])
        self.assertEqual(read(whole)[0], [b"\1t", b"\1u"])

    def test_pointers_that_do_not_lead_back(self):
        at = 12 + len(QUESTION)
        for name in (b"\xc0" + bytes([at]), b"\xc0\xff", b"\1a\xc0" + bytes([at]), b"\x40", b"\xff\xff"):
            with self.assertRaises(WireError):
                read(message(record(b"\1t", name=name)))

    def test_a_name_without_end(self):
        with self.assertRaises(WireError):
            read(message(record(b"\1t", name=b"\x3f" * 64 * 5 + b"\0")))

    def test_an_alias_that_is_no_host_name(self):
        with self.assertRaises(WireError):
            read(message(record(b"\3a\x1bb\0", kind=dns.CNAME)))

    def test_more_records_than_anybody_has(self):
        records = [record(b"\1t")] * (dns.MOST_RECORDS + 9)
        self.assertEqual(len(read(message(*records))[0]), dns.MOST_RECORDS)
