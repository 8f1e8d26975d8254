# SPDX-License-Identifier: Apache-2.0
"""This machine's kernel takes what demand.py says to netfilter's queue, on each interpreter."""

import pathlib
import subprocess

import pytest

from softwire import demand
from tests.softwired.kea import household

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUEUES = "/proc/net/netfilter/nfnetlink_queue"
NUMBER = demand.number("wan")


@pytest.fixture(params=["cpython", "micropython"])
def keep(request, cable):
    """Starts a process that opens the queue; (the process, what it says)."""
    command = household.interpreters().get(request.param)
    if command is None:
        pytest.skip(f"no {request.param}: tests/setup.sh arch fetches it")
    if not cable.client.run("sh", "-c", f"[ ! -e {QUEUES} ] || echo there"):
        pytest.skip("this kernel has no nfnetlink_queue")
    running = []

    def start():
        words = ["env", f"PYTHONPATH={ROOT}/src", f"MICROPYPATH={ROOT}/src:.frozen", *command]
        made = cable.client.start(
            *words,
            str(ROOT / "tests/methods/keep.py"),
            str(NUMBER),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        running.append(made)
        return made, made.stderr.readline().strip()

    yield start
    for process in running:
        process.kill()
        process.wait()


def queues(cable):
    """[(number, mode in which packets are told)] (the kernel's nfnetlink_queue.c: seq_show)."""
    rows = cable.client.run("cat", QUEUES).splitlines()
    return [(int(row.split()[0]), int(row.split()[3])) for row in rows]


def test_a_queue_is_there_while_it_is_open(keep, cable):
    """Its packets are told without a copy (1); in mode 0 the kernel would keep none. Nobody else gets it meanwhile."""
    process, said = keep()
    assert (said, queues(cable)) == ("open", [(NUMBER, 1)])
    assert keep()[1].isdigit()
    process.communicate()
    assert queues(cable) == [] and keep()[1] == "open"
