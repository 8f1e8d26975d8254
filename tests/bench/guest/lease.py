# SPDX-License-Identifier: Apache-2.0
"""Method dhcp4o6, measured like the rest: a lease of both halves of Debian's Kea, in a network of their own."""

import json
import os
import pathlib
import subprocess

SERVER, DEVICE = "2001:db8:547::547", "eth1"
CONFIG = {
    "tunlink": "wan6",
    "provisioning": "dhcp4o6",
    "peeraddr": "2001:db8:b::1",
    "server": [SERVER],
    "clientid": "00030001525400123401",
}
LOG = pathlib.Path("/run/kea/log")
INTERFACES = {"interfaces": ["kea"]}
PORT = {"dhcp4o6-port": 6767}
LEASES = {"type": "memfile", "persist": False}
LOGGERS = {"severity": "INFO", "output-options": [{"output": "stdout", "flush": True}]}
KEA = {
    "Dhcp4": {
        **PORT,
        "interfaces-config": {**INTERFACES, "dhcp-socket-type": "udp"},
        "lease-database": LEASES,
        "valid-lifetime": 86400,
        "subnet4": [
            {
                "id": 1,
                "subnet": "203.0.113.0/24",
                "4o6-interface": "kea",
                "pools": [{"pool": "203.0.113.7 - 203.0.113.7"}],
                "option-data": [{"name": "domain-name-servers", "data": "198.51.100.53, 198.51.100.54"}],
            }
        ],
        "loggers": [{"name": "kea-dhcp4", **LOGGERS}],
    },
    "Dhcp6": {
        **PORT,
        "interfaces-config": {"interfaces": [f"kea/{SERVER}"]},
        "lease-database": LEASES,
        "server-id": {"type": "LL", "persist": False},
        "subnet6": [{"id": 1, "subnet": "2001:db8::/32", "interface": "kea"}],
        "loggers": [{"name": "kea-dhcp6", **LOGGERS}],
    },
}
# `ip -n` wants a file tree of its own.
INSIDE = "nsenter --net=/run/netns/kea"
NETWORK = f"""
ip netns add kea
ip link add {DEVICE} type veth peer name kea netns kea
{INSIDE} ip link set lo up
{INSIDE} ip address add 203.0.113.1/24 dev kea
{INSIDE} ip address add {SERVER}/64 dev kea nodad
{INSIDE} ip address add fe80::547/64 dev kea nodad
{INSIDE} ip link set kea up
ip address add fe80::1/64 dev {DEVICE} nodad
ip link set {DEVICE} up
{INSIDE} ip route add ::/0 via fe80::1 dev kea
ip route add {SERVER}/128 via fe80::547 dev {DEVICE}
"""


def start(run, wait_for):
    """Kea, and the line as the one that leads to it."""
    for command in NETWORK.strip().splitlines():
        run(*command.split())
    wait_for("the link to Kea", lambda: "tentative" not in run(*INSIDE.split(), "ip", "address"))
    LOG.parent.mkdir()
    environment = {**os.environ, "KEA_PIDFILE_DIR": "/run/kea", "KEA_LOCKFILE_DIR": "none"}
    for family in "4", "6":
        path = f"/run/kea/kea-dhcp{family}.conf"
        pathlib.Path(path).write_text(json.dumps({f"Dhcp{family}": KEA[f"Dhcp{family}"]}))
        with LOG.open("ab") as log:
            command = [*INSIDE.split(), f"kea-dhcp{family}", "-c", path]
            subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        wait_for(f"kea-dhcp{family}", lambda family=family: f"DHCP{family}_STARTED" in LOG.read_text())


def acknowledged():
    """How many leases Kea has allocated or renewed so far."""
    return LOG.read_text().count("DHCP4_LEASE_ALLOC")


def measure(measuring):
    """{what: {interpreter: figure}}; measuring: the module measure."""
    start(measuring.run, measuring.wait_for)
    status = pathlib.Path("/bench/wan6.json")
    line = json.loads(status.read_text())
    status.write_text(json.dumps({**line, "l3_device": DEVICE}))
    (measuring.RUN / "wan.config").write_text(json.dumps(CONFIG))

    def renew(_):
        before = acknowledged()
        measuring.run("busybox", "sh", "-c", f"echo renew 1<>{measuring.FIFO}/wake")
        measuring.wait_for("the lease to be renewed", lambda: acknowledged() > before)

    found = {"exchange_instructions": {}, "renewal_instructions": {}, "private_dirty_kib": {}}
    for name, client in measuring.clients().items():
        measuring.progress(f"user instructions of a lease and of its renewal, {name}")
        before = acknowledged()
        client(at="/bench/callgrind/")
        if acknowledged() != before + 1:
            raise SystemExit(f"bench: {name} came by its lease in another way: {LOG.read_text()[-2000:]}")
        found["exchange_instructions"][name] = measuring.instructions()
        found["renewal_instructions"][name] = measuring.count_each(name, renew)
        resident = measuring.Resident(name)
        for _ in range(measuring.AGE):
            renew(resident)
            resident.rest()
        found["private_dirty_kib"][name] = measuring.private_dirty(resident.process.pid)
        resident.end()
    return found
