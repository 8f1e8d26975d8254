# SPDX-License-Identifier: Apache-2.0
"""`softwire doctor` names each fault that the lab can have, at its step, and says that a healthy line is well."""

import contextlib
import re
import shlex

import pytest

from tests.lab import addresses
from tests.lab.lab import SOURCES
from tests.system.doctor import STEPS, Told


def uci(line, *commands, reload="network"):
    """Changes the configuration, and loads it."""
    line.changed = True
    line.router.check("; ".join([f"uci {command}" for command in commands]) + "; uci commit")
    line.router.check(f"/etc/init.d/{reload} reload", 120)


@contextlib.contextmanager
def on_access(line, do, undo):
    """Commands on the access network, and those that take them back."""
    line.lab.access.check(do)
    try:
        yield
    finally:
        line.lab.access.check(undo)


@contextlib.contextmanager
def dropped(line, chain, match):
    """Packets that the access network loses."""
    flush = "nft delete table ip6 lost; nft delete table ip lost"
    family = "ip" if chain == "forward" else "ip6"
    hook = {"line": "prerouting priority raw", "forward": "forward priority filter"}[chain]
    with on_access(
        line,
        f"nft add table {family} lost; nft 'add chain {family} lost c {{ type filter hook {hook}; }}'; "
        f"nft 'add rule {family} lost c {match} drop'",
        f"({flush}) 2>/dev/null; :",
    ):
        yield


# --- all is well


def snapshot(line):
    """What a dry run must not change."""
    return line.router.check(
        "{ ubus call network.interface dump; cat /etc/config/network /sys/class/net/sw-wan/ifindex; "
        "/sbin/ip address; ls /var/run/softwire /var/run; } | sed '/\"updated\"/,/]/d' | "
        "grep -vE 'uptime|preferred|valid|fw4'"
    )


def questions(line):
    """What the operator was asked, retransmissions left out."""
    return {re.search(r" id=(\S+)", entry)[1] for entry in line.requests()}


@pytest.mark.parametrize(
    "program", ["softwire", f"cd {SOURCES}; python3 -m softwire"], ids=["micropython", "cpython"]
)
def test_healthy_line(line, program):
    """Every step is ok, exit status 0, one question to the operator, and nothing on the router is another."""
    before, asked, client = snapshot(line), questions(line), line.client()
    told = Told(line, program=program)
    assert [(item["step"], item["status"]) for item in told.findings] == [(step, "ok") for step in STEPS]
    assert told.exit_status == 0 and told.report["well"] is True
    assert (snapshot(line), line.client()) == (before, client)
    assert len(questions(line)) == len(asked) + 1
    assert "M=1 O=1" in told.at("line's router")[None]["text"]
    assert "packets of 1460 octets" in told.at("packet size")[None]["text"]


def test_text(line):
    """A line a step, aligned; without an interface it looks at all softwires."""
    output = line.router.check("softwire doctor", 120)
    lines = output.splitlines()
    assert lines[0] == "softwire doctor: wan" and lines[-1] == "all is well"
    assert [entry[7:21].rstrip() for entry in lines[1:-1]] == list(STEPS)
    assert all(re.match(r"ok     .{14}  \S", entry) and len(entry) <= 120 for entry in lines[1:-1])


def test_host(line):
    """A host of one's own instead of the operator's resolvers."""
    told = Told(line, host=addresses.INTERNET4)
    assert told.exit_status == 0 and addresses.INTERNET4 in told.at("IPv4")[None]["text"]
    assert line.router.run("softwire doctor wan example.com")[1] == 2


# --- the router


def test_run_directory_full(line):
    """/var/run full."""
    fill = "mount -t tmpfs -o size=16k none /run && head -c 99999 /dev/zero > /run/full"
    line.router.run(fill)
    try:
        told = Told(line)
    finally:
        line.router.check("umount -l /run")
    told.names("router", "NO_RUN_DIRECTORY", "it is full", "df /tmp")
    told.stops()


