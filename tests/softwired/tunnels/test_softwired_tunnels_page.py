# SPDX-License-Identifier: Apache-2.0
"""The page without a server around it: the form's checks, each tunnel's page, programs' interfaces, hostile input."""

import base64
import json
import re
import threading
import xml.etree.ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softwired.tunnels import asked, limits, register, tokens
from softwired.tunnels.page import Page
from softwired.tunnels.scripts import SYSTEMS
from softwired.tunnels.words import ENGLISH, JAPANESE
from tests.softwired.tunnels import parts
from tests.softwired.tunnels.browser import FIRST, Browser, Strict

MORE = 'routed = "2001:db8:8000::/40"\nrouted_length = 56\n'
LIMITS = "[tunnels.limits]\n" + "".join(
    f"{name} = 100000\n" for name in ("requests", "requests_of_a_network", "new", "new_of_a_network")
)


class Service:
    """Page and database; who is asked for an echo answers, but for those in `deaf`."""

    def __init__(self, folder, text=MORE + LIMITS):
        self.values = parts.values(folder, text)
        self.store = parts.store(self.values.database)
        self.deaf = set()
        self.now = 1000000.0
        self.page = Page(
            self.values, self.store, b"k" * 32, lambda: self.now, lambda address: address not in self.deaf
        )

    def browser(self, address=FIRST):
        return Browser(self.page.application, address)

    def rows(self):
        return self.run(register.all_tunnels)

    def run(self, job, *words):
        return self.store.run([lambda connection: job(connection, *words)])[0]

    def settle(self):
        def job(connection):
            register.renew(connection, "one", 1e12)
            register.share(connection, "one", 1.0)
            register.settle(connection, register.changed(connection, "one"), parts.no_names)

        self.store.run([job])


@pytest.fixture
def service(tmp_path):
    made = Service(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def browser(service):
    return service.browser()


def test_from_the_start_to_the_script(service, browser):
    start = browser.ask("/")
    assert f"You come from {FIRST}." in start.text
    assert re.findall(r'href="/new/(\w+)"', start.text) == list(SYSTEMS)
    form = browser.ask("/new/networkd")
    assert form.field("ipv4") == FIRST and "protocol 41 from 192.0.2.1" in form.text
    for answer in (start, form):
        Strict(answer.text)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    path = browser.tunnel(system="networkd")
    shown = browser.ask(path)
    Strict(shown.text)
    (row,) = service.rows()
    assert (row.IPv4client, row.name, row.unreachable) == (FIRST, "host1.jp", -1)
    assert (
        shown.field("client6") == "2001:db8:1:1::2/64" and shown.field("routed") == "2001:db8:8000:100::/56"
    )
    assert "Remote=192.0.2.1" in shown.text and "being made" in shown.field("state").lower()
    saved = browser.ask(path + "/networkd.sh")
    assert (
        saved.headers["Content-Type"].startswith("text/plain") and "Address=2001:db8:1:1::2/64" in saved.text
    )
    # The secret is nowhere in the database.
    secret = path.rpartition("/")[2]
    assert len(secret) == 26 and secret not in repr(row)
    service.settle()
    assert "Has not answered yet" in browser.ask(path).text
    service.run(register.heard, "one", [1], [], 1000000.0)
    assert browser.ask(path).field("state") == "Answers."
    assert browser.ask(path).field("answered") == "1970-01-12 13:46 UTC"
    service.run(register.counted, "one", {1: (1234, 1049999, 5, 400)})
    shown = browser.ask(path)
    assert shown.field("from_client") == "1,234 packets, 1.0 MB"
    assert shown.field("to_client") == "5 packets, 400 B"
    state = json.loads(browser.ask(path + "/state.json").text)
    assert state["unreachable"] == 0 and state["octets_from_client"] == 1049999


def test_japanese(service, browser):
    liked = {"HTTP_ACCEPT_LANGUAGE": "ja,en;q=0.5"}
    assert '<html lang="ja">' in browser.ask("/", **liked).text
    assert '<html lang="en">' in browser.ask("/?lang=en", **liked).text
    form = browser.ask("/new/openwrt?lang=ja")
    assert "ニックネーム" in form.text and 'action="/new?lang=ja"' in form.text
    Strict(form.text)
    answer = browser.ask(
        "/new?lang=ja", {"form": form.field("form"), "ipv4": "10.1.1.1", "system": "openwrt"}
    )
    assert "プライベートアドレス" in answer.fault()


def test_both_languages_say_the_same():
    fields = re.compile(r"\{\w*\}")
    assert ENGLISH.keys() == JAPANESE.keys()
    # A template would find the method of this name.
    assert not set(dir(dict)) & ENGLISH.keys()
    for key, text in ENGLISH.items():
        assert sorted(fields.findall(text)) == sorted(fields.findall(JAPANESE[key])), key


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"ipv4": "1.2.3"}, "four numbers with dots"),
        ({"ipv4": "192.168.1.2"}, "private (RFC 1918)"),
        ({"ipv4": "100.64.0.1"}, "RFC 6598, carrier-grade NAT"),
        ({"ipv4": "127.0.0.1"}, "RFC 6890"),
        ({"ipv4": "224.0.0.1"}, "RFC 6890"),
        ({"ipv4": "198.51.100.1"}, "for documentation"),
        ({"ipv4": "192.0.2.1"}, "the address of this server"),
        ({"nicname": "-x"}, "one word of letters"),
        ({"nicname": "a.b"}, "one word of letters"),
        ({"nicname": "12"}, "one word of letters"),
        ({"nicname": "xn--a"}, "one word of letters"),
        ({"nicname": "x" * 64}, "one word of letters"),
        ({"nicname": "WWW"}, "can&#39;t be had"),
        ({"nicname": "sh1t-head"}, "can&#39;t be had"),
        ({"country": "xx"}, "two letters of ISO 3166"),
        ({"system": "beos"}, "no such system"),
        ({"form": "1-2-3"}, "form is too old"),
    ],
)
def test_refused(service, browser, changed, said):
    answer = browser.fill_in(**changed)
    assert answer.status == 400 and said in answer.fault()
    assert not service.rows()
    # What was written is still there.
    assert "form" in changed or answer.field("ipv4") == changed.get("ipv4", FIRST)


