# SPDX-License-Identifier: Apache-2.0
"""The frame: log, counters, loop, status, readiness, privileges, and the life of a process."""

import json
import os
import random
import signal
import socket
import subprocess
import sys

import pytest

from softwired import control, counters, privileges, readiness, status
from softwired.log import Log
from softwired.loop import Loop
from tests.softwired import network

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(network.TREE / "src")}


class Stream:
    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def test_a_kind_of_trouble_is_said_once_a_minute(monkeypatch):
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    now = [1000.0]
    stream = Stream()
    log = Log("dhcp4o6", lambda: now[0], stream)
    for _ in range(5):
        log.seldom("flood", "too many")
    log.seldom("other", "else")
    assert stream.text == "dhcp4o6: too many\ndhcp4o6: else\n"
    now[0] += 60
    stream.text = ""
    log.seldom("flood", "too many")
    assert stream.text == "dhcp4o6: too many (4 more of these since the last such line)\n"


def test_a_line_is_one_line(monkeypatch):
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    stream = Stream()
    Log("x", stream=stream).error("a\nb\x1b[2J")
    assert stream.text == "<3>x: a?b?[2J\n"


def test_prometheus_text():
    made = counters.Counters("lab")
    family = made.family("dropped_total", "Dropped", "reason", ["never"])
    family["flood"] += 3
    histogram = made.histogram("seconds", "Time", (0.1, 1))
    for value in (0.05, 0.1, 0.5, 7):
        histogram.add(value)
    made.gauge("waiting", "Waiting", lambda: 5)
    values = json.loads(json.dumps(made.values()))
    assert counters.text(values) == (
        "# HELP lab_dropped_total Dropped\n"
        "# TYPE lab_dropped_total counter\n"
        'lab_dropped_total{reason="flood"} 3\n'
        'lab_dropped_total{reason="never"} 0\n'
        "# HELP lab_seconds Time\n"
        "# TYPE lab_seconds histogram\n"
        'lab_seconds_bucket{le="0.1"} 2\n'
        'lab_seconds_bucket{le="1"} 3\n'
        'lab_seconds_bucket{le="+Inf"} 4\n'
        "lab_seconds_sum 7.65\n"
        "lab_seconds_count 4\n"
        "# HELP lab_waiting Waiting\n"
        "# TYPE lab_waiting gauge\n"
        "lab_waiting 5\n"
    )


def test_timers_in_order_and_cancelled():
    now = [0.0]
    loop = Loop(lambda: now[0])
    seen = []
    loop.later(2, lambda: seen.append("second"))
    loop.later(1, lambda: seen.append("first"))
    loop.later(1, lambda: seen.append("beside")).cancel()
    now[0] = 1.5
    loop.turn(0)
    assert seen == ["first"]
    now[0] = 2.0
    loop.turn(0)
    assert seen == ["first", "second"]


def test_a_descriptor_forgotten_by_another_is_not_called():
    loop = Loop()
    pairs = [socket.socketpair() for _ in range(2)]
    seen = []

    def watch(one, other):
        def heard():
            seen.append(one)
            loop.forget(pairs[other][0].fileno())

        loop.watch(pairs[one][0].fileno(), heard)

    watch(0, 1)
    watch(1, 0)
    for pair in pairs:
        pair[1].send(b"x")
    loop.turn(1)
    assert len(seen) == 1
    for pair in pairs:
        pair[0].close()
        pair[1].close()


@pytest.mark.parametrize("abstract", [True, False])
def test_readiness(tmp_path, monkeypatch, abstract):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        name = f"softwired-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
        systemd.bind("\0" + name if abstract else name)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name if abstract else name)
        assert readiness.notify(readiness.READY)
        assert systemd.recv(100) == b"READY=1"
        assert readiness.notify(readiness.reloading())
        assert systemd.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")


