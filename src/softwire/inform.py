# SPDX-License-Identifier: Apache-2.0
"""Asks the line's DHCPv6 servers, beside the line's own client (RFC 8415 sections 16, 18.2.6 and 18.3.6).

odhcp6c keeps the name of an AFTR and the S46 containers for itself: netifd's status of the line never has them. A raw
socket gets copies, so that odhcp6c loses nothing, and an Information-Request changes nobody's lease.
"""

import os
import random
import socket

from softwire.address import parse_mac
from softwire.dhcpv6 import CLIENT_ID, duid_ll, read_options, write_option
from softwire.endpoint import packed
from softwire.errors import ProvisioningError
from softwire.wire import Reader, WireError

INFORMATION_REQUEST, REPLY = 11, 7
OPTION_REQUEST, ELAPSED_TIME = 6, 8

# Linux' numbers on every machine of OpenWrt's; MicroPython has no names for them.
SO_BINDTODEVICE = 25
UDP, IPPROTO_IPV6, IPV6_CHECKSUM = 17, 41, 7
SERVERS = "ff02::1:2%"

# Seconds until it is asked again, and how often; section 18.2.6's own times would hold up a softwire for minutes.
PAUSE, TRIES = 1, 3


def open_raw(device, address=None):
    """A socket on the device that gets copies of what UDP gets, does not block, and is perhaps bound; OSError."""
    sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, UDP)
    try:
        # The kernel fills the checksum in.
        sock.setsockopt(IPPROTO_IPV6, IPV6_CHECKSUM, 6)
        if address:
            sock.bind(address)
        sock.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, device.encode() + b"\0")
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def identity(line, clientid):
    """The DUID of the line's own client, octets: option clientid, what it was answered under, or of the MAC address."""
    found = clientid or line.option(CLIENT_ID)
    if found:
        return found
    try:
        return duid_ll(parse_mac(line.mac or ""))
    except ValueError:
        raise ProvisioningError(
            "BAD_CONFIG", "option clientid is missing, and the line has no MAC address to make one of"
        )


def datagram(message):
    """A DHCPv6 message behind the header of UDP, from port 546 to 547."""
    return b"\x02\x22\x02\x23" + (8 + len(message)).to_bytes(2, "big") + b"\0\0" + message


def write_question(kind, transaction, mac, codes, more=b""):
    """The UDP datagram of a question for options `codes`; mac: 6 octets or None."""
    asked = b"".join([code.to_bytes(2, "big") for code in codes])
    message = bytes([kind]) + transaction
    if mac:
        message += write_option(CLIENT_ID, duid_ll(mac))
    message += write_option(ELAPSED_TIME, bytes(2))
    if asked:
        message += write_option(OPTION_REQUEST, asked)
    return datagram(message + more)


def read_answer(data, kind, transaction):
    """UDP datagram -> [(code, value)]; WireError where it is no answer to this question.

    Behind a home gateway it may come from another port than 547.
    """
    reader = Reader(data)
    reader.take(2, "source port")
    if reader.number(2, "destination port") != 546:
        raise WireError("another port's datagram")
    reader.take(4, "length and checksum")
    if reader.number(1, "type") != kind or reader.take(3, "transaction") != transaction:
        raise WireError("another question's answer")
    return read_options(reader.rest())


def ask(line, codes, wait, clock):
    """[(code, value)] of the server's answer, None where nobody answers; OSError where it cannot be asked."""
    mac = parse_mac(line.mac) if line.mac else None
    return exchange(
        line,
        lambda transaction: write_question(INFORMATION_REQUEST, transaction, mac, codes),
        lambda data, transaction: read_answer(data, REPLY, transaction),
        wait,
        clock,
    )


def exchange(line, write, read, wait, clock, tries=TRIES):
    """What read(datagram, transaction) makes of the first answer that is one: its None and WireError are for others.

    write(transaction) gives the question. None where nobody answers, and where tries is 0: then nobody is waited for.
    """
    sock = open_raw(line.device)
    try:
        servers = packed(socket.AF_INET6, SERVERS + line.device)
        transaction = os.urandom(3)
        question = write(transaction)
        for _ in range(tries or 1):
            sock.sendto(question, servers)
            end = clock() + PAUSE * random.uniform(0.9, 1.1) if tries else clock()
            while True:
                left = end - clock()
                if left <= 0:
                    break
                if wait(sock, int(left * 1000) + 1):
                    try:
                        found = read(sock.recv(4096), transaction)
                    except (WireError, OSError):  # not for us, or broken: wait on
                        found = None
                    if found is not None:
                        return found
    finally:
        sock.close()
    return None
