# SPDX-License-Identifier: Apache-2.0
"""The pages in LuCI itself, on a real OpenWrt: opened, filled in, saved, and what of it reaches uci, netifd and fw4.

OPENWRT_IMAGE names the image of one that has LuCI; tests/openwrt/README.md.
"""

import collections
import contextlib
import json
import os
import re
import signal
import time

import pytest

from tests.luci import openwrt
from tests.luci.browser import Page
from tests.luci.openwrt import NOBODY, log_in, ubus
from tests.luci.test_luci_views import fill_in
from tests.softwired.network import NoNamespace
from tests.softwired.openwrt import NoOpenWrt

PACKAGES = ("softwire-python3", "luci-proto-softwire", "luci-i18n-softwire-ja",
            "softwired", "softwired-prefix64", "luci-app-softwired", "luci-i18n-softwired-ja")  # fmt: skip
# Seconds until a configuration comes back that nobody confirmed; LuCI takes no fewer.
ROLLBACK = 90
# Somebody who may read what our two packages show and what LuCI asks for on every page, and nothing else.
READER = """
uci add rpcd login
uci set rpcd.@login[-1].username=reader
uci set rpcd.@login[-1].password="$(uhttpd -m reads)"
uci add_list rpcd.@login[-1].read=unauthenticated
uci add_list rpcd.@login[-1].read=luci-base
uci add_list rpcd.@login[-1].read=luci-base-network-status
uci add_list rpcd.@login[-1].read=luci-proto-softwire
uci add_list rpcd.@login[-1].read=luci-app-softwired
uci commit rpcd
"""


@pytest.fixture(scope="module")
def router(tmp_path_factory):
    try:
        made = openwrt.Router(tmp_path_factory.mktemp("openwrt"), PACKAGES)
    except (NoOpenWrt, NoNamespace) as error:
        pytest.skip(str(error))
    made.check(READER)
    yield made
    made.close()


@pytest.fixture(scope="module")
def session(chromium, router):
    """What a browser keeps of somebody who has logged in, through LuCI's own form."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{router.address}/cgi-bin/luci/admin/status/softwire")
    page.fill("#luci_username, [name=luci_username]", "root")
    page.fill("#luci_password, [name=luci_password]", openwrt.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("a[href$='/admin/logout']", state="attached", timeout=30000)
    kept = context.storage_state()
    context.close()
    return kept


class View(Page):
    """A page of LuCI's."""

    def open(self, view, wait=None, wait_attached=False, **query):
        self.page.goto(f"{self.router.address}/cgi-bin/luci/admin/{view}")
        if wait:
            self.page.wait_for_selector(wait, state="attached" if wait_attached else "visible")
        return self


@pytest.fixture
def page(chromium, router, session):
    context = chromium.new_context(storage_state=session, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30000)
    page = View(context.new_page(), router)
    yield page
    context.close()
    assert [fault for fault in page.faults if not re.search(page.tolerated, fault)] == []


@pytest.fixture
def fresh(router):
    """The network of a router that was never set up."""
    openwrt.configure(router, openwrt.NETWORK)
    return router


@pytest.fixture
def line(router):
    """A line that is up, and a softwire over it, which has a tunnel only where this machine's kernel has ip6_tunnel."""
    openwrt.configure(router, openwrt.LINE)
    return router


