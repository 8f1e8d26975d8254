# SPDX-License-Identifier: Apache-2.0
"""Our package under the package manager of a real OpenWrt: twice, upgraded, downgraded, removed, without room."""

import pytest

from tests.lab import addresses
from tests.lab.guest import LabError
from tests.lab.openwrt.feed import NEWER
from tests.lab.openwrt.router import IS_THERE

BEFORE = "/etc/softwire/before.json"
OURS = (
    "/usr/lib/softwire /etc/softwire /usr/sbin/softwire /var/run/softwire /etc/hotplug.d/iface/*softwire*"
    " /lib/netifd/softwire.script /lib/netifd/proto/softwire.sh /lib/netifd/proto/flets*"
)


@pytest.fixture
def manager(line):
    """The line, on a router that has a package manager."""
    if not line.lab.openwrt:
        pytest.skip("the stand-in has no package manager: make test-openwrt")
    return line


def test_installed_twice(manager):
    """Is fine, is said, and touches nothing."""
    router = manager.router
    before = manager.ifindex(), manager.client(), router.installed()
    assert IS_THERE.search(router.add(router.path_of(router.package)))
    assert (manager.ifindex(), manager.client(), router.installed()) == before


def test_upgraded_and_downgraded(manager):
    """Both leave the configuration alone, and the softwire that runs, until the network restarts."""
    router = manager.router
    version = router.version()
    held = manager.ifindex(), manager.client(), router.check("cat /etc/config/network; ls -l /etc/softwire")
    with manager.undone():
        for newer, expected in (True, NEWER), (False, version):
            said = router.add(router.path_of(router.package, newer))
            assert router.version() == expected != ""
            assert "netifd learns the protocols" in said and "what runs goes on" in said
            now = router.check("cat /etc/config/network; ls -l /etc/softwire")
            assert (manager.ifindex(), manager.client(), now) == held
            assert manager.seen_by_ipv4() == addresses.IPV4
        router.check("/etc/init.d/network restart", 120)
        manager.wait(lambda: manager.ifindex() != held[0], 60, "another tunnel device")
        manager.wait_for_softwire()


def test_removed_and_installed_again(manager):
    """No file, no interface and no process of ours is left; installed again it is up after a network restart.

    A full overlay refuses it in between, told with what the package manager said and what `df` shows.
    """
    router = manager.router
    configuration = router.check("cat /etc/config/network")
    # With it the configuration can still be taken back, by the other package as well.
    way_back = router.check(f"cat {BEFORE}")
    with manager.undone():
        router.check(router.removal(), 120)
        manager.wait_until_gone()
        assert router.run(f"ls -d {OURS} 2>/dev/null")[0].split() == ["/etc/softwire"]
        assert router.check("ls -A /etc/softwire").split() == [BEFORE.rpartition("/")[2]]
        assert router.check(f"cat {BEFORE}") == way_back
        assert manager.endpoints() == [] and manager.client() == []
        assert addresses.BORDER_ROUTER not in router.check("nft list ruleset")
        assert router.run("ubus list network.interface.wan_ep")[1] != 0
        assert router.check("cat /etc/config/network") == configuration
        assert router.package not in router.installed()
        if router.manager == "opkg":  # apk looks for room only as it writes
            router.check("mkdir -p /overlay && mount -t tmpfs -o size=16k tmpfs /overlay")
            with pytest.raises(LabError, match=r"(?s)^NO_ROOM: .* /overlay\n.*Only have 16kb available"):
                router.add(router.path_of(router.package))
            router.check("umount /overlay")
            assert router.package not in router.installed()
        router.add(router.path_of(router.package))
        router.check("/etc/init.d/network restart", 120)
        manager.wait_for_softwire()
