# SPDX-License-Identifier: Apache-2.0
"""TSP's lines and messages. Fixtures are the documents' examples, and what other implementations were seen to send."""

import unittest

from softwire import tsp
from softwire.address import parse_ipv4, parse_ipv6
from softwire.wire import WireError

# draft-bound-dstm-exp-00, appendix C, 4.1: the request, and the answer as it stands there.
CREATE = b"""<tunnel action="create" type="v4v6">
<client>
<address type="ipv6">fe80:0000:0000:0000:0000:0000:0000:0001</address>
<address type="ipv6">3ffe:0b00:0c18:ffff:0000:0000:0000:0001</address>
</client>
</tunnel>
"""
INFO = b"""<tunnel action="info" type="v4v6" lifetime="1440">
<server>
<address type="ipv4">206.123.31.2</address>
<address type="ipv6">3ffe:b00:c18:ffff:0000:0000:0000:0002</address>
</server>
<client>
<address type="ipv4">206.123.31.1</address>
<address type="ipv6">3ffe:b00:c18:ffff::0000:0000:0000:0001</address>
</client>
</tunnel>
"""
# RFC 5572 section 4.4.2: a message without a type, its length with the last CRLF.
ACCEPT = b'Content-length: 35\r\n<tunnel action="accept"></tunnel>\r\n'
# RFC 5572: a broker that sends elsewhere.
REFERRAL = (
    b'<tunnel action="info" type="v4v6"><broker><address type="dn">tsp.example.net</address>'
    b'<address type="ipv6">2001:db8::7</address></broker></tunnel>'
)
KEEPALIVE = (
    b'<tunnel action="info" type="v4v6" lifetime="604800"><client><address type="ipv4" length="30"> \n'
    b'192.0.2.1\t</address><keepalive interval="30"><address type="ipv4">127.0.0.1</address></keepalive>'
    b'<router><prefix length="56">2001:db8:1::</prefix><address type="ipv6">::1</address></router></client></tunnel>'
)


def stream(*parts):
    made = tsp.Stream()
    for part in parts:
        made.feed(part)
    return made


def framed(body, size):
    return "Content-length: {}\r\n".format(size).encode() + body


class LineTest(unittest.TestCase):
    def test_status(self):
        """Profile 1.0 has a word where RFC 5572 has a number."""
        for line, code in (
            (b"200 Success", 200),
            (b"OK Authentication successful", 200),
            (b"ok authentication successful", 200),
            (b"200 OK\r\n", 200),
            (b"300 Authentication failed", 300),
            (b"1302 Unsupported", 1302),
            (b"\x00200 Success", 200),
        ):
            self.assertEqual(tsp.read_status(line)[0], code)
        for line in (b"", b"OKAY", b"20 x", b"20000 x", b"-200 x", b"<tunnel>"):
            self.assertEqual(tsp.read_status(line), None)
        self.assertEqual(tsp.read_status(b"500 a\x1b[2Jb"), (500, "a?[2Jb"))

    def test_commands(self):
        """Also in lower case, and with a NUL behind the line before."""
        self.assertEqual(tsp.read_version(b"VERSION=2.0.0"), "2.0.0")
        self.assertEqual(tsp.read_authenticate(b"AUTHENTICATE DIGEST-MD5"), "DIGEST-MD5")
        self.assertEqual(tsp.read_authenticate(b"\x00authenticate anonymous\x00"), "ANONYMOUS")
        wanted = (["V4V6"], ["DIGEST-MD5", "ANONYMOUS"])
        for line in (
            b"CAPABILITY TUNNEL=V4V6 AUTH=DIGEST-MD5 AUTH=ANONYMOUS",
            b"capability tunnel=v4v6 auth=digest-md5 x=y auth=anonymous",
        ):
            self.assertEqual(tsp.read_capability(line), wanted)
        self.assertEqual(tsp.read_capability(tsp.capability(["PLAIN"])), (["V4V6"], ["PLAIN"]))
        for read, line in (
            (tsp.read_version, b"VERSION"),
            (tsp.read_version, b"HELO=1"),
            (tsp.read_authenticate, b"AUTHENTICATE"),
            (tsp.read_capability, b"302 Unsupported client version"),
        ):
            self.assertRaises(WireError, read, line)

    def test_plain(self):
        self.assertEqual(tsp.plain(b"ann", b"s p"), b"\x00ann\x00s p\r\n")
        self.assertEqual(tsp.read_plain(b"\x00ann\x00s p"), (b"ann", b"s p"))
        # A NUL behind AUTHENTICATE's line stands before this one.
        self.assertEqual(tsp.read_plain(b"\x00\x00ann\x00s p"), (b"ann", b"s p"))
        self.assertRaises(WireError, tsp.read_plain, b"ann\x00s p")

    def test_lifetimes(self):
        """Appendix C section 2: seconds. RFC 5572 section 4.3: minutes."""
        self.assertEqual(tsp.in_seconds(1440, "1.0"), 1440)
        self.assertEqual(tsp.in_seconds(1440, "2.0.0"), 86400)
        self.assertEqual(tsp.lifetime_of(86400, "1.0"), 86400)
        self.assertEqual(tsp.lifetime_of(86400, "2.0.1"), 1440)
        self.assertEqual(tsp.lifetime_of(30, "2.0.1"), 1)


