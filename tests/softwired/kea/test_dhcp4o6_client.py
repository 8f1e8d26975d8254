# SPDX-License-Identifier: Apache-2.0
"""The client of DHCPv4 over DHCPv6 on both interpreters: against Kea's both halves, and through our own."""

import socket
import time

import pytest

from tests.softwired import network, packets
from tests.softwired.kea.household import BORDER_ROUTER, DUID, ENDPOINT, PREFIX, Household, interpreters
from tests.softwired.processes import SUBNETS4

CLIENT_ID = b"\xff\0\0\0\1" + DUID
SHORT = {"valid-lifetime": 12, "renew-timer": 2, "rebind-timer": 5}
MOVED = [
    {
        "id": 2,
        "subnet": "198.51.100.0/24",
        "4o6-interface": "vs",
        "pools": [{"pool": "198.51.100.16 - 198.51.100.250"}],
    }
]
SERVER = packets.address(network.SERVER)


@pytest.fixture(params=["cpython", "micropython"])
def household(cable, tmp_path, request):
    if request.param not in interpreters():
        pytest.skip("no MicroPython here")
    made = Household(cable, tmp_path, request.param)
    yield made
    made.close()


@pytest.fixture
def wire(cable):
    """All UDP over IPv6 that reaches the server."""
    made = cable.server.open(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    yield made
    made.close()


def queries(wire, household):
    """What the household has sent so far: (source, DHCPv6 message)."""
    wire.setblocking(False)
    found = []
    while True:
        try:
            data, (source, *_) = wire.recvfrom(65535)
        except BlockingIOError:
            return found
        source = source.partition("%")[0]
        if data[2:4] == b"\x02\x23" and data[8:9] == b"\x14":
            assert data[:2] == b"\x02\x22"
            found.append((source, data[8:]))


def taken_apart(message):
    """(kind, flags, DHCPv6 options, DHCPv4 options, ciaddr, secs) of a query."""
    at, outside = 4, []
    while at < len(message):
        code, size = (int.from_bytes(message[at + two : at + two + 2], "big") for two in (0, 2))
        outside.append((code, message[at + 4 : at + 4 + size]))
        at += 4 + size
    (inner,) = [value for code, value in outside if code == 87]
    options, at = {}, 240
    while inner[at] != 255:
        options[inner[at]] = inner[at + 2 : at + 2 + inner[at + 1]]
        at += 2 + inner[at + 1]
    secs = int.from_bytes(inner[8:10], "big")
    return (
        options[53][0],
        int.from_bytes(message[1:4], "big"),
        [code for code, _ in outside],
        options,
        inner[12:16],
        secs,
    )


def leased(processes, address="192.0.2.16"):
    return f"lease {address} has been allocated"


@pytest.mark.parametrize("half", ["kea", "softwired"])
def test_a_lease_by_multicast(processes, household, wire, half):
    """An empty option 88; all that RFC 7341 says of the messages."""
    options = [
        {"name": "domain-name-servers", "data": "192.0.2.53, 192.0.2.54"},
        {"name": "interface-mtu", "data": "1400"},
        {"name": "routers", "data": "192.0.2.1"},
    ]
    processes.kea(4, **{"option-data": options})
    processes.half(half)
    household.line(o88=b"")
    household.start()
    told = household.bound()
    assert told["IPADDR"] == "192.0.2.16/32" and told["REMOTE"] == BORDER_ROUTER
    assert told["LOCAL"] == ENDPOINT
    assert told["DNS"] == "192.0.2.53 192.0.2.54" and told["MTU"] == 1400 and told["ROUTES"] == "0.0.0.0/0"
    assert household.state()["answer"]["server"] == network.SERVER_LINK_LOCAL
    sent = queries(wire, household)
    assert [source for source, _ in sent] == [network.CLIENT_LINK_LOCAL] * 2
    discover, request = (taken_apart(message) for _, message in sent)
    # Kind, no flag, nothing outside but the message, and what RFC 8539 asks for with the DHCPDISCOVER.
    assert discover[:3] == (1, 0, [6, 87]) and request[:3] == (3, 0, [87])
    assert b"\0\0\0\x06\0\x04\0\x5a\0\x89" in sent[0][1][:14]
    for message in (discover, request):
        assert message[3][61] == CLIENT_ID and message[4] == bytes(4)
        assert {3, 6, 26, 58, 59, 121, 159} == set(message[3][55])
        assert message[3][55].index(121) < message[3][55].index(3)
    assert request[3][50] == bytes([192, 0, 2, 16]) and request[3][54] == bytes([192, 0, 2, 1])


@pytest.mark.parametrize("half", ["kea", "softwired"])
@pytest.mark.parametrize("way", ["option 88", "list server"])
def test_a_lease_by_unicast(processes, household, wire, half, way):
    """From the softwire's endpoint; every one that is told is asked, and once."""
    processes.kea(4)
    processes.half(half)
    nobody = packets.address("2001:db8:1::9")
    if way == "option 88":
        household.line(o88=SERVER + nobody + SERVER)
        household.start()
    else:
        household.line()
        household.start(server=[network.SERVER, "2001:db8:1::9"])
    household.bound()
    assert household.state()["answer"]["server"] == network.SERVER
    sent = queries(wire, household)
    # Each message once, or once more on a slow machine; that other one is not on this cable.
    assert {source for source, _ in sent} == {ENDPOINT} and 2 <= len(sent) <= 3


def test_no_option_88(processes, household, wire):
    """Nothing is sent, and it is named; the option comes, and it goes on by itself."""
    processes.kea(4)
    processes.kea(6)
    household.line(o23=SERVER)
    household.start()
    network.until(lambda: household.events("failed"), "it is told")
    assert household.events("failed")[0]["parameters"]["ERROR_CODE"] == "NO_4O6_SERVER"
    time.sleep(1)
    assert queries(wire, household) == []
    household.line(o88=b"", o23=SERVER)
    household.tell("ifupdate")
    household.bound()


@pytest.mark.parametrize("half", ["kea", "softwired"])
def test_renewed_at_t1(processes, household, wire, half):
    """By unicast, as IPv4 would, to whom gave it; the softwire is not touched."""
    processes.kea(4, **SHORT)
    processes.half(half)
    household.line(o88=b"")
    household.start()
    household.bound()
    network.until(lambda: processes.log("kea4").count(leased(processes)) >= 3, "it is renewed twice")
    sent = [taken_apart(message) for _, message in queries(wire, household)]
    for kind, flags, _, options, ciaddr, _ in sent[2:]:
        assert (kind, flags, ciaddr) == (3, 0x800000, bytes([192, 0, 2, 16]))
        assert 50 not in options and 54 not in options and options[61] == CLIENT_ID
    network.until(lambda: "unchanged" in household.log(), "nothing changes")
    assert [one["event"] for one in household.events()] == ["endpoint", "bound"]
    expires = household.state()["expires"]
    network.until(lambda: household.state()["expires"] > expires, "its end moves on")


def test_rebound_after_the_server_went(processes, household, wire):
    """Nobody answers the renewal; at T2 it asks as if by broadcast, and another server that knows it answers."""
    leases = {"type": "memfile", "persist": True, "name": str(processes.folder / "leases.csv")}
    kea = processes.kea(4, **{**SHORT, "lease-database": leases})
    processes.kea(6)
    household.line(o88=b"")
    household.start()
    household.bound()
    processes.stop(kea)
    queries(wire, household)
    seen = []
    network.until(lambda: seen.extend(queries(wire, household)) or seen, "it renews in vain")
    processes.kea(4, **{**SHORT, "rebind-timer": 10, "lease-database": leases})
    network.until(lambda: leased(processes) in processes.log("kea4"), "it is given it again")
    seen += queries(wire, household)
    assert [taken_apart(message)[:2] for _, message in seen[:2]] == [(3, 0x800000), (3, 0)]
    network.until(lambda: "unchanged" in household.log(), "nothing changes")
    assert not household.events("unbound")


def test_a_refusal_after_the_subnet_changed(processes, household):
    """DHCPNAK ends the softwire at once, and another address is asked for, until there is one.

    Kea 2.2 refuses a renewal where it finds no subnet; of an address that it does not know it says nothing.
    """
    kea = processes.kea(4, **{**SHORT, "valid-lifetime": 300})
    processes.kea(6)
    household.line(o88=b"")
    household.start()
    household.bound()
    processes.stop(kea)
    kea = processes.kea(4, subnet4=[{**MOVED[0], "4o6-interface": "other"}], **SHORT)
    network.until(lambda: household.events("unbound"), "it is refused")
    told = "LEASE_REFUSED: the DHCPv4 server refused the address (NAK)"
    network.until(lambda: told in household.log(), "it is told")
    network.until(lambda: household.file("wan.kept") == {}, "it is forgotten")
    processes.stop(kea)
    processes.kea(4, subnet4=MOVED, **SHORT)
    assert household.bound(2)["IPADDR"] == "198.51.100.16/32"


def test_an_end(processes, household):
    """Nobody answers until the lease is over: the softwire goes; and it comes again with the server."""
    kea = processes.kea(4, **SHORT)
    processes.kea(6)
    household.line(o88=b"")
    household.start()
    household.bound()
    bound = household.events("bound")[0]["at"]
    processes.stop(kea)
    network.until(lambda: household.events("unbound"), "it is over", 30)
    assert 11 < household.events("unbound")[0]["at"] - bound < 16
    network.until(lambda: "the softwire has expired" in household.log(), "it is told")
    network.until(lambda: household.file("wan.kept") == {}, "it is forgotten")
    processes.kea(4)
    household.bound(2)


def test_released(processes, household, wire):
    processes.kea(4)
    processes.kea(6)
    household.line(o88=b"")
    household.start()
    household.bound()
    queries(wire, household)
    assert household.teardown() == 0
    network.until(lambda: "DHCP4_RELEASE" in processes.log("kea4"), "Kea has it back")
    assert "was released properly" in processes.log("kea4")
    ((_, message),) = queries(wire, household)
    kind, flags, outside, options, ciaddr, _ = taken_apart(message)
    assert (kind, flags, outside, ciaddr) == (7, 0x800000, [87], bytes([192, 0, 2, 16]))
    assert options[54] == bytes([192, 0, 2, 1]) and set(options) == {53, 54, 61}
    assert household.file("wan.kept") == {}


def test_not_released(processes, household, wire):
    """Option norelease: at the next start the same address is asked for."""
    processes.kea(4)
    processes.kea(6)
    household.line(o88=b"")
    household.start(norelease="1")
    household.bound()
    queries(wire, household)
    assert household.teardown() == 0
    household.start(norelease="1")
    household.bound(2)
    assert "DHCP4_RELEASE" not in processes.log("kea4")
    ((_, message),) = queries(wire, household)
    assert taken_apart(message)[0] == 3


@pytest.mark.parametrize("half", ["kea", "softwired"])
def test_killed_and_started_again(processes, household, wire, half):
    """INIT-REBOOT: one DHCPREQUEST with the address, without a server (RFC 2131 section 4.3.2)."""
    processes.kea(4)
    processes.half(half)
    household.line(o88=b"")
    household.start()
    household.bound()
    queries(wire, household)
    household.kill()
    household.start()
    assert household.bound(2)["IPADDR"] == "192.0.2.16/32"
    ((_, message),) = queries(wire, household)
    kind, flags, _, options, ciaddr, _ = taken_apart(message)
    assert (kind, flags, ciaddr) == (3, 0, bytes(4))
    assert options[50] == bytes([192, 0, 2, 16]) and 54 not in options


def test_killed_and_refused(processes, household):
    """The subnet changed meanwhile."""
    kea = processes.kea(4)
    processes.kea(6)
    household.line(o88=b"")
    household.start()
    household.bound()
    household.kill()
    processes.stop(kea)
    processes.kea(4, subnet4=MOVED, authoritative=True)
    household.start()
    assert household.bound(2)["IPADDR"] == "198.51.100.16/32"


def test_killed_and_nobody_answers(processes, household):
    """The lease goes on until its end (RFC 2131 section 3.2)."""
    kea = processes.kea(4)
    processes.kea(6)
    household.line(o88=b"")
    household.start()
    household.bound()
    kept = household.file("wan.kept")
    household.kill()
    processes.stop(kea)
    household.start()
    assert household.bound(2, longest=30)["IPADDR"] == "192.0.2.16/32"
    assert household.state()["answer"]["server"] == "nobody; remembered"
    assert abs(household.state()["expires"] - kept["at"] - 7200) < 1


@pytest.mark.parametrize("persist", ["0", "1"])
def test_a_reboot(processes, household, wire, persist):
    """What is in RAM is gone."""
    processes.kea(4)
    processes.kea(6)
    household.line(o88=b"")
    household.start(persist=persist)
    household.bound()
    queries(wire, household)
    household.kill()
    household.cable.client.run("sh", "-c", "rm -rf /var/run/softwire")
    household.start(persist=persist)
    household.bound(2)
    kinds = [taken_apart(message)[0] for _, message in queries(wire, household)]
    assert kinds == ([3] if persist == "1" else [1, 3])


def test_servers_that_change(processes, household, wire):
    """Moved, the exchange goes on with the new ones; gone, the softwire goes too (RFC 7341 section 9)."""
    processes.kea(4)
    processes.kea(6)
    household.line(o88=b"")
    household.start()
    household.bound()
    queries(wire, household)
    household.line(o88=SERVER)
    household.tell("ifupdate")
    network.until(lambda: "unchanged" in household.log(), "the new one confirms it")
    ((source, message),) = queries(wire, household)
    assert source == ENDPOINT and taken_apart(message)[:2] == (3, 0)
    assert not household.events("unbound")
    household.line()
    household.tell("ifupdate")
    network.until(lambda: household.events("unbound"), "it stops")
    network.until(lambda: household.state().get("error", {}).get("code") == "NO_4O6_SERVER", "it says so")
    time.sleep(1)
    assert queries(wire, household) == []


def test_two_softwires(processes, household):
    """Each has its own endpoint, client identifier and lease; what comes for one is nothing to the other."""
    processes.kea(4, **SHORT)
    processes.kea(6)
    household.line(o88=b"")
    household.start("wan")
    household.start("wan2", interface_id="::2:3")
    addresses = {household.bound(interface=name)["IPADDR"] for name in ("wan", "wan2")}
    assert addresses == {"192.0.2.16/32", "192.0.2.17/32"}
    for name in ("wan", "wan2"):
        network.until(lambda: "unchanged" in household.log(name), "it is renewed")  # noqa: B023
        assert household.state(name)["tunnel"]["ipaddr"][0] in addresses
    assert household.teardown("wan2") == 0
    network.until(lambda: "DHCP4_RELEASE" in processes.log("kea4"), "that one is released")
    household.tell("renew", "wan")
    network.until(lambda: household.state("wan")["phase"] == "up", "the other one stays")
    assert not household.events("unbound", "wan")


@pytest.fixture
def second_line(cable):
    """Another cable between the same two, with the same link-local addresses at its ends; both ends' devices."""
    pid = str(cable.client.holder.pid)
    cable.server.run("ip", "link", "add", "vs2", "type", "veth", "peer", "name", "vc2", "netns", pid)
    for namespace, device, address in (
        (cable.server, "vs2", network.SERVER_LINK_LOCAL),
        (cable.client, "vc2", network.CLIENT_LINK_LOCAL),
    ):
        namespace.run("ip", "link", "set", device, "addrgenmode", "none", "up")
        namespace.run("ip", "address", "add", address + "/64", "dev", device, "nodad")
    cable.server.run("ip", "address", "add", "198.51.100.1/24", "dev", "vs2")
    yield "vs2", "vc2"
    cable.server.run("ip", "link", "del", "vs2")


def test_two_lines(processes, household, second_line):
    """Each softwire asks on its own line, although the addresses there are alike; one line's end is not the other's."""
    server, device = second_line
    on_second = {**MOVED[0], "4o6-interface": server}
    both = {"interfaces": ["vs", server]}
    processes.kea(
        4,
        **SHORT,
        **{
            "subnet4": [*SUBNETS4, on_second],
            "interfaces-config": {**both, "dhcp-socket-type": "udp"},
        },
    )
    processes.kea(6, **{"interfaces-config": both})
    second = {"tunlink": "wanb6", "device": device, "prefix": "2001:db8:5000:300::"}
    household.line(o88=b"")
    household.line(**second, o88=b"")
    household.start("wan")
    household.start("wanb", tunlink="wanb6")
    for name, address, local in (
        ("wan", "192.0.2.16/32", ENDPOINT),
        ("wanb", "198.51.100.16/32", "2001:db8:5000:300:1111:1111:1111:1111"),
    ):
        told = household.bound(interface=name)
        assert (told["IPADDR"], told["LOCAL"]) == (address, local)
        network.until(lambda: "unchanged" in household.log(name), "it is renewed")  # noqa: B023
    household.line(**second)
    household.tell("ifupdate", "wanb")
    network.until(lambda: household.events("unbound", "wanb"), "the second line has no server any more")
    renewed = household.log().count("unchanged")
    network.until(lambda: household.log().count("unchanged") > renewed, "the first one is renewed")
    assert not household.events("unbound", "wan")
    household.line(**second, o88=b"")
    household.tell("ifupdate", "wanb")
    assert household.bound(2, "wanb")["IPADDR"] == "198.51.100.16/32"


def test_beside_the_lines_own_client(processes, household, cable):
    """A socket as odhcp6c has it gets every answer that is its own, whenever it asks."""
    processes.kea(4, **SHORT)
    processes.kea(6, **{"option-data": [{"name": "dns-servers", "data": "2001:db8:53::1"}]})
    own = cable.client.open(socket.AF_INET6, socket.SOCK_DGRAM)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"vc\0")
    own.bind(("::", 546))
    own.settimeout(5)
    household.line(o88=b"")
    household.start()
    asked = 0
    while processes.log("kea4").count(leased(processes)) < 3:
        asked += 1
        own.sendto(packets.information_request(23), (network.GROUP, 547, 0, cable.client_index))
        kinds = {own.recv(65535)[0]}
        while kinds != {7}:  # copies of what is ours: types 21
            kinds = {own.recv(65535)[0]}
        time.sleep(0.01)
    assert asked > 100
    own.close()
    household.bound()


