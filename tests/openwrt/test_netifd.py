# SPDX-License-Identifier: Apache-2.0
"""netifd's ways where no kernel is needed: JSON types, status layout, tunnels refused, prefixes and their
subnets, updates."""

import json
from types import SimpleNamespace

import pytest

import openwrt_root  # noqa: F401
from standin import addressing, blob, device, dump, handlers, protocol, status, tunnel
from standin.addressing import Address, Invalid, Route
from standin.prefixes import Assignments, Prefix
from standin.settings import Settings

TUNNEL = {
    "mode": "ipip6",
    "mtu": 1460,
    "ttl": 64,
    "local": "2001:db8::1",
    "remote": "2001:db8:b::1",
    "link": "wan6",
    "data": {"encaplimit": "ignore"},
}


def test_a_wrong_type_does_not_exist():
    policy = {"number": blob.INT32, "flag": blob.BOOL, "text": blob.STRING}
    assert blob.select(policy, {"number": "1", "flag": 1, "text": 5, "more": 1}) == {}
    good = {"number": 1, "flag": True, "text": "x"}
    assert blob.select(policy, good) == good
    assert blob.select(policy, {"number": 1 << 31}) == {}, "a 64-bit number is another type"


def test_uci_to_json():
    policy = {"mtu": blob.INT32, "on": blob.BOOL, "name": blob.STRING, "servers": blob.ARRAY}
    options = {"mtu": "1460", "on": "yes", "name": ["a", "b"], "servers": "one two", "undeclared": "x"}
    assert blob.from_uci(policy, options) == {"mtu": 1460, "on": True, "servers": ["one", "two"]}
    assert blob.from_uci(policy, {"mtu": "14x", "on": "perhaps", "name": "n", "servers": ["a b"]}) == {
        "name": "n",
        "servers": ["a b"],
    }


@pytest.mark.parametrize(
    "name",
    [
        "wan6-status.json",
        "wan-status.json",
        "lan-status.json",
        "proto-handlers.json",
        "wan-status-after-wan6-down.json",
    ],
)
def test_text_of_ubus_call(name, recorded):
    text = recorded(name)
    assert blob.pretty(json.loads(text)) == text.rstrip("\n")


def test_handler_declarations(recorded):
    real = json.loads(recorded("proto-handlers.json"))
    for line in recorded("handler-dump.txt").splitlines():
        if line.strip():
            handler = handlers.parse_dump(line, "./x.sh")
            assert handler.shown() == real[handler.name]
    static = handlers.Handler(
        "static",
        None,
        handlers.STATIC_OPTIONS,
        handlers.STATIC_VALIDATE,
        {"immediate": True, "force-link": True},
    )
    assert static.shown() == real["static"]


def test_only_executable_handlers(tmp_path):
    script = '#!/bin/sh\necho \'{ "name": "%s", "config": [ [ "x", 3 ] ] }\'\n'
    for name, mode in (("one", 0o755), ("two", 0o644)):
        (tmp_path / f"{name}.sh").write_text(script % name)
        (tmp_path / f"{name}.sh").chmod(mode)
    known = handlers.Handlers(str(tmp_path))
    assert known.find("one").options == {"x": blob.STRING} and known.find("two") is None


def fake_interface(**more):
    it = SimpleNamespace(
        name="wan",
        updated=set(),
        metric=0,
        dns_metric=0,
        ip4table=None,
        ip6table=None,
        errors=[],
        data={},
        zone=None,
        state="up",
        available=True,
        autostart=True,
        dynamic=False,
        start_time=0,
        l3=SimpleNamespace(device=None),
        main=SimpleNamespace(device=None),
        assign_weight=0,
        handler=SimpleNamespace(name="swp", no_device=True),
        assignments=SimpleNamespace(
            of=lambda _: [], put=lambda *_: None, drop=lambda _: None, interface_enabled=lambda *_: None
        ),
        write_resolv=lambda: None,
        add_error=lambda *_: None,
        **more,
    )
    it.proto_settings, it.config_settings = Settings(it), Settings(it)
    return it


@pytest.fixture
def commands(monkeypatch):
    """Every `ip` call as one line; the kernel says yes."""
    calls = []
    monkeypatch.setattr(addressing.kernel, "ip", lambda *words: calls.append(" ".join(words)) or True)
    return calls


