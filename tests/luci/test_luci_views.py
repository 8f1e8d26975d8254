# SPDX-License-Identifier: Apache-2.0
"""Overview, status and set-up in a real browser, over the real plugin, which starts a stand-in for the helper."""

import copy
import json
import os
import re
import time

import pytest

from package.sdk import pack
from tests.luci.plugin import OBJECT, Plugin
from tests.luci.test_luci_plugin import LINE, SOFTWIRE, STATE
from tests.package.test_package_luci import entries

DOCTOR = [
    {"interface": "wan", "way": ["router", "settings", "exchange", "IPv4"]},
    {"step": "router", "status": "ok", "code": None, "text": "micropython 1.23.0", "seen": "", "advice": ""},
    {"step": "settings", "status": "note", "code": "CLOCK_WRONG", "text": "<b>1970</b>", "seen": "", "advice": ""},
    {"step": "exchange", "status": "wrong", "code": "NO_ANSWER", "text": "no answer", "seen": "3 tries",
     "advice": "auth_server"},
    {"step": "IPv4", "status": "not tried", "code": None, "text": "'exchange' comes first", "seen": "", "advice": ""},
    {"well": False},
]  # fmt: skip


@pytest.fixture
def plugin(tmp_path, router):
    made = Plugin(tmp_path)
    made.netifd([SOFTWIRE, LINE])
    made.state("wan", STATE)
    router.objects.update(made.objects())
    yield made
    made.close()


def says(plugin, lines, status=0, first=0):
    """The helper prints these lines of JSON; the `first` of them, then it waits for plugin.open()."""
    script = []
    for number, line in enumerate(lines):
        (plugin.root / f"said{number}").write_text(json.dumps(line) + "\n")
        script += [plugin.gate] if first and number == first else []
        script += [f"cat {plugin.root}/said{number}"]
    plugin.does("\n".join([*script, f"exit {status}"]))


def until(page, true, seconds=20):
    for _ in range(seconds * 10):
        if true():
            return
        page.page.wait_for_timeout(100)
    raise AssertionError("it did not happen")


# The overview


def test_overview(page, plugin):
    page.open("test/overview", "[data-softwire=wan]")
    text = page.text("#include")
    for word in ("wan6 is up on eth1", "2001:db8:4000:300::/56", "203.0.113.7/32", "1460", "2001:db8:b::1",
                 "[2001:db8:1812::1]:1812", "Next question", "up"):  # fmt: skip
        assert word in text
    assert "None" not in text and "null" not in text and "undefined" not in text


def test_overview_of_a_softwire_on_demand(page, plugin):
    """It waits for a packet: nobody's address is shown as its own, and not where it leads."""
    tunnel = {**STATE["tunnel"], "remote": "100::1", "ipaddr": []}
    plugin.state("wan", {**STATE, "phase": "waiting for a packet", "tunnel": tunnel, "answer": {}})
    page.open("test/overview", "[data-softwire=wan]")
    text = page.text("#include")
    assert "asked for when a packet wants out" in text and "100::1" not in text


def test_overview_asks_once_an_interval(page, plugin, router):
    """Of one second here; one call each, and nothing else."""
    page.open("test/overview", "[data-softwire=wan]")
    router.asked(OBJECT)
    began = time.monotonic()
    until(page, lambda: len([call for call in router.calls if call[0] == OBJECT]) > 2)
    calls = router.asked(OBJECT)
    assert {method for method, _ in calls} == {"status"} and len(calls) <= time.monotonic() - began + 1


def test_telephone_numbers_behind_a_click(page, plugin):
    says(plugin, [{"line": {"numbers": ["0312345678"], "sip_domain": "ntt-east.ne.jp"}}])
    page.open("test/overview", "[data-softwire=wan]")
    assert "0312345678" not in page.text("#include")
    page.page.click(".softwire-telephone button")
    page.page.wait_for_selector("text=0312345678, SIP domain ntt-east.ne.jp")
    # It stays where the overview draws itself anew.
    page.page.wait_for_timeout(2200)
    assert "0312345678" in page.text("#include")


