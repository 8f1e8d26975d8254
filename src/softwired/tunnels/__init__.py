# SPDX-License-Identifier: Apache-2.0
"""The IPv6 tunnel service: a page that hands out 6in4 tunnels, and the monitor that carries and watches them.

After the draft "IPv6 tunnel service" (Blanchet, Desmeules, Morin, Parent). Libraries are loaded by what runs, not by
everybody who reads the configuration.
"""

from __future__ import annotations

import types

from softwired.privileges import NET_ADMIN, NET_RAW
from softwired.service import Frame, Service, StartError
from softwired.tunnels.command import add_commands
from softwired.tunnels.options import TABLE, TOGETHER

# The monitor's; the page has none.
CAPABILITIES: tuple[int, ...] = (NET_ADMIN, NET_RAW)


def check(values: types.SimpleNamespace) -> None:
    """What only trying tells; StartError."""
    check_accounts(values)
    if values.dns.type == "update":
        try:
            from softwired.tunnels import updates
        except ImportError as error:
            raise StartError(f"tunnels.dns: {error}: the package python3-dnspython would be right") from None
        updates.check(values)


def check_accounts(values: types.SimpleNamespace) -> None:
    """Whether Python can keep passwords; StartError."""
    if not values.page.accounts:
        return
    try:
        from hashlib import scrypt  # noqa: F401
    except ImportError:
        raise StartError(
            "tunnels.page.accounts = true: this Python has no scrypt; one with OpenSSL's, or false, would be right"
        ) from None


def make(frame: Frame, values: types.SimpleNamespace) -> Service:
    """See softwired.service.Service."""
    try:
        from softwired.tunnels import monitor

        if values.database.startswith("postgresql:"):
            import psycopg2  # noqa: F401
        if values.dns.type == "update":
            from softwired.tunnels import updates  # noqa: F401
    except ImportError as error:
        raise StartError(
            f"tunnels: {error}: packages python3-sqlalchemy, for names python3-dnspython and for PostgreSQL"
            " python3-psycopg2 would be right"
        ) from None
    return monitor.Monitor(frame, values)


__all__ = ["CAPABILITIES", "TABLE", "TOGETHER", "add_commands", "check", "make"]
