# SPDX-License-Identifier: Apache-2.0
"""DHCPv4 option 120: SIP servers in both encodings (RFC 3361 section 3)."""

from softwire.address import format_ipv4
from softwire.wire import Reader, WireError

HOST_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

# Octets of a whole option are few, names of one octet and a pointer are many.
MOST_NAMES = 16


def is_host(text):
    """Whether it is a host name or an IPv4 address: nothing that means something else in a configuration file."""
    labels = text.split(".")
    return len(text) < 254 and all(
        [0 < len(label) < 64 and all([char in HOST_CHARACTERS for char in label]) for label in labels]
    )


def read_sip_servers(value):
    """Value of option 120 -> list of IPv4 addresses or of host names, as text; WireError."""
    reader = Reader(value)
    encoding = reader.number(1, "encoding")
    found = []
    if encoding == 1:
        while reader.left():
            found.append(format_ipv4(reader.number(4, "address")))
    elif encoding == 0:
        data, at = reader.rest(), 0
        while at < len(data) and len(found) < MOST_NAMES:
            name, at = _name(data, at)
            if not is_host(name):
                raise WireError("'{}' is no host name".format(name))
            found.append(name)
    else:
        raise WireError("encoding {}: 0 (names) or 1 (addresses) would be right".format(encoding))
    if not found:
        raise WireError("no server")
    return found


def _name(data, start):
    # (name, offset behind it). Pointers (RFC 1035 section 4.1.4) count from behind the encoding; each has to point
    # further to the front than the last, so that none makes a loop.
    labels: list[str] = []
    behind = None
    reader = Reader(data, start)
    while True:
        length = reader.number(1, "label length")
        if length >= 0xC0:
            target = (length & 0x3F) << 8 | reader.number(1, "pointer")
            if target >= start:
                raise WireError("pointer to {}: before {} would be right".format(target, start))
            behind = behind or reader.at
            start = target
            reader = Reader(data, start)
        elif length > 63:
            raise WireError("label length {}: at most 63".format(length))
        elif length:
            label = reader.take(length, "label")
            if max(label) > 126 or min(label) < 33 or 46 in label or len(labels) > 126:
                raise WireError("label: only printable ASCII without dots")
            labels.append(label.decode())
        else:
            return ".".join(labels), behind or reader.at
