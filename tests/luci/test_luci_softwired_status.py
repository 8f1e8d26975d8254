# SPDX-License-Identifier: Apache-2.0
"""softwired's status page in a real browser, over the real plugin and, where that tells more, softwired itself."""

import ast
import copy
import importlib
import ipaddress
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

import softwired
from package.sdk import pack
from softwired.tep import sharing
from softwired.tep.store import Mapping, Store
from tests.luci.server import TREE
from tests.luci.services import CONFIG, SERVICES, Softwired
from tests.luci.test_luci_views import MARKUP, hostile, is_text, until
from tests.luci.uci import Uci
from tests.package.test_package_luci import entries

OBJECT = "luci.softwired"
# What a service that stands in tells.
TOLD = {
    "service": "tep", "version": "0.1.0", "pid": 7, "configuration": "/var/run/softwired.toml", "started": 1700000000.0,
    "reloaded": {"at": 1700000100.0, "error": "softwired.toml: tep.port = 0: <b>a whole number</b>\nand another"},
    "user": "softwired", "capabilities": "0x1000", "no_new_privs": True, "problems": [],
    "address": "2001:db8:b::1", "listens": ["[2001:db8:b::1]:3653"], "problem": ["net.ipv4.ip_forward is 0"],
    "counters": {
        "prefix": "softwired_tep",
        "families": {"commands_total": {"help": "", "label": "action", "values": {"create": 3, "delete": 0}}},
        "histograms": {}, "gauges": {"mappings": {"help": "", "value": 3}},
    },
}  # fmt: skip


@pytest.fixture
def plugin(tmp_path, router):
    made = Softwired(tmp_path)
    config = copy.deepcopy(CONFIG)
    for name in SERVICES:
        config[name]["enabled"] = "1" if name in ("dhcp4o6", "tep", "dstm") else "0"
    router.uci = Uci({**router.uci.committed, "softwired": config})
    router.objects.update(made.objects())
    yield made
    made.close()


def really(plugin, text):
    """From now on the program is softwired itself, with this configuration."""
    (plugin.root / "softwired.toml").write_text(
        f'[softwired]\nuser = ""\nrun_directory = "{plugin.root}/run"\n{text}'
    )
    plugin.does(f'PYTHONPATH={TREE}/src exec {sys.executable} -m softwired "$@"')


def says(plugin, told):
    (plugin.root / "said").write_text(told if isinstance(told, str) else json.dumps(told))
    plugin.does(f"cat {plugin.root}/said")


def shown(page, name):
    return page.text(f"[data-service={name}]")


