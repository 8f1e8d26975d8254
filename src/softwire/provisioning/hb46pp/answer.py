# SPDX-License-Identifier: Apache-2.0
"""What the provisioning server offers (v6mig-prov 1.1 section 3.4): judged one by one, reduced to what is needed."""

from softwire.address import format_ipv4, format_ipv6, parse_ipv4, parse_ipv6, parse_prefix
from softwire.provisioning import _mapping
from softwire.provisioning.dslite import aftr
from softwire.provisioning.hb46pp.strict import load
from softwire.tunnel import check_endpoint, check_ipv4

LONGEST_TTL = 604800
LONGEST_NAME = 254
NAMES = "enabler_name", "service_name", "isp_name"


def read(body, prefixes=()):
    """Octets -> {"ttl", "token", "auth", "names", "order", "offers": [[technology, parameters]], "left": [[technology,

    why]]} of JSON values, offers in the order of the server; ValueError. Members that nobody needs cannot fail.
    prefixes: the line's delegated ones as texts, which MAP's rules are for.
    """
    data = load(body)
    if not isinstance(data, dict):
        raise ValueError("the answer: an object would be right")
    order = data.get("order")
    if not isinstance(order, list):
        raise ValueError("order: a list of technologies would be right")
    order = [word for word in order if isinstance(word, str)]
    offers: list = []
    left: list = []
    for name in order:
        if name not in READERS:
            left.append([_shown(name)[:16], "this router's client does not do it"])
        elif name not in [item[0] for item in offers + left]:
            try:
                if name not in data:
                    raise ValueError("the answer has no parameters for it")
                told = READERS[name](data[name])
                offers.append([name, _mapping.reduce(name, told, prefixes) if "map" in name else told])
            except ValueError as error:
                left.append([name, str(error)])
    ttl, token = data.get("ttl"), data.get("token")
    return {
        # A bool is a number to Python.
        "ttl": min(ttl, LONGEST_TTL) if type(ttl) is int and ttl >= 0 else None,
        "token": token if _is_token(token) else None,
        "auth": data.get("auth") if data.get("auth") in ("req", "bad", "ok") else None,
        "names": [[name, _shown(data[name])] for name in NAMES if _is_name(data.get(name))],
        "order": [_shown(word)[:16] for word in order[:16]],
        "offers": offers,
        "left": left[:16],
    }


def _is_token(value):
    return (
        isinstance(value, str)
        and len(value) == 64
        and not [char for char in value if char not in "0123456789abcdef"]
    )


def _is_name(value):
    return isinstance(value, str) and 0 < len(value.encode()) <= LONGEST_NAME


def _shown(text):
    """Text from the network that cannot steer a terminal, nor turn what stands beside it."""
    return "".join(
        [
            char
            if 32 <= ord(char) < 127 or 0xA0 <= ord(char) < 0x200B or 0x2E80 <= ord(char) < 0xD800
            else "?"
            for char in text
        ]
    )


def _object(value):
    if not isinstance(value, dict):
        raise ValueError("an object would be right")
    return value


def _text(data, name):
    value = data.get(name)
    if not _is_name(value):
        raise ValueError("{}: text would be right".format(name))
    return value


def _named(function, data, name):
    """function(the text of that name), its ValueError with the name in front."""
    try:
        return function(_text(data, name))
    except ValueError as error:
        text = str(error)
        raise ValueError(text if text.startswith(name) else "{}: {}".format(name, text))


def _number(data, name, most, default=None):
    value = data.get(name, default)
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError("{}: a number from 0 to {} would be right".format(name, most))
    return value


def _endpoint(text):
    return format_ipv6(check_endpoint(parse_ipv6(text), "address"))


def _ipv4(text):
    return format_ipv4(check_ipv4(parse_ipv4(text), "address"))


def _ipv4_host(text):
    """The address as it is told, and the length of its block."""
    prefix, length = parse_prefix(text, parse_ipv4, 32)
    check_ipv4(prefix, "address")
    if not length or "/" not in text:
        raise ValueError("an address and a prefix length from 1 to 32 would be right")
    return "{}/{}".format(_ipv4(text.partition("/")[0]), length)


def _ipv6_prefix(text):
    prefix, length = parse_prefix(text)
    check_endpoint(prefix, "prefix")
    if not length or "/" not in text:
        raise ValueError("a prefix and its length would be right")
    return format_ipv6(prefix), length


def _ipip(value):
    """[[local, remote, IPv4 address/length]]; one that cannot be right is left out where another can."""
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list) or not value:
        raise ValueError("a list of tunnels would be right")
    found: list = []
    problem = None
    for item in value[:16]:
        try:
            item = _object(item)
            local, remote = _named(_endpoint, item, "ipv6_local"), _named(_endpoint, item, "ipv6_remote")
            if local == remote:
                raise ValueError("ipv6_remote: another address than ipv6_local would be right")
            found.append([local, remote, _named(_ipv4_host, item, "ipv4")])
        except ValueError as error:
            problem = error
    if not found and problem:
        raise problem
    return found


def _dslite(value):
    return _named(aftr, _object(value), "aftr")


def _lw4o6(value):
    """{"lwaftr", "bind", "ipv4", "ports"}: its name or address, what our own is in, and ours of its ports."""
    data = _object(value)
    bits = _number(data, "psid_length", 16, 0)
    offset = _number(data, "psid_offset", min(15, 16 - bits), 0)
    return {
        "lwaftr": _named(aftr, data, "lwaftr"),
        "bind": _named(_ipv6_prefix, data, "ipv6"),
        "ipv4": _named(_ipv4, data, "ipv4"),
        "ports": [offset, bits, _number(data, "psid", (1 << bits) - 1, 0)],
    }


def _rules(data, legacy):
    """Rules are for others, too, where the operator wants a mesh; one that cannot be right spoils it."""
    rules = data.get("rules")
    if not isinstance(rules, list) or not 0 < len(rules) <= _mapping.MOST_RULES:
        raise ValueError("rules: a list of 1 to {} would be right".format(_mapping.MOST_RULES))
    mesh = data.get("mesh") in (True, 1)
    found = []
    for item in rules:
        item = _object(item)
        found.append(
            _mapping.Rule(
                _named(parse_prefix, item, "ipv6"),
                _named(_mapping.ipv4_network, item, "ipv4"),
                _number(item, "ea_length", 48),
                _number(item, "psid_offset", 15, 4 if legacy else 6),
                forwards=mesh,
            )
        )
    return found


def _map_e(value):
    """Version 0 is the draft that was there before RFC 7597."""
    data = _object(value)
    legacy = not _number(data, "version", 1, 1)
    return {"rules": _rules(data, legacy), "far": _named(_mapping.host, data, "br"), "legacy": legacy}


def _map_t(value):
    data = _object(value)
    return {"rules": _rules(data, False), "far": "dmr=" + _named(_translator, data, "dmr"), "legacy": False}


def _translator(text):
    return _mapping.network(*parse_prefix(text))


def _464xlat(value):
    return _named(_translator, _object(value), "nat64prefix")


READERS = {
    "464xlat": _464xlat,
    "dslite": _dslite,
    "ipip": _ipip,
    "lw4o6": _lw4o6,
    "map_e": _map_e,
    "map_t": _map_t,
}
