# SPDX-License-Identifier: Apache-2.0
"""What the packages and the interpreters take: installed, in blocks, packed, and in a squashfs of OpenWrt's kind."""

import pathlib
import shutil
import subprocess

from package.sdk import pack as packages

BLOCK = 4096
# The guest's interpreters, with the libraries that a router has for nothing else: globs of files, or Debian's packages.
INTERPRETERS = {
    "MicroPython": ["usr/bin/micropython", "usr/lib/*/libffi.so.*"],
    "mbedTLS": ["usr/lib/*/libmbedcrypto.so.*", "usr/lib/*/libmbedtls.so.*", "usr/lib/*/libmbedx509.so.*"],
    "CPython": ["python3.*-minimal", "libpython3.*-minimal:*", "libpython3.*-stdlib:*"],
}


def of_packages(made: dict[str, packages.Package], work: pathlib.Path) -> dict[str, dict[str, int]]:
    """Each package packed for opkg and installed; flash file systems that pack count less."""
    found = {}
    for name, package in made.items():
        files = [path for path in package.files.rglob("*") if path.is_file()]
        modules = [path.stat().st_size for path in files if path.suffix in (".mpy", ".py")]
        found[name] = {
            "files": len(files),
            "bytes": sum(path.stat().st_size for path in files),
            "bytes_of_modules": sum(modules),
            "in_blocks": sum(-(-path.stat().st_size // BLOCK) * BLOCK for path in files),
            "packed": packages.ipk(package, work).stat().st_size,
            "squashfs": squashed(package.files, work),
        }
    return found


def of_interpreters(root: pathlib.Path, work: pathlib.Path) -> dict[str, dict[str, int]]:
    """The guest's interpreters, Debian's builds."""
    found = {}
    for name, wanted in INTERPRETERS.items():
        folder = work / "interpreter"
        for path in sorted(set(_files(root, wanted))):
            target = folder / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        files = [path for path in folder.rglob("*") if path.is_file()]
        found[name] = {
            "bytes": sum(path.stat().st_size for path in files),
            "squashfs": squashed(folder, work),
        }
        shutil.rmtree(folder)
    return found


def _files(root, wanted):
    for pattern in wanted:
        listed = list((root / "var/lib/dpkg/info").glob(pattern + ".list"))
        names = [line.lstrip("/") for path in listed for line in path.read_text().splitlines()]
        for path in [root / name for name in names] or root.glob(pattern):
            if path.is_file() and not path.is_symlink():
                yield path


def squashed(folder: pathlib.Path, work: pathlib.Path) -> int:
    """What the files add to an image of OpenWrt: squashfs with xz and blocks of 256 KB."""
    image = work / "squashfs"
    image.unlink(missing_ok=True)
    options = ["-comp", "xz", "-b", "256k", "-noappend", "-no-progress", "-quiet", "-nopad"]
    subprocess.run(["mksquashfs", str(folder), str(image), *options], check=True, stdout=subprocess.DEVNULL)
    return image.stat().st_size
