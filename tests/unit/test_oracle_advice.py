# SPDX-License-Identifier: Apache-2.0
"""What is advised can be done and helps: each code's advice is carried out here, or the test that does so is named."""

import os
import re
from pathlib import Path

import pytest

from softwire import command, doctor, probe, provisioning
from softwire.codes import CODES
from softwire.doctor import tunnel
from softwire.doctor.finding import ADVICE
from softwire.doctor.written import NETIFD, handed_over
from softwire.errors import ProvisioningError
from softwire.provisioning.softbank import explain
from test_doctor import ENDPOINT, RULES, Stage
from test_oracle_docs import rows

ROOT = Path(__file__).resolve().parents[2]
CODES_PAGE = (ROOT / "docs/codes.md").read_text(encoding="utf-8")
LOG = (Path(__file__).parent / "recorded/log-25.12.txt").read_text(encoding="utf-8").splitlines()
FLETS = set(
    re.findall(
        r"proto_config_add_\w+ (\w+)", (ROOT / "lib/netifd/proto/flets.sh").read_text(encoding="utf-8")
    )
)
# Options of other packages: netifd's of a LAN, odhcpd's, fw4's, stock DHCPv6's.
OTHERS = {
    "iface_map",
    "iface_464xlat",
    "ip6assign",
    "master",
    "dhcp_default_duid",
    "network",
    "masq",
    "mtu_fix",
    "src",
    "dest",
    "auto_includes",
}
KNOWN = set(provisioning.known()) | FLETS | set(NETIFD) | OTHERS
PACKAGES = {"kmod-ip6-tunnel", "micropython-mbedtls", "micropython-nossl"}
PROGRAMS = {
    "uci",
    "ifup",
    "logread",
    "softwire",
    "ip",
    "nft",
    "df",
    "du",
    "sort",
    "tail",
    "ubus",
    "opkg",
    "apk",
}
SERVICES = {"/etc/init.d/network reload", "/etc/init.d/network restart", "/etc/init.d/firewall reload"}


PASSTHRU = "0011000e000000d200c90006525400123401"  # option 17 with the MAC echo

# --- a router that does what it is told


def down(stage):
    stage.statuses["wan"].update({"up": False, "l3_device": None})
    stage.states = {}


def uci(*commands):
    """The configuration is changed, and loaded."""

    def make(stage):
        stage.uci_commands += commands
        settle(stage)

    return make


def settle(stage):
    """What netifd and fw4 make of /etc/config, as far as these advices touch it."""
    sections = {name: options for name, _, options in stage.uci("network")}
    wan, wan6 = sections["wan"], sections["wan6"]
    stage.settings_of = {"wan": handed_over(wan)}
    stage.files["/sys/class/net/sw-wan/mtu"] = str(handed_over(wan).get("mtu") or 1460)
    words = ["odhcp6c"] + (["-P0"] if wan6.get("reqprefix") != "no" else [])
    words += ["-c" + wan6["clientid"]] if "clientid" in wan6 else []
    words += ["-r17"] if wan6["proto"] == "flets" or wan6.get("reqopts") == "17" else []
    stage.commands = [[*words, "eth0"], *stage.commands[-1:]]
    if "data" in stage.statuses["wan6"]:
        stage.statuses["wan6"]["data"]["passthru"] = PASSTHRU if "-r17" in words else ""
    for prefix in stage.statuses["wan6"].get("ipv6-prefix") or []:
        prefix["assigned"] = (
            {"lan": {"address": "2001:db8:4000:300::"}} if "ip6assign" in sections["lan"] else {}
        )
    zones = [options for _, kind, options in stage.uci("firewall") if kind == "zone"]
    zone = [options for options in zones if options["name"] == "wan"][0]
    rules = RULES if "wan" in zone["network"] else RULES.replace("sw-wan", "sw-old")
    rules = rules if zone.get("masq") == "1" else rules.replace("masquerade", "accept")
    stage.outputs["nft list table inet fw4"] = (
        rules if zone.get("mtu_fix") == "1" else rules.replace("maxseg", "x")
    )


def unanswered(stage):
    """odhcp6c has no answer; the doctor's own questions tell why."""
    down(stage)
    for name in ("ipv6-prefix", "data"):
        stage.statuses["wan6"].pop(name)


