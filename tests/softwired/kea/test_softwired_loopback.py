# SPDX-License-Identifier: Apache-2.0
"""Both halves beside each other, a DHCPv4 server that we play behind them: the same octets on the loopback."""

import socket

import pytest

from tests.softwired import network, packets
from tests.softwired.processes import PORT

# Source and destination apart, whatever a client may send and both halves pass on.
QUERIES = {
    "plain": packets.query(packets.bootp()),
    "unicast flag": packets.query(packets.bootp(3), 0x800000),
    "every flag": packets.query(packets.bootp(), 0xFFFFFF),
    "options before and behind": packets.query(
        packets.bootp(), before=packets.option(6, b"\0\x5a\0\x89"), behind=packets.option(8, b"\0\x10")
    ),
    "client identifier": packets.query(packets.bootp(), before=packets.option(1, b"\0\3\0\1" + packets.MAC)),
    "another enterprise": packets.query(packets.bootp(), before=packets.option(17, b"\0\0\0\xd2\0\1\0\1x")),
    "ISC's option with something else": packets.query(
        packets.bootp(), behind=packets.option(17, packets.ISC + packets.option(5, b"x"))
    ),
    "unknown options": packets.query(
        packets.bootp(),
        before=packets.option(9999, b"2") + packets.option(300, b"") + packets.option(9999, b"1"),
    ),
    "long": packets.query(packets.bootp(options=bytes([43, 255]) + bytes(255))),
}
LINK = "2001:db8:1::5"
RELAYED = {
    "one relay": packets.relayed(QUERIES["plain"], LINK, "fe80::9", packets.option(18, b"port 7")),
    "two relays": packets.relayed(
        packets.relayed(QUERIES["plain"], LINK, "fe80::9", packets.option(18, b"port 7")),
        "::",
        "2001:db8:1::7",
        packets.option(37, b"\0\0\0\x09remote"),
        1,
    ),
}


@pytest.fixture
def dhcpv4_server(cable):
    made = cable.server.udp("::1", PORT + 1)
    yield made
    made.close()


def heard(processes, half, sender, messages, to, dhcpv4_server):
    """What the DHCPv4 server gets of each message, and where from."""
    process = processes.half(half)
    got = []
    for message in messages:
        sender.send(message, to)
        datagram, source = dhcpv4_server.recvfrom(65535)
        got.append((datagram, source[:2]))
    processes.stop(process)
    return got


def compare(processes, sender, messages, to, dhcpv4_server):
    keas = heard(processes, "kea", sender, messages.values(), to, dhcpv4_server)
    ours = heard(processes, "softwired", sender, messages.values(), to, dhcpv4_server)
    for name, kea, our in zip(messages, keas, ours, strict=True):
        assert our[0].hex() == kea[0].hex(), name
        assert our[1] == kea[1] == ("::1", PORT), name


def test_multicast_queries(processes, client, dhcpv4_server):
    compare(processes, client, QUERIES, network.GROUP, dhcpv4_server)


def test_unicast_queries(processes, cable, dhcpv4_server):
    sender = network.Client(cable, network.CLIENT)
    compare(processes, sender, QUERIES, network.SERVER, dhcpv4_server)
    sender.close()


def test_relayed_queries(processes, relay, dhcpv4_server):
    compare(processes, relay, RELAYED, network.SERVER, dhcpv4_server)


RESPONSES = {
    "plain": packets.isc("vs", network.CLIENT_LINK_LOCAL, 546),
    "another enterprise": packets.isc("vs", network.CLIENT_LINK_LOCAL, 546)
    + packets.option(17, b"\0\0\0\xd2\0\1\0\1x"),
    "other options": packets.option(6, b"\0\x5a") + packets.isc("vs", network.CLIENT_LINK_LOCAL, 546),
}


