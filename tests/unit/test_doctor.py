# SPDX-License-Identifier: Apache-2.0
"""The doctor on a router of the test's own making: what it names, what it leaves out, and that nothing else shows."""

import json
import os
import unittest

from softwire import doctor, provisioning, status
from softwire.config import Config
from softwire.doctor import firewall, network, router, tunnel
from softwire.doctor.finding import Case
from softwire.doctor.hindrance import hindrance
from softwire.doctor.router import Router
from softwire.errors import ProvisioningError
from softwire.handon import HandedOn
from softwire.provisioning import softbank
from softwire.uci import read_sections
from softwire.wire import WireError
from tiny_uci import Package

RECORDED = __file__.rpartition("/")[0] + "/recorded/wan6-status-25.12.json"
ENDPOINT = "2001:db8:4000:300:1111:1111:1111:1111"
REMOTE = "2001:db8:b::1"

NETWORK = """package network

config globals 'globals'

config interface 'lan'
	option proto 'static'
	option ip6assign '64'

config interface 'wan6'
	option device 'eth0'
	option proto 'flets'

config interface 'wan'
	option proto 'softwire'
	option tunlink 'wan6'
	option provisioning 'static'
	option peeraddr '2001:db8:b::1'
	option ipaddr '203.0.113.7'
"""
FIREWALL = """package firewall

config defaults

config zone
	option name 'lan'
	list network 'lan'

config zone
	option name 'wan'
	list network 'wan'
	list network 'wan6'
	option masq '1'
	option mtu_fix '1'

config forwarding
	option src 'lan'
	option dest 'wan'
"""
# As fw4 of 24.10 writes it: masquerading in a chain of the zone's.
RULES = """table inet fw4 {
	chain srcnat {
		type nat hook postrouting priority srcnat; policy accept;
		oifname { "eth0", "sw-wan" } jump srcnat_wan comment "!fw4: Handle wan IPv4/IPv6 srcnat traffic"
	}

	chain srcnat_wan {
		meta nfproto ipv4 masquerade comment "!fw4: Masquerade IPv4 wan traffic"
	}

	chain mangle_forward {
		type filter hook forward priority mangle; policy accept;
		iifname "sw-wan" tcp flags & (fin | syn | rst) == syn tcp option maxseg size set rt mtu
	}
}
"""
ADVERTISEMENT = b"\x86\0\0\0\x40\xc0\x07\x08" + bytes(8) + b"\x05\x01\0\0\0\0\x05\xdc"
PREFIX_INFORMATION = b"\x03\x04\x40\xc0" + bytes(12) + b"\x20\x01\x0d\xb8\x40\0\x09\0" + bytes(8)


class Socket:
    """Keeps what was sent."""

    def bind(self, address):
        pass

    def connect(self, address):
        pass

    def send(self, octets):
        self.sent = octets


class Network:
    """Stands for softwire.doctor.network: answers by name, and what was asked."""

    SOLICIT, INFORMATION_REQUEST = network.SOLICIT, network.INFORMATION_REQUEST
    S46 = network.S46
    is_ipv4 = staticmethod(network.is_ipv4)
    offered_prefixes = staticmethod(network.offered_prefixes)

    def __init__(self):
        self.advertisement = network.RouterAdvertisement(ADVERTISEMENT, "fe80::1")
        self.offer = [
            # Preferred for 600 s, valid for 900 s.
            (25, bytes(12) + b"\0\x1a\0\x19\0\0\x02\x58\0\0\x03\x84\x38\x20\x01\x0d\xb8\x40\0\x03" + bytes(9))
        ]
        self.reply = None
        self.unreached = None
        self.router_behind = "time exceeded from 203.0.113.1"
        self.resolver = "answers"
        self.largest = 65535
        self.asked = []

    def solicit_router(self, device):
        if isinstance(self.advertisement, OSError):
            raise self.advertisement
        return self.advertisement

    def ask_dhcpv6(self, device, mac, kind):
        self.asked.append(kind)
        return self.offer if kind == self.SOLICIT else self.reply

    def unreachable(self, source, host, port):
        return self.unreached

    def echo(self, device, source, host, size=64, ttl=64):
        if size > self.largest:
            return None
        if ttl == 1:
            return self.router_behind
        return "reply from " + host if self.resolver else None

    def ask_resolver(self, device, source, host):
        return self.resolver


class Stage(Router):
    """Stands for the router; a test changes what it wants to be wrong."""

    def __init__(self):
        self.network = Network()
        with open(RECORDED) as file:
            line = json.loads(file.read())
        line["proto"] = "flets"
        line["data"]["passthru"] = "0011000e000000d200c90006525400123401"
        self.statuses = {
            "wan6": line,
            "wan": {
                "up": True,
                "proto": "softwire",
                "autostart": True,
                "l3_device": "sw-wan",
                "dns-server": ["198.51.100.53"],
                "data": {},
            },
        }
        self.outputs = {"uci -q export network": NETWORK, "uci -q export firewall": FIREWALL}
        self.outputs["nft list table inet fw4"] = RULES
        self.uci_commands = []
        self.folders = {
            "/sys/class/net": ["br-lan", "eth0", "ip6tnl0", "lo", "sw-wan"],
            "/sys/module": ["ip6_tunnel"],
        }
        self.files = {
            "/sys/class/net/eth0/carrier": "1",
            "/sys/class/net/eth0/address": "52:54:00:12:34:01",
            "/proc/sys/net/ipv6/conf/eth0/mtu": "1500",
            "/sys/class/net/sw-wan/mtu": "1460",
            "/proc/net/route": "Iface\tDestination\nsw-wan\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0",
            "/proc/net/if_inet6": "20010db8400003001111111111111111 01 80 00 80       lo",
        }
        self.addresses = [ENDPOINT, "203.0.113.7"]
        self.commands = [["odhcp6c", "-P0", "-r17", "eth0"], ["micropython", "softwire", "client", "wan"]]
        self.states = {"wan": {"tunnel": TUNNEL}}
        self.settings_of = {}
        self.error = None

    def status(self, interface):
        return self.statuses.get(interface)

    def sections(self, package):
        return read_sections(self.run("uci", "-q", "export", package))

    def run(self, *words):
        if words[:3] == ("uci", "-q", "export"):
            return self.package(words[3]).export()
        return self.outputs.get(" ".join(words), "")

    def package(self, name):
        """The file of /etc/config, changed by whatever `uci` was told."""
        package = Package(self.outputs.get("uci -q export " + name, ""))
        for command in self.uci_commands:
            if command.split(" ")[1].partition(".")[0] == name:
                package.run(command)
        return package

    def read(self, path):
        return self.files.get(path, "")

    def lines(self, path):
        return self.read(path).split("\n")

    def listdir(self, path):
        return self.folders.get(path, [])

    def settings(self, interface):
        return self.settings_of.get(interface)

    def state(self, interface):
        return self.states.get(interface) or {}

    def others(self, interface):
        return [name for name in self.states if name != interface]

    def unwritable(self):
        return self.error

    def processes(self):
        return self.commands

    def present(self, address):
        return address in self.addresses

    def uptime(self):
        return 1000.0


