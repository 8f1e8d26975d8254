# SPDX-License-Identifier: Apache-2.0
"""What an interface leaves in the run directory."""

import os
import unittest

from softwire import provisioning, state

HERE = "/tmp/softwire-test-state"


class RunDirectory(unittest.TestCase):
    """A run directory of the tests' own, which is gone after each."""

    def setUp(self):
        self.usual = state.RUN_DIR
        state.RUN_DIR = HERE
        os.mkdir(HERE)

    def tearDown(self):
        state.RUN_DIR = self.usual
        for name in os.listdir(HERE):
            os.remove(HERE + "/" + name)
        os.rmdir(HERE)


class TestState(RunDirectory):
    def configure(self, interface):
        with open(state.config_path(interface), "w") as file:
            file.write("{}")

    def test_written(self):
        self.configure("wan")
        state.write_state("wan", {"phase": "asking"})
        state.write_state("wan", {"phase": "up"})
        self.assertEqual(state.read(state.state_path("wan")), {"phase": "up"})
        self.assertEqual(sorted(os.listdir(HERE)), ["wan.config", "wan.json"])

    def test_torn_down(self):
        """What teardown has removed, a client that is about to end does not bring back."""
        state.write_state("wan", {"phase": "up"})
        self.assertEqual(os.listdir(HERE), [])

    def test_interfaces(self):
        self.assertEqual(state.interfaces(), [])
        self.configure("wan")
        self.configure("wan.2")
        state.write_state("wan", {})
        self.assertEqual(state.interfaces(), ["wan", "wan.2"])

    def test_what_a_method_remembers(self):
        method = provisioning.Method({}, "wan")
        self.assertEqual(method.kept(), None)
        method.keep({"lease": 7})
        method.keep({"lease": 8})
        # A client that was killed left it; another interface's method knows nothing of it.
        self.assertEqual(provisioning.Method({}, "wan").kept(), {"lease": 8})
        self.assertEqual(provisioning.Method({}, "wan_b").kept(), None)
        self.assertEqual(os.listdir(HERE), ["wan.kept"])
        self.assertEqual(state.interfaces(), [])
        method.keep(None)
        method.keep(None)
        self.assertEqual(os.listdir(HERE), [])

    def test_unreadable(self):
        for text in ("", "nonsense", "[]", "1"):
            with open(state.state_path("wan"), "w") as file:
                file.write(text)
            self.assertEqual(state.read(state.state_path("wan")), None)
        self.assertEqual(state.read(state.state_path("other")), None)


if __name__ == "__main__":
    unittest.main()
