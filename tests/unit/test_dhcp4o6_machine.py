# SPDX-License-Identifier: Apache-2.0
"""The states of a DHCPv4 client under a clock of ours: what is sent when, and what becomes of each answer."""

import unittest

from softwire import dhcpv4message
from softwire.provisioning.dhcp4o6.machine import (
    ACK,
    DISCOVER,
    NAK,
    NEVER,
    OFFER,
    RELEASE,
    REQUEST,
    TRANSITIONS,
    Machine,
)
from softwire.provisioning.dhcp4o6.transport import Response

ADDRESS, SERVER, OTHER = bytes([192, 0, 2, 16]), bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])
CLIENT = b"\xff\0\0\0\1\0\3\0\1\2\0\0\0\0\2"
PORTS = bytes.fromhex("06081200")
OURS = 0x20010DB8400003000000C00002100000


class MachineTest(unittest.TestCase):
    def setUp(self):
        self.now = 1000.0
        self.sent = []
        self.machine = Machine(self.send, self.judge, lambda: self.now, lambda low, high: (low + high) / 2)
        self.machine.client_id = CLIENT
        self.reason = None
        self.source = 0
        self.failure = None

    def send(self, message, unicast):
        if self.failure:
            raise OSError(self.failure, "unreachable")
        self.sent.append((message.option(53)[0], unicast, message))

    def judge(self, response, lease):
        self.machine.source = self.source
        return self.reason

    def kinds(self):
        """(kind, unicast) of what was sent since the last time."""
        found, self.sent = [item[:2] for item in self.sent], []
        return found

    def answer(self, kind, yiaddr=ADDRESS, several=False, xid=None, leave=(), **options):
        """Why the machine ignores it, or None."""
        values = {51: (100).to_bytes(4, "big"), 54: SERVER, 61: CLIENT}
        if kind == NAK:
            values = {54: SERVER}
        for name in options:
            values[int(name[1:])] = options[name]
        message = dhcpv4message.Message([(53, bytes([kind]))] + [(code, values[code]) for code in values])
        message.options = [item for item in message.options if item[0] not in leave]
        message.op = dhcpv4message.BOOTREPLY
        message.xid = self.machine.xid if xid is None else xid
        message.yiaddr = 0 if kind == NAK else int.from_bytes(yiaddr, "big")
        response = Response(message, [], None, "fe80::1")
        response.several = several
        return self.machine.received(response)

    def bind(self, **options):
        self.machine.event("begin")
        self.assertEqual(self.answer(OFFER, **options), None)
        self.assertEqual(self.answer(ACK, **options), None)
        self.assertEqual(self.machine.state, "BOUND")
        self.sent = []

    def wait(self, seconds):
        """Time passes, and what is due is done when it is."""
        end = self.now + seconds
        while self.machine.next() <= end:
            self.now = max(self.now, self.machine.next())
            before = (self.machine.state, self.machine.next(), len(self.sent))
            self.machine.tick()
            if (self.machine.state, self.machine.next(), len(self.sent)) == before:
                raise AssertionError("a loop without an end")
        self.now = end

    # The table

    def test_every_row_leads_somewhere(self):
        states = [key[0] for key in TRANSITIONS]
        for key in TRANSITIONS:
            following, action = TRANSITIONS[key]
            self.assertTrue(following in states or following == "OFFERED", key)
            self.assertTrue(callable(getattr(self.machine, action)))
        # Whatever is held can end, be refused and be given back.
        for state in ("BOUND", "RENEWING", "REBINDING"):
            for event in ("expired", "release", "asked", "moved"):
                self.assertIn((state, event), TRANSITIONS)
        self.assertFalse(self.machine.event("ack"))

    def test_the_short_way(self):
        self.machine.event("begin")
        self.assertEqual(self.machine.state, "SELECTING")
        xid = self.machine.xid
        self.assertEqual(self.answer(OFFER), None)
        self.assertEqual((self.machine.state, self.machine.xid), ("REQUESTING", xid))
        self.assertEqual(self.answer(ACK), None)
        self.assertEqual(self.machine.state, "BOUND")
        request = self.sent[1][2]
        self.assertEqual((request.option(50), request.option(54)), (ADDRESS, SERVER))
        self.assertEqual((request.ciaddr, request.option(61)), (0, CLIENT))
        self.assertEqual(self.kinds(), [(DISCOVER, False), (REQUEST, False)])
        self.assertEqual((self.machine.t1, self.machine.t2, self.machine.end), (1049.5, 1087.0, 1100.0))

    def test_times_count_from_the_request(self):
        self.machine.event("begin")
        self.answer(OFFER)
        self.now += 3
        self.answer(ACK)
        self.assertEqual(self.machine.end, 1100.0)

    # Silence

    def test_a_discover_is_repeated(self):
        """RFC 2131 section 4.1: 4, 8, 16 s; the same transaction, its seconds counted."""
        self.machine.event("begin")
        xid, at = self.machine.xid, []
        while self.machine.state == "SELECTING":
            at.append((self.now - 1000, self.sent[-1][2].secs))
            self.assertEqual(self.machine.xid, xid)
            self.now = self.machine.next()
            self.machine.tick()
        self.assertEqual(at, [(0, 0), (4, 4), (12, 12), (28, 28)])
        self.assertEqual((self.machine.state, self.machine.ended, self.now), ("INIT", "silence", 1060))
        # The seconds go on: a second server may wait for them.
        self.machine.event("begin")
        self.assertEqual(self.sent[-1][2].secs, 60)
        self.assertTrue(self.machine.xid != xid)

    def test_pauses_are_a_second_more_or_less(self):
        for shift in (-1, 1):
            self.machine.uniform = lambda low, high: shift  # noqa: B023
            self.machine.event("begin")
            self.assertEqual(self.machine.next(), self.now + 4 + shift)
            self.machine.state = "INIT"
            self.machine.forget()

    def test_a_request_is_repeated(self):
        """With the seconds of the DHCPDISCOVER (section 4.4.1); then all begins anew."""
        self.machine.event("begin")
        self.wait(5)
        self.answer(OFFER)
        self.sent = []
        self.wait(59)
        self.assertEqual([item[2].secs for item in self.sent], [4] * 3)
        self.assertEqual(self.kinds(), [(REQUEST, False)] * 3)
        self.wait(2)
        self.assertEqual((self.machine.state, self.machine.ended), ("INIT", "silence"))

    def test_what_cannot_be_sent(self):
        self.failure = 101
        self.machine.event("begin")
        self.assertEqual((self.machine.failure, self.machine.state), (101, "SELECTING"))
        self.failure = None
        self.wait(4)
        self.assertEqual(self.kinds(), [(DISCOVER, False)])

    # While it is held

    def test_renewed(self):
        self.bind()
        self.wait(48)
        self.assertEqual(self.kinds(), [])
        self.wait(2)
        renewal = self.sent[0][2]
        self.assertEqual((self.machine.state, self.kinds()), ("RENEWING", [(REQUEST, True)]))
        self.assertEqual(renewal.ciaddr, int.from_bytes(ADDRESS, "big"))
        self.assertEqual((renewal.option(50), renewal.option(54), renewal.option(61)), (None, None, CLIENT))
        self.assertEqual(self.answer(ACK), None)
        self.assertEqual((self.machine.state, self.machine.end), ("BOUND", 1149.5))

    def test_renewed_in_vain(self):
        """Half of the time that is left to T2, then to the end, and a minute at least (section 4.4.5)."""
        self.bind(o51=(4000).to_bytes(4, "big"))
        self.wait(3999)
        at = [(item[0], item[1], item[2].secs) for item in self.sent]
        # T1 at 1980, T2 at 3500, the end at 4000.
        self.assertEqual([item[1] for item in at], [True] * 6 + [False] * 5)
        secs = [item[2] for item in at]
        self.assertEqual(secs, [0, 760, 1140, 1330, 1425, 1485, 1520, 1770, 1895, 1957, 2017])
        self.assertEqual(self.machine.state, "REBINDING")
        self.wait(1)
        self.assertEqual(
            (self.machine.state, self.machine.ended, self.machine.lease), ("INIT", "expired", None)
        )

    def test_any_server_may_answer_while_rebinding(self):
        self.bind()
        self.wait(60)
        self.assertEqual(self.answer(ACK, o54=OTHER), "another server")
        self.wait(30)
        self.assertEqual(self.machine.state, "REBINDING")
        self.assertEqual(self.answer(ACK, o54=OTHER), None)
        self.assertEqual(self.machine.lease.server, int.from_bytes(OTHER, "big"))

    def test_without_an_end(self):
        self.bind(o51=b"\xff\xff\xff\xff")
        self.assertEqual(self.machine.next(), NEVER)
        self.machine.event("asked")
        self.assertEqual(self.kinds(), [(REQUEST, True)])
        self.assertEqual(self.machine.next(), self.now + 3600)

    def test_a_lease_of_a_second(self):
        self.bind(o51=b"\0\0\0\1")
        self.wait(0.9)
        self.assertEqual(self.kinds(), [(REQUEST, True), (REQUEST, False)])
        self.wait(0.2)
        self.assertEqual(self.machine.state, "INIT")

    def test_released(self):
        self.bind()
        self.machine.event("release")
        message = self.sent[0][2]
        self.assertEqual(self.kinds(), [(RELEASE, True)])
        self.assertEqual((message.ciaddr, message.option(54)), (int.from_bytes(ADDRESS, "big"), SERVER))
        self.assertEqual((message.option(61), message.option(55), message.option(50)), (CLIENT, None, None))
        self.assertEqual((self.machine.state, self.machine.lease), ("INIT", None))

    def test_released_in_vain(self):
        self.bind()
        self.failure = 101
        with self.assertRaises(OSError):
            self.machine.event("release")
        self.assertEqual(self.machine.state, "INIT")

    # Refusals

    def test_refused(self):
        self.machine.event("begin")
        self.assertEqual(self.answer(NAK), "a refusal in state SELECTING")
        self.answer(OFFER)
        self.assertEqual(self.answer(NAK, o54=OTHER), "another server")
        self.assertEqual(self.answer(NAK, leave=(54,)), "a refusal without server identifier")
        self.assertEqual(self.answer(NAK, o56=b"no\x1b more"), None)
        self.assertEqual(
            (self.machine.state, self.machine.ended, self.machine.text), ("INIT", "nak", "no? more")
        )

    def test_refused_while_it_is_held(self):
        for seconds, server, taken in ((60, OTHER, False), (60, SERVER, True), (90, OTHER, True)):
            self.setUp()
            self.bind()
            self.wait(seconds)
            self.assertEqual(self.answer(NAK, o54=server) is None, taken)
            self.assertEqual(self.machine.state == "INIT", taken)

    # After a restart

    def recall(self, since, **options):
        self.bind(**options)
        lease = self.machine.lease
        self.setUp()
        self.machine.recall(lease, self.source, since)
        self.machine.event("begin")

    def test_asked_for_again(self):
        self.recall(950.0)
        message = self.sent[0][2]
        self.assertEqual((self.machine.state, self.kinds()), ("REBOOTING", [(REQUEST, False)]))
        self.assertEqual((message.option(50), message.option(54), message.ciaddr), (ADDRESS, None, 0))
        self.assertEqual(self.answer(ACK, o54=OTHER), None)
        self.assertEqual((self.machine.state, self.machine.end), ("BOUND", 1100.0))

    def test_asked_for_again_and_refused(self):
        self.recall(950.0)
        self.assertEqual(self.answer(NAK), None)
        self.assertEqual((self.machine.state, self.machine.ended), ("INIT", "nak"))

    def test_asked_for_again_in_vain(self):
        self.recall(950.0)
        self.wait(11)
        self.assertEqual((self.machine.state, len(self.sent)), ("REBOOTING", 2))
        self.now = self.machine.next()
        self.machine.tick()
        self.assertEqual((self.machine.state, self.machine.end), ("BOUND", 1050.0))
        # T1 was before: it is renewed at once.
        self.assertEqual(self.machine.next(), 950 + 49.5)

    def test_its_end_comes_meanwhile(self):
        self.recall(905.0)
        self.wait(6)
        self.assertEqual((self.machine.state, self.machine.ended), ("INIT", "expired"))

    def test_it_is_over(self):
        self.bind()
        lease = self.machine.lease
        self.setUp()
        self.machine.recall(lease, 0, 899.0)
        self.assertEqual((self.machine.state, self.machine.lease), ("INIT", None))

    def test_after_a_reboot_nobody_knows_its_times(self):
        self.recall(None)
        self.wait(13)
        self.assertEqual((self.machine.state, self.machine.ended), ("INIT", "doubt"))
        self.recall(None)
        self.answer(ACK)
        self.assertEqual((self.machine.state, self.machine.end), ("BOUND", 1100.0))

    # Several offers

    def test_a_whole_address_is_preferred(self):
        """RFC 7618 section 5, within a second; of two alike the first."""
        self.machine.event("begin")
        self.assertEqual(self.answer(OFFER, several=True, o159=PORTS), None)
        self.assertEqual(self.machine.state, "SELECTING")
        self.assertEqual(self.answer(OFFER, several=True, o54=OTHER), None)
        self.assertEqual((self.machine.state, self.machine.lease.ports), ("REQUESTING", None))
        self.setUp()
        self.machine.event("begin")
        self.answer(OFFER, several=True, o159=PORTS)
        self.answer(OFFER, several=True, o159=PORTS, o54=OTHER)
        self.wait(1)
        self.assertEqual(self.machine.state, "REQUESTING")
        self.assertEqual(self.machine.lease.server, int.from_bytes(SERVER, "big"))

    def test_an_offer_that_is_of_no_use(self):
        self.machine.event("begin")
        self.reason = "no border router"
        self.assertEqual(self.answer(OFFER), "no border router")
        self.assertEqual((self.machine.state, self.machine.lease), ("SELECTING", None))

    def test_an_offer_that_is_only_looked_at(self):
        self.machine.event("probe")
        self.assertEqual(self.answer(OFFER), None)
        self.assertEqual((self.machine.state, self.kinds()), ("OFFERED", [(DISCOVER, False)]))
        self.assertTrue(self.machine.lease is not None)

    # Ports and source address

    def test_ports_are_echoed(self):
        self.bind(o159=PORTS)
        self.wait(50)
        self.assertEqual(self.sent[0][2].option(159), PORTS)
        for wrong in ({}, {"o159": bytes.fromhex("06081300")}):
            self.assertEqual(self.answer(ACK, **wrong), "another address or port set")
        self.assertEqual(self.answer(ACK, o159=PORTS), None)
        self.machine.event("release")
        self.assertEqual(self.sent[-1][2].option(159), PORTS)

    def test_the_source_address_is_told_and_echoed(self):
        self.source = OURS
        own = OURS.to_bytes(16, "big")
        self.bind(o109=own)
        self.wait(50)
        self.assertEqual(self.sent[0][2].option(109), own)
        self.assertEqual(self.answer(ACK, o109=own), None)
        self.machine.event("release")
        self.assertEqual(self.sent[-1][2].option(109), None)

    def test_the_server_has_bound_another_one(self):
        """RFC 8539 section 7.5: a minute later once more; then released, and all begins anew."""
        self.source = OURS
        self.machine.event("begin")
        self.answer(OFFER)
        self.sent = []
        for wrong in ({}, {"o109": bytes(16)}):
            self.machine.others = 0
            self.assertIn("option 109", self.answer(ACK, **wrong))
            self.assertEqual((self.machine.state, self.kinds()), ("REQUESTING", []))
        self.wait(61)
        self.assertEqual(self.kinds(), [])
        self.wait(2)
        self.assertEqual(self.kinds(), [(REQUEST, False)])
        self.assertIn("option 109", self.answer(ACK))
        self.assertEqual(self.kinds(), [(RELEASE, True)])
        self.assertEqual((self.machine.state, self.machine.ended), ("INIT", "stubborn"))

    def test_the_server_learns_ours_late(self):
        self.source = OURS
        self.machine.event("begin")
        self.answer(OFFER)
        self.answer(ACK)
        self.wait(63)
        self.assertEqual(self.answer(ACK, o109=OURS.to_bytes(16, "big")), None)
        self.assertEqual((self.machine.state, self.machine.others), ("BOUND", 0))

    # Bad answers

    def test_what_is_for_nobody(self):
        self.assertEqual(self.answer(OFFER, xid=7), "")
        self.assertEqual(self.answer(OFFER, xid=0), "")
        self.bind()
        self.assertEqual(self.answer(ACK, xid=0), "")
        self.machine.event("asked")
        self.assertEqual(self.answer(ACK, xid=self.machine.xid ^ 1), "")
        self.assertEqual(self.answer(ACK, o61=CLIENT + b"x"), "another client identifier")
        self.assertEqual(self.answer(OFFER), "message type 2 in state RENEWING")
        self.assertEqual(self.answer(ACK, leave=(53,)), "message type 0 in state RENEWING")
        self.assertEqual(self.machine.state, "RENEWING")

    def test_a_request_that_comes_back(self):
        self.machine.event("begin")
        message = self.sent[0][2]
        self.assertEqual(self.machine.received(Response(message, [], None)), "")

    def test_offers_without_what_is_needed(self):
        self.machine.event("begin")
        self.assertEqual(self.answer(OFFER, leave=(54,)), "no server identifier")
        self.assertEqual(self.answer(OFFER, leave=(51,)), "no lease time")
        self.assertIn("lease time 0", self.answer(OFFER, o51=bytes(4)))
        self.assertIn("yiaddr", self.answer(OFFER, yiaddr=bytes(4)))
        self.assertIn("offset", self.answer(OFFER, o159=b"\x10\0\0\0"))
        self.assertEqual(self.machine.state, "SELECTING")

    def test_an_ack_that_differs_from_its_offer(self):
        self.machine.event("begin")
        self.answer(OFFER)
        self.assertEqual(self.answer(ACK, o54=OTHER), "another server")
        self.assertEqual(self.answer(ACK, yiaddr=OTHER), "another address or port set")
        self.assertEqual(self.answer(ACK, o159=PORTS), "another address or port set")
        self.assertIn("lease time 0", self.answer(ACK, o51=bytes(4)))
        self.assertEqual(self.machine.state, "REQUESTING")


if __name__ == "__main__":
    unittest.main()
