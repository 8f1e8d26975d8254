# SPDX-License-Identifier: Apache-2.0
"""What a provisioning server's answer offers: shapes that operators send, and what cannot be right."""

import json
import unittest

from softwire.provisioning.hb46pp import answer

# Every offer of the specification at once (v6mig-prov 1.1 section 3.4 names the members).
EVERYTHING = {
    "enabler_name": "A VNE",
    "service_name": "\u9ad8\u901f 4over6",
    "isp_name": "ISP-A",
    "ttl": 86400,
    "token": "0123456789abcdef" * 4,
    "auth": "ok",
    "order": ["464xlat", "map_e", "dslite", "lw4o6", "map_t", "ipip"],
    "map_e": {
        "version": 0,
        "mesh": True,
        "br": "2001:db8:1::1",
        "rules": [
            {"ipv6": "2001:db8:1:2000::/52", "ipv4": "203.0.113.0/24", "ea_length": 12, "psid_offset": 4}
        ],
    },
    "dslite": {"aftr": "aftr.example.net"},
    "lw4o6": {
        "lwaftr": "lwaftr.example.net",
        "ipv6": "2001:db8:3:100::/56",
        "ipv4": "203.0.113.16",
        "psid": 3,
        "psid_length": 8,
        "psid_offset": 6,
    },
    "map_t": {
        "dmr": "2001:db8:5::/64",
        "rules": [
            {"ipv6": "2001:db8:5:100::/56", "ipv4": "203.0.113.32/28", "ea_length": 8, "psid_offset": 4}
        ],
    },
    "464xlat": {"nat64prefix": "2001:db8:6::/96"},
    "ipip": [{"ipv6_local": "2001:db8:7:100::7", "ipv6_remote": "2001:db8:7::1", "ipv4": "203.0.113.0/29"}],
    "a later version's": {"member": [1, {"x": None}]},
}
OFFERS = [
    ["464xlat", "2001:db8:6::/96"],
    ["dslite", "aftr.example.net"],
    [
        "lw4o6",
        {
            "lwaftr": "lwaftr.example.net",
            "bind": ("2001:db8:3:100::", 56),
            "ipv4": "203.0.113.16",
            "ports": [6, 8, 3],
        },
    ],
    ["ipip", [["2001:db8:7:100::7", "2001:db8:7::1", "203.0.113.0/29"]]],
]


def read(**members):
    data = {"order": ["ipip", "dslite"]}
    data.update(members)
    return answer.read(json.dumps(data).encode())


def why(technology, value):
    """Why an offer is left out."""
    found = read(**{"order": [technology], technology: value})
    assert not found["offers"], found
    return found["left"][0][1]


