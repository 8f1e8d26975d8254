# SPDX-License-Identifier: Apache-2.0
"""pyrad_lite's packets against the packets of RFC 2865 section 7, the sums of RFC 2202, and malformed ones."""

import unittest
from binascii import hexlify, unhexlify
from hashlib import md5
from io import StringIO

from pyrad_lite import packet
from pyrad_lite.dictionary import Dictionary

FILES = __file__.rpartition("/")[0] + "/../../files/etc/softwire/"
SOFTBANK = Dictionary(FILES + "dictionary.rfc", FILES + "dictionary.softbank")
SECRET = b"xyzzy5461"  # of all examples in RFC 2865 section 7
AUTHENTICATOR = bytes(range(16))


def read(text):
    return Dictionary(StringIO(text))


def hexa(text):
    return unhexlify(text.replace(" ", "").replace("\n", ""))


# RFC 2865 section 7.1: User-Password "arctangent"
PAP_REQUEST = hexa(
    """01 00 00 38 0f 40 3f 94 73 97 80 57 bd 83 d5 cb 98 f4 22 7a 01 06 6e 65 6d 6f 02 12 0d be 70 8d
    93 d4 13 ce 31 96 e4 3f 78 2a 0a ee 04 06 c0 a8 01 10 05 06 00 00 00 03"""
)
PAP_ACCEPT = hexa(
    """02 00 00 26 86 fe 22 0e 76 24 ba 2a 10 05 f6 bf 9b 55 e0 b2 06 06 00 00 00 01 0f 06 00 00 00 00
    0e 06 c0 a8 01 03"""
)
# RFC 2865 section 7.2: CHAP id 22, password "arctangent", the Request Authenticator is the challenge
CHAP_REQUEST = hexa(
    """01 01 00 47 2a ee 86 f0 8d 0d 55 96 9c a5 97 8e 0d 33 67 a2 01 08 66 6c 6f 70 73 79 03 13 16 e9
    75 57 c3 16 18 58 95 f2 93 ff 63 44 07 72 75 04 06 c0 a8 01 10 05 06 00 00 00 14 06 06 00 00 00
    02 07 06 00 00 00 01"""
)
CHAP_ACCEPT = hexa(
    """02 01 00 38 15 ef bc 7d ab 26 cf a3 dc 34 d9 c0 3c 86 01 a4 06 06 00 00 00 02 07 06 00 00 00 01
    08 06 ff ff ff fe 0a 06 00 00 00 02 0d 06 00 00 00 01 0c 06 00 00 05 dc"""
)
# RFC 2865 section 7.3: password "challenge", then "99101462"
CARD_REQUEST = hexa(
    """01 02 00 39 f3 a4 7a 1f 6a 6d 76 71 0b 94 7a b9 30 41 a0 39 01 07 6d 6f 70 73 79 02 12 33 65 75
    73 77 82 89 b5 70 88 5e 15 08 48 25 c5 04 06 c0 a8 01 10 05 06 00 00 00 07"""
)
CARD_CHALLENGE = hexa(
    """0b 02 00 4e 36 f3 c8 76 4a e8 c7 11 57 40 3c 0c 71 ff 9c 45 12 30 43 68 61 6c 6c 65 6e 67 65 20
    33 32 37 36 39 34 33 30 2e 20 20 45 6e 74 65 72 20 72 65 73 70 6f 6e 73 65 20 61 74 20 70 72 6f
    6d 70 74 2e 18 0a 33 32 37 36 39 34 33 30"""
)
# printed with a State of length 10 hexadecimal, where 10 decimal is meant and said
CARD_ANSWER_AS_PRINTED = hexa(
    """01 03 00 43 b1 22 55 6d 42 8a 13 d0 d6 25 38 07 c4 57 ec f0 01 07 6d 6f 70 73 79 02 12 69 2c 1f
    20 5f c0 81 b9 19 b9 51 95 f5 61 a5 81 04 06 c0 a8 01 10 05 06 00 00 00 07 18 10 33 32 37 36 39
    34 33 30"""
)
CARD_ANSWER = CARD_ANSWER_AS_PRINTED[:58] + b"\x0a" + CARD_ANSWER_AS_PRINTED[59:]
CARD_REJECT = hexa("03 03 00 14 a4 2f 4f ca 45 91 6c 4e 09 c8 34 0f 9e 74 6a a0")


