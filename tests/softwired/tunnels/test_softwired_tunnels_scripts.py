# SPDX-License-Identifier: Apache-2.0
"""The scripts: golden texts after the systems' documentation, OpenWrt's run with uci, others read by their readers."""

import configparser
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from softwired.tunnels import register, scripts
from softwired.tunnels.scripts import SYSTEMS, Place
from softwired.tunnels.words import WORDS
from tests.softwired import network
from tests.softwired.tunnels import parts

PLACE = Place("https", "tunnels.example.org")
# Behind their first, comments.
GOLDEN = {
    # FreeBSD: gif(4), rc.conf(5)
    "freebsd": """set -e
sysrc cloned_interfaces+="gif0"
sysrc ifconfig_gif0="tunnel 198.51.100.2 192.0.2.1 mtu 1480"
sysrc ifconfig_gif0_ipv6="inet6 2001:db8:1:1::2 2001:db8:1:1::1 prefixlen 128"
sysrc ipv6_defaultrouter="2001:db8:1:1::1"
service netif cloneup
service routing restart
""",
    # macOS: ifconfig(8), route(8)
    "macos": """set -e
ifconfig gif0 create 2> /dev/null || :
ifconfig gif0 tunnel 198.51.100.2 192.0.2.1
ifconfig gif0 mtu 1480
ifconfig gif0 inet6 2001:db8:1:1::2 2001:db8:1:1::1 prefixlen 128
route -n add -inet6 default 2001:db8:1:1::1
""",
    # Microsoft: netsh interface ipv6, add v6v4tunnel
    "windows": """netsh interface teredo set state disabled
netsh interface ipv6 add v6v4tunnel interface=tunnel6 localaddress=198.51.100.2 remoteaddress=192.0.2.1
netsh interface ipv6 set subinterface tunnel6 mtu=1480 store=persistent
netsh interface ipv6 add address interface=tunnel6 address=2001:db8:1:1::2
netsh interface ipv6 add route prefix=::/0 interface=tunnel6 nexthop=2001:db8:1:1::1
""",
    # MikroTik: /interface 6to4
    "mikrotik": "/interface 6to4 add name=tunnel6 local-address=198.51.100.2 remote-address=192.0.2.1"
    """ mtu=1480 disabled=no
/ipv6 address add address=2001:db8:1:1::2/64 interface=tunnel6 advertise=no
/ipv6 route add dst-address=::/0 gateway=2001:db8:1:1::1
""",
    # Cisco: tunnel mode ipv6ip
    "cisco": """configure terminal
ipv6 unicast-routing
interface Tunnel0
 description host1.jp
 no ip address
 ipv6 enable
 ipv6 address 2001:db8:1:1::2/64
 ipv6 mtu 1480
 tunnel source 198.51.100.2
 tunnel destination 192.0.2.1
 tunnel mode ipv6ip
 exit
ipv6 route ::/0 Tunnel0 2001:db8:1:1::1
end
write memory
""",
}


@pytest.fixture
def made(tmp_path):
    """made(system, **changed): its script."""
    values = parts.values(tmp_path)
    store = parts.store(values.database)
    row = store.run([lambda connection: register.create(connection, values, parts.request(1), 1000.0)])[0]
    store.close()

    def make(system, language="en", **changed):
        words = dict(WORDS[language], script=WORDS[language]["script"].format(name=row.name, place=PLACE))
        return scripts.of(system, row._replace(**changed), values, "secretkey", PLACE, words)

    return make


@pytest.mark.parametrize("system", GOLDEN)
def test_golden(made, system):
    text = made(system).replace("\r\n", "\n")
    lines = [line for line in text.splitlines() if not re.match(r"#|!|rem |@echo", line)]
    assert "\n".join(lines) + "\n" == GOLDEN[system]
    assert ("\r\n" in made(system)) == (system == "windows")


@pytest.mark.parametrize("system", [name for name, one in SYSTEMS.items() if one.file.endswith(".sh")])
def test_shells_take_them(made, system, tmp_path):
    for language in WORDS:
        path = tmp_path / "script.sh"
        path.write_text(made(system, language))
        words = ["shellcheck", "-s", "sh", "-e", "SC1090", str(path)]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("system", SYSTEMS)
