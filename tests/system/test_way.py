# SPDX-License-Identifier: Apache-2.0
"""The whole way when nothing goes wrong: what the router has, what passed over the line, what comes through."""

import ipaddress
import re

import pytest
from scapy.layers.dhcp6 import (
    DHCP6OptClientId,
    DHCP6OptIA_NA,
    DHCP6OptIA_PD,
    DHCP6OptOptReq,
    DHCP6OptVendorClass,
)
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.radius import Radius

from tests.lab import addresses
from tests.system import capture

USER_NAME = "2001:0db8:4000:0300:1111:1111:1111:1111"
VENDOR_OPTS, CHAP_PASSWORD, CHAP_CHALLENGE = 17, 3, 60
# conntrack writes all eight groups, zeros included.
# The tunnel's own: one that an earlier test had to another border router is remembered for ten minutes.
FLOW = "grep -q 'unknown  *4 .* src={} dst={} ' /proc/net/nf_conntrack".format(
    *(ipaddress.ip_address(address).exploded for address in (addresses.ENDPOINT, addresses.BORDER_ROUTER))
)
CONNTRACK_TIMEOUT = "/proc/sys/net/netfilter/nf_conntrack_generic_timeout"

FORWARDED_PORT = """
config redirect
	option name 'Web'
	option src 'wan'
	option src_dport '8080'
	option dest 'lan'
	option dest_ip '192.168.1.100'
	option dest_port '80'
	option proto 'tcp'
	option target 'DNAT'
"""


# --- the router


def test_tunnel_device(line):
    """The device is an ipip6 tunnel between both endpoints, without encapsulation limit, its MTU the line's less 40."""
    line.need("ip-full")
    device = line.router.check("/sbin/ip -d link show dev sw-wan")
    assert " mtu 1460 " in device
    assert (
        f" ipip6 remote {addresses.BORDER_ROUTER} local {addresses.ENDPOINT} dev eth1 hoplimit 64 " in device
    )
    assert " encaplimit none " in device


def test_addresses_and_routes(line):
    """The IPv4 address is on the tunnel, the endpoint on lo; the default route leads into the tunnel."""
    assert f" {addresses.IPV4}/32 " in line.router.check("/sbin/ip -4 -o address show dev sw-wan")
    assert line.endpoints() == [addresses.ENDPOINT]
    assert line.router.check("/sbin/ip -4 route show default").startswith("default dev sw-wan ")


def test_lan_prefix(line):
    """The LAN has the first part of the delegated prefix, as large as its ip6assign: 60 by default, 64 in the lab's."""
    size = line.router.check("uci get network.lan.ip6assign").strip()
    assert f" 2001:db8:4000:300::1/{size} " in line.router.check(
        "/sbin/ip -6 -o address show dev br-lan scope global"
    )


def test_resolvers(line):
    """The resolvers of the Access-Accept are the router's."""
    servers = line.router.check(
        "sed -n '/^# Interface wan$/,/^# Interface wan6/p' /tmp/resolv.conf.d/resolv.conf.auto"
    )
    assert re.findall(r"nameserver (\S+)", servers)[:4] == [
        "198.51.100.53", "198.51.100.54", "2001:db8:53::1", "2001:db8:53::2",
    ]  # fmt: skip


def test_status(line):
    """`softwire status` shows the softwire and what the line told about the telephone."""
    status = line.router.check("softwire status wan")
    assert status.startswith("wan: up\n")
    for told in (
        f"softwire   {addresses.ENDPOINT} -> {addresses.BORDER_ROUTER}",
        f"IPv4       {addresses.IPV4}/32",
        f"telephone  {', '.join(addresses.NUMBERS)}, SIP domain ntt-east.ne.jp",
        f"MAC echo   {addresses.WAN_MAC}",
        "version server www.verinfo.hgw.flets-east.jp",
    ):
        assert told in status


def test_probe(line):
    """`softwire probe` tells each step of the way, shows no secret, and changes nothing."""

    def state():
        events = line.router.check('/sbin/logread -e "Interface \'wan" | wc -l')
        return line.ifindex(), line.client(), line.status()["asked"], events

    before = state()
    told = line.router.check("softwire probe wan")
    steps = "configuration", "line", "vendor options", "endpoint", "exchange", "softwire"
    assert [step for step in steps if not re.search(f"^{step} ", told, re.MULTILINE)] == []
    assert f"IPv4 {addresses.IPV4}/32, MTU 1460" in told
    assert addresses.SHARED_SECRET not in told and addresses.PASSWORD not in told
    assert state() == before


# --- the LAN host


def test_native_ipv6(line):
    """The LAN host made itself an address of the delegated prefix, and the IPv6 internet sees that very address."""
    seen = line.seen_by_ipv6()
    assert seen.startswith("2001:db8:4000:300:")
    assert f" {seen}/64 " in line.lanhost.check("ip -6 -o address show dev eth0 scope global")


def test_nat(line):
    """TCP of the LAN host leaves under the softwire's IPv4 address, and 4 MB come back whole."""
    assert line.seen_by_ipv4() == addresses.IPV4
    size = line.lanhost.check(
        f"curl -4 -s -m 60 -o /dev/null -w '%{{size_download}}' http://{addresses.INTERNET4}/big"
    )
    assert size.strip() == "4194304"


def test_largest_packet(line):
    """With DF set an IPv4 packet of 1460 octets passes in one outer packet of 1500, one of 1461 is "too big"."""
    line.lanhost.check("ip route flush cache")
    line.lanhost.check(f"ping -c 1 -W 5 -M do -s {1460 - 28} {addresses.INTERNET4}")
    output, status = line.lanhost.run(f"ping -c 1 -W 5 -M do -s {1461 - 28} {addresses.INTERNET4}")
    assert status and "Frag needed and DF set (mtu = 1460)" in output
    assert max(packet.plen for packet in capture.tunnelled(line.lab.capture)) == 1460