def answer(request, code, attributes, secret=None, identifier=None):
    """What a server would send for a request, Response Authenticator included; made without pyrad_lite."""
    secret = request.secret if secret is None else secret
    head = bytes((code, request.id if identifier is None else identifier))
    head += (20 + len(attributes)).to_bytes(2, "big")
    return head + md5(head + request.authenticator + attributes + secret).digest() + attributes


def plain(dict=SOFTBANK, **args):
    return packet.AuthPacket(id=7, secret=SECRET, authenticator=AUTHENTICATOR, dict=dict, **args)


class Rfc2865Examples(unittest.TestCase):
    def rebuilt(self, raw):
        decoded = packet.AuthPacket(secret=SECRET, packet=raw, dict=SOFTBANK)
        self.assertEqual(decoded.RequestPacket(), raw)
        return decoded

    def test_pap(self):
        request = self.rebuilt(PAP_REQUEST)
        self.assertEqual((request.code, request.id, request["User-Name"]), (1, 0, ["nemo"]))
        self.assertEqual(request[2], [request.PwCrypt("arctangent")])
        self.assertEqual(request[4], [b"\xc0\xa8\x01\x10"])
        reply = request.CreateReply(packet=PAP_ACCEPT)
        self.assertTrue(request.VerifyReply(reply, PAP_ACCEPT))
        self.assertEqual(reply.code, packet.AccessAccept)

    def test_chap(self):
        request = self.rebuilt(CHAP_REQUEST)
        made = packet.ChapPassword(0x16, b"arctangent", request.authenticator)
        self.assertEqual(request["CHAP-Password"], [made])
        self.assertTrue(request.VerifyReply(request.CreateReply(packet=CHAP_ACCEPT)))

    def test_challenge(self):
        request = self.rebuilt(CARD_REQUEST)
        self.assertEqual(request[2], [request.PwCrypt(b"challenge")])
        reply = request.CreateReply(packet=CARD_CHALLENGE)
        self.assertTrue(request.VerifyReply(reply))
        self.assertEqual(reply.code, packet.AccessChallenge)
        self.assertEqual(reply["Reply-Message"], ["Challenge 32769430.  Enter response at prompt."])
        second = self.rebuilt(CARD_ANSWER)
        self.assertEqual(second[2], [second.PwCrypt("99101462")])
        self.assertEqual(second["State"], reply["State"])
        refusal = second.CreateReply(packet=CARD_REJECT)
        self.assertTrue(second.VerifyReply(refusal))
        self.assertEqual((refusal.code, len(refusal)), (packet.AccessReject, 0))

    def test_a_reply_is_sent_as_printed(self):
        request = self.rebuilt(PAP_REQUEST)
        reply = request.CreateReply(message_authenticator=False)
        for octets in (b"\x06\x06\0\0\0\1", b"\x0f\x06\0\0\0\0", b"\x0e\x06\xc0\xa8\1\3"):
            reply.AddAttribute(octets[0], octets[2:])
        self.assertEqual(reply.ReplyPacket(), PAP_ACCEPT)

    def test_a_chap_password_is_verified(self):
        request = self.rebuilt(CHAP_REQUEST)
        self.assertTrue(request.VerifyChapPasswd("arctangent"))
        self.assertTrue(request.VerifyChapPasswd(b"arctangent"))
        self.assertFalse(request.VerifyChapPasswd("Arctangent"))

    def test_a_reply_to_another_request_is_refused(self):
        request = self.rebuilt(PAP_REQUEST)
        for raw in (CHAP_ACCEPT, CARD_REJECT):
            self.assertEqual(request.WhyNotReply(raw), "id")

    def test_every_changed_bit_is_noticed(self):
        request = self.rebuilt(PAP_REQUEST)
        for at in range(len(PAP_ACCEPT)):
            raw = PAP_ACCEPT[:at] + bytes((PAP_ACCEPT[at] ^ 1,)) + PAP_ACCEPT[at + 1 :]
            try:
                self.assertFalse(request.VerifyReply(request.CreateReply(packet=raw), raw), "octet %d" % at)
            except packet.PacketError:
                pass


