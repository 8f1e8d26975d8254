# SPDX-License-Identifier: Apache-2.0
"""The provisioning server's answer in words: what it offers, what is used, what was left out and why."""

from softwire.provisioning import _explain
from softwire.provisioning.dslite import explain as dslite

# What the user gave as user and password, and what the server made of it (section 3.4).
AUTH = {
    "req": "the server would offer more with user_name and password",
    "bad": "the server rejected user_name and password",
    "ok": "the server accepted user_name and password",
}
NAMES = {"enabler_name": "operator", "service_name": "service", "isp_name": "provider"}


class Explain(_explain.Explain):
    """See _explain.py."""

    advice = {
        "NO_DISCOVERY": "is this line of an operator that has HB46PP? The record is asked of the resolvers of {wan6} "
        "alone: no option dns or peerdns there; or another option provisioning of interface {wan}",
        "NAME_UNRESOLVED": "the resolvers of the line are silent: wait, the client asks again by itself",
        "NAME_UNKNOWN": "tell the operator: its server names a host that its resolvers do not know",
        "NO_SERVER": "wait: the client asks again by itself; if it stays so, tell the operator",
        "NOT_KNOWN": "ask the operator whether this line is its own, and opened",
        "NOTHING_OFFERED": "ask the operator what belongs to the contract; MAP-E, MAP-T and 464XLAT need OpenWrt "
        "packages of their own (map, 464xlat)",
        "NO_CA_BUNDLE": "install ca-bundle, then 'ifup {wan}'",
        "BAD_CERTIFICATE": "is the clock of this router right? Otherwise tell the operator",
        "NO_TLS": "install micropython-mbedtls (instead of micropython-nossl), or python3-light",
    }

    def rows(self, described):
        """See _explain.py."""
        rows = [(NAMES.get(name, name), text) for name, text in described.get("names") or []]
        rows.append(("offers", ", ".join(described.get("order") or []) or "nothing"))
        if described.get("used"):
            rows.append(("uses", described["used"]))
        if described.get("aftr"):
            told = dict(described)
            told["teller"] = "told by the server"
            rows += dslite.Explain().rows(told)
        rows += [("left out", "{}: {}".format(name, why)) for name, why in described.get("skipped") or []]
        if described.get("auth"):
            rows.append(("login", AUTH[described["auth"]]))
        return rows