def until_seen(page, true, seconds=60):
    """As until(), while the browser goes on."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"it did not happen in {seconds} s: {page.page.inner_text('body')}"
        page.page.wait_for_timeout(100)


def applied(page):
    """LuCI says so, once the browser has found the router again; then it draws the page anew."""
    page.page.wait_for_selector("text=Configuration changes applied", timeout=60000)


# Status


def test_overview(page, line):
    page.open("status/overview", "[data-softwire=wan]")
    text = page.text("[data-softwire=wan]")
    assert "wan6 is up on eth1" in text and "2001:db8:4000:300::/56" in text
    # Of the stock includes, what stands before and behind ours.
    titles = page.page.locator("h3").all_text_contents()
    assert titles.count("Softwire") == 1 and titles.index("Network") < titles.index("Softwire")


def test_overview_adds_one_call_to_luci_s_own(page, line):
    """In the request that LuCI makes anyway, of that one's dozen."""
    page.open("status/overview", "[data-softwire=wan]")
    requests = []

    def note(request):
        if "/ubus" in request.url:
            asked = json.loads(request.post_data)
            requests.append([(one["params"][1], one["params"][2]) for one in asked])

    page.page.on("request", note)
    own = "luci.softwire", "status"
    until_seen(page, lambda: sum(own in calls for calls in requests) >= 2)
    counted = collections.Counter(call for calls in requests for call in calls)
    assert [call for call in counted if "softwire" in call[0]] == [own]
    assert abs(counted[own] - counted["luci", "getVersion"]) <= 1
    for calls in requests:
        assert own not in calls or len(calls) > 5, calls


def test_the_doctor(page, line):
    page.open("status/softwire", "[data-softwire=wan]")
    page.page.click("[data-action=doctor]")
    until_seen(page, lambda: page.page.locator("#softwire-verdict:not(:empty)").count())
    steps = page.page.locator("#softwire-way tr").evaluate_all(
        "rows => rows.map(row => [row.dataset.step, row.dataset.status])"
    )
    told = json.loads(line.run("softwire doctor --steps wan | head -n 1")[1])
    assert [step for step, _ in steps] == told["way"]
    assert all(status for _, status in steps)


def test_probe_and_report(page, line):
    page.open("status/softwire", "[data-softwire=wan]")
    page.page.click("[data-action=probe]")
    until_seen(page, lambda: "2001:db8:b::1" in (page.text("#softwire-told") or ""))
    page.page.click("[data-action=report]")
    page.page.wait_for_selector("#softwire-download")
    with page.page.expect_download() as download:
        page.page.click("#softwire-download")
    with open(download.value.path(), encoding="utf-8") as file:
        assert "softwire" in file.read()


def test_japanese(page, line):
    """LuCI finds our catalogue beside its own by the language that the router is set to."""
    line.check("uci set luci.main.lang=ja; uci commit luci")
    try:
        page.open("status/softwire", "[data-softwire=wan]")
        assert "wan6 は eth1 で稼働中" in page.text("[data-softwire=wan]")
        page.page.click("[data-action=doctor]")
        until_seen(page, lambda: page.page.locator("#softwire-verdict:not(:empty)").count())
    finally:
        line.check("uci set luci.main.lang=auto; uci commit luci")


# The dialogue of an interface


def dialogue(page, name):
    page.open("network/network", f"#cbi-network-{name}")
    page.page.click(f"#cbi-network-{name} .cbi-button-edit")
    page.page.wait_for_selector("#modal_overlay .cbi-map")
    page.map = f"network.{name}"


def test_what_is_saved_reaches_uci(page, line):
    """Refused where the helper would refuse it; the rest of the section stays as it was."""
    before = line.uci("network.wan")
    dialogue(page, "wan")
    assert page.page.locator("#modal_overlay option[value=softwire]").count() > 0
    page.type("mtu", "1")
    assert "68" in page.complaint("mtu")
    page.type("mtu", "1400")
    page.choose("provisioning", "static")
    page.page.click("#modal_overlay .cbi-button-positive.important")
    page.page.wait_for_selector("body:not(.modal-overlay-active)")
    page.page.click(".cbi-page-actions .cbi-button-apply")
    applied(page)
    assert sorted(line.uci("network.wan")) == sorted([*before, "network.wan.mtu='1400'"])


def test_an_error_leaves_the_buttons_in_sight(page, fresh):
    """The longest that we have, beside an interface of which no client of ours tells another, and in its dialogue."""
    error = {"interface": "wan6", "action": 3, "error": ["HANDED_ON_DOWN", "_"]}
    fresh.check(f"ubus call network.interface notify_proto '{json.dumps(error)}'")
    page.open("network/network", "#wan6-ifc-description :text('HANDED_ON_DOWN')")
    assert page.page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    page.page.click("#cbi-network-wan6 .cbi-button-edit")
    page.page.wait_for_selector("#wan6-ifc-status :text('HANDED_ON_DOWN')")
    assert page.page.evaluate(
        "() => { const modal = document.querySelector('#modal_overlay .modal');"
        " return modal.scrollWidth <= modal.clientWidth; }"
    )


