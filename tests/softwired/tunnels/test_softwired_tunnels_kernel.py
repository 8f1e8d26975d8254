# SPDX-License-Identifier: Apache-2.0
"""What is said to the kernel in a namespace of this machine, without a tunnel: what each tunnel sends and receives."""

import os
import subprocess

import pytest

from tests.softwired import network

# Runs in the namespace. A veth device stands where the tunnel device would be; packets of IP protocol 41 are real.
PROGRAM = """
import ipaddress, pathlib, socket, struct, subprocess, sys, time
from softwired import encapsulation, sixinfour
from softwired.store import Store
from softwired.tunnels import register, ruleset
from softwired.tunnels.carrier import Carrier, CarrierError
from tests.softwired.tunnels import parts

sixinfour.make_device = lambda asked, name, local: encapsulation.device(asked, name).number
folder = pathlib.Path(sys.argv[1])
values = parts.values(folder, 'device = "v0"\\nrouted = "2001:db8:8000::/40"\\nrouted_length = 56\\n')
store = parts.store("sqlite://")

def run(job, *words):
    return store.run([lambda connection: job(connection, *words)])[0]

def create(number):
    made = run(register.create, values, parts.request(number), 1000.0)
    run(register.renew, "one", 10000.0)
    run(register.share, "one", 5000.0)
    return made

def rows():
    return run(register.of_server, "one")

def keep(one):
    # As the monitor does after a round.
    run(register.counted, "one", one.counts())

def shell(command):
    return subprocess.run(command, shell=True, check=True, stdout=subprocess.PIPE, text=True).stdout

frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
frames.bind(("v1", 0))
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, 41)
raw.bind(("192.0.2.1", 0))

def inner(source, size):
    head = b"\\x60\\0\\0\\0" + struct.pack("!HBB", size - 40, 59, 64)
    return head + ipaddress.IPv6Address(source).packed + bytes(size - 24)

def sends(ipv4, source, size=100, times=1):
    # A client's packet comes in.
    data = inner(source, size)
    head = bytearray(b"\\x45\\0" + struct.pack("!H", 20 + size) + bytes(4) + b"\\x40\\x29\\0\\0"
        + socket.inet_aton(ipv4) + socket.inet_aton("192.0.2.1"))
    total = sum(struct.unpack("!10H", head))
    head[10:12] = struct.pack("!H", 0xFFFF - (total % 0xFFFF))
    for _ in range(times):
        frames.send(bytes.fromhex("020000000001") + bytes(6) + b"\\x08\\0" + head + data)

def receives(ipv4, size=100):
    # One goes out to a client.
    raw.sendto(inner("2001:db8:f::9", size), (ipv4, 0))

def until(what):
    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end, shell("nft list table ip softwired_tunnels")
        time.sleep(0.01)
"""


def run(folder, text):
    environment = {**os.environ, "PYTHONPATH": f"{network.TREE}/src:{network.TREE}"}
    try:
        namespace = network.Namespace()
    except network.NoNamespace as error:
        pytest.skip(str(error))
    try:
        for words in (
            "link add v0 address 02:00:00:00:00:01 type veth peer name v1",
            "link set v0 up",
            "link set v1 up",
            "address add 192.0.2.1/24 dev v0",
            "route add 198.51.100.0/22 dev v0",
            "neigh add 198.51.100.2 lladdr 02:00:00:00:00:02 dev v0",
            "neigh add 198.51.100.3 lladdr 02:00:00:00:00:02 dev v0",
            "neigh add 198.51.100.99 lladdr 02:00:00:00:00:02 dev v0",
        ):
            namespace.run("ip", *words.split())
        done = namespace.start(
            "python3", "-c", PROGRAM + text, str(folder), env=environment, stdout=-1, stderr=subprocess.STDOUT
        )
        output, _ = done.communicate(timeout=120)
        assert done.returncode == 0, output
    finally:
        namespace.close()


