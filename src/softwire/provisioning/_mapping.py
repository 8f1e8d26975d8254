# SPDX-License-Identifier: Apache-2.0
"""MAP's rules (RFC 7597, RFC 7599), in the form that OpenWrt's proto map takes; loaded by errands alone.

There a rule is a row of name=value with commas between, as odhcp6c writes it, and blanks stand between rules; the last
one that a delegated prefix of the line fits is the router's own.
"""

from softwire.address import contains, format_ipv4, format_ipv6, parse_ipv4, parse_ipv6, parse_prefix
from softwire.tunnel import check_endpoint, check_ipv4

MOST_RULES = 256
HANDLER = "/lib/netifd/proto/map.sh"


class Rule:
    """One mapping rule, checked: ValueError.

    ipv6, ipv4: (integer, length); bits: of a delegated prefix behind the rule's; offset: of the port set, or None for
    the protocol's own; ports: (length, identifier) where the rule tells them; forwards: whether it leads to others.
    """

    def __init__(self, ipv6, ipv4, bits, offset=None, ports=(0, 0), forwards=False):
        check_endpoint(ipv6[0], "ipv6")
        if ipv4[1]:
            check_ipv4(ipv4[0], "ipv4")
        self.ipv6, self.ipv4, self.bits, self.offset, self.ports = ipv6, ipv4, bits, offset, ports
        self.forwards = forwards
        shared = bits - (32 - ipv4[1])  # bits of the port set's identifier
        if not 0 <= bits <= 48 or ipv6[1] + bits > 64:
            raise ValueError(
                "ea_length {}: at most 48, and with the prefix' length 64, would be right".format(bits)
            )
        if not ipv6[1]:
            raise ValueError("ipv6: a prefix and its length would be right")
        if ports[0] and bits < ports[0]:
            # RFC 7597 section 5.1 knows identifiers that are told alone, OpenWrt does not.
            raise ValueError("an identifier of the port set within the {} bits would be right".format(bits))
        if shared < 0 or shared + (offset or 0) > 16:
            raise ValueError(
                "ea_length {}: {} to {} would be right".format(
                    bits, 32 - ipv4[1], 48 - ipv4[1] - (offset or 0)
                )
            )

    def text(self, kind, far):
        """kind: map-e or map-t; far: the name and value of what is at the other end."""
        words = ["fmr"] if self.forwards else []
        words += [
            "type=" + kind,
            "ealen={}".format(self.bits),
            "prefix4len={}".format(self.ipv4[1]),
            "prefix6len={}".format(self.ipv6[1]),
            "ipv4prefix=" + format_ipv4(self.ipv4[0]),
            "ipv6prefix=" + format_ipv6(self.ipv6[0]),
        ]
        if self.offset is not None:
            words.append("offset={}".format(self.offset))
        if self.ports[0]:
            words += ["psidlen={}".format(self.ports[0]), "psid={}".format(self.ports[1])]
        return ",".join(words + [far])


def reduce(name, told, prefixes):
    """What the resident client needs of map_e or map_t; ValueError where no rule is for this line.

    told: {"rules": [Rule], "far": br=… or dmr=…, "legacy": whether of the draft before RFC 7597}; prefixes: texts.
    """
    best = None
    for prefix, length in [parse_prefix(text) for text in prefixes]:
        for rule in told["rules"]:
            if rule.ipv6[1] <= length and contains(rule.ipv6[0], rule.ipv6[1], prefix):
                if best is None or rule.ipv6[1] > best.ipv6[1]:
                    best = rule
    if best is None:
        raise ValueError(
            "no rule is for the delegated prefixes of this line, {}".format(", ".join(prefixes) or "none")
        )
    if told["legacy"] and not _knows("legacymap"):
        raise ValueError("version 0: OpenWrt's package map here is too old for it")
    kind = name.replace("_", "-")
    others = [rule for rule in told["rules"] if rule.forwards and rule is not best]
    return {
        "rule": " ".join([rule.text(kind, told["far"]) for rule in others + [best]]),
        "legacy": told["legacy"],
    }


def _knows(option):
    try:
        with open(HANDLER) as file:
            return option in file.read()
    except OSError:
        return True  # it is missing, which somebody else says


def host(text, what="br"):
    """The far end of MAP-E."""
    return "br=" + format_ipv6(check_endpoint(parse_ipv6(text), what))


def network(prefix, length):
    """The far end of MAP-T, a prefix of RFC 6052's lengths; ValueError."""
    if length not in (32, 40, 48, 56, 64, 96):
        raise ValueError("a prefix of 32, 40, 48, 56, 64 or 96 bits would be right")
    # RFC 6052 section 2.1 and RFC 8215 have prefixes of their own, in 64:ff9b::/32.
    if prefix >> 96 != 0x64FF9B:
        check_endpoint(prefix, "prefix")
    return "{}/{}".format(format_ipv6(prefix), length)


def ipv4_network(text):
    """'203.0.113.0/24' -> (integer, length); ValueError."""
    return parse_prefix(text, parse_ipv4, 32)
