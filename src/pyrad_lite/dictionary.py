# SPDX-License-Identifier: Apache-2.0
"""Attribute names, numbers and data types from dictionary files (FreeRADIUS syntax, dictionary(5))."""

from collections import namedtuple

from .tools import TYPES, DecodeAttr, EncodeAttr

# Lines are parsed as bytes and little is made of each: MicroPython looks every short str up among all it knows,
# and the file costs a router's client more than the exchange it is read for.
_TYPES = {name.encode(): name for name in TYPES}
# What RFC 8044, and radcli, call them.
_TYPES.update({b"ipv4addr": "ipaddr", b"uint8": "byte", b"uint16": "short", b"uint32": "integer"})
# Of values that are written as any others, and of those that are not.
_FLAGS = (b"encrypt=1", b"secret", b"concat", b"virtual")
_UNNAMED = (b"has_tag", b"encrypt=2", b"encrypt=3", b"array")
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


def _number(word):
    # Leading zeros, which base 0 does not like, are nothing special.
    try:
        number = int(word, 0 if word[1:2].isalpha() else 10)
    except ValueError:
        number = -1
    if number < 0:
        raise ValueError("%s is no number" % str(word)[1:])
    return number


class Dictionary:
    """What the given files (paths, or objects with read()) define; later definitions win.

    attributes: name -> Attribute. vendors: name -> number. Left out, and read by number only, is what a name would
    not do for: other data types than tools.TYPES, tags, encryption beyond User-Password's, attributes within others,
    vendors with wide formats, numbers above 255, and whatever stands in a file that is not known here.
    """

    def __init__(self, dict=None, *dicts):
        self.attributes = {}
        self.vendors = {"": 0}
        self._wide = set()  # the vendors whose attributes have no such number or length
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

    has_key = __contains__

    def name(self, key):
        """The name of the attribute that a packet calls key; key itself if it has none. Not in pyrad."""
        number = key[0] << 8 | key[1] if isinstance(key, tuple) else key
        attribute = self.attributes.get(self._names.get(number))
        # The same number may be vendor 0's, or a name that was given to another attribute since.
        return attribute.name if attribute and attribute.key == key else key

    def encode(self, name, value):
        """The octets of a named attribute's value, or of a value's name. Not in pyrad."""
        attribute = self.attributes[name]
        if attribute.values and value in attribute.values:
            return attribute.values[value]
        return EncodeAttr(attribute.type, value)

    def decode(self, name, octets):
        """The value of a named attribute, or its name if it has one; ValueError if it is none. Not in pyrad."""
        attribute = self.attributes[name]
        for value in attribute.values:
            if attribute.values[value] == octets:
                return value
        return DecodeAttr(attribute.type, octets)

    def ReadDictionary(self, file):
        """Reads one more file. ParseError for a fault in it, OSError if it cannot be opened."""
        values: list = []
        self._read(file, values, 0, "")
        for where, number, words in values:  # a VALUE may stand before its ATTRIBUTE
            try:
                self._value(words)
            except (TypeError, ValueError) as error:
                raise ParseError(str(error), where, number)

    def _read(self, file, values, depth, vendor):
        where = ""
        if isinstance(file, str):
            where = file
            with open(file, "rb") as file:
                data = file.read()  # at once: by lines, MicroPython makes a system call for each octet
        else:
            data = file.read().encode()
        block = 0  # within so many of BEGIN-TLV, and whatever else begins that is no vendor
        number = 0
        for line in data.split(b"\n"):
            number += 1
            if not line or line[0] == 35:  # "#"
                continue
            if b"#" in line:
                line = line[: line.find(b"#")]
            words = line.split()
            if not words:
                continue
            word = words[0].upper()
            try:
                if word == b"ATTRIBUTE":
                    if not block:
                        self._attribute(words, vendor)
                elif word == b"VALUE":
                    values.append((where, number, words))
                elif word == b"VENDOR":
                    self._vendor(words)
                elif word == b"BEGIN-VENDOR":
                    if vendor:
                        raise ValueError("vendor %s has not ended" % vendor)
                    vendor = words[1].decode()
                    block = int(len(words) > 2)  # with format=: RFC 6929's
                elif word == b"END-VENDOR":
                    if vendor != words[1].decode():
                        raise ValueError("vendor %s has not begun" % words[1].decode())
                    vendor = ""
                    block = 0
                elif word.startswith(b"BEGIN-"):
                    block += 1
                elif word.startswith(b"END-"):
                    if not block:
                        raise ValueError("%s has not begun" % word.decode())
                    block -= 1
                elif word in (b"$INCLUDE", b"$INCLUDE-"):
                    self._include(words, where, values, depth, vendor)
            except IndexError:
                raise ParseError("%s lacks words" % word.decode(), where, number)
            except ValueError as error:  # UnicodeError, too, which has no text on MicroPython
                raise ParseError(str(error) or "no UTF-8", where, number)

    def _include(self, words, where, values, depth, vendor):
        if depth == _DEPTH:
            raise ValueError("recursive include")
        path = words[1].decode()
        if "/" in where and path[0] != "/":
            path = where[: where.rfind("/") + 1] + path
        try:
            self._read(path, values, depth + 1, vendor)
        except OSError:
            if words[0][-1:] != b"-":
                raise ValueError("%s cannot be read" % path)

    def _vendor(self, words):
        name = words[1].decode()
        self.vendors[name] = _number(words[2])
        options = words[3] if len(words) > 3 else b""
        if options.startswith(b"format=") and options != b"format=1,1":
            self._wide.add(name)
        else:
            self._wide.discard(name)

    def _attribute(self, words, vendor):
        number = words[2]
        datatype = words[3].lower()
        if datatype not in _TYPES:
            datatype = datatype.split(b"[")[0]  # octets[16]
        named = datatype in _TYPES
        if len(words) > 4:
            flags = words[4]
            if flags.decode() in self.vendors:  # the older way to say whose attribute it is
                vendor = flags.decode()
            else:
                for flag in flags.split(b","):
                    if flag not in _FLAGS:
                        if flag not in _UNNAMED:
                            return  # whoever's it is
                        named = False
        vendor_id = self.vendors.get(vendor)
        if b"." in number or vendor_id is None or vendor in self._wide:
            return
        code = _number(number)
        if code > 255:
            return
        index = vendor_id << 8 | code  # a tuple would be slow to hash
        if not named:
            self._names.pop(index, None)  # nor has it the name of what had its number before
            return
        name = words[1].decode()
        self._names[index] = name
        key = (vendor_id, code) if vendor else code
        self.attributes[name] = Attribute(name, code, _TYPES[datatype], vendor, {}, key)

    def _value(self, words):
        if len(words) < 4:
            raise ValueError("VALUE lacks words")
        attribute = self.attributes.get(words[1].decode())
        if attribute and attribute.type != "octets":  # which files give numbers
            value = words[3]
            if attribute.type in ("integer", "byte", "short", "date"):
                value = _number(value)
            else:
                value = value.decode()
            attribute.values[words[2].decode()] = EncodeAttr(attribute.type, value)
