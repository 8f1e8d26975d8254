# SPDX-License-Identifier: Apache-2.0
"""The telling details of one packet in words: DHCPv6 (RFC 8415), RADIUS (RFC 2865), what a softwire carries.

No password, CHAP value or phone number is ever put into words.
"""

import ipaddress
import re
import typing

from scapy.layers import dhcp6, inet, inet6

from softwire import iadstm

RADIUS_CODES = {1: "Access-Request", 2: "Access-Accept", 3: "Access-Reject", 11: "Access-Challenge"}
USER_NAME, REPLY_MESSAGE, VENDOR_SPECIFIC, SESSION_TIMEOUT, MESSAGE_AUTHENTICATOR = 1, 18, 26, 27, 80
SOFTBANK, WAN_IPV4, V6_GATEWAY = 22197, 204, 207
NTT = 210

DHCPV6_MESSAGES = {
    **{
        1: "Solicit",
        2: "Advertise",
        3: "Request",
        4: "Confirm",
        5: "Renew",
        6: "Rebind",
        7: "Reply",
        8: "Release",
    },
    **{9: "Decline", 10: "Reconfigure", 11: "Information-Request", 20: "DHCPv4-Query", 21: "DHCPv4-Response"},
}
DUIDS = {1: "DUID-LLT", 2: "DUID-EN", 3: "DUID-LL", 4: "DUID-UUID"}
ICMP_WORDS = {
    **{(4, 0): "echo reply", (4, 8): "echo request", (6, 128): "echo request", (6, 129): "echo reply"},
    **{(4, 3): "Destination Unreachable", (4, 11): "Time Exceeded", (4, 12): "Parameter Problem"},
    **{(6, 1): "Destination Unreachable", (6, 2): "Packet Too Big", (6, 3): "Time Exceeded"},
    (6, 4): "Parameter Problem",
}


def masked(text: str) -> str:
    """Phone numbers, which are somebody's, become 03********."""
    return re.sub(r"(?<!\d)(0\d)\d{7,9}(?!\d)", lambda number: number[1] + "*" * (len(number[0]) - 2), text)


def _plain(text: bytes) -> str:
    return masked(text.decode("ascii", "replace"))


def inner_packet(packet: typing.Any) -> typing.Any:
    """The IPv4 packet inside an IPv6 one (RFC 2473), or None."""
    payload = packet.payload
    while isinstance(payload, (inet6.IPv6ExtHdrDestOpt, inet6.IPv6ExtHdrHopByHop, inet6.IPv6ExtHdrRouting)):
        payload = payload.payload
    return payload if isinstance(payload, inet.IP) else None


# DHCPv6


def dhcpv6_name(message: typing.Any) -> str:
    return DHCPV6_MESSAGES.get(message.msgtype, f"DHCPv6 message {message.msgtype}")


def dhcpv6_client(message: typing.Any) -> list[str]:
    """What a client's message shows: its identifier, what it wants and asks for."""
    details = [_client_id(message), " ".join(_wanted(message))]
    if dhcp6.DHCP6OptOptReq in message:
        asked = message[dhcp6.DHCP6OptOptReq].reqopts
        details.append("asks for options " + ", ".join(str(code) for code in sorted(asked)))
    details += _dstm(message, "tunnel's end")
    if dhcp6.DHCP6OptVendorClass in message:
        details.append(f"vendor class of enterprise {message[dhcp6.DHCP6OptVendorClass].enterprisenum}")
    return [line for line in details if line]


def _client_id(message: typing.Any) -> str:
    if dhcp6.DHCP6OptClientId not in message:
        return ""
    duid = bytes(message[dhcp6.DHCP6OptClientId].duid)
    kind = int.from_bytes(duid[:2], "big")
    mac = {1: duid[8:14], 3: duid[4:10]}.get(kind, b"")
    return "client id " + " ".join([DUIDS.get(kind, f"of type {kind}"), mac.hex(":")]).strip()


def _wanted(message: typing.Any) -> list[str]:
    wanted = []
    for option, name in (
        (dhcp6.DHCP6OptIA_PD, "IA_PD"),
        (dhcp6.DHCP6OptIA_NA, "IA_NA"),
        (dhcp6.DHCP6OptIA_TA, "IA_TA"),
        (dhcp6.DHCP6OptRapidCommit, "Rapid-Commit"),
    ):
        if option in message:
            wanted.append(name)
    return wanted + [prefix.split(",")[0] for prefix in _prefixes(message)]


