# SPDX-License-Identifier: Apache-2.0
"""The sequence diagram of tests/lab from a capture that scapy made of a NEXT line's exchange."""

import hashlib
import ipaddress
import struct
import xml.etree.ElementTree as ElementTree

import pytest
from scapy.layers import dhcp6, dns
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6ND_NS,
    ICMPv6ND_RA,
    ICMPv6ND_RS,
    ICMPv6NDOptMTU,
    IPv6,
    IPv6ExtHdrDestOpt,
)
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import wrpcap

from softwire import iadstm, tsp, tspdigest
from tests.lab import sequence

ROUTER, ACCESS = "52:54:00:12:34:01", "52:54:00:12:34:fe"
ROUTER_LL, ACCESS_LL = "fe80::5054:ff:fe12:3401", "fe80::1"
ENDPOINT, BORDER, SERVER = "2001:db8:4000:300:1111:1111:1111:1111", "2001:db8:b::1", "2001:db8:1812::1"
HOST6, WEB6 = "2001:db8:4000:300:5054:ff:fe12:34aa", "2001:db8:6::80"
IPV4, WEB4 = "203.0.113.7", "198.51.100.80"
PHONE, PASSWORD = "0312345678", "lab-password"


def out(packet):
    return Ether(src=ROUTER, dst=ACCESS, type=0x86DD) / packet


def back(packet):
    return Ether(src=ACCESS, dst=ROUTER, type=0x86DD) / packet


def duid(mac):
    return dhcp6.DUID_LL(lladdr=mac)


def dhcpv6_message(kind):
    """What odhcp6c sends for proto flets."""
    option = dhcp6.DHCP6OptVendorClass(
        enterprisenum=210, vcdata=[dhcp6.VENDOR_CLASS_DATA(data=bytes.fromhex(ROUTER.replace(":", "")))]
    )
    return out(
        IPv6(src=ROUTER_LL, dst="ff02::1:2")
        / UDP(sport=546, dport=547)
        / kind(trid=0x3F2A1C)
        / dhcp6.DHCP6OptOptReq(reqopts=[17, 23, 24])
        / dhcp6.DHCP6OptClientId(duid=duid(ROUTER))
        / option
        / dhcp6.DHCP6OptIA_PD(iaid=1)
    )


def dhcpv6_answer(kind):
    vendor = dhcp6.DHCP6OptVendorSpecificInfo(
        enterprisenum=210,
        vso=[
            dhcp6.VENDOR_SPECIFIC_OPTION(optcode=201, optdata=bytes.fromhex(ROUTER.replace(":", ""))),
            dhcp6.VENDOR_SPECIFIC_OPTION(optcode=202, optdata=PHONE.encode()),
            dhcp6.VENDOR_SPECIFIC_OPTION(optcode=204, optdata=b"\x08ntt-east\x02ne\x02jp\x00"),
        ],
    )
    prefix = dhcp6.DHCP6OptIAPrefix(prefix="2001:db8:4000:300::", plen=56, preflft=12600, validlft=14400)
    return back(
        IPv6(src=ACCESS_LL, dst=ROUTER_LL)
        / UDP(sport=547, dport=546)
        / kind(trid=0x3F2A1C)
        / dhcp6.DHCP6OptClientId(duid=duid(ROUTER))
        / dhcp6.DHCP6OptServerId(duid=duid(ACCESS))
        / dhcp6.DHCP6OptIA_PD(iaid=1, T1=7200, T2=10800, iapdopt=[prefix])
        / vendor
        / dhcp6.DHCP6OptDNSServers(dnsservers=["2001:db8:53::1"])
    )


def attribute(code, value):
    return struct.pack("!BB", code, len(value) + 2) + value


def vsa(code, value):
    return attribute(26, struct.pack("!I", 22197) + attribute(code, value))


