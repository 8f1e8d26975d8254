# SPDX-License-Identifier: Apache-2.0
"""The watch over a tunnel's counters: what is silence, and what is not."""

import unittest

from softwire.watch import Watch


class WatchTest(unittest.TestCase):
    def looks(self, counters, longest=60, step=15):
        """What silent() says at each look, of (received, sent) pairs that are `step` seconds apart."""
        paths = []
        self.now = 1000.0

        def read(path):
            paths.append(path)
            return self.counter["/rx_packets" in path]

        watch = Watch("sw-wan", longest, read)
        told = []
        for received, sent in counters:
            self.counter = {True: received, False: sent}
            told.append(watch.silent(self.now))
            self.now += step
        self.assertEqual(paths[0], "/sys/class/net/sw-wan/statistics/rx_packets")
        return told

    def test_packets_leave_and_none_comes_back(self):
        told = self.looks([(5, 5), (5, 6), (5, 7), (5, 8), (5, 9), (5, 10), (5, 11)])
        # Since the second look; a minute later it is silence.
        self.assertEqual(told, [False] * 5 + [True] * 2)

    def test_one_answer_ends_it(self):
        told = self.looks([(5, 5), (5, 6), (5, 7), (5, 8), (6, 9), (6, 10), (6, 11), (6, 12), (6, 13)])
        self.assertEqual(told, [False] * 9)

    def test_idle_line_is_not_silent(self):
        self.assertEqual(self.looks([(5, 5)] * 20), [False] * 20)

    def test_few_lost_packets_are_no_silence(self):
        self.assertEqual(self.looks([(5, 5), (5, 6)] + [(5, 7)] * 20), [False] * 22)

    def test_device_made_anew(self):
        told = self.looks([(5, 5), (5, 6), (5, 7), (5, 8), (0, 0), (0, 1), (0, 2), (0, 3), (0, 4)])
        self.assertEqual(told, [False] * 9)

    def test_no_counters(self):
        self.assertEqual(Watch("no-such-device", 60).silent(0), False)

    def test_who_asks_more_often_gets_the_same(self):
        """Looks are a quarter of the time apart, whatever wakes the client in between."""
        counters = [(5, 5 + second) for second in range(90)]
        told = self.looks(counters, step=1)
        self.assertEqual(told.index(True), 75)

    def test_off(self):
        self.assertEqual(self.looks_off(), [False] * 9)

    def looks_off(self):
        watch = Watch("sw-wan", 0, lambda path: self.fail("looked"))
        return [watch.silent(now) for now in range(9)]


if __name__ == "__main__":
    unittest.main()