def stateless(stage):
    unanswered(stage)
    stage.network.offer, stage.network.reply = None, []


def other_duid(stage):
    unanswered(stage)
    uci("set network.wan6.clientid=00020000abcd")(stage)


def reset(**attributes):
    def make(stage):
        for name, value in attributes.items():
            setattr(stage.network, name, value)

    return make


def file(path, text):
    return lambda stage: stage.files.update({path: text})


def refused(code, text="nobody"):
    """The exchange ends like this."""

    def make(stage):
        def dry_run(*_):
            raise ProvisioningError(code, text)

        tunnel.dry_run = dry_run

    return make


def answered(**answer):
    """The exchange is answered with difficulty."""

    def make(stage):
        def dry_run(interface, method, line, tell):
            method.answer = {"server": "[2001:db8:1812::1]:1812", **answer}
            return method.provision(line, 0)

        tunnel.dry_run = dry_run

    return make


SOFTBANK = {
    "tunlink": "wan6",
    "provisioning": "softbank",
    "auth_server": "2001:db8:1812::1",
    "shared_secret": "s",
    "password": "p",
}


def wants_signed(stage):
    """A RADIUS server that is silent until it is asked with Message-Authenticator."""
    uci(*[f"set network.wan.{name}={value}" for name, value in SOFTBANK.items()])(stage)

    def exchange(method, line, source, prefix):
        if not method.signed:
            raise ProvisioningError("NO_ANSWER", "silent")
        method.answer = {"server": "[2001:db8:1812::1]:1812"}

    def dry_run(interface, method, line, tell):
        method.exchange = exchange.__get__(method)
        method.exchange(line, 0, 0)
        return provisioning.load(static).provision(line, 0)

    static = {
        "tunlink": "wan6",
        "provisioning": "static",
        "peeraddr": "2001:db8:b::1",
        "ipaddr": "203.0.113.7",
    }
    tunnel.dry_run = dry_run


def lost_client(stage):
    unanswered(stage)
    stage.commands = []


def silent_from_the_start(**attributes):
    def make(stage):
        unanswered(stage)
        stage.statuses["wan6"]["route"] = []
        reset(**attributes)(stage)

    return make


def shared_64(stage):
    stage.statuses["wan6"].pop("ipv6-prefix")
    stage.statuses["wan6"]["ipv6-address"] = [
        {"address": "2001:db8:4000:900::1", "mask": 64, "preferred": 600, "valid": 900}
    ]


def moved(stage):
    octets = stage.network.offer[0][1].replace(b"\x40\0\x03", b"\x40\0\x05")
    stage.network.offer = [(25, octets)]


def renumbered(stage):
    """The line has another prefix now, and the softwire is still the one of before."""
    stage.statuses["wan6"]["ipv6-prefix"][0]["address"] = "2001:db8:4000:500::"
    stage.addresses.append(ENDPOINT.replace(":300:", ":500:"))


def map_offered(stage):
    stage.statuses["wan6"]["proto"] = "dhcpv6"
    stage.network.offer.append((94, b""))


def cannot_send(stage):
    def echo(*_, **__):
        raise OSError(1)

    stage.network.echo = echo


def comes_up(stage):
    known = dict(stage.statuses["wan"])
    stage.statuses["wan"] = dict(known, up=False)

    def solicit_router(device):
        stage.statuses["wan"] = known
        return stage.network.advertisement

    stage.network.solicit_router = solicit_router


def reminded(stage):
    def dry_run(interface, method, line, tell):
        stage.network.resolver = "answers"
        return method.provision(line, 0)

    tunnel.dry_run = dry_run
    stage.network.router_behind = stage.network.resolver = None


def netifd_silent(stage):
    def status(interface):
        raise ProvisioningError("NETIFD_SILENT", "netifd does not answer")

    stage.status = status


def handover_refused(stage):
    down(stage)
    stage.states = {"wan": {"error": {"code": "HANDOVER_REFUSED", "text": "refused"}, "next": 1042}}


def handed_on_down(stage):
    down(stage)
    stage.states = {"wan": {"error": {"code": "HANDED_ON_DOWN", "text": "NO_MATCHING_PD"}, "next": 1042}}


