# SPDX-License-Identifier: Apache-2.0
"""The options of `proto softwire`: what netifd handed over, checked; every error names the option."""

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

METHODS = ("softbank", "static")


def _text(value):
    if not all([char >= " " for char in value]):
        raise ValueError("printable text would be right")
    return value


def _octets(most):
    def check(value):
        if not 0 < len(_text(value).encode()) <= most:
            raise ValueError("1 to {} octets of text would be right".format(most))
        return value

    return check


# Four of them, and their heads, may share one Vendor-Specific attribute of 249 octets.
_identity = _octets(60)


def _number(low, high):
    def check(value):
        if not value.isdigit() or not low <= int(value) <= high:
            raise ValueError("a number from {} to {} would be right".format(low, high))
        return int(value)

    return check


def _watch(value):
    return 0 if value == "0" else _number(20, 86400)(value)


def _choice(*words):
    def check(value):
        if value not in words:
            raise ValueError("one of {} would be right".format(", ".join(words)))
        return value

    return check


def _name(value):
    if not value or not all([char.isalpha() or char.isdigit() or char in "_.-" for char in value]):
        raise ValueError("a name of letters, digits, '_', '-' and '.' would be right")
    return value


def _mac(value):
    parse_mac(value)
    return value


def _interface_id(value):
    identifier = parse_interface_id(value)
    if identifier < 2:
        raise ValueError("::0 is the subnet's anycast address and ::1 the LAN's: another one would be right")
    return identifier


def _prefix(value):
    prefix, length = parse_prefix(value)
    if not 16 <= length <= 64 or not is_global_ipv6(prefix):
        raise ValueError("a global prefix from /16 to /64 would be right")
    return prefix, length


def _ipv4_prefix(value):
    length = parse_prefix(value, parse_ipv4, 32)[1]
    return check_ipv4(parse_ipv4(value.partition("/")[0]), "address"), length


def _endpoint(value):
    return check_endpoint(parse_ipv6(value), "address")


# name: (check, default, secret). The handler declares the same names; tests/handler compares them.
OPTIONS = {
    "tunlink": (_name, None, False),
    "provisioning": (_choice(*METHODS), "softbank", False),
    "line_type": (_choice("auto", "next", "cross"), "auto", False),
    "auth_server": (_name, None, False),
    "auth_port": (_number(1, 65535), 1812, False),
    "shared_secret": (_text, None, True),
    "password": (_text, None, True),
    "mac": (_mac, None, False),
    "manufacturer": (_identity, None, False),
    "software_version": (_identity, None, False),
    "hardware_version": (_identity, None, False),
    "interface_id": (_interface_id, 0x1111111111111111, False),
    "user_name": (_octets(253), None, False),
    "message_authenticator": (_choice("off", "send", "require"), "off", False),
    "reauth": (_number(60, 2592000), 86400, False),
    "watch": (_watch, 60, False),
    "ip6prefix": (_prefix, None, False),
    "ip6addr": (_endpoint, None, False),
    "peeraddr": (_endpoint, None, False),
    "ipaddr": (_ipv4_prefix, None, False),
    "mtu": (_number(1280, 65495), None, False),
    "ttl": (_number(1, 255), 64, False),
    "zone": (_name, None, False),
}

# Options that hold several values.
LISTS = ("auth_server",)


class Config:
    """Checked options by name: config["mtu"]; a missing one has its default, else None."""

    def __init__(self, options):
        """options: the JSON object that netifd gives to the handler; ProvisioningError BAD_CONFIG."""
        self._values: dict = {}
        for name in sorted(OPTIONS):
            given = options.get(name)
            if name in LISTS:
                items = given if isinstance(given, list) else str(given or "").split()
                self._values[name] = [_checked(name, _host, str(item)) for item in items]
            elif given is None or given == "":
                self._values[name] = OPTIONS[name][1]
            else:
                self._values[name] = _checked(name, OPTIONS[name][0], str(given))
        self.require("tunlink", "the name of the interface that has IPv6, such as 'wan6'")

    def __getitem__(self, name):
        return self._values[name]

    def require(self, name, right):
        """The option's value; ProvisioningError BAD_CONFIG where it is missing."""
        value = self._values[name]
        if value is None or value == []:
            raise ProvisioningError(
                "BAD_CONFIG", "option {} is missing: {} would be right".format(name, right)
            )
        return value


def _host(value):
    try:
        parse_ipv6(value)
    except ValueError:
        _name(value)
    return value


def _checked(name, check, value):
    secret = OPTIONS[name][2]
    try:
        return check(value)
    except ValueError as error:
        raise bad_config(name, "(not shown)" if secret else value, error)
