# SPDX-License-Identifier: Apache-2.0
"""The lab: an access network, a router, and a server where a line has one; machines wired to each other alone, for demo
and system tests."""

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
from tests.lab.server import Server

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/lab"
# Where packed OpenWrt images are unpacked.
UNPACKED = ROOT / "build/openwrt/unpacked"

# By end of a wire: access network, router, server.
MACS = {
    "line.a": "52:54:00:00:00:01",
    "line.r": addresses.WAN_MAC,
    "lan.a": "52:54:00:00:00:10",
    "lan.r": addresses.LAN_MAC,
    "server.a": "52:54:00:00:00:20",
    "server.s": "52:54:00:00:00:22",
}
# What a user of OpenWrt has before our package comes.
STAND_IN = ROOT / "tests/openwrt/root"
# Whom the provisioning server's certificate is for.
PROVISIONING_HOSTS = "DNS:vne.example,DNS:setup.vne.example"
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


def certify(folder: Path) -> None:
    """An authority of the lab's own: ca.pem, and the provisioning server's server.pem and server.key."""
    folder.mkdir()
    key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -x509 -days 30"
    for words in (
        f"req {key} -keyout ca.key -out ca.pem -subj /CN=lab",
        f"req {key} -keyout server.key -out server.pem -subj /CN=vne.example -CA ca.pem -CAkey ca.key"
        f" -addext subjectAltName={PROVISIONING_HOSTS} -addext basicConstraints=critical,CA:FALSE",
    ):
        command = [need("openssl", "openssl"), *words.split()]
        made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if made.returncode:
            raise LabError(f"the provisioning server's certificate could not be made: {made.stderr}")
    (folder / "ca.key").unlink()
    (folder / "server.key").chmod(0o644)


class Lab:
    """`access` and `router` are machines, `lanhost` is a host behind the router; logs and capture go to `directory`.

    line: the kind of line, a folder of lines/. `server` is the access network's third machine, for lines that have one.
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
        certify(directory / "authority")
        access_tree = [*ACCESS_TREE, (directory / "authority", "/lab/authority")]
        nics = [("line.a", "line.r"), ("lan.a", "lan.r"), ("server.a", "server.s")]
        self.access = Guest("access", directory, 384, self._wires(nics), self._pack("access", access_tree))
        self.access.extra = ["-object", f"filter-dump,id=capture,netdev=line,file={self.capture}"]
        lines.write(directory / "router-tree", line, bool(self.openwrt))
        # What the package ca-bundle brings, of the lab's one authority.
        bundle = directory / "router-tree/etc/ssl/certs/ca-certificates.crt"
        bundle.parent.mkdir(parents=True)
        shutil.copy(directory / "authority/ca.pem", bundle)
        # The line's configuration comes after the stand-in's own.
        tree = [*ROUTER_TREE, *([] if self.openwrt else [(STAND_IN, "/")]), (directory / "router-tree", "/")]
        if self.openwrt:
            self.feed = feeds.make(images.given(os.environ, "OPENWRT_FEED"), directory / "feed")
            tree += [(self.feed.folder, FEED), (self.feed.sources, SOURCES)]
        else:
            tree += self._packages()
        wires, files = self._wires([("lan.r", "lan.a"), ("line.r", "line.a")]), self._pack("router", tree)
        if self.openwrt:
            self.router: Guest = OpenWrt("router", directory, 256, wires, files, self.openwrt, self.feed)
        else:
            self.router = Guest("router", directory, 256, wires, files)
        self.server = Server(directory, self._wires([("server.s", "server.a")]))
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

    def _pack(self, name: str, tree: list[tuple[Path, str]]) -> Path:
        """What the machine unpacks."""
        files = self.directory / f"{name}.tar"
        pack([entry for entry in tree if entry[0].is_dir()], files)
        return files

    def _wires(self, ends: list[tuple[str, str]]) -> list[tuple[str, str, str]]:
        """A machine's network cards, each by its own end of a wire and the other one."""
        nics = []
        for own, other in ends:
            link = own.partition(".")[0]
            wire = f"local.type=unix,local.path={self.sockets / own},"
            wire += f"remote.type=unix,remote.path={self.sockets / other}"
            nics.append((f"dgram,id={link},{wire}", link, MACS[own]))
        return nics

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

    def start_server(self, line: str) -> None:
        """The access network's server, as this line has it."""
        self.server.start(guest_image(), line)
        self.tell("the server runs: " + ", ".join(self.server.units))

    def start_router(self) -> None:
        """OpenWrt's userland, or its stand-in."""
        if isinstance(self.router, OpenWrt):
            self.router.start(self.line)
        else:
            self.router.check("/sbin/openwrt-start", timeout=120)
        self.tell("the router runs")

    def start(self) -> None:
        """All of them."""
        self.boot()
        self.start_access()
        if lines.has_server(self.line):
            self.start_server(self.line)
        self.start_router()

    def wait_until(self, good: Callable[[], object], timeout: float, what: str) -> object:
        """The first true value of good(); an error that names `what` otherwise."""
        return wait_until(good, timeout, what)

    def collect(self) -> None:
        """Logs and state of the machines, below the directory."""
        self.access.fetch("/var/log", self.directory / "access")
        if self.server.shell:
            self.server.collect(self.directory / "server")
        self.router.fetch("/var/log /var/run/softwire /tmp/resolv.conf.d", self.directory / "router")

    def stop(self) -> None:
        """Pulls all plugs; whatever happened before, nothing is left running."""
        for guest in (self.router, self.access, self.server):
            guest.power_off()
            for leftover in (guest.out_disk, guest.files, self.directory / f"{guest.name}.yaml"):
                leftover.unlink(missing_ok=True)
        shutil.rmtree(self.sockets, ignore_errors=True)
        (self.directory / "initramfs").unlink(missing_ok=True)
        for folder in ("router-tree", "authority", "feed", "feed-stage", "packages"):
            shutil.rmtree(self.directory / folder, ignore_errors=True)


__all__ = ["Lab", "LabError", "addresses"]
