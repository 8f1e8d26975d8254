# SPDX-License-Identifier: Apache-2.0
"""The line as netifd of 24.10, 25.12 and the development branch told it (recorded/), and lines that lack something."""

import json
import unittest

from softwire import ntt
from softwire.address import parse_ipv6
from softwire.dhcpv6 import VENDOR_OPTS
from softwire.errors import ProvisioningError
from softwire.line import FOREVER, Line

RECORDED = __file__.rpartition("/")[0] + "/recorded/wan6-status-{}.json"
# Release, and the prefix that Kea gave it.
RELEASES = (
    ("24.10", "2001:db8:4000:200::"),
    ("25.12", "2001:db8:4000:300::"),
    ("main", "2001:db8:4000:300::"),
)


def recorded(release):
    with open(RECORDED.format(release)) as file:
        return json.loads(file.read())


def kernel(files):
    """Stands for the kernel's files: path -> text."""
    return lambda path: files.get(path, "")


def line(prefixes=(), onlink=(), **more):
    """A line with (prefix, length, preferred) entries; preferred None: netifd names no lifetime."""
    status = {"up": True, "l3_device": "eth1"}
    for key, entries in (("ipv6-prefix", prefixes), ("ipv6-address", onlink)):
        status[key] = []
        for address, mask, preferred in entries:
            entry = {"address": address, "mask": mask}
            if preferred is not None:
                entry["preferred"] = preferred
            status[key].append(entry)
    status.update(more)
    return Line("wan6", status)


class RecordedTest(unittest.TestCase):
    def test_prefix_and_device(self):
        for release, prefix in RELEASES:
            seen = Line("wan6", recorded(release))
            self.assertEqual((seen.name, seen.up, seen.device), ("wan6", True, "eth0"))
            self.assertEqual(seen.delegated_prefix(), (parse_ipv6(prefix), 56))
            self.assertEqual(seen.onlink, [])
            self.assertTrue(seen.default_route)
            self.assertEqual(seen.dns, ["2001:db8:53::1", "2001:db8:53::2"])
            self.assertEqual((seen.errors, seen.problems), ([], []))

    def test_lan_took_the_first_address_of_subnet_0(self):
        for release, prefix in RELEASES:
            self.assertEqual(Line("wan6", recorded(release)).lan_addresses, [parse_ipv6(prefix) + 1])

    def test_vendor_options(self):
        for release, _ in RELEASES:
            seen = Line("wan6", recorded(release))
            self.assertEqual([code for code, _ in seen.options], [VENDOR_OPTS, 23])
            self.assertEqual(ntt.read_line(seen).mac, "02:00:de:ad:be:ef")
            self.assertEqual(ntt.read_line(seen).sip_domain, "aaa.lab.example.jp")


class KernelTest(unittest.TestCase):
    FILES = {
        "/proc/sys/net/ipv6/conf/eth0/mtu": "1454",
        "/sys/class/net/eth0/address": "52:54:00:12:34:AB",
    }

    def test_mtu_and_mac_of_the_device(self):
        seen = Line("wan6", recorded("25.12"), kernel(self.FILES))
        self.assertEqual((seen.mtu, seen.mac), (1454, "52:54:00:12:34:ab"))

    def test_device_that_is_gone(self):
        seen = Line("wan6", recorded("25.12"), kernel({}))
        self.assertEqual((seen.mtu, seen.mac), (None, None))
        # The real files, of a device that no machine has.
        seen = Line("wan6", {"l3_device": "no-such-dev"})
        self.assertEqual((seen.mtu, seen.mac), (None, None))


