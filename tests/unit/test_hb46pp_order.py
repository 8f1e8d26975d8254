# SPDX-License-Identifier: Apache-2.0
"""What is made of the provisioning server's offers, one after the other; the errand's answer is given."""

import unittest

from softwire import errand, provisioning
from softwire.address import parse_ipv6
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.provisioning import _offers

SOURCE = parse_ipv6("2001:db8:4000:300:1111:1111:1111:1111")
LOCAL = "2001:db8:4000:300:cb:71:700:0"
WHY = "interface wan_4, proto map, does not come up: NO_MATCHING_PD"


def answer():
    return {
        "server": "vne.example",
        "resolver": "2001:db8:53::1",
        "names": [],
        "order": ["464xlat", "map_e", "ipip"],
        "auth": None,
        "ttl": 3600,
        "token": None,
        "left": [],
        "offers": [
            ["464xlat", "64:ff9b::/96"],
            ["map_e", {"rule": "type=map-e", "legacy": False}],
            ["ipip", [[LOCAL, "2001:db8:b::1", "203.0.113.7/32"]]],
        ],
    }


class Order(unittest.TestCase):
    def setUp(self):
        self.real = errand.run, _offers.missing
        self.now = 100
        self.silent = False
        self.lacks = {"464xlat": "OpenWrt's package 464xlat is not installed"}
        errand.run = self.run_errand
        _offers.missing = self.lacks.get
        self.method = provisioning.load({"tunlink": "wan6", "provisioning": "hb46pp"}, "wan")
        self.method.clock = lambda: self.now
        self.logged = []
        self.method.log = self.logged.append
        self.kept = {}
        self.method.keep = lambda content, lasting=False: self.kept.update({lasting: content})
        self.method.kept = lambda lasting=False: self.kept.get(lasting)
        status = {
            "up": True,
            "l3_device": "eth1",
            "uptime": 99,
            "ipv6-prefix": [{"address": "2001:db8:4000:300::", "mask": 56, "preferred": 500, "valid": 800}],
            "data": {},
        }
        self.line = Line("wan6", status, read=lambda path: "1500" if path.endswith("mtu") else "")

    def tearDown(self):
        errand.run, _offers.missing = self.real

    def run_errand(self, method, question):
        """Stands for the process that asks."""
        self.asked = question
        if self.silent:
            raise ProvisioningError("NO_SERVER", "nobody answers", 600)
        return answer()

    def provision(self):
        return self.method.provision(self.line, SOURCE)

    def test_the_first_that_the_router_can_do(self):
        found = self.provision()
        self.assertEqual((found.mode, found.options["rule"]), ("map", "type=map-e"))
        self.assertEqual(self.method.answer["used"], "map_e")
        self.assertEqual(
            self.logged,
            ["HB46PP: 464xlat is left out: MISSING_PACKAGE: OpenWrt's package 464xlat is not installed"],
        )
        self.assertEqual(self.asked["prefixes"], ["2001:db8:4000:300::/56"])
        self.lacks.clear()
        found = self.method.refresh(self.line, SOURCE, found)
        self.assertEqual((found.mode, found.options["ip6prefix"]), ("464xlat", "64:ff9b::/96"))
        # Not our own address, on which we ask.
        self.assertEqual(found.options["ip6addr"], "2001:db8:4000:300:1111:1110:1111:1111")

    def gives_way(self, silent):
        self.provision()
        self.silent = silent
        self.method.drop()
        # Asked from an ipip tunnel's address, it is not left there.
        found = self.method.provision(self.line, parse_ipv6(LOCAL))
        self.assertEqual(found.local, SOURCE)
        found.refused(WHY)
        self.assertEqual(self.provision().ipaddr(), ["203.0.113.7/32"])
        self.assertIn(["map_e", "HANDED_ON_DOWN: " + WHY], self.method.answer["skipped"])
        self.now += 3601
        self.assertEqual(self.provision().mode, "map")

    def test_one_that_does_not_come_up_gives_way(self):
        self.gives_way(False)

    def test_one_that_does_not_come_up_in_an_outage_gives_way(self):
        """What the server told before has the next one."""
        self.gives_way(True)

    def test_from_ds_lite_to_another_protocol_and_back(self):
        """What is handed on has no address that could stay."""
        held = self.provision()
        self.method.data["offers"] = [["dslite", "2001:db8:a::1"]]
        self.method.silent = True  # the answer stays
        tunnel = self.method.refresh(self.line, SOURCE, held)
        self.assertEqual(tunnel.ipaddr(), ["192.0.0.2/29"])
