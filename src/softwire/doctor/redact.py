# SPDX-License-Identifier: Apache-2.0
"""Takes out of a text what tells who and where somebody is; the same thing gets the same stand-in everywhere.

2001:db8:x1::/56 is the first prefix met, 203.n1 an IPv4 address, 52:54:00:m1 a MAC address (its maker stays), y1 an
interface identifier, tel1 a telephone number. Private and link-local addresses stay as they are.
"""

from softwire.address import format_ipv6, parse_ipv4, parse_ipv6, parse_mac

HIDDEN = "(hidden)"
# The lower half of an address that says nothing: option interface_id's default.
DEFAULT_ID = 0x1111111111111111
WORD = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:.-"
HEX = "0123456789abcdefABCDEF"


class Redactor:
    """secrets: texts that must never be shown, in whatever form a log quotes them."""

    def __init__(self, secrets=()):
        forms = []
        for secret in secrets:
            # JSON and the shell quote in their own ways.
            escaped = secret.replace("\\", "\\\\").replace('"', '\\"')
            forms += [secret, escaped, escaped.replace("/", "\\/"), secret.replace("'", "'\\''")]
        self.secrets = sorted([form for form in forms if form], key=len, reverse=True)
        self.seen: dict = {}

    def text(self, text):
        """The whole text without any of it."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        out, word = [], ""
        for char in text + "\n":
            if char in WORD:
                word += char
            else:
                out.append(self._word(word) + char)
                word = ""
        return "".join(out)[:-1]

    def _number(self, kind, value):
        """Which of its kind this value is, from 1."""
        known = self.seen.setdefault(kind, [])
        if value not in known:
            known.append(value)
        return "{}{}".format(kind, known.index(value) + 1)

    def _word(self, word):
        # What ends a sentence or begins a port is not part of the address.
        for cut in range(0, min(3, len(word))):
            front = word[: len(word) - cut]
            shown = self._item(front)
            if shown is not None:
                return shown + word[len(front) :]
        head, colon, port = word.rpartition(":")
        if colon and port.isdigit():
            shown = self._item(head)
            if shown is not None:
                return shown + colon + port
        if "-" in word:
            return "-".join([self._word(part) for part in word.split("-")])
        return word

    def _item(self, word):
        """The stand-in of an address or number; None for what is neither."""
        for look in self._mac, self._ipv6, self._ipv4, self._digits:
            try:
                return look(word)
            except ValueError:
                pass
        return None

    def _mac(self, word):
        octets = parse_mac(word)
        return "{}{}".format(word[:9], self._number("m", octets))

    def _ipv4(self, word):
        value = parse_ipv4(word)
        top = value >> 24
        private = top in (0, 10, 127) or top >= 224 or value >> 16 in (0xC0A8, 0xA9FE)
        if private or value >> 20 == 0xAC1 or value >> 22 == 0x191:  # 172.16/12, 100.64/10
            return word
        return "{}.{}".format(top, self._number("n", value))

    def _ipv6(self, word):
        if word.count(":") == 3 and len(word) == 19:
            # Four groups: the first half of an address (a User-Name), or its second.
            value = parse_ipv6(word + "::")
            if value >> 125 != 1:
                return word if value >> 64 == DEFAULT_ID else self._number("y", value >> 64)
        else:
            value = parse_ipv6(word)
        top = value >> 112
        if value >> 16 == 0 or top >> 8 == 0xFF:  # ::, ::1, multicast
            return word
        identifier = value & 0xFFFFFFFFFFFFFFFF
        if top >> 6 == 0xFE80 >> 6:
            return word if identifier < 0x10000 else "fe80::" + self._number("y", identifier)
        # RFC 4193: all but the first octet is random.
        head = "fd" if top >> 9 == 0xFC >> 1 else format_ipv6(value >> 96 << 96)[:-2]
        shown = "{}:{}".format(head, self._number("x", value >> 72))
        subnet = value >> 64 & 0xFF
        if subnet:
            shown += ":%x" % subnet
        if identifier == DEFAULT_ID:
            return shown + ":1111:1111:1111:1111"
        if identifier >= 0x10000:
            return shown + ":" + self._number("y", identifier)
        return shown + ("::%x" % identifier if identifier else "::")

    def _digits(self, word):
        """Telephone numbers and octets in hexadecimal."""
        digits = word.replace("-", "")
        if digits.isdigit() and len(digits) >= 9:
            return self._number("tel", digits)
        if len(word) >= 8 and all([char in HEX for char in word]) and any([char.isdigit() for char in word]):
            return "({} octets)".format(len(word) // 2)
        raise ValueError
