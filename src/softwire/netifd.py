# SPDX-License-Identifier: Apache-2.0
"""Asks netifd for an interface's status; where netifd is busy, waits for it a little."""

import time

from softwire import state, ubus
from softwire.errors import ProvisioningError

# Seconds of silence that are waited for: a slow router's netifd loads kernel modules for six.
PATIENCE = 10
PAUSE = 0.5


def errors(status):
    """What netifd tells of an interface's failures, as texts."""
    return [
        ": ".join([str(word) for word in [error.get("code")] + (error.get("data") or [])])
        for error in status.get("errors") or []
    ]


class Netifd:
    """One command's look at netifd."""

    def __init__(self, ask=ubus.call, clock=state.uptime, pause=time.sleep):
        self._ask = ask
        self._clock = clock
        self._pause = pause
        self._silent_since = None

    def status(self, interface):
        """`ifstatus` of the interface; None where netifd knows none; ProvisioningError NETIFD_SILENT."""
        # Asked of netifd itself: that ubus knows no such object says nothing while netifd starts.
        return self._answer("network.interface", "status", {"interface": interface})

    def protocols(self):
        """The names of the protocols that netifd knows; ProvisioningError NETIFD_SILENT."""
        return list(self._answer("network", "get_proto_handlers") or {})

    def _answer(self, name, method, message=None):
        """None where netifd knows nothing of what it is asked for."""
        while True:
            try:
                answer = self._ask(name, method, message)
            except ubus.UbusError as error:
                if not (error.found and error.code == ubus.NOT_FOUND):
                    self._wait(error)
                    continue
                answer = None
            self._silent_since = None
            return answer

    def _wait(self, error):
        now = self._clock()
        if self._silent_since is None:
            # A call without an answer has taken its time already.
            self._silent_since = now - (ubus.SECONDS if error.code == ubus.TIMEOUT else 0)
        if now - self._silent_since >= PATIENCE:
            raise ProvisioningError("NETIFD_SILENT", "netifd does not answer: {}".format(error))
        self._pause(PAUSE)
