# SPDX-License-Identifier: Apache-2.0
"""What people are shown of DSTM by TSP."""

from softwire.provisioning import _explain
from softwire.words import seconds


class Explain(_explain.Explain):
    """See _explain.py."""

    advice = {
        "NO_ANSWER": "check options server, server_port and tls of interface {wan}; the client asks again by itself",
        "AUTH_REJECTED": "check user_name and password of interface {wan}; PLAIN is for tls or allow_plain alone",
        "POOL_EXHAUSTED": "wait: the client asks again by itself; tell the operator if it lasts",
        "TEP_FAILED": "tell the operator: the server cannot reach its border router",
        "LEASE_ENDED": "nothing: the client asks for another address",
        "ENDPOINT_REFUSED": "compare the line's prefix with what the operator serves; option ip6prefix of {wan}",
        "SERVER_BUSY": "wait: the client asks again by itself",
        "SERVER_REFUSED": "tell the operator what the server said",
        "BAD_ANSWER": "tell the operator what the server said",
    }

    def rows(self, described):
        """See _explain.py."""
        lifetime = described.get("lifetime")
        rows = [
            ("login", described["mechanism"]),
            ("TSP version", described["version"]),
            ("lifetime", seconds(lifetime) if lifetime else "without an end"),
        ]
        if described.get("keepalive"):
            rows.append(("keepalive", "every {}".format(seconds(described["keepalive"]))))
        return rows
