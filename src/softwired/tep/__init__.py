# SPDX-License-Identifier: Apache-2.0
"""DSTM's border router: carries IPv4 for nodes of an IPv6 network, as their server says (draft-bound-dstm-exp-00).

What it needs is loaded when the service runs, not by everybody who reads the configuration.
"""

from __future__ import annotations

import types

from softwired.privileges import NET_ADMIN
from softwired.service import Frame, Service
from softwired.tep.command import add_commands
from softwired.tep.options import TABLE, TOGETHER

CAPABILITIES = (NET_ADMIN,)


def check(values: types.SimpleNamespace) -> None:
    """What only trying tells; StartError."""
    if values.users or values.tls.certificate:
        from softwired.tep import server

        server.check(values)


def make(frame: Frame, values: types.SimpleNamespace) -> Service:
    """See softwired.service.Service."""
    from softwired.tep import server

    return server.Server(frame, values)


__all__ = ["CAPABILITIES", "TABLE", "TOGETHER", "add_commands", "check", "make"]
