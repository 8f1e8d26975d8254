# SPDX-License-Identifier: Apache-2.0
"""A real OpenWrt x86-64 as the lab's router: boots the image, installs our package by the image's own package manager,
and configures it as README says. What goes wrong is a LabError that begins with its code."""

from __future__ import annotations

import os
import re
import shlex
import typing
from pathlib import Path

import pexpect

from tests.lab import addresses
from tests.lab.guest import COMMAND_LINE, PROMPT, Guest, LabError
from tests.lab.openwrt import initramfs
from tests.lab.openwrt.feed import VARIANTS, Feed
from tests.lab.openwrt.image import Image

# Where the files of Feed.folder lie on the router: in its memory, for its flash may be small.
FEED = "/tmp/lab/feed"
# Not ours, but some tests ask by them, and the bench measures one; installed where OPENWRT_FEED has them.
EXTRAS = re.compile(r"ip-full|curl|iputils-ping|ds-lite|map|python3-light|baresip(-mod-\w+)?")
BOOT_SECONDS = 240
CODES = "NO_FIREWALL_ZONE", "NO_MD5", "MISSING_PACKAGE", "BAD_CONFIG", "UNCOMMITTED", "CANNOT_WRITE"

# OpenWrt's shell cuts a line that is typed at 512 characters, and completes words at a tab; its `read` does neither.
PLAIN_SHELL = "while printf 'root''@{}:/# ' && IFS= read -r line; do eval \"$line\"; done"

OPKG_CONF = f"""dest root /
dest ram /tmp
lists_dir ext /tmp/lab/lists
option overlay_root /overlay
src/gz lab file://{FEED}/opkg
"""
# The image's own feeds are beyond reach, and asking them would only cost time.
OPKG = "OPKG_CONF_DIR=/tmp/lab/opkg opkg -f /tmp/lab/opkg.conf"
# Where all is in memory, as from a tarball, apk refuses files, which would be lost; on a console it draws a bar.
APK = "apk --no-network --repositories-file /dev/null --allow-untrusted --no-progress --force-non-repository"

# What package managers say: what nobody has, what there is no room for, what is there already.
NOBODY_HAS = re.compile(r"cannot find dependency (\S+) for|^\s*(\S+) \(no such package\)", re.M)
NO_ROOM = re.compile(r"Only have -?\d+kb available|No space left on device")
IS_THERE = re.compile(r"is up to date\.|^OK: ", re.M)


