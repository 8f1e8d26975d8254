# SPDX-License-Identifier: Apache-2.0
"""The page with accounts: sign-up, login, logout, a person's list, another password; and who tries to get in."""

import re
import urllib.parse

import pytest

from softwired.store import Store
from softwired.tunnels import accounts, limits, passwords, register, tokens
from tests.softwired.tunnels import parts
from tests.softwired.tunnels.browser import FIRST, Strict
from tests.softwired.tunnels.test_softwired_tunnels_page import HOSTILE, LIMITS, Service

GOOD, OTHER = "four words of mine", "four other words"
MORE = "".join(
    f"{name} = 100000\n"
    for name in "logins logins_of_a_network logins_of_a_name sign_ups sign_ups_of_a_network".split()
)
TEXT = "[tunnels.page]\naccounts = true\n" + LIMITS + MORE


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """What is kept of passwords costs no time here."""
    monkeypatch.setattr(passwords, "COST", 4)


@pytest.fixture
def service(tmp_path):
    made = Service(tmp_path, TEXT)
    yield made
    made.store.close()


@pytest.fixture
def browser(service):
    return service.browser()


def fill(browser, path, name="alice", password=GOOD, **more):
    """The form of /login or /sign-up."""
    form = browser.ask(path).field("form")
    told = {"form": form, "name": name, "password": password, "again": password, **more}
    return browser.ask(path.partition("?")[0], told)


def enter(browser, name="alice", password=GOOD, path="/sign-up"):
    answer = fill(browser, path, name, password)
    assert answer.status == 303, answer.fault()
    return answer


def mark(browser, path="/account"):
    return re.search(r'name="form" value="([^"]+)"', browser.ask(path).text)[1]


def session(browser):
    match = re.search(r"session=([0-9a-f]{32})", browser.cookie)
    return match[1] if match else ""


def where(answer):
    return urllib.parse.urlsplit(answer.headers["Location"])


def test_from_sign_up_to_the_list(service, browser):
    start = browser.ask("/")
    assert start.field("login") == "Log in"
    answer = browser.ask("/new/networkd")
    assert answer.status == 303 and (where(answer).path, where(answer).query) == (
        "/login",
        "next=/new/networkd",
    )
    page = browser.ask("/login?next=/new/networkd")
    Strict(page.text)
    Strict(browser.ask("/sign-up").text)
    answer = enter(browser)
    assert where(answer).path == "/account"
    shown = browser.ask("/account")
    Strict(shown.text)
    assert shown.field("person") == "alice" and "You have none yet." in shown.text
    path = browser.tunnel(system="networkd")
    assert "Only your account has this page." in browser.ask(path).text
    shown = browser.ask("/account")
    Strict(shown.text)
    assert f'<a href="{path}">host1.jp</a>' in shown.text and shown.field("count") == "1 of 4"
    (row,) = service.rows()
    one = service.run(accounts.by_name, "alice")
    assert row.account == one.id
    # The database has neither the password nor what is in the cookie nor the address of the tunnel's page.
    dump = repr(
        (row, one, service.run(lambda connection: connection.execute(accounts.session_table.select()).all()))
    )
    for secret in (GOOD, session(browser), path.rpartition("/")[2]):
        assert secret and secret not in dump
    answer = browser.ask("/logout", {"form": mark(browser)})
    assert answer.status == 303 and where(answer).path == "/" and not session(browser)
    answer = browser.ask(path)
    assert where(answer).path == "/login"
    # Back to where one wanted to go, and nowhere else.
    answer = fill(browser, f"/login?next={path}", next=path)
    assert where(answer).path == path and browser.ask(path).status == 200


def test_japanese(service, browser):
    enter(browser)
    browser.tunnel()
    shown = browser.ask("/account?lang=ja")
    Strict(shown.text)
    assert "あなたのトンネル" in shown.text and 'action="/logout?lang=ja"' in shown.text
    assert "lang=ja" in where(browser.ask("/logout?lang=ja", {"form": mark(browser)})).query
    assert "パスワード" in browser.ask("/login?lang=ja").text
    page = browser.ask("/sign-up?lang=ja")
    Strict(page.text)
    answer = browser.ask("/sign-up?lang=ja", {"form": page.field("form"), "name": "alice", "password": "x"})
    assert "10 文字以上" in answer.fault()


