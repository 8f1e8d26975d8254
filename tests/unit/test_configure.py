# SPDX-License-Identifier: Apache-2.0
"""`softwire configure` without a router: what uci exported, the difference, what is written, zones, secrets."""

import unittest

from softwire import provisioning, uci
from softwire.configure import advice, files, options, plan, ride, zone
from softwire.errors import ProvisioningError
from softwire.provisioning import softbank
from test_uci_reader import NETWORK as BEGINNING

NETWORK = (
    BEGINNING
    + """config interface 'wan6'
	option device '@wan'
	option proto 'dhcpv6'

"""
)

FIREWALL = """
config zone
	option name 'lan'
	list network 'lan'

config zone 'outside'
	option name 'wan'
	list network 'wan'
	list network 'wan6'
	option masq '1'
	option mtu_fix '1'

config forwarding
	option src 'lan'
	option dest 'wan'
"""


def error_of(function, *arguments):
    """(code, text) of the ProvisioningError, or None."""
    try:
        function(*arguments)
    except ProvisioningError as error:
        return error.code, error.text
    return None


class RewriteTest(unittest.TestCase):
    def setUp(self):
        self.wan = uci.find(uci.read_sections(NETWORK), "wan")

    def test_new(self):
        items = [("option", "proto", "softwire"), ("list", "auth_server", "a"), ("list", "auth_server", "b")]
        self.assertEqual(
            files.rewrite("network", "wan", None, items),
            [
                "set network.wan='interface'",
                "set network.wan.proto='softwire'",
                "add_list network.wan.auth_server='a'",
                "add_list network.wan.auth_server='b'",
            ],
        )

    def test_only_what_differs(self):
        items = [("option", "proto", "softwire"), ("option", "username", "user@isp")]
        self.assertEqual(
            files.rewrite("network", "wan", self.wan, items),
            [
                "delete network.wan.proto",
                "set network.wan.proto='softwire'",
                "delete network.wan.password",
                "delete network.wan.note",
            ],
        )
        self.assertEqual(files.rewrite("network", "wan", self.wan, self.wan.items), [])

    def test_quoting(self):
        lines = files.rewrite("network", "wan", None, [("option", "password", 'it\'s; "x" \\')])
        self.assertEqual(lines[1], "set network.wan.password='it'\\''s; \"x\" \\'")

    def test_list_for_option(self):
        self.wan.items = [("option", "auth_server", "a")]
        self.assertEqual(
            files.rewrite("network", "wan", self.wan, [("list", "auth_server", "a")]),
            ["delete network.wan.auth_server", "add_list network.wan.auth_server='a'"],
        )


class DifferenceTest(unittest.TestCase):
    def test_same(self):
        self.assertEqual(files.difference(uci.read_sections(NETWORK), uci.read_sections(NETWORK)), [])

    def test_changed_new_gone(self):
        before = uci.read_sections("config interface 'a'\n\toption x '1'\n\toption y '2'\n\nconfig zone\n")
        after = uci.read_sections(
            "config interface 'a'\n\toption x '1'\n\toption y '3'\n\nconfig route 'n'\n\tlist z 'q'\n"
        )
        self.assertEqual(
            files.difference(before, after),
            [
                "  config interface 'a'",
                "      option x '1'",
                "-     option y '2'",
                "+     option y '3'",
                "+ config route 'n'",
                "+     list z 'q'",
                "- config zone",
            ],
        )

    def test_secrets_and_control_characters_are_not_shown(self):
        names = ("password", "shared_secret", "private_key", "pincode", "password2", "token")
        for name in names:
            section = uci.Section("interface", "a")
            section.items = [("option", name, "geheim")]
            self.assertEqual(files.difference([], [section])[1], "+     option {} (not shown)".format(name))
        section.items = [("option", "note", "a\x1b[2Jb\nc")]
        self.assertEqual(files.difference([section], [])[1], "-     option note 'a?[2Jb?c'")


