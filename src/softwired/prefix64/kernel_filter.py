# SPDX-License-Identifier: Apache-2.0
"""A classic BPF program (linux/filter.h) that lets only those neighbour messages through whose target may be ours.

What it lets through is checked once more; what it holds back costs no process anything.
"""

from __future__ import annotations

import typing

from softwired.bpf import ACCEPT, EQUAL, LOAD_WORD, REJECT, Program
from softwired.prefix64.ranges import LAST, Span, joined
from softwired.prefix64.solicitation import HOP_LIMIT, ICMP, ICMPV6, TARGET

# linux/bpf_common.h, linux/filter.h
LOAD_HALF, LOAD_OCTET = 0x28, 0x30
JUMP, GREATER, AT_LEAST, SET_BITS, AND = 0x05, 0x25, 0x35, 0x45, 0x54
ANCILLARY = 0xFFFFF000
PACKET_TYPE, VLAN_TAG, VLAN_TAG_PRESENT = ANCILLARY + 4, ANCILLARY + 44, ANCILLARY + 48
OTHER_HOST = 3  # linux/if_packet.h; 4 is what we sent
MOST = 4096
WORDS = 4
FULL = 0xFFFFFFFF


def program(spans: typing.Iterable[Span], kind: int) -> Program:
    """For whole Ethernet frames of IPv6, as an AF_PACKET socket of that protocol gets them."""
    code: Program = []
    # Frames that are for others, or for a VLAN that nobody here has (its frames are tagged still).
    code += [(LOAD_WORD, 0, 0, PACKET_TYPE), *_refuse(AT_LEAST, OTHER_HOST)]
    code += [(LOAD_HALF, 0, 0, VLAN_TAG), (AND, 0, 0, 0x0FFF), *_unless(0)]
    code += [(LOAD_OCTET, 0, 0, 20), *_unless(ICMPV6)]
    code += [(LOAD_HALF, 0, 0, ICMP), *_unless(kind << 8)]  # and code 0
    code += [(LOAD_OCTET, 0, 0, 21), *_unless(HOP_LIMIT)]
    merged = joined(spans)
    while True:
        whole = code + _word(merged, 0)
        if len(whole) <= MOST:
            return whole
        merged = _fewer(merged)


def _refuse(test: int, value: int) -> Program:
    return [(test, 0, 1, value), REJECT]


def _unless(value: int) -> Program:
    return [(EQUAL, 1, 0, value), REJECT]


def _fewer(spans: list[Span]) -> list[Span]:
    """Half of them, the nearest ones taken together with what lies between: more passes, nothing is held back."""
    gaps = sorted(b.first - a.last for a, b in zip(spans, spans[1:], strict=False))
    limit = gaps[len(gaps) // 2]
    found = spans[:1]
    for one in spans[1:]:
        if one.first - found[-1].last <= limit:
            found[-1] = Span(found[-1].first, one.last)
        else:
            found.append(one)
    return found


def _word(spans: list[Span], number: int) -> Program:
    """Judges the target from its 32-bit word `number` on; the words before are known to be the spans'."""
    # Pieces of this word's values: (from, to, what of the next word's is right: None for everything).
    shift = 32 * (WORDS - 1 - number)
    rest = (1 << shift) - 1
    pieces: list[tuple[int, int, list[Span] | None]] = []
    for span in spans:
        first, last = span.first >> shift & FULL, span.last >> shift & FULL
        begins, ends = span.first & rest, span.last & rest
        if first == last:
            whole = begins == 0 and ends == rest
            _add(pieces, first, first, None if whole else [span])
            continue
        if begins:
            _add(pieces, first, first, [Span(begins, rest)])
            first += 1
        if ends != rest:
            if first < last:
                _add(pieces, first, last - 1, None)
            _add(pieces, last, last, [Span(0, ends)])
        else:
            _add(pieces, first, last, None)
    return [(LOAD_WORD, 0, 0, TARGET + 4 * number), *_search(pieces, number)]


def _add(
    pieces: list[tuple[int, int, list[Span] | None]], first: int, last: int, inner: list[Span] | None
) -> None:
    if first > last:
        return
    if inner is not None and pieces and pieces[-1][0] == pieces[-1][1] == first and pieces[-1][2] is not None:
        pieces[-1][2].extend(inner)
    else:
        pieces.append((first, last, None if inner is None else list(inner)))


def _search(pieces: list[tuple[int, int, list[Span] | None]], number: int) -> Program:
    if not pieces:
        return [REJECT]
    if len(pieces) > 1:
        middle = len(pieces) // 2
        left, right = _search(pieces[:middle], number), _search(pieces[middle:], number)
        return [(AT_LEAST, 0, 1, pieces[middle][0]), (JUMP, 0, 0, len(left)), *left, *right]
    first, last, inner = pieces[0]
    found = [ACCEPT] if inner is None else _word(_clean(inner, number), number + 1)
    return [(AT_LEAST, 1, 0, first), REJECT, (GREATER, 0, 1, last), REJECT, *found]


def _clean(spans: list[Span], number: int) -> list[Span]:
    rest = LAST >> 32 * (number + 1)
    return [Span(span.first & rest, span.last & rest) for span in spans]