# First set-up


def preview(page):
    page.map = "json.form"
    page.open("network/softwire", "#softwire-preview")
    page.choose("wan", "eth2")
    fill_in(page)
    until_seen(page, lambda: page.page.locator("#softwire-apply").count())


def of_zone(router, port):
    """Whether fw4 has a port in the zone of the internet."""
    return f'"{port}"' in router.run("nft list chain inet fw4 input | grep input_wan")[1]


def test_set_up(page, fresh):
    """uci has what was shown, netifd runs it, and fw4 knows a port that no interface had before."""
    assert not of_zone(fresh, "eth2")
    firewall = (fresh.root / "etc/config/firewall").read_text()
    preview(page)
    difference = page.text("#softwire-difference")
    assert "+     option proto 'flets'" in difference and "s3cret" not in difference
    assert not fresh.uci("network.wan.tunlink")
    page.page.click("#softwire-apply")
    applied(page)
    assert sorted(fresh.uci("network.wan6")) == [
        "network.wan6.device='eth2'", "network.wan6.proto='flets'", "network.wan6=interface"
    ]  # fmt: skip
    assert sorted(fresh.uci("network.wan")) == [
        "network.wan.auth_server='2001:db8::1'", "network.wan.password='the pa55word'",
        "network.wan.proto='softwire'", "network.wan.provisioning='softbank'",
        "network.wan.shared_secret='the s3cret'", "network.wan.tunlink='wan6'", "network.wan=interface",
    ]  # fmt: skip
    assert (fresh.root / "etc/config/firewall").read_text() == firewall
    until_seen(page, lambda: of_zone(fresh, "eth2"), 30)
    assert '"proto": "flets"' in fresh.run("ifstatus wan6")[1]


def test_a_wrong_setting_comes_back_by_itself(page, fresh):
    """The cable of the browser's computer is out from then on, as if the setting had cut it off."""
    before = (fresh.root / "etc/config/network").read_text()
    preview(page)
    # LuCI waits some seconds before it looks for the router.
    page.page.click("#softwire-apply")
    until_seen(page, lambda: fresh.uci("network.wan.tunlink"))
    fresh.unplug()
    try:
        until_seen(page, lambda: not fresh.uci("network.wan.tunlink"), ROLLBACK + 60)
        until_seen(page, lambda: '"proto": "dhcpv6"' in fresh.run("ifstatus wan6")[1])
    finally:
        fresh.plug_in()
    assert [line for line in fresh.uci("network") if "wan" in line] and "flets" not in str(
        fresh.uci("network")
    )
    assert re.findall("option proto .*", (fresh.root / "etc/config/network").read_text()) == re.findall(
        "option proto .*", before
    )


# What else a browser can send


