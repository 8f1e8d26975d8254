# SPDX-License-Identifier: Apache-2.0
"""Makes an initramfs of a rootfs tarball, without unpacking it: cpio's newc format, as Linux'
Documentation/driver-api/early-userspace/buffer-format.rst has it. Modules lie flat, where OpenWrt's kmodloader looks.
"""

from __future__ import annotations

import gzip
import lzma
import os
import re
import stat
import tarfile
import typing
from pathlib import Path

from tests.lab.guest import LabError

HERE = Path(__file__).resolve().parent
# What the lab's machine itself is made of; loaded first where the kernel has it as modules.
MACHINE = "virtio_pci", "virtio_blk", "virtio_net", "virtio_rng"
# Parts of a kernel's module tree that a router may want; sound and graphics stay at home.
WANTED = re.compile(r"(^|/)(net|lib|crypto)/|/drivers/(virtio|block|net/[^/]*$|char/hw_random)")


class Archive:
    """A newc archive as it is written; parents come by themselves."""

    def __init__(self, file: typing.BinaryIO):
        self.file = file
        self.inode = 0
        self.directories: set[str] = set()

    def add(self, name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> None:
        """One entry; mode with its type."""
        parent = os.path.dirname(name)
        if parent and parent not in self.directories:
            self.add(parent, stat.S_IFDIR | 0o755)
        if stat.S_ISDIR(mode):
            self.directories.add(name)
        self._write(name, mode, data, device)

    def _write(self, name: str, mode: int, data: bytes, device: tuple[int, int]) -> None:
        self.inode += 1
        octets = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(octets), 0)
        self.file.write(b"070701" + b"".join(b"%08x" % field for field in fields) + octets)
        self.file.write(b"\0" * (-(110 + len(octets)) % 4) + data + b"\0" * (-len(data) % 4))

    def close(self) -> None:
        self._write("TRAILER!!!", 0, b"", (0, 0))


def add_tarball(archive: Archive, path: Path) -> None:
    """Everything that the tarball has, owned by root."""
    kinds = {
        tarfile.DIRTYPE: stat.S_IFDIR,
        tarfile.SYMTYPE: stat.S_IFLNK,
        tarfile.CHRTYPE: stat.S_IFCHR,
        tarfile.BLKTYPE: stat.S_IFBLK,
        tarfile.FIFOTYPE: stat.S_IFIFO,
    }
    with tarfile.open(path) as rootfs:
        for member in rootfs:
            name = os.path.normpath(member.name)
            if name == "." or name.startswith(("/", "..")):
                continue
            data = member.linkname.encode() if member.issym() else b""
            if member.isfile() or member.islnk():
                file = rootfs.extractfile(member)
                data = file.read() if file else b""
            kind = kinds.get(member.type, stat.S_IFREG)
            device = (member.devmajor, member.devminor) if member.isdev() else (0, 0)
            archive.add(name, kind | member.mode & 0o7777, data, device)


def read_module(path: Path) -> bytes:
    """A module as the kernel takes it."""
    octets = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(octets)
    if path.suffix == ".gz":
        return gzip.decompress(octets)
    if path.suffix != ".ko":
        raise LabError(f"NO_MODULES: {path} is packed in a way that is not known here: .ko, .ko.xz or .ko.gz")
    return octets


def add_modules(archive: Archive, folder: Path) -> None:
    """The modules of a kernel, below the release that the folder is called after."""
    places = {
        path.name.partition(".")[0].replace("-", "_"): path
        for path in sorted(folder.rglob("*.ko*"))
        if WANTED.search(str(path.relative_to(folder).parent) + "/" + path.name)
    }
    release = f"lib/modules/{folder.name}"
    for name, path in places.items():
        archive.add(f"{release}/{name}.ko", stat.S_IFREG | 0o644, read_module(path))
    builtin = folder / "modules.builtin"
    if builtin.is_file():
        archive.add(f"{release}/modules.builtin", stat.S_IFREG | 0o644, builtin.read_bytes())
    boot = "".join(f"{name}\n" for name in MACHINE if name in places)
    archive.add("etc/modules-boot.d/00-lab", stat.S_IFREG | 0o644, boot.encode())


def make(tarball: Path, modules: Path | None, path: Path) -> None:
    """Writes the initramfs: the tarball, modules, our first process, and the console that it speaks to."""
    with path.open("wb") as file:
        archive = Archive(file)
        add_tarball(archive, tarball)
        if modules:
            add_modules(archive, modules)
        archive.add("init", stat.S_IFREG | 0o755, (HERE / "init").read_bytes())
        archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
        archive.add("dev/null", stat.S_IFCHR | 0o666, device=(1, 3))
        archive.close()
