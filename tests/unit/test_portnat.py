# SPDX-License-Identifier: Apache-2.0
"""The rules for a shared address: numbers and ports, what is written for fw4 and when, who uses how many ports."""

import os
import unittest

from softwire import portnat, portuse, state
from softwire.errors import ProvisioningError
from softwire.portnat import PortMap
from softwire.tunnel import PortSet
from test_state import HERE, RunDirectory

# (offset, length, identifier): RFC 7597 appendix B example 1, many small ranges, few big ones, one range.
SETS = ((6, 8, 0x34), (4, 12, 0xFFF), (4, 4, 3), (1, 8, 255), (0, 6, 17), (5, 1, 1), (6, 1, 0))


class Pages:
    """Stands for a file."""

    def __init__(self):
        self.pages = []

    def write(self, text):
        self.pages.append(text)

    @property
    def text(self):
        return "".join(self.pages)


class PortMapTest(unittest.TestCase):
    def test_numbers_and_ports(self):
        for key in SETS:
            ports = PortSet(*key)
            found = PortMap(ports)
            pairs = found.pairs()
            # One by one: there may be more of them than a small heap holds.
            number = found.first
            for first, last in ports.ranges():
                for port in range(first, last + 1):
                    self.assertEqual(next(pairs), (number, port))
                    number += 1
            self.assertEqual((list(pairs), number - 1), ([], found.last))
            self.assertTrue(found.first >= 1 and found.last <= 65535)

    def test_numbers_are_nobodys_else(self):
        """They end below the ports of the router's own sockets; a single range stands for itself."""
        ports = PortMap(PortSet(6, 8, 0x34))
        self.assertEqual((ports.first, ports.last, ports.count), (32516, 32767, 252))
        ports = PortMap(PortSet(0, 6, 17))
        self.assertEqual((ports.first, ports.last), (17408, 18431))
        self.assertEqual([pair for pair in ports.pairs() if pair[0] != pair[1]], [])

    def test_what_makes_up_for_a_quoted_port(self):
        """One's complement: the port that was, beside a field that is 0, and the one that is, beside what is written.

        The number of a range has the same low bits as its port, or the mask would not find it.
        """
        for key in SETS:
            ports = PortMap(PortSet(*key))
            for number, port in ports.pairs(ports.size):
                self.assertEqual((number % ports.size, port % ports.size), (0, 0))
                self.assertEqual(number % 65535, (port + (number - port) % 65535) % 65535)
            number, port = next(ports.pairs())
            fill = "& {} map {{ {} : {}, ".format(65536 - ports.size, port, (port - number) % 65535)
            pages = Pages()
            ports.errors(pages, "wan", "numberids", 224)
            self.assertIn(fill, pages.text)

    def test_rules(self):
        pages = Pages()
        PortMap(PortSet(6, 8, 0x34)).write(pages, "wan-b.2", "sw-wan-b.2")
        text = pages.text
        # The resident client has no room for large ones, however many ports there are.
        self.assertTrue(max([len(page) for page in pages.pages]) < 300)
        self.assertEqual(text.count("{"), text.count("}"))
        self.assertIn('oifname "sw-wan-b.2" meta l4proto tcp masquerade to :32516-32767', text)
        self.assertIn("map ports_wan-b.2 {", text)
        self.assertIn("32516 : 1232,", text)
        self.assertIn("64723 : 32767,", text)
        # nft takes what has no blanks for something else.
        for line in text.split("\n"):
            if line[:1].isdigit():
                self.assertIn(" : ", line)
        # No rule for everybody's packets.
        for line in text.split("\n"):
            if "insert rule" in line or "jump" in line:
                self.assertIn('"sw-wan-b.2"', line)