class Sums(unittest.TestCase):
    def test_hmac_md5_of_rfc2202(self):
        # RFC 2202 section 2, cases 1, 2, 3, 4, 6
        for key, data, digest in (
            (b"\x0b" * 16, b"Hi There", "9294727a3638bb1c13f48ef8158bfc9d"),
            (b"Jefe", b"what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738"),
            (b"\xaa" * 16, b"\xdd" * 50, "56be34521d144c88dbb8c733f0e8b3f6"),
            (bytes(range(1, 26)), b"\xcd" * 50, "697eaf0aca3a3aea3a75164746ffaa79"),
            (
                b"\xaa" * 80,
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd",
            ),
        ):
            self.assertEqual(hexlify(packet._hmac_md5(key, data)).decode(), digest)

    def test_pap_passwords_of_every_length(self):
        request = plain()
        for length, octets in ((0, 16), (1, 16), (16, 16), (17, 32), (128, 128)):
            self.assertEqual(len(request.PwCrypt(b"x" * length)), octets)
        self.assertRaises(ValueError, request.PwCrypt, b"x" * 129)

    def test_random_numbers_differ(self):
        self.assertNotEqual(packet.Packet.CreateAuthenticator(), packet.Packet.CreateAuthenticator())
        first = packet.CreateID()
        self.assertEqual(packet.CreateID(), (first + 1) % 256)
        packet.CurrentID = 255
        self.assertEqual(packet.CreateID(), 0)


