# SPDX-License-Identifier: Apache-2.0
"""Protocol handlers: `none`, `static`, and whatever executable /lib/netifd/proto/*.sh dumps (NETIFD.md,
handler protocol)."""

import glob
import json
import os
import subprocess

from .blob import ARRAY, BOOL, INT32, NAMES, STRING
from .protocol import External, Immediate, Static

PROTO_DIR = "/lib/netifd/proto"
STATIC_OPTIONS = {
    "ipaddr": ARRAY,
    "ip6addr": ARRAY,
    "netmask": STRING,
    "broadcast": STRING,
    "ptpaddr": STRING,
    "gateway": STRING,
    "ip6gw": STRING,
    "ip6prefix": ARRAY,
    "ip6deprecated": BOOL,
}
STATIC_VALIDATE = {
    "ipaddr": "ip4addr",
    "ip6addr": "ip6addr",
    "netmask": "netmask",
    "broadcast": "ipaddr",
    "ptpaddr": "ip4addr",
    "gateway": "ip4addr",
    "ip6gw": "ip6addr",
    "ip6prefix": "ip6addr",
    "ip6deprecated": "bool",
}
VALIDATE = {INT32: "uinteger", BOOL: "bool", STRING: "string"}


class Handler:
    """What a handler declared about itself."""

    def __init__(self, name, protocol, options=None, validate=None, flags=None, script=None):
        self.name = name
        self.protocol = protocol
        self.options = options or {}
        self.validate = validate
        self.script = script
        flags = flags or {}
        self.immediate = flags.get("immediate", False)
        self.force_link = flags.get("force-link", False)
        self.no_device = flags.get("no-device", False)
        self.no_device_config = flags.get("no-device-config", False)
        self.no_task = flags.get("no-proto-task", False)
        self.init_available = flags.get("available", False)
        self.renewable = flags.get("renew-handler", False)
        self.lasterror = flags.get("lasterror", False)
        self.teardown_on_l3_link_down = flags.get("teardown-on-l3-link-down", False)

    def attach(self, interface):
        return self.protocol(self, interface)

    def shown(self):
        result = {} if self.validate is None else {"validate": self.validate}
        result.update(
            immediate=self.immediate,
            no_device=self.no_device,
            init_available=self.init_available,
            renew_available=self.renewable,
            force_link_default=self.force_link,
            last_error=self.lasterror,
            teardown_on_l3_link_down=self.teardown_on_l3_link_down,
            no_task=self.no_task,
        )
        return result


def parse_dump(line, script):
    """One line of `<file> "" dump`; None where netifd makes no handler of it."""
    try:
        dump = json.loads(line)
    except ValueError:
        return None
    if not isinstance(dump, dict) or not isinstance(dump.get("name"), str):
        return None
    options, validate = {}, {}
    for entry in dump.get("config", []):
        if not (
            isinstance(entry, list)
            and len(entry) == 2
            and isinstance(entry[0], str)
            and isinstance(entry[1], int)
            and 0 <= entry[1] <= 8
        ):
            options, validate = {}, {}  # one bad entry: netifd forgets the whole list
            break
        name, colon, rule = entry[0].partition(":")
        options[name] = entry[1]
        validate[name] = rule if colon else VALIDATE.get(entry[1], NAMES.get(entry[1], "").lower())
    flags = {name: value for name, value in dump.items() if value is True}
    return Handler(dump["name"], External, options, validate, flags, script)


class Handlers:
    def __init__(self, directory=PROTO_DIR):
        self.directory = directory
        self.none = Handler("none", Immediate, flags={"immediate": True})
        self.known = {
            "static": Handler(
                "static", Static, STATIC_OPTIONS, STATIC_VALIDATE, {"immediate": True, "force-link": True}
            )
        }
        for path in sorted(glob.glob(os.path.join(directory, "*.sh"))):
            self.read(f"./{os.path.basename(path)}")

    def read(self, script):
        # a script without the x bit can't be run, and netifd says nothing about it
        try:
            output = subprocess.run(
                [script, "", "dump"],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                check=False,
            ).stdout
        except OSError:
            return
        for line in output.decode(errors="replace").splitlines():
            handler = parse_dump(line, script)
            if handler:
                self.known.setdefault(handler.name, handler)

    def find(self, name):
        """None for a protocol that nobody handles; no protocol at all is `none`."""
        return self.none if name in (None, "none") else self.known.get(name)

    def shown(self):
        return {name: self.known[name].shown() for name in sorted(self.known)}