def test_telephone_numbers_can_be_asked_for_again(page, plugin):
    """As where two are asked for at once: the router takes one question after the other."""
    plugin.does("echo 'not now'; exit 1")
    page.open("test/overview", "[data-softwire=wan]")
    page.page.click(".softwire-telephone button")
    page.page.wait_for_selector("text=not now")
    says(plugin, [{"line": {"numbers": ["0312345678"], "sip_domain": "ntt-east.ne.jp"}}])
    page.page.click(".softwire-telephone button")
    page.page.wait_for_selector("text=0312345678, SIP domain ntt-east.ne.jp")
    assert page.page.locator(".softwire-telephone button").count() == 0
    assert "not now" not in page.text("#include")


def test_overview_without_a_softwire(page, plugin):
    plugin.netifd([LINE])
    page.open("test/overview", "#include", wait_attached=True)
    assert page.text("#include") == ""


def test_overview_of_a_softwire_that_is_down(page, plugin):
    plugin.netifd([{**SOFTWIRE, "up": False, "errors": [{"code": "NO_DEVICE", "data": []}]}, LINE])
    plugin.state("wan", {"phase": "retrying", "tunlink": "wan6",
                         "error": {"code": "NO_ANSWER", "text": "<i>no</i> answer", "at": 1}})  # fmt: skip
    page.open("test/overview", "[data-softwire=wan]")
    text = page.text("#include")
    assert "down" in text and "No server answered: check server" in text and "<i>no</i> answer" in text


def told_instead(page, view, selector):
    page.open(view, selector)
    return page.text(selector)


@pytest.mark.parametrize("view", ["test/overview", "softwire/status"])
def test_what_the_router_cannot_tell(page, plugin, router, view):
    """A sentence for the person; the page stays."""
    plugin.netifd(None)
    assert "netifd does not answer" in told_instead(page, view, ".alert-message")
    router.denied.add((OBJECT, "status"))
    assert "no access to softwires" in told_instead(page, view, ".alert-message")
    router.denied.clear()
    objects = router.objects.pop(OBJECT)
    assert "restart rpcd" in told_instead(page, view, ".alert-message")
    router.objects[OBJECT] = {**objects, "status": lambda message: 7}
    assert "in time" in told_instead(page, view, ".alert-message")


def test_an_error_of_luci_s_without_its_scripts(page, plugin):
    page.open("softwire/status", "[data-softwire=wan]")
    said = page.page.evaluate(
        "() => L.require('softwire.router').then(router => router.sentence(new Error('lost\\n  at rpc.js:1')))"
    )
    assert said == "The router could not be asked: lost"


# A page of its own


def test_the_doctor_step_by_step(page, plugin):
    says(plugin, DOCTOR, 1, first=2)
    page.open("softwire/status", "[data-softwire=wan]")
    page.page.click("[data-action=doctor]")
    page.page.wait_for_selector("[data-step=router][data-status=ok]")
    # The first is there while the last is still to come.
    assert page.page.locator("[data-step=IPv4][data-status]").count() == 0
    plugin.open()
    page.page.wait_for_selector("text=Begin with: Exchange")
    text = page.text("#softwire-way")
    for word in ("micropython 1.23.0", "<b>1970</b>", "no answer (NO_ANSWER)", "seen: 3 tries", "do: auth_server",
                 "not tried"):  # fmt: skip
        assert word in text
    assert page.page.locator("#softwire-way tr").count() == 4
    assert plugin.called() == ["doctor", "--steps", "wan"]


