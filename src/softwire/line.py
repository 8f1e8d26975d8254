# SPDX-License-Identifier: Apache-2.0
"""Line: what the IPv6 access gave, read from the tunlink's status in netifd."""

import binascii

from softwire.address import contains, format_prefix, is_internet_ipv6, network, parse_ipv6
from softwire.errors import ProvisioningError
from softwire.wire import whole_records

# netifd leaves a lifetime out where it has no end.
FOREVER = 0xFFFFFFFF
# Seconds that a line with an on-link /64 is given to delegate a prefix after all; a server that answers needs few.
DELEGATION_WAIT = 30


class Line:
    """The line behind one interface of netifd.

    name: netifd's name; up; proto; uptime: seconds; device: l3 device or None; prefixes: delegated, and onlink: on
    the device itself, both lists of (integer, length, preferred lifetime in s); overlaps: seconds from the end of
    each delegated prefix's preferred lifetime to that of its valid lifetime; lan_addresses: integers that LANs got
    out of the prefixes; dns: texts; default_route: whether netifd has one on it; too_long: delegated prefixes that
    netifd dropped; options: DHCPv6 (code, octets) passed through; errors: netifd's codes; problems: what could not be
    read. avoid: first halves (integers of 64 bits) of local endpoints for which nobody answers any more; their
    prefixes count only where the line has no other.
    """

    def __init__(self, name, status, read=None, prefix=None, before=None):
        """status: `ubus call network.interface.<name> status`. read(path): the text of a kernel file.

        prefix: (integer, length) that stands for whatever the line delegates (option ip6prefix). before: the same
        line as it was, whose DHCPv6 options are taken over where they came in the same octets.
        """
        self.name = name
        self.up = bool(status.get("up"))
        self.proto = status.get("proto")
        self.uptime = status.get("uptime") or 0
        self.device = status.get("l3_device") or status.get("device")
        self.problems = []
        self.lan_addresses = []
        delegated = status.get("ipv6-prefix") or []
        self.prefixes = self._addresses(delegated)
        # A withdrawn prefix (preferred for 0 s) tells nothing, nor one without lifetimes.
        self.overlaps = [
            entry["valid"] - entry["preferred"]
            for entry in delegated
            if entry.get("preferred") and entry.get("valid")
        ]
        if prefix:
            self.prefixes = [(prefix[0], prefix[1], FOREVER)]
        self.onlink = [
            (network(address, length), length, preferred)
            for address, length, preferred in self._addresses(status.get("ipv6-address"))
        ]
        self.dns = status.get("dns-server") or []
        default_routes = [
            route
            for route in status.get("route") or []
            if route.get("target") == "::" and not route.get("mask")
        ]
        self.default_route = bool(default_routes)
        # netifd drops a delegated prefix longer than /64 without a word, but the default route from it stays. A /128
        # is an address's.
        sources = [route.get("source") or "" for route in default_routes]
        self.too_long = [source for source in sources if 64 < _length(source) < 128]
        self.passthru = (status.get("data") or {}).get("passthru") or ""
        if before and before.passthru == self.passthru and not before.problems:
            self.options, self.memo = before.options, before.memo
        else:
            self.options = self._options(self.passthru)
            # What a provisioning method made of the options, so that it need not do so twice.
            self.memo = {}
        self.avoid: list = []
        self.errors = [error.get("code") for error in status.get("errors") or []]
        self._read = read or _read_file
        self._known: dict = {}

    def _addresses(self, entries):
        found = []
        for entry in entries or []:
            try:
                mask = int(entry.get("mask"))
                if not 0 <= mask <= 128:
                    raise ValueError
                found.append((parse_ipv6(entry.get("address")), mask, entry.get("preferred", FOREVER)))
                for assigned in (entry.get("assigned") or {}).values():
                    # netifd's status does not tell the LAN's own address; it takes the first of the subnet.
                    self.lan_addresses.append(parse_ipv6(assigned.get("address")) | 1)
            except (TypeError, ValueError):
                self.problems.append("netifd's status holds no address and mask in {}".format(entry))
        return found

    def _options(self, passthru):
        # Of a cut row counts what stands before the cut: odhcp6c may add a NUL.
        digits = passthru[: len(passthru) & ~1]
        try:
            found, problem = whole_records(binascii.unhexlify(digits), 2, "option")
        except (TypeError, ValueError):
            found, problem = [], "no hexadecimal digits"
        if problem:
            self.problems.append("DHCPv6 options: {}".format(problem))
        return found

    def option(self, code):
        """The value of the first DHCPv6 option of this code, or None."""
        for found, value in self.options:
            if found == code:
                return value
        return None

    @property
    def mtu(self):
        """The MTU that IPv6 uses on the device: the router advertisement's where it named one (RFC 4861 4.6.4)."""
        text = self._once("/proc/sys/net/ipv6/conf/{}/mtu")
        return int(text) if text.isdigit() else None

    @property
    def mac(self):
        """The MAC address of the device, or None."""
        return self._once("/sys/class/net/{}/address").lower() or None

    @property
    def link_local(self):
        """The device's own link-local address that can be sent from (proc: address, index, length, scope, flags)."""
        for row in self._once("/proc/net/if_inet6").split("\n"):
            words = row.split()
            # 0x48: duplicate address detection has failed or has not ended
            if (
                len(words) == 6
                and words[5] == self.device
                and words[3] == "20"
                and not int(words[4], 16) & 0x48
            ):
                return int(words[0], 16)
        return None

    def _once(self, path):
        """A kernel file of the device, as it was when it was asked for first."""
        if path not in self._known:
            self._known[path] = self._read(path.format(self.device))
        return self._known[path]

    @property
    def delegation_wait(self):
        """Seconds that DHCPv6 still has to delegate a prefix before an on-link /64 is all that this line gives.

        None where DHCPv6 has spoken: its options came, and no prefix with them (it is stateless, as with option
        reqprefix 'no', or the server has none). A router advertisement comes before any DHCPv6 answer, so a
        silent server is waited for: on a line with both prefixes the softwire would go up only to move.
        """
        if self.options or self.proto == "static":
            return 0
        return max(0, DELEGATION_WAIT - self.uptime)

    def _avoids(self, item):
        return network(item[0], item[1]) >> 64 in self.avoid

    def delegated_prefix(self, near=None):
        """(integer, length <= 64) of the prefix to use; ProvisioningError names what the line lacks.

        near: an address in use, whose prefix stays in use while it is preferred. Without it, of an old and a new
        prefix (they coexist while the line is renumbered) the one that stays preferred longest counts. The on-link
        /64 serves where the line delegates none.
        """
        usable = [
            item for item in self.prefixes if item[2] > 0 and item[1] <= 64 and is_internet_ipv6(item[0])
        ]
        onlink = [item for item in self.onlink if item[2] > 0 and is_internet_ipv6(item[0])]
        shared = [item for item in onlink if item[1] == 64]
        if near is not None:
            for item in usable + shared:
                if contains(item[0], item[1], near) and not self._avoids(item):
                    return network(item[0], item[1]), item[1]
        if self.avoid:
            usable = (
                [item for item in usable if not self._avoids(item)]
                or [item for item in shared if not self._avoids(item)]
                or usable
            )
        if usable:
            best = max(usable, key=lambda item: item[2])
            return network(best[0], best[1]), best[1]
        if self.too_long:
            raise ProvisioningError(
                "PREFIX_TOO_LONG",
                "interface {} was delegated {}; /64 or shorter is needed".format(self.name, self.too_long[0]),
            )
        # A delegated prefix that was withdrawn comes again, or another one.
        if onlink and not self.prefixes:
            best = max(onlink, key=lambda item: (item[1] == 64, item[2]))
            text = "interface {} has {} on the link and no delegated prefix".format(
                self.name, format_prefix(best[0], best[1])
            )
            if best[1] != 64:
                raise ProvisioningError(
                    "ONLY_ONLINK_PREFIX",
                    text + ", but needs a /64: ask for prefix delegation, or set option ip6prefix",
                )
            if not self.delegation_wait:
                return best[0], 64
            raise ProvisioningError(
                "ONLY_ONLINK_PREFIX",
                text + " yet; takes the /64 in {:.0f} s if DHCPv6 stays silent".format(self.delegation_wait),
                self.delegation_wait,
            )
        raise ProvisioningError("NO_PREFIX", "interface {} has no IPv6 prefix (yet)".format(self.name))


def _length(prefix):
    # '2001:db8::/56' -> 56
    length = prefix.partition("/")[2]
    return int(length) if length.isdigit() else 0


def _read_file(path):
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""
