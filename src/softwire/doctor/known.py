# SPDX-License-Identifier: Apache-2.0
"""Finds in a text what is known of a case, however it is spelled: escaped, percent-encoded, as digits, in part.

Escapes are those of JSON (RFC 8259), the shell, C, and RFC 3986 section 2.1.
"""

from binascii import hexlify

from softwire.address import expand, parse_ipv4, parse_ipv6, parse_mac

# As many octets, or digits of a number, in a row as tell who somebody is. A secret may be shorter.
LEAST = 8
# What is shorter yet is found as a word of its own only, or it would take the text apart.
SHORTEST = 4
# What every report says: alone, it does not tell that it is part of a secret.
EVERYBODYS = (b"password", b"softwire", b"interface")
# How often one quoting may stand within another.
DEEPEST = 3

HEX = b"0123456789abcdefABCDEF"
WORDS = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
ESCAPED = {97: 7, 98: 8, 102: 12, 110: 10, 114: 13, 116: 9, 118: 11}  # \a \b \f \n \r \t \v
# A quote within single quotes of the shell.
QUOTES = b"'\\''", b"'\"'\"'"


class Known:
    """Secrets, numbers and addresses of one case, and where a text has eight octets or digits of one of them."""

    def __init__(self):
        self.octets: list = []  # of secrets
        self.digits: list = []  # (hexadecimal digits, how many of them in a row tell, whether of a secret)

    def add_secret(self, text):
        """A password or the like: the text itself, also in ISO 8859-1, with + for blanks, in hexadecimal digits."""
        octets = encoded(text)
        forms = [octets, octets.replace(b" ", b"+")]
        if all([ord(char) < 256 for char in text]):
            forms.append(bytes([ord(char) for char in text]))
        for form in forms:
            if form and form not in self.octets:
                self.octets.append(form)
                if len(form) >= SHORTEST:
                    self._add(hexlify(form), 2 * LEAST, True)

    def add(self, text):
        """What the text is: a telephone number, MAC address, address or prefix; anything else is let alone."""
        text = text.strip()
        digits = "".join([char for char in text if char not in "+- ()"])
        if digits.isdigit() and 9 <= len(digits) <= 15:
            self._add(digits.encode(), LEAST)
            self._add(hexlify(digits.encode()), 2 * LEAST)
        for add in self._mac, self._ipv4, self._ipv6, self._client_id:
            try:
                return add(text)
            except ValueError:
                pass

    def _add(self, digits, least, secret=False):
        if (digits, least, secret) not in self.digits:
            self.digits.append((digits, least, secret))

    def _mac(self, text):
        octets = read_mac(text)
        self._add(hexlify(octets), LEAST)
        # RFC 4291 appendix A: with the universal bit inverted, and as it is.
        for first in octets[0] ^ 2, octets[0]:
            self._add_groups(hexlify(bytes([first]) + octets[1:3] + b"\xff\xfe" + octets[3:]).decode(), 0)

    def _ipv4(self, text):
        address = text.partition("/")[0]
        value = parse_ipv4(address)
        if not is_private(value):
            self._add(b"%08x" % value, LEAST)
            digits = address.replace(".", "")
            self._add(digits.encode(), max(len(digits), LEAST - 1))

    def _ipv6(self, text):
        address, _, length = text.partition("/")
        # The four groups of a User-Name are the first half of an address.
        half = address.count(":") == 3 and "::" not in address
        value = parse_ipv6(address + "::" if half else address)
        bits = int(length) if length.isdigit() else 64
        if value >> 125 == 1 or value >> 121 == 0x7E:  # global, or unique local
            digits = expand(value).replace(":", "")
            # Whose network it is, the first 32 bits, is shown.
            self._add_groups(digits[: min(64, bits) // 4], 8)
        if not half and value & 0xFFFFFFFFFFFF0000:
            self._add_groups("%016x" % (value & 0xFFFFFFFFFFFFFFFF), 0)

    def _add_groups(self, digits, shown):
        """The digits of groups of four, and those that are left where a group's leading zeros are not written."""
        self._add(digits[max(0, shown - LEAST + 1) :].encode(), LEAST)
        groups = [digits[at : at + 4].lstrip("0") or "0" for at in range(0, len(digits), 4)]
        if len(digits) % 4 and groups[-1] == "0":
            groups.pop()
        kept = len("".join(groups[: shown // 4]))
        self._add("".join(groups)[max(0, kept - LEAST + 1) :].encode(), LEAST)

    def _client_id(self, text):
        """A DUID (RFC 8415 section 11): all but its type."""
        digits = "".join([char for char in text if char not in ":.- "]).lower()
        if not 2 * LEAST <= len(digits) <= 260 or not _is_hex(digits.encode()):
            raise ValueError("no client id")
        self._add(digits[4:].encode(), LEAST)

    def holds(self, digits):
        """Whether these hexadecimal digits are part of what is known."""
        return any([digits.lower().encode() in value for value, _, _ in self.digits])

    def spans(self, text):
        """(start, end) of every piece of a secret, and of everything else; in order, none within another."""
        secrets: list = []
        others: list = []
        for view, places in _views(text) if self.octets or self.digits else ():
            for value in self.octets:
                for start, end in _pieces(view, value, LEAST):
                    alone = _stands_alone(view, start, end)
                    common = alone and view[start:end] in EVERYBODYS and value not in EVERYBODYS
                    if not common and (alone or len(value) >= SHORTEST):
                        secrets.append((places[start], places[end]))
            # In 0x12 the first digit means nothing, in 120x it does.
            for prefix in (b"\\", b"0\\") if b"0x" in view or b"0X" in view else (b"\\",):
                digits, where = _digits(view, prefix)
                for value, least, secret in self.digits:
                    for start, end in _pieces(digits, value, least):
                        if len(set(digits[start:end])) > 2:  # zeros are everywhere
                            found = secrets if secret else others
                            found.append((places[where[start]], places[where[end - 1] + 1]))
        return _merged(secrets), _merged(others)


def _merged(spans):
    merged: list = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def read_mac(text):
    """A MAC address in any notation -> 6 octets; ValueError."""
    digits = "".join([char for char in text if char not in ":.- "])
    return parse_mac(":".join([digits[at : at + 2] for at in range(0, len(digits), 2)]))


def is_private(value):
    """Whether an IPv4 address tells nobody who has it (RFC 6890)."""
    top = value >> 24
    return (
        top in (0, 10, 127)
        or top >= 224
        or value >> 16 in (0xC0A8, 0xA9FE)  # 192.168/16, 169.254/16
        or value >> 20 == 0xAC1  # 172.16/12
        or value >> 22 == 0x191  # 100.64/10
    )


def encoded(text):
    """The octets of a text."""
    try:
        return text.encode()
    except ValueError:  # half a surrogate pair, which JSON may hold
        return "".join([char if char < "\ud800" else "?" for char in text]).encode()


def _is_hex(octets):
    return all([octet in HEX for octet in octets])


def _stands_alone(view, start, end):
    return not (start and view[start - 1] in WORDS) and not (end < len(view) and view[end] in WORDS)


def _pieces(text, value, least):
    """(start, end) of the pieces of `value` in `text` that are as long as `least`, or the whole of it."""
    least = min(least, len(value))
    size = (least + 1) // 2
    # Every piece holds one of these whole: found fast, then made longer on both sides.
    for at in range(0, len(value) - size + 1, least - size + 1):
        start = text.find(value[at : at + size])
        while start >= 0:
            first, last, end = at, at + size, start + size
            begin = start
            while first and begin and value[first - 1] == text[begin - 1]:
                first, begin = first - 1, begin - 1
            while last < len(value) and end < len(text) and value[last] == text[end]:
                last, end = last + 1, end + 1
            if end - begin >= least:
                yield begin, end
            start = text.find(value[at : at + size], start + 1)


def _digits(view, prefix):
    """What is left without everything that may stand between digits, in lower case; and where each octet was.

    prefix: what an x behind it is a sign of, not a digit.
    """
    left, where = bytearray(), []
    at = 0
    while at < len(view):
        octet = view[at]
        following = view[at + 1] if at + 1 < len(view) else 0
        if following in b"xX" and octet in prefix:
            at += 2
            continue
        if octet in WORDS and octet != 95:  # _
            left.append(octet | 32 if 65 <= octet <= 90 else octet)
            where.append(at)
        at += 1
    return bytes(left), where


def _views(text):
    """The text, and what is meant if it is quoted: (octets, the place in the text of each and of the end)."""
    seen = [text]
    views = [(text, range(len(text) + 1))]
    for depth in range(DEEPEST + 1):
        inner: list = []
        for view, places in views:
            yield view, places
            for read in (_backslash, _percent) if depth < DEEPEST else ():
                meant = _decode(view, places, read)
                if meant[0] not in seen:
                    seen.append(meant[0])
                    inner.append(meant)
        views = inner


def _decode(view, places, read):
    if read is _percent and b"%" not in view:
        return view, places
    if read is _backslash and not [mark for mark in (b"\\",) + QUOTES if mark in view]:
        return view, places
    meant, where = bytearray(), []
    at = 0
    while at < len(view):
        octets, length = read(view, at)
        for octet in octets:
            meant.append(octet)
            where.append(places[at])
        at += length
    where.append(places[len(view)])
    return bytes(meant), where


def _percent(view, at):
    digits = view[at + 1 : at + 3]
    if view[at] == 37 and len(digits) == 2 and _is_hex(digits):
        return bytes([int(digits, 16)]), 3
    return view[at : at + 1], 1


def _backslash(view, at):
    """The octets that stand for what is at this place, and how many of them."""
    for quote in QUOTES if view[at] == 39 else ():
        if view[at : at + len(quote)] == quote:
            return b"'", len(quote)
    if view[at] != 92 or at + 1 == len(view):
        return view[at : at + 1], 1
    kind = view[at + 1]
    size = {117: 4, 120: 2}.get(kind)  # \u, \x
    digits = view[at + 2 : at + 2 + size] if size else b""
    if digits and len(digits) == size and _is_hex(digits):
        value = int(digits, 16)
        if kind == 120:
            return bytes([value]), 4
        low = view[at + 8 : at + 12]
        if value >> 10 == 0x36 and view[at + 6 : at + 8] == b"\\u" and len(low) == 4 and _is_hex(low):
            return chr(0x10000 + ((value & 0x3FF) << 10) + (int(low, 16) & 0x3FF)).encode(), 12
        return b"?" if value >> 11 == 0x1B else chr(value).encode(), 6
    length = 1
    while length < 4 and view[at + length : at + length + 1] and view[at + length] in b"01234567":
        length += 1
    if length > 1:
        return bytes([int(view[at + 1 : at + length], 8) & 255]), length
    return bytes([ESCAPED.get(kind, kind)]), 2
