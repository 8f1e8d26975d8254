# SPDX-License-Identifier: Apache-2.0
"""What OPENWRT_IMAGE is, told by its content before anything boots: a combined disk image (MBR or GPT, with the boot
header of Linux' Documentation/arch/x86/boot.rst in it), or a rootfs tarball, each as it is or packed by gzip."""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import tarfile
import typing
import zlib
from pathlib import Path

from tests.lab.guest import LabError

GZIP = b"\x1f\x8b"
# What people may have at hand instead: (offset, magic, name).
OTHERS = (
    (0, b"QFI\xfb", "a qcow2 image"),
    (0, b"KDMV", "a VMDK image"),
    (0x40, b"\x7f\x10\xda\xbe", "a VDI image"),
    (0x8001, b"CD001", "an ISO image"),
    (0, b"hsqs", "a squashfs root file system alone"),
    (0x438, b"\x53\xef", "an ext4 root file system alone"),
    (0, b"\xfd7zXZ", "packed by xz"),
    (0, b"\x28\xb5\x2f\xfd", "packed by zstd"),
    (0, b"PK\x03\x04", "packed by zip"),
)
RIGHT = "an x86-64 combined image (.img, .img.gz) or rootfs tarball (.tar, .tar.gz) is right"
# ELF's e_machine
X86_64 = 62
MACHINES = {3: "32-bit x86", 8: "MIPS", 20: "PowerPC", 40: "32-bit ARM", 183: "64-bit ARM", 243: "RISC-V"}
# Where a rootfs has a program of its own architecture.
PROGRAMS = "sbin/procd", "bin/busybox", "usr/sbin/procd", "usr/bin/busybox"
# The kernel lies in the first partition.
SEARCHED = 96 << 20


class Image(typing.NamedTuple):
    """One of the two: a whole disk, or a tarball with the kernel that it boots under."""

    disk: Path | None = None
    tarball: Path | None = None
    kernel: Path | None = None
    modules: Path | None = None
    # The machine's, in MB; None: as much as it takes.
    memory: int | None = None

    def about(self) -> str:
        if self.disk:
            return f"combined image {self.disk}"
        return f"rootfs tarball {self.tarball} under kernel {self.kernel}"


def gunzip(packed: Path, into: Path) -> Path:
    """Unpacks into a file of the same name without .gz; OpenWrt appends metadata to it, which is left out."""
    into.mkdir(parents=True, exist_ok=True)
    target = into / (packed.stem if packed.suffix == ".gz" else packed.name + ".unpacked")
    partial = target.with_name(target.name + ".part")
    stream = zlib.decompressobj(31)
    try:
        with packed.open("rb") as source, partial.open("wb") as sink:
            while not stream.eof and (octets := source.read(1 << 20)):
                # Holes stay holes.
                unpacked = stream.decompress(octets)
                if unpacked.count(0) == len(unpacked):
                    sink.seek(len(unpacked), os.SEEK_CUR)
                else:
                    sink.write(unpacked)
            sink.truncate()
    except zlib.error as error:
        raise LabError(f"IMAGE_CUT: {packed} cannot be unpacked: {error}") from None
    if not stream.eof:
        raise LabError(f"IMAGE_CUT: {packed} ends before its end: fetch it again")
    partial.replace(target)
    return target