def test_configured_refusals(tmp_path):
    service = Service(
        tmp_path,
        '[tunnels.page]\nallow = ["100.64.0.0/10"]\nrefuse = ["203.0.114.0/24"]\nreserved = ["bank*"]\n'
        + LIMITS,
    )
    browser = service.browser()
    assert "No tunnels are made to this network" in browser.fill_in().fault()
    assert "be had" in browser.fill_in(ipv4="8.8.4.4", nicname="bank-of-x").fault()
    assert browser.tunnel(ipv4="100.64.7.7")


def test_a_client_that_does_not_answer(service, browser):
    service.deaf.add(FIRST)
    fault = browser.fill_in().fault()
    assert (
        f"{FIRST} did not answer three echo requests" in fault
        and "from 192.0.2.1 through your firewall" in fault
    )
    assert not service.rows()


def test_a_proxy_is_noticed_and_only_ours_is_believed(service):
    far = service.browser("8.8.4.4")
    told = far.ask("/new/iproute2", HTTP_X_FORWARDED_FOR="9.9.9.9")
    assert told.field("ipv4") == "8.8.4.4" and 'id="proxy"' in told.text
    near = service.browser("127.0.0.1")
    told = near.ask("/new/iproute2", HTTP_X_FORWARDED_FOR="10.0.0.1, 9.9.9.9")
    assert told.field("ipv4") == "9.9.9.9" and 'id="proxy"' in told.text
    told = near.ask("/new/iproute2", HTTP_X_FORWARDED_FOR="9.9.9.9")
    assert told.field("ipv4") == "9.9.9.9" and 'id="proxy"' not in told.text
    told = service.browser("::1").ask("/new/iproute2", HTTP_X_FORWARDED_FOR="2001:db8::9")
    assert told.field("ipv4") == "" and "which is IPv6 already" in told.text


def test_the_same_form_twice_at_once(service, browser):
    """One tunnel, and both see it."""
    form = {
        "form": browser.ask("/new/iproute2").field("form"),
        "ipv4": FIRST,
        "nicname": "a",
        "country": "jp",
    }
    form["system"] = "iproute2"
    found = []
    cookie = browser.cookie

    def send():
        other = service.browser()
        other.cookie = cookie
        found.append(other.ask("/new", form))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {one.status for one in found} == {303}
    assert len({one.headers["Location"] for one in found}) == 1 and len(service.rows()) == 1