def free_port():
    """A UDP port of ::1."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:
        one.bind(("::1", 0))
        return one.getsockname()[1]


def test_what_a_real_service_tells(page, plugin):
    """dhcp4o6, started as procd would; its counters, where it listens, what it waits for."""
    port = free_port()
    really(plugin, f'[dhcp4o6]\nport = {port}\n[[dhcp4o6.interface]]\nname = "none7"\n')
    plugin.runs()
    config = str(plugin.root / "softwired.toml")
    process = subprocess.Popen(
        [sys.executable, "-m", "softwired", "--config", config, "run", "dhcp4o6"],
        env={**os.environ, "PYTHONPATH": str(TREE / "src")},
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 30
        while not (plugin.root / "run/dhcp4o6.socket").exists():
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.1)
        plugin.ubus({"service list": {"softwired": {"instances": {"dhcp4o6": {"running": True}}}}})
        page.open("softwired/status", "[data-told=dhcp4o6] table")
        text = shown(page, "dhcp4o6")
        for word in (
            "DHCPv4 over DHCPv6",
            "runs",
            "Runs since",
            "Waits for",
            "none7",
            "Messages",
            str(port),
            "Queries that wait",
        ):
            assert word in text, word
        assert "undefined" not in text and "[object" not in text and "null" not in text
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    plugin.ubus({"service list": {"softwired": {"instances": {}}}})
    page.page.wait_for_selector("[data-service=dhcp4o6] .label:has-text('does not run')")
    assert page.page.locator("[data-told=dhcp4o6] table").count() == 0


def test_headlines(page, plugin):
    plugin.runs("dhcp4o6", "tep", "tunnels", ready=["tep", "tunnels"])
    says(plugin, TOLD)
    page.open("softwired/status", "[data-service=tunnels]")
    assert page.page.locator("[data-show]:visible").count() == 2
    labels = {
        name: page.page.locator(f"[data-service={name}] h3 .label").all_text_contents() for name in SERVICES
    }
    assert labels == {
        "dhcp4o6": ["runs, not ready yet"], "prefix64": ["turned off"], "dstm": ["does not run"], "tep": ["runs"],
        "tunnels": ["runs", "the page does not run"],
    }  # fmt: skip
    assert [name for name in SERVICES if "System Log" in shown(page, name)] == ["dstm"]


def test_problems_and_refused_changes(page, plugin):
    """Text of the router is never markup."""
    plugin.runs("tep")
    says(plugin, TOLD)
    page.open("softwired/status", "[data-told=tep] table")
    problems = page.page.locator("[data-told=tep] .softwired-problem").all_text_contents()
    assert problems == [
        "softwired.toml: tep.port = 0: <b>a whole number</b>",
        "and another",
        "net.ipv4.ip_forward is 0",
    ]
    assert "created: 3" in shown(page, "tep") and "deleted" not in shown(page, "tep")


def test_one_cheap_call_an_interval(page, plugin, router):
    """Of one second here; a service itself is asked once, and not again for half a minute."""
    plugin.runs("tep")
    says(plugin, TOLD)
    page.open("softwired/status", "[data-told=tep] table")
    router.asked(OBJECT)
    began = time.monotonic()
    until(page, lambda: len([call for call in router.calls if call[0] == OBJECT]) > 2)
    calls = router.asked(OBJECT)
    assert {method for method, _ in calls} == {"status"} and len(calls) <= time.monotonic() - began + 1


def test_real_mappings(page, plugin):
    """The border router's own file, read by softwired."""
    path = plugin.root / "tep.db"
    store = Store(str(path))
    node = Mapping(ipaddress.IPv6Address("2001:db8:c::1").packed, "2001:db8:53::1", 1700000000.0)
    store.write({
        ipaddress.IPv4Address("198.51.100.7").packed: node._replace(server=""),
        sharing.slot(ipaddress.IPv4Address("198.51.100.129").packed, 4096): node,
    })  # fmt: skip
    store.close()
    really(
        plugin,
        f'[tep]\naddress = "2001:db8:b::1"\nipv4 = "203.0.113.1"\nprefixes = ["198.51.100.0/24"]\nfile = "{path}"\n'
        'servers = ["2001:db8:53::1"]\n[[tep.shared]]\nprefix = "198.51.100.128/25"\nports_of_a_node = 2048\n',
    )
    plugin.runs("tep")
    page.open("softwired/status", "[data-show=tep]")
    page.page.click("[data-show=tep]")
    page.page.wait_for_selector("[data-table=tep] table")
    # LuCI shows no other heading on a telephone.
    titles = page.page.locator("[data-table=tep] tr:last-child td").evaluate_all(
        "cells => cells.map(cell => cell.dataset.title)"
    )
    assert titles == page.page.locator("[data-table=tep] th").all_text_contents()
    cells = page.page.locator("[data-table=tep] tr").all_inner_texts()
    assert len(cells) == 3
    assert "198.51.100.7" in cells[1] and "learned from packets" in cells[1]
    assert "198.51.100.129 ports 4096-6143" in cells[2] and "2001:db8:53::1" in cells[2]


LEASE = {
    "address": "198.51.100.9", "first_port": 0, "last_port": 65535, "node": "2001:db8:c::9", "user": "", "tep":
    "2001:db8:b::1", "since": 1700000000.0, "expires": 1700003600.0, "ending": False,
}  # fmt: skip
TUNNEL = {
    "id": 4, "IPv4client": "192.0.2.9", "IPv6client": "2001:db8:1:4::2", "nicname": "laptop", "country": "jp",
    "routed": "", "state": "on", "unreachable": 0, "answered": 1700000000.0,
}  # fmt: skip


