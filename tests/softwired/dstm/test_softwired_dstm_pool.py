# SPDX-License-Identifier: Apache-2.0
"""The pool under whatever may happen to it: an address, or a port of it, is one node's at a time, and none is lost."""

import contextlib
import ipaddress
import pathlib
import tempfile

import hypothesis
import pytest
from hypothesis import stateful
from hypothesis import strategies as st

from softwire import tsp
from softwired import configuration
from softwired.dstm import leases, options, slots
from softwired.dstm.leases import Leases, Request, metadata
from softwired.store import Store

NODES = [f"2001:db8:{number % 3}::{number:x}" for number in range(1, 13)]
TEPS = ["2001:db8:b::1", "2001:db8:b::2"]
POOLS = [
    {"addresses": ["198.51.100.0/29"], "exclude": ["198.51.100.3"], "teps": TEPS},
    {"addresses": ["203.0.113.4-203.0.113.4"], "ports_of_a_node": 16384, "teps": TEPS[:1]},
]
OTHER_POOLS = [{"addresses": ["198.51.100.2", "203.0.113.4"], "teps": TEPS}]


def values(name, url, pools, **more):
    table = {
        "name": name,
        "database": url,
        "mechanisms": ["ANONYMOUS"],
        "pool": pools,
        "tep": [{"address": one} for one in TEPS],
        **more,
    }
    return configuration.check("file", {"dstm": table}, {"dstm": options.TABLE}, {"dstm": options.TOGETHER})[
        "dstm"
    ]


class Routers:
    """Border routers as a server sees them; `away`: those that do not answer, and are gone."""

    def __init__(self, away=()):
        self.away = away

    def choose(self, teps):
        return next((one for one in teps if one not in self.away), teps[0])

    def answers(self, teps):
        return any(one not in self.away for one in teps)

    def gone(self, tep):
        return tep in self.away


class Broken(Exception):
    """The process died in the middle of a transaction."""


