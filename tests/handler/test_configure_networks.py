# SPDX-License-Identifier: Apache-2.0
"""`softwire configure` on configurations as households have them: aliases, old words, VLANs, other tunnels, comments.

The forms in networks/ were seen in public backups of routers and in issues (openwrt#14024, #16180, luci#1918,
openwrt-jp-ipoe#16) and in OpenWrt's wiki; names and addresses are ours.
"""

import pathlib
import subprocess

import pytest

from uci_router import DEFAULT, FIREWALL, LAN, SOFTBANK

NETWORKS = pathlib.Path(__file__).with_name("networks")
STAYS = ("softbank", "--auth-server", "2001:db8:1812::1")
ENDPOINT = ("static", "--peeraddr", "2001:db8:b::1", "--ipaddr", "192.0.2.1")


@pytest.fixture
def household(router):
    """household(form, ports...): the router with this configuration."""

    def take(form, *ports):
        text = (NETWORKS / (form + ".txt")).read_text(encoding="utf-8")
        router.write("etc/config/network", text)
        router.ports(*ports)
        return text

    return take


def warnings(output):
    return [line.removeprefix("Warning: ") for line in output.splitlines() if line.startswith("Warning: ")]


# Form, ports of the router, the port that wan6 moves to, how wan6 rides on wan, its other options.
ALIASES = [
    (
        "dsa-alias",
        ("lan1", "lan2", "lan3", "wan"),
        "wan",
        "@wan",
        {"reqaddress": ["try"], "reqprefix": ["auto"]},
    ),
    ("ifname", ("eth0", "eth1"), "eth0.2", "@wan", {}),
    ("pppoe-vlan", ("eth0", "eth1"), "eth1.35", "pppoe-wan", {}),
    ("chain", ("eth0", "eth1"), "eth0", "@wan", {}),
    ("written-by-hand", ("eth0", "eth1"), "eth0", "@wan", {}),
]


@pytest.mark.parametrize(
    ("form", "ports", "port", "word", "others"), ALIASES, ids=lambda one: one if isinstance(one, str) else "-"
)
def test_the_line_rides_on_what_becomes_the_softwire(router, household, form, ports, port, word, others):
    """It moves to the port before the softwire takes its carrier's place, which is said; undo puts both back."""
    household(form, *ports)
    before = router.sections()
    status, output = router.scripted(*STAYS)
    assert status == 0, output
    told = f"interface wan6 rides on wan ({word}), which becomes the softwire over it: it moves to the port, {port}"
    assert told in warnings(output)
    # Its device was wan's alone, or what wan's protocol made.
    assert f"\n  /etc/init.d/firewall reload  # once 'ifstatus wan6' tells the device {port}\n" in output
    after = router.sections()
    assert after["wan6"] == {"proto": ["dhcpv6"], "device": [port], **others}
    assert (after["wan"]["proto"], after["wan"]["tunlink"]) == (["softwire"], ["wan6"])
    assert "device" not in after["wan"] and "ifname" not in after["wan"]
    for name in before.keys() - {"wan", "wan6"}:
        assert after[name] == before[name]
    # Once more there is nothing left to move.
    status, output = router.scripted(*STAYS)
    assert status == 0 and "Nothing to change" in output and "moves to the port" not in output
    assert router.configure("--undo", "--yes")[0] == 0
    assert router.sections() == before


@pytest.mark.parametrize(
    ("form", "ports", "port", "word", "others"), ALIASES, ids=lambda one: one if isinstance(one, str) else "-"
)
def test_with_a_port(router, household, form, ports, port, word, others):
    """--wan makes a flets line of it, whatever it rode on before."""
    household(form, *ports)
    before = router.sections()
    status, output = router.scripted("softbank", "--wan", port, "--auth-server", "2001:db8:1812::1")
    assert status == 0, output
    assert router.sections()["wan6"] == {"proto": ["flets"], "device": [port]}
    assert not [line for line in warnings(output) if "wan6" in line or "has no port" in line]
    assert router.configure("--undo", "--yes")[0] == 0
    assert router.sections() == before


