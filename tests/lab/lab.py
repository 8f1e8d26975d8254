# SPDX-License-Identifier: Apache-2.0
"""The lab: an access network and a router, two machines wired to each other alone; demo and system tests use it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Callable

from labgrid.consoleloggingreporter import ConsoleLoggingReporter

from package.sdk import pack as packages
from tests.lab import addresses, lines
from tests.lab.guest import Guest, LabError, Namespace, need, pack, wait_until
from tests.lab.openwrt import feed as feeds
from tests.lab.openwrt import image as images
from tests.lab.openwrt.router import FEED, OpenWrt

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/lab"
# Where packed OpenWrt images are unpacked.
UNPACKED = ROOT / "build/openwrt/unpacked"

# What a user of OpenWrt has before our package comes.
STAND_IN = ROOT / "tests/openwrt/root"
# What the router's own tests need of the tree.
ROUTER_TREE = [(ROOT / "package/softwire", "/lab/package")]
# Where the sources lie that the package for Python 3 would install, for tests of that interpreter.
SOURCES = "/lab/softwire-python3"
ACCESS_TREE = [
    (HERE / "access", "/lab/access"),
    (HERE / "lines", "/lab/lines"),
    (ROOT / "files/etc/softwire", "/etc/softwire"),
    (ROOT / "src", "/lab/tree/src"),
    (ROOT / "files", "/lab/tree/files"),
    (ROOT / "tests/unit", "/lab/tree/tests/unit"),
    (ROOT / "tests/integration", "/lab/tree/tests/integration"),
]


def guest_image() -> Path:
    """The folder of the guest image, made now if it is not there yet."""
    made = subprocess.run([HERE / "image.sh"], stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode:
        raise LabError("the guest image could not be made; the reason is above")
    return Path(made.stdout.strip())


class Lab:
    """`access` and `router` are machines, `lanhost` is a host behind the router; logs and capture go to `directory`.

    line: the kind of line, a folder of lines/.
    """

    def __init__(self, directory: Path, tell: Callable[[str], None] = print, line: str = "next-phone"):
        self.directory = directory
        self.tell = tell
        self.line = line
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        need("qemu-system-x86_64", "qemu-system-x86")
        # A real OpenWrt in place of the stand-in.
        self.openwrt = images.find(os.environ, UNPACKED) if os.environ.get("OPENWRT_IMAGE") else None
        # A UNIX socket's path is short.
        self.sockets = Path(tempfile.mkdtemp(prefix="softwire-lab-"))
        self.capture = directory / "line.pcap"
        self.access = self._guest("access", 384, "line", "lan", ACCESS_TREE)
        self.access.extra = ["-object", f"filter-dump,id=capture,netdev=line,file={self.capture}"]
        lines.write(directory / "router-tree", line, bool(self.openwrt))
        # The line's configuration comes after the stand-in's own.
        tree = [*ROUTER_TREE, *([] if self.openwrt else [(STAND_IN, "/")]), (directory / "router-tree", "/")]
        if self.openwrt:
            self.feed = feeds.make(images.given(os.environ, "OPENWRT_FEED"), directory / "feed")
            tree += [(self.feed.folder, FEED), (self.feed.sources, SOURCES)]
        else:
            tree += self._packages()
        self.router = self._guest("router", 256, "lan", "line", tree)
        self.lanhost = Namespace(self.access, "lanhost")
        self.internet4 = Namespace(self.access, "inet4")
        self.internet6 = Namespace(self.access, "inet6")

    def _packages(self) -> list[tuple[Path, str]]:
        """What users install: the files of the package for MicroPython, and the modules of the other one."""
        try:
            files = {package.name: package.files for package in packages.stage(self.directory / "package")}
        except packages.PackError as error:
            raise LabError(str(error)) from error
        return [(files["softwire"], "/"), (files["softwire-python3"] / "usr/lib/softwire", SOURCES)]

    def _guest(self, name: str, memory: int, first: str, second: str, tree: list[tuple[Path, str]]) -> Guest:
        files = self.directory / f"{name}.tar"
        pack([entry for entry in tree if entry[0].is_dir()], files)
        router = name == "router"
        macs = {"lan": addresses.LAN_MAC, "line": addresses.WAN_MAC}
        if not router:
            macs = {"lan": "52:54:00:00:00:10", "line": "52:54:00:00:00:01"}
        nics = []
        for link in (first, second):
            own, other = (f"{link}.{side}" for side in (("r", "a") if router else ("a", "r")))
            ends = ((end, self.sockets / name) for end, name in (("local", own), ("remote", other)))
            wire = ",".join(f"{end}.type=unix,{end}.path={path}" for end, path in ends)
            nics.append((f"dgram,id={link},{wire}", link, macs[link]))
        if router and self.openwrt:
            return OpenWrt(name, self.directory, memory, nics, files, self.openwrt, self.feed)
        return Guest(name, self.directory, memory, nics, files)

    def boot(self) -> None:
        """Both machines up to their root shells, our files unpacked."""
        ConsoleLoggingReporter.start(str(self.directory))
        image = guest_image()
        for guest in (self.access, self.router):
            guest.power_on(image)
        for guest in (self.access, self.router):
            guest.log_in()
            guest.unpack()
        self.tell("two machines run")
        if isinstance(self.router, OpenWrt):
            self.router.install(self.tell)

    def start_access(self) -> None:
        """The access network: routers, servers and the internet behind them."""
        self.access.check(f"sh /lab/access/access start {self.line}", timeout=180)
        self.tell("the access network runs")

    def start_router(self) -> None:
        """OpenWrt's userland, or its stand-in."""
        if isinstance(self.router, OpenWrt):
            self.router.start(self.line)
        else:
            self.router.check("/sbin/openwrt-start", timeout=120)
        self.tell("the router runs")

    def start(self) -> None:
        """All three."""
        self.boot()
        self.start_access()
        self.start_router()

    def wait_until(self, good: Callable[[], object], timeout: float, what: str) -> object:
        """The first true value of good(); an error that names `what` otherwise."""
        return wait_until(good, timeout, what)

    def collect(self) -> None:
        """Logs and state of both machines, below the directory."""
        self.access.fetch("/var/log", self.directory / "access")
        self.router.fetch("/var/log /var/run/softwire /tmp/resolv.conf.d", self.directory / "router")

    def stop(self) -> None:
        """Pulls both plugs; whatever happened before, nothing is left running."""
        for guest in (self.router, self.access):
            guest.power_off()
            for leftover in (guest.out_disk, guest.files, self.directory / f"{guest.name}.yaml"):
                leftover.unlink(missing_ok=True)
        shutil.rmtree(self.sockets, ignore_errors=True)
        (self.directory / "initramfs").unlink(missing_ok=True)
        for folder in ("router-tree", "feed", "feed-stage"):
            shutil.rmtree(self.directory / folder, ignore_errors=True)


__all__ = ["Lab", "LabError", "addresses"]
