# SPDX-License-Identifier: Apache-2.0
"""Callouts that are slow, dead, talkative or slow only once, on the loop that runs them."""

import io
import sys
import time
import types

import pytest

from softwired.counters import Family
from softwired.dhcp4o6 import callouts
from softwired.log import Log
from softwired.loop import Loop

# Octets in, octets out; the packet says what to do with it.
PROGRAM = """
import os, sys, time
r, w = sys.stdin.buffer, sys.stdout.buffer
while head := r.read(2):
    packet = r.read(int.from_bytes(head, "big"))
    if packet.startswith(b"wait"):
        time.sleep(float(packet[4:]))
    if packet == b"die":
        sys.exit(3)
    if packet == b"drop":
        packet = b""
    if packet == b"twice":
        w.write(b"\\0\\1a")
    w.write(len(packet).to_bytes(2, "big") + packet.upper())
    w.flush()
"""


class Bench:
    """A chain on a loop, and what came of the packets."""

    def __init__(self, *entries):
        self.loop = Loop()
        self.counts = Family("", "result")
        self.stream = io.StringIO()
        self.chain = callouts.Chain(entries, self.loop, Log("test", stream=self.stream), self.counts)
        self.came = []

    def give(self, *packets):
        for packet in packets:
            self.chain.run(packet, self.came.append)

    def until(self, what):
        end = time.monotonic() + 20
        while not what():
            assert time.monotonic() < end, (self.came, self.counts, self.stream.getvalue())
            self.loop.turn(0.05)


def entry(limit=10.0, program=PROGRAM):
    return types.SimpleNamespace(
        command=[sys.executable, "-c", program], function="", time_limit=limit, hook=""
    )


@pytest.fixture
def bench():
    made = []

    def make(*entries):
        made.append(Bench(*entries))
        return made[-1]

    yield make
    for one in made:
        one.chain.close()


def test_in_order(bench):
    one = bench(entry(), entry())
    packets = [b"p%d" % number for number in range(100)]
    one.give(*packets)
    one.until(lambda: len(one.came) == 100)
    assert one.came == [packet.upper() for packet in packets]
    assert one.counts == {"done": 200}


def test_more_than_a_pipe_holds(bench):
    one = bench(entry())
    packets = [bytes([65 + number % 26]) * 60000 for number in range(20)]
    one.give(*packets)
    one.until(lambda: len(one.came) == 20)
    assert one.came == packets


def test_dropped(bench):
    one = bench(entry(), entry())
    one.give(b"drop", b"a")
    one.until(lambda: len(one.came) == 2)
    assert one.came == [None, b"A"]
    assert one.counts == {"dropped": 1, "done": 2}


def test_a_slow_one_is_skipped_until_it_has_caught_up(bench):
    one = bench(entry())
    one.give(b"a")  # it has started
    one.until(lambda: one.came == [b"A"])
    one.chain.callouts[0].limit = 0.1
    one.give(b"wait1", b"b")
    one.until(lambda: len(one.came) == 3)
    assert one.came == [b"A", b"wait1", b"b"]
    started = time.monotonic()
    one.give(b"c")
    assert one.came[-1] == b"c" and time.monotonic() - started < 0.1, "nobody waits for it any more"
    one.until(lambda: not one.chain.callouts[0].late)
    one.chain.callouts[0].limit = 10
    one.give(b"d")
    one.until(lambda: one.came[-1] == b"D")
    assert one.counts == {"done": 2, "skipped": 3}
    assert "took longer than 0.1 s; it is skipped" in one.stream.getvalue()
    assert "has caught up" in one.stream.getvalue()


def test_a_hopeless_one_is_started_again(bench):
    one = bench(entry())
    one.give(b"a")
    one.until(lambda: one.came == [b"A"])
    one.chain.callouts[0].limit = 0.01
    one.give(b"wait60")
    one.until(lambda: "ended" in one.stream.getvalue() or one.chain.callouts[0].process is None)
    assert one.came == [b"A", b"wait60"]
    one.chain.callouts[0].limit = 10
    one.until(lambda: one.chain.callouts[0].process is not None)
    one.give(b"b")
    one.until(lambda: one.came[-1] == b"B")


def test_a_dead_one_is_skipped_and_started_again(bench):
    one = bench(entry())
    one.give(b"a", b"die", b"b", b"c")
    one.until(lambda: len(one.came) == 4)
    assert one.came == [b"A", b"die", b"b", b"c"]
    assert "(exit status 3); it is skipped and started again" in one.stream.getvalue()
    one.give(b"d")
    assert one.came[-1] == b"d"
    one.until(lambda: one.chain.callouts[0].process is not None)
    one.give(b"e")
    one.until(lambda: one.came[-1] == b"E")


def test_a_talkative_one(bench):
    """Answers that nobody asked for would be taken for those of later packets."""
    one = bench(entry())
    one.give(b"twice")
    one.until(lambda: one.came and "without being asked" in one.stream.getvalue())
    assert one.came == [b"a"]


def test_one_that_cannot_be_started(bench):
    one = bench(types.SimpleNamespace(command=["/nowhere/at/all"], function="", time_limit=1.0, hook=""))
    one.give(b"a")
    assert one.came == [b"a"] and one.counts == {"skipped": 1}
    assert "cannot be started: No such file or directory" in one.stream.getvalue()


def test_closing_waits_for_what_is_under_way(bench):
    """A reload takes a callout away while it has a packet."""
    one = bench(entry())
    one.give(b"wait0.3", b"b")
    one.chain.close()
    one.until(lambda: len(one.came) == 2)
    assert one.came == [b"WAIT0.3", b"B"]
    assert one.chain.callouts[0].process is None


def test_too_many_for_one(bench, monkeypatch):
    monkeypatch.setattr(callouts, "MOST_PENDING", 5)
    one = bench(entry())
    one.give(b"wait0.3", *[b"x"] * 9)
    assert one.came == [b"x"] * 5
    one.until(lambda: len(one.came) == 10)