def test_hostile_calls(line):
    """rpcd itself in front of the plugin; the rest of LuCI's objects stay."""
    root = log_in(line, "root", openwrt.PASSWORD)
    for method, message in (
        ("look", {"interface": 7}), ("look", {"interface": "wan; reboot"}), ("look", {"interface": ["wan"]}),
        ("run", {"command": "reboot", "interface": "wan"}), ("run", {"command": "doctor"}),
        ("plan", {"method": "$(reboot)"}), ("plan", {"method": "softbank", "options": {"password": "x"}}),
        ("plan", {"method": "softbank", "options": "x"}), ("output", {"job": "../../etc", "from": 0}),
        ("output", {"job": "doctor", "from": "x"}), ("output", {"job": "doctor", "from": -1}), ("reboot", {}),
        ("output", {"job": "x" * 30000, "from": 1 << 40}), ("look", {"interface": "パ"}),
        ("plan", {"method": "softbank", "options": {"mtu": {"a": [[[["x"]]]]}}}), ("look", {"interface": "wan\n"}),
    ):  # fmt: skip
        said = ubus(line, root, "luci.softwire", method, message)
        # -32000, -32002: there is no such method; 2: rpcd refuses the argument's type.
        assert said in (-32000, -32002, [2], [3]) or said[1]["error"] in ("BAD_REQUEST", "NO_JOB"), (
            method,
            said,
        )
    for method, message in (
        ("ask", {"question": "status", "service": "prefix64; reboot"}), ("ask", {"question": 7, "service": "dstm"}),
        ("ask", {"question": "table", "service": "prefix64"}), ("ask", {"question": "status", "service": ["tep"]}),
        ("ask", {}), ("output", {"job": "../check", "from": 0}), ("output", {"job": "check", "from": 1.5}),
        ("output", {"job": "check", "from": {}}), ("run", {}), ("ask", {"question": "x" * 30000, "service": "パ"}),
    ):  # fmt: skip
        said = ubus(line, root, "luci.softwired", method, message)
        assert said in (-32000, -32002, [2], [3]) or said[1]["error"] in ("BAD_REQUEST", "NO_JOB"), (
            method,
            said,
        )
    assert ubus(line, root, "luci.softwire", "status", {})[1]["netifd"] is True
    assert ubus(line, root, "luci.softwired", "status", {})[1]["procd"] is True
    assert ubus(line, root, "system", "board", {})[0] == 0


@contextlib.contextmanager
def instead(router, program, script):
    """Something else in a program's place; None: nothing."""
    router.check(f"mv {program} {program}.own")
    try:
        if script is not None:
            (router.root / program[1:]).write_text(f"#!/bin/sh\n{script}\n")
            router.check(f"chmod 755 {program}")
        yield
    finally:
        router.check(f"mv {program}.own {program}")


WRONG = [(None, "not installed"), ("echo 'usage: softwire'; exit 2", "too old for this page"), ("exit 0", ""),
         ("printf 'a\\0b\\377<b>\\n'", "")]  # fmt: skip


@pytest.mark.parametrize("script, sentence", WRONG)
def test_a_program_that_is_not_right(page, line, script, sentence):
    """A sentence on the page, and the rest of LuCI as it was."""
    with instead(line, "/usr/sbin/softwire", script):
        page.open("status/softwire", "[data-softwire=wan]")
        page.page.click("[data-action=probe]")
        page.page.wait_for_selector("[data-action=probe]:not([disabled])")
        page.page.wait_for_selector("#softwire-told :not(.spinning)")
        assert sentence in page.text("#softwire-told")
        assert script is None or "printf" not in script or "a?b\ufffd<b>" in page.text("#softwire-told")
        page.open("status/overview", "[data-softwire=wan]")
        assert (sentence == "not installed") == ("not installed" in page.text("#softwire_status"))
        assert page.page.locator("h3:has-text('Network')").count() > 0
    with instead(line, "/etc/init.d/softwired", script):
        page.open("services/softwired/status", "[data-service=prefix64]")
        page.page.click("[data-action=check]")
        until_seen(page, lambda: page.page.locator("#softwired-check > :not(.spinning)").count())
        assert sentence in page.text("#softwired-check")


def test_a_program_that_hangs(page, line):
    """rpcd answers everybody else meanwhile, and who asks for the same is told so."""
    root = log_in(line, "root", openwrt.PASSWORD)
    with instead(line, "/usr/sbin/softwire", "echo $$ > /tmp/hangs; echo begun; exec sleep 300"):
        asked = {"command": "probe", "interface": "wan"}
        assert ubus(line, root, "luci.softwire", "run", asked)[1] == {"job": "probe"}
        began = time.monotonic()
        assert ubus(line, root, "luci.softwire", "run", asked)[1]["error"] == "BUSY"
        assert ubus(line, root, "system", "board", {})[0] == 0
        said = ubus(line, root, "luci.softwire", "output", {"job": "probe", "from": 0})[1]
        assert (said["text"], said["done"]) == ("begun\n", False)
        assert time.monotonic() - began < 10
        page.open("status/softwire", "[data-softwire=wan]")
        page.page.click("[data-action=probe]")
        page.page.wait_for_selector("#softwire-told .alert-message:has-text('runs already')")
        line.check("kill -9 $(cat /var/run/softwire.jobs/probe/pid) $(cat /tmp/hangs)")
        looked = "luci.softwire", "output", {"job": "probe", "from": 0}
        until_seen(page, lambda: ubus(line, root, *looked)[1].get("error") == "KILLED")