class Answer(unittest.TestCase):
    def test_every_offer_at_once(self):
        found = read(**EVERYTHING)
        self.assertEqual(found["offers"], OFFERS)
        self.assertEqual([name for name, _ in found["left"]], ["map_e", "map_t"])
        self.assertIn("no rule is for the delegated prefixes of this line", found["left"][0][1])
        self.assertEqual((found["ttl"], found["token"], found["auth"]), (86400, "0123456789abcdef" * 4, "ok"))
        self.assertEqual(
            found["names"],
            [["enabler_name", "A VNE"], ["service_name", "\u9ad8\u901f 4over6"], ["isp_name", "ISP-A"]],
        )

    def test_map_for_a_line_of_its_rules(self):
        """The text is what odhcp6c gives to OpenWrt's proto map for the same rule."""
        found = answer.read(json.dumps(EVERYTHING).encode(), ["2001:db8:1:2ab0::/60", "2001:db8:5:100::/60"])
        self.assertEqual([item[0] for item in found["offers"]][1], "map_e")
        map_e, map_t = [told for name, told in found["offers"] if "map" in name]
        self.assertTrue(map_e["legacy"])
        self.assertEqual(
            map_e["rule"],
            "fmr,type=map-e,ealen=12,prefix4len=24,prefix6len=52,ipv4prefix=203.0.113.0,"
            "ipv6prefix=2001:db8:1:2000::,offset=4,br=2001:db8:1::1",
        )
        self.assertFalse(map_t["legacy"])
        self.assertEqual(
            map_t["rule"],
            "type=map-t,ealen=8,prefix4len=28,prefix6len=56,ipv4prefix=203.0.113.32,"
            "ipv6prefix=2001:db8:5:100::,offset=4,dmr=2001:db8:5::/64",
        )

    def test_rules_that_cannot_be_right(self):
        good = EVERYTHING["map_e"]
        for name, values in (
            ("ipv6", (None, 7, "x", "2001:db8:1:2000::", "2001:db8:1:2000::/60", "fe80::/52", "::/0")),
            ("ipv4", (None, "x", "203.0.113.0/33", "127.0.0.0/24", "224.0.0.0/24")),
            ("ea_length", (None, -1, 49, "12", True, 7, 21, 13)),
            ("psid_offset", (None, -1, 16, "4")),
        ):
            for value in values:
                rule = dict(good["rules"][0])
                rule[name] = value
                told = why("map_e", dict(good, rules=[rule]))
                self.assertFalse("no rule is for" in told)
        for member, values in (
            ("rules", (None, [], {}, [None], [[]], ["x"], [{}] * 257)),
            ("version", (2, -1, "0", True, None)),
            ("br", (None, 7, "x", "fe80::1", "br.example")),
        ):
            for value in values:
                self.assertIn(
                    "an object" if value in ([None], [[]], ["x"]) else member,
                    why("map_e", dict(good, **{member: value})),
                )
        for value in (None, [], "x", {}):
            why("map_e", value)
            why("map_t", value)
            why("464xlat", value)
        for value in (None, "64:ff9b::", "64:ff9b::/95", "2001:db8::/128", "fe80::/64", "x/96", "::/96"):
            self.assertIn("nat64prefix", why("464xlat", {"nat64prefix": value}))
            self.assertIn("dmr", why("map_t", dict(EVERYTHING["map_t"], dmr=value)))
        for text in ("64:ff9b::/96", "64:ff9b:1::/48"):
            found = read(**{"order": ["464xlat"], "464xlat": {"nat64prefix": text}})
            self.assertEqual(found["offers"], [["464xlat", text]])

    def test_one_line_with_unicode_names(self):
        # As a server of an operator with one technology and nothing else says it.
        text = (
            '{"enabler_name":"\u4f8b\u793a\u30cd\u30c3\u30c8","service_name":"v6 \u30b3\u30cd\u30af\u30c8",'
            '"ttl":86400,"order":["dslite"],"dslite":{"aftr":"2001:db8:a::1"}}'
        )
        found = answer.read(text.encode())
        self.assertEqual(found["offers"], [["dslite", "2001:db8:a::1"]])
        self.assertEqual(found["names"][0][1], "\u4f8b\u793a\u30cd\u30c3\u30c8")

    def test_nothing_is_offered(self):
        found = read(order=[], auth="req")
        self.assertEqual((found["offers"], found["left"], found["auth"]), ([], [], "req"))

    def test_the_order_is_the_servers(self):
        ipip = EVERYTHING["ipip"]
        for order in (["ipip", "dslite"], ["dslite", "ipip"], ["dslite", "ipip", "dslite"]):
            found = read(order=order, ipip=ipip, dslite={"aftr": "a.example"})
            self.assertEqual([item[0] for item in found["offers"]], order[:2])
        # What the order does not name is not offered.
        self.assertEqual(read(order=["dslite"], ipip=ipip)["offers"], [])

    def test_named_and_not_there_or_unknown(self):
        found = read(order=["map_x\x1b[31m", "ipip", 7, None, "dslite"], dslite={"aftr": "a.example"})
        self.assertEqual([item[0] for item in found["offers"]], ["dslite"])
        self.assertEqual([item[0] for item in found["left"]], ["map_x?[31m", "ipip"])

    def test_answers_that_are_none(self):
        for body in (
            b"",
            b"null",
            b"[]",
            b'"x"',
            b"{}",
            b'{"order":null}',
            b'{"order":{}}',
            b'{"order":"ipip"}',
            b"<html>",
        ):
            with self.assertRaises(ValueError):
                answer.read(body)

    def test_members_that_nobody_needs_cannot_fail(self):
        for name in ("enabler_name", "service_name", "isp_name", "ttl", "token", "auth"):
            for value in (None, -1, 1.5, [], {}, "x" * 300, "", True, "\x1b[31m"):
                found = read(**{name: value, "dslite": {"aftr": "a.example"}})
                self.assertEqual(found["offers"], [["dslite", "a.example"]])
                if name in found:
                    self.assertEqual(found[name], None)

    def test_times(self):
        for value, ttl in (
            (0, 0),
            (604800, 604800),
            (604801, 604800),
            (1 << 40, 604800),
            ("86400", None),
            (-1, None),
        ):
            self.assertEqual(read(ttl=value)["ttl"], ttl)

    def test_tokens(self):
        for value in ("0" * 63, "0" * 65, "A" * 64, "g" * 64, "0" * 63 + "&", 64):
            self.assertEqual(read(token=value)["token"], None)

    def test_names_cannot_steer_a_terminal(self):
        found = read(isp_name="a\x1b[31m\u202e\u200bb\x9bc")
        self.assertEqual(found["names"], [["isp_name", "a?[31m??b?c"]])
        self.assertEqual(read(isp_name="\u65e5" * 85)["names"], [])

    def test_tunnels_that_cannot_be_right(self):
        good = {"ipv6_local": "2001:db8:7:100::7", "ipv6_remote": "2001:db8:7::1", "ipv4": "203.0.113.7/32"}
        for name, values in (
            (
                "ipv6_local",
                (None, 7, "", "x", "fe80::1", "::", "ff02::1", "203.0.113.7", "2001:db8:7::1", []),
            ),
            ("ipv6_remote", (None, "2001:db8:7:100::7", "br.example")),
            (
                "ipv4",
                (
                    None,
                    "203.0.113.7",
                    "203.0.113.7/33",
                    "203.0.113.7/0",
                    "127.0.0.1/32",
                    "0.0.0.0/32",
                    "x/32",
                    7,
                ),
            ),
        ):
            for value in values:
                bad = dict(good)
                bad[name] = value
                self.assertIn(name, why("ipip", [bad]))
                missing = dict(bad)
                del missing[name]
                self.assertIn(name, why("ipip", [missing]))
                # One of them that is right does.
                self.assertEqual(len(read(ipip=[bad, good])["offers"][0][1]), 1)
        for value in (None, [], "x", 7, [None], ["x"], True):
            why("ipip", value)
        self.assertEqual(len(read(ipip=good)["offers"]), 1)

    def test_aftrs_that_cannot_be_right(self):
        for value in (
            None,
            [],
            "a.example",
            {},
            {"aftr": None},
            {"aftr": 7},
            {"aftr": "192.0.2.1"},
            {"aftr": "a b"},
        ):
            why("dslite", value)
        for name in ("", "fe80::1", "a" * 64, "a" * 300, "2001:db8::g", "a..b"):
            self.assertIn("aftr", why("dslite", {"aftr": name}))

    def test_shared_addresses_that_cannot_be_right(self):
        for name, values in (
            ("psid", (256, -1, "3", True, None)),
            ("psid_length", (17, "8")),
            ("psid_offset", (9, -1, "6")),
            ("ipv4", (None, "x", "203.0.113.16/32", "127.0.0.1")),
            ("ipv6", (None, "2001:db8::", "2001:db8::/129", "fe80::/64", "::/0")),
            ("lwaftr", (None, "192.0.2.1", "fe80::1", "a b")),
        ):
            for value in values:
                data = dict(EVERYTHING["lw4o6"])
                data[name] = value
                self.assertIn(name, why("lw4o6", data))
        for value in (None, [], "x", {}):
            why("lw4o6", value)
        # Without an identifier the address is whole; 16 bits of offset leave no port.
        data = dict(EVERYTHING["lw4o6"])
        for name in ("psid", "psid_length", "psid_offset"):
            del data[name]
        self.assertEqual(read(order=["lw4o6"], lw4o6=data)["offers"][0][1]["ports"], [0, 0, 0])
        data["psid_offset"] = 16
        why("lw4o6", data)