@pytest.mark.parametrize("servers", [b"", SERVER], ids=["multicast", "unicast"])
def test_a_shared_address(processes, household, wire, servers):
    """RFC 7618: asked for, echoed, kept; the endpoint is RFC 7596's, and a server beyond the link sees it."""
    ports = [{"code": 159, "csv-format": False, "data": "04085a00"}]
    processes.kea(4, **{**SHORT, "option-data": ports})
    processes.kea(6)
    household.line(o88=servers)
    household.start()
    told = household.bound()
    assert household.state()["tunnel"]["ports"] == [4, 8, 0x5A]
    address = told["IPADDR"].partition("/")[0]  # a slow machine asks twice, and is offered the next one
    digits = bytes(map(int, address.split("."))).hex()
    local = f"2001:db8:4000:300:0:{digits[:4]}:{digits[4:].lstrip('0')}:5a"
    assert told["LOCAL"] == local
    network.until(lambda: processes.log("kea4").count(leased(processes, address)) >= 3, "it is renewed")
    seen = queries(wire, household)
    near = network.CLIENT_LINK_LOCAL
    assert [source for source, _ in seen[:4]] == (
        [ENDPOINT, ENDPOINT, local, local] if servers else [near] * 4
    )
    sent = [taken_apart(message) for _, message in seen]
    assert 159 not in sent[0][3]
    assert [options[159] for _, _, _, options, _, _ in sent[1:4]] == [bytes.fromhex("04085a00")] * 3
    household.teardown()
    network.until(lambda: "DHCP4_RELEASE" in processes.log("kea4"), "Kea has it back")
    assert taken_apart(queries(wire, household)[-1][1])[3][159] == bytes.fromhex("04085a00")


