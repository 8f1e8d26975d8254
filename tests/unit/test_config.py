# SPDX-License-Identifier: Apache-2.0
"""Every option of proto softwire: its default, its values, and errors that name option, value and what is right."""

import unittest

from softwire import provisioning
from softwire.address import parse_ipv4, parse_ipv6
from softwire.config import OPTIONS, Config
from softwire.errors import ProvisioningError

METHODS = [provisioning.find(name) for name in provisioning.names()]


class Every:
    """The options of all methods at once, none of them required."""

    # Of options that several methods have, the last one's check; test_dslite has the cases of the others.
    options = tuple(
        [
            row
            for number, method in enumerate(METHODS)
            for row in method.options
            if row[0] not in [later[0] for other in METHODS[number + 1 :] for later in other.options]
        ]
    )
    lists = tuple([name for method in METHODS for name in method.lists])
    secrets = tuple(sorted(set([name for method in METHODS for name in method.secrets]), reverse=True))
    required = ()


# Two methods may have one of the same name.
NAMES = sorted(set([row[0] for row in OPTIONS + Every.options]))


def config(method=Every, **options):
    options.setdefault("tunlink", "wan6")
    return Config(options, method)


def refused(method=Every, **options):
    """(code, text) of the error, or None."""
    try:
        config(method, **options)
    except ProvisioningError as error:
        return error.code, error.text
    return None


# option: values that are right (as netifd hands them over, and as they are then), values that are not.
CASES = {
    "tunlink": ((("wan6", "wan6"), ("wan6_2", "wan6_2")), ("wan 6", "wan6;reboot", "../wan6", "$(x)", "あ")),
    "provisioning": ((("softbank", "softbank"), ("static", "static")), ("../static", "a b")),
    "nas_identifier": ((("gate-7", "gate-7"), ("a" * 253, "a" * 253)), ("a" * 254, "a\nb")),
    "nas_ipv6_address": ((("1", True), ("0", False), (True, True), (False, False)), ("yes", "2", "-1")),
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
    "psid": ((("0", 0), ("52", 52), ("65535", 65535)), ("-1", "65536", "0x34")),
    "psidlen": ((("0", 0), ("8", 8), ("16", 16)), ("17", "-1", "/8")),
    "offset": ((("0", 0), ("6", 6), ("15", 15)), ("16", "-1")),
    "ipaddr": (
        (
            ("203.0.113.7", (parse_ipv4("203.0.113.7"), 32)),
            ("203.0.113.9/29", (parse_ipv4("203.0.113.9"), 29)),
            ("203.0.113.8/31", (parse_ipv4("203.0.113.8"), 31)),
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
            "203.0.113.7/0",
            "203.0.113.8/29",
            "203.0.113.15/29",
            "203.0.113.0/24",
        ),
    ),
    # RFC 791: what every link has to carry, so that whatever the doctor finds to pass can be set.
    "server_name": ((("vne.example", "vne.example"),), ("vne example", "a/b")),
    "vendorid": (
        (("00005e", "00005e"), ("00005e-a_b", "00005e-a_b")),
        ("00005", "00005E", "00005e-", "00005e-a-b"),
    ),
    "product": ((("softwire", "softwire"), ("A-1_b", "A-1_b")), ("a" * 33, "a.b")),
    "mtu": (
        (("1460", 1460), (1240, 1240), ("68", 68), ("65495", 65495)),
        ("67", "65496", "0", "auto", "-1460"),
    ),
    "server_port": ((("3653", 3653),), ("0", "65536", "tsp")),
    "allow_plain": ((("1", True), ("0", False)), ("yes",)),
    "tls": ((("1", True), ("0", False)), ("on",)),
    "tls_ca": ((("/etc/ssl/ca.pem", "/etc/ssl/ca.pem"),), ("a\nb",)),
    "shared": ((("1", True), ("0", False)), ("2",)),
    "lifetime_unit": ((("auto", "auto"), ("seconds", "seconds"), ("minutes", "minutes")), ("hours",)),
    "demand": ((("1", True), ("0", False)), ("yes",)),
    "idle": ((("10", 10), ("86400", 86400)), ("9", "86401", "never")),
    "ttl": ((("64", 64), ("1", 1), ("255", 255)), ("0", "256", "inherit")),
    "zone": ((("wan", "wan"),), ("wan lan", "wan;", "a/b")),
    "clientid": (
        (("00030001525400123401", b"\0\3\0\1RT\0\x124\1"), ("0003FF", b"\0\3\xff")),
        ("0003", "00030", "0003zz", "00:03:00:01", "00" * 131),
    ),
    "require_auth": ((("1", True), ("0", False)), ("yes",)),
    "code_ia_dstm": ((("65361", 65361), ("1", 1)), ("0", "65536", "IA_DSTM")),
    "code_dstm_tep": ((("65535", 65535),), ("0", "tep")),
    "code_dstm_ports": ((("150", 150),), ("-1", "ports")),
    "norelease": ((("1", True), ("0", False)), ("yes", "2")),
    "persist": ((("1", True), ("0", False)), ("yes", "-1")),
}
SECRETS = ("shared_secret", "password")
LISTS = ("server", "auth_server")