def many(*steps):
    def make(stage):
        for step in steps:
            step(stage)

    return make


# --- the table


def used_up(stage):
    """One port, and a connection that has it."""
    stage.states["wan"]["tunnel"] = {**stage.states["wan"]["tunnel"], "ports": [0, 16, 5000]}
    stage.outputs["nft list chain ip softwire nat_wan"] = 'oifname "sw-wan" masquerade to :5000-5000'
    stage.list = os.memfd_create("connections")
    os.write(
        stage.list, b"ipv4 2 udp 17 9 src=192.0.2.9 dst=203.0.113.7 sport=53 dport=5000 src=203.0.113.7\n"
    )
    stage.connections = f"/proc/self/fd/{stage.list}"


# What is done about it here: then the code is gone.
DONE = {
    "BAD_CONFIG": uci("delete network.wan.ipaddr", "add_list network.wan.ipaddr=203.0.113.7"),
    "NOT_HANDED_OVER": uci("add_list network.wan.ttl=63"),
    "NOT_RELOADED": many(settle, lambda stage: stage.uci_commands.append("set network.wan.ttl=63")),
    "NOT_DUID_LL": other_duid,
    "STATELESS_ONLY": stateless,
    "PREFIX_NOT_ASKED": many(unanswered, uci("set network.wan6.reqprefix=no")),
    "NO_LAN_PREFIX": uci("delete network.lan.ip6assign"),
    "NO_VENDOR_OPTIONS": uci("set network.wan6.proto=dhcpv6"),
    "MESSAGE_AUTHENTICATOR": wants_signed,
    "FEW_HOPS": many(reset(router_behind=None, resolver=None), uci("set network.wan.ttl=3")),
    "MTU_TOO_BIG": uci("set network.wan.mtu=1480"),
    "MTU_TOO_SMALL": uci("set network.wan.mtu=1400"),
    "PATH_MTU": many(settle, reset(largest=1411)),
    "NO_ZONE": many(
        settle, uci("delete firewall.@zone[1].network", "add_list firewall.@zone[1].network=wan6")
    ),
    "NO_MASQ": uci("set firewall.@zone[1].masq=0"),
    "NO_MTU_FIX": uci("delete firewall.@zone[1].mtu_fix"),
    "NO_FORWARDING": uci("set firewall.@forwarding[0].dest=vpn"),
    "FIREWALL_NOT_LOADED": lambda stage: stage.outputs.update(
        {"nft list table inet fw4": RULES.replace("sw-wan", "sw-old")}
    ),
}
DIAGNOSIS, FAULTS, BAD_INPUT, PHONE, HANDED_ON = (
    f"tests/system/test_{name}.py::"
    for name in ("diagnosis", "faults", "bad_input", "telephone", "handed_on")
)
CONFIGURE = "tests/handler/test_configure_command.py::"
# What machines, servers or other programs have to do: how it comes to be here (None: not the doctor's), the test.
ELSEWHERE = {
    "MISSING_PACKAGE": (lambda stage: stage.folders.pop("/sys/module"), DIAGNOSIS + "test_module_missing"),
    "LINE_NOT_DUID_LL": (None, DIAGNOSIS + "test_client_id"),
    "NO_RUN_DIRECTORY": (lambda stage: setattr(stage, "error", 28), FAULTS + "test_run_directory_full"),
    "NETIFD_SILENT": (netifd_silent, DIAGNOSIS + "test_netifd_busy"),
    "NO_LINE": (uci("set network.wan.tunlink=wan7"), BAD_INPUT + "test_mended"),
    "NO_PORT": (lambda stage: stage.folders.update({"/sys/class/net": ["lo"]}), DIAGNOSIS + "test_cable"),
    "NO_INTERFACE": (lambda stage: stage.statuses.pop("wan"), BAD_INPUT + "test_mended"),
    "NOT_LEARNT": (
        lambda stage: stage.statuses["wan"].update(proto="none"),
        "tests/system/test_package_manager.py::test_removed_and_installed_again",
    ),
    "TURNED_OFF": (lambda stage: stage.statuses["wan6"].update(autostart=False), DIAGNOSIS + "test_cable"),
    "NO_DHCPV6_CLIENT": (lost_client, FAULTS + "test_reload_and_ifup_in_every_state"),
    "PREFIX_TOO_LONG": (None, DIAGNOSIS + "test_prefix_too_long"),
    "ONLY_ONLINK_PREFIX": (None, "tests/system/test_profiles.py::test_next"),
    "PREFIX_MOVED": (moved, FAULTS + "test_dhcpv6_server_gone"),
    "NO_LAN_RELAY": (shared_64, "tests/system/test_profiles.py::test_next"),
    "ENDPOINT_TAKEN": (
        file("/proc/net/if_inet6", "20010db8400003001111111111111111 01 80 00 80 br-lan"),
        DIAGNOSIS + "test_endpoint",
    ),
    "NO_ENDPOINT": (lambda stage: stage.addresses.remove(ENDPOINT), DIAGNOSIS + "test_endpoint"),
    "NO_ROUTE": (reset(unreached=101), DIAGNOSIS + "test_route"),
    "NO_ANSWER": (refused("NO_ANSWER"), FAULTS + "test_radius_silent"),
    "SECRET_MISMATCH": (refused("SECRET_MISMATCH"), BAD_INPUT + "test_mended"),
    "AUTH_REJECTED": (refused("AUTH_REJECTED"), BAD_INPUT + "test_mended"),
    "BAD_ANSWER": (refused("BAD_ANSWER"), DIAGNOSIS + "test_answer_is_shown"),
    "HANDOVER_REFUSED": (handover_refused, DIAGNOSIS + "test_handover_refused"),
    "HANDED_ON_DOWN": (handed_on_down, HANDED_ON + "test_an_interface_that_does_not_come_up"),
    "NOT_UP": (down, FAULTS + "test_reload_and_ifup_in_every_state"),
    "JUST_UP": (comes_up, FAULTS + "test_client_killed_in_every_state"),
    "PARAMETERS_CHANGED": (
        lambda stage: stage.states["wan"].update(tunnel={**stage.states["wan"]["tunnel"], "mtu": 1459}),
        DIAGNOSIS + "test_parameters_changed",
    ),
    "NOT_SENT": (cannot_send, FAULTS + "test_reload_and_ifup_in_every_state"),
    "BORDER_ROUTER_SILENT": (reset(router_behind=None, resolver=None), DIAGNOSIS + "test_border_router"),
    "WRONG_SOURCE": (
        many(reset(router_behind=None, resolver=None), renumbered),
        FAULTS + "test_reload_and_ifup_in_every_state",
    ),
    "VOIP_OFF": (None, PHONE + "test_off"),
    "NO_SIP_LEASE": (None, PHONE + "test_nobody_answers"),
    "NO_SIP_DATA": (None, PHONE + "test_hostile"),
    "NO_FIREWALL_ZONE": (None, CONFIGURE + "test_without_the_zone"),
    "UNCOMMITTED": (None, CONFIGURE + "test_other_changes_wait"),
    "CANNOT_WRITE": (None, "tests/system/test_first_configuration.py::test_a_full_flash_loses_nothing"),
    "DHCPV6_WAITS": (unanswered, FAULTS + "test_reload_and_ifup_in_every_state"),
    "NO_HOST": (
        many(reset(resolver=None), lambda stage: stage.statuses["wan"].update({"dns-server": []})),
        DIAGNOSIS + "test_host",
    ),
    "IPV4_DEAD": (reset(resolver=None), DIAGNOSIS + "test_ipv4_dead"),
    "PORTS_USED_UP": (used_up, "tests/system/test_shared_address.py::test_every_port_and_one_more"),
    "NO_DEFAULT_ROUTE": (
        many(down, reset(advertisement=OSError(1)), lambda stage: stage.statuses["wan6"].update(route=[])),
        BAD_INPUT + "test_mended",
    ),
}
PEOPLE = "a person, at the line"
OPERATOR = "the operator"
NOTHING = "nothing is to be done"
# What no program can do.
NOBODY = {
    "INTERNAL": (lambda stage: stage.statuses["wan6"].update({"ipv6-prefix": [3]}), "a report"),
    "POOL_EXHAUSTED": (None, OPERATOR),
    "TEP_FAILED": (None, OPERATOR),
    "LEASE_ENDED": (None, NOTHING),
    "ENDPOINT_REFUSED": (None, OPERATOR),
    "SERVER_BUSY": (None, NOTHING),
    "SERVER_REFUSED": (None, OPERATOR),
    "NO_MD5": (None, "another interpreter is installed"),
    "NO_MAC": (file("/sys/class/net/eth0/address", ""), PEOPLE),
    "NO_CARRIER": (file("/sys/class/net/eth0/carrier", "0"), PEOPLE),
    "NO_RA": (silent_from_the_start(advertisement=None), PEOPLE),
    "RA_NO_DEFAULT": (lambda stage: setattr(stage.network.advertisement, "lifetime", 0), PEOPLE),
    "RA_SILENT": (reset(advertisement=None), NOTHING),
    "NO_PREFIX": (many(unanswered, reset(offer=[])), OPERATOR),
    "NO_DHCPV6": (many(unanswered, reset(offer=None)), PEOPLE),
    "DHCPV6_SILENT": (reset(offer=None), NOTHING),
    "BAD_OPTION": (lambda stage: stage.statuses["wan6"]["data"].update(passthru="0011"), NOTHING),
    "ANSWERED_LATE": (answered(tries=2), NOTHING),
    "ANSWERED_TWICE": (answered(copies=2), NOTHING),
    "BAD_REPLIES": (answered(ignored={"authenticator": 1}), NOTHING),
    "OTHER_DEFAULT_ROUTE": (file("/proc/net/route", ""), "who wants IPv4 to leave elsewhere"),
    "BORDER_ROUTER_FORGOT": (reminded, NOTHING),
    "PATH_BROKEN": (reset(largest=500), OPERATOR),
    "NOT_ASKED": (reset(advertisement=OSError(1)), NOTHING),
    "NO_FW4": (lambda stage: stage.outputs.pop("nft list table inet fw4"), "another firewall's own way"),
    "CLOCK_WRONG": (None, NOTHING),
    "S46_WITHOUT_MAP": (map_offered, "another package is installed"),
    "NO_AFTR": (None, OPERATOR),
    "NO_4O6_SERVER": (None, OPERATOR),
    "LEASE_REFUSED": (None, NOTHING),
    "NAME_UNKNOWN": (None, OPERATOR),
    "NAME_UNRESOLVED": (None, NOTHING),
    "NO_DISCOVERY": (None, OPERATOR),
    "NO_SERVER": (None, OPERATOR),
    "NOT_KNOWN": (None, OPERATOR),
    "NOTHING_OFFERED": (None, OPERATOR),
    "NOTHING_FOUND": (None, OPERATOR),
    "BAD_CERTIFICATE": (None, OPERATOR),
    "NO_CA_BUNDLE": (None, "another package is installed"),
    "NO_TLS": (None, "another interpreter is installed"),
}


