# SPDX-License-Identifier: Apache-2.0
"""Runs in the guest, whose clock counts instructions: what a packet costs the border router, and a plain tunnel device.

One JSON object on standard output.
"""

import ipaddress
import json
import tempfile
import time
from pathlib import Path

from softwired.tep.store import Mapping, Store
from tests.bench.guest.frames import OURS, STRANGER, cost, ethernet, free, resident
from tests.system.tep import machine as lab
from tests.system.tep.machine import HOST, TEP, address, node

COUNTS = (1, 1000, 10000)


def up(number, destination=OURS):
    inner = lab.ipv4(address(number), HOST, lab.udp(53, bytes(64)))
    return ethernet(lab.ipv6(node(number), TEP, inner), destination)


def down(number, destination=OURS):
    return ethernet(lab.ipv4(HOST, address(number), lab.udp(53, bytes(64))), destination)


def prepare(machine):
    """Neighbours that never have to be asked for, stations that throw everything away, nothing but us."""
    for namespace, device in ((machine.tep, "line"), (machine.tep, "outside")):
        namespace.run("ip", "link", "set", device, "address", OURS.hex(":"))
    machine.tep.run("ip", "neigh", "replace", lab.NODE, "lladdr", STRANGER.hex(":"), "dev", "line")
    machine.tep.run("ip", "neigh", "replace", HOST, "lladdr", STRANGER.hex(":"), "dev", "outside")
    machine.tep.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")


def both(machine, numbers):
    return {
        "up": cost(machine.nodes, "eth0", [up(number) for number in numbers], machine.inet, True),
        "down": cost(machine.inet, "eth0", [down(number) for number in numbers], machine.nodes, True),
    }


def sending(machine, numbers):
    return {
        "up": cost(machine.nodes, "eth0", [up(one, STRANGER) for one in numbers], machine.inet, False),
        "down": cost(machine.inet, "eth0", [down(one, STRANGER) for one in numbers], machine.nodes, False),
    }


def plain(machine):
    """One tunnel device with one mapping, no check of the source."""
    for words in (
        f"link add plain type ip6tnl mode ipip6 local {TEP} remote {node(1)} encaplimit none",
        "link set plain up",
        f"route add {address(1)} dev plain",
    ):
        machine.tep.run("ip", *words.split())
    found = both(machine, [1])
    machine.tep.run("ip", "link", "del", "plain")
    return found


def populate(machine, last):
    """So many mappings in the service's file, while it does not run."""
    store = Store(str(machine.folder / "tep.db"))
    store.write(
        {
            ipaddress.IPv4Address(address(number)).packed: Mapping(
                ipaddress.IPv6Address(node(number)).packed, lab.SERVER, time.time()
            )
            for number in range(1, last + 1)
        }
    )
    store.close()


def main():
    result = {"tep": {}, "start_seconds": {}, "kernel_bytes": {}, "process_bytes": {}}
    with tempfile.TemporaryDirectory() as folder:
        machine = lab.Machine(Path(folder))
        prepare(machine)
        result["sending"] = sending(machine, [1])
        result["plain"] = plain(machine)
        for count in COUNTS:
            populate(machine, count)
            before = free()
            result["start_seconds"][str(count)] = machine.start()
            result["kernel_bytes"][str(count)] = before - free() - resident(machine.process.pid)
            result["process_bytes"][str(count)] = resident(machine.process.pid)
            result["tep"][str(count)] = both(machine, range(1, count + 1))
            if count != COUNTS[-1]:
                machine.stop()
        machine.stop()
        result["restart_seconds"] = machine.start()
        machine.stop()
        machine.close()
    print(json.dumps(result))


main()
