# SPDX-License-Identifier: Apache-2.0
"""Runs in the guest, whose clock counts instructions: the tunnel service with ten thousand tunnels.

One JSON object on standard output.
"""

import base64
import hashlib
import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from softwired.tunnels import register
from tests.bench.guest.frames import OURS, STRANGER, cost, ethernet, resident
from tests.softwired.network import until
from tests.softwired.tunnels import parts
from tests.system.tep.machine import ipv4
from tests.system.tunnels import machine as lab
from tests.system.tunnels.machine import NEIGHBOUR, SERVER, WORLD

MANY = 10000
KEY = "0123456789"
# Answers every echo request that comes through a tunnel, as its far end: addresses and type are turned round.
ANSWERS = r"""
import socket, struct
made = socket.socket(socket.AF_INET, socket.SOCK_RAW, 41)
made.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)
made.setsockopt(socket.SOL_IP, socket.IP_HDRINCL, 1)
print("here", flush=True)
while True:
    data = made.recv(65535)
    inner = data[20:]
    if inner[6] != 58 or inner[40] != 128:
        continue
    # The checksum of a type that is one more.
    total = (~int.from_bytes(inner[42:44], "big") & 0xFFFF) + 0x100
    total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    answer = inner[:8] + inner[24:40] + inner[8:24] + b"\x81\0" + total.to_bytes(2, "big") + inner[44:]
    head = data[:12] + data[16:20] + data[12:16]
    made.sendto(head + answer, (socket.inet_ntoa(data[12:16]), 0))
"""
# Asks for a page so many times, one after the other; how long each took, as JSON.
ASKS = r"""
import http.client, json, sys, time
host, path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
head = {"Authorization": sys.argv[4]} if sys.argv[4:] else {}
took, began = [], time.monotonic()
for _ in range(count):
    start = time.monotonic()
    made = http.client.HTTPConnection(host, 80, timeout=60)
    made.request("GET", path, headers=head)
    answer = made.getresponse()
    text = answer.read()
    assert answer.status == 200 and b"badauth" not in text, (answer.status, text)
    made.close()
    took.append(1000 * (time.monotonic() - start))
took.sort()
print(json.dumps({"per_second": count / (time.monotonic() - began), "p50_ms": took[count // 2],
                  "p99_ms": took[count * 99 // 100]}))
"""


def address(number):
    """The IPv4 address of a client."""
    return f"198.18.{number >> 8}.{number & 255}"


def cpu_seconds(pid):
    """Of all of its threads."""
    return (
        sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9
    )


def up(one, destination=OURS):
    inner = lab.udp(one.IPv6client, WORLD, 53, bytes(64))
    return ethernet(ipv4(one.IPv4client, SERVER, inner, 41), destination)


def down(one, destination=OURS):
    return ethernet(lab.udp(WORLD, one.IPv6client, 53, bytes(64)), destination)


def both(machine, rows, arrives=True, destination=OURS):
    ups, downs = ([way(one, destination) for one in rows] for way in (up, down))
    return {
        "up": cost(machine.clients, "eth0", ups, machine.world, arrives),
        "down": cost(machine.world, "eth0", downs, machine.clients, arrives),
    }


def carried(machine, rows):
    """What a packet costs while the monitor sleeps: there is one processor, and what it takes of that is told apart."""
    machine.process.send_signal(signal.SIGSTOP)
    found = both(machine, rows)
    machine.process.send_signal(signal.SIGCONT)
    return found


def prepare(machine):
    """Neighbours that never have to be asked for, stations that throw everything away, nothing but us."""
    # What the monitor asks of its machine, and a namespace cannot have.
    for number in (3, 2, 1):
        Path(f"/proc/sys/net/ipv6/neigh/default/gc_thresh{number}").write_text("65536")
    for device in ("line", "uplink"):
        machine.server.run("ip", "link", "set", device, "address", OURS.hex(":"))
    neighbours(machine, STRANGER)


def neighbours(machine, station):
    for where, device in ((NEIGHBOUR, "line"), (WORLD, "uplink")):
        machine.server.run("ip", "neigh", "replace", where, "lladdr", station.hex(":"), "dev", device)


def forget_neighbours(machine):
    for where, device in ((NEIGHBOUR, "line"), (WORLD, "uplink")):
        machine.server.run("ip", "neigh", "del", where, "dev", device)
    machine.clients.run("ip", "neigh", "flush", "dev", "eth0")


def plain(machine, one):
    """One sit device with one tunnel, no check of the source."""
    for words in (
        f"link add plain type sit local {SERVER} remote {one.IPv4client} ttl 64",
        "link set plain up",
        f"-6 route add {one.IPv6client}/128 dev plain",
    ):
        machine.server.run("ip", *words.split())
    found = both(machine, [one])
    machine.server.run("ip", "link", "del", "plain")
    return found


