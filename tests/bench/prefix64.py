# SPDX-License-Identifier: Apache-2.0
"""softwired prefix64 beside ndppd, and ndpresponder where there is one, on one veth pair: solicitations, latency, CPU,
memory; TCP accepted.

python -m tests.bench.prefix64 [--seconds N] [--runs N]
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import typing

from tests.bench import plot
from tests.softwired import network
from tests.softwired.prefix64 import lab, load

OUT = network.TREE / "build/bench"
# What softwired's package runs on.
PYTHON = "/usr/bin/python3"
PEERS = ("ndppd", "ndpresponder", "softwired")
# The first is what an idle responder does, which is asked longer.
RATES = (100, 10000, 20000, 40000)
IDLE_LONGER = 5
PREFIXES = (1, 10, 100, 1000)
CONNECTIONS = 2000
LIMITS = {"answers": 1000000}
ACCEPTS = r"""
import socket
server = socket.socket(socket.AF_INET6)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("::", 80))
server.listen(4096)
print("listens", flush=True)
while True:
    server.accept()[0].close()
"""
BEGIN, END = "<!-- make bench: from here -->", "<!-- make bench: to here -->"
Row = dict[str, typing.Any]
Progress = typing.Callable[[str], None]


class Peer:
    """One of them, for as long as a measurement takes."""

    def __init__(self, machine: lab.Machine, name: str, prefixes: int = 1) -> None:
        self.machine = machine
        if name == "softwired":
            ranges = [
                {"interface": "vs", "prefix": f"2001:db8:{number:x}::/64", "local": False}
                for number in range(1, prefixes + 1)
            ]
            self.process = machine.range_of(ranges, LIMITS)
        elif name == "ndpresponder":
            # It would write a line for each.
            machine.environment["NDPRESPONDER_LOG"] = "error"
            words = [f"--subnet=2001:db8:{number:x}::/64" for number in range(1, prefixes + 1)]
            self.process = machine.start(name, name, "-i", "vs", *words)
        else:
            path = machine.folder / "ndppd.conf"
            rules = "".join(
                f"rule 2001:db8:{number:x}::/64 {{ static }}\n" for number in range(1, prefixes + 1)
            )
            path.write_text(f"proxy vs {{\nrouter no\n{rules}}}\n")
            self.process = machine.start("ndppd", "ndppd", "-c", str(path), "-p", str(machine.folder / "pid"))

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.machine.running.remove(self.process)


def asked(
    machine: lab.Machine, router: lab.Router, peer: str, rate: int, seconds: float, prefixes: int, one: bool
) -> Row:
    """Figures of one run with a fresh process."""
    running = Peer(machine, peer, prefixes)
    try:
        # It is there; memory and caches.
        network.until(lambda: load.run(router, load.random_targets(200), 1000).answered, peer)
        count = int(rate * seconds * (IDLE_LONGER if rate == RATES[0] else 1))
        if one:
            targets = load.random_targets(1) * count
        else:
            targets = [
                lab.packed(f"2001:db8:{1 + number % prefixes:x}::")[:8] + os.urandom(8)
                for number in range(count)
            ]
        before = load.cpu_seconds(running.process.pid)
        with load.first_in_line(running.process.pid):
            found = load.run(router, targets, rate)
        spent = load.cpu_seconds(running.process.pid) - before
        return {
            "rate": found.sent / found.seconds if found.seconds else 0.0,
            "sent": found.sent,
            "answered": found.answered,
            "lost_percent": 100 * (1 - found.answered / found.sent),
            "p50_ms": 1000 * found.percentile(0.5),
            "p99_ms": 1000 * found.percentile(0.99),
            "cpu_us_each": 1e6 * spent / max(1, found.answered),
            "resident_kib": load.resident_kib(running.process.pid),
        }
    finally:
        running.close()


def accepted(machine: lab.Machine, cable: network.Cable, progress: Progress) -> dict[str, float]:
    """Connections a second, to one address and to random ones, over a route as a provider has it."""
    cable.client.run("ip", "route", "replace", "2001:db8:a0::/64", "via", "fe80::1", "dev", "vc")
    machine.range_of([{"interface": "vs", "prefix": "2001:db8:a0::/64", "answer": "no"}], LIMITS)
    server = cable.server.start(PYTHON, "-c", ACCEPTS, stdout=subprocess.PIPE)
    assert server.stdout
    server.stdout.readline()
    cable.server.run("ip", "address", "add", "2001:db8:a0::1/128", "dev", "lo")
    rates: dict[str, list[float]] = {}
    prefix = lab.packed("2001:db8:a0::")[:8]
    try:
        for _ in range(3):
            for name in ("an address of the machine", "one address of the range", "random addresses"):
                progress(f"TCP, {name}")
                start = time.monotonic()
                for _ in range(CONNECTIONS):
                    octets = {"a": prefix + bytes(7) + b"\1", "o": prefix + b"\0" * 6 + b"\1\1"}.get(
                        name[0], prefix + os.urandom(8)
                    )
                    with cable.client.open(socket.AF_INET6, socket.SOCK_STREAM) as made:
                        made.settimeout(5)
                        made.connect((socket.inet_ntop(socket.AF_INET6, octets), 80))
                        made.recv(1)
                rates.setdefault(name, []).append(CONNECTIONS / (time.monotonic() - start))
    finally:
        server.kill()
        server.wait()
    return {name: statistics.median(found) for name, found in rates.items()}


def measure(seconds: float, runs: int, progress: Progress) -> dict[str, typing.Any]:
    """All of it: {table: rows}"""
    cable = network.Cable()
    asked_rows: dict[tuple[int, bool, str], list[Row]] = {}
    prefix_rows: dict[tuple[int, str], list[Row]] = {}
    peers = [peer for peer in PEERS if peer == "softwired" or shutil.which(peer)]
    with tempfile.TemporaryDirectory() as folder:
        machine = lab.Machine(cable, pathlib.Path(folder))
        machine.python = PYTHON
        router = lab.Router(cable.client)
        try:
            # In turns, so that what else the machine does comes to both.
            for _ in range(runs):
                for rate in RATES:
                    for one in (True, False):
                        for peer in peers:
                            progress(f"{rate}/s, {'one address' if one else 'random addresses'}, {peer}")
                            row = asked(machine, router, peer, rate, seconds, 1, one)
                            asked_rows.setdefault((rate, one, peer), []).append(row)
            for prefixes in PREFIXES:
                for peer in peers:
                    progress(f"{prefixes} prefixes, {peer}")
                    row = asked(machine, router, peer, 5000, seconds, prefixes, False)
                    prefix_rows.setdefault((prefixes, peer), []).append(row)
            tcp = accepted(machine, cable, progress)
        finally:
            router.close()
            machine.close()
            cable.close()
    return {
        "solicitations": [
            {"asked": rate, "targets": "one" if one else "random", "peer": peer, **middle(found)}
            for (rate, one, peer), found in asked_rows.items()
        ],
        "prefixes": [
            {"prefixes": prefixes, "peer": peer, **middle(found)}
            for (prefixes, peer), found in prefix_rows.items()
        ],
        "tcp": tcp,
    }


def middle(rows: list[Row]) -> Row:
    """The median of each figure."""
    return {key: statistics.median(row[key] for row in rows) for key in rows[0]}


def table(result: dict[str, typing.Any]) -> str:
    """As the documentation has it."""
    lines = [
        "| asked a second | addresses | | answered | p50 | p99 | CPU each | resident |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in result["solicitations"]:
        lines.append(
            f"| {row['rate']:,.0f} | {row['targets']} | {row['peer']} | {100 - row['lost_percent']:.2f} %"
            f" | {row['p50_ms']:.2f} ms | {row['p99_ms']:.2f} ms | {row['cpu_us_each']:.0f} µs"
            f" | {row['resident_kib'] / 1024:.1f} MB |"
        )
    lines += [
        "",
        "| prefixes | | answered of 5,000/s | p99 | CPU each | resident |",
        "|---|---|---|---|---|---|",
    ]
    for row in result["prefixes"]:
        lines.append(
            f"| {row['prefixes']:,} | {row['peer']} | {100 - row['lost_percent']:.2f} % | {row['p99_ms']:.2f} ms"
            f" | {row['cpu_us_each']:.0f} µs | {row['resident_kib'] / 1024:.1f} MB |"
        )
    lines += ["", "| TCP connections to | a second |", "|---|---|"]
    lines += [f"| {name} | {rate:,.0f} |" for name, rate in result["tcp"].items()]
    return "\n".join(lines)


def picture(result: dict[str, typing.Any]) -> str:
    """docs/prefix64.svg"""
    answered = {
        (row["asked"], row["peer"]): row["rate"] * (1 - row["lost_percent"] / 100)
        for row in result["solicitations"]
        if row["targets"] == "random"
    }
    peers = [peer for peer in PEERS if (RATES[-1], peer) in answered]
    asked_rates = {row["asked"]: row["rate"] for row in result["solicitations"] if row["targets"] == "random"}
    each = {(row["prefixes"], row["peer"]): row["cpu_us_each"] for row in result["prefixes"]}
    return plot.svg(
        [
            plot.Chart(
                "answered a second, of so many asked (random addresses)",
                [
                    plot.Group(f"{rate:,}", [answered[rate, peer] for peer in peers], asked_rates[rate])
                    for rate in RATES[1:]
                ],
            ),
            plot.Chart(
                "CPU for each answer, µs, with so many prefixes",
                [plot.Group(f"{count:,}", [each[count, peer] for peer in peers]) for count in PREFIXES],
            ),
        ],
        peers,
    )


def write(result: dict[str, typing.Any]) -> None:
    """Picture and tables of the documentation."""
    (network.TREE / "docs/prefix64.svg").write_text(picture(result))
    path = network.TREE / "docs/prefix64.md"
    before, _, rest = path.read_text().partition(BEGIN)
    path.write_text(f"{before}{BEGIN}\n\n{table(result)}\n\n{END}{rest.partition(END)[2]}")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.prefix64", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="writes picture and tables of docs/prefix64.md")
    given = parser.parse_args()
    load_before = os.getloadavg()[0]
    try:
        result = measure(
            given.seconds, given.runs, lambda text: print(f"bench: {text}", file=sys.stderr, flush=True)
        )
    except network.NoNamespace as error:
        print(f"bench: prefix64 not measured: {error}", file=sys.stderr)
        return 0
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "prefix64.json").write_text(json.dumps({"load_before": load_before, **result}, indent=2) + "\n")
    print(table(result))
    if given.write:
        write(result)
    if load_before > (os.cpu_count() or 1) / 2:
        print(f"The machine had other work (load {load_before:.1f}): TCP's rates are too low.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