HOOKS = """
def softwire(packet):
    return packet + bytes.fromhex("005a0010" + "{router}" + "00890008" + "38" + "{prefix}")
"""


def test_the_softwires_source_address(processes, household, wire):
    """RFC 8539: border router and prefix come beside the offer, our address goes with the DHCPREQUEST."""
    (processes.folder / "lab_hooks.py").write_text(
        HOOKS.format(router=packets.address("2001:db8:b::7").hex(), prefix=packets.address(PREFIX)[:7].hex())
    )
    processes.environment["PYTHONPATH"] += f":{processes.folder}"
    local = packets.address("2001:db8:4000:300:0:c000:210:0")
    bound = {"code": 109, "csv-format": False, "always-send": True, "data": local.hex()}
    processes.kea(4, **{**SHORT, "option-data": [bound]})
    processes.softwired(callout=[{"function": "lab_hooks:softwire", "time_limit": 10}])
    household.line(o88=b"")
    household.start(peeraddr="")
    told = household.bound()
    assert told["REMOTE"] == "2001:db8:b::7" and told["LOCAL"] == "2001:db8:4000:300:0:c000:210:0"
    network.until(lambda: processes.log("kea4").count(leased(processes)) >= 2, "it is renewed")
    sent = [taken_apart(message) for _, message in queries(wire, household)]
    assert [options.get(109) for _, _, _, options, _, _ in sent[:3]] == [None, local, local]
    household.teardown()
    network.until(lambda: "DHCP4_RELEASE" in processes.log("kea4"), "Kea has it back")
    assert 109 not in taken_apart(queries(wire, household)[-1][1])[3]


