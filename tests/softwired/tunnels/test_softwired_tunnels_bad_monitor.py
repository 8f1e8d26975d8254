# SPDX-License-Identifier: Apache-2.0
"""Bad days of the monitor: killed at any step, its database locked, full or gone, no nameserver, a clock that is set.

A veth device stands where the tunnel device would be (standin.py); tests/system/tunnels has the kernel's own bad days.
"""

import random
import signal
import sqlite3
import subprocess
import time

import pytest

from softwired.tunnels import register
from tests.softwired import network
from tests.softwired.network import until
from tests.softwired.recovery import LONG, recovered
from tests.softwired.tunnels import nameservers, parts
from tests.softwired.tunnels.nameservers import ZONE
from tests.softwired.tunnels.standin import Standin

YEARS = 10 * 365.25 * 86400


@pytest.fixture
def machine(tmp_path):
    try:
        made = Standin(tmp_path)
    except network.NoNamespace as error:
        pytest.skip(str(error))
    made.configure(unreachable=100000)
    try:
        yield made
    finally:
        if made.process:
            assert "Traceback" not in made.log()
        made.close()


def wanted(machine, number, **changed):
    """Somebody wants a tunnel."""
    return machine.run(register.create, machine.values, parts.request(number, **changed), 1000.0)


def troubled(machine, word):
    """Whether the monitor says so."""
    return [one for one in machine.status()["problem"] if word in one]


def test_killed_at_any_step(machine):
    """While tunnels are made, moved, suspended and ended."""
    machine.configure("[tunnels.limits]\nof_a_network = 0\n", unreachable=100000)
    chance, made = random.Random(11), []
    machine.start()
    for turn in range(40 if LONG else 3):
        end = time.monotonic() + chance.uniform(0.0, 1.3)
        while time.monotonic() < end:
            made.append(wanted(machine, len(made)).id)
            one, other = chance.choice(made), chance.choice(made)
            for job, *words in (
                (register.end, one),
                (register.suspend, other, chance.random() < 0.5),
                (register.move, other, f"9.9.{len(made) >> 8}.{len(made) & 255}", "9.9.0.0/16", 2000.0),
            ):
                try:
                    machine.run(job, *words)
                except register.Refused:
                    pass  # it has ended
            time.sleep(0.03)
        machine.stop(signal.SIGKILL)
        # In a third of the cases also somebody who takes the tables away.
        if turn % 3 == 2:
            machine.server.run(*"nft flush ruleset".split())
        machine.start()
    machine.stop(signal.SIGKILL)
    began = time.monotonic()
    machine.start()
    recovered(
        "kill -9 of the monitor at any step",
        f"what is carried is carried on; {len(made)} tunnels asked for",
        machine.whole,
        began=began,
    )
    assert len(made) > 3


def test_database_locked(machine):
    """By another program, for longer than we are patient."""
    machine.start()
    machine.create(1)
    held = sqlite3.connect(machine.folder / "tunnels.db", isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    until(lambda: troubled(machine, "locked"), "the monitor tells it", 30)
    time.sleep(60 if LONG else 0)
    assert machine.process.poll() is None and len(machine.routes()) == 3
    held.execute("ROLLBACK")
    held.close()

    def good():
        return not troubled(machine, "database") and machine.whole()

    recovered("the database locked by another program", "the monitor says so; packets pass", good)
    machine.create(2)


def test_database_full(machine):
    """The file system that it is on has no room left."""
    place = machine.folder / "small"
    place.mkdir()
    machine.server.run("mount", "-t", "tmpfs", "-o", "size=700k", "none", str(place))
    machine.inside = True
    machine.configure(unreachable=100000, lease=3, database=f"sqlite:///{place}/tunnels.db")
    machine.start()
    machine.create(1)
    machine.server.start("sh", "-c", f"cat /dev/zero > {place}/other", stderr=subprocess.DEVNULL).wait()
    told = [wanted(machine, number) for number in (2, 3)]
    assert told == ["database or disk is full"] * 2, told
    until(lambda: troubled(machine, "full"), "the monitor tells it", 30)
    assert machine.process.poll() is None and len(machine.routes()) == 3
    machine.server.run("rm", f"{place}/other")
    recovered(
        "the file system of the database full",
        "the monitor says so; nobody gets a tunnel, packets pass",
        lambda: not troubled(machine, "database") and machine.whole(),
    )
    machine.create(4)


def test_postgresql_gone_and_back(machine, postgres):
    store = parts.Store(postgres.url, register.metadata)
    register.metadata.drop_all(store.engine)
    machine.configure(unreachable=100000, database=postgres.url)
    machine.start()
    machine.create(1)
    postgres.stop()
    until(lambda: troubled(machine, "database"), "the monitor tells it", 30)
    time.sleep(60 if LONG else 0)
    assert machine.process.poll() is None and len(machine.routes()) == 3
    postgres.start()
    machine.store.engine.dispose()
    recovered(
        "PostgreSQL gone and back",
        "the monitor says so; packets pass",
        lambda: not troubled(machine, "database") and machine.whole(),
    )
    machine.create(2)
    machine.stop()
    store.engine.dispose()
    machine.store.engine.dispose()
    register.metadata.drop_all(store.engine)
    store.close()


def test_no_nameserver_for_an_hour(machine):
    """An hour is a minute: the monitor's waits for it are a sixtieth of what they are."""
    machine.shorter = 60
    bind = nameservers.Nameserver("named", machine.folder / "bind").start(machine.server.enter)
    machine.configure(bind.table(), unreachable=100000)
    machine.start()
    machine.create(1)
    until(lambda: bind.ask(f"host1.jp.{ZONE}", "AAAA"), "its name resolves", 30)
    bind.stop()
    two, began = machine.create(2), time.monotonic()
    machine.run(register.end, 1)
    until(lambda: troubled(machine, "names wait") or troubled(machine, "of names"), "it is told", 30)
    asked = machine.counted("names_total", "failed")
    time.sleep(60 if LONG else 2)
    asked = machine.counted("names_total", "failed") - asked
    assert asked <= 2 * (time.monotonic() - began) + 2
    until(machine.whole, "what is carried follows all the same")
    bind.start(machine.server.enter)

    def good():
        return (
            bind.ask(f"host2.jp.{ZONE}", "AAAA") == [two.IPv6client]
            and bind.ask(f"host1.jp.{ZONE}", "AAAA") is None
            and not troubled(machine, "names")
        )

    hour = "an hour" if LONG else "two minutes"
    recovered(
        f"BIND down for {hour}, 60 times as fast",
        f"asked {asked} times; tunnels come and go",
        good,
    )
    bind.stop()


@pytest.mark.parametrize("way", ["forward", "back"])
def test_the_clock_is_set(machine, way):
    """By ten years: nobody's time is over by that, nor does anybody stay for ever."""
    machine.configure(unreachable=1, grace=20, interval=0.2, patience=0.1)
    machine.start()
    one = machine.create(1)
    until(lambda: machine.row().until, "it is warned of", 30)
    machine.set_clock(YEARS if way == "forward" else -YEARS)
    began = time.monotonic()
    until(lambda: "the clock was set" in machine.log(), "the monitor notices it")
    now = time.time() + (YEARS if way == "forward" else -YEARS)
    until(lambda: now - 5 < machine.row().until < now + 25, "the time that it has left is the same")
    recovered(
        f"the clock set {way} by ten years",
        "a silent tunnel keeps the time that it has left",
        lambda: machine.whole() and machine.row().state == register.ON,
        began=began,
    )
    two = machine.create(2)
    assert machine.row(one.id) and machine.row(two.id)
