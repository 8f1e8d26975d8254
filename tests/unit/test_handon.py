# SPDX-License-Identifier: Apache-2.0
"""What another protocol's interface carries: made, followed, lost, taken back, and what comes where it is not up."""

import json
import unittest

from softwire import carrier, client, state, ubus
from softwire.address import parse_ipv6
from softwire.errors import ProvisioningError
from softwire.handon import HandedOn
from softwire.ubus import UbusError

ENDPOINT = "2001:db8:4000:300:1111:1111:1111:1111"
WAN6 = {
    "up": True,
    "l3_device": "eth1",
    "uptime": 99,
    "ipv6-prefix": [{"address": "2001:db8:4000:300::", "mask": 56, "preferred": 500, "valid": 800}],
    "route": [{"target": "::", "mask": 0, "nexthop": "fe80::1"}],
    "data": {},
}
RULE = {"type": "map-e", "rule": "type=map-e,br=2001:db8:b::1"}
UP = {"up": True, "autostart": True, "l3_device": "map-wan_4", "ipv4-address": [{"address": "203.0.113.7"}]}
COMING = {"up": False, "autostart": True, "pending": True}
BLOCKED = {"up": False, "autostart": False, "errors": [{"subsystem": "map", "code": "NO_MATCHING_PD"}]}


class Router:
    """Stands for netifd: an interface of another protocol has these statuses in turn, None while it is not there."""

    def __init__(self):
        self.events = []
        self.addresses = [ENDPOINT]
        self.now = 1000.0
        self.made = [COMING, COMING, UP]  # from an add_dynamic on
        self.statuses = [None]
        self.refuses = ()
        self.busy = False

    def ask(self, name, method):
        if self.busy:
            raise UbusError("no answer in time", ubus.TIMEOUT)
        if name == "network.interface.wan6":
            return WAN6
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status is None:
            raise UbusError("not found", ubus.NOT_FOUND, False)
        return status

    def event(self, event, parameters):
        self.events.append((event, parameters))
        if event in self.refuses:
            return False
        if event == "hand_on" and self.statuses == [None]:
            self.statuses = list(self.made)
        if event == "hand_back":
            self.statuses = [None]
        return True

    def names(self):
        names = [event for event, _ in self.events]
        self.events = []
        return names

    def pause(self, seconds):
        self.now += seconds


