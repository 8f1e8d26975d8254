# SPDX-License-Identifier: Apache-2.0
"""What the lab says of an OPENWRT_IMAGE before it boots: each wrong one has a code, a right one is known."""

import gzip
import io
import lzma
import os
import stat
import struct
import subprocess
import tarfile

import pytest

from tests.lab.guest import LabError
from tests.lab.openwrt import image, initramfs

X86_64, I386, AARCH64 = 62, 3, 183


def kernel(flags=1, version=0x20F):
    """The head of a bzImage: boot flag, magic, protocol, xloadflags."""
    head = bytearray(4096)
    head[0x1FE:0x200] = b"\x55\xaa"
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", head, 0x206, version)
    struct.pack_into("<H", head, 0x236, flags)
    return bytes(head)


def arm_kernel():
    head = bytearray(4096)
    head[0x38:0x3C] = b"ARM\x64"
    return bytes(head)


def disk(content):
    """A disk with a partition table, a loader that knows the magic as well, and something at 1 MB."""
    octets = bytearray(2 << 20)
    octets[510:512] = b"\x55\xaa"
    octets[5000:5004] = b"HdrS"
    octets[1 << 20 : (1 << 20) + len(content)] = content
    return bytes(octets)


def program(machine):
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 2, machine) + bytes(44)


def rootfs(machine=X86_64, without=()):
    """A tarball with what makes a rootfs one."""
    files = {
        "./etc/openwrt_release": b"DISTRIB_ID='OpenWrt'\n",
        "./sbin/init": program(machine),
        "./sbin/procd": program(machine),
    }
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, content in files.items():
            if name not in without:
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o755
                archive.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("./bin/sh")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        archive.addfile(link)
        hard = tarfile.TarInfo("./sbin/again")
        hard.type, hard.linkname = tarfile.LNKTYPE, "./sbin/procd"
        if "./sbin/procd" not in without:
            archive.addfile(hard)
    return data.getvalue()


@pytest.fixture
def find(tmp_path):
    """find(content, NAME=octets of a further file): what the lab takes it for."""

    def found(content, name="image", **others):
        variables = {"OPENWRT_IMAGE": str(tmp_path / name)}
        if content is not None:
            (tmp_path / name).write_bytes(content)
        for variable, octets in others.items():
            variables[variable] = str(tmp_path / variable)
            if octets is not None:
                (tmp_path / variable).write_bytes(octets)
        return image.find(variables, tmp_path / "unpacked")

    return found


def test_disk(find, tmp_path):
    assert find(disk(kernel())) == image.Image(disk=tmp_path / "image")


@pytest.mark.parametrize("end", ["MBR", "GPT"])
def test_unpadded_disk(find, tmp_path, end):
    """A copy is as long as the last partition, or as a GPT says; the image itself stays as it is."""
    octets = bytearray(disk(kernel()))
    if end == "MBR":
        struct.pack_into("<II", octets, 446 + 8, 2048, 1024)
        struct.pack_into("<II", octets, 446 + 16 + 8, 3072, 3072)
    else:
        struct.pack_into("<II", octets, 446 + 8, 1, 0xFFFFFFFF)
        octets[512:520] = b"EFI PART"
        struct.pack_into("<Q", octets, 512 + 32, 6143)
    found = find(octets).disk
    assert found == tmp_path / "unpacked/image"
    assert found.read_bytes() == octets + bytes(1 << 20)
    assert (tmp_path / "image").read_bytes() == octets
    packed = find(gzip.compress(octets), "openwrt.img.gz").disk
    assert packed.read_bytes() == octets + bytes(1 << 20)


def test_memory(tmp_path):
    """OPENWRT_MEMORY is the machine's; a tarball takes what it is large."""
    variables = {"OPENWRT_IMAGE": str(tmp_path / "image"), "OPENWRT_MEMORY": "64"}
    (tmp_path / "image").write_bytes(disk(kernel()))
    assert image.find(variables, tmp_path).memory == 64
    for wrong in "64M", "0", "-1":
        with pytest.raises(LabError, match="^WRONG_MEMORY: .* a number of megabytes"):
            image.find(variables | {"OPENWRT_MEMORY": wrong}, tmp_path)
    (tmp_path / "image").write_bytes(rootfs())
    with pytest.raises(LabError, match="^WRONG_MEMORY: .* combined image alone"):
        image.find(variables, tmp_path)


def test_packed_disk(find, tmp_path):
    """OpenWrt appends metadata to the packed image; the image itself stays as it is."""
    packed = gzip.compress(disk(kernel())) + b"\0metadata FWx0"
    found = find(packed, "openwrt.img.gz")
    assert found == image.Image(disk=tmp_path / "unpacked/openwrt.img")
    assert found.disk.read_bytes() == disk(kernel())
    assert (tmp_path / "openwrt.img.gz").read_bytes() == packed


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["tar", "tar.gz"])
@pytest.mark.parametrize("boots", [kernel(), program(X86_64)], ids=["bzImage", "vmlinux"])
def test_rootfs(find, tmp_path, pack, boots):
    found = find(pack(rootfs()), OPENWRT_KERNEL=boots)
    assert found.tarball.read_bytes() == rootfs()
    assert (found.disk, found.kernel, found.modules) == (None, tmp_path / "OPENWRT_KERNEL", None)


