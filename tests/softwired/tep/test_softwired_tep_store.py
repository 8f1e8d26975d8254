# SPDX-License-Identifier: Apache-2.0
"""The border router's file: what is written is there after a crash, and what cannot be read or written says so."""

import os
import signal
import sqlite3
import subprocess
import sys

import pytest

from softwired.tep.store import Mapping, Store, StoreError
from tests.softwired import network

ONE = Mapping(b"\x20" * 16, "2001:db8::53", 1.0)


def test_what_is_written_is_read(tmp_path):
    path = str(tmp_path / "tep ?#%.db")
    store = Store(path)
    store.write({b"\1\2\3\4": ONE, b"\1\2\3\5": ONE})
    store.write({b"\1\2\3\4": None, b"\1\2\3\5": ONE._replace(since=2.0)})
    assert Store(path, read_only=True).read() == {b"\1\2\3\5": ONE._replace(since=2.0)}


def test_a_process_that_is_killed_loses_nothing(tmp_path):
    text = (
        "import os, sys; from softwired.tep.store import Mapping, Store\n"
        "store = Store(sys.argv[1])\n"
        "for number in range(10000):\n"
        "    store.write({number.to_bytes(4, 'big'): Mapping(bytes(16), '', 0.0)})\n"
        "    os.write(1, b'%d\\n' % number)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", text, str(tmp_path / "x.db")],
        env={**os.environ, "PYTHONPATH": str(network.TREE / "src")},
        stdout=subprocess.PIPE,
    )
    lines = [process.stdout.readline() for _ in range(20)]
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.read().splitlines()
    process.wait()
    assert len(Store(str(tmp_path / "x.db")).read()) >= len([line for line in lines if line])


def test_one_that_cannot_be(tmp_path):
    with pytest.raises(StoreError, match="a file in a folder that the service may write to would be right"):
        Store(str(tmp_path / "none" / "tep.db"))
    with pytest.raises(StoreError):
        Store(str(tmp_path / "none.db"), read_only=True)
    (tmp_path / "text.db").write_text("no database, but a text that is long enough to be told from one" * 20)
    with pytest.raises(StoreError, match="not a database"):
        Store(str(tmp_path / "text.db"))


def test_one_of_another_version(tmp_path):
    path = str(tmp_path / "tep.db")
    Store(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="of version 99"):
        Store(path)


def test_all_or_none(tmp_path):
    store = Store(str(tmp_path / "tep.db"))
    store.write({b"\1\2\3\4": ONE})
    store.database.execute(
        "CREATE TRIGGER full BEFORE INSERT ON mapping BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    with pytest.raises(StoreError, match="full"):
        store.write({b"\1\2\3\4": None, b"\1\2\3\5": ONE})
    assert store.read() == {b"\1\2\3\4": ONE}
