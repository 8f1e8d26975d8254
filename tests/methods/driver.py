# SPDX-License-Identifier: Apache-2.0
"""One exchange of a provisioning method, on whichever interpreter; its errands come back here as processes.

    driver.py <folder> provision    <folder>/wan.config has the options, <folder>/line.json the tunlink's status
    driver.py <folder> errand <interface> <folder of the errand>
    driver.py <folder> forget               as `softwire forget` does
    driver.py <folder> refresh <seconds>…   asked first, and as if so many seconds had passed each time

Prints a JSON object: "tunnel" (or "tunnels") or "error", "answer", what was logged and told.
"""

import json
import sys

from softwire import errand, forget, provisioning, state
from softwire.address import parse_ipv6
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.provisioning import _mapping, _offers
from softwire.provisioning.hb46pp import ask, web

SOURCE = parse_ipv6("2001:db8:1::2")


def provision(folder, passed=()):
    method = provisioning.load(state.read(state.config_path("wan")), "wan")
    line = Line("wan6", state.read(folder + "/line.json"))
    log: list = []
    told: list = []
    method.log = log.append
    method.tell = told.append
    found = {"log": log, "told": told}
    try:
        tunnel = method.provision(line, SOURCE)
        found["tunnel"] = tunnel.to_dict()
        found["tunnels"] = [found["tunnel"]]
        for seconds in passed:
            method.clock = lambda later=int(seconds): state.uptime() + later
            found["tunnels"].append(method.refresh(line, SOURCE, tunnel).to_dict())
    except ProvisioningError as error:
        found["error"] = [error.code, error.text, error.retry_after, error.ended]
    found["answer"] = method.answer
    print(json.dumps(found))


def main(folder, word, *words):
    state.RUN_DIR = folder
    state.LASTING_DIR = folder + "/flash"
    limit = state.read(folder + "/limits")
    if limit:
        ask.LONGEST = limit["longest"]
    errand.LAUNCHER = folder + "/launcher"
    web.CA_BUNDLES = (folder + "/ca.pem",)
    # Handlers of other protocols, where a test has put some.
    _offers.HANDLER, _offers.NAT46 = folder + "/proto/{}.sh", folder + "/proto/nat46"
    _mapping.HANDLER = folder + "/proto/map.sh"
    if word == "errand":
        return errand.main(*words)
    if word == "forget":
        return forget.main("wan")
    return provision(folder, words)


sys.exit(main(*sys.argv[1:]))
