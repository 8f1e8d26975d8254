# SPDX-License-Identifier: Apache-2.0
"""RFC 7598's containers: what comes of one, and octets that cannot be right."""

import unittest
from binascii import hexlify

from softwire import errand, provisioning
from softwire.address import format_ipv6, parse_ipv4, parse_ipv6
from softwire.dhcpv6 import write_option
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.provisioning import _offers
from softwire.provisioning.auto import container, softwire46

SOURCE = parse_ipv6("2001:db8:4000:300:1111:1111:1111:1111")
LINE = ["2001:db8:4000:300::/56"]
BR = write_option(90, parse_ipv6("2001:db8:b::1").to_bytes(16, "big"))
DMR = write_option(91, b"\x40" + parse_ipv6("2001:db8:b::").to_bytes(16, "big")[:8])
PORTS = write_option(93, b"\6\x08\x12\0")


def rule(flags=0, bits=20, ipv4="203.0.113.0", ipv4_length=24, ipv6=b"\x24\x20\x01\x0d\xb8\x40", more=b""):
    """A mapping rule (section 4.1); the prefix is 2001:db8:4000::/36."""
    address = parse_ipv4(ipv4).to_bytes(4, "big")
    return write_option(89, bytes([flags, bits, ipv4_length]) + address + ipv6 + more)


def bind(ipv4="203.0.113.16", ipv6=b"\x38\x20\x01\x0d\xb8\x40\0\3", more=PORTS):
    """An address binding (section 4.4)."""
    return write_option(92, parse_ipv4(ipv4).to_bytes(4, "big") + ipv6 + more)


TEXT = "type=map-e,ealen=20,prefix4len=24,prefix6len=36,ipv4prefix=203.0.113.0,ipv6prefix=2001:db8:4000::"


class Containers(unittest.TestCase):
    def refuses(self, name, octets):
        with self.assertRaises(ValueError):
            container.read(name, octets, LINE)

    def test_map_e(self):
        found = container.read("map_e", rule() + BR, LINE)
        self.assertEqual(found, {"rule": TEXT + ",br=2001:db8:b::1", "legacy": False})
        # RFC 7597's own offset where there are none; parameters of the port set otherwise, the flag in front.
        found = container.read("map_e", BR + rule(1, more=write_option(93, b"\4\x08\x12\0")), LINE)
        self.assertEqual(found["rule"], "fmr," + TEXT + ",offset=4,psidlen=8,psid=4608" + ",br=2001:db8:b::1")

    def test_map_t(self):
        found = container.read("map_t", DMR + rule(), LINE)
        self.assertEqual(found["rule"], TEXT.replace("map-e", "map-t") + ",dmr=2001:db8:b::/64")

    def test_lw4o6(self):
        found = container.read("lw4o6", bind() + BR, LINE)
        self.assertEqual(
            found,
            {
                "lwaftr": "2001:db8:b::1",
                "bind": ["2001:db8:4000:300::", 56],
                "ipv4": "203.0.113.16",
                "ports": [6, 8, 0x12],
            },
        )
        self.assertEqual(container.read("lw4o6", bind(more=b"") + BR, LINE)["ports"], [0, 0, 0])

    def test_what_cannot_be_right(self):
        whole = {"map_e": rule() + BR, "map_t": rule() + DMR, "lw4o6": bind() + BR}
        for name in whole:
            self.refuses(name, b"")
            # An end within the option; where it falls between two, one of them is missing.
            for length in range(1, len(whole[name])):
                self.refuses(name, whole[name][:length])
        for octets in (
            rule(),
            BR,
            rule(bits=255) + BR,
            rule(ipv4_length=33) + BR,
            rule(ipv4="127.0.0.0") + BR,
            rule(ipv6=b"\x81" + bytes(17)) + BR,
            rule(ipv6=b"\0") + BR,
            rule(ipv6=b"\x24\xfe\x80\0\0\0") + BR,
            rule(more=write_option(93, b"\6\x08\x12")) + BR,
            rule(more=write_option(93, b"\x10\0\0\0")) + BR,
            rule(more=b"\0") + BR,
            rule() + write_option(90, b"\0" * 15),
            rule() + write_option(90, b"\xfe\x80" + b"\0" * 14),
            rule(ipv6=b"\x24\x20\x01\x0d\xb9\x40") + BR,  # another line's
            rule() * 257 + BR,
        ):
            self.refuses("map_e", octets)
        for octets in (rule(), rule() + DMR + DMR, rule() + write_option(91, b"\x41" + bytes(9))):
            self.refuses("map_t", octets)
        for octets in (
            bind(),
            bind() + bind() + BR,
            bind("0.0.0.0") + BR,
            bind(more=write_option(93, b"\x0f\x02\0\0")) + BR,
            bind(ipv6=b"\xff") + BR,
        ):
            self.refuses("lw4o6", octets)

    def test_what_it_holds_besides_is_for_others(self):
        for more in (write_option(4711, b"x"), write_option(93, b"\xff" * 9)):
            self.assertIn("br=2001:db8:b::1", container.read("map_e", more + rule() + BR, LINE)["rule"])


