# SPDX-License-Identifier: Apache-2.0
"""Tunnel: what a provisioning method returns, and the checks that every tunnel has to pass."""

from softwire.address import format_ipv4, format_ipv6, is_global_ipv6, is_unicast_ipv4

# RFC 2473: the outer IPv6 header.
OVERHEAD = 40


def device_of(interface):
    """The name of a softwire's device; 15 characters are the kernel's limit."""
    return ("sw-" + interface)[:15]


class PortSet:
    """The ports of a shared IPv4 address that are this subscriber's (RFC 7597 section 5.1, RFC 7618 section 9).

    offset: the a bits before the identifier (ports below 2^(16-a) are nobody's, none where a is 0); length: bits of
    the identifier; psid: the identifier, an integer.
    """

    def __init__(self, offset, length, psid):
        if not 0 <= offset <= 15 or not 0 <= length <= 16 - offset or not 0 <= psid < 1 << length:
            raise ValueError(
                "offset {}, length {}, identifier {}: together at most 16 bits, and an identifier that fits, "
                "would be right".format(offset, length, psid)
            )
        self.offset = offset
        self.length = length
        self.psid = psid

    @staticmethod
    def of_range(ports):
        """(first, last) -> PortSet; None for all ports. ValueError."""
        if not ports:
            return None
        first, last = ports
        size = last - first + 1
        length = 0
        while 65536 >> length > size:
            length += 1
        if 65536 >> length != size or first % size:
            raise ValueError(
                "ports {}-{}: a power of two at a multiple of itself would be right".format(first, last)
            )
        return PortSet(0, length, first // size)

    def key(self):
        """What makes two sets the same."""
        return (self.offset, self.length, self.psid)

    def ranges(self):
        """[(first, last)] of the ports, in order."""
        size = 1 << 16 - self.offset - self.length
        # With an offset, its value 0 would give the ports that systems keep for themselves.
        heads = range(1, 1 << self.offset) if self.offset else range(1)
        starts = [head << 16 - self.offset | self.psid * size for head in heads]
        return [(start, start + size - 1) for start in starts]


class Tunnel:
    """One IPv4-in-IPv6 softwire (RFC 2473).

    local, remote: endpoints as 128-bit integers; addresses: list of (32-bit integer, prefix length); mtu: octets
    of an IPv4 packet; ttl: hop limit of the outer header; dns: list of address texts; routes: list of (32-bit
    integer, prefix length) that lead into it instead of the default route, or None for that one; ports: PortSet of
    a shared address, or None. refresh, expires: seconds from the question on after which the method wants to be
    asked again, and after which the tunnel is over; None for never. queue: the number of netfilter's queue in which
    packets wait for an address, while there is none; None where nothing waits (demand.py).
    """

    kind = "tunnel"  # its name in the state file; handon.py has the other one
    mode = "ipip6"

    def __init__(
        self,
        local,
        remote,
        addresses,
        mtu,
        ttl=64,
        dns=(),
        routes=None,
        ports=None,
        refresh=None,
        expires=None,
        queue=None,
    ):
        self.local = local
        self.remote = remote
        self.addresses = list(addresses)
        self.mtu = mtu
        self.ttl = ttl
        self.dns = list(dns)
        self.routes = routes
        self.ports = ports
        self.refresh = refresh
        self.expires = expires
        self.queue = queue

    def key(self):
        """What makes two tunnels the same to the router; times are not of it."""
        ports = self.ports and self.ports.key()
        return (
            self.local, self.remote, self.addresses, self.mtu, self.ttl, self.dns, self.routes, ports,
        )  # fmt: skip

    def __eq__(self, other):
        return isinstance(other, Tunnel) and self.key() == other.key()

    def __ne__(self, other):
        return not self == other

    def phase(self):
        """What there is to say of it where it stands."""
        return "up" if self.addresses else "waiting for a packet"

    def ipaddr(self):
        """The IPv4 addresses as 'a.b.c.d/len' texts."""
        return [_prefix(*entry) for entry in self.addresses]

    def route_texts(self):
        """What leads into it, as 'a.b.c.d/len' texts."""
        return ["0.0.0.0/0"] if self.routes is None else [_prefix(*entry) for entry in self.routes]

    def to_dict(self):
        """For the state file: JSON values only."""
        return {
            "mode": self.mode,
            "local": format_ipv6(self.local),
            "remote": format_ipv6(self.remote),
            "ipaddr": self.ipaddr(),
            "mtu": self.mtu,
            "ttl": self.ttl,
            "dns": self.dns,
            "routes": self.route_texts(),
            "ports": self.ports and list(self.ports.key()),
            "refresh": self.refresh,
            "expires": self.expires,
        }


def _prefix(address, length):
    return "{}/{}".format(format_ipv4(address), length)


def check_endpoint(value, what):
    """`value` if a router could carry packets to this IPv6 address; ValueError calls it `what`."""
    if not is_global_ipv6(value):
        raise ValueError(
            "{} {}: a global unicast IPv6 address would be right".format(what, format_ipv6(value))
        )
    return value


def check_ipv4(value, what):
    """`value` if a host could have this IPv4 address; ValueError calls it `what`."""
    if not is_unicast_ipv4(value):
        raise ValueError("{} {}: a unicast IPv4 address would be right".format(what, format_ipv4(value)))
    return value


def inner_mtu(config, line):
    """Octets of the largest IPv4 packet: option mtu, else the line's MTU less the outer header."""
    return config["mtu"] or (line.mtu or 1500) - OVERHEAD
