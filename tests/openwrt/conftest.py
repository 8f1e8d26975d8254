# SPDX-License-Identifier: Apache-2.0
"""What real netifd said, and the shells that the stand-in's scripts must run under."""

import os
import shutil
import subprocess

import pytest

from openwrt_root import HERE, ROOT

SHELLS = {"dash": ["dash"], "ash": ["busybox", "ash"]}


@pytest.fixture
def recorded():
    """Text of a file that real netifd of OpenWrt 24.10 said."""
    return lambda name: (HERE / "recorded" / name).read_text(encoding="utf-8")


@pytest.fixture(params=sorted(SHELLS))
def shell(request):
    """run(script) -> standard output, under dash or busybox ash, with the stand-in's commands first in
    PATH."""
    command = SHELLS[request.param]
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    environment = dict(os.environ, PATH=f"{ROOT}/usr/bin:{os.environ['PATH']}", ROOT=str(ROOT))

    def run(script):
        done = subprocess.run(
            command + ["-c", script],
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return done.stdout

    return run
