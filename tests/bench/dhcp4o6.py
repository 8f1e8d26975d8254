# SPDX-License-Identifier: Apache-2.0
"""softwired's DHCPv6 half beside Kea's, the same kea-dhcp4 behind both: speed, latency, CPU, memory, packets lost.

python -m tests.bench.dhcp4o6 [--seconds N] [--runs N] [--queries N]
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import select
import statistics
import sys
import tempfile
import time
import typing

from tests.softwired import network, packets
from tests.softwired.processes import NoKea, Processes, programs

OUT = network.TREE / "build/bench"
CLIENTS = (1, 100, 1000)
HALVES = ("kea", "softwired")
# A client asks again after it (RFC 2131 says 4 s; what was lost is counted all the same).
PATIENCE = 2.0
SUBNET = {"id": 1, "subnet": "10.0.0.0/8", "4o6-interface": "vs", "pools": [{"pool": "10.0.0.0/12"}]}
Result = dict[str, dict[str, typing.Any]]
TICKS = os.sysconf("SC_CLK_TCK")
# What softwired's package runs on.
PYTHON = "/usr/bin/python3"


class Asker:
    """One household: DISCOVER, REQUEST, and again; what it sends next."""

    def __init__(self, number: int) -> None:
        self.mac = b"\2\0" + number.to_bytes(4, "big")
        self.client_id = b"\xff\0\0\0\1\0\3\0\1" + self.mac
        self.number = number
        self.round = 0
        self.discover = packets.bootp(1, 0, mac=self.mac, client_id=self.client_id)
        self.sent = 0.0
        self.message = b""
        self.next(None)

    def next(self, answer: bytes | None) -> None:
        """Its next message, after this answer (a DHCPv4 message)."""
        self.round += 1
        # The households are told apart by the transaction id.
        xid = (self.round << 12 & 0xFFFFFFFF) | self.number
        if answer is None or answer[242] != 2:
            plain = self.discover
        else:
            asked = bytes([50, 4]) + answer[16:20] + bytes([54, 4]) + server_id(answer)
            plain = packets.bootp(3, 0, options=asked, mac=self.mac, client_id=self.client_id)
        self.xid = xid.to_bytes(4, "big")
        self.message = packets.query(plain[:4] + self.xid + plain[8:])


def server_id(message: bytes) -> bytes:
    at = 240
    while message[at] != 54:
        at += 2 + message[at + 1]
    return message[at + 2 : at + 6]


def load(client: network.Client, count: int, seconds: float) -> dict[str, typing.Any]:
    """So many households at once, each with one question under way."""
    askers = {number: Asker(number) for number in range(count)}
    latencies: list[float] = []
    repeated = 0
    client.socket.setblocking(False)
    now = time.monotonic()
    end = now + seconds
    start = now
    looked = now
    for asker in askers.values():
        asker.sent = time.monotonic()
        client.send(asker.message)
    while now < end:
        select.select([client.socket], [], [], 0.1)
        while True:
            try:
                data = client.socket.recv(65535)
            except BlockingIOError:
                break
            now = time.monotonic()
            found = askers.get(int.from_bytes(data[12:16], "big") & 0xFFF)
            if found is None or data[12:16] != found.xid:
                continue
            latencies.append(now - found.sent)
            found.next(data[8:])
            found.sent = now
            client.send(found.message)
        now = time.monotonic()
        if now - looked > 0.5:
            looked = now
            for asker in askers.values():
                if now - asker.sent > PATIENCE:
                    repeated += 1
                    asker.sent = now
                    client.send(asker.message)
    latencies.sort()
    spent = now - start

    def percentile(share: float) -> float:
        return 1000 * latencies[min(len(latencies) - 1, int(share * len(latencies)))] if latencies else 0.0

    return {
        "exchanges": len(latencies),
        "per_second": len(latencies) / spent,
        "p50_ms": percentile(0.5),
        "p90_ms": percentile(0.9),
        "p99_ms": percentile(0.99),
        "most_ms": percentile(1),
        "repeated": repeated,
    }


def cpu_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_kib(pid: int) -> int:
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def lost(cable: network.Cable) -> int:
    """Datagrams that found no room in a socket of the server's namespace."""
    for line in cable.server.run("cat", "/proc/net/snmp6").splitlines():
        if line.startswith("Udp6RcvbufErrors"):
            return int(line.split()[1])
    return 0


def measure(
    seconds: float, clients: typing.Sequence[int], runs: int, progress: typing.Callable[[str], None]
) -> Result:
    """{half: {number of clients: figures of each run}}"""
    cable = network.Cable()
    result: Result = {half: {} for half in HALVES}
    with tempfile.TemporaryDirectory() as folder:
        kea_programs = programs(pathlib.Path(folder))
        # In turns, so that what else the machine does comes to both.
        for count in clients:
            for _ in range(runs):
                for half in HALVES:
                    progress(f"{count} clients, {half}")
                    found = one(cable, kea_programs, half, count, seconds)
                    result[half].setdefault(str(count), []).append(found)
    cable.close()
    return result


