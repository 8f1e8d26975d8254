# SPDX-License-Identifier: Apache-2.0
"""What a DHCPOFFER or DHCPACK grants (RFC 2131, RFC 2132, RFC 3442; RFC 7618 for ports, RFC 8539 for option 109)."""

from softwire.address import format_ipv4, network
from softwire.tunnel import PortSet, check_ipv4
from softwire.wire import Reader, WireError

ROUTER, DNS, MTU, ADDRESS, TIME, KIND, SERVER, ASKED, TEXT, SIZE, T1, T2, CLIENT, SOURCE, ROUTES, PORTS = (
    3, 6, 26, 50, 51, 53, 54, 55, 56, 57, 58, 59, 61, 109, 121, 159,
)  # fmt: skip
FOREVER = 0xFFFFFFFF
# RFC 2131 section 4.4.5
T1_SHARE, T2_SHARE = 0.5, 0.875
SMALLEST_MTU = 68
MOST_ROUTES, MOST_DNS = 64, 4


class Lease:
    """address, server: integers; ports: PortSet of a shared address, or None; routes: as Tunnel has them; dns: texts;

    mtu: octets or None; time, t1, t2: seconds, None for never; source: the softwire's source address that the server
    has bound, or 0; problems: texts about what was left out; options: all of the message's.
    """

    def __init__(self, message):
        """message: of dhcpv4message; ValueError (WireError, too) where it grants nothing that can be used."""
        self.problems: list = []
        self.options = message.options
        self.address = check_ipv4(message.yiaddr, "yiaddr")
        self.server = check_ipv4(_number(message, SERVER, "server identifier"), "server identifier")
        if self.address == self.server:
            raise ValueError("yiaddr {} is the server's own".format(format_ipv4(self.address)))
        self.time = _number(message, TIME, "lease time")
        if not self.time:
            raise ValueError("lease time 0: a second at least would be right")
        self.ports = read_ports(message.option(PORTS))
        self.source = 0
        source = message.option(SOURCE)
        if source is not None and len(source) == 16:
            self.source = int.from_bytes(source, "big")
        self._times(message)
        self.mtu = self._optional(message, MTU, 2)
        if self.mtu is not None and self.mtu < SMALLEST_MTU:
            self._leave_out("MTU {}: {} at least would be right".format(self.mtu, SMALLEST_MTU))
            self.mtu = None
        self.dns = self._addresses(message.option(DNS) or b"")
        self.routes = None
        routes = message.option(ROUTES)
        # With 121 option 3 counts for nothing; with neither the softwire is still the way out.
        if routes:
            try:
                self.routes = read_routes(routes)
            except WireError as error:
                self._leave_out("option 121: {}".format(error))

    def key(self):
        """What a server may not change while the lease goes on."""
        return self.address, self.ports and self.ports.key()

    def _times(self, message):
        if self.time == FOREVER:
            self.time = self.t1 = self.t2 = None
            return
        t1, t2 = self._optional(message, T1, 4), self._optional(message, T2, 4)
        self.t1 = int(self.time * T1_SHARE) if t1 is None else t1
        self.t2 = int(self.time * T2_SHARE) if t2 is None else t2
        if not 0 < self.t1 <= self.t2 <= self.time:
            if not (t1 is None and t2 is None):
                self._leave_out("T1 {} and T2 {} of a lease of {} s".format(t1, t2, self.time))
            self.t1, self.t2 = self.time * T1_SHARE, self.time * T2_SHARE

    def _optional(self, message, code, size):
        value = message.option(code)
        if value is not None and len(value) != size:
            self._leave_out("option {} of {} octets".format(code, len(value)))
            value = None
        return None if value is None else int.from_bytes(value, "big")

    def _addresses(self, value):
        found: list = []
        for at in range(0, min(len(value), 4 * MOST_DNS) - 3, 4):
            try:
                text = format_ipv4(check_ipv4(int.from_bytes(value[at : at + 4], "big"), "resolver"))
                if text not in found:
                    found.append(text)
            except ValueError as error:
                self._leave_out(str(error))
        return found

    def _leave_out(self, what):
        self.problems.append(what + " (left out)")


def _number(message, code, name):
    value = message.option(code)
    if value is None or len(value) != 4:
        raise ValueError(
            "no {}".format(name) if value is None else "{} of {} octets".format(name, len(value))
        )
    return int.from_bytes(value, "big")


def read_ports(value):
    """Value of option 159 -> PortSet, None for the whole address; ValueError."""
    if value is None:
        return None
    if len(value) != 4:
        raise ValueError("option 159 of {} octets: 4 would be right".format(len(value)))
    if value[1] > 16:
        raise ValueError("option 159: {} bits of identifier: at most 16".format(value[1]))
    ports = PortSet(value[0], value[1], int.from_bytes(value[2:], "big") >> 16 - value[1])
    return ports if ports.offset or ports.length else None


def write_ports(ports):
    """PortSet -> value of option 159: the identifier stands at the left of its field."""
    return bytes([ports.offset, ports.length]) + (ports.psid << 16 - ports.length).to_bytes(2, "big")


def read_routes(value):
    """Value of option 121 -> [(32-bit integer, prefix length)]; a tunnel's routers are its other end; WireError."""
    reader = Reader(value)
    found: list = []
    while reader.left() and len(found) < MOST_ROUTES:
        length = reader.number(1, "prefix length")
        if length > 32:
            raise WireError("prefix length {}: at most 32".format(length))
        octets = reader.take((length + 7) // 8, "destination")
        reader.take(4, "router")
        entry = network(int.from_bytes(octets + bytes(4 - len(octets)), "big"), length, 32), length
        if entry not in found:
            found.append(entry)
    return found
