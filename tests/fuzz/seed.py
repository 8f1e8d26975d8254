# SPDX-License-Identifier: Apache-2.0
"""Inputs to begin with: the unit tests' fixtures, the files of the product, and captures of the lab's line."""

import importlib
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/unit"))


def constants(module):
    """Every bytes constant of a unit test."""
    return [value for value in vars(importlib.import_module(module)).values() if isinstance(value, bytes)]


def from_tests():
    """(target, input) pairs out of the tree."""
    ntt = importlib.import_module("test_ntt")
    for data in [*constants("test_ntt"), *constants("test_dhcpv6")]:
        for target in ("dhcpv6-addresses", "dhcpv6-name", "dhcpv6-options"):
            yield target, data
    yield "ntt-dhcpv6", ntt.RECORDED
    yield "ntt-dhcpv6", ntt.dhcpv6(ntt.SUB_OPTIONS)
    yield "ntt-dhcpv4", ntt.dhcpv4(ntt.SUB_OPTIONS)
    for data in constants("test_radius_packet"):
        yield "radius-packet", data
        yield "radius-reply", data
    for path in sorted(ROOT.glob("tests/unit/recorded/*.json")):
        status = json.loads(path.read_text())
        yield "line-status", json.dumps(narrowed(status)).encode()
        yield "line-passthru", bytes.fromhex(status["data"]["passthru"])
    for path in sorted(ROOT.glob("files/etc/softwire/dictionary.*")):
        yield "radius-dictionary", path.read_bytes()
    for (
        text
    ) in "192.0.2.1 2001:db8::1 2001:db8::/56 1111:1111:1111:1111 52:54:00:12:34:01 ::ffff:1.2.3.4".split():
        yield "address-text", text.encode()
    values = {"mtu": "1460", "interface_id": "::2", "mac": "52-54-00-12-34-01", "reauth": "60", "zone": "wan"}
    for name in ("tunlink", "auth_server", "shared_secret", "password", "user_name", "manufacturer"):
        values[name] = "wan6"
    values["ip6prefix"] = "2001:db8::/56"
    values["ipaddr"], values["peeraddr"], values["ip6addr"] = "192.0.2.1/32", "2001:db8::1", "2001:db8::2"
    servers = (b"\1\xc6\x12\0\1", b"\0\3sip\7example\0\2ab\xc0\4", b"\0\1a\2bc\0\xc0\2\xc0\0")
    vendor = ntt.dhcpv4(((202, b"0312345678"), (203, b"0312345679"), (204, ntt.SIP_DOMAIN)))
    for value in servers:
        yield "sip-servers", value
        yield (
            "sip-telephone",
            bytes([len(value)]) + value + bytes([len(vendor)]) + vendor + b"sip.example.net",
        )
    yield "sip-telephone", b"\0" + bytes([len(vendor)]) + vendor + b"198.18.0.1 sip.example.net"
    # RFC 4861 section 4.2, RFC 792, RFC 1035; the doctor's keys are sevens here.
    options = "0501 0000 000005dc 0304 40c0 ffffffff ffffffff 00000000 20010db8400003000000000000000000"
    yield "doctor-advertisement", bytes.fromhex("86000000 40c00708 00000000 00000000" + options)
    echo = bytes.fromhex("45000054000000004001000000000000c0000201")
    yield "doctor-echo", echo + b"\0\0\0\0\7\7\7\7"
    yield "doctor-echo", echo + b"\x0b\0\0\0\0\0\0\0" + echo + b"\x08\0\0\0\7\7\7\7"
    yield "doctor-resolver", b"\7\7\x80"
    yield from of_hb46pp()
    yield from of_containers()
    # RFC 1035 section 4.1: an alias, then a text of two strings; the question's name is at octet 12.
    alias, text = b"\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1a\xc0\x0c", b"\0\x10\0\1\0\0\1\x2c\0\5\1v\2=x"
    records = alias + b"\xc0\x29" + text
    yield "dns-answer", records
    yield "dns-answer", b"\xc0\x0c" + text
    yield (
        "dns-message",
        bytes.fromhex("0707818000010001000000000634 6f766572360469 6e666f0000100001") + records,
    )
    offer = (
        "0019 0029 00000001 00000000 00000000 001a 0019 00000e10 00001c20 38 20010db8400003000000000000000000"
    )
    yield "doctor-dhcpv6", b"\2\7\7\7" + bytes.fromhex(offer)
    for line in (
        "wan6 has 2001:db8:4000:300::/56, 192.0.2.1, 52:54:00:12:34:01 and 03-1234-5678",
        "[2001:db8::1]:1812 2001:0db8:4000:0300:1111:1111:1111:1111 fe80::5054:ff:fe12:3401 fd00:1::1 00c900060200dead",
    ):
        yield "bug-report", line.encode()
    yield "config", json.dumps(values).encode()
    yield from of_tsp()
    yield from of_the_other_end()


