# SPDX-License-Identifier: Apache-2.0
"""make test's two runs at once: both count, both are told, and what fails in either fails the whole."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = "def test_good(): pass\n"
BAD = "def test_bad(): assert not 'told'\n"
SKIPPED = "import pytest\ndef test_skipped(): pytest.skip('not here')\n"
# Ends well only once the other one has begun.
WAITS = """import pathlib, time
def test_{own}():
    pathlib.Path("{own}").touch()
    end = time.monotonic() + 60
    while not pathlib.Path("{other}").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
"""
# Machines that are taken down whatever happens.
MACHINES = """import pathlib, pytest, time
@pytest.fixture
def machine():
    yield
    pathlib.Path("{own}.down").touch()
def test_{own}(machine):
    pathlib.Path("{own}").touch()
    time.sleep(60)
"""


def start(folder, first, second, *words):
    """A copy of the program at work, for it keeps its log beside itself; each text is a file of tests."""
    (folder / "tests").mkdir()
    (folder / "tests/beside.py").write_bytes((ROOT / "tests/beside.py").read_bytes())
    (folder / "pytest.ini").write_text("[pytest]\n")
    for name, text in (("first", first), ("second", second)):
        (folder / name).mkdir()
        (folder / name / f"test_{name}.py").write_text(text)
    command = [sys.executable, "tests/beside.py", "junit.xml", "first", "--", "second", "--", *words]
    environment = {**os.environ, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)


def outcome(folder, *given):
    """The exit status, what was told, and the last line of it without the time."""
    process = start(folder, *given)
    told, _ = process.communicate(timeout=120)
    return process.returncode, told, re.sub(r" in \d+ s", "", told.splitlines()[-1])


def test_at_the_same_time(tmp_path):
    first, second = (WAITS.format(own=own, other=other) for own, other in (("a", "b"), ("b", "a")))
    status, told, last = outcome(tmp_path, first, second)
    assert (status, last) == (0, "both runs: 2 passed")
    assert told.index("test_first.py") < told.index("test_second.py")


@pytest.mark.parametrize("bad", ["first", "second"])
def test_one_fails(tmp_path, bad):
    status, told, last = outcome(tmp_path, *(BAD if bad == name else SKIPPED for name in ("first", "second")))
    assert (status, last) == (1, "both runs: 1 failed, 1 skipped")
    assert "assert not 'told'" in told
    suites = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert [case.get("name") for case in suites.iter("testcase")] in (
        ["test_bad", "test_skipped"],
        ["test_skipped", "test_bad"],
    )
    assert not list(tmp_path.glob("junit.*.xml"))


def test_words_for_one_of_them(tmp_path):
    """With -k one of them may have nothing to run."""
    status, _, last = outcome(tmp_path, GOOD, BAD, "-k", "good")
    assert (status, last) == (0, "both runs: 1 passed")


def test_nothing_to_run(tmp_path):
    status, _, last = outcome(tmp_path, GOOD, GOOD, "-k", "neither")
    assert (status, last) == (5, "both runs: no tests ran")


def test_a_file_that_is_broken(tmp_path):
    status, _, last = outcome(tmp_path, GOOD, "import nothing_of_this_name\n")
    assert (status, last) == (2, "both runs: 1 passed, 1 errors")


def test_one_is_killed(tmp_path):
    status, told, _ = outcome(tmp_path, GOOD, "import os\ndef test_killed(): os.kill(os.getpid(), 9)\n")
    assert status == signal.SIGKILL
    assert "signal 9 ended the run of second, which is not counted" in told


def test_ended_from_outside(tmp_path):
    """Both take down what they have started, and both tell where they were."""
    process = start(tmp_path, MACHINES.format(own="a"), MACHINES.format(own="b"))
    end = time.monotonic() + 60
    while not all((tmp_path / name).exists() for name in "ab"):
        assert time.monotonic() < end
        time.sleep(0.02)
    process.terminate()
    told, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "first/test_first.py:" in told and "second/test_second.py:" in told
    assert (tmp_path / "a.down").exists() and (tmp_path / "b.down").exists()