def test_nobody_to_tell(monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
    assert not readiness.notify(readiness.READY)
    monkeypatch.delenv("NOTIFY_SOCKET")
    assert not readiness.notify(readiness.READY)


def test_control_takes_the_place_of_a_dead_one_only(tmp_path):
    address = str(tmp_path / "x.socket")
    first = control.Control(address, lambda: {"a": 1})
    assert os.stat(address).st_mode & 0o777 == 0o600
    with pytest.raises(OSError, match="already answers"):
        control.Control(address, dict)
    first.socket.close()
    second = control.Control(address, dict)
    second.close()
    assert not os.path.exists(address)


def test_what_privileges_lack():
    right = {"uid": 5, "effective": 0x400, "permitted": 0x400, "no_new_privs": 1}
    assert privileges.judge(right, 0x400) == []
    assert privileges.judge({**right, "uid": 0}, 0x400) == ["runs as root"]
    assert privileges.judge({**right, "permitted": 0x1400}, 0x400) == [
        "has more capabilities than it needs: 0x1000"
    ]
    assert privileges.judge({**right, "effective": 0}, 0x400) == ["has no CAP_NET_BIND_SERVICE"]
    assert privileges.judge({**right, "no_new_privs": 0}, 0x400) == ["no_new_privs is not set"]


TRY = "from softwired import privileges; privileges.shed('nobody', ()); import softwired.dhcp4o6"


def for_nobody():
    """A Python whose library everybody may read, and this tree too, as with an installed one; None if there is none."""
    for python in (sys.executable, "/usr/bin/python3"):
        done = subprocess.run([python, "-c", TRY], env=ENVIRONMENT, capture_output=True)
        if os.geteuid() == 0 and done.returncode == 0:
            return python
    return None


NOBODY = for_nobody()
needs_nobody = pytest.mark.skipif(NOBODY is None, reason="not root, or no Python that everybody may read")

SHED = """
import os, sys
from softwired import privileges
print(privileges.shed(sys.argv[1], (privileges.NET_BIND_SERVICE,)))
print(privileges.state())
import subprocess
print(subprocess.run(["grep", "CapEff", "/proc/self/status"], capture_output=True, text=True).stdout.split()[1])
try:
    os.setuid(0)
    print("root again")
except OSError:
    print("never again")
"""


def shed(user):
    done = subprocess.run(
        [NOBODY or sys.executable, "-c", SHED, user],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@needs_nobody
def test_root_becomes_another_user():
    problems, state, child, again = shed("nobody")
    assert problems == "[]"
    assert eval(state) == {"uid": 65534, "effective": 0x400, "permitted": 0x400, "no_new_privs": 1}
    assert int(child, 16) == 0
    assert again == "never again"


@needs_nobody
def test_started_as_another_user_by_systemd():
    """With capabilities that it gives up, and that what it starts does not get (AmbientCapabilities)."""
    capabilities = "+net_bind_service,+net_admin"
    command = [
        "setpriv",
        "--reuid=65534",
        "--clear-groups",
        "--inh-caps",
        capabilities,
        "--ambient-caps",
        capabilities,
    ]
    done = subprocess.run(
        [*command, NOBODY, "-c", SHED, "softwired"],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    problems, state, child, _ = done.stdout.splitlines()
    assert problems == "[]"
    assert eval(state) == {"uid": 65534, "effective": 0x400, "permitted": 0x400, "no_new_privs": 1}
    assert int(child, 16) == 0


@needs_nobody
def test_a_user_that_is_not_there():
    problems = shed("softwired-nobody")[0]
    assert "there is no user 'softwired-nobody' (softwired.user)" in problems and "runs as root" in problems


@pytest.mark.skipif(os.geteuid() == 0, reason="as root there is more to it")
def test_a_user_keeps_what_it_has_not():
    problems, state, _, _ = shed("nobody")
    assert "has no CAP_NET_BIND_SERVICE" in problems
    assert eval(state)["no_new_privs"] == 1


CONFIGURATION = """
[softwired]
user = "{user}"
run_directory = "{folder}/run"
[dhcp4o6]
port = {port}
[[dhcp4o6.interface]]
name = "softwired-none"
"""


def free_port():
    """One that nobody has, and that the kernel gives nobody by itself meanwhile."""
    for port in random.sample(range(20000, 32000), 100):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as tried:
            try:
                tried.bind(("::1", port))
            except OSError:
                continue
            return port
    raise OSError("no port is free")


@pytest.fixture
def service(tmp_path):
    """A running service; its process, and how to ask it."""
    port = free_port()
    user = "nobody" if NOBODY else ""
    path = tmp_path / "softwired.toml"
    path.write_text(CONFIGURATION.format(user=user, folder=tmp_path, port=port))
    # Another user has to get through, as it gets to /run.
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(tmp_path / "notify"))
    (tmp_path / "notify").chmod(0o777)  # as systemd has its own
    notify.settimeout(60)
    command = [NOBODY or sys.executable, "-m", "softwired", "--config", str(path)]
    process = subprocess.Popen(
        [*command, "run", "dhcp4o6"],
        env={**ENVIRONMENT, "NOTIFY_SOCKET": str(tmp_path / "notify")},
        stderr=subprocess.PIPE,
        text=True,
    )

    def ask(*words):
        return subprocess.run([*command, *words], env=ENVIRONMENT, capture_output=True, text=True)

    process.ask, process.notify, process.path = ask, notify, path
    assert notify.recv(100) == b"READY=1"
    yield process
    process.kill()
    process.wait()
    process.stderr.close()
    notify.close()


def test_the_life_of_a_service(service):
    told = json.loads(service.ask("dhcp4o6", "status", "--json").stdout)
    assert told["service"] == "dhcp4o6" and told["pid"] == service.pid
    assert told["no_new_privs"]
    if NOBODY:
        assert (told["user"], told["capabilities"], told["problems"]) == ("nobody", "0x400", [])
    text = service.ask("dhcp4o6", "status").stdout
    assert "waits for softwired-none: there is no such interface" in text
    assert 'softwired_dhcp4o6_messages_total{kind="query"} 0' in service.ask("dhcp4o6", "metrics").stdout
    service.send_signal(signal.SIGHUP)
    assert service.notify.recv(100).startswith(b"RELOADING=1")
    assert service.notify.recv(100) == b"READY=1"
    assert json.loads(service.ask("dhcp4o6", "status", "--json").stdout)["reloaded"]["error"] is None
    service.send_signal(signal.SIGTERM)
    assert service.notify.recv(100) == b"STOPPING=1"
    assert service.wait(timeout=20) == 0
    done = service.ask("dhcp4o6", "status")
    assert done.returncode == 1 and "dhcp4o6 does not run: nobody answers at " in done.stderr


def test_a_reload_in_vain_is_shown(service):
    service.path.write_text(service.path.read_text() + "colour = 1\n")
    service.send_signal(signal.SIGHUP)
    assert service.notify.recv(100).startswith(b"RELOADING=1")
    assert service.notify.recv(100) == b"READY=1"
    # It can be asked all the same.
    text = service.ask("dhcp4o6", "status").stdout
    assert "in vain: " in text and "dhcp4o6.interface[1].colour = 1: unknown" in text


def test_a_second_one_does_not_start(service):
    done = service.ask("run", "dhcp4o6")
    assert done.returncode == 1
    assert "cannot listen at [::1]:" in done.stderr
    assert json.loads(service.ask("dhcp4o6", "status", "--json").stdout)["pid"] == service.pid


def test_commands_without_a_service(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(CONFIGURATION.format(user="", folder=tmp_path, port=6767))

    def softwired(*words):
        command = [sys.executable, "-m", "softwired", "--config", str(path), *words]
        return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)

    assert softwired("check").stdout == f"{path}: right; it configures dhcp4o6\n"
    assert softwired("--version").stdout.startswith("softwired 0.")
    assert "dhcp4o6 does not run" in softwired("dhcp4o6", "metrics").stderr
    assert softwired("dhcp4o6", "select", "0b", "--interface", "x").returncode == 1
    assert (
        "neither hexadecimal octets nor a file"
        in softwired("dhcp4o6", "select", "xyz", "--interface", "x").stderr
    )
    path.write_text("colour = 1")
    done = softwired("check")
    assert (done.returncode, done.stderr) == (
        1,
        f"softwired: {path}: colour = 1: unknown; known are dhcp4o6, dstm, prefix64, softwired, tep, tunnels\n",
    )


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("/proc/softwired", "cannot make /proc/softwired (softwired.run_directory): "),
        ("{tmp}/" + 100 * "x", "(softwired.run_directory): AF_UNIX path too long"),
    ],
)
def test_no_run_directory(tmp_path, folder, said):
    path = tmp_path / "x.toml"
    port = free_port()
    text = CONFIGURATION.format(user="", folder=folder.format(tmp=tmp_path), port=port)
    path.write_text(text.replace('/run"', '"'))
    command = [sys.executable, "-m", "softwired", "--config", str(path), "run", "dhcp4o6"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert said in done.stderr and "Traceback" not in done.stderr


def test_spans():
    told = {
        "service": "x",
        "version": "1",
        "pid": 1,
        "started": 0,
        "configuration": "/f",
        "reloaded": {},
        "user": "u",
    }
    told |= {
        "capabilities": "0",
        "no_new_privs": True,
        "problems": [],
        "counters": {"families": {}, "gauges": {}},
    }
    for now, span in ((0, "0 s"), (119, "119 s"), (120, "2 min"), (7300, "2 h"), (200000, "2 d")):
        assert f"runs since {span}," in status.text(told, now)
