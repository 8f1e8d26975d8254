# SPDX-License-Identifier: Apache-2.0
"""Every target over its saved corpus and some mutations of it, on both interpreters."""

import sys
import unittest

try:
    from tests.fuzz import replay, targets
except ImportError:  # MicroPython, where this folder is in the path
    import replay
    import targets

# MicroPython runs in node or under emulation, and is slow there.
MUTATIONS = replay.COMPARED if sys.implementation.name == "micropython" else 2000


def one(name):
    """The test of one target; what came out is for outcomes.py."""

    def test(self):
        number, outcome = replay.replay(name, MUTATIONS)
        self.assertTrue(number > MUTATIONS)
        print("outcome", name, outcome)

    return test


class CorpusTest(unittest.TestCase):
    def test_every_target_has_a_corpus(self):
        self.assertEqual(replay.folders(), sorted(targets.TARGETS.keys()))


for target in targets.TARGETS:
    setattr(CorpusTest, "test_" + target.replace("-", "_"), one(target))