def test_the_cookie(service, browser):
    enter(browser)
    (told,) = [one for one in browser.told if one.startswith("session=")]
    assert re.fullmatch(r"session=[0-9a-f]{32}; Path=/; Max-Age=1209600; HttpOnly; SameSite=Strict", told)
    # Behind a proxy of ours that has https.
    safe = service.browser("127.0.0.1")
    plain = safe.ask
    safe.ask = lambda path, form=None: plain(path, form, HTTP_X_FORWARDED_PROTO="https")
    enter(safe, "bob")
    (told,) = [one for one in safe.told if "session" in one]
    assert told.startswith("__Host-session=") and told.endswith("; HttpOnly; SameSite=Strict; Secure")
    assert safe.ask("/account").field("person") == "bob"
    # Nor may another host of the domain bring the cookie of forms.
    assert "__Host-form=" in safe.cookie
    # One that any host of the domain may set is not looked at.
    safe.cookie = safe.cookie.replace("__Host-session", "session")
    assert where(safe.ask("/account")).path == "/login"


def test_a_login_ends_after_its_time(service, browser):
    enter(browser)
    service.now += 14 * 86400 - 1
    assert browser.ask("/account").status == 200
    service.now += 1
    assert where(browser.ask("/account")).path == "/login"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "al"}, "3 to 32 letters"),
        ({"name": "a b c"}, "3 to 32 letters"),
        ({"name": "１２３abc"}, "3 to 32 letters"),
        ({"name": "ad\x00min"}, "3 to 32 letters"),
        ({"name": "Root"}, "can&#39;t be had"),
        ({"name": "taken"}, "is taken"),
        ({"name": " TAKEN "}, "is taken"),
        ({"password": "short"}, "at least 10"),
        ({"password": "x" * 101, "again": "x" * 101}, "at most 100"),
        ({"password": "aaaaaaaaaaaa", "again": "aaaaaaaaaaaa"}, "easily guessed"),
        ({"password": "with\x00in the middle", "again": "with\x00in the middle"}, "easily guessed"),
        ({"again": OTHER}, "differ"),
        ({"form": "1-2-3"}, "form is too old"),
    ],
)
def test_refused(service, browser, changed, said):
    service.run(accounts.create, "taken", "kept", 1.0)
    answer = fill(browser, "/sign-up", **changed)
    assert answer.status == 400 and said in answer.fault() and not session(browser)
    Strict(answer.text)
    assert len(service.run(accounts.all_accounts)) == 1
    # No password comes back.
    assert f'value="{changed.get("password", GOOD)}"' not in answer.text


def test_passwords_are_whole(service, browser):
    """Nothing is cut off, and what looks alike is another one."""
    long = "0123456789" * 9 + "abcdefghij"
    enter(browser, "alice", long)
    other = service.browser()
    for wrong in (long[:-1], long + "x", long + " ", long.upper(), long + "x" * 900):
        assert fill(other, "/login", "alice", wrong).status == 400
    enter(other, "ALICE ", long, "/login")
    enter(service.browser(), "bob", "パスワードは四つの言葉")
    enter(service.browser(), "bob", "パスワードは四つの言葉", "/login")


def test_without_sign_up(tmp_path):
    service = Service(tmp_path, TEXT.replace("true\n", "true\nsign_up = false\n"))
    browser = service.browser()
    assert browser.ask("/sign-up").status == 404 and "sign-up" not in browser.ask("/login").text
    assert browser.ask("/sign-up", {"name": "alice"}).status == 404
    service.run(accounts.create, "alice", passwords.kept(GOOD), 1.0)
    enter(browser, path="/login")


def test_without_accounts(tmp_path):
    """Neither its pages nor a word of it; tunnels of accounts are for who has the address."""
    service = Service(tmp_path, LIMITS)
    browser = service.browser()
    for path in ("/login", "/sign-up", "/account", "/logout"):
        assert browser.ask(path).status == 404
    assert "Log in" not in browser.ask("/").text
    path = browser.tunnel()
    assert browser.ask(path + "/claim", {"form": browser.change(path)}).status == 400
    assert service.rows()[0].account == 0 and service.rows()[0].sealed == ""


# What belongs to whom