def test_each_says_how_it_is_undone(made, system):
    """At its head, as lines that a comment's mark is to be taken off."""
    head = "\n".join(made(system).replace("\r\n", "\n").splitlines()[:10])
    assert re.search(rf"^(#|!|rem) {WORDS['en']['undo']}\n\1   \S", head, re.MULTILINE)


def between(text):
    """The files that a script writes."""
    return re.findall(r"<< 'END'\n(.*?)END\n", text, re.DOTALL)


def test_networkd(made):
    device, network_ = map(lambda text: configparser.ConfigParser(), range(2))
    first, second = between(made("networkd"))
    device.read_string(first)
    network_.read_string(second)
    assert dict(device["Tunnel"]) == {
        "independent": "yes",
        "local": "any",
        "remote": "192.0.2.1",
        "ttl": "64",
    }
    assert (device["NetDev"]["Kind"], device["NetDev"]["MTUBytes"]) == ("sit", "1480")
    assert network_["Network"]["Address"] == "2001:db8:1:1::2/64"
    assert network_["Network"]["Gateway"] == "2001:db8:1:1::1"


def test_netplan(made):
    (text,) = between(made("netplan"))
    tunnel = yaml.safe_load(text)["network"]["tunnels"]["tunnel6"]
    assert tunnel["routes"] == [{"to": "::/0", "via": "2001:db8:1:1::1"}]
    # netplan before 1.0 wants one; whatever the host has by then, also behind a NAT.
    assert (tunnel["mode"], tunnel["local"], tunnel["remote"]) == ("sit", "0.0.0.0", "192.0.2.1")


def test_openwrt(made, tmp_path):
    """Run for real, twice, with uci as the lab's router has it."""
    root = network.TREE / "tests/openwrt/root"
    config = tmp_path / "config"
    config.mkdir()
    (config / "network").write_text("config interface 'wan'\n\toption proto 'dhcp'\n")
    (config / "firewall").write_text(
        "config zone\n\toption name 'lan'\n\tlist network 'lan'\n\n"
        "config zone\n\toption name 'wan'\n\tlist network 'wan'\n"
    )
    (config / "ddns").write_text("")
    (tmp_path / "bin").mkdir()
    uci = tmp_path / "bin/uci"
    uci.write_text(
        f"#!/bin/sh\nPYTHONPATH={root}/usr/lib/openwrt-standin exec {sys.executable} {root}/sbin/uci"
        f' -c {config} -p {tmp_path} "$@"\n'
    )
    uci.chmod(0o755)
    text = made("openwrt", routed="2001:db8:8000:100::/56").replace("/etc/config/ddns", f"{config}/ddns")
    text = re.sub(r"^(\t?)/etc/init.d/", r"\1: ", text, flags=re.MULTILINE)
    for shell in (["dash"], [shutil.which("busybox"), "ash"]):
        done = subprocess.run(
            shell, input=text, env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")

    def get(name):
        return subprocess.run([str(uci), "get", name], stdout=subprocess.PIPE, text=True).stdout.strip()

    assert {
        name: get(f"network.tunnel6.{name}") for name in ("proto", "peeraddr", "ip6addr", "ip6prefix", "mtu")
    } == {
        "proto": "6in4",
        "peeraddr": "192.0.2.1",
        "ip6addr": "2001:db8:1:1::2/64",
        "ip6prefix": "2001:db8:8000:100::/56",
        "mtu": "1480",
    }
    assert get("firewall.@zone[1].network").split() == ["wan", "tunnel6"]
    assert get("firewall.@zone[0].network") == "lan"
    rule = {name: get(f"firewall.tunnel6.{name}") for name in ("src", "family", "proto", "src_ip", "target")}
    assert rule == {
        "src": "wan",
        "family": "ipv4",
        "proto": "41",
        "src_ip": "192.0.2.1",
        "target": "ACCEPT",
    }
    assert (get("ddns.tunnel6.domain"), get("ddns.tunnel6.username")) == ("1", "host1.jp")
    assert get("ddns.tunnel6.password") == "secretkey" and get("ddns.tunnel6.use_https") == "1"
    # ddns-scripts looks it up before it tells anything, and tells nothing as long as that fails.
    assert (get("ddns.tunnel6.lookup_host"), get("ddns.tunnel6.retry_max_count")) == ("localhost", "0")


def test_every_system_is_explained():
    for words in WORDS.values():
        assert {f"needs_{name}" for name in SYSTEMS} <= words.keys()