class HandOn(unittest.TestCase):
    def setUp(self):
        self.router = router = Router()
        options = {
            "tunlink": "wan6",
            "provisioning": "static",
            "peeraddr": "2001:db8:b::1",
            "ipaddr": "203.0.113.7",
            "metric": 7,
        }
        self.written = []
        self.real = state.write_state
        state.write_state = lambda interface, content: self.written.append(json.loads(json.dumps(content)))
        self.client = client.Client(
            "wan",
            options,
            router.ask,
            router.event,
            lambda address: address in router.addresses,
            lambda: router.now,
            router.pause,
        )
        self.refused = []
        self.gives = lambda: self.handed_on()
        self.client.method.provision = lambda line, source: self.gives()

    def tearDown(self):
        state.write_state = self.real

    def handed_on(self, **options):
        return HandedOn(
            parse_ipv6(ENDPOINT), "map", dict(RULE, **options), self.refused.append, refresh=86400
        )

    def fails(self):
        try:
            self.client.step(True)
        except ProvisioningError as error:
            self.client.fail(error)
            return error
        raise AssertionError("no error")

    def test_made_and_followed(self):
        self.client.step(False)
        hand_on, follow = self.router.events
        self.assertEqual(
            hand_on,
            (
                "hand_on",
                {
                    "INTERFACE": "wan",
                    "PROTO": "map",
                    "LINK": "wan6",
                    "ZONE": "",
                    "OPTIONS": '"metric": 7, "rule": "type=map-e,br=2001:db8:b::1", "type": "map-e"',
                },
            ),
        )
        self.assertEqual(follow, ("follow", {"INTERFACE": "wan", "DEVICE": "map-wan_4"}))
        self.assertEqual(self.client.watch.device, "map-wan_4")
        said = self.written[-1]
        self.assertEqual((said["phase"], "tunnel" in said), ("up", False))
        self.assertEqual(
            said["handed_on"],
            {"mode": "map", "local": ENDPOINT, "options": RULE, "refresh": 86400, "expires": None},
        )

    def test_unchanged_touches_nothing(self):
        self.client.step(False)
        self.router.names()
        self.client.step(True)
        self.client.step(False)
        self.assertEqual(self.router.names(), [])

    def test_other_options_make_it_anew(self):
        """What goes is gone only after a while; until then netifd has the old one, which is not up."""
        self.client.step(False)
        self.router.names()
        self.gives = lambda: self.handed_on(mtu=1400)
        self.client.router.event = self.going(self.router.event)
        self.client.step(True)
        self.assertEqual(self.router.names(), ["unbound", "hand_back", "hand_on", "hand_on", "follow"])
        self.assertEqual(self.client.router.handed_on, "map-wan_4")

    def going(self, event):
        def slowly(name, parameters):
            done = event(name, parameters)
            if name == "hand_back":
                self.router.statuses = [COMING, COMING, None]
            return done

        return slowly

    def test_a_tunnel_of_our_own_instead(self):
        self.client.step(False)
        self.router.names()
        del self.client.method.provision
        usual = self.router.event

        def event(name, parameters):
            if name == "bound":
                self.router.addresses.append("203.0.113.7")
            return usual(name, parameters)

        self.client.router.event = event
        self.client.step(True)
        self.assertEqual(self.router.names(), ["unbound", "hand_back", "bound"])
        self.assertEqual(self.client.router.handed_on, None)
        self.assertEqual(self.client.watch.device, "sw-wan")
        self.assertTrue("tunnel" in self.written[-1] and "handed_on" not in self.written[-1])

    def test_lost_and_put_back(self):
        """netifd's hotplug event wakes the client, which looks at the line and finds it the same."""
        self.client.step(False)
        self.router.names()
        for statuses in [None], [COMING], [dict(UP, l3_device="map-other")]:
            self.router.statuses = statuses
            self.client.step(False)
            self.assertEqual(self.router.names(), ["unbound", "hand_back", "hand_on", "follow"])

    def test_lost_and_nobody_says_so(self):
        """netifd forgets the event of an interface that is gone before its turn comes: it is missed all the same."""
        self.client.step(False)
        waits = []

        class Wakes:
            def is_ours(self):
                return True

            def wait(self, seconds, sockets=()):
                waits.append(seconds)
                case.router.now += seconds
                return [], []

        case = self
        self.client.wake = Wakes()
        self.client.turn()
        self.router.names()
        self.router.statuses = [None]
        while not self.router.events:
            self.client.turn()
        self.assertTrue(sum(waits) <= 16, waits)
        self.assertEqual(self.router.names(), ["unbound", "hand_back", "hand_on", "follow"])

    def test_a_busy_netifd_loses_nothing(self):
        self.client.step(False)
        self.router.names()
        self.router.busy = True
        self.assertTrue(self.client.has(self.client.held))
        self.router.busy = False
        self.client.step(False)
        self.assertEqual(self.router.names(), [])

    def test_one_that_does_not_come_up(self):
        self.router.made = [COMING, BLOCKED]
        error = self.fails()
        self.assertEqual(error.code, "HANDED_ON_DOWN")
        self.assertEqual(error.text, "interface wan_4, proto map, does not come up: NO_MATCHING_PD")
        self.assertEqual(self.refused, [error.text])
        self.assertTrue(self.router.now < 1010)  # it says so itself: nobody waits
        self.assertEqual(self.router.names(), ["hand_on", "unbound", "hand_back", "failed"])
        self.assertEqual((self.client.held, "handed_on" in self.written[-1]), (None, False))

    def test_one_that_never_says_anything(self):
        self.router.made = [COMING]
        self.assertIn("says nothing of why", self.fails().text)
        self.assertTrue(1030 <= self.router.now < 1035)
        self.assertEqual(self.router.names().count("hand_on"), 1)

    def test_netifd_does_not_take_it(self):
        self.router.refuses = ("hand_on",)
        self.assertIn("netifd does not have it", self.fails().text)
        self.assertEqual(self.router.names()[-3:], ["unbound", "hand_back", "failed"])

    def test_netifd_does_not_let_us_follow(self):
        self.router.refuses = ("follow",)
        self.assertIn("refused the device map-wan_4", self.fails().text)
        self.assertEqual(self.router.names(), ["hand_on", "follow", "unbound", "hand_back", "failed"])

    def test_the_line_is_another_one(self):
        """Its rules are not for the next prefix: it goes before anybody is asked."""
        self.client.step(False)
        self.router.names()
        before = WAN6["ipv6-prefix"]
        WAN6["ipv6-prefix"] = [dict(before[0], address="2001:db8:4000:400::")]
        self.router.addresses.append(ENDPOINT.replace(":300:", ":400:"))
        try:
            self.client.step(False)
        finally:
            WAN6["ipv6-prefix"] = before
        self.assertEqual(self.router.names()[:2], ["unbound", "hand_back"])

    def test_same_and_other(self):
        one = self.handed_on()
        self.assertTrue(one == self.handed_on())
        self.assertFalse(one == self.handed_on(mtu=1400))
        self.assertFalse(one == HandedOn(one.local, "464xlat", RULE, None))


class Told(unittest.TestCase):
    """What people are shown of it."""

    HANDED_ON = {"mode": "map", "local": ENDPOINT, "options": RULE}

    def test_up_and_down(self):
        found = carrier.describe("wan", self.HANDED_ON, {"wan_4": UP}.get)
        self.assertEqual(
            found,
            {
                "proto": "map",
                "options": RULE,
                "interface": "wan_4",
                "up": True,
                "device": "map-wan_4",
                "addresses": ["203.0.113.7"],
                "errors": [],
            },
        )
        self.assertEqual(carrier.text(found), "wan_4 is up on map-wan_4, 203.0.113.7")
        found = carrier.describe("wan", self.HANDED_ON, {"wan_4": BLOCKED}.get)
        self.assertEqual(carrier.text(found), "wan_4 is down: NO_MATCHING_PD")
        found = carrier.describe("wan", self.HANDED_ON, {}.get)
        self.assertEqual(carrier.text(found), "wan_4 is down: it says nothing of why")
