# SPDX-License-Identifier: Apache-2.0
"""Calls by the ubus command: what it answers, and in which words it fails."""

import unittest

from softwire import ubus


class TestCommand(unittest.TestCase):
    def setUp(self):
        self.usual = ubus.pyubus, ubus.output
        ubus.pyubus = None
        ubus.output = self.output
        self.answer = ""

    def tearDown(self):
        ubus.pyubus, ubus.output = self.usual

    def output(self, words):
        self.words = words
        if isinstance(self.answer, int):
            raise OSError(self.answer, words[0])
        return self.answer

    def failure(self, answer):
        """The error's text where the command ends with this status, or prints this."""
        self.answer = answer
        try:
            ubus.call("network.interface.wan6", "status")
        except ubus.UbusError as error:
            return str(error)

    def test_answer(self):
        self.answer = '{ "up": true }'
        self.assertEqual(ubus.call("network.interface.wan6", "status", {"a": 1}), {"up": True})
        self.assertEqual(self.words[3:], ["call", "network.interface.wan6", "status", '{"a": 1}'])

    def test_no_answer_is_an_empty_one(self):
        self.assertEqual(ubus.call("network", "reload"), {})

    def test_words(self):
        for status, told in (
            (4, "ubus does not know it"),
            (252, "ubus does not know it"),
            (7, "no answer in time"),
            (249, "no answer in time"),
            (255, "ubus does not run"),
            (9, "the command ended with 9"),
        ):
            self.assertEqual(self.failure(status), "network.interface.wan6 status: " + told)

    def test_nonsense(self):
        self.assertTrue(self.failure("nonsense").startswith("network.interface.wan6 status: "))


class TestQuote(unittest.TestCase):
    def test_one_word(self):
        self.assertEqual(ubus.quote("it's $HOME"), "'it'\\''s $HOME'")


if __name__ == "__main__":
    unittest.main()
