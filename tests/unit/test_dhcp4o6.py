# SPDX-License-Identifier: Apache-2.0
"""DHCPv4 over DHCPv6 as a method: servers, identity, border router, source address, what is kept and told."""

import unittest

from softwire import dhcpv4message, dhcpv6, inform, provisioning
from softwire.address import format_ipv6, parse_ipv6
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.provisioning import dhcp4o6
from softwire.provisioning.dhcp4o6 import explain, transport
from softwire.provisioning.dhcp4o6.machine import ACK, NAK, OFFER
from softwire.wire import WireError

PREFIX = "2001:db8:4000:300::"
LOCAL = parse_ipv6("2001:db8:4000:300:1111:1111:1111:1111")
ROUTER = parse_ipv6("2001:db8:b::1")
SERVER = parse_ipv6("2001:db8:1::1")
GROUP = parse_ipv6("ff02::1:2")
MAC = "52:54:00:12:34:01"
ADDRESSES = (
    "00000000000000000000000000000001 01 80 10 80       lo\n"
    "fe80000000000000505400fffe123401 02 40 20 80     eth1\n"
    "fe800000000000000000000000000009 03 40 20 80     eth2\n"
)
LINK_LOCAL = parse_ipv6("fe80::5054:ff:fe12:3401")


def option(code, value):
    return "%04x%04x" % (code, len(value) // 2) + value


def octets(address):
    return "%032x" % address


def line(passthru="00580000", prefixes=(), addresses=ADDRESSES, mac=MAC):
    entries = [{"address": PREFIX, "mask": 56, "preferred": 500, "valid": 800}] + list(prefixes)
    status = {
        "up": True,
        "l3_device": "eth1",
        "uptime": 99,
        "ipv6-prefix": entries,
        "dns-server": ["2001:db8:53::1"],
        "data": {"passthru": passthru},
    }

    def read(path):
        return {
            "/proc/net/if_inet6": addresses,
            "/sys/class/net/{}/address": mac,
            "/proc/sys/net/ipv6/conf/{}/mtu": "1500",
        }[path.replace("eth1", "{}")]

    return Line("wan6", status, read)


class Wire:
    """Stands for the sockets: who answers what."""

    def __init__(self, method):
        self.method = method
        self.sent = []
        self.answers = []
        self.opened = False
        self.failure = None
        method.answering = self.answer = lambda message: []

    def send(self, data):
        """Takes a query apart, and lets whoever answers do so."""
        if self.failure:
            raise OSError(self.failure, "unreachable")
        kind, flags, options = dhcpv6.read_message(data)
        assert kind == dhcpv6.DHCPV4_QUERY
        message = dhcpv4message.read(dhcpv6.only(options, 87))
        self.sent.append((message.option(53)[0], flags, [code for code, _ in options], message))
        self.opened = True
        self.answers += self.answer(message)

    def receive(self):
        """What came."""
        found, self.answers = self.answers, []
        for item in found:
            yield (item, None) if isinstance(item, transport.Response) else (None, item)

    def sockets(self):
        """One, while it is open."""
        return ["socket"] if self.opened else []

    def close(self):
        """It is none."""
        self.opened = False


class MethodTest(unittest.TestCase):
    def setUp(self):
        self.now = 1000.0
        self.logged = []
        self.files = {}
        self.real = inform.ask, explain.uptime
        inform.ask, explain.uptime = (lambda *_: []), (lambda: self.now)
        self.make()

    def tearDown(self):
        inform.ask, explain.uptime = self.real

    def make(self, **options):
        """The method as a client that was just started has it."""
        given = {"tunlink": "wan6", "provisioning": "dhcp4o6", "peeraddr": "2001:db8:b::1"}
        given.update(options)
        self.method = method = provisioning.load(given, "wan")
        method.log = self.logged.append
        method.clock = lambda: self.now
        method.wait = self.wait
        method.keep = lambda content, lasting=False: self.files.update({lasting: content})
        method.kept = lambda lasting=False: self.files.get(lasting)
        self.wire = Wire(method)
        real = method._attach

        def attach(on, source):
            changed = real(on, source)
            made = method.transport
            made.send, made.receive, made.sockets, made.close = (
                self.wire.send, self.wire.receive, self.wire.sockets, self.wire.close,
            )  # fmt: skip
            return changed

        method._attach = attach
        self.wire.answer = self.serve
        self.routers = []
        self.bind_prefix = None
        self.given = {}
        self.nak = False
        self.silent = False
        return method

    def wait(self, sock, milliseconds, further=()):
        if self.wire.answers:
            return True
        self.now += milliseconds / 1000
        return False

    def serve(self, message):
        """A server's answer."""
        if self.silent:
            return []
        kind = message.option(53)[0]
        if kind == 7:
            return []
        answer = {1: OFFER, 3: NAK if self.nak else ACK}[kind]
        values = {51: (1000).to_bytes(4, "big"), 54: b"\xc0\0\2\1", 61: message.option(61)}
        if message.option(109):
            values[109] = message.option(109)
        values.update(self.given)
        made = dhcpv4message.Message(
            [(53, bytes([answer]))] + [(code, values[code]) for code in sorted(values)]
        )
        made.op = dhcpv4message.BOOTREPLY
        made.xid, made.yiaddr = message.xid, 0 if self.nak and kind == 3 else 0xC0000210
        return [transport.Response(made, self.routers, self.bind_prefix, "fe80::1")]

    def provision(self, on=None):
        """The Tunnel, or the error's code."""
        on = on or line()
        try:
            return self.method.provision(on, self.method.endpoint(on, None))
        except ProvisioningError as error:
            self.error = error
            return error.code

    def caught(self, call, *arguments):
        """The ProvisioningError that the call raises."""
        try:
            call(*arguments)
        except ProvisioningError as error:
            return error
        raise AssertionError("nothing was raised")

    def kinds(self):
        found, self.wire.sent = [item[0] for item in self.wire.sent], []
        return found

    # The line

    def test_servers(self):
        for passthru, expected in (
            ("00580000", [GROUP]),
            (option(88, octets(SERVER)), [SERVER]),
            (option(88, octets(SERVER) + octets(GROUP) + octets(SERVER)), [SERVER, GROUP]),
            (option(88, octets(1) + octets(SERVER) + "20010db8"), [SERVER]),
            (
                option(88, "".join([octets(SERVER + number) for number in range(40)])),
                [SERVER + n for n in range(16)],
            ),
        ):
            self.assertEqual(self.method.needs(line(passthru))[0], expected)
        for passthru in ("", option(23, octets(SERVER)), option(88, octets(1)), option(88, "20010db8")):
            caught = self.caught(self.method.needs, line(passthru))
            self.assertEqual(caught.code, "NO_4O6_SERVER")
        self.make(server=["2001:db8:1::1", "fe80::1"])
        self.assertEqual(self.method.needs(line(""))[0], [SERVER, parse_ipv6("fe80::1")])
        self.assertEqual(self.method.servers(line("")), [("2001:db8:1::1", 547)])

    def test_nothing_is_sent_without_a_server(self):
        self.assertEqual(self.provision(line("")), "NO_4O6_SERVER")
        self.assertEqual(self.wire.sent, [])

    def test_what_the_line_tells_makes_it_ask(self):
        needed = [
            self.method.needs(line("00580000" + more))
            for more in ("", option(64, "0161" + "00"), option(90, octets(1)))
        ]
        self.assertTrue(needed[0] != needed[1] != needed[2])
        self.assertEqual(needed[0], self.method.needs(line("00580000" + option(23, octets(1)))))

    def test_link_local(self):
        self.assertEqual(line().link_local, LINK_LOCAL)
        for rows in ("", "nonsense", ADDRESSES.replace("20 80     eth1", "20 c8     eth1"), "x y z a b eth1"):
            self.assertEqual(line(addresses=rows).link_local, None)

    def test_identity(self):
        """RFC 4361: type 255, IAID, DUID."""
        ll = b"\0\3\0\1RT\0\x124\1"
        self.assertEqual(self.method.client_id(line()), b"\xff\0\0\0\1" + ll)
        self.assertEqual(self.make(interface_id="::2:3").client_id(line()), b"\xff\0\2\0\3" + ll)
        self.assertEqual(self.make(clientid="0002ab").client_id(line()), b"\xff\0\0\0\1\0\2\xab")
        for mac in ("", "0.0.0.0", "20:01:0d:b8:00:00:00:00"):  # a tunnel's are no MAC addresses
            caught = self.caught(self.make().client_id, line(mac=mac))
            self.assertEqual(caught.code, "BAD_CONFIG")

    # What it comes to

    def test_a_whole_address(self):
        self.given = {3: b"\xc0\0\2\1", 6: b"\xc0\0\2\x35", 26: b"\5\x78"}
        tunnel = self.provision()
        self.assertEqual((tunnel.local, tunnel.remote), (LOCAL, ROUTER))
        self.assertEqual((tunnel.ipaddr(), tunnel.dns, tunnel.mtu), (["192.0.2.16/32"], ["192.0.2.53"], 1400))
        self.assertEqual((tunnel.routes, tunnel.ports, tunnel.expires), (None, None, 1000.0))
        self.assertEqual(self.kinds(), [1, 3])
        self.assertFalse(self.wire.opened)
        self.assertEqual(self.method.answer["server"], "fe80::1")
        self.assertEqual([text for _, text in self.method.answer["steps"]][1], "OFFER from fe80::1")

    def test_the_mtu_is_never_above_the_lines(self):
        for told, expected in ((b"\5\xdc", 1460), (b"\5\0", 1280)):
            self.given = {26: told}
            self.assertEqual(self.provision().mtu, expected)
        self.make(mtu="1300").machine.forget()
        self.given = {26: b"\5\0"}
        self.assertEqual(self.provision().mtu, 1300)

    def test_a_shared_address(self):
        self.given = {159: bytes.fromhex("06081200")}
        tunnel = self.provision()
        self.assertEqual(tunnel.ports.key(), (6, 8, 0x12))
        self.assertEqual(format_ipv6(tunnel.local), "2001:db8:4000:300:0:c000:210:12")
        # From then on it is what is asked from.
        self.assertEqual(self.method.endpoint(line(), tunnel), tunnel.local)

    def test_a_server_beyond_the_link_learns_the_softwires_address(self):
        """What it is asked from changes with the endpoint: it is asked from there, at once, and only then."""
        self.given = {159: bytes.fromhex("06081200")}
        for passthru, due in (("00580000", False), (option(88, octets(SERVER)), True)):
            self.files = {}
            self.make()
            self.given = {159: bytes.fromhex("06081200")}
            tunnel = self.provision(line(passthru))
            self.assertEqual(self.method.transport.source, tunnel.local)
            self.kinds()
            self.method.tick(self.now)
            self.assertEqual(self.kinds(), [3] if due else [])
        with self.assertRaises(provisioning.Refresh):
            self.method.heard("socket")
        self.assertEqual(self.method.refresh(line(passthru), tunnel.local, tunnel), tunnel)
        self.method.tick(self.now)
        self.assertEqual(self.kinds(), [])

    def test_another_exchanges_answers_are_not_told(self):
        def strange(message):
            found = self.serve(message) + self.serve(message)
            found[0].message.xid ^= 1
            return found

        self.wire.answer = strange
        self.provision()
        self.assertEqual(self.method.answer["ignored"], {})

    def test_a_border_router_beside_the_offer(self):
        """RFC 8539 section 7.1; an option of the user's comes first."""
        self.make(peeraddr="")
        self.routers = [1, ROUTER + 6]
        tunnel = self.provision()
        self.assertEqual(tunnel.remote, ROUTER + 6)
        self.assertEqual(format_ipv6(tunnel.local), "2001:db8:4000:300:0:c000:210:0")
        self.assertEqual(self.wire.sent[0][2], [6, 87])
        self.assertEqual(
            [item[3].option(109) for item in self.wire.sent], [None, tunnel.local.to_bytes(16, "big")]
        )
        self.files = {}
        self.make()
        self.routers = [ROUTER + 6]
        self.assertEqual(self.provision().remote, ROUTER)

    def test_the_bind_prefix(self):
        """RFC 7596 section 5.1: the longest match with a prefix of ours; without one any of them."""
        other = {"address": "2001:db8:7000::", "mask": 48, "preferred": 400, "valid": 800}
        for text, length, expected in (
            ("2001:db8:7000::", 48, "2001:db8:7000::c000:210:0"),
            ("2001:db8:7000:5::", 64, "2001:db8:7000::c000:210:0"),
            ("2001:db8:4000:300::", 56, "2001:db8:4000:300:0:c000:210:0"),
            ("2001:db8:9000::", 36, "2001:db8:4000:300:0:c000:210:0"),
            ("2001:db8:7fff::", 36, "2001:db8:7000::c000:210:0"),
            ("::", 0, "2001:db8:4000:300:0:c000:210:0"),
        ):
            self.files = {}
            self.make(peeraddr="")
            self.routers = [ROUTER]
            self.bind_prefix = (parse_ipv6(text), length)
            self.assertEqual(format_ipv6(self.provision(line(prefixes=[other])).local), expected)

    def test_nobody_tells_the_border_router(self):
        self.make(peeraddr="")
        real, inform.ask = inform.ask, lambda *_: []
        try:
            self.assertEqual(self.provision(), "NO_AFTR")
            self.routers = [1]  # no address of a border router
            self.assertEqual(self.provision(), "NO_AFTR")
        finally:
            inform.ask = real

    def test_the_border_router_is_the_lines(self):
        container = option(92, "c0000210" + "00" + "0000000000"[:4]) + option(90, octets(ROUTER + 1))
        real = inform.ask
        asked = []
        try:
            for passthru, told, expected in (
                (option(90, octets(ROUTER)), None, ROUTER),
                (option(96, container), None, ROUTER + 1),
                ("", [(96, bytes.fromhex(container))], ROUTER + 1),
                ("", [(90, b"\0" * 16), (90, (ROUTER + 2).to_bytes(16, "big"))], ROUTER + 2),
                ("", [(96, b"\0\x5a\0\x10\x20")], 0),
                ("", [], 0),
                ("", None, 0),
            ):
                self.make(peeraddr="")
                inform.ask = lambda on, codes, wait, clock: asked.append(codes) or told  # noqa: B023
                self.assertEqual(self.method.border_router(line("00580000" + passthru), LOCAL), expected)
            self.assertEqual(set(asked), {(90, 96, 64)})
            self.assertTrue("option 96 of the line" in self.logged[-1])
            # Silent for once: what was told before.
            self.method.told = ROUTER
            self.assertEqual(self.method.border_router(line(), LOCAL), ROUTER)
        finally:
            inform.ask = real

    def test_an_aftrs_name(self):
        class Resolver:
            """Stands for the line's."""

            def __init__(self, servers, source, device, wait, clock):
                self.right = (servers, source, device) == (["2001:db8:53::1"], format_ipv6(LOCAL), "eth1")

            def addresses(self, name):
                """Those of one name."""
                if not self.right or name != "aftr.example":
                    raise dhcp4o6.dns.DnsError("AAAA of {}: no such name".format(name), name == "no.example")
                return [ROUTER + 3, ROUTER + 4], 60

        self.make(peeraddr="")
        real, dhcp4o6.dns.Resolver = dhcp4o6.dns.Resolver, Resolver
        try:
            named = {}
            for name in ("aftr.example", "no.example", "lost.example"):
                on = line(
                    "00580000" + option(64, "".join(["%02x" % octet for octet in dhcpv6.write_name(name)]))
                )
                try:
                    named[name] = self.method.border_router(on, LOCAL)
                except ProvisioningError as error:
                    named[name] = error.code
            self.assertEqual(named["aftr.example"], ROUTER + 3)
            self.assertEqual(
                (named["no.example"], named["lost.example"]), ("NAME_UNKNOWN", "NAME_UNRESOLVED")
            )
        finally:
            dhcp4o6.dns.Resolver = real

    # Silence and refusals

    def test_silence(self):
        self.silent = True
        self.assertEqual(self.provision(), "NO_ANSWER")
        self.assertEqual((self.error.retry_after, self.error.ended), (64, False))
        self.assertEqual(self.kinds(), [1] * 4)
        self.assertTrue(55 < self.now - 1000 < 65)
        self.assertFalse(self.wire.opened)

    def test_what_was_ignored_is_told(self):
        self.wire.answer = lambda message: ["broken: x", "broken: x"]
        self.assertEqual(self.provision(), "NO_ANSWER")
        self.assertTrue(self.error.text.endswith("silent; ignored: broken: x"), self.error.text)
        number = [0]

        def others(message):
            number[0] += 1
            return ["broken {}".format(number[0] * 20 + index) for index in range(20)]

        self.wire.answer = others
        self.assertEqual(self.provision(), "NO_ANSWER")
        self.assertTrue(len(self.error.text.split("broken")) <= 9)

    def test_it_cannot_be_sent(self):
        self.wire.failure = 101
        self.assertEqual(self.provision(), "NO_ANSWER")
        self.assertIn("error 101", self.error.text)

    def test_refused_for_good(self):
        self.nak = True
        self.assertEqual(self.provision(), "LEASE_REFUSED")
        self.assertEqual((self.kinds(), self.error.ended), ([1, 3] * 3, True))

    # What is held

    def hold(self):
        tunnel = self.provision()
        self.kinds()
        return tunnel

    def test_renewed(self):
        held = self.hold()
        due = self.method.tick(self.now)
        self.assertTrue(1489 < due <= 1500)
        self.assertEqual(self.method.sockets(), [])
        self.now = due
        self.assertTrue(self.method.tick(self.now) > due)
        self.assertEqual(self.kinds(), [3])
        self.assertEqual(self.method.sockets(), ["socket"])
        with self.assertRaises(provisioning.Refresh):
            self.method.heard("socket")
        self.assertEqual(self.method.sockets(), [])
        tunnel = self.method.refresh(line(), LOCAL, held)
        self.assertEqual((tunnel == held, round(tunnel.expires), self.kinds()), (True, 1000, []))
        self.assertEqual(self.files[False]["at"], due)

    def test_asked_anew(self):
        held = self.hold()
        self.now += 10
        tunnel = self.method.refresh(line(), LOCAL, held)
        self.assertEqual((tunnel.expires, self.kinds()), (1000.0, [3]))
        self.silent = True
        caught = self.caught(self.method.refresh, line(), LOCAL, held)
        self.assertEqual((caught.code, caught.ended, self.kinds()), ("NO_ANSWER", False, [3, 3]))
        self.silent, self.nak = False, True
        caught = self.caught(self.method.refresh, line(), LOCAL, held)
        self.assertEqual((caught.code, caught.ended), ("LEASE_REFUSED", True))

    def test_other_servers(self):
        held = self.hold()
        self.assertEqual(self.method.refresh(line(option(88, octets(SERVER))), LOCAL, held), held)
        self.assertEqual([(item[0], item[1]) for item in self.wire.sent], [(3, 0)])
        self.assertEqual(self.method.refresh(line(option(88, octets(SERVER))), LOCAL, held), held)
        self.assertEqual(self.wire.sent[1][1], 0x800000)

    def test_refused_while_it_is_held(self):
        self.hold()
        self.nak = True
        self.now = self.method.tick(self.now)
        self.method.tick(self.now)
        caught = self.caught(self.method.heard, "socket")
        self.assertEqual((caught.code, caught.ended), ("LEASE_REFUSED", True))
        self.method.drop()
        self.assertEqual((self.files[False], self.method.tick(self.now)), (None, None))

    def test_broken_off(self):
        """What the wait raises ends an exchange; what still comes is nobody's."""

        class Again(Exception):
            """The client's."""

        def broken_off(*_):
            raise Again()

        self.silent = True
        self.method.wait = broken_off
        with self.assertRaises(Again):
            self.provision()
        self.assertEqual(self.method.sockets(), ["socket"])
        self.method.heard("socket")
        self.assertEqual((self.method.sockets(), self.method.tick(self.now)), ([], None))

    def test_released(self):
        held = self.hold()
        self.method.release(held)
        self.assertEqual((self.kinds(), self.files[False]), ([7], None))
        self.assertEqual(self.wire.sent, [])

    def test_not_released(self):
        held = None
        for failure, norelease in ((101, "0"), (None, "1")):
            self.make(norelease=norelease)
            held = self.hold()
            self.wire.failure = failure
            self.method.release(held)
            self.assertEqual((self.kinds(), self.files[False]["local"]), ([], format_ipv6(LOCAL)))

    def test_release_of_nothing(self):
        self.method.release(None)
        self.assertEqual(self.wire.sent, [])

    # After a restart

    def test_asked_for_again(self):
        self.given = {159: bytes.fromhex("06081200"), 6: b"\xc0\0\2\x35"}
        held = self.hold()
        self.now += 100
        self.make()
        self.given = {159: bytes.fromhex("06081200"), 6: b"\xc0\0\2\x35"}
        self.assertEqual(self.method.endpoint(line(), None), held.local)
        tunnel = self.provision()
        self.assertEqual((tunnel == held, self.kinds()), (True, [3]))
        self.make()
        self.silent = True
        tunnel = self.provision()
        self.assertEqual((tunnel == held, self.kinds()), (True, [3, 3]))
        self.assertEqual(self.method.answer["server"], "nobody; remembered")

    def test_another_prefix_or_identity(self):
        self.hold()
        self.make(clientid="0002ab")
        self.provision()
        self.assertEqual(self.kinds(), [1, 3])
        self.make(interface_id="::5")
        self.files[False]["local"] = "2001:db8:9999::1"
        self.assertEqual(self.provision().local & 0xFFFF, 5)
        self.assertEqual(self.kinds(), [1, 3])

    def test_what_is_kept_and_broken(self):
        self.hold()
        whole = dict(self.files[False])
        for name, value in (
            ("ack", "zz"), ("ack", "00"), ("ack", None), ("client", 7), ("remote", "x"), ("at", "now"), ("local", 3),
            ("local", "x"), ("bound", None),
        ):  # fmt: skip
            for lacks in (False, True):
                broken = dict(whole)
                if lacks:
                    broken.pop(name)
                else:
                    broken[name] = value
                self.make()
                self.files[False] = broken
                self.assertEqual(self.provision().ipaddr(), ["192.0.2.16/32"])

    def test_flash_is_written_seldom(self):
        written = []
        self.make(persist="1")
        self.method.keep = lambda content, lasting=False: (
            self.files.update({lasting: dict(content)}), lasting and written.append(content)
        )  # fmt: skip
        held = self.hold()
        for _ in range(3):
            self.now += 100
            self.method.refresh(line(), LOCAL, held)
        self.assertEqual(len(written), 1)
        self.assertFalse("at" in self.files[True])
        self.files[False] = None
        kept = self.files
        self.make(persist="1")
        self.files = kept
        self.silent = True
        self.kinds()
        self.assertEqual((self.provision(), self.kinds()), ("NO_ANSWER", [3, 3, 1, 1, 1, 1]))

    # A look

    def test_probe(self):
        told = []
        self.method.tell = told.append
        tunnel = self.method.probe(line(), LOCAL)
        self.assertEqual((tunnel.ipaddr(), self.kinds()), (["192.0.2.16/32"], [1]))
        self.assertEqual(told, ["DISCOVER to ff02::1:2, broadcast", "OFFER from fe80::1"])
        self.assertEqual((self.files, tunnel.expires), ({}, None))
        self.silent = True
        with self.assertRaises(ProvisioningError):
            self.method.probe(line(), LOCAL)
        self.assertEqual(self.kinds(), [1, 1])

    def test_in_words(self):
        self.given = {159: bytes.fromhex("06081200")}
        self.provision()
        words = explain.Explain()
        described = words.describe(self.method.answer)
        text = "\n".join(["{} {}".format(*row) for row in words.rows(described)])
        self.assertIn("of DHCPv4 server 192.0.2.1 for 16 min", text)
        self.assertEqual(words.rows(words.describe({}))[0][0], "lease")


class TransportTest(unittest.TestCase):
    def response(self, *more, kind=21):
        message = dhcpv4message.Message([(53, b"\2")])
        message.op = 2
        return dhcpv6.write_message(kind, 0x123456, [(87, dhcpv4message.write(message))] + list(more))

    def test_query(self):
        message = dhcpv4message.Message([(53, b"\3")])
        self.assertEqual(transport.write_query(message, False)[:6], b"\x14\0\0\0\0\x57")
        self.assertEqual(transport.write_query(message, True)[:6], b"\x14\x80\0\0\0\x57")
        message.options = [(53, b"\1")]
        self.assertEqual(
            transport.write_query(message, False)[:14], bytes.fromhex("1400000000060004005a00890057")
        )

    def test_response(self):
        """Its flags are ignored (RFC 7341 section 6.4)."""
        found = transport.read_response(self.response())
        self.assertEqual((found.message.option(53), found.routers, found.bind_prefix), (b"\2", [], None))
        found = transport.read_response(
            self.response(
                (90, bytes(15) + b"\1" + b"tail"), (137, b"\x38" + bytes(7)), (137, b"\0"), (9999, b"")
            )
        )
        self.assertEqual((found.routers, found.bind_prefix), ([1], (0, 56)))
        for kind in (1, 7, 20, 255):
            self.assertEqual(transport.read_response(self.response(kind=kind)), None)
        self.assertEqual(transport.read_response(b""), None)

    def test_broken_responses(self):
        whole = self.response()
        for wrong in (
            b"\x15", b"\x15\0\0\0", whole[:-1], whole + b"\0", self.response((87, b"")), whole[:4] + whole[8:],
            self.response()[:8] + b"\xff" * 10,
        ):  # fmt: skip
            with self.assertRaises(WireError):
                transport.read_response(wrong)

    def test_bind_prefix(self):
        for value, expected in (
            ("00", (0, 0)),
            ("3820010db8400003", (0x20010DB8400003 << 72, 56)),
            ("3720010db84000ff", (0x20010DB84000FE << 72, 55)),
            ("8020010db8000000000000000000000001", (0x20010DB8 << 96 | 1, 128)),
            ("", None), ("81" + "00" * 17, None), ("38" + "00" * 6, None), ("38" + "00" * 8, None),
        ):  # fmt: skip
            self.assertEqual(transport.read_bind_prefix(bytes.fromhex(value)), expected)

    def test_whom_it_is_near_to(self):
        for text, near in (
            ("fe80::1", True),
            ("febf::1", True),
            ("fec0::1", False),
            ("ff05::1:3", True),
            ("2001:db8::1", False),
        ):
            self.assertEqual(transport.is_near(parse_ipv6(text)), near)

    def test_datagrams(self):
        """From whatever port, to 546, of their own length."""
        read = transport.Transport(None, 2, [])._read
        inner = self.response()
        head = b"\xc0\x01\x02\x22" + (8 + len(inner)).to_bytes(2, "big") + b"\0\0"
        self.assertEqual(read(head + inner + b"trailer").message.option(53), b"\2")
        self.assertEqual(read(b"\2\x23\2\x23" + head[4:] + inner), None)
        for wrong in (b"", head, head[:4] + b"\0\7\0\0" + inner, head[:4] + b"\xff\xff\0\0" + inner):
            with self.assertRaises(WireError):
                read(wrong)


if __name__ == "__main__":
    unittest.main()
