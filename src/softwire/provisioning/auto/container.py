# SPDX-License-Identifier: Apache-2.0
"""DHCPv6's containers of softwire parameters (RFC 7598), reduced to what is built or handed on; in an errand."""

from softwire.address import format_ipv4, format_ipv6, network
from softwire.dhcpv6 import only, read_options
from softwire.provisioning import _mapping
from softwire.tunnel import PortSet, check_endpoint, check_ipv4
from softwire.wire import Reader, WireError

RULE, BR, DMR, V4V6BIND, PORTPARAMS = 89, 90, 91, 92, 93


def read(name, value, prefixes):
    """The octets of option 94 (map_e), 95 (map_t) or 96 (lw4o6) -> a dict of JSON values; ValueError.

    prefixes: the line's delegated ones as texts. What a container holds besides is for others.
    """
    try:
        options = read_options(value)
        if name == "lw4o6":
            return _lw4o6(options)
        if name == "map_e":
            far = "br=" + _border_router(options)
        else:
            reader = Reader(only(options, DMR))
            far = "dmr=" + _mapping.network(*_prefix(reader, "default mapping rule"))
        rules = [_rule(octets) for code, octets in options if code == RULE]
        if not 0 < len(rules) <= _mapping.MOST_RULES:
            raise ValueError("{} rules: 1 to {} would be right".format(len(rules), _mapping.MOST_RULES))
        return _mapping.reduce(name, {"rules": rules, "far": far, "legacy": False}, prefixes)
    except WireError as error:
        raise ValueError(str(error))


def _border_router(options):
    """Of several the first counts."""
    found = [octets for code, octets in options if code == BR]
    if not found:
        raise ValueError("no border router is in it")
    reader = Reader(found[0])
    address = check_endpoint(reader.number(16, "border router"), "border router")
    reader.finish("border router")
    return format_ipv6(address)


def _prefix(reader, field):
    """A length, and as many octets as it needs -> (integer, length)."""
    length = reader.number(1, field + " length")
    if length > 128:
        raise WireError("{} length {}: at most 128 would be right".format(field, length))
    octets = reader.take((length + 7) // 8, field)
    return network(int.from_bytes(octets + bytes(16 - len(octets)), "big"), length), length


def _ports(reader):
    """(offset, length, identifier) of the port parameters behind, (None, 0, 0) where there are none."""
    found = [octets for code, octets in read_options(reader.rest()) if code == PORTPARAMS]
    if not found:
        return None, 0, 0
    fields = Reader(found[0])
    offset, length = fields.number(1, "offset"), fields.number(1, "identifier length")
    identifier = fields.number(2, "identifier")
    fields.finish("port parameters")
    if not 0 <= offset <= 15 or length > 16 - offset:
        raise WireError("offset {}, length {}: together at most 16 bits are right".format(offset, length))
    return offset, length, identifier


def _rule(octets):
    reader = Reader(octets)
    # Flag F: the rule leads to others, too. The other bits are reserved.
    forwards = bool(reader.number(1, "flags") & 1)
    bits, ipv4_length = reader.number(1, "embedded bits"), reader.number(1, "IPv4 prefix length")
    if ipv4_length > 32:
        raise WireError("IPv4 prefix length {}: at most 32 would be right".format(ipv4_length))
    ipv4 = network(reader.number(4, "IPv4 prefix"), ipv4_length, 32), ipv4_length
    ipv6 = _prefix(reader, "IPv6 prefix")
    offset, length, identifier = _ports(reader)
    return _mapping.Rule(ipv6, ipv4, bits, offset, (length, identifier), forwards)


def _lw4o6(options):
    """The same as the provisioning server's, and our own method's."""
    reader = Reader(only(options, V4V6BIND))
    address = check_ipv4(reader.number(4, "IPv4 address"), "IPv4 address")
    prefix, length = _prefix(reader, "bind prefix")
    offset, bits, identifier = _ports(reader)
    # The identifier stands at the left of its 16 bits.
    ports = PortSet(offset or 0, bits, identifier >> 16 - bits)
    return {
        "lwaftr": _border_router(options),
        "bind": [format_ipv6(prefix), length],
        "ipv4": format_ipv4(address),
        "ports": list(ports.key()),
    }
