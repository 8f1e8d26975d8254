# SPDX-License-Identifier: Apache-2.0
"""Two network namespaces with a cable between them: a server's and a client's, and processes and sockets in them.

They need no root where the kernel gives users a namespace of their own.
"""

from __future__ import annotations

import os
import pathlib
import select
import socket
import struct
import subprocess
import sys
import time
import typing

TREE = pathlib.Path(__file__).resolve().parents[2]
SERVER, CLIENT = "2001:db8:1::1", "2001:db8:1::2"
SERVER_LINK_LOCAL, CLIENT_LINK_LOCAL = "fe80::1", "fe80::2"
GROUP = "ff02::1:2"
# Makes sockets for the one at the other end of its standard input.
HOLDER = r"""
import socket, sys
control = socket.socket(fileno=0)
control.send(b"here")
while True:
    words = control.recv(4096).decode().split()
    if not words:
        break
    family, kind, protocol = map(int, words)
    try:
        made = socket.socket(family, kind, protocol)
    except OSError as error:
        control.send(str(error).encode())
        continue
    socket.send_fds(control, [b"made"], [made.fileno()])
    made.close()
"""


class NoNamespace(Exception):
    """This machine lets us have none."""


def until(what: typing.Callable[[], typing.Any], text: str, longest: float = 20.0) -> typing.Any:
    """The first true value of `what`; fails with `text` after a time that is long for any machine."""
    end = time.monotonic() + longest
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < end, f"waited {longest} s: {text}"
        time.sleep(0.02)


def certificate(folder: pathlib.Path, address: str) -> tuple[str, str]:
    """Paths of a new one for an address, which vouches for itself, and of its key."""
    paths = str(folder / "cert.pem"), str(folder / "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        + ["-days", "2", "-subj", "/CN=softwired", "-addext", f"subjectAltName=IP:{address}"]
        + ["-out", paths[0], "-keyout", paths[1]],
        check=True,
        capture_output=True,
    )
    return paths


class Namespace:
    """A network namespace, held by a process that also makes sockets in it."""

    def __init__(self, beside: Namespace | None = None) -> None:
        ours, theirs = socket.socketpair()
        self.control: socket.socket = ours
        root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        enter: list[str] = beside.enter if beside else []
        unshare = ["unshare", *([] if beside else root), "--net", "--mount"]
        self.holder: subprocess.Popen[str] = subprocess.Popen(
            [*enter, *unshare, sys.executable, "-c", HOLDER],
            stdin=theirs.fileno(),
            stderr=subprocess.PIPE,
            text=True,
        )
        theirs.close()
        self.control.settimeout(20)
        if self.control.recv(16) != b"here":
            assert self.holder.stderr
            raise NoNamespace(self.holder.stderr.read().strip())
        # With unshare the holder is this very process: it execs.
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        self.enter: list[str] = ["nsenter", "--target", str(self.holder.pid), *user, "--net", "--mount"]
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *words: str) -> str:
        """The output of a command that must succeed."""
        done = subprocess.run(
            [*self.enter, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert done.returncode == 0, f"{words}: {done.stdout}"
        return done.stdout

    def start(self, *words: str, **keywords: typing.Any) -> subprocess.Popen[str]:
        """A process in it."""
        return subprocess.Popen([*self.enter, *words], text=True, **keywords)

    def open(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """A socket in it."""
        self.control.send(f"{family} {int(kind)} {protocol}".encode())
        answer, descriptors, _, _ = socket.recv_fds(self.control, 1024, 1)
        assert descriptors, answer.decode()
        return socket.socket(fileno=descriptors[0])

    def udp(self, address: str, port: int, scope: int = 0) -> socket.socket:
        """A UDP socket over IPv6, bound; waits for what comes at most ten seconds."""
        made = self.open(socket.AF_INET6, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port, 0, scope))
        made.settimeout(10)
        return made

    def index(self, device: str) -> int:
        return int(self.run("ip", "-o", "link", "show", "dev", device).partition(":")[0])

    def close(self) -> None:
        self.control.close()
        self.holder.kill()
        self.holder.wait()


class Cable:
    """The server's namespace with device vs, the client's with device vc, and addresses that are usable at once."""

    def __init__(self) -> None:
        self.server = Namespace()
        self.client = Namespace(self.server)
        pid = str(self.client.holder.pid)
        self.server.run("ip", "link", "add", "vs", "type", "veth", "peer", "name", "vc", "netns", pid)
        for namespace, device, addresses in (
            (self.server, "vs", (SERVER_LINK_LOCAL + "/64", SERVER + "/64")),
            (self.client, "vc", (CLIENT_LINK_LOCAL + "/64", CLIENT + "/64")),
        ):
            namespace.run("ip", "link", "set", device, "addrgenmode", "none")
            namespace.run("ip", "link", "set", device, "up")
            for address in addresses:
                namespace.run("ip", "address", "add", address, "dev", device, "nodad")
        self.server.run("ip", "address", "add", "192.0.2.1/24", "dev", "vs")
        self.server_index = self.server.index("vs")
        self.client_index = self.client.index("vc")

    def close(self) -> None:
        self.client.close()
        self.server.close()


class Client:
    """Who asks: port 546 of the link-local address, or any other place."""

    def __init__(self, cable: Cable, address: str = CLIENT_LINK_LOCAL, port: int = 546) -> None:
        self.index = cable.client_index
        self.socket = cable.client.udp(address, port, self.index if address.startswith("fe80") else 0)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, struct.pack("@i", self.index))

    def send(self, data: bytes, to: str = GROUP) -> None:
        scope = self.index if to.startswith(("ff02", "fe80")) else 0
        self.socket.sendto(data, (to, 547, 0, scope))

    def hear(self) -> tuple[bytes, str, int]:
        """What comes next: (octets, address, port)."""
        data, (address, port, _, _) = self.socket.recvfrom(65535)
        return data, address.partition("%")[0], port

    def grow(self) -> None:
        """Room for many answers, where one may have it (SO_RCVBUFFORCE)."""
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)
        except OSError:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)

    def ask_all(self, messages: typing.Sequence[bytes], at_once: int) -> list[bytes]:
        """All answers, as they come; its own socket has room for them (grow), and it reads while it sends."""
        self.grow()
        answers: list[bytes] = []
        for number, message in enumerate(messages):
            self.send(message)
            while select.select([self.socket], [], [], 0)[0] or number - len(answers) >= at_once:
                answers.append(self.hear()[0])
        while len(answers) < len(messages):
            answers.append(self.hear()[0])
        return answers

    def nothing(self) -> bool:
        """Whether nothing has come by now."""
        self.socket.setblocking(False)
        try:
            self.socket.recv(65535)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(10)
        return False

    def close(self) -> None:
        self.socket.close()
