# SPDX-License-Identifier: Apache-2.0
"""Whom DS-Lite asks for the AFTR, and which of its addresses is taken; the answers are given."""

import unittest

from softwire import dns, inform, provisioning, state
from softwire.address import format_ipv6, parse_ipv6
from softwire.dhcpv6 import write_name
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.wire import WireError

SOURCE = parse_ipv6("2001:db8:4000:300:1111:1111:1111:1111")
FIRST, SECOND = parse_ipv6("2001:db8:a::1"), parse_ipv6("2001:db8:a::2")
NAME = "aftr.example"


class Names:
    """Stands for dns.Resolver: the addresses of each name, or the error."""

    known: dict = {}

    def __init__(self, servers, source, device, wait, clock):
        self.servers, self.source, self.device = servers, source, device
        self.asked = servers[0]

    def addresses(self, name):
        """Those that are known."""
        found = self.known[name]
        if isinstance(found, Exception):
            raise found
        return found


def line(passthru=""):
    status = {
        "up": True,
        "l3_device": "eth1",
        "uptime": 99,
        "ipv6-prefix": [{"address": "2001:db8:4000:300::", "mask": 56, "preferred": 500, "valid": 800}],
        "dns-server": ["2001:db8:53::1"],
        "data": {"passthru": passthru},
    }
    return Line("wan6", status, read=lambda path: "1500" if path.endswith("mtu") else "")


def option(name, code=64):
    value = write_name(name)
    return "%04x%04x" % (code, len(value)) + "".join(["%02x" % octet for octet in value])