class Auto(unittest.TestCase):
    """The errand runs here, as its process would."""

    def setUp(self):
        self.real = errand.run, _offers.missing
        errand.run = lambda method, question: softwire46.answer(question)
        self.lacks = None
        _offers.missing = lambda name: self.lacks
        status = {
            "up": True,
            "l3_device": "eth1",
            "uptime": 99,
            "ipv6-prefix": [
                {"address": "2001:db8:4000:300::", "mask": 56, "preferred": 500, "valid": 800},
                {"address": "2001:db8:5000::", "mask": 56, "preferred": 0, "valid": 800},
            ],
            "data": {},
        }
        self.line = Line("wan6", status, read=lambda path: "1500" if path.endswith("mtu") else "")

    def tearDown(self):
        errand.run, _offers.missing = self.real

    def method(self, name, octets):
        auto = provisioning.load({"tunlink": "wan6", "provisioning": "auto"}, "wan")
        auto.clock = lambda: 100
        auto.containers = {name: octets}
        return auto.method(name)

    def error(self, method):
        try:
            method.provision(self.line, SOURCE)
        except ProvisioningError as error:
            return error
        raise AssertionError("no error")

    def test_lw4o6_is_our_own(self):
        method = self.method("lw4o6", bind() + BR)
        tunnel = method.provision(self.line, SOURCE)
        self.assertEqual((tunnel.kind, tunnel.ipaddr()), ("tunnel", ["203.0.113.16/32"]))
        self.assertEqual(format_ipv6(tunnel.local), "2001:db8:4000:300:0:cb00:7110:12")
        self.assertEqual(format_ipv6(tunnel.remote), "2001:db8:b::1")
        self.assertEqual((tunnel.ports.key(), tunnel.mtu), ((6, 8, 0x12), 1460))
        self.assertTrue(60000 < tunnel.refresh <= 86400)

    def test_map_is_handed_on(self):
        found = self.method("map_e", rule() + BR).provision(self.line, SOURCE)
        self.assertEqual((found.kind, found.mode), ("handed_on", "map"))
        self.assertEqual(
            found.options,
            {
                "type": "map-e",
                "rule": TEXT + ",br=2001:db8:b::1",
                "mtu": 1460,
                "ttl": 64,
                "encaplimit": "ignore",
            },
        )
        found = self.method("map_t", rule() + DMR).provision(self.line, SOURCE)
        self.assertEqual(found.options["type"], "map-t")
        self.assertEqual(sorted(found.options), ["rule", "type"])

    def test_where_nobody_can_do_it(self):
        self.lacks = "OpenWrt's package map is not installed"
        errand.run = None  # nobody is asked
        error = self.error(self.method("map_e", rule() + BR))
        self.assertEqual((error.code, error.text), ("MISSING_PACKAGE", self.lacks))

    def test_a_container_that_cannot_be_right(self):
        error = self.error(self.method("map_e", rule()))
        self.assertEqual(error.code, "BAD_ANSWER")
        self.assertEqual(error.text, "DHCPv6's map_e: no border router is in it")
        self.assertTrue(error.retry_after)

    def test_what_did_not_come_up_is_passed_over_for_a_while(self):
        method = self.method("map_e", rule() + BR)
        found = method.provision(self.line, SOURCE)
        found.refused("interface wan_4, proto map, does not come up: NO_MATCHING_PD")
        error = self.error(method)
        self.assertEqual((error.code, error.retry_after), ("HANDED_ON_DOWN", 3600))
        self.assertIn("NO_MATCHING_PD", error.text)
        # From another address of another prefix it is another rule's.
        self.assertEqual(method.provision(self.line, SOURCE ^ 1 << 64), found)
        method.clock = lambda: 3701
        self.assertEqual(method.provision(self.line, SOURCE), found)

    def test_what_the_question_says(self):
        asked = []

        def run(method, question):
            asked.append(question)
            return softwire46.answer(question)

        errand.run = run
        self.method("map_e", rule() + BR).provision(self.line, SOURCE)
        self.assertEqual(
            asked,
            [{"offer": "map_e", "container": hexlify(rule() + BR).decode(), "prefixes": LINE}],
        )

    def test_a_name_too_long_for_the_kernel(self):
        for name, good in (("wan_three", True), ("wan_fourth", False)):
            method = self.method("map_t", rule() + DMR)
            method.interface = name
            if good:
                self.assertEqual(method.provision(self.line, SOURCE).mode, "map")
            else:
                self.assertIn("9 characters", self.error(method).text)