def test_leases_and_tunnels(page, plugin):
    plugin.runs("dstm", "tunnels")
    says(
        plugin, [LEASE, {**LEASE, "first_port": 2048, "last_port": 4095, "user": "<i>me</i>", "ending": True}]
    )
    page.open("softwired/status", "[data-show=dstm]")
    page.page.click("[data-show=dstm]")
    page.page.wait_for_selector("[data-table=dstm] table")
    text = page.text("[data-table=dstm]")
    for word in (
        "198.51.100.9",
        "198.51.100.9 ports 2048-4095",
        "anonymous",
        "<i>me</i>",
        "ends",
        "Border router",
    ):
        assert word in text
    states = [
        {},
        {"state": "suspended"},
        {"state": "ending"},
        {"unreachable": -1},
        {"unreachable": 3},
        {"answered": None},
    ]
    says(plugin, [{**TUNNEL, **state} for state in states])
    page.page.click("[data-show=tunnels]")
    page.page.wait_for_selector("[data-table=tunnels] table")
    rows = page.page.locator("[data-table=tunnels] tr").all_inner_texts()
    assert "laptop.jp" in rows[1]
    for row, word in zip(
        rows[1:], ("answers", "suspended", "ends", "new", "silent for 3 rounds", "not heard yet"), strict=True
    ):
        assert word in row


def test_none_and_many(page, plugin):
    plugin.runs("dstm")
    says(plugin, [])
    page.open("softwired/status", "[data-show=dstm]")
    page.page.click("[data-show=dstm]")
    page.page.wait_for_selector("[data-table=dstm]:has-text('There are none')")
    says(plugin, [LEASE] * 503)
    page.page.click("[data-show=dstm]")
    page.page.wait_for_selector("[data-table=dstm]:has-text('3 more are not shown')")
    assert page.page.locator("[data-table=dstm] tr").count() == 501


def test_the_check(page, plugin, router):
    """softwired's own words of what is wrong; and for who may only read, one sentence."""
    plugin.runs()
    really(plugin, '[dhcp4o6]\nport = 0\n[[dhcp4o6.interface]]\nname = "x"\n')
    script = (plugin.root / "does").read_text()
    # The init script gives it the file.
    plugin.does(f'set -- --config {plugin.root}/softwired.toml "$@"\n{script}')
    page.open("softwired/status", "[data-action=check]")
    page.page.click("[data-action=check]")
    page.page.wait_for_selector(
        "#softwired-check .alert-message:has-text('dhcp4o6.port = 0: a whole number from 1')"
    )
    plugin.does("exit 0")
    page.page.click("[data-action=check]")
    page.page.wait_for_selector("#softwired-right")
    router.denied.add((OBJECT, "check"))
    page.page.click("[data-action=check]")
    page.page.wait_for_selector("#softwired-check .alert-message:has-text('You may not do this')")


@pytest.mark.parametrize(
    "script, sentence",
    [
        ("echo 'usage: softwired'; exit 2", "too old for this page"),
        ("exec sleep 60", "took too long"),
        ("echo 'softwired: tep does not run' >&2; exit 1", "tep does not run"),
        ("exit 0", "gave no answer"),
        ("rm -f {helper}", "gave no answer"),
    ],
)
def test_a_program_that_is_not_right(page, plugin, script, sentence):
    plugin.source.write_text(plugin.source.read_text().replace("status: 30", "status: 1"))
    plugin.runs("tep")
    plugin.does(script.format(helper=plugin.helper))
    page.open("softwired/status", "[data-told=tep] .alert-message")
    assert sentence in page.text("[data-told=tep] .alert-message")