def test_probe_and_report(page, plugin):
    plugin.does("echo 'exchange  <script>request</script>'; exit 1")
    page.open("softwire/status", "[data-softwire=wan]")
    page.page.click("[data-action=probe]")
    page.page.wait_for_selector("#softwire-probe:has-text('<script>request</script>')")
    # What it told last would be drawn over the report.
    page.page.wait_for_selector("[data-action=probe]:not([disabled])")
    plugin.does("echo 'the report あ'")
    page.page.click("[data-action=report]")
    page.page.wait_for_selector("#softwire-download")
    with page.page.expect_download() as download:
        page.page.click("#softwire-download")
    assert download.value.suggested_filename == "softwire-report-wan.txt"
    with open(download.value.path(), encoding="utf-8") as file:
        assert file.read() == "the report あ\n"


def test_what_was_asked_for_last_is_told(page, plugin):
    """The report is on the page while the doctor still looks, and stays there when the doctor is done."""
    says(plugin, DOCTOR, 1, first=2)
    page.open("softwire/status", "[data-softwire=wan]")
    page.page.click("[data-action=doctor]")
    page.page.wait_for_selector("[data-step=router][data-status=ok]")
    plugin.does("echo 'the report'")
    page.page.click("[data-action=report]")
    page.page.wait_for_selector("#softwire-download")
    plugin.open()
    page.page.wait_for_selector("[data-action=doctor]:not([disabled])")
    assert page.text("#softwire-told h3") == "Report: wan"
    assert page.page.locator("#softwire-download").count() == 1


@pytest.mark.parametrize(
    "script, sentence",
    [
        ("echo 'usage: softwire'; exit 2", "too old for this page"),
        ("exec sleep 60", "took too long"),
        ("exit 0", ""),
    ],
)
def test_a_helper_that_is_not_right(page, plugin, script, sentence):
    plugin.source.write_text(plugin.source.read_text().replace("limit: 180", "limit: 1"))
    plugin.does(script)
    page.open("softwire/status", "[data-softwire=wan]")
    page.page.click("[data-action=doctor]")
    page.page.wait_for_selector("#softwire-told h3")
    page.page.wait_for_selector("[data-action=doctor]:not([disabled])")
    assert sentence in page.text("#softwire-told")


def test_the_helper_is_missing(page, plugin):
    plugin.helper.unlink()
    page.open("softwire/status", ".alert-message")
    assert "not installed" in page.text()
    page.page.click("[data-action=doctor]")
    page.page.wait_for_selector("#softwire-told .alert-message:has-text('not installed')")


def test_who_may_only_read(page, plugin, router):
    router.denied.add((OBJECT, "run"))
    page.open("softwire/status", "[data-softwire=wan]")
    page.page.click("[data-action=report]")
    page.page.wait_for_selector("#softwire-told .alert-message:has-text('You may not do this')")


# What a browser runs where a text is taken for markup.
MARKUP = "<img src=x onerror='window.hit=1'>"


def is_text(page, selector):
    """It is there as it was written, and nothing of it was run."""
    page.page.locator(selector, has_text=MARKUP).first.wait_for()
    # As long as the browser would need to run it.
    page.page.wait_for_timeout(300)
    assert page.page.evaluate("() => [document.querySelectorAll('#view img').length, window.hit]") == [
        0,
        None,
    ]


def hostile(value):
    """The same with markup for each text in it."""
    if isinstance(value, dict):
        return {name: hostile(one) for name, one in value.items()}
    if isinstance(value, list):
        return [hostile(one) for one in value]
    return MARKUP if isinstance(value, str) else value