def populate(machine, first, last):
    jobs = [
        lambda connection, number=number: register.create(
            connection,
            machine.values,
            parts.request(
                number,
                ipv4=address(number),
                asker=address(number),
                key=hashlib.sha256(KEY.encode()).hexdigest(),
            ),
            1000.0,
        )
        for number in range(first, last + 1)
    ]
    machine.run(lambda connection: [job(connection) for job in jobs])


def started(machine):
    """Seconds until all is carried."""
    began = time.monotonic()
    machine.start()
    until(lambda: machine.status()["all_tunnels"].get("new") == 0, "all are carried", 600)
    return time.monotonic() - began


def a_round(machine):
    """One of the monitor's, and fping over the same targets."""
    answers = machine.clients.start(sys.executable, "-c", ANSWERS, stdout=subprocess.PIPE)
    answers.stdout.readline()

    def rounds():
        return machine.status()["rounds"]

    number, pid = rounds(), machine.process.pid
    until(lambda: rounds() > number, "a round begins", 600)
    cpu, answered = cpu_seconds(pid), machine.counted("echoes_total", "answered")
    number = rounds()
    until(lambda: rounds() > number, "the next one begins", 600)
    found = {
        "seconds": machine.status()["counters"]["gauges"]["round_seconds"]["value"],
        "answered": machine.counted("echoes_total", "answered") - answered,
        "cpu_seconds": cpu_seconds(pid) - cpu,
    }
    targets = machine.folder / "targets"
    targets.write_text("\n".join(one.IPv6client for one in machine.run(register.all_tunnels)))
    began = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    # As many a second, as patient.
    words = ["fping", "-6", "-C", "1", "-q", "-i", "0.5", "-t", "3000", "-r", "0", "-f", str(targets)]
    pings = machine.server.start(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    told = pings.communicate()[0].splitlines()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found["fping_seconds"] = time.monotonic() - began
    found["fping_answered"] = sum(" : " in line and not line.endswith("-") for line in told)
    found["fping_cpu_seconds"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    answers.kill()
    answers.wait()
    return found


def requests(machine):
    """Of the page and of dynamic DNS, by one person after the other."""
    with open(machine.folder / "page.log", "w") as log:
        page = machine.server.start(
            *machine.command("tunnels", "page"), env=machine.environment(), stdout=log, stderr=log
        )
    until(lambda: "listens at" in (machine.folder / "page.log").read_text(), "the page listens", 120)
    login = base64.b64encode(f"5000:{KEY}".encode()).decode()
    found = {}
    for name, path, head in (
        ("page", "/", ()),
        ("/nic/update", f"/nic/update?hostname=5000&myip={address(5000)}", (f"Basic {login}",)),
    ):
        told = machine.clients.run(sys.executable, "-c", ASKS, SERVER, path, "400", *head)
        found[name] = json.loads(told)
    memory = resident(page.pid)
    page.kill()
    page.wait()
    return found, memory


def main():
    result = {"tunnels": {}, "start": {}}
    with tempfile.TemporaryDirectory() as folder:
        machine = lab.Machine(Path(folder))
        page = '[tunnels.page]\nlisten = "[::]:80"\nkey_file = "FOLDER/key"\nallow = ["198.18.0.0/15"]\necho = false\n'
        limits = "[tunnels.limits]\nof_a_network = 0\nrequests = 1000000\nrequests_of_a_network = 1000000\n"
        machine.configure(page + limits, tunnels=MANY, unreachable=100000, interval=20.0, patience=3.0)
        populate(machine, 1, 1)
        prepare(machine)
        one = machine.row(1)
        result["sending"] = both(machine, [one], False, STRANGER)
        result["plain"] = plain(machine, one)
        started(machine)
        result["tunnels"]["1"] = carried(machine, [one])
        machine.stop()
        populate(machine, 2, MANY)
        result["start"]["9,999 new ones"] = started(machine)
        rows = machine.run(register.all_tunnels)
        result["tunnels"][str(MANY)] = carried(machine, rows)
        machine.stop(signal.SIGKILL)
        result["start"]["all of them in the kernel"] = started(machine)
        machine.stop(signal.SIGKILL)
        machine.server.run("ip", "link", "del", "tunnels")
        result["start"]["nothing in the kernel"] = started(machine)
        forget_neighbours(machine)
        machine.clients.run(*"ip route add local 198.18.0.0/15 dev lo".split())
        result["round"] = a_round(machine)
        result["requests"], result["page_bytes"] = requests(machine)
        result["monitor_bytes"] = resident(machine.process.pid)
        machine.stop()
        machine.close()
    print(json.dumps(result))


main()