class PrefixTest(unittest.TestCase):
    def code(self, seen):
        try:
            seen.delegated_prefix()
        except ProvisioningError as error:
            return error.code
        return None

    def test_old_and_new_prefix_while_renumbering(self):
        # NETIFD, hotplug: old and new coexist, the old one with preferred 0.
        for prefixes in (
            [("2001:db8:4000:300::", 56, 0), ("2001:db8:4000:500::", 56, 600)],
            [("2001:db8:4000:500::", 56, 600), ("2001:db8:4000:300::", 56, 0)],
            [("2001:db8:4000:300::", 56, 20), ("2001:db8:4000:500::", 56, None)],
        ):
            self.assertEqual(line(prefixes).delegated_prefix(), (parse_ipv6("2001:db8:4000:500::"), 56))

    def test_prefix_in_use_stays_while_it_is_preferred(self):
        held = parse_ipv6("2001:db8:4000:300:1111:1111:1111:1111")
        both = [("2001:db8:4000:300::", 56, 20), ("2001:db8:4000:500::", 56, 600)]
        self.assertEqual(line(both).delegated_prefix(held), (parse_ipv6("2001:db8:4000:300::"), 56))
        both[0] = ("2001:db8:4000:300::", 56, 0)
        self.assertEqual(line(both).delegated_prefix(held), (parse_ipv6("2001:db8:4000:500::"), 56))
        # Held on the link while a prefix is delegated late.
        onlink = parse_ipv6("2001:db8:5::1111:1111:1111:1111")
        late = line([("2001:db8:1::", 56, 600)], [("2001:db8:5::1", 64, 9)], uptime=99)
        self.assertEqual(late.delegated_prefix(onlink), (parse_ipv6("2001:db8:5::"), 64))
        self.assertEqual(late.delegated_prefix(), (parse_ipv6("2001:db8:1::"), 56))

    def test_prefix_from_which_nobody_answers(self):
        old, new = parse_ipv6("2001:db8:4000:300::"), parse_ipv6("2001:db8:4000:500::")
        both = line([("2001:db8:4000:300::", 56, 900), ("2001:db8:4000:500::", 56, 600)])
        both.avoid = [old >> 64]
        self.assertEqual(both.delegated_prefix(), (new, 56))
        self.assertEqual(both.delegated_prefix(old | 1), (new, 56))
        # Where all are like that it counts no more.
        both.avoid = [old >> 64, new >> 64]
        self.assertEqual(both.delegated_prefix(), (old, 56))
        # The line was renumbered by router advertisements alone.
        moved = line([("2001:db8:4000:300::", 56, 900)], [("2001:db8:5::1", 64, 600)], uptime=99)
        self.assertEqual(moved.delegated_prefix(), (old, 56))
        moved.avoid = [old >> 64]
        self.assertEqual(moved.delegated_prefix(), (parse_ipv6("2001:db8:5::"), 64))

    def test_lengths(self):
        self.assertEqual(
            line([("2001:db8:4000::", 48, 600)]).delegated_prefix(), (parse_ipv6("2001:db8:4000::"), 48)
        )
        # behind a home gateway (PROTOCOLS section 1)
        self.assertEqual(
            line([("2001:db8:1::10", 60, 9)]).delegated_prefix(), (parse_ipv6("2001:db8:1::"), 60)
        )
        self.assertEqual(line([("2001:db8:1::", 64, 9)]).delegated_prefix(), (parse_ipv6("2001:db8:1::"), 64))

    def test_prefix_that_netifd_dropped(self):
        # netifd's parse_prefix_option takes /1 to /64; dhcpv6.script's default route from the prefix stays.
        for source, code in (("/65", "PREFIX_TOO_LONG"), ("/121", "PREFIX_TOO_LONG"), ("/128", "NO_PREFIX")):
            route = {"target": "::", "mask": 0, "nexthop": "fe80::1", "source": "2001:db8:1::" + source}
            self.assertEqual(self.code(line(route=[route])), code)

    def test_long_prefix_beside_a_fitting_one(self):
        route = {"target": "::", "mask": 0, "nexthop": "fe80::1", "source": "2001:db8:1::/80"}
        seen = line([("2001:db8:2::", 64, 600)], route=[route])
        self.assertEqual(seen.delegated_prefix(), (parse_ipv6("2001:db8:2::"), 64))

    def test_only_a_router_advertisements_prefix(self):
        seen = line(onlink=[("2001:db8:5::5054:ff:fe12:3401", 64, 604800)])
        self.assertEqual(seen.onlink, [(parse_ipv6("2001:db8:5::"), 64, 604800)])
        # DHCPv6 may delegate one yet.
        self.assertEqual(self.code(seen), "ONLY_ONLINK_PREFIX")
        try:
            seen.delegated_prefix()
        except ProvisioningError as error:
            self.assertIn("wan6 has 2001:db8:5::/64", error.text)
            self.assertEqual(error.retry_after, 30)

    def test_onlink_prefix_that_is_all_the_line_gives(self):
        onlink = [("2001:db8:5::5054:ff:fe12:3401", 64, 600), ("2001:db8:6::1", 64, 900)]
        taken = (parse_ipv6("2001:db8:6::"), 64)
        # DHCPv6 told options and no prefix: it was asked by Information-request, or has none.
        informed = {"passthru": "0017001020010db8005300000000000000000001"}
        self.assertEqual(line(onlink=onlink, proto="flets", data=informed).delegated_prefix(), taken)
        # No DHCPv6 at all.
        self.assertEqual(line(onlink=onlink, proto="static").delegated_prefix(), taken)
        # DHCPv6 stays silent.
        self.assertEqual(line(onlink=onlink, proto="flets", uptime=30).delegated_prefix(), taken)
        self.assertEqual(self.code(line(onlink=onlink, proto="flets", uptime=29)), "ONLY_ONLINK_PREFIX")
        # A delegated prefix goes before, and when it is withdrawn, another is on its way.
        delegated = [("2001:db8:1::", 56, 600)]
        self.assertEqual(
            line(delegated, onlink, uptime=99).delegated_prefix(), (parse_ipv6("2001:db8:1::"), 56)
        )
        self.assertEqual(self.code(line([("2001:db8:1::", 56, 0)], onlink, uptime=99)), "NO_PREFIX")

    def test_onlink_prefix_without_room(self):
        for length in (56, 127, 128):  # 128: IA_NA
            seen = line(onlink=[("2001:db8:5::1", length, 600)], uptime=99)
            self.assertEqual(self.code(seen), "ONLY_ONLINK_PREFIX")

    def test_overlap_of_lifetimes(self):
        entries = [
            {"address": "2001:db8:1::", "mask": 56, "preferred": 12000, "valid": 13800},
            {"address": "2001:db8:2::", "mask": 56, "preferred": 0, "valid": 300},
            {"address": "2001:db8:3::", "mask": 56},
        ]
        self.assertEqual(Line("wan6", {"ipv6-prefix": entries}).overlaps, [1800])

    def test_nothing_that_helps(self):
        for seen in (
            line(),
            line([("2001:db8:1::", 56, 0)]),
            line([("fd00:1::", 56, 600)]),  # unique local: an operator's IPv4 servers are not there
            line(onlink=[("fd00:5::1", 64, 600)]),
            line(onlink=[("2001:db8:5::1", 64, 0)]),
        ):
            self.assertEqual(self.code(seen), "NO_PREFIX")

    def test_option_ip6prefix_stands_for_the_lines(self):
        given = (parse_ipv6("2001:db8:77::"), 60)
        seen = Line("wan6", recorded("24.10"), prefix=given)
        self.assertEqual(seen.delegated_prefix(), given)
        self.assertEqual(seen.prefixes, [(given[0], 60, FOREVER)])


