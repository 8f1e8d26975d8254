# SPDX-License-Identifier: Apache-2.0
"""The database of the tunnels: the draft's fields, numbers, limits, what a monitor finds, shares of several servers."""

import sqlite3
import threading
import types

import pytest
import sqlalchemy

from softwired import store as store_module
from softwired.tunnels import names, pools, register
from tests.softwired.tunnels import parts

FIELDS = "IPv4client IPv6client IPv6server device nicname creation_time unreachable".split()


def create(database, values, number=1, now=1000.0, **changed):
    return database.run(
        [lambda connection: register.create(connection, values, parts.request(number, **changed), now)]
    )[0]


def run(database, job, *words):
    return database.run([lambda connection: job(connection, *words)])[0]


def settle(database, name="one", how=parts.no_names):
    """As a monitor does; what it found."""

    def job(connection):
        register.renew(connection, name, 10000.0)
        register.share(connection, name, 5000.0)
        found = register.changed(connection, name)
        register.settle(connection, found, how)
        return found

    return database.run([job])[0]


def test_the_fields_of_the_draft(database, values, tmp_path):
    """By their names, for whoever reads the database with another program."""
    create(database, values)
    with sqlite3.connect(tmp_path / "tunnels.db") as plain:
        row = plain.execute(f"SELECT {', '.join(FIELDS)} FROM tunnels_tunnel").fetchone()
    assert row == ("198.51.100.2", "2001:db8:1:1::2", "2001:db8:1:1::1", "tunnels", "host1", 1000.0, -1)
    assert settle(database)[0].unreachable == -1
    assert run(database, register.by_id, 1).unreachable == 0
    assert not settle(database)


def test_numbers_rest_and_come_again(database, tmp_path):
    values = parts.values(tmp_path, "tunnels = 3\n[tunnels.limits]\nof_a_network = 0\n")
    for number in (1, 2, 3):
        assert create(database, values, number).number == number
    settle(database)
    with pytest.raises(register.Refused, match=register.FULL):
        create(database, values, 4)
    assert run(database, register.end, 2) and not run(database, register.end, 2)
    # Its addresses are nobody else's before the monitor has taken it down.
    with pytest.raises(register.Refused, match=register.FULL):
        create(database, values, 4)
    assert [one.id for one in settle(database)] == [2]
    made = create(database, values, 4)
    assert (made.id, made.number, made.IPv6client) == (4, 2, "2001:db8:1:2::2")
    run(database, register.end, 1)
    settle(database)
    assert create(database, values, 5).number == 1


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"ipv4": "198.51.100.2"}, register.TAKEN),
        ({"nicname": "host1"}, register.NICNAME),
        ({"asker": "198.51.100.2", "network": "x"}, register.PERSON),
        ({}, register.NETWORK),
    ],
)
def test_refused(database, tmp_path, changed, why):
    values = parts.values(tmp_path, "[tunnels.limits]\nof_a_person = 1\nof_a_network = 1\n")
    create(database, values)
    with pytest.raises(register.Refused, match=f"^{why}$"):
        create(database, values, 2, **changed)
    assert create(database, values, 2, nicname="host1", country="fr", network="203.0.113.0/24")


def test_the_same_form_twice(database, values):
    assert create(database, values) == create(database, values)
    assert len(run(database, register.all_tunnels)) == 1


def test_a_thousand_at_once(tmp_path):
    """From several threads, as the page has them: no address is given twice, none is lost."""
    values = parts.values(tmp_path, "tunnels = 900\n[tunnels.limits]\nof_a_network = 0\n")
    store = parts.store(values.database)
    got, refused = [], []

    def work(part):
        for number in range(part, 1000, 4):
            try:
                got.append(create(store, values, number))
            except register.Refused as error:
                refused.append(str(error))

    threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    store.close()
    assert sorted(one.number for one in got) == list(range(1, 901))
    assert refused == [register.FULL] * 100
    assert len({one.IPv6client for one in got}) == 900


def test_moved(database, values):
    create(database, values)
    create(database, values, 2)
    settle(database)
    with pytest.raises(register.Refused, match=register.TAKEN):
        run(database, register.move, 1, "198.51.100.3", "198.51.100.0/24", 2000.0)
    assert not run(database, register.move, 1, "198.51.100.2", "198.51.100.0/24", 2000.0)
    assert run(database, register.move, 1, "203.0.113.9", "203.0.113.0/24", 2000.0)
    (found,) = settle(database)
    assert (found.IPv4client, found.network, found.moved) == ("203.0.113.9", "203.0.113.0/24", 2000.0)