CHALLENGE = bytes(range(0x41, 0x51))
CHAP = b"\x01" + hashlib.md5(b"\x01" + PASSWORD.encode() + CHALLENGE).digest()
REQUEST = b"".join(
    [
        attribute(1, b"2001:0db8:4000:0300:1111:1111:1111:1111"),
        vsa(1, ROUTER.encode()),
        vsa(2, b"foxconn"),
        vsa(3, b"e-wmta2.3,V5.0.0.1.rc35"),
        vsa(4, b"hw_rev_2.00"),
        attribute(60, CHALLENGE),
        attribute(3, CHAP),
    ]
)
ACCEPT = b"".join(
    [
        vsa(204, bytes([203, 0, 113, 7])),
        vsa(207, bytes.fromhex("20010db8000b00000000000000000001")),
        vsa(205, bytes([198, 51, 100, 53])),
        attribute(27, struct.pack("!I", 86400)),
    ]
)


def radius(code, attributes, identifier=23):
    return Raw(struct.pack("!BBH", code, identifier, 20 + len(attributes)) + bytes(16) + attributes)


def asked(attributes=REQUEST):
    return out(IPv6(src=ENDPOINT, dst=SERVER) / UDP(sport=40001, dport=1812) / radius(1, attributes))


def answered(code, attributes):
    return back(IPv6(src=SERVER, dst=ENDPOINT) / UDP(sport=1812, dport=40001) / radius(code, attributes))


def inside(packet):
    """An IPv4 packet from the LAN host, behind NAT44, in the softwire."""
    return out(IPv6(src=ENDPOINT, dst=BORDER, nh=4) / IP(src=IPV4, dst=WEB4) / packet)


def inside_back(packet):
    return back(IPv6(src=BORDER, dst=ENDPOINT, nh=4) / IP(src=WEB4, dst=IPV4) / packet)


def connection(port, octets=b""):
    """A TCP connection that fetches something."""
    there, here = {"sport": port, "dport": 80}, {"sport": 80, "dport": port}
    return [
        inside(TCP(flags="S", **there)),
        inside_back(TCP(flags="SA", **here)),
        inside(TCP(flags="A", **there)),
        inside(TCP(flags="PA", **there) / Raw(b"GET / HTTP/1.1\r\n\r\n")),
        inside_back(TCP(flags="PA", **here) / Raw(octets)),
        inside(TCP(flags="FA", **there)),
        inside_back(TCP(flags="FA", **here)),
    ]


def next_line():
    advert = ICMPv6ND_RA(M=1, O=1, routerlifetime=1800) / ICMPv6NDOptMTU(mtu=1500)
    return [
        (0.0, out(IPv6(src="::", dst="ff02::1:ff12:3401") / ICMPv6ND_NS(tgt=ROUTER_LL))),
        # A kernel on the other side that is no router yet.
        (0.5, back(IPv6(src="fe80::9", dst="ff02::2") / ICMPv6ND_RS())),
        (1.02, out(IPv6(src=ROUTER_LL, dst="ff02::2") / ICMPv6ND_RS())),
        (1.023, back(IPv6(src=ACCESS_LL, dst="ff02::1") / advert)),
        (1.4, dhcpv6_message(dhcp6.DHCP6_Solicit)),
        (2.4, dhcpv6_message(dhcp6.DHCP6_Solicit)),
        (2.41, dhcpv6_answer(dhcp6.DHCP6_Advertise)),
        (3.42, dhcpv6_message(dhcp6.DHCP6_Request)),
        (3.43, dhcpv6_answer(dhcp6.DHCP6_Reply)),
        (4.0, back(IPv6(src=ACCESS_LL, dst="ff02::1") / advert)),
        (4.612, asked()),
        (6.597, asked()),
        (6.601, answered(2, ACCEPT)),
        (7.0, inside(ICMP(type=8, id=77, seq=1))),
        (7.001, inside_back(ICMP(type=0, id=77, seq=1))),
        (8.0, inside(ICMP(type=8, id=77, seq=2))),
        (8.001, inside_back(ICMP(type=0, id=77, seq=2))),
        *((9 + number / 1000, packet) for number, packet in enumerate(connection(50001, bytes(1200)))),
        (9.5, back(IPv6(src=BORDER, dst=ENDPOINT, nh=4) / IP(src=WEB4, dst=IPV4)
                   / ICMP(type=3, code=4, nexthopmtu=1460))),
        (10.0, out(IPv6(src=HOST6, dst=WEB6) / ICMPv6EchoRequest(id=5))),
        (10.001, back(IPv6(src=WEB6, dst=HOST6) / ICMPv6EchoReply(id=5))),
        (11.0, out(IPv6(src=HOST6, dst=WEB6) / TCP(sport=50002, dport=80, flags="S"))),
        (11.001, back(IPv6(src=WEB6, dst=HOST6) / TCP(sport=80, dport=50002, flags="SA"))),
    ]  # fmt: skip