def one(
    cable: network.Cable, kea_programs: pathlib.Path, half: str, count: int, seconds: float
) -> dict[str, typing.Any]:
    """One run with fresh servers."""
    with tempfile.TemporaryDirectory() as folder:
        processes = Processes(cable, kea_programs, pathlib.Path(folder))
        processes.python = PYTHON
        client = network.Client(cable)
        try:
            dhcpv4 = processes.kea(4, subnet4=[SUBNET])
            asked = processes.kea(6) if half == "kea" else processes.softwired()
            client.grow()
            load(client, count, min(1.0, seconds))  # memory and caches of all
            before = cpu_seconds(asked.pid), cpu_seconds(dhcpv4.pid), lost(cable)
            found = load(client, count, seconds)
            exchanges = max(1, found["exchanges"])
            found["cpu_s_per_10000"] = 1e4 * (cpu_seconds(asked.pid) - before[0]) / exchanges
            found["dhcpv4_cpu_s_per_10000"] = 1e4 * (cpu_seconds(dhcpv4.pid) - before[1]) / exchanges
            found["receive_buffer_errors"] = lost(cable) - before[2]
            found["resident_kib"] = resident_kib(asked.pid)
            return found
        finally:
            client.close()
            processes.close()


def after_many(queries: int, progress: typing.Callable[[str], None]) -> dict[str, int]:
    """Our half's resident memory in KiB after so many queries, and on the way there."""
    cable = network.Cable()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        processes = Processes(cable, programs(pathlib.Path(folder)), pathlib.Path(folder))
        processes.python = PYTHON
        client = network.Client(cable)
        client.grow()
        processes.kea(4, subnet4=[SUBNET])
        asked = processes.softwired()
        done = 0
        try:
            for goal in (queries // 100, queries // 10, queries):
                while done < goal:
                    done += load(client, 1000, 5.0)["exchanges"]
                found[str(done)] = resident_kib(asked.pid)
                progress(f"{done} queries: {found[str(done)]} KiB")
        finally:
            client.close()
            processes.close()
            cable.close()
    return found


def median(runs: list[dict[str, typing.Any]], name: str) -> float:
    return float(statistics.median(run[name] for run in runs))


def rows(result: Result) -> list[tuple[str, ...]]:
    """What a table shows, medians of the runs; the first row is its head."""
    shown = [
        ("per_second", "exchanges/s", "{:,.0f}"),
        ("p50_ms", "p50 ms", "{:.2f}"),
        ("p90_ms", "p90 ms", "{:.2f}"),
        ("p99_ms", "p99 ms", "{:.2f}"),
        ("cpu_s_per_10000", "CPU s/10,000", "{:.2f}"),
        ("dhcpv4_cpu_s_per_10000", "kea-dhcp4's", "{:.2f}"),
        ("resident_kib", "RSS KiB", "{:,.0f}"),
        ("receive_buffer_errors", "RcvbufErrors", "{:,.0f}"),
        ("repeated", "asked again", "{:,.0f}"),
    ]
    found: list[tuple[str, ...]] = [("clients", "half", *(title for _, title, _ in shown))]
    for count in result[HALVES[0]]:
        for half in HALVES:
            runs = result[half][count]
            found.append((count, half, *(form.format(median(runs, name)) for name, _, form in shown)))
    return found


def table(lines: list[tuple[str, ...]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths)) for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.dhcp4o6", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run (5)")
    parser.add_argument("--runs", type=int, default=3, help="of each half and number of clients (3)")
    parser.add_argument(
        "--queries", type=int, default=0, help="memory after so many, too: 1000000 takes minutes"
    )
    given = parser.parse_args()

    def progress(text: str) -> None:
        print(f"bench: {text}", file=sys.stderr, flush=True)

    load_before = os.getloadavg()[0]
    try:
        found = measure(given.seconds, CLIENTS, given.runs, progress)
    except (network.NoNamespace, NoKea) as error:
        progress(f"not measured: {error}")
        return 1
    result: dict[str, typing.Any] = {"halves": found, "load_before": load_before}
    if given.queries:
        result["resident_kib_after"] = after_many(given.queries, progress)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "dhcp4o6.json").write_text(json.dumps(result, indent=2) + "\n")
    print(table(rows(found)))
    if load_before > (os.cpu_count() or 1) / 2:
        print(f"The machine had other work (load {load_before:.1f}): it is too slow in all of this.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
