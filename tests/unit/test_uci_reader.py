# SPDX-License-Identifier: Apache-2.0
"""What `uci export` prints, read: sections, quoting, how uci addresses a section; which options sound secret."""

import unittest
from io import BytesIO

from softwire import provisioning, uci

# As `uci export network` of 23.05 prints it.
NETWORK = r"""package network

config interface 'loopback'
	option device 'lo'

config globals 'globals'
	option ula_prefix 'fd00:1:2::/48'

config device
	option name 'br-lan'
	option type 'bridge'
	list ports 'eth0'
	list ports 'eth2'

config interface 'wan'
	option proto 'pppoe'
	option username 'user@isp'
	option password 'it'\''s #a; "b" \ $c `d` パス  two '
	option note 'two

lines'

"""


class ExportTest(unittest.TestCase):
    def test_sections(self):
        sections = uci.read_sections(NETWORK)
        self.assertEqual(
            [(section.kind, section.name) for section in sections],
            [("interface", "loopback"), ("globals", "globals"), ("device", None), ("interface", "wan")],
        )
        self.assertEqual(sections[2].values("ports"), ["eth0", "eth2"])
        self.assertEqual(sections[2].get("type"), "bridge")
        self.assertEqual(sections[2].get("mtu"), None)
        self.assertEqual(
            sections[2].options(), {"name": "br-lan", "type": "bridge", "ports": ["eth0", "eth2"]}
        )

    def test_quoting(self):
        wan = uci.find(uci.read_sections(NETWORK), "wan")
        self.assertEqual(wan.get("password"), 'it\'s #a; "b" \\ $c `d` \u30d1\u30b9  two ')
        self.assertEqual(wan.get("note"), "two\n\nlines")

    def test_nothing(self):
        self.assertEqual(uci.find([], "wan"), None)
        for text in ("", "package network\n\n", "nonsense\n=\n", "\toption a 'b'\n", "config\n", "config 'a"):
            self.assertEqual(uci.read_sections(text), [], text)
        self.assertEqual(uci.read_sections("config zone\n\toption a\n\tlist b 'c' 'd'\n")[0].items, [])

    def test_addresses(self):
        text = "config zone 'a'\n\nconfig zone\n\nconfig rule\n\nconfig zone\n"
        keys = [key for key, _ in uci.keyed(uci.read_sections(text))]
        self.assertEqual(keys, ["a", "@zone[1]", "@rule[0]", "@zone[2]"])


class TextTest(unittest.TestCase):
    def read(self, octets):
        """The value of an option whose octets these are."""
        text = b"package a\n\nconfig b\n\toption c '" + octets + b"'\n\toption d 'e'\n"
        (section,) = uci.read_file(BytesIO(text))
        self.assertEqual(section.get("d"), "e")
        return section.get("c")

    def test_lines(self):
        for value in "", "two\n\nlines", " 'it'\n' ", "\\", "a\\\n'b":
            self.assertEqual(self.read(value.replace("'", "'\\''").encode()), value)

    def test_octets(self):
        self.assertEqual(self.read("\u56de\u7dda".encode()), "\u56de\u7dda")
        # Shift JIS, whose second octet may be a backslash.
        self.assertEqual(self.read(b"\x83\x5c"), uci.UNREADABLE + "\\")


class SecretTest(unittest.TestCase):
    def test_secret(self):
        for name in (
            "password password2 PassWord passwd pass pwd priv_key_pwd shared_secret private_key preshared_key key key1"
            " updatekey pincode pin psk wpa_psk_file token apitoken sae_password passphrase"
        ).split():
            self.assertTrue(uci.sounds_secret(name), name)

    def test_harmless(self):
        for name in (
            "proto device keepalive persistent_keepalive ping_ip egress_qos_mapping passthru spinning "
            "ip6prefix username skpriority keep_ra_dnslifetime monkeys"
        ).split():
            self.assertTrue(not uci.sounds_secret(name), name)

    def test_ours(self):
        known = provisioning.known()
        for name in known:
            self.assertEqual(uci.sounds_secret(name), known[name], name)
