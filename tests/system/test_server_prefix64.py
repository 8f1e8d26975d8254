# SPDX-License-Identifier: Apache-2.0
"""prefix64's units on the server machine, under systemd: every address of its link, asked for by the access network."""

import json
import shlex

import pytest

UNITS = "softwired-prefix64 softwired-prefix64-page"
CALLED = "2001:db8:547::cafe:1"
# The page's unit has no capability, so no port below 1024; the exception is the access network's own address.
TABLES = """
[prefix64]
[[prefix64.range]]
interface = "eth0"
prefix = "2001:db8:547::/64"
exceptions = ["2001:db8:547::1"]
ports = [8080]
[[prefix64.range]]
interface = "vlan7"
prefix = "2001:db8:7::/64"
exceptions = ["2001:db8:7::1"]
local = false
[prefix64.page]
listen = "[::]:8080"
"""
LEFT = "ip -6 rule show pref 64; ip -6 route show table all proto 164; nft list tables; ls /run/softwired"
# linux/capability.h
NET_ADMIN, NET_RAW = 1 << 12, 1 << 13


def wait(server, command):
    """Until a command of the server's succeeds."""
    tried = f"for each in $(seq 150); do {command} > /dev/null 2>&1 && exit; sleep 0.2; done; exit 1"
    output, code = server.run(f"sh -c {shlex.quote(tried)}", 120)
    assert not code, f"{command}: {server.run('journalctl -q --no-pager -n 30')[0]}"


def start(server):
    server.check(f"systemctl start {UNITS}")
    # It is Type=notify, the page tells nothing.
    wait(server, "ss -6ltn | grep -q :8080")


@pytest.fixture
def units(server):
    server.push(server.check("cat /etc/softwired.toml"), "/tmp/softwired.toml")
    server.push(server.check("cat /etc/softwired.toml") + TABLES, "/etc/softwired.toml")
    start(server)
    yield server
    server.run(
        f"systemctl stop {UNITS}; systemctl reset-failed {UNITS}; cp /tmp/softwired.toml /etc/softwired.toml"
    )


def get(lab, address=CALLED):
    return lab.access.check(f"curl -gsS --max-time 30 'http://[{address}]:8080/'")


def process(server, unit):
    """Of its main process: what the kernel says."""
    pid = server.check(f"systemctl show -p MainPID --value {unit}").strip()
    lines = server.check(f"cat /proc/{pid}/status").split("\n")
    return pid, dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def test_every_address(lab, units):
    """Two users without rights: the service has two capabilities, the page none."""
    told = get(lab)
    assert f"You called: {CALLED}\n" in told and "Of the prefix: 2001:db8:547::/64\n" in told
    url = next(line for line in told.split("\n") if line.startswith("http"))
    assert "You called: 2001:db8:547:" in lab.access.check(f"curl -gsS --max-time 30 '{url}'")
    user = units.check("id -u softwired").strip()
    for unit, capabilities in zip(UNITS.split(), (NET_ADMIN | NET_RAW, 0), strict=True):
        _, found = process(units, unit)
        assert found["Uid"].split() == [user] * 4 and found["NoNewPrivs"] == "1" and found["Seccomp"] == "2"
        assert int(found["CapEff"], 16) == int(found["CapPrm"], 16) == capabilities, unit
    status = json.loads(units.check("softwired prefix64 status --json"))
    assert (status["problems"], list(status["waits_for"])) == ([], ["vlan7"])
    # The secret of the addresses for names is made in the state directory, for nobody else.
    assert units.check("stat -c '%U %a' /var/lib/softwired/page.key").split() == ["softwired", "600"]


def test_a_vlan(lab, units):
    """Tagged packets alone are answered for its prefix; who asks is the access network's kernel."""
    make = "ip link add link {} name vlan7 type vlan id 7 && ip link set vlan7 up"
    units.check(make.format("eth0"))
    lab.access.check(f"{make.format('server0')} && ip -6 address add 2001:db8:7::1/64 dev vlan7 nodad")
    try:
        asks = "ping -6 -c 1 -W 1 2001:db8:7::77 > /dev/null; ip -6 neigh show to 2001:db8:7::77 dev {} nud reachable"
        mac = units.check("cat /sys/class/net/eth0/address").strip()
        tried = f"for each in $(seq 30); do {asks.format('vlan7')} | grep -q {mac} && exit; done; exit 1"
        assert lab.access.run(f"sh -c {shlex.quote(tried)}", 120)[1] == 0
        # The same question without a tag.
        lab.access.check("ip -6 route add 2001:db8:7::78/128 dev server0")
        asks = "ping -6 -c 1 -W 3 2001:db8:7::78 > /dev/null; ip -6 neigh show to 2001:db8:7::78 dev server0"
        assert "FAILED" in lab.access.run(asks)[0] or "INCOMPLETE" in lab.access.run(asks)[0]
    finally:
        units.run("ip link del vlan7")
        lab.access.run("ip link del vlan7; ip -6 route del 2001:db8:7::78/128 dev server0")


def test_the_firewall_is_loaded_anew(lab, units):
    """Debian's flushes all tables; what the service has to do then, its sandbox lets it do."""
    units.check("systemctl restart nftables")
    wait(units, "nft list table ip6 softwired_prefix64")
    assert CALLED in get(lab)


def test_killed_and_stopped(lab, units):
    """systemd starts it again; stopped, it leaves nothing in the kernel."""
    pid, _ = process(units, "softwired-prefix64")
    units.check("systemctl kill -s KILL softwired-prefix64")
    wait(units, f"softwired prefix64 status --json | grep pid | grep -v ' {pid},'")
    assert CALLED in get(lab)
    units.check("systemctl stop softwired-prefix64")
    assert "prefix64" not in (left := units.check(LEFT)) and "local" not in left and "lookup" not in left


def test_purged_while_it_runs(lab, units):
    units.check("apt-get -q -q -y purge softwired", 120)
    assert "prefix64" not in (left := units.run(LEFT)[0]) and "local" not in left and "lookup" not in left
    units.become(units.line)
