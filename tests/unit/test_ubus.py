# SPDX-License-Identifier: Apache-2.0
"""Calls by the ubus command and by pyubus: what they answer, and in which words and with which codes they fail."""

import unittest

from softwire import ubus


class TestCommand(unittest.TestCase):
    def setUp(self):
        self.usual = ubus.pyubus, ubus.run
        ubus.pyubus = None
        ubus.run = self.run_command
        self.answer = ""

    def tearDown(self):
        ubus.pyubus, ubus.run = self.usual

    def run_command(self, words, read=None):
        self.words = words
        return (self.answer, "") if isinstance(self.answer, int) else (0, self.answer)

    def failure(self, answer):
        """The error where the command ends with this status, or prints this."""
        self.answer = answer
        return failure()

    def test_answer(self):
        self.answer = '{ "up": true }'
        self.assertEqual(ubus.call("network.interface.wan6", "status", {"a": 1}), {"up": True})
        self.assertEqual(self.words[3:], ["call", "network.interface.wan6", "status", '{"a": 1}'])

    def test_no_answer_is_an_empty_one(self):
        self.assertEqual(ubus.call("network", "reload"), {})

    def test_failures(self):
        for status, told, code, found in (
            (4, "ubus does not know it", ubus.NOT_FOUND, False),
            (252, "ubus does not know it", ubus.NOT_FOUND, True),
            (7, "no answer in time", ubus.TIMEOUT, True),
            (249, "no answer in time", ubus.TIMEOUT, True),
            (255, "ubus does not run", None, False),
            (247, "the command ended with 247", 9, True),
            (127, "the command ended with 127", None, True),
        ):
            error = self.failure(status)
            self.assertEqual(
                (str(error), error.code, error.found),
                ("network.interface.wan6 status: " + told, code, found),
            )

    def test_nonsense(self):
        self.assertTrue(str(self.failure("nonsense")).startswith("network.interface.wan6 status: "))


def failure():
    """The error of a call that fails."""
    try:
        ubus.call("network.interface.wan6", "status")
    except ubus.UbusError as error:
        return error


class Library:
    """Stands for pyubus; the texts of refusals are those of python3-ubus 0.1."""

    def __init__(self):
        self.running = True
        self.refusal = None
        self.connected = False
        self.answers = [{"up": True}]

    def connect(self, socket):
        if not self.running:
            raise RuntimeError("no ubus at " + socket)
        self.connected = True

    def disconnect(self):
        self.connected = False

    def call(self, object_name, method, arguments, timeout=0):
        self.timeout = timeout
        if self.refusal:
            raise RuntimeError(self.refusal)
        return self.answers


class TestLibrary(unittest.TestCase):
    def setUp(self):
        self.usual = ubus.pyubus
        ubus.pyubus = self.library = Library()

    def tearDown(self):
        ubus.pyubus = self.usual

    def test_answer(self):
        self.assertEqual(ubus.call("network.interface.wan6", "status"), {"up": True})
        # In milliseconds; pyubus' default is to wait for ever.
        self.assertEqual((self.library.timeout, self.library.connected), (5000, False))
        self.library.answers = []
        self.assertEqual(ubus.call("network", "reload"), {})

    def test_failures(self):
        for text, code, found in (
            ("Object 'network.interface.wan6' was not found.", ubus.NOT_FOUND, False),
            ("ubus error occured: Not found", ubus.NOT_FOUND, True),
            ("ubus error occured: Request timed out", ubus.TIMEOUT, True),
            ("ubus error occured: Method not found", None, True),
        ):
            self.library.refusal = text
            error = failure()
            self.assertEqual(
                (str(error), error.code, error.found), ("network.interface.wan6 status: " + text, code, found)
            )
            self.assertFalse(self.library.connected)

    def test_no_ubus(self):
        self.library.running = False
        error = failure()
        self.assertEqual((error.code, error.found), (None, False))


class TestQuote(unittest.TestCase):
    def test_one_word(self):
        self.assertEqual(ubus.quote("it's $HOME"), "'it'\\''s $HOME'")


if __name__ == "__main__":
    unittest.main()
