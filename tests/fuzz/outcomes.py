# SPDX-License-Identifier: Apache-2.0
"""Whether hostile input came out the same on MicroPython, which differs silently in places, as here on CPython."""

import re

from tests.fuzz import replay, targets


def differing(told):
    """The targets whose outcome, as test_corpus told it on MicroPython, is another one here or lacks."""
    outcomes = dict(re.findall(r"outcome (\S+) (\S+)", told))
    # MicroPython takes for JSON what is none.
    names = [name for name in sorted(targets.TARGETS) if not name.startswith(targets.OTHER_END)]
    compared = [name for name in names if name not in targets.JSON]
    return [name for name in compared if outcomes.get(name) != replay.replay(name, replay.COMPARED)[1]]