def test_another_person_has_nothing_of_it(service, browser):
    """Whoever finds the address has no more than somebody who guesses it."""
    enter(browser)
    path = browser.tunnel()
    stranger, other = service.browser("8.8.4.4"), service.browser("8.8.8.8")
    enter(other, "bob", OTHER)
    for end in ("", "/iproute2.sh", "/state.json"):
        assert browser.ask(path + end).status == 200
        assert other.ask(path + end).status == 404
        assert where(stranger.ask(path + end)).path == "/login"
        # The same as of one that is not there.
        none = "/t/" + "a" * 26 + end
        assert where(stranger.ask(none)).path == "/login" and other.ask(none).status == 404
    marks = {"its": browser.change(path), "theirs": mark(other)}
    for end, told in (
        ("ipv4", {"ipv4": "8.8.4.5"}),
        ("routed", {"length": "0"}),
        ("nameservers", {"nameservers": "ns1.example.net"}),
        ("claim", {}),
        ("delete", {}),
    ):
        for form in marks.values():
            assert other.ask(f"{path}/{end}", {"form": form, **told}).status == 404
            assert where(stranger.ask(f"{path}/{end}", {"form": form, **told})).path == "/login"
    (row,) = service.rows()
    assert (row.state, row.IPv4client, row.nameservers) == (register.ON, FIRST, "")
    assert path not in other.ask("/account").text
    # Programs have the update key, as before.
    key = browser.ask(path).field("key")
    assert stranger.ask(f"/nic/update?username=1&password={key}&hostname=1").text == "good 8.8.4.4\n"


def test_so_many_of_an_account(tmp_path):
    service = Service(tmp_path, TEXT + "of_an_account = 1\nof_a_person = 0\n")
    browser = service.browser()
    enter(browser)
    browser.tunnel()
    assert "as many tunnels as one may have" in browser.fill_in(2, ipv4="8.8.4.4").fault()
    assert browser.ask("/account").field("count") == "1 of 1"


def test_a_tunnel_of_before_there_were_accounts(tmp_path):
    """Who is logged in and has its address puts it into the account, once; its address and key stay."""
    before = Service(tmp_path, LIMITS)
    path = before.browser().tunnel()
    key = before.browser().ask(path).field("key")
    before.store.close()
    service = Service(tmp_path, TEXT)
    browser, other = service.browser(), service.browser("8.8.4.4")
    assert where(browser.ask(path)).path == "/login"
    enter(browser)
    enter(other, "bob", OTHER)
    form, late = browser.change(path), other.change(path)
    assert browser.ask(path).field("key") == key and 'id="claim"' in browser.ask(path).text
    assert browser.ask(path + "/claim", {"form": form}).status == 303
    assert f'<a href="{path}">' in browser.ask("/account").text
    assert browser.ask(path).field("key") == key and 'id="claim"' not in browser.ask(path).text
    assert other.ask(path + "/claim", {"form": late}).status == 404
    answer = browser.ask(path + "/claim", {"form": form})
    assert answer.status == 400 and "already" in answer.fault()


# Another password


def test_another_password(service, browser):
    """Other browsers are logged out; this one has another session."""
    enter(browser)
    other = service.browser()
    enter(other, path="/login")
    before = session(browser)
    form = mark(browser)
    for told, said in (
        ({"password": OTHER}, "is wrong"),
        ({"new": "short", "again": "short"}, "at least 10"),
        ({"again": "another one at all"}, "differ"),
        ({"form": ""}, "too old"),
        ({"form": mark(other)}, "too old"),
    ):
        answer = browser.ask(
            "/account/password", {"form": form, "password": GOOD, "new": OTHER, "again": OTHER, **told}
        )
        assert answer.status == 400 and said in answer.fault()
        Strict(answer.text)
    answer = browser.ask("/account/password", {"form": form, "password": GOOD, "new": OTHER, "again": OTHER})
    assert answer.status == 303 and where(answer).query == "changed=1"
    shown = browser.ask("/account?changed=1")
    Strict(shown.text)
    assert "The password is changed." in shown.text and session(browser) != before
    assert where(other.ask("/account")).path == "/login"
    old = service.browser()
    old.cookie = f"session={before}"
    assert where(old.ask("/account")).path == "/login"
    assert fill(other, "/login").status == 400
    enter(other, "alice", OTHER, "/login")


def test_what_is_kept_is_renewed(service, browser, monkeypatch):
    """With other parameters than before, at the next login; the same password."""
    enter(browser)
    monkeypatch.setattr(passwords, "COST", 5)
    assert browser.ask("/account").status == 200
    enter(service.browser(), path="/login")
    assert "ln=5," in service.run(accounts.by_name, "alice").password
    enter(service.browser(), path="/login")


# Who tries to get in


