# SPDX-License-Identifier: Apache-2.0
"""The resident client against a router of its own making: what it asks, hands over, holds and takes back."""

import unittest

from softwire import client, state
from softwire.address import parse_ipv6
from softwire.errors import ProvisioningError
from softwire.tunnel import Tunnel
from softwire.ubus import UbusError
from softwire.watch import Watch

state.RUN_DIR = "/nonexistent/softwire"  # a full or missing run directory must never matter
client.log = lambda text: None

PREFIX = "2001:db8:4000:300::"
LOCAL = "2001:db8:4000:300:1111:1111:1111:1111"


def wan6(prefixes=((PREFIX, 56, 600),), up=True):
    """A tunlink's status, in the form of recorded/24.10/wan6-status.json."""
    return {
        "up": up,
        "l3_device": "eth1",
        "ipv6-prefix": [
            {"address": address, "mask": length, "preferred": preferred, "valid": preferred + 300}
            for address, length, preferred in prefixes
        ],
        "ipv6-address": [],
        "route": [{"target": "::", "mask": 0, "nexthop": "fe80::1", "source": PREFIX + "/56"}],
        "data": {},
    }


class Router:
    """Stands for netifd and the kernel: the events that came, and the addresses that are there."""

    def __init__(self):
        self.status = wan6()
        self.events = []
        self.addresses = []
        self.now = 1000.0
        self.refuses = ()
        self.loses = ()

    def ask(self, name, method):
        if self.status is None:
            raise UbusError("not found")
        return self.status

    def event(self, event, parameters):
        self.events.append((event, parameters))
        if event in self.refuses:
            return False
        if event in self.loses:
            return True
        if event == "endpoint" and parameters["LOCAL"] not in self.addresses:
            self.addresses.append(parameters["LOCAL"])
        if event == "bound":
            self.addresses += [text.split("/")[0] for text in parameters["IPADDR"].split()]
        if event == "unbound":
            self.addresses = [address for address in self.addresses if ":" in address]
        return True

    def has(self, address):
        return address in self.addresses

    def clock(self):
        return self.now

    def pause(self, seconds):
        self.now += seconds

    def names(self):
        names = [event for event, parameters in self.events]
        self.events = []
        return names


class Operator:
    """Stands for a provisioning method whose answer, or error, a test sets."""

    def __init__(self):
        self.asked = []
        self.ipv4 = 0xCB007107
        self.lifetime = 1000
        self.error = None
        self.endpoint_of_answer = None

    def endpoint(self, line, held=None):
        return line.delegated_prefix()[0] | 0x1111111111111111

    def provision(self, line, source):
        self.asked.append(source)
        if self.error:
            raise self.error
        local = self.endpoint_of_answer or source
        return Tunnel(local, parse_ipv6("2001:db8:b::1"), [(self.ipv4, 32)], 1460, 64, [], self.lifetime)


class Enough(Exception):
    """A loop without end has gone on for long enough."""


class Wakes:
    """Stands for the FIFO: the words for each wait in turn; without words time passes."""

    def __init__(self, router, words=()):
        self.router = router
        self.words = list(words)
        self.waits = []

    def wait(self, seconds):
        if len(self.waits) > 99:
            raise Enough()
        self.waits.append(seconds)
        words = self.words.pop(0) if self.words else []
        self.router.now += 0 if words else min(seconds, 1e6)
        return words

    def wait_for(self, sock, milliseconds):
        return True, self.words.pop(0) if self.words else []


