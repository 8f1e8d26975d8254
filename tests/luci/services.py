# SPDX-License-Identifier: Apache-2.0
"""A router with softwired: the plugin of its pages in a folder of its own, and what its services tell."""

import typing

from tests.luci.plugin import JOB, Plugin
from tests.luci.server import SOFTWIRED

SERVICES = ("dhcp4o6", "prefix64", "dstm", "tep", "tunnels")

CONFIG = {
    "dhcp4o6": {".type": "dhcp4o6", "enabled": "0", "port": "6767"},
    "cfg01aaaa": {".type": "dhcp4o6_interface", "name": "lan", "serve_information": "1"},
    "prefix64": {".type": "prefix64", "enabled": "0"},
    "cfg02aaaa": {".type": "prefix64_range", "interface": "wan6", "delegated": "wan6", "number": "1", "answer": "no"},
    "dstm": {
        ".type": "dstm", "enabled": "0", "database": "sqlite:////etc/softwired/dstm.db",
        "mechanisms": ["DIGEST-MD5"], "users": "/etc/softwired/users",
    },
    "cfg03aaaa": {".type": "dstm_tep", "address": "2001:db8:b::1"},
    "cfg04aaaa": {".type": "dstm_pool", "addresses": ["198.51.100.0/24"], "teps": ["2001:db8:b::1"]},
    "tep": {
        ".type": "tep", "enabled": "0", "address": "2001:db8:b::1", "ipv4": "203.0.113.1",
        "prefixes": ["198.51.100.0/24"], "servers": ["2001:db8:53::1"],
    },
    "tunnels": {
        ".type": "tunnels", "enabled": "0", "address": "192.0.2.1", "prefix": "2001:db8:1::/48",
        "database": "sqlite:////srv/softwired/tunnels.db",
    },
    "cfg05aaaa": {".type": "tunnels_page", "listen": "[::1]:8041", "key_file": "/srv/softwired/tunnels.key"},
}  # fmt: skip


class Softwired(Plugin):
    """helper stands for /usr/sbin/softwired and the init script; every service is installed, none runs."""

    source = SOFTWIRED / "root/usr/share/rpcd/ucode/luci.softwired"
    object = "luci.softwired"
    methods = ("status", "ask", "check", "output")
    places: typing.ClassVar = {
        "/usr/sbin/softwired": "helper",
        "/etc/init.d/softwired": "helper",
        "/usr/lib/softwired/softwired": "library",
        "/var/run/softwired.toml": "softwired.toml",
        "/var/run/softwired": "run",
        "/var/run/softwired.jobs": "softwire.jobs",
        "/usr/libexec/softwired-job": JOB,
    }

    def prepare(self):
        self.installed(*SERVICES)
        self.runs()

    def installed(self, *names):
        """These services alone are."""
        for name in SERVICES:
            folder = self.root / "library" / name
            if name in names:
                folder.mkdir(parents=True, exist_ok=True)
            elif folder.exists():
                folder.rmdir()

    def runs(self, *names, ready=None):
        """What procd runs, and which of it is ready: all of it where nothing else is said."""
        (self.root / "run").mkdir(exist_ok=True)
        for name in SERVICES:
            (self.root / "run" / f"{name}.socket").unlink(missing_ok=True)
        for name in names if ready is None else ready:
            (self.root / "run" / f"{name}.socket").touch()
        instances = {name: {"running": True, "pid": 100} for name in names}
        self.ubus({"service list": {"softwired": {"instances": instances}}})