def captured(path, line):
    """A pcap file, as QEMU would write it."""
    packets = []
    for time, packet in line:
        packet = Ether(bytes(packet))
        packet.time = 1700000000 + time
        packets.append(packet)
    wrpcap(str(path), packets)
    return path


def diagram(tmp_path, line):
    """SVG of a capture of `line`, made as a user makes it; its texts."""
    svg = tmp_path / "line.svg"
    assert sequence.main([str(captured(tmp_path / "line.pcap", line)), str(svg)]) == 0
    tree = ElementTree.parse(svg)
    return svg.read_text(encoding="utf-8"), [
        node.text for node in tree.iter("{http://www.w3.org/2000/svg}text")
    ]


def in_order(told, texts):
    """Each of what is told stands in the texts, behind the one before it."""
    rest = iter(texts)
    for text in told:
        assert text in rest, f"{text!r} is missing, or out of order, in {texts}"


def test_a_next_line_is_told_in_order(tmp_path):
    _, texts = diagram(tmp_path, next_line())
    told = [
        "Router Solicitation",
        "Router Advertisement",
        "M=1 O=1, router lifetime 1800 s",
        "MTU 1500",
        "2 times, last at 4.000 s",
        "Solicit",
        "client id DUID-LL 52:54:00:12:34:01",
        "IA_PD",
        "asks for options 17, 23, 24",
        "vendor class of enterprise 210",
        "2 times, last at 2.400 s",
        "Advertise",
        "Request",
        "Reply",
        "2001:db8:4000:300::/56, preferred 12600 s, valid 14400 s",
        "option 17, enterprise 210: 201 202 204",
        "DNS 2001:db8:53::1",
        "Access-Request",
        "id 23 from " + ENDPOINT,
        "User-Name 2001:0db8:4000:0300:1111:1111:1111:1111",
        "VSA of 22197: 1 2 3 4 (one an attribute)",
        "2 times, last at 6.597 s",
        "Access-Accept",
        "IPv4 address 203.0.113.7",
        "border router 2001:db8:b::1",
        "VSA of 22197: also 205",
        "Session-Timeout 86400 s",
        "IPv4: ICMP echo request",
        "203.0.113.7 → 198.51.100.80",
        f"in IPv6 {ENDPOINT} → {BORDER}",
        "IPv4: ICMP echo reply",
        "IPv4: ICMP, then 2 packets",
        "IPv4: TCP SYN",
        "203.0.113.7:50001 → 198.51.100.80:80",
        "IPv4: TCP SYN ACK",
        "IPv4: TCP, then 5 packets",
        "1418 octets until 9.006 s, FIN",
        "IPv4: ICMP fragmentation needed, MTU 1460",
        "IPv6: ICMPv6 echo request",
        "IPv6: TCP SYN",
        "Left out: 1 NS and NA, 1 RS or RA the other way",
    ]
    in_order(told, texts)


def dhcpv4(kind, *options, op=1, **fields):
    return bytes(
        BOOTP(op=op, xid=0x1A2B3C4D, chaddr=bytes.fromhex(ROUTER.replace(":", "")), **fields)
        / DHCP(options=[("message-type", kind), *options, "end"])
    )


