# SPDX-License-Identifier: Apache-2.0
"""On demand (draft-bound-dstm-exp-00 sections 4 and 5.2): when somebody is asked, what becomes of the packets."""

import struct
import unittest

from softwire import client, demand, kernel, portnat, provisioning, state
from softwire.address import parse_ipv6
from softwire.errors import ProvisioningError
from softwire.provisioning import _demand
from softwire.tunnel import PortSet, Tunnel
from test_client import Router, Wakes
from test_portnat import Pages

QUEUE = demand.number("wan")
IPV4 = 0xCB007107


class Kernel:
    """Stands for a netlink socket, and for the queue at its other end."""

    def __init__(self, refuses=0):
        self.refuses = refuses
        self.said = []  # (type, flags, number of the queue, {attribute: octets})
        self.told = []
        self.closed = False

    def setblocking(self, wanted):
        assert not wanted

    def send(self, octets):
        length, kind, flags, _, _ = struct.unpack("@IHHII", octets[:16])
        assert length == len(octets)
        found, at = {}, 20
        while at < length:
            size, name = struct.unpack("@HH", octets[at : at + 4])
            found[name] = octets[at + 4 : at + size]
            at += size + -size % 4
        self.said.append((kind, flags, int.from_bytes(octets[18:20], "big"), found))
        if flags & 4:
            self.told.append(struct.pack("@IHHIIi", 36, 2, 0, 0, 0, -self.refuses))
        return length

    def recv(self, most):
        if not self.told:
            raise OSError(11, "again")
        found = self.told.pop(0)
        if isinstance(found, Exception):
            raise found
        return found[:most]

    def packet(self):
        self.told.append(struct.pack("@IHHII", 32, 0x300, 0, 0, 0) + bytes(16))

    def fileno(self):
        return id(self)

    def close(self):
        self.closed = True

    def verdicts(self):
        found = [row[3][2] for row in self.said if row[0] == 0x303]
        return [int.from_bytes(octets[:4], "big") for octets in found]


class Sockets:
    """Stands for the module socket."""

    SOCK_RAW = 3

    def __init__(self):
        self.made = []
        self.refuses = 0

    def socket(self, *kind):
        assert kind == (16, 3, 12)
        self.made.append(Kernel(self.refuses))
        return self.made[-1]


class Operator(provisioning.Method):
    """A method whose answer, or error, a test sets."""

    options = _demand.OPTIONS
    demand = True
    expires = None
    shared = None
    error = None

    def __init__(self, config, interface=""):
        super().__init__(config, interface)
        self.did = []
        self.due = None

    def provision(self, line, source):
        self.did.append("ask")
        if self.error:
            raise self.error
        return Tunnel(
            source,
            parse_ipv6("2001:db8:b::1"),
            [(IPV4, 32)],
            1460,
            ports=self.shared,
            expires=self.expires,
            refresh=3600,
        )

    def refresh(self, line, source, held):
        self.did.append("renew")
        return Operator.provision(self, line, source)

    def release(self, held):
        self.did.append("release")

    def drop(self):
        self.did.append("drop")

    def tick(self, now):
        return self.due


class DemandCase(unittest.TestCase):
    def setUp(self):
        self.sockets = sockets = Sockets()
        self.saved = demand.socket, demand.lacking, demand.read_counter, portnat.update
        self.sent = 0
        self.rules = []
        demand.socket = sockets
        demand.lacking = lambda: None
        demand.read_counter = lambda path: self.sent
        portnat.update = lambda *given: (
            self.rules.append(given[:4]) or len(self.rules) == 1 and given[4]("firewall")
        )

    def tearDown(self):
        demand.socket, demand.lacking, demand.read_counter, portnat.update = self.saved


