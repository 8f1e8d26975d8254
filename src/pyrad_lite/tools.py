# SPDX-License-Identifier: Apache-2.0
"""Attribute values and their octets, one data type at a time (RFC 8044 section 3)."""

import socket

# data type -> its octets, 0 if any number of them
TYPES = {
    "string": 0, "octets": 0, "byte": 1, "short": 2, "integer": 4, "date": 4,
    "ipaddr": 4, "ifid": 8, "ipv6addr": 16,
}  # fmt: skip


def _family(datatype):
    return socket.AF_INET if datatype == "ipaddr" else socket.AF_INET6


def _unsigned(value, octets):
    # by hand: to_bytes wraps silently on MicroPython 1.23. A negative number stays one when shifted
    if value >> 8 * octets:
        raise ValueError("%d does not fit into %d octets" % (value, octets))
    return value.to_bytes(octets, "big")


def EncodeAttr(datatype, value):
    """The octets of a value; ValueError or TypeError if it is none of its data type."""
    octets = TYPES[datatype]
    if not octets:
        if isinstance(value, bytes):
            return value
        if isinstance(value, str) and datatype == "string":
            return value.encode()
    elif "ip" not in datatype and octets < 8:
        return _unsigned(int(value), octets)
    if not octets or not isinstance(value, str):
        raise TypeError("%s must not be %s" % (datatype, type(value)))
    if datatype == "ifid":
        groups = [_unsigned(int(group, 16), 2) for group in value.split(":")]
        if len(groups) == 4:
            return b"".join(groups)
    else:
        try:
            return socket.inet_pton(_family(datatype), value)
        except OSError:
            pass
    raise ValueError("'%s' is no %s" % (value, datatype))


def DecodeAttr(datatype, value):
    """The value of some octets; a string that is not UTF-8 stays bytes. ValueError for a wrong length."""
    octets = TYPES[datatype]
    # before inet_ntop, which on MicroPython reads past the end of a short buffer
    if octets and len(value) != octets:
        raise ValueError("%s of %d octets, not %d" % (datatype, len(value), octets))
    if "ip" in datatype:
        return socket.inet_ntop(_family(datatype), value)
    if datatype == "ifid":
        return ":".join(["%x" % int.from_bytes(value[at : at + 2], "big") for at in range(0, 8, 2)])
    if datatype == "string":
        try:
            return value.decode()
        except UnicodeError:
            return value
    return int.from_bytes(value, "big") if octets else value
