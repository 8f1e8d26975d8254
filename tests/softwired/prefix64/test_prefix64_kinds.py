# SPDX-License-Identifier: Apache-2.0
"""Kinds of interfaces: a bridge, one that filters groups (macvlan); a VLAN needs another kernel: tests/system."""

from softwired.prefix64 import solicitation
from tests.softwired import network
from tests.softwired.prefix64 import lab

ALL_MULTICAST = 0x200  # linux/if.h, IFF_ALLMULTI


def up(namespace, device, address):
    namespace.run("ip", "link", "set", device, "addrgenmode", "none", "up")
    namespace.run("ip", "address", "add", address, "dev", device, "nodad")


def takes_all(cable, device):
    """Whether an interface brings packets of every group."""
    return bool(int(cable.server.run("cat", f"/sys/class/net/{device}/flags"), 16) & ALL_MULTICAST)


def test_a_bridge(cable, machine, router):
    """Behind any of its ports; hosts of the bridge are answered, too."""
    cable.server.run(*"ip link add br0 type bridge".split())
    cable.server.run("ip", "address", "flush", "dev", "vs")
    cable.server.run("ip", "link", "set", "vs", "master", "br0")
    pid = str(cable.client.holder.pid)
    cable.server.run("ip", "link", "add", "port", "type", "veth", "peer", "name", "other", "netns", pid)
    cable.server.run("ip", "link", "set", "port", "master", "br0")
    cable.server.run("ip", "link", "set", "port", "up")
    up(cable.server, "br0", "fe80::1/64")
    up(cable.client, "other", "fe80::3/64")
    machine.softwired(range=[{"interface": "br0", "prefix": lab.PREFIX, "local": False}])
    network.until(lambda: "forwarding" in cable.server.run("bridge", "link", "show"), "the ports forward")
    second = lab.Router(cable.client, "other", "fe80::3")
    for one in (router, second):
        one.socket.settimeout(1)
        network.until(lambda one=one: heard(one), "an answer")
    second.close()


def heard(router):
    """The answer to a solicitation, or None."""
    router.ask("2001:db8:1::77")
    try:
        while True:
            frame = router.hear()
            if frame[solicitation.TARGET : solicitation.OPTIONS] == lab.packed("2001:db8:1::77"):
                return frame
    except TimeoutError:
        return None


def test_an_interface_that_filters_groups(cable, machine, router):
    """It would bring no solicitation for an address that the kernel does not have; afterwards it filters again."""
    cable.server.run(*"ip link add link vs name filters type macvlan mode bridge".split())
    up(cable.server, "filters", "fe80::4/64")
    process = machine.softwired(range=[{"interface": "filters", "prefix": lab.PREFIX, "local": False}])
    assert takes_all(cable, "filters")
    assert router.answered("2001:db8:1::77")[6:12] == mac(cable, "filters")
    machine.stop(process)
    assert not takes_all(cable, "filters")


def mac(cable, device):
    return bytes.fromhex(cable.server.run("cat", f"/sys/class/net/{device}/address").strip().replace(":", ""))