def test_no_border_router(processes, household):
    """An address without one is of no use; it is named."""
    processes.kea(4)
    processes.kea(6)
    household.line(o88=b"")
    household.start(peeraddr="")
    network.until(lambda: "NO_AFTR" in household.log(), "it is told", 80)


def test_a_udp_socket_would_take_what_is_not_its_own(cable):
    """Why the client has a raw one: facts of Linux, for whoever thinks of another way."""

    def udp(address, connected=None):
        made = cable.client.open(socket.AF_INET6, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"vc\0")
        made.bind((address, 546, 0, cable.client_index if address != "::" else 0))
        if connected:
            made.connect((connected, 547, 0, cable.client_index))
        return made

    def gets(made):
        made.settimeout(0.2)
        try:
            return bool(made.recv(100))
        except TimeoutError:
            return False

    server = cable.server.udp(network.SERVER_LINK_LOCAL, 547, cable.server_index)
    odhcp6c = udp("::")
    raw = cable.client.open(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP)
    raw.bind((network.CLIENT_LINK_LOCAL, 0, 0, cable.client_index))
    ways = {
        "bound to the address": (udp, (network.CLIENT_LINK_LOCAL,)),
        "connected to the server": (udp, (network.CLIENT_LINK_LOCAL, network.SERVER_LINK_LOCAL)),
        "bound like odhcp6c's": (udp, ("::",)),
    }
    for name, (make, arguments) in ways.items():
        second = make(*arguments)
        server.sendto(b"\x07reply", (network.CLIENT_LINK_LOCAL, 546, 0, cable.server_index))
        assert (gets(odhcp6c), gets(second)) == (False, True), name
        second.close()
    while gets(raw):
        pass
    server.sendto(b"\x07reply", (network.CLIENT_LINK_LOCAL, 546, 0, cable.server_index))
    assert gets(odhcp6c) and gets(raw)
    for made in (server, odhcp6c, raw):
        made.close()
