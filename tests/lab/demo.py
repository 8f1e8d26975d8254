# SPDX-License-Identifier: Apache-2.0
"""`make demo`: the line comes up before your eyes. Exit status 0 only if the LAN host's packets came through.

LINE in the environment chooses the kind of line (lines/); with wrong-duid the point is what `softwire status` says.
"""

from __future__ import annotations

import json
import os
import sys
import textwrap
import time

from softwire.tunnel import PortSet
from tests.lab import addresses, lines, sequence
from tests.lab.guest import LabError
from tests.lab.lab import ROOT, Lab

DIRECTORY = ROOT / "build/demo"
STARTED = time.monotonic()
# All that the lab's lines give.
PREFIXES = "2001:db8:4000:"


def tell(text: str) -> None:
    """One step, with the time since the start."""
    print(f"{time.monotonic() - STARTED:6.1f} s  {text}", flush=True)


def show(text: str) -> None:
    """What a command printed, indented."""
    print("\n".join("          " + line for line in text.rstrip().splitlines()), flush=True)


def interface(lab: Lab, name: str) -> dict:
    """netifd's status of an interface."""
    return json.loads(lab.router.check(f"ifstatus {name}"))


def told_by_radius(lab: Lab) -> str:
    """Requests and answers, a line each."""
    entries = []
    for entry in lab.access.check("sh /lab/access/access requests").splitlines():
        told = ("request", "Access-", "from=", "to=", "user=", "mac=", "ipv4=", "border-router=")
        entries.append(" ".join(word for word in entry.split()[2:] if word.startswith(told)))
    return "\n".join(entries)


def leased(lab: Lab) -> str:
    """What Kea's DHCPv4 server says of its queries and leases, and what passed the DHCPv6 side before it."""
    kea = "journalctl -q --no-pager -o cat -u kea-dhcp4-server | grep -oE 'DHCP4_(PACKET_RECEIVED|LEASE_).*'"
    return lab.server.check(f"{kea}; softwired dhcp4o6 status | grep -E 'messages|dropped'")


def leased_by_dstm(lab: Lab) -> str:
    """Who has which address: what the server knows of it, and what its border router carries."""
    server = lab.server.check("softwired dstm leases")
    return server + lab.access.check("sh /lab/access/access tep mappings")


# Who tells the router its address, in words, and what that one says of it.
TELLERS = {"softwired-dstm": ("DSTM's server", leased_by_dstm), "kea-dhcp4-server": ("Kea", leased)}


def has_dstm(lab: Lab) -> bool:
    """Whether the line's server is DSTM's."""
    return "softwired-dstm" in lab.server.units


def told(lab: Lab) -> tuple[str, str]:
    """Who told the softwire's parameters, in words, and what that server has to say of it."""
    for unit, (who, asks) in TELLERS.items():
        if unit in lab.server.units:
            return f"leased by {who}", asks(lab)
    if json.loads(lab.router.run("softwire status --json wan")[0]).get("provisioning") == "softbank":
        return "told by RADIUS", told_by_radius(lab)
    return "told by the provisioning server", lab.access.check("sh /lab/access/access hb46pp requests")


def end_of_life(lab: Lab) -> bool:
    """The server ends the lease: the router has it no more, and asks for another one."""

    def had() -> list[str]:
        # By the server, by the border router.
        return [row.split("  ")[0] for row in leased_by_dstm(lab).splitlines()]

    before = had()
    tell(f"softwired dstm revoke {addresses.IPV4}")
    lab.server.check(f"softwired dstm revoke {addresses.IPV4}")
    lab.wait_until(lambda: before[0] not in had(), 30, "server and border router forgot it")
    lab.wait_until(lambda: len(had()) == 2, 90, "another lease")
    tell("another lease:")
    show(leased_by_dstm(lab))
    lab.wait_until(lambda: interface(lab, "wan").get("up"), 60, "wan is up")
    return reach(lab) and interface(lab, "wan")["ipv4-address"][0]["address"] == had()[0].split()[0]


def bring_up(lab: Lab) -> None:
    """Each state of the way, as it is reached."""
    lab.wait_until(lambda: interface(lab, "wan6").get("up"), 60, "wan6 is up")
    wan6 = interface(lab, "wan6")
    delegated = [f"{prefix['address']}/{prefix['mask']}" for prefix in wan6["ipv6-prefix"]]
    onlink = [f"{address['address']}/{address['mask']}" for address in wan6["ipv6-address"]]
    tell(
        "wan6 is up: " + (f"the line delegated {delegated[0]}" if delegated else f"the line gave {onlink[0]}")
    )
    lab.wait_until(lambda: interface(lab, "wan").get("up"), 60, "wan is up")
    address = interface(lab, "wan")["ipv4-address"][0]["address"]
    who, what = told(lab)
    tell(f"wan is up: {address}, {who}:")
    show(what)
    lab.wait_until(lambda: PREFIXES in lab.lanhost.check("ip -6 -o address show scope global"), 60, "SLAAC")
    address = lab.lanhost.check("ip -6 -o address show scope global | awk '{print $4; exit}'").strip()
    tell(f"the LAN host has {address}")


