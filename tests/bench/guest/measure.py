# SPDX-License-Identifier: Apache-2.0
"""Runs inside the guest's file tree, with a network of its own: measures the helper, prints one JSON object.

The client is the real one, started by its launcher as netifd starts it. What it would wait for is there already
(its endpoint's address, the tunlink's status), and it ends where it hands over: at the event script's `bound`.
"""

import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import time

import lease

BENCH = pathlib.Path("/bench")
RUN = pathlib.Path("/run/softwire")
STATE, FIFO = RUN / "wan.json", RUN / "wan@wan6"
COUNTERS = pathlib.Path("/proc/net/snmp6")
ENDPOINT, SERVER, IPV4 = "2001:db8:4000:300:1111:1111:1111:1111", "2001:db8:1812::1", "203.0.113.7"
CONFIG = {
    "tunlink": "wan6",
    "provisioning": "softbank",
    "auth_server": [SERVER],
    "shared_secret": "lab-shared-secret",
    "password": "lab-password",
}
INTERPRETERS = ("micropython", "python3")
LAUNCHER = ["/usr/sbin/softwire", "client", "wan"]
# CPython cannot read bytecode.
SOURCES_LAUNCHER = ["/bench/sources/softwire", "client", "wan"]
RADCLIENT = ["radclient", "-f", "/bench/raddb/request", "-S", "/bench/secret", f"[{SERVER}]:1812", "auth"]
CALLGRIND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/bench/callgrind.out", "-q"]
# Events that are counted together.
OFTEN = 20
# Refreshes before its memory is looked at.
AGE = 5
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# What the client says to its event script, and odhcp6c to the stock one, about the same line.
HAND_OVER = {
    "PATH": PATH,
    "INTERFACE": "wan",
    "LOCAL": ENDPOINT,
    "REMOTE": "2001:db8:b::1",
    "MTU": "1460",
    "TTL": "64",
    "LINK": "wan6",
    "DEVICE": "sw-wan",
    "LINE_DEVICE": "eth1",
    "IPADDR": IPV4 + "/32",
    "ROUTES": "0.0.0.0/0",
    "DNS": "2001:db8:53::1",
}
LINE_UP = {
    "PATH": PATH,
    "INTERFACE": "wan6",
    "FAKE_ROUTES": "1",
    "PREFIXES": "2001:db8:4000:300::/56,2592000,2592000",
    "RA_ROUTES": "::/0,fe80::1,1800,512",
    "RDNSS": "2001:db8:53::1",
    "SERVER": "fe80::1",
}
# An interpreter that has nothing to do.
BARE = "import sys\nsys.stderr.write('\\n')\nsys.stdin.readline()"
PATIENCE = 60


