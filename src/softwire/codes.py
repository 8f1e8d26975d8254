# SPDX-License-Identifier: Apache-2.0
"""Every stable code that an error can carry, in words; apart from the errors, which the resident client loads."""

# `ifstatus` shows the code, README explains it: a code is never renamed.
CODES = {
    "BAD_CONFIG": "an option is missing or has a wrong value",
    "MISSING_PACKAGE": "a package that the protocol needs is not installed",
    "NO_MAC": "the line's device has no MAC address",
    "LINE_NOT_DUID_LL": "the DHCPv6 client id is no DUID-LL, the only kind that NTT's network answers",
    "NO_RUN_DIRECTORY": "/var/run/softwire cannot be written",
    "NETIFD_SILENT": "netifd does not answer: it is busy, or does not run",
    "NO_LINE": "netifd does not know the tunlink, or it is down",
    "NO_PREFIX": "the line has no IPv6 prefix",
    "ONLY_ONLINK_PREFIX": "the line delegates no prefix (yet), and what it has on the link is no /64",
    "PREFIX_TOO_LONG": "the delegated prefix is longer than /64",
    "NO_ENDPOINT": "the softwire's local address could not be configured on the router",
    "ENDPOINT_TAKEN": "the softwire's local address is another softwire's already",
    "NO_ANSWER": "no server answered",
    "SECRET_MISMATCH": "answers came, but none was signed with the shared secret",
    "AUTH_REJECTED": "the authentication server rejected the login",
    "BAD_ANSWER": "the answer lacks a parameter or holds one that cannot be right",
    "NO_AFTR": "neither the line nor an option tells the AFTR, the border router",
    "NAME_UNKNOWN": "the line's resolvers know no such name",
    "NAME_UNRESOLVED": "the line's resolvers did not resolve a name",
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