def test_markup_of_the_router_s_is_text(page, plugin):
    plugin.state(
        "wan",
        {**hostile(STATE), "tunlink": "wan6", "error": {"code": MARKUP, "text": MARKUP, "at": 1}},
    )
    line = {
        **hostile(LINE),
        "interface": "wan6",
        "proto": "flets",
        "errors": [{"code": MARKUP, "data": [MARKUP]}],
    }
    plugin.netifd([{**SOFTWIRE, "up": False, "errors": [{"code": MARKUP, "data": [MARKUP]}]}, line])
    for view in ("test/overview", "softwire/status"):
        page.open(view)
        is_text(page, "[data-softwire=wan]")
    says(
        plugin, [DOCTOR[0], *[{**hostile(one), "status": "wrong"} for one in DOCTOR[1:-1]], {"way": [MARKUP]}]
    )
    page.page.click("[data-action=doctor]")
    is_text(page, "#softwire-way td:has-text('seen')")
    says(plugin, [{"line": {"numbers": [MARKUP], "sip_domain": MARKUP}}])
    page.page.click(".softwire-telephone button")
    is_text(page, ".softwire-telephone div")
    plugin.does(f"cat <<'.'\n{MARKUP}\n.")
    for action, place in (("probe", "#softwire-probe"), ("report", "#softwire-told pre")):
        page.page.click(f"[data-action={action}]")
        is_text(page, place)
        page.page.wait_for_selector(f"[data-action={action}]:not([disabled])")


NONSENSE = [
    "null",
    "7",
    '"x"',
    "[]",
    "{}",
    "[null]",
    '{"way": 7}',
    '{"step": {}, "status": [], "text": 7}',
    "\0\377",
]


@pytest.mark.parametrize("said", NONSENSE)
def test_a_doctor_that_talks_nonsense(page, plugin, said):
    """Something is shown of it, and the buttons work."""
    (plugin.root / "said").write_bytes(said.encode("latin1") + b"\n")
    plugin.does(f"cat {plugin.root}/said")
    page.open("softwire/status", "[data-softwire=wan]")
    page.page.click("[data-action=doctor]")
    page.page.wait_for_selector("#softwire-told h3")
    page.page.wait_for_selector("[data-action=doctor]:not([disabled])")
    page.page.wait_for_function("() => !document.querySelector('#softwire-told > .spinning')")
    page.page.click(".softwire-telephone button")
    page.page.wait_for_selector(".softwire-telephone:not(:has-text('asking'))")
    assert "Cannot read" not in page.text() and "is not a function" not in page.text()


def test_a_command_that_was_killed(page, plugin):
    """As the router's memory was short: nobody waits for ever."""
    plugin.does("echo begun; exec sleep 60")
    page.open("softwire/status", "[data-softwire=wan]")
    page.page.click("[data-action=probe]")
    page.page.wait_for_selector("#softwire-probe:has-text('begun')")
    (plugin.jobs / "probe/pid").write_text("4194305")
    page.page.wait_for_selector("#softwire-told .alert-message:has-text('was killed before it was done')")


def test_two_browsers(page, plugin, chromium, router):
    """One waits for the other, and no one is shown what another asked for."""
    says(plugin, DOCTOR, 1, first=2)
    page.open("softwire/status", "[data-softwire=wan]")
    page.page.click("[data-action=doctor]")
    page.page.wait_for_selector("[data-step=router][data-status=ok]")
    context = chromium.new_context()
    other = type(page)(context.new_page(), router)
    other.open("softwire/status", "[data-softwire=wan]")
    other.page.click("[data-action=doctor]")
    other.page.wait_for_selector("#softwire-told .alert-message:has-text('runs already')")
    # The first one is done, and the other begins its own before this page has looked again.
    (plugin.jobs / "doctor/pid").write_text(str(os.getpid()))
    page.page.wait_for_selector("#softwire-told .alert-message:has-text('runs already')")
    plugin.open()
    context.close()
    assert other.faults == []


@pytest.mark.parametrize("method", ["look", "run", "output"])
def test_what_a_login_may_not_do(page, plugin, router, method):
    """Each alone; the page stays."""
    router.denied.add((OBJECT, method))
    page.open("softwire/status", "[data-softwire=wan]")
    page.page.click(".softwire-telephone button" if method == "look" else "[data-action=doctor]")
    place = ".softwire-telephone" if method == "look" else "#softwire-told"
    page.page.wait_for_selector(f"{place}:has-text('You may not do this')")


