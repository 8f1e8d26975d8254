# SPDX-License-Identifier: Apache-2.0
"""HB46PP over time: what is remembered, what a refresh touches, and servers that never come to an end."""

import json
import sys
import time

import pytest

from tests.methods.servers import HOST, ROOT
from tests.methods.test_hb46pp_servers import ANSWER, DSLITE, TOKEN, error, granted, ready
from tests.softwired import network

__all__ = ["ready"]
HTTP = f"v=v6mig-1 url=http://{HOST}/rule.cgi t=a"
SHARED = {
    "ttl": 3600,
    "order": ["lw4o6"],
    "lw4o6": {
        "lwaftr": "aftr.example",
        "ipv6": "2001:db8:1:0::/64",
        "ipv4": "203.0.113.16",
        "psid": 3,
        "psid_length": 8,
        "psid_offset": 4,
    },
}
# Seconds for one answer here, and what a slow machine needs beside it.
LONGEST, SLACK = 3, 12


@pytest.fixture
def hostile(line):
    """line, and a way to put the other server where the line's own should be."""
    line.resolve(HTTP)
    (line.folder / "limits").write_text(json.dumps({"longest": LONGEST}))

    def start(way):
        line.start("hostile", sys.executable, str(ROOT / "tests/methods/hostile.py"), network.SERVER, way)
        line.listens("hostile", "80", "-lnt")

    line.hostile = start
    return line


@pytest.mark.parametrize(
    "way, code",
    [
        ("silent", "NO_SERVER"),
        ("slow", "NO_SERVER"),
        ("headers", "BAD_ANSWER"),
        ("line", "BAD_ANSWER"),
        ("chunks", "BAD_ANSWER"),
        ("endless", "BAD_ANSWER"),
        ("cut", "BAD_ANSWER"),
    ],
)
def test_servers_without_an_end(hostile, way, code):
    hostile.hostile(way)
    started = time.monotonic()
    found = hostile.provision()
    assert error(found) == code
    assert 600 <= found["error"][2] <= 1800 and not found["error"][3]
    assert time.monotonic() - started < LONGEST + SLACK


def test_a_shared_address(ready):
    """lw4o6: the local address of RFC 7596 in the prefix that the server names, and the ports."""
    ready.answer(SHARED)
    tunnel = granted(ready.provision())
    assert tunnel["local"] == "2001:db8:1::cb00:7110:3" and tunnel["remote"] == "2001:db8:a::1"
    assert (tunnel["ipaddr"], tunnel["ports"]) == (["203.0.113.16/32"], [4, 8, 3])
    assert tunnel["refresh"] == 120


def test_what_stays_on_flash(ready):
    """With option persist the answer outlives a reboot, without the login, until somebody forgets it."""
    flash = ready.folder / "flash/wan.kept"
    ready.answer({**ANSWER, "token": TOKEN})
    ready.provision()
    assert not flash.exists()
    ready.provision(persist="1", user_name="user-1", password="pass_word")
    written = flash.stat().st_mtime_ns
    assert b"pass_word" not in flash.read_bytes() and flash.stat().st_mode & 0o77 == 0
    ready.provision(persist="1")
    assert flash.stat().st_mtime_ns == written, "what is the same is not written again"
    ready.asked()

    ready.stop("nginx")
    (ready.folder / "wan.kept").unlink()  # as a reboot does
    assert granted(ready.provision(persist="1"))["ipaddr"] == ["203.0.113.7/32"]
    assert error(ready.provision()) == "NO_SERVER", "without the option nobody looks there"
    ready.serve()
    (ready.folder / "wan.kept").unlink(missing_ok=True)
    ready.provision(persist="1")
    assert f"&token={TOKEN}" in ready.asked()[-1]

    assert ready.forget() == [str(ready.folder / "wan.kept"), str(flash)]
    ready.stop("nginx")
    assert error(ready.provision(persist="1")) == "NO_SERVER"


def test_what_another_version_remembered(ready):
    """An offer that this one does not know is none."""
    ready.provision()
    path = ready.folder / "wan.kept"
    path.write_text(path.read_text().replace('"ipip", [[', '"map_x", [['))
    ready.stop("nginx")
    assert error(ready.provision()) == "NOTHING_OFFERED"


def test_a_refresh(ready):
    """Within the name's lifetime nobody asks the server; the same data makes the same tunnel, other data another."""
    ready.answer(DSLITE)
    tunnels = ready.provision(refresh=[121, 3600])["tunnels"]
    assert len(tunnels) == 3 and {tunnel["remote"] for tunnel in tunnels} == {"2001:db8:a::1"}
    assert {tunnel["refresh"] for tunnel in tunnels} == {120}
    assert len(ready.asked()) == 2, "at first, and when its ttl was over"
