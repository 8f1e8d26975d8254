# SPDX-License-Identifier: Apache-2.0
"""A lease beside OpenWrt's own odhcp6c, which has port 546: netifd, odhcp6c, our package; OPENWRT_IMAGE is needed.

The kernel of this machine may have no tunnels: what netifd makes of the softwire is not looked at here.
"""

import json

import pytest

from tests.softwired import network, openwrt

# Both are renewed every few seconds.
SHORT = {"valid-lifetime": 40, "renew-timer": 3, "rebind-timer": 20}
POOL = {"prefix": "2001:db8:4000::", "prefix-len": 48, "delegated-len": 56}
SUBNET6 = {"id": 1, "subnet": "2001:db8:1::/64", "interface": "vs", "pd-pools": [POOL]}
FILES = {
    "etc/config/network": """
config interface 'loopback'
	option device 'lo'
	option proto 'static'
	option ipaddr '127.0.0.1'
	option netmask '255.0.0.0'

config interface 'wan6'
	option device 'vc'
	option proto 'dhcpv6'
	option reqaddress 'none'
	option reqopts '88'

config route6
	option interface 'wan6'
	option target '::/0'
	option gateway 'fe80::1'

config interface 'wan'
	option proto 'softwire'
	option tunlink 'wan6'
	option provisioning 'dhcp4o6'
	option peeraddr '2001:db8:b::1'
""",
}


@pytest.fixture
def router(processes, cable, tmp_path):
    try:
        openwrt.tarball()
    except openwrt.NoOpenWrt as error:
        pytest.skip(str(error))
    made = openwrt.OpenWrt(cable.client, tmp_path, FILES)
    try:
        network.until(lambda: made.run("ubus list network.interface.wan6")[0] == 0, "netifd runs", 90)
        # netifd learns of a protocol when it is started.
        made.install("softwire-python3")
        made.check(
            "killall netifd; while pgrep odhcp6c; do sleep 1; done; until pgrep odhcp6c; do sleep 1; done"
        )
        # It has taken the cable's own address away.
        cable.client.run(*f"ip -6 address replace {network.CLIENT_LINK_LOCAL}/64 dev vc nodad".split())
        yield made
    finally:
        made.close()


def test_beside_real_odhcp6c(processes, cable, router):
    """odhcp6c renews its prefix while leases are asked for: each gets the answers that are its own."""
    empty = {"code": 88, "csv-format": False, "data": ""}
    processes.kea(4, **SHORT)
    processes.kea(6, **{**SHORT, "preferred-lifetime": 30, "option-data": [empty], "subnet6": [SUBNET6]})
    router.up("wan6")

    def renewed():
        return processes.log("kea6").count("has been allocated"), processes.log("kea4").count(
            "has been allocated"
        )

    network.until(lambda: renewed()[1], f"a lease: {router.run('logread | tail -n 30')[1]}", 60)
    before = renewed()
    network.until(
        lambda: min(renewed()[0] - before[0], renewed()[1] - before[1]) >= 3, "three answers more of both", 60
    )
    # Where the kernel has no tunnels, netifd refuses each softwire, and a whole exchange follows instead of a renewal.
    told = json.loads(router.run("softwire status --json wan")[1])
    assert told["up"] or told["error"]["code"] == "HANDOVER_REFUSED"
    assert router.run("pgrep -x odhcp6c")[0] == 0 and "INTERNAL" not in router.check("logread")
