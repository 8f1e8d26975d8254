# SPDX-License-Identifier: Apache-2.0
"""The DHCPv4 lease in words: for status, doctor and probe."""

from softwire.provisioning import _explain
from softwire.state import uptime
from softwire.words import seconds


class Explain(_explain.Explain):
    """See _explain.py."""

    advice = {
        "NO_ANSWER": "wait: the client asks again by itself, and 'softwire probe {wan}' shows each step; does the "
        "firewall let UDP port 546 in (rule Allow-DHCPv6)?",
        "NO_4O6_SERVER": "the operator offers none here, or {wan6} has not asked: with proto dhcpv6 'uci set "
        "network.{wan6}.reqopts=88; uci commit network; ifup {wan6}'; option server where you know one",
        "NO_AFTR": "ask the operator for the address of the border router (AFTR), and set option peeraddr of {wan}",
        "NAME_UNKNOWN": "the name that the line tells is wrong: tell the operator; option peeraddr does without",
        "NAME_UNRESOLVED": "wait: the client asks again by itself; option peeraddr does without a name",
        "LEASE_REFUSED": "wait: the client asks for another address by itself; tell the operator if it stays so",
    }

    def describe(self, answer):
        """Times are told as seconds from now."""
        told = dict(answer)
        now = uptime()
        told["left"] = {}
        for name, when in zip(("renew", "rebind", "end"), answer.get("times") or ()):
            told["left"][name] = None if when is None else max(0, int(when - now))
        return told

    def rows(self, described):
        """See _explain.py."""
        time = described.get("lease")
        rows = [
            (
                "lease",
                "of DHCPv4 server {}{}".format(
                    described.get("dhcpv4_server"), " for " + seconds(time) if time else ", without end"
                ),
            )
        ]
        left = described.get("left") or {}
        if left.get("end") is not None:
            rows.append(
                (
                    "",
                    "to be renewed in {}, with any server in {}, over in {}".format(
                        *[seconds(left[name]) for name in ("renew", "rebind", "end")]
                    ),
                )
            )
        if described.get("softwire_source"):
            rows.append(("", "the server has bound our softwire's address (option 109)"))
        heading = "exchange"
        for at, text in described.get("steps") or []:
            rows.append((heading, "{:5.1f} s  {}".format(at, text)))
            heading = ""
        return rows + [("problem", problem) for problem in described.get("problems") or []]
