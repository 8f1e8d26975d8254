# SPDX-License-Identifier: Apache-2.0
"""The resident client against a router of its own making: what it asks, hands over, holds and takes back."""

import unittest

from softwire import client, doubt, handover, portnat, provisioning, state, ubus
from softwire.address import parse_ipv6
from softwire.errors import ProvisioningError
from softwire.tunnel import PortSet, Tunnel
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
        self.renewed = []
        self.busy = 0  # how many questions netifd is too busy for
        self.stale = ()  # endpoints that netifd calls up although the device has lost them

    def ask(self, name, method):
        if method == "renew":
            self.renewed.append(name)
            return {}
        if self.busy:
            self.busy -= 1
            raise UbusError("no answer in time", ubus.TIMEOUT)
        if self.status is None:
            raise UbusError("not found", ubus.NOT_FOUND, False)
        return self.status

    def event(self, event, parameters):
        self.events.append((event, parameters))
        if event in self.refuses:
            return False
        if event in self.loses:
            return True
        if event == "endpoint_lost":
            self.stale = ()
        if event == "endpoint" and parameters["LOCAL"] not in self.addresses + list(self.stale):
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


class Operator(provisioning.Method):
    """A provisioning method whose answer, or error, a test sets."""

    def __init__(self, config):
        super().__init__(config)
        self.asked = []
        self.ipv4 = 0xCB007107
        self.refresh_after = 1000
        self.expires = None
        self.error = None
        self.ports = None
        self.endpoint_of_answer = None
        self.dropped = 0
        self.released = []
        self.open = ()
        self.hears = None
        self.ticks = []

    def endpoint(self, line, held):
        local = super().endpoint(line, held)
        return held.local if held and held.local >> 64 == local >> 64 else local

    def provision(self, line, source):
        self.asked.append(source)
        if self.error:
            raise self.error
        return Tunnel(
            self.endpoint_of_answer or source,
            parse_ipv6("2001:db8:b::1"),
            [(self.ipv4, 32)],
            1460,
            ports=self.ports,
            refresh=self.refresh_after,
            expires=self.expires,
        )

    def drop(self):
        self.dropped += 1

    def release(self, held):
        self.released.append(held)

    def sockets(self):
        return self.open

    def heard(self, sock):
        if self.hears:
            raise self.hears

    def tick(self, now):
        if self.ticks:
            wanted = self.ticks.pop(0)
            if isinstance(wanted, Exception):
                raise wanted
            return now + wanted


class Enough(BaseException):
    """A loop without end has gone on for long enough; no fault that the client could catch."""


