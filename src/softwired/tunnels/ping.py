# SPDX-License-Identifier: Apache-2.0
"""Three ICMP echo requests (RFC 792) to a client, by a socket that needs no privileges (icmp(7), ping_group_range)."""

from __future__ import annotations

import os
import socket
import struct
import time

REQUEST, REPLY = 8, 0
TIMES, BETWEEN, PATIENCE = 3, 0.5, 2.0


def open_socket() -> socket.socket:
    """PermissionError where the kernel lets nobody of our group ask."""
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, socket.IPPROTO_ICMP)


def answers(address: str) -> bool:
    """Whether one of three is answered."""
    cookie = os.urandom(16)
    end = time.monotonic() + BETWEEN * (TIMES - 1) + PATIENCE
    with open_socket() as made:
        for number in range(1, TIMES + 1):
            try:
                made.sendto(struct.pack("!BBHHH", REQUEST, 0, 0, 0, number) + cookie, (address, 0))
            except OSError:
                pass  # no way there now
            until = end if number == TIMES else time.monotonic() + BETWEEN
            while (left := until - time.monotonic()) > 0:
                made.settimeout(left)
                try:
                    data, (source, _) = made.recvfrom(256)
                except OSError:
                    # An ICMP error is told at once; what else comes is waited for.
                    time.sleep(min(0.01, left))
                    continue
                if source == address and data[:1] == bytes([REPLY]) and data[8:24] == cookie:
                    return True
    return False
