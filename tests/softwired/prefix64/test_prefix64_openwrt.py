# SPDX-License-Identifier: Apache-2.0
"""On a real OpenWrt: netifd's delegation, fw4, uhttpd, procd, opkg; OPENWRT_IMAGE is needed."""

import json
import re

import pytest

from tests.softwired import network, openwrt, processes
from tests.softwired.prefix64 import test_prefix64_page as pages

POOL = {"prefix": "2001:db8:a000::", "prefix-len": 40, "delegated-len": 56}
VISITOR = "2001:db8:2::2"
STATUS = "softwired --config /var/run/softwired.toml prefix64 status --json"
FILES = {
    "etc/config/network": """
config interface 'loopback'
	option device 'lo'
	option proto 'static'
	option ipaddr '127.0.0.1'
	option netmask '255.0.0.0'

config interface 'wan6'
	option device 'vs'
	option proto 'dhcpv6'
""",
    "etc/config/firewall": """
config defaults
	option input 'REJECT'
	option output 'ACCEPT'
	option forward 'REJECT'

config zone
	option name 'wan'
	list network 'wan6'
	option input 'REJECT'
	option output 'ACCEPT'
	option forward 'REJECT'

config rule
	option name 'Allow-DHCPv6'
	option src 'wan'
	option proto 'udp'
	option dest_port '546'
	option family 'ipv6'
	option target 'ACCEPT'

config rule
	option name 'Allow-ICMPv6-Input'
	option src 'wan'
	option proto 'icmp'
	option family 'ipv6'
	option target 'ACCEPT'

config rule
	option name 'prefix64'
	option src 'wan'
	option proto 'tcp'
	option dest_port '80'
	option target 'ACCEPT'
""",
}


def fenced(start):
    """An example of the documentation, by its first line."""
    return re.search(rf"```\n({re.escape(start)}\n.*?)```", pages.DOCS, re.DOTALL)[1]


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    """A router that delegates a /56 and routes it, and a visitor behind it."""
    folder = tmp_path_factory.mktemp("provider")
    try:
        openwrt.tarball()
        cable = network.Cable()
        programs = processes.programs(folder)
    except (openwrt.NoOpenWrt, network.NoNamespace, processes.NoKea) as error:
        pytest.skip(str(error))
    router = cable.client
    router.run("sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1")
    router.run("ip", "address", "add", f"{VISITOR}/128", "dev", "lo")
    kea = processes.Processes(type("Swapped", (), {"server": router})(), programs, folder)
    kea.kea(
        6,
        **{
            "interfaces-config": {"interfaces": ["vc"]},
            "subnet6": [
                {"id": 1, "subnet": "2001:db8:1::/64", "interface": "vc", "pd-pools": [POOL]},
            ],
        },
    )
    router.run("ip", "route", "add", "2001:db8:a000::/40", "via", "fe80::1", "dev", "vc")
    yield cable
    kea.close()
    cable.close()


def line(provider, router):
    """Brings it up; what router advertisements would tell is static."""
    for words in ("address replace fe80::1/64 dev vs nodad", "route replace default via fe80::2 dev vs"):
        provider.server.run("ip", "-6", *words.split())
    router.up("wan6")


@pytest.fixture(scope="module")
def router(provider, tmp_path_factory):
    files = {**FILES, "etc/config/uhttpd": fenced("# /etc/config/uhttpd")}
    made = openwrt.OpenWrt(provider.server, tmp_path_factory.mktemp("openwrt"), files)
    try:
        network.until(lambda: made.run("ubus list network.interface.wan6")[0] == 0, "netifd runs", 90)
        line(provider, made)
        made.install("softwired", "softwired-prefix64")
        made.check(
            "uci set softwired.prefix64.enabled=1; uci set softwired.@prefix64_range[0].number=2; uci commit softwired"
        )
        made.check(
            "/etc/init.d/softwired check && /etc/init.d/softwired enable && /etc/init.d/softwired start"
        )
        # Its folder was not there before.
        made.check("/etc/init.d/uhttpd restart")
        network.until(lambda: ":::80" in made.run("netstat -ltn")[1], "uhttpd listens", 60)
        yield made
    finally:
        made.close()


def status(router):
    return json.loads(router.check(STATUS))


