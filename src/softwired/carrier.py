# SPDX-License-Identifier: Apache-2.0
"""What services that carry tunnels share: telling the kernel, and hearing who else changes what is theirs."""

from __future__ import annotations

import socket
import types
import typing

from softwired import netlink, nftables

# Steps between which news are heard.
AT_ONCE = 1000


class CarrierError(Exception):
    """The kernel does not carry what is wanted; one line."""


class Carrier:
    """Routing, and one table of nftables; `ours` says which news of routing are about what it made."""

    table: str
    counters: typing.Sequence[str]
    family: int = socket.AF_INET6
    # Counters of a table of the same name and another family.
    elsewhere: typing.Mapping[str, int] = types.MappingProxyType({})

    def __init__(self, groups: typing.Sequence[int]) -> None:
        """groups: of routing's news."""
        self.routing = netlink.Socket(netlink.ROUTE)
        self.filter = netlink.Socket(netlink.NETFILTER)
        self.links = netlink.Socket(netlink.ROUTE, groups)
        self.rulesets = netlink.Socket(netlink.NETFILTER, (nftables.RULESETS,))
        # What we did is no news.
        self.links.ignore(self.routing.port)
        self.rulesets.ignore(self.filter.port)
        self.index = 0
        # Whether the table is as we made it.
        self.table_is_ours = False
        self.loader = 0
        self.news = False

    def ours(self, news: netlink.Message) -> bool:
        """Whether somebody else changed what is ours in the kernel's routing."""
        raise NotImplementedError

    def set_of(self, name: str) -> nftables.Set:
        """A set of the table."""
        return nftables.Set(self.filter, self.table, name, self.family)

    def must(self, refused: typing.Sequence[netlink.Failure], but: int = 0) -> None:
        """Nothing was refused, or for this reason alone; NetlinkError."""
        for one in refused:
            if one.number != but:
                raise netlink.NetlinkError(one.number, one.text)
        # There is not much room for news.
        self._hear()

    def load(self, text: str) -> None:
        """The table as a whole; NftError."""
        self.loader = nftables.load(text)
        self.table_is_ours = True

    def disturbed(self) -> bool:
        """Whether somebody else changed what is ours, since it was asked last."""
        self._hear()
        news, self.news = self.news, False
        return news

    def _hear(self) -> None:
        links, rulesets = self.links.news(), self.rulesets.news()
        if rulesets is None or any(
            nftables.table_of(one) == self.table for one in rulesets if one.port != self.loader
        ):
            self.news, self.table_is_ours = True, False
        if links is None or any(self.ours(one) for one in links):
            self.news = True

    def counted(self) -> dict[str, int]:
        """Packets that were stopped, by counter of the table."""
        found = {
            name: nftables.counter(self.filter, self.table, name, self.elsewhere.get(name, self.family))
            for name in self.counters
        }
        return {name: count for name, count in found.items() if count is not None}

    def close(self) -> None:
        """The kernel goes on carrying."""
        for one in (self.routing, self.filter, self.links, self.rulesets):
            one.close()


def parts(steps: list[typing.Any]) -> typing.Iterator[list[typing.Any]]:
    """Of so many steps that news are heard in between."""
    for start in range(0, len(steps), AT_ONCE):
        yield steps[start : start + AT_ONCE]


def said(error: Exception) -> str:
    """In one line, without its number."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
