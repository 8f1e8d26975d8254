# SPDX-License-Identifier: Apache-2.0
"""`make bench`: speed and size of the helper beside the stock tools and DESIGN.md's budgets.

A table on the terminal, everything measured in build/bench/bench.json. Nothing here fails for being slow.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import typing

from package.sdk import pack as packages
from tests.bench import size

TREE = pathlib.Path(__file__).resolve().parents[2]
OUT = TREE / "build" / "bench"
ROOT = OUT / "root"
# A machine's own network, processes and mounts, and what the clients need of the host's devices.
ISOLATE = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--net"]
ENTER = """
mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" && mount -t tmpfs tmpfs "$1/run" &&
exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
	/usr/bin/python3 -B /bench/measure.py "$2"
"""

MILLION = 1000000
BUDGETS = {
    "installed_bytes": 40 * 1024,
    "exchange_instructions": 5 * MILLION,
    "exchange_wall_ratio": 2,
    "event_instructions": 3 * MILLION,
    "private_dirty_kib": 512,
    "first_packet_ms": 150,
}


def progress(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def make_packages() -> dict[str, packages.Package]:
    """The packages by name, as `make ipk` makes them."""
    return {package.name: package for package in packages.stage(OUT / "package")}


def make_root(made: dict[str, packages.Package]) -> None:
    """The guest's file tree with the product and the bench's own parts in it, fresh each time."""
    progress("unpacking the guest image")
    image = subprocess.run(
        [str(TREE / "tests/lab/image.sh")], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    squashfs = pathlib.Path(image.strip().splitlines()[-1]) / "rootfs.squashfs"
    shutil.rmtree(ROOT, ignore_errors=True)
    OUT.mkdir(parents=True, exist_ok=True)
    excluded = OUT / "excluded"
    excluded.write_text("dev\nboot\nusr/lib/modules\n")
    command = [
        "unsquashfs",
        "-q",
        "-n",
        "-no-xattrs",
        "-d",
        str(ROOT),
        "-excludes",
        "-exclude-file",
        str(excluded),
    ]
    unpacked = subprocess.run(
        [*command, str(squashfs)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if not (ROOT / "usr/bin/valgrind").exists():
        raise SystemExit(f"bench: cannot unpack {squashfs}: {unpacked.stdout}")
    for folder in ("dev", "proc", "run", "bench/event", "bench/callgrind"):
        (ROOT / folder).mkdir(parents=True, exist_ok=True)

    shutil.copytree(made["softwire"].files, ROOT, dirs_exist_ok=True)
    here = pathlib.Path(__file__).parent
    standin = TREE / "tests/openwrt/root"
    for path in (
        "lib/netifd/netifd-proto.sh",
        "lib/netifd/dhcpv6.script",
        "lib/netifd/utils.sh",
        "lib/functions.sh",
        "usr/share/libubox/jshn.sh",
        "usr/bin/jshn",
    ):
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if (standin / path).exists():
            shutil.copy(standin / path, target)
    shutil.move(str(ROOT / "lib/netifd/softwire.script"), ROOT / "bench/event/softwire.script")
    shutil.copy(here / "guest/softwire.script", ROOT / "lib/netifd/softwire.script")
    shutil.copy(here / "guest/ubus", ROOT / "usr/bin/ubus")
    for name in ("measure.py", "wan6.json"):
        shutil.copy(here / "guest" / name, ROOT / "bench" / name)
    for name in ("micropython", "python3"):
        shutil.copy(here / "guest/callgrind", ROOT / "bench/callgrind" / name)
    # The other package's modules, which CPython needs, with a launcher of their own.
    shutil.copytree(made["softwire-python3"].files / "usr/lib/softwire", ROOT / "bench/sources/lib")
    launcher = ROOT / "bench/sources/softwire"
    shutil.copy(ROOT / "usr/sbin/softwire", launcher)
    launcher.write_text(launcher.read_text().replace("lib=/usr/lib/softwire", "lib=/bench/sources/lib"))
    shutil.copytree(here / "raddb", ROOT / "bench/raddb")
    shutil.copytree(here / "lean", ROOT / "bench/lean")
    # A page that waits to be written to disk counts as dirty memory of the process that maps it.
    subprocess.run(["sync", "-f", str(ROOT)], check=True)


def measure_in_root(runs: int) -> dict[str, typing.Any]:
    """What guest/measure.py tells, run in the guest's tree on this machine's processor (no emulation)."""
    namespaces = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = [ISOLATE[0], *namespaces, *ISOLATE[1:], "sh", "-c", ENTER, "sh", str(ROOT), str(runs)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if ended.returncode:
        raise SystemExit("bench: the measurement inside of the guest's tree failed; see above")
    return typing.cast("dict[str, typing.Any]", json.loads(ended.stdout.strip().splitlines()[-1]))


def measure_line() -> dict[str, float]:
    """See tests/bench/line.py; nothing where a real OpenWrt, which has no tcpdump, is the router."""
    if os.environ.get("OPENWRT_IMAGE"):
        progress("not measured: a real OpenWrt has no tcpdump")
        return {}
    from tests.bench.line import LabError, measure

    try:
        return measure(OUT / "lab", progress)
    except LabError as error:
        progress(f"not measured: {error}; logs are in build/bench/lab")
        return {}


def number(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ")


def millions(value: float) -> str:
    return f"{value / MILLION:.2f} M"


def rows(result: dict[str, typing.Any]) -> list[tuple[str, ...]]:
    """(what, measured, budget, verdict) for the terminal; an empty first column goes on with what is above."""

    def judged(what: str, shown: str, value: float, budget: str, limit: float) -> "tuple[str, ...]":
        return what, shown, budget, "met" if value <= limit else "NOT met"

    def event_row(what: str, value: float) -> tuple[str, ...]:
        return judged(what, millions(value), value, "<= 3 M", BUDGETS["event_instructions"])

    exchange, memory, event = (
        result["exchange"],
        result["private_dirty_kib"],
        result["event_instructions"],
    )
    found: list[tuple[str, ...]] = []
    for name, one in result["size"].items():
        found.append((f"package {name}", "", "", ""))
        shown = f"{number(one['bytes'])} B in {one['files']} files"
        if name == "softwire":
            found.append(judged("  installed", shown, one["bytes"], "<= 40 KB", BUDGETS["installed_bytes"]))
        else:
            found.append(("  installed", shown, "", ""))
        found += [
            ("  of that, modules", f"{number(one['bytes_of_modules'])} B", "", ""),
            ("  in blocks of 4 KB", f"{number(one['in_blocks'])} B", "", ""),
            ("  in a squashfs of OpenWrt's kind", f"{number(one['squashfs'])} B", "", ""),
            ("  packed (.ipk)", f"{number(one['packed'])} B", "", ""),
        ]
    for name, one in result["interpreters"].items():
        shown = f"{number(one['bytes'])} B; in a squashfs {number(one['squashfs'])} B"
        found.append((f"{name} (Debian's)", shown, "", ""))
    labels = {
        "micropython": "MicroPython",
        "micropython_sources": "MicroPython, from sources",
        "python3": "CPython",
        "radclient": "radclient",
        "radclient_lean": "radclient, small dictionary",
    }
    found.append(("one RADIUS exchange: instructions", "", "", ""))
    for name, label in labels.items():
        value = exchange[name]["instructions"]
        if name == "micropython":
            found.append(
                judged("  " + label, millions(value), value, "<= 5 M", BUDGETS["exchange_instructions"])
            )
        else:
            found.append(("  " + label, millions(value), "", ""))
    found.append(("one RADIUS exchange: wall time", "median (least to most)", "", ""))
    for name, label in labels.items():
        times = exchange[name]["wall_ms"]
        shown = f"{times['median']:.1f} ms ({times['least']:.1f} to {times['most']:.1f})"
        if name == "micropython":
            ratio = times["median"] / exchange["radclient"]["wall_ms"]["median"]
            found.append(
                judged("  " + label, shown, ratio, "<= 2 x radclient", BUDGETS["exchange_wall_ratio"])
            )
            found[-1] = (*found[-1][:3], f"{found[-1][3]}: {ratio:.2f} x")
        elif name == "radclient_lean":
            ratio = exchange["micropython"]["wall_ms"]["median"] / times["median"]
            found.append(("  " + label, shown, "", f"MicroPython: {ratio:.2f} x"))
        else:
            found.append(("  " + label, shown, "", ""))
    found.append(("one RADIUS exchange: peak memory", "", "", ""))
    found += [
        ("  " + label, f"{number(exchange[name]['peak_kib'])} KB", "", "") for name, label in labels.items()
    ]
    found.append(("one event of the line: instructions", "", "", ""))
    unchanged = event["hotplug_script"] + event["wake_up_micropython"]
    found += [
        ("  hotplug script", millions(event["hotplug_script"]), "", ""),
        ("  client, CPython", millions(event["wake_up_python3"]), "", ""),
        ("  client, MicroPython", millions(event["wake_up_micropython"]), "", ""),
        event_row("  nothing changed: hotplug, MicroPython", unchanged),
        ("  event script, bound (1)", millions(event["event_script_bound"]), "", ""),
        event_row("  changed: event script too (1)", unchanged + event["event_script_bound"]),
        ("  stock dhcpv6.script, bound (1)", millions(event["dhcpv6_script_bound"]), "", ""),
    ]
    found.append(("resident client: private dirty memory", "", "", ""))
    held = memory["micropython"]
    found += [
        judged(
            "  MicroPython",
            f"{held} KB (bare {memory['bare_micropython']} KB)",
            held,
            "<= 512 KB",
            BUDGETS["private_dirty_kib"],
        ),
        ("  CPython", f"{memory['python3']} KB (bare {memory['bare_python3']} KB)", "", ""),
    ]
    line = result.get("first_packet_ms")
    if line:
        found.append(("bound to first IPv4 packet, emulated", "", "", ""))
        for name, label in (
            ("asked", "Access-Request leaves"),
            ("answered", "Access-Accept comes"),
            ("first_packet_out", "first IPv4 packet leaves"),
        ):
            found.append(("  " + label, f"{line[name]:.0f} ms", "", ""))
        back = line["first_packet_back"]
        limit = BUDGETS["first_packet_ms"]
        row = judged("  first answer to one comes", f"{back:.0f} ms", back, "<= 150 ms", limit)
        found.append((*row[:3], row[3] + ", emulated"))
    return found


def table(lines: list[tuple[str, ...]]) -> str:
    head = ("what", "measured", "budget", "")
    widths = [max(len(line[column]) for line in [head, *lines]) for column in range(4)]
    text = []
    for line in [head, tuple("-" * width for width in widths), *lines]:
        text.append("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    return "\n".join(text)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--runs", type=int, default=30, help="exchanges of each client for the wall time")
    parser.add_argument(
        "--no-machines", action="store_true", help="leave out what has to be measured in QEMU"
    )
    given = parser.parse_args()
    started = time.monotonic()
    made = make_packages()
    make_root(made)
    result: dict[str, typing.Any] = {"budgets": BUDGETS, "size": size.of_packages(made, OUT)}
    result["interpreters"] = size.of_interpreters(ROOT, OUT)
    result["load_before"] = os.getloadavg()[0]
    result.update(measure_in_root(given.runs))
    if not given.no_machines:
        progress("bound to first packet, in two emulated machines; a minute or two")
        result["first_packet_ms"] = measure_line()
    shutil.rmtree(ROOT, ignore_errors=True)
    (OUT / "bench.json").write_text(json.dumps(result, indent=2, sort_keys=True) + "\n")
    print(table(rows(result)), flush=True)
    print("\n(1) with the shell JSON of tests/openwrt: OpenWrt's own leaves part of the work to a C program")
    print(
        "Instructions, wall time and memory: the guest's programs on this machine's processor, not emulated."
    )
    if result["load_before"] > (os.cpu_count() or 1) / 2:
        print(f"The machine had other work (load {result['load_before']:.1f}): wall times are too long.")
    progress(f"{time.monotonic() - started:.0f} s; everything measured is in build/bench/bench.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