def test_names_of_accounts_are_not_told(service, browser, monkeypatch):
    """A login says and does the same for a name that is not there: as much work, the same words, the same limits."""
    enter(browser)
    done = []
    real = passwords._hashed
    monkeypatch.setattr(passwords, "_hashed", lambda *words: done.append(words[2:]) or real(*words))
    answers = {}
    for name in ("alice", "bob", "a" * 32, "<b>", "' OR 1=1 --", "x" * 3000, ""):
        done.clear()
        answer = fill(service.browser(), "/login", name, OTHER)
        answers[name] = (answer.status, answer.fault(), list(done))
    assert len(set(map(repr, answers.values()))) == 1
    status, fault, work = answers["alice"]
    assert (status, len(work)) == (400, 1) and "no such account, or the password" in fault


def test_limits_of_logins(tmp_path):
    """Of an address, and of a name from wherever it comes; a name that is not there has the same."""
    service = Service(
        tmp_path, "[tunnels.page]\naccounts = true\n" + LIMITS + "logins = 3\nlogins_of_a_name = 5\n"
    )
    service.run(accounts.create, "alice", passwords.kept(GOOD), 1.0)
    near = service.browser()
    assert [fill(near, "/login", f"n{number}").status for number in range(4)] == [400] * 3 + [429]
    # Also with the right password, and in another browser.
    answer = fill(service.browser(), "/login")
    assert answer.status == 429 and "too many logins" in answer.fault()
    for name in ("alice", "nobody"):
        found = [
            fill(service.browser(f"{network}.4.4.4"), "/login", name, OTHER).status
            for network in range(11, 17)
        ]
        assert found == [400] * 5 + [429]
    # Others get in.
    service.run(accounts.create, "bob", passwords.kept(GOOD), 1.0)
    enter(service.browser("17.4.4.4"), "bob", path="/login")


def test_limits_of_a_change(tmp_path):
    """A browser that somebody left open is no way to try passwords."""
    service = Service(tmp_path, "[tunnels.page]\naccounts = true\n" + LIMITS + "logins_of_a_name = 2\n")
    browser = service.browser()
    enter(browser)
    told = {"form": mark(browser), "password": OTHER, "new": OTHER, "again": OTHER}
    assert [browser.ask("/account/password", told).status for _ in range(3)] == [400, 400, 429]


def test_limits_of_sign_ups(tmp_path):
    """Also of those who only want to know whether a name is taken."""
    service = Service(tmp_path, "[tunnels.page]\naccounts = true\n" + LIMITS + "sign_ups = 3\n")
    service.run(accounts.create, "taken", "kept", 1.0)
    found = [fill(service.browser(), "/sign-up", "taken").status for _ in range(3)]
    assert found == [400] * 3
    answer = fill(service.browser(), "/sign-up", "alice")
    assert answer.status == 429 and "too many new accounts" in answer.fault()
    enter(service.browser("8.8.4.4"))


def test_a_session_that_somebody_brings(service, browser):
    """It is not taken for the one that a login makes, whether we know it or not."""
    enter(browser)
    thief = service.browser("8.8.4.4")
    enter(thief, "mallory", OTHER)
    for brought in ("a" * 32, session(thief)):
        victim = service.browser()
        victim.cookie = f"session={brought}"
        if brought == session(thief):
            # Who is logged in as somebody else sees it, and logs out.
            assert victim.ask("/account").field("person") == "mallory"
            form = mark(victim)
            victim.ask("/logout", {"form": form})
        enter(victim, path="/login")
        assert session(victim) not in ("", brought)
        other = service.browser("8.8.4.4")
        other.cookie = f"session={brought}"
        assert where(other.ask("/account")).path == "/login"


def test_a_form_cookie_that_somebody_brings(service, browser):
    """The mark of a form that was there before the login is worth nothing after it."""
    thief = service.browser("8.8.4.4")
    planted = thief.ask("/login").field("form")
    browser.cookie = thief.cookie
    enter(browser)
    assert thief.cookie.partition("; ")[0] in browser.cookie
    told = {"form": planted, "ipv4": FIRST, "nicname": "a", "country": "jp", "system": "iproute2"}
    answer = browser.ask("/new", told)
    assert answer.status == 400 and "too old" in answer.fault()
    assert browser.ask("/account/password", {**told, "password": GOOD}).status == 400