class ClientTest(unittest.TestCase):
    def setUp(self):
        self.router = router = Router()
        options = {
            "tunlink": "wan6",
            "provisioning": "static",
            "peeraddr": "2001:db8:b::1",
            "ipaddr": "203.0.113.7",
        }
        self.client = client.Client(
            "wan", options, router.ask, router.event, router.has, router.clock, router.pause
        )
        self.operator = self.client.method = Operator()

    def fails(self, code, asked=False):
        """The next step raises this code; as the loop does, the client then tells it."""
        try:
            self.client.step(asked)
        except ProvisioningError as error:
            self.assertEqual(error.code, code)
            self.client.fail(error)
            return error
        self.assertEqual("no error", code)

    def test_endpoint_stands_before_anybody_is_asked(self):
        self.client.step(False)
        self.assertEqual(
            self.router.events[0], ("endpoint", {"INTERFACE": "wan", "LOCAL": LOCAL, "ENDPOINT_DEVICE": "lo"})
        )
        self.assertEqual(self.operator.asked, [parse_ipv6(LOCAL)])
        bound = self.router.events[1]
        self.assertEqual(bound[0], "bound")
        self.assertEqual(bound[1]["IPADDR"], "203.0.113.7/32")
        self.assertEqual(bound[1]["LINE_DEVICE"], "eth1")
        self.assertEqual(bound[1]["MTU"], 1460)
        self.assertTrue("ZONE" not in bound[1])
        self.assertEqual(len(self.router.events), 2)

    def test_onlink_prefix_puts_the_endpoint_on_the_line(self):
        self.router.status = wan6()
        self.router.status["ipv6-address"] = [
            {"address": PREFIX + "5", "mask": 64, "preferred": 600, "valid": 900}
        ]
        self.client.step(False)
        self.assertEqual(self.router.events[0][1]["ENDPOINT_DEVICE"], "eth1")

    def test_nothing_changes_when_nothing_changed(self):
        self.client.step(False)
        self.router.names()
        self.client.step(False)
        self.assertEqual(self.router.names(), [])
        self.assertEqual(len(self.operator.asked), 1)

    def test_renew_asks_but_touches_nothing(self):
        self.client.step(False)
        self.router.names()
        self.client.step(True)
        self.assertEqual(self.router.names(), [])
        self.assertEqual(len(self.operator.asked), 2)

    def test_asks_again_before_the_lifetime_ends(self):
        self.client.step(False)
        self.assertTrue(1800 <= self.client.due <= 1900)
        self.router.now = self.client.due + 1
        self.client.step(False)
        self.assertEqual(len(self.operator.asked), 2)

    def test_new_ipv4_address_is_unbound_first(self):
        self.client.step(False)
        self.router.names()
        self.operator.ipv4 = 0xCB007108
        self.client.step(True)
        self.assertEqual(self.router.names(), ["unbound", "bound"])
        self.assertTrue("203.0.113.8" in self.router.addresses)

    def test_new_prefix_moves_the_softwire(self):
        self.client.step(False)
        self.router.names()
        self.router.status = wan6(((PREFIX, 56, 0), ("2001:db8:4000:500::", 56, 600)))
        self.client.step(False)
        self.assertEqual(self.router.names(), ["unbound", "endpoint", "bound"])
        self.assertEqual(self.operator.asked[1], parse_ipv6("2001:db8:4000:500:1111:1111:1111:1111"))

    def test_local_endpoint_from_the_answer(self):
        self.operator.endpoint_of_answer = parse_ipv6("2001:db8:4000:300:cb:71:700:0")
        self.client.step(False)
        self.assertEqual(self.router.names(), ["endpoint", "endpoint", "bound"])
        self.assertEqual(self.client.held.local, self.operator.endpoint_of_answer)

    def test_lost_prefix_takes_the_softwire_back(self):
        self.client.step(False)
        self.router.names()
        self.router.status = wan6(())
        self.fails("NO_PREFIX")
        self.assertEqual(self.router.names(), ["unbound", "failed"])
        self.router.status = wan6()
        self.client.step(False)
        self.assertEqual(self.router.names(), ["bound"])

    def test_lines_without_a_usable_prefix(self):
        self.router.status = wan6(())
        self.router.status["ipv6-address"] = [
            {"address": PREFIX + "5", "mask": 64, "preferred": 600, "valid": 900}
        ]
        self.fails("ONLY_ONLINK_PREFIX")
        # netifd drops such a prefix; its default route tells of it.
        self.router.status = wan6(())
        self.router.status["route"][0]["source"] = PREFIX + "/72"
        self.fails("PREFIX_TOO_LONG")
        self.router.status = wan6((("fd00::", 48, 600),))
        self.fails("NO_PREFIX")
        self.router.status = wan6(up=False)
        self.fails("NO_LINE")
        self.router.status = None
        self.fails("NO_LINE")

    def test_failure_keeps_what_is_held(self):
        self.client.step(False)
        self.router.names()
        self.operator.error = ProvisioningError("NO_ANSWER", "silent")
        self.fails("NO_ANSWER", True)
        self.assertEqual(self.router.names(), [])
        self.assertEqual(self.client.state["phase"], "up")
        self.assertEqual(self.client.state["error"]["code"], "NO_ANSWER")
        self.operator.error = None
        self.client.step(True)
        self.assertTrue("error" not in self.client.state)

    def test_backoff_doubles_jitters_and_ends_at_five_minutes(self):
        self.operator.error = ProvisioningError("NO_ANSWER", "silent")
        delays = []
        for _ in range(12):
            self.fails("NO_ANSWER", True)
            delays.append(self.client.due - self.router.now)
        for number, delay in enumerate(delays):
            longest = min(300, 1 << number)
            self.assertTrue(longest / 2 <= delay <= longest)
        self.assertEqual([event for event in self.router.names() if event != "endpoint"], ["failed"] * 12)

    def test_retry_after_is_a_floor(self):
        self.operator.error = ProvisioningError("NO_ANSWER", "busy", 600)
        self.fails("NO_ANSWER")
        self.assertTrue(self.client.due - self.router.now >= 600)

    def test_an_event_during_the_pause_does_not_hurry_it(self):
        self.operator.error = ProvisioningError("AUTH_REJECTED", "no")
        self.fails("AUTH_REJECTED")
        self.client.step(False)
        self.assertEqual(len(self.operator.asked), 1)

    def test_refused_handover_is_named(self):
        self.router.refuses = ("bound",)
        self.fails("HANDOVER_REFUSED")
        self.assertEqual(self.router.names(), ["endpoint", "bound", "unbound", "failed"])
        self.router.refuses = ()
        self.router.now = self.client.due + 1
        self.client.step(False)
        self.assertEqual(self.router.names(), ["bound"])

    def test_accepted_handover_without_an_address_is_named(self):
        self.router.loses = ("bound",)
        self.fails("HANDOVER_REFUSED")
        self.assertEqual(self.router.names(), ["endpoint", "bound", "unbound", "failed"])
        self.assertEqual(self.client.held, None)

    def test_endpoint_that_never_appears_is_named(self):
        self.router.loses = ("endpoint",)
        self.fails("NO_ENDPOINT")
        self.assertEqual(self.operator.asked, [])
        self.assertTrue(self.router.now - 1000 <= client.SETTLE_LONGEST + 1)

    def test_lost_addresses_are_put_back_without_asking(self):
        self.client.step(False)
        self.router.names()
        self.router.addresses = []
        self.client.step(False)
        self.assertEqual(self.router.names(), ["endpoint", "unbound", "bound"])
        self.assertEqual(len(self.operator.asked), 1)

    def watched(self, received, longest=60):
        """The client in hold(), with this counter of received packets and a sent packet for each look at it."""
        sent = [0]

        def read(path):
            sent[0] += "tx" in path
            return received(self.router.now) if "rx" in path else sent[0]

        self.client.step(False)
        self.client.due = float("inf")
        self.client.watch = Watch("sw-wan", longest, read)
        self.client.wake = Wakes(self.router)

    def test_silent_border_router_leads_to_a_question(self):
        start = self.router.now
        self.watched(lambda now: 7)
        self.assertEqual(self.client.hold(), [])
        # Not within five minutes of the last question.
        self.assertTrue(300 <= self.router.now - start <= 300 + 2 * 15)
        self.client.step(False)
        self.assertEqual(len(self.operator.asked), 2)
        self.client.due = float("inf")
        again = self.router.now
        self.client.hold()
        self.assertTrue(self.router.now - again >= 300)

    def test_silence_while_the_server_is_away_asks_no_more_often(self):
        self.watched(lambda now: 7)
        self.client.hold()
        self.operator.error = ProvisioningError("NO_ANSWER", "silent")
        self.fails("NO_ANSWER")
        self.client.due = float("inf")
        again = self.router.now
        self.client.hold()
        self.assertTrue(self.router.now - again >= 300)

    def test_answering_border_router_is_left_alone(self):
        self.watched(lambda now: int(now))
        self.assertRaises(Enough, self.client.hold)
        self.assertEqual(len(self.operator.asked), 1)

    def test_no_watch(self):
        self.watched(lambda now: 7, 0)
        self.assertRaises(Enough, self.client.hold)
        self.assertEqual(set(self.client.wake.waits), {float("inf")})

    def test_line_that_speaks_all_the_time_hides_no_silence(self):
        """Each router advertisement wakes the client."""
        start = self.router.now
        self.watched(lambda now: 7)
        while len(self.operator.asked) == 1:
            self.client.wake = Wakes(self.router, [[b"line"]])
            self.client.hold()
            self.client.step(False)
            self.router.now += 3
            self.assertTrue(self.router.now - start < 330)
        self.assertTrue(self.router.now - start >= 300)

    def test_line_that_changes_while_an_answer_is_waited_for(self):
        self.client.step(False)
        self.client.wake = Wakes(self.router, [[], [b"line"], [b"line"], [b"line"]])
        self.assertTrue(self.client.wait_for_answer(None, 1000))
        self.assertTrue(self.client.wait_for_answer(None, 1000))
        self.router.status = wan6((("2001:db8:4000:500::", 56, 600),))
        self.assertRaises(client.LineChanged, self.client.wait_for_answer, None, 1000)
        self.router.status = wan6(up=False)
        self.assertRaises(ProvisioningError, self.client.wait_for_answer, None, 1000)

    def test_changed_line_is_provisioned_at_once(self):
        provision = self.operator.provision

        def once(line, source):
            self.operator.provision = provision
            self.router.status = wan6((("2001:db8:4000:500::", 56, 600),))
            raise client.LineChanged()

        self.operator.provision = once
        wake = Wakes(self.router)
        wake.waits = [0] * 99
        self.assertRaises(Enough, self.client.run, wake)
        self.assertEqual(self.operator.asked, [parse_ipv6("2001:db8:4000:500:1111:1111:1111:1111")])

    def test_bad_config_blocks_restarts(self):
        self.client.fail(ProvisioningError("BAD_CONFIG", "option x"))
        self.assertEqual(self.router.events[0][1]["BLOCK"], 1)


if __name__ == "__main__":
    unittest.main()