def test_status_has_the_recorded_fields_in_order(recorded):
    it = fake_interface()
    it.updated = {"addresses", "data", "routes"}
    it.l3.device = SimpleNamespace(ifname="sw-wan")
    real = json.loads(recorded("wan-status.json"))
    mine = dump.interface(it)
    assert list(mine) == list(real) and list(mine["inactive"]) == list(real["inactive"])
    assert mine["updated"] == real["updated"]
    it.state, it.errors, it.available = "down", [{"subsystem": "interface", "code": "NO_DEVICE"}], False
    assert dump.interface(it) == json.loads(recorded("wan-status-after-wan6-down.json"))


def test_an_alias_without_its_interface_is_not_shown():
    """As for a second while the interface that it names becomes another one, which `softwire configure` waits out."""
    it = fake_interface()
    it.handler.no_device = False
    it.main.device = device.Alias(SimpleNamespace(), "@wan")
    assert "device" not in dump.interface(it)
    it.main.device.target = SimpleNamespace(ifname="eth1")
    assert dump.interface(it)["device"] == "eth1"


def test_ipip6():
    words = " ".join(tunnel.words_for("sw-wan", TUNNEL, "eth1"))
    assert words == (
        "link add name sw-wan type ip6tnl mode ipip6 ttl 64 local 2001:db8::1 remote 2001:db8:b::1 "
        "dev eth1 encaplimit none"
    )


@pytest.mark.parametrize(
    "data, limit",
    [
        ({"encaplimit": "ignore"}, "none"),
        ({}, "none"),
        ({"encaplimit": "4"}, "4"),
        ({"encaplimit": "0"}, "0"),
        ({"encaplimit": 4}, "none"),
    ],
)
def test_encaplimit(data, limit):
    assert tunnel.words_for("t", dict(TUNNEL, data=data), None)[-2:] == ["encaplimit", limit]


def test_no_data_leaves_the_kernel_default():
    config = {name: value for name, value in TUNNEL.items() if name != "data"}
    assert tunnel.words_for("t", config, None)[-2:] == ["encaplimit", "4"]


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"encaplimit": "none"}},
        {"data": {"encaplimit": "256"}},
        {"ttl": 256},
        {"mode": "sit6"},
        {"local": "192.0.2.1"},
        {"remote": "2001:db8::x"},
        {"local": "2001:db8::1/128"},
    ],
)
def test_tunnels_that_netifd_refuses(change):
    with pytest.raises(tunnel.Refused):
        tunnel.words_for("t", dict(TUNNEL, **change), None)


def test_prefix_is_one_argument():
    prefix = Prefix.parse("2001:db8:4000:300::/56,600,900,class=x", None)
    assert (prefix.address, prefix.length, prefix.kind_class) == ("2001:db8:4000:300::", 56, "x")
    assert prefix.lifetimes() == {"preferred": 600, "valid": 900}
    for bad in ("2001:db8::", "2001:db8::/65", "2001:db8::/0", "x/56", "192.0.2.0/24"):
        with pytest.raises(Invalid):
            Prefix.parse(bad, None)


def lan(name, length, hint=None, weight=0):
    return SimpleNamespace(
        name=name,
        assign_length=length,
        assign_hint=hint,
        assign_classes=[],
        assign_weight=weight,
        l3=SimpleNamespace(device=None),
        state="down",
    )


def test_subnets(commands):
    log = SimpleNamespace(netifd=lambda *_, **__: None)
    assignments = Assignments(log, lambda: None)
    interfaces = {
        each.name: each for each in (lan("lan", 64), lan("guest", 64), lan("far", 64, 0x10), lan("big", 60))
    }
    assignments.interfaces = lambda: interfaces
    prefix = Prefix.parse("2001:db8:4000:300::/56,600,900", None)
    assignments.put(prefix, None)
    assert {name: item["address"] for name, item in prefix.shown()["assigned"].items()} == {
        "big": "2001:db8:4000:300::",
        "far": "2001:db8:4000:310::",
        "guest": "2001:db8:4000:311::",
        "lan": "2001:db8:4000:312::",
    }
    assert commands == ["-6 route replace unreachable 2001:db8:4000:300::/56 proto static metric 2147483647"]
    interfaces.clear()
    interfaces["lan"] = lan("lan", 64)
    assignments.refresh()
    assert prefix.assigned["lan"].subnet == 0, "alone, the LAN has subnet 0"


