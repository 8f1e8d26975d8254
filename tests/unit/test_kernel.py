# SPDX-License-Identifier: Apache-2.0
"""Whether the kernel has a module, wherever it says so, and what a file without text reads as."""

import os
import unittest

from softwire import kernel

HERE = "/tmp/softwire-test-kernel"
RELEASE = "6.6.86"
FOLDER = "/lib/modules/" + RELEASE


class ModuleTest(unittest.TestCase):
    def has(self, files=None, folders=None):
        texts = {"/proc/sys/kernel/osrelease": RELEASE}
        texts.update(files or {})
        names = folders or {}
        return kernel.has_module(
            "ip6_tunnel",
            lambda path: texts.get(path, ""),
            lambda path: list(names.get(path, [])),
            lambda path: texts.get(path, "").split("\n"),
        )

    def test_nowhere(self):
        self.assertTrue(not self.has())
        near = ["kernel/net/ipv6/ip6_tunnel_core.ko", "kernel/net/ip6_tunnel.c", "kernel/net/xip6_tunnel.ko"]
        self.assertTrue(not self.has({FOLDER + "/modules.builtin": "\n".join(near)}))
        self.assertTrue(
            not self.has({FOLDER + "/modules.dep": "kernel/net/sit.ko: kernel/net/ip6_tunnel.ko"})
        )
        self.assertTrue(not self.has(folders={"/lib/modules/5.15.1": ["ip6_tunnel.ko"]}))

    def test_loaded(self):
        self.assertTrue(self.has(folders={"/sys/module": ["8021q", "ip6_tunnel"]}))

    def test_built_in(self):
        # Debian's and OpenWrt's form; without parameters such a module is not in /sys/module.
        text = "kernel/net/ipv6/ipv6.ko\nkernel/net/ipv6/ip6_tunnel.ko"
        self.assertTrue(self.has({FOLDER + "/modules.builtin": text}))

    def test_there_to_be_loaded(self):
        self.assertTrue(self.has(folders={FOLDER: ["ip6_tunnel.ko", "tunnel6.ko"]}))
        for name in "ip6_tunnel.ko", "ip6_tunnel.ko.xz", "ip6-tunnel.ko.gz":
            text = "kernel/net/ipv6/" + name + ": kernel/net/ipv6/tunnel6.ko"
            self.assertTrue(self.has({FOLDER + "/modules.dep": text}), name)


class ReadTest(unittest.TestCase):
    PATH = HERE + "/mtu"

    def setUp(self):
        os.mkdir(HERE)

    def tearDown(self):
        for name in os.listdir(HERE):
            os.remove(HERE + "/" + name)
        os.rmdir(HERE)

    def test_read(self):
        self.assertEqual(kernel.read(self.PATH), "")
        for octets, text in (b" 1500\n", "1500"), (b"", ""), (b"\xff\xfe", ""):
            with open(self.PATH, "wb") as file:
                file.write(octets)
            self.assertEqual(kernel.read(self.PATH), text)

    def test_lines(self):
        self.assertEqual(list(kernel.lines(self.PATH)), [])
        for octets, found in (b"a\nb: c\n", ["a\n", "b: c\n"]), (b"", []), (b"\xff\xfe\n", []):
            with open(self.PATH, "wb") as file:
                file.write(octets)
            self.assertEqual(list(kernel.lines(self.PATH)), found)

    def test_listdir(self):
        for name in "lo", "eth0", "br-lan":
            with open(HERE + "/" + name, "w"):
                pass
        self.assertEqual(kernel.listdir(HERE), ["br-lan", "eth0", "lo"])
        self.assertEqual(kernel.listdir(HERE + "/nowhere"), [])
