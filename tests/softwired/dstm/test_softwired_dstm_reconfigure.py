# SPDX-License-Identifier: Apache-2.0
"""RFC 8415 sections 18.3.11 and 20.4, without a network: how often a Reconfigure is sent, and what our client reads."""

import pytest

from softwire import reconfigure as client
from softwire.dhcpv6 import read_message
from softwire.wire import WireError
from softwired.counters import Family
from softwired.dstm.reconfigure import Reconfigures

DUID, OURS, CODE = b"\0\3\0\1\x02\0\0\0\0\x01", b"\0\3\0\1\x02\0\0\0\0\x02", 65361


class Loop:
    """Time that a test makes pass."""

    def __init__(self):
        self.now, self.timers = 0.0, []

    def later(self, seconds, callback):
        timer = type("Timer", (), {"cancel": lambda one: setattr(one, "callback", None)})()
        timer.at, timer.callback = self.now + seconds, callback
        self.timers.append(timer)
        return timer

    def run(self, until):
        while due := [one for one in self.timers if one.callback and one.at <= until]:
            one = min(due, key=lambda one: one.at)
            self.timers.remove(one)
            self.now = one.at
            one.callback()


@pytest.fixture
def made():
    loop, counted, sent = Loop(), Family("", ""), []
    return loop, Reconfigures(loop, counted), counted, sent, lambda data: sent.append((loop.now, data))


def read(data, key, counter):
    """As the client reads it, behind a UDP header."""
    return client.read(b"\2\x23\2\x22\0\0\0\0" + data, DUID, OURS, CODE, key, counter)


def test_7_6_it_is_repeated_eight_times(made):
    loop, some, counted, sent, send = made
    options = dict(some.welcome("duid:1", DUID, True, send))
    counter, key = client.read_auth(list(options.items()), client.KEY)
    some.ask("duid:1", OURS, CODE)
    some.ask("duid:1", OURS, CODE)  # it is being asked already
    loop.run(10000)
    assert [at for at, _ in sent] == [0, 2, 6, 14, 30, 62, 126, 254]
    for _, data in sent:
        # Section 20.3: each counts on, so that none is another one sent again.
        wanted, now = read(data, key, counter)
        assert wanted == client.RENEW and now > counter
        counter = now
        with pytest.raises(WireError):
            read(data, key, counter)
        with pytest.raises(WireError):
            read(data, bytes(16), 0)
    assert counted == {"sent": 8, "unanswered": 1}
    # Who never answers is nobody any more.
    some.ask("duid:1", OURS, CODE)
    assert len(sent) == 8


def test_18_3_11_until_it_asks(made):
    loop, some, counted, sent, send = made
    some.welcome("duid:1", DUID, True, send)
    some.ask("duid:1", OURS, CODE)
    loop.run(3)
    some.heard("duid:1")
    loop.run(1000)
    assert len(sent) == 2 and counted == {"sent": 2, "answered": 1}
    kind, transaction, options = read_message(sent[0][1])
    assert (kind, transaction) == (10, 0) and [code for code, _ in options] == [1, 2, 19, 6, 11]


def test_20_4_a_key_is_told_once(made):
    """In the Reply that begins a lease; where the server has lost it, in the next one."""
    _, some, _, _, send = made
    assert some.welcome("duid:1", DUID, False, send)
    assert some.welcome("duid:1", DUID, False, send) == []
    before = dict(some.welcome("duid:1", DUID, True, send))[11]
    some.forget("duid:1")
    after = dict(some.welcome("duid:1", DUID, True, send))[11]
    assert before[12:] != after[12:] and before[3:11] < after[3:11]
    some.ask("duid:2", OURS, CODE)  # of whom nothing is known
