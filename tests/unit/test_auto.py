# SPDX-License-Identifier: Apache-2.0
"""In which order a line is tried, and what becomes of each answer; the methods' own answers are given."""

import unittest

from softwire import inform, provisioning
from softwire.address import parse_ipv6
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.provisioning import auto
from softwire.tunnel import Tunnel

SOURCE = parse_ipv6("2001:db8:4000:300:1111:1111:1111:1111")
REMOTE = parse_ipv6("2001:db8:b::1")
LOGIN = {"auth_server": ["2001:db8:1812::1"], "shared_secret": "s", "password": "p"}


def line(passthru=""):
    status = {
        "up": True,
        "l3_device": "eth1",
        "uptime": 99,
        "ipv6-prefix": [{"address": "2001:db8:4000:300::", "mask": 56, "preferred": 500, "valid": 800}],
        "data": {"passthru": passthru},
    }
    return Line("wan6", status, read=lambda path: "1500" if path.endswith("mtu") else "")


class Answers(provisioning.Method):
    """Stands for a method that answers what it is told to."""

    said = None

    def needs(self, line):
        return "needs"

    def provision(self, line, source):
        if isinstance(self.said, Exception):
            raise self.said
        self.answer = {"server": "server"}
        return self.said

    def drop(self):
        self.dropped = True


