# SPDX-License-Identifier: Apache-2.0
"""What of a DHCPv4 answer counts; octets put together by hand after the RFCs."""

import unittest

from softwire import dhcpv4message
from softwire.provisioning.dhcp4o6.lease import Lease, read_ports, read_routes, write_ports
from softwire.tunnel import PortSet
from softwire.wire import WireError


def answer(yiaddr="c0000210", **options):
    """o54="c0000201": option 54 as hexadecimal digits; None leaves one out."""
    values = {"o53": "05", "o54": "c0000201", "o51": "00000e10"}
    values.update(options)
    row = b""
    for name in sorted(values):
        if values[name] is not None:
            value = bytes.fromhex(values[name])
            row += bytes([int(name[1:]), len(value)]) + value
    head = bytes([2, 1, 6, 0]) + bytes(12) + bytes.fromhex(yiaddr) + bytes(216)
    return dhcpv4message.read(head + bytes.fromhex("63825363") + row + b"\xff")


def refused(yiaddr="c0000210", **options):
    try:
        Lease(answer(yiaddr, **options))
    except ValueError as error:
        return str(error)
    return None


class LeaseTest(unittest.TestCase):
    def test_the_least(self):
        lease = Lease(answer())
        self.assertEqual((lease.address, lease.server, lease.time), (0xC0000210, 0xC0000201, 3600))
        self.assertEqual((lease.t1, lease.t2), (1800, 3150))
        self.assertEqual(
            (lease.ports, lease.routes, lease.dns, lease.mtu, lease.problems), (None, None, [], None, [])
        )

    def test_addresses_that_cannot_be_ours(self):
        for yiaddr in ("00000000", "7f000001", "e0000001", "ffffffff", "a9fe0001"):
            self.assertIn("yiaddr", refused(yiaddr))
        self.assertIn("the server's own", refused("c0000201"))

    def test_servers_that_cannot_be_ones(self):
        for value in ("00000000", "ffffffff", "c00002", None):
            self.assertIn("server identifier", refused(o54=value))

    def test_times(self):
        self.assertIn("lease time 0", refused(o51="00000000"))
        self.assertIn("no lease time", refused(o51=None))
        self.assertIn("lease time of 3 octets", refused(o51="000e10"))
        for t1, t2, expected in (
            ("000000ff", "000000ff", (255, 255)),
            ("00000100", "000000ff", (1800, 3150)),  # T1 behind T2
            ("00000000", "000000ff", (1800, 3150)),
            ("000000ff", "00000e11", (1800, 3150)),  # T2 behind the end
            ("00000e11", "00000e11", (1800, 3150)),
            ("000000ff", None, (255, 3150)),
            (None, "000008ff", (1800, 0x8FF)),
            (None, "000000ff", (1800, 3150)),
        ):
            lease = Lease(answer(o58=t1, o59=t2))
            self.assertEqual((lease.t1, lease.t2), expected)
            self.assertEqual(bool(lease.problems), expected == (1800, 3150))
        lease = Lease(answer(o51="00000001"))
        self.assertEqual((lease.t1, lease.t2), (0.5, 0.875))

    def test_without_end(self):
        lease = Lease(answer(o51="ffffffff", o58="00000010"))
        self.assertEqual((lease.time, lease.t1, lease.t2), (None, None, None))

    def test_what_is_not_needed_cannot_fail(self):
        lease = Lease(answer(o26="0020", o6="00000000c0000235c000", o121="21c0000201", o58="00"))
        self.assertEqual((lease.mtu, lease.dns, lease.routes), (None, ["192.0.2.53"], None))
        self.assertEqual(len(lease.problems), 4)
        self.assertEqual(Lease(answer(o26="0578")).mtu, 1400)
        self.assertEqual(Lease(answer(o26="057800")).mtu, None)

    def test_resolvers(self):
        lease = Lease(answer(o6="c0000235c0000235c0000236c0000237c0000238c0000239"))
        self.assertEqual(lease.dns, ["192.0.2.53", "192.0.2.54", "192.0.2.55"])

    def test_routes(self):
        """RFC 3442's own forms: the destination has as many octets as its length needs."""
        self.assertEqual(read_routes(bytes.fromhex("00c0000201")), [(0, 0)])
        self.assertEqual(
            read_routes(
                bytes.fromhex("18c63364" + "c0000201" + "0a0aff" + "00000000" + "200a000001" + "c0000201")
            ),
            [(0xC6336400, 24), (0x0AC00000, 10), (0x0A000001, 32)],
        )
        for wrong in ("21c0000201c0000201", "18c633", "18c63364c00002", "20"):
            with self.assertRaises(WireError):
                read_routes(bytes.fromhex(wrong))
        self.assertEqual(
            len(read_routes(b"".join([bytes([32, 10, 0, n, 1]) + bytes(4) for n in range(200)]))), 64
        )

    def test_121_counts_and_3_does_not(self):
        self.assertEqual(Lease(answer(o3="c0000201", o121="18c63364c0000201")).routes, [(0xC6336400, 24)])
        self.assertEqual(Lease(answer(o3="c0000201")).routes, None)

    def test_ports(self):
        ports = read_ports(bytes.fromhex("06081200"))
        self.assertEqual(ports.key(), (6, 8, 0x12))
        self.assertEqual(write_ports(ports), bytes.fromhex("06081200"))
        for offset, length, psid in ((0, 0, 0), (0, 16, 0xFFFF), (15, 1, 1), (4, 12, 0xFFF), (6, 0, 0)):
            written = write_ports(PortSet(offset, length, psid))
            again = read_ports(written)
            if offset or length:
                self.assertEqual(again.key(), (offset, length, psid))
            else:
                self.assertEqual(again, None)
        # Bits behind the identifier are nobody's.
        self.assertEqual(read_ports(bytes.fromhex("0608127f")).key(), (6, 8, 0x12))
        for wrong in ("", "060812", "0608120000", "10000000", "00110000", "0f020000", "ffffffff"):
            self.assertIn(
                "159" if len(wrong) != 8 or wrong[2:4] in ("11", "ff") else "offset", refused(o159=wrong)
            )

    def test_our_source_address(self):
        self.assertEqual(
            Lease(answer(o109="20010db8" + "00" * 11 + "07")).source, 0x20010DB8000000000000000000000007
        )
        self.assertEqual(Lease(answer(o109="20010db8")).source, 0)
        self.assertEqual(Lease(answer()).source, 0)


if __name__ == "__main__":
    unittest.main()
