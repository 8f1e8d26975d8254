# SPDX-License-Identifier: Apache-2.0
"""The mappings that are wanted: first in the file, then in the kernel, then acknowledged."""

from __future__ import annotations

import typing

from softwired.log import Log
from softwired.tep.carrier import Carrier, CarrierError
from softwired.tep.store import Mapping, Store, StoreError

Changes = typing.Mapping[bytes, Mapping | None]


class Table:
    """Mappings by slot (sharing.slot)."""

    def __init__(self, store: Store, carrier: Carrier, log: Log) -> None:
        self.store, self.carrier, self.log = store, carrier, log
        self.wanted = store.read()
        # What the file does not know yet: it is written with the next change, or when it is tried again.
        self.unwritten: set[bytes] = set()
        self.problems: dict[str, str] = {}

    def change(self, changes: Changes) -> bool:
        """Whether all of it took effect; what made mappings has no effect otherwise, what ended them always has."""
        before = {ipv4: self.wanted.get(ipv4) for ipv4 in changes}
        changes = {ipv4: one for ipv4, one in changes.items() if not self._same(before[ipv4], one)}
        if not changes:
            return True
        self._take(changes)
        if self._write() and self._carry(changes):
            return True
        # What was to be made is not; what another node had is not given back to it.
        self._take({ipv4: None for ipv4, one in changes.items() if one})
        self._write()
        self._carry(changes)
        return False

    def _same(self, one: Mapping | None, other: Mapping | None) -> bool:
        return (one and one.ipv6) == (other and other.ipv6)

    def _take(self, changes: Changes) -> None:
        for ipv4, one in changes.items():
            if one:
                self.wanted[ipv4] = one
            else:
                self.wanted.pop(ipv4, None)
        self.unwritten |= changes.keys()

    def _write(self) -> bool:
        try:
            self.store.write({ipv4: self.wanted.get(ipv4) for ipv4 in self.unwritten})
        except StoreError as error:
            self._trouble("file", str(error))
            return False
        self.unwritten.clear()
        self._good("file")
        return True

    def _carry(self, changes: Changes) -> bool:
        if "kernel" not in self.problems:
            try:
                self.carrier.change(
                    {ipv4: one.ipv6 if (one := self.wanted.get(ipv4)) else None for ipv4 in changes}
                )
                return True
            except CarrierError as error:
                self.log.seldom("kernel", f"{error}; all mappings are compared with the kernel's")
        return self.agree() is not None

    def agree(self) -> int | None:
        """Makes the kernel agree with all of them; how many had to be changed, None if it does not."""
        try:
            changed = self.carrier.agree({ipv4: one.ipv6 for ipv4, one in self.wanted.items()})
        except CarrierError as error:
            self._trouble("kernel", str(error))
            return None
        self._good("kernel")
        return changed

    def retry(self) -> None:
        """What could not be written, or carried, once more."""
        if self.unwritten:
            self._write()
        if "kernel" in self.problems:
            self.agree()

    def _trouble(self, what: str, text: str) -> None:
        self.problems[what] = text
        self.log.seldom(what, text)

    def _good(self, what: str) -> None:
        if self.problems.pop(what, None):
            self.log.info(f"the {what} is right again")
