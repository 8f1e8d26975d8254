# SPDX-License-Identifier: Apache-2.0
"""The packages that go into a real OpenWrt: ours as `make ipk` and `make apk` make them, and those of OPENWRT_FEED with
an index, so that the image's own package manager finds what ours depend on."""

from __future__ import annotations

import gzip
import io
import re
import shutil
import subprocess
import tarfile
import typing
from pathlib import Path

from package.sdk import pack
from tests.lab.guest import LabError

VARIANTS = "softwire", "softwire-python3"
SUFFIXES = {".ipk": "opkg", ".apk": "apk"}
# For upgrades.
NEWER = "99.0.0-r1"


class Feed(typing.NamedTuple):
    """What lies in the folder that goes to the router: a folder a package manager, with an index if there is a feed."""

    folder: Path
    ours: dict[str, dict[str, str]]  # file names, by package manager and package
    newer: dict[str, dict[str, str]]  # the same files under a later version
    names: dict[str, set[str]]  # what the feed has, by package manager
    sources: Path  # what the package for Python 3 has in /usr/lib/softwire
    no_apk: str = ""  # why there is nothing for apk

    def indexed(self, manager: str) -> bool:
        return bool(self.names.get(manager))


def read_control(path: Path) -> str:
    """The control file of an .ipk."""
    try:
        with tarfile.open(path, "r:gz") as outer:
            inner = outer.extractfile(next(m for m in outer if m.name.endswith("control.tar.gz")))
            assert inner
            octets = inner.read()
        with tarfile.open(fileobj=io.BytesIO(octets), mode="r:gz") as control:
            file = control.extractfile(next(m for m in control if m.name in ("./control", "control")))
            assert file
            return file.read().decode()
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, OSError, StopIteration, AssertionError) as error:
        raise LabError(
            f"BAD_PACKAGE: {path} cannot be read as an .ipk: {error or 'no control file'}"
        ) from None


def names_in(control: str) -> set[str]:
    """The name of a package, and those that it provides."""
    fields = dict(line.split(": ", 1) for line in control.splitlines() if re.match(r"\S+: ", line))
    words = [fields.get("Package", ""), *fields.get("Provides", "").split(",")]
    return {word.split("=")[0].strip() for word in words} - {""}


def check(folder: Path | None) -> list[Path]:
    """The packages that the folder has; LabError if there is no such folder, or nothing in it."""
    if folder is None:
        return []
    if not folder.is_dir():
        raise LabError(
            f"NO_FEED: OPENWRT_FEED {folder} is not there: a folder with .ipk or .apk files is right"
        )
    found = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    if not found:
        raise LabError(f"NO_FEED: OPENWRT_FEED {folder} has no .ipk and no .apk file")
    return found


def index_ipk(folder: Path, paths: list[Path]) -> set[str]:
    """Copies the packages, writes their index; what they are called."""
    names, stanzas = set(), []
    for path in paths:
        control = read_control(path)
        names |= names_in(control)
        stanzas.append(pack.stanza(control, Path(shutil.copy(path, folder))))
    pack.write_index(stanzas, folder)
    return names


def index_apk(folder: Path, paths: list[Path], tool: str) -> set[str]:
    """The same for apk."""
    copies = [shutil.copy(path, folder) for path in paths]
    listing = folder / "packages.adb"
    try:
        pack.run_apk([tool, "mkndx", "--allow-untrusted", "--output", str(listing), *map(str, copies)])
    except pack.PackError as error:
        raise LabError(f"BAD_PACKAGE: OPENWRT_FEED: {error}") from None
    told = subprocess.run([tool, "adbdump", str(listing)], capture_output=True, text=True).stdout
    provided = re.findall(r"^      - ([^\s=<>~]+)", told, re.M)
    return {*re.findall(r"^  - name: (\S+)", told, re.M), *provided}


def make(given: Path | None, work: Path) -> Feed:
    """Everything for the router, below `work`."""
    paths = check(given)
    shutil.rmtree(work, ignore_errors=True)
    for manager in SUFFIXES.values():
        (work / manager).mkdir(parents=True)
    stage = work.with_name(work.name + "-stage")
    feed = Feed(work, {}, {}, {}, stage / VARIANTS[1] / "files/usr/lib/softwire")
    theirs = {suffix: [path for path in paths if path.suffix == suffix] for suffix in SUFFIXES}
    try:
        packages = [package for package in pack.stage(stage) if package.name in VARIANTS]
        newer = [package._replace(fields={**package.fields, "version": NEWER}) for package in packages]
        feed.ours["opkg"] = {package.name: pack.ipk(package, work / "opkg").name for package in packages}
        feed.newer["opkg"] = {package.name: pack.ipk(package, work / "opkg").name for package in newer}
        if theirs[".ipk"]:
            feed.names["opkg"] = index_ipk(work / "opkg", theirs[".ipk"])
        try:
            tool = pack.find_apk()
        except pack.PackError as error:
            return feed._replace(no_apk=str(error))
        feed.ours["apk"] = {package.name: pack.apk(package, tool, work / "apk").name for package in packages}
        feed.newer["apk"] = {package.name: pack.apk(package, tool, work / "apk").name for package in newer}
        if theirs[".apk"]:
            feed.names["apk"] = index_apk(work / "apk", theirs[".apk"], tool)
    except pack.PackError as error:
        raise LabError(str(error)) from error
    return feed
