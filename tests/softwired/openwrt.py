# SPDX-License-Identifier: Apache-2.0
"""A whole OpenWrt of its own in namespaces of this machine: procd, netifd, fw4, uhttpd of an image's rootfs, our
packages installed by its own opkg. Interpreter and iproute2 are this machine's: a rootfs has neither.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import tarfile
import time

from package.sdk import pack
from tests.lab.guest import LabError
from tests.lab.openwrt import root
from tests.softwired import network

HOST = "/host"
LOADER = os.path.realpath("/lib64/ld-linux-x86-64.so.2")
LIBRARIES = f"{HOST}/usr/lib/x86_64-linux-gnu"
# What OpenWrt has in packages that no rootfs has: this machine's, with its own libraries.
BORROWED = {"python3": "/usr/bin/python3", "ip": "/sbin/ip"}
PACKAGES = ("python3-light", "python3-ctypes", "ip-full", "kmod-ip6-tunnel")
PYTHON = f"PYTHONHOME={HOST}/usr"
# procd as the first process of its own, with as much of /dev as it takes.
BOOT = f"""
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
cd "$1"
mkdir -p proc sys dev tmp .{HOST}
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 tmpfs dev
mount -t tmpfs tmpfs tmp
mount --rbind -o ro / .{HOST}
for each in null:3 zero:5 full:7 random:8 urandom:9; do
	mknod -m 666 "dev/${{each%:*}}" c 1 "${{each#*:}}"
done
mkdir dev/pts dev/shm
: > dev/console
exec chroot . /sbin/init
"""


class NoOpenWrt(Exception):
    """Why there is none here."""


def tarball() -> pathlib.Path:
    """The rootfs of the image that OPENWRT_IMAGE names; NoOpenWrt."""
    if not os.environ.get("OPENWRT_IMAGE"):
        raise NoOpenWrt("OPENWRT_IMAGE names no OpenWrt for x86-64")
    if os.geteuid() != 0:
        raise NoOpenWrt("only root makes the devices that an OpenWrt wants")
    try:
        path = root.tarball(os.environ)
    except LabError as error:
        raise NoOpenWrt(str(error)) from None
    if "usr/lib/opkg/status" not in files(path):
        raise NoOpenWrt(f"OPENWRT_IMAGE {os.environ['OPENWRT_IMAGE']} has no opkg: one up to 24.10 is right")
    return path


def files(path: pathlib.Path) -> set[str]:
    """What a rootfs has."""
    with tarfile.open(path) as archive:
        return {name.removeprefix("./") for name in archive.getnames()}


class OpenWrt:
    """Runs in a network namespace that is there already; `files` are put over what the tarball has."""

    def __init__(self, namespace: network.Namespace, folder: pathlib.Path, files: dict[str, str]) -> None:
        self.root = folder / "openwrt"
        self.root.mkdir()
        subprocess.run(["tar", "-xf", str(tarball()), "-C", str(self.root)], check=True)
        for name, program in BORROWED.items():
            path = self.root / "usr/bin" / name
            if not path.exists():
                words = f"--library-path {LIBRARIES} {HOST}{os.path.realpath(program)}"
                path.write_text(f'#!/bin/sh\nexport {PYTHON}\nexec {HOST}{LOADER} {words} "$@"\n')
                path.chmod(0o755)
        with open(self.root / "usr/lib/opkg/status", "a") as status:
            for name in PACKAGES:
                status.write(
                    f"\nPackage: {name}\nVersion: 1\nStatus: install user installed\nArchitecture: all\n"
                )
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.log = open(folder / "openwrt.log", "w")  # noqa: SIM115
        isolated = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"]
        self.process = namespace.start(
            *isolated, "sh", "-c", BOOT, "sh", str(self.root), stdout=self.log, stderr=self.log
        )
        try:
            first = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            self.pid = network.until(first.read_text, "a first process").split()[0]
            program = pathlib.Path(f"/proc/{self.pid}/exe")
            network.until(lambda: program.readlink().name == "procd", "procd", 60)
        except (AssertionError, OSError):
            self.close()
            raise

    def run(self, command: str, patience: float = 60.0) -> tuple[int, str]:
        """(exit status, output) of a shell's command in it."""
        words = ["nsenter", "--target", self.pid, "--mount", "--pid", "--net", "--uts", "--ipc"]
        # ip-full's place is before busybox's.
        path = "PATH=/usr/bin:/usr/sbin:/sbin:/bin"
        done = subprocess.run(
            [*words, "env", "-i", path, "chroot", str(self.root), "/bin/ash", "-c", command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=patience,
        )
        return done.returncode, done.stdout

    def check(self, command: str, patience: float = 60.0) -> str:
        """The output of one that must succeed."""
        status, output = self.run(command, patience)
        assert status == 0, f"{command}: {output}"
        return output

    def up(self, name: str) -> None:
        """Waits until an interface of netifd's is up."""

        def look() -> bool:
            assert self.process.poll() is None, "procd ended"
            return "true" in self.run(f"ifstatus {name} 2>&1 | jsonfilter -e @.up")[1]

        # fw4 starts before netifd and learns a zone's devices when one of its interfaces comes up: here no LAN does.
        self.check("/etc/init.d/firewall reload")
        end = time.monotonic() + 90
        while not look():
            assert time.monotonic() < end, f"{name} is not up: {self.run('logread | tail -n 40')[1]}"
            time.sleep(0.5)

    def install(self, *names: str) -> None:
        """Packages of ours, in this order, by opkg; what they need of others is borrowed."""
        folder = self.root / "root/packages"
        folder.mkdir(parents=True, exist_ok=True)
        staged = {one.name: one for one in pack.stage(self.root.parent / "stage")}
        for name in names:
            path = pack.ipk(staged[name], folder)
            self.check(f"opkg install /root/packages/{path.name}")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()
