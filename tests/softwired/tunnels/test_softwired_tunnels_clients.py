# SPDX-License-Identifier: Apache-2.0
"""The page as a process: unmodified ddclient, inadyn and curl, nginx in front of it, and no privileges."""

import base64
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import xml.etree.ElementTree

import pytest

from softwired.tunnels.words import WORDS
from tests.softwired import network
from tests.softwired.tunnels.webpage import PERSON, SERVER

NGINX = """
daemon off; pid FOLDER/nginx.pid; error_log FOLDER/nginx-error.log; user root;
events { }
http {
    access_log off; client_body_temp_path FOLDER/b; proxy_temp_path FOLDER/p; fastcgi_temp_path FOLDER/f;
    uwsgi_temp_path FOLDER/u; scgi_temp_path FOLDER/s;
    server {
        listen 80; listen [::]:80;
        location / {
            proxy_pass http://[::1]:8041;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
        }
    }
}
"""


@pytest.fixture
def key(web):
    """The update key of a tunnel to PERSON, number 1."""
    web.begin()
    page = web.curl(web.fill_in())
    return re.search(r'id="key">(\w+)<', page)[1]


def program(name):
    found = shutil.which(name, path="/usr/sbin:/usr/bin")
    assert found, f"{name} is not here: tests/setup.sh server installs it"
    return found


