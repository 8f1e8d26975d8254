# SPDX-License-Identifier: Apache-2.0
"""The service without a network: what it does when its sockets or its own code fail."""

import io
import types

import pytest

from softwired import configuration, listeners
from softwired.counters import Counters
from softwired.dhcp4o6 import messages, options, server
from softwired.log import Log
from softwired.loop import Loop
from softwired.service import Frame
from tests.softwired import packets

PEER = ("fe80::2", 546, 0, 5)


class Socket:
    """Gives datagrams, then nothing; notes what is sent."""

    def __init__(self, *datagrams):
        self.datagrams = list(datagrams)

    def recvfrom(self, size):
        if not self.datagrams:
            raise BlockingIOError
        return self.datagrams.pop(0)[:size], PEER


@pytest.fixture
def made():
    table = {"port": 6767, "interface": [{"name": "softwired-none"}]}
    tables = {"dhcp4o6": options.TABLE}
    values = configuration.check("file", {"dhcp4o6": table}, tables, {"dhcp4o6": options.TOGETHER})["dhcp4o6"]
    frame = Frame(Loop(), Log("test", stream=io.StringIO()), Counters("test"), "")
    one = server.make(frame, values)
    one.serves_information = set()
    yield one
    one.stop()


def listener(*datagrams):
    return listeners.Listener(("multicast", "vs", 5, "ff02::1:2"), Socket(*datagrams), "vs")


def test_a_fault_of_ours_stops_nothing(made, monkeypatch):
    """The next datagram has its turn."""

    def broken(*_):
        raise KeyError("lab")

    monkeypatch.setattr(messages, "query", broken)
    query = packets.query(packets.bootp())
    assert made.arrived(listener(query, query, b"\x01")) is False
    assert made.dropped["internal"] == 2 and made.messages["left_alone"] == 1
    assert "dropped (internal) from fe80::2 on vs: KeyError: 'lab'" in made.log.stream.getvalue()


def test_others_have_their_turn(made):
    """A flood on one socket does not keep the loop from all others."""
    flood = listener(*[b"\x01"] * (server.AT_ONCE + 5))
    assert made.arrived(flood) is True
    assert made.messages["left_alone"] == server.AT_ONCE
    assert made.arrived(flood) is False


def test_what_a_socket_has_is_read_before_it_is_given_up(made):
    one = listener(*[b"\x01"] * 1000)
    one.socket.fileno = lambda: 99
    made.listeners.open_ones[one.key] = one
    made.listeners.want([])
    assert made.messages["left_alone"] == 1000 and not made.listeners.open_ones


def test_a_response_that_cannot_be_sent(made):
    def refuse(*_):
        raise OSError(101, "Network is unreachable")

    made.listeners.answer = refuse
    origin = server.Origin(listener(), "vs", PEER)
    made.window = types.SimpleNamespace(answer=lambda *_: types.SimpleNamespace(time=0.0, origin=origin))
    made._response(packets.response(packets.bootp(2, op=2), packets.isc("vs", "fe80::2", 546)))
    assert made.dropped["not_sent"] == 1 and made.messages["response"] == 0
    assert "Network is unreachable" in made.log.stream.getvalue()


def test_no_duid_no_answer(made):
    """An interface without an Ethernet address, and no other yet."""
    made.serves_information = {"vs"}
    made.arrived(listener(packets.information_request(88)))
    assert made.dropped["no_duid"] == 1 and made.duid == b""


def test_a_server_that_answers_nothing_is_looked_for(made):
    """Only while there is something to look for."""
    made.window.resize(1, 5, 30.0)
    sent = []
    made.channel = types.SimpleNamespace(send=sent.append, unread=lambda: False, close=lambda: None)
    now = [0.0]
    made.loop.clock = lambda: now[0]
    made.arrived(listener(packets.query(packets.bootp(7, 1)), packets.query(packets.bootp(7, 2))))
    assert len(sent) == 1 and made.looks
    for _ in range(4):
        now[0] += 0.25
        made.loop.turn(0)
    assert len(sent) == 2 and not made.looks and not made.loop.timers


def test_only_tentative_addresses(tmp_path):
    """proc(5), /proc/net/if_inet6: a tentative address is passed over, a global one is none of the link's."""
    path = tmp_path / "if_inet6"
    path.write_text(
        "00000000000000000000000000000001 01 80 10 80       lo\n"
        "fe800000000000000000000000000001 02 40 20 c0       vs\n"
        "20010db8000100000000000000000001 02 40 00 80       vs\n"
        "fe800000000000000000000000000003 02 40 20 80       vs\n"
        "fe800000000000000000000000000004 03 40 20 c0       vt\n"
    )
    assert listeners.link_local_addresses(str(path)) == {"vs": "fe80::3"}
    assert listeners.link_local_addresses(str(tmp_path / "none")) == {}
