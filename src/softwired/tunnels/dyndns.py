# SPDX-License-Identifier: Apache-2.0
"""/nic/update: a changed IPv4 address by dyndns2, with the tunnel's id, user and update key, as for HE's tunnels.

Hurricane Electric's operators described it in their forum (topic 1994, September 2011): the host name is the tunnel's
number, or starts with it behind "tunnel", or is the tunnel's name.
"""

from __future__ import annotations

import re
import types
import typing

from sqlalchemy.exc import SQLAlchemyError

from softwired.store import Connection, Store
from softwired.tunnels import asked, register, tokens
from softwired.tunnels.asked import Asker, Fault
from softwired.tunnels.register import Tunnel

# What is said: changed, the same, wrong user or key, no such tunnel, suspended, later.
GOOD, SAME, BADAUTH, NOHOST, ABUSE, LATER = "good", "nochg", "badauth", "nohost", "abuse", "dnserr"


class DynamicDns:
    """The answers, by what was asked."""

    def __init__(
        self, values: types.SimpleNamespace, store: Store, clock: typing.Callable[[], float]
    ) -> None:
        self.values, self.store, self.clock = values, store, clock

    def _named(self, connection: Connection, text: str) -> Tunnel | None:
        """By number or name, with or without the zone."""
        name = text.strip().lower()
        match = re.fullmatch(r"(?:tunnel)?(\d{1,9})(?:\..*)?", name)
        if match:
            return register.by_id(connection, int(match[1]))
        zone = self.values.dns.zone
        parts = name.removesuffix(f".{zone}" if zone else "").split(".")
        return register.by_name(connection, *parts) if len(parts) == 2 else None

    def tunnel(self, user: str, key: str) -> Tunnel | None:
        """Of a user (the tunnel's name or number) with the right key; SQLAlchemyError."""
        found: Tunnel | None = self.store.run([lambda connection: self._named(connection, user)])[0]
        # As much work for a user that is not there.
        good = tokens.same(key, found.key if found else "")
        return found if found and good else None

    def update(self, user: str, key: str, hostname: str, myip: str, who: Asker) -> str:
        try:
            one = self.tunnel(user, key)
            if one is None:
                return BADAUTH
            named = self.store.run([lambda connection: self._named(connection, hostname or user)])[0]
            if named is None or named.id != one.id or one.state == register.ENDING:
                return NOHOST
            if one.state == register.SUSPENDED:
                return ABUSE
            values = self.values
            ipv4 = asked.ipv4(myip if "." in myip else who.ipv4, values.page, values.address)
            network = register.network_of(ipv4, values.limits.network_length)
            moved = self.store.run(
                [lambda connection: register.move(connection, one.id, ipv4, network, self.clock())]
            )[0]
        except (Fault, register.Refused, SQLAlchemyError):
            return LATER
        return f"{GOOD if moved else SAME} {ipv4}"
