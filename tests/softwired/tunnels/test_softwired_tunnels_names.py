# SPDX-License-Identifier: Apache-2.0
"""Names by dynamic update, beside a real BIND and a real Knot."""

import pytest

from softwired import __main__ as program
from softwired.tunnels import names, register
from softwired.tunnels.register import ADD, REMOVE, Name
from softwired.tunnels.updates import NamesError, Updates
from tests.softwired.tunnels import nameservers, parts
from tests.softwired.tunnels.nameservers import REVERSE, ZONE

HOST = f"host1.jp.{ZONE}"
POINTER = f"2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.{REVERSE}"
APEX = f"1.0.0.0.{REVERSE}"


@pytest.fixture(scope="module", params=["named", "knotd"])
def server(request, tmp_path_factory):
    made = nameservers.Nameserver(request.param, tmp_path_factory.mktemp(request.param)).start()
    yield made
    made.stop()


def name(name, kind, value, state=ADD):
    return Name(name, kind, value, 1, state)


def test_added_changed_and_removed(server, tmp_path):
    updates = Updates(parts.values(tmp_path, server.table()))
    assert server.ask(HOST, "AAAA") is None
    first = [
        name(HOST, "AAAA", "2001:db8:1:1::2"),
        name(POINTER, "PTR", HOST),
        name(APEX, "NS", "ns1.example.net ns2.example.net"),
    ]
    assert sorted(updates.tell(first)) == sorted(first)
    assert server.ask(HOST, "AAAA") == ["2001:db8:1:1::2"]
    assert server.ask(APEX, "NS") == ["ns1.example.net.", "ns2.example.net."]
    # Said once more, or with another value: it says the last one alone.
    assert updates.tell([name(HOST, "AAAA", "2001:db8:1:9::2")])
    assert server.ask(HOST, "AAAA") == ["2001:db8:1:9::2"]
    gone = [one._replace(state=REMOVE) for one in first]
    assert len(updates.tell(gone)) == 3
    assert server.ask(HOST, "AAAA") is None and server.ask(APEX, "NS") is None
    assert server.ask(POINTER, "PTR") is None
    # Once more is no error.
    assert len(updates.tell(gone)) == 3


def test_pointer(server, tmp_path):
    updates = Updates(parts.values(tmp_path, server.table()))
    updates.tell([name(POINTER, "PTR", HOST)])
    assert server.ask(POINTER, "PTR") == [HOST + "."]
    updates.tell([name(POINTER, "PTR", HOST, REMOVE)])


def test_a_delegation_lasts_as_long_as_the_prefix(server, tmp_path):
    """From the choice on the page to the nameserver, and back; PTR of the tunnel's own end beside it."""
    pool = '[[tunnels.pool]]\nprefix = "2001:db8:1:8000::/49"\nlength = 60\n'
    base = parts.BASE.replace("2001:db8:1::/48", "2001:db8:1::/49")
    values = parts.values(tmp_path, pool + server.table(), base)
    store, updates = parts.store(values.database), Updates(values)
    apex = f"1.0.8.{REVERSE}"

    def does(*jobs):
        for job in jobs:
            store.run([job])

        def settle(connection):
            register.renew(connection, "one", 10000.0)
            register.share(connection, "one", 5000.0)
            register.settle(connection, register.changed(connection, "one"), names.of(values))
            return register.names_to_do(connection, 10)

        told = updates.tell(store.run([settle])[0])
        store.run([lambda connection: register.names_done(connection, told)])

    does(
        lambda connection: register.create(connection, values, parts.request(1), 1000.0),
        lambda connection: register.route(connection, values, 1, 60),
        lambda connection: register.delegate(connection, 1, ["ns1.example.net", "ns2.example.net"]),
    )
    assert store.run([lambda connection: register.by_id(connection, 1).routed]) == ["2001:db8:1:8010::/60"]
    assert server.ask(apex, "NS") == ["ns1.example.net.", "ns2.example.net."]
    assert server.ask(HOST, "AAAA") == ["2001:db8:1:1::2"] and server.ask(POINTER, "PTR") == [HOST + "."]
    does(lambda connection: register.route(connection, values, 1, 0))
    assert server.ask(apex, "NS") is None and server.ask(HOST, "AAAA") == ["2001:db8:1:1::2"]
    does(lambda connection: register.end(connection, 1))
    assert server.ask(HOST, "AAAA") is None
    store.close()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"zone": nameservers.CLOSED}, "changes of closed.example.org"),
        ({"zone": "other.example.org"}, "changes of other.example.org"),
        ({"key_name": "stranger"}, "the key 'stranger' for changes of"),
    ],
)
def test_what_the_key_may_not(server, tmp_path, capsys, changed, said):
    """softwired check tells it, before anything starts."""
    parts.values(tmp_path, server.table(**changed))
    assert program.main(["--config", str(tmp_path / "softwired.toml"), "check"]) == 1
    told = capsys.readouterr().err
    assert "tunnels.dns: 127.0.0.1:" in told and said in told
    assert "would be right" in told


def test_another_secret(server, tmp_path, capsys):
    key = tmp_path / "wrong"
    key.write_text("c2VjcmV0c2VjcmV0")
    parts.values(tmp_path, server.table(key_file=str(key)))
    assert program.main(["--config", str(tmp_path / "softwired.toml"), "check"]) == 1
    assert "tunnels.dns: 127.0.0.1:" in capsys.readouterr().err


def test_right(server, tmp_path, capsys):
    parts.values(tmp_path, server.table())
    assert program.main(["--config", str(tmp_path / "softwired.toml"), "check"]) == 0


def test_one_zone_that_refuses_keeps_nothing_else(server, tmp_path):
    """What could be done is done."""
    updates = Updates(parts.values(tmp_path, server.table()))
    updates.dns.reverse = [nameservers.CLOSED]
    both = [name(HOST, "AAAA", "2001:db8:1:1::2"), name(f"x.{nameservers.CLOSED}", "PTR", HOST)]
    assert updates.tell(both) == both[:1]
    with pytest.raises(NamesError, match="changes of closed.example.org"):
        updates.tell(both[1:])
    updates.tell([both[0]._replace(state=REMOVE)])


def test_a_server_that_is_down(tmp_path, capsys):
    """No fault of the configuration: names are written later."""
    key = tmp_path / "key"
    key.write_text("c2VjcmV0c2VjcmV0")
    table = (
        f'[tunnels.dns]\ntype = "update"\nzone = "{ZONE}"\nkey_name = "k"\nkey_file = "{key}"\n'
        f'server = "127.0.0.1:{nameservers.free_port()}"\n'
    )
    values = parts.values(tmp_path, table)
    with pytest.raises(NamesError, match="127.0.0.1:"):
        Updates(values).tell([name(HOST, "AAAA", "2001:db8:1:1::2")])
    assert program.main(["--config", str(tmp_path / "softwired.toml"), "check"]) == 0
    assert "names will be written later" in capsys.readouterr().err


def test_a_key_file_that_is_not_there(tmp_path, capsys):
    table = f'[tunnels.dns]\ntype = "update"\nzone = "{ZONE}"\nkey_name = "k"\nkey_file = "{tmp_path}/none"\n'
    parts.values(tmp_path, table)
    assert program.main(["--config", str(tmp_path / "softwired.toml"), "check"]) == 1
    assert f"tunnels.dns.key_file = '{tmp_path}/none': No such file" in capsys.readouterr().err


def test_no_names(tmp_path):
    row = register.Tunnel(*range(len(register.Tunnel._fields)))._replace(routed="", nicname="a", country="jp")
    assert names.of(parts.values(tmp_path))(row) == {}
