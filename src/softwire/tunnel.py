# SPDX-License-Identifier: Apache-2.0
"""Tunnel: what a provisioning method returns, and the checks that every tunnel has to pass."""

from softwire.address import format_ipv4, format_ipv6, is_global_ipv6, is_unicast_ipv4

# RFC 2473: the outer IPv6 header.
OVERHEAD = 40


class Tunnel:
    """One IPv4-in-IPv6 softwire (RFC 2473).

    local, remote: endpoints as 128-bit integers; addresses: list of (32-bit integer, prefix length); mtu: octets
    of an IPv4 packet; ttl: hop limit of the outer header; dns: list of address texts; lifetime: seconds until the
    parameters have to be asked for again, or None. extras: what else the answer said, for status only.
    """

    mode = "ipip6"

    def __init__(self, local, remote, addresses, mtu, ttl=64, dns=(), lifetime=None, extras=None):
        self.local = local
        self.remote = remote
        self.addresses = list(addresses)
        self.mtu = mtu
        self.ttl = ttl
        self.dns = list(dns)
        self.lifetime = lifetime
        self.extras = extras or {}

    def key(self):
        """What makes two tunnels the same to netifd."""
        return (self.local, self.remote, self.addresses, self.mtu, self.ttl, self.dns)

    def __eq__(self, other):
        return isinstance(other, Tunnel) and self.key() == other.key()

    def __ne__(self, other):
        return not self == other

    def ipaddr(self):
        """The IPv4 addresses as 'a.b.c.d/len' texts."""
        return ["{}/{}".format(format_ipv4(address), length) for address, length in self.addresses]

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
            "lifetime": self.lifetime,
            "extras": self.extras,
        }


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
