# SPDX-License-Identifier: Apache-2.0
"""What becomes of a solicitation, without a network: flags, sources, limits, delays, what is asked for elsewhere."""

import ipaddress
import types

import pytest

from softwired.prefix64 import options, ranges, responder, solicitation
from softwired.prefix64.forward import Forwarder, Route, way
from softwired.prefix64.responder import Responder
from softwired.prefix64.solicitation import Refused
from tests.softwired.prefix64 import lab

MAC = bytes.fromhex("020000000099")
LINK_LOCAL = lab.packed("fe80::1")
TARGET = lab.packed("2001:db8:1::77")
FLAGS = solicitation.ICMP + 4


class Later:
    """Calls that wait for their time."""

    def __init__(self):
        self.calls = []
        self.now = 100.0

    def __call__(self, delay, callback):
        timer = types.SimpleNamespace(at=self.now + delay, callback=callback, cancelled=False)
        timer.cancel = lambda: setattr(timer, "cancelled", True)
        self.calls.append(timer)
        return timer

    def pass_time(self, seconds):
        self.now += seconds
        while True:
            due = [timer for timer in self.calls if timer.at <= self.now]
            if not due:
                return
            self.calls = [timer for timer in self.calls if timer.at > self.now]
            for timer in due:
                if not timer.cancelled:
                    timer.callback()


class Made:
    """A responder for one range, and what it sent."""

    def __init__(self, limits=None, **keys):
        values = {key: field.default for key, field in options.TABLE["range"][0].items()}
        self.entry = types.SimpleNamespace(**{**values, "interface": "vs", "local": False, **keys})
        self.entry.flags = responder.flags(self.entry)
        self.limits = types.SimpleNamespace(
            **{**{key: field.default for key, field in options.TABLE["limits"].items()}, **(limits or {})}
        )
        self.later, self.sent, self.asked, self.wired = Later(), [], [], []
        self.forwarder = Forwarder(
            self.limits.asked,
            lambda: self.later.now,
            self.later,
            lambda *asked: self.asked.append(asked),
            lambda *wired: self.wired.append(wired),
            lambda *_: self.entry if self.entry.wire else None,
        )
        self.one = Responder(
            self.limits, lambda: self.later.now, self.later, self.sent.append, self.forwarder.wanted
        )
        self.one.mac, self.one.link_local = MAC, LINK_LOCAL
        self.one.ranges = ranges.Ranges([(ranges.read("2001:db8:1::/64"), self.entry)])

    def refused(self, frame):
        with pytest.raises(Refused) as refused:
            self.one.heard(frame)
        return refused.value.kind


def test_an_answer():
    made = Made()
    assert made.one.heard(lab.frame()) == "answered"
    assert made.sent == [
        solicitation.advertisement(MAC, LINK_LOCAL, lab.ROUTER_MAC, lab.packed("fe80::2"), TARGET, 0x40)
    ]


@pytest.mark.parametrize(
    "keys, flags",
    [
        ({}, 0x40),
        ({"router": True}, 0xC0),
        ({"override": True}, 0x60),
        ({"router": True, "override": True}, 0xE0),
    ],
)
def test_flags(keys, flags):
    made = Made(**keys)
    made.one.heard(lab.frame())
    made.one.heard(lab.frame(source="::", options=b""))
    # What goes to all nodes is not solicited (RFC 4861 section 7.2.4).
    assert [frame[FLAGS] for frame in made.sent] == [flags, flags & ~0x40]


def test_from_the_target():
    made = Made(source="target")
    made.one.link_local = b""
    made.one.heard(lab.frame())
    assert made.sent[0][solicitation.SOURCE : solicitation.DESTINATION] == TARGET


def test_without_a_link_local_address():
    made = Made()
    made.one.link_local = b""
    assert made.refused(lab.frame()) == "no_address" and not made.sent


def test_duplicate_address_detection_is_defended():
    made = Made()
    detecting = lab.frame(source="::", options=b"")
    assert made.one.heard(detecting) == "defended"
    (frame,) = made.sent
    assert frame[:6] == bytes.fromhex("333300000001")
    assert frame[solicitation.DESTINATION : solicitation.ICMP] == solicitation.ALL_NODES
    # Once a second for each target.
    assert made.refused(detecting) == "too_fast"
    made.later.now += 1
    assert made.one.heard(detecting) == "defended"


