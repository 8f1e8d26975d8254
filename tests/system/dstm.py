# SPDX-License-Identifier: Apache-2.0
"""A line whose IPv4 address is a DSTM server's: what its tests say to server and border router."""

from __future__ import annotations

import contextlib
import json
import typing

from tests.system.profile import Profile


class Household(Profile):
    """The router on such a line; the server is the machine `server`, the border router is the access network's."""

    def __init__(self, line: typing.Any, name: str):
        super().__init__(line, name)
        self.server = line.lab.server

    def leases(self) -> list[dict[str, typing.Any]]:
        """Of the server."""
        found: list[dict[str, typing.Any]] = json.loads(self.server.check("softwired dstm leases --json"))
        return found

    def mappings(self) -> list[str]:
        """Which addresses (and ports) the border router carries."""
        told = self.line.access("tep mappings")
        return [row.split("  ")[0] for row in told.splitlines() if "  " in row]

    def tep(self, family: str, label: str) -> int:
        """One of the border router's counters."""
        told = json.loads(self.line.access("tep status --json"))
        return int(told["counters"]["families"][family]["values"][label])

    def held(self) -> str:
        """The address that wan has."""
        found = [entry["address"] for entry in self.line.interface("wan").get("ipv4-address", [])]
        return found[0] if found else ""

    def wait(self, good: typing.Callable[[], object], timeout: float, what: str) -> typing.Any:
        return self.line.wait(good, timeout, what)

    def wait_until_it_works(self) -> str:
        """Until the LAN host's packets leave under the address that the server says; that address."""
        self.wait(lambda: self.held() and self.line.seen_by_ipv4() == self.held(), 120, "IPv4 packets pass")
        (ours,) = [one for one in self.leases() if one["address"] == self.held() and not one["ending"]]
        assert self.mappings().count(self.held()) <= 1
        return str(ours["address"])

    def renewed(self) -> float:
        """When the address that wan has was renewed last."""
        (found,) = [one["renewed"] for one in self.leases() if one["address"] == self.held()]
        return float(found)

    def reconfigured(self) -> int:
        """How often a router answered to a Reconfigure."""
        told = json.loads(self.server.check("softwired dstm status --json"))
        return int(told["counters"]["families"]["reconfigures_total"]["values"]["answered"])

    def restart(self) -> None:
        """Until the server is ready."""
        self.server.check("sh /lab/server/server restart softwired-dstm", 120)


@contextlib.contextmanager
def household(booted: typing.Any, name: str) -> typing.Iterator[Household]:
    """The lab's line as this one, and the machine `server` as its server."""
    lab = booted.lab
    before = lab.server.line
    if lab.server.shell:
        lab.server.become(name)
    else:
        lab.start_server(name)
    made = Household(booted, name)
    try:
        made.wait_until_it_works()
        yield made
    finally:
        booted.changed = True
        booted.restore()
        if before:
            lab.server.become(before)