def test_module_missing(line):
    """kmod-ip6-tunnel is not installed."""
    with line.undone():
        line.router.check("/sbin/ifdown wan")
        line.router.wait_until("! [ -e /sys/class/net/sw-wan ] && rmmod ip6_tunnel", 30, "the module is gone")
        line.router.check("mount -t tmpfs none /lib/modules")
        told = Told(line)
        line.router.check("umount /lib/modules; modprobe ip6_tunnel; /sbin/ifup wan")
        line.wait_for_softwire()
    told.names("router", "MISSING_PACKAGE", "ip6_tunnel", "opkg install kmod-ip6-tunnel")


def test_clock(line):
    """A clock that nobody has set is only noted."""
    now = line.router.check("date +%s").strip()
    line.router.check("date -s @100000000")
    try:
        told = Told(line)
    finally:
        line.router.check(f"date -s @{now}")
    assert told.exit_status == 0 and told.notes() == [("router", "CLOCK_WRONG")]
    assert "1973" in told.at("router")["CLOCK_WRONG"]["text"]


@contextlib.contextmanager
def silent_netifd(line):
    """It is stopped, as a busy one's callers see it."""
    number = line.router.check("cat /var/run/netifd.pid 2>/dev/null || pidof netifd").strip()
    line.router.check(f"kill -STOP {number}")
    try:
        yield number
    finally:
        line.router.check(f"kill -CONT {number}")


def test_netifd_silent(line):
    """Nobody calls an interface missing that netifd has no time to speak of, and nothing waits for ever."""
    with silent_netifd(line):
        told, status = line.router.run("softwire status wan", 60)
        assert status == 1 and told.startswith("wan: unknown, netifd does not answer")
        assert "NETIFD_SILENT" in told and addresses.BORDER_ROUTER in told and "None" not in told
        for command in ("sip wan6", "probe wan"):
            told, status = line.router.run(f"softwire {command} 2>&1", 60)
            assert status == 1 and "NETIFD_SILENT: netifd does not answer" in told, told
        Told(line).names("settings", "NETIFD_SILENT", "no answer in time", "wait a moment")


def test_netifd_busy(line):
    """Six seconds, as a slow router's module loader takes, are waited for."""
    with silent_netifd(line) as number:
        told, status = line.router.run(f"(sleep 6; kill -CONT {number}) & softwire status wan", 60)
    assert status == 0 and told.startswith("wan: up\n") and "NETIFD_SILENT" not in told


# --- the configuration


def test_settings(line):
    """An interface that is none, one that is off, a wrong option, and one that is not in use yet."""
    Told(line, "nix").names("settings", "NO_INTERFACE", "'nix'", "no such section")
    Told(line, "lan").names("settings", "NO_INTERFACE", "its protocol is 'static'")
    with line.undone():
        line.router.check("uci set network.wan.mtu=1400; uci commit network")
        told = Told(line)
        assert told.exit_status == 0 and told.notes() == [("settings", "NOT_RELOADED")]
        assert "option mtu was changed" in told.at("settings")["NOT_RELOADED"]["text"]
        told.follow("settings", "NOT_RELOADED")
        line.router.wait_until("grep -q 1400 /sys/class/net/sw-wan/mtu", 60, "MTU 1400")
        line.router.check("cp /etc/network.saved /etc/config/network; /sbin/ifdown wan")
        told = Told(line)
        told.names("settings", "TURNED_OFF", "interface wan is turned off", "ifup wan")
        assert line.status()["hint"].startswith("TURNED_OFF: interface wan is turned off")
        told.stops()
        line.router.check("uci set network.wan.interface_id=::1; uci commit network; /sbin/ifup wan")
        line.wait_for_error("BAD_CONFIG")
        Told(line).names("settings", "BAD_CONFIG", "option interface_id '::1': ", "/etc/config/network")
        line.router.check("cp /etc/network.saved /etc/config/network; /sbin/ifup wan")
        line.wait_for_softwire()