class OpenWrt(Guest):
    """The router, from an OpenWrt image; the image itself stays as it is."""

    # Some images colour it; at first there is no name.
    prompt = r"(?:\x1b\[[0-9;]*m)*root@[^ :]*:[^ ]*#(?:\x1b\[[0-9;]*m)* "

    def __init__(
        self,
        name: str,
        directory: Path,
        memory: int,
        nics: list[tuple[str, str, str]],
        files: Path,
        image: Image,
        feed: Feed,
    ):
        super().__init__(name, directory, image.memory or memory, nics, files)
        self.image = image
        self.feed = feed
        self.manager = ""
        self.release = ""
        self.package = ""

    def system(self, image: Path) -> tuple[list[str], Path | None, str | None]:
        if self.image.disk:
            # All that is written goes to a file of QEMU's own, in TMPDIR.
            return self.disk(self.image.disk, "root", "snapshot=on"), None, None
        assert self.image.tarball
        path = self.directory / "initramfs"
        initramfs.make(self.image.tarball, self.image.modules, path)
        # Once packed, once unpacked, once moved, and what it runs in.
        self.memory = 256 + 3 * path.stat().st_size // (1 << 20)
        return ["-initrd", str(path)], self.image.kernel, COMMAND_LINE

    def power_on(self, image: Path) -> None:
        before = os.environ.get("TMPDIR")
        os.environ["TMPDIR"] = str(self.directory)
        try:
            super().power_on(image)
        finally:
            os.environ.pop("TMPDIR")
            if before is not None:
                os.environ["TMPDIR"] = before
        # Nothing of what the image does by default shall be seen on the line.
        self.link("line", False)

    def log_in(self, timeout: int = BOOT_SECONDS) -> None:
        try:
            super().log_in(timeout)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            raise LabError(
                f"NO_SHELL: {self.image.about()} came to no root shell on ttyS0 within {timeout} s; "
                f"the console is in {self.directory}/console_{self.name}"
            ) from error
        assert self.shell
        self.shell.prompt = PROMPT
        self.shell.console.sendline(PLAIN_SHELL.format(self.name))
        self.shell.console.expect(PROMPT)
        self.shell._inject_run()
        # norandmaps, where the kernel's command line is the disk's own.
        self.run("echo 0 > /proc/sys/kernel/randomize_va_space")

    def run(self, command: str, timeout: float = 60) -> tuple[str, int]:
        if "\n" in command:
            text = command.replace("\\", "\\\\").replace("\n", "\\n")
            command = f'eval "$(printf %b {shlex.quote(text)})"'
        return super().run(command, timeout)

    def fetch(self, paths: str, into: Path) -> list[str]:
        # OpenWrt's log is in logd's memory alone.
        self.run("mkdir -p /var/log; logread > /var/log/messages")
        return super().fetch(paths, into)

    def unpack(self) -> None:
        self.release = self.identify()
        super().unpack()

    # The image

    def identify(self) -> str:
        """What it calls itself; LabError if it is no OpenWrt that the lab can use."""
        release, status = self.run(". /etc/openwrt_release && echo $DISTRIB_DESCRIPTION, $DISTRIB_ARCH")
        if status:
            raise LabError(f"NOT_OPENWRT: {self.image.about()} has no /etc/openwrt_release")
        architecture = self.check("uname -m").strip()
        if architecture != "x86_64":
            raise LabError(
                f"WRONG_ARCHITECTURE: {self.image.about()} runs on {architecture}: x86_64 is right"
            )
        devices = ["/sys/class/net/eth0", "/sys/class/net/eth1", self.device("files")]
        missing = [device for device in devices if self.run(f"test -e {device}")[1]]
        if missing:
            raise LabError(
                f"NO_VIRTIO: the kernel shows no {' and no '.join(missing)}: it lacks virtio_net or virtio_blk, "
                "which OPENWRT_MODULES may bring where the kernel has them as modules"
            )
        self.wait_until(
            "ifstatus lan | grep -q '\"up\": true'",
            BOOT_SECONDS,
            "interface lan of the image's own network is up",
        )
        for manager in "apk", "opkg":
            if self.run(f"command -v {manager}")[1] == 0:
                self.manager = manager
                return release.strip()
        raise LabError(f"NOT_OPENWRT: {self.image.about()} has neither apk nor opkg")

    # Packages

    def installed(self) -> set[str]:
        """The names of the packages that are there."""
        command = "apk info" if self.manager == "apk" else "opkg list-installed"
        return {line.split()[0] for line in self.check(command, 120).splitlines() if line.strip()}

    def version(self) -> str:
        """Of our package, as the package manager has it."""
        told = self.check("apk info -v" if self.manager == "apk" else "opkg list-installed", 120)
        found = re.search(rf"^{self.package}(?: - |-)(\d\S*)$", told, re.M)
        return found[1] if found else ""

    def choose(self, environment: typing.Mapping[str, str] = os.environ) -> str:
        """Our package for the interpreter that there is, or the one that SOFTWIRE_PACKAGE names."""
        forced = environment.get("SOFTWIRE_PACKAGE")
        if forced:
            if forced not in VARIANTS:
                raise LabError(
                    f"WRONG_PACKAGE: SOFTWIRE_PACKAGE '{forced}': {' or '.join(VARIANTS)} is right"
                )
            return forced
        names = self.installed() | self.feed.names.get(self.manager, set())
        if [name for name in names if re.fullmatch(r"micropython(-mbedtls|-nossl|-unix)?", name)]:
            return VARIANTS[0]
        if names & {"python3-light", "python3"}:
            return VARIANTS[1]
        raise LabError(
            "NO_INTERPRETER: neither the image nor OPENWRT_FEED has MicroPython or Python 3: a folder with the "
            "packages micropython-mbedtls and micropython-lib, or python3-light and what it needs, is right"
        )

    def prepare(self) -> None:
        """The feed known to the package manager."""
        if self.manager == "apk" and not self.feed.ours.get("apk"):
            raise LabError(f"NO_APK: the image's package manager is apk: {self.feed.no_apk}")
        if self.manager == "opkg":
            self.check(
                "mkdir -p /tmp/lab/opkg; grep -h '^arch' /etc/opkg.conf /etc/opkg/*.conf > /tmp/lab/opkg/arch.conf;"
                f" printf %s {shlex.quote(OPKG_CONF)} > /tmp/lab/opkg.conf"
            )
            if self.feed.indexed("opkg"):
                self.check(f"{OPKG} update", 120)

    def add(self, what: str) -> str:
        """Installs a package by name or path, of whatever version; what the package manager said."""
        if self.manager == "opkg":
            command = f"{OPKG} --force-downgrade install {what}"
        else:
            index = f"-X {FEED}/apk/packages.adb " if self.feed.indexed("apk") else ""
            command = f"{APK} {index}add {what}"
        said, status = self.run(command, 300)
        if status == 0:
            return said
        lacking = sorted({name for names in NOBODY_HAS.findall(said) for name in names if name})
        if lacking:
            raise LabError(
                f"MISSING_DEPENDENCY: neither the image nor OPENWRT_FEED has {', '.join(lacking)}, "
                f"which {what.rpartition('/')[2]} needs. {self.manager} said:\n{said.strip()}"
            )
        if NO_ROOM.search(said):
            room = self.run("df /overlay || df /")[0].strip()
            raise LabError(f"NO_ROOM: no room for {what.rpartition('/')[2]}:\n{room}\n{said.strip()}")
        raise LabError(f"NOT_INSTALLED: {command!r} ended with status {status}:\n{said.strip()}")

    def removal(self) -> str:
        """The command that removes our package."""
        return f"{OPKG} remove {self.package}" if self.manager == "opkg" else f"{APK} del {self.package}"

    def path_of(self, package: str, newer: bool = False) -> str:
        """Where our package, or a later version of it, lies on the router."""
        files = self.feed.newer if newer else self.feed.ours
        return f"{FEED}/{self.manager}/{files[self.manager][package]}"

    def install(self, tell: typing.Callable[[str], None]) -> None:
        """Our package and what it needs."""
        tell(f"the router is {self.release}")
        self.package = self.choose()
        before = self.installed()
        self.prepare()
        said = self.add(self.path_of(self.package))
        if self.package in before:
            tell(
                f"{self.package} is in the image: {'left as it is' if IS_THERE.search(said) else 'replaced'}"
            )
        extras = sorted(filter(EXTRAS.fullmatch, self.feed.names.get(self.manager, set()) - before))
        if extras:
            self.add(" ".join(extras))
        added = sorted(self.installed() - before)
        tell(f"{self.manager} installed {', '.join(added) or 'nothing'}")
        version, status = self.run("softwire --version")
        if status:
            raise LabError(f"NOT_INSTALLED: softwire --version ended with status {status}: {version.strip()}")

    # README's way from the image's default network to the softwire

    def configure(self) -> None:
        """`softwire configure` on the image's own configuration."""
        secrets = f"shared_secret={addresses.SHARED_SECRET}\npassword={addresses.PASSWORD}\n"
        self.check(f"umask 077; printf %s {shlex.quote(secrets)} > /tmp/lab/secrets")
        said, status = self.run(
            f"softwire configure softbank --wan eth1 --auth-server {addresses.RADIUS}"
            " --secrets /tmp/lab/secrets --yes",
            120,
        )
        self.check("rm /tmp/lab/secrets")
        found = re.findall(rf"(?:{'|'.join(CODES)}): .*", said)
        if found:
            raise LabError("\n".join(found))
        if status:
            raise LabError(f"NOT_CONFIGURED: softwire configure ended with status {status}: {said.strip()}")

    def start(self, line: str) -> None:
        """The line's configuration, and the cable put in."""
        self.configure()
        # What a line does not speak of is as the image has it; the usual line is as it was just configured.
        self.check("cp /etc/config/network /etc/lines/next-phone/network")
        self.check(
            "for line in /etc/lines/*; do [ ! -e $line/dhcp ] || mv $line/dhcp $line/own; cp /etc/config/dhcp $line/;"
            " [ ! -e $line/own ] || { uci -c $line -m import dhcp < $line/own && uci -c $line commit dhcp; };"
            " rm -f $line/own; done"
        )
        self.check(f"cp /etc/lines/{line}/* /etc/config/")
        self.check("/etc/init.d/network restart", 120)
        self.link("line", True)