class MessageAuthenticator(unittest.TestCase):
    def test_comes_first_and_is_the_hmac_over_zeros(self):
        request = plain(message_authenticator=True)
        request.AddAttribute("User-Name", "nemo")
        raw = request.RequestPacket()
        self.assertEqual(raw[:4], b"\x01\x07\x00\x2c")
        self.assertEqual(raw[20:22], b"\x50\x12")
        zeroed = raw[:22] + bytes(16) + raw[38:]
        self.assertEqual(raw[22:38], packet._hmac_md5(SECRET, zeroed))
        self.assertEqual(request["Message-Authenticator"], [raw[22:38]])

    def test_follows_what_is_changed_after_it_was_made(self):
        request = plain(message_authenticator=True)
        request.AddAttribute("User-Name", "nemo")
        before = request.RequestPacket()
        self.assertEqual(request.RequestPacket(), before)
        request["User-Name"] = "flopsy"
        raw = request.RequestPacket()
        self.assertEqual(raw[22:38], packet._hmac_md5(SECRET, raw[:22] + bytes(16) + raw[38:]))

    def test_keeps_a_place_it_was_given(self):
        request = plain(message_authenticator=True)
        request.AddAttribute("User-Name", "nemo")
        request.AddAttribute("Message-Authenticator", bytes(16))
        raw = request.RequestPacket()
        self.assertEqual(list(request), [1, 80])
        self.assertEqual(raw[28:], packet._hmac_md5(SECRET, raw[:28] + bytes(16)))

    def signed(self, request, attributes, secret=SECRET):
        """An Access-Accept with Message-Authenticator last, signed as RFC 3579 section 3.2 says."""
        zeroed = attributes + b"\x50\x12" + bytes(16)
        head = b"\x02\x07" + (20 + len(zeroed)).to_bytes(2, "big")
        mac = packet._hmac_md5(secret, head + request.authenticator + zeroed)
        return answer(request, 2, attributes + b"\x50\x12" + mac)

    def why(self, request, raw, enforce_ma=False):
        return request.WhyNotReply(raw, enforce_ma)

    def test_in_a_reply_is_checked_with_the_request_authenticator(self):
        request = plain()
        raw = self.signed(request, b"\x12\x04hi")
        self.assertEqual(self.why(request, raw), None)
        self.assertEqual(self.why(request, raw, True), None)
        self.assertEqual(self.why(request, raw + b"padding", True), None)

    def test_a_wrong_one_in_a_reply_with_a_right_authenticator_is_refused(self):
        request = plain()
        raw = self.signed(request, b"\x12\x04hi", b"another secret")
        self.assertEqual(self.why(request, raw), "message-authenticator")

    def test_a_short_long_or_repeated_one_is_refused(self):
        request = plain()
        good = self.signed(request, b"")[20:]
        for attributes in (
            b"\x50\x02",
            b"\x50\x03\x00",
            good[:1] + b"\x11" + good[2:-1],
            good[:1] + b"\x13" + good[2:] + b"\0",
            good + good,
            b"\x50\x02" + good,
        ):
            self.assertEqual(self.why(request, answer(request, 2, attributes)), "message-authenticator")

    def test_a_right_one_is_no_use_behind_a_wrong_one_or_in_a_long_one(self):
        request = plain()
        self.assertEqual(
            self.why(request, self.signed(request, b"\x50\x12" + b"x" * 16)), "message-authenticator"
        )
        head = b"\x02\x07\x00\x27" + request.authenticator
        mac = packet._hmac_md5(SECRET, head + b"\x50\x13" + bytes(17))
        raw = answer(request, 2, b"\x50\x13" + mac + b"\0")
        self.assertEqual(self.why(request, raw), "message-authenticator")

    def test_a_missing_one_is_refused_only_if_required(self):
        request = plain()
        raw = answer(request, 2, b"\x12\x04hi")
        self.assertEqual(self.why(request, raw), None)
        self.assertEqual(self.why(request, raw, True), "message-authenticator")

    def test_a_proxy_state_nobody_sent_is_refused(self):
        request = plain()
        raw = answer(request, 2, b"\x21\x04ab")
        self.assertEqual(self.why(request, raw), "proxy-state")
        request.AddAttribute(33, b"ab")
        self.assertEqual(self.why(request, raw), None)
        request.AddAttribute(33, b"")
        for states, why in (
            (b"", None),
            (b"\x21\x04ab\x21\x02", None),
            (b"\x21\x04ab\x12\x02\x21\x02", None),
            (b"\x21\x02\x21\x04ab", "proxy-state"),
            (b"\x21\x04ab\x21\x03c", "proxy-state"),
            (b"\x21\x04ab\x21\x02\x21\x02", "proxy-state"),
        ):
            self.assertEqual(self.why(request, answer(request, 2, states)), why)

    def test_of_a_received_request_follows_what_is_changed(self):
        request = plain(message_authenticator=True)
        request.AddAttribute("User-Name", "nemo")
        received = packet.AuthPacket(secret=SECRET, packet=request.RequestPacket())
        received[1] = b"flopsy"
        raw = received.RequestPacket()
        self.assertEqual(raw[22:38], packet._hmac_md5(SECRET, raw[:22] + bytes(16) + raw[38:]))

    def test_of_a_received_request_stays_where_it_is_not_wanted(self):
        request = plain(message_authenticator=True)
        raw = request.RequestPacket()
        received = packet.AuthPacket(secret=b"another", packet=raw, message_authenticator=False)
        self.assertEqual(received.RequestPacket(), raw)