def _options(message: typing.Any) -> typing.Iterator[typing.Any]:
    """All options, also those inside of an IA."""
    option = message.payload
    while option:
        yield option
        # Scapy looks up a missing field in the payload: ask the option itself.
        if isinstance(option, (dhcp6.DHCP6OptIA_PD, dhcp6.DHCP6OptIA_NA)):
            yield from option.iapdopt if isinstance(option, dhcp6.DHCP6OptIA_PD) else option.ianaopts
        option = option.payload


def _dstm(message: typing.Any, end: str) -> list[str]:
    """Of its IA_DSTM (draft-bound-dstm-exp-00 appendices A and B)."""
    details = []
    for option in _options(message):
        if isinstance(option, dhcp6.DHCP6OptUnknown) and option.optcode == iadstm.IA_DSTM:
            ia = iadstm.read(bytes(option.data), iadstm.CODES)
            details.append(f"IA_DSTM {ia.iaid:#x}" + (f", T1 {ia.t1} s, T2 {ia.t2} s" if ia.t1 else ""))
            for ipv4, _, valid in ia.addresses:
                details.append(
                    f"::ffff:{ipaddress.IPv4Address(ipv4)}" + (f", valid {valid} s" if valid else "")
                )
            details += [f"{end} {ipaddress.IPv6Address(one)}" for one in ia.teps]
            details += [f"ports {ia.ports[0]}-{ia.ports[1]}"] if ia.ports else []
            details += [f"status {ia.status[0]} {ia.status[1]}"] if ia.status[0] else []
    return details


def _prefixes(message: typing.Any) -> list[str]:
    return [
        f"{option.prefix}/{option.plen}, preferred {option.preflft} s, valid {option.validlft} s"
        for option in _options(message)
        if isinstance(option, dhcp6.DHCP6OptIAPrefix)
    ]


def dhcpv6_server(message: typing.Any) -> list[str]:
    """What a server's message gives; of vendor options only the numbers."""
    details = _prefixes(message) + _dstm(message, "border router")
    if dhcp6.DHCP6OptVendorSpecificInfo in message:
        vendor = message[dhcp6.DHCP6OptVendorSpecificInfo]
        numbers = " ".join(str(option.optcode) for option in vendor.vso if hasattr(option, "optcode"))
        details.append(f"option 17, enterprise {vendor.enterprisenum}: {numbers}")
    if dhcp6.DHCP6OptDNSServers in message:
        details.append("DNS " + ", ".join(message[dhcp6.DHCP6OptDNSServers].dnsservers))
    return details


def dhcpv6_refusal(message: typing.Any) -> typing.Optional[str]:
    """The first status code that is not Success, anywhere in the message (RFC 8415 21.13)."""
    for option in _options(message):
        if isinstance(option, dhcp6.DHCP6OptStatusCode) and option.statuscode:
            word = dhcp6.dhcp6statuscodes.get(option.statuscode, str(option.statuscode))
            return f"status {word}: {_plain(bytes(option.statusmsg))}"
    return None


# RADIUS


def radius_attributes(octets: bytes) -> typing.Iterator[tuple[int, bytes]]:
    """(type, value) of attributes or vendor sub-attributes, as far as their lengths are right."""
    while len(octets) >= 2 and 2 <= octets[1] <= len(octets):
        yield octets[0], octets[2 : octets[1]]
        octets = octets[octets[1] :]


def _vsas(attributes: list[tuple[int, bytes]]) -> list[list[tuple[int, bytes]]]:
    """One list a Vendor-Specific attribute of SoftBank's."""
    return [
        list(radius_attributes(value[4:]))
        for code, value in attributes
        if code == VENDOR_SPECIFIC and int.from_bytes(value[:4], "big") == SOFTBANK
    ]