def test_duplicate_address_detection_is_left_alone():
    made = Made(defend=False)
    assert made.refused(lab.frame(source="::", options=b"")) == "not_defended" and not made.sent
    assert made.one.heard(lab.frame()) == "answered"


def test_what_goes_to_all_nodes_is_limited_and_takes_no_more_memory():
    made = Made(limits={"to_all": 10})
    taken = 0
    for number in range(3000):
        made.later.now += 0.01
        try:
            made.one.heard(lab.frame(source="::", options=b"", target=f"2001:db8:1::{number:x}"))
            taken += 1
        except Refused as error:
            assert error.kind == "too_fast"
    assert 300 <= taken <= 312 and len(made.one.defended) <= responder.MOST_DEFENDED


def test_a_rate():
    made = Made(limits={"answers": 100})
    for _ in range(100):
        made.one.heard(lab.frame())
    assert made.refused(lab.frame()) == "too_fast"
    made.later.now += 0.025
    made.one.heard(lab.frame())
    made.one.heard(lab.frame())
    assert made.refused(lab.frame()) == "too_fast"
    made.later.now += 1000
    for _ in range(100):
        made.one.heard(lab.frame())
    assert made.refused(lab.frame()) == "too_fast"


def test_a_flood_takes_nothing_from_who_was_here_before():
    made = Made(limits={"answers": 100})
    for _ in range(3):
        made.one.heard(lab.frame())
        made.later.now += 1
    answered = {"router": 0, "flood": 0}
    for second in range(10):
        for number in range(2000):
            made.later.now += 0.0005
            stranger = f"fe80::{second:x}:{number:x}"
            for name, source in (("flood", stranger), ("router", "fe80::2")):
                if name == "router" and number % 40:
                    continue
                try:
                    made.one.heard(lab.frame(source=source))
                    answered[name] += 1
                except Refused as error:
                    assert error.kind == "too_fast"
    assert answered["router"] == 500 and 1000 <= answered["flood"] <= 1101
    sources = made.one.answers
    assert len(sources.seen) <= responder.MOST_SEEN and len(sources.known) <= responder.MOST_KNOWN


def test_so_many_who_ask_all_the_time():
    """Those who are known first stay; who has left gives way."""
    made = Made()
    sources = made.one.answers
    names = [f"fe80::{number + 1:x}" for number in range(responder.MOST_KNOWN + 10)]
    for _ in range(5):
        for name in names:
            made.one.heard(lab.frame(source=name))
        made.later.now += 1
    assert len(sources.known) == responder.MOST_KNOWN and lab.packed(names[0]) in sources.known
    made.later.now += 10
    for _ in range(5):
        made.one.heard(lab.frame(source=names[-1]))
        made.later.now += 1
    assert lab.packed(names[-1]) in sources.known and len(sources.known) == responder.MOST_KNOWN


def test_a_delay():
    """RFC 4861 section 7.2.8; who asks one address has asked before, and is not kept waiting."""
    made = Made(delay=0.5, limits={"delayed": 3})
    assert made.one.heard(lab.frame(destination="2001:db8:1::77")) == "answered"
    assert [made.one.heard(lab.frame()) for _ in range(3)] == ["delayed"] * 3
    assert made.refused(lab.frame()) == "too_many_delayed"
    assert all(0 <= timer.at - made.later.now <= 0.5 for timer in made.later.calls)
    assert len(made.sent) == 1
    made.later.pass_time(0.5)
    assert len(made.sent) == 4 and made.one.delayed == 0
    assert made.one.heard(lab.frame()) == "delayed"
    # A range that was taken away meanwhile is not answered for.
    made.one.ranges = ranges.Ranges()
    made.later.pass_time(0.5)
    assert len(made.sent) == 4 and made.one.delayed == 0


@pytest.mark.parametrize(
    "kind, frame",
    [
        *lab.MALFORMED,
        ("not_ours", lab.frame(target="2001:db8:2::77")),
        ("own_source", lab.frame(mac=MAC)),
        ("own_source", lab.frame(options=b"\1\1" + MAC)),
    ],
)
def test_what_is_not_answered(kind, frame):
    made = Made()
    assert made.refused(frame) == kind and not made.sent


def test_priming():
    made = Made(prime=[ipaddress.IPv6Address(TARGET), ipaddress.IPv6Address("2001:db8:2::1")], override=True)
    made.one.prime()
    assert made.sent[0] == solicitation.solicitation(MAC, solicitation.UNSPECIFIED, TARGET)
    assert made.sent[1][FLAGS] == 0x20 and made.sent[1][solicitation.TARGET : solicitation.OPTIONS] == TARGET
    assert len(made.sent) == 2


