# SPDX-License-Identifier: Apache-2.0
"""What the doctor's report leaves out: secrets, numbers, addresses; and what it must leave as it is."""

import unittest

from softwire.doctor.redact import Redactor
from softwire.doctor.report import configuration, secrets


class RedactTest(unittest.TestCase):
    def test_the_same_gets_the_same(self):
        redactor = Redactor()
        for text, shown in (
            ("2001:db8:4000:300::/56", "2001:db8:x1::/56"),
            ("2001:db8:4000:300:1111:1111:1111:1111", "2001:db8:x1:1111:1111:1111:1111"),
            ("2001:db8:4000:301::1", "2001:db8:x1:1::1"),
            ("2001:db8:4000:300:5054:ff:fe12:3401", "2001:db8:x1:y1"),
            ("[2001:db8:1812::1]:1812 is silent;", "[2001:db8:x2::1]:1812 is silent;"),
            ("user 2001:0db8:4000:0300", "user 2001:db8:x1::"),
            ("2001:0DB8:4000:0300:1111:1111:1111:1111,", "2001:db8:x1:1111:1111:1111:1111,"),
            ("fe80::5054:ff:fe12:3401%eth1", "fe80::y1%eth1"),
            ("203.0.113.7/32, 203.0.113.8 203.0.113.7.", "203.n1/32, 203.n2 203.n1."),
            ("198.51.100.53:53", "198.n3:53"),
            ("mac=52:54:00:12:34:01 00-00-5E-00-53-AF", "mac=52:54:00:m1 00-00-5E-m2"),
            ("52:54:00:12:34:01:", "52:54:00:m1:"),
            ("fd12:3456:789a::1", "fd:x3::1"),
        ):
            self.assertEqual(redactor.text(text), shown)

    def test_numbers_and_octets(self):
        for text, shown in (
            ("telephone 0312345678, 03-1234-5679", "telephone tel1, tel2"),
            ("+81312345678", "+tel1"),
            ("sub-option 220: deadbeef01", "sub-option 220: (5 octets)"),
            ("000000d20006525400123401", "(12 octets)"),
        ):
            self.assertEqual(Redactor().text(text), shown)

    def test_what_stays(self):
        for text in (
            "fe80::1 ::1 :: ff02::1:2", "192.168.1.1/24 10.0.0.1 172.16.0.1 100.64.0.1 127.0.0.1 0.0.0.0/0",
            "Sat Nov 21 11:03:32 2026 daemon.notice netifd: wan (1234): up", "2026-11-21", "MTU 1460, 86400 s",
            "sw-wan eth1.10 kernel 6.6.110 micropython 1.25.0 softwire-0.1.0-r1", "1111:1111:1111:1111",
            "e-wmta2.3,V5.0.0.1.rc35", "www.example.com wan: wan6:", "", "-", "::::", "a\nb\n",
        ):  # fmt: skip
            self.assertEqual(Redactor().text(text), text)

    def test_secrets_in_every_quoting(self):
        redactor = Redactor(['it\'s "a/b"', "pass", "password"])
        for text in (
            'it\'s "a/b"',
            'it\'s \\"a/b\\"',
            'it\'s \\"a\\/b\\"',
            "it'\\''s \"a/b\"",
            "password",
            "pass",
        ):
            self.assertEqual(redactor.text("x=" + text), "x=(hidden)")
        # A secret that looks like an address, or is part of one.
        self.assertEqual(Redactor(["203.0.113.7"]).text("203.0.113.7"), "(hidden)")

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
                "\tlist auth_server 'a'",
                "\tlist auth_server 'b'",
                "\toption note '(hidden)'",
                "\toption password '(hidden)'",
                "\toption proto 'softwire'",
                "\toption shared_secret '(hidden)'",
                "\toption user_name '(hidden)'",
                "\toption zone 'wan'",
            ],
        )
        self.assertEqual(list(configuration("", {}, known)), [])