def test_another_site_can_do_nothing(service, browser):
    """It knows no mark: login, sign-up, logout, the password and the tunnel stay as they are."""
    enter(browser)
    path = browser.tunnel()
    foreign = service.browser("8.8.4.4")
    enter(foreign, "mallory", OTHER)
    for form in ("", "x", mark(foreign), foreign.ask("/login").field("form")):
        assert browser.ask("/logout", {"form": form}).status == 400
        told = {"form": form, "password": GOOD, "new": OTHER, "again": OTHER}
        assert browser.ask("/account/password", told).status == 400
        assert browser.ask(path + "/delete", {"form": form}).status == 400
    fresh = service.browser()
    for form in ("", "x", foreign.ask("/").field("form")):
        told = {"form": form, "name": "alice", "password": GOOD, "again": GOOD}
        assert fresh.ask("/login", told).status == 400 and fresh.ask("/sign-up", told).status == 400
    assert not session(fresh) and service.rows()[0].state == register.ON
    assert browser.ask("/account").status == 200


@pytest.mark.parametrize(
    "next_",
    [
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "/login",
        "/t/../x",
        "/t/" + "a" * 26 + "\n",
        "/account\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "/new/x?y",
        "",
    ],
)
def test_a_login_leads_to_our_pages_alone(service, browser, next_):
    enter(browser)
    browser.cookie = ""
    page = browser.ask("/login?" + urllib.parse.urlencode({"next": next_}))
    assert page.field("next") == "/account"
    answer = fill(browser, "/login", next=next_)
    assert answer.headers["Location"] == "http://tunnels.example.org/account"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_fields(service, browser, text):
    """Whatever is in a field is a wrong one, and nothing of it comes out as HTML or a header."""
    fields = ("name", "password", "again", "form", "next")
    for number, field in enumerate(fields):
        for path in ("/sign-up", "/login"):
            answer = fill(browser, path, **{"name": f"person{number}", field: text})
            assert answer.status in (400, 303, 413), answer.text
            Strict(answer.text)
            for name, value in answer.headers.items():
                assert "\n" not in name + value and "\r" not in name + value
            browser.cookie = ""
    enter(browser)
    for told in ({"password": text}, {"new": text, "again": text}, {"form": text}):
        told = {"form": mark(browser), "password": GOOD, "new": OTHER, "again": OTHER, **told}
        answer = browser.ask("/account/password", told)
        if answer.status == 303:
            # A good password, as strange as it is.
            enter(service.browser(), "alice", text, "/login")
            break
        Strict(answer.text)
        assert answer.status in (400, 413)
    browser.cookie = f"session={text}".replace("\r", "").replace("\n", "").replace("\x00", "")
    assert where(browser.ask("/account")).path == "/login"
    names = [one.name for one, _ in service.run(accounts.all_accounts)]
    assert all(re.fullmatch(r"[a-z0-9._-]+", name) for name in names)


def test_what_is_too_long(service, browser):
    enter(browser)
    for path in ("/login", "/sign-up", "/account/password", "/logout"):
        assert browser.ask(path, b"x" * 5000).status == 413
    # A long password is no long work.
    assert fill(service.browser(), "/login", "alice", "x" * 1500).status == 400


def test_the_database_is_away(service, browser):
    enter(browser)
    service.store.engine.dispose()
    service.page.store = Store("sqlite:////nowhere/x.db", register.metadata)
    for path in ("/", "/account", "/login", "/t/" + "a" * 26):
        answer = browser.ask(path)
        assert answer.status == 503 and "database does not answer" in answer.text


def test_nothing_of_a_password_is_said(service, browser, capsys):
    """Not in an error, whatever fails, nor in the log."""
    enter(browser)
    service.page.run = None
    answer = fill(browser, "/login", "alice", OTHER + "extra")
    assert answer.status == 500
    said = capsys.readouterr()
    assert OTHER not in answer.text + said.out + said.err


def test_without_scrypt(tmp_path, monkeypatch):
    import softwired.tunnels as package
    from softwired.service import StartError

    values = parts.values(tmp_path, "[tunnels.page]\naccounts = true\n")
    package.check(values)
    monkeypatch.delattr("hashlib.scrypt")
    with pytest.raises(StartError, match="tunnels.page.accounts = true: this Python has no scrypt"):
        package.check(values)
    values.page.accounts = False
    package.check(values)


def test_every_limit_is_one_of_its_kind(tmp_path):
    values = parts.values(tmp_path, "[tunnels.limits]\nlogins = 1\nsign_ups = 2\nnew = 3\n")
    made = limits.Limits(values.limits)
    assert [one[0].most for one in (made.logins, made.sign_ups, made.new)] == [1, 2, 3]
    assert made.names.most == 20 and tokens.LINK.fullmatch("a" * 26)
