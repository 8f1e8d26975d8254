# SPDX-License-Identifier: Apache-2.0
"""Why a line does not come up, told from its status in netifd and its configuration."""

import unittest

from softwire.line import Line
from softwire.status import describe_line, explain

DOWN = {"up": False, "device": "eth1", "proto": "dhcpv6"}


def hint(status, **options):
    """options: section__name=value, as in /etc/config/network."""
    return explain("wan6", Line("wan6", status), lambda section, name: options.get(section + "__" + name))


class DuidTest(unittest.TestCase):
    def test_option_clientid(self):
        told = hint(DOWN, wan6__clientid="00:04:12:34", globals__dhcp_default_duid="00030001525400123401")
        self.assertIn("network.wan6.clientid is a DUID-UUID", told)
        self.assertIn("uci delete network.wan6.clientid", told)
        self.assertIn("DUID-LLT", hint(DOWN, wan6__clientid="000100012345"))
        self.assertIn("another kind", hint(DOWN, wan6__clientid="cafe"))

    def test_default_of_25_12(self):
        told = hint(DOWN, globals__dhcp_default_duid="0004123456")
        self.assertIn("network.globals.dhcp_default_duid is a DUID-UUID", told)
        self.assertIn("uci set network.wan6.clientid=00030001", told)
        # proto flets does not use it
        told = hint(dict(DOWN, proto="flets"), globals__dhcp_default_duid="0004123456")
        self.assertTrue("globals" not in told)

    def test_right_one(self):
        for options in ({}, {"wan6__clientid": "00030001525400123401"}):
            self.assertIn("answers DUID-LL client identifiers only", hint(DOWN, **options))


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
