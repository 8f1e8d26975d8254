# SPDX-License-Identifier: Apache-2.0
"""What a plugin tells of a command that it began: whatever the command writes, and whatever becomes of its files."""

import os
import time

import pytest

from tests.luci.plugin import Plugin
from tests.luci.services import Softwired

# The first of no process: Linux' highest number is 2^22.
NOBODY = str((1 << 22) + 1)


@pytest.fixture(params=[Plugin, Softwired], ids=["softwire", "softwired"])
def plugin(request, tmp_path):
    """One of both; begin(): starts a command of the job `name`."""
    made = request.param(tmp_path)
    question, made.name = (
        (("look", {"interface": "wan"}), "status") if request.param is Plugin else (("check", {}), "check")
    )
    made.begin = lambda: made.call(question[0], **question[1])
    made.job = made.jobs / made.name
    yield made
    made.close()


def told(plugin, start=0):
    return plugin.call("output", job=plugin.name, **{"from": start})


def done(plugin, script):
    """Begins a command that does this, and waits for its end."""
    plugin.does(script)
    assert plugin.begin() == {"job": plugin.name}
    return plugin.output(plugin.name)


def test_offsets(plugin):
    done(plugin, "echo 0123456789")
    assert told(plugin, 8)["text"] == "89\n"
    for start in (11, 12, 1 << 31, 1 << 40, 1 << 53, 1 << 62):
        said = told(plugin, start)
        assert said["text"] == "" and said["done"] is True, start
    for start in (-1, -(1 << 62), 1.5, -0.5, 1e300, True, None, "0", [0], {}):
        said = plugin.ask("output", {"job": plugin.name, "from": start})
        # None: as if nothing had been given.
        assert said.get("error") == "BAD_REQUEST" or start is None and said["text"], (start, said)


def test_octets_that_are_no_text(plugin):
    """No octet is lost or told twice, whatever it is; ubus' texts end at an octet 0."""
    text, status = done(plugin, r"printf 'a\0b\377\376c\033\n'; exit 3")
    assert text == "a?b\ufffd\ufffdc\033\n" and status == 3
    assert told(plugin)["next"] == 8


@pytest.mark.parametrize("before", range(4))
def test_characters_are_not_cut(plugin, before):
    """Where one part ends and the next begins."""
    letters = "x" * before + "あé𠮷z" * 20000
    (plugin.root / "letters").write_text(letters)
    assert done(plugin, f"cat {plugin.root}/letters") == (letters, 0)


def test_octets_of_characters_without_an_end(plugin):
    (plugin.root / "letters").write_bytes(b"\xa0" * 70000 + b"\xe3" * 70000)
    text, status = done(plugin, f"cat {plugin.root}/letters")
    assert status == 0 and 140000 >= text.count("\ufffd") > 0
    assert told(plugin, 140000)["text"] == ""


def test_a_program_that_does_not_know_the_words(plugin):
    """As argparse ends one that is too old; the page has a sentence for it."""
    assert done(plugin, "echo 'usage: x' >&2; exit 2") == ("usage: x\n", 2)


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "nothing"])
@pytest.mark.parametrize("name", ["output", "status"])
def test_something_else_in_a_file_s_place(plugin, name, kind):
    """It is not read: neither what a link leads to, nor a pipe, which would stop all of rpcd."""
    (plugin.root / "secret").write_text("7")
    done(plugin, "echo text")
    path = plugin.job / name
    path.unlink()
    {
        "link": lambda: path.symlink_to(plugin.root / "secret"),
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "nothing": lambda: None,
    }[kind]()
    (plugin.job / "pid").write_text(NOBODY)
    assert told(plugin)["error"] == ("NO_JOB" if name == "output" else "KILLED")


def test_a_link_in_the_folder_s_place(plugin):
    """The next command takes the link away, and leaves alone what it leads to."""
    other = plugin.root / "other"
    other.mkdir()
    (other / "kept").write_text("x")
    plugin.jobs.mkdir(exist_ok=True)
    plugin.job.symlink_to(other)
    assert done(plugin, "echo text") == ("text\n", 0)
    assert [path.name for path in other.iterdir()] == ["kept"] and not plugin.job.is_symlink()


@pytest.mark.parametrize("status", ["", "x", "-1", "1.5", "0x1", "1e9999", "\0", "7 7", "NaN"])
def test_a_status_that_is_none(plugin, status):
    done(plugin, "true")
    (plugin.job / "status").write_text(status)
    (plugin.job / "pid").write_text(NOBODY)
    assert told(plugin)["error"] == "KILLED"


@pytest.mark.parametrize("pid", ["", "x", "../..", "self", NOBODY])
def test_one_that_was_killed(plugin, pid):
    """Nobody waits for its status any more."""
    done(plugin, "echo begun")
    (plugin.job / "status").unlink()
    (plugin.job / "pid").write_text(pid)
    assert told(plugin)["error"] == "KILLED"
    assert done(plugin, "echo anew") == ("anew\n", 0)


def test_who_has_begun_it(plugin):
    """A page sees from `run` that somebody else has begun the same command anew."""
    plugin.does(f"echo one; {plugin.gate}")
    plugin.begin()
    one = told(plugin)["run"]
    assert one and told(plugin)["run"] == one and plugin.begin()["error"] == "BUSY"
    plugin.open()
    plugin.output(plugin.name)
    assert told(plugin)["run"] == one
    done(plugin, "echo two")
    assert told(plugin)["run"] != one


def test_it_is_there_at_once(plugin):
    """Between the beginning and the end there is always an answer."""
    plugin.does("sleep 0.3; echo text")
    plugin.begin()
    end = time.monotonic() + 20
    while not (said := told(plugin)).get("done"):
        assert "error" not in said and time.monotonic() < end
    assert said["text"] == "text\n"
