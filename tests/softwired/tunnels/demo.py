# SPDX-License-Identifier: Apache-2.0
"""`make demo SERVICE=tunnels`: somebody gets IPv6 by the page, and what becomes of the tunnel when the host dies.

In a virtual machine: a host that has IPv4 alone, the server with BIND, monitor and page, and a host of the IPv6 world.
The browser is this machine's Chromium. Exit status 0 only if all was as it should be.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import pathlib
import shlex
import shutil
import socket
import subprocess
import sys
import time

from tests.lab.guest import Guest, LabError, pack
from tests.lab.lab import guest_image
from tests.softwired.network import TREE

DIRECTORY = TREE / "build/demo/tunnels"
STARTED = time.monotonic()
THERE = "/root/softwire"
FOLDERS = ("src", "tests/softwired", "tests/system/tunnels")
HOST, NAME = "192.0.2.2", "laptop"


def tell(text: str) -> None:
    """One step, with the time since the start."""
    print(f"{time.monotonic() - STARTED:6.1f} s  {text}", flush=True)


def show(text: str) -> None:
    """What a command printed, indented."""
    print("\n".join("          " + line for line in text.rstrip().splitlines()), flush=True)


class Demo:
    """The virtual machine, and a port of this one that leads to its page."""

    def __init__(self) -> None:
        shutil.rmtree(DIRECTORY, ignore_errors=True)
        DIRECTORY.mkdir(parents=True)
        with socket.socket() as made:
            made.bind(("127.0.0.1", 0))
            self.port = int(made.getsockname()[1])
        files = DIRECTORY / "files.tar"
        pack([(TREE / name, f"{THERE}/{name}") for name in FOLDERS], files)
        network = f"user,id=page,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-10.0.2.15:80"
        self.guest = Guest("tunnels", DIRECTORY, 768, [(network, "page", "52:54:00:00:00:50")], files)
        self.good = True

    def start(self) -> None:
        self.guest.power_on(guest_image())
        self.guest.log_in()
        self.guest.unpack()
        self.guest.check(
            f"cd {THERE}; device=$(ls /sys/class/net | grep -v lo | head -n 1);"
            " PYTHONPATH=src:. setsid python3 -m tests.system.tunnels.stage $device > /tmp/stage.log 2>&1 &"
        )
        self.guest.wait_until("grep -q ready /tmp/stage.log", 240, "server, BIND, monitor and page run")

    def run(self, where: str, command: str) -> tuple[str, bool]:
        """(output, success) of a command on one of the machines."""
        told, _ = self.guest.run(f"echo {shlex.quote(f'{where} {command}')} > /tmp/in; cat /tmp/out", 120)
        text, _, status = told.rstrip().rpartition("\n")
        return text.strip(), status.strip() == "0"

    def must(self, where: str, command: str, good: bool = True) -> None:
        """Shown; the demo fails if it does not end as it should."""
        text, done = self.run(where, command)
        show(f"{where}# {command}\n{text}")
        if done != good:
            self.good = False
            show("!! that should " + ("have worked" if good else "not have worked"))

    def wait(self, where: str, command: str, seconds: float) -> None:
        """Until it succeeds."""
        end = time.monotonic() + seconds
        while not self.run(where, command)[1]:
            if time.monotonic() > end:
                self.good = False
                show(f"!! waited in vain: {command}")
                return
            time.sleep(1)

    def browser(self) -> dict[str, str]:
        """Chromium fills in the form; what the tunnel's page says."""
        words = [f"http://127.0.0.1:{self.port}/", str(DIRECTORY), HOST, NAME]
        program = pathlib.Path(__file__).parent / "browse.py"
        done = subprocess.run(
            [sys.executable, str(program), *words], stdout=subprocess.PIPE, text=True, timeout=300
        )
        if done.returncode:
            raise LabError("the browser did not get a tunnel; the reason is above")
        told: dict[str, str] = json.loads(done.stdout)
        return told


def run(demo: Demo) -> None:
    """The steps."""
    tell("a virtual machine: a host with IPv4 alone, a server with BIND, monitor and page, an IPv6 world")
    demo.start()
    tell("before: the host has no IPv6")
    demo.must("host", "ping -6 -c 1 -W 2 $WORLD", good=False)
    tell(f"Chromium opens http://127.0.0.1:{demo.port}/, chooses iproute2, fills in the form")
    told = demo.browser()
    show(f"{told['url']}\n{told['client6']}  {told['state']}\npictures: {DIRECTORY}/*.png")
    demo.wait("server", "softwired tunnels list | grep -qv new", 60)
    demo.must("server", "softwired tunnels list")
    tell("the host runs the script that the page shows")
    demo.guest.push(told["script"] + "\n", "/tmp/script.sh")
    show(told["script"])
    demo.must("host", "sh /tmp/script.sh")
    tell("IPv6 passes, both ways")
    client = told["client6"].partition("/")[0]
    demo.must("host", "ping -6 -c 2 $WORLD")
    demo.must("world", f"ping -6 -c 2 {client}")
    tell("its name resolves, and back")
    demo.wait("server", f"dig +short @$DNS {NAME}.jp.$ZONE AAAA | grep -q {client}", 60)
    demo.must("server", f"dig +short @$DNS {NAME}.jp.$ZONE AAAA; dig +short @$DNS -x {client}")
    demo.wait("server", "softwired tunnels list | grep -q answers", 60)
    demo.must("server", "softwired tunnels list; ip -6 route show dev tunnels")
    tell("the threshold of answers that stay away is made a small one; the host dies")
    demo.must("server", "threshold 3")
    demo.must("host", "ip link del tunnel6")
    demo.wait("server", "softwired tunnels list | grep -q silent", 60)
    demo.must("server", "softwired tunnels list")
    demo.wait("server", "! softwired tunnels list | grep -q jp", 120)
    demo.wait("server", f"dig @$DNS {NAME}.jp.$ZONE AAAA | grep -q NXDOMAIN", 60)
    tell("tunnel, route and name are gone")
    demo.must("server", "softwired tunnels list; ip -6 route show dev tunnels proto 141")
    demo.must("server", f"dig @$DNS {NAME}.jp.$ZONE AAAA | grep status")
    demo.must("server", "softwired tunnels status")


def main() -> int:
    """The demo; its exit status."""
    parser = argparse.ArgumentParser(
        prog="make demo SERVICE=tunnels", description=(__doc__ or "").splitlines()[0]
    )
    parser.parse_args()
    if not shutil.which("chromium") or not importlib.util.find_spec("playwright"):
        print("chromium or Playwright is not here: tests/setup.sh browser installs them", file=sys.stderr)
        return 2
    demo = Demo()
    try:
        run(demo)
    except LabError as error:
        demo.good = False
        show(
            f"{error}\n{demo.guest.run('tail -n 20 /tmp/stage.log /tmp/stage/*.log')[0] if demo.guest.shell else ''}"
        )
    finally:
        demo.guest.power_off()
    tell("all was as it should be" if demo.good else "FAILED: not all was as it should be")
    return 0 if demo.good else 1


if __name__ == "__main__":
    sys.exit(main())