def reach(lab: Lab) -> bool:
    """What the LAN host reaches, and under which address the servers see it; the firewall needs a moment at first."""
    came_through = True
    ipv4 = interface(lab, "wan")["ipv4-address"][0]["address"]
    if ipv4.startswith("192.0.0."):  # RFC 6333: a B4's, behind the operator's NAT
        ipv4 = addresses.IPV4
    for family, host, expected in (
        ("4", addresses.INTERNET4, ipv4),
        ("6", f"[{addresses.INTERNET6}]", PREFIXES),
    ):
        seen = ""
        for _ in range(20):
            seen = lab.lanhost.run(f"curl -{family} -s -m 3 'http://{host}/'")[0].strip()
            if seen:
                break
            time.sleep(0.5)
        tell(f"LAN host -> IPv{family} internet: http://{host}/ sees {seen or 'nobody'}")
        came_through = came_through and seen.startswith(expected)
    return came_through


def ports_kept(lab: Lab) -> bool:
    """Whether the LAN host is seen under a port that was leased, where the line's address is shared."""
    key = json.loads(lab.router.check("softwire status --json wan"))["tunnel"]["ports"]
    if not key:
        return True
    ranges = PortSet(*key).ranges()
    port = lab.lanhost.check(f"curl -4 -s -m 10 'http://{addresses.INTERNET4}/port'").strip()
    if has_dstm(lab):
        counters = json.loads(lab.access.check("sh /lab/access/access tep status --json"))["counters"]
        dropped = str(counters["families"]["stopped_packets_total"]["values"]["spoofed"])
    else:
        dropped = lab.access.check("sh /lab/access/lwaftr dropped").strip()
    count = sum(last - first + 1 for first, last in ranges)
    tell(f"the server sees port {port}, which is to be one of {count}: {ranges[0][0]} to {ranges[0][1]} …")
    tell(f"the border router has dropped {dropped} packets from ports of other subscribers")
    return dropped == "0" and any(first <= int(port) <= last for first, last in ranges)


def leave(lab: Lab) -> None:
    """Logs, capture and diagram, whatever happened before."""
    try:
        lab.collect()
    except LabError as error:
        tell(f"the logs could not be fetched: {error}")
    if lab.capture.exists() and lab.capture.stat().st_size > 24:
        sequence.main([str(lab.capture), str(DIRECTORY / "line.svg")])
        tell(
            f"{DIRECTORY.relative_to(ROOT)}/ has the capture (line.pcap), its sequence diagram (line.svg), and all logs"
        )


def explained(lab: Lab) -> bool:
    """The line that stays down: `softwire status` says why, and how to mend it."""
    lab.wait_until(
        lambda: "DUID-LL alone" in lab.router.run("softwire status wan")[0], 60, "softwire status says why"
    )
    return True


def main() -> int:
    """The demo; its exit status."""
    name = os.environ.get("LINE") or "next-phone"
    if name not in lines.NAMES:
        print(f"LINE={name}: one of {', '.join(lines.NAMES)} would be right", file=sys.stderr)
        return 2
    machines = (
        "three machines in QEMU: an access network, its server"
        if lines.has_server(name)
        else "two machines in QEMU: an access network"
    )
    tell(f"boots {machines} and a router")
    print(textwrap.indent(textwrap.fill(f"LINE={name}: {lines.about(name)}", 100), " " * 10), flush=True)
    lab = Lab(DIRECTORY, tell, name)
    came_through = False
    try:
        lab.start()
        if name == "wrong-duid":
            came_through = explained(lab)
        else:
            bring_up(lab)
            came_through = reach(lab) and ports_kept(lab)
            if came_through and has_dstm(lab):
                came_through = end_of_life(lab) and ports_kept(lab)
        tell("softwire status")
        show(lab.router.run("softwire status")[0])
    except LabError as error:
        tell(f"failed: {error}")
        show(
            lab.router.run("softwire status; logread | tail -n 30")[0]
            if lab.router.shell
            else "the router did not boot"
        )
    finally:
        leave(lab)
        lab.stop()
    good = "the line is down, and status says why" if name == "wrong-duid" else "all packets came through"
    tell(good if came_through else "FAILED: not all packets came through")
    return 0 if came_through else 1


if __name__ == "__main__":
    sys.exit(main())
