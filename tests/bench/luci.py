# SPDX-License-Identifier: Apache-2.0
"""What LuCI's pages ask the router for: the time of each call of the status overview, ours among LuCI's own, on a real
OpenWrt (OPENWRT_IMAGE, with LuCI), and the instructions of our plugin in it.

Time is that of rpcd, netifd, ubusd and uhttpd on this machine's processor, over LINE's two interfaces.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import typing
from pathlib import Path

from tests.bench import report
from tests.luci import openwrt
from tests.luci.plugin import HERE, Plugin
from tests.luci.test_luci_plugin import LINE, SOFTWIRE, STATE
from tests.softwired import network
from tests.softwired.openwrt import NoOpenWrt

CALLS = 200
# Milliseconds of the router's; the include has one call.
BUDGET = 50
OWN = "luci.softwire", "status"
# Of the includes of 23.05's overview, at each interval.
STOCK = (
    ("system", "board"), ("system", "info"), ("luci", "getVersion"), ("luci", "getBuiltinEthernetPorts"),
    ("luci-rpc", "getDHCPLeases"), ("network.interface", "dump"), ("luci-rpc", "getBoardJSON"),
    ("luci-rpc", "getNetworkDevices"), ("luci-rpc", "getHostHints"),
)  # fmt: skip
DAEMONS = "rpcd", "netifd", "ubusd", "uhttpd"


def spent(router: openwrt.Router, pids: typing.Sequence[str]) -> float:
    """Milliseconds that the daemons have run."""
    times = router.check(" ".join(["cat", *(f"/proc/{pid}/schedstat" for pid in pids)])).splitlines()
    return sum(int(line.split()[0]) for line in times) / 1e6


def times(router: openwrt.Router) -> dict[str, float]:
    """Milliseconds a call, as the browser makes it."""
    pids = [router.check(f"pidof {name}").split()[0] for name in DAEMONS]
    session = openwrt.log_in(router, "root", openwrt.PASSWORD)
    found = {}
    for name, method in (OWN, *STOCK):
        before = spent(router, pids)
        for _ in range(CALLS):
            said = openwrt.ubus(router, session, name, method, {})
            assert said[0] == 0, (name, method, said)
        found[f"{name} {method}"] = (spent(router, pids) - before) / CALLS
    return found


def instructions(root: Path, folder: Path) -> float | None:
    """Those of the image's ucode for one call of ours, with a softwire that is up; None without valgrind."""
    if not shutil.which("valgrind"):
        return None
    plugin = Plugin(folder)
    plugin.netifd([SOFTWIRE, LINE])
    plugin.state("wan", STATE)
    # ucode's own ubus would come before the one that stands for it.
    modules = folder / "modules"
    modules.mkdir()
    shutil.copy(root / "usr/lib/ucode/fs.so", modules)
    ucode = [str(root / "lib/ld-musl-x86_64.so.1"), "--library-path", f"{root}/lib:{root}/usr/lib"]
    ucode += [str(root / "usr/bin/ucode"), "-L", f"{modules}/*.so"]
    ucode += ["-L", f"{HERE}/*.uc", "-L", f"{plugin.modules}/*.uc", str(HERE / "driver.uc")]
    counted = []
    for calls in (1, 101):
        out = folder / f"counted{calls}"
        done = subprocess.run(
            ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}", *ucode]
            + [str(plugin.source), plugin.object],
            input='["status", {}]\n' * calls,
            stdout=subprocess.PIPE,
            env={"UBUS": str(folder / "ubus.json"), "PATH": "/usr/bin:/bin"},
            text=True,
        )
        said = json.loads(done.stdout.splitlines()[-1])
        assert said["interfaces"][0]["state"]["phase"] == "up", said
        (line,) = [line for line in out.read_text().splitlines() if line.startswith("summary: ")]
        counted.append(int(line.split()[1]))
    return (counted[1] - counted[0]) / 100


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "router").mkdir()
        (Path(folder) / "plugin").mkdir()
        try:
            router = openwrt.Router(Path(folder) / "router", ("softwire-python3", "luci-proto-softwire"))
        except (NoOpenWrt, network.NoNamespace) as error:
            print(f"LuCI's status overview: not measured: {error}")
            return 0
        try:
            openwrt.configure(router, openwrt.LINE)
            measured = times(router)
            own = instructions(router.root, Path(folder) / "plugin")
        finally:
            router.close()
    mine = measured.pop(" ".join(OWN))
    rows = [(" ".join(OWN), f"{mine:.2f} ms", f"{BUDGET} ms: {'met' if mine <= BUDGET else 'not met'}")]
    rows += [(name, f"{time:.2f} ms", "") for name, time in sorted(measured.items(), key=lambda one: -one[1])]
    print(report.table(("a call of LuCI's status overview", "the router's time", "budget"), rows))
    if own is not None:
        print(f"Our plugin's own instructions in ucode, without ubus: {own / 1e6:.2f} M a call.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
