# SPDX-License-Identifier: Apache-2.0
"""DSTM's server: temporary IPv4 addresses for nodes of an IPv6 network, by TSP or DHCPv6 (draft-bound-dstm-exp-00).

SQLAlchemy is loaded when the service runs, not by everybody who reads the configuration.
"""

from __future__ import annotations

import types

from softwired.dstm.command import add_commands
from softwired.dstm.options import TABLE, TOGETHER
from softwired.privileges import NET_BIND_SERVICE
from softwired.service import Frame, Service, StartError

# DHCPv6 of interfaces that come later.
CAPABILITIES = (NET_BIND_SERVICE,)


def check(values: types.SimpleNamespace) -> None:
    """What only trying tells; StartError."""
    if values.tls.certificate:
        from softwired.dstm import tls

        tls.context(values.tls)


def make(frame: Frame, values: types.SimpleNamespace) -> Service:
    """See softwired.service.Service."""
    try:
        from softwired.dstm import server

        if values.database.startswith("postgresql:"):
            import psycopg2  # noqa: F401
    except ImportError as error:
        raise StartError(
            f"dstm: {error}: packages python3-sqlalchemy and, for PostgreSQL, python3-psycopg2 would be right"
        ) from None
    return server.make(frame, values)


__all__ = ["CAPABILITIES", "TABLE", "TOGETHER", "add_commands", "check", "make"]