class OptionsTest(unittest.TestCase):
    def test_methods(self):
        for method in provisioning.names():
            self.assertIn("mtu", options.options_of(method))
            self.assertTrue("tunlink" not in options.options_of(method))
        self.assertEqual(options.secrets_of("softbank"), ["shared_secret", "password"])
        self.assertEqual(options.secrets_of("static"), [])
        self.assertTrue("peeraddr" not in options.options_of("softbank"))

    def test_line(self):
        sections = uci.read_sections(NETWORK)
        right = [("option", "device", "eth1"), ("option", "proto", "flets")]
        self.assertEqual(options.line_items("eth1", None), right)
        self.assertEqual(options.line_items("eth1", uci.find(sections, "wan6")), right)
        old = uci.Section("interface", "wan6")
        old.items = [("option", "ifname", "eth0"), ("option", "proto", "flets"), ("list", "reqopts", "23")]
        self.assertEqual(options.line_items("eth1", old), right + [("list", "reqopts", "23")])

    def test_what_the_line_is_asked_for(self):
        old = uci.Section("interface", "wan6")
        old.items = [("option", "device", "eth1"), ("option", "proto", "dhcpv6")]
        asking = options.asking_items
        self.assertEqual(asking("dhcp4o6", None, old), old.items + [("option", "reqopts", "88")])
        for method in ("static", "softbank"):
            self.assertEqual(asking(method, None, old), None)
        kept = list(old.items)
        old.items = kept + [("option", "reqopts", "17 24")]
        self.assertEqual(asking("dhcp4o6", None, old), kept + [("option", "reqopts", "17 24 88")])
        moved = [("option", "device", "eth0"), ("option", "proto", "dhcpv6")]
        self.assertEqual(asking("dhcp4o6", moved, old), moved + [("option", "reqopts", "88")])
        old.items = kept + [("option", "reqopts", "88")]
        self.assertEqual(asking("dhcp4o6", None, old), None)
        # Proto flets asks by itself; a static line asks nobody.
        for proto in ("flets", "static"):
            old.items = [("option", "proto", proto)]
            self.assertEqual(asking("dhcp4o6", None, old), None)
        self.assertEqual(asking("dhcp4o6", None, None), None)

    def test_softwire(self):
        given = {"auth_server": ["a", "b"], "mtu": "1400", "shared_secret": "s", "password": "p"}
        right = [
            ("option", "proto", "softwire"),
            ("option", "tunlink", "wan6"),
            ("option", "provisioning", "softbank"),
            ("list", "auth_server", "a"),
            ("list", "auth_server", "b"),
            ("option", "shared_secret", "s"),
            ("option", "password", "p"),
            ("option", "mtu", "1400"),
        ]
        self.assertEqual(options.softwire_items("softbank", "wan6", given, None), right)
        pppoe = uci.find(uci.read_sections(NETWORK), "wan")
        self.assertEqual(options.softwire_items("softbank", "wan6", given, pppoe), right)
        # Of an earlier softwire, what the command has no option for stays.
        old = uci.Section("interface", "wan")
        old.items = [
            ("option", "proto", "softwire"),
            ("option", "ttl", "32"),
            ("option", "metric", "5"),
            ("list", "dns", "192.0.2.53"),
        ]
        self.assertEqual(
            options.softwire_items("softbank", "wan6", given, old),
            right + [("option", "metric", "5"), ("list", "dns", "192.0.2.53")],
        )


class SecretsTest(unittest.TestCase):
    def test_right(self):
        text = (
            '# from the operator\r\n\nshared_secret=it\'s="x" # not a comment \r\npassword = \u30d1\u30b9\n'
        )
        self.assertEqual(
            options.read_secrets(text, "softbank"),
            {"shared_secret": 'it\'s="x" # not a comment ', "password": " \u30d1\u30b9"},
        )
        self.assertEqual(options.read_secrets("password=x", "softbank"), {"password": "x"})
        self.assertEqual(options.read_secrets("", "softbank"), {})

    def test_wrong(self):
        for text in ("geheim", "passwort=geheim", "password=a\npassword=geheim", "mtu=geheim", "=geheim"):
            code, told = error_of(options.read_secrets, text, "softbank")
            self.assertEqual(code, "BAD_CONFIG")
            self.assertIn("line {} of the secrets".format(text.count("\n") + 1), told)
            self.assertTrue("geheim" not in told, told)
        self.assertEqual(error_of(options.read_secrets, "password=x", "static")[0], "BAD_CONFIG")