def called(router):
    """An address of the range."""
    return status(router)["ranges"][0]["prefix"].replace("::/64", ":cafe::77")


def get(provider, address, *words):
    return provider.client.run("curl", "-gsS", "--max-time", "10", *words, f"http://[{address}]/")


def table(router):
    return router.run("nft list table ip6 softwired_prefix64")[1]


def test_uhttpd_at_every_address(provider, router):
    address = called(router)
    told = json.loads(get(provider, address, "-H", "Accept: application/json"))
    assert (told["client"], told["server"]) == (network.CLIENT, address)
    # The third of what was delegated.
    assert re.fullmatch("2001:db8:a000:[0-9a-f]{1,2}02::/64", told["prefix"])
    for _ in range(5):
        again = json.loads(get(provider, told["random"], "-H", "Accept: application/json"))
        assert again["server"] == told["random"] != told["server"]
        told = again
    head, _, body = get(provider, address, "-i").replace("\r", "").partition("\n\n")
    assert body.startswith("You are: ") and "Transfer-Encoding: chunked" in head and "Length" not in head
    # Addresses for names are the same after a start.
    of_name = provider.client.run("curl", "-gsS", f"http://[{address}]/?name=mail").splitlines()[4]
    router.check("/etc/init.d/softwired restart")
    again = provider.client.run("curl", "-gsS", f"http://[{address}]/?name=mail").splitlines()[4]
    # And after a sysupgrade.
    assert router.check("ls -l $(sed '/^#/d' /lib/upgrade/keep.d/softwired-prefix64)").startswith(
        "-rw-------"
    )
    assert of_name == again and told["prefix"].removesuffix(":/64") in again
    found = status(router)
    assert (found["user"], found["problems"], found["waits_for"]) == ("softwired", [], {})


@pytest.mark.parametrize("what", ["reload", "restart"])
def test_fw4_brings_the_mark(provider, router, what):
    """With the service held, so that only what fw4 itself includes is there."""
    pid, address = status(router)["pid"], called(router)
    before = re.sub(r"packets \d+ bytes \d+", "", table(router))
    assert "meta mark set" in before
    router.check(f"kill -STOP {pid}")
    try:
        router.check(f"fw4 {what}")
        assert re.sub(r"packets \d+ bytes \d+", "", table(router)) == before
        assert get(provider, address).startswith("You are: ")
    finally:
        router.check(f"kill -CONT {pid}")


def test_the_zone_has_its_say(provider, router):
    """What the range lets in still has to be let in from wan."""
    router.check("uci set firewall.@rule[-1].enabled=0; uci commit firewall; fw4 reload")
    try:
        with pytest.raises(AssertionError, match="Couldn't connect"):
            get(provider, called(router), "--connect-timeout", "3")
    finally:
        router.check("uci delete firewall.@rule[-1].enabled; uci commit firewall; fw4 reload")
    assert get(provider, called(router)).startswith("You are: ")


def test_another_prefix(provider, router):
    """odhcp6c releases it and is given the next one, which is followed."""
    before = called(router)
    router.check("ubus call network.interface.wan6 down")
    router.check("ubus call network.interface.wan6 up")
    line(provider, router)
    network.until(lambda: called(router) != before, "the new one", 60)
    network.until(lambda: ":cafe::77" in called(router), "the new one", 60)
    assert get(provider, called(router)).startswith("You are: ")
    assert before.removesuffix(":cafe::77") not in table(router)


def test_killed_and_back(provider, router):
    """procd starts it again; what was there serves until then."""
    pid, address = status(router)["pid"], called(router)
    router.check(f"kill -KILL {pid}")
    assert get(provider, address).startswith("You are: ")

    def back():
        code, output = router.run(STATUS)
        return code == 0 and json.loads(output)["pid"] != pid

    network.until(back, "procd starts it again", 40)
    assert get(provider, address).startswith("You are: ")


def test_removed(router):
    """Killed and removed, nothing of it is left in the kernel; fw4 loads as before."""
    router.check(f"kill -KILL {status(router)['pid']}; opkg remove softwired-prefix64")
    router.check("fw4 reload")
    assert "prefix64" not in router.check(
        "nft list tables; ls /var/run/softwired/*.nft /usr/share/nftables.d/*/* || :"
    )
    assert router.check("ip -6 rule show pref 64; ip -6 route show table all proto 164") == ""