class IncompleteTest(unittest.TestCase):
    def test_interface_that_is_down(self):
        # As recorded/'s wan while wan6 was down, but for the fields that do not matter here.
        status = {
            "up": False,
            "pending": False,
            "available": True,
            "proto": "dhcpv6",
            "device": "eth1",
            "data": {},
            "errors": [{"subsystem": "interface", "code": "NO_DEVICE"}],
        }
        seen = Line("wan6", status)
        self.assertEqual((seen.up, seen.device, seen.errors), (False, "eth1", ["NO_DEVICE"]))
        self.assertEqual(
            (seen.prefixes, seen.onlink, seen.options, seen.option(17), seen.dns), ([], [], [], None, [])
        )
        self.assertFalse(seen.default_route)

    def test_nothing_at_all(self):
        seen = Line("wan6", {})
        self.assertEqual((seen.up, seen.device, seen.prefixes, seen.problems), (False, None, [], []))

    def test_default_route_is_one_to_everywhere(self):
        self.assertTrue(line(route=[{"target": "::", "mask": 0, "nexthop": "fe80::1"}]).default_route)
        for route in (
            {"target": "2001:db8::", "mask": 0},
            {"target": "::", "mask": 96},
            {"target": "0.0.0.0", "mask": 0},
        ):
            self.assertFalse(line(route=[route]).default_route)

    def test_options_that_came_again_are_not_read_again(self):
        status = {"up": True, "data": {"passthru": "0017001020010db8005300000000000000000001"}}
        first = Line("wan6", status)
        first.memo["telephone"] = False
        again = Line("wan6", status, before=first)
        self.assertTrue(again.options is first.options)
        self.assertEqual(again.memo, {"telephone": False})
        other = Line("wan6", {"up": True, "data": {"passthru": "00170000"}}, before=again)
        self.assertEqual((other.options, other.memo), ([(23, b"")], {}))
        # What is wrong with them is told each time.
        cut = {"up": True, "data": {"passthru": "0011004"}}
        first = Line("wan6", cut)
        self.assertEqual(Line("wan6", cut, before=first).problems, first.problems)

    def test_passthru_that_cannot_be_read(self):
        for passthru in ("0011004", "xx", "00110043000000d2", "0011"):
            seen = line(data={"passthru": passthru})
            self.assertEqual((seen.options, ntt.read_line(seen)), ([], None))
            self.assertIn("DHCPv6 options", seen.problems[0])

    def test_vendor_option_that_cannot_be_read(self):
        seen = line(data={"passthru": "001100030000d2" + "00170000"})
        self.assertIn("option 17", ntt.read_line(seen).problems[0])
        self.assertEqual((len(seen.options), seen.problems), (2, []))

    def test_what_stands_before_a_cut_counts(self):
        # A server, or odhcp6c, that leaves a NUL behind the last option.
        good = "0017001020010db8005300000000000000000001"
        for behind in ("00", "0011", "00110004", "0011000400", "0"):
            seen = line(data={"passthru": good + behind})
            self.assertEqual([code for code, _ in seen.options], [23], behind)
            self.assertEqual(len(seen.problems), 0 if behind == "0" else 1)

    def test_options_without_end(self):
        seen = line(data={"passthru": "00170000" * 1000})
        self.assertEqual(len(seen.options), 256)
        self.assertIn("more than 256", seen.problems[0])

    def test_two_vendor_options(self):
        # odhcp6c's OPTION_17 has only the last one, data.passthru has both (NETIFD).
        one = "0011000e" + "000000d2" + "00ca0006" + "303132333435"
        two = "0011000e" + "000000d2" + "00cb0006" + "303132333436"
        self.assertEqual(ntt.read_line(line(data={"passthru": one + two})).numbers, ["012345", "012346"])

    def test_entries_without_an_address(self):
        status = {
            "up": True,
            "ipv6-prefix": [{"mask": 56}, {"address": "2001:db8::"}, {"address": "x", "mask": 56}],
        }
        status["ipv6-prefix"].append({"address": "2001:db8:1::", "mask": 56})
        seen = Line("wan6", status)
        self.assertEqual(seen.delegated_prefix(), (parse_ipv6("2001:db8:1::"), 56))
        self.assertEqual(len(seen.problems), 3)

    def test_entries_that_cannot_be(self):
        # Found by fuzzing: each of them stopped the client.
        for entry, found in (
            ({"address": "2001:db8::", "mask": 129}, 0),
            ({"address": "2001:db8::", "mask": -1}, 0),
            ({"address": "2001:db8::", "mask": 56, "assigned": {"lan": {}}}, 1),
            ({"address": "2001:db8::", "mask": 56, "assigned": {"lan": {"address": "x"}}}, 1),
        ):
            seen = Line("wan6", {"up": True, "ipv6-prefix": [entry]})
            self.assertEqual((len(seen.prefixes), len(seen.problems)), (found, 1))
        for source in ("x/y", "/", "2001:db8::/-1", "2001:db8::/ 65"):
            self.assertEqual(line(route=[{"target": "::", "mask": 0, "source": source}]).too_long, [])
