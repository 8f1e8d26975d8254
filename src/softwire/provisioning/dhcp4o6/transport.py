# SPDX-License-Identifier: Apache-2.0
"""DHCPV4-QUERY and DHCPV4-RESPONSE (RFC 7341 sections 6 to 9), and where they go.

Port 546 of the line is odhcp6c's, and servers answer to 546 whatever port was asked from (RFC 8415 section 7.2; Kea
does). A second UDP socket there takes the first one's packets: bound to an address, it gets all that is sent to that
address, odhcp6c's answers too, which come from the same server's same port; bound to none, one of the two gets
nothing. So this is a raw socket, which gets copies and takes nothing away; odhcp6c drops the types 20 and 21. Bound to
the one address that was asked from, it sees nothing else, and only while an exchange is under way.
"""

import socket

from softwire import dhcpv4message, dhcpv6
from softwire.address import format_ipv6
from softwire.endpoint import packed, sender
from softwire.inform import OPTION_REQUEST, datagram, open_raw
from softwire.wire import Reader, WireError

S46_BR, S46_BIND_PREFIX = 90, 137
UNICAST = 0x800000
CLIENT_PORT = 546
EADDRNOTAVAIL = 99
# Of a DHCPv4 message 1400 octets are asked for at most; MicroPython wants one piece of memory for it.
LARGEST = 2048


class Response:
    """What came: a DHCPv4 message, border routers and (prefix, length) or None beside it, the sender."""

    several = False

    def __init__(self, message, routers, bind_prefix, server=""):
        self.message = message
        self.routers = routers
        self.bind_prefix = bind_prefix
        self.server = server


def write_query(message, unicast):
    """A DHCPv4 message in a DHCPV4-QUERY; a DHCPDISCOVER asks for the softwire, too (RFC 8539 section 7.1)."""
    options = [(dhcpv6.DHCPV4_MESSAGE, dhcpv4message.write(message))]
    if message.option(53) == b"\1":
        options.insert(0, (OPTION_REQUEST, S46_BR.to_bytes(2, "big") + S46_BIND_PREFIX.to_bytes(2, "big")))
    return dhcpv6.write_message(dhcpv6.DHCPV4_QUERY, UNICAST if unicast else 0, options)


def read_response(data):
    """Octets of a DHCPv6 message -> Response, or None for another kind of message; WireError."""
    if data[:1] != bytes([dhcpv6.DHCPV4_RESPONSE]):
        return None
    _, _, options = dhcpv6.read_message(data)
    message = dhcpv4message.read(dhcpv6.only(options, dhcpv6.DHCPV4_MESSAGE))
    routers = [router for code, value in options if code == S46_BR for router in read_addresses(value)]
    found = None
    for code, value in options:
        if code == S46_BIND_PREFIX and found is None:
            found = read_bind_prefix(value)
    return Response(message, routers, found)


def read_addresses(value):
    """The whole addresses in a row of them, as integers."""
    return dhcpv6.read_addresses(value[: len(value) & ~15])


def read_bind_prefix(value):
    """Value of option 137 -> (prefix, length), None where it is not valid (RFC 8539 section 7.4)."""
    length = value[0] if value else 129
    if length > 128 or len(value) != 1 + (length + 7) // 8:
        return None
    rest = 128 - length
    return int.from_bytes(value[1:] + bytes(17 - len(value)), "big") >> rest << rest, length


def is_near(server):
    """Whether it is asked from the link-local address: link-local ones, and every group (section 9)."""
    return server >> 118 == 0x3FA or server >> 120 == 0xFF


class Transport:
    """The servers of one line, asked from its link-local address or from `source`; all addresses are integers."""

    def __init__(self, line, source, servers):
        self.line = line
        self.source = source
        self.servers = servers
        self.names = ", ".join([format_ipv6(item) for item in servers])
        self.open: dict = {}  # whether it is of the link-local address: its socket

    def sockets(self):
        """Those that are open."""
        return list(self.open.values())

    def send(self, data):
        """To all of them; OSError if to none."""
        data = datagram(data)
        sent, failure = 0, OSError(EADDRNOTAVAIL, "no server")
        for server in self.servers:
            try:
                near = is_near(server)
                self._socket(near).sendto(data, self._packed(server, near))
                sent += 1
            except OSError as error:
                failure = error
        if not sent:
            raise failure

    def receive(self):
        """Yields (Response, None), or (None, why it is ignored), until nothing is left; does not block."""
        for sock in self.sockets():
            while True:
                try:
                    data, peer = sock.recvfrom(LARGEST)
                except OSError:  # nothing more
                    break
                try:
                    response = self._read(data)
                except WireError as error:
                    yield None, "broken: {}".format(error)
                    continue
                if response:
                    response.server = sender(peer)
                    response.several = len(self.servers) > 1
                    yield response, None

    def _read(self, data):
        reader = Reader(data)
        reader.take(2, "source port")
        if reader.number(2, "destination port") != CLIENT_PORT:
            return None
        size = reader.number(2, "length")
        reader.take(2, "checksum")
        return read_response(reader.take(size - 8, "payload"))

    def _packed(self, address, near):
        return packed(socket.AF_INET6, format_ipv6(address) + ("%" + self.line.device if near else ""))

    def _socket(self, near):
        sock = self.open.get(near)
        if sock is None:
            address = self.line.link_local if near else self.source
            if address is None:
                raise OSError(EADDRNOTAVAIL, "no link-local address")
            self.open[near] = sock = open_raw(self.line.device, self._packed(address, near))
        return sock

    def close(self):
        """Nothing is waited for any more."""
        for sock in self.sockets():
            sock.close()
        self.open = {}
