# SPDX-License-Identifier: Apache-2.0
"""A DSTM server's word to a border router, by TSP: tell.py create|delete <border router> <port> <IPv4> <IPv6>. Prints
the answer."""

import socket
import sys

action, router, port, ipv4, ipv6 = sys.argv[1:]
message = (
    f'<tunnel action="{action}" type="v4v6"><client><address type="ipv4">{ipv4}</address>'
    f'<address type="ipv6">{ipv6}</address></client></tunnel>\r\n'
).encode()
with socket.create_connection((router, int(port)), 20) as made:
    stream = made.makefile("rb")
    made.sendall(b"VERSION=1.0\r\n")
    stream.readline()
    made.sendall(b"AUTHENTICATE ANONYMOUS\r\n")
    stream.readline()
    made.sendall(b"Content-length: %d\r\n" % len(message) + message)
    length = int(stream.readline().partition(b":")[2])
    print(stream.read(length).decode())
