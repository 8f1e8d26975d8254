# SPDX-License-Identifier: Apache-2.0
"""The bench's tables on the terminal: what the pages claim beside what was measured, and what no page has."""

import typing

from tests.bench.claims import BUDGET, CLIENTS, MILLION, Compared

HEAD = "beside the pages' figures", "measured"
CLAIMS_HEAD = "the pages' figures", "", "claimed", "measured", ""
LINE_UP = {
    "asked": "Access-Request leaves",
    "answered": "Access-Accept comes",
    "first_packet_out": "first IPv4 packet leaves",
    "first_packet_back": "first answer to one comes",
}


def number(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ")


def millions(value: float) -> str:
    return f"{value / MILLION:.2f} M"


def rows(result: dict[str, typing.Any]) -> list[tuple[str, ...]]:
    """(what, measured)."""
    found = []
    for name, one in result["size"].items():
        found += [
            (f"package {name}", f"{number(one['bytes'])} B in {one['files']} files"),
            ("  of that, modules", f"{number(one['bytes_of_modules'])} B"),
            ("  in blocks of 4 KB", f"{number(one['in_blocks'])} B"),
        ]
    found.append(("start to hand-over: wall time", "median (least to most)"))
    for name, label in CLIENTS.items():
        times = result["exchange"][name]["wall_ms"]
        found.append(
            (f"  {label}", f"{times['median']:.1f} ms ({times['least']:.1f} to {times['most']:.1f})")
        )
    event = result["event_instructions"]
    found += [
        ("event of the line: instructions", ""),
        ("  hotplug script", millions(event["hotplug_script"])),
        ("  event script, bound (1)", millions(event["event_script_bound"])),
        ("  stock dhcpv6.script, bound (1)", millions(event["dhcpv6_script_bound"])),
    ]
    for protocol, line in result.get("line_up_ms", {}).items():
        found.append((f"line up to IPv4, emulated: {protocol}", "median"))
        found += [(f"  {label}", f"{line[name]:.0f} ms") for name, label in LINE_UP.items() if name in line]
        found[-1] = (found[-1][0], f"{found[-1][1]} ({line['least']:.0f} to {line['most']:.0f})")
    return found


def claimed(compared: list[Compared]) -> list[tuple[str, ...]]:
    """(row, column, claimed, measured, verdict), a page's rows below its name."""
    found: list[tuple[str, ...]] = []
    page = ""
    for one in compared:
        if one.place[0] != page:
            page = one.place[0]
            found.append((page, "", "", "", ""))
        if one.claimed is None:
            verdict = "STALE: the table has no such row or column"
        elif one.measured is None:
            verdict = "STALE: nobody measures it"
        elif not one.measured.counts:
            verdict = "not compared: the machine had other work"
        elif not one.holds:
            verdict = "STALE"
        else:
            verdict = "NOT met" if one.place[2] == BUDGET and "not met" in one.claimed else ""
        found.append(("  " + one.place[1], one.place[2], one.claimed or "", str(one.measured or ""), verdict))
    return found


def table(head: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    widths = [max(len(line[column]) for line in [head, *lines]) for column in range(len(head))]
    text = []
    for line in [head, tuple("-" * width for width in widths), *lines]:
        text.append("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    return "\n".join(text)