def test_another_site_cannot_send_the_form(service, browser):
    """It knows neither the mark nor the cookie; a mark of its own does not fit this browser."""
    mark = service.browser("8.8.8.8").ask("/new/iproute2").field("form")
    browser.ask("/new/iproute2")
    told = {"form": mark, "ipv4": FIRST, "nicname": "a", "country": "jp", "system": "iproute2"}
    assert "too old" in browser.ask("/new", told).fault()
    mark = browser.ask("/new/iproute2").field("form")
    service.now += 2 * 86400
    assert "too old" in browser.ask("/new", {**told, "form": mark}).fault()
    browser.cookie = ""
    assert "too old" in browser.ask("/new", {**told, "form": mark}).fault()
    # Nor the forms of a tunnel's page.
    path = browser.tunnel()
    answer = browser.ask(path + "/delete", {"form": ""})
    assert answer.status == 400 and service.rows()[0].state == register.ON


def test_taken_and_moved_to_another_customer(service, browser):
    path = browser.tunnel()
    service.settle()
    other = service.browser("8.8.4.4")
    assert "already" in other.fill_in(2, ipv4=FIRST).fault()
    assert "taken in this country" in other.fill_in(1).fault()
    # Who has the address now, and it is silent: the old one goes.
    assert "already" in browser.fill_in(2).fault()
    service.run(register.heard, "one", [], [1], 1.0)
    assert "already" in other.fill_in(2, ipv4=FIRST).fault()
    assert "before you is being taken down" in browser.fill_in(2).fault()
    assert "Being taken down" in browser.ask(path).text
    service.settle()
    assert browser.tunnel(2) and [one.nicname for one in service.rows()] == ["host2"]
    assert browser.ask(path).status == 404


def test_changes(service, browser, tmp_path):
    path = browser.tunnel()
    form = browser.change(path)
    answer = browser.ask(path + "/ipv4", {"form": form, "ipv4": "10.0.0.1"})
    assert answer.status == 400 and "private" in answer.fault()
    assert browser.ask(path + "/ipv4", {"form": form, "ipv4": "8.8.4.4"}).status == 303
    assert service.rows()[0].IPv4client == "8.8.4.4"
    assert browser.ask(path + "/nameservers", {"form": form, "nameservers": "ns1"}).status == 400
    told = "ns1.example.net, ns2.example.net"
    assert browser.ask(path + "/nameservers", {"form": form, "nameservers": told}).status == 303
    assert service.rows()[0].nameservers == "ns1.example.net ns2.example.net"
    assert browser.ask(path + "/delete", {"form": form}).status == 303
    assert service.rows()[0].state == register.ENDING
    assert browser.ask(path + "/ipv4", {"form": form, "ipv4": "8.8.8.8"}).status == 400


def test_a_routed_prefix_is_chosen(tmp_path):
    """The page offers what is configured; the script says what there is."""
    service = Service(
        tmp_path,
        "".join(
            f'[[tunnels.pool]]\nprefix = "{prefix}"\nlength = {length}\n'
            for prefix, length in (("2001:db8:2::/63", 64), ("2001:db8:3::/48", 56))
        )
        + LIMITS,
    )
    browser = service.browser()
    path = browser.tunnel(system="openwrt")
    form = browser.change(path)

    def options(text):
        return re.findall(r'<option value="(\d+)"( selected)?>', text)

    shown = browser.ask(path)
    Strict(shown.text)
    assert options(shown.text) == [("0", " selected"), ("56", ""), ("64", "")]
    assert "add_list network.tunnel6.ip6prefix" not in shown.text
    assert browser.ask(path + "/routed", {"form": form, "length": "64"}).status == 303
    shown = browser.ask(path)
    assert shown.field("routed") == "2001:db8:2:1::/64"
    assert options(shown.text) == [("0", ""), ("56", ""), ("64", " selected")]
    script = browser.ask(path + "/openwrt.sh").text
    assert "uci add_list network.tunnel6.ip6prefix='2001:db8:2:1::/64'" in script
    assert "2001:db8:2:1::/64 is routed to it" in browser.ask(path + "/iproute2.sh").text
    other = service.browser("8.8.4.4")
    second = other.tunnel(2)
    answer = other.ask(second + "/routed", {"form": other.change(second), "length": "64"})
    assert answer.status == 400 and "given away" in answer.fault()
    assert browser.ask(path + "/routed", {"form": form, "length": "0"}).status == 303
    # The script takes away what one before has set.
    script = browser.ask(path + "/openwrt.sh").text
    assert "uci -q delete network.tunnel6.ip6prefix\n" in script and "add_list network" not in script
    assert other.ask(second + "/routed", {"form": other.change(second), "length": "64"}).status == 303
    for wrong in ("", "48", "-1", "64 ", "0x40", "<b>", "9" * 3000, "６４"):
        answer = browser.ask(path + "/routed", {"form": form, "length": wrong})
        assert answer.status == 400 and "No such prefix" in answer.fault()
    assert browser.ask(path + "/routed", {"form": "", "length": "56"}).status == 400
    assert [one.routed for one in service.rows()] == ["", "2001:db8:2:1::/64"]
    # Without anything to choose there is no form.
    bare = tmp_path / "bare"
    bare.mkdir()
    browser = Service(bare, LIMITS).browser()
    assert 'name="length"' not in browser.ask(browser.tunnel()).text


