# SPDX-License-Identifier: Apache-2.0
"""Our half in front of Kea's DHCPv4 server: leases, relays, the server gone and back, reload, callouts."""

import os
import signal
import sys
import threading

import pytest

from tests.softwired import network, packets

NAK = 6


def exchange(client, message, to=network.GROUP):
    """The DHCPv4 message of the answer."""
    client.send(message, to)
    return inner(client.hear()[0])


def inner(data):
    assert data[:4] == b"\x15\0\0\0"
    assert data[4:6] == b"\0\x57"
    return data[8:]


def option(dhcpv4, code):
    at = 240
    while dhcpv4[at] != 255:
        if dhcpv4[at] == code:
            return dhcpv4[at + 2 : at + 2 + dhcpv4[at + 1]]
        at += 2 + dhcpv4[at + 1] if dhcpv4[at] else 1
    return None


def request(offer, xid=7, kind=3):
    asked = bytes([50, 4]) + offer[16:20] + bytes([54, 4]) + option(offer, 54)
    return packets.bootp(kind, xid, options=asked)


def lease(client, to=network.GROUP):
    """DISCOVER to ACK; the ACK."""
    offer = exchange(client, packets.query(packets.bootp(1, 7)), to)
    assert option(offer, 53) == b"\2"
    ack = exchange(client, packets.query(request(offer)), to)
    assert option(ack, 53) == b"\5"
    assert ack[16:20] == offer[16:20]
    assert option(ack, 61) == packets.CLIENT_ID
    return ack


def test_a_lease_renewed_and_released(processes, client):
    processes.kea(4)
    processes.softwired()
    ack = lease(client)
    renew = bytearray(packets.bootp(3, 8))
    renew[12:16] = ack[16:20]
    renewed = exchange(client, packets.query(bytes(renew), 0x800000))
    assert option(renewed, 53) == b"\5" and renewed[16:20] == ack[16:20]
    release = bytearray(packets.bootp(7, 9, options=bytes([54, 4]) + option(ack, 54)))
    release[12:16] = ack[16:20]
    client.send(packets.query(bytes(release), 0x800000))
    network.until(lambda: "DHCP4_RELEASE" in processes.log("kea4"), "Kea knows of the release")
    assert processes.status()["dhcpv4_server"] == "answers"
    assert processes.counted("messages_total", "response") == 3


def test_both_halves_give_the_client_the_same(processes, client):
    processes.kea(4)
    acks = []
    for name in ("kea", "softwired"):
        half = processes.half(name)
        acks.append(lease(client))
        processes.stop(half)
    assert acks[0] == acks[1]


def test_unicast(processes, cable):
    processes.kea(4)
    processes.softwired()
    client = network.Client(cable, network.CLIENT)
    lease(client, network.SERVER)
    client.close()


def test_a_nak(processes, client):
    processes.kea(4, authoritative=True)
    processes.softwired()
    wrong = packets.bootp(3, 5, options=bytes([50, 4, 198, 51, 100, 9]))
    assert option(exchange(client, packets.query(wrong)), 53) == bytes([NAK])


def test_relayed(processes, relay):
    """Two relays, both with an interface id: each gets its own back (RFC 8415 section 19.3)."""
    processes.kea(4)
    processes.softwired()
    first, second = packets.option(18, b"port 7"), packets.option(18, b"uplink")
    message = packets.relayed(packets.query(packets.bootp()), "2001:db8:1::5", "fe80::9", first)
    message = packets.relayed(
        message, "2001:db8:1::6", "2001:db8:1::7", second + packets.option(37, b"\0\0\0\x09r"), 1
    )
    relay.send(message, network.SERVER)
    data, address, port = relay.hear()
    assert (address, port) == (network.SERVER, 547)
    outer = bytes([13, 1]) + packets.address("2001:db8:1::6") + packets.address("2001:db8:1::7")
    middle = bytes([13, 0]) + packets.address("2001:db8:1::5") + packets.address("fe80::9")
    assert data.startswith(outer)
    assert second in data and first in data and middle in data
    assert data.index(second) < data.index(middle) or data.index(second) > data.index(first)
    assert option(data[data.index(b"\x15\0\0\0\0\x57") + 8 :], 53) == b"\2"


def test_a_relay_of_another_port(processes, cable):
    """RFC 8357: answered to where it sent from, its option back, which Kea's DHCPv4 server keeps as well."""
    processes.kea(4)
    processes.softwired()
    relay = network.Client(cable, network.CLIENT, 1547)
    options = packets.option(18, b"port 7") + packets.option(135, b"\0\0")
    relay.send(
        packets.relayed(packets.query(packets.bootp()), "2001:db8:1::5", "fe80::9", options), network.SERVER
    )
    data = relay.hear()[0]
    assert packets.option(135, b"\0\0") in data and packets.option(18, b"port 7") in data
    relay.close()


