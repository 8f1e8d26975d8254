# SPDX-License-Identifier: Apache-2.0
"""The unit tests on the byte order and integer width of routers that are no PCs: Debian's MicroPython under qemu-user.

Debian has no big-endian 32-bit port any more (OpenWrt's mips is one), so s390x stands for the one, armhf for the other.
"""

import os
import pathlib
import shutil
import subprocess

import pytest

from tests.fuzz import outcomes

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
UNITTEST = REPOSITORY / "build/micropython-1.23"
ABOUT = "import sys; print(sys.byteorder, sys.maxsize.__class__.__name__, sys.maxsize)"


def run(arch, emulator, *arguments):
    """The finished process of that architecture's MicroPython."""
    root = REPOSITORY / "build/arch" / arch
    if not (root / "usr/bin/micropython").exists():
        pytest.skip(
            f"no MicroPython for {arch}: Debian's packages for it could not be had (see build/log/arch.log)"
        )
    emulator = shutil.which(emulator)
    assert emulator, "tests/setup.sh host installs qemu-user"
    return subprocess.run(
        [emulator, "-L", root, root / "usr/bin/micropython", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "MICROPYPATH": f"{REPOSITORY / 'src'}:{UNITTEST}"},
    )


# As run_micropython.py, whose folder is that of the unit tests.
HOSTILE = """import sys
sys.path[:0] = ["{0}/tests/fuzz", "{0}/tests/unit"]
import run_micropython
sys.exit(run_micropython.run("{0}/tests/fuzz", ["test_corpus"]))
"""


@pytest.mark.parametrize(
    ("arch", "emulator", "about"),
    [
        ("s390x", "qemu-s390x", "big int 9223372036854775807"),
        ("armhf", "qemu-arm", "little int 2147483647"),
    ],
)
def test_unit_tests_pass(arch, emulator, about):
    assert run(arch, emulator, "-c", ABOUT).stdout.strip() == about
    done = run(arch, emulator, REPOSITORY / "tests/unit/run_micropython.py")
    assert done.returncode == 0, done.stdout[-4000:]
    assert " 0 failed, 0 modules broken, " in done.stdout


@pytest.mark.parametrize(("arch", "emulator"), [("s390x", "qemu-s390x"), ("armhf", "qemu-arm")])
def test_bad_input_comes_out_the_same(arch, emulator):
    """Here with MicroPython's own sockets and MD5, and on armhf with the 1 MB of memory that a router has."""
    done = run(arch, emulator, "-c", HOSTILE.format(REPOSITORY))
    assert done.returncode == 0, done.stdout[-4000:]
    assert not outcomes.differing(done.stdout)
