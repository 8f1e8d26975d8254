# SPDX-License-Identifier: Apache-2.0
"""Every case of cases/ under busybox ash and dash: what the shell says to netifd and leaves on disk."""

import os
import pathlib

import pytest

import sandbox
from sandbox import SHELLS, Case, Sandbox

CASES = sorted(pathlib.Path(__file__).with_name("cases").glob("*.txt"))


@pytest.mark.parametrize("shell", os.environ.get("HANDLER_SHELLS", " ".join(SHELLS)).split())
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_case(case, shell, tmp_path):
    Case(case, Sandbox(tmp_path, shell)).run()


def test_a_mock_for_an_applet_leaves_busybox_alone(tmp_path, monkeypatch):
    """The search path's applets are links to what this machine runs."""
    busybox = tmp_path / "busybox"
    busybox.write_text("all applets")
    monkeypatch.setattr(sandbox, "find_program", lambda name: str(busybox))
    router = Sandbox(tmp_path / "router", "ash")
    router.program("sleep", "exit 0")
    assert busybox.read_text() == "all applets"
    assert (tmp_path / "router/bin/sleep").read_text() == "#!/bin/sh\nexit 0\n"
