# SPDX-License-Identifier: Apache-2.0
"""pyrad_lite's client on a network and a clock of the test's own: RFC 5080 section 2.2.1, forgeries, servers."""

import unittest

from pyrad_lite import client
from test_radius_packet import SECRET, SOFTBANK, answer

MIDDLE, LOWEST, HIGHEST = b"\x80\x00", b"\x00\x00", b"\xff\xff"  # RAND 0, -0.1, +0.1
REFUSED = OSError(111)


class Net:
    """Stands for module socket, its sockets, the wait and the clock; time passes only in wait()."""

    AF_INET, AF_INET6, SOCK_DGRAM, SOL_SOCKET = 2, 10, 2, 1
    LOCAL = ("2001:db8:1::1",)

    def __init__(self):
        self.now = 0
        self.sent = []  # (milliseconds, host, octets)
        self.waiting = []  # (milliseconds, octets or OSError), soonest first
        self.calls = []
        self.open = 0
        self.respond = (
            lambda number, request: []
        )  # number of transmission, octets -> [(delay, octets or OSError)]
        self.refuse_send = []  # numbers of attempts to send that fail
        self.sockets = 99  # that can still be had

    def getaddrinfo(self, host, port, family=0, kind=0):
        host = host.decode()
        if "nowhere" in host:
            raise OSError(-2)
        hosts = [host + "-first", host + "-second"] if "twice" in host else [host]
        return [(self.AF_INET6, kind, 17, "", (each, port)) for each in hosts]

    def socket(self, family, kind):
        if not self.sockets:
            raise OSError(24)
        self.sockets -= 1
        self.open += 1
        return Socket(self)

    def wait(self, sock, milliseconds):
        assert milliseconds > 0, "a wait without end or without time"
        if self.waiting and self.waiting[0][0] <= self.now + milliseconds:
            self.now = max(self.now, self.waiting[0][0])
            return True
        self.now += milliseconds
        return False

    def times(self):
        return [when for when, _, _ in self.sent]


class Socket:
    def __init__(self, net):
        self.net = net
        self.host = None
        self.attempts = 0

    def setblocking(self, flag):
        assert not flag

    def setsockopt(self, level, option, value):
        self.net.calls.append(("setsockopt", level, option, value))

    def bind(self, address):
        if address[0] not in self.net.LOCAL:
            raise OSError(99)
        self.net.calls.append(("bind", address))

    def connect(self, address):
        if "unroutable" in address[0]:
            raise OSError(101)
        self.host = address[0]
        self.net.calls.append(("connect", address))

    def send(self, octets):
        self.attempts += 1
        if self.attempts in self.net.refuse_send:
            raise REFUSED
        self.net.sent.append((self.net.now, self.host, octets))
        for delay, what in self.net.respond(len(self.net.sent), octets):
            self.net.waiting.append((self.net.now + delay, what))
        self.net.waiting.sort(key=lambda one: one[0])

    def recv(self, octets):
        what = self.net.waiting.pop(0)[1]
        if isinstance(what, OSError):
            raise what
        return what[:octets]

    def close(self):
        self.net.open -= 1
        self.net.waiting = []


class Case(unittest.TestCase):
    def setUp(self):
        self.net = Net()
        self.rand = MIDDLE
        self.real = client.socket
        client.socket = self.net

    def tearDown(self):
        client.socket = self.real
        self.assertEqual(self.net.open, 0)

    def client(self, server="a", **args):
        made = client.Client(server, secret=SECRET, dict=SOFTBANK, **args)
        made.wait = self.net.wait
        made.ticks_ms = lambda: self.net.now
        made.ticks_diff = lambda end, start: end - start
        made.random = lambda count: self.rand
        return made

    def request(self, made):
        request = made.CreateAuthPacket(message_authenticator=False)
        request.AddAttribute("User-Name", "nemo")
        return request

    def assertTimes(self, *seconds):
        self.assertEqual(len(self.net.sent), len(seconds))
        for when, expected in zip(self.net.times(), seconds):
            self.assertTrue(abs(when - 1000 * expected) < 10, "%d ms, not %f s" % (when, expected))


