# SPDX-License-Identifier: Apache-2.0
"""The rpcd plugin: what it tells, and everything that a browser can send to it."""

import json

import pytest

from tests.luci.plugin import INVALID_ARGUMENT, METHODS, Plugin
from tests.luci.server import PACKAGE

LINE = {
    "interface": "wan6", "up": True, "proto": "flets", "l3_device": "eth1",
    "ipv6-prefix": [{"address": "2001:db8:4000:300::", "mask": 56, "preferred": 12000, "valid": 14000}],
}  # fmt: skip
SOFTWIRE = {"interface": "wan", "up": True, "proto": "softwire", "l3_device": "sw-wan", "autostart": True}
STATE = {
    "interface": "wan", "tunlink": "wan6", "provisioning": "softbank", "phase": "up", "at": 100.5, "asked": 100.5,
    "next": 86500.5, "expires": None,
    "tunnel": {
        "local": "2001:db8:4000:300:1111:1111:1111:1111", "remote": "2001:db8:b::1", "ipaddr": ["203.0.113.7/32"],
        "mtu": 1460, "dns": ["198.51.100.53"],
    },
    "answer": {"server": "[2001:db8:1812::1]:1812", "attributes": [["18", "x"]]},
}  # fmt: skip


@pytest.fixture
def plugin(tmp_path):
    made = Plugin(tmp_path)
    yield made
    made.close()


def test_status(plugin):
    plugin.netifd([SOFTWIRE, LINE, {"interface": "wan6_voip", "proto": "flets_voip", "up": False}])
    plugin.state("wan", STATE)
    said = plugin.call("status")
    assert said["netifd"] is True and said["helper"] is True and said["uptime"] > 0
    (wan,) = said["interfaces"]
    assert (wan["interface"], wan["up"], wan["device"]) == ("wan", True, "sw-wan")
    assert wan["state"]["tunnel"] == STATE["tunnel"]
    assert wan["state"]["server"] == "[2001:db8:1812::1]:1812" and wan["state"]["next"] == 86500.5
    assert wan["line"]["prefixes"] == ["2001:db8:4000:300::/56"] and wan["line"]["device"] == "eth1"
    assert wan["line"]["telephone"]["up"] is False


def test_what_another_protocol_carries(plugin):
    options = {"type": "map-e", "rule": "type=map-e"}
    handed_on = {"mode": "map", "local": "2001:db8:4000:300::7", "options": options}
    plugin.netifd([SOFTWIRE, LINE])
    plugin.state("wan", {**STATE, "tunnel": None, "handed_on": handed_on})
    (wan,) = plugin.call("status")["interfaces"]
    assert (wan["state"]["tunnel"], wan["state"]["handed_on"]) == (None, "map")


def test_status_starts_no_process(plugin):
    plugin.netifd([SOFTWIRE, LINE])
    plugin.call("status")
    assert plugin.called() is None and not plugin.jobs.exists()
    # Of netifd it asks one question, however many softwires there are.
    assert plugin.asked() == [["network.interface", "dump", {}]]


def test_nothing_secret_is_told(plugin):
    """Neither what the configuration holds, nor what a state file should not hold."""
    state = {
        **STATE,
        "password": "s3cret",
        "answer": {"server": "x", "shared_secret": "s3cret"},
        "x": "s3cret",
    }
    plugin.netifd([{**SOFTWIRE, "data": {"password": "s3cret"}}, {**LINE, "password": "s3cret"}])
    plugin.state("wan", state, config='{"password": "s3cret"}')
    assert "s3cret" not in json.dumps(plugin.call("status"))


def test_netifd_is_silent(plugin):
    plugin.netifd(None)
    plugin.state("wan", STATE)
    said = plugin.call("status")
    assert said["netifd"] is False and said["interfaces"] == []


BROKEN = [
    "", "{", "[]", "null", "7", '"x"', "\0", "é",
    '{"tunnel": 7, "handed_on": 7, "answer": [], "error": "x", "phase": {}, "next": "soon"}',
    '{"tunnel": {"ipaddr": "203.0.113.7", "dns": {}, "mtu": "big"}}', '{"tunlink": "../../etc/passwd"}',
]  # fmt: skip


def test_a_broken_state_file(plugin):
    plugin.netifd([SOFTWIRE, LINE])
    for content in BROKEN:
        plugin.state("wan", content)
        (wan,) = plugin.call("status")["interfaces"]
        assert wan["up"] is True and wan["line"] is None, content


