# SPDX-License-Identifier: Apache-2.0
"""The page: what it shows to whom, behind nginx and as CGI, with the examples of the documentation."""

import html.parser
import io
import ipaddress
import json
import re
import shutil
import subprocess
import sys
import wsgiref.util
import wsgiref.validate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softwired.prefix64 import page, pageserver
from softwired.prefix64.ranges import Span
from softwired.service import StartError
from softwired.web import key_of
from tests.softwired import network
from tests.softwired.prefix64 import lab

DOCS = (network.TREE / "docs/prefix64.md").read_text()
KEY = bytes(range(32))
PREFIX = ipaddress.IPv6Network(lab.PREFIX)
OURS = page.Range(PREFIX, [])
CALLED = "2001:db8:1::77"


def ask(ours=(OURS,), key=KEY, **environ):
    """(status, headers, text) as PEP 3333 has it."""
    made = {
        "REMOTE_ADDR": "2001:db8:9::1",
        "SERVER_ADDR": CALLED,
        "HTTP_HOST": f"[{CALLED}]",
        "QUERY_STRING": "",
    }
    made.update(environ)
    wsgiref.util.setup_testing_defaults(made)
    told = {}

    def start(status, headers, _=None):
        told.update(status=status, headers=dict(headers))
        return None

    application = wsgiref.validate.validator(page.Page(lambda: list(ours), key))
    parts = application(made, start)
    text = b"".join(parts).decode()
    parts.close()
    return told["status"], told["headers"], text


def as_json(**environ):
    return json.loads(ask(HTTP_ACCEPT="application/json", **environ)[2])


def test_json():
    told = as_json()
    assert (told["client"], told["server"], told["prefix"]) == ("2001:db8:9::1", CALLED, lab.PREFIX)
    assert ipaddress.IPv6Address(told["random"]) in PREFIX
    assert told["url"] == f"http://[{told['random']}]/"
    assert as_json()["random"] != told["random"]


