# SPDX-License-Identifier: Apache-2.0
"""DHCPv4 over DHCPv6 in words (RFC 7341): the message in the message, by name, and what it asks for or gives."""

import ipaddress
import typing

QUERY, RESPONSE = 20, 21
NAMES = {QUERY: "DHCPV4-QUERY", RESPONSE: "DHCPV4-RESPONSE"}
OPTION_REQUEST, DHCPV4_MESSAGE, S46_BR, BIND_PREFIX = 6, 87, 90, 137
UNICAST = 0x800000
KINDS = "? DISCOVER OFFER REQUEST DECLINE ACK NAK RELEASE INFORM".split()
NAK = 6
# Of BOOTP (RFC 2131 section 2): what stands where, and the cookie before the options.
CLIENT_ADDRESS, YOUR_ADDRESS, COOKIE, OPTIONS = 12, 16, 236, 240


def message(octets: bytes) -> typing.Optional[tuple[str, list[str], bool]]:
    """(name, details, whether it refuses) of a DHCPv6 message of these two kinds; None for another one."""
    if len(octets) < 4 or octets[0] not in NAMES:
        return None
    outer = dict(_options(octets[4:], 2))
    inner = outer.get(DHCPV4_MESSAGE, b"")
    if inner[COOKIE:OPTIONS] != b"\x63\x82\x53\x63":
        return f"{NAMES[octets[0]]} without a DHCPv4 message", [], True
    options = dict(_options(inner[OPTIONS:], 1))
    kind = int.from_bytes(options.get(53, b"\0")[:1], "big")
    name = f"{NAMES[octets[0]]} ({KINDS[kind] if kind < len(KINDS) else kind})"
    unicast = int.from_bytes(octets[1:4], "big") & UNICAST
    details = [f"transaction {inner[4:8].hex()}" + (", U flag" if unicast and octets[0] == QUERY else "")]
    if OPTION_REQUEST in outer:
        codes = outer[OPTION_REQUEST]
        asked = [int.from_bytes(codes[at : at + 2], "big") for at in range(0, len(codes) - 1, 2)]
        details.append("asks for options " + ", ".join(map(str, asked)))
    details += _asked(inner, options) if octets[0] == QUERY else _given(inner, options)
    details += [f"border router {address}" for address in _addresses(outer.get(S46_BR, b""), 16)]
    if outer.get(BIND_PREFIX):
        length = outer[BIND_PREFIX][0]
        prefix = ipaddress.IPv6Address(outer[BIND_PREFIX][1:].ljust(16, b"\0")[:16])
        details.append(f"softwire source in {prefix}/{length}")
    return name, details, kind == NAK


def _options(octets: bytes, size: int) -> typing.Iterator[tuple[int, bytes]]:
    """(code, value), as far as lengths are right; code and length have `size` octets each."""
    while len(octets) >= 2 * size:
        code, length = int.from_bytes(octets[:size], "big"), int.from_bytes(octets[size : 2 * size], "big")
        if size == 1 and code in (0, 255):  # padding and end
            octets = octets[1:]
            continue
        yield code, octets[2 * size : 2 * size + length]
        octets = octets[2 * size + length :]


def _addresses(value: bytes, size: int) -> list[str]:
    whole = range(0, len(value) - size + 1, size)
    return [str(ipaddress.ip_address(value[start : start + size])) for start in whole]


def _address(value: bytes) -> str:
    return str(ipaddress.IPv4Address(value[:4].ljust(4, b"\0")))


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big")


def _asked(inner: bytes, options: dict[int, bytes]) -> list[str]:
    details = []
    wanted = options.get(50) or inner[CLIENT_ADDRESS:YOUR_ADDRESS]
    if any(wanted):
        details.append("IPv4 address " + _address(wanted))
    return details + _softwire(options)


def _given(inner: bytes, options: dict[int, bytes]) -> list[str]:
    details = []
    if any(inner[YOUR_ADDRESS : YOUR_ADDRESS + 4]):
        details.append("IPv4 address " + _address(inner[YOUR_ADDRESS : YOUR_ADDRESS + 4]))
    times = [(51, "lease"), (58, "T1"), (59, "T2")]
    told = [f"{name} {_number(options[code])} s" for code, name in times if code in options]
    details += [", ".join(told)] if told else []
    if 6 in options:
        details.append("DNS " + ", ".join(_addresses(options[6], 4)))
    return details + _softwire(options)


def _softwire(options: dict[int, bytes]) -> list[str]:
    """Port set (RFC 7618) and softwire source address (RFC 8539)."""
    details = []
    ports = options.get(159, b"")
    if len(ports) == 4:
        psid = _number(ports[2:]) >> 16 - min(ports[1], 16)
        details.append(f"port set: offset {ports[0]}, PSID {psid} of {ports[1]} bits")
    elif 159 in options:
        details.append("port set: asked for")
    details += [f"softwire source {address}" for address in _addresses(options.get(109, b""), 16)]
    return details
