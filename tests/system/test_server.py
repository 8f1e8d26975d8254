# SPDX-License-Identifier: Apache-2.0
"""The server machine: our Debian package under systemd, as its administrator has it, with Debian's Kea behind it."""

import json
import re

import pytest

from tests.lab import addresses
from tests.system import programs

UNIT = "softwired-dhcp4o6"
# Bits of linux/capability.h.
NET_BIND_SERVICE, NET_ADMIN = 1 << 10, 1 << 12


def properties(server, *names):
    """{name: value} of the unit."""
    told = server.check(f"systemctl show {UNIT} " + " ".join(f"-p {name}" for name in names))
    return dict(line.split("=", 1) for line in told.split("\n") if line)


def status(server):
    """`softwired dhcp4o6 status --json`."""
    return json.loads(server.check("softwired dhcp4o6 status --json"))


@pytest.fixture
def queries(lab, server):
    """A function that asks so often from the access network, `meanwhile` again and again until it is over: how many
    were answered, and with which addresses."""

    def ask(count, meanwhile=lambda: None):
        words = f"{addresses.SERVER} {addresses.SERVER_LINK} {count}"
        with programs.running(lab.access, "queries", words) as output:
            while lab.access.run(f"grep -q . {output}")[1]:
                meanwhile()
            answered, *offered = lab.access.check(f"cat {output}").split()
        return int(answered), offered

    return ask


def test_it_runs_as_its_own_user(server):
    """No root, no capability but that for port 547, no way to more."""
    found = properties(
        server, "ActiveState", "UnitFileState", "User", "NoNewPrivileges", "MainPID", "NRestarts"
    )
    pid = found.pop("MainPID")
    assert found == {
        "ActiveState": "active",
        "UnitFileState": "enabled",
        "User": "softwired",
        "NoNewPrivileges": "yes",
        "NRestarts": "0",
    }
    of_process = dict(
        line.split(":\t", 1) for line in server.check(f"cat /proc/{pid}/status").split("\n") if line
    )
    user = server.check("id -u softwired").strip()
    assert user != "0" and of_process["Uid"].split() == [user] * 4
    for kind, bits in {
        "CapEff": NET_BIND_SERVICE,
        "CapPrm": NET_BIND_SERVICE,
        "CapAmb": 0,
        "CapInh": 0,
    }.items():
        assert int(of_process[kind], 16) == bits, kind
    assert int(of_process["CapBnd"], 16) & ~(NET_BIND_SERVICE | NET_ADMIN) == 0
    assert of_process["NoNewPrivs"] == "1" and of_process["Seccomp"] == "2"
    told = status(server)
    assert (told["user"], told["no_new_privs"], told["problems"]) == ("softwired", True, [])
    assert int(told["capabilities"], 16) == NET_BIND_SERVICE and str(told["pid"]) == pid


def test_reload_loses_no_query(server, queries):
    """`systemctl reload` while queries come: each is answered, by the same process."""
    before = properties(server, "MainPID")

    reloads = []

    def reload():
        reloads.append(server.check(f"systemctl reload {UNIT}"))

    assert queries(300, reload) == (300, [addresses.IPV4])
    assert len(reloads) > 1
    assert properties(server, "MainPID") == before
    told = status(server)
    assert told["reloaded"]["error"] is None
    assert not any(told["counters"]["families"]["dropped_total"]["values"].values())


def test_a_wrong_file_is_told(server, queries):
    """A reload of a file with a fault changes nothing, and the journal has the fault; a start fails with it."""
    server.check("sed -i.right 's/^port = .*/port = 70000/' /etc/softwired.toml")
    try:
        server.check(f"systemctl reload {UNIT}")
        assert "dhcp4o6.port = 70000" in status(server)["reloaded"]["error"]
        assert queries(8) == (8, [addresses.IPV4])
        output, code = server.run(f"systemctl restart {UNIT}")
        assert code and "failed" in output.lower()
        assert "dhcp4o6.port = 70000" in server.check(f"journalctl -q --no-pager -n 30 -u {UNIT}")
    finally:
        server.check("mv /etc/softwired.toml.right /etc/softwired.toml")
        server.check(f"systemctl reset-failed {UNIT}; systemctl start {UNIT}")
    assert queries(8) == (8, [addresses.IPV4])


def test_stop_and_start(server, queries):
    """Stopped it has no socket and no process left; started it answers as before."""
    server.check(f"systemctl stop {UNIT}")
    assert not server.check("ss -u -l -n | grep -E ':(547|6767) ' || :").strip()
    assert server.run("pgrep -u softwired")[1] == 1
    output, code = server.run("softwired dhcp4o6 status")
    assert code and "does not run" in output
    server.check(f"systemctl start {UNIT}")
    assert queries(8) == (8, [addresses.IPV4])


def test_its_dhcpv4_server_gone_and_back(server, queries):
    """Queries go nowhere while Kea's DHCPv4 server is away, which is counted; then they pass by themselves."""
    server.check("systemctl stop kea-dhcp4-server")
    assert queries(1) == (0, [])
    assert status(server)["counters"]["families"]["dropped_total"]["values"]["no_dhcpv4_server"] >= 1
    server.check("sh /lab/server/server restart kea-dhcp4-server")
    assert queries(8) == (8, [addresses.IPV4])


def test_keas_own_half(server, queries):
    """Kea's DHCPv6 side in place of ours, the same DHCPv4 server behind it: the same offer."""
    server.check("sh /lab/server/server half kea")
    try:
        assert queries(8) == (8, [addresses.IPV4])
    finally:
        server.check("sh /lab/server/server half ours")
    assert queries(8) == (8, [addresses.IPV4])


def test_purge_leaves_nothing(lab, server):
    """Neither process nor file, but for what its administrator wrote; it can be installed again."""
    server.check("apt-get -q -q -y purge softwired", 120)
    assert server.run("pgrep -u softwired")[1] == 1
    files = server.check("find / /run /var/lib -xdev -name '*softwired*' ! -path '/lab/*' | sort -u").split()
    assert [path for path in files if not re.search("/var/(lib|cache)/apt/|/var/log/", path)] == [
        "/etc/softwired.toml"
    ]
    server.become(server.line)
    assert status(server)["user"] == "softwired"
