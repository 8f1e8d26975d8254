# SPDX-License-Identifier: Apache-2.0
"""The root file system out of combined images as OpenWrt lays them out, made here: MBR and GPT, squashfs and ext4."""

import gzip
import os
import struct
import subprocess
import tarfile

import pytest

from test_image import AARCH64, X86_64, program, rootfs
from tests.lab.guest import LabError
from tests.lab.openwrt import image, root

SECTOR = 512
BOOT, ROOT = 512, 5120
METADATA = b'{ "metadata_version": "1.1" }FWx0' + bytes(12)


def tree(folder, machine=X86_64):
    """What makes a rootfs one."""
    for name, octets in {
        "etc/openwrt_release": b"DISTRIB_ID='OpenWrt'\n",
        "sbin/procd": program(machine),
        "www/a file with blanks": b"x" * 70000,
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(octets)
        path.chmod(0o755)
    (folder / "sbin/init").symlink_to("procd")
    os.link(folder / "sbin/procd", folder / "sbin/again")
    return folder


def ext4(folder, tmp_path):
    """2 MB of it."""
    path = tmp_path / "file-system"
    path.unlink(missing_ok=True)
    subprocess.run(["mkfs.ext4", "-q", "-d", folder, path, "2M"], check=True)
    return path.read_bytes()


def squashfs(folder, tmp_path):
    """As OpenWrt's, and behind it, at the next 64 KB, what the router wrote."""
    path = tmp_path / "file-system"
    path.unlink(missing_ok=True)
    words = ["-nopad", "-noappend", "-comp", "xz", "-no-progress", "-quiet"]
    subprocess.run(["mksquashfs", folder, path, *words], check=True, stdout=subprocess.DEVNULL)
    octets = path.read_bytes()
    written = tmp_path / "overlay/upper/etc"
    written.mkdir(parents=True, exist_ok=True)
    (written / "openwrt_release").write_text("the router's own")
    return octets + bytes(-len(octets) % 65536) + ext4(tmp_path / "overlay", tmp_path)


def mbr(*places):
    """One that names these partitions, (type, first sector, sectors)."""
    octets = bytearray(SECTOR)
    octets[510:512] = b"\x55\xaa"
    for number, (kind, start, size) in enumerate(places):
        struct.pack_into("<4xB3xII", octets, 446 + 16 * number, kind, start, size)
    return bytes(octets)


def gpt(*places):
    """Head and table as OpenWrt's UEFI images have them: the loader's own is the last of 128 entries."""
    entries = [b"kind%012d" % start + bytes(16) + struct.pack("<QQ80x", start, start + size - 1)
               for _, start, size in places]  # fmt: skip
    table = (
        b"".join(entries)
        + bytes(128 * (127 - len(entries)))
        + b"loader".ljust(32)
        + struct.pack("<QQ80x", 34, 511)
    )
    head = b"EFI PART" + bytes(24) + struct.pack("<Q", 16383) + bytes(32) + struct.pack("<QII", 2, 128, 128)
    return mbr((0xEE, 1, 0xFFFFFFFF)) + head.ljust(SECTOR, b"\0") + table


def disk(boot, files, table=mbr):
    """A boot partition and one with the root."""
    octets = bytearray((ROOT + 8192) * SECTOR)
    head = table((0x83, BOOT, 4096), (0x83, ROOT, 8192))
    octets[: len(head)] = head
    octets[BOOT * SECTOR : BOOT * SECTOR + len(boot)] = boot
    octets[ROOT * SECTOR : ROOT * SECTOR + len(files)] = files
    return bytes(octets)


@pytest.fixture
def taken(tmp_path):
    """taken(octets): what tarball() says of such an image; its folder is `kept`."""

    def take(octets, name="openwrt image.img"):
        (tmp_path / name).write_bytes(octets)
        return root.tarball({"OPENWRT_IMAGE": str(tmp_path / name)}, tmp_path / "kept")

    return take


@pytest.mark.parametrize("table", [mbr, gpt], ids=["MBR", "GPT"])
@pytest.mark.parametrize("packed", [False, True], ids=["img", "img.gz"])
@pytest.mark.parametrize("kind", [ext4, squashfs])
def test_combined_image(taken, tmp_path, kind, packed, table):
    """The boot partition is an ext4, too, as that of older releases."""
    (tmp_path / "boot/grub").mkdir(parents=True)
    octets = disk(ext4(tmp_path / "boot", tmp_path), kind(tree(tmp_path / "tree"), tmp_path), table)
    found = taken(gzip.compress(octets) + METADATA if packed else octets)
    image.check_tarball(found)
    with tarfile.open(found) as archive:
        assert archive.extractfile("./etc/openwrt_release").read() == b"DISTRIB_ID='OpenWrt'\n"
        assert archive.extractfile("./www/a file with blanks").read() == b"x" * 70000
        assert archive.extractfile("./sbin/again").read() == program(X86_64)
        assert archive.getmember("./sbin/init").linkname == "procd"
        assert archive.getmember("./sbin/procd").mode == 0o755


def test_it_is_kept(taken, tmp_path):
    """By what is in the image: another of the same name is another."""
    octets = disk(b"", ext4(tree(tmp_path / "tree"), tmp_path))
    found = taken(octets)
    before = found.stat().st_mtime_ns
    assert taken(octets, "the same.img") == found and found.stat().st_mtime_ns == before
    (tmp_path / "tree/etc/more").touch()
    other = taken(disk(b"", ext4(tmp_path / "tree", tmp_path)))
    assert other != found
    assert sorted((tmp_path / "kept").iterdir()) == sorted([found, other])


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["tar", "tar.gz"])
def test_a_tarball_is_taken_as_it_is(taken, tmp_path, pack):
    assert taken(pack(rootfs()), "rootfs") == tmp_path / "rootfs"
    assert not (tmp_path / "kept").exists()


