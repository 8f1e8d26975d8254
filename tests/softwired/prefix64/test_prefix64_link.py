# SPDX-License-Identifier: Apache-2.0
"""The responder on a real link: the kernel of a router asks, interfaces come, go and change."""

import json
import socket
import time

import pytest

from softwired.prefix64 import solicitation
from tests.softwired import network
from tests.softwired.prefix64 import lab

FLAGS = solicitation.ICMP + 4


def ethernet(namespace, device):
    return json.loads(namespace.run("ip", "-j", "link", "show", device))[0]["address"]


def test_the_kernel_finds_every_address(cable, machine, router):
    machine.range()
    mac = ethernet(cable.server, "vs")
    for address in ("2001:db8:1::77", "2001:db8:1:0:ffff:ffff:ffff:ffff", "2001:db8:1:0:1234:5678:9abc:def0"):
        assert router.neighbour(address)["lladdr"] == mac
    # And again when it looks whether the neighbour is still there, with a solicitation to the one address.
    cable.client.run("ip", "neigh", "change", "2001:db8:1::77", "dev", "vc", "nud", "probe", "lladdr", mac)
    network.until(lambda: router.neighbour("2001:db8:1::77")["state"] == ["REACHABLE"], "probed")
    assert machine.counted("dropped_total", "internal") == 0


def test_own_addresses_stay_the_kernels(cable, machine, router):
    """It answers with the override flag; the responder neither answers nor hears of it."""
    machine.range()
    assert router.answered(network.SERVER)[FLAGS] == 0x60
    assert router.answered("2001:db8:1::77")[FLAGS] == 0x40
    assert machine.counted("solicitations_total", "answered") == 1
    # An address that is taken later, and given back.
    cable.server.run("ip", "address", "add", "2001:db8:1::77/64", "dev", "vs", "nodad")
    network.until(lambda: router.answered("2001:db8:1::77")[FLAGS] == 0x60, "the kernel answers")
    before = machine.counted("solicitations_total", "answered")
    router.answered("2001:db8:1::77")
    assert machine.counted("solicitations_total", "answered") == before
    cable.server.run("ip", "address", "del", "2001:db8:1::77/64", "dev", "vs")

    def ours():
        router.ask("2001:db8:1::77")
        return machine.counted("solicitations_total", "answered") > before

    network.until(ours, "the responder answers")


def test_exceptions(machine, router):
    machine.range(exceptions=["2001:db8:1::50", "2001:db8:1::100-2001:db8:1::1ff", "2001:db8:1:0:8000::/65"])
    asked = ("2001:db8:1::50", "2001:db8:1::100", "2001:db8:1::1ff", "2001:db8:1:0:8000::", "2001:db8:2::1")
    router.silent(
        *(solicitation.solicitation(router.mac, router.source, lab.packed(address)) for address in asked)
    )
    for address in ("2001:db8:1::51", "2001:db8:1::ff", "2001:db8:1::200", "2001:db8:1:0:7fff::"):
        router.answered(address)
    # The kernel held them back.
    assert machine.counted("dropped_total", "not_ours") == 0


def test_what_is_malformed_is_not_answered(cable, machine, router):
    for namespace, device in ((cable.server, "vs"), (cable.client, "vc")):
        namespace.run("ip", "link", "set", device, "mtu", "9000")
    machine.range()
    for _, frame in lab.MALFORMED:
        if len(frame) >= 14:
            router.silent(frame)
    tagged = lab.frame(ethernet=b"\x33\x33\xff\0\0\x77" + router.mac + b"\x81\0\0\7\x86\xdd")
    jumbo = lab.frame(options=b"\x0e\xff" + bytes(255 * 8 - 2))
    elsewhere = lab.frame(ethernet=bytes.fromhex("02eeeeeeeeee") + router.mac + b"\x86\xdd")
    spoofed = [lab.frame(source="ff02::1"), lab.frame(options=b"\1\1" + bytes.fromhex(ethernet_of(machine)))]
    router.silent(tagged, elsewhere, jumbo, *spoofed)
    told = machine.status()["counters"]["families"]["dropped_total"]["values"]
    assert told["internal"] == 0 and told["checksum"] == 1 and told["own_source"] == 1
    # These never got as far as Python.
    assert told["hop_limit"] == told["code"] == told["other"] == 0