def test_procd_is_silent(page, line):
    """softwired's page says so; procd is the first process, which nothing in there can stop."""
    root = log_in(line, "root", openwrt.PASSWORD)
    page.open("services/softwired/status", "[data-service=prefix64]")
    os.kill(int(line.openwrt.pid), signal.SIGSTOP)
    try:
        assert ubus(line, root, "luci.softwired", "status", {})[1]["procd"] is False
        page.page.wait_for_selector(".alert-message:has-text('procd does not answer')")
    finally:
        os.kill(int(line.openwrt.pid), signal.SIGCONT)
    until_seen(page, lambda: not page.page.locator(".alert-message").count())
    assert ubus(line, root, "luci.softwired", "status", {})[1]["procd"] is True


def test_pages_of_who_may_only_read(chromium, line):
    """Status is shown; what is not theirs says so."""
    context = chromium.new_context()
    context.set_default_timeout(30000)
    page = View(context.new_page(), line)
    page.page.goto(f"{line.address}/cgi-bin/luci/admin/status/softwire")
    page.page.fill("#luci_username, [name=luci_username]", "reader")
    page.page.fill("#luci_password, [name=luci_password]", "reads")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector("[data-softwire=wan]")
    page.page.click("[data-action=doctor]")
    page.page.wait_for_selector("#softwire-told .alert-message:has-text('You may not do this')")
    page.open("services/softwired/status", "[data-service=prefix64]")
    page.page.click("[data-action=check]")
    page.page.wait_for_selector("#softwired-check .alert-message:has-text('You may not do this')")
    context.close()
    assert page.faults == []


def test_who_may_only_read(line):
    reader = log_in(line, "reader", "reads")
    assert ubus(line, reader, "luci.softwire", "status", {})[0] == 0
    for method, message in (("run", {"command": "doctor", "interface": "wan"}), ("keep", {"method": "softbank"}),
                            ("plan", {"method": "softbank"}), ("firewall", {})):  # fmt: skip
        assert ubus(line, reader, "luci.softwire", method, message) in (-32002, [6]), method
    assert ubus(line, NOBODY, "luci.softwire", "status", {}) == -32002
    assert ubus(line, reader, "luci.softwired", "check", {}) in (-32002, [6])


def test_netifd_is_silent(page, line):
    """As a busy one's callers see it: the overview says so, and what else it has is there."""
    pid = line.check("pgrep -x netifd || pidof netifd").split()[0]
    line.check(f"kill -STOP {pid}")
    try:
        root = log_in(line, "root", openwrt.PASSWORD)
        assert ubus(line, root, "luci.softwire", "status", {})[1]["netifd"] is False
        assert ubus(line, root, "system", "board", {})[0] == 0
    finally:
        line.check(f"kill -CONT {pid}")
    page.open("status/softwire", "[data-softwire=wan]")


# softwired


def test_softwired(page, line):
    """Its status, its settings, what they write, and the check."""
    page.open("services/softwired/status", "[data-service=prefix64]")
    assert "turned off" in page.text("[data-service=prefix64]")
    page.page.click("[data-action=check]")
    until_seen(page, lambda: page.page.locator("#softwired-check :not(.spinning)").count())
    page.map = "softwired.prefix64"
    page.open("services/softwired/settings", ".cbi-map [data-tab=general]", wait_attached=True)
    page.tick("enabled")
    page.page.click(".cbi-page-actions .cbi-button-apply")
    applied(page)
    until_seen(page, lambda: "softwired.prefix64.enabled='1'" in line.uci("softwired.prefix64"))