def test_lifetimes():
    item = Address.from_update(
        {"ipaddr": "2001:db8::1", "mask": "64", "preferred": 60, "valid": 90}, True, 0, False
    )
    assert item.shown() == {"address": "2001:db8::1", "mask": 64, "preferred": 60, "valid": 90}
    assert Address.from_update({"ipaddr": "2001:db8::1", "valid": -1}, True, 0, False).valid_until == 0
    for bad in (
        {"ipaddr": "2001:db8::1", "preferred": 90, "valid": 60},
        {"ipaddr": "192.0.2.1"},
        {"mask": "64"},
        {"ipaddr": "2001:db8::1", "mask": "129"},
    ):
        with pytest.raises(Invalid):
            Address.from_update(bad, True, 0, False)


def test_source_specific_route(recorded):
    real = json.loads(recorded("wan6-status.json"))["route"][0]
    route = Route.from_update(
        {
            "target": "::",
            "netmask": "0",
            "gateway": "fe80::1",
            "metric": 512,
            "valid": 1798,
            "source": "2001:db8:4000:200::/56",
        },
        True,
    )
    assert route.shown() == real
    assert " ".join(route.words("eth0")) == (
        "default from 2001:db8:4000:200::/56 via fe80::1 dev eth0 proto static metric 512"
    )


def test_update_replaces_what_it_does_not_repeat(commands):
    it = fake_interface()
    it.l3.device = SimpleNamespace(ifname="sw-wan")
    settings = it.proto_settings
    address = {"ipaddr": [{"ipaddr": "203.0.113.7", "mask": "32"}]}
    for update in (address, address):
        it.updated = set()
        settings.begin()
        settings.from_update(update, False)
        settings.finish()
    assert (
        commands == ["-4 addr replace 203.0.113.7/32 broadcast 255.255.255.255 dev sw-wan"] and not it.updated
    )
    settings.begin(keep=True)
    settings.add_routes([{"target": "0.0.0.0", "netmask": "0"}], False)
    settings.finish()
    assert len(settings.addresses) == 1 and len(settings.routes) == 1
    settings.begin()
    settings.finish()
    assert not settings.addresses and commands[-1] == "-4 addr del 203.0.113.7/32 dev sw-wan"


def test_no_default_route(commands):
    it = fake_interface()
    it.l3.device = SimpleNamespace(ifname="sw-wan")
    it.proto_settings.no_defaultroute = True
    it.proto_settings.add_routes([{"target": "0.0.0.0", "netmask": "0"}], False)
    assert commands == [] and it.proto_settings.route_to("0.0.0.0", False) is None


def external(interface):
    daemon = SimpleNamespace(loop=None, handlers=SimpleNamespace(directory="/"))
    interface.daemon, interface.log, interface.config = daemon, print, {}
    return protocol.External(
        SimpleNamespace(name="swp", script="x", renewable=False, no_task=False), interface
    )


@pytest.mark.parametrize(
    "message, code",
    [
        ({}, status.INVALID_ARGUMENT),
        ({"action": "0"}, status.INVALID_ARGUMENT),
        ({"action": 8}, status.INVALID_ARGUMENT),
        ({"action": 0}, status.INVALID_ARGUMENT),
        ({"action": 0, "link-up": 1}, status.INVALID_ARGUMENT),
        ({"action": 1, "command": "sleep 1"}, status.INVALID_ARGUMENT),
        ({"action": 1, "command": ["x"] * 63}, status.INVALID_ARGUMENT),
        ({"action": 1, "command": ["x"], "env": ["A=1"] * 31}, status.INVALID_ARGUMENT),
        ({"action": 3, "error": []}, status.INVALID_ARGUMENT),
        ({"action": 3, "error": [1]}, status.INVALID_ARGUMENT),
        ({"action": 6, "host": "nowhere"}, status.INVALID_ARGUMENT),
        ({"action": 4}, status.OK),
    ],
)
def test_messages_of_a_handler(message, code):
    assert external(fake_interface()).notify(message) == code


@pytest.mark.parametrize("action", [0, 1, 6])
def test_refused_in_teardown(action):
    it = external(fake_interface())
    it.state = "teardown"
    assert (
        it.notify({"action": action, "link-up": True, "command": ["x"], "host": "::"})
        == status.PERMISSION_DENIED
    )
