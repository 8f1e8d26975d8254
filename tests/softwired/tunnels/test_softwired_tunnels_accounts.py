# SPDX-License-Identifier: Apache-2.0
"""Accounts in the database, what is kept of passwords, and what the operator does with them."""

import io
import json
import subprocess
import sys

import pytest

from softwired.store import Store
from softwired.tunnels import accounts, passwords, register, tokens
from tests.softwired import network
from tests.softwired.tunnels import parts
from tests.softwired.tunnels.test_softwired_tunnels_options import ask

GOOD, OTHER = "four words of mine", "four other words"


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, values):
    if request.param == "sqlite":
        made = Store(values.database, register.metadata)
    else:
        made = Store(request.getfixturevalue("postgres").url, register.metadata)
        register.metadata.drop_all(made.engine)
    made.create()
    yield made
    register.metadata.drop_all(made.engine)
    made.close()


def run(store, job, *words, **more):
    return store.run([lambda connection: job(connection, *words, **more)])[0]


def test_what_is_kept_of_a_password(monkeypatch):
    kept = passwords.kept(GOOD)
    assert kept.startswith("$scrypt$ln=14,r=8,p=5$") and GOOD not in kept
    # Salted: the same password is kept otherwise each time.
    assert kept != passwords.kept(GOOD)
    assert passwords.right(GOOD, kept) and not passwords.right(OTHER, kept)
    for broken in (
        "",
        "x",
        kept[:-1],
        kept.replace("scrypt", "plain"),
        kept + "\n",
        kept.replace("r=8", "r=x"),
    ):
        assert not passwords.right(GOOD, broken)
    # With other parameters it stays right, and is known to be of before.
    monkeypatch.setattr(passwords, "COST", 10)
    assert passwords.right(GOOD, kept) and passwords.is_old(kept)
    cheap = passwords.kept("パスワードです！ é")
    assert "ln=10" in cheap and passwords.right("パスワードです！ é", cheap) and not passwords.is_old(cheap)


def test_scrypt_is_scrypt():
    """RFC 7914 section 12, its second vector cut to our length; PHC's writing of it."""
    kept = "$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/g"
    assert passwords.right("password", kept)


def test_accounts_and_who_is_logged_in(store):
    one = run(store, accounts.create, "alice", "kept", 1000.0)
    other = run(store, accounts.create, "bob", "kept too", 1000.0)
    with pytest.raises(register.Refused, match=f"^{accounts.NAME}$"):
        run(store, accounts.create, "alice", "kept", 1000.0)
    for secret, account, until in (("s1", one, 2000.0), ("s2", one, 2000.0), ("s3", other, 1500.0)):
        assert run(store, accounts.begin, account, secret, 1000.0, until)
    assert run(store, accounts.by_session, "s1", 1999.0) == one
    assert run(store, accounts.by_session, "s1", 2000.0) is None
    assert run(store, accounts.by_session, "none", 1000.0) is None
    run(store, accounts.end, "s1")
    assert run(store, accounts.by_session, "s1", 1000.0) is None
    # Another password: nobody is logged in with the old one, nor may be who has just proved it.
    changed = run(store, accounts.change, one, "kept newly")
    assert run(store, accounts.by_session, "s2", 1000.0) is None
    assert run(store, accounts.by_session, "s3", 1000.0) == other
    assert not run(store, accounts.begin, one, "s4", 1000.0, 2000.0)
    assert run(store, accounts.begin, changed, "s4", 1600.0, 2000.0)
    # What is over is forgotten.
    assert run(store, accounts.by_session, "s3", 1000.0) is None
    assert run(store, accounts.by_session, "s4", 1700.0) == changed


def test_tunnels_of_an_account(store, tmp_path):
    values = parts.values(tmp_path, "[tunnels.limits]\nof_an_account = 2\n")
    one = run(store, accounts.create, "alice", "kept", 1000.0)

    def create(number, account):
        return run(store, register.create, values, parts.request(number, account=account, sealed="s"), 1000.0)

    create(1, one.id)
    nobodys = create(2, 0)
    assert run(store, register.claim, values, nobodys.id, one.id, "x")
    assert not run(store, register.claim, values, 1, 77, "x")
    assert [tunnel.sealed for tunnel in run(store, register.of_account, one.id)] == ["s", "x"]
    with pytest.raises(register.Refused, match=f"^{register.ACCOUNT}$"):
        create(3, one.id)
    with pytest.raises(register.Refused, match=f"^{register.ACCOUNT}$"):
        run(store, register.claim, values, create(4, 0).id, one.id, "x")
    assert run(store, accounts.all_accounts) == [(one, 2)]
    run(store, accounts.begin, one, "s1", 1000.0, 2000.0)
    assert run(store, accounts.remove, one) == 2
    assert run(store, accounts.by_session, "s1", 1000.0) is None
    assert {tunnel.state for tunnel in run(store, register.of_account, one.id)} == {register.ENDING}
    # Its number is nobody else's, so neither are its tunnels.
    assert run(store, accounts.create, "alice", "kept", 1000.0).id != one.id


