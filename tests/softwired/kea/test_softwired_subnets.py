# SPDX-License-Identifier: Apache-2.0
"""Information-requests, and the subnet of each message beside Kea's own choice, which its option 88 tells."""

import subprocess

import pytest

from tests.softwired import network, packets

# Each subnet's option 88 is its number as the last group. The first has a class that only one client is in.
CLASSED = "0003000102000000ffff"
SUBNETS = [
    {"prefix": "2001:db8:f::/48", "interface": "vs", "client_class": "odd"},
    {"prefix": "2001:db8:1::/64"},
    {"prefix": "2001:db8:2::/64", "relays": ["2001:db8:99::1"]},
    {"prefix": "2001:db8:3::/64", "interface_id": "7369 7831"},
    {"prefix": "2001:db8:4::/64"},
    {"prefix": "2001:db8:5::/64", "relays": ["2001:db8:99::1"], "client_class": "odd"},
]
# prefix of the subnet with the interface, for messages of the link itself
ON_LINK = {"prefix": "2001:db8:6::/64", "interface": "vs"}
PLAIN = packets.information_request(88)
ODD = packets.information_request(88, identity=bytes.fromhex(CLASSED))
PORT_X = packets.option(18, b"six1")


def twice(inner, link, outer, inner_options=b"", outer_options=b""):
    return packets.relayed(
        packets.relayed(inner, link, "fe80::9", inner_options), outer, "2001:db8:1::7", outer_options, 1
    )


SERVING = {"name": "vs", "addresses": [network.SERVER], "serve_information": True}
DIRECT = {"on the link": PLAIN, "on the link, of the class": ODD}
RELAYED = {
    "relay's address": packets.relayed(PLAIN, "2001:db8:99::1"),
    "relay's address, of the class": packets.relayed(ODD, "2001:db8:99::1"),
    "in the prefix": packets.relayed(PLAIN, "2001:db8:4::77"),
    "in the prefix of one with a relay": packets.relayed(PLAIN, "2001:db8:2::77"),
    "interface id": packets.relayed(PLAIN, "2001:db8:4::77", options=PORT_X),
    "unknown interface id": packets.relayed(PLAIN, "2001:db8:4::77", options=packets.option(18, b"six2")),
    "nothing fits": packets.relayed(PLAIN, "2001:db8:77::1"),
    "link-local link address": packets.relayed(PLAIN, "fe80::5"),
    "link-local link address, interface id": packets.relayed(PLAIN, "fe80::5", options=PORT_X),
    "undefined link address": packets.relayed(PLAIN, "::"),
    "two relays, the client's counts": twice(PLAIN, "2001:db8:4::1", "2001:db8:99::1"),
    "two relays, the client's is link-local": twice(PLAIN, "fe80::5", "2001:db8:99::1"),
    "two relays, the client's is undefined": twice(PLAIN, "::", "2001:db8:4::1"),
    "two relays, interface id of the client's": twice(PLAIN, "2001:db8:4::1", "::", PORT_X),
    "two relays, interface id of the other": twice(PLAIN, "2001:db8:4::1", "::", b"", PORT_X),
}


def servers(number):
    return f"2001:db8:8888::{number}"


def keas(subnets):
    """The same for Kea."""
    found = []
    for number, subnet in enumerate(subnets, 1):
        one = {
            "id": number,
            "subnet": subnet["prefix"],
            "option-data": [
                {"code": 88, "csv-format": False, "data": packets.address(servers(number)).hex()}
            ],
        }
        if "interface" in subnet:
            one["interface"] = subnet["interface"]
        if "interface_id" in subnet:
            one["interface-id"] = "six1"
        if "relays" in subnet:
            one["relay"] = {"ip-addresses": subnet["relays"]}
        if "client_class" in subnet:
            one["client-class"] = subnet["client_class"]
        found.append(one)
    return found


def choices(sender, messages, to):
    """The number of the subnet for each message, by option 88 of the answer; None where there is none."""
    found = {}
    for name, message in messages.items():
        sender.send(message, to)
        data = sender.hear()[0]
        at = data.find(packets.option(88, packets.address(servers(0)))[:18])
        found[name] = data[at + 19] if at >= 0 else None
    return found


@pytest.mark.parametrize("subnets", [SUBNETS, [*SUBNETS, ON_LINK]], ids=["no interface", "interface"])
def test_the_subnet_is_the_one_that_kea_takes(processes, client, relay, subnets, tmp_path):
    # An information-request that relays hand on is answered to them.
    classes = [{"name": "odd", "test": f"option[1].hex == 0x{CLASSED}"}]
    kea = processes.kea(6, **{"subnet6": keas(subnets), "client-classes": classes})
    expected = {**choices(client, DIRECT, network.GROUP), **choices(relay, RELAYED, network.SERVER)}
    processes.stop(kea)
    table = [{**subnet, "servers": [servers(number)]} for number, subnet in enumerate(subnets, 1)]
    processes.softwired(
        interface=[SERVING],
        subnet=table,
        **{"class": [{"name": "odd", "option": 1, "starts_with": CLASSED}]},
    )
    # Where no subnet is selected ours has the general list, which is empty here.
    ours = {**choices(client, DIRECT, network.GROUP), **choices(relay, RELAYED, network.SERVER)}
    assert ours == expected
    # Every rule has been seen to win, and to lose.
    assert set(expected.values()) >= {None, 1, 2, 3, 4, 5} or len(subnets) > 6

    def selected(message, source):
        words = ["dhcp4o6", "select", message.hex(), "--interface", "vs", "--source", source]
        return subprocess.run(
            processes.command(*words), env=processes.environment, stdout=subprocess.PIPE, text=True
        ).stdout.splitlines()

    for name, message in {**DIRECT, **RELAYED}.items():
        source = network.CLIENT_LINK_LOCAL if name in DIRECT else network.CLIENT
        lines = selected(message, source)
        number = expected[name]
        wanted = subnets[number - 1]["prefix"] if number else "no subnet"
        assert lines[0] == f"packet 1: type 11 from {source} on vs: {wanted}", name
        assert lines[-1].endswith(wanted), name


