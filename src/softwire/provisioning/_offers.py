# SPDX-License-Identifier: Apache-2.0
"""What is made of the technologies that somebody offers, by their names: a tunnel, or what is handed on."""

import os

from softwire import provisioning
from softwire.address import format_ipv6, parse_ipv4, parse_ipv6
from softwire.errors import ProvisioningError
from softwire.provisioning import _lw4o6, dslite
from softwire.tunnel import PortSet, Tunnel, inner_mtu

# What other protocols of OpenWrt's do, and what they need. netifd ignores a handler that may not be executed.
PROTOCOLS = (("464xlat", "464xlat", True), ("map_e", "map", False), ("map_t", "map", True))
HANDLER, NAT46 = "/lib/netifd/proto/{}.sh", "/proc/net/nat46/control"
# Seconds for which an offer is passed over whose interface did not come up.
REFUSED = 3600
LONGEST_NAME = 9
# Flips a bit of our own address' identifier, for the CLAT's that has to be another one.
CLAT = 1 << 32


def missing(name):
    """What this router lacks to hand `name` on, as text, or None."""
    for word, protocol, nat46 in PROTOCOLS:
        if word == name:
            handler = HANDLER.format(protocol)
            mode = _mode(handler)
            if mode and not mode & 0o111:
                return "{} is not executable".format(handler)
            if not mode or nat46 and not _mode(NAT46):
                return "OpenWrt's package {} is not installed".format("kmod-nat46" if mode else protocol)
    return None


def _mode(path):
    """Of a file, 0 where it is not there."""
    try:
        return os.stat(path)[0]
    except OSError:
        return 0


class Method(dslite.Method):
    """DS-Lite is one of them, and lwAFTRs have names, too.

    refused: {technology: (until when, asked from which /64, why)} of what did not come up.
    """

    def __init__(self, config, interface=""):
        super().__init__(config, interface)
        self.refused: dict = {}

    def allow(self, name, source):
        """ProvisioningError where this router cannot use such an offer, or could not a short time ago."""
        until, where, why = self.refused.get(name, (0, 0, ""))
        if where == source >> 64 and self.clock() < until:
            raise ProvisioningError("HANDED_ON_DOWN", why, until - self.clock())
        lacks = missing(name)
        if lacks:
            raise ProvisioningError("MISSING_PACKAGE", lacks, REFUSED)

    def build(self, name, line, source, held, told):
        """What comes of one offer, as answer.py or container.py reduced it; ProvisioningError."""
        self.allow(name, source)
        return getattr(self, "_" + name)(line, source, held, told)

    def _dslite(self, line, source, held, aftr):
        held = held if held and held.addresses and held.addresses[0][1] == dslite.B4_LENGTH else None
        inner = held.addresses[0][0] if held else self.free_address()
        tunnel = self.tunnel(line, source, aftr, "told by the server", inner, held)
        # That of an ipip tunnel, which was asked from, is none of ours any more.
        tunnel.local = provisioning.Method.endpoint(self, line, held)
        return tunnel

    def _lw4o6(self, line, source, held, told):
        addresses, lifetime = self.resolve(line, source, told["lwaftr"])
        self.answer.update({"aftr": told["lwaftr"]})
        ports = PortSet(*told["ports"])
        ipv4 = parse_ipv4(told["ipv4"])
        prefix, length = told["bind"]
        local = _lw4o6.source(line, source, (parse_ipv6(prefix), length), ipv4, ports.psid)
        remote = self.remote(addresses, held)
        mtu, ttl = inner_mtu(self.config, line), self.config["ttl"]
        return Tunnel(local, remote, [(ipv4, 32)], mtu, ttl, ports=ports, refresh=lifetime)

    def _map_e(self, line, source, held, told):
        # As our own tunnels: without the encapsulation limit, which border routers drop.
        options = {"type": "map-e", "mtu": inner_mtu(self.config, line), "ttl": self.config["ttl"]}
        options.update({"encaplimit": "ignore", "rule": told["rule"]})
        if told["legacy"]:
            options["legacymap"] = True
        return self._hand_on("map_e", line, source, options)

    def _map_t(self, line, source, held, told):
        return self._hand_on("map_t", line, source, {"type": "map-t", "rule": told["rule"]})

    def _464xlat(self, line, source, held, prefix):
        # By itself it finds no address where the line has none on its own link.
        address = format_ipv6(provisioning.Method.endpoint(self, line, None) ^ CLAT)
        return self._hand_on("464xlat", line, source, {"ip6prefix": prefix, "ip6addr": address})

    def _hand_on(self, name, line, source, options):
        from softwire.handon import HandedOn  # only where it is needed

        protocol = [item[1] for item in PROTOCOLS if item[0] == name][0]
        # The handlers call their device map-<interface>, and the kernel takes 15 characters.
        if len(self.interface) > LONGEST_NAME:
            raise ProvisioningError(
                "HANDED_ON_DOWN",
                "{} has a name too long for proto {}: {} characters would be right".format(
                    self.interface, protocol, LONGEST_NAME
                ),
                REFUSED,
            )

        def refused(why):
            self.refused[name] = self.clock() + REFUSED, source >> 64, why

        # An ipip tunnel's, which may have been asked from, is none of ours any more.
        return HandedOn(provisioning.Method.endpoint(self, line, None), protocol, options, refused)
