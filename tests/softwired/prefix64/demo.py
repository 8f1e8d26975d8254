# SPDX-License-Identifier: Apache-2.0
"""`make demo SERVICE=prefix64`: a router that asks by neighbour discovery, a server with every address, a visitor.

All of it in network namespaces of this machine. Exit status 0 only if every address answered. With ARGS=--stay the
server stays, to be looked at.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import sys
import time
import typing

from softwired.prefix64 import solicitation
from tests.softwired import network
from tests.softwired.prefix64 import lab, load

DIRECTORY = network.TREE / "build/demo/prefix64"
STARTED = time.monotonic()
PREFIX = "2001:db8:1::/64"
VISITOR = "2001:db8:2::2"
NAMED = 800  # neighbours that a router's kernel keeps at once (gc_thresh3) are not many more
RAW = 25  # of as many
RATE = 5000.0
RADVD = """
interface vc {
    AdvSendAdvert on;
    MinRtrAdvInterval 3;
    MaxRtrAdvInterval 4;
    prefix 2001:db8:1::/64 { };
};
"""


class Row(typing.NamedTuple):
    """One line of the table at the end."""

    what: str
    asked: int
    answered: int
    times: list[float]

    def text(self) -> str:
        ordered = sorted(self.times) or [0.0]
        middle, late = (1000 * ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
        return f"{self.what:<58} {self.asked:>7,} {self.answered:>9,} {middle:>9.2f} {late:>9.2f}"


HEAD = f"{'what':<58} {'asked':>7} {'answered':>9} {'p50 ms':>9} {'p99 ms':>9}"


def tell(text: str) -> None:
    """One step, with the time since the start."""
    print(f"{time.monotonic() - STARTED:6.1f} s  {text}", flush=True)


def show(text: str) -> None:
    """What a command printed, indented."""
    print("\n".join("          " + line for line in text.rstrip().splitlines()), flush=True)


class Demo:
    """The machines."""

    def __init__(self) -> None:
        shutil.rmtree(DIRECTORY, ignore_errors=True)
        DIRECTORY.mkdir(parents=True)
        self.cable = network.Cable()
        self.router = self.cable.client
        self.machine = lab.Machine(self.cable, DIRECTORY)
        self.visitor = network.Namespace(self.router)
        pid = str(self.visitor.holder.pid)
        self.router.run("sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1")
        self.router.run("ip", "link", "add", "world", "type", "veth", "peer", "name", "eth0", "netns", pid)
        for namespace, device, address in (
            (self.router, "world", "2001:db8:2::1/64"),
            (self.visitor, "eth0", f"{VISITOR}/64"),
        ):
            namespace.run("ip", "link", "set", device, "up")
            namespace.run("ip", "address", "add", address, "dev", device, "nodad")
        self.visitor.run("ip", "route", "add", "default", "via", "2001:db8:2::1")
        self.radvd()

    def radvd(self) -> None:
        """The router tells its prefix and itself; without radvd the server is told by hand."""
        path = shutil.which("radvd", path="/usr/sbin:/usr/bin")
        if path is None:
            self.cable.server.run("ip", "route", "add", "default", "via", "fe80::2", "dev", "vs")
            return
        configuration = DIRECTORY / "radvd.conf"
        configuration.write_text(RADVD)
        with open(DIRECTORY / "radvd.log", "w") as log:
            process = self.router.start(
                path,
                "-n",
                "-C",
                str(configuration),
                "-p",
                str(DIRECTORY / "radvd.pid"),
                stdout=log,
                stderr=log,
            )
        self.machine.running.append(process)
        network.until(
            lambda: "default" in self.cable.server.run("ip", "-6", "route"), "the server hears the router", 30
        )

    def get(
        self, address: str, *, patience: float = 5.0, accept: str = "application/json"
    ) -> tuple[str, float]:
        """What the page says to the visitor at this address, and after how long; '' if nothing."""
        start = time.monotonic()
        with self.visitor.open(socket.AF_INET6, socket.SOCK_STREAM) as made:
            made.settimeout(patience)
            try:
                made.connect((address, 80))
                made.sendall(f"GET / HTTP/1.0\r\nHost: [{address}]\r\nAccept: {accept}\r\n\r\n".encode())
                data = b""
                while part := made.recv(65536):
                    data += part
            except OSError:
                return "", 0.0
        return data.decode().partition("\r\n\r\n")[2], time.monotonic() - start

    def close(self) -> None:
        self.machine.close()
        self.visitor.close()
        self.cable.close()


def walk(demo: Demo, count: int) -> Row:
    """From each address to the random one that its page names."""
    address, times, good = "2001:db8:1::cafe:cafe", [], 0
    for _ in range(count):
        text, spent = demo.get(address)
        told = json.loads(text) if text else {}
        if told.get("server") != address or told.get("client") != VISITOR:
            break
        good += 1
        times.append(spent)
        address = told["random"]
    return Row("the page, each by the link of the one before, from afar", count, good, times)


def raw(demo: Demo, rate: float, count: int) -> Row:
    """The router's side, octet by octet."""
    asks = lab.Router(demo.router)
    found = load.run(asks, load.random_targets(count), rate)
    asks.close()
    return Row(
        f"solicitations for random addresses, {rate:,.0f} a second", found.sent, found.answered, found.times
    )