def test_list_instead_of_option(line):
    """netifd drops a list where one value is declared; written as the doctor says, the softwire comes up."""
    with line.undone():
        uci(
            line,
            "set network.wan.provisioning=static",
            f"set network.wan.peeraddr={addresses.BORDER_ROUTER}",
            f"add_list network.wan.ipaddr={addresses.IPV4}",
        )
        line.wait_for_error("BAD_CONFIG")
        told = Told(line)
        told.names("settings", "BAD_CONFIG", "option ipaddr is missing", "written as a list")
        told.stops()
        told.follow("settings", "BAD_CONFIG")
        line.wait_for_softwire()
        assert line.status()["provisioning"] == "static" and Told(line).wrong() == []
        line.router.check("cp /etc/network.saved /etc/config/network; /etc/init.d/network reload")
        line.wait(lambda: line.status().get("provisioning") == "softbank", 60, "the operator is asked again")
        line.wait_for_softwire()


# --- the line


def test_cable(line):
    """The cable is out; a port that is not there; the line's interface turned off."""
    with line.undone():
        line.lab.router.link("line", False)
        line.router.wait_until("! [ -e /sys/class/net/sw-wan ]", 60, "the softwire is down")
        told = Told(line)
        why = line.status()["hint"]
        line.lab.router.link("line", True)
        told.names("cable", "NO_CARRIER", "eth1 has no link", "cable")
        assert why.startswith("NO_CARRIER: eth1 has no link")
        told.stops()
        line.wait_for_softwire()
        line.router.check("/sbin/ifdown wan6")
        line.router.wait_until("! [ -e /sys/class/net/sw-wan ]", 60, "the softwire is down")
        Told(line).names("cable", "TURNED_OFF", "interface wan6 is turned off", "ifup wan6")
        assert line.status()["hint"].startswith("TURNED_OFF: interface wan6 is turned off")
        uci(line, "set network.wan6.device=eth7")
        line.router.check("/sbin/ifup wan6")
        Told(line).names("cable", "NO_PORT", "'eth7'", "br-lan, eth0, eth1")
        uci(line, "set network.wan6.device=eth1", "set network.wan.tunlink=wan7")
        line.router.check("/etc/init.d/firewall reload")  # it may have seen eth7 in its zone
        Told(line).names("cable", "NO_LINE", "'wan7'")
        line.router.check(
            "cp /etc/network.saved /etc/config/network; /etc/init.d/network reload; /sbin/ifup wan6"
        )
        line.wait_for_softwire()


def test_router_advertisement(line):
    """The line's router is silent, says that it is none, and is silent from the start."""
    radvd = "/run/access/radvd.conf"
    with line.undone():
        line.lab.access.check(f"sed -i 's/AdvDefaultLifetime .*/AdvDefaultLifetime 0;/' {radvd}")
        line.lab.access.check("kill -HUP $(cat /run/access/radvd.pid)")
        # The softwire lives on for as long as netifd keeps the route.
        Told(line).names("line's router", "RA_NO_DEFAULT", "router lifetime 0", "fe80::1")
        # kill -9: radvd has no time to say goodbye.
        line.lab.access.check("kill -9 $(cat /run/access/radvd.pid)")
        line.router.check("/sbin/ifup wan6")
        line.router.wait_until("! [ -e /sys/class/net/sw-wan ]", 60, "the softwire is down")
        told = Told(line)
        told.names("line's router", "NO_RA", "no router advertisement came on eth1", "ONU")
        told.stops()
        line.access("line next-phone")
        line.router.check("/sbin/ifup wan6")
        line.wait_for_softwire()
        line.lab.access.check("kill -9 $(cat /run/access/radvd.pid)")
        told = Told(line)
        assert told.exit_status == 0 and told.notes() == [("line's router", "RA_SILENT")]
        line.access("line next-phone")


