# SPDX-License-Identifier: Apache-2.0
"""IA_DSTM and the client that asks for one, by the sections of draft-bound-dstm-exp-00 appendices A and B."""

import unittest

from softwire import dhcpv6, iadstm, inform, provisioning
from softwire.address import parse_ipv4, parse_ipv6
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.wire import WireError

CODES = iadstm.CODES
SOURCE = parse_ipv6("2001:db8:4000:300:1111:1111:1111:1111")
TEP = parse_ipv6("2001:db8:b::1")
IPV4 = parse_ipv4("203.0.113.7")
SERVER = b"\0\3\0\1server"
IAID = 0x11111111
SOLICIT, ADVERTISE, REQUEST, RENEW, REBIND, REPLY, RELEASE = 1, 2, 3, 5, 6, 7, 8


def association(**changed):
    """What a server gives."""
    ia = iadstm.Association(IAID, 1800, 2880)
    ia.addresses = [(IPV4, 3600, 3600)]
    ia.teps = [TEP]
    for name, value in changed.items():
        setattr(ia, name, value)
    return ia


def status(code, text=""):
    ia = iadstm.Association(IAID)
    ia.status = code, text
    return ia


class FormatTest(unittest.TestCase):
    def back(self, ia, codes=CODES):
        ((code, value),) = dhcpv6.read_options(iadstm.write(ia, codes))
        self.assertEqual(code, codes[0])
        return iadstm.read(value, codes)

    def test_a_4_all_of_it_comes_back(self):
        ia = association(ports=(4096, 8191), status=(2, "none"))
        back = self.back(ia)
        self.assertEqual((back.iaid, back.t1, back.t2), (IAID, 1800, 2880))
        self.assertEqual(back.addresses, [(IPV4, 3600, 3600)])
        self.assertEqual((back.teps, back.ports, back.status), ([TEP], (4096, 8191), (2, "none")))

    def test_a_4_octets(self):
        """The addresses are IPv4-mapped, in the Address option that every IA has."""
        octets = iadstm.write(association(ports=(4096, 8191)), CODES)
        self.assertEqual(octets[:4], (65361).to_bytes(2, "big") + (12 + 28 + 20 + 8).to_bytes(2, "big"))
        self.assertEqual(octets[4:16], bytes.fromhex("111111110000070800000b40"))
        mapped = "00000000000000000000ffffcb007107"
        self.assertEqual(octets[16:44], bytes.fromhex("00050018" + mapped + "00000e1000000e10"))
        # Sections A 5 and B 4.
        self.assertEqual(octets[44:64], (65362).to_bytes(2, "big") + b"\0\x10" + TEP.to_bytes(16, "big"))
        self.assertEqual(octets[64:], (65363).to_bytes(2, "big") + b"\0\4\x10\0\x1f\xff")

    def test_other_codes(self):
        self.assertEqual(self.back(association(), (150, 151, 152)).teps, [TEP])

    def test_a_5_6_b_4_5_only_inside_of_an_ia_dstm(self):
        """ "MUST NOT be used except when encapsulated in an IA_DSTM option"."""
        beside = [
            (CODES[1], (TEP + 1).to_bytes(16, "big")),
            (CODES[2], b"\x10\0\x1f\xff"),
        ]
        self.assertEqual(iadstm.found(beside, CODES), [])
        (ia,) = iadstm.found(
            beside + dhcpv6.read_options(iadstm.write(association(), CODES)),
            CODES,
        )
        self.assertEqual((ia.teps, ia.ports), ([TEP], None))

    def test_what_is_no_ipv4_address(self):
        value = bytes(12) + dhcpv6.write_option(5, TEP.to_bytes(16, "big") + b"\0\0\0\1\0\0\0\1")
        self.assertEqual(iadstm.read(value, CODES).addresses, [])
        # RFC 8415 section 21.6: preferred for longer than it is valid.
        self.assertEqual(self.back(association(addresses=[(IPV4, 2, 1)])).addresses, [])

    def test_broken_ones(self):
        octets = iadstm.write(association(ports=(4096, 8191), status=(2, "none")), CODES)[4:]
        for end in range(len(octets)):
            try:
                iadstm.read(octets[:end], CODES)
            except WireError:
                pass
        for wrong in (bytes(11), bytes(12) + dhcpv6.write_option(CODES[1], bytes(15))):
            self.assertRaises(WireError, iadstm.read, wrong, CODES)
        for value in (b"\0\2\0\1", b"\0\1\0", b"\0\1\0\2\0", bytes(17)):
            wrong = bytes(12) + dhcpv6.write_option(CODES[2], value)
            self.assertRaises(WireError, iadstm.read, wrong, CODES)


