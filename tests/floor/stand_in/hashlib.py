# SPDX-License-Identifier: Apache-2.0
"""MicroPython's hashlib with MD5, which the WebAssembly build lacks: node's own does the work (RFC 1321)."""

from binascii import hexlify, unhexlify

import node_crypto
from uhashlib import sha256  # noqa: F401


class md5:  # noqa: N801
    """As on the unix port, a digest ends the object: no hexdigest, no second digest."""

    def __init__(self, data=b""):
        self._data = bytes(data)

    def update(self, data):
        if self._data is None:
            raise ValueError("hash is final")
        self._data += data

    def digest(self):
        if self._data is None:
            raise ValueError("hash is final")
        data, self._data = self._data, None
        return unhexlify(node_crypto.md5(hexlify(data).decode()))
