# SPDX-License-Identifier: Apache-2.0
"""Addresses under a CPython as OpenWrt's python3-light has it: without unicodedata, which is in python3-codecs."""

import pathlib
import subprocess
import sys

import pytest

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "src"
# None in sys.modules is to an import what a file that is not there is.
LIGHT = f"import sys; sys.path.insert(0, {str(SOURCES)!r}); sys.modules['unicodedata'] = None; "
USES = {
    "the endpoint": "from softwire.endpoint import present; print(present('::1'))",
    "the doctor": "from softwire.doctor.network import _address; print(_address(10, '::1') > ())",
    "the source": "from pyrad_lite.client import Client; print(not Client(server='::1').bind(('::1', 0)))",
    "the server": "from pyrad_lite.client import _resolve; print(_resolve('::1', 1812, 0) > [])",
}


def run(program):
    done = subprocess.run([sys.executable, "-B", "-c", LIGHT + program], capture_output=True, text=True)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_light():
    """What the others would miss is indeed missing."""
    assert run("import socket; socket.getaddrinfo('::1', 0)") == "LookupError: unknown encoding: idna"


@pytest.mark.parametrize("use", USES)
def test_address(use):
    assert run(USES[use]) == "True"
