# SPDX-License-Identifier: Apache-2.0
"""softwired's rpcd plugin: what it tells, and everything that a browser can send to it."""

import json

import pytest

from tests.luci.plugin import INVALID_ARGUMENT
from tests.luci.server import SOFTWIRED
from tests.luci.services import SERVICES, Softwired
from tests.luci.test_luci_plugin import HOSTILE


@pytest.fixture
def plugin(tmp_path):
    made = Softwired(tmp_path)
    yield made
    made.close()


def test_status(plugin):
    plugin.runs("dstm", "tep", "tunnels", "tunnels_page", ready=["dstm", "tunnels"])
    said = plugin.call("status")
    assert said["procd"] is True and said["helper"] is True
    found = {one["name"]: one for one in said["services"]}
    assert list(found) == list(SERVICES)
    assert {name for name, one in found.items() if one["running"]} == {"dstm", "tep", "tunnels"}
    assert {name for name, one in found.items() if one["ready"]} == {"dstm", "tunnels"}
    assert {name for name, one in found.items() if one["table"]} == {"dstm", "tep", "tunnels"}
    assert found["tunnels"]["page"] is True and found["dstm"]["page"] is None


def test_a_socket_that_a_killed_service_left(plugin):
    """Nobody is asked there; where procd does not answer it may be one that runs."""
    plugin.runs("tep", ready=["dstm", "tep"])
    assert {one["name"] for one in plugin.call("status")["services"] if one["ready"]} == {"tep"}
    plugin.ubus(None)
    assert {one["name"] for one in plugin.call("status")["services"] if one["ready"]} == {"dstm", "tep"}


def test_status_starts_no_process(plugin):
    plugin.runs("dstm")
    plugin.call("status")
    assert plugin.called() is None and not plugin.jobs.exists()


def test_only_what_is_installed(plugin):
    plugin.installed("tep")
    assert [one["name"] for one in plugin.call("status")["services"]] == ["tep"]
    plugin.installed()
    plugin.helper.unlink()
    said = plugin.call("status")
    assert said["services"] == [] and said["helper"] is False


def test_procd_is_silent_or_tells_nonsense(plugin):
    plugin.ubus(None)
    assert plugin.call("status")["procd"] is False
    for instances in (7, [], {"dstm": 7}, {"dstm": {"running": "yes"}}):
        plugin.ubus({"service list": {"softwired": {"instances": instances}}})
        assert not any(one["running"] for one in plugin.call("status")["services"]), instances
    for told in ([], 7, "x", {"softwired": 7}):
        plugin.ubus({"service list": told})
        assert not any(one["running"] for one in plugin.call("status")["services"]), told


def test_the_words_of_the_commands(plugin):
    plugin.runs(*SERVICES)
    plugin.does("echo '{}'")
    for service in SERVICES:
        assert plugin.call("ask", question="status", service=service) == {"job": f"status-{service}"}
        assert plugin.output(f"status-{service}") == ("{}\n", 0)
        assert plugin.called() == [
            "--config",
            str(plugin.root / "softwired.toml"),
            service,
            "status",
            "--json",
        ]
    for service, words in (("dstm", ["leases"]), ("tep", ["mappings"]), ("tunnels", ["list"])):
        plugin.call("ask", question="table", service=service)
        plugin.output(f"table-{service}")
        assert plugin.called()[2:] == [service, *words, "--json"]
    assert plugin.call("check") == {"job": "check"}
    plugin.output("check")
    assert plugin.called() == ["check"]


def test_a_service_that_does_not_run_is_not_asked(plugin):
    """Its database would be made, and be root's."""
    plugin.runs("dstm", ready=[])
    for question in ("status", "table"):
        said = plugin.call("ask", question=question, service="dstm")
        assert said == {"error": "NOT_RUNNING", "what": "dstm"}
    assert plugin.called() is None


def test_one_of_a_kind_at_a_time(plugin):
    plugin.runs("dstm", "tep")
    plugin.does(plugin.gate)
    plugin.call("ask", question="table", service="dstm")
    assert plugin.call("ask", question="table", service="dstm") == {"error": "BUSY", "what": "dstm"}
    assert plugin.call("ask", question="table", service="tep") == {"job": "table-tep"}
    plugin.open()
    assert plugin.output("table-dstm")[1] == plugin.output("table-tep")[1] == 0


def test_a_program_that_hangs_is_ended(plugin):
    text = plugin.source.read_text()
    assert "check: 60" in text
    plugin.source.write_text(text.replace("check: 60", "check: 1"))
    plugin.does("echo begun; exec sleep 60")
    plugin.call("check")
    assert plugin.output("check") == ("begun\n", 143)


def test_the_program_is_missing(plugin):
    plugin.runs("dstm")
    plugin.helper.unlink()
    assert plugin.call("ask", question="status", service="dstm")["error"] == "NO_HELPER"
    assert plugin.call("check")["error"] == "NO_HELPER"


def test_no_room_for_a_job(plugin):
    plugin.jobs.write_text("")
    assert plugin.call("check")["error"] == "NO_JOB"
    assert plugin.call("output", job="check")["error"] == "NO_JOB"


def test_hostile_words(plugin):
    plugin.runs(*SERVICES)
    for word in [
        *HOSTILE,
        "dstm ",
        "dstm\0",
        "DSTM",
        "../dstm",
        "status",
        "softwired",
        "__proto__",
        "constructor",
        "check",
    ]:
        for method, message in (
            ("ask", {"question": "status", "service": word}),
            ("ask", {"question": "table", "service": word}),
            ("ask", {"question": word, "service": "dstm"} if word != "status" else {"question": "x"}),
            ("output", {"job": word} if word != "check" else {"job": "check-"}),
        ):
            assert plugin.call(method, **message)["error"] == "BAD_REQUEST", (method, message)
    # Services without a table have none.
    assert plugin.call("ask", question="table", service="prefix64")["error"] == "BAD_REQUEST"
    assert plugin.called() is None


def test_wrong_types(plugin):
    """rpcd refuses most of it; what came through all the same is refused here."""
    for value in (None, 7, -1, 1.5, True, [], {}, ["dstm"], {"a": 1}):
        for method, name in (("ask", "question"), ("ask", "service"), ("output", "job"), ("output", "from")):
            said = plugin.call(method, **{name: value})
            assert said == INVALID_ARGUMENT or said["error"] == "BAD_REQUEST", (method, name, said)
            assert plugin.ask(method, {name: value})["error"] == "BAD_REQUEST"
        assert plugin.call("status", x=value) == plugin.call("check", x=value) == INVALID_ARGUMENT
    assert plugin.call("ask")["error"] == plugin.call("output")["error"] == "BAD_REQUEST"
    assert plugin.called() is None


def test_access(plugin):
    """What only looks is for readers; what writes the file that softwired reads is not; no other configuration is."""
    (group,) = json.loads(
        (SOFTWIRED / "root/usr/share/rpcd/acl.d/luci-app-softwired.json").read_text()
    ).values()
    read, write = (group[word]["ubus"][plugin.object] for word in ("read", "write"))
    assert sorted(read + write) == sorted(plugin.methods) and write == ["check"]
    assert group["read"]["uci"] == ["softwired", "network"] and group["write"]["uci"] == ["softwired"]