class Order(unittest.TestCase):
    """SoftBank's servers know the order of their own units' requests."""

    def test_is_the_order_of_adding_also_of_one_attribute_at_several_places(self):
        request = plain()
        request.AddAttribute("Reply-Message", "a")
        request.AddAttribute("User-Name", "b")
        request.AddAttribute("Reply-Message", ["c", "d"])
        self.assertEqual(request.RequestPacket()[20:], b"\x12\x03a\x01\x03b\x12\x03c\x12\x03d")
        self.assertEqual(request["Reply-Message"], ["a", "c", "d"])
        self.assertEqual(request.keys(), ["Reply-Message", "User-Name"])

    def test_vendor_attributes_one_by_one(self):
        request = plain()
        request.AddAttribute("SoftBank-MAC", "m")
        request.AddAttribute("CHAP-Challenge", b"c")
        request.AddAttribute("SoftBank-Manufacturer", "f")
        # 22197 is 56b5 in hex
        self.assertEqual(
            hexlify(request.RequestPacket()[20:]), b"1a09000056b501036d" + b"3c0363" + b"1a09000056b5020366"
        )

    def test_vendor_attributes_in_one(self):
        request = plain()
        request.AddVendorAttributes(
            [("SoftBank-MAC", "m"), ("SoftBank-Manufacturer", "f"), ((22197, 3), b"s")]
        )
        request.AddVendorAttributes([("SoftBank-Hardware-Version", "h")])
        raw = request.RequestPacket()
        self.assertEqual(hexlify(raw[20:]), b"1a0f000056b501036d020366030373" + b"1a09000056b5040368")
        self.assertEqual(request["SoftBank-Software-Version"], ["s"])
        # and the packing survives being received
        self.assertEqual(packet.AuthPacket(packet=raw, dict=SOFTBANK).RequestPacket(), raw)

    def test_vendor_attributes_that_cannot_share_one(self):
        request = plain()
        for pairs in (
            [("SoftBank-MAC", "m"), ("User-Name", "u")],
            [((1, 1), b""), ((2, 1), b"")],
            [("User-Name", "u")],
            [(26, b"\0\0\x56\xb5\1\3m")],
            [("SoftBank-MAC", "m" * 124), ("SoftBank-MAC", "m" * 122)],
        ):
            self.assertRaises(ValueError, request.AddVendorAttributes, pairs)
        request.AddVendorAttributes([])
        self.assertEqual(len(request), 0)
        request.AddVendorAttributes([("SoftBank-MAC", "m" * 124), ("SoftBank-MAC", "m" * 121)])
        self.assertEqual(len(request.RequestPacket()), 275)

    def shared(self):
        request = plain()
        request.AddVendorAttributes([((22197, 1), b"m"), ((22197, 2), b"f"), ((22197, 3), b"s")])
        return request

    def test_removing_one_of_several(self):
        for number, octets in ((1, b"020366030373"), (2, b"01036d030373"), (3, b"01036d020366")):
            request = self.shared()
            del request[(22197, number)]
            self.assertEqual(hexlify(request.RequestPacket()[20:]), b"1a0c000056b5" + octets)
            for other in request:
                del request[other]
            self.assertEqual(len(request.RequestPacket()), 20)

    def test_changing_one_of_several(self):
        """It comes to stand where it was, in a Vendor-Specific of its own."""
        for number, octets in (
            (1, b"1a09000056b5010378" + b"1a0c000056b5020366030373"),
            (2, b"1a09000056b501036d" + b"1a09000056b5020378" + b"1a09000056b5030373"),
            (3, b"1a0c000056b501036d020366" + b"1a09000056b5030378"),
        ):
            request = self.shared()
            request[(22197, number)] = b"x"
            self.assertEqual(hexlify(request.RequestPacket()[20:]), octets)

    def test_removing_a_shared_one_does_not_pull_others_together(self):
        request = plain()
        request.AddAttribute("SoftBank-MAC", "m")
        request.AddVendorAttributes([("SoftBank-Manufacturer", "f"), ("SoftBank-Software-Version", "s")])
        del request["SoftBank-Manufacturer"]
        self.assertEqual(hexlify(request.RequestPacket()[20:]), b"1a09000056b501036d" + b"1a09000056b5030373")


