# SPDX-License-Identifier: Apache-2.0
"""Takes out of a text what tells who and where somebody is; the same thing gets the same stand-in everywhere.

2001:db8:x1::/56 is the first prefix met, 203.n1 an IPv4 address, 52:54:00:m1 a MAC address (its maker stays), y1 an
interface identifier, tel1 a telephone number. Private and link-local addresses stay as they are. Addresses are those of
RFC 4291 and of whoever writes them without colons, backwards or within a word; what is known of the case is found in
any spelling.
"""

from softwire.address import format_ipv6
from softwire.doctor.addresses import Addresses
from softwire.doctor.known import Known, encoded, read_mac

HIDDEN = "(hidden)"
# The lower half of an address that says nothing: option interface_id's default.
DEFAULT_ID = 0x1111111111111111


class Redactor:
    """secrets: texts that must never be shown. known: numbers and addresses of the case, as text."""

    def __init__(self, secrets=(), known=()):
        self.known = Known()
        for text in secrets:
            self.known.add_secret(text)
        for text in known:
            self.known.add(text)
        self.seen: dict = {}

    def text(self, text):
        """Text or octets without any of it, as ASCII text."""
        octets = text if isinstance(text, bytes) else encoded(text)
        secrets, spans = self.known.spans(octets)
        if max(octets or b"\0") >= 128:
            octets = bytes([octet if octet < 128 else 63 for octet in octets])  # ?
        plain = octets.decode()
        out, at = [], 0
        for start, end in secrets:
            out += [self._addresses(plain, at, start, spans), HIDDEN]
            at = end
        return "".join(out) + self._addresses(plain, at, len(plain), spans)

    def _addresses(self, text, start, end, spans):
        """This part of the text with stand-ins for addresses and numbers; in what is left, `spans` are hidden."""
        out = []
        for first, last, shown in Addresses(text, start, end).found(self):
            if shown != text[first:last]:
                out += [_hide(text, start, first, spans), shown]
                start = last
        return "".join(out) + _hide(text, start, end, spans)

    def number(self, kind, value):
        """The stand-in of this value: which of its kind it is, from 1."""
        known = self.seen.setdefault(kind, {})
        return "{}{}".format(kind, known.setdefault(value, len(known) + 1))

    def ipv4(self, value, head):
        """The stand-in of an address that is not private, behind its first number as it is written."""
        return head + self.number("n", value)

    def is_mac(self, digits):
        """Whether twelve digits are a MAC address that was met as such, or is the case's."""
        return self.known.holds(digits) or read_mac(digits) in self.seen.get("m", {})

    def mac(self, text):
        """The stand-in of twelve digits, or of six octets as they are written."""
        octets = read_mac(text)
        if octets in (bytes(6), b"\xff" * 6):
            return text
        gap = "-" if text[2] == "-" else ":"
        digits = text if gap == text[2] else text.replace(".", "")
        step = 3 if gap == text[2] else 2
        maker = [digits[at : at + 2] for at in (0, step, 2 * step)]
        return gap.join(maker + [self.number("m", octets)])

    def user_name(self, value):
        """The stand-in of four groups: the first half of an address, or its second."""
        if value >> 125 == 1:
            return self.ipv6(value)
        return None if value >> 64 == DEFAULT_ID else self.number("y", value >> 64)

    def ipv6(self, value):
        """The stand-in of an address; None where it tells nothing."""
        top, identifier = value >> 112, value & 0xFFFFFFFFFFFFFFFF
        if top >> 8 == 0xFF:
            group = value & (1 << 112) - 1
            if group >> 24 == 0x1FF:  # solicited-node: the end of an address (RFC 4291 section 2.7.1)
                return "ff02::1:ff" + self.number("y", value)
            return None if group >> 24 == 0 else "ff%02x::" % (top & 0xFF) + self.number("y", value)
        if top >> 6 == 0xFE80 >> 6:
            return None if identifier < 0x10000 else "fe80::" + self.number("y", identifier)
        # What would be shown as the operator's may be half of an interface identifier.
        if (top >> 13 != 1 and top >> 9 != 0xFC >> 1) or self.known.holds("%08x" % (value >> 96)):
            if value >> 64 == 0 and (identifier < 0x10000 or identifier == DEFAULT_ID):
                return None
            return "::" + self.number("y", value)
        # RFC 4193: all but the first octet is random.
        head = "fd" if top >> 9 == 0xFC >> 1 else format_ipv6(value >> 96 << 96)[:-2]
        shown = "{}:{}".format(head, self.number("x", value >> 72))
        subnet = value >> 64 & 0xFF
        if subnet:
            shown += ":%x" % subnet
        if identifier == DEFAULT_ID:
            return shown + ":1111:1111:1111:1111"
        if identifier >= 0x10000:
            return shown + ":" + self.number("y", identifier)
        return shown + ("::%x" % identifier if identifier else "::")


def _hide(text, start, end, spans):
    """This part of the text with what the spans cover hidden."""
    out = ""
    for first, last in spans:
        if last > start and first < end:
            out += text[start : max(start, first)] + HIDDEN
            start = min(last, end)
    return out + text[start:end]