def test_the_server_gone_and_back(processes, client):
    kea = processes.kea(4)
    processes.softwired()
    discover = packets.query(packets.bootp())
    exchange(client, discover)
    processes.stop(kea)
    for _ in range(3):
        client.send(discover)
    network.until(lambda: processes.counted("dropped_total", "no_dhcpv4_server") == 3, "they are counted")
    assert processes.status()["dhcpv4_server"] == "nobody listens"
    assert processes.log("softwired").count("nobody listens at [::1]:6768") == 1
    processes.kea(4)
    exchange(client, discover)
    assert processes.status()["dhcpv4_server"] == "answers"
    assert "answers again" in processes.log("softwired")


def test_reload_loses_nothing(processes, cable):
    """A client asks as fast as it can while the configuration changes and changes back."""
    processes.kea(4)
    softwired = processes.softwired()
    client = network.Client(cable)
    asked = answered = 0
    for number in range(12):
        addresses = [network.SERVER] if number % 2 else []
        processes.configure(
            interface=[{"name": "vs", "addresses": addresses}], limits={"in_flight": 1 + number}
        )
        softwired.send_signal(signal.SIGHUP)
        for _ in range(40):
            asked += 1
            client.send(packets.query(packets.bootp(1, asked)))
            answered += inner(client.hear()[0])[4:8] == asked.to_bytes(4, "big")
    assert answered == asked
    network.until(lambda: processes.log("softwired").count(": reloaded") == 12, "every reload")
    client.close()


def test_a_wrong_configuration_changes_nothing(processes, client):
    processes.kea(4)
    softwired = processes.softwired()
    processes.configure(port=0)
    softwired.send_signal(signal.SIGHUP)
    network.until(lambda: "not reloaded" in processes.log("softwired"), "the reload in vain")
    assert "dhcp4o6.port = 0: a whole number from 1 to 65534 would be right" in processes.log("softwired")
    exchange(client, packets.query(packets.bootp()))


def test_an_interface_that_comes_late_and_comes_back(processes, cable):
    """Under another index each time."""
    processes.kea(4)
    processes.softwired(interface=[{"name": "vs"}, {"name": "late"}])
    assert "late" in processes.status()["waits_for"]
    for count in range(1, 3):
        cable.server.run("ip", "link", "add", "late", "type", "veth", "peer", "name", "other")
        cable.server.run("ip", "link", "set", "other", "up")
        cable.server.run("ip", "link", "set", "late", "up")
        network.until(
            lambda: processes.log("softwired").count(": listens at [ff02::1:2%late]:547") == count,  # noqa: B023
            "it listens there",
        )
        if os.geteuid() == 0:
            # As large as of one that was there at the start; only then was it allowed.
            rows = cable.server.run("ss", "-uanm").split("UNCONN")
            (row,) = [row for row in rows if "[ff02::1:2]%late:547" in row]
            assert f"rb{8 << 20}" in row
        network.until(lambda: "late" not in processes.status()["waits_for"], "it waits for nothing")
        cable.server.run("ip", "link", "del", "late")
        network.until(lambda: "late" in processes.status()["waits_for"], "it waits again")


@pytest.mark.parametrize("held_up", [0, 2], ids=["at work", "held up"])
def test_a_thousand_clients_at_once(processes, client, held_up):
    """None is lost: what Kea's socket could not hold waits in our half, also while a slow disk holds Kea up."""
    kea = processes.kea(
        4,
        subnet4=[
            {"id": 1, "subnet": "10.0.0.0/8", "4o6-interface": "vs", "pools": [{"pool": "10.0.0.0/16"}]}
        ],
    )
    processes.softwired()
    messages = []
    for number in range(1000):
        mac = b"\2\0\0\0" + number.to_bytes(2, "big")
        client_id = b"\xff\0\0\0\1\0\3\0\1" + mac
        messages.append(packets.query(packets.bootp(1, number, mac=mac, client_id=client_id)))
    # Only root gives our half's own socket room for so many.
    at_once = 1000 if os.geteuid() == 0 else 100
    if held_up:
        kea.send_signal(signal.SIGSTOP)
        threading.Timer(held_up, kea.send_signal, [signal.SIGCONT]).start()
    answers = client.ask_all(messages, at_once)
    assert {inner(answer)[4:8] for answer in answers} == {number.to_bytes(4, "big") for number in range(1000)}
    assert processes.counted("messages_total", "response") == 1000


