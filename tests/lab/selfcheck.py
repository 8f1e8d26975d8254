# SPDX-License-Identifier: Apache-2.0
"""Is the access network itself all right? Asks it by hand, from a router without any OpenWrt part (RFC 8415, RFC 2473).

python -m tests.lab.selfcheck: boots both machines and needs nothing of the product but its RADIUS dictionary.
"""

from __future__ import annotations

import struct
import sys
import time
from pathlib import Path

from tests.lab import addresses
from tests.lab.lab import ROOT, Lab, LabError

SOLICIT, ADVERTISE, REQUEST, REPLY = 1, 2, 3, 7
CLIENT_ID, SERVER_ID, OPTION_REQUEST, VENDOR_CLASS, VENDOR_OPTS, IA_PD, IA_PREFIX = 1, 2, 6, 16, 17, 25, 26
TRANSACTION = b"\x12\x34\x56"
IPV6_ETHERTYPE, IPV4_IN_IPV6, DESTINATION_OPTIONS = 0x86DD, 4, 60

# Runs in the guest: sends one datagram to the line's DHCPv6 servers, prints what came back.
ASK = (
    "import socket; s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.settimeout(5);"
    "s.bind(('::', 546)); s.sendto(bytes.fromhex('%s'), ('ff02::1:2', 547, 0, socket.if_nametoindex('eth1')));"
    "print(s.recv(2000).hex())"
)


def option(code: int, value: bytes) -> bytes:
    """One DHCPv6 option (RFC 8415, section 21.1)."""
    return struct.pack("!HH", code, len(value)) + value


def options(data: bytes) -> dict[int, bytes]:
    """DHCPv6 options by code."""
    found = {}
    while data:
        code, length = struct.unpack_from("!HH", data)
        found[code] = data[4 : 4 + length]
        data = data[4 + length :]
    return found


def must(condition: object, text: str) -> None:
    """The check itself, said aloud."""
    if not condition:
        raise LabError(f"not so: {text}")
    print(f"  {text}")


def ask(lab: Lab, kind: int, more: bytes) -> dict[int, bytes]:
    """One DHCPv6 exchange as a home gateway has it; the options of the answer."""
    mac = bytes.fromhex(addresses.WAN_MAC.replace(":", ""))
    message = bytes([kind]) + TRANSACTION + option(CLIENT_ID, b"\x00\x03\x00\x01" + mac)
    message += option(VENDOR_CLASS, struct.pack("!IH", 210, 6) + mac)
    message += option(OPTION_REQUEST, struct.pack("!HH", 17, 23)) + more
    answer = bytes.fromhex(lab.router.check(f'python3 -c "{ASK % message.hex()}"').strip())
    expected = {SOLICIT: ADVERTISE, REQUEST: REPLY}[kind]
    must(answer[0] == expected, f"Kea answers DHCPv6 message {kind} with {expected}")
    return options(answer[4:])


def line(lab: Lab) -> None:
    """Router advertisement, delegation, vendor options, route to the prefix."""
    lab.router.check("ip link set eth1 up")
    lab.router.wait_until(
        "ip -6 route show default | grep 'via fe80::1 dev eth1'", 20, "a router advertisement"
    )
    must(True, "the line's router advertises itself")
    offer = ask(lab, SOLICIT, option(IA_PD, struct.pack("!III", 1, 0, 0)))
    prefix = options(offer[IA_PD][12:])[IA_PREFIX]
    must(prefix[8:15] == bytes.fromhex("3820010db84000"), "a /56 of 2001:db8:4000::/48 is offered")
    vendor = options(offer[VENDOR_OPTS][4:])
    must(sorted(vendor) == [201, 202, 203, 204, 210], "option 17 has NTT's five sub-options")
    must(vendor[204] == b"\x08ntt-east\x02ne\x02jp\x00", "the SIP domain is a name in labels")
    ask(lab, REQUEST, option(SERVER_ID, offer[SERVER_ID]) + option(IA_PD, offer[IA_PD]))
    lab.access.wait_until(
        f"ip -6 route show {addresses.PREFIX} | grep via", 10, "the route to the delegated prefix"
    )
    must(True, "the delegated prefix is routed to the router")