def test_firewall_does_not_know_the_line(line):
    """The firewall was loaded when the line had another port."""
    with line.undone():
        line.router.check("/sbin/ifdown wan6; nft list table inet fw4 | sed s/eth1/eth7/ > /tmp/rules")
        line.wait_until_gone()
        line.router.check("nft delete table inet fw4; nft -f /tmp/rules; /sbin/ifup wan6")
        line.router.wait_until("pgrep odhcp6c", 60, "the DHCPv6 client runs")
        told = Told(line)
        line.router.check("/etc/init.d/firewall restart", 60)
        line.wait_for_softwire()
    told.names("line's router", "FIREWALL_NOT_LOADED", "eth1", "/etc/init.d/firewall reload")
    told.stops()


def test_client_id(line):
    """A client id that is no DUID-LL: the server answers the doctor's, which is one."""
    with line.undone():
        uci(line, "set network.wan6.clientid=00020000abcd0102")
        line.router.wait_until(
            "pgrep -f '[o]dhcp6c.*-c0002' && ! [ -e /sys/class/net/sw-wan ]", 60, "no softwire"
        )
        told = Told(line)
        told.names("DHCPv6", "NOT_DUID_LL", "a DUID-EN", "uci delete network.wan6.clientid")
        told.stops()
        told.follow("DHCPv6", "NOT_DUID_LL")
        line.wait_for_softwire()


def test_no_dhcpv6_server(line):
    """The server dies while the lease is good, and is missing from the start."""
    with line.undone():
        line.lab.access.check("kill -9 $(cat /run/access/kea.pid)")
        told = Told(line)
        assert told.exit_status == 0 and told.notes() == [("DHCPv6", "DHCPV6_SILENT")]
        line.router.check("/sbin/ifdown wan6; /sbin/ifup wan6")
        line.wait_until_gone()
        told = Told(line)
        told.names("DHCPv6", "NO_DHCPV6", "advertises M=1 O=1", "Allow-DHCPv6")
        told.stops()
        line.access("restore", 120)
        line.router.check("/sbin/ifup wan6")
        line.wait_for_softwire()


@contextlib.contextmanager
def line_without_delegation(line):
    """A line that is one /64, for a router that asks for a prefix; waits until the softwire is up over it."""
    with line.undone():
        another_line(line, "next")
        line.router.wait_until("softwire status wan", 120, "the softwire is up")
        yield
        another_line(line, "next-phone")
        line.wait_for_softwire()


def another_line(line, name):
    """Plugs the router into it."""
    line.router.check("/sbin/ifdown wan6")
    line.wait_until_gone()
    line.access(f"line {name}")
    line.router.check("/sbin/ifup wan6")


def test_information_only(line):
    """A line of NEXT without a telephone: O=1, Solicits stay unanswered, Information-Requests do not."""
    with line_without_delegation(line):
        told = Told(line)
        told.follow("DHCPv6", "STATELESS_ONLY")
        line.router.wait_until(
            "pgrep -f '[o]dhcp6c.* eth1' && ! pgrep -f '[o]dhcp6c.* -P'", 60, "no prefix is asked for"
        )
        line.router.wait_until("softwire status wan", 120, "the softwire is up")
        assert "STATELESS_ONLY" not in Told(line).at("DHCPv6")
        line.router.check("cp /etc/network.saved /etc/config/network")
    assert told.notes()[:2] == [("DHCPv6", "STATELESS_ONLY"), ("prefix", "NO_LAN_RELAY")]
    assert told.wrong() == [] and told.exit_status == 0
    finding = told.at("DHCPv6")["STATELESS_ONLY"]
    assert "advertises M=0 O=1" in finding["seen"] and "network.wan6.reqprefix=no" in finding["advice"]
    assert "relay between wan6 and the LAN" in told.at("prefix")["NO_LAN_RELAY"]["advice"]


