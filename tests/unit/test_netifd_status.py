# SPDX-License-Identifier: Apache-2.0
"""What is known of an interface while netifd answers, is busy, starts, or does not run."""

import unittest

from softwire.errors import ProvisioningError
from softwire.netifd import Netifd
from softwire.ubus import NOT_FOUND, SECONDS, TIMEOUT, UbusError

UP = {"up": True}


class NetifdTest(unittest.TestCase):
    def setUp(self):
        self.now = 100.0
        self.answers = []  # the last one again and again
        self.asked = []
        self.netifd = Netifd(self.ask, lambda: self.now, self.pause)

    def ask(self, name, method, message):
        self.asked.append((name, method, message))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, UbusError):
            self.now += SECONDS if answer.code == TIMEOUT else 0
            raise answer
        return answer

    def pause(self, seconds):
        self.now += seconds

    def status(self, *answers):
        self.answers = list(answers)
        return self.netifd.status("wan6")

    def silent(self, *answers):
        """The error's text, and how long it took."""
        began = self.now
        try:
            self.status(*answers)
        except ProvisioningError as error:
            self.assertEqual(error.code, "NETIFD_SILENT")
            return error.text, self.now - began
        self.fail("netifd has answered")

    def test_known(self):
        self.assertEqual(self.status(UP), UP)
        self.assertEqual(self.asked, [("network.interface", "status", {"interface": "wan6"})])

    def test_unknown(self):
        """By netifd's own word."""
        self.assertEqual(self.status(UbusError("no", NOT_FOUND)), None)
        self.assertEqual(len(self.asked), 1)

    def test_busy(self):
        self.assertEqual(self.status(UbusError("late", TIMEOUT), UP), UP)

    def test_starting(self):
        """ubus knows no netifd yet."""
        self.assertEqual(self.status(*[UbusError("no", NOT_FOUND, False)] * 12, UP), UP)

    def test_silent(self):
        text, took = self.silent(UbusError("no answer in time", TIMEOUT))
        self.assertIn("netifd does not answer: no answer in time", text)
        self.assertEqual(took, 2 * SECONDS + 0.5)
        self.assertEqual(len(self.asked), 2)
        # The next interface is not waited for as long again.
        self.assertEqual(self.silent(UbusError("no answer in time", TIMEOUT))[1], SECONDS)
        self.assertEqual(self.status(UP), UP)
        self.assertEqual(self.silent(UbusError("no answer in time", TIMEOUT))[1], 2 * SECONDS + 0.5)

    def test_not_running(self):
        for error in (UbusError("no", NOT_FOUND, False), UbusError("no ubus", None, False)):
            self.netifd = Netifd(self.ask, lambda: self.now, self.pause)
            self.assertEqual(self.silent(error)[1], 10)


if __name__ == "__main__":
    unittest.main()
