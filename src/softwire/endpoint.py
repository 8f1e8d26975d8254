# SPDX-License-Identifier: Apache-2.0
"""Whether the router has an address: the one test that netifd's word is not taken for."""

import socket


def present(address):
    """Whether a socket can be bound to this IPv4 or IPv6 address text, now."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    probe = socket.socket(family, socket.SOCK_DGRAM)
    try:
        probe.bind(socket.getaddrinfo(address, 0, family, socket.SOCK_DGRAM)[0][-1])
    except OSError:
        return False
    finally:
        probe.close()
    return True