class QueueTest(DemandCase):
    def test_what_the_kernel_is_told(self):
        """The queue, a mode in which it tells of packets at all (no copy would mean: none), how many it keeps."""
        queue = demand.Queue(QUEUE)
        queue.open()
        queue.open()
        (there,) = self.sockets.made
        kind, flags, number, attributes = there.said[0]
        self.assertEqual((kind, flags, number, len(there.said)), (0x302, 5, QUEUE, 1))
        self.assertEqual(attributes, {1: b"\1\0\0\0", 2: b"\0\0\0\0\1", 3: (128).to_bytes(4, "big")})
        there.packet()
        queue.let_go()
        self.assertEqual(there.said[1][0], 0x303)
        self.assertEqual(there.said[1][3], {2: b"\0\0\0\1\x7f\xff\xff\xff"})
        self.assertEqual((there.told, there.closed, queue.sock), ([], True, None))
        queue.let_go()
        queue.close()
        self.assertEqual((queue.heard(), len(self.sockets.made)), (False, 1))

    def test_somebody_else_has_it(self):
        self.sockets.refuses = 1
        queue = demand.Queue(QUEUE)
        try:
            queue.open()
        except OSError as error:
            self.assertEqual(error.errno, 1)
        self.assertEqual((queue.sock, self.sockets.made[0].closed), (None, True))

    def test_what_was_heard(self):
        """An error message, as for a verdict on nothing, is no packet; more than fits is."""
        queue = demand.Queue(QUEUE)
        queue.open()
        (there,) = self.sockets.made
        self.assertEqual(queue.heard(), False)
        there.told = [struct.pack("@IHHIIi", 36, 2, 0, 0, 0, -2), b"", b"short"]
        self.assertEqual(queue.heard(), False)
        there.packet()
        there.told.append(struct.pack("@IHHIIi", 36, 2, 0, 0, 0, -2))
        self.assertEqual((queue.heard(), there.told), (True, []))
        there.told = [OSError(105, "no buffer space")]
        self.assertEqual(queue.heard(), True)
        there.told = [OSError(9, "bad")] * 2
        self.assertRaises(OSError, queue.heard)

    def test_a_number_of_its_own(self):
        """Above those that people choose, the same at each start."""
        found = {demand.number(name) for name in ("wan", "wan_b", "wan2", "nihongo", "x" * 30)}
        self.assertEqual((len(found), QUEUE), (5, demand.number("wan")))
        self.assertEqual([number for number in found if not 0xC000 <= number <= 0xFFFF], [])

    def test_rules(self):
        pages = Pages()
        demand.write(pages, "wan", "sw-wan", 50000)
        text = pages.text
        self.assertEqual(text.count("{"), text.count("}"))
        self.assertEqual(text.count("bypass to 50000"), 3)
        self.assertTrue('oifname "sw-wan" queue' in text and "chain want_wan {" in text)

    def test_what_is_not_installed(self):
        saved = kernel.has_module, kernel.listdir
        modules = ["nft_queue", "nft_fib_ipv4"]
        programs = ["fw4"]
        kernel.has_module = lambda name: name in modules
        kernel.listdir = lambda path: programs
        try:
            lacking = self.saved[1]
            self.assertEqual(lacking(), None)
            programs.clear()
            self.assertEqual(lacking(), "firewall4")
            modules.pop()
            self.assertEqual(lacking(), "kmod-nft-fib")
            modules.clear()
            self.assertEqual(lacking(), "kmod-nft-queue")
        finally:
            kernel.has_module, kernel.listdir = saved