def of_tsp():
    """(target, input) pairs of the tunnel setup protocol."""
    fixtures = importlib.import_module("test_tsp")
    for data in constants("test_tsp"):
        yield "tsp-message", data
        yield "tsp-stream", b"VERSION=1.0\r\n" + fixtures.tsp.frame(data, "200 OK") + fixtures.ACCEPT
    for data in constants("test_tspdigest"):
        yield "tsp-digest", data
    for line in (b"200 Success", b"VERSION=2.0.0", b"AUTHENTICATE PLAIN", b"\0ann\0secret", b"OK well"):
        yield "tsp-line", line
    yield "tsp-line", fixtures.tsp.capability(["ANONYMOUS", "PLAIN"])


def of_hb46pp():
    """(target, input) pairs: a record, an answer in both forms, every offer at once."""
    yield "hb46pp-record", b"url=https://a.example:8443/rule.cgi?x=1 t=b"
    yield "hb46pp-record", b"url=http://[2001:db8::1]/ t=a"
    yield "hb46pp-http", b"Content-Length: 2\r\n\r\n{}"
    yield "hb46pp-http", b"Transfer-Encoding: chunked\r\n\r\n2;a\r\n{}\r\n0\r\n\r\n"
    rules = [{"ipv6": "2001:db8:1::/48", "ipv4": "192.0.2.0/24", "ea_length": 8, "psid_offset": 4}]
    tunnel = {"ipv6_local": "2001:db8:1::7", "ipv6_remote": "2001:db8::1", "ipv4": "192.0.2.1/32"}
    softwire = {
        "lwaftr": "a.example",
        "ipv6": "2001:db8:1::/56",
        "ipv4": "192.0.2.1",
        "psid": 3,
        "psid_length": 8,
    }
    told = {
        "order": ["464xlat", "dslite", "ipip", "lw4o6", "map_e", "map_t"],
        "ttl": 86400,
        "isp_name": "\u65e5",
        "dslite": {"aftr": "aftr.example"},
        "ipip": [tunnel],
        "lw4o6": softwire,
        "map_e": {"br": "2001:db8::2", "mesh": 1, "rules": rules},
        "map_t": {"dmr": "2001:db8:2::/64", "rules": rules},
        "464xlat": {"nat64prefix": "64:ff9b:1::/96"},
    }
    yield "hb46pp-answer", json.dumps(told).encode()
    for name in told["order"]:
        yield "hb46pp-answer", json.dumps({"order": [name], name: told[name]}).encode()


def of_containers():
    """(target, input) pairs of RFC 7598's: each container, and one of every fault."""
    of = importlib.import_module("test_softwire46")
    for kind, value in enumerate((of.bind() + of.BR, of.rule(1, more=of.PORTS) + of.BR, of.rule() + of.DMR)):
        value = value.replace(bytes.fromhex("20010db840"), bytes.fromhex("20010db800"))
        yield "softwire46-container", bytes([kind]) + value