class Wakes:
    """Stands for the FIFO: the words for each wait in turn; without words time passes."""

    def __init__(self, router, words=(), readable=()):
        self.router = router
        self.words = list(words)
        self.readable = list(readable)
        self.waits = []
        self.told = 0
        self.ours = True

    def is_ours(self):
        return self.ours

    def wait(self, seconds, sockets=()):
        if len(self.waits) > 99:
            raise Enough()
        self.waits.append(seconds)
        words = self.words.pop(0) if self.words else []
        ready = [sock for sock in sockets if sock in self.readable]
        self.router.now += 0 if words or ready else max(0, min(seconds, 1e6))
        return words, ready

    def released(self):
        self.told += 1


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
        self.operator = Operator(self.client.config)
        self.operator.wait = self.client.wait_for_answer
        self.client.method = self.operator
        self.client.wake = Wakes(router)

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

    def test_shared_address(self):
        """The firewall knows the ports before netifd makes the device, and is told when they change: while the old
        device is there, without which it would reject what goes to the new one until it is loaded again."""
        told = []
        usual = portnat.update
        portnat.update = lambda interface, device, ports, queue, signal: (
            told.append(ports and ports.key()) or (ports != self.loaded and signal("firewall"))
        )
        try:
            self.loaded = None
            self.operator.ports = PortSet(6, 8, 1)
            self.client.step(False)
            self.assertEqual(self.router.names(), ["endpoint", "firewall", "bound"])
            # The same rules with another address.
            self.loaded = self.operator.ports
            self.operator.ipv4 += 1
            self.client.step(True)
            self.assertEqual(self.router.names(), ["unbound", "bound"])
            self.operator.ports = PortSet(6, 0, 0)
            self.client.step(True)
            self.assertEqual(self.router.names(), ["firewall", "unbound", "bound"])
            self.assertEqual(told, [(6, 8, 1), (6, 8, 1), None])
            # From then on the address is whole.
            self.operator.ports = None
            self.client.step(True)
            self.assertEqual((self.router.names(), len(told)), (["unbound", "bound"], 3))
        finally:
            portnat.update = usual

    def test_rules_that_cannot_be_written(self):
        self.operator.ports = PortSet(6, 8, 1)
        self.fails("NO_RUN_DIRECTORY")
        self.assertTrue("bound" not in self.router.names())

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
        self.assertEqual(self.client.due, 2000)
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

    def turns(self, *words):
        """The loop's turns, with these words for the waits in turn, until all are looked after."""
        self.client.wake = wakes = Wakes(self.router, words)
        while wakes.words or self.client.words or self.client.postponed:
            self.client.turn()

    def test_busy_netifd_is_looked_at_again_and_nobody_asked(self):
        self.client.turn()
        self.router.names()
        due = self.client.due
        self.router.busy = 2
        self.turns([b"line"])
        self.assertEqual((self.router.busy, self.router.names(), self.client.due), (0, [], due))
        self.assertEqual(len(self.operator.asked), 1)
        self.assertTrue("error" not in self.client.state)
        # What the word told of is not forgotten meanwhile.
        self.router.busy = 2
        self.router.status = wan6((("2001:db8:4000:500::", 56, 600),))
        self.turns([b"line"])
        self.assertEqual(self.router.names(), ["unbound", "endpoint", "bound"])
        self.router.busy = 1
        self.turns([b"renew"])
        self.assertEqual(len(self.operator.asked), 3)

    def test_busy_netifd_while_an_answer_is_waited_for(self):
        self.client.turn()
        self.client.wake = Wakes(self.router, [[b"line"]])
        self.router.busy = 1
        self.assertEqual(self.client.wait_for_answer(None, 1000), False)
        self.assertEqual(self.client.postponed, [b"line"])

    def test_busy_netifd_at_the_start_and_when_it_is_time_to_ask(self):
        self.router.busy = 1
        self.fails("NETIFD_SILENT")
        self.client.step(False)
        self.router.now = self.client.due + 1
        self.router.busy = 1
        self.fails("NETIFD_SILENT")
        self.assertTrue(self.client.due > self.router.now)
        self.router.now = self.client.due
        self.client.step(False)
        self.assertEqual(len(self.operator.asked), 2)

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
        self.assertTrue(self.router.now - 1000 <= handover.SETTLE_LONGEST + 1)

    def test_lost_addresses_are_put_back_without_asking(self):
        self.client.step(False)
        self.router.names()
        self.router.addresses = []
        self.client.step(False)
        self.assertEqual(self.router.names(), ["endpoint", "unbound", "bound"])
        self.assertEqual(len(self.operator.asked), 1)

    def endless(self, loop, *words):
        """The loop does not end by itself; micropython-lib's assertRaises knows no BaseException."""
        try:
            loop(*words)
        except Enough:
            return
        self.fail("it ended")

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

    def hold(self):
        """Waits until there is a reason to look at the line."""
        while not self.client.words and self.router.now < self.client.due:
            self.client.hold()
        self.client.words = []

    def test_silent_border_router_leads_to_a_question(self):
        start = self.router.now
        self.watched(lambda now: 7)
        self.hold()
        # Not within five minutes of the last question.
        self.assertTrue(300 <= self.router.now - start <= 300 + 2 * 15)
        self.client.step(False)
        self.assertEqual(len(self.operator.asked), 2)
        self.client.due = float("inf")
        again = self.router.now
        self.hold()
        self.assertTrue(self.router.now - again >= 300)

    def test_silence_while_the_server_is_away_asks_no_more_often(self):
        self.watched(lambda now: 7)
        self.hold()
        self.operator.error = ProvisioningError("NO_ANSWER", "silent")
        self.fails("NO_ANSWER")
        self.client.due = float("inf")
        again = self.router.now
        self.hold()
        self.assertTrue(self.router.now - again >= 300)

    def test_answering_border_router_is_left_alone(self):
        self.watched(lambda now: int(now))
        self.endless(self.hold)
        self.assertEqual(len(self.operator.asked), 1)

    def test_no_watch(self):
        self.watched(lambda now: 7, 0)
        self.endless(self.hold)
        self.assertEqual(set(self.client.wake.waits), {client.LOOK_PAUSE})

    def test_line_that_speaks_all_the_time_hides_no_silence(self):
        """Each router advertisement wakes the client."""
        start = self.router.now
        self.watched(lambda now: 7)
        while len(self.operator.asked) == 1:
            self.client.wake = Wakes(self.router, [[b"line"]])
            self.hold()
            self.client.step(False)
            self.router.now += 3
            self.assertTrue(self.router.now - start < 330)
        self.assertTrue(self.router.now - start >= 300)

    def test_line_that_changes_while_an_answer_is_waited_for(self):
        self.client.step(False)
        self.client.wake = Wakes(self.router, [[], [b"line"], [b"line"], [b"line"]], [7])
        self.assertTrue(self.client.wait_for_answer(7, 1000))
        self.assertTrue(self.client.wait_for_answer(7, 1000))
        self.router.status = wan6((("2001:db8:4000:500::", 56, 600),))
        self.assertRaises(client.Again, self.client.wait_for_answer, 7, 1000)
        self.router.status = wan6(up=False)
        self.assertRaises(ProvisioningError, self.client.wait_for_answer, 7, 1000)

    def runs(self, *words):
        """The loop until it has waited a hundred times, or ends: its exit status."""
        self.client.wake = Wakes(self.router, words)
        try:
            return self.client.run(self.client.wake)
        except Enough:
            return None

    def once(self, act):
        """The next question is not answered: act() happens meanwhile."""
        provision = self.operator.provision

        def interrupted(line, source):
            self.operator.provision = provision
            self.operator.asked.append(source)
            act()
            self.client.wait_for_answer(7, 1000)
            raise ProvisioningError("NO_ANSWER", "silent")

        self.operator.provision = interrupted

    def test_changed_line_is_provisioned_at_once(self):
        def change():
            self.router.status = wan6((("2001:db8:4000:500::", 56, 600),))

        self.once(change)
        self.operator.refresh_after = None
        self.runs([b"line"])
        moved = parse_ipv6("2001:db8:4000:500:1111:1111:1111:1111")
        self.assertEqual(self.operator.asked, [parse_ipv6(LOCAL), moved])
        self.assertEqual(self.client.state["asked"], 1000)

    def test_renew_while_a_question_is_under_way_asks_anew(self):
        self.operator.refresh_after = None
        self.once(lambda: None)
        start = self.router.now
        self.runs([b"renew"])
        self.assertEqual(len(self.operator.asked), 2)
        self.assertEqual(self.client.failures, 0)
        self.assertEqual(self.client.state["asked"], start)

    def test_words_that_come_meanwhile_are_not_lost(self):
        self.operator.refresh_after = None
        self.once(lambda: None)
        self.runs([b"line", b"renew", b"line"])
        self.assertEqual(len(self.operator.asked), 2)

    # Times

    def test_retries_do_not_pass_the_end_of_the_session(self):
        self.operator.expires = 1200
        self.client.step(False)
        self.router.names()
        self.operator.error = ProvisioningError("NO_ANSWER", "silent", 5000)
        self.runs()
        told = self.router.names()
        self.assertEqual(told[:2], ["unbound", "failed"])
        self.assertTrue("203.0.113.7" not in self.router.addresses)
        # Once before the end, once at once behind it, then in peace.
        self.assertEqual(self.operator.dropped, 1)

    def test_a_busy_server_is_asked_again_before_the_end(self):
        """However long it wants to be left alone; more often the nearer the end is, and never in a hot loop."""
        self.operator.expires = 1200
        self.client.step(False)
        self.operator.error = ProvisioningError("SERVER_BUSY", "busy", 60)
        for left, least, most in (600, 60, 64), (30, 15, 15), (1, 1, 1):
            self.router.now = 2200 - left
            self.fails("SERVER_BUSY", True)
            self.assertTrue(least <= self.client.due - self.router.now <= most)

    def test_silence_ends_nothing_before_its_time(self):
        self.operator.expires = 1200
        self.client.step(False)
        self.operator.error = ProvisioningError("NO_ANSWER", "silent")
        self.client.wake = Wakes(self.router)
        while self.router.now < 2199:
            try:
                self.client.turn()
            except ProvisioningError as error:
                self.client.fail(error)
            if self.router.now < 2200:
                self.assertTrue("203.0.113.7" in self.router.addresses)
        self.assertTrue(len(self.operator.asked) > 2)

    def test_session_ends_while_a_question_is_under_way(self):
        self.operator.expires = 1001
        self.client.step(False)
        self.router.now = 2000.5
        self.assertRaises(client.Again, self.client.wait_for_answer, 7, 4000)
        self.assertEqual((self.client.held, self.operator.dropped), (None, 1))
        self.assertEqual(self.router.now, 2001)

    def test_longer_session_is_no_other_softwire(self):
        self.operator.expires = 1200
        self.client.step(False)
        self.router.names()
        self.router.now = 1900
        self.client.step(True)
        self.assertEqual(self.router.names(), [])
        self.assertEqual(self.client.expires, 1900 + 1200)

    def test_reject_ends_the_session(self):
        self.client.step(False)
        self.router.names()
        self.operator.error = ProvisioningError("AUTH_REJECTED", "no", ended=True)
        self.fails("AUTH_REJECTED", True)
        self.assertEqual(self.router.names(), ["unbound", "failed"])
        self.assertEqual((self.client.held, self.operator.dropped), (None, 1))

    def test_method_that_wants_to_be_asked_without_a_pause(self):
        self.operator.refresh_after = 0
        self.client.step(False)
        self.assertEqual(self.client.due, 1000 + client.REFRESH_SHORTEST)

    # Connections and ticks

    def test_what_comes_on_a_connection_is_the_methods(self):
        self.operator.refresh_after = None
        self.operator.open = (7, 8)
        self.client.step(False)
        self.client.wake = Wakes(self.router, [], [8])
        self.operator.hears = provisioning.Refresh()
        self.client.hold()
        self.assertEqual(self.client.due, self.router.now)
        self.client.turn()
        self.assertEqual(len(self.operator.asked), 2)

    def test_server_that_ends_it_on_the_connection(self):
        self.operator.refresh_after = None
        self.operator.open = (7,)
        self.operator.hears = ProvisioningError("NO_ANSWER", "deleted", 30, ended=True)
        self.client.step(False)
        self.router.names()
        self.client.wake = Wakes(self.router, [], [7])
        self.client.wake.waits = [0] * 99
        self.endless(self.client.run, self.client.wake)
        self.assertEqual(self.router.names(), ["unbound", "failed"])
        self.assertTrue(self.client.due >= self.router.now + 30)

    def test_ticks(self):
        self.operator.refresh_after = None
        self.operator.ticks = [30, 25, provisioning.Refresh()]
        self.client.step(False)
        self.client.watch.longest = 0
        self.client.wake = Wakes(self.router)
        for _ in range(3):
            self.client.turn()
        self.assertEqual(self.client.wake.waits, [30, 25])
        self.assertEqual(self.router.now, 1055)
        self.client.turn()
        self.assertEqual(len(self.operator.asked), 2)

    def test_ticks_without_a_pause_are_no_loop(self):
        self.operator.refresh_after = None
        self.operator.ticks = [0] * 50
        self.client.step(False)
        self.client.wake = Wakes(self.router)
        for _ in range(20):
            self.client.turn()
        self.assertTrue(self.router.now - 1000 >= 19 * client.TICK_SHORTEST)

    # Teardown

    def test_release(self):
        self.client.step(False)
        held = self.client.held
        self.assertEqual(self.runs([b"line"], [b"release"]), 0)
        self.assertEqual((self.operator.released, self.client.wake.told), ([held], 1))

    def test_release_while_a_question_is_under_way(self):
        self.once(lambda: None)
        self.assertEqual(self.runs([b"release"]), 0)
        self.assertEqual((self.operator.released, self.client.wake.told), ([], 1))

    def test_release_that_fails_is_no_reason_to_wait(self):
        def broken(held):
            raise OSError(101)

        self.client.step(False)
        self.operator.release = broken
        self.assertEqual(self.runs([b"release"]), 0)
        self.assertEqual(self.client.wake.told, 1)

    # netifd crashed and has set the interface up anew

    def test_client_whose_interface_is_another_clients_ends(self):
        """What netifd of before had open of this one's log is closed: a line would raise, and be no line."""

        def broken(text):
            raise OSError(32)

        self.client.step(False)
        self.router.names()
        wake = Wakes(self.router)
        wake.ours = False
        log, client.log = client.log, broken
        try:
            self.assertEqual(self.client.run(wake), 0)
        finally:
            client.log = log
        self.assertEqual((self.router.names(), self.operator.released), ([], []))

    # The prefix

    def test_prefix_in_use_stays_in_use(self):
        self.router.status = wan6(((PREFIX, 56, 650), ("2001:db8:4000:500::", 56, 600)))
        self.client.step(False)
        self.router.names()
        for preferred in ((600, 700), (700, 600), (20, 900)):
            self.router.status = wan6(((PREFIX, 56, preferred[0]), ("2001:db8:4000:500::", 56, preferred[1])))
            self.client.step(False)
        self.assertEqual((self.router.names(), len(self.operator.asked)), ([], 1))

    def test_prefix_from_which_nobody_answers_gives_way(self):
        new = "2001:db8:4000:500::"
        self.router.status = wan6(((PREFIX, 56, 900), (new, 56, 600)))
        self.operator.error = ProvisioningError("NO_ANSWER", "silent")
        asked = []
        for _ in range(4):
            self.fails("NO_ANSWER", True)
            asked.append(self.operator.asked[-1] >> 64 == parse_ipv6(new) >> 64)
        self.assertEqual(asked, [False, True, False, True])

    def test_held_prefix_that_died_gives_way(self):
        self.client.step(False)
        self.router.names()
        self.router.status = wan6(((PREFIX, 56, 900), ("2001:db8:4000:500::", 56, 600)))
        self.operator.error = ProvisioningError("NO_ANSWER", "silent")
        # A server that is away is no reason, as long as packets come back.
        self.fails("NO_ANSWER", True)
        self.assertEqual((self.client.avoid, self.router.renewed), ([], []))
        self.client.silent = True
        self.fails("NO_ANSWER", True)
        self.assertEqual(self.router.renewed, ["network.interface.wan6"])
        self.operator.error = None
        self.client.step(False)
        self.assertEqual(self.client.held.local, parse_ipv6("2001:db8:4000:500:1111:1111:1111:1111"))
        self.assertEqual(self.router.names(), ["unbound", "endpoint", "bound"])

    def look(self, *prefixes):
        """The line as it is a minute later."""
        self.router.now += 60
        self.router.status = wan6(prefixes)
        self.client.step(False)
        return self.client.held.local >> 64 << 64 == parse_ipv6(PREFIX)

    def test_prefix_that_the_server_forgot_gives_way_to_the_one_that_it_granted(self):
        """As odhcp6c shows it after "No Binding": the old one runs out beside a new one."""
        new = "2001:db8:4000:500::"
        self.client.step(False)
        self.assertTrue(self.look((PREFIX, 56, 540)))
        self.assertFalse(self.look((PREFIX, 56, 480), (new, 56, 600)))
        self.assertEqual(self.client.held.local >> 64 << 64, parse_ipv6(new))

    def test_two_prefixes_that_are_renewed_together(self):
        other = "2001:db8:4000:500::"
        self.router.status = wan6(((PREFIX, 56, 601), (other, 56, 600)))
        self.client.step(False)
        for preferred in ((541, 540), (600, 700), (540, 640), (700, 600), (640, 540)):
            self.assertTrue(self.look((PREFIX, 56, preferred[0]), (other, 56, preferred[1])))
        # The server adds one while it renews ours.
        self.assertTrue(self.look((PREFIX, 56, 700), (other, 56, 700), ("2001:db8:4000:700::", 56, 700)))
        self.assertEqual(len(self.operator.asked), 1)

    def test_prefixes_without_an_end_are_never_renewed(self):
        self.client.step(False)
        status = wan6(((PREFIX, 56, 540), ("2001:db8:4000:500::", 56, 1)))
        del status["ipv6-prefix"][1]["preferred"]
        for _ in range(3):
            self.router.now += 60
            status["ipv6-prefix"][0]["preferred"] -= 60
            self.router.status = status
            before = self.client.held.local
            self.client.step(False)
        self.assertEqual(self.client.held.local, before)

    def test_prefix_in_use_without_an_end_is_never_over(self):
        status = wan6(((PREFIX, 56, 600), ("2001:db8:4000:500::", 56, 500)))
        del status["ipv6-prefix"][0]["preferred"]
        self.router.status = status
        self.client.step(False)
        status["ipv6-prefix"][1]["preferred"] = 900
        self.client.step(False)
        self.assertEqual(self.client.held.local, parse_ipv6(LOCAL))

    def test_endpoint_that_vanished_without_an_event_is_put_back(self):
        self.watched(lambda now: int(now))
        self.router.addresses.remove(LOCAL)
        self.router.names()
        start = self.router.now
        self.client.hold()
        self.client.turn()
        self.client.turn()
        self.assertEqual(self.router.names(), ["endpoint"])
        self.assertTrue(self.router.now - start <= 60)
        self.assertEqual(len(self.operator.asked), 1)

    def test_client_of_a_netifd_that_crashed_ends(self):
        self.watched(lambda now: int(now))
        wake = Wakes(self.router)
        wake.ours = False
        self.router.names()
        self.assertEqual(self.client.run(wake), 0)
        # What it holds is the other client's now.
        self.assertEqual(self.router.names(), [])

    def test_line_is_not_told_to_renew_all_the_time(self):
        self.operator.error = ProvisioningError("AUTH_REJECTED", "no", ended=True)
        for _ in range(5):
            self.fails("AUTH_REJECTED", True)
        self.assertEqual(len(self.router.renewed), 1)
        self.router.now += doubt.RENEW_PAUSE
        self.fails("AUTH_REJECTED", True)
        self.assertEqual(len(self.router.renewed), 2)

    def test_line_that_is_not_answered_is_not_told_to_renew_again(self):
        """odhcp6c would give up its prefixes, the LAN's among them, though they are good for hours."""
        preferred = 3 * doubt.RENEW_PAUSE
        self.router.status = wan6(((PREFIX, 56, preferred),))
        self.operator.error = ProvisioningError("AUTH_REJECTED", "no", ended=True)
        self.fails("AUTH_REJECTED", True)
        for left in (2, 1):
            self.router.now = self.router.now + doubt.RENEW_PAUSE
            self.router.status = wan6(((PREFIX, 56, preferred - (3 - left) * doubt.RENEW_PAUSE),))
            self.fails("AUTH_REJECTED", True)
        self.assertEqual(len(self.router.renewed), 1)
        self.router.now += doubt.RENEW_PAUSE
        self.router.status = wan6(((PREFIX, 56, preferred),))
        self.fails("AUTH_REJECTED", True)
        self.assertEqual(len(self.router.renewed), 2)

    # The endpoint

    def test_endpoint_that_the_device_lost_is_made_anew(self):
        self.client.step(False)
        self.router.names()
        self.router.addresses.remove(LOCAL)
        self.router.stale = (LOCAL,)
        start = self.router.now
        self.client.step(False)
        told = self.router.names()
        self.assertEqual([event for event in told if event != "endpoint"], ["endpoint_lost"])
        self.assertEqual(told[-1], "endpoint")
        self.assertTrue(handover.LOST <= self.router.now - start < handover.LOST + 1)
        self.assertEqual(len(self.operator.asked), 1)

    def test_lost_endpoint_is_checked_for_duplicates_on_a_slow_router(self):
        """Seen in the lab: a second and a half for each event, eleven from the new address on."""
        self.client.step(False)
        self.router.addresses.remove(LOCAL)
        self.router.stale = (LOCAL,)
        there = []

        def event(name, parameters):
            self.router.now += 1.5
            accepted = self.router.event(name, parameters)
            if LOCAL in self.router.addresses:
                there.append(self.router.now)
            return accepted

        self.client.router.event = event
        self.client.router.has = lambda text: (
            text != LOCAL or there != [] and self.router.now >= there[0] + 11
        )
        self.client.router.known = lambda value: there != []
        self.client.step(False)
        self.assertEqual(self.router.addresses.count(LOCAL), 1)

    def test_address_that_somebody_deletes_is_missed_without_an_event(self):
        self.client.step(False)
        for lost in LOCAL, "203.0.113.7":
            self.hold_for(2 * client.LOOK_PAUSE)
            self.assertEqual(self.client.words, [])
            self.router.names()
            self.router.addresses.remove(lost)
            self.hold_for(2 * client.LOOK_PAUSE)
            self.assertEqual(self.client.words, [b"lost"])
            self.client.turn()
            self.assertIn(lost, self.router.addresses)
        self.assertEqual(len(self.operator.asked), 1)

    def test_address_that_does_not_come_back_is_not_asked_for_more_often(self):
        self.client.step(False)
        self.router.addresses.remove(LOCAL)
        self.router.loses = ("endpoint",)
        self.fails("NO_ENDPOINT")
        self.client.due = self.router.now + 10 * client.LOOK_PAUSE
        self.hold_for(5 * client.LOOK_PAUSE)
        self.assertEqual(self.client.words, [])

    def hold_for(self, seconds):
        """Waits for so long, or until there is a reason to look at the line."""
        end = self.router.now + seconds
        while not self.client.words and self.router.now < end:
            self.client.hold()

    def test_endpoint_that_is_checked_for_duplicates_is_waited_for(self):
        self.client.router.has = lambda text: self.router.now >= 1011 and self.router.has(text)
        self.client.router.known = lambda value: parse_ipv6(LOCAL) == value and LOCAL in self.router.addresses
        self.client.step(False)
        self.assertEqual(self.router.names(), ["endpoint", "bound"])

    def test_endpoint_of_another_softwire(self):
        self.client.router.owner = lambda text: "wan_b"
        error = self.fails("ENDPOINT_TAKEN")
        self.assertIn("wan_b", error.text)
        self.assertIn("interface_id", error.text)
        self.assertEqual(self.operator.asked, [])

    def test_bad_config_blocks_restarts(self):
        self.client.fail(ProvisioningError("BAD_CONFIG", "option x"))
        self.assertEqual(self.router.events[0][1]["BLOCK"], 1)


if __name__ == "__main__":
    unittest.main()
