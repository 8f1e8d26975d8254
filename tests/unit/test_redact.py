# SPDX-License-Identifier: Apache-2.0
"""What the doctor's report leaves out: secrets, numbers, addresses; and what it must leave as it is."""

import unittest

from softwire.address import format_ipv4, parse_ipv4
from softwire.doctor.redact import Redactor


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
            "OpenWrt 24.10.4 r28959-29397011cc x86/64", "[   12.345678] eth0: link becomes ready", "11:03:32.123456",
            "client id 00030001 and a MAC", "valid 4294967295", "AUTH_REJECTED BAD_CONFIG ONLY_ONLINK_PREFIX",
            "'uci set network.wan6.reqprefix=no; uci commit network; ifup wan6'", "00:00:00:00:00:00", "1.2.3-r4",
            "ff02::fb",
            "odhcp6c -s /lib/netifd/dhcpv6.script -Nnone -P0 -r17 -k -t120 eth1", "2026-11-21T11:03:32+09:00", "a1b2c3",
        ):  # fmt: skip
            self.assertEqual(Redactor().text(text), text)

    def test_within_words(self):
        """What stands before and behind is not part of it, and does not hide it from us."""
        for text, shown in (
            ("sip:0312345678@example", "sip:tel1@example"),
            ("x0312345678y", "xtel1y"),
            ("sip:203.0.113.7:5060", "sip:203.n1:5060"),
            ("203-0-113-7.example", "203-n1.example"),
            ("7.113.0.203.in-addr.arpa", "7.n1.in-addr.arpa"),
            ("src:2001:db8:4000:300::1", "src:2001:db8:x1::1"),
            ("via=[2001:db8:4000:300::1]", "via=[2001:db8:x1::1]"),
            ("g2001:db8:4000:300::1g", "g2001:db8:x1::1g"),
            ("::ffff:203.0.113.7", "::y1"),
            ("mac52:54:00:12:34:0a", "mac52:54:00:m1"),
            ("5254.0012.340a", "52:54:00:m1"),
            ("00:03:00:01:52:54:00:12:34:0a", "(10 octets)"),
            ("-V0003000152540012340a", "-V(10 octets)"),
            ("0x52540012340a", "0x(6 octets)"),
            ("0x52, 0x54, 0x00, 0x12, 0x34, 0x0a", "0x(6 octets)"),
            ("52 54 00 12 34 0a 01", "(7 octets)"),
            ("%52%54%00%12%34%0a", "%(6 octets)"),
            ("ff02::1:ff12:340a", "ff02::1:ffy1"),
            ("1.0.0.0.0.0.0.0.0.0.3.0.0.0.0.4.8.b.d.0.1.0.0.2.ip6.arpa", "(12 octets).ip6.arpa"),
            ("550e8400-e29b-41d4-a716-446655440000", "(16 octets)"),
            ("::5054:ff:fe12:340a", "::y1"),
            ("user 2001:0DB8:4000:0300,", "user 2001:db8:x1::,"),
            ("2001:db8:4000:300/56", "2001:db8:x1::/56"),
        ):
            self.assertEqual(Redactor().text(text), shown)

    def test_private_ranges_and_their_neighbours(self):
        """RFC 6890."""
        for first, last in (
            ("0.0.0.0", "0.255.255.255"), ("10.0.0.0", "10.255.255.255"), ("100.64.0.0", "100.127.255.255"),
            ("127.0.0.0", "127.255.255.255"), ("169.254.0.0", "169.254.255.255"), ("172.16.0.0", "172.31.255.255"),
            ("192.168.0.0", "192.168.255.255"), ("224.0.0.0", "255.255.255.255"),
        ):  # fmt: skip
            self.assertEqual(Redactor().text(first + " " + last), first + " " + last)
            for value in parse_ipv4(first) - 1, parse_ipv4(last) + 1:
                if 0 <= value < 1 << 32:
                    text = format_ipv4(value)
                    self.assertEqual(Redactor().text(text), text.split(".")[0] + ".n1")

    def test_octets(self):
        self.assertEqual(
            Redactor(["s\u00e4cret"]).text(b"\xff s\xc3\xa4cret s\xe4cret"), "? (hidden) (hidden)"
        )
        self.assertEqual(Redactor().text("\u00e4"), "??")

    def test_secrets_in_every_quoting(self):
        secret = 'it\'s "a/b" \\ \u00e4%'
        for text in (
            secret,
            'it\'s \\"a/b\\" \\\\ \u00e4%',
            'it\'s \\"a\\/b\\" \\\\ \\u00e4%',
            "it'\\''s \"a/b\" \\ \u00e4%",
            'it\'"\'"\'s "a/b" \\ \u00e4%',
            'it\\\'s\\ \\"a/b\\"\\ \\\\\\ \u00e4%',
            "it'\\\\''s \\\"a/b\\\" \\\\ \\u00E4%",
            "it's \\x22a\\x2fb\\x22 \\x5c \\xc3\\xa4%",
            "it\\047s \\042a/b\\042 \\134 \\303\\244%",
            "it%27s%20%22a%2Fb%22%20%5C%20%C3%A4%25",
            "it%27s+%22a%2fb%22+%5c+%c3%a4%25",
            "697427732022612f622220 5c20c3a425",
            "0x69,0x74,0x27,0x73,0x20,0x22,0x61,0x2f,0x62,0x22,0x20,0x5c,0x20,0xc3,0xa4,0x25",
        ):
            shown = Redactor([secret]).text("x=" + text)
            self.assertIn(shown, ("x=(hidden)", "x=0x(hidden)"))
        self.assertEqual(
            Redactor(["pass", "password"]).text("password pass xpassx"), "(hidden) (hidden) x(hidden)x"
        )
        # A secret that looks like an address, or is part of one.
        self.assertEqual(Redactor(["203.0.113.7"]).text("203.0.113.7"), "(hidden)")

    def test_a_part_of_a_secret(self):
        """Eight octets of it are too many, as where a line of the log was cut."""
        redactor = Redactor(["correct horse battery"])
        self.assertEqual(redactor.text("password=correct hor"), "password=(hidden)")
        self.assertEqual(redactor.text("correct horses"), "(hidden)s")
        self.assertEqual(redactor.text("a horse"), "a horse")

    def test_a_word_that_every_report_has(self):
        """It stays readable: that it is part of a secret shows nowhere."""
        redactor = Redactor(["lab-password", "softwire"])
        self.assertEqual(redactor.text("option password 'lab-password'"), "option password '(hidden)'")
        self.assertEqual(redactor.text("xpassword b-password softwire"), "x(hidden) (hidden) (hidden)")

    def test_a_short_secret(self):
        """It is no reason to take every word apart."""
        redactor = Redactor(["wan", "1"])
        self.assertEqual(
            redactor.text("key 1 of wan: 192.168.1.10, wan6"),
            "key (hidden) of (hidden): 192.168.(hidden).10, wan6",
        )

    def test_what_is_known_of_the_case(self):
        known = [
            "0312345678",
            "52:54:00:12:34:0a",
            "2001:db8:4000:300::/56",
            "203.0.113.7/32",
            "2001:db8:4000:300:ab00:cd:ef01:2",
        ]
        for text, shown in (
            ("03 1234 5678", "(hidden)"),
            ("(03)1234-5678", "((hidden)"),
            ("+81 3 1234 5678", "+81 (hidden)"),
            ("x30-33 31_32 33-34_35 36-37 38y", "x(hidden)y"),
            ("\\u0030\\u0033\\u0031\\u0032\\u0033\\u0034\\u0035\\u0036\\u0037\\u0038", "(hidden)"),
            ("52540012340a", "52:54:00:m1"),
            ("52_54_00-12_34:0a", "(hidden)"),
            ("5054:ff:fe12:340a", "(hidden)"),
            ("ab00:cd:ef01:2", "(hidden)"),
            ("2001 db8 4000 3ff", "(hidden)ff"),
            ("2001:db8:4000", "2001:db8:x1::"),
            ("2001 db8 40", "(hidden)"),
            ("203 0 113 7", "(hidden)"),
        ):
            self.assertEqual(Redactor([], known).text(text), shown)
        for text in ("2001:db8", "52:54:00", "ntt-east 03", "203.0", "0x00030001", "12345 67"):
            self.assertEqual(Redactor([], known).text(text), text)


if __name__ == "__main__":
    unittest.main()