# Asked for elsewhere


def test_who_asks_waits_for_the_neighbour():
    made = Made(forward="eth1", ttl=30.0)
    assert made.one.heard(lab.frame()) == "forwarded" and made.one.heard(lab.frame()) == "forwarded"
    assert made.asked == [("eth1", TARGET)] and not made.sent
    # Of another interface, or of another target: not what was asked.
    assert not made.forwarder.heard("eth2", TARGET)
    assert not made.forwarder.heard("eth1", lab.packed("2001:db8:1::78"))
    assert made.forwarder.heard("eth1", TARGET) and len(made.sent) == 2
    made.one.heard(lab.frame())
    assert len(made.sent) == 3 and len(made.asked) == 1
    made.later.pass_time(31)
    made.one.heard(lab.frame())
    assert len(made.sent) == 3 and len(made.asked) == 2


def test_a_neighbour_that_is_not_there():
    made = Made(forward="eth1", timeout=0.5, ttl=10.0)
    made.one.heard(lab.frame())
    for _ in range(6):
        made.later.pass_time(0.5)
    assert len(made.asked) == 3
    # It is not asked for again until ttl is over: two forwarders that ask each other come to an end.
    for _ in range(100):
        made.one.heard(lab.frame())
    assert len(made.asked) == 3 and not made.sent
    made.later.pass_time(10)
    made.one.heard(lab.frame())
    assert len(made.asked) == 4


def test_a_route_to_who_answered():
    """Once; asked again when the answer is old, and taken away with who does not answer any more."""
    made = Made(forward="eth1", ttl=30.0, timeout=0.5, wire=True)
    made.one.heard(lab.frame())
    assert not made.wired
    made.forwarder.heard("eth1", TARGET)
    made.forwarder.heard("eth1", TARGET)
    assert made.wired == [("eth1", TARGET, True)] and len(made.asked) == 1
    for asked in (2, 3):
        made.later.pass_time(30.1)
        assert len(made.asked) == asked
        # Who asks meanwhile waits for the answer.
        made.one.heard(lab.frame())
        assert made.forwarder.heard("eth1", TARGET) and len(made.sent) == asked
    assert len(made.wired) == 1
    made.later.pass_time(30.1)
    for _ in range(3):
        made.later.pass_time(0.5)
    assert made.wired[1:] == [("eth1", TARGET, False)] and len(made.asked) == 6
    # And with a range that is gone.
    made.later.pass_time(31)
    made.one.heard(lab.frame())
    made.forwarder.heard("eth1", TARGET)
    made.entry.wire = False
    made.later.pass_time(30.1)
    assert [wired for _, _, wired in made.wired] == [True, False, True, False]
    assert not made.forwarder.sessions and len(made.asked) == 7


def test_a_route_goes_with_the_oldest_of_too_many():
    made = Made(forward="eth1", limits={"asked": 1}, wire=True)
    for target in ("2001:db8:1::1", "2001:db8:1::2"):
        made.one.heard(lab.frame(target=target))
        made.forwarder.heard("eth1", lab.packed(target))
    assert [wired for _, _, wired in made.wired] == [True, False, True]
    assert len([timer for timer in made.later.calls if not timer.cancelled]) == 1


def test_so_many_targets_at_once():
    made = Made(forward="eth1", limits={"asked": 5})
    for number in range(5):
        made.one.heard(lab.frame(target=f"2001:db8:1::{number:x}"))
    assert made.refused(lab.frame()) == "too_many_asked"
    for _ in range(4):
        made.later.pass_time(0.5)
    made.one.heard(lab.frame())
    assert len(made.forwarder.sessions) == 5
    # One that waits is one of eight at most.
    for _ in range(50):
        made.one.heard(lab.frame())
    made.forwarder.heard("eth1", TARGET)
    assert len(made.sent) == 8


def test_the_way_by_the_routing_table():
    number = int.from_bytes(TARGET, "big")
    table = [
        Route(128, 0, number, "a"),
        Route(64, 100, number >> 64 << 64, "b"),
        Route(0, 1, 0, "c"),
    ]
    assert [way(table, number), way(table, number + 1), way(table, 5), way([], 5)] == ["a", "b", "c", ""]