NONSENSE = [
    [7, None, "x", [], {}],
    [{"interface": 7}],
    [{**SOFTWIRE, "errors": 7}],
    [{**SOFTWIRE, "errors": [7, {"code": []}]}],
    [SOFTWIRE, {**LINE, "ipv6-prefix": [None, 7, {}]}],
]


def test_netifd_tells_nonsense(plugin):
    plugin.state("wan", STATE)
    for interfaces in NONSENSE:
        plugin.netifd(interfaces)
        assert isinstance(plugin.call("status")["interfaces"], list), interfaces


def test_the_state_of_a_softwire_that_was_torn_down(plugin):
    plugin.netifd([SOFTWIRE])
    plugin.state("wan", STATE)
    (plugin.run / "wan.config").unlink()
    assert plugin.call("status")["interfaces"][0]["state"] is None


# Commands


def test_a_command_runs_in_the_background(plugin):
    plugin.does(f"echo one; {plugin.gate}; echo two; exit 1")
    assert plugin.call("run", command="doctor", interface="wan") == {"job": "doctor"}
    assert plugin.call("output", job="doctor", **{"from": 0})["done"] is False
    plugin.open()
    assert plugin.output("doctor") == ("one\ntwo\n", 1)
    assert plugin.called() == ["doctor", "--steps", "wan"]
    for command, words in (("probe", ["probe", "wan"]), ("report", ["doctor", "--report", "wan"])):
        plugin.call("run", command=command, interface="wan")
        plugin.output(command)
        assert plugin.called() == words
    plugin.call("look", interface="wan")
    plugin.output("status")
    assert plugin.called() == ["status", "--json", "wan"]


def test_one_of_a_kind_at_a_time(plugin):
    plugin.does(f"{plugin.gate}; echo $2")
    plugin.call("look", interface="wan")
    assert plugin.call("look", interface="other") == {"error": "BUSY", "what": "other"}
    assert plugin.call("run", command="probe", interface="wan") == {"job": "probe"}
    plugin.open()
    assert plugin.output("status")[1] == 0
    assert plugin.call("look", interface="other") == {"job": "status"}
    plugin.output("status")


def test_a_helper_that_hangs_is_ended(plugin):
    # Before the first call.
    text = plugin.source.read_text()
    assert "limit: 90" in text
    plugin.source.write_text(text.replace("limit: 90", "limit: 1"))
    plugin.does("echo begun; exec sleep 60")
    plugin.call("run", command="probe", interface="wan")
    text, status = plugin.output("probe")
    assert text == "begun\n" and status == 143


def test_the_helper_is_missing(plugin):
    plugin.helper.unlink()
    assert plugin.call("status")["helper"] is False
    assert plugin.call("run", command="doctor", interface="wan")["error"] == "NO_HELPER"


def test_no_room_for_a_job(plugin):
    plugin.jobs.write_text("")
    assert plugin.call("run", command="doctor", interface="wan")["error"] == "NO_JOB"
    assert plugin.call("output", job="doctor")["error"] == "NO_JOB"


def test_long_output_comes_in_parts(plugin):
    plugin.does("i=0; while [ $i -lt 3000 ]; do echo 'あ 0123456789012345678901234567890'; i=$((i+1)); done")
    plugin.call("run", command="report", interface="wan")
    text, status = plugin.output("report")
    assert status == 0 and text.count("\n") == 3000


HOSTILE = [
    "", "-x", "--report", ".", "..", "../x", "a/b", "a b", "$(reboot)", "`reboot`", ";reboot", "a\nb", "wan'", '"',
    "x" * 65, "x" * (1 << 20), "パ", "\ud800", "wan\u202e", "%s", "wan\0x", "doctor\0", "softbank\0",
]  # fmt: skip


def test_hostile_names(plugin):
    for method, message in [
        call
        for name in HOSTILE
        for call in (
            ("look", {"interface": name}),
            ("run", {"command": "doctor", "interface": name}),
            ("run", {"command": name, "interface": "wan"}),
            ("output", {"job": name}),
            ("plan", {"method": name}),
        )
    ]:
        assert plugin.call(method, **message)["error"] == "BAD_REQUEST", (method, message)
    assert plugin.called() is None


