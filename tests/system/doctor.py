# SPDX-License-Identifier: Apache-2.0
"""What one run of `softwire doctor` on the lab's router said."""

from __future__ import annotations

import json
import re

STEPS = (
    "router", "settings", "cable", "line's router", "DHCPv6", "prefix", "vendor options", "endpoint", "route",
    "exchange", "softwire", "border router", "packet size", "firewall", "ports", "IPv4",
)  # fmt: skip


class Told:
    """What one run of the doctor said."""

    def __init__(self, line, interface="wan", host="", program="softwire", output=None):
        """Runs it, unless its output is given."""
        self.line = line
        if output is None:
            output, self.exit_status = line.router.run(
                f"{program} doctor --json {interface} {host}", timeout=240
            )
        self.report = json.loads(output)
        self.findings = self.report["steps"]

    def at(self, step):
        """{code: finding} of a step."""
        return {finding["code"]: finding for finding in self.findings if finding["step"] == step}

    def wrong(self):
        """(step, code) of all that is wrong, in order."""
        return [(item["step"], item["code"]) for item in self.findings if item["status"] == "wrong"]

    def notes(self):
        """(step, code) of all that is worth a note."""
        return [(item["step"], item["code"]) for item in self.findings if item["status"] == "note"]

    def not_tried(self):
        """The steps that were left out."""
        return [item["step"] for item in self.findings if item["status"] == "not tried"]

    def names(self, step, code, *words):
        """The first thing that is wrong is this one; it tells how it knows or what to do, and holds the words."""
        assert self.exit_status == 1 and not self.report["well"]
        assert self.wrong()[:1] == [(step, code)], self.findings
        finding = self.at(step)[code]
        told = " ".join([finding["text"], finding["seen"], finding["advice"]])
        assert finding["advice"]
        assert [word for word in words if word not in told] == [], told
        assert "INTERNAL" not in [item["code"] for item in self.findings]

    def follow(self, step, code):
        """Does what the advice says, command by command; what they printed."""
        assert code in self.at(step), self.findings
        commands = re.findall("'(.*?)'", self.at(step)[code]["advice"])
        assert commands
        printed = []
        for command in commands:
            # Where the shell has applets of these names, it takes them whatever the search path says.
            command = re.sub(r"(^|[;|] *)(ifup|ifdown|logread)\b", r"\1/sbin/\2", command)
            output, status = self.line.router.run(command, 120)
            # 1: it looked, and something is wrong.
            assert status in (0, 1) and "not found" not in output and "BusyBox" not in output, output
            printed.append(output)
        return "".join(printed)

    def stops(self):
        """All that lies behind the first wrong step was not tried."""
        first = STEPS.index(self.wrong()[0][0])
        assert self.not_tried() == list(STEPS[first + 1 :])
