# SPDX-License-Identifier: Apache-2.0
"""Attribute names, numbers and data types from dictionary files (FreeRADIUS syntax, dictionary(5))."""

from collections import namedtuple

from .tools import TYPES, EncodeAttr

# Lines are parsed as bytes and little is made of each: MicroPython looks every short str up among all it knows,
# and the file costs a router's client more than the exchange it is read for.
_TYPES = {name.encode(): name for name in TYPES}
# FreeRADIUS has these too; here their attributes have no name and are read by number
_UNNAMED = (
    b"abinary bool combo-ip ether evs extended integer64 ipv4prefix ipv6prefix long-extended signed tlv"
)
_DEPTH = 8  # of $INCLUDE; deeper is a file that includes itself

# vendor: its name, "" for none. values: octets by name. key (not in pyrad): what a packet calls the attribute, its
# code or (number of its vendor, code).
Attribute = namedtuple("Attribute", ("name", "code", "type", "vendor", "values", "key"))


class ParseError(Exception):
    """A dictionary file that cannot be read; says file and line."""

    def __init__(self, msg, file="", line=-1):
        super().__init__("%s(%d): Parse error: %s" % (file, line, msg))
        self.file = file
        self.line = line


class Dictionary:
    """What the given files (paths, or objects with read()) define; later definitions win.

    attributes: name -> Attribute. vendors: name -> number. Left out is what cannot be read by name here: tags,
    encryption beyond User-Password's, nested attributes, vendors with wide formats (whose number is -1).
    """

    def __init__(self, dict=None, *dicts):
        self.attributes = {}
        self.vendors = {"": 0}
        self._names = {}
        for file in (dict,) + dicts:
            if file:
                self.ReadDictionary(file)

    def __len__(self):
        return len(self.attributes)

    def __getitem__(self, name):
        return self.attributes[name]

    def __contains__(self, name):
        return name in self.attributes

    def name(self, key):
        """The name of the attribute that a packet calls key; key itself if it has none. Not in pyrad."""
        number = key[0] << 8 | key[1] if isinstance(key, tuple) else key
        attribute = self.attributes.get(self._names.get(number))
        # The same number may be vendor 0's, or a name that was given to another attribute since.
        return attribute.name if attribute and attribute.key == key else key

    def ReadDictionary(self, file):
        """Reads one more file. ParseError for a fault in it, OSError if it cannot be opened."""
        values: list = []
        self._read(file, values, 0)
        for where, number, words in values:  # a VALUE may stand before its ATTRIBUTE
            try:
                self._value(words)
            except (TypeError, ValueError) as error:
                raise ParseError(str(error), where, number)

    def _read(self, file, values, depth):
        where = ""
        if isinstance(file, str):
            where = file
            with open(file, "rb") as file:
                data = file.read()  # at once: by lines, MicroPython makes a system call for each octet
        else:
            data = file.read().encode()
        vendor = ""
        vendor_id = number = 0
        for line in data.split(b"\n"):
            number += 1
            if not line or line[0] == 35:  # "#"
                continue
            if b"#" in line:
                line = line[: line.find(b"#")]
            words = line.split()
            if not words:
                continue
            word = words[0]
            try:
                if word == b"ATTRIBUTE":
                    self._attribute(words, vendor, vendor_id)
                elif word == b"VALUE":
                    values.append((where, number, words))
                elif word == b"VENDOR":
                    wide = len(words) > 3 and words[3] != b"format=1,1"
                    self.vendors[words[1].decode()] = -1 if wide else int(words[2], 0)
                elif word == b"BEGIN-VENDOR":
                    vendor = words[1].decode()
                    if vendor not in self.vendors:
                        raise ValueError("unknown vendor " + vendor)
                    # with format=: RFC 6929's
                    vendor_id = -1 if len(words) > 2 else self.vendors[vendor]
                elif word == b"END-VENDOR":
                    vendor = ""
                    vendor_id = 0
                elif word in (b"$INCLUDE", b"$INCLUDE-"):
                    if depth == _DEPTH:
                        raise ValueError("recursive include")
                    path = words[1].decode()
                    if "/" in where and path[0] != "/":
                        path = where[: where.rfind("/") + 1] + path
                    try:
                        self._read(path, values, depth + 1)
                    except OSError:
                        if word[-1:] != b"-":
                            raise
            except (IndexError, ValueError) as error:
                raise ParseError(str(error), where, number)

    def _attribute(self, words, vendor, vendor_id):
        if len(words) > 4:
            flags = words.pop(4).decode()
            if flags in self.vendors:  # the older way to say whose attribute it is
                vendor = flags
                vendor_id = self.vendors[vendor]
            elif "has_tag" in flags or "encrypt=2" in flags or "array" in flags:
                return
        _, name, code, datatype = words
        if datatype not in _TYPES:
            datatype = datatype.split(b"[")[0]  # octets[16]
            if datatype in _UNNAMED.split():
                return
            if datatype not in _TYPES:
                raise ValueError("unknown data type " + datatype.decode())
        if vendor_id < 0 or b"." in code:
            return
        name = name.decode()
        code = int(code, 0)
        self._names[vendor_id << 8 | code] = name  # a tuple would be slow to hash
        key = (vendor_id, code) if vendor else code
        self.attributes[name] = Attribute(name, code, _TYPES[datatype], vendor, {}, key)

    def _value(self, words):
        _, name, key, value = words
        attribute = self.attributes.get(name.decode())
        if attribute:
            value = value.decode()
            if attribute.type in ("integer", "byte", "short", "date"):
                value = int(value, 0)
            attribute.values[key.decode()] = EncodeAttr(attribute.type, value)