def test_no_prefix_offered(line):
    """The same where the DHCPv6 server answers Solicits, and has no prefix."""
    settings = "/lab/lines/next/access"
    with (
        on_access(
            line,
            f"sed -i s/^unanswered=1/unanswered=0/ {settings}",
            f"sed -i s/^unanswered=0/unanswered=1/ {settings}",
        ),
        line_without_delegation(line),
    ):
        told = Told(line)
    assert ("prefix", "NO_LAN_RELAY") in told.notes() and "STATELESS_ONLY" not in told.at("DHCPv6")
    assert told.wrong() == [] and told.exit_status == 0


def test_prefix_too_long(line):
    """A router before this one delegates a /72."""
    with line.undone():
        line.access("delegate 2001:db8:4000:300::/72")
        line.router.check("ubus call network.interface.wan6 renew")
        line.wait_for_error("PREFIX_TOO_LONG")
        told = Told(line)
        told.names("prefix", "PREFIX_TOO_LONG", "2001:db8:4000:300::/72", "/60 or /56")
        told.stops()
        line.access(f"delegate {addresses.PREFIX}")
        line.router.check("ubus call network.interface.wan6 renew")
        line.wait_for_softwire()


def test_stock_client_and_lan(line):
    """The stock client does not ask for NTT's options; a LAN without ip6assign: notes, no faults."""
    with line.undone():
        uci(
            line,
            "set network.wan6.proto=dhcpv6",
            "set network.wan6.reqaddress=none",
            "delete network.lan.ip6assign",
        )
        line.wait(lambda: line.interface("wan6").get("proto") == "dhcpv6", 60, "proto dhcpv6")
        line.wait_for_softwire()
        told = Told(line)
        assert told.notes() == [("prefix", "NO_LAN_PREFIX"), ("vendor options", "NO_VENDOR_OPTIONS")]
        assert told.exit_status == 0
        assert "ip6assign=64" in told.at("prefix")["NO_LAN_PREFIX"]["advice"]
        assert "reqopts=17" in told.at("vendor options")["NO_VENDOR_OPTIONS"]["advice"]
        line.router.check("cp /etc/network.saved /etc/config/network; /etc/init.d/network reload")
        line.wait(lambda: line.interface("wan6").get("proto") == "flets", 60, "proto flets")
        line.wait_for_softwire()


# --- endpoint, route, exchange


def test_endpoint(line):
    """The softwire's address gone, and also somewhere else."""
    endpoint = f"{addresses.ENDPOINT}/128"
    line.router.check(f"/sbin/ip -6 address add {endpoint} dev br-lan")
    told = Told(line)
    line.router.check(
        f"/sbin/ip -6 address del {endpoint} dev br-lan; /sbin/ip -6 address del {endpoint} dev lo"
    )
    told.names("endpoint", "ENDPOINT_TAKEN", addresses.ENDPOINT, "by br-lan")
    with line.undone():
        told = Told(line)
        told.names("endpoint", "NO_ENDPOINT", addresses.ENDPOINT, "ifup wan")
        assert "netifd" in told.follow("endpoint", "NO_ENDPOINT")
        line.router.wait_until(
            f"/sbin/ip address show dev lo | grep -q {endpoint}", 60, "the endpoint is back"
        )
        line.wait_for_softwire()


def test_route(line):
    """No way to the authentication server, though the softwire still works."""
    route = f"unreachable {addresses.RADIUS}"
    line.router.check(f"/sbin/ip -6 route add {route}")
    try:
        told = Told(line)
    finally:
        line.router.check(f"/sbin/ip -6 route del {route}")
    told.names("route", "NO_ROUTE", addresses.RADIUS, "EHOSTUNREACH")
    assert {"softwire", "IPv4"} <= {item["step"] for item in told.findings if item["status"] == "ok"}


