# SPDX-License-Identifier: Apache-2.0
"""Conversations by UDP with one place, all open at once: flows.py serve <address> <port>, and on the other side

flows.py open <address> <port> <how many> [<own address> <own port>] prints as JSON under which port the server saw
each of them, null for one that was never answered, although it asked for some seconds.
"""

import json
import select
import socket
import sys
import time

PATIENCE, PAUSE = 5, 0.3


def serve(address, port):
    """Answers everybody with the port that they come from."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, int(port)))
    while True:
        data, peer = sock.recvfrom(65535)
        sock.sendto(str(peer[1]).encode() + b" " + data, peer)


def ask(sock):
    """The port that the server saw, or None."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        sock.send(b"?")
        if select.select([sock], [], [], PAUSE)[0]:
            return int(sock.recv(100).split()[0])
    return None


def converse(address, port, count, own_address="", own_port="0"):
    """Opens them one after the other."""
    socks, seen = [], []
    for _ in range(int(count)):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((own_address, int(own_port)))
        sock.connect((address, int(port)))
        socks.append(sock)
        seen.append(ask(sock))
    print(json.dumps(seen))


{"serve": serve, "open": converse}[sys.argv[1]](*sys.argv[2:])