def test_unpadded(taken, tmp_path):
    """A disk may end with its squashfs."""
    files = squashfs(tree(tmp_path / "tree"), tmp_path)
    size = struct.unpack_from("<Q", files, 40)[0]
    with tarfile.open(taken(disk(b"", files)[: ROOT * SECTOR + size])) as archive:
        assert "./sbin/procd" in archive.getnames()


def test_wrong(taken, tmp_path):
    files = {kind: kind(tree(tmp_path / kind.__name__), tmp_path) for kind in (ext4, squashfs)}
    no_root = ext4(tmp_path / "overlay", tmp_path)
    foreign = ext4(tree(tmp_path / "foreign", AARCH64), tmp_path)
    for octets, told in (
        (disk(b"", b""), "NOT_OPENWRT: .* no partition"),
        (disk(no_root, no_root), "NOT_OPENWRT: .* no partition"),
        (disk(b"", foreign), "WRONG_ARCHITECTURE: .* 64-bit ARM"),
        (disk(b"", files[ext4])[: ROOT * SECTOR], "IMAGE_CUT: .* ends before its partition"),
        (disk(b"", files[ext4])[: ROOT * SECTOR + 4096], "IMAGE_CUT: .*debugfs: "),
        (disk(b"", files[squashfs])[: ROOT * SECTOR + 512], "IMAGE_CUT: .*unsquashfs: "),
        (gzip.compress(disk(b"", files[squashfs]))[:-20], "IMAGE_CUT: .* ends before its end"),
        (files[ext4], "NOT_AN_IMAGE: .* ext4 root file system alone"),
        (b"hello\n" * 200, "NOT_AN_IMAGE"),
    ):
        with pytest.raises(LabError, match=f"^{told}"):
            taken(octets)
        assert list((tmp_path / "kept").glob("*")) == []


def test_broken_tables(taken, tmp_path):
    """Of whatever a table says: no partition, or one that is not there."""
    whole = disk(b"", ext4(tree(tmp_path / "tree"), tmp_path), gpt)
    for at, form, values in (
        (SECTOR + 72, "<Q", (1 << 40,)),
        (SECTOR + 80, "<I", (0xFFFFFFFF,)),
        (SECTOR + 84, "<I", (0,)),
        (SECTOR + 84, "<I", (0xFFFFFFFF,)),
        (1024 + 32, "<QQ", ((1 << 64) - 1, 0)),
    ):
        octets = bytearray(whole)
        struct.pack_into(form, octets, at, *values)
        try:
            taken(octets)
        except LabError as error:
            assert str(error).startswith(("NOT_OPENWRT", "IMAGE_CUT")), error