def test_nobody_guesses_a_page(service, browser):
    path = browser.tunnel()
    for wrong in ("/t/" + "a" * 26, "/t/1", "/t/" + path[3:-1], path.upper(), "/t/..", path + "/../x"):
        assert browser.ask(wrong).status == 404
    assert browser.ask("/t/" + "a" * 26 + "/delete", {"form": "x"}).status == 404


# Programs


def basic(user, key):
    return {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{user}:{key}".encode()).decode()}


@pytest.fixture
def key(browser):
    path = browser.tunnel()
    return browser.ask(path).field("key")


def test_update(service, browser, key):
    """good, nochg, badauth, nohost, abuse and dnserr; by basic authentication or parameters, GET or POST."""
    ask, good = browser.ask, basic("host1.jp", key)
    assert ask("/nic/update?hostname=1", **good).text == f"nochg {FIRST}\n"
    assert ask("/nic/update?hostname=1&myip=8.8.4.4", **good).text == "good 8.8.4.4\n"
    assert ask("/nic/update?hostname=tunnel1.example.org&myip=8.8.4.4", **good).text == "nochg 8.8.4.4\n"
    assert ask("/nic/update?hostname=host1.jp", **good).text == f"good {FIRST}\n"
    words = f"/nic/update?username=1&password={key}&hostname=1&myip=8.8.8.8"
    assert ask(words).text == "good 8.8.8.8\n"
    told = {"username": "host1.jp", "password": key, "hostname": "1", "myip": "8.8.4.4"}
    assert ask("/nic/update", told).text == "good 8.8.4.4\n"
    assert service.rows()[0].IPv4client == "8.8.4.4"
    for user, word in (("host1.jp", "x"), ("host2.jp", key), ("", ""), ("host1", key)):
        answer = ask("/nic/update?hostname=1", **basic(user, word))
        assert (answer.status, answer.text) == (401, "badauth\n")
    assert ask("/nic/update?hostname=1", HTTP_AUTHORIZATION="Basic !").text == "badauth\n"
    assert ask("/nic/update?hostname=2", **good).text == "nohost\n"
    assert ask("/nic/update?hostname=1&myip=10.0.0.1", **good).text == "dnserr\n"
    other = service.browser("8.8.8.8")
    other.tunnel(2)
    # Another's address is not taken.
    assert ask("/nic/update?hostname=1&myip=8.8.8.8", **good).text == "dnserr\n"
    service.run(register.suspend, 1)
    assert ask("/nic/update?hostname=1", **good).text == "abuse\n"
    service.run(register.end, 1)
    assert ask("/nic/update?hostname=1", **good).text == "nohost\n"


def test_information(service, browser, key):
    answer = browser.ask("/tunnelInfo.php?tid=1", **basic("host1.jp", key))
    (tunnel,) = xml.etree.ElementTree.fromstring(answer.text)
    assert tunnel.attrib == {"id": "1"}
    assert {one.tag: one.text for one in tunnel} == {
        "description": "host1.jp",
        "serverv4": "192.0.2.1",
        "clientv4": FIRST,
        "serverv6": "2001:db8:1:1::1",
        "clientv6": "2001:db8:1:1::2",
        "routed56": "2001:db8:8000:100::/56",
    }
    told = json.loads(browser.ask("/tunnelInfo.json", **basic("host1.jp", key)).text)
    assert told["tunnels"][0]["clientv6"] == "2001:db8:1:1::2"
    assert browser.ask("/tunnelInfo.php?tid=2", **basic("host1.jp", key)).status == 401
    assert browser.ask("/tunnelInfo.php").status == 401


# What is too much, and hostile


def test_limits_of_requests(tmp_path):
    service = Service(tmp_path, "[tunnels.limits]\nrequests = 5\nnew = 1\n")
    browser = service.browser()
    assert [browser.ask("/").status for _ in range(6)] == [200] * 5 + [429]
    assert service.browser("203.0.114.10").ask("/").status == 200
    other = service.browser("8.8.4.4")
    assert other.tunnel() and "new tunnels" in other.fill_in(2, ipv4="8.8.4.5").fault()


def test_limit_grows_back_and_has_a_bound(monkeypatch):
    now = [0.0]
    one = limits.Limit(2, 60, lambda: now[0])
    assert [one.take("a") for _ in range(3)] == [True, True, False]
    now[0] = 29.0
    assert not one.take("a")
    now[0] = 31.0
    assert one.take("a") and not one.take("a")
    monkeypatch.setattr(limits, "MOST", 10)
    for number in range(100):
        one.take(str(number))
    assert len(one.room) <= 10


def test_the_database_is_away(service, browser):
    path = browser.tunnel()
    service.store.engine.dispose()
    service.values.database = ""
    service.page.store = parts.Store("sqlite:////nowhere/x.db", register.metadata)
    answer = browser.ask(path)
    assert answer.status == 503 and "database does not answer" in answer.text
    service.page.dyndns.store = service.page.store
    assert browser.ask("/nic/update?hostname=1", **basic("1", "x")).text == "dnserr\n"


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}",
    "$(reboot)",
    "`id`;rm -rf /",
    "a\r\nSet-Cookie: x=y",
    "' OR 1=1 --",
    "\x00",
    "�%ff",
    "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>",
    "x" * 3000,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_injection(service, browser, text):
    """HTML, headers, templates, commands, SQL: it is shown as text, or refused; nothing of it comes to a script."""
    for name in ("ipv4", "nicname", "country", "system", "form"):
        answer = browser.fill_in(**{name: text})
        assert answer.status == 400
        Strict(answer.text)
        assert "49" not in re.findall(r'value="(\d+)"', answer.text)
        assert len(answer.headers) == len({name.lower() for name in answer.headers})
    path = browser.tunnel()
    form = re.search(r'name="form" value="(\w+)"', browser.ask(path).text)[1]
    for place, name in (("ipv4", "ipv4"), ("nameservers", "nameservers")):
        answer = browser.ask(f"{path}/{place}", {"form": form, name: text})
        assert answer.status == 400
        Strict(answer.text)
    shown = browser.ask(path, HTTP_HOST=text.replace("\r", " ").replace("\n", " "), HTTP_X_FORWARDED_FOR="a")
    Strict(shown.text)
    script = browser.ask(path + "/openwrt.sh", HTTP_HOST=text).text
    assert text[:200] not in script and "http://localhost/" not in browser.ask(path + "/openwrt.sh").text