@pytest.mark.parametrize("half", ["kea", "softwired"])
def test_responses(processes, client, dhcpv4_server, half):
    """Without ISC's option, from the server's port and link-local address to the client's port; alike from both."""
    process = processes.half(half)
    for name, where in RESPONSES.items():
        client.send(QUERIES["plain"])
        dhcpv4_server.recv(65535)
        offer = packets.bootp(2, op=2)
        dhcpv4_server.sendto(packets.response(offer, where), ("::1", PORT))
        data, address, port = client.hear()
        expected = {
            "plain": b"",
            "another enterprise": packets.option(17, b"\0\0\0\xd2\0\1\0\1x"),
            "other options": packets.option(6, b"\0\x5a"),
        }[name]
        assert data.hex() == packets.response(offer, expected).hex(), name
        assert (address, port) == (network.SERVER_LINK_LOCAL, 547)
    processes.stop(process)


def test_flags_of_a_response_are_zero(processes, client, dhcpv4_server):
    """RFC 7341 section 6.2, whatever the DHCPv4 server sets: Kea's sets the query's."""
    processes.softwired()
    client.send(QUERIES["every flag"])
    dhcpv4_server.recv(65535)
    offer = packets.bootp(2, op=2)
    where = packets.isc("vs", network.CLIENT_LINK_LOCAL, 546)
    dhcpv4_server.sendto(packets.response(offer, where, 0xFFFFFF), ("::1", PORT))
    assert client.hear()[0] == packets.response(offer)


def test_others_on_the_loopback_are_not_believed(processes, cable, client, dhcpv4_server):
    """Any local user may send to our port; only the DHCPv4 server's port counts, and only for what was asked."""
    processes.softwired()
    client.send(QUERIES["plain"])
    dhcpv4_server.recv(65535)
    genuine = packets.response(packets.bootp(2, op=2), packets.isc("vs", network.CLIENT_LINK_LOCAL, 546))
    forger = cable.server.udp("::1", 4711)
    forger.sendto(genuine, ("::1", PORT))
    network.until(lambda: processes.counted("dropped_total", "not_from_dhcpv4_server") == 1, "it is counted")
    for datagram in (
        packets.response(packets.bootp(2, 0x99, op=2), packets.isc("vs", network.CLIENT_LINK_LOCAL, 546)),
        packets.response(packets.bootp(2, op=2), packets.isc("vs", "fe80::3", 546)),
        packets.response(packets.bootp(2, op=2), packets.isc("lo", network.CLIENT_LINK_LOCAL, 546)),
    ):
        dhcpv4_server.sendto(datagram, ("::1", PORT))
    network.until(lambda: processes.counted("dropped_total", "for_nobody") == 3, "they are counted")
    assert client.nothing()
    for _ in range(2):
        dhcpv4_server.sendto(genuine, ("::1", PORT))
    assert client.hear()[0] == packets.response(packets.bootp(2, op=2))
    # Once for each query.
    network.until(lambda: processes.counted("dropped_total", "for_nobody") == 4, "the second is counted")
    assert client.nothing()
    assert processes.log("softwired").count("for_nobody") == 1
    forger.close()


def test_an_answer_through_another_socket_of_the_host(processes, cable, dhcpv4_server):
    """A client that asked a unicast address is answered from it."""
    sender = network.Client(cable, network.CLIENT)
    processes.softwired()
    sender.send(QUERIES["plain"], network.SERVER)
    dhcpv4_server.recv(65535)
    where = packets.isc("vs", network.CLIENT, 546)
    dhcpv4_server.sendto(packets.response(packets.bootp(2, op=2), where), ("::1", PORT))
    data, address, port = sender.hear()
    assert (data, address, port) == (packets.response(packets.bootp(2, op=2)), network.SERVER, 547)
    sender.close()