def is_tarball(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def is_gpt(head: bytes) -> bool:
    return head[512:520] == b"EFI PART"


def is_disk(head: bytes) -> bool:
    return head[510:512] == b"\x55\xaa" or is_gpt(head)


def boots_64_bit(header: bytes) -> bool:
    """Of a kernel's first 4 KB: it has an entry for 64-bit machines (protocol 2.12's XLF_KERNEL_64)."""
    version, flags = struct.unpack_from("<H", header, 0x206)[0], struct.unpack_from("<H", header, 0x236)[0]
    return version >= 0x20C and bool(flags & 1)


def check_disk(disk: Path) -> None:
    """The disk has a kernel for x86-64."""
    other = ""
    with disk.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as octets:
        at = -1
        while (at := octets.find(b"HdrS", at + 1, SEARCHED)) >= 0:
            start = at - 0x202
            if start >= 0 and start % 512 == 0 and octets[at - 4 : at - 2] == b"\x55\xaa":
                if boots_64_bit(octets[start : start + 4096]):
                    return
                other = ", its kernel is one for 32-bit x86"
        at = -1
        while not other and (at := octets.find(b"ARM\x64", at + 1, SEARCHED)) >= 0:
            if at % 512 == 0x38:
                other = ", its kernel is one for 64-bit ARM"
    raise LabError(f"WRONG_ARCHITECTURE: {disk} has no kernel for x86-64{other}")


def partitions(disk: Path) -> list[tuple[int, int]]:
    """(start, end) of each in octets, as the table has them: of a GPT (UEFI specification, 5.3), else of the MBR."""
    with disk.open("rb") as file:
        head = file.read(1024)
        if not is_gpt(head):
            found = [struct.unpack_from("<II", head, at + 8) for at in range(446, 510, 16)]
            return [(start * 512, (start + size) * 512) for start, size in found if size]
        table, number, size = struct.unpack_from("<QII", head, 512 + 72)
        if table * 512 >= disk.stat().st_size or number > 1024 or not 128 <= size <= 4096:
            return []
        file.seek(table * 512)
        entries = [file.read(size) for _ in range(number)]
    # An entry without a type is none.
    used = [
        struct.unpack_from("<QQ", entry, 32) for entry in entries if len(entry) == size and any(entry[:16])
    ]
    return [(first * 512, (last + 1) * 512) for first, last in used]


def end_of(disk: Path) -> int:
    """Where its last partition ends, or where a GPT has its copy."""
    with disk.open("rb") as file:
        head = file.read(1024)
    if is_gpt(head):
        return (struct.unpack_from("<Q", head, 512 + 32)[0] + 1) * 512
    return max((end for _, end in partitions(disk)), default=0)


def padded(disk: Path, work: Path) -> Path:
    """The disk as long as its partitions: one built without TARGET_IMAGES_PAD ends with the squashfs, and OpenWrt's
    overlay lies behind that."""
    end = end_of(disk)
    if disk.stat().st_size >= end:
        return disk
    if disk.parent != work:
        work.mkdir(parents=True, exist_ok=True)
        disk = Path(shutil.copy(disk, work))
    os.truncate(disk, end)
    return disk


def machine_of(head: bytes) -> int | None:
    """The e_machine of an ELF file."""
    if head[:4] != b"\x7fELF" or len(head) < 20:
        return None
    return struct.unpack_from("<H" if head[5] == 1 else ">H", head, 18)[0]


def check_tarball(path: Path) -> None:
    """The tarball is whole, and the root of an OpenWrt for x86-64."""
    found, program = set(), None
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = os.path.normpath(member.name)
                found.add(name)
                if name in PROGRAMS and (member.isfile() or member.islnk()) and program is None:
                    file = archive.extractfile(member)
                    program = machine_of(file.read(64)) if file else None
            if archive.offset + 512 > path.stat().st_size:
                raise LabError(f"IMAGE_CUT: {path} ends before its end: fetch it again")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise LabError(f"IMAGE_CUT: {path} cannot be read as a tarball: {error}") from None
    missing = [name for name in ("sbin/init", "etc/openwrt_release") if name not in found]
    if missing or program is None:
        raise LabError(
            f"NOT_OPENWRT: {path} is a tarball without {' and '.join(missing or PROGRAMS[:2])}: "
            "the rootfs of an OpenWrt is right"
        )
    if program != X86_64:
        raise LabError(
            f"WRONG_ARCHITECTURE: {path} is for {MACHINES.get(program, f'ELF machine {program}')}: x86-64 is right"
        )


def check_kernel(path: Path) -> None:
    """A kernel that QEMU boots on x86-64: bzImage, or vmlinux."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head[0x202:0x206] == b"HdrS" and boots_64_bit(head):
        return
    if machine_of(head) == X86_64:
        return
    raise LabError(f"NOT_A_KERNEL: OPENWRT_KERNEL {path} is neither a bzImage nor a vmlinux for x86-64")


def given(environment: typing.Mapping[str, str], name: str) -> Path | None:
    """The path in this variable, if it has one."""
    text = environment.get(name)
    return Path(text).expanduser().absolute() if text else None


def named(environment: typing.Mapping[str, str]) -> Path:
    """The file that OPENWRT_IMAGE names; LabError."""
    path = given(environment, "OPENWRT_IMAGE")
    if path is None:
        raise LabError(f"NO_IMAGE: OPENWRT_IMAGE is not given: {RIGHT}; `make openwrt-image` fetches one")
    if not path.is_file():
        raise LabError(f"NO_IMAGE: OPENWRT_IMAGE {path} is not there: {RIGHT}")
    return path


def unpacked(path: Path, work: Path) -> tuple[Path, bool]:
    """The image, below `work` where it had to be unpacked, and whether it is a tarball, else a disk; LabError."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
    if head.startswith(GZIP):
        path = gunzip(path, work)
        with path.open("rb") as file:
            head = file.read(1 << 16)
    if not is_tarball(head) and not is_disk(head):
        names = [name for offset, magic, name in OTHERS if head[offset : offset + len(magic)] == magic]
        what = f"is {names[0]}" if names else "is neither a disk nor a tarball"
        raise LabError(f"NOT_AN_IMAGE: OPENWRT_IMAGE {path} {what}: {RIGHT}")
    return path, is_tarball(head)


def find(environment: typing.Mapping[str, str], work: Path) -> Image:
    """The image that the variables name; what is packed is unpacked below `work`. LabError says what is wrong."""
    path, tarball = unpacked(named(environment), work)
    if tarball:
        check_tarball(path)
        return rootfs(environment, path)
    check_disk(path)
    return Image(disk=padded(path, work), memory=memory(environment))


def memory(environment: typing.Mapping[str, str]) -> int | None:
    """The megabytes of OPENWRT_MEMORY."""
    text = environment.get("OPENWRT_MEMORY")
    if text and not (text.isascii() and text.isdigit() and int(text)):
        raise LabError(f"WRONG_MEMORY: OPENWRT_MEMORY '{text}': a number of megabytes is right")
    return int(text) if text else None


def rootfs(environment: typing.Mapping[str, str], path: Path) -> Image:
    """The tarball with the kernel that has to come with it."""
    if environment.get("OPENWRT_MEMORY"):
        raise LabError(
            "WRONG_MEMORY: a rootfs tarball is all in memory: OPENWRT_MEMORY is for a combined image alone"
        )
    kernel, modules = given(environment, "OPENWRT_KERNEL"), given(environment, "OPENWRT_MODULES")
    if kernel is None:
        raise LabError(
            "NO_KERNEL: a rootfs tarball has no kernel: OPENWRT_KERNEL=<bzImage or vmlinux for x86-64> gives one"
        )
    if not kernel.is_file():
        raise LabError(f"NO_KERNEL: OPENWRT_KERNEL {kernel} is not there")
    check_kernel(kernel)
    if modules is not None and not any(modules.rglob("*.ko*")):
        raise LabError(
            f"NO_MODULES: OPENWRT_MODULES {modules} has no kernel modules: lib/modules/<release> is right"
        )
    return Image(tarball=path, kernel=kernel, modules=modules)


def remove_unpacked(work: Path) -> None:
    """What find() unpacked."""
    shutil.rmtree(work, ignore_errors=True)
