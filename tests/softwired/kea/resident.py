# SPDX-License-Identifier: Apache-2.0
"""The resident client in a namespace of its own, on either interpreter: resident.py <interface> <folder>

All of it is real, its sockets, FIFOs and files in /var/run/softwire, but netifd: <folder>/<tunlink>.json is the line's
status; what the event script would be told is a line of <folder>/<interface>.events, and the addresses go onto lo.
"""

import json
import os
import sys

from softwire import client, state
from softwire.ubus import UbusError


def ask(folder):
    """netifd's answer about the line."""

    def answer(object_name, method, message=None):
        found = state.read("{}/{}.json".format(folder, object_name.rpartition(".")[2]))
        if found is None:
            raise UbusError("there is none")
        return found

    return answer


def event(folder, interface):
    """Notes what the event script is called for, and does what netifd would do for it."""
    held = {}

    def forget(name):
        if name in held:
            os.system(f"ip address del {held.pop(name)} dev lo 2>/dev/null")

    def run(name, parameters):
        with open(f"{folder}/{interface}.events", "a") as file:
            file.write(json.dumps({"event": name, "at": state.uptime(), "parameters": parameters}) + "\n")
        if name == "endpoint":
            forget("local")
            held["local"] = parameters["LOCAL"] + "/128"
            return os.system("ip address replace {} dev lo nodad".format(held["local"])) == 0
        if name in ("unbound", "endpoint_lost"):
            forget("address" if name == "unbound" else "local")
        if name == "bound":
            held["address"] = parameters["IPADDR"]
            return os.system("ip address replace {} dev lo".format(held["address"])) == 0
        return True

    return run


def main(interface, folder):
    """What softwire.client.main does, with a router of ours."""
    options = state.read(state.config_path(interface))
    resident = client.Client(interface, options, ask(folder), event(folder, interface))
    return resident.run(client.Wake(interface, resident.config["tunlink"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