@pytest.mark.parametrize(
    "told",
    [
        *("null", "7", '"x"', "[null]", "\0\377"),
        *(
            {"reloaded": {"error": 7}},
            {"counters": {"families": {"x": None}}},
            {"counters": {"gauges": {"x": None}}},
        ),
        *(
            {"counters": 7, "problem": 7, "problems": {"a": [None]}, "started": "x", "waits_for": [[{}]]},
            {},
            [],
        ),
    ],
)
def test_a_service_that_talks_nonsense(page, plugin, told):
    """A sentence or what there is of it, for each service; the other buttons work."""
    plugin.runs("dhcp4o6", "tep")
    (plugin.root / "said").write_bytes((told if isinstance(told, str) else json.dumps(told)).encode("latin1"))
    plugin.does(f"cat {plugin.root}/said")
    page.open("softwired/status")
    page.page.wait_for_selector("[data-told=dhcp4o6] > *")
    page.page.wait_for_selector("[data-told=tep] > *")
    page.page.click("[data-show=tep]")
    page.page.wait_for_selector("[data-table=tep] > :not(.spinning)")
    page.page.click("[data-action=check]")
    page.page.wait_for_selector("#softwired-right")
    assert "Cannot read" not in page.text() and "is not a function" not in page.text()


def test_markup_of_a_service_s_is_text(page, plugin):
    """Values, names of values, and the labels of counters."""
    plugin.runs("tep", "dstm", "tunnels")
    counters = {
        "prefix": "x",
        "families": {MARKUP: {"values": {MARKUP: 3}}},
        "gauges": {MARKUP: {"value": MARKUP}},
    }
    told = {**hostile(TOLD), MARKUP: {MARKUP: MARKUP}, "all": [{MARKUP: [MARKUP]}], "counters": counters}
    says(plugin, told)
    page.open("softwired/status")
    is_text(page, "[data-told=tep] table")
    for name, row in (("dstm", LEASE), ("tep", LEASE), ("tunnels", TUNNEL)):
        says(plugin, [{**hostile(row), "first_port": MARKUP}])
        page.page.click(f"[data-show={name}]")
        is_text(page, f"[data-table={name}] table")
    plugin.does(f"cat <<'.'\n{MARKUP}\n.\nexit 1")
    page.page.click("[data-action=check]")
    is_text(page, "#softwired-check .alert-message")


def test_two_browsers(page, plugin, chromium, router):
    """One waits for the other, and no one is shown what another asked for."""
    plugin.runs("dstm")
    says(plugin, [])
    page.open("softwired/status", "[data-show=dstm]")
    plugin.does(f"{plugin.gate}; echo '[]'")
    page.page.click("[data-show=dstm]")
    until(page, lambda: (plugin.jobs / "table-dstm/pid").exists())
    context = chromium.new_context()
    other = type(page)(context.new_page(), router)
    other.open("softwired/status", "[data-show=dstm]")
    other.page.click("[data-show=dstm]")
    other.page.wait_for_selector("[data-table=dstm] .alert-message:has-text('runs already')")
    plugin.open()
    page.page.wait_for_selector("[data-table=dstm]:has-text('There are none')")
    context.close()
    assert other.faults == []


@pytest.mark.parametrize("method", ["ask", "output"])
def test_what_a_login_may_not_do(page, plugin, router, method):
    """Each alone; the page stays."""
    plugin.runs("tep")
    router.denied.add((OBJECT, method))
    page.open("softwired/status", "[data-told=tep] .alert-message")
    assert "You may not do this" in page.text("[data-told=tep]")
    page.page.click("[data-show=tep]")
    page.page.wait_for_selector("[data-table=tep]:has-text('You may not do this')")


def told_instead(page):
    page.open("softwired/status", ".alert-message")
    return page.text(".alert-message")


def test_what_the_router_cannot_tell(page, plugin, router):
    """A sentence for the person; the page stays."""
    plugin.ubus(None)
    assert "procd does not answer" in told_instead(page)
    plugin.helper.unlink()
    assert "not installed on the router" in told_instead(page)
    router.denied.add((OBJECT, "status"))
    assert "no access to softwired" in told_instead(page)
    router.denied.clear()
    objects = router.objects.pop(OBJECT)
    assert "restart rpcd" in told_instead(page)
    router.objects[OBJECT] = {**objects, "status": lambda message: 7}
    assert "in time" in told_instead(page)
    assert page.page.locator("[data-action=check]").count() == 1


