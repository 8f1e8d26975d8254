# SPDX-License-Identifier: Apache-2.0
"""Which line type is tried, why, and what a Reject changes."""

import unittest

from pyrad_lite import packet
from softwire import provisioning
from softwire.config import Config
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.provisioning.softbank import classify

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


class Reply:
    """Stands for a verified packet; a Reject's attributes are nobody's parameters."""

    attributes = {"SoftBank-WANv4-IP": ["203.0.113.7"], "SoftBank-v6-GW": ["2001:db8:b::1"]}

    def __init__(self, code):
        self.code = code

    def get(self, name, default=None):
        return self.attributes.get(name, default)

    def keys(self):
        return self.attributes.keys()

    def __getitem__(self, name):
        return self.attributes[name]


class ClassifyTest(unittest.TestCase):
    def types(self, **what):
        kind, why, settled = classify(line(**what))
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
        method = provisioning.load(Config(options))
        method.log = self.logged.append
        method.exchange = self.exchange
        return method

    def exchange(self, line, source):
        self.asked.append(self.method.line_type)
        self.method.answer = {"server": "[2001:db8::1]:1812"}
        right = self.method.line_type == self.right
        return Reply(packet.AccessAccept if right else packet.AccessReject)

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

    def test_settled_or_given_types_are_the_only_ones(self):
        self.right = None
        self.provision(line(length=64, onlink=True))
        self.assertEqual(self.asked, ["next"])
        for kind in ("next", "cross"):
            self.method = self.make(line_type=kind)
            self.provision(line())
            self.assertEqual(self.asked, [kind])

    def test_silence_is_no_answer_to_the_question(self):
        def silent(line, source):
            self.asked.append(self.method.line_type)
            raise ProvisioningError("NO_ANSWER", "silent")

        self.method.exchange = silent
        self.assertEqual(self.provision(line()), "NO_ANSWER")
        self.assertEqual(self.asked, ["next"])

    def test_held_endpoint_stays_in_its_prefix(self):
        self.right = "cross"
        held = self.method.provision(line(), LOCAL)
        self.assertEqual(self.method.endpoint(line(), held), CROSS_LOCAL)
        self.assertEqual(self.method.endpoint(line()), LOCAL)
