# SPDX-License-Identifier: Apache-2.0
"""MAP's rules: which is the line's own, and the text that OpenWrt's proto map gets of them."""

import unittest

from softwire.address import parse_ipv4, parse_ipv6, parse_prefix
from softwire.provisioning import _mapping

# RFC 7597 appendix A, example 1: 2001:db8::/40, 192.0.2.0/24, 16 bits, of which eight are the port set's identifier.
EXAMPLE = "type=map-e,ealen=16,prefix4len=24,prefix6len=40,ipv4prefix=192.0.2.0,ipv6prefix=2001:db8::"
FAR = "br=2001:db8:ffff::1"
LINE = ["2001:db8:12:3400::/56"]


def rule(ipv6="2001:db8::/40", ipv4="192.0.2.0/24", bits=16, **more):
    return _mapping.Rule(parse_prefix(ipv6), parse_prefix(ipv4, parse_ipv4, 32), bits, **more)


def told(*rules, **more):
    found = {"rules": list(rules), "far": FAR, "legacy": False}
    found.update(more)
    return found


class Mapping(unittest.TestCase):
    def test_one_rule(self):
        found = _mapping.reduce("map_e", told(rule()), LINE)
        self.assertEqual(found, {"rule": EXAMPLE + "," + FAR, "legacy": False})
        found = _mapping.reduce("map_t", told(rule(offset=6), far="dmr=64:ff9b::/96"), LINE)
        self.assertEqual(found["rule"], EXAMPLE.replace("map-e", "map-t") + ",offset=6" + ",dmr=64:ff9b::/96")

    def test_what_the_rule_tells_of_the_port_set(self):
        text = rule(bits=16, offset=4, ports=(8, 0x3400)).text("map-e", FAR)
        self.assertEqual(text, EXAMPLE + ",offset=4,psidlen=8,psid=13312," + FAR)

    def test_the_longest_that_fits_is_the_lines_own_and_comes_last(self):
        """OpenWrt takes the last one that fits; those that lead to others come along, the rest is nobody's business."""
        near = rule("2001:db8:12::/48", "198.51.100.0/24", 8)
        other = rule("2001:db8:4000::/40", "203.0.113.0/24", 16)
        self.assertEqual(
            _mapping.reduce("map_e", told(near, rule(), other), LINE)["rule"], near.text("map-e", FAR)
        )
        for one in (near, other):
            one.forwards = True
        texts = _mapping.reduce("map_e", told(near, rule(), other), LINE)["rule"].split(" ")
        self.assertEqual(texts, [other.text("map-e", FAR), near.text("map-e", FAR)])
        self.assertEqual([text[:4] for text in texts], ["fmr,", "fmr,"])

    def test_no_rule_for_this_line(self):
        for prefixes in ([], ["2001:db8:4000::/56"], ["2001:db8::/32"]):
            with self.assertRaises(ValueError):
                _mapping.reduce("map_e", told(rule()), prefixes)
        self.assertIn("type=map-e", _mapping.reduce("map_e", told(rule()), ["2001:db9::/56"] + LINE)["rule"])

    def test_bits_that_cannot_be_right(self):
        for bits, more in (
            (25, {}),  # more than 64 with the prefix
            (7, {}),  # less than the rest of the IPv4 address
            (24, {"offset": 1}),  # a port set of no port
            (49, {"ipv6": "2001:db8::/15"}),
            (0, {"ipv4": "192.0.2.1/32", "ports": (4, 0x3000)}),  # OpenWrt cannot do it
        ):
            with self.assertRaises(ValueError):
                rule(bits=bits, **more)
        rule(bits=24)
        rule(bits=0, ipv4="192.0.2.1/32")
        rule(bits=8)
        for ipv6 in ("::/0", "fe80::/40", "ff00::/40"):
            with self.assertRaises(ValueError):
                rule(ipv6)

    def test_the_far_ends(self):
        self.assertEqual(_mapping.host("2001:DB8::1"), "br=2001:db8::1")
        for text in ("fe80::1", "::", "192.0.2.1", "", "br.example"):
            with self.assertRaises(ValueError):
                _mapping.host(text)
        for length in (32, 40, 48, 56, 64, 96):
            self.assertEqual(
                _mapping.network(parse_ipv6("2001:db8::"), length), "2001:db8::/{}".format(length)
            )
        for length in (0, 33, 95, 97, 128):
            with self.assertRaises(ValueError):
                _mapping.network(parse_ipv6("2001:db8::"), length)
        self.assertEqual(_mapping.network(parse_ipv6("64:ff9b::"), 96), "64:ff9b::/96")
        with self.assertRaises(ValueError):
            _mapping.network(parse_ipv6("::"), 96)

    def test_a_package_too_old_for_the_draft(self):
        handler = _mapping.HANDLER
        try:
            _mapping.HANDLER = __file__.rpartition("/")[0] + "/test_tunnel.py"  # some file without the word
            with self.assertRaises(ValueError):
                _mapping.reduce("map_e", told(rule(), legacy=True), LINE)
            _mapping.HANDLER = __file__.rpartition("/")[0] + "/" + __file__.rpartition("/")[2]  # legacymap
            self.assertTrue(_mapping.reduce("map_e", told(rule(), legacy=True), LINE)["legacy"])
            _mapping.HANDLER = "/nonexistent"
            self.assertTrue(_mapping.reduce("map_e", told(rule(), legacy=True), LINE)["legacy"])
        finally:
            _mapping.HANDLER = handler