TUNNEL = {
    "local": ENDPOINT,
    "remote": REMOTE,
    "ipaddr": ["203.0.113.7/32"],
    "mtu": 1460,
    "dns": [],
}


class DoctorTest(unittest.TestCase):
    def setUp(self):
        self.stage = Stage()
        self.failure = None

        def dry_run(interface, method, line, tell):
            if self.failure:
                raise self.failure
            return method.provision(line, 0)

        tunnel.dry_run = dry_run

    def examine(self, host=None):
        """[(step, status, code)], but for what is ok; all findings are kept."""
        self.found = doctor.examine("wan", self.stage, host)
        return [
            (step, item.status, item.code)
            for step, item in self.found
            if item.status not in ("ok", "not tried")
        ]

    def names(self, step, code, *words):
        """The first wrong step, what it says, and that nothing behind it was tried unless the softwire is up."""
        told = self.examine()
        wrong = [entry for entry in told if entry[1] == "wrong"]
        self.assertEqual(wrong[:1], [(step, "wrong", code)])
        item = [item for _, item in self.found if item.code == code][0]
        for word in words:
            self.assertIn(word, " ".join([item.text, item.seen, item.advice]))
        self.assertTrue(item.advice)
        return item

    def down(self):
        """The softwire is not up, and its client has said nothing."""
        self.stage.statuses["wan"].update({"up": False, "l3_device": None})
        self.stage.states = {}

    def change(self, package, old, new):
        command = "uci -q export " + package
        self.assertIn(old, self.stage.outputs[command])
        self.stage.outputs[command] = self.stage.outputs[command].replace(old, new)

    # The whole

    def test_all_is_well(self):
        self.assertEqual(self.examine(), [])
        self.assertEqual(len(self.found), 16)
        self.assertTrue(doctor.is_well(self.found))

    def handed_on(self):
        """The softwire is what proto map carries; the last status is that one's interface."""
        options = {"type": "map-e", "rule": "type=map-e,br=2001:db8:b::1"}
        self.stage.states = {"wan": {"handed_on": {"mode": "map", "local": ENDPOINT, "options": options}}}
        self.stage.statuses["wan"]["l3_device"] = "map-wan_4"
        self.stage.statuses["wan_4"] = {
            "up": True,
            "l3_device": "map-wan_4",
            "ipv4-address": [{"address": "203.0.113.7", "mask": 32}],
        }
        self.stage.outputs["nft list table inet fw4"] = RULES.replace("sw-wan", "map-wan_4")
        self.stage.files["/proc/net/route"] = self.stage.files["/proc/net/route"].replace(
            "sw-wan", "map-wan_4"
        )
        tunnel.dry_run = lambda *_: HandedOn(0, "map", options, None)
        return self.stage.statuses["wan_4"]

    def test_what_another_protocol_carries(self):
        self.handed_on()
        self.assertEqual(self.examine(), [])
        texts = dict([(step, item.text) for step, item in self.found])
        self.assertEqual(texts["softwire"], "handed on to proto map: wan_4 is up on map-wan_4, 203.0.113.7")
        for step in ("border router", "packet size", "ports", "IPv4"):
            self.assertEqual(texts[step], "left to proto map")

    def test_what_another_protocol_does_not_carry(self):
        status = self.handed_on()
        status.update({"up": False, "errors": [{"code": "NO_MATCHING_PD"}]})
        self.names("softwire", "HANDED_ON_DOWN", "wan_4 is down: NO_MATCHING_PD")
        status.update({"up": True, "l3_device": "map-other"})
        self.names("softwire", "HANDED_ON_DOWN", "map-other")
        self.down()
        error = {"code": "HANDED_ON_DOWN", "text": "interface wan_4, proto map, does not come up: X"}
        self.stage.states = {"wan": {"error": error}}
        self.names("softwire", "HANDED_ON_DOWN", "does not come up: X")

    def test_what_another_protocol_carries_is_not_todays(self):
        self.handed_on()
        tunnel.dry_run = lambda *_: HandedOn(0, "464xlat", {}, None)
        self.stage.files["/proc/net/route"] = ""
        self.assertEqual(
            self.examine(),
            [
                ("softwire", "note", "PARAMETERS_CHANGED"),
                ("softwire", "note", "OTHER_DEFAULT_ROUTE"),
            ],
        )

    def test_exit_status_and_text(self):
        lines = []
        self.assertEqual(doctor.main("wan", router=self.stage, tell=lines.append), 0)
        self.assertEqual((lines[0], lines[-1]), ("softwire doctor: wan", "all is well"))
        self.assertEqual(len(lines), 18)
        self.stage.files["/sys/class/net/eth0/carrier"] = "0"
        lines = []
        self.assertEqual(doctor.main(None, router=self.stage, tell=lines.append), 1)
        self.assertEqual(lines[3][:23], "WRONG  cable           ")
        self.assertTrue(lines[4].startswith(" " * 23 + "seen   "))
        self.assertTrue(lines[5].startswith(" " * 23 + "do     "))
        self.assertEqual(lines[-1], "begin with: cable")

    def test_json(self):
        lines = []
        self.assertEqual(doctor.main(None, True, router=self.stage, tell=lines.append), 0)
        told = json.loads("\n".join(lines))
        self.assertEqual((len(told), told[0]["interface"], told[0]["well"]), (1, "wan", True))
        self.assertEqual(sorted(told[0]["steps"][0]), ["advice", "code", "seen", "status", "step", "text"])

    def test_step_by_step(self):
        """For who looks on: what is to come, each step as soon as it is known, how it ended."""
        lines = []

        def tell(line):
            lines.append(json.loads(line))
            if lines[-1].get("step") == "settings":  # what comes later has not been looked at yet
                self.stage.files["/sys/class/net/eth0/carrier"] = "0"

        self.assertEqual(doctor.main("wan", steps=True, router=self.stage, tell=tell), 1)
        self.assertEqual([line["step"] for line in lines[1:-1]], lines[0]["way"])
        self.assertEqual((lines[0]["interface"], lines[-1]), ("wan", {"well": False}))
        self.assertEqual([line["code"] for line in lines if line.get("status") == "wrong"], ["NO_CARRIER"])

    def test_on_demand(self):
        """No address is held, and that is as it should be, as long as somebody hears of packets."""
        self.stage.states["wan"] = {
            "tunnel": dict(TUNNEL, ipaddr=[], remote="100::1"),
            "phase": "waiting for a packet",
        }
        self.stage.addresses.remove("203.0.113.7")
        chain = "nft list chain ip softwire want_wan"
        self.stage.outputs[chain] = 'fib daddr . mark oifname "sw-wan" queue flags bypass to 50000'
        self.assertEqual(self.examine(), [])
        told = {step: item.text for step, item in self.found}
        self.assertIn("waits for a packet", told["softwire"])
        for step in "border router", "packet size", "ports", "IPv4":
            self.assertIn("no address is held", told[step])
        del self.stage.outputs[chain]
        self.names("softwire", "FIREWALL_NOT_LOADED", "want_wan", "/etc/init.d/firewall reload")

    def test_a_host_must_be_an_address(self):
        self.assertEqual(doctor.main("wan", host="example.com", router=self.stage, tell=lambda line: None), 2)

    def test_without_any_softwire(self):
        self.change("network", "proto 'softwire'", "proto 'dhcp'")
        self.assertEqual(doctor.main(None, router=self.stage, tell=lambda line: None), 1)

    def test_what_the_network_says_is_made_printable(self):
        self.failure = ProvisioningError("AUTH_REJECTED", "no\x1b[2J\nway\u202e")
        self.names("exchange", "AUTH_REJECTED")
        lines = []
        doctor.main("wan", router=self.stage, tell=lines.append)
        self.assertIn("no?[2J?way?", "".join(lines))
        self.assertTrue(all([" " <= char <= "~" for line in lines for char in line]))

    def test_netifd_is_silent(self):
        def status(interface):
            raise ProvisioningError("NETIFD_SILENT", "netifd does not answer: timed out")

        self.stage.status = status
        self.names("settings", "NETIFD_SILENT", "timed out", "wait a moment")

    def test_a_fault_of_the_doctor_does_not_hide_the_rest(self):
        self.stage.statuses["wan6"]["ipv6-prefix"] = [3]
        told = self.examine()
        self.assertIn(("cable", "wrong", "INTERNAL"), told)

    # The router and its configuration

    def test_router(self):
        self.stage.error = 28
        self.names("router", "NO_RUN_DIRECTORY", "full")
        self.assertEqual([item.status for _, item in self.found[1:]], ["not tried"] * 15)
        self.stage.error = None
        del self.stage.folders["/sys/module"]
        self.down()
        self.names("router", "MISSING_PACKAGE", "kmod-ip6-tunnel")
        self.stage.files["/proc/sys/kernel/osrelease"] = "6.6.86"
        self.stage.files["/lib/modules/6.6.86/modules.builtin"] = "kernel/net/ipv6/ip6_tunnel.ko"
        self.names("softwire", "NOT_UP")

    def test_no_md5(self):
        self.change("network", "provisioning 'static'", "provisioning 'softbank'\noption password 'p'")
        self.change("network", "password 'p'", "password 'p'\noption shared_secret 's'")
        self.change("network", "password 'p'", "password 'p'\nlist auth_server '2001:db8::1'")
        hashes, softbank.hashlib = softbank.hashlib, object()
        try:
            self.names("settings", "NO_MD5", "micropython-mbedtls")
        finally:
            softbank.hashlib = hashes

    def test_settings(self):
        self.stage.statuses["wan"]["proto"] = "none"
        self.names("settings", "NOT_LEARNT", "/etc/init.d/network restart")
        del self.stage.statuses["wan"]
        self.names(
            "settings",
            "NO_INTERFACE",
            "does not know interface wan",
            "reload",
            "'/etc/init.d/network restart'",
        )

    def test_changed_but_not_reloaded(self):
        given = {"tunlink": "wan6", "provisioning": "static", "peeraddr": REMOTE, "ipaddr": "203.0.113.7"}
        self.stage.settings_of = {"wan": given}
        self.assertEqual(self.examine(), [])
        self.change("network", "ipaddr '203.0.113.7'", "ipaddr '203.0.113.8'")
        self.assertEqual(self.examine(), [("settings", "note", "NOT_RELOADED")])
        self.assertTrue(doctor.is_well(self.found))

    def test_turned_off(self):
        for name, step in (("wan6", "cable"), ("wan", "settings")):
            self.setUp()
            self.down()
            told = self.stage.statuses[name]
            told["autostart"] = False
            self.names(step, "TURNED_OFF", "interface {} is turned off".format(name), "'ifup " + name)
            told["errors"] = [{"code": "BAD_CONFIG", "data": ["mac 'x'"]}]
            self.names(step, "TURNED_OFF", "BAD_CONFIG: mac 'x'", "mend that, then 'ifup " + name)
            # netifd does not even know it
            self.stage.statuses.pop(name)
            section = "config interface '{}'\n".format(name)
            self.change("network", section, section + "\toption disabled '1'\n")
            self.names(
                step, "TURNED_OFF", "option disabled is 1", "uci delete network.{}.disabled".format(name)
            )

    def test_another_protocol_of_the_line(self):
        self.change("network", "proto 'flets'", "proto 'dhcpv6'")
        self.assertEqual(self.examine(), [("cable", "note", "NOT_RELOADED")])
        self.stage.statuses["wan6"]["up"] = False
        self.down()
        self.names("cable", "NOT_RELOADED", "says 'dhcpv6', netifd 'flets'", "/etc/init.d/network reload")
        self.stage.statuses["wan6"].update({"up": True, "proto": "none"})
        self.names("cable", "NOT_LEARNT", "dhcpv6 of interface wan6", "/etc/init.d/network restart")

    def test_a_list_where_netifd_hands_over_one_value(self):
        """A required one is missing, another one has no effect; what is advised helps."""
        self.stage.uci_commands = ["delete network.wan.ipaddr", "add_list network.wan.ipaddr=203.0.113.7"]
        item = self.names("settings", "BAD_CONFIG", "option ipaddr is missing", "written as a list")
        self.assertIn("'uci set network.wan.ipaddr=203.0.113.7; uci commit network; ", item.advice)
        self.stage.uci_commands.append("set network.wan.ipaddr=203.0.113.7")
        self.assertEqual(self.examine(), [])
        self.stage.uci_commands.append("add_list network.wan.mtu=1400")
        given = {"tunlink": "wan6", "provisioning": "static", "peeraddr": REMOTE, "ipaddr": "203.0.113.7"}
        for handed in (None, given):
            self.stage.settings_of = {"wan": handed}
            self.assertEqual(self.examine(), [("settings", "note", "NOT_HANDED_OVER")])
        self.stage.uci_commands[-1] = (
            "add_list network.wan.auth_server=2001:db8::1"  # another method's, a list
        )
        self.assertEqual(self.examine(), [])

    def test_a_list_with_a_secret(self):
        self.stage.uci_commands = [
            "set network.wan.provisioning=softbank",
            "add_list network.wan.auth_server=2001:db8::1",
            "add_list network.wan.password=hunter2",
            "add_list network.wan.shared_secret=s3",
        ]
        item = self.names("settings", "BAD_CONFIG", "option shared_secret is missing", "list shared_secret")
        self.assertTrue("s3" not in item.text + item.seen + item.advice)
        self.assertIn("write one line with option shared_secret", item.advice)

    def test_a_name_that_nobody_knows(self):
        self.stage.uci_commands = ["set network.wan.mtuu=1400", "set network.wan.metric=5"]
        self.assertEqual(self.examine(), [("settings", "note", "NOT_HANDED_OVER")])
        self.assertEqual(
            [item.text for _, item in self.found if item.code], ["option mtuu does not reach the softwire"]
        )
        self.stage.uci_commands = ["delete network.wan.ipaddr", "set network.wan.ipadr=203.0.113.7"]
        self.names("settings", "BAD_CONFIG", "option ipaddr is missing", "option ipadr", "knows an option")

    # The line

    def test_dhcpv6_client_is_missing(self):
        self.stage.commands = []
        self.down()
        self.names("DHCPv6", "NO_DHCPV6_CLIENT", "odhcp6c")

    def test_dhcpv6_client_is_just_started(self):
        self.stage.statuses["wan6"]["pending"] = True
        looks = [[], [], self.stage.commands, self.stage.commands]
        self.stage.processes = lambda: looks.pop(0) if len(looks) > 1 else looks[0]
        self.assertEqual([entry for entry in self.examine() if entry[0] == "DHCPv6"], [])

    def unanswered(self, *words):
        """The router's own DHCPv6 client, with these arguments, has no answer."""
        self.down()
        self.stage.commands = [["odhcp6c"] + list(words) + ["eth0"]]
        for name in ("ipv6-prefix", "data"):
            self.stage.statuses["wan6"].pop(name)

    def test_client_id(self):
        self.unanswered("-P0", "-c00020000abcd")
        self.names(
            "DHCPv6",
            "NOT_DUID_LL",
            "a DUID-EN",
            "network.globals.dhcp_default_duid",
            "uci set network.wan6.clientid=00030001525400123401",
        )
        self.change(
            "network", "option proto 'flets'", "option clientid '00020000abcd'\n\toption proto 'flets'"
        )
        self.names("DHCPv6", "NOT_DUID_LL", "uci delete network.wan6.clientid")
        self.stage.network.offer = None
        self.names("DHCPv6", "NO_DHCPV6", "a DUID-EN, which NTT ignores")

    def test_unanswered(self):
        self.unanswered("-P0")
        self.names("DHCPv6", "DHCPV6_WAITS")
        self.stage.network.offer = []
        self.names("DHCPv6", "NO_PREFIX")
        self.stage.network.offer = None
        self.names("DHCPv6", "NO_DHCPV6", "M=1 O=1")
        self.stage.network.reply = []
        self.names("DHCPv6", "STATELESS_ONLY", "reqprefix=no")
        self.stage.commands = [["odhcp6c", "eth0"]]
        self.names("DHCPv6", "DHCPV6_WAITS")
        self.stage.network.offer = Network().offer
        self.names("DHCPv6", "PREFIX_NOT_ASKED", "2001:db8:4000:300::/56")

    def test_options_of_an_earlier_line(self):
        """They are still held, and no prefix is: the line of today answers questions for information only."""
        data = self.stage.statuses["wan6"]["data"]
        self.unanswered("-P0")
        self.stage.statuses["wan6"]["data"] = data
        self.stage.network.offer, self.stage.network.reply = None, []
        self.names("DHCPv6", "STATELESS_ONLY", "reqprefix=no")
        self.stage.network.reply = None
        self.assertIn(("DHCPv6", "note", "DHCPV6_SILENT"), self.examine())

    def test_another_prefix_is_offered(self):
        """The server lost its memory; a server that knows the router by another client id says nothing of it."""
        octets = self.stage.network.offer[0][1].replace(b"\x40\0\x03", b"\x40\0\x05")
        self.stage.network.offer = [(25, octets)]
        self.assertEqual(self.examine(), [("DHCPv6", "note", "PREFIX_MOVED")])
        told = [item for _, item in self.found if item.code][0]
        self.assertIn("2001:db8:4000:500::/56", told.text)
        self.assertIn("2001:db8:4000:300::/56", told.seen)
        self.stage.commands[0].insert(1, "-c00030001525400123401")
        self.assertEqual(self.examine(), [("DHCPv6", "note", "PREFIX_MOVED")])
        self.stage.commands[0][1] = "-c00030001525400123402"
        self.assertEqual(self.examine(), [])

    def test_a_prefix_that_is_withdrawn_does_not_count(self):
        """Neither as one that the router has, nor as one of the LAN's."""
        prefixes = self.stage.statuses["wan6"]["ipv6-prefix"]
        offered = dict(prefixes[0], preferred=0)
        prefixes[0]["address"] = "2001:db8:4000:500::"
        prefixes[0]["preferred"] = 1
        prefixes.append(offered)
        self.assertIn(("DHCPv6", "note", "PREFIX_MOVED"), self.examine())
        self.assertEqual(
            [item.text for step, item in self.found if step == "prefix"], ["2001:db8:4000:500::/56"]
        )

    def test_unanswered_but_up(self):
        """A line that works by its advertisement alone."""
        self.unanswered("-P0")
        self.stage.statuses["wan"].update({"up": True, "l3_device": "sw-wan"})
        self.stage.states = {"wan": {"tunnel": TUNNEL}}
        self.stage.network.offer = None
        told = self.examine()
        self.assertEqual(told[0], ("DHCPv6", "note", "NO_DHCPV6"))

    def test_shared_64(self):
        """A line that is one /64: what the LAN needs is told, until odhcpd is set up as a relay."""
        self.stage.statuses["wan6"].pop("ipv6-prefix")
        self.stage.statuses["wan6"]["ipv6-address"] = [
            {"address": "2001:db8:4000:900::1", "mask": 64, "preferred": 600, "valid": 900}
        ]
        self.assertIn(("prefix", "note", "NO_LAN_RELAY"), self.examine())
        self.stage.outputs["uci -q export dhcp"] = "config dhcp 'wan6'\n\toption interface 'wan6'\n"
        self.assertIn(("prefix", "note", "NO_LAN_RELAY"), self.examine())
        self.stage.outputs["uci -q export dhcp"] += "\toption master '1'\n"
        self.assertEqual([entry for entry in self.examine() if entry[0] == "prefix"], [])

    def test_advertisement(self):
        self.stage.network.advertisement = None
        self.assertEqual(self.examine(), [("line's router", "note", "RA_SILENT")])
        self.stage.statuses["wan6"]["route"] = []
        self.down()
        self.names("line's router", "NO_RA")
        self.stage.network.advertisement = OSError(1)
        self.names("prefix", "NO_DEFAULT_ROUTE")

    def test_firewall_that_does_not_know_the_line(self):
        """As it is where a port was given to the line, and the firewall was not loaded again."""
        self.stage.network.advertisement = None
        self.stage.statuses["wan6"]["route"] = []
        self.down()
        self.stage.outputs["nft list table inet fw4"] = RULES.replace("eth0", "eth7")
        self.names("line's router", "FIREWALL_NOT_LOADED", "eth0", "/etc/init.d/firewall reload")
        self.stage.outputs["nft list table inet fw4"] = ""
        self.names("line's router", "NO_RA")

    def test_lifetime_zero(self):
        self.stage.network.advertisement.lifetime = 0
        self.names("line's router", "RA_NO_DEFAULT", "fe80::1")

    def test_a_tunlink_without_dhcpv6(self):
        self.stage.statuses["wan6"]["proto"] = "static"
        self.change("network", "proto 'flets'", "proto 'static'")
        self.stage.commands = []
        self.stage.network.advertisement = None
        self.stage.statuses["wan6"]["data"] = {}
        self.assertEqual(self.examine(), [])
        self.assertEqual(self.stage.network.asked, [])

    def test_no_mac_address(self):
        """One that is given does for a device that has none."""
        self.stage.files["/sys/class/net/eth0/address"] = ""
        self.names("cable", "NO_MAC", "set option mac of wan6")
        self.stage.uci_commands = ["set network.wan6.mac=52:54:00:12:34:01"]
        self.assertEqual(self.examine(), [])

    # Endpoint, route, exchange

    def test_an_endpoint_that_the_operator_tells(self):
        """No option moves it."""
        row = self.stage.files["/proc/net/if_inet6"]
        self.stage.files["/proc/net/if_inet6"] = row + "\n" + row.replace("lo", "br-lan")
        self.assertIn("or set another interface_id", self.names("endpoint", "ENDPOINT_TAKEN").advice)
        self.stage.uci_commands = ["set network.wan.ip6addr=" + ENDPOINT]
        self.assertIn("or set another ip6addr", self.names("endpoint", "ENDPOINT_TAKEN").advice)
        other = "2001:db8:4000:300:cb:71:700:0"
        self.stage.uci_commands = []
        self.stage.states["wan"] = {"tunnel": dict(TUNNEL, local=other)}
        self.stage.addresses.append(other)
        self.stage.files["/proc/net/if_inet6"] = "20010db84000030000cb007107000000 01 80 00 80 br-lan"
        self.assertTrue("set another" not in self.names("endpoint", "ENDPOINT_TAKEN").advice)

    def test_endpoint(self):
        row = self.stage.files["/proc/net/if_inet6"]
        self.stage.files["/proc/net/if_inet6"] = row.replace(" 80       lo", " 88       eth0")
        self.names("endpoint", "ENDPOINT_TAKEN", "duplicate address detection")
        self.stage.files["/proc/net/if_inet6"] = row + "\n" + row.replace("lo", "br-lan")
        self.names("endpoint", "ENDPOINT_TAKEN", "br-lan")
        self.stage.files["/proc/net/if_inet6"] = row
        self.stage.states["wan2"] = {"tunnel": TUNNEL}
        self.names("endpoint", "ENDPOINT_TAKEN", "interface wan2")
        del self.stage.states["wan2"]
        self.stage.addresses.remove(ENDPOINT)
        self.names("endpoint", "NO_ENDPOINT", "ifup wan")

    def test_route(self):
        for reason, word in ((101, "ENETUNREACH"), ("name", "resolved"), (7, "error 7")):
            self.stage.network.unreached = reason
            self.names("route", "NO_ROUTE", word)
        self.stage.network.unreached = None
        self.stage.outputs["ip -6 route get {} from {}".format(REMOTE, ENDPOINT)] = (
            REMOTE + " from :: dev wg0 src ::1"
        )
        self.names("route", "NO_ROUTE", "wg0 instead of eth0")

    def test_who_is_asked_on_the_link_needs_no_route(self):
        """DHCPv4 over DHCPv6; what to do about a code is the method's own word first."""
        for old, new in (
            ("provisioning 'static'", "provisioning 'dhcp4o6'"),
            ("option ipaddr", "option no_ipaddr"),
        ):
            self.change("network", old, new)
        self.failure = ProvisioningError("NO_ANSWER", "ff02::1:2: silent")
        told = self.stage.statuses["wan6"]["data"]
        told["passthru"] += "00580000"
        item = self.names("exchange", "NO_ANSWER", "Allow-DHCPv6")
        self.assertFalse("auth_server" in item.advice)
        route = [item for step, item in self.found if step == "route"]
        self.assertEqual([(item.status, item.text[:10]) for item in route], [("ok", "not needed")])
        told["passthru"] = told["passthru"].replace(
            "00580000", "00580010" + "20010db8000000010000000000000001"
        )
        self.names("exchange", "NO_ANSWER")
        route = [item.text for step, item in self.found if step == "route"]
        self.assertEqual(route, ["to 2001:db8:0:1::1 over eth0"])
        told["passthru"] = ""
        self.names("route", "NO_4O6_SERVER", "reqopts=88")

    def test_exchange(self):
        for code in ("NO_ANSWER", "SECRET_MISMATCH", "AUTH_REJECTED", "BAD_ANSWER"):
            self.failure = ProvisioningError(code, "ignored: 3 malformed")
            self.names("exchange", code)
            self.assertEqual([step for step, item in self.found if item.status == "not tried"], [])

    def test_answer_with_difficulty(self):
        """What a lossy line, or somebody who forges replies, shows although the right answer came."""

        def dry_run(interface, method, line, tell):
            method.answer = {
                "server": "[2001:db8:1812::1]:1812",
                "tries": self.tries,
                "copies": 3,
                "ignored": {"authenticator": 2},
            }
            return method.provision(line, 0)

        tunnel.dry_run = dry_run
        self.tries = 1
        self.assertEqual(
            self.examine(), [("exchange", "note", "ANSWERED_TWICE"), ("exchange", "note", "BAD_REPLIES")]
        )
        self.assertIn("came 3 times to 1 request", [item.text for step, item in self.found if item.code][0])
        # Each of three requests may be answered.
        self.tries = 3
        self.assertEqual(
            self.examine(), [("exchange", "note", "ANSWERED_LATE"), ("exchange", "note", "BAD_REPLIES")]
        )
        told = [item.text for step, item in self.found if step == "exchange"]
        self.assertIn("asked 3 times", told[1])
        self.assertIn("2 other replies were ignored: authenticator", told[2])

    # The softwire

    def test_not_up(self):
        self.down()
        self.stage.states = {"wan": {"error": {"code": "NO_ANSWER", "text": "silent"}, "next": 1042}}
        self.names("softwire", "NOT_UP", "NO_ANSWER: silent", "42 s")
        self.stage.states["wan"]["error"]["code"] = "HANDOVER_REFUSED"
        self.names("softwire", "HANDOVER_REFUSED", "kmod-ip6-tunnel")
        self.assertEqual([item.status for _, item in self.found[-4:]], ["not tried"] * 4)

    def test_another_state_than_at_first(self):
        """The client was killed, or has just come up, while the doctor was at the line."""
        known = dict(self.stage.statuses["wan"])

        def solicit_router(device):
            self.stage.statuses["wan"] = dict(known, up=not known["up"])
            return self.stage.network.advertisement

        self.stage.network.solicit_router = solicit_router
        self.names("softwire", "NOT_UP")
        known["up"] = False
        self.stage.statuses["wan"] = known
        self.assertEqual(self.examine(), [("softwire", "note", "JUST_UP")])

    def test_up_without_its_address(self):
        self.stage.addresses.remove("203.0.113.7")
        self.names("softwire", "HANDOVER_REFUSED", "203.0.113.7")

    def test_changed_parameters_and_another_way_out(self):
        self.change("network", "ipaddr '203.0.113.7'", "ipaddr '203.0.113.8'")
        self.stage.files["/proc/net/route"] += "\nusb0\t00000000\t0A000001\t0003\t0\t0\t0\t00000000\t0\t0\t0"
        self.stage.files["/proc/net/route"] = self.stage.files["/proc/net/route"].replace(
            "0\t0\t0\t0000", "0\t0\t9\t0000", 1
        )
        self.assertEqual(
            self.examine(),
            [("softwire", "note", "PARAMETERS_CHANGED"), ("softwire", "note", "OTHER_DEFAULT_ROUTE")],
        )

    def test_packets_that_cannot_leave(self):
        """Whatever the look before the exchange meets, the exchange is tried."""

        def echo(*_, **__):
            raise OSError(1)

        self.stage.network.echo = echo
        self.names("border router", "NOT_SENT", "sending failed")
        self.assertEqual([item.status for step, item in self.found if step == "exchange"], ["ok"])

    def test_silent_border_router(self):
        self.stage.network.router_behind = self.stage.network.resolver = None
        self.names("border router", "BORDER_ROUTER_SILENT", REMOTE)
        skipped = [step for step, item in self.found if item.status == "not tried"]
        self.assertEqual(skipped, ["packet size", "IPv4"])
        self.stage.network.router_behind = "unreachable from 203.0.113.7"
        self.names("border router", "BORDER_ROUTER_SILENT", "unreachable from 203.0.113.7")

    def test_packets_from_an_address_that_is_not_the_lines(self):
        self.stage.network.router_behind = self.stage.network.resolver = None
        self.stage.statuses["wan6"]["ipv6-prefix"][0]["address"] = "2001:db8:4000:500::"
        self.stage.outputs["uci -q export network"] = (
            NETWORK + "\toption ip6prefix '2001:db8:4000:300::/56'\n"
        )
        # Behind a prefix that is an option the line's own is not asked for.
        self.names("border router", "BORDER_ROUTER_SILENT")
        self.stage.outputs["uci -q export network"] = NETWORK
        self.stage.addresses.append(ENDPOINT.replace(":300:", ":500:"))
        item = self.names("border router", "WRONG_SOURCE", ENDPOINT, "2001:db8:4000:500::/56")
        self.assertIn("'ifup wan'", item.advice)

    def test_packets_that_end_on_the_way(self):
        self.stage.network.router_behind = self.stage.network.resolver = None
        self.stage.outputs["uci -q export network"] = NETWORK + "\toption ttl '3'\n"
        item = self.names("border router", "FEW_HOPS", "lets them pass 3 routers")
        self.assertIn("uci delete network.wan.ttl;", item.advice)

    def test_map_is_offered_and_not_there(self):
        self.stage.network.offer.append((94, b""))
        self.assertEqual(self.examine(), [])
        self.stage.statuses["wan6"]["proto"] = "dhcpv6"
        self.assertIn(("DHCPv6", "note", "S46_WITHOUT_MAP"), self.examine())
        self.stage.folders["/lib/netifd/proto"] = ["map.sh"]
        self.assertTrue("S46_WITHOUT_MAP" not in [code for _, _, code in self.examine()])

    def test_ports_of_the_operators_nat(self):
        self.stage.states["wan"]["tunnel"] = dict(TUNNEL, ipaddr=["192.0.0.2/29"])
        self.stage.addresses.append("192.0.0.2")
        self.examine()
        told = [item.text for step, item in self.found if step == "ports"]
        self.assertIn("the operator's NAT has them", told[0])

    def test_border_router_that_was_reminded(self):
        def dry_run(interface, method, line, tell):
            self.stage.network.resolver = "answers"
            return method.provision(line, 0)

        tunnel.dry_run = dry_run
        self.stage.network.router_behind = self.stage.network.resolver = None
        self.assertEqual(self.examine(), [("border router", "note", "BORDER_ROUTER_FORGOT")])

    def test_packet_size(self):
        self.stage.network.largest = 1411
        item = self.names("packet size", "PATH_MTU", "1411 is the largest")
        self.assertIn("'uci set network.wan.mtu=1411; uci commit network; ", item.advice)
        self.stage.files["/sys/class/net/sw-wan/mtu"] = "1480"
        self.assertEqual(self.names("packet size", "MTU_TOO_BIG").advice, "'ifup wan'")
        self.stage.files["/sys/class/net/sw-wan/mtu"] = "1400"
        self.assertEqual(self.examine(), [("packet size", "note", "MTU_TOO_SMALL")])

    def test_packet_size_by_option(self):
        self.stage.uci_commands = ["set network.wan.mtu=1480"]
        self.stage.files["/sys/class/net/sw-wan/mtu"] = "1480"
        self.names("packet size", "MTU_TOO_BIG", "'uci delete network.wan.mtu; uci commit network; ")
        self.stage.uci_commands = ["set network.wan.mtu=1400"]
        self.stage.files["/sys/class/net/sw-wan/mtu"] = "1400"
        self.assertIn(("packet size", "note", "MTU_TOO_SMALL"), self.examine())
        advice = [item.advice for _, item in self.found if item.code == "MTU_TOO_SMALL"][0]
        self.assertIn("otherwise 'uci delete network.wan.mtu; ", advice)

    def test_no_mtu_is_advised_that_is_refused_or_does_not_help(self):
        for largest in list(range(64, 80)) + list(range(570, 580)) + list(range(1270, 1290)) + [1459]:
            self.stage.network.largest = largest
            self.examine()
            item = [item for step, item in self.found if step == "packet size"][0]
            if largest < 576:
                self.assertEqual((item.code, item.status), ("PATH_BROKEN", "wrong"))
                self.assertIn("more than {} octets".format(largest), item.text)
                self.assertTrue("uci" not in item.advice)
            else:
                self.assertEqual(item.code, "PATH_MTU")
                advised = item.advice.partition("network.wan.mtu=")[2].partition(";")[0]
                self.assertEqual(advised, str(largest))
                method = provisioning.find("static")
                options = {"tunlink": "wan6", "peeraddr": REMOTE, "ipaddr": "203.0.113.7", "mtu": advised}
                self.assertEqual(Config(options, method)["mtu"], largest)

    def test_an_mtu_below_what_hosts_take_that_somebody_wants(self):
        self.stage.uci_commands = ["set network.wan.mtu=68"]
        self.stage.files["/sys/class/net/sw-wan/mtu"] = "68"
        self.stage.network.largest = 68
        self.assertIn(("packet size", "note", "MTU_TOO_SMALL"), self.examine())
        self.assertIn("68 octets pass", [item.text for step, item in self.found if step == "packet size"][0])

    def test_ipv4(self):
        self.stage.network.resolver = None
        self.names("IPv4", "IPV4_DEAD", "198.51.100.53")
        self.stage.statuses["wan"]["dns-server"] = ["2001:db8::53"]
        self.assertEqual(self.examine(), [("IPv4", "note", "NO_HOST")])
        self.stage.network.resolver = "refused"
        self.assertEqual(self.examine("192.0.2.9"), [])
        self.assertIn("192.0.2.9 is reached", self.found[-1][1].text)

    # The firewall

    def test_firewall(self):
        self.assertEqual(self.examine(), [])
        self.stage.outputs["nft list table inet fw4"] = RULES.replace("masquerade", "accept")
        self.names("firewall", "FIREWALL_NOT_LOADED", "firewall reload")
        self.change("firewall", "masq '1'", "masq '0'")
        self.names("firewall", "NO_MASQ", "uci set firewall.@zone[1].masq=1; uci commit")
        self.change("firewall", "\tlist network 'wan'\n", "")
        self.names("firewall", "NO_ZONE", "uci add_list firewall.@zone[1].network=wan; ")
        self.change("firewall", "option name 'wan'", "option name 'outside'")
        advice = self.names("firewall", "NO_ZONE", "name it among the networks").advice
        self.assertTrue("uci" not in advice)
        self.stage.outputs["nft list table inet fw4"] = ""
        self.assertEqual(self.examine(), [("firewall", "note", "NO_FW4")])

    def test_zone_by_device_and_by_netifd(self):
        self.change("firewall", "list network 'wan'\n\tlist network 'wan6'", "list device 'sw-x'")
        sections = self.stage.uci("firewall")
        self.assertEqual(firewall.zone_of("x", "sw-x", {}, sections)[0], 1)
        self.assertEqual(firewall.zone_of("x", "sw-y", {"data": {"zone": "lan"}}, sections)[0], 0)
        self.assertEqual(firewall.zone_of("x", "sw-y", {}, sections)[0], None)

    def test_forwarding(self):
        self.change("firewall", "dest 'wan'", "dest 'vpn'")
        self.names("firewall", "NO_FORWARDING")

    # A shared address

    def share(self):
        """Three ports in three ranges; in the kernel's NAT 32765 to 32767."""
        self.stage.states = {"wan": {"tunnel": dict(TUNNEL, ports=[2, 14, 3])}}
        self.stage.connections = "/tmp/softwire-test-connections"
        self.stage.outputs["nft list chain ip softwire nat_wan"] = (
            'oifname "sw-wan" masquerade to :32765-32767'
        )

    def connect(self, numbers):
        row = (
            "ipv4 2 udp 17 29 src=192.168.1.9 dst=198.51.100.1 sport=4 dport=53 src=198.51.100.1 dst=203.0.113.7 "
            "sport=53 dport={} use=2\n"
        )
        with open(self.stage.connections, "w") as file:
            file.write("".join([row.format(number) for number in numbers]))

    def test_ports(self):
        self.share()
        self.connect((32765, 32767))
        self.assertEqual(self.examine(), [])
        told = [item.text for step, item in self.found if step == "ports"]
        self.assertEqual(told, ["TCP 0, UDP 2, ICMP 0 of 3 in use; 3 ranges from 16387-16387 on"])
        self.connect((32765, 32766, 32767))
        self.names("ports", "PORTS_USED_UP", "all 3 ports", "198.51.100.1, UDP port 53", "UDP 3")
        # A kernel without the list.
        os.remove(self.stage.connections)
        self.assertEqual(self.examine(), [])

    def test_ports_that_the_firewall_does_not_know(self):
        self.share()
        self.stage.outputs["nft list chain ip softwire nat_wan"] = ""
        self.names("ports", "FIREWALL_NOT_LOADED", "/etc/init.d/firewall reload", "nat_wan")
        self.change("firewall", "config defaults\n", "config defaults\n\toption auto_includes '0'\n")
        self.names(
            "ports", "FIREWALL_NOT_LOADED", "uci set firewall.@defaults[0].auto_includes=1; uci commit"
        )