def test_unreachable_is_counted_warned_of_and_ends(database, values):
    create(database, values)
    create(database, values, 2)
    settle(database)
    for _ in range(3):
        run(database, register.heard, "one", [2], [1], 3000.0)
    assert [one.unreachable for one in run(database, register.all_tunnels)] == [3, 0]
    assert not run(database, register.warn, "one", 3, 4000.0)
    run(database, register.heard, "one", [2], [1], 3000.0)
    (warned,) = run(database, register.warn, "one", 3, 4000.0)
    assert (warned.id, warned.until) == (1, 4000.0) and not run(database, register.warn, "one", 3, 4001.0)
    # It answers, and stays.
    run(database, register.heard, "one", [1, 2], [], 3500.0)
    assert run(database, register.expire, "one", 4000.0) == 0
    for _ in range(4):
        run(database, register.heard, "one", [2], [1], 3600.0)
    run(database, register.warn, "one", 3, 4600.0)
    run(database, register.shift, "one", 100.0)
    assert run(database, register.expire, "one", 4600.0) == 0
    assert run(database, register.expire, "one", 4700.0) == 1
    assert settle(database)[0].state == register.ENDING
    assert [one.id for one in run(database, register.all_tunnels)] == [2]


# As the first version made it, for either database.
BEFORE = """CREATE TABLE tunnels_tunnel (
    id INTEGER PRIMARY KEY, "IPv4client" VARCHAR(15) NOT NULL, "IPv6client" VARCHAR(39) NOT NULL,
    "IPv6server" VARCHAR(39) NOT NULL, device VARCHAR(15) NOT NULL, nicname VARCHAR(63) NOT NULL,
    creation_time FLOAT NOT NULL, unreachable INTEGER NOT NULL, number INTEGER NOT NULL, country VARCHAR(2) NOT NULL,
    system VARCHAR(32) NOT NULL, routed VARCHAR(43) NOT NULL, link VARCHAR(64) NOT NULL, "key" VARCHAR(64) NOT NULL,
    asker VARCHAR(45) NOT NULL, network VARCHAR(18) NOT NULL, state VARCHAR(9) NOT NULL, server VARCHAR(64) NOT NULL,
    version INTEGER NOT NULL, carried INTEGER NOT NULL, answered FLOAT, moved FLOAT NOT NULL, until FLOAT,
    nameservers VARCHAR(1000) NOT NULL,
    UNIQUE (nicname, country), UNIQUE ("IPv4client"), UNIQUE ("IPv6client"), UNIQUE (number), UNIQUE (link))"""