def test_what_else_rides_on_the_name(router, household):
    """It moves onto the tunnel: said of each, and how it can be kept where it is."""
    household("chain", "eth0")
    told = warnings(router.scripted(*STAYS)[1])
    moves = "interface {} rides on wan ({}): it moves onto the softwire"
    keeps = "; uci set network.{}.device=eth0 keeps it on the port"
    for key, word, end in (
        ("iptv", "@wan", keeps.format("iptv")),
        ("@interface[7]", "@iptv", keeps.format("@interface[7]")),
        ("@alias[0]", "interface wan", ""),
    ):
        assert moves.format(key, word) + end in told
    assert not [line for line in told if "Bypass" in line and "moves" in line]
    # They ride on the softwire now: a change of it moves nothing.
    assert not [
        line for line in warnings(router.scripted(*STAYS, "--mtu", "1400")[1]) if "moves onto" in line
    ]


# The options of wan and of wan6, and what is told of them.
NOWHERE = [
    (
        "proto qmi, device /dev/cdc-wdm0",
        "proto dhcpv6, device @wan",
        "rides on wan (@wan), which becomes the softwire",
    ),
    ("proto dhcp", "proto dhcpv6, ifname @wan", "rides on wan (@wan), which"),
    ("proto dhcp, type bridge, ifname eth1 eth2", "proto dhcpv6, device @wan", "rides on wan (@wan), which"),
    ("proto dhcp, device eth1", "proto dhcpv6, device @wan6", "rides on itself (@wan6): --wan PORT"),
    ("proto dhcp, device @wan6", "proto dhcpv6, device @wan", "rides on wan (@wan), which"),
    ("proto dhcp, device eth1", "proto 6in4, tunlink wan", "rides on wan (tunlink wan), which"),
    ("proto dhcp, device eth1", "proto 6rd", "is of proto 6rd, IPv6 over the IPv4 that it is to carry"),
    ("proto pppoe, username u", "proto dhcpv6, device @wan_6", "rides on wan (@wan_6), which"),
    # What an earlier version of the command left behind: a softwire over its own line.
    ("proto softwire, tunlink wan6", "proto dhcpv6, device @wan", "rides on wan (@wan), which"),
]


@pytest.mark.parametrize(("wan", "wan6", "told"), NOWHERE)
def test_no_port_to_move_to(router, wan, wan6, told):
    """Refused before anything is asked; with --wan all of them are well."""
    network = LAN
    for name, options in ("wan", wan), ("wan6", wan6):
        network += f"\nconfig interface '{name}'\n"
        for option in options.split(", "):
            network += "\toption {} '{}'\n".format(*option.split(" ", 1))
    router.write("etc/config/network", network)
    status, output = router.configure(*STAYS)
    assert status == 1 and "BAD_CONFIG: interface wan6 " + told in output and "--wan PORT" in output, output
    assert router.read() == network
    assert router.scripted(*SOFTBANK)[0] == 0
    assert router.sections()["wan6"] == {"device": ["eth1"], "proto": ["flets"]}


def test_another_alias_stays(router):
    """What the line rides on otherwise is nobody's business."""
    network = DEFAULT.replace("'eth1'\n\toption proto 'dhcpv6'", "'@Internet'\n\toption proto 'dhcpv6'")
    router.write("etc/config/network", network + "\nconfig interface 'Internet'\n\toption device 'eth1'\n")
    status, output = router.scripted(*STAYS)
    assert status == 0 and router.sections()["wan6"]["device"] == ["@Internet"]
    assert not [line for line in warnings(output) if "rides" in line]


def test_a_device_that_a_protocol_makes_is_no_port(router, household):
    before = household("pppoe-vlan", "eth0", "eth1")
    status, output = router.scripted("softbank", "--wan", "pppoe-wan", "--auth-server", "2001:db8:1812::1")
    assert status == 1
    assert "BAD_CONFIG: option --wan 'pppoe-wan': interface wan makes it: its port would be right" in output
    assert router.read() == before


def test_a_port_without_ipv6(router, household):
    """Netifd turns it off for the device, whoever says so; the softwire's own old section says it no more."""
    household("pppoe-vlan", "eth0", "eth1")
    off = (
        "option ipv6 of network.@device[1] turns IPv6 off on port eth1.35: uci delete network.@device[1].ipv6"
    )
    assert off in warnings(router.scripted(*STAYS)[1])
    household("turned-off", "lan1", "wan")
    assert not [line for line in warnings(router.scripted(*STAYS)[1]) if "turns IPv6 off" in line]
    router.write(
        "etc/config/network",
        DEFAULT + "\nconfig interface 'b'\n\toption device 'eth1'\n\toption ipv6 'off'\n",
    )
    told = warnings(router.scripted(*SOFTBANK)[1])
    assert "option ipv6 of network.b turns IPv6 off on port eth1: uci delete network.b.ipv6" in told
    assert "port eth1 is also the device of interface b" in told


