# SPDX-License-Identifier: Apache-2.0
"""How many ports of a shared address are in use, by the kernel's list of connections."""

from softwire.portnat import PortMap
from softwire.tunnel import PortSet

CONNECTIONS = "/proc/net/nf_conntrack"
PROTOCOLS = "tcp", "udp", "icmp"


def of_tunnel(tunnel, path=CONNECTIONS):
    """The same for a tunnel as the state file has it; None where its address is whole."""
    key = tunnel.get("ports")
    if not key or not key[1]:
        return None
    return look(PortMap(PortSet(*key)), [text.partition("/")[0] for text in tunnel["ipaddr"]], path)


def look(ports, addresses, path=CONNECTIONS):
    """A dict of JSON values: count, ranges (how many), first (the first of them), used {protocol: ports}, and

    full [[protocol, host, port]]: to whom every port is taken, so that the next connection fails; used and full are
    None where the kernel has no list.
    """
    report = {"count": ports.count, "ranges": len(ports.ranges), "first": list(ports.ranges[0])}
    numbers: dict = {}  # protocol: those in use
    peers: dict = {}  # (protocol, host, port): how many
    marks = [b" dst=" + address.encode() + b" " for address in addresses]
    try:
        with open(path, "rb") as file:
            for line in file:
                # A router has thousands of connections.
                if any([mark in line for mark in marks]):
                    _count(line.decode().split(), ports, addresses, numbers, peers)
    except OSError:
        report["used"] = report["full"] = None
        return report
    report["used"] = {name: len(numbers.get(name, ())) for name in PROTOCOLS}
    report["full"] = [list(peer) for peer in sorted(peers) if peers[peer] >= ports.count]
    return report


def _count(words, ports, addresses, numbers, peers):
    """Adds a connection: the direction in which packets come to the address has its number."""
    protocol = words[2]
    host, ours = None, False
    source = 0
    for word in words[4:]:
        name, _, value = word.partition("=")
        if name == "src":
            host = value
        elif name == "dst":
            ours = value in addresses
        elif name == "sport":
            source = int(value)
        elif ours and name in ("dport", "id") and ports.first <= int(value) <= ports.last:
            numbers.setdefault(protocol, set()).add(int(value))
            peer = (protocol, host, source)
            peers[peer] = peers.get(peer, 0) + 1
            return


def text(report):
    """'TCP 12, UDP 240, ICMP 1 of 252 in use; 63 ranges from 1028-1031 on'."""
    used = report["used"] or {}
    words = ", ".join(["{} {}".format(name.upper(), used[name]) for name in PROTOCOLS if name in used])
    where = ranges_text(report["ranges"], report["first"])
    return "{} of {} in use; {}".format(words or "unknown", report["count"], where)


def ranges_text(count, first):
    """'63 ranges from 1028-1031 on'; first: the first and last port of the first one."""
    text = "{}-{}".format(*first)
    return "{} ranges from {} on".format(count, text) if count > 1 else text
