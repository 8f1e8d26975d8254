# SPDX-License-Identifier: Apache-2.0
"""The root file system of an OPENWRT_IMAGE as a tarball, for tests that boot no machine: out of a combined image it is
taken by unsquashfs or debugfs, which need no mount. An overlay behind it is left out."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
import typing
from pathlib import Path

from tests.lab.guest import LabError
from tests.lab.openwrt import image

FOLDER = Path(__file__).resolve().parents[3] / "build/openwrt/root"


def identity(path: Path) -> str:
    """The file's SHA-256."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while octets := file.read(1 << 20):
            digest.update(octets)
    return digest.hexdigest()


def taker(disk: Path, start: int) -> list[str] | None:
    """The command that takes a partition's files out into a folder `root`; None: neither squashfs nor ext4."""
    with disk.open("rb") as file:
        file.seek(start)
        head = file.read(2048)
    if head[:4] == b"hsqs":
        words = "unsquashfs -quiet -no-progress -no-xattrs -force -dest root -offset".split()
        return [*words, str(start), str(disk)]
    if head[0x438:0x43A] == b"\x53\xef":
        return ["debugfs", "-R", "rdump / root", f"{disk}?offset={start}"]
    return None


def take(words: list[str], work: Path) -> str:
    """Runs it; what it complains of, other than that nobody but root may give files away."""
    done = subprocess.run(
        words, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    lines = [line for line in done.stdout.splitlines() if line.strip() and not line.startswith("debugfs 1.")]
    return "; ".join(line for line in lines if "changing ownership" not in line)[-300:]


def extract(disk: Path, work: Path) -> Path:
    """The files of its root partition, in a folder below `work`; LabError."""
    root = work / "root"
    for start, _ in image.partitions(disk):
        if start >= disk.stat().st_size:
            raise LabError(f"IMAGE_CUT: {disk} ends before its partition at {start}: fetch it again")
        words = taker(disk, start)
        if words is None:
            continue
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        complaint = take(words, work)
        if complaint:
            raise LabError(f"IMAGE_CUT: {disk}, partition at {start}: {words[0]}: {complaint}")
        # A boot partition may be an ext4, too.
        if (root / "etc/openwrt_release").is_file():
            return root
    raise LabError(f"NOT_OPENWRT: {disk} has no partition, squashfs or ext4, with the root of an OpenWrt")


def is_tarball(path: Path) -> bool:
    """In whatever way it is packed; zeros alone, as some file systems begin with, are an empty one."""
    try:
        with tarfile.open(path) as archive:
            return archive.next() is not None
    except (tarfile.TarError, EOFError, OSError):
        return False


def tarball(environment: typing.Mapping[str, str], folder: Path = FOLDER) -> Path:
    """OPENWRT_IMAGE itself where it is a tarball; else the one that is made of it once, and kept; LabError."""
    path = image.named(environment)
    if is_tarball(path):
        return path
    made = folder / f"{identity(path)}.tar"
    if made.is_file():
        return made
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        disk, _ = image.unpacked(path, Path(work))
        root, partial = extract(disk, Path(work)), Path(work) / "root.tar"
        subprocess.run(["tar", "-cf", str(partial), "-C", str(root), "."], check=True)
        image.check_tarball(partial)
        partial.replace(made)
    return made
