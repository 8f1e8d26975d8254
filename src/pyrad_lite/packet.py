# SPDX-License-Identifier: Apache-2.0
"""RADIUS packets: attributes in their order, authenticators, Message-Authenticator (RFC 2865, RFC 3579)."""

from hashlib import md5
from os import urandom

AccessRequest = 1
AccessAccept = 2
AccessReject = 3
AccessChallenge = 11
StatusServer = 12

_CHAP_PASSWORD = 3
_VENDOR_SPECIFIC = 26
_PROXY_STATE = 33
_CHAP_CHALLENGE = 60
_MESSAGE_AUTHENTICATOR = 80
_MAX_PACKET = 4096  # RFC 2865 section 3

CurrentID = urandom(1)[0]


class PacketError(Exception):
    """Octets that are no RADIUS packet."""


def CreateID():
    """The next packet identifier; the first one is random."""
    global CurrentID
    CurrentID = (CurrentID + 1) % 256
    return CurrentID


def ChapPassword(chap_id, password, challenge):
    """The value of CHAP-Password (RFC 2865 section 5.3) from 0-255, bytes, bytes. Not in pyrad."""
    chap_id = bytes((chap_id,))
    return chap_id + md5(chap_id + password + challenge).digest()


def _hmac_md5(key, *parts):
    # RFC 2104 by hand: MicroPython has no hmac, and micropython-lib's, as PyPI has it, dates from before
    # today's hash objects and does not run on them. One long number is the quick way to XOR.
    if len(key) > 64:
        key = md5(key).digest()
    number = int.from_bytes(key + bytes(64 - len(key)), "big")
    ones = int.from_bytes(b"\x01" * 64, "big")
    inner = md5((number ^ ones * 0x36).to_bytes(64, "big"))
    for part in parts:
        inner.update(part)
    return md5((number ^ ones * 0x5C).to_bytes(64, "big") + inner.digest()).digest()


def _length(octets):
    """How many of the octets are the packet, 0 if they are none; the rest is padding."""
    length = int.from_bytes(octets[2:4], "big")
    return length if 20 <= length <= len(octets) and length <= _MAX_PACKET else 0


def _add_up(octets, at, end):
    """Whether the lengths of attributes lead from at to the end."""
    while at < end - 1 and octets[at + 1] > 1:
        at += octets[at + 1]
    return at == end


def _walk(octets, only=None):
    """(key, outer, at, end) of each attribute; their lengths add up. With `only`, just those of that number.

    A vendor's attribute is found inside of a Vendor-Specific one, which is at `outer`; any other has its own place
    there. A Vendor-Specific attribute whose content is no sequence of attributes is one attribute 26.
    """
    at = 0
    length = len(octets)
    while at < length:
        size = octets[at + 1]
        end = at + size
        # Mostly it is one attribute of a vendor.
        if (
            octets[at] == _VENDOR_SPECIFIC
            and size > 7
            and (octets[at + 7] == size - 6 or _add_up(octets, at + 6, end))
        ):
            outer = at
            at += 6
            while at < end:
                after = at + octets[at + 1]
                if only is None or octets[at] == only:
                    vendor = int.from_bytes(octets[outer + 2 : outer + 6], "big")
                    yield (vendor, octets[at]), outer, at, after
                at = after
        else:
            if only is None or octets[at] == only:
                yield octets[at], at, at, end
            at = end


def _attribute(key, value):
    """One attribute's octets; ValueError if there is no such key or the value is too long for it."""
    vendor, number = key if isinstance(key, tuple) else (None, key)
    if number >> 8 or vendor is not None and vendor >> 32:
        raise ValueError("there is no attribute %s" % str(key))
    if not isinstance(value, bytes):
        raise TypeError("attribute %s must be bytes" % str(key))
    octets = 2 + len(value)
    if octets > (255 if vendor is None else 249):
        raise ValueError("attribute %s is too long: %d octets" % (str(key), len(value)))
    value = bytes((number, octets)) + value
    if vendor is None:
        return value
    return bytes((_VENDOR_SPECIFIC, 6 + octets)) + vendor.to_bytes(4, "big") + value


