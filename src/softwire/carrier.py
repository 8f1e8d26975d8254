# SPDX-License-Identifier: Apache-2.0
"""What netifd says of another protocol's interface that carries a softwire, for people."""

from softwire import netifd
from softwire.handon import SUFFIX


def describe(interface, handed_on, status_of):
    """What was handed on, as the state file has it, and what netifd says of its interface, as JSON values."""
    name = interface + SUFFIX
    status = status_of(name) or {}
    return {
        "proto": handed_on["mode"],
        "options": handed_on["options"],
        "interface": name,
        "up": bool(status.get("up")),
        "device": status.get("l3_device"),
        "addresses": [item.get("address") for item in status.get("ipv4-address") or []],
        "errors": netifd.errors(status),
    }


def text(described):
    """What the interface says, for people."""
    if not described["up"]:
        why = "; ".join(described["errors"]) or "it says nothing of why"
        return "{} is down: {}".format(described["interface"], why)
    told = "{} is up on {}".format(described["interface"], described["device"])
    return told + (", " + ", ".join(described["addresses"]) if described["addresses"] else "")