class Retransmission(Case):
    """RFC 5080 section 2.2.1 with its defaults IRT 2, MRT 16, MRC 5, MRD 30, computed by hand."""

    def silence(self, **args):
        made = self.client(**args)
        with self.assertRaises(client.Timeout):
            made.SendPacket(self.request(made))
        return made

    def test_without_jitter(self):
        self.silence()
        self.assertTimes(0, 2, 6, 14)  # the fifth would be sent when MRD is over
        self.assertTrue(30000 <= self.net.now < 30010)

    def test_to_the_millisecond(self):
        """The part of one that is left of a wait is waited, too, and no more."""
        self.silence()
        self.assertEqual(self.net.times() + [self.net.now], [0, 2001, 6002, 14003, 30001])

    def test_a_wake_up_when_the_wait_is_over(self):
        self.net.respond = lambda number, octets: [(2000, b"forged")] if number == 1 else []
        self.silence()
        self.assertEqual(self.net.times()[:2], [0, 2000])

    def test_a_wake_up_when_all_is_over(self):
        self.net.respond = lambda number, octets: [(2000, b"forged")]
        self.silence(retries=2, timeout=1)
        self.assertEqual(self.net.times() + [self.net.now], [0, 2000])

    def test_with_all_the_jitter_down(self):
        self.rand = LOWEST
        self.silence()
        self.assertTimes(0, 1.8, 1.8 + 3.42, 1.8 + 3.42 + 6.498, 1.8 + 3.42 + 6.498 + 12.3462)
        self.assertTrue(30000 <= self.net.now < 30010)

    def test_with_all_the_jitter_up(self):
        self.rand = HIGHEST
        self.silence()
        self.assertTimes(0, 2.2, 2.2 + 4.62, 2.2 + 4.62 + 9.702)

    def test_bound_by_mrt(self):
        self.rand = HIGHEST
        self.silence(retries=7, timeout=60)
        at_most = [b - a for a, b in zip(self.net.times(), self.net.times()[1:])]
        self.assertTrue(max(at_most) < 17610)
        self.assertTrue(at_most[-1] > 17590)

    def test_retries_and_timeout_bound_it_as_pyrads(self):
        self.silence(retries=3, timeout=5)
        self.assertTimes(0, 2, 6)
        self.assertTrue(self.net.now <= 15010)

    def test_a_short_timeout_ends_before_the_retries(self):
        self.silence(retries=1, timeout=1)
        self.assertTimes(0)
        self.assertTrue(self.net.now < 1010)

    def test_no_retries_send_nothing(self):
        self.silence(retries=0)
        self.assertTimes()

    def test_repeats_the_same_octets_from_the_same_socket(self):
        self.silence()
        self.assertEqual(len({octets for _, _, octets in self.net.sent}), 1)
        self.assertEqual(
            [call for call in self.net.calls if call[0] == "connect"], [("connect", ("a", 1812))]
        )

    def test_a_clock_that_wraps(self):
        period = 1 << 30  # of ticks_ms on 32 bits
        made = self.client()
        made.ticks_ms = lambda: (self.net.now + period - 5000) % period
        made.ticks_diff = lambda end, start: (end - start + period // 2) % period - period // 2
        with self.assertRaises(client.Timeout):
            made.SendPacket(self.request(made))
        self.assertTimes(0, 2, 6, 14)

    def test_the_interpreters_own_clock(self):
        start = client.ticks_ms()
        self.assertTrue(isinstance(start, int))
        self.assertTrue(0 <= client.ticks_diff(client.ticks_ms(), start) < 60000)


class Replies(Case):
    def exchange(self, made, replies):
        """SendPacket against a server whose first answer is replies(request): [(delay, code, attributes, secret)]."""
        request = self.request(made)
        self.net.sent.clear()
        self.net.respond = lambda number, octets: replies(request) if number == 1 else []
        return made.SendPacket(request)

    def test_each_code(self):
        for code in (2, 3, 11):
            reply = self.exchange(
                self.client(), lambda request, code=code: [(30, answer(request, code, b"\x12\x04hi"))]
            )
            self.assertEqual((reply.code, reply["Reply-Message"], reply.source), (code, ["hi"], "a"))
            self.assertEqual(reply.tries, 1)

    def test_a_reply_without_attributes(self):
        reply = self.exchange(self.client(), lambda request: [(30, answer(request, 3, b""))])
        self.assertEqual(reply.code, 3)

    def test_bad_ones_are_counted_and_the_wait_goes_on(self):
        made = self.client()

        def replies(request):
            good = answer(request, 2, b"\x12\x04hi")
            return [
                (10, b""),
                (20, good[:19]),
                (30, good[:-1]),
                (40, answer(request, 2, b"\x12\x00")),
                (50, answer(request, 2, b"\x12\x04hi", b"another secret")),
                (60, good[:4] + bytes(16) + good[20:]),
                (70, answer(request, 2, b"\x12\x04hi", identifier=request.id ^ 1)),
                (80, answer(request, 2, b"\x50\x12" + bytes(16))),
                (90, answer(request, 2, b"\x21\x03x")),
                (100, answer(request, 5, b"")),
                (1900, good),
            ]

        reply = self.exchange(made, replies)
        self.assertEqual(reply["Reply-Message"], ["hi"])
        self.assertEqual(
            made.ignored,
            {
                "malformed": 4,
                "authenticator": 2,
                "id": 1,
                "message-authenticator": 1,
                "proxy-state": 1,
                "code": 1,
            },
        )
        self.assertTimes(0)

    def test_a_flood_of_forgeries_neither_prolongs_nor_hastens(self):
        made = self.client()
        forged = b"\x02" * 20
        self.net.respond = lambda number, octets: [(delay, forged) for delay in range(0, 16000, 50)]
        with self.assertRaises(client.Timeout):
            made.SendPacket(self.request(made))
        self.assertTimes(0, 2, 6, 14)
        self.assertTrue(self.net.now < 30010)
        self.assertTrue(made.ignored["malformed"] > 500)

    def test_two_thousand_attributes(self):
        """Forged, they are one more that is ignored; from the server, they are a reply as any other."""
        made = self.client()
        empty = b"\x12\x02" * 2038

        def replies(request):
            good = answer(request, 2, empty)
            return [(10, good[:4] + bytes(16) + good[20:])] * 3 + [(20, good)]

        reply = self.exchange(made, replies)
        self.assertEqual(made.ignored, {"authenticator": 3})
        self.assertEqual((reply.code, reply.keys(), len(reply[18])), (2, ["Reply-Message"], reply.MOST))
        self.assertTimes(0)

    def test_copies_of_the_reply_are_counted_where_asked(self):
        def replies(request):
            good = answer(request, 2, b"\x12\x04hi")
            return [(10, good), (20, good), (30, b"forged"), (400, good), (1100, good)]

        self.assertEqual(self.exchange(self.client(), replies).copies, 1)
        self.assertTrue(self.net.now < 100)
        made = self.client()
        made.linger = 1
        start = self.net.now
        self.assertEqual(self.exchange(made, replies).copies, 3)
        self.assertTrue(self.net.now - start < 1100)
        self.assertEqual(made.ignored, {"malformed": 1})

    def test_copies_are_counted_up_to_a_hundred(self):
        made = self.client()
        made.linger = 1
        reply = self.exchange(made, lambda request: [(10, answer(request, 2, b""))] * 200)
        self.assertEqual(reply.copies, 100)

    def test_an_error_ends_the_count(self):
        made = self.client()
        made.linger = 1
        reply = self.exchange(
            made,
            lambda request: [
                (10, answer(request, 2, b"")),
                (20, OSError(111)),
                (30, answer(request, 2, b"")),
            ],
        )
        self.assertEqual(reply.copies, 1)

    def test_enforce_ma_waits_for_a_signed_one(self):
        made = self.client(enforce_ma=True, retries=1, timeout=2)
        with self.assertRaises(client.Timeout):
            self.exchange(made, lambda request: [(30, answer(request, 2, b""))])
        self.assertEqual(made.ignored, {"message-authenticator": 1})

    def test_a_late_reply_to_an_earlier_transmission_counts(self):
        made = self.client()
        reply = self.exchange(made, lambda request: [(7000, answer(request, 2, b""))])
        self.assertEqual(reply.code, 2)
        self.assertTimes(0, 2, 6)

    def test_message_authenticator_is_sent_unless_refused(self):
        made = self.client()
        self.assertEqual(made.CreateAuthPacket().RequestPacket()[20:22], b"\x50\x12")
        unsigned = made.CreateAuthPacket(message_authenticator=False).RequestPacket()
        self.assertEqual(len(unsigned), 20)
        self.assertEqual(made.CreateAuthPacket(packet=unsigned).RequestPacket(), unsigned)


class Unreachable(Case):
    """ICMP errors: a server that is just being started refuses for a while."""

    def test_refusals_are_waited_out(self):
        made = self.client()
        request = self.request(made)
        self.net.respond = lambda number, octets: [(1, REFUSED if number < 3 else answer(request, 2, b""))]
        self.assertEqual(made.SendPacket(request).code, 2)
        self.assertTimes(0, 2, 6)
        self.assertEqual(made.ignored, {"unreachable": 2})

    def test_an_old_error_that_send_reports_does_not_cost_a_transmission(self):
        made = self.client()
        self.net.refuse_send = [2]
        request = self.request(made)
        self.net.respond = lambda number, octets: [(1, answer(request, 2, b""))] if number == 2 else []
        reply = made.SendPacket(request)
        self.assertEqual((reply.code, reply.tries), (2, 2))
        self.assertTimes(0, 2)

    def test_a_send_that_fails_twice_is_a_lost_one(self):
        made = self.client()
        self.net.refuse_send = [1, 2]
        request = self.request(made)
        self.net.respond = lambda number, octets: [(1, answer(request, 2, b""))]
        self.assertEqual(made.SendPacket(request).code, 2)
        self.assertTimes(2)

    def test_a_flood_of_errors_costs_a_socket(self):
        """ICMP errors can be forged, too: the question is repeated from another port, at its time."""
        made = self.client()
        request = self.request(made)
        self.net.respond = lambda number, octets: (
            [(0, REFUSED)] * 300 if number == 1 else [(0, REFUSED)] * 99 + [(1, answer(request, 2, b""))]
        )
        self.assertEqual(made.SendPacket(request).code, 2)
        self.assertTimes(0, 2)
        self.assertEqual(made.ignored, {"unreachable": 199})
        self.assertEqual([call[0] for call in self.net.calls], ["connect", "connect"])

    def test_a_flood_of_errors_and_no_other_socket(self):
        made = self.client()

        def respond(number, octets):
            self.net.sockets = 0
            return [(0, REFUSED)] * 300

        self.net.respond = respond
        with self.assertRaises(OSError):
            made.SendPacket(self.request(made))
        self.assertTimes(0)

    def test_datagrams_that_the_kernel_drops_are_no_errors(self):
        """One with a wrong checksum wakes the client and is gone: EAGAIN, as often as somebody likes."""
        made = self.client()
        request = self.request(made)
        self.net.respond = lambda number, octets: (
            [(1, OSError(11, "EAGAIN"))] * 300 + [(5, answer(request, 2, b""))]
        )
        self.assertEqual(made.SendPacket(request).code, 2)
        self.assertEqual(made.ignored, {})
        self.assertEqual([call[0] for call in self.net.calls], ["connect"])


class Servers(Case):
    def hosts(self):
        found = []
        for _, host, _ in self.net.sent:
            if host not in found:
                found.append(host)
        return found

    def send(self, made, answering):
        request = self.request(made)
        self.net.respond = lambda number, octets: (
            [(5, answer(request, 2, b""))] if self.net.sent[-1][1] == answering else []
        )
        return made.SendPacket(request)

    def test_each_gets_a_whole_run(self):
        made = self.client(["a", "b", "c"])
        self.assertEqual(self.send(made, "b").source, "b")
        self.assertTimes(0, 2, 6, 14, 30)
        self.assertEqual(self.hosts(), ["a", "b"])

    def test_all_silent(self):
        made = self.client(("a", "b"))
        with self.assertRaises(client.Timeout):
            self.send(made, None)
        self.assertEqual(len(self.net.sent), 8)

    def test_every_address_of_a_name(self):
        self.assertEqual(self.send(self.client("twice"), "twice-second").source, "twice")

    def test_a_name_or_network_that_is_not_there_is_passed_over(self):
        made = self.client(["nowhere", "unroutable", "b"])
        self.assertEqual(self.send(made, "b").source, "b")
        self.assertTimes(0)

    def test_none_that_could_be_asked_is_an_oserror(self):
        for server in ("nowhere", "unroutable", ["nowhere", "unroutable"]):
            with self.assertRaises(OSError):
                self.send(self.client(server), None)
        with self.assertRaises(client.Timeout):
            self.send(self.client(["a", "nowhere"]), None)
        with self.assertRaises(client.Timeout):
            self.send(self.client([]), None)

    def test_bind_and_device(self):
        made = self.client("a", authport=1645)
        made.device = "eth1"
        made.bind(("2001:db8:1::1", 1024))
        self.net.calls.clear()
        self.send(made, "a")
        self.assertEqual(
            self.net.calls,
            [
                ("setsockopt", 1, 25, b"eth1\0"),
                ("bind", ("2001:db8:1::1", 1024)),
                ("connect", ("a", 1645)),
            ],
        )

    def test_bind_to_an_address_that_is_not_there(self):
        made = self.client("a")
        with self.assertRaises(OSError):
            made.bind(("2001:db8:1::2", 0))
        self.net.LOCAL = ("2001:db8:1::2",)
        made.bind(("2001:db8:1::2", 0))
        self.net.LOCAL = ()  # and gone again
        with self.assertRaises(OSError):
            self.send(made, "a")

    def test_what_wait_raises_ends_the_exchange(self):
        class Woken(Exception):
            pass

        def wait(sock, milliseconds):
            raise Woken

        made = self.client(["a", "b"])
        made.wait = wait
        with self.assertRaises(Woken):
            self.send(made, "b")
        self.assertEqual(self.hosts(), ["a"])


if __name__ == "__main__":
    unittest.main()
