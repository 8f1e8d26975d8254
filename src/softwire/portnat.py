# SPDX-License-Identifier: Apache-2.0
"""NAT to the port set of a shared IPv4 address (RFC 7597, RFC 7596), as nftables rules in a file that fw4 includes.

The kernel's NAT looks for a free port in one range only. It gets a range of as many numbers as the set has ports, and
a map of one to the other, both ways: on the device the set's own ports are written into what leaves, and the numbers
into what comes. What others began has its port again as soon as the connection is known, for port forwards and the
router's own services.

Chains stay where they are when their rules change: with any hook of netfilter's that goes, the kernel drops all packets
that it keeps for a program, so those which wait for an address on demand.
"""

import os

from softwire import state
from softwire.errors import ProvisioningError

# From there on Linux gives ports to the router's own sockets; below the other nobody should.
EPHEMERAL, PRIVILEGED = 32768, 1024

# A UDP checksum of 0 means none (RFC 768), and nft would make one of it. Masquerading, since the kernel forgets such
# connections with the device. Without a port that is ours nothing comes or goes. Flow offloading would pass by all of
# this: connections are accepted before fw4's rule for it, as its next rule would.
RULES = """\
table ip softwire {{
	chain nat_{name} {{
		type nat hook postrouting priority srcnat - 1; policy accept;
		oifname "{device}" meta l4proto tcp masquerade to :{first}-{last}
		oifname "{device}" meta l4proto udp masquerade to :{first}-{last}
		oifname "{device}" meta l4proto icmp masquerade to :{first}-{last}
	}}
	chain go_{name} {{
		type filter hook postrouting priority srcnat + 1; policy accept;
		oifname "{device}" jump out_{name}
	}}
	chain out_{name} {{
		udp checksum 0 udp sport set udp sport map @ports_{name} udp checksum set 0 accept
		udp sport set udp sport map @ports_{name} accept
		tcp sport set tcp sport map @ports_{name} accept
		icmp type {{ echo-reply, echo-request }} icmp id set icmp id map @ids_{name} accept
errors ids 240
		counter drop
	}}
	chain come_{name} {{
		type filter hook prerouting priority raw; policy accept;
		iifname "{device}" jump in_{name}
	}}
	chain in_{name} {{
		udp checksum 0 udp dport set udp dport map @numbers_{name} udp checksum set 0 accept
		udp dport set udp dport map @numbers_{name} accept
		tcp dport set tcp dport map @numbers_{name} accept
		icmp type {{ echo-reply, echo-request }} icmp id set icmp id map @numberids_{name} accept
errors numberids 224
		counter drop
	}}
	chain begun_{name} {{
		type filter hook prerouting priority mangle - 1; policy accept;
		iifname "{device}" ct direction original jump back_{name}
	}}
	chain answered_{name} {{
		type filter hook input priority mangle - 1; policy accept;
		iifname "{device}" ct direction reply jump back_{name}
	}}
	chain back_{name} {{
		udp checksum 0 udp dport set udp dport map @ports_{name} udp checksum set 0 return
		udp dport set udp dport map @ports_{name}
		tcp dport set tcp dport map @ports_{name}
	}}
	chain own_{name} {{
		type filter hook output priority raw; policy accept;
		oifname "{device}" udp sport set udp sport map @numbers_{name}
		oifname "{device}" tcp sport set tcp sport map @numbers_{name}
	}}
}}
insert rule inet fw4 forward oifname "{device}" ct state established,related accept
insert rule inet fw4 forward iifname "{device}" ct state established,related accept
"""

MAP = """\
table ip softwire {{
	map {by}_{name} {{
		{kind}
	}}
}}
flush map ip softwire {by}_{name}
add element ip softwire {by}_{name} {{
"""

# What interfaces had that are no more: all goes, and those that are come after it.
GONE = "table ip softwire\ndelete table ip softwire\n"

# nft knows no checksum that covers the port in a packet which an ICMP error quotes: a field that is unused, and 0,
# takes up the difference. That is octets 6 and 7 of the error; where the MTU is in there, 4 and 5 (RFC 1191). RULES
# names the map for them, and the bit where a quoted header has the port that is ours.
ERROR = (
    "\t\ticmp type {kind} @th,{spare},16 0 @th,64,8 0x45 @th,136,8 {protocol} "
    "@th,{spare},16 set @th,{place},16 & {mask} map {{ ",
    "}} @th,{place},16 set @th,{place},16 map @{by}_{name} accept\n",
)
SPARE = (
    ("destination-unreachable icmp code 4", 32),
    ("{ destination-unreachable, time-exceeded, parameter-problem }", 48),
)


