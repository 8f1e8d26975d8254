# SPDX-License-Identifier: Apache-2.0
"""Commands whose output is read: what comes back, and that nothing of it has a name while they run."""

import os
import unittest

from softwire import ubus


class OutputTest(unittest.TestCase):
    def setUp(self):
        self.usual = ubus.FOLDER
        ubus.FOLDER = "/tmp/softwire-test-" + "".join(["%02x" % octet for octet in os.urandom(6)])
        os.mkdir(ubus.FOLDER)

    def tearDown(self):
        os.rmdir(ubus.FOLDER)  # fails where anything stayed
        ubus.FOLDER = self.usual

    def shell(self, script):
        return ubus.output(["sh", "-c", script])

    def failure(self, script):
        try:
            self.shell(script)
        except OSError as error:
            return error.args[0]

    def test_what_is_printed(self):
        self.assertEqual(self.shell("printf 'it\\047s $HOME\\n\\303\\244'"), "it's $HOME\n\u00e4")
        self.assertEqual(self.shell(":"), "")
        self.assertEqual(len(self.shell("head -c 70000 /dev/zero | tr '\\0' x")), 70000)

    def test_what_is_said_beside_it(self):
        self.assertEqual(self.shell("echo no >&2; echo yes"), "yes\n")

    def test_no_file_that_our_end_would_leave(self):
        """Not even kill -9 leaves one, since the command already finds none."""
        self.assertEqual(self.shell("ls -A " + ubus.FOLDER), "")

    def test_a_failure_leaves_nothing(self):
        self.assertEqual(self.failure("echo half; exit 4"), 4)
        self.assertEqual(self.failure("kill -9 $$"), 137)

    def test_nowhere_to_write(self):
        os.rmdir(ubus.FOLDER)
        usual, ubus.pyubus = ubus.pyubus, None
        try:
            ubus.call("network", "reload")
            self.fail("no error")
        except ubus.UbusError as error:
            self.assertIn(ubus.FOLDER + " cannot be written", str(error))
        finally:
            ubus.pyubus = usual
            os.mkdir(ubus.FOLDER)


if __name__ == "__main__":
    unittest.main()
