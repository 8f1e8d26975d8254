# SPDX-License-Identifier: Apache-2.0
"""One bounds-checked reader for every wire format, and its one error class."""


class WireError(Exception):
    """Octets that do not follow their format; the text names the field and the offset."""


class Reader:
    """Reads `data[start:end]` from front to back; every read past the end is a WireError."""

    def __init__(self, data, start=0, end=None):
        self.data = data
        self.at = start
        self.end = len(data) if end is None else end

    def left(self):
        """Octets not read yet."""
        return self.end - self.at

    def take(self, count, field):
        """The next `count` octets; `field` is what the error calls them."""
        if not 0 <= count <= self.left():
            raise WireError(
                "{}: {} octets wanted at offset {}, {} left".format(field, count, self.at, self.left())
            )
        self.at += count
        return bytes(self.data[self.at - count : self.at])

    def number(self, count, field):
        """The next `count` octets as an unsigned integer in network byte order."""
        return int.from_bytes(self.take(count, field), "big")

    def rest(self):
        """All that is left."""
        return self.take(self.left(), "rest")

    def finish(self, field):
        """Nothing may be left."""
        if self.left():
            raise WireError("{}: {} octets too many at offset {}".format(field, self.left(), self.at))


def records(data, octets, field):
    """Yields (code, value) of a row of records whose code and length have `octets` octets each."""
    reader = Reader(data)
    while reader.left():
        code = reader.number(octets, field + " code")
        length = reader.number(octets, field + " length")
        yield code, reader.take(length, field)


def record(code, value, octets):
    """The one record that `records` reads as (code, value)."""
    top = 1 << 8 * octets
    if not 0 <= code < top or len(value) >= top:
        raise WireError(
            "record {} of {} octets does not fit {}-octet fields".format(code, len(value), octets)
        )
    return code.to_bytes(octets, "big") + len(value).to_bytes(octets, "big") + value
