# SPDX-License-Identifier: Apache-2.0
"""Whether the router has an address, the one test that netifd's word is not taken for; and addresses as sockets do."""

import select
import socket


def packed(family, host, port=0):
    """An address as bind, connect and sendto take it: a tuple on CPython, a packed sockaddr on MicroPython."""
    # musl's getaddrinfo knows no raw sockets. As octets: text would want python3-codecs on OpenWrt.
    return socket.getaddrinfo(host.encode(), port, family, socket.SOCK_DGRAM)[0][-1]


def sender(peer):
    """Address text of a recvfrom()."""
    if isinstance(peer, tuple):
        return peer[0].partition("%")[0]
    if len(peer) >= 24:
        return socket.inet_ntop(socket.AF_INET6, peer[8:24])
    return socket.inet_ntop(socket.AF_INET, peer[4:8])


def present(address):
    """Whether a socket can be bound to this IPv4 or IPv6 address text, now."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    probe = socket.socket(family, socket.SOCK_DGRAM)
    try:
        probe.bind(packed(family, address))
    except OSError:
        return False
    finally:
        probe.close()
    return True


def readable(sock, milliseconds, further=()):
    """Whether the socket, or a further one, can be read from within that time."""
    poll = select.poll()
    for one in (sock,) + tuple(further):
        poll.register(one, select.POLLIN)
    return bool(poll.poll(milliseconds))
