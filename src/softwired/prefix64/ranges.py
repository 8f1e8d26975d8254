# SPDX-License-Identifier: Apache-2.0
"""Ranges of IPv6 addresses: what is left of prefixes without their exceptions, and which of them holds an address."""

from __future__ import annotations

import bisect
import ipaddress
import typing

LAST = (1 << 128) - 1


class Span(typing.NamedTuple):
    """The addresses from `first` to `last`, as numbers; both are in it."""

    first: int
    last: int

    def text(self) -> str:
        """As nftables and our configuration write it."""
        if self.first == self.last:
            return str(ipaddress.IPv6Address(self.first))
        networks = list(ipaddress.summarize_address_range(*map(ipaddress.IPv6Address, self)))
        if len(networks) == 1:
            return str(networks[0])
        return f"{ipaddress.IPv6Address(self.first)}-{ipaddress.IPv6Address(self.last)}"


def of(network: ipaddress.IPv6Network) -> Span:
    return Span(int(network.network_address), int(network.broadcast_address))


def read(text: str) -> Span:
    """An address, a prefix or `first-last`; ValueError."""
    first, dash, last = text.partition("-")
    if dash:
        span = Span(int(ipaddress.IPv6Address(first.strip())), int(ipaddress.IPv6Address(last.strip())))
        if span.first > span.last:
            raise ValueError
        return span
    return of(ipaddress.IPv6Network(text))


def overlap(one: Span, other: Span) -> bool:
    return one.first <= other.last and other.first <= one.last


def within(inner: Span, outer: Span) -> bool:
    return outer.first <= inner.first and inner.last <= outer.last


def without(span: Span, exceptions: typing.Iterable[Span]) -> list[Span]:
    """What is left of it, in order."""
    left = []
    at = span.first
    for one in sorted(exceptions):
        if not overlap(one, span):
            continue
        if one.first > at:
            left.append(Span(at, one.first - 1))
        at = max(at, one.last + 1)
    if at <= span.last:
        left.append(Span(at, span.last))
    return left


def joined(spans: typing.Iterable[Span]) -> list[Span]:
    """The same addresses in as few spans as there can be, in order."""
    found: list[Span] = []
    for one in sorted(spans):
        if found and one.first <= found[-1].last + 1:
            found[-1] = Span(found[-1].first, max(found[-1].last, one.last))
        else:
            found.append(one)
    return found


Value = typing.TypeVar("Value")


class Ranges(typing.Generic[Value]):
    """Finds what an address (16 octets) belongs to; spans that do not overlap, each with its value."""

    def __init__(self, entries: typing.Iterable[tuple[Span, Value]] = ()) -> None:
        ordered = sorted(entries, key=lambda entry: entry[0])
        self.spans = [span for span, _ in ordered]
        self.values = [value for _, value in ordered]
        # Octets in network order compare as the numbers do.
        self.firsts = [span.first.to_bytes(16, "big") for span in self.spans]
        self.lasts = [span.last.to_bytes(16, "big") for span in self.spans]

    def find(self, address: bytes) -> Value | None:
        at = bisect.bisect_right(self.firsts, address) - 1
        return self.values[at] if at >= 0 and address <= self.lasts[at] else None
