# SPDX-License-Identifier: Apache-2.0
"""Both DHCPv6 halves, Kea's and ours, and Kea's DHCPv4 server, as processes in a namespace of this machine."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import typing

from tests.softwired import network

PORT = 6767
# What several tests ask for; every test may say more.
SUBNETS6 = [{"id": 1, "subnet": "2001:db8:1::/64", "interface": "vs"}]
SUBNETS4 = [
    {
        "id": 1,
        "subnet": "192.0.2.0/24",
        "4o6-interface": "vs",
        "4o6-subnet": "2001:db8:1::/64",
        "pools": [{"pool": "192.0.2.16 - 192.0.2.250"}],
    }
]
OURS = {"interface": [{"name": "vs", "addresses": [network.SERVER]}]}


class NoKea(Exception):
    """Kea is not installed."""


def programs(folder: pathlib.Path) -> pathlib.Path:
    """Copies of Kea's servers, which no AppArmor profile of the package is for: it knows no folders but its own."""
    for name in ("kea-dhcp4", "kea-dhcp6"):
        found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
        if found is None:
            raise NoKea(f"{name} is not here: tests/setup.sh server installs it")
        shutil.copy(found, folder / name)
    return folder


class Processes:
    """What a test starts in the server's namespace; all of it ends with the test."""

    service = "dhcp4o6"
    user = ""
    table: typing.ClassVar[dict[str, typing.Any]] = {"port": PORT, **OURS}

    def __init__(self, cable: network.Cable, programs: pathlib.Path, folder: pathlib.Path) -> None:
        self.cable, self.programs, self.folder = cable, programs, folder
        self.python = sys.executable
        self.running: list[subprocess.Popen[str]] = []
        self.environment = {
            **os.environ,
            "KEA_PIDFILE_DIR": str(folder),
            "KEA_LOCKFILE_DIR": str(folder),
            "PYTHONPATH": str(network.TREE / "src"),
        }

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def start(self, name: str, *words: str, ready: str = "") -> subprocess.Popen[str]:
        """Until its log has the text `ready`."""
        with open(self.folder / f"{name}.log", "a") as log:
            process = self.cable.server.start(
                *words, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        self.running.append(process)

        def look() -> bool:
            assert process.poll() is None, f"{name} ended: {self.log(name)}"
            return ready in self.log(name)

        network.until(look, f"{name} says '{ready}'")
        return process

    def kea(self, version: int, **configuration: typing.Any) -> subprocess.Popen[str]:
        """Kea's DHCPv4 or DHCPv6 server, once it is ready."""
        common = {
            "dhcp4o6-port": PORT,
            "lease-database": {"type": "memfile", "persist": False},
            "loggers": [
                {"name": f"kea-dhcp{version}", "severity": "INFO", "output_options": [{"output": "stdout"}]}
            ],
        }
        if version == 6:
            common["server-id"] = {"type": "LL", "persist": False}
            common["interfaces-config"] = {"interfaces": ["vs", f"vs/{network.SERVER}"]}
            common["subnet6"] = SUBNETS6
        else:
            # A socket and an address there, of which the server identifier is made.
            common["interfaces-config"] = {"interfaces": ["vs"], "dhcp-socket-type": "udp"}
            common["subnet4"] = SUBNETS4
        path = self.folder / f"kea{version}.json"
        path.write_text(json.dumps({f"Dhcp{version}": {**common, **configuration}}))
        log = self.folder / f"kea{version}.log"
        log.write_text("")
        return self.start(
            f"kea{version}",
            str(self.programs / f"kea-dhcp{version}"),
            "-c",
            str(path),
            ready=f"DHCP{version}_STARTED",
        )

    def softwired(self, **table: typing.Any) -> subprocess.Popen[str]:
        """Our half, once it is ready."""
        self.configure(**table)
        (self.folder / "softwired.log").write_text("")
        return self.start("softwired", *self.command("run", self.service), ready="ready (version")

    def configure(self, **table: typing.Any) -> None:
        """Writes our half's configuration."""
        common = f'[softwired]\nuser = "{self.user}"\nrun_directory = "{self.folder}/run"\n'
        path = self.folder / "softwired.toml"
        path.write_text(common + toml(self.service, {**self.table, **table}))

    def command(self, *words: str) -> list[str]:
        return [self.python, "-m", "softwired", "--config", str(self.folder / "softwired.toml"), *words]

    def ask(self, *words: str) -> str:
        """The output of a command of ours."""
        done = subprocess.run(
            self.command(*words), env=self.environment, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout

    def status(self) -> dict[str, typing.Any]:
        told: dict[str, typing.Any] = json.loads(self.ask(self.service, "status", "--json"))
        return told

    def counted(self, family: str, label: str) -> int:
        found: int = self.status()["counters"]["families"][family]["values"].get(label, 0)
        return found

    def half(self, name: str) -> subprocess.Popen[str]:
        """One of the two DHCPv6 halves."""
        return self.kea(6) if name == "kea" else self.softwired()

    def stop(self, process: subprocess.Popen[str]) -> None:
        """Ends it; its exit status has to be right."""
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        self.running.remove(process)

    def close(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()


def toml(name: str, table: dict[str, typing.Any]) -> str:
    """A table with arrays of tables and tables in it."""
    lines = [f"[{name}]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in table.items() if not nested(value)]
    text = "\n".join(lines) + "\n"
    for key, value in table.items():
        if isinstance(value, dict):
            text += toml(f"{name}.{key}", value)
        elif nested(value):
            for entry in value:
                text += toml(f"{name}.{key}", entry).replace(f"[{name}.{key}]", f"[[{name}.{key}]]", 1)
    return text


def nested(value: typing.Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))