def progress(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def run(*command, **more):
    """A command that must succeed."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **more).stdout


def wait_for(what, condition):
    """Polls until condition() gives something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise SystemExit(f"bench: waited {PATIENCE} s for {what}")


def prepare():
    """Network, run directory and secret, as netifd and the handler leave them."""
    run("ip", "link", "set", "lo", "up")
    for address in (ENDPOINT, SERVER):
        run("ip", "address", "add", address + "/128", "dev", "lo", "nodad")
    os.umask(0o077)
    RUN.mkdir()
    FIFO.mkdir()
    for name in ("wake", "released"):
        os.mkfifo(FIFO / name)
    (RUN / "wan.config").write_text(json.dumps(CONFIG))
    (BENCH / "secret").write_text(CONFIG["shared_secret"] + "\n")


def start_server():
    # FreeRADIUS has its own idea of the language.
    command = ["freeradius", "-f", "-l", "stdout", "-d", "/bench/raddb"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = []
    for line in server.stdout:
        said.append(line)
        if "Ready to process requests" in line:
            return server
    raise SystemExit("bench: FreeRADIUS did not start:\n" + "".join(said[-10:]))


def environment(interpreter, **more):
    """What makes the launcher take this interpreter; a path ending in its name may stand for it."""
    return {"PATH": PATH, "SOFTWIRE_PYTHON": interpreter, **more}


def datagrams():
    """How many UDP datagrams were read here so far: a question and its answer are two."""
    return int(re.search(r"^Udp6InDatagrams\s+(\d+)", COUNTERS.read_text(), re.MULTILINE)[1])


def once(name, exchange):
    """The exchange, which must be one question and one answer."""

    def checked(*before, **more):
        start = datagrams()
        said = exchange(*before, **more)
        passed = datagrams() - start
        if passed != 2:
            raise SystemExit(f"bench: one exchange of {name} took {passed} datagrams instead of 2: {said}")
        return said

    return checked


def client(interpreter, launcher):
    """A function that runs the client up to its hand-over, with a command put before it."""

    def exchange(*before, at="/usr/bin/"):
        STATE.unlink(missing_ok=True)
        ended = subprocess.run(
            [*before, *launcher],
            env=environment(at + interpreter),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        failed = BENCH / "failed"
        if failed.exists():
            raise SystemExit(f"bench: the client on {interpreter} failed: {failed.read_text()}")
        # The stand-in for the event script ends it; busybox and valgrind pass that on in their own ways.
        if ended.returncode not in (-signal.SIGTERM, 128 + signal.SIGTERM, 0, signal.SIGTERM):
            raise SystemExit(f"bench: the client on {interpreter} ended: {ended.returncode} {ended.stderr}")
        return ended.stderr

    return exchange


def clients():
    """name -> such a function, of each interpreter with the package that it has."""
    return {"micropython": client("micropython", LAUNCHER), "python3": client("python3", SOURCES_LAUNCHER)}


def exchanges():
    """name -> a function that runs one whole exchange, with a command put before it, and checks that it worked."""

    def radclient(*options):
        def exchange(*before, at=None):
            ended = subprocess.run(
                [*before, RADCLIENT[0], *options, *RADCLIENT[1:]],
                capture_output=True,
                text=True,
            )
            if "Received Access-Accept" not in ended.stdout:
                raise SystemExit(f"bench: radclient: {ended.stdout}{ended.stderr}")
            return ended.stderr

        return exchange

    found = {
        **clients(),
        "micropython_sources": client("micropython", SOURCES_LAUNCHER),
        "radclient": radclient("-d", "/bench/raddb"),
        "radclient_lean": radclient("-d", "/bench/lean", "-D", "/bench/lean"),
    }
    return {name: once(name, exchange) for name, exchange in found.items()}


def instructions():
    """The count that callgrind left."""
    path = BENCH / "callgrind.out"
    found = re.search(r"^(?:totals|summary): (\d+)", path.read_text(), re.MULTILINE)
    path.unlink()
    if not found:
        raise SystemExit("bench: callgrind left no count")
    return int(found[1])


def count(*command, **more):
    """User instructions of one process; those that it starts are not counted."""
    ended = subprocess.run([*CALLGRIND, *command], capture_output=True, text=True, **more)
    if ended.returncode:
        raise SystemExit(f"bench: {' '.join(command)} ended with {ended.returncode}: {ended.stderr}")
    return instructions()


def count_exchange(name, exchange):
    if name.startswith(INTERPRETERS):
        exchange(at="/bench/callgrind/")
    else:
        exchange(*CALLGRIND)
    return instructions()


def peak_scale():
    """What busybox's time has to be divided by: it takes kibibytes for pages (in some versions)."""
    show = "import re; print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    command = ["busybox", "time", "-f", "%M", "python3", "-c", show]
    shown = subprocess.run(command, check=True, capture_output=True, text=True)
    return max(1, round(int(shown.stderr) / int(shown.stdout)))


def peak(exchange, scale):
    """The most memory that one exchange's largest process had resident, in KiB."""
    said = exchange("busybox", "time", "-f", "peak %M")
    return int(re.search(r"peak (\d+)", said)[1]) // scale


def wall(exchange):
    start = time.perf_counter()
    exchange()
    return (time.perf_counter() - start) * 1000


def measure_exchanges(runs):
    todo = exchanges()
    found = {}
    scale = peak_scale()
    for name, exchange in todo.items():
        progress(f"user instructions of one exchange, {name}")
        found[name] = {"instructions": count_exchange(name, exchange), "peak_kib": peak(exchange, scale)}
    progress(f"wall time of {runs} exchanges each, in turn")
    times = {name: [] for name in todo}
    for _ in range(runs):
        # In turn, so that whatever else the machine does falls on all alike.
        for name, exchange in todo.items():
            times[name].append(wall(exchange))
    for name, values in times.items():
        found[name]["wall_ms"] = {
            "median": round(statistics.median(values), 2),
            "least": round(min(values), 2),
            "most": round(max(values), 2),
            "runs": runs,
        }
    return found


def private_dirty(pid):
    """KiB that only this process has, and has written."""
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"Private_Dirty:\s+(\d+)", rollup)[1])


class Resident:
    """The client after its hand-over, as it lives under netifd."""

    def __init__(self, interpreter, at="/usr/bin/"):
        STATE.unlink(missing_ok=True)
        (BENCH / "asked").unlink(missing_ok=True)
        run("ip", "address", "flush", "dev", "lo", "scope", "global", "to", IPV4)
        launcher = SOURCES_LAUNCHER if interpreter == "python3" else LAUNCHER
        self.process = subprocess.Popen(
            launcher, env=environment(at + interpreter, BENCH_HOLD="1"), stderr=subprocess.PIPE
        )
        wait_for("the client to hand over", self._up)
        self.rest()

    def _up(self):
        if self.process.poll() is not None:
            raise SystemExit(f"bench: the client ended: {self.process.stderr.read().decode()}")
        try:
            return json.loads(STATE.read_text())["phase"] == "up"
        except (OSError, ValueError, KeyError):
            return False

    def rest(self):
        """Waits until it has used no processor time for a while: it is in its poll again."""
        seen = []

        def quiet():
            fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            seen.append((fields[0], fields[11], fields[12]))
            return len(seen) > 10 and fields[0] == "S" and len(set(seen[-10:])) == 1

        wait_for("the client to come to rest", quiet)

    def wake(self):
        """One ifupdate of the tunlink, through the hotplug script; the client asks once for each."""
        before = self.asked()
        run(
            "busybox",
            "sh",
            "-c",
            ". /etc/hotplug.d/iface/15-softwire",
            env={"ACTION": "ifupdate", "INTERFACE": "wan6"},
        )
        wait_for("the client to look at the line", lambda: self.asked() > before)

    def refresh(self):
        """One `renew`, as the handler passes it on."""
        before = datagrams()
        run("busybox", "sh", "-c", f"echo renew 1<>{FIFO}/wake")
        wait_for("the client to ask again", lambda: datagrams() == before + 2)

    def asked(self):
        return len((BENCH / "asked").read_text())

    def end(self):
        self.process.terminate()
        self.process.communicate()


def measure_memory():
    progress("private memory of the resident client")
    found = {}
    for name in INTERPRETERS:
        client = Resident(name)
        # As it lives for days.
        for _ in range(AGE):
            client.refresh()
            client.rest()
        found[name] = private_dirty(client.process.pid)
        client.end()
    for name in INTERPRETERS:
        pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen([name, "-c", BARE], **pipes) as bare:
            bare.stderr.read(1)
            found["bare_" + name] = private_dirty(bare.pid)
            bare.stdin.close()
    return found


def count_each(interpreter, event):
    """User instructions of the resident client for one event: what is told to it often, less what it costs to start."""
    counts = []
    for times in OFTEN, 0:
        client = Resident(interpreter, "/bench/callgrind/")
        for _ in range(times):
            event(client)
            client.rest()
        client.end()
        counts.append(instructions())
    return (counts[0] - counts[1]) // OFTEN


def measure_refresh():
    found = {}
    for name in INTERPRETERS:
        progress(f"user instructions of a refresh by the resident client, {name}")
        found[name] = count_each(name, Resident.refresh)
    return found


def measure_event():
    """What one event of the line costs beyond the stock script: the hotplug script, the client, the event script."""
    found = {}
    for name in INTERPRETERS:
        progress(f"user instructions of one event of an unchanged line, {name}")
        found["wake_up_" + name] = count_each(name, Resident.wake)
    progress("user instructions of the shell scripts")
    resident = Resident("micropython")
    shell = ("busybox", "sh", "-c")
    event = {"PATH": PATH, "ACTION": "ifupdate", "INTERFACE": "wan6"}
    sourced = count(*shell, ". /etc/hotplug.d/iface/15-softwire", env=event)
    found["hotplug_script"] = sourced - count(*shell, ":", env=event)
    resident.end()
    found["event_script_bound"] = count(
        "busybox", "sh", "/bench/event/softwire.script", "bound", env=HAND_OVER
    )
    found["dhcpv6_script_bound"] = count(
        "busybox", "sh", "/lib/netifd/dhcpv6.script", "eth1", "bound", env=LINE_UP
    )
    return found


def main():
    runs = int(sys.argv[1])
    prepare()
    start_server()
    LINE_UP["PASSTHRU"] = json.loads((BENCH / "wan6.json").read_text())["data"]["passthru"]
    versions = {
        "micropython": run("micropython", "-c", "import sys; print(sys.version)").strip(),
        "python3": sys.version.split()[0],
        "radclient": run("dpkg-query", "-W", "-f", "${Version}", "freeradius-utils"),
        "valgrind": run("valgrind", "--version").strip(),
    }
    result = {
        "versions": versions,
        "exchange": measure_exchanges(runs),
        "private_dirty_kib": measure_memory(),
    }
    result["refresh_instructions"] = measure_refresh()
    result["event_instructions"] = measure_event()
    # It needs this module.
    import hb46pp

    result["hb46pp_instructions"] = hb46pp.count()
    result["lease"] = lease.measure(sys.modules[__name__])
    print(json.dumps(result))


if __name__ == "__main__":
    main()