# --- what is said


@pytest.fixture
def stage(monkeypatch):
    """The doctor's stage, whose exchange is the method's own."""
    monkeypatch.setattr(tunnel, "dry_run", lambda interface, method, line, tell: method.provision(line, 0))
    monkeypatch.setattr(tunnel, "find_source", lambda *_: 0)
    return Stage()


def findings(stage, code):
    """{code: the first finding that has it}; the doctor itself has no fault."""
    found = {item.code: item for _, item in reversed(doctor.examine("wan", stage))}
    assert "INTERNAL" not in found or code == "INTERNAL", found["INTERNAL"].text
    return found


def commands(advice):
    """What stands in quotes, command by command."""
    return [part for quoted in re.findall("'([^']+)'", advice) for part in re.split(r"; | \| ", quoted)]


def check_command(text):
    """A command that there is, said as it wants to be."""
    words = text.split()
    assert text in SERVICES or words[0] in PROGRAMS, text
    if words[0] == "logread":
        assert words[1] == "-e" and any(words[2] in entry for entry in LOG), text
    elif words[0] == "softwire":
        fewest, most, options = command.WORDS[words[1]]
        assert fewest <= len([word for word in words[2:] if word[:1] != "-"]) <= most, text
        assert {word[2:] for word in words[2:] if word[:1] == "-"} <= set(options), text
    elif words[0] == "ifup":
        assert words[1:] in (["wan"], ["wan6"]), text


