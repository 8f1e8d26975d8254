# SPDX-License-Identifier: Apache-2.0
"""TSP, the Tunnel Setup Protocol over TCP, for both ends: DSTM's profile 1.0 and RFC 5572's 2.0.x.

The profile is draft-bound-dstm-exp-00 appendix C. SASL: RFC 4505, RFC 4616 and RFC 2831 (tspdigest.py). Whatever other
implementations do differently without harm is taken.
"""

from softwire.address import format_ipv4, format_ipv6, parse_ipv4, parse_ipv6
from softwire.wire import WireError

PORT = 3653
# Octets of a line and of a message at most.
LINE, MOST = 2048, 8192
ELEMENTS, DEPTH, ATTRIBUTES = 64, 6, 8
BLANK = b"\0\r\n\t "
ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"))

OK, AUTHENTICATION, VERSION, TUNNEL_TYPE = 200, 300, 302, 303
# The profile's section 5.
EXHAUSTED, TEP_ERROR, UNAVAILABLE, BAD_IPV6, BAD_IPV4 = 306, 307, 308, 309, 310
# RFC 5572 section 5.
FORMAT, BUSY, REDIRECT = 500, 530, 1000
TEXTS = {
    AUTHENTICATION: "Authentication failed",
    VERSION: "Unsupported client version",
    TUNNEL_TYPE: "Unsupported tunnel type",
    EXHAUSTED: "Address Pool Exhausted",
    TEP_ERROR: "Configuration Error at TEP",
    UNAVAILABLE: "Requested Address Unavailable",
    BAD_IPV6: "Invalid IPv6 address",
    BAD_IPV4: "IPv4 Invalid Address",
    FORMAT: "Invalid request format or specified length",
    BUSY: "Server busy",
}


class Stream:
    """What comes over a connection, cut into lines and messages; what is too long is a WireError."""

    def __init__(self):
        self.data = b""

    def feed(self, octets):
        """More came: at most some thousand octets at once."""
        self.data += octets
        if len(self.data) > LINE + 2 * MOST:
            raise WireError("more than {} octets that wait".format(LINE + 2 * MOST))

    def line(self):
        """The next line without its end, or None."""
        end = self._end(self.data)
        if end is None:
            return None
        line, self.data = self.data[:end], self.data[end + 1 :]
        return line[:-1] if line.endswith(b"\r") else line

    def _end(self, data):
        end = data.find(b"\n")
        if (len(data) if end < 0 else end) > LINE:
            raise WireError("a line of more than {} octets".format(LINE))
        return None if end < 0 else end

    def message(self):
        """(status code or None, its text, XML octets) of the next message; None: more has to come.

        A status line that has no Content-length before it is one, too. Content-length counts the last CRLF or not,
        and the CRLF may lack though it was counted.
        """
        data = self.data.lstrip(BLANK)
        end = self._end(data)
        if end is None:
            return None
        name, _, value = data[:end].partition(b":")
        if name.strip().lower() != b"content-length":
            status = read_status(data[:end])
            if status is None:
                raise WireError("Content-length is missing")
            self.data = data[end + 1 :]
            return status + (b"",)
        value = value.strip()
        if not value.isdigit() or len(value) > 5 or int(value) > MOST:
            raise WireError("Content-length: a number up to {} would be right".format(MOST))
        size = int(value)
        body = data[end + 1 : end + 1 + size]
        if len(body) < size and not (
            len(body) >= size - 2 and body.rstrip(BLANK).lower().endswith(b"</tunnel>")
        ):
            return None
        self.data = data[end + 1 + len(body) :]
        body = body.strip(BLANK)
        if body[:1] == b"<":
            return None, "", body
        first, _, rest = body.partition(b"\n")
        status = read_status(first)
        if status is None:
            raise WireError("neither a status line nor XML")
        return status + (rest.strip(BLANK),)

    def signature(self):
        """The server's base64 `rspauth`, which may lack its line end before the status line; None: more has to come."""
        line, length = self.data.lstrip(BLANK), 56
        if line[:3].isdigit() or b"\n" in line[:length]:  # a status line: not signed
            return self.line()
        if len(line) < length:
            return None
        self.data = line[length:].lstrip(b"\r\n")
        return line[:length]


# Lines


def printable(octets):
    """Octets from the network as text that cannot steer a terminal."""
    return "".join([chr(octet) if 32 <= octet < 127 else "?" for octet in octets[:128]])


def read_status(line):
    """(code, text) of '200 Success' or 'OK Authentication successful', else None."""
    line = line.strip(BLANK)
    word, _, text = line.partition(b" ")
    if word.lower() in (b"ok", b"success"):
        return OK, printable(line)
    if 3 <= len(word) <= 4 and word.isdigit():
        return int(word), printable(text)
    return None


def _word(line, name, sign):
    # Upper case, and without a NUL that some send behind the line before it or in its end.
    text = printable(line.strip(BLANK)).upper()
    head, found, value = text.partition(sign)
    if head != name or not found:
        raise WireError("a line that begins with '{}{}' would be right".format(name, sign))
    return value.strip()