NONSENSE = f"socat UDP6-RECVFROM:1812,bind=[{addresses.RADIUS}],fork SYSTEM:'echo nonsense'"


@pytest.mark.parametrize(
    ("radius", "code", "word"),
    [
        ("radius reject", "AUTH_REJECTED", "password"),
        ("radius wrong-secret", "SECRET_MISMATCH", "shared_secret"),
        ("radius reply 'update reply { &SoftBank-v6-GW !* ANY }'", "BAD_ANSWER", "SoftBank-v6-GW (207)"),
        ("radius silent", "NO_ANSWER", "is silent"),
        ("radius stop", "NO_ANSWER", "unreachable"),
        ("nonsense", "NO_ANSWER", "no RADIUS packet"),
    ],
)
def test_radius(line, radius, code, word):
    """What the server does wrong is named while the softwire goes on."""
    with line.undone():
        if radius == "nonsense":
            line.access("radius stop")
            line.lab.access.check(f"(setsid {NONSENSE} >/dev/null 2>&1 & echo $! > /tmp/nonsense)")
        else:
            line.access(radius)
        told = Told(line)
        if radius == "nonsense":
            line.lab.access.check("kill $(cat /tmp/nonsense)")
        line.access("radius accept")
    told.names("exchange", code, word)
    assert told.not_tried() == [] and len(told.wrong()) == 1
    assert "IPv4" in {item["step"] for item in told.findings if item["status"] == "ok"}


def test_rejected_with_words(line):
    """What the operator says beside its Reject, in its own attribute."""
    with line.undone():
        line.access("radius reject 'contract 7 has ended'")
        told = Told(line)
        line.access("radius accept")
    told.names("exchange", "AUTH_REJECTED", "('contract 7 has ended')")


def test_answer_is_shown(line):
    """The answer that is called bad is on the screen where the doctor sends people."""
    with line.undone():
        line.access("radius reply 'update reply { &SoftBank-v6-GW := \"ff02::1\" }'")
        told = Told(line)
        shown = told.follow("exchange", "BAD_ANSWER")
        line.access("radius accept")
    told.names("exchange", "BAD_ANSWER", "SoftBank-v6-GW (207) ff02::1")
    rows = f"SoftBank-v6-GW: ff02::1\nSoftBank-WANv4-IP: {addresses.IPV4}\nBAD_ANSWER: ".split("\n")
    assert [row for row in rows if row not in shown] == [], shown


def accepted(line):
    """How often the authentication server said yes."""
    return line.access("requests").count(" Access-Accept ")


def test_server_that_wants_message_authenticator(line):
    """It drops requests without one, which looks like silence; what is advised is what it answers."""
    with line.undone():
        line.access("radius require-message-authenticator")
        told = Told(line)
        told.names("exchange", "NO_ANSWER", "is silent")
        assert "only requests with Message-Auth" in told.at("exchange")["MESSAGE_AUTHENTICATOR"]["text"]
        before = accepted(line)
        told.follow("exchange", "MESSAGE_AUTHENTICATOR")
        line.wait(lambda: accepted(line) > before, 60, "the server answers the client")
        line.wait_for_softwire()
        assert Told(line).exit_status == 0
        line.access("radius accept")
        before = accepted(line)
        line.configure(message_authenticator=None)
        line.wait(lambda: accepted(line) > before, 60, "the server answers the client")
        line.wait_for_softwire()


def test_parameters_changed(line):
    """The operator has given the line another address since."""
    with line.undone():
        line.access("subscriber 2001:0db8:4000:0300 203.0.113.8")
        told = Told(line)
        assert ("softwire", "PARAMETERS_CHANGED") in told.notes()
        told.follow("softwire", "PARAMETERS_CHANGED")
        line.wait_for_softwire("203.0.113.8")
        line.access(f"subscriber 2001:0db8:4000:0300 {addresses.IPV4}")
        line.router.check("ubus call network.interface.wan renew")
        line.wait_for_softwire()