def dhcp4o6_line():
    """DISCOVER by the group, the rest with the server itself; a renewal that is refused."""

    def query(inner, destination, flags=0, more=b""):
        octets = b"\x14" + flags.to_bytes(3, "big") + more + tlv(87, inner)
        return out(IPv6(src=ENDPOINT, dst=destination) / UDP(sport=546, dport=547) / Raw(octets))

    def response(inner, source, more=b""):
        octets = b"\x15\0\0\0" + more + tlv(87, inner)
        return back(IPv6(src=source, dst=ENDPOINT) / UDP(sport=547, dport=546) / Raw(octets))

    def tlv(code, value):
        return struct.pack("!HH", code, len(value)) + value

    ports = (159, bytes([6, 8, 0x34, 0]))
    times = [("lease_time", 7200), ("renewal_time", 3600), ("rebinding_time", 6300)]
    server = "2001:db8:547::547"
    routers = tlv(90, bytes.fromhex("20010db8000b00000000000000000001"))
    return [
        (0.0, query(dhcpv4("discover"), "ff02::1:2", more=tlv(6, bytes([0, 90, 0, 137])))),
        (0.1, response(dhcpv4("offer", ports, *times, op=2, yiaddr=IPV4), ACCESS_LL, routers)),
        (0.2, query(dhcpv4("request", ("requested_addr", IPV4), ports), server)),
        (0.3, response(dhcpv4("ack", ports, *times, op=2, yiaddr=IPV4), server)),
        (9.0, query(dhcpv4("request", ports, ciaddr=IPV4), server, 0x800000)),
        (9.1, response(dhcpv4("nak", op=2), server)),
        (9.2, query(b"\1" * 30, server)),
    ]


def test_dhcpv4_in_dhcpv6_is_told_by_its_inner_names(tmp_path):
    svg, texts = diagram(tmp_path, dhcp4o6_line())
    told = [
        "DHCPv4 server",
        "DHCPV4-QUERY (DISCOVER)",
        "transaction 1a2b3c4d",
        "asks for options 90, 137",
        "to the group ff02::1:2, for the relay",
        "DHCPV4-RESPONSE (OFFER)",
        "IPv4 address 203.0.113.7",
        "lease 7200 s, T1 3600 s, T2 6300 s",
        "port set: offset 6, PSID 52 of 8 bits",
        "border router 2001:db8:b::1",
        "DHCPV4-QUERY (REQUEST)",
        "IPv4 address 203.0.113.7",
        "DHCPV4-RESPONSE (ACK)",
        "DHCPV4-QUERY (REQUEST)",
        "transaction 1a2b3c4d, U flag",
        "DHCPV4-RESPONSE (NAK)",
        "DHCPV4-QUERY without a DHCPv4 message",
    ]
    in_order(told, texts)
    assert svg.count('<line class="error"') == 3  # two, and what the colour means


def test_names_are_told_with_what_the_resolver_has_for_them(tmp_path):
    resolver, aftr = "2001:db8:53::1", "2001:db8:b::6333"
    ask = IPv6(src=ENDPOINT, dst=resolver) / UDP(sport=40000, dport=53)
    tell = IPv6(src=resolver, dst=ENDPOINT) / UDP(sport=53, dport=40000)
    parts = ["v=v6mig-1 ", "url=https://vne.example/ t=b"]
    record = dns.DNSRR(rrname="4over6.info", type="TXT", ttl=60, rdata=parts)
    name = dns.DNSQR(qname="gw.vne.example", qtype="AAAA")
    discovery = dns.DNSQR(qname="4over6.info", qtype="TXT")
    line = [
        (1, out(ask / dns.DNS(qd=discovery))),
        (2, back(tell / dns.DNS(qr=1, qd=discovery, an=record))),
        (3, out(ask / dns.DNS(id=1, qd=name))),
        (4, back(tell / dns.DNS(id=1, qr=1, rcode=3, qd=name))),
        (5, out(IPv6(src=ENDPOINT, dst=aftr) / IP(src="192.0.0.2", dst=WEB4) / ICMP(id=7))),
    ]
    _, texts = diagram(tmp_path, line)
    assert "DNS: TXT of 4over6.info" in texts and "v=v6mig-1 url=https://vne.example/ t=b, for 60 s" in texts
    assert "NXDOMAIN" in texts and "AFTR" in texts and "border router" not in texts