class StreamTest(unittest.TestCase):
    def test_lines_come_in_pieces(self):
        made = stream(b"VERS")
        self.assertEqual(made.line(), None)
        made.feed(b"ION=1.0\r\nAUTH\nx")
        self.assertEqual([made.line(), made.line(), made.line()], [b"VERSION=1.0", b"AUTH", None])

    def test_length_with_or_without_the_last_line_end(self):
        """Each of the two, and a counted one that never comes; then another message."""
        body = b"200 Success\r\n<tunnel action='info'></tunnel>"
        for size, sent in (
            (len(body), body + b"\r\n"),
            (len(body) + 2, body + b"\r\n"),
            (len(body) + 2, body),
        ):
            made = stream(framed(sent, size))
            self.assertEqual(made.message(), (200, "Success", b"<tunnel action='info'></tunnel>"))
            made.feed(ACCEPT)
            self.assertEqual(made.message(), (None, "", b'<tunnel action="accept"></tunnel>'))
            self.assertEqual(made.message(), None)

    def test_a_message_octet_by_octet(self):
        sent = tsp.frame(INFO, "200 OK")
        made = stream()
        for at in range(len(sent) - 6):
            made.feed(sent[at : at + 1])
            self.assertEqual(made.message(), None)
        made.feed(sent[-6:])
        self.assertEqual(made.message(), (200, "OK", INFO.strip()))

    def test_a_status_alone(self):
        """In a message, and as a line without a length."""
        self.assertEqual(tsp.TEXTS[306], "Address Pool Exhausted")
        self.assertEqual(stream(tsp.frame(tsp.refusal(306).encode())).message()[0], 306)
        self.assertEqual(stream(b"530 Server busy\r\n").message(), (530, "Server busy", b""))

    def test_bad_lengths(self):
        for value in ("-1", "", "8193", "99999999999999", "0x10", "1e3", "+5", "3 5", "\u0663"):
            made = stream("Content-length: {}\r\n".format(value).encode())
            self.assertRaises(WireError, made.message)
        for data in (b"GET / HTTP/1.1\r\n", b"Content-length\r\n", b"\xff\xfe\xfd\r\n", framed(b"hello", 5)):
            self.assertRaises(WireError, stream(data).message)

    def test_bounds(self):
        self.assertRaises(WireError, stream(b"x" * (tsp.LINE + 1)).line)
        self.assertRaises(WireError, stream(b"x" * (tsp.LINE + 1)).message)
        made = stream(b"x" * 10000)
        self.assertRaises(WireError, made.feed, b"x" * 10000)

    def test_a_signature_without_line_end(self):
        """Base64 of 'rspauth=' and 32 digits, then the status line at once."""
        proof = b"cnNwYXV0aD03MGQ1Y2FiYzkyMzU1NjhiZTM4MGJhMmM5MDczODFmZQ=="
        for end in (b"", b"\r\n"):
            made = stream(proof[:20])
            self.assertEqual(made.signature(), None)
            made.feed(proof[20:] + end + b"200 Success\r\n")
            self.assertEqual(made.signature(), proof)
            self.assertEqual(made.line(), b"200 Success")
        self.assertEqual(stream(b"300 Authentication failed\r\n").signature(), b"300 Authentication failed")


