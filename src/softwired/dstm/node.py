# SPDX-License-Identifier: Apache-2.0
"""One node's connection: TSP's session, one command after the other, and what the server has to say by itself."""

from __future__ import annotations

import collections
import ipaddress
import typing

from softwire import tsp
from softwired import tsp as session
from softwired.connections import Connection

# Commands that a node may send before the first of them is answered.
AHEAD = 8


class Node(session.Session):
    """`serve` is given a command at a time, and ends with `answer`, `refuse` or `quiet`."""

    def __init__(
        self,
        connection: Connection,
        mechanisms: typing.Sequence[str],
        realm: bytes,
        find: session.Find,
        serve: typing.Callable[[Node, tsp.Message], object],
    ) -> None:
        super().__init__(mechanisms, realm, find, self._take)
        self.connection, self.serve = connection, serve
        self.address = connection.address
        self.commands: collections.deque[tsp.Message] = collections.deque()
        self.busy = False
        # What its last answer gave it, as text; a node that holds nothing has no reason to stay.
        self.holds = ""

    @property
    def waits(self) -> bool:
        return not self.busy and (not self.holds or super().waits)

    def _take(self, message: tsp.Message) -> None:
        self.commands.append(message)
        if len(self.commands) > AHEAD:
            self._end(tsp.BUSY, "too many commands at once")
        elif not self.busy:
            self._next()

    def _next(self) -> None:
        while self.commands and not self.busy and not self.ended:
            self.busy = True
            self.serve(self, self.commands.popleft())

    def answer(self, message: tsp.Message) -> None:
        """The command was done."""
        self.info(message)
        self.quiet()

    def deny(self, code: int) -> None:
        """The command was not done."""
        self.refuse(code)
        self.quiet()

    def quiet(self) -> None:
        """The command wants no answer; the next one."""
        self.busy = False
        self._next()
        self.connection.flush()

    def tell(self, message: tsp.Message) -> None:
        """Without having been asked."""
        self.info(message)
        self.connection.flush()


def is_tunnel_end(address: ipaddress.IPv6Address) -> bool:
    """Whether packets can go there from elsewhere."""
    return not (
        address.is_multicast
        or address.is_unspecified
        or address.is_loopback
        or address.is_link_local
        or address.ipv4_mapped
    )


def node_address(
    message: tsp.Message, peer: ipaddress.IPv6Address, same: int
) -> tuple[ipaddress.IPv6Address, str] | None:
    """(global, link-local or '') of a Create; None: no address that this peer could have."""
    found, link_local = [], ""
    for value in message.client.ipv6:
        address = ipaddress.IPv6Address(value)
        if address.is_link_local:
            link_local = str(address)
        elif is_tunnel_end(address):
            found.append(address)
    if len(found) != 1 or len(message.client.ipv6) > 2:
        return None
    if (int(found[0]) ^ int(peer)) >> (128 - same):
        return None
    return found[0], link_local
