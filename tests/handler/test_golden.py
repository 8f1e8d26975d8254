# SPDX-License-Identifier: Apache-2.0
"""Every case of cases/ under busybox ash and dash: what the shell says to netifd and leaves on disk."""

import os
import pathlib

import pytest

from sandbox import SHELLS, Case, Sandbox

CASES = sorted(pathlib.Path(__file__).with_name("cases").glob("*.txt"))


@pytest.mark.parametrize("shell", os.environ.get("HANDLER_SHELLS", " ".join(SHELLS)).split())
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_case(case, shell, tmp_path):
    Case(case, Sandbox(tmp_path, shell)).run()