class HindranceTest(unittest.TestCase):
    """Why the client does not even run, without a question to the line."""

    def setUp(self):
        self.stage = Stage()
        self.stage.network = None
        self.line = self.stage.statuses["wan6"]
        self.stage.statuses["wan"].update({"up": False, "l3_device": None})
        self.stage.states = {}

    def hindrance(self):
        return hindrance(Case("wan", self.stage))

    def names(self, code, *words):
        found = self.hindrance()
        self.assertEqual(found.code, code)
        for word in words:
            self.assertIn(word, " ".join([found.text, found.seen, found.advice]))

    def down(self, *arguments):
        """The line is not up; odhcp6c runs with these arguments."""
        self.line.update({"up": False, "route": [], "device": "eth0"})
        for name in ("l3_device", "ipv6-prefix", "data"):
            self.line.pop(name, None)
        self.stage.commands = [["odhcp6c"] + list(arguments) + ["eth0"]]

    def change(self, old, new):
        text = self.stage.outputs["uci -q export network"]
        self.assertIn(old, text)
        self.stage.outputs["uci -q export network"] = text.replace(old, new)

    def test_none(self):
        self.assertEqual(self.hindrance(), None)

    def test_before_the_restart_that_an_installation_asks_for(self):
        """flets does not use the global DUID-UUID of 25.12, which the stock client still sends."""
        self.down("-c0004123456")
        self.line["proto"] = self.stage.statuses["wan"]["proto"] = "none"
        self.change(
            "config globals 'globals'\n",
            "config globals 'globals'\n\toption dhcp_default_duid '0004123456'\n",
        )
        self.names("NOT_LEARNT", "protocol softwire of interface wan", "/etc/init.d/network restart")
        self.stage.statuses["wan"]["proto"] = "softwire"
        self.names("NOT_LEARNT", "protocol flets of interface wan6")
        # Restarted: it is there, and nobody sends it.
        self.down("-P0")
        self.line["proto"] = "flets"
        self.names("NO_LINE", "interface wan6 is not up", "'softwire doctor wan' asks the line")

    def test_line_turned_off(self):
        self.down()
        self.line["autostart"] = False
        self.names("TURNED_OFF", "interface wan6 is turned off", "ifup wan6")

    def test_no_cable(self):
        self.down()
        self.stage.files["/sys/class/net/eth0/carrier"] = "0"
        self.names("NO_CARRIER", "eth0 has no link")

    def test_no_line(self):
        del self.stage.statuses["wan6"]
        self.names("NO_LINE", "'wan6'", "option tunlink")
        del self.stage.statuses["wan"]
        self.names("NO_INTERFACE", "reload")

    def test_client_id(self):
        self.down("-c000100012345")
        self.change("option proto 'flets'", "option clientid '000100012345'\n\toption proto 'flets'")
        self.names("NOT_DUID_LL", "network.wan6.clientid is no DUID-LL", "a DUID-LLT", "uci delete")
        self.change("\toption clientid '000100012345'\n", "")
        self.names(
            "NOT_DUID_LL",
            "network.globals.dhcp_default_duid is no DUID-LL",
            "uci set network.wan6.clientid=00030001525400123401",
        )
        self.down("-c00030001525400123401")
        self.names("NO_LINE")

    def test_error_of_the_line(self):
        self.down()
        self.line["errors"] = [{"code": "NO_MAC", "data": ["set option mac"]}]
        self.names("NO_LINE", "NO_MAC: set option mac")

    def test_no_default_route(self):
        self.line["route"] = []
        self.names("NO_DEFAULT_ROUTE", "wan6")

    def test_as_status_tells_it(self):
        self.line["autostart"] = False
        usual, router.Router = router.Router, lambda status_of: self.stage
        try:
            told = status.explain("wan", self.stage.status)
        finally:
            router.Router = usual
        self.assertEqual(
            told,
            "TURNED_OFF: interface wan6 is turned off (netifd does not start it by itself): "
            "'ifup wan6' (and delete option auto if it is set)",
        )


