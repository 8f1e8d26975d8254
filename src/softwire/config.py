# SPDX-License-Identifier: Apache-2.0
"""The options of `proto softwire`: what netifd handed over, checked; every error names the option.

Here are the options that every provisioning method has, and the checks; a method's module has its own options.
"""

from binascii import unhexlify

from softwire.address import (
    is_global_ipv6,
    parse_interface_id,
    parse_ipv4,
    parse_ipv6,
    parse_mac,
    parse_prefix,
)
from softwire.errors import ProvisioningError, bad_config
from softwire.tunnel import check_endpoint, check_ipv4

# A check takes the text and gives the value, or ValueError with what would be right.


def text(value):
    """Anything printable."""
    if not all([char >= " " for char in value]):
        raise ValueError("printable text would be right")
    return value


def octets(most):
    """A check for printable text that is 1 to `most` octets long."""

    def check(value):
        if not 0 < len(text(value).encode()) <= most:
            raise ValueError("1 to {} octets of text would be right".format(most))
        return value

    return check


def number(low, high, off=None):
    """A check for a whole number from low to high, or the text `off`, which stands for 0."""

    def check(value):
        if value == off:
            return 0
        if not value.isdigit() or not low <= int(value) <= high:
            raise ValueError("a number from {} to {} would be right".format(low, high))
        return int(value)

    return check


def choice(*words):
    """A check for one of these words."""

    def check(value):
        if value not in words:
            raise ValueError("one of {} would be right".format(", ".join(words)))
        return value

    return check


def flag(value):
    """uci's two spellings of yes and no -> bool."""
    if value not in ("0", "1", "False", "True"):
        raise ValueError("0 or 1 would be right")
    return value in ("1", "True")


def name(value):
    """A name of an interface, a zone or a host."""
    # MicroPython's isalpha() knows ASCII alone.
    if not value or not all(
        [char < "\x7f" and (char.isalpha() or char.isdigit() or char in "_.-") for char in value]
    ):
        raise ValueError("a name of letters, digits, '_', '-' and '.' would be right")
    return value


def host(value):
    """An IPv6 address, or what may be a name or an IPv4 address."""
    try:
        parse_ipv6(value)
    except ValueError:
        name(value)
    return value


def mac(value):
    """A MAC address, kept as it is written."""
    parse_mac(value)
    return value


def interface_id(value):
    """-> 64-bit integer."""
    identifier = parse_interface_id(value)
    if identifier < 2:
        raise ValueError("::0 is the subnet's anycast address and ::1 the LAN's: another one would be right")
    return identifier


def ipv6_prefix(value):
    """-> (integer, length)."""
    prefix, length = parse_prefix(value)
    if not 16 <= length <= 64 or not is_global_ipv6(prefix):
        raise ValueError("a global prefix from /16 to /64 would be right")
    return prefix, length


def ipv4_address(value):
    """'192.0.2.1' or '192.0.2.1/29' -> (integer, prefix length): an address that a host can have."""
    prefix, length = parse_prefix(value, parse_ipv4, 32)
    address = check_ipv4(parse_ipv4(value.partition("/")[0]), "address")
    if not length:
        raise ValueError("a prefix length from 1 to 32 would be right")
    # RFC 3021: both addresses of a /31 are hosts'.
    if length < 31 and (address == prefix or address == prefix | 0xFFFFFFFF >> length):
        raise ValueError("the network's own or its broadcast address: one between them would be right")
    return address, length


def duid(value):
    """Hexadecimal digits -> octets (RFC 8415 section 11.1)."""
    try:
        octets = unhexlify(value)
    except ValueError:
        octets = b""
    if not 3 <= len(octets) <= 130:
        raise ValueError("a DUID of 3 to 130 octets as hexadecimal digits would be right")
    return octets


def endpoint(value):
    """-> 128-bit integer: an address that an end of a tunnel can have."""
    return check_endpoint(parse_ipv6(value), "address")


# (name, check, default). The handler declares the same names; tests/handler compares them.
OPTIONS = (
    ("tunlink", name, None),
    ("provisioning", name, "softbank"),
    ("interface_id", interface_id, 0x1111111111111111),
    ("ip6prefix", ipv6_prefix, None),
    ("mtu", number(68, 65495), None),  # RFC 791: what every link has to carry
    ("ttl", number(1, 255), 64),
    ("watch", number(20, 86400, "0"), 60),
    ("zone", name, None),
)

REQUIRED = (("tunlink", "the name of the interface that has IPv6, such as 'wan6'"),)


class Config:
    """Checked options by name: config["mtu"]; a missing one has its default, else None (a list: [])."""

    def __init__(self, options, method):
        """options: the JSON object that netifd gives to the handler. method: a class derived from

        provisioning.Method, which declares further ones. ProvisioningError BAD_CONFIG.
        """
        self.given = options
        self._values: dict = {}
        for name, check, default in OPTIONS + method.options:
            given = options.get(name)
            shown = name not in method.secrets
            if name in method.lists:
                items = given if isinstance(given, list) else str(given or "").split()
                self._values[name] = [_checked(name, check, str(item), shown) for item in items]
            elif given is None or given == "":
                self._values[name] = default
            else:
                self._values[name] = _checked(name, check, str(given), shown)
        for name, right in REQUIRED + method.required:
            if self._values[name] in (None, []):
                raise ProvisioningError(
                    "BAD_CONFIG", "option {} is missing: {} would be right".format(name, right)
                )

    def __getitem__(self, name):
        return self._values[name]


def _checked(name, check, value, shown):
    try:
        return check(value)
    except ValueError as error:
        raise bad_config(name, value if shown else "(not shown)", error)
