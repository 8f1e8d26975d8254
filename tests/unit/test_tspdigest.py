# SPDX-License-Identifier: Apache-2.0
"""DIGEST-MD5 as TSP uses it: RFC 5572's Figure 12 is the known answer; its password was found by trial."""

import unittest
from binascii import a2b_base64, b2a_base64

from softwire import tspdigest
from softwire.wire import WireError

USER, PASSWORD, REALM, NONCE, CNONCE = b"username1", b"password", b"hexos", b"1113908968", b"1113923311"
RESPONSE, PROOF = b"f8e42b3c50c59771853f6274fcffd1ca", b"70d5cabc9235568be380ba2c907381fe"
FIGURE_12 = (
    b'username="username1",realm="hexos",nonce="1113908968",cnonce="1113923311",nc=00000001,qop=auth,'
    b'digest-uri="tsp/hexos",charset=utf8,response=f8e42b3c50c59771853f6274fcffd1ca'
)
# charset and qop are written in two ways.
CHALLENGE = b'realm="hexos",nonce="1113908968",qop=auth,algorithm=md5-sess,charset=utf8'
KEY = tspdigest.secret(USER, REALM, PASSWORD)


def line(text):
    return b2a_base64(text).strip()


def judge(text, nonce=NONCE):
    return tspdigest.check(line(text), REALM, nonce, {USER: KEY}.get)


class DigestTest(unittest.TestCase):
    def test_figure_12_at_the_client(self):
        sent, proof = tspdigest.answer(line(CHALLENGE), USER, PASSWORD, b"tsp/hexos", CNONCE)
        self.assertEqual(tspdigest.read(sent)[b"response"], RESPONSE)
        self.assertEqual(proof, PROOF)
        self.assertTrue(tspdigest.proven(line(b"rspauth=" + PROOF), proof))
        self.assertFalse(tspdigest.proven(line(b"rspauth=" + RESPONSE), proof))

    def test_figure_12_at_the_server(self):
        user, proof = judge(FIGURE_12)
        self.assertEqual(user, USER)
        self.assertEqual(a2b_base64(proof), b"rspauth=" + PROOF)

    def test_the_ends_understand_each_other(self):
        challenge = tspdigest.challenge(b'r"x\\', b"n")
        key = tspdigest.secret(b'a"b', b'r"x\\', b"p")
        sent, proof = tspdigest.answer(challenge, b'a"b', b"p", b"tsp/[::1]:3653", b"c")
        user, said = tspdigest.check(sent, b'r"x\\', b"n", {b'a"b': key}.get)
        self.assertEqual(user, b'a"b')
        self.assertTrue(tspdigest.proven(said, proof))

    def test_refused(self):
        """Replayed, another count, another realm, user, quality or protocol, a wrong response."""
        self.assertEqual(judge(FIGURE_12, b"1113908969"), None)
        for old, new in (
            (b"nc=00000001", b"nc=00000002"),
            (b"nc=00000001,", b""),
            (b"hexos", b"other"),
            (b"username1", b"username2"),
            (b"qop=auth", b"qop=auth-int"),
            (b"tsp/", b"imap/"),
            (b"f8e4", b"f8e5"),
            (b"response=f8e42b3c50c59771853f6274fcffd1ca", b"response="),
            (b"charset", b"authzid=x,charset"),
            (b'cnonce="1113923311",', b""),
        ):
            self.assertEqual(judge(FIGURE_12.replace(old, new)), None)

    def test_malformed(self):
        for data in (b"=", b"a", b'a="b', b"a=b,a=c", b'a="b"c'):
            self.assertRaises(WireError, tspdigest.read, line(data))
        self.assertEqual(tspdigest.read(b""), {})
        self.assertEqual(tspdigest.read(line(b' a = b ,, C="d" ')), {b"a": b"b", b"c": b"d"})
        for data in (b"****", b"YQ", b"YQ==YQ==", b"Y Q = =", b"\xff\xff\xff\xff"):
            self.assertRaises(WireError, tspdigest.read, data)
        for challenge in (b'realm="x"', b'nonce="1",qop="auth-int"'):
            self.assertRaises(WireError, tspdigest.answer, line(challenge), USER, PASSWORD, b"tsp/x", CNONCE)
