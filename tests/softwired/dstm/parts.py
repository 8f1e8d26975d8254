# SPDX-License-Identifier: Apache-2.0
"""What stands around a DSTM server in tests: nodes, a scripted border router, the server, its databases."""

from __future__ import annotations

import json
import os
import pathlib
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import typing

from softwire import tsp, tspdigest
from softwire.address import parse_ipv4, parse_ipv6
from softwired import tsp as session
from tests.softwired.network import TREE, until
from tests.softwired.processes import toml

NODE, LINK_LOCAL = "2001:db8:1::99", "fe80::99"
TEP4, TEP6 = "192.0.2.1", "2001:db8:b::1"
USER, PASSWORD, REALM = "ann", "correct horse", "dstm"


def create(node: str = NODE, ipv4: str = "", ports: typing.Any = None, action: str = "create") -> bytes:
    """A node's command."""
    held = parse_ipv4(ipv4) if ipv4 else None
    side = tsp.Side(held, [parse_ipv6(LINK_LOCAL), parse_ipv6(node)], ports)
    return tsp.frame(tsp.Message(action, side).xml())


class Node:
    """A node's connection, as an implementation of its own would use it: one step after the other."""

    def __init__(
        self, port: int | socket.socket, tls: ssl.SSLContext | None = None, address: str = "::1"
    ) -> None:
        """port: or a connection that is there."""
        if isinstance(port, socket.socket):
            self.socket = port
        else:
            self.socket = socket.create_connection((address, port), timeout=10)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=address)
        self.stream = tsp.Stream()

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def _until(self, take: typing.Callable[[], typing.Any]) -> typing.Any:
        while (found := take()) is None:
            octets = self.socket.recv(4096)
            if not octets:
                raise EOFError
            self.stream.feed(octets)
        return found

    def line(self) -> bytes:
        found: bytes = self._until(self.stream.line)
        return found

    def hear(self) -> tuple[int | None, tsp.Message | None]:
        """The next message: (code, what is in it)."""
        code, _, body = self._until(self.stream.message)
        return code, tsp.read_message(body) if body else None

    def ask(self, octets: bytes) -> tuple[int | None, tsp.Message | None]:
        self.send(octets)
        return self.hear()

    def login(
        self, mechanism: str = "ANONYMOUS", version: str = "1.0", user: str = USER, password: str = PASSWORD
    ) -> Node:
        self.send(f"VERSION={version}\r\n".encode())
        assert mechanism in tsp.read_capability(self.line())[1]
        assert self.authenticate(mechanism, user, password) == 200
        return self

    def authenticate(self, mechanism: str, user: str = USER, password: str = PASSWORD) -> int:
        """The status code that comes of it."""
        self.send(f"AUTHENTICATE {mechanism}\r\n".encode())
        if mechanism == "PLAIN":
            self.send(tsp.plain(user.encode(), password.encode()))
        elif mechanism == "DIGEST-MD5":
            answer, proof = tspdigest.answer(
                self.line(), user.encode(), password.encode(), b"tsp/[::1]", b"c"
            )
            self.send(answer)
            line = self.line()
            if tsp.read_status(line):
                return typing.cast("tuple[int, str]", tsp.read_status(line))[0]
            assert tspdigest.proven(line, proof)
        status = tsp.read_status(self.line())
        assert status
        return int(status[0])

    def closed(self) -> bool:
        """Whether the server ended it, whatever came before."""
        try:
            while self.socket.recv(4096):
                pass
        except ConnectionResetError:
            pass
        return True

    def close(self) -> None:
        self.socket.close()


