# SPDX-License-Identifier: Apache-2.0
"""The tunnel service's units from the package, under systemd: the guest is the server, hosts and world namespaces."""

import json
import pathlib
import types

import pytest

from tests.softwired.network import until
from tests.system.systemd.host import Root, Visitor, sh
from tests.system.tunnels.machine import NEIGHBOUR, SERVER, Machine

MONITOR, PAGE = UNITS = ("softwired-tunnels", "softwired-tunnels-page")
CONFIGURATION = pathlib.Path("/etc/softwired.toml")
TEXT = f"""[tunnels]
address = "{SERVER}"
prefix = "2001:db8:1::/48"
routed = "2001:db8:8000::/40"
routed_length = 56
interval = 0.5
patience = 0.4
unreachable = 100000
closed_ports = [25]
[tunnels.page]
listen = "[::]:8041"
allow = ["192.0.2.0/24"]
"""
# linux/capability.h
NET_ADMIN, NET_RAW = 1 << 12, 1 << 13
TABLES = "ip softwired_tunnels", "ip6 softwired_tunnels"


class Server:
    """The guest with our package; a host that has a tunnel."""

    def __init__(self, folder):
        self.machine = Machine(folder, server=Root())
        sh("sysctl -qw net.ipv6.conf.all.forwarding=1 'net.ipv4.ping_group_range=0 2147483647'")
        sh("dpkg -i /lab/packages/softwired_*.deb")
        CONFIGURATION.write_text(TEXT)
        self.start()
        self.visitor = Visitor(self.machine.clients, folder, f"http://{SERVER}:8041")
        self.place = self.visitor.fill_in("laptop", NEIGHBOUR)
        until(lambda: self.row().unreachable >= 0, "the tunnel is carried", 60)
        self.machine.client(self.row())
        until(self.heard_again(), "the monitor hears it", 60)

    def start(self):
        sh(f"systemctl start {' '.join(UNITS)}")
        self.until_the_page_listens()

    def until_the_page_listens(self):
        """It tells systemd nothing."""
        until(lambda: ":8041 " in sh("ss -6ltn"), "the page listens", 120)

    def row(self):
        (one,) = json.loads(sh("softwired tunnels list --json"))
        return types.SimpleNamespace(**one)

    def heard_again(self):
        """A question: whether the monitor has heard the host since now."""
        since = self.row().answered or 0
        return lambda: (self.row().answered or 0) > since

    def status(self):
        return json.loads(sh("softwired tunnels status --json"))

    def passes(self):
        """Both ways through the tunnel."""
        one = self.row()
        return self.machine.reaches(one.IPv6client) and self.machine.reaches(
            "", one.IPv6client, self.machine.world
        )

    def kernel(self):
        """What of it is in the kernel, but for counters."""
        return sh("ip -6 route show table all proto 141"), *(sh(f"nft -s list table {one}") for one in TABLES)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("server"))
    yield made
    made.machine.close()


def process(unit):
    """Its main process: what the kernel says."""
    pid = sh(f"systemctl show -p MainPID --value {unit}").strip()
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return pid, dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def test_without_rights(server):
    """The monitor has two capabilities, the page none; nobody else reads database and keys."""
    assert server.passes()
    user = sh("id -u softwired").strip()
    for unit, capabilities in zip(UNITS, (NET_ADMIN | NET_RAW, 0), strict=True):
        _, found = process(unit)
        assert found["Uid"].split() == [user] * 4 and found["NoNewPrivs"] == "1" and found["Seccomp"] == "2"
        assert int(found["CapEff"], 16) == int(found["CapPrm"], 16) == capabilities, unit
    assert server.status()["problems"] == server.status()["problem"] == []
    assert sh("stat -c '%U %a' /var/lib/softwired").split() == ["softwired", "700"]
    for line in sh("stat -c '%U %a' /var/lib/softwired/*").splitlines():
        assert line == "softwired 600"


@pytest.mark.parametrize("unit", UNITS)
def test_killed(server, unit):
    """systemd starts it again; packets pass meanwhile, and the tunnel's page has its address again."""
    before, _ = process(unit)
    sh(f"systemctl kill -s KILL {unit}")
    assert server.passes()

    def again():
        state = sh(f"systemctl show -p ActiveState -p MainPID {unit}")
        return "ActiveState=active" in state and f"MainPID={before}\n" not in state

    until(again, f"{unit} runs again", 120)
    until(server.heard_again(), "the monitor hears the host", 60)
    server.until_the_page_listens()
    assert server.row().IPv6client in server.visitor.curl(server.place)
    assert server.passes()


def test_reload(server):
    """Other values without another process; a wrong file changes nothing, and is told."""
    before, _ = process(MONITOR)
    try:
        CONFIGURATION.write_text(TEXT.replace("[25]", "[25, 26]"))
        sh(f"systemctl reload {MONITOR}")
        until(
            lambda: "26" in sh(f"nft -s list chain {TABLES[1]} forward | grep dport || :"),
            "it is told to the kernel",
        )
        CONFIGURATION.write_text(TEXT.replace("[25]", "[0]"))
        sh(f"systemctl reload {MONITOR}")
        until(
            lambda: "tunnels.closed_ports" in (server.status()["reloaded"]["error"] or ""),
            "the fault is told",
        )
        # Who lists tunnels reads the file, too.
        CONFIGURATION.write_text(TEXT)
        assert server.passes()
    finally:
        CONFIGURATION.write_text(TEXT)
        sh(f"systemctl reload {MONITOR}")
    until(lambda: server.status()["reloaded"]["error"] is None, "it is reloaded")
    assert process(MONITOR)[0] == before


@pytest.mark.parametrize("command", ["systemctl restart nftables", "ip link del tunnels"])
def test_repairs(server, command):
    """Debian's firewall flushes all tables; what the monitor has to do then, its sandbox lets it do."""
    before = server.kernel()
    sh(command)
    until(
        lambda: all(one in sh("nft list tables") for one in TABLES) and server.kernel() == before,
        f"repaired after {command}",
        60,
    )
    until(server.passes, f"packets pass after {command}", 30)


def test_stop_and_start(server):
    """Stopped it leaves the kernel as it is, and no process; what is there is taken over."""
    before = server.kernel()
    sh(f"systemctl stop {' '.join(UNITS)}")
    assert server.kernel() == before and server.passes()
    assert sh("pgrep -u softwired || :") == ""
    server.start()
    until(server.heard_again(), "the monitor hears the host", 60)
    assert server.status()["counters"]["families"]["repaired_total"]["values"].get("start", 0) == 0
    assert server.kernel() == before


def test_purged_while_it_runs(server):
    """Nothing is carried that nobody watches, and no secret stays; only what its administrator wrote does."""
    address = server.row().IPv6client
    sh("DEBIAN_FRONTEND=noninteractive apt-get -q -q -y purge softwired")
    assert sh("pgrep -u softwired || :") == ""
    left = sh("nft list tables; ip -6 route show table all; ip -o link")
    assert "softwired" not in left and "proto 141" not in left and "tunnels" not in left
    files = sh(
        "find / /run /var/lib -xdev -name '*softwired*' ! -path '/lab/*' ! -path '/root/*' ! -path '/tmp/*'"
    )
    assert [one for one in files.split() if not one.startswith(("/var/lib/apt/", "/var/log/"))] == [
        str(CONFIGURATION)
    ]
    assert not server.machine.reaches(address)