def read_version(line):
    """'VERSION=1.0' -> '1.0'."""
    return _word(line, "VERSION", "=")


def read_authenticate(line):
    """'AUTHENTICATE DIGEST-MD5' -> 'DIGEST-MD5'."""
    return _word(line, "AUTHENTICATE", " ")


def read_capability(line):
    """(tunnel types, mechanisms) of 'CAPABILITY TUNNEL=V4V6 AUTH=ANONYMOUS'."""
    found: dict = {"TUNNEL": [], "AUTH": []}
    for word in _word(line, "CAPABILITY", " ").split():
        name, _, value = word.partition("=")
        if name in found:
            found[name].append(value)
    return found["TUNNEL"], found["AUTH"]


def capability(mechanisms):
    """The server's line."""
    words = ["CAPABILITY", "TUNNEL=V4V6"] + ["AUTH=" + mechanism for mechanism in mechanisms]
    return " ".join(words).encode() + b"\r\n"


def plain(user, password):
    """PLAIN (RFC 4616) as TSP sends it: not in base64."""
    return b"\0" + user + b"\0" + password + b"\r\n"


def read_plain(line):
    """(user, password), octets."""
    parts = line.split(b"\0")
    if len(parts) < 3:
        raise WireError("PLAIN: NUL, user, NUL, password would be right")
    return parts[-2], parts[-1]


def in_seconds(lifetime, version):
    """A message's lifetime in s: the profile's 1.0 counts seconds, RFC 5572's 2.0.x minutes; 0 has no end."""
    return lifetime * 60 if version.startswith("2") else lifetime