class Packet:
    """A packet, read and written like a mapping from attributes to lists of values.

    A key is a number or (vendor, number), whose values are bytes, or a name of the dictionary, which converts
    them; numbers do without one. Unlike pyrad it keeps the order in which attributes were added or received, also of
    the same attribute at several places, and which of a vendor's attributes share one Vendor-Specific attribute, and
    it knows them without a dictionary, too: 26 is only what holds none. A list it hands out is a copy. Keyword
    arguments add attributes (User_Name=), unordered on MicroPython.

    A received packet may hold two thousand attributes, MicroPython's heap may not: they stay octets until they are
    asked for, and a list has MOST entries at most, of keys as of the values of one key.
    """

    MOST = 256
    message_authenticator = None
    raw_packet = None

    def __init__(self, code=0, id=None, secret=b"", authenticator=None, **attributes):
        if not isinstance(secret, bytes) or not isinstance(authenticator or b"", bytes):
            raise TypeError("secret and authenticator must be bytes")
        self.code = code
        self.id = CreateID() if id is None else id
        self.secret = secret
        self.authenticator = authenticator
        self.dict = attributes.pop("dict", None)
        self._octets = b""  # all attributes, as they are sent
        if "packet" in attributes:
            self.DecodePacket(attributes.pop("packet"))
        if "message_authenticator" in attributes:
            self.message_authenticator = attributes.pop("message_authenticator")
        for name in attributes:
            self.AddAttribute(name.replace("_", "-"), attributes[name])

    def _key(self, key):
        return (self.dict or {})[key].key if isinstance(key, str) else key

    def _encode(self, key, values):
        """The octets of one attribute for each value, which may be one or a list."""
        raw = self._key(key)
        if not isinstance(values, (list, tuple)):
            values = (values,)
        if isinstance(key, str):
            values = [self.dict.encode(key, value) for value in values]
        return [_attribute(raw, value) for value in values]

    def AddAttribute(self, key, value):
        """Adds a value, or each of a list, behind all other attributes. In pyrad, key must be a name."""
        self._octets += b"".join(self._encode(key, value))

    def AddVendorAttributes(self, pairs):
        """Adds (key, value) pairs of one vendor within one Vendor-Specific attribute (RFC 2865 section 5.26).

        Not in pyrad. ValueError if they are of several vendors or do not fit.
        """
        vendor = None
        inner = b""
        for key, value in pairs:
            for octets in self._encode(key, value):
                if not isinstance(self._key(key), tuple) or vendor not in (None, octets[2:6]):
                    raise ValueError("not attributes of one vendor")
                vendor = octets[2:6]
                inner += octets[6:]
        if vendor:
            self._octets += _attribute(_VENDOR_SPECIFIC, vendor + inner)

    def walk(self):
        """(key, octets) of each attribute, in order, as a number or (vendor, number) and bytes. Not in pyrad."""
        for key, _, at, end in _walk(self._octets):
            yield key, self._octets[at + 2 : end]

    def _find(self, raw):
        """(start, end) of each value of an attribute."""
        for key, _, at, end in _walk(self._octets, raw[1] if isinstance(raw, tuple) else raw):
            if key == raw:
                yield at + 2, end

    def __getitem__(self, key):
        values = []
        for start, end in self._find(self._key(key)):
            values.append(self._octets[start:end])
            if len(values) == self.MOST:
                break
        if not values:
            raise KeyError(key)
        if isinstance(key, str):
            return [self.dict.decode(key, value) for value in values]
        return values

    def __setitem__(self, key, values):
        """All values of the attribute become these, at the place of the first one."""
        self._put(self._key(key), b"".join(self._encode(key, values)))

    def __delitem__(self, key):
        if key not in self:
            raise KeyError(key)
        self._put(self._key(key), b"")

    def _put(self, raw, new):
        """Puts octets where the first value of an attribute is, and takes all of its values out."""
        out = bytearray()
        last = start = -1  # the Vendor-Specific attribute that `out` ends with: where it was, where it is now
        for key, outer, at, end in _walk(self._octets):
            if key == raw:
                if new:
                    out += new
                    new = b""
                    last = -1
                continue
            if outer == last:
                out[start + 1] += end - at
            elif outer != at:
                last = outer
                start = len(out)
                out += bytes((_VENDOR_SPECIFIC, 6 + end - at)) + self._octets[outer + 2 : outer + 6]
            out += self._octets[at:end]
        self._octets = bytes(out) + new

    def __contains__(self, key):
        try:
            key = self._key(key)
        except KeyError:
            return False
        for _ in self._find(key):
            return True
        return False

    has_key = __contains__

    def _keys(self):
        found = []
        seen = set()
        for key, _, _, _ in _walk(self._octets):
            if key not in seen:
                seen.add(key)
                found.append(key)
                if len(found) == self.MOST:
                    break
        return found

    def __iter__(self):
        return iter(self._keys())

    def __len__(self):
        return len(self._keys())

    def keys(self):
        """The attributes in order, each once: names, or the numbers of those without a name."""
        return self._keys() if self.dict is None else [self.dict.name(key) for key in self]

    def get(self, key, failobj=None):
        try:
            return self[key]
        except KeyError:
            return failobj

    @staticmethod
    def CreateAuthenticator():
        return urandom(16)

    def _raw(self):
        """The octets to send, whose Message-Authenticator is made anew if there is to be one.

        It is the first attribute unless it has a place.
        """
        if self.authenticator is None:
            self.authenticator = self.CreateAuthenticator()
        if len(self.authenticator) != 16:
            raise ValueError("authenticator has %d octets, not 16" % len(self.authenticator))
        if self.message_authenticator:
            if _MESSAGE_AUTHENTICATOR in self:
                self[_MESSAGE_AUTHENTICATOR] = bytes(16)
            else:
                self._octets = _attribute(_MESSAGE_AUTHENTICATOR, bytes(16)) + self._octets
            start, end = next(self._find(_MESSAGE_AUTHENTICATOR))
        octets = 20 + len(self._octets)
        if octets > _MAX_PACKET:
            raise ValueError("packet is too long: %d octets" % octets)
        head = bytes((self.code, self.id)) + octets.to_bytes(2, "big") + self.authenticator
        if self.message_authenticator:
            mac = _hmac_md5(self.secret, head, self._octets)
            self._octets = self._octets[:start] + mac + self._octets[end:]
        return head + self._octets

    def ReplyPacket(self):
        """The octets of a reply, which has the request's authenticator until it is sent."""
        raw = self._raw()
        return raw[:4] + md5(raw + self.secret).digest() + raw[20:]

    def DecodePacket(self, packet):
        """Takes code, identifier, authenticator and attributes from received octets, or PacketError."""
        length = _length(packet)
        if not length:
            raise PacketError("packet of %d octets, its length is wrong" % len(packet))
        if not _add_up(packet, 20, length):
            raise PacketError("lengths of attributes do not add up")
        self.raw_packet = bytes(packet[:length])
        self.code = packet[0]
        self.id = packet[1]
        self.authenticator = bytes(packet[4:20])
        self._octets = self.raw_packet[20:]
        if _MESSAGE_AUTHENTICATOR in self:
            self.message_authenticator = True

    def CreateReply(self, **attributes):
        """A reply with this packet's secret and dictionary; packet=bytes decodes a received one.

        Else an Access-Accept with this packet's Proxy-States (RFC 2865 section 5.33), and with a
        Message-Authenticator unless message_authenticator=False is given.
        """
        received = "packet" in attributes
        if not received:
            attributes.setdefault("message_authenticator", True)
        reply = Packet(AccessAccept, self.id, self.secret, self.authenticator, dict=self.dict, **attributes)
        if not received and _PROXY_STATE in self and _PROXY_STATE not in reply:
            reply[_PROXY_STATE] = self[_PROXY_STATE]
        return reply

    def VerifyReply(self, reply, rawreply=None, enforce_ma=False):
        """Whether the reply answers this request and comes from who knows the secret."""
        if rawreply is None:
            rawreply = reply.raw_packet or reply.ReplyPacket()
        return reply.id == self.id and self.WhyNotReply(rawreply, enforce_ma) is None

    def WhyNotReply(self, raw, enforce_ma=False):
        """None for received octets that are a reply to this request, else the name of what is wrong with them.

        Not in pyrad. Attributes are looked at only after the Response Authenticator proved where they come from.
        """
        length = _length(raw)
        if not length:
            return "malformed"
        if raw[1] != self.id:
            return "id"
        view = memoryview(raw)
        proof = md5(view[:4])
        proof.update(self.authenticator)
        proof.update(view[20:length])
        proof.update(self.secret)
        if raw[4:20] != proof.digest():
            return "authenticator"
        if not _add_up(raw, 20, length):
            return "malformed"
        states = 0
        signed = None
        at = 20
        while at < length:
            end = at + raw[at + 1]
            if raw[at] == _PROXY_STATE:
                # BlastRADIUS (CVE-2024-3596): a reply forged by MD5 collision has a Proxy-State nobody sent
                sent = self.get(_PROXY_STATE, [])
                if states == len(sent) or raw[at + 2 : end] != sent[states]:
                    return "proxy-state"
                states += 1
            elif raw[at] == _MESSAGE_AUTHENTICATOR:
                if signed or end != at + 18:
                    return "message-authenticator"
                signed = at + 2
            at = end
        if signed:
            parts = view[:4], self.authenticator, view[20:signed], bytes(16), view[signed + 16 : length]
            if raw[signed : signed + 16] != _hmac_md5(self.secret, *parts):
                return "message-authenticator"
        elif enforce_ma:
            return "message-authenticator"


