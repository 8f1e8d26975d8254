# SPDX-License-Identifier: Apache-2.0
"""What an interface leaves in the run directory."""

import os
import unittest

from softwire import state

HERE = "/tmp/softwire-test-state"


class TestState(unittest.TestCase):
    def setUp(self):
        self.usual = state.RUN_DIR
        state.RUN_DIR = HERE
        os.mkdir(HERE)

    def tearDown(self):
        state.RUN_DIR = self.usual
        for name in os.listdir(HERE):
            os.remove(HERE + "/" + name)
        os.rmdir(HERE)

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

    def test_unreadable(self):
        for text in ("", "nonsense", "[]", "1"):
            with open(state.state_path("wan"), "w") as file:
                file.write(text)
            self.assertEqual(state.read(state.state_path("wan")), None)
        self.assertEqual(state.read(state.state_path("other")), None)


if __name__ == "__main__":
    unittest.main()
