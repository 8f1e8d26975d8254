# SPDX-License-Identifier: Apache-2.0
"""The doctor's report: which options are shown, and that nothing of the case is, whatever the log holds."""

import unittest

from softwire.doctor import report
from softwire.doctor.finding import note
from softwire.doctor.report import configuration, secrets
from softwire.doctor.router import Router
from softwire.uci import read_sections

SECRET = "correct h\u00f6rse battery staple"
PASSWORD = "lab-pa'ss\"word/1"
NUMBER = "0312345678"
MAC = "52:54:00:12:34:0a"
NETWORK = """package network

config globals 'globals'
	option dhcp_default_duid '0004550e8400e29b41d4a716446655440000'

config interface 'wan6'
	option proto 'flets'
	option device 'eth1'
	option clientid '00:03:00:01:52:54:00:12:34:0a'
	option mac '5254.0012.340A'
	list sendopts '15:office'

config interface 'wan'
	option proto 'softwire'
	option tunlink 'wan6'
	option shared_secret '{}'
	option password '{}'
	option user_name '2001:0db8:4000:0300:1111:1111:1111:1111'
	option interface_id '::5054:ff:fe12:340a'

config interface 'vpn'
	option private_key 'QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI='
""".format(SECRET, PASSWORD.replace("'", "'\\''"))
COLLECTED = {
    "interface": "wan",
    "up": False,
    "phase": "retrying",
    "device": None,
    "tunlink": "wan6",
    "netifd_errors": [],
    "line": {"numbers": [NUMBER], "mac": MAC, "prefixes": ["2001:db8:4000:300::/56"], "onlink": []},
}


class Stage(Router):
    """A router with these files, this configuration and this log."""

    def __init__(self, lines):
        self.lines = lines
        self.outputs = {"uci -q export network": NETWORK}

    def sections(self, package):
        return read_sections(self.run("uci", "-q", "export", package))

    def run(self, *words):
        return self.outputs.get(" ".join(words), "")

    def read(self, path):
        return {"/sys/class/net/eth1/address": MAC}.get(path, "")

    def lines(self, path):
        return self.read(path).split("\n")

    def listdir(self, path):
        return ["eth1", "lo"] if path == "/sys/class/net" else []

    def settings(self, interface):
        return {"password": PASSWORD}

    def uptime(self):
        return 100.0

    def log(self, count, wanted, most):
        return [line for line in self.lines if any([word in line for word in wanted])][-most:]


class ReportTest(unittest.TestCase):
    def setUp(self):
        self.usual = report.examine, report.status, report.sip
        self.findings = []

        class Status:
            collect = staticmethod(lambda interface, status_of: COLLECTED)
            text = staticmethod(lambda told, now: "wan: down\n  prefix " + told["line"]["prefixes"][0])

        class Sip:
            class Lines:
                numbers = ["0312345679"]

            find = staticmethod(lambda interface, status_of: Sip.Lines)

        report.examine = lambda interface, router, host: self.findings
        report.status, report.sip = Status, Sip

    def tearDown(self):
        report.examine, report.status, report.sip = self.usual

    def told(self, *lines):
        """The report with these lines in the log."""
        out = []
        report.main("wan", None, Stage(list(lines)), out.append)
        return "\n".join(out)

    def test_options_by_their_name(self):
        told = self.told()
        for line in (
            "    option clientid 'DUID-LL (hidden)'",
            "    option mac '52:54:00:m1'",
            "    list sendopts '(hidden)'",
            "    option shared_secret '(hidden)'",
            "    option user_name '(hidden)'",
            "    option interface_id '::y1'",
            "    option device 'eth1'",
            "  prefix 2001:db8:x1::/56",
        ):
            self.assertIn(line, told)

    def test_a_log_of_any_octets(self):
        told = self.told(
            b"softwire: \xff\xfe " + SECRET.encode() + b" " + MAC.encode(),
            b"odhcp6c: " + b"." * 385 + PASSWORD.encode(),
            b"softwire: 000000d200ca000a" + b"30333132333435363739",
            b"another: line",
        )
        self.assertIn("softwire: ?? (hidden) 52:54:00:m1", told)
        self.assertIn("." * 385 + "(hidde", told)
        self.assertIn("softwire: (18 octets)", told)
        self.assertTrue("another" not in told)
        for text in ("battery", "correct h", "lab-pa", "0303132", MAC[9:], "8400e29b"):
            self.assertTrue(text not in told, text)

    def test_findings(self):
        """They quote what the router and the line say, at any length."""
        self.findings.append(("settings", note("X", "x" * 395 + PASSWORD, SECRET, "tel:" + NUMBER)))
        told = self.told()
        for line in ("x" * 395 + "(hidd (X)", "seen   (hidden)", "do     tel:tel1"):
            self.assertIn(line, told)

    def test_netifds_refused_call(self):
        """A line that netifd logs has what odhcp6c passed on in hexadecimal digits, numbers among it."""
        told = self.told(
            b'netifd: wan6 (2101): Command failed: ubus call network.interface notify_proto { "action": 0, "data": '
            b'{ "passthru": "00110043000000d200c9000652540012340a00ca000a30333132333435363738" }, "ip6prefix": '
            b'[ "2001:db8:4000:300::\\/56" ] } (Permission denied)'
        )
        self.assertIn('"passthru": "(32 octets)"', told)
        self.assertIn("2001:db8:x1::\\/56", told)


class ConfigurationTest(unittest.TestCase):
    def test_which_options_are_secret(self):
        sections = [
            (
                "wan",
                "interface",
                {"password": "one", "shared_secret": "two", "user_name": "three", "mtu": "1400"},
            ),
            ("wg0", "interface", {"private_key": "four", "addresses": ["five"]}),
            ("radio", "wifi", {"key": "six"}),
        ]
        self.assertEqual(
            sorted(secrets(sections, [{"password": "seven"}])), sorted("one two three four six seven".split())
        )

    def test_configuration(self):
        options = {
            "proto": "softwire",
            "password": "p",
            "shared_secret": "s",
            "user_name": "u",
            "note": "mine",
        }
        options.update({"auth_server": ["a", "b"], "zone": "wan"})
        known = ["proto", "password", "shared_secret", "user_name", "auth_server", "zone"]
        self.assertEqual(
            list(configuration("wan", options, known)),
            [
                "config interface 'wan'",
                "    list auth_server 'a'",
                "    list auth_server 'b'",
                "    option note '(hidden)'",
                "    option password '(hidden)'",
                "    option proto 'softwire'",
                "    option shared_secret '(hidden)'",
                "    option user_name '(hidden)'",
                "    option zone 'wan'",
            ],
        )
        self.assertEqual(list(configuration("", {}, known)), [])

    def test_a_user_name_that_is_an_address(self):
        """It is found as an address, in every spelling."""
        options = {"user_name": "2001:0db8:4000:0300"}
        self.assertEqual(secrets([("wan", "interface", options)], []), [])


if __name__ == "__main__":
    unittest.main()
