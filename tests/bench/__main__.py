# SPDX-License-Identifier: Apache-2.0
"""`make bench`: speed and size of the helper beside the stock tools, the budgets, and what the pages claim.

Tables on the terminal, everything measured in build/bench/bench.json. Nothing here fails for being slow; it ends with 1
where a page's figure is stale.
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
from tests.bench import claims, report, size

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


def progress(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def make_packages() -> dict[str, packages.Package]:
    """The packages by name, as `make ipk` makes them."""
    return {package.name: package for package in packages.stage(OUT / "package")}


def make_root(made: dict[str, packages.Package]) -> None:
    """The guest's file tree with the product and the bench's own parts in it, fresh each time."""
    from tests.lab.lab import certify

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
    for name in ("measure.py", "hb46pp.py", "lease.py", "wan6.json"):
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
    for name in ("access", "lines"):
        shutil.copytree(TREE / "tests/lab" / name, ROOT / "lab" / name)
    certify(ROOT / "lab/authority")
    (ROOT / "etc/ssl/certs").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "lab/authority/ca.pem", ROOT / "etc/ssl/certs/ca-certificates.crt")
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


def measure_line() -> dict[str, dict[str, float]]:
    """See tests/bench/line.py."""
    from tests.bench.line import LabError, measure

    try:
        return measure(OUT / "lab", progress)
    except LabError as error:
        progress(f"not measured: {error}; logs are in build/bench/lab")
        return {}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--runs", type=int, default=30, help="exchanges of each client for the wall time")
    parser.add_argument(
        "--no-machines", action="store_true", help="leave out what has to be measured in QEMU"
    )
    parser.add_argument("--write", action="store_true", help="write the measured figures into docs/")
    parser.add_argument("--no-server", action="store_true", help="leave out the other end, softwired")
    given = parser.parse_args()
    started = time.monotonic()
    made = make_packages()
    make_root(made)
    result: dict[str, typing.Any] = {"budgets": claims.BUDGETS, "size": size.of_packages(made, OUT)}
    result["methods"] = size.of_methods(made["softwire"], OUT)
    result["interpreters"] = size.of_interpreters(ROOT, OUT)
    result["load_before"] = os.getloadavg()[0]
    result["busy"] = result["load_before"] > (os.cpu_count() or 1) / 2
    result.update(measure_in_root(given.runs))
    if not given.no_machines:
        progress("line up to first packet, in two emulated machines; a few minutes")
        result["line_up_ms"] = measure_line()
    shutil.rmtree(ROOT, ignore_errors=True)
    (OUT / "bench.json").write_text(json.dumps(result, indent=2, sort_keys=True) + "\n")
    print(report.table(report.HEAD, report.rows(result)), flush=True)
    print("\n(1) with the shell JSON of tests/openwrt: OpenWrt's own leaves part of the work to a C program")
    print("Counts, times and memory: the guest's programs on this machine's processor, not emulated.\n")
    compared = claims.check(result, given.write)
    print(report.table(report.CLAIMS_HEAD, report.claimed(compared)), flush=True)
    if result["busy"]:
        print(f"The machine had other work (load {result['load_before']:.1f}): wall times are too long.")
    progress("LuCI's status overview on a real OpenWrt, where OPENWRT_IMAGE has LuCI")
    print(flush=True)
    subprocess.run([sys.executable, "-m", "tests.bench.luci"])
    if not given.no_server:
        progress("softwired dhcp4o6 beside Kea's half; two minutes")
        print(flush=True)
        subprocess.run([sys.executable, "-m", "tests.bench.dhcp4o6"])
        progress("softwired prefix64 beside ndppd and ndpresponder; five minutes")
        print(flush=True)
        subprocess.run([sys.executable, "-m", "tests.bench.prefix64"])
        progress("softwired dstm from SQLite and PostgreSQL; two minutes")
        print(flush=True)
        subprocess.run([sys.executable, "-m", "tests.bench.dstm"])
        if not given.no_machines:
            progress("softwired tep beside a plain tunnel device, in an emulated machine; three minutes")
            print(flush=True)
            subprocess.run([sys.executable, "-m", "tests.bench.tep"])
            progress("softwired tunnels, ten thousand of them, in another one; some minutes")
            print(flush=True)
            subprocess.run([sys.executable, "-m", "tests.bench.tunnels"])
    progress(f"{time.monotonic() - started:.0f} s; everything measured is in build/bench/bench.json")
    stale = sum(not one.holds for one in compared)
    if stale:
        progress(
            f"{stale} of {len(compared)} figures in docs/ are stale: make bench ARGS=--write writes new ones"
        )
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
