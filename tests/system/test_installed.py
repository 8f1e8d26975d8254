# SPDX-License-Identifier: Apache-2.0
"""The packages feed's own tests of our package, on the router that has its files."""

import re

import pytest

from tests.lab.lab import ROOT

VERSION = re.search(
    r"^PKG_VERSION:=(.*)$", (ROOT / "package/softwire/Makefile").read_text(), re.MULTILINE
).group(1)


@pytest.mark.parametrize("shell", ["busybox ash", "dash"])
@pytest.mark.parametrize("script", ["test.sh", "test-version.sh"])
def test_feed(line, script, shell):
    if line.router.run(f"command -v {shell.split()[0]}")[1]:
        pytest.skip(f"this router has no {shell}")
    told = line.router.check(f"PKG_NAME=softwire PKG_VERSION={VERSION} {shell} /lab/package/{script}")
    assert ("BAD_CONFIG: option password is missing" if script == "test.sh" else VERSION) in told
    assert not line.router.run("ls /var/run/softwire/testsh*")[0].startswith("/")


def test_the_modules_are_bytecode(line):
    """What runs is what is packed for MicroPython, no source beside it."""
    line.need("softwire")
    names = line.router.check("find /usr/lib/softwire -type f").split()
    assert names and all(name.endswith(".mpy") for name in names)
