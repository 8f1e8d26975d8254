# SPDX-License-Identifier: Apache-2.0
"""Tells systemd how the service stands (sd_notify(3), over the socket of $NOTIFY_SOCKET); elsewhere it does nothing."""

from __future__ import annotations

import os
import socket
import time

READY = "READY=1"
STOPPING = "STOPPING=1"


def reloading() -> str:
    """To be followed by READY."""
    return f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}"


def notify(state: str) -> bool:
    """Whether it was told to anybody."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as told:
            told.connect("\0" + address[1:] if address[0] == "@" else address)
            told.send(state.encode())
    except OSError:
        return False
    return True