class DsLite(unittest.TestCase):
    def setUp(self):
        self.real = dns.Resolver, inform.ask, state.interfaces, state.read
        dns.Resolver = Names
        Names.known = {NAME: ([FIRST, SECOND], 300), "other.example": ([SECOND], 5)}
        self.offered = None
        self.questions = []
        self.others = {}
        inform.ask = self.ask
        state.interfaces = lambda: sorted(self.others)
        state.read = lambda path: self.others.get(path.rpartition("/")[2].partition(".")[0])

    def tearDown(self):
        dns.Resolver, inform.ask, state.interfaces, state.read = self.real

    def ask(self, line, codes, wait, clock):
        """Stands for inform.ask."""
        self.questions.append(codes)
        return self.offered

    def method(self, **options):
        given = {"tunlink": "wan6", "provisioning": "dslite"}
        given.update(options)
        return provisioning.load(given, "wan")

    def error(self, function, *words):
        try:
            function(*words)
        except ProvisioningError as error:
            return error.code, error.text
        raise AssertionError("no error")

    def test_an_option_names_the_aftr(self):
        method = self.method(peeraddr=NAME)
        tunnel = method.provision(line(option("other.example")), SOURCE)
        self.assertEqual((tunnel.local, tunnel.remote), (SOURCE, FIRST))
        self.assertEqual(tunnel.ipaddr(), ["192.0.0.2/29"])
        self.assertEqual((tunnel.mtu, tunnel.refresh, tunnel.expires), (1460, 300, None))
        self.assertEqual(tunnel.route_texts(), ["0.0.0.0/0"])
        self.assertEqual(self.questions, [])
        self.assertEqual(
            method.answer,
            {
                "server": "2001:db8:53::1",
                "aftr": NAME,
                "teller": "option peeraddr",
                "addresses": ["2001:db8:a::1", "2001:db8:a::2"],
                "lifetime": 300,
            },
        )
        words = provisioning.explain("dslite")
        self.assertEqual(
            words.rows(words.describe(method.answer)),
            [("AFTR", "aftr.example (option peeraddr): 2001:db8:a::1, 2001:db8:a::2, for 300 s")],
        )

    def test_an_address_is_asked_of_nobody(self):
        Names.known = {}
        method = self.method(peeraddr="2001:DB8:a:0::2")
        tunnel = method.provision(line(), SOURCE)
        self.assertEqual((tunnel.remote, tunnel.refresh), (SECOND, None))
        self.assertEqual(method.servers(line()), [("2001:db8:a::2", 9)])
        self.assertEqual(self.method(peeraddr=NAME).servers(line()), [])
        words = provisioning.explain("dslite")
        self.assertEqual(words.rows(method.answer), [("AFTR", "2001:db8:a::2 (option peeraddr)")])

    def test_the_line_names_the_aftr(self):
        method = self.method()
        self.assertEqual(method.provision(line(option(NAME)), SOURCE).remote, FIRST)
        self.assertEqual(method.answer["teller"], "DHCPv6 option 64")
        self.assertEqual(self.questions, [])

    def test_the_server_is_asked_where_the_status_has_no_name(self):
        self.offered = [(23, bytes(16)), (64, write_name(NAME)), (64, write_name("other.example"))]
        method = self.method()
        self.assertEqual(method.provision(line(), SOURCE).remote, FIRST)
        self.assertEqual(self.questions, [(64,)])
        # Silent for once: what it told stays; until the line changes.
        self.offered = None
        held = method.provision(line(), SOURCE)
        self.assertEqual(held.remote, FIRST)
        method.drop()
        self.assertEqual(self.error(method.provision, line(), SOURCE)[0], "NO_AFTR")
        # An answer without the option says that there is none.
        self.offered = [(64, write_name(NAME))]
        method.provision(line(), SOURCE)
        self.offered = []
        self.assertEqual(self.error(method.refresh, line(), SOURCE, held)[0], "NO_AFTR")

    def test_a_name_that_is_none(self):
        for octets in (b"\0", b"\5ab", b"\3a\x1bb\0", b"\1a\0\1b\0"):
            self.offered = [(64, octets)]
            code, text = self.error(self.method().provision, line(), SOURCE)
            self.assertEqual(code, "BAD_ANSWER")
            self.assertIn("option 64", text)

    def test_the_line_cannot_be_asked(self):
        def fail(line, codes, wait, clock):
            raise OSError(1)

        inform.ask = fail
        self.assertEqual(self.error(self.method().provision, line(), SOURCE)[0], "NO_AFTR")

    def test_names_that_have_no_address(self):
        for found, code in (
            (dns.DnsError("no such name", True), "NAME_UNKNOWN"),
            (dns.DnsError("silent"), "NAME_UNRESOLVED"),
            (([0, 0xFF << 120, SOURCE], 9), "BAD_ANSWER"),
            (([0], 9), "BAD_ANSWER"),
        ):
            Names.known = {NAME: found}
            self.assertEqual(self.error(self.method(peeraddr=NAME).provision, line(), SOURCE)[0], code)

    def test_lifetimes_have_bounds(self):
        for lifetime, refresh in ((0, 60), (59, 60), (61, 61), (0x7FFFFFFF, 86400)):
            Names.known = {NAME: ([FIRST], lifetime)}
            self.assertEqual(self.method(peeraddr=NAME).provision(line(), SOURCE).refresh, refresh)

    def test_the_address_in_use_stays_while_the_name_has_it(self):
        method = self.method(peeraddr=NAME)
        held = method.provision(line(), SOURCE)
        Names.known = {NAME: ([SECOND, FIRST], 300)}
        self.assertEqual(method.refresh(line(), SOURCE, held), held)
        Names.known = {NAME: ([SECOND], 300)}
        self.assertEqual(method.refresh(line(), SOURCE, held).remote, SECOND)

    def test_a_silent_aftr_is_left_for_the_next(self):
        method = self.method(peeraddr=NAME)
        held = method.provision(line(), SOURCE)
        method.silent = True
        held = method.refresh(line(), SOURCE, held)
        self.assertEqual(held.remote, SECOND)
        self.assertEqual(method.refresh(line(), SOURCE, held).remote, FIRST)
        Names.known = {NAME: ([SECOND], 300)}
        self.assertEqual(method.refresh(line(), SOURCE, held), held)

    def test_several_softwires_have_several_addresses(self):
        self.others = {
            "wan": {"tunnel": {"ipaddr": ["192.0.0.2/29"]}},
            "b": {"tunnel": {"ipaddr": ["192.0.0.3/29"]}},
        }
        method = self.method(peeraddr=NAME)
        held = method.provision(line(), SOURCE)
        # What the state file says of itself is no other's.
        self.assertEqual(held.ipaddr(), ["192.0.0.2/29"])
        method.interface = "c"
        held = method.provision(line(), SOURCE)
        self.assertEqual(held.ipaddr(), ["192.0.0.4/29"])
        self.others = {}
        self.assertEqual(method.refresh(line(), SOURCE, held).ipaddr(), ["192.0.0.4/29"])

    def test_an_option_chooses_the_address(self):
        method = self.method(peeraddr=NAME, ipaddr="192.0.0.6")
        self.assertEqual(method.provision(line(), SOURCE).ipaddr(), ["192.0.0.6/29"])

    def test_the_option_mtu(self):
        self.assertEqual(self.method(peeraddr=NAME, mtu="1280").provision(line(), SOURCE).mtu, 1280)

    def test_bad_options_are_named(self):
        for name, value in (
            ("peeraddr", "192.0.2.1"),
            ("peeraddr", "fe80::1"),
            ("peeraddr", "ff02::1"),
            ("peeraddr", "2001:db8::g"),
            ("peeraddr", "a..b"),
            ("peeraddr", "a" * 64),
            ("peeraddr", "aftr example"),
            ("ipaddr", "192.0.0.1"),
            ("ipaddr", "192.0.0.7"),
            ("ipaddr", "192.0.2.1"),
            ("ipaddr", "192.0.0.2/29"),
        ):
            code, text = self.error(lambda name=name, value=value: self.method(**{name: value}))
            self.assertEqual(code, "BAD_CONFIG")
            self.assertIn("option {} '{}'".format(name, value), text)

    def test_our_own_address_is_no_aftr(self):
        code, text = self.error(self.method(peeraddr=format_ipv6(SOURCE)).provision, line(), SOURCE)
        self.assertEqual(code, "BAD_ANSWER")


class Inform(unittest.TestCase):
    def test_octets_of_a_question(self):
        data = inform.write_question(11, b"abc", bytes([2, 0, 0, 0, 0, 1]), (64, 94))
        self.assertEqual(data[:8], b"\x02\x22\x02\x23\0\x28\0\0")
        self.assertEqual(
            data[8:],
            b"\x0babc\0\1\0\x0a\0\3\0\1\2\0\0\0\0\1\0\x08\0\2\0\0\0\6\0\4\0\x40\0\x5e",
        )
        self.assertEqual(len(data), 40)
        self.assertTrue(b"\0\1\0\x0a" not in inform.write_question(11, b"abc", None, (64,)))

    def test_answers(self):
        head = b"\xc0\x01\x02\x22\0\0\0\0"
        self.assertEqual(inform.read_answer(head + b"\7abc\0\x40\0\1\0", 7, b"abc"), [(64, b"\0")])
        for data in (
            head + b"\7abd",
            head + b"\2abc",
            b"\xc0\x01\x02\x23\0\0\0\0\7abc",
            head + b"\7abc\0\x40\0\2\0",
            head[:7],
            b"",
        ):
            with self.assertRaises(WireError):
                inform.read_answer(data, 7, b"abc")