class PortMap:
    """The ports of a PortSet, and the numbers first to last that stand for them in the router's NAT."""

    def __init__(self, ports):
        self.ranges = ranges = ports.ranges()
        self.size = ranges[0][1] - ranges[0][0] + 1
        self.count = self.size * len(ranges)
        # A single range stands for itself.
        self.first = ranges[0][0] if len(ranges) == 1 else max(EPHEMERAL - self.count, PRIVILEGED)
        self.last = self.first + self.count - 1

    def pairs(self, step=1):
        """Yields (number, port), of each or of the first of each range."""
        number = self.first
        for first, last in self.ranges:
            for port in range(first, last + 1, step):
                yield number, port
                number += step

    def write(self, file, name, device):
        """Writes the rules of an interface bit by bit: a set may have thousands of ports, a router little memory."""
        begin(file, RULES, name)
        # To nft a port and an ICMP identifier are not the same.
        for ports, numbers, kind in (
            ("ports", "numbers", "type inet_service : inet_service"),
            ("ids", "numberids", "typeof icmp id : icmp id"),
        ):
            for by in ports, numbers:
                file.write(MAP.format(by=by, name=name, kind=kind))
                # Blanks, since nft takes 1024:1536 for something else.
                for number, port in self.pairs():
                    file.write("{} : {},\n".format(*((number, port) if by == ports else (port, number))))
                file.write("}\n")
        for line in RULES[:-1].split("\n"):
            words = line.split()
            if words[:1] == ["errors"]:
                self.errors(file, name, words[1], int(words[2]))
            else:
                line = line.format(name=name, device=device, first=self.first, last=self.last)
                file.write(line + "\n")

    def errors(self, file, name, by, port):
        """The rules for what ICMP errors quote, by this map; port: the bit where it has the port that is ours."""
        for kind, spare in SPARE:
            for protocol, place in (("{ 6, 17 }", port), ("1", 256)):
                words = {"kind": kind, "spare": spare, "protocol": protocol, "place": place}
                words.update(mask=65536 - self.size, by=by, name=name)
                file.write(ERROR[0].format(**words))
                for number, own in self.pairs(self.size):
                    old, new = (number, own) if by == "ids" else (own, number)
                    file.write("{} : {}, ".format(old, (old - new) % 65535))
                file.write(ERROR[1].format(**words))


def gone_path():
    """Of what the client, or the handler at teardown, has fw4 do first: take away what was."""
    return state.RUN_DIR + "/softwire.gone"


def begin(file, rules, name):
    """Writes these rules' chains, and nothing in them, whatever was: they may be there already."""
    chains = []
    for line in rules.split("\n"):
        words = line.split()
        if words and words[0] in ("table", "chain", "type", "}}"):
            file.write(line.format(name=name) + "\n")
        if words[:1] == ["chain"]:
            chains.append(words[1].format(name=name))
    for chain in chains:
        file.write("flush chain ip softwire {}\n".format(chain))


def update(interface, device, ports, queue=None, signal=None):
    """Makes the file what a tunnel's PortSet and queue, or None, want it to be; whether it was another.

    signal: called with "firewall" then; whether the rules are loaded. NO_RUN_DIRECTORY.
    """
    path = state.rules_path(interface)
    head = ports and "# kept chains, offset, length, psid {} on {}\n".format(ports.key(), device)
    if queue:
        head = "# queue {} on {}, {}".format(queue, device, head or "kept chains, all ports\n")
    if _first_line(path) == head:
        return False
    try:
        if head:
            # fw4 must not find half of it.
            with open(path + ".new", "w") as file:
                file.write(head)
                if ports:
                    PortMap(ports).write(file, interface, device)
                if queue:
                    from softwire.demand import write

                    if not ports:
                        # Before the first packet is kept.
                        begin(file, RULES, interface)
                    write(file, interface, device, queue)
            os.rename(path + ".new", path)
        else:
            with open(gone_path(), "w") as file:
                file.write(GONE)
            os.remove(path)
    except OSError as error:
        raise ProvisioningError(
            "NO_RUN_DIRECTORY", "{}: the firewall's rules cannot be written: {}".format(path, error)
        )
    if signal and signal("firewall"):
        try:
            os.remove(gone_path())
        except OSError:  # nothing was
            pass
    return True


def _first_line(path):
    """A file's, or None where there is no file."""
    try:
        with open(path) as file:
            return file.readline()
    except OSError:
        return None
