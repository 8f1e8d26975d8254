# SPDX-License-Identifier: Apache-2.0
"""SASL's DIGEST-MD5 (RFC 2831) as TSP uses it, for both ends: md5-sess, qop auth, no authorisation identity."""

from binascii import a2b_base64, b2a_base64, hexlify
from hashlib import md5

from softwire.wire import WireError

FIRST = b"00000001"
BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def _hex(octets):
    return hexlify(md5(octets).digest())


def secret(user, realm, password):
    """What a server has to keep of a password: 16 octets, good for this realm alone."""
    return md5(user + b":" + realm + b":" + password).digest()


def responses(key, nonce, cnonce, uri):
    """(the client's response, the server's rspauth) as hexadecimal octets; key: secret()."""
    session = _hex(key + b":" + nonce + b":" + cnonce)
    tail = b":" + b":".join([nonce, FIRST, cnonce, b"auth"]) + b":"
    return tuple([_hex(session + tail + _hex(verb + b":" + uri)) for verb in (b"AUTHENTICATE", b"")])


def write(directives):
    """[(name, value, whether it is quoted)], octets -> the line, base64."""
    parts = []
    for name, value, quoted in directives:
        if quoted:
            value = b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
        parts.append(name + b"=" + value)
    return b2a_base64(b",".join(parts)).strip() + b"\r\n"


def read(line):
    """A base64 line -> {name: value}, octets, names in lower case; WireError."""
    line = line.strip(b"\0\r\n\t ")
    digits = line.rstrip(b"=")
    # Interpreters leave different things aside.
    if len(line) % 4 or len(line) - len(digits) > 2 or digits.strip(BASE64):
        raise WireError("DIGEST-MD5: base64 would be right")
    text = a2b_base64(line)
    found: dict = {}
    while True:
        text = text.lstrip(b", \t\r\n")  # elements may be empty
        if not text:
            return found
        name, sign, text = text.partition(b"=")
        text = text.lstrip()
        if text[:1] == b'"':
            value, text = _quoted(text)
        else:
            value = text.partition(b",")[0]
            text = text[len(value) :]
            value = value.strip()
        name = name.strip().lower()
        text = text.lstrip()
        if not sign or not name or name in found or (text and text[:1] != b","):
            raise WireError("DIGEST-MD5: name=value, ... would be right")
        found[name] = value


def _quoted(text):
    value: list = []
    at = 1
    while at < len(text):
        if text[at] == 34:
            return bytes(value), text[at + 1 :]
        if text[at] == 92:
            at += 1
        value += list(text[at : at + 1])
        at += 1
    raise WireError("DIGEST-MD5: a quotation mark is missing")


def challenge(realm, nonce):
    """The server's first line."""
    return write(
        [
            (b"realm", realm, True),
            (b"nonce", nonce, True),
            (b"qop", b"auth", True),
            (b"algorithm", b"md5-sess", False),
            (b"charset", b"utf-8", False),
        ]
    )


def answer(line, user, password, uri, cnonce):
    """The client's line on a challenge, and the rspauth that the server has to prove itself by; WireError."""
    told = read(line)
    nonce, realm = told.get(b"nonce"), told.get(b"realm", b"")
    if not nonce or b"auth" not in told.get(b"qop", b"auth").replace(b" ", b"").split(b","):
        raise WireError("DIGEST-MD5: a nonce, and qop auth, would be right")
    response, proof = responses(secret(user, realm, password), nonce, cnonce, uri)
    row = [
        (b"username", user, True),
        (b"realm", realm, True),
        (b"nonce", nonce, True),
        (b"cnonce", cnonce, True),
        (b"nc", FIRST, False),
        (b"qop", b"auth", False),
        (b"digest-uri", uri, True),
        (b"charset", b"utf-8", False),
        (b"response", response, False),
    ]
    return write(row), proof


def check(line, realm, nonce, find):
    """The server's judgement of the client's line -> (user, the rspauth line), or None; WireError.

    find(user): its secret(), or None. A nonce is good for one question.
    """
    told = read(line)
    user, cnonce, uri = told.get(b"username"), told.get(b"cnonce"), told.get(b"digest-uri", b"")
    if not user or not cnonce or told.get(b"realm", realm) != realm or told.get(b"nonce") != nonce:
        return None
    if (
        told.get(b"nc") != FIRST
        or told.get(b"qop", b"auth") != b"auth"
        or not uri.lower().startswith(b"tsp/")
    ):
        return None
    if b"authzid" in told:
        return None
    key = find(user)
    # Who is unknown takes as long as who is known.
    response, proof = responses(key or bytes(16), nonce, cnonce, uri)
    if not same(response, told.get(b"response", b"").lower()) or key is None:
        return None
    return user, b2a_base64(b"rspauth=" + proof).strip() + b"\r\n"


def same(one, other):
    """Whether two octet strings are, in a time that does not tell where they differ."""
    if len(one) != len(other):
        return False
    difference = 0
    for left, right in zip(one, other):
        difference |= left ^ right
    return not difference


def proven(line, proof):
    """Whether the server's line is the rspauth that proves that it knows the password, too; WireError."""
    return same(read(line).get(b"rspauth", b"").lower(), proof)