def test_secrets_and_phone_numbers_stay_out(tmp_path):
    with_phone = attribute(1, b"0312345678@ntt-east.ne.jp") + REQUEST
    rejected = answered(3, attribute(18, b"no 08012345678"))
    svg, texts = diagram(tmp_path, next_line() + [(20, asked(with_phone)), (21, rejected)])
    assert PHONE not in svg and "08012345678" not in svg
    assert "User-Name 03********@ntt-east.ne.jp" in texts and "says: no 08*********" in texts
    for secret in (PASSWORD.encode(), CHALLENGE, CHAP):
        assert secret.decode("latin-1") not in svg and secret.hex() not in svg


def test_a_reject_is_an_error_and_its_vsas_are_nobodys(tmp_path):
    svg, texts = diagram(tmp_path, [(0, asked()), (1, answered(3, ACCEPT))])
    assert "Access-Reject" in texts and "VSA of 22197: 204 207 205, not to be used" in texts
    assert "IPv4 address 203.0.113.7" not in texts
    assert '<line class="error"' in svg


def test_cross_packs_four_vsas_into_one_attribute(tmp_path):
    four = b"".join(attribute(number, b"x") for number in (1, 2, 3, 4))
    packed = attribute(26, struct.pack("!I", 22197) + four)
    _, texts = diagram(tmp_path, [(0, asked(attribute(1, b"2001:0db8:4000:0300") + packed))])
    assert "VSA of 22197: 1 2 3 4 (in one attribute)" in texts


def test_destination_options_before_the_inner_packet_show(tmp_path):
    packet = IPv6(src=ENDPOINT, dst=BORDER) / IPv6ExtHdrDestOpt(nh=4) / IP(src=IPV4, dst=WEB4) / ICMP(id=1)
    _, texts = diagram(tmp_path, [(0, asked()), (1, out(packet))])
    assert f"in IPv6 {ENDPOINT} → {BORDER}, with Destination Options" in texts


def test_many_connections_alike_are_told_once(tmp_path):
    line = [(0, asked())] + [(1 + port, packet) for port in range(40) for packet in connection(50000 + port)]
    _, texts = diagram(tmp_path, line)
    assert texts.count("IPv4: TCP SYN") == sequence.SINGLE_FLOWS
    assert "IPv4: TCP, 38 more alike, 266 packets" in texts


def test_a_line_of_other_addresses_is_known_by_what_they_do(tmp_path):
    request = UDP(sport=4, dport=1812) / radius(1, REQUEST)
    foreign = [
        (0, out(IPv6(src="2001:db8:77::5", dst="2001:db8:99::1") / request)),
        (1, out(IPv6(src="2001:db8:77::5", dst="2001:db8:88::1", nh=4) / IP(dst="192.0.2.1") / ICMP())),
    ]
    _, texts = diagram(tmp_path, foreign)
    assert texts[2:10] == [
        "LAN host", "behind NAT44", "router", "2001:db8:77::5", "RADIUS server", "2001:db8:99::1",
        "border router", "2001:db8:88::1",
    ]  # fmt: skip


def test_texts_of_a_diagram_do_not_overlap(tmp_path):
    svg, _ = diagram(tmp_path, next_line())
    # Every text of a step has a rectangle behind it that covers it.
    boxes = [
        tuple(float(box.get(key)) for key in ("x", "y", "width", "height"))
        for box in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect")
        if box.get("class") == "ground" and box.get("x")
    ]
    width = float(ElementTree.fromstring(svg).get("width"))
    assert len(boxes) > 60
    for number, (x, y, wide, high) in enumerate(boxes):
        assert x >= 0 and x + wide <= width
        for x2, y2, wide2, high2 in boxes[number + 1 :]:
            assert x + wide <= x2 or x2 + wide2 <= x or y + high <= y2 or y2 + high2 <= y


@pytest.mark.parametrize("cut", range(15, 400, 5))
def test_broken_frames_are_left_out_or_told(tmp_path, cut):
    broken = [(time, Raw(bytes(packet)[:cut])) for time, packet in next_line() + dhcp4o6_line()]
    diagram(tmp_path, broken)


def test_a_capture_that_ends_in_a_packet_is_read_that_far(tmp_path):
    path = captured(tmp_path / "cut.pcap", next_line())
    last = len(bytes(next_line()[-1][1]))
    path.write_bytes(path.read_bytes()[: -last - 3])
    assert len(list(sequence.read(str(path)))) == len(next_line()) - 1


