# SPDX-License-Identifier: Apache-2.0
"""The window: how many queries the DHCPv4 server has unread at most, and whose an answer is."""

import pytest

from softwired.dhcp4o6 import window


class Server:
    """Notes what is sent to it; reads at once, but while it is `held_up`."""

    def __init__(self):
        self.got = []
        self.held_up = False

    def send(self, datagram):
        self.got.append(datagram)

    def unread(self):
        return self.held_up


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def made(server):
    return window.Window(server.send, server.unread, size=2, waiting=3, patience=10.0)


def ask(made, number, now=0.0):
    return made.query(number, b"%d" % number, f"origin {number}", now)


def test_more_than_fit_wait_for_answers(made, server):
    for number in range(5):
        assert ask(made, number)
    assert server.got == [b"0", b"1"]
    assert made.answer(0, 0.01).origin == "origin 0"
    assert server.got == [b"0", b"1", b"2"]
    # The server reads in order: who answers the second after the first has read what was before.
    made.answer(2, 0.02)
    assert server.got == [b"0", b"1", b"2", b"3", b"4"]


def test_too_many(made):
    assert [ask(made, number) for number in range(7)] == [True] * 5 + [False] * 2


def test_who_repeats_himself_waits_once(made, server):
    for number in (0, 1, 2, 2, 2, 3):
        assert ask(made, number)
    assert len(made.waiting) == 2
    made.answer(1, 0.01)
    assert server.got == [b"0", b"1", b"2", b"3"]


def test_a_server_that_answers_nothing_is_asked_on(made, server):
    """A RELEASE has no answer; neither has a message of an unknown subnet."""
    for number in range(5):
        ask(made, number)
    made.silence(window.SILENCE / 2)
    assert len(server.got) == 2 and made.busy()
    made.silence(window.SILENCE)
    assert len(server.got) == 4
    # A query that comes looks, too.
    ask(made, 5, 2 * window.SILENCE)
    assert len(server.got) == 6
    made.silence(3 * window.SILENCE)
    assert not made.busy()


def test_a_server_that_is_held_up_is_given_no_more(made, server):
    server.held_up = True
    for number in range(5):
        ask(made, number)
    for turn in range(1, 20):
        made.silence(turn * window.SILENCE)
    assert len(server.got) == 2 and made.busy()
    server.held_up = False
    made.silence(30 * window.SILENCE)
    assert len(server.got) == 4


def test_an_answer_for_nobody(made):
    ask(made, 0)
    assert made.answer(1, 0.0) is None
    assert made.answer(0, 0.0) is not None
    assert made.answer(0, 0.0) is None


def test_an_answer_too_late(made):
    ask(made, 0)
    assert made.answer(0, 10.5) is None


def test_old_ones_are_forgotten(made):
    ask(made, 0, 0.0)
    ask(made, 1, 5.0)
    assert made.forget(10.0) == 0
    assert made.forget(10.5) == 1
    assert list(made.asked) == [1]
    # Who asks again is young again.
    ask(made, 1, 12.0)
    assert made.forget(20.0) == 0


def test_memory_has_a_bound(server, monkeypatch):
    monkeypatch.setattr(window, "MOST_REMEMBERED", 10)
    made = window.Window(server.send, server.unread, 1000, 0, 10.0)
    for number in range(50):
        ask(made, number)
    assert list(made.asked) == list(range(40, 50))


def test_nobody_listens(made, server):
    """What waits is dropped by being tried, not kept for ever."""
    for number in range(5):
        ask(made, number)
    made.refused()
    assert not made.asked
    made.silence(0.0)
    made.refused()
    made.silence(0.0)
    assert not made.waiting and len(server.got) == 5
    made.refused()
    ask(made, 20)
    assert list(made.asked) == [20]