def of_the_other_end():
    """(target, input) pairs for softwired."""
    from tests.softwired import packets

    query = packets.query(packets.bootp(), before=packets.option(6, b"\0\x5a"))
    offer = packets.bootp(2, op=2, options=bytes([51, 4, 0, 0, 14, 16]))
    where = packets.isc("vs", "fe80::2", 546)
    asked = packets.information_request(32, 88)
    yield "dhcpv4-message", packets.bootp()
    yield "dhcpv4-message", offer
    overloaded = bytearray(packets.bootp(options=b"\x34\1\3"))
    overloaded[44:48] = overloaded[108:112] = b"\x0c\1a\xff"
    yield "dhcpv4-message", bytes(overloaded)
    for message in (query, packets.response(offer), asked):
        yield "dhcpv6-message", message
    router = packets.option(90, packets.address("2001:db8:b::1"))
    for beside in (b"", router, packets.option(137, b"\x38" + packets.address("2001:db8:4000:300::")[:7])):
        yield "dhcp4o6-response", packets.response(offer, beside)
    needed = bytes.fromhex("c0000210 3604c0000201 330400000e10")
    for more in (
        "",
        "1a020578 0604c0000235",
        "3a0400000010 3b0400000020",
        "790818c63364c0000201",
        "9f0404085a00",
    ):
        yield "dhcp4o6-lease", needed + bytes.fromhex(more + "ff")
    servers = packets.option(88, packets.address("2001:db8:1::1") + packets.address("ff02::1:2"))
    for more in (b"", router, packets.option(96, router), packets.option(64, b"\4aftr\7example\0")):
        yield "dhcp4o6-servers", servers + more
    yield "dhcp4o6-servers", packets.option(88, b"")
    for message in (query, asked, *packets.OTHERS, *[data for _, data in packets.WRONG]):
        yield "softwired-message", message
    for inner in (query, asked):
        once = packets.relayed(inner, "2001:db8:2::1", options=packets.option(18, b"\0"))
        yield "softwired-message", once
        yield "softwired-message", packets.relayed(once, "::", "2001:db8::7", packets.option(135, b"\0\0"), 1)
    vendor = packets.option(17, packets.ISC + packets.option(5, b"x"))
    yield "softwired-message", packets.query(packets.bootp(), behind=vendor)
    for extra in (b"", vendor, packets.option(17, b"\0\0\0\xd2")):
        yield "softwired-response", packets.response(offer, where + extra)
    yield "softwired-response", packets.relayed(packets.response(offer, where), "2001:db8::5", kind=13)
    head = bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000")
    ipv6 = bytes.fromhex("60000000 0000 11 40") + packets.address("fe80::2") + packets.address("ff02::1:2")
    frame = bytes(12) + b"\x86\xdd" + ipv6 + bytes.fromhex("0222 0223 000c 0000 0b010203")
    tagged = frame[:12] + b"\x81\0\0\5" + frame[12:]
    for link_type, one in ((1, frame), (1, tagged), (101, ipv6 + frame[54:]), (113, bytes(2) + frame)):
        row = bytes(8) + len(one).to_bytes(4, "little") * 2 + one
        yield "softwired-capture", head[:20] + bytes([link_type, 0, 0, 0]) + row
        yield "softwired-capture", b"\xa1\xb2\xc3\xd4" + head[4:20] + bytes([0, 0, 0, link_type]) + row
    from tests.softwired.prefix64 import lab

    for _, frame in lab.MALFORMED:
        yield "softwired-neighbour", frame
    for target in ("2001:db8:1::77", "2001:db8:1::9", "2001:db8:1::ff", "2001:db8:2::1"):
        yield "softwired-neighbour", lab.frame(target=target)
        yield "softwired-neighbour", lab.frame(target=target, source="::", options=b"")
    yield "softwired-neighbour", lab.frame(kind=136, options=b"\2\1" + lab.ROUTER_MAC, reserved=b"\x60\0\0\0")
    for words in (
        "route-ttl 30000\nproxy eth0 {\n router yes\n timeout 500 // ms\n ttl 1\n rule 1111:: {\n auto\n }\n}\n",
        'proxy "a" { rule 2001:db8::1/64 { static } /* x */ rule 2001:db8::/96 { iface b } rule 2001::/16 { } }',
        "proxy a { autowire yes; retries 3; rule ::5 { iface a; autovia no } }",
    ):
        yield "softwired-ndppd", words.encode()
    example = (ROOT / "docs/softwired.toml").read_text()
    yield "softwired-toml", re.sub(r"^#.*\n", "", example, flags=re.MULTILINE).encode()
    proposed = re.sub(r"^# ?((?:[a-z0-9_]+ = .*)|(?:\[\[.*\]\]))$", r"\1", example, flags=re.MULTILINE)
    yield "softwired-toml", re.sub(r"^#.*\n", "", proposed, flags=re.MULTILINE).encode()


def narrowed(status):
    """The part of netifd's status that is read, in the form that targets.STATUS has."""
    from tests.fuzz import targets

    def cut(value, form):
        if isinstance(form, dict):
            kept = {
                key: cut(value[key], form.get(key, form.get(None)))
                for key in value
                if key in form or None in form
            }
            return {key: item for key, item in kept.items() if item is not None}
        if isinstance(form, list):
            return [cut(item, form[0]) for item in value]
        return value if targets.fits(value, form) else None

    return cut(status, targets.STATUS)


def from_capture(path):
    """(target, input) pairs out of a pcap: DHCPv6 options and RADIUS packets."""
    from scapy.all import UDP, IPv6, rdpcap

    for packet in rdpcap(str(path)):
        if UDP not in packet or IPv6 not in packet:
            continue
        data = bytes(packet[UDP].payload)
        if packet[UDP].dport == 546:
            yield "dhcpv6-options", data[4:]
            yield "line-passthru", data[4:]
            yield from inside(data[4:])
        elif 1812 in (packet[UDP].sport, packet[UDP].dport):
            yield "radius-packet", data
            yield "radius-reply", data
            # The first octet is the target's: code, and line type in the highest bit.
            yield "radius-accept", data[:1] + data[20:]
            yield "radius-accept", bytes([data[0] | 0x80]) + data[20:]


def inside(options):
    """The values of single DHCPv6 options."""
    while len(options) >= 4:
        code, length = int.from_bytes(options[:2], "big"), int.from_bytes(options[2:4], "big")
        value, options = options[4 : 4 + length], options[4 + length :]
        if code == 17:
            yield "ntt-dhcpv6", value
        if code in (23, 24):
            yield "dhcpv6-addresses" if code == 23 else "dhcpv6-name", value
