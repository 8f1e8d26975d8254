# SPDX-License-Identifier: Apache-2.0
"""The resident client's wait on real FIFOs and sockets, and a configuration that cannot be read."""

import json
import os
import socket
import threading

import pytest

from softwire import client, state


@pytest.fixture
def run_directory(tmp_path, monkeypatch):
    """The files that the handler makes for interface wan over wan6."""
    monkeypatch.setattr(state, "RUN_DIR", str(tmp_path))
    (tmp_path / "wan@wan6").mkdir()
    for name in ("wake", "released"):
        os.mkfifo(tmp_path / "wan@wan6" / name)
    return tmp_path


def say(folder, words):
    """As the shell does: opened for reading too, it neither blocks nor needs a reader."""
    descriptor = os.open(folder / "wan@wan6/wake", os.O_RDWR)
    os.write(descriptor, words)
    return descriptor


def test_time_passes_without_a_word(run_directory):
    assert client.Wake("wan", "wan6").wait(0.01) == ([], [])


def test_every_word_that_came_is_told(run_directory):
    wake = client.Wake("wan", "wan6")
    os.close(say(run_directory, b"line\nrenew\nline\n"))
    assert wake.wait(9) == ([b"line", b"renew", b"line"], [])
    assert wake.wait(0) == ([], [])


def test_sockets_wake_as_words_do(run_directory):
    wake = client.Wake("wan", "wan6")
    ours, theirs = socket.socketpair()
    others = socket.socketpair()
    theirs.send(b"x")
    assert wake.wait(9, (others[0], ours)) == ([], [ours])
    os.close(say(run_directory, b"renew\n"))
    assert wake.wait(9, (others[0], ours)) == ([b"renew"], [ours])
    ours.recv(9)
    assert wake.wait(0, (others[0], ours)) == ([], [])
    # The connection's end is something that comes, too.
    theirs.close()
    assert wake.wait(9, (others[0], ours)) == ([], [ours])
    # What is not given is not waited for any more.
    assert wake.wait(0) == ([], [])


def test_handler_is_answered(run_directory):
    wake = client.Wake("wan", "wan6")
    # The handler moves the folder away before it says a word.
    os.rename(run_directory / "wan@wan6", run_directory / "gone")
    heard = []
    with open(run_directory / "gone/released", "r+b", buffering=0) as fifo:
        reader = threading.Thread(target=lambda: heard.append(fifo.readline()))
        reader.start()
        wake.released()
        reader.join(9)
    assert heard == [b"released\n"]


def test_fifo_of_another_setup_is_noticed(run_directory):
    wake = client.Wake("wan", "wan6")
    assert wake.is_ours()
    os.rename(run_directory / "wan@wan6", run_directory / "gone")
    assert not wake.is_ours()
    (run_directory / "wan@wan6").mkdir()
    os.mkfifo(run_directory / "wan@wan6/wake")
    assert not wake.is_ours()


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b'{ "tunlink": "wan6", "password": "p\xe9", "mtu": "1460" }', "option password: text in UTF-8"),
        (b'{ "auth_server": [ "2001:db8::1", "\xff" ] }', "text in UTF-8"),
        (b"\xff", "text in UTF-8"),
        (b'{ "tunlink": "wan6"', "no JSON object"),
        (b"[]", "no JSON object"),
    ],
)
def test_configuration_that_cannot_be_read_is_told_to_netifd(run_directory, monkeypatch, octets, told):
    (run_directory / "wan.config").write_bytes(octets)
    events, logged = [], []
    monkeypatch.setattr(client, "run_event", lambda *words: events.append(words))
    monkeypatch.setattr(client, "log", logged.append)
    assert client.main("wan") == 1
    event, parameters = events.pop()
    assert event == "failed" and parameters["ERROR_CODE"] == "BAD_CONFIG" and parameters["BLOCK"] == 1
    assert told in parameters["ERROR_TEXT"] and told in logged[0]


def test_configuration_that_is_not_there_is_waited_for(run_directory, monkeypatch):
    pauses, logged = [], []
    monkeypatch.setattr(client, "log", logged.append)
    monkeypatch.setattr(client.time, "sleep", pauses.append)
    monkeypatch.setattr(client, "run_event", lambda *words: pytest.fail("netifd was told"))
    assert client.main("wan") == 1
    assert pauses == [30] and "is /var/run full?" in logged[0]


def test_status_of_hundreds_of_routes_is_read(run_directory):
    """The form of one; the memory for it is the guest's business (tests/system)."""
    route = {"target": "2001:db8::", "mask": 64, "nexthop": "fe80::1", "source": "2001:db8:4000:300::/56"}
    status = {"up": True, "route": [route] * 300 + [{"target": "::", "mask": 0}]}
    assert client.Line("wan6", json.loads(json.dumps(status))).default_route