class PoolMachine(stateful.RuleBasedStateMachine):
    """Two servers with one store; each may be killed before or after a commit, and started anew."""

    url = ""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.where = self.url or f"sqlite:///{self.folder.name}/dstm.db"
        self.store = Store(self.where, metadata)
        metadata.drop_all(self.store.engine)
        self.store.create()
        self.now = [1e9, 1e9]
        self.pools = [POOLS, POOLS]
        # Border routers that nobody reaches now.
        self.away = set()
        self.servers = [self.made(0), self.made(1)]
        # What a node was told that it has: address, ports, until when by that server's clock.
        self.believed = {}
        # What the border routers were told to forget, and did not say yet that they did.
        self.deleting = {}

    def made(self, number):
        table = values(
            f"s{number}", self.where, self.pools[number], lifetime=100, limits={"leases_of_a_prefix": 3}
        )
        return Leases(table, lambda: self.now[number], Routers(self.away))

    def job(self, number, job, dies=False):
        """One transaction of a server, which may die before it is committed."""

        def run(connection):
            found = job(connection)
            if dies:
                raise Broken
            return found

        try:
            return self.store.run([run])[0]
        except Broken:
            self.servers[number].lost()
            return None

    def rows(self):
        return self.store.run([lambda connection: list(leases.all_leases(connection))])[0]

    servers_ = st.integers(0, 1)

    @stateful.rule(
        number=servers_,
        node=st.sampled_from(NODES),
        renews=st.booleans(),
        shares=st.booleans(),
        dies=st.booleans(),
        user=st.sampled_from(["", "ann"]),
    )
    def ask(self, number, node, renews, shares, dies, user):
        held = self.believed.get(node)
        wanted = held[0] if held and renews else None
        request = Request(node, "fe80::1", user, wanted, shares)
        result = self.job(number, lambda connection: self.servers[number].allocate(connection, request), dies)
        if result is None:
            return
        if result.ended:
            self.begin_end(result.ended)
        if result.lease:
            assert result.code == 0 and (wanted is None or result.lease.address == wanted)
            self.believed[node] = result.lease
            assert result.lease.serial not in self.deleting
            assert result.lease.ports is None or shares or wanted or held == result.lease or held
        else:
            assert result.code in (tsp.EXHAUSTED, tsp.UNAVAILABLE)
            if wanted is not None:
                # RFC: the node gives it up.
                self.believed.pop(node, None)

    def begin_end(self, lease):
        """Node and border router are told; the border router takes its time."""
        self.deleting[lease.serial] = lease
        if self.believed.get(lease.node) and self.believed[lease.node].serial == lease.serial:
            del self.believed[lease.node]

    @stateful.rule(number=servers_, dies=st.booleans())
    def look(self, number, dies):
        for lease in self.job(number, self.servers[number].due, dies) or ():
            assert lease.expires <= self.now[number]
            self.begin_end(lease)

    @stateful.rule(number=servers_, dies=st.booleans())
    def look_behind(self, number, dies):
        for lease in self.job(number, self.servers[number].unfinished, dies) or ():
            self.begin_end(lease)

    @stateful.rule(number=servers_, data=st.data(), dies=st.booleans())
    @stateful.precondition(lambda self: self.deleting)
    def acknowledge(self, number, data, dies):
        serial = data.draw(st.sampled_from(sorted(self.deleting)))
        if self.deleting[serial].tep in self.away:
            return
        self.job(number, lambda connection: self.servers[number].release(connection, serial), dies)
        if not dies:
            del self.deleting[serial]

    @stateful.rule(number=servers_, data=st.data(), dies=st.booleans())
    @stateful.precondition(lambda self: self.believed)
    def give_back(self, number, data, dies):
        node = data.draw(st.sampled_from(sorted(self.believed)))
        lease = self.believed[node]
        ended = self.job(
            number, lambda connection: self.servers[number].end_of(connection, node, lease.address), dies
        )
        if ended:
            self.begin_end(ended)

    @stateful.rule(seconds=st.sampled_from([1, 40, 130, 400]))
    def time_passes(self, seconds):
        self.now = [one + seconds for one in self.now]

    @stateful.rule(number=servers_, seconds=st.sampled_from([-500, -50, 50, 5000]))
    def clock_stepped_while_down(self, number, seconds):
        """At a start no clock is before the last lease."""
        self.now[number] = max(self.now[number] + seconds, self.store.run([self.servers[number].latest])[0])
        self.servers[number] = self.made(number)

    @stateful.rule(number=servers_, other=st.booleans())
    def configured_anew(self, number, other):
        self.pools[number] = OTHER_POOLS if other else POOLS
        self.servers[number].apply(
            values(
                f"s{number}", self.where, self.pools[number], lifetime=100, limits={"leases_of_a_prefix": 3}
            )
        )

    @stateful.rule(tep=st.sampled_from(TEPS))
    def lost_or_back(self, tep):
        """A border router; one that is lost acknowledges nothing."""
        self.away ^= {tep}

    @stateful.rule(number=servers_, dies=st.booleans())
    def move(self, number, dies):
        """Nodes at border routers that are gone, and of no pool any more, that are connected by TSP."""
        server = self.servers[number]
        for lease in self.job(number, server.misplaced, False) or ():
            assert (
                lease.tep in self.away
                or self.pools[number] is OTHER_POOLS
                or self.pools[1 - number] is OTHER_POOLS
            )
            self.job(number, lambda connection, lease=lease: server.cut(connection, [lease.serial]), dies)

    @stateful.rule(data=st.data())
    def revoked(self, data):
        rows = self.rows()
        if rows:
            address = data.draw(st.sampled_from(sorted({row.address for row in rows})))
            self.store.run([lambda connection: leases.revoke(connection, address, self.now[0])])

    @stateful.invariant()
    def one_node_at_a_time(self):
        """Of what nodes believe that they have and of what a border router may still carry, no two overlap."""
        taken = list(self.believed.values()) + list(self.deleting.values())
        seen = {}
        for lease in taken:
            for other in seen.get(lease.address, ()):
                apart = lease.last_port < other.first_port or other.last_port < lease.first_port
                assert apart or lease.serial == other.serial, (lease, other)
            seen.setdefault(lease.address, []).append(lease)

    @stateful.invariant()
    def the_store_knows(self):
        """Whatever a node was told is on the disk."""
        rows = {row.serial: row for row in self.rows()}
        for node, lease in self.believed.items():
            assert rows[lease.serial].node == node and not rows[lease.serial].ending
        for serial in self.deleting:
            assert serial not in rows or rows[serial].ending
        holders = [row.holder for row in rows.values() if row.holder]
        assert len(holders) == len(set(holders))
        for network in {leases.network_of(holder) for holder in holders}:
            assert sum(leases.network_of(holder) == network for holder in holders) <= 3

    def teardown(self):
        """None is lost: once all have ended, all are free."""
        self.now = [one + 1e6 for one in self.now]
        for server in self.servers:
            self.store.run([server.due, server.unfinished])
        for row in self.rows():
            self.store.run([lambda connection, row=row: self.servers[0].release(connection, row.serial)])
        fresh = Leases(values("s0", self.where, POOLS), lambda: self.now[0], Routers())
        self.store.run([fresh.fill])
        assert self.rows() == [] and [len(pool.free) for pool in fresh.slots.pools] == [5, 3]
        self.store.close()
        self.folder.cleanup()


