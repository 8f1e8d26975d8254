# SPDX-License-Identifier: Apache-2.0
"""A household's router at the client's end of the cable: its line, and softwires' resident clients on it."""

from __future__ import annotations

import json
import os
import pathlib
import platform
import signal
import subprocess
import sys
import typing

from tests.softwired import network, packets

TREE = network.TREE
PREFIX = "2001:db8:4000:300::"
ENDPOINT = PREFIX.replace("::", ":1111:1111:1111:1111")
BORDER_ROUTER = "2001:db8:b::1"
MAC = "02:00:00:00:00:02"
DUID = bytes.fromhex("00030001020000000002")
MICROPYTHON = TREE / "build/arch"
HEAP = ("-X", "heapsize=384K")  # the launcher's for sources
RESIDENT = pathlib.Path(__file__).with_name("resident.py")


def interpreters() -> dict[str, list[str]]:
    """The command of each interpreter that is here; Debian's MicroPython is a newer release's, with its libraries."""
    found = {"cpython": [sys.executable, "-B"]}
    for loader in MICROPYTHON.glob(f"*/usr/lib/{platform.machine()}-linux-gnu/ld-linux*.so.*"):
        program = loader.parents[2] / "bin/micropython"
        found["micropython"] = [str(loader), "--library-path", str(loader.parent), str(program), *HEAP]
    return found


class Household:
    """The router: what netifd would say of its line, and what its clients said to netifd."""

    def __init__(self, cable: network.Cable, folder: pathlib.Path, interpreter: str = "cpython") -> None:
        self.cable, self.folder = cable, folder
        self.words = interpreters()[interpreter]
        self.running: dict[str, subprocess.Popen[str]] = {}
        self.options: dict[int, bytes] = {}
        for path in ("/var/run", "/etc/softwire"):
            pathlib.Path(path).mkdir(parents=True, exist_ok=True)
        cable.client.run("mount", "-t", "tmpfs", "none", "/var/run")
        cable.client.run("mount", "-t", "sysfs", "none", "/sys")
        cable.client.run("ip", "link", "set", "vc", "address", MAC)
        for namespace, route in (
            (cable.server, [PREFIX + "/56", "via", network.CLIENT_LINK_LOCAL, "dev", "vs"]),
            (cable.client, ["default", "via", network.SERVER_LINK_LOCAL, "dev", "vc"]),
        ):
            namespace.run("ip", "-6", "route", "replace", *route)
        self.line()

    def line(self, tunlink: str = "wan6", device: str = "vc", prefix: str = PREFIX, **options: bytes) -> None:
        """What a line is like; options: DHCPv6's, as o88=b''."""
        passthru = b"".join(packets.option(int(name[1:]), value) for name, value in options.items())
        status = {
            "up": True,
            "proto": "dhcpv6",
            "uptime": 100,
            "l3_device": device,
            "ipv6-prefix": [{"address": prefix, "mask": 56, "preferred": 3000, "valid": 4000}],
            "route": [{"target": "::", "mask": 0, "nexthop": network.SERVER_LINK_LOCAL}],
            "data": {"passthru": passthru.hex()},
        }
        new = self.folder / "line.new"
        new.write_text(json.dumps(status))
        new.rename(self.folder / f"{tunlink}.json")

    def start(self, interface: str = "wan", **options: typing.Any) -> None:
        """netifd's setup of a softwire."""
        options = {"tunlink": "wan6", "provisioning": "dhcp4o6", "peeraddr": BORDER_ROUTER, **options}
        run = f"/var/run/softwire/{interface}"
        fifos = f"{run}@{options['tunlink']}"
        config = self.folder / f"{interface}.config"
        config.write_text(json.dumps(options))
        script = (
            f"mkdir -p {fifos}; rm -f {fifos}/*; cp {config} {run}.config; "
            f"mkfifo {fifos}/wake {fifos}/released"
        )
        self.cable.client.run("sh", "-c", script)
        with open(self.folder / f"{interface}.log", "a") as log:
            self.running[interface] = self.cable.client.start(
                *self.words, str(RESIDENT), interface, str(self.folder),
                env={**os.environ, "PYTHONPATH": str(TREE / "src"), "MICROPYPATH": str(TREE / "src")},
                stdout=log,
                stderr=subprocess.STDOUT,
            )  # fmt: skip

    def events(self, name: str = "", interface: str = "wan") -> list[dict[str, typing.Any]]:
        """What the event script was called for."""
        path = self.folder / f"{interface}.events"
        lines = path.read_text().splitlines() if path.exists() else []
        found = [json.loads(line) for line in lines]
        return [one for one in found if name in ("", one["event"])]

    def bound(self, count: int = 1, interface: str = "wan", longest: float = 20) -> dict[str, typing.Any]:
        """The parameters of the last softwire, once there were so many."""
        network.until(
            lambda: len(self.events("bound", interface)) >= count, f"softwire {count} is up", longest
        )
        parameters: dict[str, typing.Any] = self.events("bound", interface)[-1]["parameters"]
        network.until(lambda: self.state(interface).get("phase") == "up", "the client says so")
        return parameters

    def file(self, name: str) -> dict[str, typing.Any]:
        """A file in the client's run directory, {} where there is none."""
        done = subprocess.run(
            [*self.cable.client.enter, "cat", f"/var/run/softwire/{name}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        found: dict[str, typing.Any] = json.loads(done.stdout) if done.returncode == 0 and done.stdout else {}
        return found

    def state(self, interface: str = "wan") -> dict[str, typing.Any]:
        return self.file(f"{interface}.json")

    def log(self, interface: str = "wan") -> str:
        return (self.folder / f"{interface}.log").read_text()

    def tell(self, word: str, interface: str = "wan") -> None:
        """As hotplug and the handler do."""
        self.cable.client.run(
            "sh", "-c", f"for fifo in /var/run/softwire/{interface}@*/wake; do echo {word} 1<>$fifo; done"
        )

    def kill(self, interface: str = "wan") -> None:
        """kill -9, and what netifd does then."""
        process = self.running.pop(interface)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.cable.client.run(
            "sh", "-c", "ip -4 address flush dev lo; ip -6 address flush dev lo scope global"
        )

    def teardown(self, interface: str = "wan") -> int:
        """netifd's teardown; the client's exit status."""
        self.tell("release", interface)
        return self.running.pop(interface).wait(timeout=20)

    def close(self) -> None:
        for interface in list(self.running):
            self.kill(interface)
        self.cable.client.run("umount", "-l", "/var/run", "/sys")