class ClientTest(unittest.TestCase):
    """The server is a table: {type of a message: [(type, options) of an answer]}."""

    def setUp(self):
        self.real = inform.exchange
        inform.exchange = self.exchange
        self.now = 1000.0
        self.asked = []
        self.answers = {
            SOLICIT: [self.answer(ADVERTISE)],
            REQUEST: [self.answer(REPLY)],
            RENEW: [self.answer(REPLY)],
            REBIND: [self.answer(REPLY)],
        }
        self.line = Line(
            "wan6",
            {"up": True, "l3_device": "eth1", "data": {"passthru": "0001000a00030001525400123401"}},
            lambda path: "1500",
        )

    def tearDown(self):
        inform.exchange = self.real

    def answer(self, kind, ia=None, server=SERVER, client=b"\0\3\0\1RT\0\x124\1", more=()):
        options = [(1, client), (2, server)] + list(more)
        octets = b"".join([dhcpv6.write_option(*option) for option in options])
        return kind, octets + iadstm.write(ia or association(), CODES)

    def exchange(self, line, write, read, wait, clock, tries=3):
        data = write(b"abc")
        self.assertEqual(data[:4], b"\x02\x22\x02\x23")
        kind, _, options = dhcpv6.read_message(data[8:])
        self.asked.append((kind, options))
        for answered, octets in self.answers.get(kind, ()) if tries else ():
            try:
                found = read(b"\x02\x23\x02\x22\0\0\0\0" + bytes([answered]) + b"abc" + octets, b"abc")
            except WireError:
                found = None
            if found is not None:
                return found
        return None

    def method(self, **options):
        words = {"tunlink": "wan6", "provisioning": "dstm"}
        words.update(options)
        method = provisioning.load(words, "wan")
        method.clock = lambda: self.now
        return method

    def ask(self, method):
        return method.provision(self.line, SOURCE)

    def refused(self, method, held=None):
        try:
            if held:
                method.refresh(self.line, SOURCE, held)
            else:
                self.ask(method)
        except ProvisioningError as error:
            return error

    def kinds(self):
        return [kind for kind, _ in self.asked]

    def ia(self, at=-1):
        (ia,) = iadstm.found(self.asked[at][1], CODES)
        return ia

    def test_a_4_an_address_and_its_times(self):
        method = self.method()
        tunnel = self.ask(method)
        self.assertEqual(self.kinds(), [SOLICIT, REQUEST])
        self.assertEqual((tunnel.ipaddr(), tunnel.remote), (["203.0.113.7/32"], TEP))
        self.assertEqual((tunnel.refresh, tunnel.expires, tunnel.mtu), (1800, 3600, 1460))
        # "the IAID must be unique among the identifiers for all of this client's IAs": odhcp6c's are 1.
        self.assertEqual(self.ia().iaid, IAID)
        self.assertEqual(dhcpv6.only(self.asked[0][1], 1), b"\0\3\0\1RT\0\x124\1")
        # "The client may send 0 if it has no preference"; its own end of the tunnel.
        self.assertEqual((self.ia().t1, self.ia().t2, self.ia().teps), (0, 0, [SOURCE]))
        self.assertEqual([value for code, value in self.asked[0][1] if code == 2], [])
        self.assertEqual(dhcpv6.only(self.asked[1][1], 2), SERVER)
        rows = dict(provisioning.explain("dstm").rows(method.answer))
        self.assertEqual(rows["renewal after"], "30 min")

    def test_a_4_renew_at_t1_with_the_server_that_gave_it(self):
        method = self.method()
        tunnel = self.ask(method)
        self.now += 1800
        self.assertEqual(method.refresh(self.line, SOURCE, tunnel), tunnel)
        self.assertEqual(self.kinds()[2:], [RENEW])
        self.assertEqual(dhcpv6.only(self.asked[-1][1], 2), SERVER)
        self.assertEqual(self.ia().addresses, [(IPV4, 0, 0)])

    def test_a_4_rebind_at_t2_with_any_server(self):
        method = self.method()
        tunnel = self.ask(method)
        self.answers[RENEW] = []
        self.assertEqual(self.refused(method, tunnel).code, "NO_ANSWER")
        self.assertEqual(method.tick(self.now), self.now + 2880)
        self.now += 2880
        self.assertRaises(provisioning.Refresh, method.tick, self.now)
        self.assertEqual(method.tick(self.now), None)
        self.answers[REBIND] = [self.answer(REPLY, server=b"\0\3\0\1other")]
        self.assertEqual(method.refresh(self.line, SOURCE, tunnel), tunnel)
        self.assertEqual(
            (self.kinds()[-1], [value for code, value in self.asked[-1][1] if code == 2]), (REBIND, [])
        )
        self.assertEqual(method.server, b"\0\3\0\1other")

    def test_a_4_t1_and_t2_of_0(self):
        """ "If the server does not intend for a client to extend the lifetimes … the server sets T1 and T2 to 0"."""
        self.answers[REQUEST] = [self.answer(REPLY, association(t1=0, t2=0))]
        method = self.method()
        tunnel = self.ask(method)
        self.assertEqual((tunnel.refresh, tunnel.expires, method.tick(self.now)), (None, 3600, None))
        # T2 alone: nobody in particular is asked.
        self.answers[REQUEST] = [self.answer(REPLY, association(t1=0))]
        self.assertEqual(self.ask(method).refresh, 2880)

    def test_lifetimes_without_an_end(self):
        most = 0xFFFFFFFF
        ia = association(t1=most, t2=most, addresses=[(IPV4, most, most)])
        self.answers[REQUEST] = [self.answer(REPLY, ia)]
        method = self.method()
        tunnel = self.ask(method)
        self.assertEqual((tunnel.refresh, tunnel.expires, method.tick(self.now)), (None, None, None))

    def test_b_4_a_range_of_ports(self):
        self.answers[REQUEST] = [self.answer(REPLY, association(ports=(4096, 8191)))]
        method = self.method(shared="1")
        self.assertEqual(self.ask(method).ports.key(), (0, 4, 1))
        self.assertEqual(dhcpv6.only(self.asked[0][1], 6), CODES[2].to_bytes(2, "big"))
        self.answers[REQUEST] = [self.answer(REPLY, association(ports=(4096, 8192)))]
        self.assertEqual(self.refused(method).code, "BAD_ANSWER")

    def test_a_4_the_status_is_inside_of_it(self):
        for code, ours, ended in (
            (2, "POOL_EXHAUSTED", False),
            (3, "LEASE_ENDED", True),
            (1, "SERVER_REFUSED", False),
        ):
            self.answers[SOLICIT] = [self.answer(ADVERTISE, status(code, "no\x1b"))]
            error = self.refused(self.method())
            self.assertEqual((error.code, error.ended), (ours, ended))
            self.assertIn("says {} no?".format(code), str(error))

    def test_a_lease_that_is_over(self):
        method = self.method()
        tunnel = self.ask(method)
        for gone in (status(3), association(addresses=[(IPV4, 0, 0)]), association(addresses=[])):
            method.server = SERVER
            self.answers[RENEW] = [self.answer(REPLY, gone)]
            error = self.refused(method, tunnel)
            self.assertEqual((error.code, error.ended), ("LEASE_ENDED", True))
        method.drop()
        self.assertEqual(self.ask(method), tunnel)

    def test_what_is_no_answer(self):
        wrong = [
            self.answer(REPLY),  # not an Advertise
            self.answer(ADVERTISE, client=b"\0\3\0\1other"),
            self.answer(ADVERTISE, association(iaid=1)),
            self.answer(ADVERTISE, association(t1=3000)),  # RFC 8415 section 21.4: T1 behind T2
            (ADVERTISE, self.answer(ADVERTISE)[1][:-3]),
            (ADVERTISE, b"\xff"),
        ]
        for one in wrong:
            self.answers[SOLICIT] = [one]
            self.assertEqual(self.refused(self.method()).code, "NO_ANSWER")
        # The right one behind all of them is taken.
        self.answers[SOLICIT] = wrong + [self.answer(ADVERTISE)]
        self.assertEqual(self.ask(self.method()).remote, TEP)

    def test_another_servers_reply(self):
        self.answers[REQUEST] = [self.answer(REPLY, server=b"\0\3\0\1other")]
        self.assertEqual(self.refused(self.method()).code, "NO_ANSWER")

    def test_a_7_b_6_authentication(self):
        """ "a DHCPv6 client MUST use authenticated DHCPv6": nothing of RFC 8415 authenticates these messages."""
        error = self.refused(self.method(require_auth="1"))
        self.assertEqual(error.code, "NO_ANSWER")
        self.assertIn("not authenticated", str(error))

    def test_the_border_router(self):
        self.answers[REQUEST] = [self.answer(REPLY, association(teps=[]))]
        self.assertEqual(self.refused(self.method()).code, "BAD_ANSWER")
        # DSTM section 5.1: "The TEP can also be manually configured on the DSTM client."
        self.assertEqual(self.ask(self.method(peeraddr="2001:db8:b::7")).remote, parse_ipv6("2001:db8:b::7"))
        for wrong in (SOURCE, parse_ipv6("ff02::1"), 1):
            self.answers[REQUEST] = [self.answer(REPLY, association(teps=[wrong]))]
            self.assertEqual(self.refused(self.method()).code, "BAD_ANSWER")

    def test_release(self):
        method = self.method()
        tunnel = self.ask(method)
        method.release(tunnel)
        method.release(tunnel)
        self.assertEqual(self.kinds()[2:], [RELEASE])
        self.assertEqual(self.ia().addresses, [(IPV4, 0, 0)])
        method = self.method(norelease="1")
        method.release(self.ask(method))
        self.assertEqual(self.kinds()[3:], [SOLICIT, REQUEST])

    def test_a_probe_takes_nothing(self):
        method = self.method()
        self.assertEqual(method.probe(self.line, SOURCE).remote, TEP)
        self.assertEqual(self.kinds(), [SOLICIT])

    def test_codes_are_options(self):
        method = self.method(code_ia_dstm="150", code_dstm_tep="151", code_dstm_ports="152")
        self.assertIn("option 150", str(self.refused(method)))
        self.assertEqual([code for code, _ in self.asked[0][1]][-1], 150)

    def test_another_endpoint_is_another_lease(self):
        method = self.method()
        tunnel = self.ask(method)
        method.refresh(self.line, SOURCE + 1, tunnel)
        self.assertEqual(self.kinds()[2:], [SOLICIT, REQUEST])
