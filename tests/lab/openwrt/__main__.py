# SPDX-License-Identifier: Apache-2.0
"""Before `make test-openwrt` boots anything: is all there that it needs, and is it what it should be?"""

from __future__ import annotations

import os
import sys

from tests.lab.guest import LabError
from tests.lab.lab import UNPACKED
from tests.lab.openwrt import feed, image


def main() -> int:
    try:
        found = image.find(os.environ, UNPACKED)
        packages = feed.check(image.given(os.environ, "OPENWRT_FEED"))
    except LabError as error:
        print(f"test-openwrt: {error}", file=sys.stderr)
        return 1
    print(f"test-openwrt: {found.about()}")
    print(
        f"test-openwrt: {len(packages)} packages in OPENWRT_FEED"
        if packages
        else "test-openwrt: no OPENWRT_FEED"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
