# SPDX-License-Identifier: Apache-2.0
"""Runs tests/unit under MicroPython with micropython-lib's unittest 0.4, the same files that pytest runs.

    micropython tests/unit/run_micropython.py [test_name ...]

Without names, every test_*.py but the oracles', which need CPython. Exit status 0 only if tests ran and none failed.
The modules under test are those that MICROPYPATH finds, else the tree's.
"""

import gc
import os
import sys

import unittest  # isort: skip


def names_in(folder):
    """The unit tests that both interpreters run, sorted."""
    names = [name[:-3] for name in os.listdir(folder) if name.startswith("test_") and name.endswith(".py")]
    return sorted([name for name in names if not name.startswith("test_oracle_")])


def run_module(name, result):
    """Runs the test cases of one module, and tells what failed; a module that has none is a failure."""
    ran = result.testsRun
    try:
        module = __import__(name)
        for member in sorted(dir(module)):
            case = getattr(module, member)
            if isinstance(case, type) and issubclass(case, unittest.TestCase):
                result.exceptions += unittest.run_class(case, result)
        if result.testsRun == ran:
            raise ValueError(name + " has no test")
    except Exception as error:  # an import or a setUp that fails
        result.errorsNum += 1
        result.exceptions.append(unittest.capture_exc(error))
    sys.modules.pop(name, None)
    gc.collect()


def run(folder, names):
    """The exit status of all test modules of the folder, or of those named."""
    sys.path.insert(0, folder)
    sys.path.append(folder + "/../../src")
    result = unittest.TestResult()
    for name in names or names_in(folder):
        run_module(name, result)
    for text in result.exceptions:
        print("-" * 70)
        print(text)
    counts = (result.testsRun, result.failuresNum, result.errorsNum, result.skippedNum)
    print("ran %d tests: %d failed, %d modules broken, %d skipped" % counts, "on", sys.version)
    return 0 if result.testsRun > result.skippedNum and result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(run(sys.argv[0].rpartition("/")[0] or ".", sys.argv[1:]))