# First set-up

PLAN = {
    "interfaces": ["wan6", "wan"],
    "warnings": ["the clock <b>is</b> wrong"],
    "difference": [["network", "+ config interface 'wan6'"], ["network", "-     option proto 'dhcp'"],
                   ["firewall", "  config zone"]],
    "changes": [
        {"config": "network", "type": "interface", "section": "wan6", "new": True, "deleted": [], "secrets": [],
         "values": {"device": "eth1", "proto": "flets"}},
        {"config": "network", "type": "interface", "section": "wan", "new": False, "deleted": ["device"],
         "secrets": ["password", "shared_secret"],
         "values": {"proto": "softwire", "tunlink": "wan6", "auth_server": ["2001:db8::1"]}},
        {"config": "firewall", "type": "zone", "match": {"name": "wan"}, "new": False, "deleted": [], "secrets": [],
         "values": {"network": ["wan", "wan6", "more"]}},
    ],
    "then": ["/etc/init.d/network restart"],
}  # fmt: skip


@pytest.fixture
def fresh(router):
    """A router that was never set up."""
    network = router.uci.committed["network"]
    del network["wan6"]
    network["wan"] = {".type": "interface", ".name": "wan", ".index": 2, ".anonymous": False,
                      "device": "eth1", "proto": "dhcp"}  # fmt: skip
    router.uci.staged = copy.deepcopy(router.uci.committed)
    return router


def preview(page):
    page.map = "json.form"
    page.open("softwire/setup", "#softwire-preview")
    fill_in(page)


def fill_in(page):
    """What SoftBank's method needs; then the difference is asked for."""
    page.add("auth_server", "2001:db8::1")
    page.type("shared_secret", "the s3cret")
    page.type("password", "the pa55word")
    page.page.click("#softwire-preview")


def test_set_up(page, plugin, fresh):
    """The difference is shown before anything is written; then all of it is, the secrets by uci alone."""
    says(plugin, [PLAN])
    preview(page)
    page.page.wait_for_selector("#softwire-apply")
    called = plugin.called()
    assert (
        called[:6] == ["configure", "softbank", "--interface", "wan", "--line", "wan6"]
        and called[-1] == "--plan"
    )
    assert called[called.index("--auth-server") + 1] == "2001:db8::1"
    # Of the lists nothing but what somebody chose.
    assert "--line-type" not in called and "--message-authenticator" not in called
    text = page.text("#softwire-plan")
    for word in (
        "the clock <b>is</b> wrong",
        "+ config interface 'wan6'",
        "/etc/config/firewall",
        "network restart",
    ):
        assert word in text
    assert fresh.uci.staged == fresh.uci.committed
    page.page.click("#softwire-apply")
    page.page.wait_for_function("() => /applied/.test(document.body.innerText)")
    assert "--keep" in plugin.called()
    assert fresh.uci.before is None
    # LuCI itself tells procd of the files that changed, which are not always the firewall's.
    until(page, lambda: (OBJECT, "firewall", {}) in fresh.calls)
    assert fresh.uci.of("network", "wan6") == {"device": "eth1", "proto": "flets"}
    assert fresh.uci.of("network", "wan") == {
        "proto": "softwire", "tunlink": "wan6", "auth_server": ["2001:db8::1"], "shared_secret": "the s3cret",
        "password": "the pa55word",
    }  # fmt: skip
    assert fresh.uci.of("firewall", "cfg03dc81")["network"] == ["wan", "wan6", "more"]
    sent = json.dumps([message for name, _, message in fresh.calls if name == OBJECT])
    assert "s3cret" not in sent and "pa55word" not in sent


