# SPDX-License-Identifier: Apache-2.0
"""Mutations of an input that come out the same on every run and on both interpreters."""

import json

OCTETS = (0, 1, 2, 4, 6, 26, 32, 46, 47, 58, 63, 64, 80, 127, 128, 192, 210, 255)
VALUES = (
    None, True, -1, 0, 129, 1 << 64, 1.5, "", " ", "x", "0", "-1", "/", "::", "::/0", "0.0.0.0", "2001:db8::1",
    "2001:db8::/129", "fe80::1%lo", "\x1b[2J", "\xb2", "000", "0017000400", [], [None], [[]], {}, {"": None},
)  # fmt: skip


class Random:
    """xorshift32 (Marsaglia): the modules random of the two interpreters differ."""

    def __init__(self, seed):
        self.state = seed * 2654435761 % 4294967295 + 1

    def below(self, limit):
        """From 0 to limit - 1."""
        state = self.state
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        self.state = state
        return state % limit


def mutate(data, random, others):
    """The octets after one to four changes; `others` are inputs to take parts from."""
    data = bytearray(data)
    for _ in range(1 + random.below(4)):
        kind = random.below(7)
        at = random.below(len(data) + 1)
        end = min(len(data), at + 1 + random.below(8))
        if kind < 3 and at < len(data):
            if kind == 0:
                data[at] ^= 1 << random.below(8)
            elif kind == 1:
                data[at] = OCTETS[random.below(len(OCTETS))]
            else:
                data[at] = data[at] + 1 - 2 * random.below(2) & 255
        elif kind == 3:
            data = data[:at] + data[end:]
        elif kind == 4:
            data = data[:at] + bytes(data[at:end]) * (1 + random.below(20)) + data[at:]
        elif kind == 5:
            new = [OCTETS[random.below(len(OCTETS))] for _ in range(1 + random.below(4))]
            data = data[:at] + bytes(new) + data[at:]
        elif kind == 6:
            other = others[random.below(len(others))]
            data = data[:at] + other[random.below(len(other) + 1) :]
    return bytes(data)


def places(value):
    """(container, key) of everything inside a JSON value, in an order that both interpreters have."""
    found = []
    if isinstance(value, dict):
        keys = sorted(value.keys())
    else:
        keys = range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        found.append((value, key))
        found += places(value[key])
    return found


def mutate_json(data, random):
    """The JSON text with one value replaced, removed or moved; None if it is none."""
    try:
        whole = json.loads(data.decode())
    except (RuntimeError, ValueError):
        return None
    found = places(whole)
    if not found:
        return None
    container, key = found[random.below(len(found))]
    kind = random.below(4)
    if kind == 0:
        other, place = found[random.below(len(found))]
        container[key] = json.loads(json.dumps(other[place]))
    elif kind == 1:
        del container[key]
    else:
        alike = [value for value in VALUES if type(value) is type(container[key])]
        values = VALUES if kind == 2 and random.below(2) or not alike else alike
        container[key] = values[random.below(len(values))]
    return json.dumps(whole).encode()