def test_what_passes_is_counted_for_each_tunnel(tmp_path):
    """Both ways, of its own prefix and the routed one; octets with the outer header; nothing of what is stopped."""
    run(
        tmp_path,
        """
first, second = create(1), create(2)
one = Carrier(values)
one.agree(rows())
assert one.counts() == {1: (0, 0, 0, 0), 2: (0, 0, 0, 0)}
sends(first.IPv4client, first.IPv6client, 100, 3)
sends(first.IPv4client, first.routed.replace("::/56", ":7::1"), 200)
sends(first.IPv4client, second.IPv6client)
sends(second.IPv4client, second.IPv6client)
receives(second.IPv4client, 60)
until(lambda: one.counts() == {1: (4, 580, 0, 0), 2: (1, 120, 1, 80)})
assert one.counted()["spoofed"] == 1 and not one.disturbed()
keep(one)
assert [(row.packets_from_client, row.octets_from_client) for row in rows()] == [(4, 580), (1, 120)]
assert [(row.packets_to_client, row.octets_to_client) for row in rows()] == [(0, 0), (1, 80)]
# The same again changes nothing.
assert one.agree(rows()) == 0
assert one.counts()[1] == (4, 580, 0, 0)
""",
    )


def test_counts_outlive_whatever_happens_to_the_kernel(tmp_path):
    """Another process, somebody's `nft delete table`, another address, one that was another's, suspended, ended."""
    run(
        tmp_path,
        """
first, second = create(1), create(2)
one = Carrier(values)
one.agree(rows())
sends(first.IPv4client, first.IPv6client)
until(lambda: one.counts()[1] == (1, 120, 0, 0))
# Another process: what the kernel knows, and the database does not yet.
one = Carrier(values)
one.agree(rows())
assert one.counts()[1] == (1, 120, 0, 0)
keep(one)
shell("nft delete table ip softwired_tunnels")
assert one.disturbed()
one.agree(rows())
assert one.counts()[1] == (1, 120, 0, 0)
sends(first.IPv4client, first.IPv6client)
until(lambda: one.counts()[1] == (2, 240, 0, 0))
# It moves, somebody new has its address in the same moment, and begins at nothing.
old = first.IPv4client
run(register.move, 1, "198.51.100.99", "198.51.100.0/24", 2000.0)
run(register.move, 2, old, "198.51.100.0/24", 2000.0)
one.change(rows())
assert one.counts() == {1: (2, 240, 0, 0), 2: (0, 0, 0, 0)}, one.counts()
sends(old, second.IPv6client)
sends("198.51.100.99", first.IPv6client)
until(lambda: one.counts() == {1: (3, 360, 0, 0), 2: (1, 120, 0, 0)})
# The monitor was away while they change places: what is in the kernel is the other's.
keep(one)
run(register.move, 1, "198.51.100.77", "198.51.100.0/24", 2000.0)
run(register.move, 2, "198.51.100.99", "198.51.100.0/24", 2000.0)
run(register.move, 1, old, "198.51.100.0/24", 2000.0)
one = Carrier(values)
one.agree(rows())
assert one.counts() == {1: (3, 360, 0, 0), 2: (1, 120, 0, 0)}, one.counts()
run(register.suspend, 1)
one.change(rows())
assert one.counts()[1] == (3, 360, 0, 0)
sends(old, first.IPv6client)
until(lambda: one.counted()["spoofed"] == 1)
run(register.end, 1)
one.change(rows())
assert 1 not in one.counts() and 2 in one.counts()
assert old not in shell("nft list set ip softwired_tunnels from_clients")
""",
    )


