# SPDX-License-Identifier: Apache-2.0
"""The server's certificate."""

from __future__ import annotations

import ssl
import types

from softwired import connections
from softwired.service import StartError


def context(tls: types.SimpleNamespace) -> ssl.SSLContext:
    """Of the table [dstm.tls]; StartError."""
    try:
        return connections.server_context(tls.certificate, tls.key)
    except (OSError, ssl.SSLError) as error:
        said = getattr(error, "reason", "") or error.strerror
        raise StartError(f"dstm.tls: {tls.certificate} and {tls.key}: {said}") from None
