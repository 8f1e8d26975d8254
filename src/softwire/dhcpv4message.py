# SPDX-License-Identifier: Apache-2.0
"""DHCPv4 messages, read and written (RFC 2131 section 2; RFC 2132 section 9.3 and RFC 3396 for options)."""

from softwire.wire import WireError

BOOTREQUEST, BOOTREPLY = 1, 2
COOKIE = b"\x63\x82\x53\x63"
# Everything before the options, the cookie included.
HEAD = 240

PAD, OVERLOAD, END = 0, 52, 255

# Where options are beside their own field, by the value of option 52: file, sname, in the order of RFC 3396 section 5.
OVERLOADED = {b"\1": ((108, 236),), b"\2": ((44, 108),), b"\3": ((108, 236), (44, 108))}


class Message:
    """What a client uses of RFC 2131 section 2: addresses as integers, chaddr as octets, options as (code, value)."""

    op = BOOTREQUEST
    xid = secs = ciaddr = yiaddr = 0
    chaddr = b""

    def __init__(self, options=()):
        self.options = list(options)

    def option(self, code):
        """The value of an option, or None."""
        for found, value in self.options:
            if found == code:
                return value
        return None


def check(data):
    """WireError for what is no message of DHCPv4 at all; its options may still be broken."""
    if len(data) < HEAD:
        raise WireError("DHCPv4 message of {} octets: at least {} are right".format(len(data), HEAD))
    if data[236:HEAD] != COOKIE:
        raise WireError("no magic cookie: BOOTP without DHCPv4's options")
    if data[2] > 16:
        raise WireError("hlen {}: at most 16".format(data[2]))


def read(data):
    """Octets -> Message, its split and overloaded options joined (RFC 3396 section 7); WireError."""
    check(data)
    message = Message()
    # Without a Reader: nothing of it lies behind what check() has seen.
    message.op = data[0]
    message.xid = int.from_bytes(data[4:8], "big")
    message.secs = int.from_bytes(data[8:10], "big")
    message.ciaddr = int.from_bytes(data[12:16], "big")
    message.yiaddr = int.from_bytes(data[16:20], "big")
    message.chaddr = bytes(data[28 : 28 + data[2]])
    found = _row(data, HEAD, len(data))
    overload = [value for code, value in found if code == OVERLOAD]
    if overload:
        if overload[0] not in OVERLOADED:
            raise WireError(
                "option overload of {} octets: one octet from 1 to 3 is right".format(len(overload[0]))
            )
        for start, end in OVERLOADED[overload[0]]:
            found += _row(data, start, end)
    message.options = _joined(found)
    return message


def write(message):
    """Message -> octets; WireError."""
    chaddr = message.chaddr
    if len(chaddr) > 16:
        raise WireError("chaddr of {} octets: at most 16".format(len(chaddr)))
    # htype is Ethernet's; no hops, flags, relays, names.
    return b"".join(
        [
            bytes([message.op, 1, len(chaddr), 0]),
            _octets(message.xid, 4),
            _octets(message.secs, 2) + bytes(2),
            _octets(message.ciaddr, 4),
            _octets(message.yiaddr, 4) + bytes(8),
            chaddr + bytes(208 - len(chaddr)),
            COOKIE,
            write_options(message.options),
        ]
    )


def read_options(octets):
    """What `write_options` writes; WireError."""
    return _joined(_row(octets, 0, len(octets)))


def write_options(options):
    """[(code, value)] -> octets; a long one is split (RFC 3396 section 6), none goes into sname or file; WireError."""
    parts = []
    for code, value in options:
        if not PAD < code < END:
            raise WireError("option {}: 1 to 254 are right".format(code))
        for start in range(0, len(value) or 1, 255):
            part = value[start : start + 255]
            parts.append(bytes([code, len(part)]) + part)
    return b"".join(parts) + bytes([END])


def _row(data, at, end):
    # (code, value) of one field, up to its end option or its end.
    found = []
    while at < end and data[at] != END:
        code = data[at]
        at += 1
        if code != PAD:
            stop = at + 1 + data[at] if at < end else end
            if stop > end or at == end:
                raise WireError("option {}: {} octets are left".format(code, end - at))
            found.append((code, bytes(data[at + 1 : stop])))
            at = stop
    return found


def _joined(pairs):
    # Parts of one code are one option, at the place of the first; option 52 has done its work.
    parts: dict[int, list] = {}
    order: list[int] = []
    for code, value in pairs:
        if code not in parts:
            parts[code] = []
            order.append(code)
        parts[code].append(value)
    return [(code, b"".join(parts[code])) for code in order if code != OVERLOAD]


def _octets(value, count):
    # MicroPython does not check it.
    if not 0 <= value < 1 << 8 * count:
        raise WireError("{} does not fit {} octets".format(value, count))
    return value.to_bytes(count, "big")
