# SPDX-License-Identifier: Apache-2.0
"""MAP-E, MAP-T and lightweight 4over6 as the line's DHCPv6 server tells them (RFC 7598)."""

from binascii import hexlify

from softwire import errand
from softwire.address import format_prefix
from softwire.errors import ProvisioningError
from softwire.provisioning import _offers, early

# Seconds after which the server is asked again, whose Reconfigure odhcp6c alone gets (RFC 8415 section 21.23: the
# default of the information refresh time), and where what it told cannot be right.
LIFETIME, PAUSE = 86400, 3600


class Method(_offers.Method):
    """One container; offer, container: what it offers, and its octets, given by auto."""

    options: tuple = ()
    offer = ""
    container = b""

    def needs(self, line):
        """Nothing that netifd knew."""

    def servers(self, line):
        """The line's own."""
        return []

    def provision(self, line, source):
        """See softwire.provisioning."""
        return self.refresh(line, source, None)

    def refresh(self, line, source, held):
        """See softwire.provisioning."""
        self.allow(self.offer, source)
        # Not read here: it is seldom there, and stays in nobody's memory.
        told = errand.run(
            self,
            {
                "offer": self.offer,
                "container": hexlify(self.container).decode(),
                "prefixes": [format_prefix(*item[:2]) for item in line.prefixes if item[2] > 0],
            },
        )
        tunnel = self.build(self.offer, line, source, held, told)
        self.answer = {"server": "the line's DHCPv6 server"}
        tunnel.refresh = min(tunnel.refresh or LIFETIME, early(LIFETIME))
        return tunnel


def answer(question):
    """What the errand says; ProvisioningError."""
    from binascii import unhexlify

    from softwire.provisioning.auto.container import read

    try:
        return read(question["offer"], unhexlify(question["container"]), question["prefixes"])
    except ValueError as error:
        raise ProvisioningError("BAD_ANSWER", "DHCPv6's {}: {}".format(question["offer"], error), PAUSE)
