# SPDX-License-Identifier: Apache-2.0
"""Values as people read them."""


def seconds(value):
    """A duration for people: 3725 -> '1 h 2 min'."""
    value = int(value)
    for size, unit in (86400, "d"), (3600, "h"), (60, "min"):
        if value >= size:
            return "{} {} {}".format(
                value // size, unit, seconds(value % size) if value % size >= 60 else ""
            ).strip()
    return "{} s".format(value)