def radius(octets: bytes, source: str) -> tuple[str, list[str]]:
    """Name and details of a RADIUS packet that came from `source`."""
    length = int.from_bytes(octets[2:4], "big")
    if not 20 <= length <= len(octets):
        return "malformed RADIUS packet", [f"{len(octets)} octets"]
    name = RADIUS_CODES.get(octets[0], f"RADIUS code {octets[0]}")
    found = list(radius_attributes(octets[20:length]))
    signed = ", Message-Authenticator" if any(code == MESSAGE_AUTHENTICATOR for code, _ in found) else ""
    details = [f"id {octets[1]}{signed}"]
    packed = _vsas(found)
    if octets[0] == 1:
        details[0] = f"id {octets[1]} from {source}{signed}"
        details += ["User-Name " + _plain(value) for code, value in found if code == USER_NAME]
        if packed:
            how = "in one attribute" if len(packed) == 1 else "one an attribute"
            details.append(f"VSA of {SOFTBANK}: {_numbers(packed)} ({how})")
        return name, details
    if octets[0] == 2:
        details += _accepted(packed)
        timeout = [value for code, value in found if code == SESSION_TIMEOUT and len(value) == 4]
        details += [f"Session-Timeout {int.from_bytes(value, 'big')} s" for value in timeout]
    elif packed:
        details.append(f"VSA of {SOFTBANK}: {_numbers(packed)}, not to be used")
    details += ["says: " + _plain(value) for code, value in found if code == REPLY_MESSAGE]
    return name, details


def _numbers(packed: list[list[tuple[int, bytes]]]) -> str:
    return " ".join(str(number) for group in packed for number, _ in group)


def _accepted(packed: list[list[tuple[int, bytes]]]) -> list[str]:
    details, others = [], []
    for number, value in (pair for group in packed for pair in group):
        if number == WAN_IPV4 and len(value) == 4:
            details.append("IPv4 address " + str(ipaddress.IPv4Address(value)))
        elif number == V6_GATEWAY and len(value) == 16:
            details.append(f"border router {ipaddress.IPv6Address(value)}")
        else:
            others.append(str(number))
    return details + ([f"VSA of {SOFTBANK}: also " + " ".join(others)] if others else [])


# What is carried


def transport(packet: typing.Any) -> tuple[str, str, str, str]:
    """(protocol, from, to, what it is) of an IPv4 or IPv6 packet; protocol "error" for ICMP's errors."""
    version = 4 if isinstance(packet, inet.IP) else 6
    payload = packet.payload
    while isinstance(payload, (inet6.IPv6ExtHdrDestOpt, inet6.IPv6ExtHdrHopByHop)):
        payload = payload.payload
    if isinstance(payload, (inet.TCP, inet.UDP)):
        brackets = "{}:{}" if version == 4 else "[{}]:{}"
        ends = brackets.format(packet.src, payload.sport), brackets.format(packet.dst, payload.dport)
        return _tcp_or_udp(payload, ends)
    if isinstance(payload, (inet.ICMP, inet6._ICMPv6)):
        return _icmp(version, packet, payload)
    number = packet.proto if version == 4 else packet.nh
    what = "fragment" if (version == 4 and packet.frag) or number == 44 else f"protocol {number}"
    return what, packet.src, packet.dst, what


def _tcp_or_udp(payload: typing.Any, ends: tuple[str, str]) -> tuple[str, str, str, str]:
    if isinstance(payload, inet.UDP):
        return "UDP", ends[0], ends[1], "UDP"
    flags = payload.flags
    marks = [name for name, bit in (("SYN", "S"), ("ACK", "A"), ("FIN", "F"), ("RST", "R")) if bit in flags]
    return "TCP", ends[0], ends[1], " ".join(["TCP", *marks])


def _icmp(version: int, packet: typing.Any, payload: typing.Any) -> tuple[str, str, str, str]:
    name = "ICMP" if version == 4 else "ICMPv6"
    word = ICMP_WORDS.get((version, payload.type), f"type {payload.type}")
    if not word.startswith("echo"):
        if version == 4 and (payload.type, payload.code) == (3, 4):
            word = f"fragmentation needed, MTU {payload.nexthopmtu}"
        elif version == 6 and payload.type == 2:
            word += f", MTU {payload.mtu}"
        return "error", packet.src, packet.dst, f"{name} {word}"
    return f"{name} {payload.id}", packet.src, packet.dst, f"{name} {word}"
