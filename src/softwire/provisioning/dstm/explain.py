# SPDX-License-Identifier: Apache-2.0
"""What people are shown of DSTM by DHCPv6."""

from softwire.provisioning import _explain
from softwire.words import seconds

FOREVER = 0xFFFFFFFF


class Explain(_explain.Explain):
    """See _explain.py."""

    advice = {
        "NO_ANSWER": "wait: the client asks again by itself; does the firewall let UDP port 546 in (rule "
        "Allow-DHCPv6)? Compare options code_ia_dstm, code_dstm_tep and code_dstm_ports of {wan} with the operator's; "
        "require_auth refuses every answer, since DHCPv6 has no way to authenticate them",
        "POOL_EXHAUSTED": "wait: the client asks again by itself; tell the operator if it lasts",
        "LEASE_ENDED": "nothing: the client asks for another address",
        "SERVER_REFUSED": "tell the operator what the server said",
        "BAD_ANSWER": "tell the operator what the server said; option peeraddr of {wan} names a border router",
    }

    def rows(self, described):
        """See _explain.py."""
        rows = [("IAID", str(described["iaid"]))]
        for key, name in (("t1", "renewal after"), ("t2", "rebinding after"), ("lifetime", "lifetime")):
            value = described.get(key)
            text = "without an end" if value == FOREVER else seconds(value) if value else "never"
            rows.append((name, text))
        return rows