def ethernet_of(machine):
    return ethernet(machine.cable.server, "vs").replace(":", "")


def test_duplicate_address_detection(cable, machine):
    """A host that takes an address of the range finds that somebody has it, unless the range is not defended."""
    machine.range()

    def flags(address):
        told = json.loads(cable.client.run("ip", "-j", "address", "show", "dev", "vc", "to", address))
        return [one for one in told if one][0]["addr_info"][0] if any(told) else {}

    cable.client.run("ip", "address", "add", "2001:db8:1::d1/64", "dev", "vc")
    network.until(lambda: flags("2001:db8:1::d1").get("dadfailed"), "a duplicate was found")
    machine.reload(range=[{"interface": "vs", "prefix": lab.PREFIX, "local": False, "defend": False}])
    cable.client.run("ip", "address", "add", "2001:db8:1::d2/64", "dev", "vc")
    network.until(
        lambda: flags("2001:db8:1::d2") and not flags("2001:db8:1::d2").get("tentative"), "it has its address"
    )
    assert not flags("2001:db8:1::d2").get("dadfailed")


def test_from_the_target(machine, router):
    """For networks that drop what comes from a link-local address."""
    machine.range(source="target")
    frame = router.answered("2001:db8:1::77")
    assert frame[solicitation.SOURCE : solicitation.DESTINATION] == lab.packed("2001:db8:1::77")


def test_priming(cable, machine, router):
    machine.range(prime=["2001:db8:1::77"], override=True)
    detecting = router.hear(solicitation.SOLICITATION)
    assert detecting[solicitation.TARGET : solicitation.OPTIONS] == lab.packed("2001:db8:1::77")
    told = router.hear()
    assert (told[FLAGS], told[:6]) == (0x20, bytes.fromhex("333300000001"))
    # And again where the address of the interface is another.
    cable.server.run("ip", "link", "set", "vs", "address", "02:00:00:00:00:aa")
    network.until(lambda: router.hear()[6:12] == bytes.fromhex("0200000000aa"), "told anew")


def test_the_interface_goes_and_comes_back(cable, machine, router):
    machine.range()
    router.answered("2001:db8:1::77")
    # Down and up: the kernel takes the addresses away, which are given again.
    cable.server.run("ip", "link", "set", "vs", "down")
    network.until(lambda: machine.status()["waits_for"], "it is named")
    cable.server.run("ip", "link", "set", "vs", "up")
    cable.server.run("ip", "address", "add", "fe80::1/64", "dev", "vs", "nodad")
    again(machine, router)
    # Another Ethernet address.
    cable.server.run("ip", "link", "set", "vs", "address", "02:00:00:00:00:aa")
    network.until(lambda: again(machine, router)[6:12] == bytes.fromhex("0200000000aa"), "the new address")
    # Gone for good, and one of that name back.
    cable.server.run("ip", "link", "del", "vs")
    network.until(lambda: "vs" in machine.status()["waits_for"], "it is waited for")
    assert "no such interface" in machine.status()["waits_for"]["vs"] and not machine.status()["listens"]
    pid = str(cable.client.holder.pid)
    cable.server.run("ip", "link", "add", "vs", "type", "veth", "peer", "name", "vc", "netns", pid)
    for namespace, device, address in (
        (cable.server, "vs", "fe80::1/64"),
        (cable.client, "vc", "fe80::2/64"),
    ):
        namespace.run("ip", "link", "set", device, "addrgenmode", "none", "up")
        namespace.run("ip", "address", "add", address, "dev", device, "nodad")
    fresh = lab.Router(cable.client)
    again(machine, fresh)
    fresh.close()


def again(machine, router):
    """The answer, once the service has found out."""
    router.socket.settimeout(0.3)

    def look():
        router.ask("2001:db8:1::77")
        try:
            return router.hear()
        except TimeoutError:
            return None

    found = network.until(look, f"an answer: {machine.log('softwired')}")
    router.socket.settimeout(10)
    return found


