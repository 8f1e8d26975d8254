# SPDX-License-Identifier: Apache-2.0
"""`softwire configure` for LuCI, which writes the configuration itself: what would change as JSON, without a secret."""

import json

from softwire.configure import advice, record
from softwire.configure.files import difference
from softwire.uci import keyed, sounds_secret


def changes(config, before, after):
    """What rpcd's object `uci` has to be told: dicts of config, section (or type and match), values, deleted options.

    `new`: the section is not there yet. Options that hold secrets are named by `secrets`; their values are left out.
    """
    found = []
    old = dict(keyed(before))
    for key, section in keyed(after):
        was = old[key].options() if key in old else {}
        now = section.options()
        if key in old and was == now:
            continue
        told = {"config": config, "type": section.kind, "new": key not in old}
        if section.name:
            told["section"] = section.name
        elif key in old:
            told["match"] = {"name": was.get("name") or ""}
        told["values"] = {
            name: now[name] for name in now if now[name] != was.get(name) and not sounds_secret(name)
        }
        told["secrets"] = [name for name in sorted(now) if sounds_secret(name)]
        told["deleted"] = [name for name in sorted(was) if name not in now]
        found.append(told)
    return found


def tell(given, files, names, protocols, warnings):
    """Prints the plan; exit status 0."""
    told = {"interfaces": names, "warnings": warnings, "changes": [], "difference": []}
    for name in files.names:
        before, after = files.before(name), files.after(name)
        told["changes"] += changes(name, before, after)
        told["difference"] += [[name, line] for line in difference(before, after)]
    firewall = len(names) > 1 and "firewall" in files.names
    told["then"] = [command for command, _ in advice.commands(protocols, names, firewall)]
    print(json.dumps(told))
    return 0


def keep(files, names, membership):
    """Writes the way back, before somebody else writes the configuration; exit status 0."""
    files.write("record", record.text(record.renew(files, names, membership)))
    files.put((), [("record", record.PATH)])
    return 0