class Mapping(unittest.TestCase):
    def test_names_numbers_and_conversions(self):
        request = plain(User_Name="nemo")
        request.AddAttribute("Session-Timeout", 3600)
        request.AddAttribute("SoftBank-WANv4-IP", "203.0.113.7")
        request.AddAttribute("SoftBank-v6-GW", "2001:db8:b::1")
        self.assertEqual(request[1], [b"nemo"])
        self.assertEqual(request["Session-Timeout"], [3600])
        self.assertEqual(request[27], [b"\x00\x00\x0e\x10"])
        self.assertEqual(request[(22197, 204)], [b"\xcb\x00\x71\x07"])
        self.assertEqual(request["SoftBank-v6-GW"], ["2001:db8:b::1"])
        self.assertEqual(
            request.keys(), ["User-Name", "Session-Timeout", "SoftBank-WANv4-IP", "SoftBank-v6-GW"]
        )

    def test_like_a_dict(self):
        request = plain()
        request["User-Name"] = "a"
        request["State"] = [b"1", b"2"]
        request[99] = [b"x"]
        self.assertTrue("User-Name" in request and 1 in request and 99 in request)
        self.assertFalse("CHAP-Password" in request or 3 in request or "No-Such-Name" in request)
        self.assertTrue(request.has_key("User-Name") and not request.has_key(3))
        self.assertEqual(request.keys(), ["User-Name", "State", 99])
        self.assertEqual(len(request), 3)
        request["User-Name"] = ["b"]
        self.assertEqual(request.RequestPacket()[20:], b"\x01\x03b\x18\x031\x18\x032\x63\x03x")
        del request["State"]
        self.assertEqual(request.get("State"), None)
        self.assertEqual(request.get("No-Such-Name", []), [])
        self.assertEqual(list(request), [1, 99])
        with self.assertRaises(KeyError):
            request["State"]
        with self.assertRaises(KeyError):
            del request["State"]

    def test_the_numbers_alone(self):
        """A client that knows them needs no dictionary, nor the time that reading one takes."""
        request = plain(None)
        request.AddAttribute(4, b"\xc0\0\2\1")
        request.AddAttribute(32, b"router")
        request.AddAttribute(95, bytes(15) + b"\1")
        request.AddAttribute((22197, 1), b"m")
        self.assertEqual(
            hexlify(request.RequestPacket()[20:]),
            b"0406c0000201" + b"2008726f75746572" + b"5f12" + b"00" * 15 + b"01" + b"1a09000056b501036d",
        )
        named = plain(NAS_IP_Address="192.0.2.1")
        named.AddAttribute("NAS-Identifier", "router")
        named.AddAttribute("NAS-IPv6-Address", "::1")
        named.AddAttribute("SoftBank-MAC", "m")
        self.assertEqual(named.RequestPacket(), request.RequestPacket())
        self.assertEqual(request.keys(), [4, 32, 95, (22197, 1)])
        self.assertEqual(
            list(request.walk()),
            [(4, b"\xc0\0\2\1"), (32, b"router"), (95, bytes(15) + b"\1"), ((22197, 1), b"m")],
        )

    def test_there_are_no_names_without_a_dictionary(self):
        request = plain(None)
        self.assertFalse("User-Name" in request)
        self.assertEqual(request.get("User-Name"), None)
        for call in (
            lambda: request["User-Name"],
            lambda: request.AddAttribute("User-Name", "nemo"),
            lambda: request.AddVendorAttributes([("SoftBank-MAC", "m")]),
        ):
            self.assertRaises(KeyError, call)

    def test_what_does_not_fit_is_refused_when_it_is_set(self):
        request = plain()
        for key, value, error in (
            ("User-Name", "x" * 254, ValueError),
            ("SoftBank-MAC", "x" * 248, ValueError),
            ("Session-Timeout", 1 << 32, ValueError),
            ("Session-Timeout", -1, ValueError),
            ("SoftBank-WANv4-IP", "203.0.113", ValueError),
            ("SoftBank-v6-GW", "203.0.113.7", ValueError),
            ("SoftBank-v6-GW", 7, TypeError),
            ("CHAP-Challenge", "text", TypeError),
            (1, "text", TypeError),
            (256, b"", ValueError),
            (-1, b"", ValueError),
            ((1 << 32, 1), b"", ValueError),
            ((22197, 256), b"", ValueError),
        ):
            self.assertRaises(error, request.AddAttribute, key, value)
        self.assertEqual(len(request), 0)
        request.AddAttribute("User-Name", "x" * 253)
        request.AddAttribute("SoftBank-MAC", "x" * 247)
        self.assertEqual(len(request.RequestPacket()), 20 + 255 + 255)

    def test_a_packet_of_more_than_4096_octets_is_refused(self):
        request = plain()
        for _ in range(15):
            request.AddAttribute(18, bytes(253))
        request.AddAttribute(18, bytes(249))
        self.assertEqual(len(request.RequestPacket()), 4096)
        request[24] = b""
        self.assertRaises(ValueError, request.RequestPacket)

    def test_secret_and_authenticator_are_bytes(self):
        self.assertRaises(TypeError, packet.AuthPacket, 1, 0, "secret")
        self.assertRaises(TypeError, packet.AuthPacket, 1, 0, b"secret", "0123456789abcdef")
        self.assertRaises(ValueError, packet.AuthPacket(authenticator=b"short").RequestPacket)
        with self.assertRaises(ValueError):
            packet.AuthPacket(auth_type="eap-md5")