class ClientTest(DemandCase):
    """The resident client with such a method."""

    def setUp(self):
        super().setUp()
        self.router = router = Router()
        saved = provisioning.find
        provisioning.find = lambda name: Operator
        try:
            options = {"tunlink": "wan6", "provisioning": "x", "demand": "1", "idle": "100", "watch": "0"}
            self.client = client.Client(
                "wan", options, router.ask, router.event, router.has, router.clock, router.pause
            )
        finally:
            provisioning.find = saved
        self.method = self.client.method
        self.method.log = lambda text: None
        self.client.wake = self.wakes = Wakes(router)

    def turns(self, count=1, words=(), packet=False):
        """So many turns of the client's loop; a packet comes before the first."""
        self.wakes.words = list(words)
        if packet:
            self.packet()
        for _ in range(count):
            self.wakes.waits = []
            try:
                self.client.turn()
            except client.Again:
                self.client.due = self.router.now
            except ProvisioningError as error:
                self.client.fail(error)
            self.wakes.readable = []

    def packet(self):
        sock = self.method.queue.sock
        sock.packet()
        self.wakes.readable = [sock]

    def did(self):
        found, self.method.did = self.method.did, []
        return found

    @property
    def kernel(self):
        return self.sockets.made[-1]

    def begin(self):
        """An address is held, for a packet."""
        self.turns()
        self.turns(3, packet=True)
        self.assertEqual(self.client.held.addresses, [(IPV4, 32)])
        self.router.names()
        self.did()

    def test_5_2_the_route_is_there_and_nobody_is_asked(self):
        self.turns(3)
        self.assertEqual(self.did(), [])
        self.assertEqual([event for event, _ in self.router.events], ["endpoint", "firewall", "bound"])
        bound = self.router.events[-1][1]
        self.assertEqual((bound["IPADDR"], bound["ROUTES"], bound["REMOTE"]), ("", "0.0.0.0/0", "100::1"))
        self.assertEqual(self.rules, [("wan", "sw-wan", None, QUEUE)])
        self.assertEqual(self.client.state["phase"], "waiting for a packet")

    def test_nothing_is_polled_while_it_waits(self):
        """It wakes up to look around as every softwire does, and for nothing else; the border router is not watched."""
        self.client.watch.longest = 20
        self.turns(2)
        self.assertEqual([round(wait) for wait in self.wakes.waits], [client.LOOK_PAUSE])

    def test_4_the_first_packet_makes_it_ask_and_goes_on(self):
        self.turns()
        self.turns(packet=True)
        self.assertEqual(self.did(), [])
        there = self.kernel
        self.turns()
        self.assertEqual((self.did(), there.verdicts()), (["ask"], []))
        # netifd makes another device; the packet is let go when that one is there, and later ones pass by.
        self.assertEqual(self.router.names()[-2:], ["unbound", "bound"])
        self.assertEqual((self.client.state["phase"], there.closed), ("up", False))
        self.turns()
        self.assertEqual((there.verdicts(), there.closed), ([demand.ACCEPT], True))
        self.assertEqual(self.method.sockets(), ())
        self.assertEqual([given[3] for given in self.rules], [QUEUE] * 2)

    def test_what_the_kernel_says_of_verdicts_is_no_packet(self):
        self.turns(2)
        self.kernel.told = [struct.pack("@IHHIIi", 36, 2, 0, 0, 0, -2)]
        self.wakes.readable = [self.kernel]
        self.turns(2)
        self.assertEqual(self.did(), [])

    def test_idle_gives_it_back(self):
        """After option idle, seen within a quarter of it more; and the next packet starts anew."""
        self.begin()
        start = self.method.since
        while "release" not in self.method.did and self.router.now < start + 1000:
            self.turns()
        self.assertTrue(100 <= self.router.now - start <= 125)
        self.assertEqual(self.did(), ["release", "drop"])
        self.assertEqual(self.router.names(), ["unbound", "bound"])
        self.assertEqual(
            (self.client.held.addresses, self.client.state["phase"]), ([], "waiting for a packet")
        )
        self.turns(2, packet=True)
        self.assertEqual(self.did(), ["ask"])

    def test_it_is_looked_at_rarely(self):
        self.begin()
        start = self.router.now
        looks = []
        demand.read_counter = lambda path: looks.append(path) or len(looks)
        while self.router.now < start + 1000:
            self.turns()
        self.assertEqual((self.did(), set(looks)), ([], {"/sys/class/net/sw-wan/statistics/tx_packets"}))
        self.assertTrue(len(looks) <= 41)

    def test_what_the_method_sends_itself_keeps_nothing(self):
        self.begin()
        start = self.router.now
        while "release" not in self.method.did and self.router.now < start + 1000:
            self.sent += 1
            self.method.own_packets += 1
            self.turns()
        self.assertEqual(self.did(), ["release", "drop"])

    def test_while_packets_leave_it_is_renewed(self):
        self.begin()
        start = self.router.now
        while self.router.now < start + 8000:
            self.sent += 1
            self.turns()
        self.assertEqual(self.did(), ["renew", "ask"] * 2)

    def test_the_methods_own_time_counts(self):
        self.begin()
        self.method.due = self.router.now + 3
        self.assertEqual(self.method.tick(self.router.now), self.router.now + 3)

    def test_a_refusal_drops_what_waits_and_is_told(self):
        """Packets do not even wake the client until the pause is over."""
        self.method.error = ProvisioningError("POOL_EXHAUSTED", "none left", 60)
        self.turns()
        self.turns(2, packet=True)
        self.assertEqual((self.did(), self.method.sockets()), (["ask"], ()))
        self.assertEqual((self.kernel.closed, self.kernel.verdicts()), (True, []))
        self.assertEqual(self.client.state["phase"], "retrying")
        # The route stays, nobody hears "unreachable"; and without a packet nobody asks again.
        self.assertEqual(self.router.names()[-1], "bound")
        start = self.router.now
        while self.router.now < start + 500:
            self.turns()
        self.assertEqual(self.did(), [])
        self.assertEqual(self.client.state["phase"], "waiting for a packet")
        self.assertEqual(self.client.state["error"]["code"], "POOL_EXHAUSTED")
        self.method.error = None
        self.turns(3, packet=True)
        self.assertTrue("error" not in self.client.state)

    def test_where_nobody_answers_another_prefix_is_tried(self):
        """As without anything that is held."""
        self.method.error = ProvisioningError("NO_ANSWER", "silence")
        self.turns()
        before = self.client.held.local >> 64
        self.turns(2, packet=True)
        self.assertEqual(self.client.avoid, [before])

    def test_who_refuses_is_left_alone_for_longer_and_longer(self):
        """Whatever comes meanwhile."""
        self.method.error = ProvisioningError("AUTH_REJECTED", "no")
        self.turns()
        asked = []
        start = self.router.now
        while self.router.now < start + 3000:
            if self.method.queue.sock:
                self.packet()
            self.router.now += 0.2
            self.turns()
            if self.did():
                asked.append(self.router.now)
        pauses = [after - before for before, after in zip(asked, asked[1:])]
        wanted = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
        self.assertTrue(len(pauses) >= len(wanted))
        for pause, least in zip(pauses, wanted):
            self.assertTrue(least <= pause <= least + 2)

    def test_a_login_that_is_refused_ends_the_route(self):
        """Then hosts hear that there is no way, until it is tried again."""
        self.method.error = ProvisioningError("AUTH_REJECTED", "no", ended=True)
        self.turns()
        there = self.kernel
        self.turns(2, packet=True)
        self.assertEqual(self.router.names()[-2:], ["unbound", "failed"])
        self.assertEqual((there.closed, self.client.held), (True, None))
        self.turns(3)
        self.assertEqual(self.router.names()[-1], "bound")
        self.assertEqual(self.client.state["phase"], "waiting for a packet")
        self.assertEqual(self.did(), ["ask", "drop"])

    def test_an_address_that_is_over_is_asked_for_at_the_next_packet(self):
        self.method.expires = 50
        self.begin()
        self.sent = 1
        while self.client.held and self.client.held.addresses:
            self.sent += 1
            self.turns()
        self.turns(3)
        self.assertEqual((self.did(), self.client.state["phase"]), (["drop"], "waiting for a packet"))
        self.turns(2, packet=True)
        self.assertEqual(self.did(), ["ask"])

    def test_a_shared_address_leaves_its_rules(self):
        """So that fw4 need not load anything when the next one is asked for."""
        self.method.shared = PortSet(0, 4, 3)
        self.begin()
        while self.client.held.addresses:
            self.turns()
        self.assertEqual(self.client.held.ports.key(), (0, 4, 3))
        self.assertEqual([given[2] and given[2].key() for given in self.rules], [None, (0, 4, 3), (0, 4, 3)])

    def test_teardown(self):
        """There is nothing to give back while it waits."""
        for packet, did in (False, []), (True, ["ask", "release"]):
            self.tearDown()
            self.setUp()
            self.turns()
            self.turns(3, packet=packet)
            try:
                self.turns(words=[[b"release"]])
            except client.Released:
                self.client.release()
            self.assertEqual((self.did(), self.wakes.told), (did, 1))
            self.assertEqual(self.method.queue.sock, None)

    def test_the_queue_is_somebody_elses(self):
        self.sockets.refuses = 1
        self.turns()
        self.assertEqual(self.client.state["error"]["code"], "INTERNAL")
        self.sockets.refuses = 0
        self.turns(3)
        self.assertEqual(self.client.state["phase"], "waiting for a packet")

    def test_a_package_that_is_not_there(self):
        demand.lacking = lambda: "kmod-nft-queue"
        self.turns()
        error = self.client.state["error"]
        self.assertEqual(error["code"], "MISSING_PACKAGE")
        self.assertTrue("kmod-nft-queue" in error["text"])

    def test_the_line_moves_while_it_asks(self):
        """The exchange is broken off; the packet still waits, and is asked for from the new address."""
        self.turns()
        self.packet()
        method, asked = self.method, []
        real = Operator.provision

        def provision(self, line, source):
            asked.append(source)
            if len(asked) == 1:
                raise client.Again()
            return real(self, line, source)

        Operator.provision = provision
        try:
            self.turns(4)
        finally:
            Operator.provision = real
        self.assertEqual((len(asked), method.lease), (2, True))


class LoadTest(unittest.TestCase):
    def test_only_where_it_is_wanted(self):
        options = {"tunlink": "wan6", "provisioning": "tsp", "server": ["2001:db8::1"]}
        for more, lease in ({}, None), ({"demand": "0"}, None), ({"demand": "1"}, False):
            options.update(more)
            for name in "tsp", "dstm":
                options["provisioning"] = name
                self.assertEqual(getattr(provisioning.load(options), "lease", None), lease)
        self.assertEqual(provisioning.load(options).config["idle"], 600)
        options["provisioning"] = "dslite"
        self.assertEqual(hasattr(provisioning.load(options), "lease"), False)


state.RUN_DIR = "/nonexistent/softwire"

if __name__ == "__main__":
    unittest.main()