# A module of a user's own.
HOOKS = """
import time

def mark(packet):
    return packet + b"\\x00\\x63\\x00\\x01M"

def drop(packet):
    return None

def sleep(packet):
    time.sleep(30)

def die(packet):
    raise RuntimeError("no")

word = "no function"
"""
MARK = b"\x00\x63\x00\x01M"


@pytest.fixture
def hooks(processes):
    (processes.folder / "lab_hooks.py").write_text(HOOKS)
    processes.environment["PYTHONPATH"] += f":{processes.folder}"
    return processes


def test_callouts_change_a_packet_in_their_order(hooks, client):
    hooks.kea(4)
    path = hooks.folder / "command"
    path.write_text(
        f"#!{sys.executable}\nimport sys\nr, w = sys.stdin.buffer, sys.stdout.buffer\n"
        "while head := r.read(2):\n    packet = r.read(int.from_bytes(head, 'big')) + b'\\0\\x64\\0\\0'\n"
        "    w.write(len(packet).to_bytes(2, 'big') + packet)\n    w.flush()\n"
    )
    path.chmod(0o755)
    hooks.softwired(
        callout=[
            {"function": "lab_hooks:mark", "time_limit": 10},
            {"hook": "buffer6_send", "command": [str(path)], "time_limit": 10},
        ]
    )
    client.send(packets.query(packets.bootp()))
    assert client.hear()[0].endswith(b"\xff" + MARK + b"\0\x64\0\0")
    assert hooks.counted("callouts_total", "done") == 2


def test_a_callout_drops_a_packet(hooks, client):
    hooks.kea(4)
    hooks.softwired(callout=[{"function": "lab_hooks:drop", "time_limit": 10}])
    client.send(packets.query(packets.bootp()))
    network.until(lambda: hooks.counted("dropped_total", "dropped_by_callout") == 1, "it is dropped")
    assert client.nothing()


@pytest.mark.parametrize("name", ["sleep", "die"])
def test_a_slow_or_dead_callout_is_skipped(hooks, client, name):
    """The packet goes on as it was; the next callout still has its turn."""
    hooks.kea(4)
    hooks.softwired(
        callout=[
            {"function": f"lab_hooks:{name}", "time_limit": 0.2},
            {"function": "lab_hooks:mark", "time_limit": 10},
        ]
    )
    for number in range(20):
        client.send(packets.query(packets.bootp(1, number)))
    for _ in range(20):
        assert client.hear()[0].endswith(MARK)
    assert hooks.counted("callouts_total", "skipped") == 20
    assert hooks.counted("callouts_total", "done") == 20
    log = hooks.log("softwired")
    assert log.count("lab_hooks:" + name) == 1


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("no_such_module:mark", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("lab_hooks:no_such", "has no attribute 'no_such'"),
        ("lab_hooks:word", "lab_hooks:word is no function"),
    ],
)
def test_a_callout_that_cannot_be_loaded(hooks, entry, said):
    hooks.configure(callout=[{"function": entry}])
    for words in (("check",), ("run", "dhcp4o6")):
        done = hooks.cable.server.start(*hooks.command(*words), env=hooks.environment, stderr=-1)
        _, text = done.communicate(timeout=30)
        assert done.returncode == 1
        assert "dhcp4o6.callout[1]: " in text and said in text


def test_many_queries_through_a_callout(hooks, client):
    hooks.kea(4)
    hooks.softwired(callout=[{"function": "lab_hooks:mark", "time_limit": 20}])
    got = client.ask_all([packets.query(packets.bootp(1, number)) for number in range(200)], 100)
    assert all(data.endswith(MARK) for data in got)
    assert [data[12:16] for data in got] == [number.to_bytes(4, "big") for number in range(200)]


def test_beside_another_dhcpv6_server(processes, client):
    """Kea's, on the same interface: each answers what is its own, whoever was there first."""
    dhcpv6 = {"dhcp4o6-port": 0, "interfaces-config": {"interfaces": ["vs"]}}
    dns = [{"name": "dns-servers", "data": "2001:db8:53::1"}]
    processes.kea(4)
    kea = processes.kea(6, **{**dhcpv6, "option-data": dns})
    for _ in range(2):
        softwired = processes.softwired(interface=[{"name": "vs"}])
        client.send(packets.information_request(23))
        assert packets.option(23, packets.address("2001:db8:53::1")) in client.hear()[0]
        lease(client)
        assert client.nothing()
        processes.stop(kea)
        # Kea comes second.
        kea = processes.kea(6, **{**dhcpv6, "option-data": dns})
        client.send(packets.information_request(23))
        assert packets.option(23, packets.address("2001:db8:53::1")) in client.hear()[0]
        lease(client)
        processes.stop(softwired)