class MessageTest(unittest.TestCase):
    def test_create(self):
        found = tsp.read_message(CREATE)
        self.assertEqual((found.action, found.type, found.lifetime), ("create", "v4v6", None))
        self.assertEqual(found.client.ipv6, [parse_ipv6("fe80::1"), parse_ipv6("3ffe:b00:c18:ffff::1")])
        self.assertEqual(found.client.ipv4, None)

    def test_info(self):
        """The profile's example has an address that no parser takes: '::' beside eight groups."""
        found = tsp.read_message(INFO)
        self.assertEqual((found.action, found.lifetime), ("info", 1440))
        self.assertEqual(found.client.ipv4, parse_ipv4("206.123.31.1"))
        self.assertEqual(found.client.ipv6, [parse_ipv6("3ffe:b00:c18:ffff::1")])
        self.assertEqual(found.server.ipv4, parse_ipv4("206.123.31.2"))
        self.assertEqual(found.server.ipv6, [parse_ipv6("3ffe:b00:c18:ffff::2")])

    def test_blanks_keepalive_and_what_is_not_ours(self):
        found = tsp.read_message(KEEPALIVE)
        self.assertEqual(found.client.ipv4, parse_ipv4("192.0.2.1"))
        self.assertEqual(found.keepalive, (30, "127.0.0.1"))
        self.assertEqual(found.client.ipv6, [])

    def test_referral(self):
        found = tsp.read_message(REFERRAL)
        self.assertEqual(found.broker.names, ["tsp.example.net"])
        self.assertEqual(found.broker.ipv6, [parse_ipv6("2001:db8::7")])

    def test_upper_case(self):
        found = tsp.read_message(b'<TUNNEL ACTION="DELETE" Type="V4V6"></TUNNEL>')
        self.assertEqual((found.action, found.type), ("delete", "v4v6"))

    def test_writes_what_it_reads(self):
        message = tsp.Message(
            "info",
            tsp.Side(parse_ipv4("192.0.2.7"), [parse_ipv6("2001:db8::1")], (4096, 8191)),
            tsp.Side(parse_ipv4("192.0.2.1"), [parse_ipv6("2001:db8::2")]),
            3600,
        )
        message.broker.names = ["a&b<c>'\""]
        message.keepalive = (30, "192.0.2.1")
        found = tsp.read_message(message.xml())
        self.assertEqual(found.xml(), message.xml())
        self.assertEqual(found.broker.names, ["a&b<c>'\""])
        self.assertEqual(found.client.ports, (4096, 8191))

    def test_a_client_that_takes_a_shared_address(self):
        message = tsp.Message("create", tsp.Side(None, [parse_ipv6("fe80::1")], ()))
        self.assertEqual(tsp.read_message(message.xml()).client.ports, ())

    def test_bad_messages(self):
        inner = b'<tunnel action="info"><client>%s</client></tunnel>'
        deep = b'<tunnel action="x">' + b"<a>" * 6 + b"</a>" * 6 + b"</tunnel>"
        for data in (
            b"",
            b"<",
            b"<tunnel>",
            b"<tunnel></tunnel>",
            b"<tunnel action=></tunnel>",
            b"<tunnel action='a\"></tunnel>",
            b'<tunnel action="a"action="b"></tunnel>',
            b'<tunnel action="a" action="b"></tunnel>',
            b'<tunnel action="a" lifetime="-1"></tunnel>',
            b'<tunnel action="a" lifetime="99999999999"></tunnel>',
            b'<tunnel action="a"></client>',
            b'<tunnel action="a"></tunnel>x',
            b'<tunnel action="a"></tunnel><tunnel action="a"></tunnel>',
            b'<client action="a"></client>',
            b'x<tunnel action="a"></tunnel>',
            b'<?xml version="1.0"<tunnel action="a"></tunnel>',
            b'<!DOCTYPE tunnel [<!ENTITY x "y">]><tunnel action="a"></tunnel>',
            b'<tunnel action="a"><!-- x --></tunnel>',
            b'<tunnel action="a"><![CDATA[x]]></tunnel>',
            b'<tunnel action="&x;"></tunnel>',
            b'<tunnel action="&#65;"></tunnel>',
            b'<tunnel action="a"><tunnel action="b"></tunnel></tunnel>',
            "<tunnel action='a'>\u00e9</tunnel>".encode(),
            b"<tunnel action='a'>\0</tunnel>",
            b"< tunnel action='a'></tunnel>",
            b'<tunnel action="a">' + b"<a/>" * 64 + b"</tunnel>",
            b'<tunnel action="a" %s></tunnel>' % b" ".join([b"a%d='1'" % n for n in range(8)]),
            deep,
            inner % b'<address type="ipv4">192.0.2.256</address>',
            inner % b'<address type="ipv6">2001:db8::1::</address>',
            inner % b'<address type="ports">8191-4096</address>',
            inner % b'<address type="ports">1-65536</address>',
        ):
            self.assertRaises(WireError, tsp.read_message, data)

    def test_a_declaration(self):
        self.assertEqual(tsp.read_message(b'<?xml version="1.0"?>\n<tunnel action="a"/>').action, "a")
