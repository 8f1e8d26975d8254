# SPDX-License-Identifier: Apache-2.0
"""Which line type is tried, why, and what a Reject changes."""

import unittest

from pyrad_lite import packet
from softwire import provisioning
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.provisioning import softbank
from softwire.provisioning.softbank import classify, explain

OPTIONS = {"tunlink": "wan6", "auth_server": ["2001:db8::1"], "shared_secret": "s", "password": "p"}
PREFIX = "2001:db8:4000:300::"
LOCAL = 0x20010DB8400003001111111111111111
CROSS_LOCAL = 0x20010DB84000030000CB007107000000


def line(length=56, preferred=500, valid=800, vendor="", onlink=False):
    """vendor: sub-options of enterprise 210 as hexadecimal digits."""
    data = "000000d2" + vendor
    status = {"up": True, "l3_device": "eth1", "uptime": 99}
    entry = {"address": PREFIX, "mask": length, "preferred": preferred, "valid": valid}
    status["ipv6-address" if onlink else "ipv6-prefix"] = [entry]
    if vendor:
        status["data"] = {"passthru": "0011%04x" % (len(data) // 2) + data}
    return Line("wan6", status)


MAC_ECHO = "00c90006525400123401"
TELEPHONE = "00ca000a30333132333435363738"


# What a server tells that grants one.
GRANTED = {softbank.WANV4_IP: [b"203.0.113.7"], softbank.V6_GW: [b"2001:db8:b::1"]}


class ClassifyTest(unittest.TestCase):
    def types(self, **what):
        seen = line(**what)
        provisioning.load(OPTIONS).look(seen)
        kind, why, settled = classify(seen, seen.memo["telephone"])
        return kind, settled

    def test_only_next_lines_announce_a_64(self):
        self.assertEqual(self.types(length=64, onlink=True), ("next", True))

    def test_lifetimes_of_cross_lines(self):
        for preferred in (12600, 5000, 1):
            self.assertEqual(self.types(preferred=preferred, valid=preferred + 1800), ("cross", False))
        # of a home gateway, and without an end
        self.assertEqual(self.types(preferred=14400, valid=14400), ("next", False))
        self.assertEqual(self.types(preferred=None, valid=None), ("next", False))

    def test_prefix_without_a_telephone(self):
        self.assertEqual(self.types(vendor=MAC_ECHO), ("cross", False))
        self.assertEqual(self.types(vendor=MAC_ECHO + TELEPHONE), ("next", False))
        # a home gateway's own words
        self.assertEqual(self.types(vendor=MAC_ECHO, length=60), ("next", False))

    def test_nothing_to_go_by(self):
        self.assertEqual(self.types(), ("next", False))


class LineTypeTest(unittest.TestCase):
    def setUp(self):
        self.logged = []
        self.asked = []
        self.right = "next"
        self.method = self.make()

    def make(self, **options):
        options.update(OPTIONS)
        method = provisioning.load(options)
        method.log = self.logged.append
        method.exchange = self.exchange
        return method

    def exchange(self, line, source, prefix):
        self.asked.append(self.method.line_type)
        self.method.answer = {"server": "[2001:db8::1]:1812"}
        right = self.method.line_type == self.right
        # A Reject's attributes are nobody's parameters.
        return packet.AccessAccept if right else packet.AccessReject, GRANTED

    def provision(self, on):
        """The tunnel's local endpoint, or the error's code."""
        self.asked = []
        try:
            return self.method.provision(on, LOCAL).local
        except ProvisioningError as error:
            self.text = error.text
            return error.code

    def test_first_guess_is_right(self):
        self.assertEqual(self.provision(line()), LOCAL)
        self.assertEqual(self.asked, ["next"])
        self.assertEqual(self.method.answer["line_type"], "next")
        self.assertIn("CROSS", self.method.answer["line_type_why"])
        self.assertEqual(len(self.logged), 1)

    def test_reject_leads_to_the_other_once_and_is_remembered(self):
        self.right = "cross"
        self.assertEqual(self.provision(line()), CROSS_LOCAL)
        self.assertEqual(self.asked, ["next", "cross"])
        self.assertIn("rejected a login as next", self.method.answer["line_type_why"])
        self.assertEqual(len(self.logged), 2)
        self.assertEqual(self.provision(line()), CROSS_LOCAL)
        self.assertEqual(self.asked, ["cross"])
        self.assertEqual(len(self.logged), 2)
        # The line is another one now.
        self.assertEqual(self.provision(line(preferred=100, valid=1900)), CROSS_LOCAL)
        self.assertEqual((self.asked, len(self.logged)), (["cross"], 3))
        # The server changed its mind.
        self.right = "next"
        self.assertEqual(self.provision(line(preferred=100, valid=1900)), LOCAL)
        self.assertEqual(self.asked, ["cross", "next"])

    def test_both_rejected(self):
        self.right = None
        for _ in range(2):
            self.assertEqual(self.provision(line()), "AUTH_REJECTED")
            self.assertEqual(self.asked, ["next", "cross"])
        self.assertIn("2001:0db8:4000:0300:1111:1111:1111:1111 (next)", self.text)
        self.assertIn("2001:0db8:4000:0300 (cross)", self.text)

    def test_what_the_operator_says_beside_a_reject(self):
        """In the standard's attribute, and in its own."""

        def exchange(line, source, prefix):
            self.method.answer = {"server": "[2001:db8::1]:1812"}
            words = {softbank.REPLY_MESSAGE: [b"sorry"], (softbank.VENDOR, 18): [b"contract 7\x1b has ended"]}
            return packet.AccessReject, words

        self.method.exchange = exchange
        self.assertEqual(self.provision(line()), "AUTH_REJECTED")
        self.assertIn("1111:1111:1111:1111 ('sorry contract 7? has ended') (next)", self.text)

    def test_settled_or_given_types_are_the_only_ones(self):
        self.right = None
        self.provision(line(length=64, onlink=True))
        self.assertEqual(self.asked, ["next"])
        for kind in ("next", "cross"):
            self.method = self.make(line_type=kind)
            self.provision(line())
            self.assertEqual(self.asked, [kind])

    def test_silence_is_no_answer_to_the_question(self):
        def silent(line, source, prefix):
            self.asked.append(self.method.line_type)
            raise ProvisioningError("NO_ANSWER", "silent")

        self.method.exchange = silent
        self.assertEqual(self.provision(line()), "NO_ANSWER")
        self.assertEqual(self.asked, ["next"])

    def test_held_endpoint_stays_in_its_prefix(self):
        self.right = "cross"
        held = self.method.provision(line(), LOCAL)
        self.assertEqual(self.method.endpoint(line(), held), CROSS_LOCAL)
        self.assertEqual(self.method.endpoint(line(), None), LOCAL)


SESSION, AGAIN = softbank.SESSION_TIMEOUT, softbank.CONFIG_REQ_TIME


class AcceptTest(unittest.TestCase):
    """What an Access-Accept makes, whatever else it holds."""

    def setUp(self):
        options = {"line_type": "next"}
        options.update(OPTIONS)
        self.method = provisioning.load(options)

    def tunnel(self, wanv4=b"203.0.113.7", gateway=b"2001:db8:b::1", more=()):
        attributes = {softbank.WANV4_IP: [wanv4], softbank.V6_GW: [gateway]}
        attributes.update(more)
        return self.method.tunnel(line(), line().delegated_prefix()[0], attributes)

    def refused(self, **words):
        try:
            self.tunnel(**words)
        except ValueError as error:
            return str(error)
        return None

    def test_forms_that_equipment_sends(self):
        for wanv4 in (b"203.0.113.7", b"203.0.113.7\0", b" 203.0.113.7 \r\n", bytes([203, 0, 113, 7])):
            self.assertEqual(self.tunnel(wanv4=wanv4).ipaddr(), ["203.0.113.7/32"])
        raw = bytes([0x20, 1, 0x0D, 0xB8, 0, 0x0B]) + bytes(9) + b"\1"
        for gateway in (b"2001:db8:b::1", b"2001:0DB8:000B:0000:0000:0000:0000:0001\0\0", raw, raw + b"\0 "):
            self.assertEqual(self.tunnel(gateway=gateway).remote, 0x20010DB8000B00000000000000000001)
        # Sixteen octets that are text.
        self.assertEqual(self.tunnel(gateway=b"2001:db8:b:0::71").remote, 0x20010DB8000B00000000000000000071)

    def test_what_is_no_address_names_its_attribute(self):
        for wanv4 in (b"", b"1.2.3", b"203.0.113.7.9", bytes(4), bytes([203, 0, 113]), bytes(5) + b"x"):
            self.assertIn("SoftBank-WANv4-IP (204)", self.refused(wanv4=wanv4))
        for gateway in (b"", b"gw.example.jp", b"fe80::1", b"sixteen letters.", bytes(16), b"\xff" * 15):
            self.assertIn("SoftBank-v6-GW (207)", self.refused(gateway=gateway))

    def test_what_is_not_needed_cannot_fail(self):
        for key in softbank.SHOWN + [99, (22197, 1), (9, 1)]:
            if key not in (softbank.WANV4_IP, softbank.V6_GW):
                for value in (b"", b"\0", b"router.example.jp", bytes(8), b"\xff" * 200, b"12", b"-1"):
                    made = self.tunnel(more={key: [value]})
                    self.assertEqual((made.ipaddr(), made.expires), (["203.0.113.7/32"], None))
                    self.assertTrue(0.8 * 86400 <= made.refresh <= 0.9 * 86400)

    def test_resolvers_that_can_be_ones(self):
        dns = {softbank.DNSV4[0]: [b""], softbank.DNSV4[1]: [bytes([192, 0, 2, 53]), b"192.0.2.53"]}
        dns[softbank.DNSV6[0]] = [b"::1", b"2001:db8:53::1"]
        self.assertEqual(self.tunnel(more=dns).dns, ["192.0.2.53", "2001:db8:53::1"])

    def test_session_timeout_is_the_most_that_the_session_lasts(self):
        made = self.tunnel(more={SESSION: [bytes([0, 0, 3, 232])], AGAIN: [bytes([0, 0, 0, 99])]})
        self.assertEqual(made.expires, 1000)
        self.assertTrue(800 <= made.refresh <= 900)

    def test_times_that_make_no_sense(self):
        for octets, right in ((bytes([0, 0, 0, 1]), 60), (b"\xff" * 4, 2592000)):
            self.assertEqual(self.tunnel(more={SESSION: [octets]}).expires, right)
        self.assertEqual(self.tunnel(more={SESSION: [bytes(4)]}).expires, None)

    def test_when_to_ask_again_is_no_end(self):
        made = self.tunnel(more={AGAIN: [bytes([0, 0, 3, 232])]})
        self.assertEqual(made.expires, None)
        self.assertTrue(800 <= made.refresh <= 900)


class AnswerTest(unittest.TestCase):
    """What people are shown of an answer."""

    def shown(self, *pairs):
        kept = softbank.read(pairs)[1]
        words = provisioning.explain("softbank")
        return sorted(words.describe({"attributes": kept})["attributes"].values())

    def test_values_in_words(self):
        folder = __file__.rpartition("/")[0] + "/../../files/etc/softwire/dictionary."
        known = explain.DICTIONARIES
        explain.DICTIONARIES = (folder + "rfc", folder + "softbank")
        try:
            for key, octets, value in (
                (softbank.WANV4_IP, b"203.0.113.7", "203.0.113.7"),
                (softbank.WANV4_IP, bytes([203, 0, 113, 7]), "203.0.113.7"),
                (softbank.V6_GW, bytes([0xFF, 2]) + bytes(13) + b"\1", "ff02::1"),
                # no address: just then one wants to see it
                (softbank.V6_GW, b"gw.example.jp", "gw.example.jp"),
                (softbank.V6_GW, b"\x1b[2J", "0x1b5b324a"),
                (softbank.V6_GW, b"", "(0 octets)"),
                (softbank.SESSION_TIMEOUT, bytes([0, 0, 3, 232]), 1000),
                (softbank.SESSION_TIMEOUT, bytes(2), "0x0000"),
                (softbank.REPLY_MESSAGE, b"why?", "why?"),
                # may be a secret
                ((softbank.VENDOR, 99), b"hunter2", "(7 octets)"),
            ):
                self.assertEqual(self.shown((key, octets)), [[value]])
        finally:
            explain.DICTIONARIES = known

    def test_without_dictionaries(self):
        self.assertEqual(self.shown((softbank.V6_GW, b"2001:db8::1")), [["2001:db8::1"]])


class MacTest(unittest.TestCase):
    def setUp(self):
        self.method = provisioning.load(OPTIONS)

    def test_renewed_answer_without_the_echo_changes_nothing(self):
        self.assertEqual(self.method.needs(line(vendor=MAC_ECHO)), "52:54:00:12:34:01")
        self.assertEqual(self.method.needs(line()), "52:54:00:12:34:01")
        other = "00c90006525400123402"
        self.assertEqual(self.method.needs(line(vendor=other)), "52:54:00:12:34:02")

    def test_option_comes_first(self):
        options = {"mac": "00:00:5e:00:53:01"}
        options.update(OPTIONS)
        self.assertEqual(provisioning.load(options).needs(line(vendor=MAC_ECHO)), "00:00:5e:00:53:01")


class DiagnoseTest(unittest.TestCase):
    """What is found out where nobody answered."""

    def codes(self, error="silent", signed="off", answer=None):
        """answer: the error's code with which the question asked the other way ends; None: it is answered."""
        options = {"message_authenticator": signed}
        options.update(OPTIONS)
        method = provisioning.load(options)
        self.asked = []

        def exchange(line, source, prefix):
            self.asked.append(method.signed)
            if answer:
                raise ProvisioningError(answer, answer)

        method.exchange = exchange
        before = method.signed
        failure = ProvisioningError("NO_ANSWER", error)
        found = provisioning.explain("softbank").diagnose(method, line(), LOCAL, failure)
        self.assertEqual(method.signed, before)
        self.told = " ".join([" ".join(entry) for entry in found])
        return [entry[0] for entry in found]

    def test_the_other_way_is_asked_once(self):
        for signed, other, word in (("off", True, "send"), ("send", False, "off"), ("require", False, "off")):
            self.assertEqual(self.codes(signed=signed), ["MESSAGE_AUTHENTICATOR"])
            self.assertEqual(self.asked, [other])
            self.assertIn("'uci set network.{wan}.message_authenticator=%s; " % word, self.told)

    def test_silence_stays_silence(self):
        self.assertEqual(self.codes(answer="NO_ANSWER"), [])

    def test_another_secret_looks_like_silence_where_requests_are_signed(self):
        self.assertEqual(self.codes(signed="send", answer="SECRET_MISMATCH"), ["SECRET_MISMATCH"])
        self.assertIn("option shared_secret of interface {wan}", self.told)

    def test_answers_that_are_not_signed_though_it_is_required(self):
        told = "[2001:db8::1]:1812 is silent (ignored: 3 message-authenticator)"
        self.assertEqual(self.codes(error=told, signed="require"), ["MESSAGE_AUTHENTICATOR"])
        self.assertIn("message_authenticator=send", self.told)
        self.assertEqual(self.asked, [])

    def test_another_error_is_not_looked_into(self):
        method = provisioning.load(OPTIONS)
        failure = ProvisioningError("AUTH_REJECTED", "no")
        self.assertEqual(provisioning.explain("softbank").diagnose(method, line(), LOCAL, failure), [])


class Radius:
    """Stands for pyrad_lite's client: the request that would be sent."""

    def CreateAuthPacket(self, **words):
        return packet.AuthPacket(secret=b"s", **words)


class RequestTest(unittest.TestCase):
    def keys(self, **options):
        options.update(OPTIONS)
        method = provisioning.load(options)
        self.request = method.request(Radius(), line(vendor=MAC_ECHO), LOCAL, LOCAL >> 64 << 64)
        return list(self.request)

    def test_who_asks_is_told_where_wanted(self):
        known = self.keys()
        self.assertEqual(self.keys(nas_identifier="gate-7", nas_ipv6_address="1"), known + [32, 95])
        self.assertEqual(self.request[32], [b"gate-7"])
        self.assertEqual(self.request[95], [LOCAL.to_bytes(16, "big")])
        self.assertEqual(self.keys(nas_ipv6_address="0"), known)