ROW = """INSERT INTO tunnels_tunnel VALUES (
    7, '198.51.100.9', '2001:db8:1:1::2', '2001:db8:1:1::1', 'tunnels', 'old', 1000.0, 0, 1, 'jp', 'iproute2', '',
    'l', 'k', '198.51.100.9', '198.51.100.0/24', 'on', 'one', 3, 3, 2000.0, 1000.0, NULL, '')"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_database_of_the_first_version(kind, request, tmp_path, values):
    """Its tunnels go on with all that is new."""
    url = request.getfixturevalue("postgres").url if kind == "postgresql" else f"sqlite:///{tmp_path}/old.db"
    made = store_module.Store(url, register.metadata)
    register.metadata.drop_all(made.engine)
    for text in (BEFORE, ROW):
        made.run([lambda connection, text=text: connection.execute(sqlalchemy.text(text))])
    made.create()
    (one,) = run(made, register.all_tunnels)
    assert (one.id, one.name, one.answered, one.octets_to_client) == (7, "old.jp", 2000.0, 0)
    run(made, register.counted, "one", {7: (1, 1 << 40, 3, 4)})
    assert run(made, register.by_id, 7).octets_from_client == 1 << 40
    assert run(made, register.renumber, values) == 0
    register.metadata.drop_all(made.engine)
    made.close()


DNS = """
[tunnels.dns]
type = "update"
zone = "tunnels.example.org"
reverse = ["1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"]
key_name = "key"
key_file = "/etc/key"
"""
FORWARD = ("host1.jp.tunnels.example.org", "AAAA")
BACK = ("2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "PTR")


def test_names_are_later_never_lost(database, tmp_path):
    values = parts.values(tmp_path, DNS)
    how = names.of(values)
    create(database, values)
    settle(database, how=how)
    first = run(database, register.names_to_do, 10)
    assert {(one.name, one.kind): (one.value, one.state) for one in first} == {
        FORWARD: ("2001:db8:1:1::2", register.ADD),
        BACK: (FORWARD[0], register.ADD),
    }
    create(database, values, 2)
    # The tunnel goes before the DNS could be told: what was on its way is not taken for done.
    run(database, register.end, 1)
    settle(database, how=how)
    run(database, register.names_done, first)
    left = [one for one in run(database, register.names_to_do, 10) if one.tunnel == 1]
    assert {one.state for one in left} == {register.REMOVE} and len(left) == 2
    # Somebody else gets the name in between: it must not be taken away from him.
    create(database, values, 7, nicname="host1")
    settle(database, how=how)
    run(database, register.names_done, left)
    found = {(one.name, one.kind): (one.value, one.state) for one in run(database, register.all_names)}
    assert found[FORWARD] == ("2001:db8:1:3::2", register.ADD)
    assert BACK not in found
    run(database, register.names_done, run(database, register.names_to_do, 10))
    assert not run(database, register.names_to_do, 10)


def test_names_that_come_later(database, values, tmp_path):
    """The configuration had none, then has, then has another zone."""
    create(database, values)
    settle(database)
    rows = run(database, register.all_tunnels)
    for zone in ("tunnels.example.org", "other.example.org"):
        how = names.of(parts.values(tmp_path, DNS.replace("tunnels.example.org", zone)))
        run(database, register.rename, rows, how)
        found = {one.name for one in run(database, register.all_names) if one.state == register.ADD}
        assert found == {f"host1.jp.{zone}", BACK[0]}
        run(database, register.rename, rows, how)
        assert {
            one.name for one in run(database, register.names_to_do, 10) if one.state == register.ADD
        } == found


def test_delegation(database, tmp_path):
    routed = 'routed = "2001:db8:1:8000::/49"\nrouted_length = 56\n'
    text = routed + "tunnels = 100\n" + DNS
    base = parts.BASE.replace("2001:db8:1::/48", "2001:db8:1::/49")
    values = parts.values(tmp_path, text, base)
    made = create(database, values)
    assert made.routed == "2001:db8:1:8100::/56"
    run(database, register.delegate, made.id, ["ns1.example.net", "ns2.example.net"])
    settle(database, how=names.of(values))
    found = {one.name: one.value for one in run(database, register.all_names) if one.kind == "NS"}
    assert found == {"1.8.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa": "ns1.example.net ns2.example.net"}


POOLS = """
[[tunnels.pool]]
prefix = "2001:db8:2::/62"
length = 64
[[tunnels.pool]]
prefix = "2001:db8:3::/48"
length = 56
"""


def test_a_routed_prefix_is_chosen_changed_and_given_back(database, tmp_path):
    values = parts.values(tmp_path, POOLS)
    for number in range(1, 6):
        assert create(database, values, number).routed == ""

    def choose(number, length):
        done = run(database, register.route, values, number, length)
        return done, run(database, register.by_id, number).routed

    assert choose(1, 64) == (True, "2001:db8:2:1::/64")
    assert choose(1, 64) == (False, "2001:db8:2:1::/64")
    assert choose(2, 64) == (True, "2001:db8:2:2::/64")
    assert choose(3, 56) == (True, "2001:db8:3:100::/56")
    # What was given back rests while there is another one.
    assert choose(1, 0) == (True, "") and choose(1, 0) == (False, "")
    assert choose(4, 64) == (True, "2001:db8:2:3::/64")
    assert choose(5, 64) == (True, "2001:db8:2:1::/64")
    for length, why in ((64, register.POOL), (60, register.NO_SUCH), (-1, register.NO_SUCH)):
        with pytest.raises(register.Refused, match=f"^{why}$"):
            choose(1, length)
    assert choose(2, 56) == (True, "2001:db8:3:200::/56")
    assert choose(1, 64) == (True, "2001:db8:2:2::/64")
    # A tunnel that ends has it until it is taken down.
    settle(database)
    run(database, register.end, 1)
    with pytest.raises(register.Refused, match=register.POOL):
        choose(3, 64)
    settle(database)
    assert choose(3, 64) == (True, "2001:db8:2:2::/64")
    with pytest.raises(register.Refused, match=register.NO_SUCH):
        choose(1, 64)


def test_what_all_have_and_what_is_chosen_instead(database, tmp_path):
    """By its number it is the tunnel's alone, also while it has another one; pools may come, go and move."""
    base = 'routed = "2001:db8:8000::/40"\nrouted_length = 48\ntunnels = 100\n'
    values = parts.values(tmp_path, base + POOLS)
    assert create(database, values).routed == "2001:db8:8001::/48"
    for length, routed in (
        (64, "2001:db8:2:1::/64"),
        (48, "2001:db8:8001::/48"),
        (0, ""),
        (48, "2001:db8:8001::/48"),
        (64, "2001:db8:2:1::/64"),
    ):
        assert run(database, register.route, values, 1, length)
        assert run(database, register.by_id, 1).routed == routed
    settle(database)
    for text, routed in (
        (base, ""),
        (base + POOLS.replace("2001:db8:2::/62", "2001:db8:4::/62"), "2001:db8:4:1::/64"),
        (base + POOLS, "2001:db8:2:1::/64"),
    ):
        run(database, register.renumber, parts.values(tmp_path, text))
        assert run(database, register.by_id, 1).routed == routed