def test_a_firewall_without_the_zone(page, plugin, fresh):
    """It is made with the rest where somebody says so; it has no name in uci."""
    zone = {"name": "out", "network": ["wan", "wan6"], "masq": "1"}
    made = {"config": "firewall", "type": "zone", "new": True, "deleted": [], "secrets": [], "values": zone}
    says(plugin, [{**PLAN, "changes": [*PLAN["changes"][:2], made]}])
    page.map = "json.form"
    page.open("softwire/setup", "#softwire-preview")
    page.type("firewall_zone", "out")
    page.tick("add_zone")
    fill_in(page)
    page.page.wait_for_selector("#softwire-apply")
    called = plugin.called()
    assert called[called.index("--firewall-zone") : called.index("--firewall-zone") + 3] == [
        "--firewall-zone", "out", "--add-zone"
    ]  # fmt: skip
    page.page.click("#softwire-apply")
    page.page.wait_for_function("() => /applied/.test(document.body.innerText)")
    (there,) = [one for one in fresh.uci.committed["firewall"].values() if one.get("name") == "out"]
    assert there[".anonymous"] and {name: there[name] for name in zone} == zone


def test_a_wrong_set_up_comes_back_by_itself(page, plugin, fresh):
    fresh.rollback = 2
    says(plugin, [PLAN])
    preview(page)
    page.page.wait_for_selector("#softwire-apply")
    before = copy.deepcopy(fresh.uci.committed)
    confirmed = fresh.uci._confirm
    # The browser does not find the router again.
    fresh.uci._confirm = lambda message: (7, None)
    page.page.click("#softwire-apply")
    until(page, lambda: fresh.uci.committed != before)
    until(page, lambda: fresh.uci.committed == before)
    assert "firewall" not in [method for method, _ in fresh.asked(OBJECT)]
    fresh.uci._confirm = confirmed


def test_changes_of_somebody_else_wait(page, plugin, fresh):
    says(plugin, [PLAN])
    preview(page)
    page.page.wait_for_selector("#softwire-apply")
    fresh.uci.call("set", {"config": "network", "section": "lan", "values": {"ipaddr": "192.0.2.1/24"}})
    page.page.click("#softwire-apply")
    page.page.wait_for_selector("#softwire-plan .alert-message:has-text('UNCOMMITTED')")
    assert "proto" not in fresh.uci.of("network", "wan6")


def test_a_change_that_uci_refuses(page, plugin, fresh):
    """Nothing of the others stays behind."""
    last = {**PLAN["changes"][2], "match": {"name": "nobody's"}}
    says(plugin, [{**PLAN, "changes": [*PLAN["changes"][:2], last]}])
    preview(page)
    page.page.click("#softwire-apply")
    page.page.wait_for_selector("#softwire-plan .alert-message:has-text('uci/set failed')")
    assert fresh.uci.staged == fresh.uci.committed


def test_what_configure_refuses(page, plugin, fresh):
    plugin.does("echo 'softwire configure: BAD_CONFIG: --wan is missing'; exit 1")
    preview(page)
    page.page.wait_for_selector("#softwire-plan .alert-message:has-text('BAD_CONFIG: --wan is missing')")
    assert page.page.locator("#softwire-apply").count() == 0


@pytest.mark.parametrize(
    "script, sentence",
    [
        ("rm -f {helper}", "gave no answer"),
        ("echo 'usage: softwire'; exit 2", "too old for this page"),
        ("exec sleep 60", "took too long"),
        *[(f"echo '{said}'", "") for said in ("null", "7", '"x"', "")],
        *[
            (f"echo '{said}'", "too old for this page")
            for said in ("[]", "{{}}", '{{"warnings": 7}}', "[null]")
        ],
    ],
)
def test_set_up_with_a_helper_that_is_not_right(page, plugin, fresh, script, sentence):
    """A sentence, and nothing that could be applied."""
    plugin.source.write_text(plugin.source.read_text().replace("limit: 30", "limit: 1"))
    plugin.does(script.format(helper=plugin.helper))
    preview(page)
    page.page.wait_for_selector("#softwire-plan .alert-message")
    assert sentence in page.text("#softwire-plan") and page.page.locator("#softwire-apply").count() == 0
    assert fresh.uci.staged == fresh.uci.committed


