# SPDX-License-Identifier: Apache-2.0
"""pyrad_lite, on CPython and on MicroPython, against a real FreeRADIUS 3.2.5 or newer on ::1.

Runs where freeradius, micropython and python3 are installed: python3 -m pytest -m guest tests/integration
"""

import ast
import json
import os
import pathlib
import re
import select
import shutil
import socket
import subprocess
import time

import pytest

pytestmark = pytest.mark.guest

HERE = pathlib.Path(__file__).resolve().parent
SECRET, PASSWORD = "lab-shared-secret", "lab-password"
NEXT_USER = "2001:0db8:4000:0300:1111:1111:1111:1111"
CROSS_USER = "2001:0db8:4000:0300"
PATIENCE = 60  # seconds for what takes one on an idle machine


def command(name):
    """The path of a program that the tests need; there is no doing without."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    assert path, f"{name} is not installed: Debian's package {name} has it"
    return path


def free_port():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.bind(("::1", 0))
        return sock.getsockname()[1]


class FreeRadius:
    """One server process; its debugging output is what the assertions read."""

    def __init__(self, folder, require="auto"):
        self.folder = folder
        self.port = free_port()
        self.require = require
        self.process = None
        self.output = folder / "output"

    def start(self):
        environment = dict(
            os.environ,
            SOFTWIRE_RADIUS_PORT=str(self.port),
            SOFTWIRE_RADIUS_RUN=str(self.folder),
            SOFTWIRE_RADIUS_REQUIRE=self.require,
        )
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [command("freeradius"), "-X", "-d", str(HERE / "freeradius")],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.wait_for("Ready to process requests")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(PATIENCE)
            self.process = None

    def log(self):
        return self.output.read_text(errors="replace")

    def wait_for(self, text, count=1):
        """Waits until the output has the text `count` times."""
        end = time.monotonic() + PATIENCE
        while self.log().count(text) < count:
            assert self.process.poll() is None, "freeradius ended:\n" + self.log()[-3000:]
            assert time.monotonic() < end, f"no '{text}' in the output of freeradius:\n" + self.log()[-3000:]
            time.sleep(0.05)

    def requests(self):
        """The attribute names of each request received, in their order on the wire."""
        blocks = re.findall(r"Received Access-Request .*\n((?:\(\d+\)   \S.*\n)*)", self.log())
        return [re.findall(r"\)   (\S+) =", block) for block in blocks]


class Asker:
    """ask.py on one of the interpreters."""

    def __init__(self, interpreter):
        self.interpreter = interpreter

    def start(self, server, **want):
        wanted = dict(
            servers="::1",
            port=server.port,
            secret=SECRET,
            password=PASSWORD,
            user=NEXT_USER,
            line="next",
            sign=False,
            require=False,
            retries=3,
            timeout=10,
            spoil=False,
            lose=False,
        )
        assert set(want) <= set(wanted)
        wanted.update(want)
        process = subprocess.Popen(
            [command(self.interpreter), str(HERE / "ask.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        process.stdin.write(json.dumps(wanted) + "\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
        first = process.stdout.readline() if ready else "nothing"
        assert first and json.loads(first) == {"waiting": True}, first
        return process

    def finish(self, process):
        with process:
            last = process.stdout.readline()  # the client's own patience is bounded
            assert process.wait(PATIENCE) == 0
        return json.loads(last)

    def ask(self, server, **want):
        return self.finish(self.start(server, **want))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One that takes requests with and without Message-Authenticator, as until 3.2.5."""
    made = FreeRadius(tmp_path_factory.mktemp("radius"), "no")
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def strict_server(tmp_path_factory):
    made = FreeRadius(tmp_path_factory.mktemp("strict"), "yes")
    made.start()
    yield made
    made.stop()


@pytest.fixture(params=["python3", "micropython"])
def asker(request):
    return Asker(request.param)


def test_the_server_is_new_enough(server):
    """Before 3.2.5 an Access-Accept had no Message-Authenticator."""
    version = re.search(r"FreeRADIUS Version (\d+)\.(\d+)\.(\d+)", server.log())
    assert tuple(map(int, version.groups())) >= (3, 2, 5)


def test_next(server, asker):
    answer = asker.ask(server)
    assert answer["code"] == 2
    assert dict(answer["named"]) == {
        "SoftBank-WANv4-IP": ["203.0.113.7"],
        "SoftBank-v6-GW": ["2001:db8:b::1"],
        "SoftBank-DNSv6-Primary": ["2001:db8:53::1"],
        "SoftBank-DNSv4-Secondary": ["198.51.100.54"],
        "SoftBank-Config-Req-Time": [86400],
        "Session-Timeout": [3600],
        "Reply-Message": ["welcome"],
    }
    assert answer["source"] == "::1"
    assert answer["ignored"] == {}
    assert server.requests()[-1] == [
        "User-Name",
        "SoftBank-MAC",
        "SoftBank-Manufacturer",
        "SoftBank-Software-Version",
        "SoftBank-Hardware-Version",
        "CHAP-Challenge",
        "CHAP-Password",
    ]


