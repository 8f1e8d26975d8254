# SPDX-License-Identifier: Apache-2.0
"""Lightweight 4over6 (RFC 7596): which local address a shared IPv4 address has, in which of the line's prefixes."""


def source(line, near, bind, address, psid):
    """Section 5.1: zeros, IPv4 address and port set identifier behind the prefix that is most like the bind prefix.

    near: an address in the prefix that counts where no other is more like it. bind: (integer, length) or None.
    """
    best, most = line.delegated_prefix(near)[0], 0
    prefix, length = bind or (0, 0)
    for item in line.prefixes + line.onlink:
        if item[2] > 0 and item[1] <= 64:
            bits = min(item[1], length)
            if bits > most and (item[0] ^ prefix) >> 128 - bits == 0:
                best, most = item[0], bits
    return best >> 64 << 64 | address << 16 | psid
