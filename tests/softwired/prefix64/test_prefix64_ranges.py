# SPDX-License-Identifier: Apache-2.0
"""Ranges without their exceptions, and the kernel's filter of them: the same answer as looking at each address."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softwired import bpf
from softwired.prefix64 import kernel_filter, ranges, solicitation
from softwired.prefix64.ranges import Span
from tests.softwired.prefix64 import lab

# Few bits set, far apart: neighbours of each other and of the borders between words.
NUMBER = st.lists(
    st.sampled_from([0, 1, 31, 32, 33, 63, 64, 65, 95, 96, 97, 127]), max_size=3, unique=True
).map(lambda bits: sum(1 << bit for bit in bits))
NEAR = st.builds(
    lambda number, less: min(max(number - less, 0), ranges.LAST), NUMBER, st.sampled_from([-1, 0, 1])
)
SPAN = st.builds(lambda one, other: Span(min(one, other), max(one, other)), NEAR, NEAR)


def run(program, frame, packet_type=0, vlan=0):
    """The kernel's classic BPF machine, as far as our programs use it; whether the frame passes."""
    accumulator, at = 0, 0
    for _ in range(len(program)):
        code, true, false, value = program[at]
        at += 1
        if code == bpf.RETURN:
            return value != 0
        if code in (bpf.LOAD_WORD, kernel_filter.LOAD_HALF, kernel_filter.LOAD_OCTET):
            ancillary = {kernel_filter.PACKET_TYPE: packet_type, kernel_filter.VLAN_TAG: vlan}
            if value in ancillary:
                accumulator = ancillary[value]
                continue
            size = {0x20: 4, 0x28: 2, 0x30: 1}[code]
            if value + size > len(frame):
                return False
            accumulator = int.from_bytes(frame[value : value + size], "big")
        elif code == kernel_filter.AND:
            accumulator &= value
        elif code == kernel_filter.JUMP:
            at += value
        else:
            tests = {
                bpf.EQUAL: accumulator == value,
                kernel_filter.GREATER: accumulator > value,
                kernel_filter.AT_LEAST: accumulator >= value,
            }
            at += true if tests[code] else false
    raise AssertionError("a program without an end")


def with_target(number):
    frame = bytearray(lab.frame())
    frame[solicitation.TARGET : solicitation.OPTIONS] = number.to_bytes(16, "big")
    return bytes(frame)


@given(st.lists(SPAN, max_size=6), st.lists(NEAR, max_size=8))
@settings(max_examples=300)
def test_the_filter_lets_through_what_is_in_a_range(spans, numbers):
    program = kernel_filter.program(spans, solicitation.SOLICITATION)
    for number in [*numbers, *(end for span in spans for end in span)]:
        inside = any(span.first <= number <= span.last for span in spans)
        assert run(program, with_target(number)) == inside


@given(SPAN, st.lists(SPAN, max_size=6), st.lists(NEAR, max_size=8))
def test_what_is_left_without_exceptions(whole, exceptions, numbers):
    left = ranges.without(whole, exceptions)
    found = ranges.Ranges((span, span) for span in left)
    for number in [*numbers, *(end for span in [whole, *exceptions] for end in span)]:
        inside = whole.first <= number <= whole.last
        inside &= not any(one.first <= number <= one.last for one in exceptions)
        span = found.find(number.to_bytes(16, "big"))
        assert (span is not None) == inside
        assert span is None or span.first <= number <= span.last


@given(st.lists(SPAN, max_size=6), st.lists(NEAR, max_size=8))
def test_joined(spans, numbers):
    joined = ranges.joined(spans)
    assert all(one.last + 1 < other.first for one, other in zip(joined, joined[1:], strict=False))
    for number in [*numbers, *(end for span in spans for end in span)]:
        assert any(one.first <= number <= one.last for one in joined) == any(
            one.first <= number <= one.last for one in spans
        )


@given(SPAN)
def test_text(span):
    assert ranges.read(span.text()) == span


@pytest.mark.parametrize("changes", [{"hop_limit": 254}, {"code": 1}, {"kind": 136}, {"next_header": 17}])
def test_what_python_never_sees(changes):
    program = kernel_filter.program([Span(0, ranges.LAST)], solicitation.SOLICITATION)
    assert run(program, lab.frame())
    assert not run(program, lab.frame(**changes))


@pytest.mark.parametrize(
    "packet_type, vlan, passes", [(0, 0, 1), (2, 0, 1), (3, 0, 0), (4, 0, 0), (2, 7, 0), (2, 0xE000, 1)]
)
def test_others_frames(packet_type, vlan, passes):
    """linux/if_packet.h: 0 for us, 2 multicast, 3 for another host, 4 ours; a tag of VLAN 0 has a priority alone."""
    program = kernel_filter.program([Span(0, ranges.LAST)], solicitation.SOLICITATION)
    assert run(program, lab.frame(), packet_type, vlan) == passes


@pytest.mark.parametrize("count", [1, 100, 1000, 20000])
def test_so_many_prefixes_that_the_kernel_takes_no_more(count):
    """Then more passes than needed, never less."""
    spans = [Span(number << 68, (number << 68) + (1 << 64) - 1) for number in range(1, count + 1)]
    program = kernel_filter.program(spans, solicitation.SOLICITATION)
    assert len(program) <= kernel_filter.MOST
    for span in spans[:: max(1, count // 50)]:
        assert run(program, with_target(span.first)) and run(program, with_target(span.last))
    assert not run(program, with_target(1)) and not run(program, with_target(1 << 127))
    # The depth is what it costs.
    if count == 100:
        assert not run(program, with_target(spans[50].last + 1))