WRONG = {
    "absent": (None, {}, "NO_IMAGE"),
    "empty": (b"", {}, "NOT_AN_IMAGE: .* neither a disk nor a tarball"),
    "text": (b"hello\n" * 200, {}, "NOT_AN_IMAGE: .* neither a disk nor a tarball"),
    "qcow2": (b"QFI\xfb" + bytes(4096), {}, "NOT_AN_IMAGE: .* qcow2"),
    "xz": (lzma.compress(disk(kernel())), {}, "NOT_AN_IMAGE: .* xz"),
    "squashfs": (b"hsqs" + bytes(4096), {}, "NOT_AN_IMAGE: .* squashfs"),
    "cut": (gzip.compress(disk(kernel()))[:-9], {}, "IMAGE_CUT: .* ends before its end"),
    "cut early": (gzip.compress(disk(os.urandom(1 << 20)))[:70000], {}, "IMAGE_CUT"),
    "broken": (gzip.compress(os.urandom(4096))[:100] + bytes(5000), {}, "IMAGE_CUT: .* cannot be unpacked"),
    "no kernel": (disk(b""), {}, "WRONG_ARCHITECTURE: .* no kernel for x86-64$"),
    "ARM disk": (disk(arm_kernel()), {}, "WRONG_ARCHITECTURE: .* 64-bit ARM"),
    "32-bit disk": (disk(kernel(flags=0)), {}, "WRONG_ARCHITECTURE: .* 32-bit x86"),
    "old kernel": (disk(kernel(version=0x20A)), {}, "WRONG_ARCHITECTURE: .* 32-bit x86"),
    "rootfs, no kernel": (rootfs(), {}, "NO_KERNEL: .* OPENWRT_KERNEL=<"),
    "rootfs, absent kernel": (rootfs(), {"OPENWRT_KERNEL": None}, "NO_KERNEL: .* is not there"),
    "rootfs, wrong kernel": (rootfs(), {"OPENWRT_KERNEL": arm_kernel()}, "NOT_A_KERNEL"),
    "rootfs, empty kernel": (rootfs(), {"OPENWRT_KERNEL": b""}, "NOT_A_KERNEL"),
    "rootfs, no modules": (
        rootfs(),
        {"OPENWRT_KERNEL": kernel(), "OPENWRT_MODULES": b""},
        "NO_MODULES",
    ),
    "ARM rootfs": (rootfs(AARCH64), {}, "WRONG_ARCHITECTURE: .* is for 64-bit ARM"),
    "32-bit rootfs": (gzip.compress(rootfs(I386)), {}, "WRONG_ARCHITECTURE: .* is for 32-bit x86"),
    "other tarball": (rootfs(without=["./etc/openwrt_release"]), {}, "NOT_OPENWRT: .*etc/openwrt_release"),
    "empty tarball": (rootfs(without=["./sbin/procd"]), {}, "NOT_OPENWRT: .*sbin/procd"),
    "cut tarball": (rootfs()[:1500], {}, "IMAGE_CUT"),
    "cut between files": (rootfs()[:2048], {}, "IMAGE_CUT"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong(find, case):
    content, others, told = WRONG[case]
    with pytest.raises(LabError, match=f"^{told}"):
        find(content, **others)


def test_not_given():
    with pytest.raises(LabError, match="^NO_IMAGE: OPENWRT_IMAGE is not given"):
        image.find({}, None)


def test_initramfs(tmp_path):
    """cpio reads it: the tarball's files with their modes, links and hard links, modules flat, our first process."""
    tarball, modules, made = tmp_path / "rootfs.tar", tmp_path / "6.6.1", tmp_path / "initramfs"
    tarball.write_bytes(rootfs())
    for path, octets in {
        "kernel/drivers/net/virtio_net.ko": b"net",
        "kernel/drivers/virtio/virtio-rng.ko.xz": lzma.compress(b"rng"),
        "kernel/net/ipv6/ip6_tunnel.ko.gz": gzip.compress(b"tunnel"),
        "kernel/sound/core/snd.ko": b"sound",
    }.items():
        (modules / path).parent.mkdir(parents=True)
        (modules / path).write_bytes(octets)
    initramfs.make(tarball, modules, made)
    busybox = subprocess.run(
        ["busybox", "cpio", "-idm"], input=made.read_bytes(), cwd=tmp_path, capture_output=True, check=False
    )
    if os.geteuid() == 0:
        assert busybox.returncode == 0, busybox.stderr
        assert stat.S_ISCHR((tmp_path / "dev/console").stat().st_mode)
    assert (tmp_path / "sbin/again").read_bytes() == (tmp_path / "sbin/procd").read_bytes() == program(X86_64)
    assert (tmp_path / "sbin/init").stat().st_mode & 0o777 == 0o755
    assert os.readlink(tmp_path / "bin/sh") == "busybox"
    release = tmp_path / "lib/modules/6.6.1"
    assert {path.name: path.read_bytes() for path in release.iterdir()} == {
        "virtio_net.ko": b"net", "virtio_rng.ko": b"rng", "ip6_tunnel.ko": b"tunnel",
    }  # fmt: skip
    assert (tmp_path / "etc/modules-boot.d/00-lab").read_text() == "virtio_net\nvirtio_rng\n"
    assert (tmp_path / "init").read_text().startswith("#!/bin/sh\n")


def test_packed_otherwise(tmp_path):
    module = tmp_path / "6.6.1/kernel/net/x.ko.zst"
    module.parent.mkdir(parents=True)
    module.write_bytes(b"")
    (tmp_path / "rootfs.tar").write_bytes(rootfs())
    with pytest.raises(LabError, match="^NO_MODULES: .*x.ko.zst"):
        initramfs.make(tmp_path / "rootfs.tar", tmp_path / "6.6.1", tmp_path / "initramfs")