class Tep:
    """A border router by script: keeps what it is told and answers as `how` says."""

    def __init__(
        self,
        port: int = 0,
        mechanisms: typing.Sequence[str] = ("ANONYMOUS",),
        address: str = "::1",
        make: typing.Callable[..., socket.socket] = socket.socket,
    ) -> None:
        """make: makes its socket, where it is."""
        self.mechanisms, self.address, self.make = mechanisms, address, make
        self.how: typing.Callable[[tsp.Message], int | None] = lambda message: 0
        self.commands: list[tuple[str, int, int]] = []
        self.mappings: dict[int, int] = {}
        # Two nodes with one address at one time.
        self.twice = 0
        self.port = port
        # What it says that packets go to.
        self.told = TEP6 if address == "::1" else address
        self.connections: list[socket.socket] = []
        self.listening: socket.socket | None = None
        self.open()

    def open(self) -> None:
        made = self.make(socket.AF_INET6, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((self.address, self.port))
        made.listen(16)
        self.port = made.getsockname()[1]
        self.listening = made
        threading.Thread(target=self._accept, args=(made,), daemon=True).start()

    def close(self) -> None:
        """Unreachable; `open` makes it come back."""
        if self.listening:
            self.listening.shutdown(socket.SHUT_RDWR)
            self.listening.close()
            self.listening = None
        for one in self.connections:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.connections.clear()

    def _accept(self, made: socket.socket) -> None:
        while True:
            try:
                peer, _ = made.accept()
            except OSError:
                return
            self.connections.append(peer)
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secret = tspdigest.secret(USER.encode(), REALM.encode(), PASSWORD.encode())
        one = session.Session(
            self.mechanisms,
            REALM.encode(),
            {USER.encode(): secret}.get,
            lambda message: self._take(one, message),
        )
        try:
            while not one.ended and (octets := peer.recv(4096)):
                one.heard(octets)
                peer.sendall(one.output)
                one.output.clear()
        except OSError:
            pass
        peer.close()

    def _take(self, one: session.Session, message: tsp.Message) -> None:
        client = message.client
        assert client.ipv4 is not None
        self.commands.append((message.action, client.ipv4, client.ipv6[0]))
        code = self.how(message)
        if code is None:
            return
        if code:
            one.refuse(code)
            return
        if message.action == "create":
            self.twice += self.mappings.get(client.ipv4, client.ipv6[0]) != client.ipv6[0]
            self.mappings[client.ipv4] = client.ipv6[0]
        elif self.mappings.get(client.ipv4) == client.ipv6[0]:
            del self.mappings[client.ipv4]
        one.info(tsp.Message("info", client, tsp.Side(parse_ipv4(TEP4), [parse_ipv6(self.told)])))

    def count(self, action: str) -> int:
        return sum(one[0] == action for one in self.commands)


def free_port() -> int:
    """One that nobody has now."""
    with socket.socket(socket.AF_INET6) as made:
        made.bind(("::1", 0))
        return int(made.getsockname()[1])


class Server:
    """`softwired run dstm` as a process."""

    def __init__(self, folder: pathlib.Path, **table: typing.Any) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.port = folder, free_port()
        self.path = folder / "softwired.toml"
        self.environment = {**os.environ, "PYTHONPATH": str(TREE / "src")}
        self.table: dict[str, typing.Any] = {
            "name": folder.name,
            "listen": ["::1"],
            "port": self.port,
            "database": f"sqlite:///{folder}/dstm.db",
            "mechanisms": ["ANONYMOUS"],
            "same_prefix": 0,
            **table,
        }
        self.configure()
        self.process: subprocess.Popen[typing.Any] | None = None
        # Where it runs.
        self.popen: typing.Callable[..., subprocess.Popen[typing.Any]] = lambda *words, **how: (
            subprocess.Popen(words, **how)
        )

    def configure(self, **table: typing.Any) -> None:
        self.table.update(table)
        common = f'[softwired]\nuser = ""\nrun_directory = "{self.folder}/run"\n'
        self.path.write_text(common + toml("dstm", self.table))

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "softwired", "--config", str(self.path), *words]

    def ask(self, *words: str, given: str = "", fails: bool = False) -> str:
        done = subprocess.run(
            self.command("dstm", *words),
            env=self.environment,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert bool(done.returncode) == fails, done.stdout
        return done.stdout

    def status(self) -> dict[str, typing.Any]:
        told: dict[str, typing.Any] = json.loads(self.ask("status", "--json"))
        return told

    def leases(self) -> list[dict[str, typing.Any]]:
        told: list[dict[str, typing.Any]] = json.loads(self.ask("leases", "--json"))
        return told

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def start(self) -> Server:
        with open(self.folder / "log", "ab") as log:
            before = log.tell()
            self.process = self.popen(
                *self.command("run", "dstm"), env=self.environment, stdout=log, stderr=log
            )

        def ready() -> bool:
            assert self.process and self.process.poll() is None, self.log
            return "ready (version" in self.log[before:]

        until(ready, "the server is ready")
        return self

    def stop(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=20) == 0
        self.process = None

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def reload(self) -> None:
        assert self.process
        count = self.log.count("reloaded")
        self.process.send_signal(signal.SIGHUP)
        until(lambda: self.log.count("reloaded") > count, "the server has reloaded")

    def node(self, *words: typing.Any, **keywords: typing.Any) -> Node:
        return Node(self.port).login(*words, **keywords)


def pool(*addresses: str, **more: typing.Any) -> dict[str, typing.Any]:
    """A table [[dstm.pool]] at the scripted border router."""
    return {"addresses": list(addresses) or ["198.51.100.0/24"], "teps": ["::1"], **more}


def tep(one: Tep | None = None, **more: typing.Any) -> dict[str, typing.Any]:
    """A table [[dstm.tep]]; without a border router, one that is told nothing."""
    if one is None:
        return {"address": "::1", "tell": False, "ipv4": TEP4, **more}
    return {"address": one.address, "port": one.port, "patience": 1.0, **more}


class Postgres:
    """A cluster of its own in a folder, which a socket there leads to; root's runs as nobody."""

    def __init__(self, folder: pathlib.Path, fsync: str = "off") -> None:
        self.folder, self.fsync = folder, fsync
        self.bin = pathlib.Path(find_postgres() or "")
        folder.mkdir(parents=True)
        self.user = (
            ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.geteuid() == 0 else []
        )
        if self.user:
            os.chown(folder, 65534, 65534)
        self._run("initdb", "-D", f"{folder}/data", "-U", "softwired", "-A", "trust", "--no-sync")
        self.start()

    def _run(self, name: str, *words: str) -> None:
        done = subprocess.run(
            [*self.user, str(self.bin / name), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            timeout=60,
        )
        assert done.returncode == 0, done.stdout

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses='' -c fsync={self.fsync}"
        self._run(
            "pg_ctl", "-D", f"{self.folder}/data", "-w", "-o", options, "-l", f"{self.folder}/log", "start"
        )

    def stop(self) -> None:
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "-w", "stop")

    @property
    def url(self) -> str:
        return f"postgresql://softwired@/postgres?host={self.folder}"


def find_postgres() -> str | None:
    """The folder of PostgreSQL's programs, or None."""
    for folder in sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return str(folder)
    found = shutil.which("initdb")
    return str(pathlib.Path(found).parent) if found else None


def wait_readable(one: Node, seconds: float) -> bool:
    """Whether something comes."""
    return bool(one.stream.data) or bool(select.select([one.socket], [], [], seconds)[0])