def excepted(demo: Demo) -> Row:
    """The router's own address is an exception, and stays its own."""
    asks = lab.Router(demo.router)
    asks.socket.settimeout(1)
    heard = 0
    for _ in range(10):
        asks.ask(network.CLIENT)
        try:
            # Both kernels have advertisements of their own for each other.
            while asks.hear()[solicitation.TARGET : solicitation.OPTIONS] != lab.packed(network.CLIENT):
                pass
            heard += 1
        except TimeoutError:
            pass
        if heard:
            break
    asks.close()
    return Row("solicitations for an exception (none may be answered)", 10, heard, [])


def run(demo: Demo, count: int) -> bool:
    """The steps; whether all was as it should be."""
    tell(
        f"a router whose kernel has {PREFIX} on its link, a server on that link, a visitor behind the router"
    )
    tell("before: the visitor calls 2001:db8:1::77")
    text, _ = demo.get("2001:db8:1::77", patience=2)
    show(text or "nobody answers")
    tell("softwired prefix64 check, on the server: how does the router bring the prefix here?")
    entry = {"interface": "vs", "prefix": PREFIX, "exceptions": [network.CLIENT]}
    demo.machine.configure(range=[entry], page={"listen": "[::]:80", "key_file": str(DIRECTORY / "key")})
    show(demo.machine.inside("prefix64", "check").stdout)
    demo.machine.softwired(range=[entry], page={"listen": "[::]:80", "key_file": str(DIRECTORY / "key")})
    demo.machine.start("page", *demo.machine.command("prefix64", "page"), ready="listens at")
    tell("softwired prefix64 and its page run; what is in the kernel now:")
    show(demo.cable.server.run("ip", "-6", "rule", "show", "pref", "64"))
    show(demo.cable.server.run("ip", "-6", "route", "show", "table", "64"))
    tell("the visitor calls 2001:db8:1::78")
    shown, _ = demo.get("2001:db8:1::78", accept="*/*")
    show(shown)
    tell(f"and then {count} more, {RAW * count:,} addresses are asked for, and an exception")
    rows = [walk(demo, count), raw(demo, 100, 200), raw(demo, RATE, RAW * count), excepted(demo)]
    tell("softwired prefix64 status")
    show(demo.machine.ask("prefix64", "status"))
    tell("the table")
    show(HEAD + "\n" + "\n".join(row.text() for row in rows))
    return bool(
        shown and not text and all(row.asked == row.answered for row in rows[:3]) and rows[3].answered == 0
    )


def stay(demo: Demo) -> None:
    """Until Enter."""
    server = demo.cable.server.holder.pid
    visitor = demo.visitor.holder.pid
    user = "" if os.geteuid() == 0 else "--user --preserve-credentials "
    tell("it stays; a shell of the visitor and of the server, in which a browser can be started, too:")
    show(f"nsenter --target {visitor} {user}--net --mount\nnsenter --target {server} {user}--net --mount")
    input("          Enter ends it. ")


def main() -> int:
    """The demo; its exit status."""
    parser = argparse.ArgumentParser(
        prog="make demo SERVICE=prefix64", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--stay", action="store_true", help="until Enter is pressed")
    parser.add_argument(
        "--addresses", type=int, default=NAMED, help="that the visitor calls, and 25 times as many"
    )
    given = parser.parse_args()
    try:
        demo = Demo()
    except network.NoNamespace as error:
        print(f"this machine lets us have no network namespaces: {error}", file=sys.stderr)
        return 2
    good = False
    try:
        good = run(demo, given.addresses)
        if given.stay:
            stay(demo)
        demo.machine.stop(next(one for one in demo.machine.running if "run" in one.args))
        left = demo.cable.server.run("ip", "-6", "rule", "show", "pref", "64") + demo.cable.server.run(
            "nft", "list", "tables"
        )
        tell("stopped; what is left of it in the kernel: " + (left.strip() or "nothing"))
        good &= not left.strip()
    finally:
        demo.close()
    tell("every address answered" if good else "FAILED: not all was as it should be")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