def test_bodies_that_are_too_long(browser):
    assert browser.ask("/new", b"x" * 5000).status == 413
    # No server lets these through; the page does not rely on it.
    browser.call = browser.plain
    for length in ("-5", "x", "", "9" * 50, "٣"):
        assert browser.ask("/new", b"", CONTENT_LENGTH=length).status == 413


@given(st.text(max_size=80))
def test_what_is_checked_is_plain(text):
    """Whatever passes a check is made of nothing but what scripts and zones may have."""
    for check, plain in (
        (lambda: asked.nicname(text, []), r"[a-z0-9-]{1,63}"),
        (lambda: asked.country(text), r"[a-z]{2}"),
        (lambda: " ".join(asked.nameservers(text)), r"[a-z0-9. -]*"),
    ):
        try:
            assert re.fullmatch(plain, check())
        except asked.Fault:
            pass
    assert re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", asked.host({"HTTP_HOST": text}))
    asked.asker({"REMOTE_ADDR": text, "HTTP_X_FORWARDED_FOR": text}, [])


def test_tokens():
    one, other = tokens.Tokens(b"a" * 32), tokens.Tokens(b"b" * 32)
    mark = one.form("c" * 32)
    assert (
        one.is_form(mark, "c" * 32) and not other.is_form(mark, "c" * 32) and not one.is_form(mark, "d" * 32)
    )
    assert one.link(mark) != other.link(mark) and tokens.LINK.fullmatch(one.link(mark))
    assert len({one.link(mark), one.key_of(mark), one.change(mark)}) == 3