def check(advice):
    """All commands and options that an advice names."""
    for part in commands(advice):
        check_command(part)
    named = [
        name
        for names in re.findall(r"\boptions? (\w+(?:(?:, | and | or )\w+)*)", advice)
        for name in re.split(", | and | or ", names)
    ]
    named += re.findall(r"(?:network|firewall)\.(?!interface\.)[^.; ]+\.(\w+)", advice)
    assert [name for name in named if name not in KNOWN] == [], advice


def obey(stage, advice):
    """Does it."""
    done = commands(advice)
    assert done
    for part in done:
        if part.startswith("uci "):
            stage.uci_commands.append(part[4:])
            stage.package(part.split()[2].partition(".")[0])
    settle(stage)


# --- the tests


@pytest.mark.parametrize("code", DONE)
def test_advice_that_is_followed_helps(stage, code):
    DONE[code](stage)
    advice = findings(stage, code)[code].advice
    check(advice)
    obey(stage, advice)
    now = findings(stage, code)
    assert code not in now, advice


@pytest.mark.parametrize("code", ELSEWHERE)
def test_advice_that_machines_follow(stage, code):
    make, place = ELSEWHERE[code]
    path, name = place.split("::")
    assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")
    if make:
        make(stage)
        advice = findings(stage, code)[code].advice
        assert advice
        check(advice)