def held_back(where, packets):
    """An nft script for the router: such packets of the tunnel's do not leave."""
    chain = f"type filter hook output priority {where}; meta l4proto 4 {packets} drop;"
    return f"add table ip6 idle; delete table ip6 idle; table ip6 idle {{ chain out {{ {chain} }}; }}"


# Before conntrack sees them; behind it, what would begin a flow.
SILENCE, NO_BEGINNING = held_back("raw", ""), held_back("filter", "ct state new")


@pytest.fixture
def idle(line):
    """Makes the line idle, whoever on the router talks: conntrack knows no tunnel packets, as ten minutes after the

    last one, and none that leaves makes it know some. What answers somebody outside still leaves.
    """

    def forget():
        line.wait(forgotten, 90, "the tunnel's flow is forgotten")
        line.router.check(f"nft '{NO_BEGINNING}'")

    def forgotten():
        line.router.check("nft delete table ip6 idle 2> /dev/null; :")
        # The next packet's flow lives one second; a flow without another packet lives on for ten minutes.
        line.router.check(f"echo 1 > {CONNTRACK_TIMEOUT}")
        line.wait(line.seen_by_ipv4, 60, "a packet passes")
        line.router.check(f"nft '{SILENCE}'")
        # What comes from outside may keep it, too: then once more.
        line.router.wait_until(f"! {FLOW}", 10, line.router.run("grep ' 4 ' /proc/net/nf_conntrack")[0])
        return True

    yield forget
    line.router.check(f"echo 600 > {CONNTRACK_TIMEOUT}; nft delete table ip6 idle 2> /dev/null; :")


def test_forwarded_port(line, idle):
    """A connection from the IPv4 internet reaches a forwarded port on an idle line: our firewall rule lets it in."""

    def connect():
        # Services of the router talk at any moment: one such packet, let out, would let everything in for a while.
        line.router.run(f"ping -c 1 -W 1 {addresses.INTERNET4}")
        return line.lab.internet4.run(f"curl -s -m 5 http://{addresses.IPV4}:8080/")[0].strip()

    line.router.check(
        f'cp /etc/config/firewall /etc/firewall.saved; printf %s "{FORWARDED_PORT}" >> /etc/config/firewall'
    )
    try:
        line.router.check("/etc/init.d/firewall reload")
        idle()
        assert connect() == addresses.INTERNET4
        # The same without the rule: it is needed.
        rules = line.router.check("nft -a list chain inet fw4 input")
        ours = re.findall(rf".*{addresses.BORDER_ROUTER}.*# handle (\d+)", rules)
        assert len(ours) == 1
        line.router.check(f"nft delete rule inet fw4 input handle {ours[0]}")
        idle()
        assert connect() == ""
    finally:
        line.router.check("mv /etc/firewall.saved /etc/config/firewall; /etc/init.d/firewall reload")


# --- the line


def test_no_destination_options(line):
    """No tunnel packet has a header between IPv6 and IPv4, as the Tunnel Encapsulation Limit is (RFC 2473)."""
    headers = {packet.nh for packet in capture.tunnelled(line.lab.capture)}
    # What the firewall rejects is answered by ICMPv6.
    assert headers - {58} == {capture.PROTOCOL_IPIP}


def test_segment_size(line):
    """The LAN host's TCP says on the way out that segments have to fit the tunnel: MTU 1460 less 40."""
    sizes = {
        dict(packet[TCP].options)["MSS"]
        for packet in capture.tunnelled(line.lab.capture)
        if TCP in packet and packet[IP].dst == addresses.INTERNET4 and packet[TCP].flags == "S"
    }
    assert sizes == {1420}


def test_solicit(line):
    """The Solicit is what NTT's network answers: DUID-LL, vendor class with the MAC, option 17 asked, IA_PD alone."""
    solicit = capture.first_solicit(line.lab.capture)
    duid = solicit[DHCP6OptClientId].duid
    assert (duid.type, duid.lladdr) == (3, addresses.WAN_MAC)
    vendor_class = solicit[DHCP6OptVendorClass]
    assert vendor_class.enterprisenum == 210
    assert [item.data.hex(":") for item in vendor_class.vcdata] == [addresses.WAN_MAC]
    assert VENDOR_OPTS in solicit[DHCP6OptOptReq].reqopts
    assert DHCP6OptIA_PD in solicit and DHCP6OptIA_NA not in solicit


def test_radius_request(line):
    """The Access-Request leaves from the endpoint, with the attributes of a NEXT line's own unit in their order."""
    packet = capture.first_radius_request(line.lab.capture)
    assert (packet[IPv6].src, packet[IPv6].dst) == (addresses.ENDPOINT, addresses.RADIUS)
    attributes = packet[Radius].attributes
    assert [(one.type, getattr(one, "vendor_type", None)) for one in attributes] == [
        (1, None), (26, 1), (26, 2), (26, 3), (26, 4), (CHAP_CHALLENGE, None), (CHAP_PASSWORD, None),
    ]  # fmt: skip
    assert [one.value for one in attributes[:5]] == [
        USER_NAME.encode(), addresses.WAN_MAC.encode(), b"foxconn", b"e-wmta2.3,V5.0.0.1.rc35", b"hw_rev_2.00",
    ]  # fmt: skip
    assert {one.vendor_id for one in attributes[1:5]} == {22197}
    assert len(attributes[5].value) == 16
    assert len(attributes[6].value) == 17 and attributes[6].value[0] == 1
