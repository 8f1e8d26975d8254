# SPDX-License-Identifier: Apache-2.0
"""Every option of proto softwire: its default, its values, and errors that name option, value and what is right."""

import unittest

from softwire.address import parse_ipv4, parse_ipv6
from softwire.config import LISTS, OPTIONS, Config
from softwire.errors import ProvisioningError


def config(**options):
    options.setdefault("tunlink", "wan6")
    return Config(options)


def refused(**options):
    """(code, text) of the error, or None."""
    try:
        config(**options)
    except ProvisioningError as error:
        return error.code, error.text
    return None


# option: values that are right (as netifd hands them over, and as they are then), values that are not.
CASES = {
    "tunlink": ((("wan6", "wan6"), ("wan6_2", "wan6_2")), ("wan 6", "wan6;reboot", "../wan6", "$(x)")),
    "provisioning": ((("softbank", "softbank"), ("static", "static")), ("dslite", "Softbank", "../static")),
    "line_type": ((("auto", "auto"), ("next", "next"), ("cross", "cross")), ("NEXT", "10g")),
    "auth_port": (
        (("1812", 1812), ("1", 1), (65535, 65535)),
        ("0", "65536", "-1", "1812 ", "radius", "1e3", "0x10", "1.5"),
    ),
    "mac": ((("52:54:00:12:34:AB", "52:54:00:12:34:AB"),), ("52:54:00:12:34", "525400123401", "x" * 17)),
    "manufacturer": (
        (("foxconn", "foxconn"), ("a" * 60, "a" * 60), ("\u65e5" * 20, "\u65e5" * 20)),
        ("a" * 61, "\u65e5" * 21, "a\nb"),
    ),
    "software_version": ((("e-wmta2.3,V5.0.0.1.rc35", "e-wmta2.3,V5.0.0.1.rc35"),), ("a" * 61, "a\0b")),
    "hardware_version": ((("hw_rev_2.00", "hw_rev_2.00"),), ("a" * 61, "\x1b[31m")),
    "interface_id": (
        (("1111:1111:1111:1111", 0x1111111111111111), ("::2", 2)),
        ("::", "::1", "2001:db8::1", "1:1111:1111:1111:1111", "x"),
    ),
    "user_name": (
        (("2001:0db8:4000:0300", "2001:0db8:4000:0300"), ("a" * 253, "a" * 253)),
        ("a" * 254, "a\tb"),
    ),
    "message_authenticator": (
        (("off", "off"), ("send", "send"), ("require", "require")),
        ("on", "1", "true"),
    ),
    "watch": ((("0", 0), ("20", 20), ("86400", 86400)), ("19", "86401", "-1", "off")),
    "reauth": ((("60", 60), ("86400", 86400), ("2592000", 2592000)), ("59", "2592001", "-60", "1d")),
    "ip6prefix": (
        (
            ("2001:db8:4000:300::/56", (0x20010DB840000300 << 64, 56)),
            ("2001:db8::1/64", (0x20010DB8 << 96, 64)),
        ),
        (
            "2001:db8::/65",
            "2001:db8::",
            "2001:db8::/x",
            "203.0.113.0/24",
            "x/56",
            "fe80::/64",
            "ff00::/8",
            "::/0",
            "2000::/15",
        ),
    ),
    "ip6addr": (
        (("2001:db8::7", parse_ipv6("2001:db8::7")),),
        ("fe80::7", "::1", "::", "ff02::1", "203.0.113.7", "x"),
    ),
    "peeraddr": (
        (("2001:db8:b::1", parse_ipv6("2001:db8:b::1")),),
        ("fe80::7", "::1", "ff02::1", "br.example", "x"),
    ),
    "ipaddr": (
        (
            ("203.0.113.7", (parse_ipv4("203.0.113.7"), 32)),
            ("203.0.113.7/29", (parse_ipv4("203.0.113.7"), 29)),
        ),
        (
            "203.0.113.7/33",
            "203.0.113.7/",
            "127.0.0.1",
            "224.0.0.1/32",
            "0.0.0.0",
            "255.255.255.255",
            "2001:db8::1",
            "x",
        ),
    ),
    "mtu": ((("1460", 1460), (1280, 1280), ("65495", 65495)), ("1279", "65496", "0", "auto", "-1460")),
    "ttl": ((("64", 64), ("1", 1), ("255", 255)), ("0", "256", "inherit")),
    "zone": ((("wan", "wan"),), ("wan lan", "wan;", "a/b")),
}
SECRETS = ("shared_secret", "password")


