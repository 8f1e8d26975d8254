# SPDX-License-Identifier: Apache-2.0
"""A softwire from options alone, for operators that hand out fixed parameters (RFC 2473)."""

from softwire import config, provisioning
from softwire.address import format_ipv6
from softwire.errors import bad_config
from softwire.tunnel import PortSet, Tunnel, inner_mtu


class Method(provisioning.Method):
    """Nobody is asked."""

    options = (
        ("peeraddr", config.endpoint, None),
        ("ipaddr", config.ipv4_address, None),
        ("ip6addr", config.endpoint, None),
        ("psid", config.number(0, 65535), None),
        ("psidlen", config.number(0, 16), None),
        ("offset", config.number(0, 15), 0),
    )
    required = (
        ("peeraddr", "the border router's IPv6 address"),
        ("ipaddr", "the IPv4 address that the operator gave, such as '192.0.2.1'"),
    )

    def __init__(self, config, interface=""):
        super().__init__(config, interface)
        if config["ip6addr"] == config["peeraddr"]:
            raise bad_config(
                "ip6addr",
                format_ipv6(config["ip6addr"]),
                "our own end, not the border router's, would be right",
            )
        self.ports = port_set(config["psid"], config["psidlen"], config["offset"])

    def endpoint(self, line, held):
        """Option ip6addr, else option interface_id in the first /64 of the prefix."""
        return self.config["ip6addr"] or super().endpoint(line, held)

    def servers(self, line):
        """The border router; to the discard service, since nothing is sent."""
        return [(format_ipv6(self.config["peeraddr"]), 9)]

    def provision(self, line, source):
        """See softwire.provisioning."""
        config = self.config
        local = config["ip6addr"] or line.delegated_prefix(source)[0] | config["interface_id"]
        mtu = inner_mtu(config, line)
        return Tunnel(local, config["peeraddr"], [config["ipaddr"]], mtu, config["ttl"], ports=self.ports)


def port_set(psid, length, offset):
    """The ports of a shared address (RFC 7597 section 5.1), None where it is whole; BAD_CONFIG."""
    if not length:
        if psid:
            raise bad_config("psid", psid, "option psidlen beside it, how many bits it has, would be right")
        return None
    if length + offset > 16:
        raise bad_config(
            "psidlen", length, "at most {}, beside offset {}, would be right".format(16 - offset, offset)
        )
    if psid is None:
        raise bad_config("psidlen", length, "option psid beside it would be right")
    if psid >> length:
        raise bad_config(
            "psid", psid, "at most {}, which has {} bits, would be right".format((1 << length) - 1, length)
        )
    return PortSet(offset, length, psid)