def test_a_link_that_the_database_may_have():
    one, other = tokens.Tokens(b"a" * 32), tokens.Tokens(b"b" * 32)
    links = [one.link(str(number)) for number in range(50)]
    sealed = [one.sealed(link) for link in links]
    assert [one.opened(seal, tokens.stored(link)) for seal, link in zip(sealed, links, strict=True)] == links
    assert len(set(sealed)) == 50 and not any(link in seal for seal, link in zip(sealed, links, strict=True))
    assert other.opened(sealed[0], tokens.stored(links[0])) == ""
    for wrong in ("", "x", sealed[1], sealed[0][:-2], "٣" * 32):
        assert one.opened(wrong, tokens.stored(links[0])) == ""


@pytest.fixture
def said(monkeypatch):
    """said(text): what standard input has."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_operator(tmp_path, capsys, values, database, said):
    """Adds, changes, lists and removes; the password is in no argument and no line."""
    said(GOOD + "\n")
    status, out, _ = ask(tmp_path, capsys, "user", "add", "Alice")
    assert (status, out) == (0, "alice: added\n")
    one = database.run([lambda connection: accounts.by_name(connection, "alice")])[0]
    assert passwords.right(GOOD, one.password)
    run(database, accounts.begin, one, "s1", 1000.0, 2000.0)
    said(OTHER)
    assert ask(tmp_path, capsys, "user", "add", "alice")[1] == "alice: changed\n"
    now = run(database, accounts.by_name, "alice")
    assert passwords.right(OTHER, now.password) and now.id == one.id
    assert run(database, accounts.by_session, "s1", 1000.0) is None
    run(database, register.create, values, parts.request(1, account=one.id), 1000.0)
    assert "\naccount: alice\n" in ask(tmp_path, capsys, "show", "1")[1]
    out = ask(tmp_path, capsys, "user", "list")[1]
    assert out.startswith("alice  since ") and out.endswith("  1 tunnels\n") and "$" not in out
    told = json.loads(ask(tmp_path, capsys, "user", "list", "--json")[1])
    assert [(entry["name"], entry["tunnels"]) for entry in told] == [("alice", 1)]
    assert set(told[0]) == {"name", "created", "tunnels"}
    assert ask(tmp_path, capsys, "user", "remove", "alice")[1] == "alice: removed, 1 tunnels end\n"
    assert json.loads(ask(tmp_path, capsys, "list", "--json")[1])[0]["state"] == register.ENDING
    status, out, _ = ask(tmp_path, capsys, "user", "remove", "alice")
    assert (status, out) == (1, "alice: is not there\n")
    assert ask(tmp_path, capsys, "user", "list")[:2] == (0, "")


@pytest.mark.parametrize(
    ("name", "password", "why"),
    [
        ("al", GOOD, "3 to 32"),
        ("alice bob", GOOD, "3 to 32"),
        ("<b>alice", GOOD, "3 to 32"),
        ("a" * 33, GOOD, "3 to 32"),
        ("postmaster", GOOD, "can't be had"),
        ("alice", "", "a line of text would be right"),
        ("alice", "short", "at least 10"),
        ("alice", "x" * 101, "at most 100"),
        ("alice.alice", "Alice.Alice", "easily guessed"),
        ("alice", "aaaaaaaaaaaa", "easily guessed"),
    ],
)
def test_what_the_operator_may_not(tmp_path, capsys, database, said, name, password, why):
    said(password)
    status, out, err = ask(tmp_path, capsys, "user", "add", name)
    assert (status, out) == (1, "") and why in err
    assert not password or password not in err
    assert not run(database, accounts.all_accounts)


def test_in_the_style_of_dstm(tmp_path, values, database):
    """By a pipe, as a real process."""
    words = [sys.executable, "-m", "softwired", "--config", str(tmp_path / "softwired.toml"), "tunnels"]
    done = subprocess.run(
        [*words, "user", "add", "alice"],
        input=GOOD + "\n",
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(network.TREE / "src")},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "alice: added\n", "")
