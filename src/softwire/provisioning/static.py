# SPDX-License-Identifier: Apache-2.0
"""A softwire from options alone, for operators that hand out fixed parameters (RFC 2473)."""

from softwire.tunnel import Tunnel, inner_mtu


class Method:
    """See softwire.provisioning."""

    def __init__(self, config):
        self.config = config
        config.require("peeraddr", "the border router's IPv6 address")
        config.require("ipaddr", "the IPv4 address that the operator gave, such as '192.0.2.1'")

    def endpoint(self, line, held=None):
        """Option ip6addr, else option interface_id in the first /64 of the delegated prefix."""
        return self.config["ip6addr"] or line.delegated_prefix()[0] | self.config["interface_id"]

    def provision(self, line, source):
        """Nobody is asked."""
        config = self.config
        mtu = inner_mtu(config, line)
        return Tunnel(self.endpoint(line), config["peeraddr"], [config["ipaddr"]], mtu, config["ttl"])