def test_answers_lost(line):
    """Every second answer of the authentication server's gets lost, the first one among them."""
    with on_access(
        line,
        "nft add table ip6 lost; nft 'add chain ip6 lost c { type filter hook output priority filter; }'; "
        "nft 'add rule ip6 lost c udp sport 1812 numgen inc mod 2 0 drop'",
        "nft delete table ip6 lost",
    ):
        told = Told(line)
    assert told.exit_status == 0 and told.notes() == [("exchange", "ANSWERED_LATE")]
    assert "asked 2 times" in told.at("exchange")["ANSWERED_LATE"]["text"]


# --- the softwire


def test_handover_refused(line):
    """Another tunnel between the same two ends: netifd cannot make its own."""
    with line.undone():
        line.router.check("/sbin/ifdown wan")
        line.router.wait_until("! [ -e /sys/class/net/sw-wan ]", 30, "the softwire is down")
        line.router.check(
            f"/sbin/ip link add other type ip6tnl mode ipip6 dev eth1 local {addresses.ENDPOINT} "
            f"remote {addresses.BORDER_ROUTER}; /sbin/ifup wan"
        )
        line.wait_for_error("HANDOVER_REFUSED")
        told = Told(line)
        line.router.check("/sbin/ip link del other")
        line.wait_for_softwire()
    told.names("softwire", "HANDOVER_REFUSED", "no other tunnel between the same two ends")
    told.stops()


def test_border_router(line):
    """The border router is silent: asking anew helps where it has forgotten the line, and so does the doctor."""
    device = "sub" + "".join(f"{int(part):02x}" for part in addresses.IPV4.split("."))
    forget = f"ip link del {device}; rm /run/access/tunnels/{addresses.IPV4}"
    with line.undone():
        with dropped(line, "line", "ip6 nexthdr 4"):
            told = Told(line)
        told.names("border router", "BORDER_ROUTER_SILENT", addresses.BORDER_ROUTER, "none received")
        assert told.not_tried() == ["packet size", "IPv4"]
        line.lab.access.check(forget)
        before = accepted(line)
        told.follow("border router", "BORDER_ROUTER_SILENT")
        line.wait(lambda: accepted(line) > before, 60, "the client asks again")
        line.wait_for_softwire()
    line.lab.access.check(forget)
    told = Told(line)
    assert told.exit_status == 0 and told.notes() == [("border router", "BORDER_ROUTER_FORGOT")]


def test_packet_size(line):
    """Too big for the line, a path that loses big packets, smaller than it could be: the advice helps each time."""

    def wait_for_mtu(mtu):
        line.router.wait_until(f"grep -q {mtu} /sys/class/net/sw-wan/mtu", 60, f"MTU {mtu}")
        line.wait_for_softwire()

    with line.undone():
        line.configure(mtu="1480")
        wait_for_mtu(1480)
        told = Told(line)
        told.names("packet size", "MTU_TOO_BIG", "1480", "1460")
        told.follow("packet size", "MTU_TOO_BIG")
        wait_for_mtu(1460)
        with dropped(line, "line", "ip6 nexthdr 4 meta length 1441-9999"):
            told = Told(line)
            told.names("packet size", "PATH_MTU", "1460", "1400 is the largest", "network.wan.mtu=1400")
            told.follow("packet size", "PATH_MTU")
            wait_for_mtu(1400)
            told = Told(line)
        assert told.exit_status == 0 and told.notes() == [("packet size", "MTU_TOO_SMALL")]
        told.follow("packet size", "MTU_TOO_SMALL")
        wait_for_mtu(1460)
    with dropped(line, "line", "ip6 nexthdr 4 meta length 541-9999"):
        told = Told(line)
    told.names("packet size", "PATH_BROKEN", "more than 500 octets", "no option mtu would help")


ZONE = "firewall.@zone[1]"