@pytest.mark.parametrize("relay_port", [False, True])
def test_relayed_response(processes, cable, dhcpv4_server, relay_port):
    """RFC 8415 section 19.3; to port 547, or by RFC 8357 to where the relay sent from."""
    sender = network.Client(cable, network.CLIENT, 1547 if relay_port else 547)
    processes.softwired()
    options = packets.option(18, b"port 7") + (packets.option(135, b"\0\0") if relay_port else b"")
    sender.send(packets.relayed(QUERIES["plain"], LINK, "fe80::9", options), network.SERVER)
    datagram = dhcpv4_server.recv(65535)
    assert packets.option(60002, (1547 if relay_port else 547).to_bytes(2, "big")) in datagram
    where = packets.isc("vs", network.CLIENT, 1547 if relay_port else 547)
    offer = packets.bootp(2, op=2)
    reply = packets.relayed(packets.response(offer, where), LINK, "fe80::9", options, kind=13)
    dhcpv4_server.sendto(reply, ("::1", PORT))
    data, address, _ = sender.hear()
    assert data == packets.relayed(packets.response(offer), LINK, "fe80::9", options, kind=13)
    assert address == network.SERVER
    sender.close()


def test_a_relay_of_the_site_may_use_the_group(processes, cable, relay, dhcpv4_server):
    """ff05::1:3, All_DHCP_Servers (RFC 8415 section 7.1); answered from an address of the relay's scope."""
    processes.softwired(interface=[{"name": "vs"}])
    relay.send(packets.relayed(QUERIES["plain"], LINK), "ff05::1:3")
    dhcpv4_server.recv(65535)
    where = packets.isc("vs", network.CLIENT, 547)
    reply = packets.relayed(packets.response(packets.bootp(2, op=2), where), LINK, kind=13)
    dhcpv4_server.sendto(reply, ("::1", PORT))
    assert relay.hear()[1:] == (network.SERVER, 547)


def test_wrong_messages_go_no_further(processes, client, dhcpv4_server):
    """Each is counted under its reason, and said once; after all of them a right one passes."""
    processes.softwired()
    for reason, message in packets.WRONG:
        before = processes.counted("dropped_total", reason)
        client.send(message)
        network.until(lambda: processes.counted("dropped_total", reason) == before + 1, reason)  # noqa: B023
    for message in packets.OTHERS:
        client.send(message)
    client.send(QUERIES["plain"])
    assert packets.isc("vs", network.CLIENT_LINK_LOCAL, 546) in dhcpv4_server.recv(65535)
    assert processes.counted("messages_total", "left_alone") == len(packets.OTHERS)
    log = processes.log("softwired")
    for reason in {reason for reason, _ in packets.WRONG}:
        assert log.count(f"dropped ({reason})") == 1, reason
    dhcpv4_server.setblocking(False)
    with pytest.raises(BlockingIOError):
        dhcpv4_server.recv(65535)


@pytest.mark.parametrize(
    ("reason", "datagram"),
    [
        ("malformed", b"\x15\0\0"),
        ("not_a_response", packets.query(packets.bootp())),
        ("not_a_response", packets.relayed(packets.response(packets.bootp(2, op=2)))),
        ("not_one_message", b"\x15\0\0\0"),
        ("bad_dhcpv4", packets.response(packets.bootp(2))),
        ("no_destination", packets.response(packets.bootp(2, op=2))),
        ("no_destination", packets.response(packets.bootp(2, op=2), packets.option(17, packets.ISC))),
        ("malformed", packets.response(packets.bootp(2, op=2), packets.option(17, packets.ISC + b"\xea"))),
    ],
)
def test_wrong_responses(processes, client, dhcpv4_server, reason, datagram):
    processes.softwired()
    client.send(QUERIES["plain"])
    dhcpv4_server.recv(65535)
    dhcpv4_server.sendto(datagram, ("::1", PORT))
    network.until(lambda: processes.counted("dropped_total", reason) == 1, reason)
    assert client.nothing()


def test_socket_names(cable, processes):
    """A port that somebody has: said with what would be right, and nothing is started."""
    taken = cable.server.udp("::1", PORT)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    processes.configure()
    done = cable.server.start(*processes.command("run", "dhcp4o6"), env=processes.environment, stderr=-1)
    _, said = done.communicate(timeout=20)
    assert done.returncode == 1
    assert f"dhcp4o6.port = {PORT}: cannot listen at [::1]:{PORT}: Address already in use" in said
    taken.close()
