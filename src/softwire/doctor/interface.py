# SPDX-License-Identifier: Apache-2.0
"""What keeps an interface from being started, by its section of /etc/config/network and its status in netifd.

Each is a Finding, or None where nothing is wrong.
"""

from softwire.doctor.finding import note, wrong
from softwire.netifd import errors


def not_learnt(name, section, status):
    """A protocol that came with a package since netifd started; netifd takes one that it does not know for 'none'."""
    if section["proto"] == status.get("proto"):
        return None
    return wrong(
        "NOT_LEARNT",
        "the network service has not learnt the protocol {} of interface {}".format(section["proto"], name),
        "netifd says proto '{}'".format(status.get("proto")),
        "'/etc/init.d/network restart': it learns a new protocol only then",
    )


def not_reloaded(name, section, status):
    """Another protocol than the one in use; a line that is up goes on with the old one."""
    proto = section.get("proto")
    if proto in (None, status.get("proto")):
        return None
    if status.get("proto") == "none":
        return not_learnt(name, section, status)
    return (note if status.get("up") else wrong)(
        "NOT_RELOADED",
        "option proto of {} was changed, but is not in use yet".format(name),
        "/etc/config/network says '{}', netifd '{}'".format(proto, status.get("proto")),
        "'/etc/init.d/network reload'",
    )


def disabled(name, section):
    """Why netifd does not even know an interface."""
    if section.get("disabled") not in ("1", "true"):
        return None
    return wrong(
        "TURNED_OFF",
        "interface {} is turned off".format(name),
        "option disabled is " + section["disabled"],
        "'uci delete network.{}.disabled; uci commit network; /etc/init.d/network reload'".format(name),
    )


def turned_off(name, status):
    """By ifdown, by option auto, or by a handler that gave up."""
    if status.get("autostart", True):
        return None
    told = "; ".join(errors(status))
    return wrong(
        "TURNED_OFF",
        "interface {} is turned off".format(name),
        "netifd does not start it by itself" + (", and tells " + told if told else ""),
        "{}'ifup {}' (and delete option auto if it is set)".format("mend that, then " if told else "", name),
    )