class Verified(unittest.TestCase):
    """What a received datagram is looked at for, and in which order."""

    def test_a_length_that_is_none(self):
        request = plain()
        good = answer(request, 2, b"\x12\x04hi")
        for raw in (
            b"",
            good[:3],
            good[:19],
            good[:-1],
            answer(request, 2, b"")[:2] + b"\x00\x13" + good[4:],
            answer(request, 2, (b"\x12\xff" + bytes(253)) * 16),
        ):
            self.assertEqual(request.WhyNotReply(raw), "malformed")
        self.assertEqual(request.WhyNotReply(answer(request, 2, b"\x12\xff" + bytes(253))), None)

    def test_attributes_are_looked_at_only_in_what_is_proven(self):
        request = plain()
        for attributes in (b"\x12\x00", b"\x12\x01", b"\x12", b"\x12\x04h", b"\x12\x02\x12", b"\x50\x05"):
            proven = answer(request, 2, attributes)
            self.assertEqual(request.WhyNotReply(proven), "malformed")
            for forged in (
                proven[:4] + bytes(16) + proven[20:],
                answer(request, 2, attributes, b"another secret"),
            ):
                self.assertEqual(request.WhyNotReply(forged), "authenticator")

    def test_a_reply_that_was_made_here(self):
        for request in (plain(), plain(None), plain(message_authenticator=True)):
            request.AddAttribute(33, [b"one", b"two"])
            request.RequestPacket()
            reply = request.CreateReply()
            self.assertEqual((reply.code, reply.id, reply[33]), (packet.AccessAccept, 7, [b"one", b"two"]))
            self.assertTrue(request.VerifyReply(reply, enforce_ma=True))
            raw = reply.ReplyPacket()
            self.assertTrue(request.VerifyReply(reply, raw + b"padding", True))
            self.assertTrue(request.VerifyReply(request.CreateReply(packet=raw), enforce_ma=True))
            self.assertFalse(request.VerifyReply(reply, raw[:-1] + b"x"))
            unsigned = request.CreateReply(message_authenticator=False)
            self.assertTrue(request.VerifyReply(unsigned))
            self.assertFalse(request.VerifyReply(unsigned, enforce_ma=True))
            reply.id = 8
            self.assertFalse(request.VerifyReply(reply, raw))

    def test_a_reply_has_the_proxy_states_it_was_given(self):
        request = plain()
        request.AddAttribute(33, b"one")
        reply = request.CreateReply()
        reply[33] = b"another"
        self.assertFalse(request.VerifyReply(reply))
        request = plain(read("ATTRIBUTE Proxy-State 33 octets"), Proxy_State=b"one")
        self.assertEqual(request.CreateReply(Proxy_State=b"two")[33], [b"two"])

    def test_a_chap_password_of_another_length_or_none(self):
        request = plain()
        self.assertFalse(request.VerifyChapPasswd("nemo"))
        request[3] = b"\1short"
        self.assertFalse(request.VerifyChapPasswd("nemo"))
        request[60] = b"challenge"
        request[3] = packet.ChapPassword(1, b"nemo", b"challenge")
        self.assertTrue(request.VerifyChapPasswd(" nemo\n"))
        self.assertFalse(request.VerifyChapPasswd(b"nemo\n"))
        request[60] = b"another"
        self.assertFalse(request.VerifyChapPasswd("nemo"))