def test_an_interface_that_comes_later(cable, machine):
    machine.softwired(range=[{"interface": "late", "prefix": lab.PREFIX, "local": False}])
    assert machine.status()["waits_for"] == {"late": "there is no such interface; it is waited for"}
    pid = str(cable.client.holder.pid)
    cable.server.run("ip", "link", "add", "late", "type", "veth", "peer", "name", "asks", "netns", pid)
    for namespace, device in ((cable.server, "late"), (cable.client, "asks")):
        namespace.run("ip", "link", "set", device, "up")
        namespace.run("ip", "address", "add", "fe80::5/64", "dev", device, "nodad")
    router = lab.Router(cable.client, "asks")
    again(machine, router)
    router.close()


def test_an_address_that_comes_later(cable, machine, router):
    """Without a link-local address nothing is answered, and it is told why."""
    cable.server.run("ip", "address", "del", "fe80::1/64", "dev", "vs")
    machine.range()
    assert "has no link-local address" in machine.status()["waits_for"]["vs"]
    cable.server.run("ip", "address", "add", "fe80::1/64", "dev", "vs", "nodad")
    again(machine, router)
    assert machine.status()["waits_for"] == {}


def test_a_delegated_prefix_is_followed(cable, machine, router):
    machine.softwired(range=[{"interface": "vs", "delegated": "lo", "number": 2, "local": False}])
    assert "was delegated no prefix" in machine.status()["waits_for"]["of lo, number 2"]
    cable.server.run("ip", "address", "add", "2001:db8:a0::1/56", "dev", "lo")
    network.until(lambda: "2001:db8:a0:2::/64" in machine.ask("prefix64", "status"), "the prefix")
    router.answered("2001:db8:a0:2::77")
    cable.server.run("ip", "address", "del", "2001:db8:a0::1/56", "dev", "lo")
    cable.server.run("ip", "address", "add", "2001:db8:b0::1/56", "dev", "lo")
    network.until(lambda: "2001:db8:b0:2::/64" in machine.ask("prefix64", "status"), "the new prefix")
    router.answered("2001:db8:b0:2::77")
    old = solicitation.solicitation(router.mac, router.source, lab.packed("2001:db8:a0:2::77"))
    router.silent(old, beside="2001:db8:b0:2::78")
    cable.server.run("ip", "address", "del", "2001:db8:b0::1/56", "dev", "lo")
    cable.server.run("ip", "address", "add", "2001:db8:c0::1/63", "dev", "lo")
    network.until(lambda: "/63 only" in str(machine.status()["waits_for"]), "too few")


def test_a_bridges_port_is_named(cable, machine):
    cable.server.run("ip", "link", "add", "br0", "type", "bridge")
    cable.server.run("ip", "link", "set", "vs", "master", "br0")
    machine.range()
    assert "it is a port of the bridge br0" in machine.status()["waits_for"]["vs"]


def test_killed_and_back(machine, router):
    machine.range()
    router.answered("2001:db8:1::77")
    machine.running[-1].kill()
    machine.running.pop().wait()
    machine.range()
    router.answered("2001:db8:1::77")


