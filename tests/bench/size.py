# SPDX-License-Identifier: Apache-2.0
"""What packages, methods and interpreters take: installed, in blocks, packed, and in a squashfs of OpenWrt's kind."""

import ast
import pathlib
import shutil
import subprocess

from package.sdk import pack as packages

BLOCK = 4096
SOURCES = pathlib.Path(__file__).resolve().parents[2] / "src"
METHODS = pathlib.Path("softwire/provisioning")
# What the lines of Japan's other operators need; one is made of the other.
TOGETHER = "auto", "dslite", "hb46pp"
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


def of_methods(package: packages.Package, work: pathlib.Path) -> dict[str, dict[str, int]]:
    """What each provisioning method adds to the package of bytecode: the modules that nothing else needs.

    What several add together has a name with blanks.
    """
    root = package.files / "usr/lib/softwire"
    known = {_name(path.relative_to(root)): path for path in root.rglob("*.mpy")}
    # A method's package is reached by its own name and, for people, by that of its explain.
    methods = {
        _name(path.relative_to(root)): {
            name for name in known if f"{name}.".startswith(_name(path.relative_to(root)) + ".")
        }
        for path in (root / METHODS).iterdir()
        if path.name[0] != "_"
    }
    whole = squashed(package.files, work)
    found = {}
    for group in [(name.rpartition(".")[2],) for name in sorted(methods)] + [TOGETHER]:
        mine = {name for name in methods if name.rpartition(".")[2] in group}
        others = set().union(*(modules for name, modules in methods.items() if name not in mine))
        needed = _reached({"softwire.__main__"} | others, known)
        reached = _reached(set().union(*(methods[name] for name in mine)), known)
        own = [known[name] for name in sorted(reached - needed)]
        copy = work / "without"
        shutil.copytree(package.files, copy)
        for path in own:
            (copy / path.relative_to(package.files)).unlink()
        found[" ".join(group)] = {
            "bytes": sum(path.stat().st_size for path in own),
            "squashfs": whole - squashed(copy, work),
        }
        shutil.rmtree(copy)
    return found


def _name(path: pathlib.Path) -> str:
    """The module of a path below its root."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _reached(names: set[str], known: dict[str, pathlib.Path]) -> set[str]:
    """These modules and all that they import, at whatever moment; methods are loaded by name."""
    found: set[str] = set()
    left = names & known.keys()
    while left:
        name = left.pop()
        found.add(name)
        stem = SOURCES.joinpath(*name.split("."))
        folder = name if stem.is_dir() else name.rpartition(".")[0]
        source = stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")
        imported = {name.rpartition(".")[0]}
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                # The sources know at most one dot.
                base = ".".join(filter(None, [folder if node.level else "", node.module]))
                imported |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
        left |= imported & known.keys() - found
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