def test_the_answer_to_an_information_request(processes, client):
    """RFC 8415 section 18.3.6, RFC 4242: only what was asked for, the client's identifier back, our own."""
    processes.softwired(
        interface=[{"name": "vs", "serve_information": True}],
        duid="00:03:00:01:02:00:00:00:00:aa",
        servers=[network.SERVER, "ff02::1:2"],
        refresh_time=7200,
    )
    ours = packets.option(2, bytes.fromhex("000300010200000000aa"))
    theirs = packets.option(1, bytes.fromhex("00030001") + packets.MAC)
    addresses = packets.option(88, packets.address(network.SERVER) + packets.address("ff02::1:2"))
    client.send(packets.information_request(88))
    data, address, port = client.hear()
    assert data == b"\x07\x12\x34\x56" + theirs + ours + addresses
    assert (address, port) == (network.SERVER_LINK_LOCAL, 547)
    client.send(packets.information_request(32, 88, identity=b""))
    assert (
        client.hear()[0]
        == b"\x07\x12\x34\x56" + ours + packets.option(32, (7200).to_bytes(4, "big")) + addresses
    )


def test_an_empty_option_88(processes, client):
    """RFC 7341 section 7.2: then clients ask the multicast group."""
    processes.softwired(interface=[{"name": "vs", "serve_information": True}])
    client.send(packets.information_request(88))
    assert client.hear()[0].endswith(packets.option(88, b""))


def test_a_relayed_answer(processes, relay):
    """Interface id and the relay's port go back, other options do not (RFC 8415 section 19.3, RFC 8357)."""
    processes.softwired(
        interface=[SERVING],
        duid="000300010200000000aa",
    )
    message = packets.relayed(
        packets.information_request(88), "2001:db8:4::1", options=PORT_X + packets.option(37, b"0000x")
    )
    relay.send(message, network.SERVER)
    data, address, port = relay.hear()
    reply = packets.relayed(data[data.index(b"\x07\x12\x34\x56") :], "2001:db8:4::1", options=PORT_X, kind=13)
    assert (data, address, port) == (reply, network.SERVER, 547)


def test_what_is_left_alone(processes, cable, client):
    """Not for us, or not asked for, or not to be answered; a malformed one is counted."""
    processes.softwired(
        interface=[SERVING],
        duid="000300010200000000aa",
    )
    for message in (
        packets.information_request(23),
        packets.information_request(88, more=packets.option(2, b"\0\3\0\1abcdef")),
        packets.information_request(88, more=packets.option(3, bytes(12))),
        b"\x01" + PLAIN[1:],
    ):
        client.send(message)
    client.send(packets.information_request(88)[:-1])
    client.send(b"\x0b\1\2\3" + packets.option(6, b"\0"))
    unicast = network.Client(cable, network.CLIENT)
    unicast.send(PLAIN, network.SERVER)
    network.until(
        lambda: processes.counted("dropped_total", "unicast_information") == 1, "the last is counted"
    )
    network.until(lambda: processes.counted("messages_total", "left_alone") == 4, "the others are counted")
    assert processes.counted("dropped_total", "malformed") == 2
    client.send(
        packets.information_request(88, more=packets.option(2, bytes.fromhex("000300010200000000aa")))
    )
    assert client.hear()[0].startswith(b"\x07\x12\x34\x56")
    assert client.nothing() and unicast.nothing()
    unicast.close()


def test_nothing_is_answered_where_somebody_else_does(processes, client):
    processes.softwired()
    client.send(PLAIN)
    network.until(lambda: processes.counted("messages_total", "left_alone") == 1, "it is counted")
    assert client.nothing()


def test_select_from_a_capture(processes, client, cable):
    """A pcap of what a client sent."""
    sniffer = cable.server.open(17, 3, 0x0300)
    sniffer.settimeout(10)
    client.send(PLAIN)
    frame = b""
    while PLAIN not in frame:
        frame = sniffer.recv(65535)
    sniffer.close()
    # pcap (version 2.4), Ethernet; a frame before it that is something else
    head = bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000")
    other = bytes(12) + b"\x08\x00" + bytes(40)
    rows = b"".join(bytes(8) + len(one).to_bytes(4, "little") * 2 + one for one in (other, frame))
    path = processes.folder / "capture.pcap"
    path.write_bytes(head + rows)
    processes.configure(subnet=[{"prefix": "2001:db8:1::/64", "interface": "vs"}])
    told = processes.ask("dhcp4o6", "select", str(path), "--interface", "vs")
    assert told.splitlines()[0] == "packet 2: type 11 from fe80::2 on vs: 2001:db8:1::/64"