class OptionsTest(unittest.TestCase):
    def test_every_option_has_its_cases(self):
        self.assertEqual(sorted(list(CASES) + list(SECRETS) + list(LISTS)), NAMES)
        self.assertEqual(sorted(set(Every.lists)), sorted(LISTS))
        self.assertEqual(sorted(set(Every.secrets)), sorted(SECRETS))

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

    def test_servers_of_dhcp4o6(self):
        """Not those of tsp, which may be names."""
        method = provisioning.find("dhcp4o6")
        given = ["2001:db8::1", "fe80::1", "ff02::1:2"]
        self.assertEqual(config(method, server=given)["server"], [parse_ipv6(text) for text in given])
        self.assertEqual(config(method)["server"], [])
        for wrong in ("::", "::1", "::ffff:192.0.2.1", "192.0.2.1", "server.example", "2001:db8::1%eth1"):
            self.assertEqual(refused(method, server=[wrong])[0], "BAD_CONFIG")
            self.assertIn("option server '{}'".format(wrong), refused(method, server=[wrong])[1])

    def test_login_of_hb46pp(self):
        """Less than other methods take."""
        method = provisioning.find("hb46pp")
        self.assertEqual(config(method, user_name="user-1", password="a" * 32)["user_name"], "user-1")
        for wrong in ("a" * 33, "a b", "a&b"):
            self.assertIn("option user_name '{}'".format(wrong), refused(method, user_name=wrong)[1])
            error = refused(method, user_name="user-1", password=wrong)
            self.assertEqual(error[0], "BAD_CONFIG")
            self.assertFalse(wrong in error[1])

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
        for option in NAMES:
            if option != "tunlink":
                self.assertEqual(config(**{option: ""})[option], config()[option], option)

    def test_netifds_own_options_are_nobodys_business(self):
        self.assertEqual(refused(defaultroute=True, peerdns=False, metric=10, proto="softwire"), None)

    def test_a_name_is_no_option(self):
        self.assertRaises(KeyError, config().__getitem__, "tunlnk")


class MissingTest(unittest.TestCase):
    def missing(self, options):
        try:
            provisioning.load(options)
        except ProvisioningError as error:
            self.assertEqual(error.code, "BAD_CONFIG")
            return error.text
        return None

    def test_tunlink(self):
        for options in ({}, {"tunlink": ""}, {"tunlink": None}):
            self.assertIn("option tunlink is missing", self.missing(options))

    def test_what_a_method_requires(self):
        for method, options in (
            ("softbank", {"auth_server": "2001:db8::1", "shared_secret": "s", "password": "p"}),
            ("static", {"peeraddr": "2001:db8:b::1", "ipaddr": "192.0.2.1"}),
        ):
            self.assertEqual(sorted(options), sorted([row[0] for row in provisioning.find(method).required]))
            options.update({"tunlink": "wan6", "provisioning": method})
            self.assertEqual(self.missing(options), None)
            for option, right in provisioning.find(method).required:
                without = {name: options[name] for name in options if name != option}
                self.assertEqual(
                    self.missing(without), "option {} is missing: {} would be right".format(option, right)
                )

    def test_another_methods_options_are_nobodys_business(self):
        given = {
            "tunlink": "wan6",
            "provisioning": "static",
            "peeraddr": "2001:db8::1",
            "ipaddr": "192.0.2.1",
        }
        given["reauth"] = "never"
        self.assertEqual(self.missing(given), None)

    def test_both_ends_the_same(self):
        given = {
            "tunlink": "wan6",
            "provisioning": "static",
            "peeraddr": "2001:db8::1",
            "ipaddr": "192.0.2.1",
        }
        given["ip6addr"] = "2001:db8:0::1"
        self.assertIn("option ip6addr '2001:db8::1'", self.missing(given))

    def test_port_set(self):
        given = {
            "tunlink": "wan6",
            "provisioning": "static",
            "peeraddr": "2001:db8::1",
            "ipaddr": "192.0.2.1",
        }
        for options, said in (
            ({"psid": "52", "psidlen": "8", "offset": "6"}, None),
            ({"psid": "0", "psidlen": "16"}, None),
            ({"psidlen": "0"}, None),
            ({"psid": "0"}, None),
            ({"offset": "6"}, None),
            ({"psid": "3"}, "option psid '3': option psidlen beside it"),
            ({"psid": "3", "psidlen": "0"}, "option psid '3': option psidlen beside it"),
            ({"psidlen": "8"}, "option psidlen '8': option psid beside it"),
            ({"psid": "256", "psidlen": "8"}, "option psid '256': at most 255, which has 8 bits"),
            (
                {"psid": "1", "psidlen": "11", "offset": "6"},
                "option psidlen '11': at most 10, beside offset 6",
            ),
        ):
            told = self.missing(dict(given, **options))
            self.assertEqual(told and told[: len(said or "")], said)
        ports = provisioning.load(dict(given, psid="52", psidlen="8", offset="6")).ports
        self.assertEqual(ports.ranges()[0], (1232, 1235))
        self.assertEqual(provisioning.load(dict(given, psidlen="0")).ports, None)

    def test_method_that_is_none(self):
        for name in ("dslight", "Softbank", "../static", "_explain", "__init__", "softbank.explain"):
            told = self.missing({"tunlink": "wan6", "provisioning": name})
            self.assertIn("option provisioning '{}': one of ".format(name), told)
            self.assertIn("softbank, static", told)


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
