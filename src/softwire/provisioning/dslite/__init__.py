# SPDX-License-Identifier: Apache-2.0
"""DS-Lite: IPv4 to the operator's AFTR, whose name or address is an option or the line's (RFC 6333, RFC 6334)."""

from softwire import dns, inform, provisioning, state
from softwire.address import format_ipv4, format_ipv6, parse_ipv4, parse_ipv6
from softwire.dhcpv6 import read_name, write_name
from softwire.errors import ProvisioningError
from softwire.tunnel import Tunnel, check_endpoint, inner_mtu
from softwire.wire import WireError

AFTR_NAME = 64
# RFC 6333 section 5.7: 192.0.0.1 is the AFTR's, .2 the B4's, and the others are for routers with several B4s.
B4_FIRST, B4_LENGTH = 0xC0000002, 29
B4_LAST = B4_FIRST | 4
# Seconds that a name's address is used at least and at most, whatever its lifetime says.
SHORTEST, LONGEST = 60, 86400


def aftr(value):
    """A check for an AFTR's name or IPv6 address -> that text."""
    if ":" in value:
        return format_ipv6(check_endpoint(parse_ipv6(value), "address"))
    try:
        write_name(value)
    except WireError as error:
        raise ValueError("the AFTR's name or IPv6 address would be right ({})".format(error))
    if value.rstrip(".").rpartition(".")[2].isdigit():
        raise ValueError("the AFTR's name or IPv6 address would be right, not an IPv4 address")
    return value


def b4_address(value):
    """A check for one of the addresses that a B4 may have -> integer."""
    address = parse_ipv4(value)
    if not B4_FIRST <= address <= B4_LAST:
        raise ValueError(
            "one from {} to {} would be right".format(format_ipv4(B4_FIRST), format_ipv4(B4_LAST))
        )
    return address


class Method(provisioning.Method):
    """Nobody is asked but the line: its DHCPv6 server for the AFTR's name, its resolvers for the name's address."""

    options: tuple = (("peeraddr", aftr, None), ("ipaddr", b4_address, None))

    def __init__(self, config, interface=""):
        super().__init__(config, interface)
        self.last = None  # what the line's DHCPv6 server told last

    def needs(self, line):
        """See softwire.provisioning."""
        return line.option(AFTR_NAME)

    def servers(self, line):
        """The AFTR where its address is an option; to the discard service, since nothing is sent."""
        return [(self.config["peeraddr"], 9)] if ":" in (self.config["peeraddr"] or "") else []

    def drop(self):
        """The next line may have another AFTR."""
        self.last = None

    def name(self, line):
        """(the AFTR's name or address, who told it); ProvisioningError NO_AFTR."""
        if self.config["peeraddr"]:
            return self.config["peeraddr"], "option peeraddr"
        value = self.told(line)
        if value:
            try:
                return read_name(value), "DHCPv6 option 64"
            except WireError as error:
                raise ProvisioningError("BAD_ANSWER", "DHCPv6 option 64: {}".format(error))
        raise ProvisioningError(
            "NO_AFTR",
            "the line tells no AFTR (DHCPv6 option 64): its name or IPv6 address in option peeraddr would be right",
        )

    def told(self, line):
        """The value of the line's DHCPv6 option 64, or None; of several the first counts.

        A server that is silent for once, while nothing of the line changed, has not changed its mind.
        """
        value = line.option(AFTR_NAME)
        if value is None:
            if self.tell:
                self.tell("asks the DHCPv6 server on {} for option 64".format(line.device))
            try:
                found = inform.ask(line, (AFTR_NAME,), self.wait, self.clock)
            except OSError as error:
                raise ProvisioningError("NO_AFTR", "the line cannot be asked: error {}".format(error.errno))
            if found is None:
                return self.last
            value = ([value for code, value in found if code == AFTR_NAME] or [None])[0]
        self.last = value
        return value

    def provision(self, line, source):
        """See softwire.provisioning."""
        return self.refresh(line, source, None)

    def refresh(self, line, source, held):
        """The address in use stays in use while it is the name's, and something comes back."""
        name, teller = self.name(line)
        if held and self.config["ipaddr"] is None:
            inner = held.addresses[0][0]
        else:
            inner = self.config["ipaddr"] or self.free_address()
        return self.tunnel(line, source, name, teller, inner, held)

    def tunnel(self, line, source, name, teller, inner, held=None):
        """The Tunnel to an AFTR of that name or address."""
        addresses, lifetime = self.resolve(line, source, name)
        self.answer.update({"aftr": name, "teller": teller})
        remote = self.remote(addresses, held)
        if remote == source:
            raise ProvisioningError(
                "BAD_ANSWER", "the address of AFTR {}, {}, is our own".format(name, format_ipv6(remote))
            )
        return Tunnel(
            source,
            remote,
            [(inner, B4_LENGTH)],
            inner_mtu(self.config, line),
            self.config["ttl"],
            refresh=lifetime,
        )

    def remote(self, addresses, held):
        """The one in use while something comes back, else the next one."""
        if not held or held.remote not in addresses:
            return addresses[0]
        return addresses[(addresses.index(held.remote) + bool(self.silent)) % len(addresses)]

    def resolve(self, line, source, name):
        """(the addresses of a name, seconds until it should be asked for again); of an address itself, None."""
        if ":" in name:
            self.answer = {"server": name}
            return [parse_ipv6(name)], None
        resolver = dns.Resolver(line.dns, format_ipv6(source), line.device, self.wait, self.clock)
        if self.tell:
            self.tell("asks {} for the addresses of {}".format(", ".join(resolver.servers) or "nobody", name))
        try:
            found, lifetime = resolver.addresses(name)
        except dns.DnsError as error:
            raise ProvisioningError(error.code, str(error))
        usable = []
        for address in found:
            try:
                usable.append(check_endpoint(address, "address"))
            except ValueError as error:
                problem = error
        if not usable:
            raise ProvisioningError("BAD_ANSWER", "AAAA of {}: {}".format(name, problem))
        self.answer = {
            "server": resolver.asked,
            "addresses": [format_ipv6(address) for address in usable],
            "lifetime": lifetime,
        }
        return usable, max(SHORTEST, min(LONGEST, lifetime))

    def free_address(self):
        """The first of the B4's addresses that no other softwire of this router has."""
        taken = []
        for _, tunnel in state.tunnels_besides(self.interface):
            taken += [text.partition("/")[0] for text in tunnel.get("ipaddr") or []]
        for address in range(B4_FIRST, B4_LAST + 1):
            if format_ipv4(address) not in taken:
                return address
        return B4_FIRST