class RideTest(unittest.TestCase):
    """Sections as (name, options)."""

    def sections(self, *rows):
        found = []
        for name, words in rows:
            section = uci.Section("interface", name)
            section.items = [("option",) + tuple(pair.split(" ", 1)) for pair in words.split(", ")]
            found.append(section)
        return found

    def way(self, *rows):
        """(what the first one rides on, the port at the end)"""
        sections = self.sections(*rows)
        return ride.carriers(sections, sections[0]), ride.port(sections, sections[0])

    def test_port(self):
        self.assertEqual(self.way(("a", "device eth1.35")), ([], "eth1.35"))
        self.assertEqual(self.way(("a", "ifname eth1")), ([], "eth1"))
        self.assertEqual(self.way(("a", "ifname eth1, device eth2")), ([], "eth2"))
        for words in (
            "proto dhcp",
            "device /dev/cdc-wdm0",
            "ifname eth1 eth2, type bridge",
            "ifname eth1 eth2",
        ):
            self.assertEqual(self.way(("a", words)), ([], None))

    def test_through_others(self):
        wan = ("wan", "device @port, proto dhcp")
        port = ("port", "device eth0, proto none")
        self.assertEqual(
            self.way(("a", "device @wan"), wan, port), ([("wan", "@wan"), ("port", "@port")], "eth0")
        )
        self.assertEqual(self.way(("a", "device @gone")), ([("gone", "@gone")], None))
        self.assertEqual(self.way(("a", "device @wan_6"), wan, port)[0][0], ("wan", "@wan_6"))
        self.assertEqual(self.way(("a", "tunlink wan"), wan, port)[0][0], ("wan", "tunlink wan"))

    def test_what_a_protocol_makes(self):
        pppoe = ("wan", "device eth1, proto pppoe")
        self.assertEqual(self.way(("a", "device pppoe-wan"), pppoe), ([("wan", "pppoe-wan")], "eth1"))
        # A name of that form alone does not make it one.
        self.assertEqual(self.way(("a", "device br-wan"), pppoe), ([], "br-wan"))
        self.assertEqual(self.way(("a", "device pppoe-lan"), pppoe), ([], "pppoe-lan"))

    def test_loops_end(self):
        self.assertEqual(self.way(("a", "device @a")), ([("a", "@a"), ("a", "@a")], None))
        rows = ("a", "device @b"), ("b", "ifname @c"), ("c", "tunlink a, device @b")
        self.assertEqual([name for name, _ in self.way(*rows)[0]], ["b", "c", "b"])
        self.assertEqual(self.way(*rows)[1], None)

    def test_riders(self):
        sections = self.sections(
            ("wan", "device eth1"),
            ("a", "device @wan"),
            ("b", "ifname @a"),
            ("c", "device eth1"),
            ("d", "device @d"),
        )
        found = [(section.name, word) for section, word in ride.riders(sections, "wan")]
        self.assertEqual(found, [("a", "@wan"), ("b", "@a")])


class EndpointTest(unittest.TestCase):
    def section(self, **given):
        section = uci.Section("interface", "wan")
        options = {
            "proto": "softwire",
            "tunlink": "wan6",
            "auth_server": "::2",
            "shared_secret": "s",
            "password": "p",
        }
        options.update(given)
        section.items = [("option", name, options[name]) for name in options]
        return section

    def check(self, section, **given):
        options = {
            "tunlink": "wan6",
            "provisioning": "static",
            "peeraddr": "2001:db8::1",
            "ipaddr": "192.0.2.1",
        }
        options.update(given)
        return error_of(plan._check_endpoint, [section], "wan_b", options)

    def test_one_address(self):
        code, told = self.check(self.section())
        self.assertEqual(code, "ENDPOINT_TAKEN")
        self.assertIn(
            "option interface_id '1111:1111:1111:1111' makes the local address of interface wan", told
        )
        self.assertEqual(
            self.check(self.section(), interface_id="::1111:1111:1111:1111")[0], "ENDPOINT_TAKEN"
        )
        self.assertEqual(self.check(self.section(), tunlink="line"), None)
        self.assertEqual(self.check(self.section(), interface_id="2222:2222:2222:2222"), None)
        self.assertEqual(self.check(self.section(), ip6addr="2001:db8::b"), None)
        self.assertEqual(self.check(self.section(ip6prefix="2001:db8::/56")), None)
        self.assertEqual(self.check(self.section(proto="dslite")), None)

    def test_an_interpreter_without_md5(self):
        # It is told of elsewhere, and is no reason to write nothing.
        hashes, softbank.hashlib = softbank.hashlib, object()
        try:
            self.assertEqual(self.check(self.section())[0], "ENDPOINT_TAKEN")
        finally:
            softbank.hashlib = hashes


