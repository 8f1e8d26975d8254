# SPDX-License-Identifier: Apache-2.0
"""The demo's part inside the guest: host, server (with BIND, monitor and page) and IPv6 world do what they are told.

python -m tests.system.tunnels.stage DEVICE: a line `NAMESPACE COMMAND` into the FIFO /tmp/in, the output comes from
/tmp/out, the exit status as its last line.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

from tests.softwired.network import until
from tests.softwired.tunnels.nameservers import ZONE
from tests.system.tunnels.machine import NEIGHBOUR, SERVER, WORLD, Machine

FOLDER = pathlib.Path("/tmp/stage")
# Where the browser's requests come in: QEMU's user network.
OUTSIDE = "10.0.2.15/24"


def main() -> None:
    FOLDER.mkdir()
    machine = Machine(FOLDER)
    machine.server.run("sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
    subprocess.run(["ip", "link", "set", sys.argv[1], "netns", str(machine.server.holder.pid)], check=True)
    for words in (f"link set {sys.argv[1]} up", f"address add {OUTSIDE} dev {sys.argv[1]}"):
        machine.server.run("ip", *words.split())
    bind = machine.bind()
    page = '[tunnels.page]\nlisten = "[::]:80"\nkey_file = "FOLDER/key"\nallow = ["192.0.2.0/24"]\n'
    machine.configure(bind.table() + page, interval=2.0, patience=1.5, unreachable=1000)
    machine.start()
    with open(FOLDER / "page.log", "w") as log:
        machine.server.start(
            *machine.command("tunnels", "page"), env=machine.environment(), stdout=log, stderr=log
        )
    until(lambda: "listens at" in (FOLDER / "page.log").read_text(), "the page listens", 120)
    (FOLDER / "environment").write_text(
        f"export PYTHONPATH={machine.environment()['PYTHONPATH']}\n"
        f'softwired() {{ python3 -m softwired --config {FOLDER}/softwired.toml "$@"; }}\n'
        f'threshold() {{ sed -i "s/^unreachable = .*/unreachable = $1/" {FOLDER}/softwired.toml;'
        f" kill -HUP {machine.process.pid}; }}\n"
        f"SERVER={SERVER} HOST={NEIGHBOUR} WORLD={WORLD} ZONE={ZONE} DNS='127.0.0.1 -p {bind.port}'\n"
    )
    for name in ("in", "out"):
        os.mkfifo(f"/tmp/{name}")
    print("ready", flush=True)
    while True:
        with open("/tmp/in") as told:
            where, _, command = told.read().strip().partition(" ")
        namespace = {"host": machine.clients, "server": machine.server, "world": machine.world}[where]
        words = ["sh", "-c", f". {FOLDER}/environment; {command}"]
        done = subprocess.run(
            [*namespace.enter, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        with open("/tmp/out", "w") as answer:
            answer.write(f"{done.stdout.rstrip()}\n{done.returncode}\n")


if __name__ == "__main__":
    main()
