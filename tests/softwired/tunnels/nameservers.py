# SPDX-License-Identifier: Apache-2.0
"""Real BIND and Knot: a zone and a reverse zone each, which take updates with a key that is made now."""

from __future__ import annotations

import base64
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import typing

from tests.softwired.network import until

ZONE, REVERSE, CLOSED = "tunnels.example.org", "1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "closed.example.org"
KEY = "softwired"
RECORDS = """$TTL 60
@ SOA ns.example.org. hostmaster.example.org. 1 3600 600 86400 1
@ NS ns.example.org.
"""
BIND = """
options {
    directory "FOLDER"; pid-file none; session-keyfile none; listen-on port PORT { 127.0.0.1; }; listen-on-v6 { none; };
    recursion no; allow-transfer { none; }; dnssec-validation no; notify no;
};
controls { };
include "FOLDER/key";
ZONES
"""
BIND_ZONE = 'zone "NAME" { type primary; file "FOLDER/NAME.zone"; update-policy { POLICY }; };\n'
KNOT = """
server:
    listen: 127.0.0.1@PORT
    rundir: FOLDER
database:
    storage: FOLDER/db
log:
  - target: stderr
    any: info
key:
  - id: softwired
    algorithm: hmac-sha256
    secret: SECRET
acl:
  - id: update
    key: softwired
    action: update
template:
  - id: default
    storage: FOLDER
    file: "%s.zone"
zone:
ZONES
"""
# A query comes in, the answer goes out, or nothing.
ASK = """
import socket, sys
made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
made.settimeout(2)
made.connect(("127.0.0.1", int(sys.argv[1])))
try:
    made.send(sys.stdin.buffer.read())
    sys.stdout.buffer.write(made.recv(65535))
except OSError:
    pass
"""


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


class Nameserver:
    """`kind` is named or knotd."""

    def __init__(self, kind: str, folder: pathlib.Path) -> None:
        found = shutil.which(kind, path=os.environ.get("PATH", "") + ":/usr/sbin")
        assert found, f"{kind} is not here: tests/setup.sh server installs it"
        self.kind, self.folder, self.port = kind, folder, free_port()
        (folder / "db").mkdir(parents=True, exist_ok=True)
        # A copy, which no AppArmor profile of the package is for: it knows no folders but its own.
        self.program = folder / kind
        shutil.copy(found, self.program)
        self.secret = base64.b64encode(os.urandom(32)).decode()
        self.key_file = folder / "key"
        self.key_file.write_text(
            f'key "{KEY}" {{\n\talgorithm hmac-sha256;\n\tsecret "{self.secret}";\n}};\n'
        )
        for name in (ZONE, REVERSE, CLOSED):
            (folder / f"{name}.zone").write_text(RECORDS)
        bind = kind == "named"
        zones = "".join(self._zone(bind, name) for name in (ZONE, REVERSE, CLOSED))
        text = (BIND if bind else KNOT).replace("ZONES", zones)
        text = text.replace("PORT", str(self.port)).replace("SECRET", self.secret)
        self.configuration = folder / f"{kind}.conf"
        self.configuration.write_text(text.replace("FOLDER", str(folder)))
        self.process: subprocess.Popen[bytes] | None = None
        self.enter: list[str] = []

    @staticmethod
    def _zone(bind: bool, name: str) -> str:
        if bind:
            policy = "" if name == CLOSED else f"grant {KEY} zonesub ANY;"
            if not policy:
                return BIND_ZONE.replace("update-policy { POLICY };", "").replace("NAME", name)
            return BIND_ZONE.replace("POLICY", policy).replace("NAME", name)
        return f"  - domain: {name}\n" + ("" if name == CLOSED else "    acl: update\n")

    def start(self, enter: typing.Sequence[str] = ()) -> Nameserver:
        """`enter`: the words that lead into a namespace."""
        self.enter = list(enter)
        words = ["-g", "-c"] if self.kind == "named" else ["-c"]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [*self.enter, str(self.program), *words, str(self.configuration)], stdout=log, stderr=log
            )

        def ready() -> bool:
            assert self.process and self.process.poll() is None, (self.folder / "log").read_text()
            try:
                return self.ask(ZONE, "SOA") != []
            except OSError:
                return False

        until(ready, f"{self.kind} answers")
        return self

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process:
            self.process.send_signal(how)
            self.process.wait(20)
            self.process = None

    def ask(self, name: str, kind: str) -> list[str] | None:
        """What it says; None for NXDOMAIN."""
        import dns.message
        import dns.rcode

        # By whom is in its namespace.
        asked = subprocess.run(
            [*self.enter, sys.executable, "-c", ASK, str(self.port)],
            input=dns.message.make_query(name, kind).to_wire(),
            stdout=subprocess.PIPE,
        ).stdout
        if not asked:
            raise OSError("no answer")
        answer = dns.message.from_wire(asked)
        if answer.rcode() == dns.rcode.NXDOMAIN:
            return None
        sections = answer.answer or (answer.authority if kind == "NS" else [])
        return sorted(str(one) for part in sections for one in part)

    def table(self, **changed: typing.Any) -> str:
        """[tunnels.dns] for this server."""
        told = {
            "type": "update",
            "zone": ZONE,
            "reverse": [REVERSE],
            "server": f"127.0.0.1:{self.port}",
            "key_name": KEY,
            "key_file": str(self.key_file),
            **changed,
        }
        import json

        return "[tunnels.dns]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in told.items())
