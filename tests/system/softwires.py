# SPDX-License-Identifier: Apache-2.0
"""More softwires beside `wan`, of subscribers in the same /56, so that many cases share one reload."""

from __future__ import annotations

import json
import re
import shlex

from tests.lab import addresses
from tests.system.router import Line

CREDENTIALS = {"shared_secret": addresses.SHARED_SECRET, "password": addresses.PASSWORD}


class Softwire:
    """One interface of proto softwire; `options` are what its case has instead of, or beside, the usual ones."""

    def __init__(self, number: int, name: str, **options: str | list[str] | None):
        assert 16 <= number < 128 and len(name) <= 12  # netifd's device is sw-<name>, 15 characters at most
        self.number = number
        self.name = name
        self.options = options
        self.prefix = f"2001:db8:4000:3{number:02x}::/64"
        self.user = f"2001:0db8:4000:03{number:02x}"
        self.endpoint = f"2001:db8:4000:3{number:02x}:1111:1111:1111:1111"
        self.ipv4 = f"203.0.113.{100 + number}"

    def section(self, options: dict) -> str:
        """Its part of /etc/config/network."""
        usual = {"proto": "softwire", "tunlink": "wan6", "auth_server": [addresses.RADIUS], **CREDENTIALS}
        # Among several default routes that of `wan` wins; a socket bound to a device still finds its own.
        usual.update(ip6prefix=self.prefix, metric=str(self.number))
        lines = [f'config interface "{self.name}"']
        for name, value in {**usual, **options}.items():
            if isinstance(value, list):
                lines += [f'\tlist {name} "{item}"' for item in value]
            elif value is not None:
                lines.append(f'\toption {name} "{value}"')
        return "\n".join(lines) + "\n\n"


class Softwires:
    """All of one module's, on the router that `line` has."""

    def __init__(self, line: Line, softwires: list[Softwire]):
        line.need("curl", "ip-full")
        self.line = line
        self.router = line.router
        self.softwires = softwires

    def subscribe(self) -> None:
        """Makes them known to the operator; takes effect when the RADIUS server starts again."""
        for softwire in self.softwires:
            self.line.lab.access.check(f"echo {softwire.user} {softwire.ipv4} >> /run/access/subscribers")

    def configure(self, wrong: list[Softwire], also: str = "") -> None:
        """Writes /etc/config/network and reloads; `wrong` have their case's options; also: more sections."""
        self.line.changed = True
        self.router.check("cp /etc/network.saved /etc/network.next")
        sections = [
            softwire.section(softwire.options if softwire in wrong else {}) for softwire in self.softwires
        ]
        for text in [also, *sections]:
            # printf is the shell's own: a program would show the secrets among its arguments.
            self.router.check(f"printf %s {shlex.quote(text)} >> /etc/network.next")
        self.router.check("mv /etc/network.next /etc/config/network; /etc/init.d/network reload")

    def interfaces(self) -> dict[str, dict]:
        """netifd's status of all interfaces, by name."""
        told = json.loads(self.router.check("ubus call network.interface dump"))
        return {entry["interface"]: entry for entry in told["interface"]}

    def wait_until_up(self, seconds: float) -> None:
        """Until netifd calls all of them up."""
        self.line.wait(lambda: self.down() == [], seconds, "all softwires are up")

    def down(self) -> list[str]:
        """Those that are not up."""
        known = self.interfaces()
        return [softwire.name for softwire in self.softwires if not known[softwire.name]["up"]]

    def seen(self, softwire: Softwire) -> str:
        """The address under which the IPv4 internet sees the router through this softwire; empty without an answer."""
        command = f"curl --interface sw-{softwire.name} -4 -s -m 10 http://{addresses.INTERNET4}/"
        return self.router.run(command)[0].strip()

    def remove(self) -> None:
        """The configuration of the beginning, and nothing of theirs left: no interface, endpoint or file."""
        self.router.check("cp /etc/network.saved /etc/config/network; /etc/init.d/network reload")
        theirs = {name for softwire in self.softwires for name in (softwire.name, f"{softwire.name}_ep")}
        self.line.wait(lambda: not theirs & set(self.interfaces()), 60, f"gone: {sorted(theirs)}")
        assert not {softwire.endpoint for softwire in self.softwires} & set(self.line.endpoints())
        files = self.router.check("ls /var/run/softwire").split()
        assert [name for name in files if re.split(r"\.|@", name)[0] in theirs] == []
