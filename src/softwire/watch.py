# SPDX-License-Identifier: Apache-2.0
"""Watches the tunnel device's counters for a border router that forgot us: packets leave, and none come back."""

STATISTICS = "/sys/class/net/{}/statistics/{}_packets"

# Looks that saw packets leave before it counts as silence: one lost ping is none.
SENDING_LOOKS = 3


def read_counter(path):
    """The number in a file; 0 where there is none."""
    try:
        with open(path) as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


class Watch:
    """One tunnel device, looked at several times within `longest` seconds of silence; 0 never calls it silent."""

    def __init__(self, device, longest, read=read_counter):
        self.device = device
        self.longest = longest
        self.read = read
        self.start()

    def start(self):
        """Forgets what was seen: the tunnel is new, or was asked for again."""
        self.received = self.sent = None
        self.since = None  # when the first packet left that stayed without an answer
        self.looks = 0
        self.next = 0.0  # when to look again

    def silent(self, now):
        """Whether packets left for `longest` seconds and none came back; now: seconds of the client's clock."""
        if self.longest and now >= self.next:
            self.next = now + self.longest / (SENDING_LOOKS + 1)
            self._look(now)
        return self.looks >= SENDING_LOOKS and now - self.since >= self.longest

    def _look(self, now):
        received = self.read(STATISTICS.format(self.device, "rx"))
        sent = self.read(STATISTICS.format(self.device, "tx"))
        if received != self.received:
            self.since = None
            self.looks = 0
        elif sent != self.sent:
            self.looks += 1
            if self.since is None:
                self.since = now
        self.received, self.sent = received, sent
