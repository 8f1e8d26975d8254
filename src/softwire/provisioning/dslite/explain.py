# SPDX-License-Identifier: Apache-2.0
"""The AFTR in words: who named it, and which addresses its name has."""

from softwire.provisioning import _explain


class Explain(_explain.Explain):
    """See _explain.py."""

    advice = {
        "NO_AFTR": "ask the operator for the name or address of the AFTR, and set option peeraddr of interface "
        "{wan}; is DS-Lite what this line has?",
        "NAME_UNKNOWN": "the name of the AFTR is wrong, or belongs to another line: compare option peeraddr of "
        "interface {wan} with what the operator says",
        "NAME_UNRESOLVED": "the resolvers of the line are silent: wait, the client asks again by itself; option "
        "peeraddr takes the IPv6 address of the AFTR, too",
    }

    def rows(self, described):
        """See _explain.py."""
        row = "{} ({})".format(described.get("aftr"), described.get("teller"))
        if described.get("addresses"):
            row += ": {}, for {} s".format(", ".join(described["addresses"]), described["lifetime"])
        return [("AFTR", row)]
