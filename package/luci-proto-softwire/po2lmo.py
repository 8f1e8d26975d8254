# SPDX-License-Identifier: Apache-2.0
"""Makes LuCI's catalogue of translations (.lmo, doc_gen/LMO.md of LuCI) of .po files: po2lmo.py FROM.po… TO.lmo.

The keys are hashes: Paul Hsieh's SuperFastHash, begun with the length.
"""

from __future__ import annotations

import ast
import pathlib
import re
import struct
import sys


def messages(text: str) -> list[tuple[str, str]]:
    """(msgid, msgstr) of each message, the head left out; neither context nor plural."""
    found: list[list[str]] = []
    part = 0
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word in ("msgid", "msgstr"):
            part = word == "msgstr"
            if not part:
                found.append(["", ""])
            found[-1][part] += ast.literal_eval(rest)
        elif line.startswith('"'):
            found[-1][part] += ast.literal_eval(line)
        elif line and not line.startswith("#"):
            raise SystemExit(f"po2lmo: '{line}': msgid and msgstr alone would be right")
    return [(key, value) for key, value in found if key and value]


def sfh(text: str) -> int:
    """The hash of a key, 32 bits."""
    octets = text.encode()
    value = len(octets)

    def cut(number: int) -> int:
        return number & 0xFFFFFFFF

    def low(at: int) -> int:
        return octets[at] | octets[at + 1] << 8

    def signed(at: int) -> int:
        return octets[at] - 256 if octets[at] > 127 else octets[at]

    whole = len(octets) // 4 * 4
    for at in range(0, whole, 4):
        value = cut(value + low(at))
        value = cut(value << 16 ^ low(at + 2) << 11 ^ value)
        value = cut(value + (value >> 11))
    rest = len(octets) - whole
    if rest == 3:
        value = cut(value + low(whole))
        value ^= cut(value << 16)
        value = cut(value ^ signed(whole + 2) << 18)
        value = cut(value + (value >> 11))
    elif rest == 2:
        value = cut(value + low(whole))
        value ^= cut(value << 11)
        value = cut(value + (value >> 17))
    elif rest == 1:
        value = cut(value + signed(whole))
        value ^= cut(value << 10)
        value = cut(value + (value >> 1))
    value ^= cut(value << 3)
    value = cut(value + (value >> 5))
    value ^= cut(value << 4)
    value = cut(value + (value >> 17))
    value ^= cut(value << 25)
    return cut(value + (value >> 6))


def catalogue(pairs: list[tuple[str, str]]) -> bytes:
    """Values, then an index of (hash of the key, 1, offset, length), sorted, then where it begins; all big-endian."""
    data, index = b"", []
    for key, value in pairs:
        # LuCI looks for the text without blanks around it, and with single ones inside.
        octets = value.encode()
        index.append((sfh(re.sub(r"\s+", " ", key.strip())), 1, len(data), len(octets)))
        data += octets + bytes(-len(octets) % 4)
    return (
        data + b"".join(struct.pack(">4I", *entry) for entry in sorted(index)) + struct.pack(">I", len(data))
    )


def main() -> None:
    *sources, target = map(pathlib.Path, sys.argv[1:])
    found = [pair for source in sources for pair in messages(source.read_text(encoding="utf-8"))]
    target.write_bytes(catalogue(found))


if __name__ == "__main__":
    main()