def test_wrong_types(plugin):
    """rpcd refuses most of it; what came through all the same is refused here."""
    for value in (None, 7, -1, 1.5, True, [], {}, ["wan"], {"a": 1}):
        for method, name in [(one, name) for one in METHODS[1:] for name in plugin.signature(one)]:
            said = plugin.call(method, **{name: value})
            assert said == INVALID_ARGUMENT or said["error"] in ("BAD_REQUEST", "NO_JOB"), (
                method,
                name,
                said,
            )
            assert "error" in plugin.ask(method, {name: value})
        assert plugin.call("status", x=value) == INVALID_ARGUMENT
    assert plugin.called() is None


def test_missing_arguments(plugin):
    for method in filter(plugin.signature, METHODS):
        assert plugin.call(method)["error"] == "BAD_REQUEST"


def test_the_words_of_configure(plugin):
    """As the form has them; no shell sees them."""
    options = {
        "auth_server": ["2001:db8::1", "radius.example"],
        "user_name": 'it\'s $(me) "x" あ',
        "mtu": "1400",
    }
    plugin.call("plan", method="softbank", wan="eth1", line="wan6", interface="wan", zone="", options=options)
    plugin.output("plan")
    called = plugin.called()
    assert called[:8] == ["configure", "softbank", "--wan", "eth1", "--interface", "wan", "--line", "wan6"]
    assert called[-1] == "--plan"
    for words in (["--auth-server", "2001:db8::1", "radius.example"], ["--mtu", "1400"],
                  ["--user-name", options["user_name"]]):  # fmt: skip
        at = called.index(words[0])
        assert called[at : at + len(words)] == words
    plugin.call("keep", method="softbank", add_zone=False, options={})
    plugin.output("keep")
    assert plugin.called() == ["configure", "softbank", "--keep"]
    plugin.call("plan", method="softbank", zone="out", add_zone=True)
    plugin.output("plan")
    assert plugin.called() == ["configure", "softbank", "--firewall-zone", "out", "--add-zone", "--plan"]


REFUSED = [
    {"shared_secret": "x"}, {"password": "x"}, {"mtu": 1400}, {"mtu": "--yes"}, {"a": ["--yes"]}, {"A": "x"},
    {"-x": "x"}, {"a b": "x"}, {"": "x"}, {"x" * 33: "x"}, {"a": ""}, {"a": None}, {"a": {"b": "c"}}, {"a": "b\nc"},
    {"a": "x" * 513}, {"a": ["x"] * 17}, {"a": [["x"]]}, {"a": "x\0--yes"}, {"a": ["b", "\0"]}, {"a": 1 << 62},
    {"a": [[[[[[[["x"]]]]]]]]}, {"a": {"b": {"c": {"d": ["x"]}}}}, {"a\0_password": 7},
]  # fmt: skip


def test_options_that_are_refused(plugin):
    """A secret among them: it would be an argument of a process."""
    for options in REFUSED:
        assert plugin.call("plan", method="softbank", options=options)["error"] == "BAD_REQUEST", options
    for place in ("wan", "interface", "line", "zone"):
        for text in ("--yes", "eth1\0--yes", "eth1\n", "x" * 65):
            assert plugin.call("plan", method="softbank", **{place: text})["error"] == "BAD_REQUEST", text
    for value in (1, "1", [True], {}):
        said = plugin.ask("plan", {"method": "softbank", "add_zone": value})
        assert said["error"] == "BAD_REQUEST", value
    assert plugin.called() is None


def test_the_firewall_looks_anew(plugin):
    """As procd is told of a changed /etc/config/firewall, behind whatever it has to do already."""
    plugin.asked()
    assert plugin.call("firewall") == {}
    event = {"type": "config.change", "data": {"package": "firewall"}}
    assert plugin.asked() == [["service", "event", event]]
    plugin.netifd(None)
    assert plugin.call("firewall")["error"] == "NO_PROCD"


def test_access(plugin):
    """What only looks is for readers; what sends packets or prepares a change is not."""
    acl = json.loads((PACKAGE / "root/usr/share/rpcd/acl.d/luci-proto-softwire.json").read_text())
    (group,) = acl.values()
    read, write = (group[word]["ubus"]["luci.softwire"] for word in ("read", "write"))
    assert sorted(read + write) == sorted(METHODS) and set(write) == {"run", "plan", "keep", "firewall"}
    assert "uci" not in group["read"]


def test_it_takes_no_time(plugin):
    """The budget is 50 ms of a router's time: no process is started, and few files are read (by ucode: make bench)."""
    plugin.netifd([SOFTWIRE, LINE] + [{**SOFTWIRE, "interface": f"wan{number}"} for number in range(20)])
    plugin.state("wan", STATE)
    assert len(plugin.call("status")["interfaces"]) == 21