class ReadingTest(unittest.TestCase):
    def test_uci(self):
        stage = Stage()
        stage.outputs = {
            "uci -q export network": "config interface 'a'\n\toption password 'it'\\''s = 1'\n\tlist many 'x y'\n"
            "\nconfig device\n\toption ports 'c d'\n\nconfig device\n"
        }
        self.assertEqual(
            stage.uci("network"),
            [
                ("a", "interface", {"password": "it's = 1", "many": ["x y"]}),
                ("@device[0]", "device", {"ports": "c d"}),
                ("@device[1]", "device", {}),
            ],
        )
        for text in "", "nonsense\n=\noption b '1'\n":
            stage.outputs = {"uci -q export network": text}
            self.assertEqual(stage.uci("network"), [])

    def test_router_advertisement(self):
        heard = network.RouterAdvertisement(ADVERTISEMENT + PREFIX_INFORMATION, "fe80::1")
        self.assertEqual((heard.managed, heard.other, heard.lifetime, heard.mtu), (True, True, 1800, 1500))
        self.assertEqual(heard.prefixes, [(0x20010DB8400009000000000000000000, 64)])
        for length in range(len(ADVERTISEMENT)):
            if length == 16:
                continue  # an advertisement without options is whole
            with self.assertRaises(WireError):
                network.RouterAdvertisement(ADVERTISEMENT[:length], "fe80::1")
        for wrong in (b"\x85" + ADVERTISEMENT[1:], ADVERTISEMENT[:16] + bytes(8)):
            with self.assertRaises(WireError):
                network.RouterAdvertisement(wrong, "fe80::1")

    def test_offered_prefixes(self):
        self.assertEqual(network.offered_prefixes(Network().offer), ["2001:db8:4000:300::/56"])
        no_prefix = [
            (25, bytes(12) + b"\0\x0d\0\x02\0\x06"),
            (25, b"\0"),
            (1, b""),
            (25, bytes(12) + b"\0\x1a\0\x01\0"),
        ]
        self.assertEqual(network.offered_prefixes(no_prefix), [])
        # Taken back: preferred for 0 s, however long it stays valid.
        for lifetimes in bytes(8), bytes(4) + b"\0\0\x03\x84":
            withdrawn = b"\0\x1a\0\x19" + lifetimes + bytes([56]) + bytes(16)
            self.assertEqual(network.offered_prefixes([(25, bytes(12) + withdrawn)]), [])

    def test_answer_of_a_resolver(self):
        # Found by fuzzing: an answer of two octets ended the doctor with an IndexError.
        def ask(sock, send, accept, tries, pause):
            send()
            return [accept(sock.sent[:2] + octets, None) for octets in (b"", b"\1", b"\x80")]

        real = network._open, network._address, network._ask
        network._open, network._address, network._ask = lambda *_: Socket(), lambda *_: None, ask
        try:
            told = network.ask_resolver("sw-wan", "192.0.2.1", "198.51.100.1")
        finally:
            network._open, network._address, network._ask = real
        self.assertEqual(told, [None, None, "answers"])

    def test_checksum(self):
        # RFC 1071 section 3.
        self.assertEqual(network._checksum(b"\0\1\xf2\3\xf4\xf5\xf6\xf7"), 0xDDF2 ^ 0xFFFF)
        self.assertEqual(network._checksum(b"\xff"), 0x00FF)