def test_no_routed_prefix_is_given_twice(tmp_path):
    """Everybody at once; in the end each piece is one tunnel's."""
    values = parts.values(tmp_path, POOLS.replace("/62", "/58") + "[tunnels.limits]\nof_a_network = 0\n")
    store = parts.store(values.database)
    for number in range(80):
        create(store, values, number)
    refused = []

    def work(part):
        for number in [*range(1 + part, 81, 4)] * 2:
            for length in (64, 0, 64):
                try:
                    run(store, register.route, values, number, length)
                except register.Refused as error:
                    refused.append(str(error))

    threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    routed = [one.routed for one in run(store, register.all_tunnels) if one.routed]
    store.close()
    assert len(routed) == len(set(routed)) == 63 and set(refused) == {register.POOL}


def test_a_delegation_ends_with_the_prefix(database, tmp_path):
    """Whoever gets the prefix next does not get the other's name servers with it."""
    zones = DNS.replace("reverse = [", 'reverse = ["2.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", ')
    values = parts.values(tmp_path, POOLS + zones)
    how = names.of(values)
    apex = "1.0.0.0.2.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
    create(database, values)
    run(database, register.route, values, 1, 64)
    run(database, register.delegate, 1, ["ns1.example.net"])
    settle(database, how=how)
    run(database, register.names_done, run(database, register.names_to_do, 10))
    run(database, register.route, values, 1, 0)
    settle(database, how=how)
    (left,) = run(database, register.names_to_do, 10)
    assert (left.name, left.kind, left.state) == (apex, "NS", register.REMOVE)
    assert run(database, register.by_id, 1).nameservers == ""


def test_another_prefix(database, values, tmp_path):
    """The service moves: numbers stay, addresses and names are new ones."""
    create(database, values)
    settle(database)
    other = parts.values(tmp_path, base=parts.BASE.replace("2001:db8:1::/48", "2001:db8:9::/48"))
    assert run(database, register.renumber, other) == 1 and run(database, register.renumber, other) == 0
    assert settle(database)[0].IPv6client == "2001:db8:9:1::2"


def test_shares(database, values):
    """Several servers; what a dead one had is the others'."""
    for number in range(10):
        create(database, values, number, asker=str(number))
    for name in ("one", "two"):
        run(database, register.renew, name, 100.0)
    assert run(database, register.share, "one", 50.0) == 5
    assert run(database, register.share, "two", 50.0) == 5
    assert run(database, register.share, "one", 99.0) == 0
    run(database, register.renew, "two", 200.0)
    assert run(database, register.share, "two", 101.0) == 5
    assert len(run(database, register.of_server, "two")) == 10
    assert len(run(database, register.changed, "two")) == 10
    run(database, register.leave, "two")
    run(database, register.renew, "one", 300.0)
    assert run(database, register.share, "one", 150.0) == 10


def test_postgresql(postgres, values):
    made = parts.store(postgres.url)
    register.metadata.drop_all(made.engine)
    made.create()
    create(made, values)
    settle(made)
    with made.engine.begin() as connection:
        row = connection.execute(
            sqlalchemy.text('SELECT "IPv4client", unreachable FROM tunnels_tunnel')
        ).one()
    assert tuple(row) == ("198.51.100.2", 0)
    run(made, register.end, 1)
    settle(made)
    assert create(made, values).id == 2
    register.metadata.drop_all(made.engine)
    made.close()


def test_pools():
    import ipaddress

    prefix = ipaddress.IPv6Network("2001:db8:1::/48")
    assert pools.room(prefix, 64) == 65535 and pools.room(prefix, 48) == 0 and pools.room(prefix, 47) == 0
    values = types.SimpleNamespace(prefix=prefix, routed=prefix, routed_length=56, pool=[])
    last = pools.ends(values, 255)
    assert str(last.client) == "2001:db8:1:ff::2" and str(last.routed) == "2001:db8:1:ff00::/56"
    assert pools.reverse_zone(ipaddress.IPv6Network("2001:db8::/32")) == "8.b.d.0.1.0.0.2.ip6.arpa"