@pytest.mark.parametrize("joins", [True, False])
def test_behind_a_switch_that_snoops(cable, machine, joins):
    """It brings a group's packets only to those who reported it; some hosters' switches do so."""
    # The cable's end becomes a port of a switch, the router is behind another port.
    cable.client.run("ip", "address", "flush", "dev", "vc")
    cable.client.run("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "port")
    cable.client.run(
        *"ip link add switch type bridge mcast_snooping 1 mcast_querier 1".split(),
        *"mcast_startup_query_interval 10 mcast_startup_query_count 50 mcast_query_response_interval 10".split(),
    )
    for name in ("vc", "port"):
        cable.client.run("ip", "link", "set", name, "master", "switch")
    for name in ("port", "uplink", "switch"):
        cable.client.run("ip", "link", "set", name, "up")
    cable.client.run("ip", "address", "add", "fe80::53/64", "dev", "switch", "nodad")
    cable.client.run("ip", "address", "add", "fe80::2/64", "dev", "uplink", "nodad")
    machine.range(join=["2001:db8:1::77"] if joins else [])
    router = lab.Router(cable.client, "uplink")

    def snoops():
        told = cable.client.run("bridge", "-j", "-d", "mdb", "show")
        return "vc" in told and ("ff02::1:ff00:77" in told or not joins)

    network.until(snoops, "the switch has the port's groups")
    router.socket.settimeout(0.5)
    if joins:
        assert network.until(lambda: heard(router), "the answer")
    else:
        # The switch began to hold groups back once it saw a querier: then no solicitation comes through.
        network.until(lambda: not heard(router), "held back")
    router.close()


def heard(router):
    router.ask("2001:db8:1::77")
    try:
        return router.hear()
    except TimeoutError:
        return None


def test_forwarding(cable, machine, router):
    """iface: it is answered for who is there, on the other side."""
    host = network.Namespace(cable.server)
    try:
        pid = str(host.holder.pid)
        cable.server.run("ip", "link", "add", "inside", "type", "veth", "peer", "name", "eth0", "netns", pid)
        for namespace, device, address in ((cable.server, "inside", "fe80::1"), (host, "eth0", "fe80::2")):
            namespace.run("ip", "link", "set", device, "up")
            namespace.run("ip", "address", "add", f"{address}/64", "dev", device, "nodad")
        host.run("ip", "address", "add", "2001:db8:1::77/64", "dev", "eth0", "nodad")
        machine.range(forward="inside")
        router.answered("2001:db8:1::77")
        absent = solicitation.solicitation(router.mac, router.source, lab.packed("2001:db8:1::78"))
        router.silent(absent, beside="2001:db8:1::77")
        # auto: by the routing table, and as soon as a route is there.
        cable.server.run("ip", "route", "add", "2001:db8:1::77/128", "dev", "inside")
        host.run("ip", "address", "add", "2001:db8:1::79/64", "dev", "eth0", "nodad")
        machine.reload(range=[{"interface": "vs", "prefix": lab.PREFIX, "local": False, "forward": "auto"}])
        router.answered("2001:db8:1::77")
        router.silent(
            solicitation.solicitation(router.mac, router.source, lab.packed("2001:db8:1::79")),
            beside="2001:db8:1::77",
        )
        assert machine.counted("dropped_total", "no_way") == 1
    finally:
        host.close()


def test_a_route_to_who_answered(cable, machine, router):
    """The host behind this machine is in the prefix of the link before it: a packet for it finds its way."""
    host = network.Namespace(cable.server)
    try:
        pid = str(host.holder.pid)
        cable.server.run("ip", "link", "add", "inside", "type", "veth", "peer", "name", "eth0", "netns", pid)
        for namespace, device, address in ((cable.server, "inside", "fe80::1"), (host, "eth0", "fe80::2")):
            namespace.run("ip", "link", "set", device, "up")
            namespace.run("ip", "address", "add", f"{address}/64", "dev", device, "nodad")
        host.run("ip", "address", "add", "2001:db8:1::77/128", "dev", "eth0", "nodad")
        host.run("ip", "route", "add", "default", "via", "fe80::1", "dev", "eth0")
        cable.server.run("sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1")
        entry = {"interface": "vs", "prefix": lab.PREFIX, "local": False, "forward": "inside", "ttl": 1}
        machine.softwired(range=[{**entry, "wire": True}])

        def wired():
            return json.loads(cable.server.run("ip", "-j", "-6", "route", "show", "proto", "164") or "[]")

        server = host.open(socket.AF_INET6, socket.SOCK_DGRAM)
        server.bind(("2001:db8:1::77", 9))
        server.settimeout(10)
        asks = cable.client.udp(network.CLIENT, 0)
        asks.sendto(b"there", ("2001:db8:1::77", 9))
        assert server.recv(100) == b"there"
        assert [(one["dst"], one["dev"]) for one in wired()] == [("2001:db8:1::77", "inside")]
        # A reload keeps it, and the time when its answer is old.
        machine.reload(range=[{**entry, "wire": True, "exceptions": ["2001:db8:1::99"]}])
        assert wired()
        process = machine.running[-1]
        process.kill()
        process.wait()
        machine.running.remove(process)
        assert wired()
        machine.softwired(range=[{**entry, "wire": True}])
        assert not wired()
        router.answered("2001:db8:1::77")
        network.until(wired, "the route")
        host.run("ip", "address", "del", "2001:db8:1::77/128", "dev", "eth0")
        network.until(lambda: not wired(), "the host is gone")
        host.run("ip", "address", "add", "2001:db8:1::77/128", "dev", "eth0", "nodad")
        network.until(lambda: heard(router) and wired(), "the host is back")
        machine.stop(machine.running[-1])
        assert not wired()
        server.close()
        asks.close()
    finally:
        host.close()


def test_two_that_ask_each_other_come_to_an_end(cable, machine, tmp_path):
    """Both forward between the same two links: a target that nobody has is asked for a few times, not for ever."""
    pid = str(cable.client.holder.pid)
    cable.server.run("ip", "link", "add", "vs2", "type", "veth", "peer", "name", "vc2", "netns", pid)
    for namespace, device, address in ((cable.server, "vs2", "fe80::1"), (cable.client, "vc2", "fe80::2")):
        namespace.run("ip", "link", "set", device, "up")
        namespace.run("ip", "address", "add", f"{address}/64", "dev", device, "nodad")
    ranges = [
        {"interface": one, "prefix": lab.PREFIX, "local": False, "forward": other, "timeout": 0.1}
        for one, other in (("vs", "vs2"), ("vs2", "vs"))
    ]
    machine.softwired(range=ranges)
    # The other one, in the client's namespace.
    second = lab.Machine.__new__(lab.Machine)
    lab.Processes.__init__(second, cable, tmp_path, tmp_path / "second")
    second.folder.mkdir()
    swapped = type("Swapped", (), {"server": cable.client, "client": cable.server})()
    second.cable = swapped
    names = {"vs": "vc", "vs2": "vc2"}
    second.softwired(
        range=[
            {**one, "interface": names[one["interface"]], "forward": names[one["forward"]]} for one in ranges
        ]
    )
    try:
        router = lab.Router(cable.client)
        router.ask("2001:db8:1::77")
        count = 0

        def settled():
            nonlocal count
            before, count = count, machine.counted("solicitations_total", "forwarded")
            count += second.counted("solicitations_total", "forwarded")
            return count and count == before and not waiting(machine) and not waiting(second)

        network.until(settled, "an end")
        assert count <= 20
        router.close()
    finally:
        second.close()


def waiting(machine):
    return any(
        value
        for key, value in machine.status()["counters"]["gauges"]["asked_waiting"].items()
        if key == "value"
    )


def test_a_flood(cable, machine, router):
    """From random sources for random targets: memory is bounded, and who asks properly is answered."""
    import os
    import pathlib

    machine.range()

    def resident():
        text = pathlib.Path(f"/proc/{machine.running[-1].pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0])

    before = resident()
    flood = [
        lab.frame(source="fe80::" + os.urandom(2).hex(), target="2001:db8:1::" + os.urandom(2).hex(), mac=mac)
        for mac in (b"\2" + os.urandom(5) for _ in range(500))
    ]
    for _ in range(40):
        for frame in flood:
            router.send(frame)
    found = network.until(lambda: asked_and_answered(router), "answered beside the flood")
    assert found
    network.until(lambda: machine.counted("solicitations_total", "answered") > 100, "flood answered")
    assert resident() - before < 4096


def asked_and_answered(router):
    """Asks once, and looks at what comes within a second: the flood's answers may leave no room for ours."""
    patience, end = router.socket.gettimeout(), time.monotonic() + 1
    router.socket.settimeout(0.2)
    router.ask("2001:db8:1::600d")
    try:
        while time.monotonic() < end:
            frame = router.hear()
            if frame[solicitation.TARGET : solicitation.OPTIONS] == lab.packed("2001:db8:1::600d"):
                return frame
    except TimeoutError:
        pass
    finally:
        router.socket.settimeout(patience)
    return None