def test_what_is_over_the_rate_is_not_counted(tmp_path):
    run(
        tmp_path,
        """
values = parts.values(folder, 'device = "v0"\\nrate = 10\\n')
first = create(1)
one = Carrier(values)
one.agree(rows())
sends(first.IPv4client, first.IPv6client, 1000, 100)
until(lambda: one.counts()[1][0] + one.counted()["rate"] == 100)
assert 1 <= one.counts()[1][0] < 50 and one.counts()[1][1] == 1020 * one.counts()[1][0]
for _ in range(100):
    try:
        receives(first.IPv4client, 1000)
    except PermissionError:
        pass  # dropped on its way out
until(lambda: one.counts()[1][0] + one.counts()[1][2] + one.counted()["rate"] == 200)
assert 1 <= one.counts()[1][2] < 50
# Who has no tunnel takes no place where rates are kept.
sends("198.51.102.7", first.IPv6client)
until(lambda: one.counted()["spoofed"] == 1)
assert "198.51.102.7" not in shell("nft list set ip softwired_tunnels up")
""",
    )


def test_so_many_that_one_message_has_no_room_for_them(tmp_path):
    run(
        tmp_path,
        """
values = parts.values(folder, 'tunnels = 1300\\ndevice = "v0"\\n[tunnels.limits]\\nof_a_network = 0\\n')
many = lambda connection: [
    register.create(connection, values, parts.request(number), 1000.0) for number in range(1200)
]
made = store.run([many])[0]
one = Carrier(values)
one.agree(made)
assert len(one.counts()) == 1200 and one.agree(made) == 0
one.change([row._replace(IPv4client=row.IPv4client.replace("198.51", "198.52")) for row in made])
assert len(one.counts()) == 1200
one.change([row._replace(state="ending") for row in made])
assert "198.5" not in shell("nft list table ip softwired_tunnels")
""",
    )


def test_a_routed_prefix_of_any_length_that_is_offered(tmp_path):
    """It is routed and let through, and what was given back is not; whoever gets it next has it alone."""
    run(
        tmp_path,
        """
pool = lambda prefix, length: f'[[tunnels.pool]]\\nprefix = "{prefix}"\\nlength = {length}\\n'
lengths = {48: "2001:db8:4000::/36", 57: "2001:db8:5000::/40", 60: "2001:db8:5100::/40", 64: "2001:db8:5200::/48"}
offered = "".join(pool(prefix, length) for length, prefix in lengths.items())
values = parts.values(folder, 'device = "v0"\\nrouted = "2001:db8:8000::/40"\\nrouted_length = 56\\n' + offered)
first, second = create(1), create(2)
one = Carrier(values)
one.agree(rows())
total = 0

def passes(row, other):
    # Its last address passes; the same from the other tunnel does not, nor the address behind.
    global total
    last = ipaddress.IPv6Network(row.routed)[-1]
    packets = one.counts()[row.id][0]
    for ipv4, source in ((other, last), (row.IPv4client, last + 1), (row.IPv4client, last)):
        sends(ipv4, str(source))
    total += 2
    until(lambda: one.counts()[row.id][0] == packets + 1)
    assert one.counted()["spoofed"] == total

for length in (48, 57, 60, 64, 56):
    run(register.route, values, 2, length)
    run(register.route, values, 1, length)
    one.change(run(register.changed, "one"))
    row = run(register.by_id, 1)
    assert row.routed.endswith(f"/{length}")
    passes(row, second.IPv4client)
    # The same after all of it is loaded anew: nft and netlink say it alike.
    assert one.agree(rows()) == 0
    one.table_is_ours = False
    assert one.agree(rows()) == 0
    passes(row, second.IPv4client)
    assert row.routed.partition("/")[0] in shell("ip -6 route show proto 141 dev v0")

run(register.route, values, 1, 64)
one.change(run(register.changed, "one"))
before = run(register.by_id, 1)
run(register.route, values, 1, 0)
one.change(run(register.changed, "one"))
sends(before.IPv4client, before.routed.replace("/64", "5"))
until(lambda: one.counted()["spoofed"] == total + 1)
assert before.routed.partition("/")[0] not in shell("ip -6 route show proto 141 dev v0")
# The page may know a pool that the monitor does not yet.
one.use(parts.values(folder, 'device = "v0"\\n'))
one.change([before])
assert before.routed.partition("/")[0] not in shell("ip -6 route show proto 141 dev v0")
one.agree(rows())
""",
    )