class MethodTest(unittest.TestCase):
    def fail_with(self, code):
        raise ProvisioningError(code, "text")

    def test_what_the_interpreter_lacks_is_a_warning(self):
        self.assertEqual(advice.on_method(lambda: self.fail_with("NO_MD5")), ["NO_MD5: text"])
        self.assertEqual(advice.on_method(lambda: None), [])
        self.assertEqual(error_of(advice.on_method, lambda: self.fail_with("BAD_CONFIG"))[0], "BAD_CONFIG")


class ZoneTest(unittest.TestCase):
    NAMES = ("wan", "wan6")

    def plan(self, text, names=NAMES, wanted=None, add=False):
        return zone.plan(uci.read_sections(text), names, wanted, add)

    def test_both_are_in(self):
        self.assertEqual(self.plan(FIREWALL), ([], [], None))

    def test_a_name_is_missing(self):
        record = {"zone": "wan", "names": ["wan_b"], "made": False, "forwarding": False}
        self.assertEqual(
            self.plan(FIREWALL, ("wan_b", "wan6")),
            (["add_list firewall.outside.network='wan_b'"], [], record),
        )

    def test_one_option_with_blanks(self):
        text = "config zone\n\toption name 'wan'\n\toption network 'wan wwan'\n\toption masq 1\n\toption mtu_fix 1\n"
        record = {"zone": "wan", "names": ["wan6"], "made": False, "forwarding": False}
        self.assertEqual(self.plan(text), (["set firewall.@zone[0].network='wan wwan wan6'"], [], record))
        joined = uci.read_sections(text.replace("wwan", "wwan wan6"))
        self.assertEqual(zone.undo(joined, record), (["set firewall.@zone[0].network='wan wwan'"], []))

    def test_a_zone_of_another_name(self):
        text = FIREWALL.replace("name 'wan'", "name 'internet'")
        self.assertEqual(self.plan(text), ([], [], None))
        self.assertEqual(self.plan(text, ("wan", "line"))[0], ["add_list firewall.outside.network='line'"])

    def test_no_zone(self):
        text = (
            FIREWALL.replace("'wan'", "'internet'")
            .replace("list network 'internet'", "")
            .replace("wan6", "x")
        )
        code, told = error_of(self.plan, text)
        self.assertEqual(code, "NO_FIREWALL_ZONE")
        for word in ("no zone 'wan'", "zones: lan, internet", "--add-zone", "--firewall-zone"):
            self.assertIn(word, told)
        self.assertEqual(len(self.plan(text, wanted="internet")[0]), 2)
        self.assertEqual(error_of(self.plan, "")[0], "NO_FIREWALL_ZONE")

    def test_add_zone(self):
        text = FIREWALL[: FIREWALL.index("config zone 'outside'")]
        commands, warnings, record = self.plan(text, add=True)
        self.assertEqual(commands[:2], ["add firewall zone", "set firewall.@zone[-1].name='wan'"])
        for line in (
            "add_list firewall.@zone[-1].network='wan6'",
            "set firewall.@zone[-1].input='REJECT'",
            "set firewall.@zone[-1].masq='1'",
            "set firewall.@forwarding[-1].src='lan'",
            "set firewall.@forwarding[-1].dest='wan'",
        ):
            self.assertIn(line, commands)
        self.assertEqual(warnings, [])
        self.assertEqual(
            zone.undo(uci.read_sections(FIREWALL), record),
            (["delete firewall.outside", "delete firewall.@forwarding[0]"], []),
        )

    def test_what_others_added_stays(self):
        record = {"zone": "wan", "names": ["wan"], "made": True, "forwarding": True}
        self.assertEqual(
            zone.undo(uci.read_sections(FIREWALL), record),
            (["del_list firewall.outside.network='wan'"], []),
        )
        self.assertEqual(zone.undo([], record), ([], []))

    def test_warnings(self):
        told = self.plan(FIREWALL.replace("masq '1'", "masq '0'"))[1]
        self.assertEqual(told, ["the firewall zone 'wan' lacks option masq '1'"])
        told = self.plan(
            FIREWALL.replace("'lan'\n\tlist network 'lan'", "'lan'\n\tlist network 'line'"), ("wan", "line")
        )[1]
        self.assertEqual(told, ["interface line is in the firewall zone 'lan', not in 'wan'"])
