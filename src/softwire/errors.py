# SPDX-License-Identifier: Apache-2.0
"""The one error a user gets to see, and every stable code it can carry."""

# `ifstatus` shows the code, LuCI translates it, README explains it: a code is never renamed.
CODES = {
    "BAD_CONFIG": "an option is missing or has a wrong value",
    "MISSING_PACKAGE": "a package that the protocol needs is not installed",
    "NO_MAC": "the line's device has no MAC address",
    "LINE_NOT_DUID_LL": "the DHCPv6 client id is no DUID-LL, the only kind that NTT's network answers",
    "NO_RUN_DIRECTORY": "/var/run/softwire cannot be written",
    "NO_LINE": "netifd does not know the tunlink, or it is down",
    "NO_PREFIX": "the line has no IPv6 prefix",
    "ONLY_ONLINK_PREFIX": "the line delegates no prefix (yet), and what it has on the link is no /64",
    "PREFIX_TOO_LONG": "the delegated prefix is longer than /64",
    "NO_ENDPOINT": "the softwire's local address could not be configured on the router",
    "NO_ANSWER": "no authentication server answered",
    "SECRET_MISMATCH": "answers came, but none was signed with the shared secret",
    "AUTH_REJECTED": "the authentication server rejected the login",
    "BAD_ANSWER": "the answer lacks a parameter or holds one that cannot be right",
    "NO_MD5": "this Python interpreter has no MD5",
    "VOIP_OFF": "the interface has no telephone side",
    "NO_SIP_LEASE": "the SIP network gave no usable IPv4 address",
    "NO_SIP_DATA": "the line told no telephone number, SIP domain or SIP server",
    "HANDOVER_REFUSED": "netifd refused the softwire",
    "NO_FIREWALL_ZONE": "the firewall has no zone for the internet side",
    "UNCOMMITTED": "the configuration holds changes that softwire did not make",
    "CANNOT_WRITE": "the configuration cannot be written",
    "INTERNAL": "a fault in softwire itself",
}


class ProvisioningError(Exception):
    """Why there is no softwire now.

    code: a word of CODES. text: one line for people, naming the option or field, the value and what would be
    right; never a secret. retry_after: seconds to wait at least before the next try, or None.
    """

    def __init__(self, code, text, retry_after=None):
        super().__init__(code, text)
        self.code = code
        self.text = text
        self.retry_after = retry_after

    def __str__(self):
        return self.code + ": " + self.text


def bad_config(option, value, right):
    """BAD_CONFIG for an option whose value may be shown."""
    return ProvisioningError("BAD_CONFIG", "option {} '{}': {}".format(option, value, right))