@pytest.mark.parametrize("code", NOBODY)
def test_advice_that_no_program_can_follow(stage, code):
    make, who = NOBODY[code]
    if make:
        make(stage)
        advice = findings(stage, code)[code].advice
        assert advice or who == NOTHING
        check(advice)


def test_what_is_promised_of_probe(stage, monkeypatch, capsys):
    """The answer that is called bad is on the screen."""
    monkeypatch.setattr(probe.state, "read", lambda path: SOFTBANK if path.endswith(".config") else None)
    monkeypatch.setattr(probe, "Netifd", lambda: stage)
    monkeypatch.setattr(
        explain,
        "DICTIONARIES",
        [str(ROOT / f"files/etc/softwire/dictionary.{name}") for name in ("rfc", "softbank")],
    )

    def dry_run(interface, method, line, tell):
        attributes = [
            [[22197, number], text.encode().hex()] for number, text in ((204, "192.0.2.7"), (207, "ff02::1"))
        ]
        method.answer = {"server": "[2001:db8:1812::1]:1812", "attributes": attributes}
        raise ProvisioningError("BAD_ANSWER", "SoftBank-v6-GW (207) ff02::1: no")

    monkeypatch.setattr(probe, "dry_run", dry_run)
    assert probe.main("wan") == 1
    told = capsys.readouterr().out
    for words in (
        "SoftBank-WANv4-IP: 192.0.2.7",
        "SoftBank-v6-GW: ff02::1",
        "failed          BAD_ANSWER: SoftBank",
    ):
        assert words in told, told


def test_advice_of_errors():
    explained = [provisioning.explain(name).advice for name in provisioning.names()]
    for advices in [ADVICE, *explained]:
        for code, text in advices.items():
            assert code in CODES
            check(text.format(wan="wan", wan6="wan6"))


def test_every_code_has_an_entry():
    entries = [*DONE, *ELSEWHERE, *NOBODY]
    assert len(entries) == len(set(entries))
    assert set(entries) == set(CODES) | rows(CODES_PAGE, "## The doctor's codes")


def test_what_the_page_says_can_be_done():
    """Its commands, options and codes exist."""
    section = CODES_PAGE[CODES_PAGE.index("## Error codes") :].split("\n## ")[0]
    for row in re.findall(r"^\| `.*\|(.*)\|$", section, re.M):
        for word in re.findall(r"`([^`]+)`", row):
            first = word.split()[0]
            if first in PROGRAMS:
                check_command(word) if " " in word else None
            else:
                assert (
                    word in SERVICES
                    or first in KNOWN | {"option", "network", "ifstatus", "list", "wan6", "flets"}
                    or first in CODES
                    or first in PACKAGES
                    or first in ("--firewall-zone", "--add-zone")
                ), word
    for word in re.findall(r"`(logread [^`]+)`", CODES_PAGE):
        check_command(word)