def test_turned_off(router, household):
    household("turned-off", "lan1", "wan")
    status, output = router.scripted(*STAYS)
    assert status == 0
    assert warnings(output) == [
        "option disabled keeps interface wan6 from coming up: uci delete network.wan6.disabled",
        "option auto keeps interface wan6 from coming up: uci delete network.wan6.auto",
    ]


def test_other_ways_to_ipv4_over_the_line(router, household):
    household("map-e", "eth0", "eth1")
    status, output = router.scripted(*STAYS, "--line", "ONU6")
    assert status == 0
    told = [line for line in warnings(output) if "brings IPv4" in line]
    assert told == [
        "interface mape (map) brings IPv4 over ONU6, too: uci set network.mape.disabled=1 turns it off",
        "interface wan4 (dslite) brings IPv4 over ONU6, too: uci set network.wan4.disabled=1 turns it off",
    ]
    assert router.sections()["ONU6"]["ip6prefix"] == ["2001:db8:5::/64"]


def test_by_hand(router, household):
    """Words without quotes, comments, carriage returns; comments go with any commit of uci's, which is said."""
    text = household("written-by-hand", "eth0", "eth1")
    router.write("etc/config/network", text.replace("\n", "\r\n"))
    status, output = router.scripted(*STAYS)
    assert status == 0, output
    assert "the comments in /etc/config/network go, as with every uci commit" in warnings(output)
    assert router.sections()["wan6"] == {"proto": ["dhcpv6"], "device": ["eth0"]}
    assert router.sections()["loopback"]["netmask"] == ["255.0.0.0"]
    assert "comments" not in router.scripted(*STAYS, "--mtu", "1400")[1]


def test_octets_that_are_not_utf8(router):
    """A comment in Shift JIS and a name in EUC-JP are in the way of nothing, and stay."""
    comment, name = "# 自宅\n".encode("shift_jis"), "光回線".encode("euc_jp")
    device = b"\nconfig interface 'x'\n\toption proto 'none'\n\toption description '" + name + b"'\n"
    network = router.root / "etc/config/network"
    network.write_bytes(comment + DEFAULT.encode() + device)
    status, output = router.scripted(*SOFTBANK)
    assert status == 0, output
    assert name in network.read_bytes()
    # What could not be put back is not taken away.
    broken = network.read_bytes().replace(
        b"option proto 'flets'", b"option proto 'dhcp'\n\toption note '" + name + b"'"
    )
    network.write_bytes(broken)
    status, output = router.scripted(*SOFTBANK)
    assert status == 1 and "BAD_CONFIG: option note of interface wan6 is not UTF-8" in output
    assert network.read_bytes() == broken