@pytest.mark.parametrize(
    ("commands", "code", "word"),
    [
        (["del_list {}.network=wan"], "NO_ZONE", "uci add_list firewall.@zone[1].network=wan"),
        (["set {}.masq=0"], "NO_MASQ", "uci set firewall.@zone[1].masq=1"),
        (["set {}.mtu_fix=0"], "NO_MTU_FIX", "uci set firewall.@zone[1].mtu_fix=1"),
        (["delete firewall.@forwarding[0]"], "NO_FORWARDING", "no forwarding section has dest 'wan'"),
    ],
    ids=["zone", "masq", "mtu_fix", "forwarding"],
)
def test_firewall(line, commands, code, word):
    """What the firewall lacks, while packets of the router itself still pass."""
    line.router.check("cp /etc/config/firewall /tmp/firewall.saved")
    try:
        line.router.check(
            "; ".join([f"uci {command.format(ZONE)}" for command in commands]) + "; uci commit firewall"
        )
        line.router.check("/etc/init.d/firewall reload", 60)
        told = Told(line)
        told.follow("firewall", code)
        assert list(Told(line).at("firewall")) == [None]
    finally:
        line.router.check("cp /tmp/firewall.saved /etc/config/firewall; /etc/init.d/firewall reload", 60)
    told.names("firewall", code, word)


def test_firewall_not_loaded(line):
    """The configuration is right, the kernel's rules are not."""
    line.router.check(
        "nft list table inet fw4 | sed s/sw-wan/sw-old/ > /tmp/rules; nft delete table inet fw4"
    )
    try:
        line.router.check("nft -f /tmp/rules")
        told = Told(line)
        told.follow("firewall", "FIREWALL_NOT_LOADED")
        assert list(Told(line).at("firewall")) == [None]
    finally:
        line.router.check("/etc/init.d/firewall restart", 60)
    told.names("firewall", "FIREWALL_NOT_LOADED", "/etc/init.d/firewall reload")


def test_ipv4_dead(line):
    """The border router is well, the internet behind it is not."""
    with dropped(line, "forward", "ip saddr 198.51.100.0/24"):
        told = Told(line)
    told.names("IPv4", "IPV4_DEAD", "198.51.100.53, 198.51.100.54", "time exceeded")
    assert len(told.wrong()) == 1


# --- the report


def test_report(line):
    """It has what a bug report needs, and nothing of the subscriber's; the same has the same stand-in."""
    line.router.check("logger -t softwire 'wan (1): lab-password " + addresses.ENDPOINT + " 0312345678'")
    text = line.router.check("softwire doctor --report", 120)
    for private in (
        addresses.SHARED_SECRET, addresses.PASSWORD, *addresses.NUMBERS, "2001:db8:4000", "2001:0db8:4000",
        "2001:db8:b::1", addresses.RADIUS, addresses.IPV4, addresses.WAN_MAC, addresses.WAN_MAC.replace(":", ""),
    ):  # fmt: skip
        assert private not in text, text
    for wanted in (
        "softwire     0.", "interpreter  micropython", "kernel       ", "ok     DHCPv6", "config interface 'wan'",
        "option shared_secret '(hidden)'", "option proto 'flets'", "wan: up", "# log", "2001:db8:x1::/56",
        "2001:db8:x1:1111:1111:1111:1111", "52:54:00:m1", "203.n",
    ):  # fmt: skip
        assert wanted in text, wanted
    assert line.router.run("softwire doctor --report --json")[1] == 2


def test_resident_client_knows_nothing_of_it(line):
    """The doctor's modules cost the resident client nothing."""
    found = line.router.check(
        "cd /usr/lib/softwire; MICROPYPATH=$PWD:.frozen:/usr/lib/micropython micropython -c "
        + shlex.quote(
            "import softwire.client, sys; print([name for name in sys.modules if 'doctor' in name])"
        )
    )
    assert found.strip() == "[]"