def lifetime_of(seconds, version):
    """The other way round."""
    return max(1, seconds // 60) if version.startswith("2") else seconds


# Messages


class Side:
    """The addresses of element `client` or `server`.

    ipv4: integer or None; ipv6: list of integers, a client's own the link-local one and the global one; ports: (first,
    last) of a shared IPv4 address, `()` where a client takes such a one, None where nothing is said: ours, an element
    <address type="ports">, which others leave aside; names: texts.
    """

    def __init__(self, ipv4=None, ipv6=(), ports=None):
        self.ipv4 = ipv4
        self.ipv6 = list(ipv6)
        self.ports = ports
        self.names = []

    def add(self, kind, text):
        """One element `address`; WireError."""
        try:
            if kind == "ipv4":
                self.ipv4 = parse_ipv4(text)
            elif kind == "ipv6":
                # The profile's own example has a '::' that stands for nothing.
                self.ipv6.append(parse_ipv6(text.replace("::", ":") if text.count(":") == 8 else text))
            elif kind == "ports":
                self.ports = _ports(text)
            elif kind == "dn":
                self.names.append(text)
        except ValueError as error:
            raise WireError("address type {}: {}".format(kind, error))

    def xml(self, name):
        """The element."""
        rows = [("ipv6", format_ipv6(value)) for value in self.ipv6]
        if self.ipv4 is not None:
            rows.append(("ipv4", format_ipv4(self.ipv4)))
        if self.ports is not None:
            rows.append(("ports", "-".join([str(port) for port in self.ports])))
        rows += [("dn", escape(text)) for text in self.names]
        if not rows:
            return ""
        inner = "".join(['<address type="{}">{}</address>'.format(kind, text) for kind, text in rows])
        return "<{}>{}</{}>".format(name, inner, name)


def _ports(text):
    if not text:
        return ()
    first, _, last = text.partition("-")
    if not first.isdigit() or not last.isdigit() or not int(first) <= int(last) < 65536:
        raise ValueError("two ports such as '4096-8191' would be right")
    return int(first), int(last)


class Message:
    """Element `tunnel`. action and type: lower-case texts; lifetime: as it stands there, or None; client, server,
    broker: Side; keepalive: (seconds, address text or None) or ()."""

    def __init__(self, action, client=None, server=None, lifetime=None, type="v4v6"):
        self.action = action
        self.type = type
        self.lifetime = lifetime
        self.client = client or Side()
        self.server = server or Side()
        self.broker = Side()
        self.keepalive: tuple = ()

    def xml(self):
        """The octets."""
        head = '<tunnel action="{}"'.format(self.action)
        if self.type:
            head += ' type="{}"'.format(self.type)
        if self.lifetime is not None:
            head += ' lifetime="{}"'.format(self.lifetime)
        sides = self.server.xml("server") + self.client.xml("client") + self.broker.xml("broker")
        if self.keepalive:
            address = self.keepalive[1]
            inner = '<address type="ipv4">{}</address>'.format(address) if address else ""
            sides += '<keepalive interval="{}">{}</keepalive>'.format(self.keepalive[0], inner)
        return (head + ">" + sides + "</tunnel>").encode()


def frame(body, status=""):
    """A message as it is sent: XML octets, behind a status such as '200 OK' from a server."""
    if status:
        body = status.encode() + b"\r\n" + body
    if body[-2:] != b"\r\n":
        body += b"\r\n"
    return "Content-length: {}\r\n".format(len(body)).encode() + body


def refusal(code):
    """The status line of an error code, for frame()."""
    return "{} {}".format(code, TEXTS[code])


def read_message(octets):
    """XML octets -> Message; WireError."""
    found = Message("", type="")
    path: list = []
    kind = ""
    for name, attributes, text in elements(octets):
        if attributes is not None:
            path.append(name)
            if name == "tunnel":
                if len(path) > 1:
                    raise WireError("tunnel in " + path[-2])
                found.action = attributes.get("action", "").lower()
                found.type = attributes.get("type", "").lower()
                found.lifetime = _number(attributes, "lifetime")
            elif name == "address":
                kind = attributes.get("type", "").lower()
            elif name == "keepalive":
                found.keepalive = (_number(attributes, "interval") or 0, None)
        else:
            path.pop()
            if name == "address" and "keepalive" in path:
                found.keepalive = (found.keepalive[0], text)
            elif name == "address" and len(path) == 2 and path[1] in ("client", "server", "broker"):
                getattr(found, path[1]).add(kind, text)
    if not found.action:
        raise WireError("tunnel without action")
    return found


def _number(attributes, name):
    text = attributes.get(name)
    if text is None:
        return None
    if not text.isdigit() or len(text) > 10:
        raise WireError("{}: a number would be right".format(name))
    return int(text)


# The part of XML 1.0 that such messages need: no DTD, no comments, no references but the five names


def escape(text):
    """Text for an element or an attribute."""
    for name, char in (("&amp;", "&"),) + ENTITIES[:-1]:
        text = text.replace(char, name)
    return text


def _plain(text):
    if "&" in text:
        for name, char in ENTITIES[:-1]:
            text = text.replace(name, char)
        if text.count("&") != text.count("&amp;"):
            raise WireError("a reference other than &lt; &gt; &amp; &quot; &apos;")
        text = text.replace("&amp;", "&")
    return text


def elements(octets):
    """Yields (name, {attribute: value}, "") where an element begins and (name, None, its text) where it ends.

    Names are in lower case, a text is the last between two tags, stripped. WireError: also for what is more or deeper
    than ELEMENTS and DEPTH.
    """
    if len(octets) > MOST or [octet for octet in octets if not (32 <= octet < 127 or octet in (9, 10, 13))]:
        raise WireError("XML: at most {} octets of printable ASCII would be right".format(MOST))
    source = octets.decode().strip()
    at = 0
    if source.startswith("<?xml "):
        at = source.find("?>") + 2
        if at < 2:
            raise WireError("XML: its declaration has no end")
    path: list = []
    count = 0
    while path or not count:
        start = source.find("<", at)
        end = source.find(">", start)
        if start < 0 or end < 0:
            raise WireError("XML: <{}> has no end".format(path[-1] if path else "tunnel"))
        text = _plain(source[at:start].strip())
        tag = source[start + 1 : end]
        at = end + 1
        if tag[:1] == "/":
            if not path or path.pop() != tag[1:].strip().lower():
                raise WireError("XML: </{}> ends nothing".format(tag[1:20]))
            yield tag[1:].strip().lower(), None, text
            continue
        empty = tag[-1:] == "/"
        name, attributes = _tag(tag[:-1] if empty else tag)
        count += 1
        if count > ELEMENTS or len(path) >= DEPTH:
            raise WireError(
                "XML: more than {} elements, or deeper than {} in each other".format(ELEMENTS, DEPTH)
            )
        if not path and (name != "tunnel" or text):
            raise WireError("XML: <tunnel> would be right, not {}".format(repr((text or name)[:20])))
        yield name, attributes, ""
        if empty:
            yield name, None, ""
        else:
            path.append(name)
    if source[at:].strip():
        raise WireError("XML: something is behind </tunnel>")


def _tag(tag):
    """(name, attributes) of what stands between < and >."""
    name = tag.split()[0] if tag[:1] not in ("", " ", "\t", "\r", "\n") else ""
    rest = tag[len(name) :].strip()
    attributes: dict = {}
    while rest:
        key, _, rest = rest.partition("=")
        key, rest = key.strip(), rest.lstrip()
        quote = rest[:1]
        end = rest.find(quote, 1) if quote in ('"', "'") and quote else -1
        if end < 0 or not _is_name(key) or key.lower() in attributes or len(attributes) == ATTRIBUTES:
            raise WireError('XML: attributes of <{}>: name="value" would be right'.format(name[:20]))
        attributes[key.lower()] = _plain(rest[1:end]).strip()
        rest = rest[end + 1 :]
        if rest and rest[0] not in " \t\r\n":
            raise WireError("XML: attributes of <{}> without a blank between".format(name[:20]))
        rest = rest.strip()
    if not _is_name(name):
        raise WireError("XML: {} is no element's name".format(repr(name[:20])))
    return name.lower(), attributes


def _is_name(text):
    return bool(text) and all(
        [
            "a" <= char <= "z" or "A" <= char <= "Z" or char in "_:" or (index and char in "-.0123456789")
            for index, char in enumerate(text)
        ]
    )
