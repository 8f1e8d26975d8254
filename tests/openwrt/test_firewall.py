# SPDX-License-Identifier: Apache-2.0
"""fw4's stand-in: zones from uci and data.zone, rules of data.firewall, forwarding to a host, what is
skipped."""

import pytest

from firewall.ruleset import Ruleset, sections_of
from firewall.zones import physical
from openwrt_root import ROOT
from standin import uci

RULE = {
    "type": "rule",
    "device": "eth1",
    "direction": "in",
    "src": "wan",
    "family": "ipv6",
    "proto": "4",
    "src_ip": "2001:db8:b::1",
    "dest_ip": "2001:db8::1",
    "target": "ACCEPT",
}
INTERFACES = [
    {"interface": "lan", "l3_device": "br-lan", "data": {}},
    {"interface": "wan6", "device": "eth1", "data": {}},
    {"interface": "wan", "l3_device": "sw-wan", "proto": "softwire", "data": {"firewall": [RULE]}},
    {"interface": "other", "l3_device": "tun0", "data": {"zone": "wan"}},
]


@pytest.fixture
def rendered():
    def render(more="", interfaces=INTERFACES):
        text = (ROOT / "etc/config/firewall").read_text() + more
        package = type("Package", (), {"sections": uci.parse(text, "firewall")})
        warnings = []
        ruleset = Ruleset(sections_of(package), interfaces, warnings.append)
        return ruleset, ruleset.render(), warnings

    return render


def chain(text, name):
    return text.split(f"chain {name} {{", 1)[1].split("}\n\t", 1)[0]


def test_zones(rendered):
    ruleset, text, warnings = rendered()
    assert not warnings
    assert {zone.name: zone.devices for zone in ruleset.zones} == {
        "lan": ["br-lan"],
        "wan": ["eth1", "sw-wan", "tun0"],
    }
    assert 'oifname { "eth1", "sw-wan", "tun0" } masquerade' in text
    assert (
        'oifname { "eth1", "sw-wan", "tun0" } tcp flags syn / fin,syn,rst tcp option maxseg size set rt mtu'
        in text
    )
    assert 'udp dport 546 counter accept comment "!fw4: Allow-DHCPv6"' in text


def test_rule_of_an_interface(rendered):
    lines = chain(rendered()[1], "input_wan")
    assert (
        'iifname "eth1" ip6 saddr 2001:db8:b::1 ip6 daddr 2001:db8::1 meta l4proto 4 counter accept '
        'comment "!fw4: ubus:wan[softwire] rule 0"'
    ) in lines
    assert lines.index("l4proto 4") < lines.index("jump handle_reject")


def test_rule_without_device_is_bound_to_the_interface(rendered):
    rule = {name: value for name, value in RULE.items() if name != "device"}
    interfaces = [dict(INTERFACES[2], data={"firewall": [rule]})]
    assert 'iifname "sw-wan" ip6 saddr 2001:db8:b::1' in rendered(interfaces=interfaces)[1]


def test_redirect(rendered):
    text = rendered(
        "\nconfig redirect\n\toption name 'web'\n\toption src 'wan'\n\toption dest 'lan'\n"
        "\toption src_dport '8080'\n\toption proto 'tcp'\n\toption dest_ip '192.168.1.100'\n"
        "\toption dest_port '80'\n"
    )[1]
    assert 'meta nfproto ipv4 tcp dport 8080 counter dnat ip to 192.168.1.100:80 comment "!fw4: web"' in text
    assert "ct status dnat accept" in chain(text, "forward_wan")


def test_includes_and_offloading(rendered, tmp_path):
    """What a package brought comes behind the table, unless it is turned off; tunnels are not offloaded."""
    for path in ("br-lan/lower_lan1", "lan1/device", "eth1/device", "sw-wan"):
        (tmp_path / path).mkdir(parents=True)
    default = (ROOT / "etc/config/firewall").read_text()
    change = "config defaults\n\toption flow_offloading '1'\n\toption auto_includes '0'\n"
    for text, includes, offload in (
        (default, True, False),
        (default.replace("config defaults\n", change), False, True),
    ):
        package = type("Package", (), {"sections": uci.parse(text, "firewall")})
        files = ["/usr/share/nftables.d/ruleset-post/a.nft"]
        ruleset = Ruleset(
            sections_of(package), INTERFACES, None, files, lambda names: physical(names, str(tmp_path))
        )
        lines = [line.strip() for line in ruleset.render().split("\n")]
        assert (lines[-2] == f'include "{files[0]}"') == includes
        assert ('hook ingress priority 0; devices = { "eth1", "lan1" };' in lines) == offload
        assert ("meta l4proto { tcp, udp } flow offload @ft" in lines) == offload


@pytest.mark.parametrize(
    "change",
    [
        {"src": "nozone"},
        {"family": "ipv5"},
        {"target": "MAYBE"},
        {"src_ip": "x"},
        {"direction": "sideways"},
        {"dest_port": "80"},
        {"unknown": "x"},
        {"family": "ipv4"},
    ],
)
def test_skipped_with_a_warning(rendered, change):
    interfaces = [dict(INTERFACES[2], data={"firewall": [dict(RULE, **change)]})]
    text, warnings = rendered(interfaces=interfaces)[1:]
    assert len(warnings) == 1 and "l4proto 4" not in text
