# SPDX-License-Identifier: Apache-2.0
"""The pages have a cell for each figure that `make bench` measures, and no other; a stale one is named and mended."""

import re
from pathlib import Path

import pytest
from scapy.layers.dhcp6 import DHCP6_Reply, DHCP6_Solicit
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

from tests.bench import claims, line, report, size
from tests.lab import addresses

ROOT = Path(__file__).resolve().parents[2]
TOGETHER = " ".join(size.TOGETHER)
METHODS = {TOGETHER} | {
    path.stem for path in (ROOT / "src/softwire/provisioning").iterdir() if path.name[0] != "_"
}


def result(**changed):
    """What the bench finds."""
    exchange = {
        "instructions": 16200000,
        "wall_ms": {"median": 8.0, "least": 7.0, "most": 9.0},
        "peak_kib": 4240,
    }
    package = {
        "files": 52,
        "bytes": 132169,
        "bytes_of_modules": 1,
        "in_blocks": 1,
        "squashfs": 61958,
        "packed": 72974,
    }
    unpacked = {"bytes": 803608, "squashfs": 293513}
    found = {
        "busy": False,
        "size": {"softwire": package, "softwire-python3": package},
        "methods": {name: {"bytes": 466, "squashfs": 200} for name in METHODS},
        "interpreters": {name: unpacked for name in ("MicroPython", "mbedTLS", "CPython")},
        "exchange": {name: exchange for name in claims.CLIENTS},
        "refresh_instructions": {"micropython": 5900000, "python3": 4900000},
        "hb46pp_instructions": {"resident": 2100000, "errand": 90000000},
        "event_instructions": {
            "hotplug_script": 70000,
            "wake_up_micropython": 2350000,
            "wake_up_python3": 3160000,
            "event_script_bound": 1,
            "dhcpv6_script_bound": 1,
        },
        "lease": {
            "exchange_instructions": {"micropython": 20900000, "python3": 225900000},
            "renewal_instructions": {"micropython": 2930000, "python3": 1170000},
            "private_dirty_kib": {"micropython": 492, "python3": 6964},
        },
        "private_dirty_kib": {
            "micropython": 460,
            "python3": 7132,
            "bare_micropython": 260,
            "bare_python3": 2764,
        },
        "line_up_ms": {"softwire": {"first_packet_back": 900.0, "least": 800.0, "most": 1000.0}},
    }
    return {**found, **changed}


PAGES = {page: (ROOT / page).read_text(encoding="utf-8") for page in (claims.DEVELOPMENT, claims.PACKAGES)}
REFRESH = claims.DEVELOPMENT, "refresh by the resident client: instructions", "MicroPython"


def stale(text, page=claims.DEVELOPMENT, **changed):
    """The places of a page that are not right."""
    found = claims.compare(page, text, claims.Claims(result(**changed)))
    return [one.place for one in found if not one.holds]


@pytest.mark.parametrize("page", PAGES)
def test_every_figure_has_its_cell_and_every_cell_its_figure(page):
    found = claims.compare(page, PAGES[page], claims.Claims(result()))
    assert len(found) > 10
    assert [one.place for one in found if one.claimed is None or one.measured is None] == []


@pytest.mark.parametrize("page", PAGES)
def test_what_is_written_holds_and_nothing_else_changes(page):
    measured = claims.Claims(result())
    text = claims.written(page, PAGES[page], measured)
    assert stale(text, page) == []
    assert claims.written(page, text, measured) == text

    def words(text):
        return re.sub(r"(?<=\| )[\d.]+( (M|KB|MB))?(: (not )?met)?(?= \|)", "", text)

    assert words(text) == words(PAGES[page])


def test_a_stale_figure_is_named():
    text = claims.written(claims.DEVELOPMENT, PAGES[claims.DEVELOPMENT], claims.Claims(result()))
    assert stale(text, refresh_instructions={"micropython": 5700000, "python3": 4900000}) == []
    assert stale(text, refresh_instructions={"micropython": 4000000, "python3": 4900000}) == [REFRESH]
    met = {"micropython": 2900000, "python3": 4900000}
    assert stale(text, refresh_instructions=met) == [REFRESH, (*REFRESH[:2], "budget")]
    assert stale(text.replace("| 5.9 M |", "| about 6 |")) == [REFRESH]
    assert stale(text.replace(REFRESH[1], "refresh")) == [
        REFRESH,
        (*REFRESH[:2], "CPython"),
        (*REFRESH[:2], "budget"),
        (REFRESH[0], "refresh", "MicroPython"),
        (REFRESH[0], "refresh", "CPython"),
        (REFRESH[0], "refresh", "budget"),
    ]
    shown = report.claimed(
        claims.compare(claims.DEVELOPMENT, text.replace("5.9 M", "6.9 M"), claims.Claims(result()))
    )
    assert ("  " + REFRESH[1], REFRESH[2], "6.9 M", "5.9 M", "STALE") in shown