def test_everything_that_is_told_has_words(page, plugin):
    """Counters and keys, as the services' own sources name them."""
    page.open("softwired/status", "[data-service=tep]")
    keys, counters = page.page.evaluate(
        "() => L.require('softwired.told').then(told => [Object.keys(told.keys), Object.keys(told.counters)])"
    )
    named, told = set(), set()
    for path in (TREE / "src/softwired").rglob("*.py"):
        text = path.read_text()
        named |= set(re.findall(r'counters\.(?:family|gauge)\(\s*"(\w+)"', text))
        if path.parent.name in softwired.installed():
            for body in re.findall(r"def status\(self\) -> dict.*?\n\n", text, re.DOTALL):
                told |= set(re.findall(r'^ {12}"(\w+)":', body, re.MULTILINE))
    assert len(named) > 20 and len(told) > 10
    assert set(counters) == named
    assert set(keys) == told - {"problem"}


def test_every_label_has_words(page, plugin):
    """Of the counters' labels those that are known beforehand; status codes are numbers."""
    page.open("softwired/status", "[data-service=tep]")
    words = page.page.evaluate(
        "() => L.require('softwired.labels').then(labels => Object.keys(labels.labels))"
    )
    counted = set()
    for path in (TREE / "src/softwired").rglob("*.py"):
        if "counters.family(" in path.read_text():
            module = importlib.import_module(".".join(path.relative_to(TREE / "src").with_suffix("").parts))
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("counters.family"):
                    for labels in node.args[3:]:
                        counted |= set(eval(ast.unparse(labels), vars(module)))
    assert len(counted) > 80
    assert set(words) == {label for label in counted if not label.isdigit()}


def test_it_stays_within_a_telephone(page, plugin):
    page.page.set_viewport_size({"width": 390, "height": 800})
    plugin.runs("tep", "dstm")
    says(plugin, TOLD)
    page.open("softwired/status", "[data-told=tep] table")
    says(plugin, [LEASE])
    page.page.click("[data-show=dstm]")
    page.page.wait_for_selector("[data-table=dstm] table")
    assert page.page.evaluate("() => document.documentElement.scrollWidth") <= 390


def test_japanese(page, plugin, router, tmp_path_factory):
    """The catalogue of the package, looked up by LuCI's own hash in the browser: no English is left."""
    staged = {package.name: package for package in pack.stage(tmp_path_factory.mktemp("stage"))}
    data = (staged["luci-i18n-softwired-ja"].files / "usr/lib/lua/luci/i18n/softwired.ja.lmo").read_bytes()
    router.catalogue = {f"{key:08x}": text for key, text in entries(data).items()}
    plugin.runs("tep", "dstm", ready=["tep"])
    says(plugin, TOLD)
    page.open("softwired/status", "[data-told=tep] table", lang="ja")
    text = page.text()
    for word in (
        "DSTM ボーダールーター",
        "稼働中",
        "起動中",
        "動いていません",
        "実行した命令",
        "作成: 3",
        "設定を検査",
    ):
        assert word in text, word
    headings = page.page.locator("[data-told=tep] td:first-child, h3, button").all_inner_texts()
    assert [one for one in headings if one.strip() and one.isascii()] == []
    plugin.helper.write_text("#!/bin/sh\nexit 1\n")
    page.page.click("[data-action=check]")
    page.page.wait_for_selector(
        "#softwired-check .alert-message:has-text('ルーターから応答がありませんでした')"
    )
    page.map = "softwired.dhcp4o6"
    page.open("softwired/settings", ".cbi-map [data-tab=general]", wait_attached=True, lang="ja")
    page.type("port", "0")
    assert page.complaint("port") == "1～65534 の整数を入力してください"
    labels = page.page.evaluate(
        "() => Array.from(document.querySelectorAll('.cbi-value-title, .cbi-value-description')).map("
        "node => node.textContent)"
    )
    assert len(labels) > 200
    assert [text for text in labels if text.strip() and text.strip() != "DUID" and text.isascii()] == []
