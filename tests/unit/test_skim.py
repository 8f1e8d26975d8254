# SPDX-License-Identifier: Apache-2.0
"""A line with more routes than the client's heap would hold."""

import json
import unittest

from softwire.line import Line
from softwire.skim import without_routes

# As the ubus command prints it; tests/unit/recorded has whole ones.
HEAD = """{
	"up": true,
	"l3_device": "eth1",
	"ipv6-prefix": [
		{
			"address": "2001:db8:4000:300::",
			"mask": 56,
			"preferred": 600,
			"valid": 900,
			"assigned": {
				"lan": {
					"address": "2001:db8:4000:300::",
					"mask": 64
				}
			}
		}
	],
	"route": [
"""
ROUTE = """		{
			"target": "%s",
			"mask": %d,
			"nexthop": "fe80::1",
			"source": "%s"
		}"""
TAIL = """
	],
	"dns-server": [
		"2001:db8:53::1"
	],
	"data": {
		"passthru": "0017001020010db8005300000000000000000001"
	}
}
"""


class File:
    """What is left of an answer."""

    def __init__(self, octets):
        self.octets = octets

    def read(self, count):
        found, self.octets = self.octets[:count], self.octets[count:]
        return found


def skimmed(routes, first=16384):
    text = (HEAD + ",\n".join([ROUTE % route for route in routes]) + TAIL).encode()
    return json.loads(without_routes(text[:first], File(text[first:])).decode())


class SkimTest(unittest.TestCase):
    OTHERS = [("2001:db8:%x::" % number, 64, "::/0") for number in range(400)]
    DEFAULT = ("::", 0, "2001:db8:4000:300::/56")

    def test_default_routes_stay_and_nothing_else_changes(self):
        for routes in (
            self.OTHERS,
            [self.DEFAULT] + self.OTHERS,
            self.OTHERS + [self.DEFAULT],
            self.OTHERS[:200] + [self.DEFAULT, ("::", 0, "2001:db8:5::/80")] + self.OTHERS[200:],
        ):
            told = skimmed(routes)
            self.assertEqual([route["target"] for route in told["route"]], ["::"] * (len(routes) - 400))
            line = Line("wan6", told)
            self.assertEqual(line.default_route, len(routes) > 400)
            self.assertEqual(line.delegated_prefix()[1], 56)
            self.assertEqual((line.dns, line.option(23)[-1]), (["2001:db8:53::1"], 1))
            self.assertEqual(line.too_long, ["2001:db8:5::/80"] if len(routes) == 402 else [])

    def test_wherever_the_first_part_ends(self):
        for first in range(400, 1000, 7):
            self.assertEqual(len(skimmed([self.DEFAULT] + self.OTHERS[:20], first)["route"]), 1)

    def test_no_route_at_all(self):
        text = (HEAD[:-1] + TAIL.lstrip("\n").replace("\t],", "\t],", 1)).encode()
        self.assertEqual(json.loads(without_routes(text, File(b"")).decode())["route"], [])


if __name__ == "__main__":
    unittest.main()
