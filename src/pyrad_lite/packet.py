# SPDX-License-Identifier: Apache-2.0
"""RADIUS packets: attributes in their order, authenticators, Message-Authenticator (RFC 2865, RFC 3579)."""

from hashlib import md5
from os import urandom
from struct import pack

from .tools import DecodeAttr, EncodeAttr

AccessRequest = 1
AccessAccept = 2
AccessReject = 3
AccessChallenge = 11
StatusServer = 12

_VENDOR_SPECIFIC = 26
_PROXY_STATE = 33
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


def _hmac_md5(key, message):
    # RFC 2104 by hand: MicroPython has no hmac, and micropython-lib's, as PyPI has it, dates from before
    # today's hash objects and does not run on them. One long number is the quick way to XOR.
    if len(key) > 64:
        key = md5(key).digest()
    number = int.from_bytes(key + bytes(64 - len(key)), "big")
    ones = int.from_bytes(b"\x01" * 64, "big")
    inner = md5((number ^ ones * 0x36).to_bytes(64, "big") + message).digest()
    return md5((number ^ ones * 0x5C).to_bytes(64, "big") + inner).digest()


def _tlvs(data, at):
    """[(type, value)] of the attributes from at to the end; None if their lengths do not add up."""
    found = []
    while at < len(data):
        end = at + data[at + 1] if at + 1 < len(data) else at
        if end < at + 2 or end > len(data):
            return None
        found.append((data[at], data[at + 2 : end]))
        at = end
    return found


