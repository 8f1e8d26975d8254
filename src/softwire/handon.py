# SPDX-License-Identifier: Apache-2.0
"""HandedOn: what another protocol of OpenWrt's carries in our place, as a dynamic interface that ours follows.

Loaded once there is something of that kind.
"""

import json

from softwire import ubus
from softwire.address import format_ipv6
from softwire.errors import ProvisioningError
from softwire.tunnel import Tunnel

# netifd's name of the interface is ours with this behind it, as odhcp6c's script calls such ones.
SUFFIX = "_4"
# Seconds until the first look, between looks, and for how long: OpenWrt's 464xlat alone waits nine for an address.
FIRST, STEP, LONGEST = 0.02, 0.2, 30
# What netifd itself makes of an interface, whatever its protocol: the user's word for ours counts for what carries it.
NETIFDS = "defaultroute", "metric", "ip4table"


class HandedOn(Tunnel):
    """proto, options: what netifd is told; options a dict of JSON values, with the names of that protocol's handler.

    local: the address that is asked from. refused(text): called where the interface does not come up.
    """

    kind = "handed_on"

    def __init__(self, local, proto, options, refused, refresh=None):
        super().__init__(local, 0, [], None, refresh=refresh)
        self.mode = proto
        self.options = options
        self.refused = refused

    def key(self):
        """See Tunnel."""
        return self.mode, sorted([(name, self.options[name]) for name in self.options])

    def to_dict(self):
        """See Tunnel."""
        return {"mode": self.mode, "local": format_ipv6(self.local), "options": self.options}

    def phase(self):
        """See Tunnel."""
        return "up"

    def carried(self, router):
        """Whether the interface is up, on the device that ours follows; while netifd is silent it is as it was."""
        try:
            status = router.ask("network.interface." + router.interface + SUFFIX, "status")
        except ubus.UbusError as error:
            return error.code != ubus.NOT_FOUND
        return bool(status.get("up")) and status.get("l3_device") == router.handed_on

    def bound(self, router):
        """Has netifd make the interface, and ours follow it once it is up; ProvisioningError HANDED_ON_DOWN."""
        name = router.interface + SUFFIX
        options = dict(self.options)
        for word in NETIFDS:
            if word in router.config.given:
                options[word] = router.config.given[word]
        members = ["{}: {}".format(json.dumps(word), json.dumps(options[word])) for word in sorted(options)]
        parameters = {
            "PROTO": self.mode,
            "LINK": router.config["tunlink"],
            "OPTIONS": ", ".join(members),
            "ZONE": router.config["zone"] or "",
        }
        router.handed_on = ""
        status = self._wait(router, name, parameters)
        device = status.get("up") and status.get("l3_device")
        if not device:
            text = "interface {}, proto {}, does not come up: {}".format(name, self.mode, _why(status))
        elif router.signal("follow", {"DEVICE": device}):
            router.handed_on = device
            return "handed on to proto {}: interface {} on {}".format(self.mode, name, device)
        else:
            text = "netifd refused the device {} of interface {}".format(device, name)
        router.unbound()
        self.refused(text)
        raise ProvisioningError("HANDED_ON_DOWN", text)

    def _wait(self, router, name, parameters):
        """The interface's status, once it is up or will not be any more; {} where netifd has none."""
        end = router.clock() + LONGEST
        pause = FIRST
        status: dict = {}
        added = False
        while True:
            try:
                status = router.ask("network.interface." + name, "status")
            except ubus.UbusError as error:
                status = {}
                if error.code == ubus.NOT_FOUND:
                    added = False
            # One that is there is either the same to netifd, or goes: then it is made at the next look.
            if not added:
                added = router.signal("hand_on", parameters)
            elif status.get("up") or status.get("autostart") is False:
                return status
            if router.clock() >= end:
                return status
            router.pause(pause)
            pause = STEP


def _why(status):
    told = [
        " ".join([str(word) for word in [error.get("code")] + (error.get("data") or [])])
        for error in status.get("errors") or []
    ]
    if told:
        return "; ".join(told)
    return "it says nothing of why" if status else "netifd does not have it; see logread for its reason"