class OptionsTest(unittest.TestCase):
    def test_every_option_has_its_cases(self):
        self.assertEqual(sorted(list(CASES) + list(SECRETS) + list(LISTS)), sorted(OPTIONS))

    def test_right_values(self):
        for option in sorted(CASES):
            for given, checked in CASES[option][0]:
                self.assertEqual(config(**{option: given})[option], checked, option)

    def test_wrong_values_are_named(self):
        for option in sorted(CASES):
            for given in CASES[option][1]:
                error = refused(**{option: given})
                self.assertTrue(error, "option {} '{}' was taken".format(option, given))
                self.assertEqual(error[0], "BAD_CONFIG")
                self.assertTrue(error[1].startswith("option {} '{}': ".format(option, given)), error[1])
                self.assertTrue(len(error[1]) > len("option {} '{}': ".format(option, given)) + 10, error[1])

    def test_defaults(self):
        given = config()
        for option, right in (
            ("provisioning", "softbank"),
            ("line_type", "auto"),
            ("auth_server", []),
            ("auth_port", 1812),
            ("shared_secret", None),
            ("password", None),
            ("mac", None),
            ("interface_id", 0x1111111111111111),
            ("user_name", None),
            ("message_authenticator", "off"),
            ("reauth", 86400),
            ("watch", 60),
            ("ip6prefix", None),
            ("mtu", None),
            ("ttl", 64),
            ("zone", None),
        ):
            self.assertEqual(given[option], right, option)

    def test_empty_is_not_given(self):
        # netifd hands over an option that was set to nothing as an empty text.
        for option in sorted(OPTIONS):
            if option != "tunlink":
                self.assertEqual(config(**{option: ""})[option], config()[option], option)

    def test_netifds_own_options_are_nobodys_business(self):
        self.assertEqual(refused(defaultroute=True, peerdns=False, metric=10, proto="softwire"), None)

    def test_a_name_is_no_option(self):
        self.assertRaises(KeyError, config().__getitem__, "tunlnk")


class MissingTest(unittest.TestCase):
    def test_tunlink(self):
        for options in ({}, {"tunlink": ""}, {"tunlink": None}):
            try:
                Config(options)
                self.fail("no tunlink was taken")
            except ProvisioningError as error:
                self.assertEqual(error.code, "BAD_CONFIG")
                self.assertIn("option tunlink is missing", error.text)

    def test_require(self):
        self.assertEqual(
            config(peeraddr="2001:db8:b::1").require("peeraddr", "x"), parse_ipv6("2001:db8:b::1")
        )
        for option in ("peeraddr", "auth_server", "password"):
            try:
                config().require(option, "the operator's")
                self.fail("missing {} was taken".format(option))
            except ProvisioningError as error:
                self.assertEqual(
                    str(error),
                    "BAD_CONFIG: option {} is missing: the operator's would be right".format(option),
                )


class ServersTest(unittest.TestCase):
    def test_list_and_text(self):
        # A list of uci arrives as an array, an option as text.
        servers = ["2001:db8:1812::1", "radius.example.jp"]
        self.assertEqual(config(auth_server=servers)["auth_server"], servers)
        self.assertEqual(config(auth_server=" ".join(servers))["auth_server"], servers)
        self.assertEqual(config(auth_server=[])["auth_server"], [])

    def test_what_is_no_host(self):
        for given in ("2001:db8::1::2", "radius example;", "[2001:db8::1]", "a/b"):
            self.assertEqual(refused(auth_server=given)[0], "BAD_CONFIG")
            self.assertIn("option auth_server", refused(auth_server=[given])[1])


class SecretTest(unittest.TestCase):
    def test_any_printable_text(self):
        for option in SECRETS:
            for given in ("lab-password", "p ass'\"$`\\", "\u30d1\u30b9", "a" * 300):
                self.assertEqual(config(**{option: given})[option], given)

    def test_a_wrong_one_is_not_shown(self):
        for option in SECRETS:
            code, text = refused(**{option: "geheim\n"})
            self.assertEqual(code, "BAD_CONFIG")
            self.assertIn("option " + option, text)
            self.assertTrue("geheim" not in text, text)
            self.assertIn("(not shown)", text)