@pytest.mark.parametrize(
    "accept, kind",
    [
        ("", "text/plain"),
        ("*/*", "text/plain"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", "text/html"),
        ("application/json", "application/json"),
        ("application/json;q=0.5, text/html;q=0.4", "application/json"),
        ("text/*;q=0.3, text/html;q=0.7, */*;q=0.5", "text/html"),
        ("text/html;q=0", "text/plain"),
        ("image/png", "text/plain"),
        ("text/html;q=many, ;;;,,,\0", "text/html"),
    ],
)
def test_accept(accept, kind):
    status, headers, _ = ask(HTTP_ACCEPT=accept)
    assert status == "200 OK" and headers["Content-Type"].partition(";")[0] == kind
    assert headers["Vary"] == "Accept, Accept-Language"


@pytest.mark.parametrize(
    "environ, language",
    [
        ({}, "en"),
        ({"HTTP_ACCEPT_LANGUAGE": "ja,en-US;q=0.7,en;q=0.3"}, "ja"),
        ({"HTTP_ACCEPT_LANGUAGE": "ja-JP"}, "ja"),
        ({"HTTP_ACCEPT_LANGUAGE": "de"}, "en"),
        ({"HTTP_ACCEPT_LANGUAGE": "en-GB, ja;q=0.9"}, "en"),
        ({"HTTP_ACCEPT_LANGUAGE": "ja", "QUERY_STRING": "lang=en"}, "en"),
        ({"QUERY_STRING": "lang=ja"}, "ja"),
        ({"QUERY_STRING": "lang=xx"}, "en"),
    ],
)
def test_language(environ, language):
    text = ask(HTTP_ACCEPT="text/html", **environ)[2]
    assert f'<html lang="{language}">' in text
    assert ("あなたのアドレス" in text) == (language == "ja")
    assert set(page.WORDS["en"]) == set(page.WORDS["ja"])


class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.found, self.data = [], [], ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.data += data


@given(st.text())
def test_a_name_cannot_write_the_page(name):
    from urllib.parse import quote

    hostile = "<script>alert(1)</script>\"'&" + name
    asked = "lang=en&name=" + quote(hostile, errors="replace")
    text = ask(HTTP_ACCEPT="text/html", QUERY_STRING=asked)[2]
    tags = Tags(text)
    assert {tag for tag, _ in tags.found} <= set(
        "html head meta title style body nav a h1 dl dt dd form input label button".split()
    )
    assert all(not name.startswith("on") for _, attributes in tags.found for name in attributes)
    links = [attributes["href"] for tag, attributes in tags.found if tag == "a"]
    assert all(re.fullmatch(r"\?lang=ja|http://\[[0-9a-f:]+\]/", link) for link in links)


def test_an_address_for_a_name():
    first, again = as_json(QUERY_STRING="name=alice+%E3%81%82"), as_json(QUERY_STRING="name=alice+%E3%81%82")
    assert first["name"] == "alice あ" and first["stable"] == again["stable"] != first["random"]
    assert first["stable_url"] == f"http://[{first['stable']}]/"
    assert as_json(QUERY_STRING="name=bob")["stable"] != first["stable"]
    assert as_json(key=b"x" * 32, QUERY_STRING="name=alice+%E3%81%82")["stable"] != first["stable"]
    # RFC 7217: another prefix, another identifier.
    other = page.Range(ipaddress.IPv6Network("2001:db8:2::/64"), [])
    ours, theirs = (page.stable_address(of, "alice", KEY) for of in (OURS, other))
    assert int(ours) & (1 << 64) - 1 != int(theirs) & (1 << 64) - 1
    assert "stable" not in as_json(key=b"", QUERY_STRING="name=alice")


def test_addresses_that_cannot_be_had():
    of = page.Range(
        ipaddress.IPv6Network("2001:db8:1::/124"),
        [Span(int(PREFIX.network_address), int(PREFIX.network_address) + 0xE)],
    )
    assert all(str(page.random_address(of)) == "2001:db8:1::f" for _ in range(3))
    assert str(page.stable_address(of, "alice", KEY)) == "2001:db8:1::f"
    for identifier in (0, 0xFF, 0xFDFFFFFFFFFFFF80, 0xFDFFFFFFFFFFFFFF, 0x02005EFFFE000001):
        assert not OURS.allows(int(PREFIX.network_address) | identifier)
    assert OURS.allows(int(PREFIX.network_address) | 0x100)
    nothing = page.Range(PREFIX, [Span(0, (1 << 128) - 1)])
    assert page.random_address(nothing) is None
    assert "url" not in as_json(ours=[nothing])


def test_random_is_random():
    seen = {int(page.random_address(OURS)) & (1 << 64) - 1 for _ in range(2000)}
    assert len(seen) == 2000
    for bit in range(64):
        assert 800 < sum(number >> bit & 1 for number in seen) < 1200


@pytest.mark.parametrize(
    "environ, url",
    [
        ({}, "http://[{}]/"),
        ({"HTTP_HOST": "[2001:db8:1::1]:8080"}, "http://[{}]:8080/"),
        ({"HTTP_HOST": "example.org:99999"}, "http://[{}]/"),
        ({"HTTP_HOST": 'x" onclick=":80'}, "http://[{}]:80/"),
        ({"HTTPS": "on"}, "https://[{}]/"),
        ({"HTTP_X_FORWARDED_PROTO": "https", "REMOTE_ADDR": "::1"}, "https://[{}]/"),
        # A stranger's word.
        ({"HTTP_X_FORWARDED_PROTO": "https"}, "http://[{}]/"),
    ],
)
def test_links(environ, url):
    told = as_json(**environ)
    assert told["url"] == url.format(told["random"])


def test_what_is_said_of_the_client():
    """A web server here may say who calls; a stranger may not."""
    headers = {"HTTP_X_REAL_IP": "2001:db8:7::7", "HTTP_X_SERVER_ADDRESS": "2001:db8:1::5"}
    assert as_json(REMOTE_ADDR="::1", **headers)["client"] == "2001:db8:7::7"
    assert as_json(REMOTE_ADDR="::1", **headers)["server"] == "2001:db8:1::5"
    assert as_json(**headers)["client"] == "2001:db8:9::1"
    assert as_json(REMOTE_ADDR="::ffff:192.0.2.1")["client"] == "192.0.2.1"
    nonsense = as_json(REMOTE_ADDR="::1", HTTP_X_REAL_IP="<b>", HTTP_X_SERVER_ADDRESS="[fe80::1%eth0]")
    run_once = {"wsgi.run_once": True, "REMOTE_ADDR": "::1"}
    assert as_json(**run_once, **headers)["client"] == "::1"
    assert "client" not in nonsense and nonsense["server"] == "fe80::1"


def test_without_a_prefix():
    for accept, said in (
        ("text/html", "no prefix yet"),
        ("", "no prefix yet"),
        ("application/json", '"client"'),
    ):
        assert said in ask(ours=(), HTTP_ACCEPT=accept)[2]


def test_methods():
    assert ask(REQUEST_METHOD="HEAD")[2] == "" and ask(REQUEST_METHOD="HEAD")[0] == "200 OK"
    status, headers, _ = ask(REQUEST_METHOD="POST", CONTENT_LENGTH="0")
    assert status.startswith("405") and headers["Allow"] == "GET, HEAD"


def test_the_key(tmp_path):
    path = tmp_path / "key"
    assert key_of(str(path), False, pageserver.KEY) == b"" == key_of("", True, pageserver.KEY)
    made = key_of(str(path), True, pageserver.KEY)
    assert (
        len(made) == 32
        and key_of(str(path), True, pageserver.KEY) == made
        and path.stat().st_mode & 0o777 == 0o600
    )
    path.write_bytes(b"short")
    with pytest.raises(StartError, match="at least 16 would be right"):
        key_of(str(path), True, pageserver.KEY)
    with pytest.raises(StartError, match="No such file"):
        key_of(str(tmp_path / "none/key"), True, pageserver.KEY)


def test_cgi(machine):
    """RFC 3875, as uhttpd starts it."""
    machine.configure()
    machine.environment.update(
        GATEWAY_INTERFACE="CGI/1.1",
        REQUEST_METHOD="GET",
        REMOTE_ADDR="2001:db8:9::1",
        SERVER_ADDR=CALLED,
        HTTP_ACCEPT="text/html",
        HTTP_HOST=f"[{CALLED}]",
    )
    done = machine.inside("prefix64", "page", "--cgi")
    head, _, body = done.stdout.partition("\n\n")
    assert done.returncode == 0 and head.startswith("Status: 200 OK\n") and "Content-Type: text/html" in head
    assert f'<dd id="server">{CALLED}</dd>' in body


def test_cgi_in_octets():
    written = io.BytesIO()
    pageserver.cgi(
        page.Page(lambda: [OURS], KEY), {"HTTP_ACCEPT": "text/html", "QUERY_STRING": "lang=ja"}, written
    )
    head, _, body = written.getvalue().partition(b"\r\n\r\n")
    assert body.decode().endswith("</html>\n")
    # The web server may send it in chunks (RFC 9112 section 6.2).
    assert b"\r\nContent-Type: text/html" in head and b"Content-Length" not in head


# With the documentation's examples


def fenced(language):
    return re.search(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)[1]


def get(cable, address, *words):
    return cable.client.run("curl", "-gsS", "--max-time", "10", *words, f"http://[{address}]/")


@pytest.fixture
def nginx(cable, machine):
    if not shutil.which("nginx", path="/usr/sbin:/usr/bin"):
        pytest.skip("no nginx here: tests/setup.sh server installs it")
    folder = machine.folder
    for site in "ab":
        (folder / f"www/{site}").mkdir(parents=True)
        (folder / f"www/{site}/index.html").write_text(f"site {site}\n")
    example = fenced("nginx").replace("/var/www", f"{folder}/www")
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in "client_body proxy fastcgi uwsgi scgi".split()
    )
    (folder / "nginx.conf").write_text(
        f"user root;\ndaemon off;\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log {folder}/access.log;\n{temporary}{example}}}\n"
    )
    machine.softwired(page={"key_file": f"{folder}/key"})
    machine.start("page", *machine.command("prefix64", "page"), ready="listens at")
    process = machine.cable.server.start("nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder))
    machine.running.append(process)
    network.until(lambda: ":80" in cable.server.run("ss", "-6ltn"), "nginx listens")
    yield process


def test_behind_nginx(cable, machine, nginx):
    told = json.loads(get(cable, CALLED, "-H", "Accept: application/json"))
    assert (told["client"], told["server"], told["prefix"]) == (network.CLIENT, CALLED, lab.PREFIX)
    # The random address is one that answers, and so on.
    for _ in range(20):
        again = json.loads(get(cable, told["random"], "-H", "Accept: application/json"))
        assert again["server"] == told["random"]
        told = again
    assert get(cable, CALLED).startswith(f"You are: {network.CLIENT}\nYou called: {CALLED}\n")
    # Virtual hosts by their address, with neither a name nor a Host header.
    for site in "ab":
        assert get(cable, f"2001:db8:1::{site}") == f"site {site}\n"
        assert get(cable, f"2001:db8:1::{site}", "--http1.0", "-H", "Host:") == f"site {site}\n"


def test_freebind(cable, machine):
    """A program that binds to one address of the range."""
    machine.softwired()
    program = machine.start("freebind", sys.executable, "-c", fenced("python"))
    network.until(lambda: ":80" in cable.server.run("ss", "-6ltn"), "it listens")
    assert (
        cable.client.run("curl", "-gsS", "--http0.9", "--max-time", "10", "http://[2001:db8:1::cafe]/")
        == "freely bound\n"
    )
    assert program.wait(10) == 0


def test_the_example_in_the_documentation(machine, tmp_path):
    from softwired import service

    path = tmp_path / "docs.toml"
    path.write_text(fenced("toml"))
    (entry,) = service.checked(str(path))["prefix64"].range
    assert entry.exceptions and entry.local


@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium: tests/setup.sh browser installs it")
@pytest.mark.parametrize("language", page.LANGUAGES)
def test_in_a_browser(cable, machine, nginx, language):
    """Chromium, by the link on the page; a screenshot of it stays in build/prefix64/."""
    pictures = network.TREE / "build/prefix64"
    pictures.mkdir(parents=True, exist_ok=True)
    picture = pictures / f"page-{language}.png"
    picture.unlink(missing_ok=True)
    address = CALLED
    words = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --window-size=900,640"
    words += f" --accept-lang={language} --user-data-dir={machine.folder}/chromium"
    for _ in range(2):
        dom = browse(cable, machine, words, "--dump-dom", address)
        assert f'<html lang="{language}">' in dom and f'<dd id="server">{address}</dd>' in dom
        assert f'<dd id="client">{network.CLIENT}</dd>' in dom
        address = re.search(r'id="random-link" href="http://\[([0-9a-f:]+)\]/"', dom)[1]
    browse(cable, machine, words, f"--screenshot={picture}", address)
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and picture.stat().st_size > 5000


def browse(cable, machine, words, what, address):
    """What chromium prints."""
    with open(machine.folder / "chromium.log", "a") as log:
        process = cable.client.start(
            "chromium",
            *words.split(),
            what,
            f"http://[{address}]/",
            env={**machine.environment, "HOME": str(machine.folder)},
            stdout=subprocess.PIPE,
            stderr=log,
        )
        try:
            return process.communicate(timeout=60)[0]
        finally:
            process.kill()
            process.wait()
