# SPDX-License-Identifier: Apache-2.0
"""URLs of http and https (RFC 3986), as far as a TXT record or a redirect names one."""

from softwire.address import format_ipv6, parse_ipv6
from softwire.dhcpv6 import write_name
from softwire.wire import WireError

PORTS = {"http": 80, "https": 443}
LONGEST = 2048


class Url:
    """scheme, host: a name in lower case or the text of an IPv6 address, port, target: path and query."""

    def __init__(self, scheme, host, port, target):
        self.scheme, self.host, self.port, self.target = scheme, host, port, target

    def authority(self):
        """As it stands in a URL, and in a request's header."""
        host = "[{}]".format(self.host) if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else "{}:{}".format(host, self.port)


def parse(text):
    """ValueError says what would be right; the text itself, which may hold a secret, is not in it."""
    if len(text) > LONGEST or not all(["!" <= char <= "~" for char in text]):
        raise ValueError("url: at most {} printable ASCII characters would be right".format(LONGEST))
    scheme, colon, rest = text.partition("://")
    scheme = scheme.lower()
    if not colon or scheme not in PORTS:
        raise ValueError("url: http:// or https:// would be right")
    rest = rest.partition("#")[0]
    end = min([at for at in (rest.find("/"), rest.find("?"), len(rest)) if at >= 0])
    authority, target = rest[:end], rest[end:]
    if target[:1] != "/":
        target = "/" + target
    if "@" in authority:
        raise ValueError("url: a server's name without a user would be right")
    if authority[:1] == "[":
        host, bracket, port = authority[1:].partition("]")
        if not bracket or port and port[0] != ":":
            raise ValueError("url: [IPv6 address]:port would be right")
        host = format_ipv6(parse_ipv6(host))
        port = port[1:]
    else:
        host, _, port = authority.partition(":")
        host = host.lower()
        try:
            write_name(host)
        except WireError as error:
            raise ValueError("url: {}".format(error))
        if host.rstrip(".").rpartition(".")[2].isdigit():
            raise ValueError("url: a name or an IPv6 address would be right, not an IPv4 address")
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        raise ValueError("url: a port from 1 to 65535 would be right")
    return Url(scheme, host, int(port) if port else PORTS[scheme], target)


def join(base, text):
    """Where a Location leads from `base` (RFC 3986 section 5.2); ValueError."""
    text = text.strip()
    if not text:
        raise ValueError("url: none is there")
    if text[:2] == "//":
        return parse("{}:{}".format(base.scheme, text))
    if ":" in text.partition("/")[0].partition("?")[0]:
        return parse(text)
    path, _, query = base.target.partition("?")
    if text[:1] == "?":
        target = path + text
    elif text[:1] == "/":
        target = text
    else:
        target = path[: path.rfind("/") + 1] + text
    path, question, query = target.partition("?")
    kept: list = []
    for part in path.split("/")[1:]:
        if part == "..":
            kept = kept[:-1]
        elif part != ".":
            kept.append(part)
    if path.rpartition("/")[2] in (".", ".."):
        kept.append("")
    target = "/" + "/".join(kept) + question + query
    return parse("{}://{}{}".format(base.scheme, base.authority(), target))
