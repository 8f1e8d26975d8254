# SPDX-License-Identifier: Apache-2.0
"""JSON to the letter (RFC 8259): MicroPython's own reader takes what was cut off, and much that is no JSON at all."""

BLANKS = b" \t\r\n"
DIGITS = b"0123456789"
ESCAPES = {34: '"', 92: "\\", 47: "/", 98: "\b", 102: "\f", 110: "\n", 114: "\r", 116: "\t"}
WORDS = ((b"true", True), (b"false", False), (b"null", None))
# Nobody's provisioning data is nested as deep, and an interpreter's stack has an end.
DEEPEST = 16
# Digits of a number that is exact everywhere.
LONGEST_NUMBER = 15


def load(data):
    """Octets in UTF-8 -> the one value that they are; ValueError with the offset. A number with a fraction is None."""
    reader = _Reader(data)
    value = reader.value(DEEPEST)
    reader.blanks()
    if reader.at != len(data):
        raise reader.error("the end")
    return value


class _Reader:
    # Over octets: MicroPython counts the characters of a text from its beginning each time.
    def __init__(self, data):
        self.data = data
        self.at = 0

    def error(self, wanted):
        return ValueError("no JSON at octet {}: {} would be right".format(self.at, wanted))

    def blanks(self):
        while self.data[self.at : self.at + 1] in BLANKS and self.at < len(self.data):
            self.at += 1

    def next(self):
        """The next octet behind blanks, taken; 0 at the end."""
        self.blanks()
        self.at += 1
        return self.data[self.at - 1] if self.at <= len(self.data) else 0

    def value(self, depth):
        octet = self.next()
        if octet == 34:
            return self.text()
        if octet in (91, 123):
            if not depth:
                raise self.error("less depth")
            return self.array(depth - 1) if octet == 91 else self.object(depth - 1)
        self.at -= 1
        for word, value in WORDS:
            if self.data[self.at : self.at + len(word)] == word:
                self.at += len(word)
                return value
        return self.number()

    def array(self, depth):
        found: list = []
        if self.next() == 93:
            return found
        self.at -= 1
        while True:
            found.append(self.value(depth))
            octet = self.next()
            if octet == 93:
                return found
            if octet != 44:
                raise self.error("',' or ']'")

    def object(self, depth):
        found: dict = {}
        octet = self.next()
        if octet == 125:
            return found
        while octet == 34:
            name = self.text()
            if self.next() != 58:
                raise self.error("':'")
            found[name] = self.value(depth)
            octet = self.next()
            if octet == 125:
                return found
            if octet != 44:
                raise self.error("',' or '}'")
            octet = self.next()
        raise self.error("a name in quotes")

    def text(self):
        parts: list = []
        while True:
            end = self.data.find(b'"', self.at)
            if end < 0:
                raise self.error("'\"'")
            escape = self.data.find(b"\\", self.at, end)
            stop = end if escape < 0 else escape
            part = self.data[self.at : stop]
            if part and min(part) < 32:
                raise self.error("no control character")
            try:
                parts.append(part.decode())
            except UnicodeError:
                raise self.error("UTF-8")
            self.at = stop + 1
            if escape < 0:
                return "".join(parts)
            parts.append(self.escaped())

    def escaped(self):
        octet = self.data[self.at]
        self.at += 1
        if octet in ESCAPES:
            return ESCAPES[octet]
        code = self.hexadecimal() if octet == 117 else None
        if code is not None and code >> 10 == 0x36 and self.data[self.at : self.at + 2] == b"\\u":
            self.at += 2
            low = self.hexadecimal()
            if low >> 10 == 0x37:
                return chr(0x10000 + ((code & 0x3FF) << 10 | low & 0x3FF))
            code = None
        if code is None or code >> 11 == 0x1B:
            raise self.error("another escape")
        return chr(code)

    def hexadecimal(self):
        digits = self.data[self.at : self.at + 4]
        if len(digits) < 4 or [digit for digit in digits if digit not in b"0123456789abcdefABCDEF"]:
            raise self.error("four hexadecimal digits")
        self.at += 4
        return int(digits.decode(), 16)

    def digits(self):
        start = self.at
        while self.data[self.at : self.at + 1] in DIGITS and self.at < len(self.data):
            self.at += 1
        if self.at == start:
            raise self.error("a value")
        return self.data[start : self.at]

    def number(self):
        start = self.at
        if self.data[start : start + 1] == b"-":
            self.at += 1
        digits = self.digits()
        if digits[0] == 48 and len(digits) > 1:
            raise self.error("no zero in front")
        whole = self.at
        if self.data[self.at : self.at + 1] == b".":
            self.at += 1
            self.digits()
        if self.at < len(self.data) and self.data[self.at] in b"eE":
            self.at += 1
            if self.at < len(self.data) and self.data[self.at] in b"+-":
                self.at += 1
            self.digits()
        # Nothing that is told is a fraction, nor that large.
        if self.at != whole or len(digits) > LONGEST_NUMBER:
            return None
        return int(self.data[start:whole].decode())