class Auto(unittest.TestCase):
    def setUp(self):
        self.real = inform.ask, provisioning.find
        self.offered = []
        self.asked = []
        self.options = {}
        self.says = {}
        self.now = 100
        inform.ask = lambda line, codes, wait, clock: self.offered
        provisioning.find = self.find

    def tearDown(self):
        inform.ask, provisioning.find = self.real

    def find(self, name):
        """Stands for provisioning.find."""
        if name == "auto":
            return auto.Method
        self.asked.append(name)
        case = self

        class Found(Answers):
            said = self.says[name]
            options = self.real[1](name).options
            lists = self.real[1](name).lists

            def __init__(self, config, interface):
                super().__init__(config, interface)
                case.options[name] = config

        return Found

    def method(self, **options):
        given = {"tunlink": "wan6", "provisioning": "auto"}
        given.update(options)
        method = provisioning.load(given, "wan")
        method.clock = lambda: self.now
        return method

    def tunnel(self, address=0xCB007107):
        return Tunnel(SOURCE, REMOTE, [(address, 32)], 1460)

    def error(self, function, *words):
        try:
            function(*words)
        except ProvisioningError as error:
            return error
        raise AssertionError("no error")

    def silence(self, code="NO_DISCOVERY", pause=4000, ended=False):
        return ProvisioningError(code, "nothing there", pause, ended)

    def test_what_dhcpv6_offers_comes_first(self):
        self.offered = [(64, b"\0")]
        self.says = {"dslite": self.tunnel()}
        method = self.method()
        self.assertEqual(method.provision(line(), SOURCE), self.tunnel())
        self.assertEqual(self.asked, ["dslite"])
        self.assertEqual(method.answer, {"server": "server", "method": "dslite", "tried": []})

    def test_then_hb46pp_then_the_login(self):
        self.offered = [(64, b"\0")]
        self.says = {
            "dslite": self.silence("NAME_UNKNOWN", None),
            "hb46pp": self.silence(),
            "softbank": self.tunnel(),
        }
        method = self.method(**LOGIN)
        self.assertEqual(method.provision(line(), SOURCE), self.tunnel())
        self.assertEqual(self.asked, ["dslite", "hb46pp", "softbank"])
        told = method.answer["tried"]
        self.assertEqual([name for name, _ in told], ["dslite", "hb46pp"])
        self.assertEqual(told[1][1], "NO_DISCOVERY: nothing there")

    def test_a_login_for_radius_is_nobody_elses(self):
        self.says = {"hb46pp": self.silence(), "softbank": self.tunnel()}
        self.method(user_name="line-1", **LOGIN).provision(line(), SOURCE)
        self.assertEqual([self.options["hb46pp"][name] for name in ("user_name", "password")], [None, None])
        self.assertEqual(self.options["softbank"]["password"], "p")
        self.says = {"hb46pp": self.tunnel()}
        self.method(user_name="line-1", password="p").provision(line(), SOURCE)
        self.assertEqual(self.options["hb46pp"]["password"], "p")

    def test_without_a_login_radius_is_not_asked(self):
        self.says = {"hb46pp": self.silence(pause=4000)}
        error = self.error(self.method().provision, line(), SOURCE)
        self.assertEqual(self.asked, ["hb46pp"])
        self.assertEqual((error.code, error.retry_after, error.ended), ("NOTHING_FOUND", 4000, False))
        self.assertIn("hb46pp: NO_DISCOVERY: nothing there", error.text)

    def test_the_lines_own_order(self):
        """RFC 8026: option 111 has the codes in their order; others come behind, unknown ones nowhere."""
        self.offered = [(96, b""), (94, b""), (64, b"\0"), (111, b"\0\7\0\x40\0\x58\0\x40\0\x5e\0")]
        method = self.method()
        self.assertEqual(method.offers(line("00580000")), ["dslite", "dhcp4o6", "map_e", "lw4o6"])
        self.offered = [(64, b"\0"), (95, b""), (94, b"")]
        self.assertEqual(method.offers(line()), ["map_e", "map_t", "dslite"])

    def test_map_is_named_and_left_out(self):
        self.offered = [(94, b"")]
        self.says = {"hb46pp": self.tunnel()}
        method = self.method()
        method.provision(line(), SOURCE)
        self.assertEqual(
            method.answer["tried"], [["map_e", "MISSING_PACKAGE: OpenWrt's package map is not installed"]]
        )

    def test_who_wants_to_be_left_alone_is(self):
        """Others are asked again meanwhile; a line that changed is a new one."""
        self.says = {"hb46pp": self.silence(pause=4000), "softbank": self.silence("NO_ANSWER", None)}
        method = self.method(**LOGIN)
        self.assertEqual(self.error(method.provision, line(), SOURCE).retry_after, None)
        self.now += 3000
        self.asked = []
        error = self.error(method.provision, line(), SOURCE)
        self.assertEqual(self.asked, ["softbank"])
        self.assertIn("hb46pp: NO_DISCOVERY", error.text)
        method.drop()
        self.error(method.provision, line(), SOURCE)
        self.assertEqual(self.asked[1:], ["hb46pp", "softbank"])

    def test_whoever_asks_before_anybodys_time_has_come_is_told_anew(self):
        self.says = {"hb46pp": self.silence(pause=4000)}
        method = self.method()
        self.error(method.provision, line(), SOURCE)
        self.says = {"hb46pp": self.tunnel()}
        self.assertEqual(method.provision(line(), SOURCE), self.tunnel())

    def test_a_refresh_asks_the_one_in_use(self):
        self.says = {"hb46pp": self.tunnel()}
        method = self.method(**LOGIN)
        held = method.provision(line(), SOURCE)
        self.asked = []
        self.assertEqual(method.refresh(line(), SOURCE, held), held)
        self.assertEqual(self.asked, [])
        # One that is silent for once keeps what it gave.
        method.found.said = self.silence("NO_SERVER")
        self.assertEqual(self.error(method.refresh, line(), SOURCE, held).code, "NO_SERVER")
        self.assertEqual(method.name, "hb46pp")

    def test_one_that_has_nothing_any_more_gives_way(self):
        self.says = {"hb46pp": self.tunnel(), "softbank": self.tunnel(0xCB007108)}
        method = self.method(**LOGIN)
        held = method.provision(line(), SOURCE)
        before = method.found
        before.said = self.silence(ended=True)
        self.assertEqual(method.refresh(line(), SOURCE, held).ipaddr(), ["203.0.113.8/32"])
        self.assertTrue(before.dropped)
        self.assertEqual(method.name, "softbank")
        method.found.said = self.silence("AUTH_REJECTED", None, True)
        self.says["softbank"] = method.found.said
        self.assertTrue(self.error(method.refresh, line(), SOURCE, held).ended)

    def test_another_offer_of_the_line_is_taken(self):
        self.says = {"hb46pp": self.tunnel(), "dslite": self.tunnel(0xC0000002)}
        method = self.method()
        held = method.provision(line(), SOURCE)
        self.offered = None  # silent for once
        self.assertEqual(method.refresh(line(), SOURCE, held), held)
        self.offered = [(64, b"\0")]
        self.assertEqual(method.refresh(line(), SOURCE, held).ipaddr(), ["192.0.0.2/32"])
        self.assertEqual(method.name, "dslite")

    def test_nothing_found_yet_needs_nothing_more(self):
        method = self.method()
        self.assertEqual(method.needs(line()), (None, None, None))
        self.assertEqual((method.sockets(), method.tick(0)), ((), None))
        method.release(None)

    def test_what_did_not_come_up_gives_way(self):
        """The one in use is left and made anew, and knows it all the same."""
        self.offered = [(94, b"")]
        known = []

        class Carried(Answers):
            def provision(self, line, source):
                known.append(dict(self.refused))
                self.refused["map_e"] = "why"
                self.answer = {"server": "server"}
                return case.tunnel()

        case = self
        method = self.method()
        method.found = None
        method.method = lambda name: method.equip(Carried({}))
        Carried.offer = "map_e"
        method.provision(line(), SOURCE)
        method.provision(line(), SOURCE)
        self.assertEqual(known, [{}, {"map_e": "why"}])
        method.drop()
        method.provision(line(), SOURCE)
        self.assertEqual(known[2], {})
