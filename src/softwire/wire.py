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
    at, end, head = 0, len(data), 2 * octets
    while at < end:
        start = at + head
        stop = start + int.from_bytes(data[at + octets : start], "big")
        if start > end or stop > end:
            break
        # Without a Reader: servers read many of them, and a router's client at each event.
        yield int.from_bytes(data[at : at + octets], "big"), bytes(data[start:stop])
        at = stop
    else:
        return
    reader = Reader(data, at)
    reader.number(octets, field + " code")
    reader.take(reader.number(octets, field + " length"), field)


def whole_records(data, octets, field, most=256):
    """The same as a list of at most `most`, and a text about what is wrong behind them: a cut, or more; else None."""
    found: list = []
    try:
        for item in records(data, octets, field):
            if len(found) == most:
                raise WireError("more than {} {}s: the rest is left out".format(most, field))
            found.append(item)
    except WireError as error:
        return found, str(error)
    return found, None


def record(code, value, octets):
    """The one record that `records` reads as (code, value)."""
    top = 1 << 8 * octets
    if not 0 <= code < top or len(value) >= top:
        raise WireError(
            "record {} of {} octets does not fit {}-octet fields".format(code, len(value), octets)
        )
    return code.to_bytes(octets, "big") + len(value).to_bytes(octets, "big") + value
