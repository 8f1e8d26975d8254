# SPDX-License-Identifier: Apache-2.0
"""What was tried on a line, what each answered, and what the one that was found has to say."""

from softwire import provisioning
from softwire.provisioning import _explain
from softwire.provisioning.auto import CONTAINERS


class Explain(_explain.Explain):
    """See _explain.py."""

    advice = {
        "NOTHING_FOUND": "does this line have IPv4 over IPv6? Where the operator told a method, name it in option "
        "provisioning of interface {wan}; a login for RADIUS needs auth_server, shared_secret and password there",
    }

    def describe(self, answer):
        """See _explain.py."""
        found = _words(answer["method"]).describe(answer)
        return dict(found, method=answer["method"], tried=answer["tried"])

    def rows(self, described):
        """See _explain.py."""
        rows = [("tried", "{}: {}".format(name, text)) for name, text in described["tried"]]
        return rows + [("method", described["method"])] + _words(described["method"]).rows(described)


def _words(name):
    """Those of the method that was found."""
    return _explain.Explain() if name in dict(CONTAINERS) else provisioning.explain(name)
