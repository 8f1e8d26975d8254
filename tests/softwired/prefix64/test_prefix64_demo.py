# SPDX-License-Identifier: Apache-2.0
"""make demo SERVICE=prefix64, shorter: every step comes, and its exit status says so."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.softwired import network


@pytest.mark.skipif(not shutil.which("nft", path="/usr/sbin:/usr/bin"), reason="no nft here")
def test_the_demo():
    environment = {**os.environ, "PYTHONPATH": f"{network.TREE}/src"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.softwired.prefix64.demo", "--addresses", "20"],
        cwd=network.TREE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
    )
    if done.returncode == 2:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    for step in (
        "nobody answers",
        'answer = "yes" is needed',
        "You called: 2001:db8:1::78",
        "local 2001:db8:1::/64 dev lo",
        "what is left of it in the kernel: nothing",
        "every address answered",
    ):
        assert step in done.stdout, done.stdout