def test_the_doctor_reads_them_too(router, household):
    """The same reader; a file that is not there has no sections."""
    text = household("chain", "eth0")
    rules = "".join(f"\nconfig rule\n\toption name 'service {number}'\n" for number in range(400))
    router.write("etc/config/network", text + rules)
    code = (
        "from softwire.doctor.router import Router; router = Router(); sections = router.uci('network'); "
        "print(len(sections), [options['device'] for _, _, options in sections if 'device' in options], "
        "router.uci('nowhere'))"
    )
    modules = str(router.root / "usr/lib/softwire")
    done = subprocess.run(
        [router.root / "bin" / router.interpreter, "-c", code],
        env={**router.environment(), "PYTHONPATH": modules, "MICROPYPATH": modules + ":.frozen"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "410 ['lo', 'br-lan', 'eth0', '@Internet', '@wan', '@wan', '@Internet'] []\n"


@pytest.mark.parametrize("word", ["--interface", "--line"])
def test_the_lan_is_no_line_and_no_softwire(router, word):
    dhcp = "config dhcp 'lan'\n\toption interface 'lan'\n\toption start '100'\n"
    router.write("etc/config/dhcp", dhcp)
    status, output = router.scripted(*SOFTBANK, word, "lan")
    assert status == 1
    assert (
        f"BAD_CONFIG: {word} lan: it serves the LAN (dhcp.lan hands out its addresses, the firewall zone 'lan', "
        "option ip6assign, a bridge): another name would be right"
    ) in output
    assert router.read() == DEFAULT and "secret" not in output
    # Each of them is enough.
    plain = DEFAULT.replace("device 'br-lan'", "device 'eth0'").replace("\toption ip6assign '60'\n", "")
    for network, firewall, dhcp_file in (
        (DEFAULT, FIREWALL.replace("list network 'lan'", ""), ""),
        (plain, FIREWALL, ""),
        (plain, "", dhcp),
    ):
        for name, text in ("network", network), ("firewall", firewall), ("dhcp", dhcp_file):
            router.write("etc/config/" + name, text)
        assert "it serves the LAN" in router.scripted(*SOFTBANK, word, "lan")[1]


@pytest.mark.parametrize("word", ["--interface", "--line"])
def test_the_loopback_is_no_line_and_no_softwire(router, word):
    status, output = router.scripted(*SOFTBANK, word, "loopback")
    assert status == 1 and router.read() == DEFAULT
    assert f"BAD_CONFIG: {word} loopback: it is the loopback interface: another name would be right" in output


def test_a_way_out_that_looks_like_a_lan(router):
    """A static address in a zone that masquerades, and prefixes on it: a line of one's own."""
    router.write(
        "etc/config/network", DEFAULT.replace("proto 'dhcp'\n", "proto 'static'\n\toption ip6assign '64'\n")
    )
    router.write("etc/config/dhcp", "config dhcp 'wan'\n\toption interface 'wan'\n\toption ignore '1'\n")
    assert router.scripted(*SOFTBANK)[0] == 0
    router.write("etc/config/dhcp", "nonsense")
    router.write("etc/config/network", DEFAULT)
    assert router.scripted(*SOFTBANK)[0] == 0


def test_two_softwires_of_one_address(router):
    """The second would go with the first: refused with what would be right, which is."""
    assert router.scripted(*SOFTBANK)[0] == 0
    before = router.read()
    second = (*ENDPOINT, "--interface", "wan_b")
    status, output = router.configure(*second, "--yes")
    assert status == 1
    assert (
        "ENDPOINT_TAKEN: option interface_id '1111:1111:1111:1111' makes the local address of interface wan: "
        "another one, such as 2222:2222:2222:2222, would be right"
    ) in output
    assert router.configure(*second, "--interface-id", "::1111:1111:1111:1111", "--yes")[0] == 1
    assert router.read() == before
    assert router.configure(*second, "--interface-id", "2222:2222:2222:2222", "--yes")[0] == 0
    assert router.scripted(*STAYS, "--mtu", "1400")[0] == 0

    third = (*ENDPOINT, "--interface", "wan_c", "--ip6addr", "2001:db8:5::c")
    assert router.configure(*third, "--yes")[0] == 0
    other = (*ENDPOINT, "--interface", "wan_d", "--line", "line_d", "--wan", "eth2")
    status, output = router.configure(*other, "--ip6addr", "2001:db8:5:0::c", "--yes")
    assert (
        status == 1
        and "option ip6addr '2001:db8:5:0::c' makes the local address of interface wan_c" in output
    )
    # Another line has another prefix; so has a softwire with a prefix of its own.
    assert router.configure(*other, "--yes")[0] == 0
    fifth = (*ENDPOINT, "--interface", "wan_e", "--ip6prefix", "2001:db8:6::/56")
    assert router.configure(*fifth, "--yes")[0] == 0


def test_a_softwire_that_is_turned_off_or_broken_has_no_address(router):
    assert router.scripted(*SOFTBANK)[0] == 0
    for option in "disabled '1'", "mtu '9'":
        line = "option provisioning 'softbank'"
        router.write("etc/config/network", router.read().replace(line, f"{line}\n\toption {option}"))
        assert router.configure(*ENDPOINT, "--interface", "wan_b", "--yes")[0] == 0
        assert router.configure("--undo", "--yes")[0] == 0
        assert router.scripted(*SOFTBANK)[0] == 0
