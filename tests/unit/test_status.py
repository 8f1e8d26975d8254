# SPDX-License-Identifier: Apache-2.0
"""`softwire status`: what it shows on good and on bad moments."""

import json
import unittest

from softwire import state, status
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.status import describe_line


class SilentTest(unittest.TestCase):
    STATUS = {
        "up": True,
        "l3_device": "eth1",
        "proto": "flets",
        "uptime": 60,
        "ipv6-address": [{"address": "2001:db8:5::1", "mask": 64}],
    }

    def problems(self, **more):
        status = dict(self.STATUS)
        status.update(more)
        return describe_line(Line("wan6", status))["problems"]

    def test_unanswered_solicits(self):
        self.assertIn("reqprefix 'no'", self.problems()[0])

    def test_not_yet_or_not_at_all(self):
        for more in (
            {"uptime": 5},
            {"proto": "static"},
            {"data": {"passthru": "0017001020010db8005300000000000000000001"}},
            {"ipv6-prefix": [{"address": "2001:db8:1::", "mask": 56}]},
            {"ipv6-address": []},
        ):
            self.assertEqual(self.problems(**more), [])


TUNNEL = {
    "local": "2001:db8::1",
    "remote": "2001:db8:b::1",
    "ipaddr": ["203.0.113.7/32"],
    "mtu": 1460,
    "dns": [],
}
# What the client of a softwire that is up has written.
SAID = {"interface": "wan", "tunlink": "wan6", "phase": "up", "tunnel": TUNNEL, "next": 4800.0}


class MomentTest(unittest.TestCase):
    """Statuses that netifd has, by interface; an error is raised, None is unknown to it."""

    def setUp(self):
        self.usual = state.read, status.Netifd, status.explain
        state.read = {state.config_path("wan"): {"tunlink": "wan6"}, state.state_path("wan"): SAID}.get
        status.Netifd = lambda: self
        status.explain = lambda interface, status_of: "{} waits".format(interface)
        self.silent = ProvisioningError("NETIFD_SILENT", "netifd does not answer: no answer in time")
        self.statuses = {
            "wan": {"up": True, "l3_device": "sw-wan"},
            "wan6": {"up": True, "l3_device": "eth1", "proto": "flets", "route": [{"target": "::"}]},
        }

    def tearDown(self):
        state.read, status.Netifd, status.explain = self.usual

    def status(self, interface):
        """Stands for Netifd's."""
        found = self.statuses.get(interface)
        if isinstance(found, Exception):
            raise found
        return found

    def rows(self):
        """The lines for people, blanks around them left out; none of them says "None"."""
        told = status.text(json.loads(json.dumps(status.collect("wan"))), 1200.0)
        self.assertTrue("None" not in told, told)
        return [row.strip() for row in told.split("\n")]

    def test_up(self):
        rows = self.rows()
        self.assertEqual(rows[0], "wan: up")
        self.assertIn("device sw-wan, MTU 1460, no encapsulation limit", rows)
        self.assertIn("line       wan6 up on eth1", rows)
        self.assertIn("next       asks again in 1 h", rows)

    def test_what_another_protocol_carries(self):
        handed_on = {"mode": "map", "local": "2001:db8::1", "options": {"rule": "type=map-e", "mtu": 1460}}
        said = {"interface": "wan", "tunlink": "wan6", "phase": "up", "handed_on": handed_on}
        state.read = {state.config_path("wan"): {"tunlink": "wan6"}, state.state_path("wan"): said}.get
        self.statuses["wan_4"] = {"up": True, "l3_device": "map-wan_4"}
        rows = self.rows()
        at = rows.index("handed on  to proto map: wan_4 is up on map-wan_4")
        self.assertEqual(rows[at + 1 : at + 3], ["mtu 1460", "rule type=map-e"])
        self.statuses["wan_4"] = {"up": False, "errors": [{"code": "NO_MATCHING_PD"}]}
        self.assertIn("handed on  to proto map: wan_4 is down: NO_MATCHING_PD", self.rows())
        self.statuses["wan"] = self.silent
        self.assertEqual(self.rows()[0], "wan: unknown, netifd does not answer; the client said last: up")

    def test_on_demand(self):
        """Up without an address: it waits, or was refused."""
        for phase in "waiting for a packet", "retrying":
            said = dict(SAID, tunnel=dict(TUNNEL, ipaddr=[], ports=[0, 4, 3]), phase=phase, answer={})
            state.read = {state.config_path("wan"): {"tunlink": "wan6"}, state.state_path("wan"): said}.get
            rows = self.rows()
            self.assertEqual(rows[:2], ["wan: up, " + phase, "IPv4       asked for when a packet wants out"])
            self.assertTrue("softwire " not in "".join(rows))

    def test_question_that_is_due(self):
        said = dict(SAID, next=1100.0)
        state.read = {state.config_path("wan"): {"tunlink": "wan6"}, state.state_path("wan"): said}.get
        self.assertIn("next       asks again in 0 s", self.rows())

    def test_silent(self):
        self.statuses["wan"] = self.silent
        rows = self.rows()
        self.assertEqual(rows[0], "wan: unknown, netifd does not answer; the client said last: up")
        self.assertIn("softwire   2001:db8::1 -> 2001:db8:b::1", rows)
        self.assertIn("MTU 1460, no encapsulation limit", rows)
        self.assertIn("netifd     NETIFD_SILENT: netifd does not answer: no answer in time", rows)
        self.assertEqual(status.collect("wan")["up"], None)
        self.assertEqual(status.main("wan", True), 1)

    def test_silent_when_asked_for_the_line(self):
        self.statuses["wan6"] = self.silent
        rows = self.rows()
        self.assertEqual(rows[0], "wan: up")
        self.assertIn("netifd     NETIFD_SILENT: netifd does not answer: no answer in time", rows)

    def test_unknown(self):
        """What a client left behind is not shown beside it."""
        self.statuses["wan"] = None
        self.assertEqual(
            self.rows(),
            ["wan: down, not running", "netifd     netifd knows no interface 'wan'", "why        wan waits"],
        )

    def test_down_while_the_client_calls_itself_up(self):
        self.statuses["wan"] = {"up": False}
        self.statuses["wan6"] = {"up": False, "proto": "flets"}
        rows = self.rows()
        self.assertEqual(rows[0], "wan: down")
        self.assertIn("MTU 1460, no encapsulation limit", rows)
        self.assertIn("line       wan6 down", rows)
        self.assertIn("why        wan waits", rows)

    def test_telephone(self):
        self.statuses["wan6_voip"] = {
            "up": True,
            "l3_device": "eth1",
            "ipv4-address": [{"address": "192.0.2.6", "mask": 30}],
        }
        self.assertIn("SIP side   up, 192.0.2.6/30 on eth1", self.rows())
        told = {"code": "NO_SIP_LEASE", "data": ["nobody there"]}
        self.statuses["wan6_voip"] = {"up": False, "device": "eth1", "errors": [told]}
        self.assertIn("SIP side   down, NO_SIP_LEASE: nobody there", self.rows())
        self.statuses["wan6_voip"]["errors"] = []
        self.assertIn("SIP side   down, no DHCPv4 answer yet", self.rows())

    def test_prefix_that_is_withdrawn(self):
        self.statuses["wan6"]["ipv6-prefix"] = [
            {"address": "2001:db8:1::", "mask": 56, "preferred": 0, "valid": 7200},
            {"address": "2001:db8:2::", "mask": 56, "preferred": 1, "valid": 7200},
        ]
        self.assertIn("delegated prefix 2001:db8:2::/56", self.rows())


if __name__ == "__main__":
    unittest.main()