@pytest.mark.parametrize("method", ["plan", "keep"])
def test_set_up_without_the_rights(page, plugin, fresh, method):
    fresh.denied.add((OBJECT, method))
    says(plugin, [PLAN])
    preview(page)
    if method == "keep":
        page.page.click("#softwire-apply")
    page.page.wait_for_selector("#softwire-plan .alert-message:has-text('You may not do this')")
    assert fresh.uci.staged == fresh.uci.committed


def test_set_up_without_the_helper(page, plugin, fresh):
    plugin.helper.unlink()
    preview(page)
    page.page.wait_for_selector("#softwire-plan .alert-message:has-text('not installed')")


def test_markup_in_a_plan_is_text(page, plugin, fresh):
    says(plugin, [{**PLAN, "warnings": [MARKUP], "difference": [["network", "+ " + MARKUP]],
                   "then": [MARKUP + " network restart"]}])  # fmt: skip
    preview(page)
    page.page.wait_for_selector("#softwire-apply")
    is_text(page, "#softwire-plan")
    assert page.text("#softwire-plan").count(MARKUP) == 3


def test_set_up_with_a_wrong_value(page, plugin, fresh):
    page.map = "json.form"
    page.open("softwire/setup", "#softwire-preview")
    page.type("shared_secret", "x")
    page.page.click("#softwire-preview")
    page.page.wait_for_selector("#softwire-plan .alert-message")
    assert plugin.called() is None


def test_set_up_that_changes_nothing(page, plugin, fresh):
    says(plugin, [{**PLAN, "changes": [], "difference": [], "warnings": []}])
    preview(page)
    page.page.wait_for_selector("text=Nothing to change")


def test_every_page_stays_within_a_telephone(page, plugin, fresh):
    """Nothing is wider than the screen of a telephone."""
    page.page.set_viewport_size({"width": 360, "height": 800})
    for view, selector in (
        ("softwire/status", "[data-softwire=wan]"),
        ("softwire/setup", "#softwire-preview"),
    ):
        page.open(view, selector)
        assert page.page.evaluate("() => document.documentElement.scrollWidth") <= 360
        edges = page.page.locator("button:visible").evaluate_all(
            "buttons => buttons.map(button => button.getBoundingClientRect().right)"
        )
        assert edges and max(edges) <= 360
    assert re.search("set-up", page.text())


# Japanese


def test_japanese(page, plugin, router, tmp_path_factory):
    """The catalogue of the package, looked up by LuCI's own hash in the browser: no English is left."""
    staged = {package.name: package for package in pack.stage(tmp_path_factory.mktemp("stage"))}
    data = (staged["luci-i18n-softwire-ja"].files / "usr/lib/lua/luci/i18n/softwire.ja.lmo").read_bytes()
    router.catalogue = {f"{key:08x}": text for key, text in entries(data).items()}
    page.open("softwire/status", "[data-softwire=wan]", lang="ja")
    text = page.text()
    for word in ("ソフトワイヤ", "稼働中", "次の問い合わせ", "診断", "wan6 は eth1 で稼働中"):
        assert word in text
    says(plugin, DOCTOR, 1)
    page.page.click("[data-action=doctor]")
    page.page.wait_for_selector("text=まずここから：やり取り")
    page.interface("wan", lang="ja")
    page.type("mtu", "1")
    assert page.complaint("mtu") == "68～65495 の数を入力してください"
    page.open("softwire/setup", "#softwire-preview", lang="ja")
    labels = page.page.evaluate(
        "() => Array.from(document.querySelectorAll('.cbi-value-title, .cbi-value-description, .cbi-map h2'))"
        ".map(node => node.textContent)"
    )
    names = {"MTU", "TLS", "NAS-Identifier", "Message-Authenticator", ""}
    assert [text for text in labels if text.strip() not in names and text.isascii()] == []
