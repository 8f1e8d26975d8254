# SPDX-License-Identifier: Apache-2.0
"""Every target over its saved corpus and some mutations of it, on both interpreters."""

import sys
import unittest

try:
    from tests.fuzz import replay, targets
except ImportError:  # MicroPython, where this folder is in the path
    import replay
    import targets

# MicroPython 1.23 runs in node, and is slow there.
MUTATIONS = 200 if sys.implementation.name == "micropython" else 2000


def one(name):
    """The test of one target."""

    def test(self):
        number, _ = replay.replay(name, MUTATIONS)
        self.assertTrue(number > MUTATIONS)
        # tests/floor compares what came out of fewer.
        print("outcome", name, replay.replay(name, replay.COMPARED)[1])

    return test


class CorpusTest(unittest.TestCase):
    def test_every_target_has_a_corpus(self):
        self.assertEqual(replay.folders(), sorted(targets.TARGETS.keys()))


for target in targets.TARGETS:
    setattr(CorpusTest, "test_" + target.replace("-", "_"), one(target))