PoolMachine.TestCase.settings = hypothesis.settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)
TestPool = PoolMachine.TestCase


def test_the_same_on_postgresql(postgres):
    class Machine(PoolMachine):
        url = postgres.url

    stateful.run_state_machine_as_test(
        Machine,
        settings=hypothesis.settings(
            max_examples=8, stateful_step_count=30, deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck), database=None,
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("192.0.2.0/24", "192.0.2.1", "192.0.2.254"),
        ("192.0.2.0/31", "192.0.2.0", "192.0.2.1"),
        ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("192.0.2.8-192.0.2.9", "192.0.2.8", "192.0.2.9"),
    ],
)
def test_ranges(text, first, last):
    assert slots.read_range(text) == (int(ipaddress.IPv4Address(first)), int(ipaddress.IPv4Address(last)))


@pytest.mark.parametrize(
    "text",
    [
        "192.0.2.1/24",
        "192.0.2.9-192.0.2.8",
        "x",
        "",
        7,
        "127.0.0.1",
        "224.0.0.0/24",
        "0.0.0.0/0",
        "2001:db8::/64",
    ],
)
def test_bad_ranges(text):
    with contextlib.suppress(AssertionError), pytest.raises(ValueError):
        slots.read_range(text)
        raise AssertionError(text)


def test_no_address_soon_again(tmp_path: pathlib.Path):
    """Nobody gets what somebody else had just now, while there is another one."""
    url = f"sqlite:///{tmp_path}/dstm.db"
    store = Store(url, metadata)
    store.create()
    table = values("s", url, [{"addresses": ["198.51.100.8/30"], "teps": TEPS}])

    def started():
        return Leases(table, lambda: 1e9, Routers())

    def ask(node):
        request = Request(node, "", "", None, False)
        return store.run([lambda connection: one.allocate(connection, request)])[0].lease

    def give_back(lease):
        store.run([lambda connection: one.end(connection, lease.serial)])
        store.run([lambda connection: one.release(connection, lease.serial)])

    one = started()
    first = ask("2001:db8::1")
    give_back(first)
    second = ask("2001:db8::2")
    third = ask("2001:db8::3")
    assert second.address != first.address == third.address
    # A server that is started anew remembers it.
    give_back(second)
    give_back(third)
    one = started()
    assert ask("2001:db8::4").address == second.address
    give_back(ask("2001:db8::4"))
    one = started()
    assert ask("2001:db8::4").address == third.address
    (row,) = store.run([lambda connection: leases.had(connection, first.address, 1e9 - 1)]) or [[]]
    assert row == []
    store.close()
