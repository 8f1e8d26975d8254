# SPDX-License-Identifier: Apache-2.0
"""Tunnels: when two are the same to netifd, what goes into the state file, and addresses no tunnel can have."""

import json
import unittest

from softwire.address import parse_ipv4, parse_ipv6
from softwire.tunnel import PortSet, Tunnel, check_endpoint, check_ipv4, inner_mtu

LOCAL = parse_ipv6("2001:db8:4000:300:1111:1111:1111:1111")
REMOTE = parse_ipv6("2001:db8:b::1")
IPV4 = parse_ipv4("203.0.113.7")


def tunnel(**changed):
    values = {"local": LOCAL, "remote": REMOTE, "addresses": [(IPV4, 32)], "mtu": 1460, "dns": ["192.0.2.53"]}
    values.update(changed)
    return Tunnel(**values)


class SameTest(unittest.TestCase):
    def test_equal(self):
        self.assertTrue(tunnel() == tunnel())
        self.assertFalse(tunnel() != tunnel())

    def test_times_change_nothing(self):
        self.assertTrue(tunnel() == tunnel(refresh=600, expires=900))

    def test_everything_that_netifd_gets_makes_another_one(self):
        for change in (
            {"local": LOCAL + 1},
            {"remote": REMOTE + 1},
            {"addresses": [(IPV4 + 1, 32)]},
            {"addresses": [(IPV4, 29)]},
            {"addresses": [(IPV4, 32), (IPV4 + 1, 32)]},
            {"mtu": 1454},
            {"ttl": 255},
            {"dns": []},
            {"routes": []},
            {"routes": [(IPV4, 32)]},
            {"ports": PortSet(6, 8, 0x34)},
        ):
            self.assertTrue(tunnel() != tunnel(**change), change)
            self.assertFalse(tunnel() == tunnel(**change), change)

    def test_port_sets_by_what_they_are(self):
        self.assertTrue(tunnel(ports=PortSet(6, 8, 0x34)) == tunnel(ports=PortSet(6, 8, 0x34)))
        for other in (PortSet(4, 8, 0x34), PortSet(6, 7, 0x34), PortSet(6, 8, 0x35)):
            self.assertTrue(tunnel(ports=PortSet(6, 8, 0x34)) != tunnel(ports=other))

    def test_nothing_else_is_a_tunnel(self):
        self.assertFalse(tunnel() == None)  # noqa: E711
        self.assertTrue(tunnel() != tunnel().key())


class StateTest(unittest.TestCase):
    def test_to_dict_is_json(self):
        addresses = [(IPV4, 32), (parse_ipv4("198.51.100.8"), 29)]
        state = tunnel(addresses=addresses, refresh=600, expires=900).to_dict()
        self.assertEqual(json.loads(json.dumps(state)), state)
        self.assertEqual(state["mode"], "ipip6")
        self.assertEqual(state["local"], "2001:db8:4000:300:1111:1111:1111:1111")
        self.assertEqual(state["remote"], "2001:db8:b::1")
        self.assertEqual(state["ipaddr"], ["203.0.113.7/32", "198.51.100.8/29"])
        self.assertEqual((state["mtu"], state["ttl"]), (1460, 64))
        self.assertEqual((state["refresh"], state["expires"]), (600, 900))
        self.assertEqual((state["routes"], state["ports"]), (["0.0.0.0/0"], None))
        self.assertEqual(state["dns"], ["192.0.2.53"])

    def test_routes_and_ports_of_its_own(self):
        state = tunnel(routes=[(parse_ipv4("198.18.0.0"), 15)], ports=PortSet(6, 8, 0x34)).to_dict()
        self.assertEqual(json.loads(json.dumps(state)), state)
        self.assertEqual((state["routes"], state["ports"]), (["198.18.0.0/15"], [6, 8, 0x34]))
        self.assertEqual(tunnel(routes=[]).route_texts(), [])


class PortSetTest(unittest.TestCase):
    def test_example_of_rfc_7597(self):
        # Section 5.1: 1,024 as the first of the ports, sets of four in a row.
        ranges = PortSet(6, 8, 0x34).ranges()
        self.assertEqual(len(ranges), 63)
        self.assertEqual((ranges[0], ranges[1], ranges[-1]), ((1232, 1235), (2256, 2259), (64720, 64723)))

    def test_without_offset_one_range(self):
        self.assertEqual(PortSet(0, 4, 3).ranges(), [(0x3000, 0x3FFF)])
        self.assertEqual(PortSet(0, 0, 0).ranges(), [(0, 65535)])

    def test_sets_of_all_subscribers_are_all_ports_once(self):
        for offset, length in ((6, 8), (0, 3), (4, 12), (10, 6)):
            seen = 0
            for psid in range(0, 1 << length, 1 if length < 9 else 37):
                ranges = PortSet(offset, length, psid).ranges()
                for first, last in ranges:
                    self.assertEqual(last - first + 1, 1 << 16 - offset - length)
                    self.assertEqual(first >> 16 - offset - length & (1 << length) - 1, psid)
                    self.assertTrue(not offset or first >= 1 << 16 - offset)
                seen += len(ranges)
            self.assertTrue(seen > 0)

    def test_what_is_no_set(self):
        for words in ((16, 0, 0), (-1, 4, 0), (6, 11, 0), (6, -1, 0), (6, 8, 256), (6, 8, -1)):
            self.assertRaises(ValueError, PortSet, *words)


class CheckTest(unittest.TestCase):
    def refused(self, check, value):
        try:
            check(value, "what (207)")
        except ValueError as error:
            return str(error)
        return None

    def test_endpoints(self):
        for text in ("2001:db8:b::1", "2400:2000::1", "fd00::1"):
            self.assertEqual(check_endpoint(parse_ipv6(text), "remote"), parse_ipv6(text))
        for text in ("::", "::1", "fe80::1", "ff02::1", "::ffff:203.0.113.7"):
            told = self.refused(check_endpoint, parse_ipv6(text))
            self.assertIn("what (207)", told)
            self.assertIn("would be right", told)
        self.assertIn("ff02::1", self.refused(check_endpoint, parse_ipv6("ff02::1")))

    def test_ipv4(self):
        self.assertEqual(check_ipv4(IPV4, "address"), IPV4)
        for text in ("0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "169.254.1.1"):
            self.assertIn(text, self.refused(check_ipv4, parse_ipv4(text)))


class MtuTest(unittest.TestCase):
    class Line:
        def __init__(self, mtu):
            self.mtu = mtu

    def test_underlay_less_the_outer_header(self):
        for line, right in ((1500, 1460), (1454, 1414), (1280, 1240)):
            self.assertEqual(inner_mtu({"mtu": None}, self.Line(line)), right)

    def test_line_that_tells_none_is_ethernet(self):
        self.assertEqual(inner_mtu({"mtu": None}, self.Line(None)), 1460)

    def test_option_overrides(self):
        self.assertEqual(inner_mtu({"mtu": 1400}, self.Line(1500)), 1400)