def inside(web, *words):
    done = subprocess.run(
        [*web.cable.client.enter, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.stdout


def test_ddclient(web, key):
    path = web.folder / "ddclient.conf"
    path.write_text(
        f"protocol=dyndns2\nuse=ip, ip=203.0.114.10\nssl=no\nserver={SERVER}\n"
        f"login=host1.jp\npassword='{key}'\ntunnel1.example.org\n"
    )
    path.chmod(0o600)
    words = "-daemon=0 -foreground -verbose -noquiet".split()
    said = inside(
        web, program("ddclient"), *words, "-file", str(path), "-cache", str(web.folder / "ddclient.cache")
    )
    assert "SUCCESS" in said and "203.0.114.10" in said, said
    assert web.listed()[0]["IPv4client"] == "203.0.114.10"


def test_inadyn(web, key):
    path = web.folder / "inadyn.conf"
    path.write_text(
        "custom tunnels {\n"
        f'    username = host1.jp\n    password = {key}\n    hostname = 1\n    ddns-server = "{SERVER}"\n'
        '    ddns-path = "/nic/update?hostname=%h&myip=%i"\n    ssl = false\n'
        '    checkip-command = "echo 203.0.114.11"\n}\n'
    )
    said = inside(
        web, program("inadyn"), "-1", "-n", "--force", "-l", "debug", "-f", str(path),
        "--cache-dir", str(web.folder), "-P", str(web.folder / "inadyn.pid"),
    )  # fmt: skip
    assert "good 203.0.114.11" in said, said
    assert web.listed()[0]["IPv4client"] == "203.0.114.11"


def uclient_fetch(web, url, user, key):
    """The answers to what OpenWrt 23.05's program was seen to send, piece by piece: user and key come after a 401.

    So it is for ddns-scripts 2.8.2, whose URL has them, and for 6in4, which has them as --user and --password.
    """
    host, path = re.fullmatch(r"http://([^/]+)(/.*)", url).groups()
    credentials = base64.b64encode(f"{user}:{key}".encode()).decode()
    pieces = [f"GET {path} HTTP/1.1\r\nHost: {host}\r\n", "User-Agent: uclient-fetch\r\n", "\r\n"]
    answers = []
    for more in ([], [f"Authorization: Basic {credentials}\r\n"]):
        with web.cable.client.open(socket.AF_INET, socket.SOCK_STREAM) as made:
            made.settimeout(20)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.connect((SERVER, 80))
            for piece in pieces[:2] + more + pieces[2:]:
                made.sendall(piece.encode())
            answers.append(b"".join(iter(lambda: made.recv(4096), b"")).decode())
        if not re.match(r"HTTP/1\.\d 401 ", answers[-1]):
            break
    return answers


def test_what_routers_send(web, key):
    """ddns-scripts by the URL of our own script, and 6in4, whose own is another host's."""
    script = web.curl(web.fill_in("host2", "203.0.114.13") + "/openwrt.sh")
    url = re.search(r"url='([^']*)'", script)[1]
    user, secret = (
        re.search(rf"ddns.tunnel6.{name}='([^']*)'", script)[1] for name in ("username", "password")
    )
    assert url.startswith("http://[USERNAME]:[PASSWORD]@")
    url = url.replace("[USERNAME]:[PASSWORD]@", "").replace("[DOMAIN]", "2").replace("[IP]", "203.0.114.14")
    first, last = uclient_fetch(web, url, user, secret)
    assert re.search(r"^WWW-Authenticate: Basic realm=", first, re.MULTILINE | re.IGNORECASE)
    assert first.endswith("\r\n\r\nbadauth\n")
    # uclient-fetch ends with 0, and ddns-scripts takes it, if the status is 200 alone.
    assert re.match(r"HTTP/1\.\d 200 ", last) and last.endswith("\r\n\r\ngood 203.0.114.14\n")
    assert uclient_fetch(web, url, user, secret)[1].endswith("\r\n\r\nnochg 203.0.114.14\n")
    assert " 401 " in uclient_fetch(web, url, user, "wrong")[1].splitlines()[0]
    # Without myip behind a NAT.
    base = "http://ipv4.tunnelbroker.net/nic/update?hostname=1"
    assert uclient_fetch(web, base, "host1.jp", key)[1].endswith(f"\r\n\r\nnochg {PERSON}\n")
    assert uclient_fetch(web, base + "&myip=203.0.114.12", "host1.jp", key)[1].endswith("good 203.0.114.12\n")
    (tunnel,) = xml.etree.ElementTree.fromstring(
        web.curl("-u", f"host1.jp:{key}", f"http://{SERVER}/tunnelInfo.php?tid=1")
    )
    assert tunnel.find("clientv4").text == "203.0.114.12"


def test_who_does_not_answer(web):
    """Echo requests are sent for real, by a process that has no privileges."""
    web.begin()
    web.cable.client.run("sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1")
    with pytest.raises(AssertionError, match="did not answer three echo requests"):
        web.fill_in()
    web.cable.client.run("sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=0")
    assert web.fill_in()
    status = pathlib.Path(f"/proc/{web.page.pid}/status").read_text()
    if web.user:
        assert re.search(r"Uid:\t65534\t65534", status)
        assert re.search(r"CapPrm:\t0{16}\nCapEff:\t0{16}", status)
        assert "NoNewPrivs:\t1" in status


def test_a_group_that_may_not_ask(web):
    web.cable.server.run("sysctl", "-qw", "net.ipv4.ping_group_range=1 0")
    with pytest.raises(
        AssertionError, match="ping_group_range = 0 2147483647, or echo = false, would be right"
    ):
        web.begin()


def test_a_port_that_is_taken(web):
    web.begin()
    with pytest.raises(
        AssertionError, match=r"tunnels.page.listen: cannot listen at \[::\]:80: Address already"
    ):
        web.start("second", *web.command("tunnels", "page"), ready="listens at")


def test_behind_nginx(web):
    web.begin("[::1]:8041")
    path = web.folder / "nginx.conf"
    path.write_text(NGINX.replace("FOLDER", str(web.folder)))
    web.start("nginx", program("nginx"), "-c", str(path))
    network.until(lambda: ":80 " in web.cable.server.run("ss", "-ltn"), "nginx listens")
    page = web.curl(f"http://{SERVER}/new/iproute2")
    assert f'value="{PERSON}"' in page and 'id="proxy"' not in page
    # What the person claims to be is not believed, and noticed.
    page = web.curl("-H", "X-Forwarded-For: 8.8.8.8", f"http://{SERVER}/new/iproute2")
    assert f'value="{PERSON}"' in page and 'id="proxy"' in page
    assert web.curl(web.fill_in()).count("2001:db8:1:1::2") == 2


def test_an_account_behind_https(web):
    """The cookie is one that browsers keep for this host and https alone; curl checks it as they do."""
    web.accounts = True
    web.begin("[::1]:8041")
    certificate, key = network.certificate(web.folder, SERVER)
    tls = f"listen 443 ssl; ssl_certificate {certificate}; ssl_certificate_key {key};"
    path = web.folder / "nginx.conf"
    path.write_text(NGINX.replace("listen 80;", f"listen 80; {tls}").replace("FOLDER", str(web.folder)))
    web.start("nginx", program("nginx"), "-c", str(path))
    network.until(lambda: ":443 " in web.cable.server.run("ss", "-ltn"), "nginx listens")
    base = f"https://{SERVER}"

    def ask(place, **form):
        words = [word for name, value in form.items() for word in ("--data-urlencode", f"{name}={value}")]
        return web.curl("--cacert", certificate, "-w", "%{http_code} %{redirect_url}", *words, place)

    mark = re.search(r'name="form" value="([^"]+)"', ask(f"{base}/sign-up"))[1]
    told = {"name": "alice", "password": "four words of mine", "again": "four words of mine"}
    assert ask(f"{base}/sign-up", form=mark, **told) == f"303 {base}/account"
    jar = (web.folder / "jar").read_text()
    (line,) = [line.split("\t") for line in jar.splitlines() if "__Host-session" in line]
    # HttpOnly, no other host below, the whole path, https alone.
    assert line[:4] == [f"#HttpOnly_{SERVER}", "FALSE", "/", "TRUE"] and len(line[6]) == 32
    assert ">alice<" in ask(f"{base}/account")
    # Over http nobody is told who it is.
    assert ask(f"http://{SERVER}/account") == f"303 http://{SERVER}/login?next=/account"
    assert "four" not in web.log("page")


WINDOWS = [("en", "light", 900), ("ja", "dark", 900), ("ja", "light", 390)]
IN_A_BROWSER = pytest.mark.skipif(
    not shutil.which("chromium"), reason="no chromium: tests/setup.sh browser installs it"
)


def browse(web, language, scheme, width, account=""):
    """What Chromium saw; pictures of it stay in build/tunnels/."""
    pytest.importorskip("playwright.sync_api", reason="Playwright is not here: tests/setup.sh browser")
    web.begin()
    folder = web.folder / "browser"
    folder.mkdir()
    words = [f"http://{SERVER}/", str(folder), "", "laptop", language, scheme, str(width), account]
    done = subprocess.run(
        [
            *web.cable.client.enter,
            sys.executable,
            str(pathlib.Path(__file__).parent / "browse.py"),
            *words,
        ],
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert told["language"] == language and told["prefilled"] == PERSON
    assert told["client6"] == "2001:db8:1:1::2/64" and "2001:db8:1:1::1 dev tunnel6" in told["script"]
    assert told["overflow"] == told["unlabelled"] == 0
    light = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in told["colours"]]
    assert (light[0] > light[1] + 300) if scheme == "dark" else (light[1] > light[0] + 300)
    pictures = network.TREE / "build/tunnels"
    pictures.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.png"):
        assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and path.stat().st_size > 5000
        shutil.copy(path, pictures / path.name)
    return told


@IN_A_BROWSER
@pytest.mark.parametrize(("language", "scheme", "width"), WINDOWS)
def test_in_a_browser(web, language, scheme, width):
    """Chromium fills in the form."""
    browse(web, language, scheme, width)


@IN_A_BROWSER
@pytest.mark.parametrize(("language", "scheme", "width"), [*WINDOWS, ("en", "dark", 390)])
def test_an_account_in_a_browser(web, language, scheme, width):
    """From sign-up to the list, with a routed prefix, another password, out and in again; cookies are Chromium's."""
    web.accounts = True
    told = browse(web, language, scheme, width, "alice")
    words = WORDS[language]
    assert told["differ"] == words["password_differs"] and told["fault"] == words["no_login"]
    assert told["routed"] == "2001:db8:4000:100::/56" and told["changed"] == words["password_changed"]
    assert "laptop.jp" in told["listed"] and told["routed"] in told["listed"]
    assert told["again"].partition("?")[0] == told["url"].partition("?")[0]
    log = web.log("page")
    assert "four" not in log and "Traceback" not in log