def test_the_times_of_a_busy_machine_say_nothing():
    slow = {"median": 80.0, "least": 70.0, "most": 90.0}
    exchange = result()["exchange"]
    exchange = {**exchange, "python3": {**exchange["python3"], "wall_ms": slow}}
    page = claims.DEVELOPMENT
    text = claims.written(page, PAGES[page], claims.Claims(result()))
    assert [place[2] for place in stale(text, exchange=exchange)] == ["CPython"]
    assert stale(text, exchange=exchange, busy=True) == []
    assert claims.written(page, text, claims.Claims(result(exchange=exchange, busy=True))) == text


def test_a_method_counts_the_modules_that_it_alone_needs():
    root = ROOT / "src"
    known = {size._name(path.relative_to(root)): path for path in root.rglob("*.py")}
    assert {"softwire.client", "softwire.provisioning"} < size._reached({"softwire.__main__"}, known)
    method = {"softwire.provisioning.softbank", "softwire.provisioning.softbank.explain"}
    own = size._reached(method, known) - size._reached({"softwire.__main__"}, known)
    assert {"softwire.provisioning.softbank", "pyrad_lite.packet", "pyrad_lite.tools"} <= own
    assert "softwire.tunnel" not in own


ROUTER, LINE = "fe80::2", "fe80::1"


def tunnelled(out, port, option=False):
    """A TCP packet of the LAN host through the softwire, or the answer to one."""
    source, target = addresses.ENDPOINT, addresses.BORDER_ROUTER
    ends = {"src": addresses.IPV4, "dst": addresses.INTERNET4}
    ports = {"sport": port, "dport": 80}
    if not out:
        source, target = target, source
        ends = {"src": addresses.INTERNET4, "dst": addresses.IPV4}
        ports = {"sport": 80, "dport": port}
    outer = IPv6(src=source, dst=target)
    return (outer / IPv6ExtHdrDestOpt() if option else outer) / IP(**ends) / TCP(**ports)


def radius(out):
    ports = {"sport": 40000, "dport": 1812} if out else {"sport": 1812, "dport": 40000}
    return IPv6(src=addresses.ENDPOINT, dst=addresses.RADIUS) / UDP(**ports) / b"\1"


def capture(path, *packets):
    """Frames one hundredth of a second apart."""
    frames = []
    for number, packet in enumerate(packets):
        frames.append(Ether(src=addresses.WAN_MAC, dst=addresses.LAN_MAC) / packet)
        frames[-1].time = 1000 + number / 100
    wrpcap(str(path), frames)
    return path


REPLY = IPv6(src=LINE, dst=ROUTER) / UDP(sport=547, dport=546) / DHCP6_Reply()
SOLICIT = IPv6(src=ROUTER, dst="ff02::1:2") / UDP(sport=546, dport=547) / DHCP6_Solicit()


@pytest.mark.parametrize("option", [False, True], ids=["plain", "encapsulation-limit"])
def test_the_steps_of_a_line_that_comes_up(tmp_path, option):
    path = capture(
        tmp_path / "line.pcap",
        tunnelled(True, 1000, option),  # of before
        SOLICIT,
        REPLY,
        radius(True),
        radius(False),
        tunnelled(False, 1000, option),  # the answer repeated
        tunnelled(True, 2000, option),
        tunnelled(False, 1000, option),
        tunnelled(True, 2001, option),
        tunnelled(False, 2000, option),
        REPLY,
        radius(True),
    )
    whole = {"asked": 10.0, "answered": 20.0, "first_packet_out": 40.0, "first_packet_back": 70.0}
    assert line.times(path, 0) == whole
    # A resolver that is asked first, and an AFTR.
    question = IPv6(src=ROUTER, dst="2001:db8:53::1") / UDP(sport=40000, dport=53) / b"\1"
    out = IPv6(src=ROUTER, dst=addresses.AFTR) / IP() / TCP(sport=1, dport=80)
    back = IPv6(src=addresses.AFTR, dst=ROUTER) / IP() / TCP(sport=80, dport=1)
    told = line.times(capture(tmp_path / "other.pcap", REPLY, question, out, back), 0)
    assert told == {"asked": 10.0, "first_packet_out": 20.0, "first_packet_back": 30.0}
    # Behind the first Reply another one counts.
    assert line.times(path, 3) == {"asked": 10.0}
    assert line.times(capture(path, SOLICIT, tunnelled(False, 1000)), 0) == {}
