# SPDX-License-Identifier: Apache-2.0
"""softwired dstm: addresses given out each second, by TSP and by DHCPv6, from SQLite on disk and from PostgreSQL.

Nodes take an address and give it back; of the most there are, each takes one and keeps it. The border router is told
nothing, so that the server alone is measured.

python -m tests.bench.dstm [--seconds N]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import select
import sys
import tempfile
import time
import typing

from softwire import dhcpv6, iadstm
from softwire.address import format_ipv6, parse_ipv6
from softwired.dstm.leases import metadata
from softwired.store import Store
from tests.bench.dhcp4o6 import OUT, cpu_seconds, resident_kib, table
from tests.softwired import network
from tests.softwired.dstm import parts

NODES = (1, 100, 10000)
# Each takes one address and keeps it, so many at once.
MANY, AT_ONCE = 10000, 100
FIRST = parse_ipv6("2001:db8:1::1:0")
SOLICIT, ADVERTISE, REQUEST, REPLY, RELEASE = 1, 2, 3, 7, 8
# What was lost is asked again.
PATIENCE = 2.0
TSP, DHCPV6 = "TSP", "DHCPv6"
Figures = dict[str, float]


class Times:
    """How long each address took, and what all of it cost the server."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.taken: list[float] = []
        self.began, self.cpu = time.monotonic(), cpu_seconds(pid)

    def figures(self) -> Figures:
        spent, count = time.monotonic() - self.began, max(1, len(self.taken))
        self.taken.sort()
        return {
            "per_second": len(self.taken) / spent,
            "p50_ms": 1000 * self.taken[count // 2],
            "p99_ms": 1000 * self.taken[min(count - 1, count * 99 // 100)],
            "cpu_s_per_10000": 1e4 * (cpu_seconds(self.pid) - self.cpu) / count,
            "resident_kib": resident_kib(self.pid),
        }


async def message(reader: asyncio.StreamReader) -> bytes:
    """What is in the next framed one."""
    head = await reader.readuntil(b"\r\n")
    return await reader.readexactly(int(head.partition(b":")[2]))


async def tsp_node(port: int, node: str, times: Times, keep: bool) -> None:
    """A connection: login, an address, and back with it."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("::1", port)
    for words in (b"VERSION=1.0\r\n", b"AUTHENTICATE ANONYMOUS\r\n"):
        writer.write(words)
        await reader.readuntil(b"\r\n")
    writer.write(parts.create(node))
    told = await message(reader)
    if not told.startswith(b"200"):
        raise SystemExit(f"bench: {node}: {told[:80]!r}")
    times.taken.append(time.monotonic() - began)
    if not keep:
        address = told.partition(b'<address type="ipv4">')[2].partition(b"<")[0].decode().strip()
        writer.write(parts.create(node, address, action="delete"))
        await message(reader)
    writer.close()


async def by_tsp(port: int, count: int, seconds: float, times: Times) -> None:
    """So many nodes; see NODES."""
    end = time.monotonic() + seconds
    left = iter(range(count)) if count >= MANY else None

    async def worker(number: int) -> None:
        if left is not None:
            for one in left:
                await tsp_node(port, format_ipv6(FIRST + one), times, True)
        else:
            while time.monotonic() < end:
                await tsp_node(port, format_ipv6(FIRST + number), times, False)

    await asyncio.gather(*(worker(number) for number in range(min(count, AT_ONCE))))


class Asker:
    """A node by DHCPv6: Solicit, Request, and Release where it does not keep what it has."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.duid = b"\0\3\0\1\2\0" + number.to_bytes(4, "big")
        self.round = 0
        self.began = self.sent = time.monotonic()
        self.next(SOLICIT)

    def next(self, kind: int, server: bytes = b"", held: int | None = None) -> None:
        self.kind, self.round = kind, self.round + 1
        # Nodes are told apart by the transaction id.
        self.transaction = (self.round & 0x3FF) << 14 | self.number
        ia = iadstm.Association(7)
        ia.addresses = [] if held is None else [(held, 0, 0)]
        ia.teps = [FIRST + self.number]
        options = [(1, self.duid)] + ([(2, server)] if server else [])
        self.octets = dhcpv6.write_message(kind, self.transaction, options) + iadstm.write(ia, iadstm.CODES)


def by_dhcpv6(client: network.Client, count: int, seconds: float, times: Times) -> None:
    """So many nodes; see NODES."""
    keep = count >= MANY
    waiting = iter(range(count))
    asked = {number: Asker(number) for number in [next(waiting) for _ in range(min(count, AT_ONCE))]}
    end = time.monotonic() + seconds
    client.socket.setblocking(False)

    def send(one: Asker) -> None:
        one.sent = time.monotonic()
        client.send(one.octets)

    for one in list(asked.values()):
        send(one)
    while asked and (keep or time.monotonic() < end):
        select.select([client.socket], [], [], 0.1)
        while (data := heard(client)) is not None:
            kind, number, options = dhcpv6.read_message(data)
            found = asked.get(number & 0x3FFF)
            if found is None or number != found.transaction:
                continue
            server = dhcpv6.only(options, 2)
            if kind == ADVERTISE:
                found.next(REQUEST, server)
            elif found.kind == RELEASE:
                asked[found.number] = found = Asker(found.number)
            else:
                times.taken.append(time.monotonic() - found.began)
                if keep:
                    del asked[found.number]
                    following = next(waiting, None)
                    if following is None:
                        continue
                    asked[following] = found = Asker(following)
                else:
                    given = iadstm.found(options, iadstm.CODES)[0].addresses
                    found.next(RELEASE, server, given[0][0])
            send(found)
        now = time.monotonic()
        for one in list(asked.values()):
            if now - one.sent > PATIENCE:
                send(one)


def heard(client: network.Client) -> bytes | None:
    try:
        return client.socket.recv(65535)
    except BlockingIOError:
        return None


@contextlib.contextmanager
def served(
    cable: network.Cable, folder: pathlib.Path, database: str, protocol: str
) -> typing.Iterator[parts.Server]:
    """A server that has that database and nothing in it yet; by DHCPv6 in the cable's namespace."""
    interface = {"interface": [{"name": "vs", "addresses": [network.SERVER]}]}
    server = parts.Server(
        folder,
        pool=[{"addresses": ["10.0.0.0/17"], "teps": ["2001:db8:b::1"]}],
        tep=[{"address": "2001:db8:b::1", "tell": False, "ipv4": parts.TEP4}],
        clients=["2001:db8::/32", "::1/128"],
        lifetime=3600,
        **({"database": database} if database else {}),
        **(interface if protocol == DHCPV6 else {}),
    )
    if protocol == DHCPV6:
        server.popen = cable.server.start
    try:
        yield server.start()
    finally:
        server.kill()


def forget(url: str) -> None:
    """The tables go."""
    store = Store(url, metadata)
    metadata.drop_all(store.engine)
    store.close()


def measure(
    seconds: float, progress: typing.Callable[[str], None]
) -> dict[str, dict[str, dict[str, Figures]]]:
    """{database: {protocol: {number of nodes: figures}}}"""
    found: dict[str, dict[str, dict[str, Figures]]] = {}
    cable = network.Cable()
    client = network.Client(cable)
    client.grow()
    with tempfile.TemporaryDirectory(dir=OUT) as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        cluster = parts.Postgres(folder / "p", "on") if parts.find_postgres() else None
        for database, url in (("SQLite", ""), ("PostgreSQL", cluster.url if cluster else "")):
            if database == "PostgreSQL" and not url:
                progress("PostgreSQL is not here: tests/setup.sh server installs it")
                continue
            for protocol in (TSP, DHCPV6):
                for count in NODES:
                    progress(f"{database}, {protocol}, {count} nodes")
                    if url:
                        forget(url)
                    with served(cable, folder / f"{database}{protocol}{count}", url, protocol) as server:
                        assert server.process
                        times = Times(server.process.pid)
                        if protocol == TSP:
                            asyncio.run(by_tsp(server.port, count, seconds, times))
                        else:
                            by_dhcpv6(client, count, seconds, times)
                        figures = times.figures()
                    found.setdefault(database, {}).setdefault(protocol, {})[str(count)] = figures
        if cluster:
            cluster.stop()
    client.close()
    cable.close()
    return found


def rows(result: dict[str, dict[str, dict[str, Figures]]]) -> list[tuple[str, ...]]:
    """The table; its first row is the head."""
    shown = [
        ("per_second", "addresses/s", "{:,.0f}"),
        ("p50_ms", "p50 ms", "{:.1f}"),
        ("p99_ms", "p99 ms", "{:.1f}"),
        ("cpu_s_per_10000", "CPU s/10,000", "{:.2f}"),
        ("resident_kib", "RSS KiB", "{:,.0f}"),
    ]
    lines: list[tuple[str, ...]] = [("database", "by", "nodes", *(title for _, title, _ in shown))]
    for database, protocols in result.items():
        for protocol, counts in protocols.items():
            for count, figures in counts.items():
                cells = (form.format(figures[name]) for name, _, form in shown)
                lines.append((database, protocol, f"{int(count):,}", *cells))
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.dstm", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run (5)")
    given = parser.parse_args()

    def progress(text: str) -> None:
        print(f"bench: {text}", file=sys.stderr, flush=True)

    OUT.mkdir(parents=True, exist_ok=True)
    load_before = os.getloadavg()[0]
    try:
        found = measure(given.seconds, progress)
    except network.NoNamespace as error:
        progress(f"not measured: {error}")
        return 1
    (OUT / "dstm.json").write_text(json.dumps({**found, "load_before": load_before}, indent=2) + "\n")
    print(table(rows(found)))
    if load_before > (os.cpu_count() or 1) / 2:
        print(f"The machine had other work (load {load_before:.1f}): it is too slow in all of this.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