def radius(lab: Lab, user_name: str) -> str:
    """What radclient prints about an Access-Accept for this name."""
    return lab.router.check(
        f"umask 077; echo {addresses.SHARED_SECRET} > /tmp/secret;"
        f' printf \'User-Name = "{user_name}"\\nCHAP-Password = "{addresses.PASSWORD}"\\n\' |'
        f" radclient -x -r 2 -t 4 -S /tmp/secret '[{addresses.RADIUS}]:1812' auth"
    )


def operator(lab: Lab) -> None:
    """Both line types at the RADIUS server, and IPv4 through a tunnel made by hand."""
    router, access = lab.router, lab.access
    first_64 = "2001:0db8:4000:0300"
    router.check(f"ip -6 address add {addresses.ENDPOINT}/128 dev lo")

    accept = radius(lab, first_64)
    must(addresses.IPV4 in accept and addresses.BORDER_ROUTER in accept, "RADIUS answers a CROSS line")
    must(
        addresses.CROSS_ENDPOINT in access.check("access tunnels"),
        "the border router expects the CROSS endpoint",
    )
    accept = radius(lab, first_64 + ":1111:1111:1111:1111")
    must(addresses.IPV4 in accept and addresses.BORDER_ROUTER in accept, "RADIUS answers a NEXT line")
    must(addresses.ENDPOINT in access.check("access tunnels"), "the border router expects the NEXT endpoint")
    must(
        f"from={addresses.ENDPOINT}" in access.check("access requests"), "the request came from the endpoint"
    )

    router.check(
        f"ip link add softwire type ip6tnl mode ipip6 local {addresses.ENDPOINT} remote {addresses.BORDER_ROUTER}"
        f" encaplimit none && ip link set softwire mtu 1460 up && ip address add {addresses.IPV4}/32 dev softwire &&"
        " ip route add default dev softwire"
    )
    web = f"http://{addresses.INTERNET4}/"
    must(router.check(f"curl -s -m 10 {web}").strip() == addresses.IPV4, "IPv4 flows through the softwire")
    router.check(f"ping -c 1 -W 5 -M do -s 1432 {addresses.INTERNET4}")
    must(True, "a packet of 1460 bytes passes unfragmented")
    native = router.check(
        f"curl -s -m 10 --interface {addresses.ENDPOINT} 'http://[{addresses.INTERNET6}]/'"
    ).strip()
    must(native == addresses.ENDPOINT, "IPv6 flows natively")


def next_headers(capture: Path) -> set[int]:
    """The first Next Header of each IPv6 packet in a capture of Ethernet frames (pcap in QEMU's byte order)."""
    data = capture.read_bytes()
    position, found = 24, set()
    while position + 16 <= len(data):
        length = struct.unpack_from("<I", data, position + 8)[0]
        frame = data[position + 16 : position + 16 + length]
        if len(frame) >= 54 and struct.unpack_from("!H", frame, 12)[0] == IPV6_ETHERTYPE:
            found.add(frame[20])
        position += 16 + length
    return found


def main() -> int:
    """Exit status 0 when everything is as it should be."""
    started = time.monotonic()

    def tell(text: str) -> None:
        print(f"{time.monotonic() - started:5.1f} s: {text}", flush=True)

    lab = Lab(ROOT / "build/selfcheck", tell)
    try:
        lab.boot()
        # A subscriber of both line types.
        lab.access.check(
            "mkdir -p /run/access; echo 2001:0db8:4000:0300 203.0.113.7 > /run/access/subscribers"
        )
        lab.start_access()
        line(lab)
        operator(lab)
        headers = next_headers(lab.capture)
        must(
            IPV4_IN_IPV6 in headers and DESTINATION_OPTIONS not in headers,
            "no encapsulation limit on the wire",
        )
        tell("all is well")
        return 0
    except LabError as error:
        tell(f"{error}; logs are in {lab.directory}")
        return 1
    finally:
        lab.stop()


if __name__ == "__main__":
    sys.exit(main())
