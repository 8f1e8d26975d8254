# SPDX-License-Identifier: Apache-2.0
"""No input makes a parser take memory out of proportion; CPython counts it, 1.23 has 2 MB for all."""

import tracemalloc

import pytest

from tests.fuzz import replay, targets

# An empty DHCPv6 option has four octets, and is a tuple, a number, an empty value and a line of problems.
PER_OCTET = 512
AT_LEAST = 65536


@pytest.mark.parametrize("name", sorted(targets.TARGETS))
def test_memory_is_in_proportion(name):
    for data in (*replay.saved(name), *replay.LONG):
        targets.run(name, data)  # what is kept for good
        tracemalloc.start()
        targets.run(name, data)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < AT_LEAST + PER_OCTET * len(data), f"{peak} octets for {data.hex()}"
