# SPDX-License-Identifier: Apache-2.0
"""The page's own scripts, run on the host that they are for: they work twice, after restarts, and can be undone."""

import re

import pytest

from softwired.tunnels.words import WORDS
from tests.system.systemd.host import Host, sh


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    made = Host(tmp_path_factory.mktemp("host"))
    yield made
    made.close()


GENERATORS = "/etc/systemd/system-generators"
OF_THIS_RUN = "/run/NetworkManager /run/systemd/netif /run/systemd/network"
# What comes to its socket, such as news of links, would start it again.
NETWORKD = ("systemd-networkd.socket", "systemd-networkd")


def start(*units):
    """As at a start of the machine: generators first."""
    sh(f"systemctl daemon-reload; systemctl start {' '.join(units)}")


def stop(*units):
    """Nothing is left in the kernel and in /run, as behind a machine that is switched off."""
    sh(f"systemctl stop {' '.join(units)}; ip link del tunnel6; rm -rf {OF_THIS_RUN}")


def the_script_works(host, system, *units):
    """From the first run to the last line of what undoes it."""
    path = host.script(system)
    # Whatever its administrator's umask is.
    sh(f"umask 077; sh {path}")
    host.must_have_ipv6("the script")
    sh(f"sh {path}")
    host.must_have_ipv6("the script's second run")
    if units:
        sh(f"systemctl restart {units[-1]}")
        host.must_have_ipv6("a restart")
        stop(*units)
        assert host.has_none()
        start(*units)
        host.must_have_ipv6("a new start")
    text = path.read_text()
    undo = re.search(rf"^# {WORDS['en']['undo']}\n((?:#   .*\n)+)", text, re.MULTILINE)[1].replace("#   ", "")
    sh(undo)
    assert host.has_none(), undo
    assert not host.has_ipv6()


def test_iproute2(host):
    the_script_works(host, "iproute2")


def test_networkd(host):
    start(*NETWORKD)
    the_script_works(host, "networkd", *NETWORKD)
    stop(*NETWORKD)
    start(*NETWORKD)
    sh("networkctl reload")
    assert host.has_none()
    stop(*NETWORKD)


def test_networkmanager(host):
    start("NetworkManager")
    the_script_works(host, "networkmanager", "NetworkManager")
    stop("NetworkManager")


def test_netplan(host):
    """Its generator makes networkd's files at each start of the machine; the image masks all generators."""
    sh(f"rm {GENERATORS}/netplan")
    start(*NETWORKD)
    the_script_works(host, "netplan", *NETWORKD)
    stop(*NETWORKD)
