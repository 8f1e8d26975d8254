# SPDX-License-Identifier: Apache-2.0
"""After everything else: a router with 48 MB in all ran the whole way, and nothing was killed for want of memory."""

import re

import pytest

from tests.lab import addresses

MOST = 48 << 10  # KB


def test_48_megabytes(line):
    """What the kernel counts (MemTotal) is the machine's memory less the kernel itself."""
    total = int(re.search(r"MemTotal: +(\d+) kB", line.router.check("cat /proc/meminfo"))[1])
    if total > MOST:
        pytest.skip(f"this router has {total} KB, {MOST} are asked for: OPENWRT_MEMORY gives an OpenWrt less")
    assert line.seen_by_ipv4() == addresses.IPV4
    assert line.seen_by_ipv6().startswith("2001:db8:4000:300:")
    assert "\noom_kill 0\n" in line.router.check("cat /proc/vmstat")
    assert len(line.client()) == 1