class FileTest(RunDirectory):
    def test_update(self):
        ports = PortSet(6, 8, 0x34)
        self.assertFalse(portnat.update("wan", "sw-wan", None))
        self.assertTrue(portnat.update("wan", "sw-wan", ports))
        self.assertFalse(portnat.update("wan", "sw-wan", PortSet(6, 8, 0x34)))
        self.assertEqual(os.listdir(HERE), ["wan.nft"])
        self.assertTrue(portnat.update("wan", "sw-wan", PortSet(6, 8, 0x35)))
        with open(state.rules_path("wan")) as file:
            self.assertIn("1236,", file.read())

    def test_address_that_is_whole_now(self):
        self.assertTrue(portnat.update("wan", "sw-wan", PortSet(6, 8, 0x34)))
        self.assertTrue(portnat.update("wan", "sw-wan", None))
        self.assertEqual(os.listdir(HERE), ["softwire.gone"])
        self.assertFalse(portnat.update("wan", "sw-wan", None))

    def test_what_is_gone_is_taken_away_once(self):
        """By the next load; one that failed is not the last."""
        heard = []

        def load(event):
            heard.append((event, sorted(os.listdir(HERE))))
            return len(heard) > 1

        self.assertTrue(portnat.update("wan", "sw-wan", PortSet(6, 8, 0x34)))
        self.assertTrue(portnat.update("wan", "sw-wan", None, None, load))
        self.assertEqual(os.listdir(HERE), ["softwire.gone"])
        self.assertTrue(portnat.update("wan", "sw-wan", PortSet(6, 8, 0x34), None, load))
        self.assertEqual(os.listdir(HERE), ["wan.nft"])
        self.assertEqual(heard, [("firewall", ["softwire.gone"]), ("firewall", ["softwire.gone", "wan.nft"])])

    def test_chains_are_there_before_the_first_range_is(self):
        """With a hook that goes or comes, packets that the kernel keeps are lost."""
        hooks = []
        for ports in None, PortSet(6, 8, 0x34), PortSet(6, 8, 0x35), None:
            self.assertTrue(portnat.update("wan", "sw-wan", ports, 49157))
            with open(state.rules_path("wan")) as file:
                text = file.read()
            hooks.append(sorted(set([line.strip() for line in text.split("\n") if " hook " in line])))
            self.assertIn("flush chain ip softwire want_wan\n", text)
            self.assertIn("flush chain ip softwire nat_wan\n", text)
            self.assertTrue("delete" not in text)
        self.assertEqual(len(hooks[0]), 8)
        self.assertEqual(hooks[0], hooks[3])
        self.assertEqual(hooks[1], hooks[0])
        self.assertEqual(hooks[2], hooks[0])

    def test_no_room(self):
        state.RUN_DIR = "/nonexistent/softwire"
        try:
            portnat.update("wan", "sw-wan", PortSet(6, 8, 0x34))
            self.assertEqual("no error", "")
        except ProvisioningError as error:
            self.assertEqual(error.code, "NO_RUN_DIRECTORY")
            self.assertIn("/nonexistent/softwire/wan.nft", error.text)

    def look(self, lines):
        """What is told where the kernel has these connections, of three ports, in its NAT 32765 to 32767."""
        path = HERE + "/connections"
        with open(path, "w") as file:
            file.write("\n".join(lines) + "\n")
        return portuse.of_tunnel({"ports": [2, 14, 3], "ipaddr": ["192.0.2.1/32"]}, path)

    def test_ports_in_use(self):
        udp = "udp 17 29 src=192.168.1.9 dst=198.51.100.1 sport=4 dport=53 "
        udp += "src=198.51.100.1 dst=192.0.2.1 sport=53 dport="
        lines = [
            udp + "32765 mark=0 zone=0 use=2",
            udp + "32766 mark=0 zone=0 use=2",
            # Somebody else's port, or address.
            udp + "5000 use=2",
            udp.replace("dst=192.0.2.1 ", "dst=192.0.2.10 ") + "32767 use=2",
            # A ping, one from outside, and a connection that somebody else began.
            "icmp 1 29 src=192.168.1.9 dst=198.51.100.1 type=8 code=0 id=77 "
            "src=198.51.100.1 dst=192.0.2.1 type=0 code=0 id=32767 mark=0 use=1",
            "icmp 1 29 src=198.51.100.7 dst=192.0.2.1 type=8 code=0 id=32766 "
            "src=192.0.2.1 dst=198.51.100.7 type=0 code=0 id=32766 use=1",
            "tcp 6 431999 ESTABLISHED src=203.0.113.9 dst=192.0.2.1 sport=999 dport=32767 "
            "src=192.168.1.9 dst=203.0.113.9 sport=80 dport=999 [ASSURED] use=1",
        ]
        lines = ["ipv4     2 " + line for line in lines]
        use = self.look(lines)
        self.assertEqual(use["used"], {"tcp": 1, "udp": 2, "icmp": 2})
        self.assertEqual((use["count"], use["ranges"], use["full"]), (3, 3, []))
        self.assertEqual(portuse.text(use), "TCP 1, UDP 2, ICMP 2 of 3 in use; 3 ranges from 16387-16387 on")
        # To others than the one that is full everybody gets through.
        last = "ipv4     2 " + udp + "32767 use=1"
        lines += [last, last.replace("198.51.100.1", "198.51.100.2")]
        use = self.look(lines)
        self.assertEqual((use["used"]["udp"], use["full"]), (3, [["udp", "198.51.100.1", 53]]))

    def test_no_port_set(self):
        for ports in (None, [6, 0, 0]):
            self.assertEqual(portuse.of_tunnel({"ports": ports, "ipaddr": ["192.0.2.1/32"]}), None)
        self.assertEqual(portuse.of_tunnel({"ipaddr": []}), None)

    def test_kernel_without_a_list(self):
        use = portuse.of_tunnel({"ports": [0, 6, 1], "ipaddr": ["192.0.2.1/32"]}, HERE + "/none")
        self.assertEqual((use["used"], use["full"]), (None, None))
        self.assertEqual(portuse.text(use), "unknown of 1024 in use; 1024-2047")


if __name__ == "__main__":
    unittest.main()
