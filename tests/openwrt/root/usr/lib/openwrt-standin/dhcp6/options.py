# SPDX-License-Identifier: Apache-2.0
"""The command line: what odhcp6c of OpenWrt 24.10 and of later releases both take; anything else is
refused with the usage."""

import getopt
import ipaddress

LETTERS = "SDN:V:P:Fc:i:r:Ru:Us:kK:t:C:m:Lhedp:favx:"
USAGE = """Usage: odhcp6c [options] <interface>

Feature options:
	-S		Don't allow configuration via SLAAC (RAs) only
	-D		Discard advertisements without any address or prefix proposed
	-N <mode>	Mode for requesting addresses [try|force|none]
	-P <[pfx/]len>	Request IPv6-Prefix (0 = auto)
	-F		Force IPv6-Prefix
	-V <class>	Set vendor-class option (base-16 encoded)
	-u <user-class> Set user-class option string
	-x <opt>:<val>	Add option opt (with value val) in sent packets (cumulative)
	-c <clientid>	Override client-ID (base-16 encoded 16-bit type + value)
	-i <iface-id>	Use a custom interface identifier for RA handling
	-r <options>	Options to be requested (comma-separated)
	-R		Do not request any options except those specified with -r
	-s <script>	Status update script (/lib/netifd/dhcpv6.script)
	-a		Don't send Accept Reconfigure option
	-f		Don't send Client FQDN option
	-k		Don't send a RELEASE when stopping
	-K <sk-prio>	Set packet kernel priority (0)
	-t <seconds>	Maximum timeout for DHCPv6-SOLICIT (120)
	-m <seconds>	Minimum time between accepting RA updates (3)
	-L		Ignore default lifetime for RDNSS records
	-U		Ignore Server Unicast option
"""


class BadUsage(Exception):
    """odhcp6c would print its usage and exit with 1."""


def unhex(text):
    """Bytes of base-16 text; separators between bytes are skipped, as odhcp6c does."""
    digits = "".join(char for char in text if char not in ":-. ")
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        raise BadUsage(text) from None
    if not data:
        raise BadUsage(text)
    return data


class Prefix:
    """A wish for a prefix: hint (or no hint at length 0) and IAID."""

    def __init__(self, text, number):
        head, slash, rest = text.rpartition("/")
        length, _, self.iaid = rest, "", number
        if ":" in rest:
            length, _, iaid = rest.partition(":")
            self.iaid = int(iaid, 16)
        elif "," in rest:
            length, _, iaid = rest.partition(",")
            self.iaid = int.from_bytes(iaid.encode()[:4].ljust(4, b"\0"), "big")
        try:
            self.address = ipaddress.IPv6Address(head if slash else "::")
            self.length = int(length or "0")
        except ValueError:
            raise BadUsage(text) from None


class Options:
    """Attributes are named after what they do."""

    def __init__(self, words):
        try:
            pairs, rest = getopt.getopt(words, LETTERS)
        except getopt.GetoptError as problem:
            raise BadUsage(str(problem)) from None
        self.slaac_only = True
        self.addresses = "try"
        self.prefixes = []
        self.force_prefix = self.stateful_only = False
        self.client_id = None
        self.requested = []
        self.strict = False
        self.script = "/lib/netifd/dhcpv6.script"
        self.release = True
        self.solicit_max = 120
        self.ra_holdoff = 3
        self.fqdn = self.accept_reconfigure = True
        self.extra = {}
        self.interface_id = None
        self.pid_file = None
        self.daemonize = False
        self.priority = self.dscp = 0
        for option, value in pairs:
            self.take(option[1], value)
        if len(rest) != 1:
            raise BadUsage("one interface")
        self.device = rest[0]
        self.prefix_mode = "none" if not self.prefixes else "force" if self.force_prefix else "try"

    def take(self, option, value):
        flags = {
            "S": ("slaac_only", False),
            "D": ("stateful_only", True),
            "F": ("force_prefix", True),
            "R": ("strict", True),
            "k": ("release", False),
            "f": ("fqdn", False),
            "a": ("accept_reconfigure", False),
            "d": ("daemonize", True),
        }
        numbers = {"t": "solicit_max", "m": "ra_holdoff", "K": "priority", "C": "dscp"}
        if option in flags:
            setattr(self, *flags[option])
        elif option in numbers:
            if not value.lstrip("-").isdigit():
                value = "0"  # atoi
            setattr(self, numbers[option], int(value))
        elif option == "N":
            if value not in ("try", "force", "none"):
                raise BadUsage(value)
            self.addresses = value
        elif option == "P":
            self.prefixes.append(Prefix(value, len(self.prefixes) + 1))
        elif option == "V":
            self.extra[16] = unhex(value)
        elif option == "u":
            self.extra[15] = len(value).to_bytes(2, "big") + value.encode()
        elif option == "x":
            code, colon, data = value.partition(":")
            if not colon:
                raise BadUsage(value)
            try:
                self.extra[int(code, 0)] = data[1:-1].encode() if data[:1] in "'\"" else unhex(data)
            except ValueError:
                raise BadUsage(value) from None
        elif option == "c":
            self.client_id = unhex(value)
        elif option == "i":
            try:
                self.interface_id = int(ipaddress.IPv6Address(value)) & (1 << 64) - 1
            except ValueError:
                pass  # odhcp6c keeps its default
        elif option == "r":
            for code in value.split(","):
                if not code.strip().isdigit():
                    break
                self.requested.append(int(code))
        elif option == "s":
            self.script = value
        elif option == "p":
            self.pid_file = value
        elif option == "h":
            raise BadUsage("help")
