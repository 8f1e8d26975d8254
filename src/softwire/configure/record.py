# SPDX-License-Identifier: Apache-2.0
"""The one file that is kept: the interfaces as they were before the first softwire took their place."""

import json

from softwire import state
from softwire.configure.files import exists
from softwire.errors import ProvisioningError
from softwire.uci import UNREADABLE, find, sounds_secret

# A sysupgrade and a change of the package's variant keep it, too.
PATH = "/etc/softwire/before.json"


def read():
    """{network: {interface: its lines, or None}, zones: what zone.plan() added}, or None where nothing was written."""
    if not exists(PATH):
        return None
    record = state.read(PATH)
    if not record or not isinstance(record.get("network"), dict) or not isinstance(record.get("zones"), list):
        raise ProvisioningError(
            "BAD_CONFIG", PATH + " cannot be understood: 'softwire configure --forget' removes it"
        )
    return record


def renew(files, names, membership):
    """What is to be kept from now on; what an earlier softwire has replaced stays as it was before that."""
    record = read() or {"network": {}, "zones": []}
    network = record["network"]
    sections = files.before("network")
    for name in names:
        section = find(sections, name)
        if name in network and section and section.get("proto") in ("flets", "softwire"):
            continue
        network[name] = section.items if section else None
        for _, option, value in network[name] or ():
            if UNREADABLE in value:
                raise ProvisioningError(
                    "BAD_CONFIG",
                    "option {} of interface {} is not UTF-8, and could not be put back".format(option, name),
                )
    record["zones"] += [membership] if membership else []
    return record


def text(record):
    return json.dumps(record)


def secrets(record):
    """What it holds that nobody else should see: interface.option of each."""
    return [
        "{}.{}".format(name, item[1])
        for name in sorted(record["network"])
        for item in record["network"][name] or ()
        if sounds_secret(item[1])
    ]
