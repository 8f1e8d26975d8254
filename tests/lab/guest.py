# SPDX-License-Identifier: Apache-2.0
"""One machine of the lab: a QEMU guest without KVM, its serial console driven by labgrid, files in and out by disks."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import tarfile
import time
from pathlib import Path
from typing import Callable

from labgrid import Environment, Target
from labgrid.driver import QEMUDriver, ShellDriver

# The console's prompt.
PROMPT = r"root@[A-Za-z0-9_-]+:[^ ]*# "
# The kernel's. norandmaps: QEMU translates a page of code anew for each address that it is run at.
COMMAND_LINE = (
    "console=ttyS0 quiet tsc=reliable no_timer_check random.trust_cpu=on mitigations=off panic=-1 norandmaps"
)
OUT_DISK_SIZE = 64 << 20


class LabError(Exception):
    """The lab cannot go on; the text says what is missing or what was waited for."""


def need(command: str, package: str) -> str:
    """The command's path, or a plain message naming the Debian package that has it."""
    path = shutil.which(command)
    if not path:
        raise LabError(f"the command {command} is missing; Debian's package {package} has it")
    return path


def wait_until(good: Callable[[], object], timeout: float, what: str, step: float = 0.5) -> object:
    """The first true value of good(); LabError names `what` after `timeout` seconds, with the last error."""
    end = time.monotonic() + timeout
    while True:
        problem = ""
        try:
            value = good()
            if value:
                return value
        except (LabError, ValueError, KeyError, IndexError) as error:
            problem = f" (last: {error})"
        if time.monotonic() > end:
            raise LabError(f"waited {timeout:.0f} s in vain: {what}{problem}")
        time.sleep(step)


class Commands:
    """Something that runs shell commands."""

    def run(self, command: str, timeout: float = 60) -> tuple[str, int]:
        """The command's output (both streams) and exit status."""
        raise NotImplementedError

    def check(self, command: str, timeout: float = 60) -> str:
        """The output of a command that must succeed."""
        output, status = self.run(command, timeout)
        if status:
            raise LabError(f"{command!r} ended with status {status}: {output.strip()[-2000:]}")
        return output

    def wait_until(self, command: str, timeout: float, what: str) -> object:
        """Runs the command until it succeeds."""
        return wait_until(lambda: self.run(command)[1] == 0, timeout, what)

    def push(self, text: str, path: str) -> None:
        """Writes a file of some length, in pieces that a console takes."""
        self.check(f": > {path}")
        for start in range(0, len(text), 800):
            self.check(f"printf %s {shlex.quote(text[start : start + 800])} >> {path}")


class Namespace(Commands):
    """A network namespace of a guest."""

    def __init__(self, guest: Commands, name: str):
        self.guest = guest
        self.name = name

    def run(self, command: str, timeout: float = 60) -> tuple[str, int]:
        return self.guest.run(f"ip netns exec {self.name} sh -c {shlex.quote(command)}", timeout)


