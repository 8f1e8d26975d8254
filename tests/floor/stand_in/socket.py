# SPDX-License-Identifier: Apache-2.0
"""What the WebAssembly build lacks of MicroPython's socket: addresses as text (RFC 4291, RFC 5952)."""

AF_INET = 2
AF_INET6 = 10
SOCK_DGRAM = 2
SOCK_RAW = 3
SOL_SOCKET = 1
_EINVAL = 22
_DIGITS = {10: "0123456789", 16: "0123456789abcdefABCDEF"}


def inet_pton(family, text):
    """Address text -> 4 or 16 octets; OSError."""
    if not isinstance(text, str):
        raise TypeError("can't convert to str implicitly")
    try:
        return bytes(_ipv4(text) if family == AF_INET else _ipv6(text))
    except ValueError:
        raise OSError(_EINVAL)  # noqa: B904


def inet_ntop(family, octets):
    """4 or 16 octets -> address text."""
    if family == AF_INET:
        return ".".join([str(octet) for octet in octets[:4]])
    groups = [octets[at] << 8 | octets[at + 1] for at in range(0, 16, 2)]
    if groups[:5] == [0] * 5 and groups[5] == 0xFFFF:
        return "::ffff:" + inet_ntop(AF_INET, octets[12:])
    longest, at = max([(_zeros(groups, at), -at) for at in range(8)])
    words = ["%x" % group for group in groups]
    if longest < 2:
        return ":".join(words)
    return ":".join(words[:-at]) + "::" + ":".join(words[longest - at :])


def _zeros(groups, at):
    end = at
    while end < 8 and not groups[end]:
        end += 1
    return end - at


def _ipv4(text):
    octets = [_number(part, 10, 3) for part in text.split(".")]
    if len(octets) != 4 or max(octets) > 255 or [str(octet) for octet in octets] != text.split("."):
        raise ValueError
    return octets


def _ipv6(text):
    front, gap, back = text.partition("::")
    front, back = _groups(front), _groups(back)
    zeros = 16 - len(front) - len(back)
    if zeros < 2 if gap else zeros != 0:
        raise ValueError
    return front + [0] * zeros + back


def _groups(text):
    octets = []
    words = text.split(":") if text else []
    for word in words:
        if "." in word and word is words[-1]:
            octets += _ipv4(word)
        else:
            value = _number(word, 16, 4)
            octets += [value >> 8, value & 255]
    return octets


def _number(text, base, digits):
    if not 0 < len(text) <= digits or not all([char in _DIGITS[base] for char in text]):
        raise ValueError
    return int(text, base)
