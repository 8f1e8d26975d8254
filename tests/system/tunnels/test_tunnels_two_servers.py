# SPDX-License-Identifier: Apache-2.0
"""Two servers share the tunnels of one database; one takes over what a dead one had."""

import signal

import pytest

from tests.softwired.network import until
from tests.system.tunnels.machine import Machine

LEASE = 4


@pytest.fixture
def servers(machine, tmp_path):
    """Both carry what is theirs; the second one's cables are pulled."""
    database = {"database": f"sqlite:///{tmp_path}/tunnels.db", "unreachable": 100000, "lease": LEASE}
    machine.configure(**database)
    (tmp_path / "two").mkdir()
    second = Machine(tmp_path / "two", machine)
    try:
        second.configure(name="two", **database)
        machine.start()
        second.start()
        yield machine, second
    finally:
        second.close()


def shares(machine, numbers):
    """Whose the tunnels are: {name of the server: their numbers}, once all are carried."""
    rows = [machine.row(number) for number in numbers]
    if any(one.carried != one.version or not one.server for one in rows):
        return None
    return {name: [one.id for one in rows if one.server == name] for name in {one.server for one in rows}}


def test_one_takes_over_what_a_killed_one_had(servers):
    first, second = servers
    made = [first.create(number) for number in range(1, 9)]
    numbers = [one.id for one in made]
    of = until(lambda: shares(first, numbers), "all are carried", 60)
    assert len(first.routes()) == 3 * len(of.get("one", [])) and of.get("one")
    assert len(second.routes()) == 3 * len(of.get("two", []))
    ours = first.row(of["one"][0])
    first.client(ours)
    assert first.reaches(ours.IPv6client)
    # Dead, with its cables; nobody tells the other one.
    first.stop(signal.SIGKILL)
    second.take_over()
    until(lambda: list(shares(second, numbers) or ()) == ["two"], "the second one has them all", 60)
    assert len(second.routes()) == 3 * len(numbers)
    until(lambda: second.reaches(ours.IPv6client), "the host's packets pass the second server", 30)
    # The first one is back: what is carried stays where it is; each is carried once.
    first.start()
    until(lambda: not first.routes(), "it has given up what is the other one's", 60)
    assert list(shares(first, numbers)) == ["two"]


def test_one_that_stops_leaves_at_once(servers):
    """A stop is no death: nobody waits for the lease."""
    first, second = servers
    one = first.create(1)
    owner, other = (first, second) if one.server == "one" else (second, first)
    owner.stop()
    until(lambda: other.row(one.id).server == other.values.name, "the other one has it", 30)
    until(lambda: len(other.routes()) == 3, "and carries it", 30)
