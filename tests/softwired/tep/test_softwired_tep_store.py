# SPDX-License-Identifier: Apache-2.0
"""The border router's file: what is written is there after a crash, and what cannot be read or written says so."""

import ipaddress
import json
import os
import signal
import sqlite3
import subprocess
import sys

import pytest

from softwired.__main__ import main
from softwired.tep import sharing
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


def test_the_mappings_for_programs(tmp_path, capsys):
    """`softwired tep mappings --json`: a whole address, a range of ports, and what nobody knows the end of."""
    path = tmp_path / "tep.db"
    made = Store(str(path))
    node = Mapping(ipaddress.IPv6Address("2001:db8:c::1").packed, "2001:db8:53::1", 1000.5)
    whole = ipaddress.IPv4Address("198.51.100.7").packed
    ranged = ipaddress.IPv4Address("198.51.100.129").packed
    made.write(
        {
            whole: node._replace(server=""),
            sharing.slot(ranged, 4096): node,
            sharing.slot(whole, 2048): node,
        }
    )
    made.close()
    config = tmp_path / "softwired.toml"
    config.write_text(
        f'[tep]\naddress = "2001:db8:b::1"\nipv4 = "203.0.113.1"\nprefixes = ["198.51.100.0/24"]\n'
        f'servers = ["2001:db8:53::1"]\nfile = "{path}"\n'
        '[[tep.shared]]\nprefix = "198.51.100.128/25"\nports_of_a_node = 2048\n'
    )
    assert main(["--config", str(config), "tep", "mappings", "--json"]) == 0
    rows = {(row["address"], row["first_port"]): row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == {("198.51.100.7", None), ("198.51.100.7", 2048), ("198.51.100.129", 4096)}
    assert rows["198.51.100.129", 4096] == {
        "address": "198.51.100.129", "first_port": 4096, "last_port": 6143, "node": "2001:db8:c::1",
        "server": "2001:db8:53::1", "since": 1000.5,
    }  # fmt: skip
    assert rows["198.51.100.7", 2048]["last_port"] is None
    assert main(["--config", str(config), "tep", "mappings"]) == 0
    text = capsys.readouterr().out
    assert "198.51.100.129 ports 4096-6143  2001:db8:c::1  since " in text and "learned" in text
    assert "198.51.100.7 ports from 2048" in text
