# SPDX-License-Identifier: Apache-2.0
"""Echo requests: what counts as an answer; and a round of them in a namespace whose kernel answers for some."""

import ipaddress
import json
import os
import socket
import struct
import subprocess
import sys

import pytest

from softwired.tunnels import echoes
from tests.softwired import network

TARGET = ipaddress.IPv6Address("2001:db8:1:1::2").packed
# The monitor without its kernel part: what it would carry is on `lo` here.
ROUND = r"""
import json, pathlib, socket, sys, types
from softwired.counters import Counters
from softwired.log import Log
from softwired.loop import Loop
from softwired.service import Frame
from softwired.store import Worker
from softwired.tunnels import monitor, register
from softwired.tunnels.carrier import CarrierError
from tests.softwired.tunnels import parts

folder, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
values = parts.values(folder, f"tunnels = {count}\nechoes = 5000\npatience = 0.5\ninterval = 86400\n"
                      "[tunnels.limits]\nof_a_network = 0\n")
store = parts.store(values.database)
ask = lambda number: parts.request(number, ipv4=f"9.1.{number >> 8}.{number & 255}")
rows = store.run([lambda c: [register.create(c, values, ask(n), 1.0) for n in range(count)]])[0]
def carried(connection):
    register.share(connection, values.name, 1.0)
    register.settle(connection, register.of_server(connection, values.name), parts.no_names)
store.run([carried])
made = monitor.Monitor(Frame(Loop(), Log("monitor"), Counters("x"), str(folder)), values)
made.open()
def counts():
    if count < 10:
        raise CarrierError("no table")
    return {one.id: (one.id, 100 * one.id, 1, 40) for one in rows}
made.carrier = types.SimpleNamespace(index=socket.if_nametoindex("lo"), counts=counts)
made.tunnels = {one.id: one for one in rows}
made.worker = Worker(store, made.loop, lambda: None)
made.worker.start()
made.loop.watch(made.socket.fileno(), made._heard)
made._warned = lambda _: made.loop.stop()
made._begin_round()
made.loop.run()
found = store.run([register.all_tunnels])[0]
print(json.dumps([dict(made.echo), [one.unreachable for one in found],
                  [one.octets_from_client for one in found]]))
"""


def reply(one, number, **changed):
    kind, code = changed.get("kind", 129), changed.get("code", 0)
    head = struct.pack("!BBHHH", kind, code, 0, changed.get("identifier", one.identifier), number)
    return head + changed.get("cookie", one.cookie(TARGET, number))


def test_what_is_an_answer():
    one, other = echoes.Echoes(), echoes.Echoes()
    assert one.answered(reply(one, 7), TARGET) == 7
    for wrong in (
        reply(one, 7, kind=128),
        reply(one, 7, code=1),
        reply(one, 7, identifier=one.identifier ^ 1),
        reply(one, 7, cookie=bytes(16)),
        reply(one, 7, cookie=one.cookie(TARGET, 8)),
        reply(one, 7, cookie=other.cookie(TARGET, 7)),
        reply(one, 7)[:-1],
        reply(one, 7) + b"\0",
        b"",
    ):
        assert one.answered(wrong, TARGET) is None
    # Brought back from another address.
    assert one.answered(reply(one, 7), bytes(16)) is None


@pytest.fixture
def namespace():
    try:
        made = network.Namespace()
    except network.NoNamespace as error:
        pytest.skip(f"no network namespaces here: {error}")
    yield made
    made.close()


def round_of(namespace, folder, count):
    environment = {**os.environ, "PYTHONPATH": f"{network.TREE / 'src'}:{network.TREE}"}
    words = [sys.executable, "-c", ROUND, str(folder), str(count)]
    process = namespace.start(*words, env=environment, stdout=subprocess.PIPE)
    out = process.communicate(timeout=120)[0]
    assert process.returncode == 0
    return json.loads(out)


def test_a_round(namespace, tmp_path):
    """The kernel answers for the first 20 of 30 tunnels, 2001:db8:1:1 to 2001:db8:1:14 (hexadecimal)."""
    for number in range(1, 21):
        namespace.run(*f"ip -6 route add local 2001:db8:1:{number:x}::/64 dev lo".split())
    counted, unreachable, octets = round_of(namespace, tmp_path, 30)
    assert octets == list(range(100, 3100, 100))
    assert counted == {"sent": 30, "answered": 20, "silent": 10, "late": 0, "forged": 0}
    assert unreachable == [0] * 20 + [1] * 10


def test_a_round_of_which_nothing_is_counted(namespace, tmp_path):
    """The kernel does not tell packets: what the round has heard is kept all the same."""
    _, unreachable, octets = round_of(namespace, tmp_path, 3)
    assert (unreachable, octets) == ([1] * 3, [0] * 3)


def test_the_kernel_drops_all_else(namespace):
    """Echo requests and other ICMPv6 do not wake the process."""
    namespace.run(*"ip -6 address add 2001:db8::1/128 dev lo nodad".split())
    program = (
        "from softwired.tunnels import echoes; import sys; made = echoes.open_socket(); print('open', flush=True);"
        "sys.stdin.read(1); print(len(list(echoes.received(made))))"
    )
    environment = {**os.environ, "PYTHONPATH": str(network.TREE / "src")}
    process = namespace.start(
        sys.executable, "-c", program, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == "open\n"
    sender = namespace.open(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    for kind in (1, 3, 128, 135, 129, 200):
        sender.sendto(bytes([kind]) + bytes(23), ("2001:db8::1", 0))
    # One that we sent, and the kernel's answer to the echo request.
    assert process.communicate("x", timeout=30)[0] == "2\n"
