# SPDX-License-Identifier: Apache-2.0
"""A DHCPv6 server (RFC 8415) that delegates whatever a test says, in the place of the line's own.

Runs on the access network: delegate.py <device> <file>. The file is read at each message: a row with T1 and T2, one
with the octets behind every answer's last option, then a row a prefix: `<prefix>/<length> <preferred> <valid>`.
"""

import socket
import struct
import subprocess
import sys

SERVERS, PORT = "ff02::1:2", 547
# What is answered: Solicit by Advertise, Request, Renew, Rebind and Information-request by Reply.
ADVERTISE, REPLY = 2, 7
ANSWERS = {1: ADVERTISE, 3: REPLY, 5: REPLY, 6: REPLY, 11: REPLY}
CLIENT_ID, SERVER_ID, DNS, IA_PD, IA_PREFIX = 1, 2, 23, 25, 26
RESOLVER = "2001:db8:53::1"


def option(code, value):
    """One option as octets."""
    return struct.pack("!HH", code, len(value)) + value


def options(octets):
    """{code: value} of a row of options."""
    found = {}
    while octets:
        code, length = struct.unpack_from("!HH", octets)
        found[code] = octets[4 : 4 + length]
        octets = octets[4 + length :]
    return found


def address(text):
    """An address as octets."""
    return socket.inet_pton(socket.AF_INET6, text)


def route(prefix, client, device, valid):
    """A prefix leads to the client that has it."""
    words = ["replace", prefix, "via", client, "dev", device] if valid else ["del", prefix, "dev", device]
    subprocess.run(["ip", "-6", "route", *words], stderr=subprocess.DEVNULL, check=False)


def answer(message, client, device, path, server):
    """The octets for a client's message; what a Reply gives is routed."""
    kind = ANSWERS[message[0]]
    asked = options(message[4:])
    with open(path, encoding="ascii") as file:
        times, tail, *rows = file.read().splitlines()
    told = bytes([kind]) + message[1:4] + option(SERVER_ID, server)
    told += option(CLIENT_ID, asked.get(CLIENT_ID, b"")) + option(DNS, address(RESOLVER))
    if IA_PD in asked:
        association = asked[IA_PD][:4] + struct.pack("!II", *map(int, times.split()))
        for row in rows:
            prefix, preferred, valid = row.split()
            network, _, length = prefix.partition("/")
            association += option(
                IA_PREFIX, struct.pack("!IIB", int(preferred), int(valid), int(length)) + address(network)
            )
            if kind == REPLY:
                route(prefix, client, device, int(valid))
        told += option(IA_PD, association)
    return told + bytes.fromhex(tail)


def main(device, path):
    """Until it is killed."""
    with open(f"/sys/class/net/{device}/address", encoding="ascii") as file:
        # DUID-LL, as that of the line's own server is.
        server = bytes([0, 3, 0, 1]) + bytes.fromhex(file.read().strip().replace(":", ""))
    group = address(SERVERS) + struct.pack("@I", socket.if_nametoindex(device))
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
        sock.bind(("::", PORT))
        while True:
            message, peer = sock.recvfrom(65536)
            if message[0] in ANSWERS:
                sock.sendto(answer(message, peer[0].partition("%")[0], device, path, server), peer)


main(*sys.argv[1:])
