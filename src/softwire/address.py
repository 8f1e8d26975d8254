# SPDX-License-Identifier: Apache-2.0
"""IPv4 and IPv6 addresses, prefixes and interface identifiers, as text and as integers (RFC 4291, RFC 5952)."""

import socket

_FAMILY = {4: socket.AF_INET, 16: socket.AF_INET6}


def _parse(text, octets):
    try:
        if "\0" in text:  # where the text would end for MicroPython
            raise ValueError
        return int.from_bytes(socket.inet_pton(_FAMILY[octets], text), "big")
    except (OSError, TypeError, ValueError):
        raise ValueError("not an IPv{} address".format(4 if octets == 4 else 6))


def parse_ipv4(text):
    """'192.0.2.1' -> 32-bit integer; ValueError."""
    return _parse(text, 4)


def parse_ipv6(text):
    """'2001:db8::1' -> 128-bit integer; ValueError."""
    return _parse(text, 16)


def format_ipv4(value):
    """32-bit integer -> '192.0.2.1'."""
    return socket.inet_ntop(socket.AF_INET, value.to_bytes(4, "big"))


def format_ipv6(value):
    """128-bit integer -> the short form of RFC 5952."""
    return socket.inet_ntop(socket.AF_INET6, value.to_bytes(16, "big"))


def expand(value, bits=128):
    """The upper `bits` of an IPv6 address as zero-padded groups: '2001:0db8:…' (the form SoftBank's RADIUS wants)."""
    digits = "%032x" % value
    return ":".join([digits[i : i + 4] for i in range(0, bits // 4, 4)])


def parse_prefix(text, parse=parse_ipv6, bits=128):
    """'2001:db8::/56' -> (integer with the host part cleared, 56); without '/' the full length; ValueError."""
    address, slash, length = text.partition("/")
    size = int(length) if slash and length.isdigit() else bits
    if (slash and not length.isdigit()) or size > bits:
        raise ValueError("not a prefix: after the slash a number up to {} would be right".format(bits))
    return network(parse(address), size, bits), size


def format_prefix(address, length):
    """(integer, 56) -> '2001:db8::/56'."""
    return "{}/{}".format(format_ipv6(address), length)


def network(address, length, bits=128):
    """The address with everything behind the first `length` bits cleared."""
    host = bits - length
    return address >> host << host


def contains(prefix, length, address):
    """Whether the IPv6 address lies in prefix/length."""
    return network(address, length) == network(prefix, length)


def parse_interface_id(text):
    """'1111:1111:1111:1111' or '::1' -> 64-bit integer (RFC 4291 section 2.5.1); ValueError."""
    value = parse_ipv6(text if "::" in text or not text else "::" + text)
    if value >> 64:
        raise ValueError("not an interface identifier of 64 bits such as '1111:1111:1111:1111'")
    return value


def parse_mac(text):
    """'52:54:00:12:34:56' (or with '-') -> 6 bytes; ValueError."""
    groups = text.replace("-", ":").split(":")
    if len(groups) != 6 or any([len(group) != 2 or not _is_hex(group) for group in groups]):
        raise ValueError("not a MAC address such as '00:00:5e:00:53:01'")
    return bytes([int(group, 16) for group in groups])


def _is_hex(text):
    # int() would take signs and blanks, too.
    return all([digit in "0123456789abcdefABCDEF" for digit in text])


def format_mac(octets):
    """6 bytes -> lower-case, colon-separated text."""
    return ":".join(["%02x" % octet for octet in octets])


def is_unicast_ipv4(value):
    """Whether a host on the IPv4 internet could have this address (RFC 6890: not 0/8, 127/8, 224/3, 169.254/16)."""
    return value >> 24 not in (0, 127) and value >> 24 < 224 and value >> 16 != 0xA9FE


def is_global_ipv6(value):
    """Whether a router could carry packets to it: not ::/8, link-local, site-local or multicast (RFC 4291)."""
    return 0 < value >> 120 < 0xFF and value >> 119 != 0x1FD


def is_internet_ipv6(value):
    """Global, and not unique local, fc00::/7 (RFC 4193)."""
    return is_global_ipv6(value) and value >> 121 != 0x7E
