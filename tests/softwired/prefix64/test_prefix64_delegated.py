# SPDX-License-Identifier: Apache-2.0
"""What Debian's systemd-networkd was delegated by Kea: its n-th /64, and the next one after renumbering."""

import os
import subprocess

import pytest

from softwired.prefix64 import solicitation
from tests.softwired import network, processes
from tests.softwired.prefix64 import lab

NETWORKD = "/usr/lib/systemd/systemd-networkd"
UPLINK = """
[Match]
Name=vs

[Network]
KeepConfiguration=static
IPv6AcceptRA=no
DHCP=ipv6

[DHCPv6]
WithoutRA=solicit
"""
# Where else its state would be, and what a container has: then it waits for no udev.
ROOM = """
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /etc/systemd
mkdir -p /etc/systemd/network /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp
chmod -R 777 /run/systemd/netif
mount -o remount,ro /sys
cat > /etc/systemd/network/vs.network
"""


@pytest.fixture
def kea(cable, tmp_path):
    """A function that delegates /56 from this prefix on."""
    folder = tmp_path / "kea"
    folder.mkdir()
    try:
        programs = processes.programs(folder)
    except processes.NoKea as error:
        pytest.skip(str(error))
    made = processes.Processes(type("Swapped", (), {"server": cable.client})(), programs, folder)

    def delegates(prefix):
        while made.running:
            made.stop(made.running[-1])
        pool = {"prefix": prefix, "prefix-len": 48, "delegated-len": 56}
        subnet = {"id": 1, "subnet": "2001:db8:1::/64", "interface": "vc", "pd-pools": [pool]}
        made.kea(
            6,
            **{
                "interfaces-config": {"interfaces": ["vc"]},
                "subnet6": [subnet],
                "renew-timer": 3,
                "rebind-timer": 6,
                "preferred-lifetime": 10,
                "valid-lifetime": 20,
            },
        )

    yield delegates
    made.close()


@pytest.fixture
def networkd(cable, machine):
    if not os.access(NETWORKD, os.X_OK):
        pytest.skip("no systemd-networkd here")
    words = [*cable.server.enter, "sh", "-ec", ROOM]
    subprocess.run(words, input=UPLINK, text=True, check=True)
    return lambda: machine.start("networkd", NETWORKD)


def test_what_networkd_was_delegated(cable, machine, router, kea, networkd):
    machine.softwired(range=[{"interface": "vs", "delegated": "vs", "number": 2, "local": False}])
    # Its own address is of another prefix, which is not meant once there is a delegated one.
    assert "2001:db8:1::/64" not in str(machine.status()["ranges"])
    for prefix in ("2001:db8:a0", "2001:db8:b0"):
        kea(f"{prefix}::")
        if prefix.endswith("a0"):
            networkd()
        wanted = f"{prefix}:2::/64"
        network.until(lambda wanted=wanted: machine.status()["ranges"][0]["prefix"] == wanted, wanted, 90)
        router.ask(f"{prefix}:2::77")
        # Kea and networkd look for each other, too.
        while router.hear()[solicitation.TARGET : solicitation.OPTIONS] != lab.packed(f"{prefix}:2::77"):
            pass


def test_several_delegations(cable, machine):
    """Then nobody knows which one is meant; a prefix tells."""
    for prefix in ("2001:db8:a0::/56", "2001:db8:b0::/56"):
        cable.server.run("ip", "route", "add", "unreachable", prefix, "dev", "lo", "proto", "dhcp")
    cable.server.run("ip", "route", "add", "unreachable", "2001:db8:c0::/56", "dev", "lo")
    machine.softwired(range=[{"interface": "vs", "delegated": "vs", "number": 2, "local": False}])
    assert (
        "2001:db8:a0::/56, 2001:db8:b0::/56; one of them" in machine.status()["waits_for"]["of vs, number 2"]
    )
    machine.reload(range=[{"interface": "vs", "delegated": "2001:db8:b0::/56", "number": 2, "local": False}])
    assert machine.status()["ranges"][0]["prefix"] == "2001:db8:b0:2::/64"
    assert lab.PREFIX not in str(machine.status()["ranges"])
