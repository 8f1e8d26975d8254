# SPDX-License-Identifier: Apache-2.0
"""The picture of softwired's status in docs/luci.md, left in build/luci/; it was taken with LUCI=<LuCI of 23.05>."""

import json

from tests.luci.server import TREE
from tests.luci.test_luci_softwired_status import LEASE, TOLD, plugin  # noqa: F401

PICTURES = TREE / "build/luci"
BEGUN = 1795708800.0
ROUTER = {**TOLD, "started": BEGUN - 90000, "reloaded": {}, "problem": []}
SERVER = {
    **{key: value for key, value in ROUTER.items() if key != "address"},
    "service": "dstm", "database": "answers", "leases": {"held": 4, "ending": 0}, "users": 3, "listens": ["[::]:3653"],
    "teps": [{"address": "2001:db8:b::1", "alive": True, "problem": "", "waiting": 0}],
    "counters": {
        "families": {
            "answers_total": {"values": {"200": 31, "301": 2}},
            "tep_commands_total": {"values": {"done": 35, "failed": 0}},
        },
        "gauges": {"connections": {"value": 1}, "leases": {"value": 4}, "teps_alive": {"value": 1}},
    },
}  # fmt: skip
LEASES = [
    {**LEASE, "address": f"198.51.100.{number + 7}", "node": f"2001:db8:c:{number}::1", "user": user,
     "since": BEGUN + number * 700, "expires": BEGUN + 3600 + number * 700}
    for number, user in enumerate(("home", "office", "", "branch"))
]  # fmt: skip


def take(page, name):
    """One picture; anything that moves has come to rest."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.page.wait_for_timeout(500)
    page.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
    assert (PICTURES / f"{name}.png").stat().st_size > 1000


def test_pictures(page, plugin):  # noqa: F811
    plugin.installed("prefix64", "dstm", "tep", "tunnels")
    plugin.runs("tep", "dstm")
    for name, told in (("tep", ROUTER), ("dstm", SERVER), ("leases", LEASES)):
        (plugin.root / name).write_text(json.dumps(told))
    plugin.does(f'[ "$4" = status ] || set -- "$1" "$2" leases\ncat "{plugin.root}/$3"')
    page.page.set_viewport_size({"width": 1100, "height": 900})
    page.open("softwired/status", "[data-told=tep] table")
    page.page.click("[data-show=dstm]")
    page.page.wait_for_selector("[data-table=dstm] table")
    take(page, "luci-softwired")