def test_cross(server, asker):
    """CHAP identifier 0, and four vendor attributes in one Vendor-Specific."""
    answer = asker.ask(server, user=CROSS_USER, line="cross")
    assert answer["code"] == 2
    assert dict(answer["named"])["SoftBank-v6FW-NGN"] == ["cross"]
    assert server.requests()[-1] == [
        "User-Name",
        "CHAP-Password",
        "SoftBank-MAC",
        "SoftBank-Manufacturer",
        "SoftBank-Software-Version",
        "SoftBank-Hardware-Version",
        "CHAP-Challenge",
    ]


@pytest.mark.parametrize("want", [{"password": "another"}, {"user": "2001:0db8:4000:0301"}])
def test_reject(server, asker, want):
    answer = asker.ask(server, **want)
    assert answer["code"] == 3
    assert answer["ignored"] == {}


def test_wrong_secret_and_nothing_signed(server, asker):
    """CHAP does without the secret, so the server accepts; nobody here must believe it."""
    before = server.log().count("Sent Access-Accept")
    answer = asker.ask(server, secret="another", retries=1, timeout=2)
    assert answer["error"] == "Timeout"
    assert answer["ignored"] == {"authenticator": 1}
    assert server.log().count("Sent Access-Accept") == before + 1


def test_wrong_secret_and_signed(server, asker):
    """The server drops it in silence."""
    answer = asker.ask(server, secret="another", sign=True, retries=1, timeout=2)
    assert answer["error"] == "Timeout"
    assert answer["ignored"] == {}
    server.wait_for("invalid Message-Authenticator")


def test_message_authenticator_on_both_ways(strict_server, asker):
    answer = asker.ask(strict_server, sign=True, require=True)
    assert answer["code"] == 2
    assert answer["keys"][0] == "Message-Authenticator"
    assert answer["ignored"] == {}
    assert strict_server.requests()[-1][0] == "Message-Authenticator"
    rejected = asker.ask(strict_server, sign=True, require=True, password="another")
    assert rejected["code"] == 3


@pytest.mark.parametrize("want", [{"sign": False}, {"sign": True, "spoil": True}])
def test_message_authenticator_missing_or_wrong(strict_server, asker, want):
    before = strict_server.log().count("Sent Access")
    answer = asker.ask(strict_server, retries=1, timeout=2, **want)
    assert answer["error"] == "Timeout"
    assert strict_server.log().count("Sent Access") == before


def test_silent_server_then_another(server, asker):
    """The first, over IPv4, is there and says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", server.port))
        answer = asker.ask(server, servers=["127.0.0.1", "::1"], retries=2, timeout=1.5)
        assert answer["code"] == 2
        assert answer["source"] == "::1"
        first, second = silent.recvfrom(4096), silent.recvfrom(4096)
        assert first == second  # octets, address and port


def test_server_that_is_restarted_during_the_wait(tmp_path, asker):
    server = FreeRadius(tmp_path)
    server.start()
    server.stop()
    process = asker.start(server, retries=5, timeout=6)
    server.start()
    answer = asker.finish(process)
    server.stop()
    assert answer["code"] == 2
    assert answer["ignored"]["unreachable"] >= 1


def test_lost_reply_is_answered_from_the_duplicate_cache(server, asker):
    """The same octets from the same port: the server does not authenticate twice."""
    duplicates = server.log().count("Sending duplicate reply")
    received = len(server.requests())
    answer = asker.ask(server, lose=True)
    assert answer["code"] == 2
    server.wait_for("Sending duplicate reply", duplicates + 1)
    assert len(server.requests()) == received + 1


# FreeRADIUS' own dictionaries: what a packet calls some numbers, and the numbers of some names. 123 and 241 were
# Ascend's before they were a prefix and an extended attribute, 69 has a tag: today they have no name here.
OWN = pathlib.Path("/usr/share/freeradius")
KEYS = {
    1: "User-Name",
    4: "NAS-IP-Address",
    32: "NAS-Identifier",
    95: "NAS-IPv6-Address",
    123: 123,
    241: 241,
    69: 69,
    (9, 1): "Cisco-AVPair",
    (311, 1): "MS-CHAP-Response",
    (24757, 1): (24757, 1),  # WiMAX, whose format is another
}
LOAD = """
import sys
sys.path.insert(0, sys.argv[1])
from pyrad_lite.dictionary import Dictionary
for path in sys.argv[2:]:
    found = Dictionary(path)
print([(key, found.name(key)) for key in {}])
"""


@pytest.mark.parametrize(
    ("interpreter", "pattern"),
    # Alone, too, what a file needs of another one is unknown, and no fault.
    [(["python3"], "dictionary*"), (["micropython", "-X", "heapsize=16M"], "dictionary")],
    ids=["python3", "micropython"],
)
def test_the_servers_own_dictionaries(interpreter, pattern, tmp_path):
    script = tmp_path / "load.py"
    script.write_text(LOAD.format(list(KEYS)))
    # All of them come last, as the server reads them.
    paths = sorted(OWN.glob(pattern), reverse=True)
    assert paths[-1] == OWN / "dictionary"
    told = subprocess.run(
        [command(interpreter[0]), *interpreter[1:], script, HERE.parents[1] / "src", *paths],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    assert dict(ast.literal_eval(told)) == KEYS