class Packet:
    """A packet, read and written like a mapping from attributes to lists of values.

    A key is a name of the dictionary, whose values are converted, or a number or (vendor, number), whose
    values are bytes. Unlike pyrad it keeps the order in which attributes were added or received, also of the
    same attribute at several places, and which of a vendor's attributes share one Vendor-Specific attribute.
    A list it hands out is a copy. Keyword arguments add attributes (User_Name=), unordered on MicroPython.
    """

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
        # (key, octets, group); neighbours of the same group share one Vendor-Specific attribute
        self._attributes = []
        if "packet" in attributes:
            self.DecodePacket(attributes.pop("packet"))
        if "message_authenticator" in attributes:
            self.message_authenticator = attributes.pop("message_authenticator")
        for name in attributes:
            self.AddAttribute(name.replace("_", "-"), attributes[name])

    def _encode(self, key, values, group=None):
        """The entries of _attributes for one value or a list of values."""
        named = {}
        if isinstance(key, str):
            attribute = self.dict.attributes[key]
            named = attribute.values
            raw = attribute.key
        else:
            raw = key
        vendor, number = raw if isinstance(raw, tuple) else (0, raw)
        if vendor >> 32 or number >> 8:
            raise ValueError("there is no attribute %s" % str(key))
        entries = []
        for value in values if isinstance(values, (list, tuple)) else (values,):
            if named and value in named:
                value = named[value]
            elif isinstance(key, str):
                value = EncodeAttr(attribute.type, value)
            elif not isinstance(value, bytes):
                raise TypeError("attribute %s must be bytes" % str(key))
            if len(value) > (247 if vendor else 253):
                raise ValueError("attribute %s is too long: %d octets" % (str(key), len(value)))
            entries.append((raw, value, group))
        return entries

    def AddAttribute(self, key, value):
        """Adds a value, or each of a list, behind all other attributes. In pyrad, key must be a name."""
        self._attributes += self._encode(key, value)

    def AddVendorAttributes(self, pairs):
        """Adds (key, value) pairs of one vendor within one Vendor-Specific attribute (RFC 2865 section 5.26).

        Not in pyrad. ValueError if they are of several vendors or do not fit.
        """
        group = object()
        added = []
        octets = 4
        for key, value in pairs:
            for entry in self._encode(key, value, group):
                added.append(entry)
                octets += 2 + len(entry[1])
                if not isinstance(entry[0], tuple) or entry[0][0] != added[0][0][0]:
                    raise ValueError("not attributes of one vendor")
        if octets > 253:
            raise ValueError("too long for one Vendor-Specific attribute")
        self._attributes += added

    def _key(self, key):
        return self.dict.attributes[key].key if isinstance(key, str) else key

    def __getitem__(self, key):
        raw = self._key(key)
        values = []
        for entry in self._attributes:
            if entry[0] == raw:
                values.append(entry[1])
        if not values:
            raise KeyError(key)
        if isinstance(key, str):
            attribute = self.dict.attributes[key]
            names = {attribute.values[name]: name for name in attribute.values}
            values = [
                names[value] if value in names else DecodeAttr(attribute.type, value) for value in values
            ]
        return values

    def __setitem__(self, key, values):
        """All values of the attribute become these, at the place of the first one."""
        entries = self._encode(key, values)
        key = self._key(key)
        at = 0
        while at < len(self._attributes) and self._attributes[at][0] != key:
            at += 1
        rest = [entry for entry in self._attributes[at:] if entry[0] != key]
        self._attributes[at:] = entries + rest

    def __delitem__(self, key):
        if key not in self:
            raise KeyError(key)
        self[key] = []

    def __contains__(self, key):
        try:
            key = self._key(key)
        except KeyError:
            return False
        return any([entry[0] == key for entry in self._attributes])

    def __iter__(self):
        found = []
        seen = set()  # a packet may hold two thousand
        for entry in self._attributes:
            if entry[0] not in seen:
                seen.add(entry[0])
                found.append(entry[0])
        return iter(found)

    def __len__(self):
        return len({entry[0] for entry in self._attributes})

    def keys(self):
        """The attributes in order, each once: names, or the numbers of those without a name."""
        return list(self) if self.dict is None else [self.dict.name(key) for key in self]

    def get(self, key, failobj=None):
        try:
            return self[key]
        except KeyError:
            return failobj

    @staticmethod
    def CreateAuthenticator():
        return urandom(16)

    def _raw(self):
        out = bytearray(20)
        start = 0
        last = None
        for key, value, group in self._attributes:
            octets = 2 + len(value)
            if isinstance(key, tuple):
                vendor, key = key
                if group and group is last:
                    out[start] += octets
                else:
                    start = len(out) + 1
                    out += pack("!BBI", _VENDOR_SPECIFIC, 6 + octets, vendor)
            last = group
            out += pack("!BB", key, octets)
            out += value
        if len(out) > _MAX_PACKET:
            raise ValueError("packet is too long: %d octets" % len(out))
        out[:20] = pack("!BBH", self.code, self.id, len(out)) + self.authenticator
        return bytes(out)

    def DecodePacket(self, packet):
        """Takes code, identifier, authenticator and attributes from received octets, or PacketError.

        Octets behind Length are padding. A Vendor-Specific attribute whose content is no sequence of
        attributes stays one raw attribute 26, as all do without a dictionary.
        """
        length = int.from_bytes(packet[2:4], "big")
        if length < 20 or length > len(packet) or length > _MAX_PACKET:
            raise PacketError("packet of %d octets says its length is %d" % (len(packet), length))
        packet = bytes(packet[:length])
        attributes = _tlvs(packet, 20)
        if attributes is None:
            raise PacketError("lengths of attributes do not add up")
        self.raw_packet = packet
        self.code = packet[0]
        self.id = packet[1]
        self.authenticator = packet[4:20]
        self._attributes = []
        for number, value in attributes:
            subs = None
            if number == _VENDOR_SPECIFIC and self.dict is not None:
                subs = _tlvs(value, 4)
            if subs:
                vendor = int.from_bytes(value[:4], "big")
                group = object()
                for sub, value in subs:
                    self._attributes.append(((vendor, sub), value, group))
            else:
                self._attributes.append((number, value, None))
            if number == _MESSAGE_AUTHENTICATOR:
                self.message_authenticator = True

    def CreateReply(self, **attributes):
        """A packet with the secret and dictionary of this one; packet=bytes decodes a received reply."""
        return Packet(0, self.id, self.secret, self.authenticator, dict=self.dict, **attributes)

    def VerifyReply(self, reply, rawreply=None, enforce_ma=False):
        """Whether the reply answers this request and comes from who knows the secret."""
        return self.WhyNotReply(reply, rawreply, enforce_ma) is None

    def WhyNotReply(self, reply, rawreply=None, enforce_ma=False):
        """None for a reply to this request, else the name of what is wrong with it. Not in pyrad."""
        raw = reply.raw_packet if rawreply is None else rawreply[: int.from_bytes(rawreply[2:4], "big")]
        if reply.id != self.id:
            return "id"
        signed = raw[:4] + self.authenticator + raw[20:]
        if raw[4:20] != md5(signed + self.secret).digest():
            return "authenticator"
        # BlastRADIUS (CVE-2024-3596): a reply forged by MD5 collision carries a Proxy-State nobody sent
        states = reply.get(_PROXY_STATE)
        if states and states != self.get(_PROXY_STATE, [])[: len(states)]:
            return "proxy-state"
        given = reply.get(_MESSAGE_AUTHENTICATOR)
        if given and given != [self._mac(signed)] or enforce_ma and not given:
            return "message-authenticator"

    def _mac(self, raw):
        """HMAC-MD5 over a packet in which Message-Authenticator counts as zeros (RFC 3579 section 3.2)."""
        at = 20
        while raw[at] != _MESSAGE_AUTHENTICATOR:
            at += raw[at + 1]
        end = at + raw[at + 1]
        return _hmac_md5(self.secret, raw[: at + 2] + bytes(end - at - 2) + raw[end:])


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
        """The octets to send; the same ones each time while nothing is changed.

        With message_authenticator set, Message-Authenticator is the first attribute unless it has a place.
        """
        if self.authenticator is None:
            self.authenticator = self.CreateAuthenticator()
        if len(self.authenticator) != 16:
            raise ValueError("authenticator has %d octets, not 16" % len(self.authenticator))
        if self.message_authenticator:
            if _MESSAGE_AUTHENTICATOR in self:
                self[_MESSAGE_AUTHENTICATOR] = bytes(16)
            else:
                self._attributes.insert(0, (_MESSAGE_AUTHENTICATOR, bytes(16), None))
            self[_MESSAGE_AUTHENTICATOR] = self._mac(self._raw())
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