class AuthPacket(Packet):
    """An Access-Request, or with code=StatusServer a Status-Server (RFC 5997)."""

    def __init__(
        self, code=AccessRequest, id=None, secret=b"", authenticator=None, auth_type="pap", **attributes
    ):
        if auth_type not in ("pap", "chap"):
            raise ValueError("auth_type %s: only pap and chap are covered" % auth_type)
        self.auth_type = auth_type
        super().__init__(code, id, secret, authenticator, **attributes)

    def RequestPacket(self):
        """The octets to send; the same ones each time while nothing is changed."""
        return self._raw()

    def PwCrypt(self, password):
        """The value of User-Password for a str or bytes of at most 128 octets (RFC 2865 section 5.2)."""
        if self.authenticator is None:
            self.authenticator = self.CreateAuthenticator()
        if isinstance(password, str):
            password = password.encode()
        if len(password) > 128:
            raise ValueError("password is longer than 128 octets")
        password += bytes(-len(password) % 16 if password else 16)
        last = self.authenticator
        hidden = b""
        for at in range(0, len(password), 16):
            pad = md5(self.secret + last).digest()
            last = bytes([pad[i] ^ password[at + i] for i in range(16)])
            hidden += last
        return hidden

    def VerifyChapPasswd(self, userpwd):
        """Whether CHAP-Password was made from this password, with CHAP-Challenge or else the authenticator."""
        if isinstance(userpwd, str):
            userpwd = userpwd.strip().encode()
        given = self.get(_CHAP_PASSWORD, [b""])[0]
        challenge = self.get(_CHAP_CHALLENGE, [self.authenticator])[0]
        return len(given) == 17 and given == ChapPassword(given[0], userpwd, challenge)