class Guest(Commands):
    """One QEMU machine; `nics` are whole -netdev texts with their MAC addresses."""

    prompt = PROMPT
    accelerator = "tcg,thread=multi"

    def __init__(
        self, name: str, directory: Path, memory: int, nics: list[tuple[str, str, str]], files: Path
    ):
        self.name = name
        self.directory = directory
        self.out_disk = directory / f"{name}.out"
        with self.out_disk.open("wb") as disk:
            disk.truncate(OUT_DISK_SIZE)
        self.memory = memory
        self.nics = nics
        self.files = files
        self.extra: list[str] = []
        self.disks: list[str] = []
        self.target: Target | None = None
        self.qemu: QEMUDriver | None = None
        self.shell: ShellDriver | None = None

    def disk(self, path: Path, name: str, options: str) -> list[str]:
        """Arguments for one more disk."""
        self.disks.append(name)
        drive = f"file={path},format=raw,if=none,id={name},{options}"
        return ["-drive", drive, "-device", f"virtio-blk-pci,drive={name},romfile="]

    def device(self, name: str) -> str:
        """How the guest calls the disk of this name."""
        return f"/dev/vd{'abc'[self.disks.index(name)]}"

    def system(self, image: Path) -> tuple[list[str], Path | None, str | None]:
        """Arguments for what boots, its kernel (None: the disk's own) and the kernel's command line."""
        arguments = ["-bios", "qboot.rom", "-initrd", str(image / "initrd.gz")]
        arguments += self.disk(image / "rootfs.squashfs", "root", "read-only=on,file.locking=off")
        return arguments, image / "vmlinux", f"{COMMAND_LINE} lab.hostname={self.name}"

    def power_on(self, image: Path) -> None:
        """Starts the machine; `image` is the lab's."""
        arguments = [
            "-accel",
            self.accelerator,
            "-smp",
            "1",
            "-nodefaults",
            "-no-user-config",
            "-no-reboot",
        ]
        arguments += ["-device", "virtio-rng-pci,romfile="]
        self.disks = []
        system, kernel, command_line = self.system(image)
        arguments += system
        arguments += self.disk(self.files, "files", "read-only=on")
        arguments += self.disk(self.out_disk, "out", "cache=unsafe")
        for netdev, name, mac in self.nics:
            arguments += ["-netdev", netdev, "-device", f"virtio-net-pci,netdev={name},mac={mac},romfile="]
        arguments += self.extra
        configuration = self.directory / f"{self.name}.yaml"
        configuration.write_text(
            f"tools:\n  qemu: {need('qemu-system-x86_64', 'qemu-system-x86')}\n"
            + (f"images:\n  kernel: {kernel}\n" if kernel else "")
            + f"targets:\n  {self.name}: {{}}\n",
            encoding="utf-8",
        )
        self.target = Target(self.name, env=Environment(str(configuration)))
        self.qemu = QEMUDriver(
            self.target,
            name=None,
            qemu_bin="qemu",
            machine="q35",
            cpu="max",
            memory=f"{self.memory}M",
            kernel="kernel" if kernel else None,
            boot_args=command_line,
            display="none",
            extra_args=shlex.join(arguments),
        )
        self.target.activate(self.qemu)
        # labgrid would wait for ever for a QEMU that ended at once.
        self.qemu._socket.settimeout(30)
        try:
            self.qemu.on()
        except TimeoutError:
            raise LabError("QEMU did not start; it says why on standard error") from None

    def log_in(self, timeout: int = 120) -> None:
        """Waits for the root shell on the serial console."""
        assert self.target
        self.shell = ShellDriver(
            self.target,
            name=None,
            prompt=self.prompt,
            login_prompt=r"login: $",
            username="root",
            console_ready=r"Please press Enter to activate this console",
            login_timeout=timeout,
        )
        self.target.activate(self.shell)

    def unpack(self) -> None:
        """The guest's files in their places."""
        self.check(f"tar -xf {self.device('files')} -C /")

    def power_off(self) -> None:
        """Pulls the plug; the root file system was never written to."""
        if self.target:
            self.target.cleanup()
            self.target = None

    def run(self, command: str, timeout: float = 60) -> tuple[str, int]:
        assert self.shell, f"{self.name} is off"
        if len(command) > 4000:
            raise LabError(f"a console takes 4095 characters a line; this command has {len(command)}")
        lines, _, status = self.shell.run(command, timeout=timeout, decodeerrors="replace")
        return "\n".join(lines) + "\n", status

    def link(self, name: str, up: bool) -> None:
        """Plugs or pulls the cable of the network card with this -netdev name."""
        assert self.qemu
        self.qemu.monitor_command("set_link", {"name": name, "up": up})

    def fetch(self, paths: str, into: Path) -> list[str]:
        """Copies files and folders of the guest below `into`, through a disk; the names of what came."""
        out = self.device("out")
        self.check(f"tar -cf - {paths} 2>/dev/null | dd of={out} bs=64k conv=fsync 2>/dev/null; sync")
        names = []
        with tarfile.open(fileobj=io.BytesIO(self.out_disk.read_bytes()), ignore_zeros=False) as archive:
            for member in archive.getmembers():
                name = re.sub(r"^(\.?/)+", "", member.name)
                if member.isfile() and ".." not in name.split("/"):
                    target = into / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    source = archive.extractfile(member)
                    assert source
                    target.write_bytes(source.read())
                    names.append(name)
        return names


class SystemdGuest(Guest):
    """With systemd as its first process, whose unit the console is; the image enables nothing else."""

    def system(self, image: Path) -> tuple[list[str], Path | None, str | None]:
        arguments, kernel, command_line = super().system(image)
        command_line = f"{command_line} init=/usr/lib/systemd/systemd systemd.hostname={self.name}"
        return arguments, kernel, command_line + " systemd.show_status=no"


def pack(tree: list[tuple[Path, str]], archive: Path) -> None:
    """Writes a tar with the files of each folder below its path in the guest, owned by root, modes kept."""

    def own(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if "__pycache__" in info.name or info.name.endswith(".pyc"):
            return None
        info.uid = info.gid = 0
        info.uname = info.gname = "root"
        return info

    # usr/merge: the guest's /lib, /bin and /sbin are links, which entries of that name would replace.
    with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as tar:
        for folder, prefix in tree:
            for path in sorted(folder.rglob("*")):
                if path.is_dir() or "__pycache__" in path.parts:
                    continue
                name = os.path.normpath(f"{prefix}/{path.relative_to(folder)}").lstrip("/")
                tar.add(path, arcname=name, filter=own)
