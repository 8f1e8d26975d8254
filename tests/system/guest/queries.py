# SPDX-License-Identifier: Apache-2.0
"""Asks for DHCPv4 over DHCPv6 without a pause (RFC 7341 section 6), to see whether a query is lost.

Runs on the access network: queries.py <address> <client's address> <how many>; prints how many were answered, and the
address that was offered. No query waits for the one before it, but for the eighth before it.
"""

import socket
import sys
import time

AT_ONCE, PATIENCE = 8, 10.0
OFFER = b"\x63\x82\x53\x63\x35\x01\x02"
# Option 61 (RFC 4361): IAID 1, a DUID-LL of the hardware address.
MAC = bytes.fromhex("020000000001")
OPTIONS = bytes.fromhex("63825363 350101 3d0f ff00000001 00030001") + MAC + b"\xff"


def query(number):
    """A DISCOVER in a DHCPV4-QUERY."""
    inner = b"\1\1\6\0" + number.to_bytes(4, "big") + bytes(20) + MAC + bytes(202) + OPTIONS
    return b"\x14\0\0\0" + b"\0\x57" + len(inner).to_bytes(2, "big") + inner


def main(server, source, count):
    asking = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    asking.bind((source, 546))
    asking.settimeout(0.2)
    waiting, offered, answered = {}, set(), 0
    for number in range(1, int(count) + 1):
        asking.sendto(query(number), (server, 547))
        waiting[number] = time.monotonic()
        while len(waiting) >= (AT_ONCE if number < int(count) else 1):
            try:
                data = asking.recv(2000)
            except TimeoutError:
                if min(waiting.values()) + PATIENCE < time.monotonic():
                    break
                continue
            inner = data[8:]
            if data[0] == 21 and OFFER in inner:
                answered += waiting.pop(int.from_bytes(inner[4:8], "big"), None) is not None
                offered.add(socket.inet_ntoa(inner[16:20]))
    print(answered, *sorted(offered), flush=True)


main(*sys.argv[1:])