class Malformed(unittest.TestCase):
    def decode(self, attributes, dict=SOFTBANK):
        return packet.Packet(packet=answer(plain(), 2, attributes), dict=dict)

    def test_packets(self):
        for raw in (
            b"",
            b"\x02",
            PAP_ACCEPT[:19],
            PAP_ACCEPT[:37],  # Length is more than there is
            PAP_ACCEPT[:2] + b"\x00\x13" + PAP_ACCEPT[4:],  # Length of less than a header
            answer(plain(), 2, (b"\x12\xff" + bytes(253)) * 16),  # Length of 4100
            answer(plain(), 2, b"\x01"),  # half an attribute's header
            answer(plain(), 2, b"\x01\x00"),  # a length that would loop for ever
            answer(plain(), 2, b"\x01\x01"),
            answer(plain(), 2, b"\x01\x04a"),
            answer(plain(), 2, b"\x01\x03a\x12"),
            CARD_ANSWER_AS_PRINTED,
        ):
            with self.assertRaises(packet.PacketError):
                packet.Packet(packet=raw)

    def test_octets_behind_length_are_padding(self):
        request = packet.AuthPacket(secret=SECRET, packet=PAP_REQUEST)
        reply = request.CreateReply(packet=PAP_ACCEPT + b"\xff" * 9)
        self.assertTrue(request.VerifyReply(reply, PAP_ACCEPT + b"\xff" * 9))
        self.assertEqual(reply.raw_packet, PAP_ACCEPT)

    def test_vendor_specific_is_walked(self):
        reply = self.decode(hexa("1a 20 000056b5 cc06cb007107 cf1220010db8000b00000000000000000001 0202"))
        self.assertEqual(reply["SoftBank-WANv4-IP"], ["203.0.113.7"])
        self.assertEqual(reply["SoftBank-v6-GW"], ["2001:db8:b::1"])
        self.assertEqual(reply["SoftBank-Manufacturer"], [""])
        self.assertFalse(26 in reply)
        reply = self.decode(hexa("1a08 000056b5 cc02 1a07 000056b5 cc 1a08 000056b5 cf02"))
        self.assertEqual((reply[(22197, 204)], reply[(22197, 207)]), ([b""], [b""]))
        self.assertEqual(reply[26], [hexa("000056b5 cc")])

    def test_a_vendors_80_is_no_message_authenticator(self):
        # Found by fuzzing: the packet was sent on with a Message-Authenticator that nobody put in.
        raw = b"\1\7\0\x1e" + AUTHENTICATOR + b"\x1a\x0a\0\0\x56\xb5\x50\4ab"
        decoded = packet.AuthPacket(secret=SECRET, packet=raw, dict=SOFTBANK)
        self.assertEqual(decoded.RequestPacket(), raw)

    def test_vendor_specific_that_does_not_add_up_stays_raw(self):
        for content in (
            "",
            "00",
            "000056b5",
            "000056b5cc",
            "000056b5cc00",
            "000056b5cc01",
            "000056b5cc07cb007107",
            "000056b5cc06cb007107cf",
            "000056b5cc06cb007107cf12",
        ):
            value = unhexlify(content)
            reply = self.decode(bytes((26, 2 + len(value))) + value)
            self.assertEqual(reply[26], [value])
            self.assertEqual(len(reply), 1)

    def test_vendor_specific_is_walked_without_a_dictionary(self):
        reply = self.decode(
            hexa("1a10 000056b5 cc06cb007107 cf0461 62 1a03 00 1a0b 00000009 0105 616263"), None
        )
        self.assertEqual(reply.keys(), [(22197, 204), (22197, 207), 26, (9, 1)])
        self.assertEqual(reply[(22197, 204)], [b"\xcb\x00\x71\x07"])
        self.assertEqual(reply[26], [b"\0"])
        self.assertEqual(
            list(reply.walk()),
            [((22197, 204), b"\xcb\x00\x71\x07"), ((22197, 207), b"ab"), (26, b"\0"), ((9, 1), b"abc")],
        )

    def test_values_of_a_wrong_length_are_an_error_when_read(self):
        reply = self.decode(hexa("1a0b000056b5cc05cb0071 1b030e 1a0c000056b5cf06cb007107"))
        for name in ("SoftBank-WANv4-IP", "Session-Timeout", "SoftBank-v6-GW"):
            with self.assertRaises(ValueError):
                reply[name]
        self.assertEqual(reply[(22197, 204)], [b"\xcb\x00\x71"])

    def test_text_that_is_no_utf8_stays_bytes(self):
        self.assertEqual(self.decode(b"\x12\x04\xff\xfe")["Reply-Message"], [b"\xff\xfe"])


if __name__ == "__main__":
    unittest.main()
