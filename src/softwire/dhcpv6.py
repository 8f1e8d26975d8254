# SPDX-License-Identifier: Apache-2.0
"""DHCPv6 messages and options, read and written (RFC 8415 sections 8, 10, 11 and 21; RFC 3646 for DNS servers)."""

from softwire.wire import Reader, WireError, record, records

# RFC 7341 section 6
DHCPV4_QUERY, DHCPV4_RESPONSE = 20, 21

CLIENT_ID = 1
VENDOR_CLASS = 16
VENDOR_OPTS = 17
DNS_SERVERS = 23
DHCPV4_MESSAGE = 87

DUID_KINDS = {1: "DUID-LLT", 2: "DUID-EN", 3: "DUID-LL", 4: "DUID-UUID"}


def read_message(data):
    """Octets -> (message type, transaction id or RFC 7341's flags, options); not for relays' messages; WireError."""
    if len(data) < 4:
        raise WireError("DHCPv6 message of {} octets: at least 4 are right".format(len(data)))
    return data[0], int.from_bytes(data[1:4], "big"), read_options(data[4:])


def write_message(kind, bits, options):
    """What `read_message` reads; WireError if it does not fit."""
    if not 0 <= bits < 1 << 24:
        raise WireError("transaction id or flags {}: 24 bits are right".format(bits))
    return bytes([kind]) + bits.to_bytes(3, "big") + b"".join([write_option(*option) for option in options])


def only(options, code):
    """The value of an option that must be there exactly once; WireError."""
    found = [value for one, value in options if one == code]
    if len(found) != 1:
        raise WireError("option {}: there {} times, once would be right".format(code, len(found)))
    return found[0]


def read_options(data):
    """Octets of an options field -> list of (code, value), in order; WireError."""
    return list(records(data, 2, "option"))


def write_option(code, value):
    """One option as octets; WireError if it does not fit."""
    return record(code, value, 2)


def read_vendor_opts(value):
    """Value of option 17 -> (enterprise number, octets of its sub-options) (section 21.17)."""
    reader = Reader(value)
    return reader.number(4, "enterprise number"), reader.rest()


def write_vendor_class(enterprise, classes):
    """Value of option 16 from an enterprise number and a list of opaque class data (section 21.16)."""
    value = enterprise.to_bytes(4, "big")
    for opaque in classes:
        value += len(opaque).to_bytes(2, "big") + opaque
    return value


def read_addresses(value):
    """A row of IPv6 addresses -> list of integers."""
    reader = Reader(value)
    addresses = []
    while reader.left():
        addresses.append(reader.number(16, "address"))
    return addresses


def read_name(value):
    """One domain name in DNS labels, eaten to its end -> 'a.example' (section 10: no compression)."""
    reader = Reader(value)
    labels: list[str] = []
    while True:
        # A name may come without its root label (section 10 calls it partial).
        length = reader.number(1, "label length") if reader.left() or not labels else 0
        if not length:
            break
        if length > 63:
            raise WireError("label length {}: at most 63, pointers are not allowed".format(length))
        label = reader.take(length, "label")
        if min(label) < 33 or max(label) > 126 or 46 in label:
            raise WireError("label: only printable ASCII without dots")
        labels.append(label.decode())
    reader.finish("domain name")
    name = ".".join(labels)
    if not 0 < len(name) < 254:
        raise WireError("domain name of {} characters: 1 to 253 are right".format(len(name)))
    return name


def write_name(name):
    """'a.example' -> DNS labels."""
    value = b""
    for label in name.rstrip(".").split("."):
        octets = label.encode()
        if not 0 < len(octets) < 64:
            raise WireError("label '{}': 1 to 63 octets are right".format(label))
        value += bytes([len(octets)]) + octets
    read_name(value)
    return value + b"\0"


def duid_ll(mac):
    """6 octets -> DUID-LL of an Ethernet device (section 11.4), the only one that NTT's network answers."""
    return b"\0\3\0\1" + mac


def duid_kind(duid):
    """'DUID-LL', 'DUID-LLT' …, or 'unknown DUID'."""
    return DUID_KINDS.get(int.from_bytes(duid[:2], "big"), "unknown DUID")