def test_a_name_for_no_lane_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        sequence.main(["in.pcap", "out.svg", "--name", "2001:db8::1=moon"])
    assert "moon" in capsys.readouterr().err


DSTM_SERVER = "2001:db8:547::547"


def tsp_line():
    """A login by DIGEST-MD5, an address, and the server's Delete of it, as the profile's section 4 has them."""
    address, node, tep = (int(ipaddress.ip_address(one)) for one in (IPV4, ENDPOINT, BORDER))
    client, server = tsp.Side(address, [node]), tsp.Side(int(ipaddress.ip_address("192.0.2.1")), [tep])
    info, delete = tsp.Message("info", client, server, 3600), tsp.Message("delete", client, server)
    challenge = tspdigest.challenge(b"dstm", b"nonce")
    answer, proof = tspdigest.answer(challenge.strip(), b"ann", PASSWORD.encode(), b"tsp/x", b"c")
    said = [
        (True, b"VERSION=1.0\r\n"),
        (False, tsp.capability(["DIGEST-MD5"])),
        (True, b"AUTHENTICATE DIGEST-MD5\r\n"),
        (False, challenge),
        (True, answer),
        (False, b"OK Authentication successful\r\n"),
        (True, tsp.frame(tsp.Message("create", tsp.Side(None, [node])).xml())),
        (False, tsp.frame(info.xml(), "200 OK")),
        (False, tsp.frame(delete.xml(), "200 OK")),
        (True, tsp.frame(b"", tsp.refusal(tsp.EXHAUSTED))),
        (False, b"<nonsense>\r\n"),
    ]
    for number, (asks, octets) in enumerate(said):
        ends = (ENDPOINT, DSTM_SERVER) if asks else (DSTM_SERVER, ENDPOINT)
        ports = (40000, tsp.PORT) if asks else (tsp.PORT, 40000)
        tcp = TCP(sport=ports[0], dport=ports[1], flags="PA", seq=number)
        yield number, (out if asks else back)(IPv6(src=ends[0], dst=ends[1]) / tcp / Raw(octets))


def test_tsp_in_words(tmp_path):
    svg, texts = diagram(tmp_path, list(tsp_line()))
    for name in (
        "DSTM server",
        "router",
        "VERSION 1.0",
        "AUTHENTICATE DIGEST-MD5",
        "Tunnel Create",
        "Tunnel Info",
    ):
        assert name in texts, name
    for detail in (
        f"node {IPV4}",
        f"border router {BORDER}",
        "lifetime 3600 s",
        "306 Address Pool Exhausted",
    ):
        assert any(detail in (text or "") for text in texts), detail
    assert texts.count("Tunnel Delete") == 1 and texts.count("login") == 3
    assert PASSWORD not in svg and "cmVhbG0" not in svg and "username" not in svg


def test_an_ia_dstm_in_words(tmp_path):
    ia = iadstm.Association(0x11111111, 30, 48)
    ia.addresses, ia.teps = [(int(ipaddress.ip_address(IPV4)), 60, 60)], [int(ipaddress.ip_address(BORDER))]
    ia.ports = 4096, 8191
    options = dhcp6.DHCP6OptClientId(duid=duid(ROUTER)) / Raw(iadstm.write(ia, iadstm.CODES))
    asked = (
        IPv6(src=ROUTER_LL, dst="ff02::1:2")
        / UDP(sport=546, dport=547)
        / dhcp6.DHCP6_Request(trid=7)
        / options
    )
    told = (
        IPv6(src=ACCESS_LL, dst=ROUTER_LL) / UDP(sport=547, dport=546) / dhcp6.DHCP6_Reply(trid=7) / options
    )
    _, texts = diagram(tmp_path, [(0, out(asked)), (1, back(told))])
    for detail in (
        "IA_DSTM 0x11111111, T1 30 s, T2 48 s",
        f"::ffff:{IPV4}, valid 60 s",
        f"border router {BORDER}",
    ):
        assert any(detail in (text or "") for text in texts), detail
    assert any("ports 4096-8191" in (text or "") for text in texts)
