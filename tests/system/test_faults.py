# SPDX-License-Identifier: Apache-2.0
"""Every bad day that users report, and that the softwire is back by itself behind each one.

`make faults` makes each as long and as often as the report says; `make system` the same ones short.
"""

import contextlib
import re
import shlex
import time

import pytest

from tests.lab import addresses
from tests.system import capture, programs, reliability
from tests.system.doctor import Told
from tests.system.profile import ONLINK_ENDPOINT, Profile
from tests.system.router import seconds_between
from tests.system.softwires import Softwire, Softwires

LONG = reliability.LONG
RENEW, REBIND = 5, 6  # RFC 8415 section 7.3


@pytest.fixture(scope="module")
def report(booted):
    """The rows of the report, written when all faults are through."""
    rows = reliability.Report()
    yield rows
    rows.write()


@pytest.fixture
def fault(line, report, request):
    """fault(name, meanwhile, *diagnosis): called when the fault ends; what is left of the time is the recovery's."""
    recoveries = []

    def ended(name, meanwhile, *diagnosis):
        recovery = reliability.Recovery(name, meanwhile, *diagnosis)
        recoveries.append(recovery)
        return recovery

    line.changed = True
    yield ended
    if recoveries:  # else the test has failed, and the line is put back
        recovery = recoveries[-1]
        line.wait(
            lambda: line.seen_by_ipv4() == addresses.IPV4, 400, "the LAN host's IPv4 packets pass again"
        )
        recovery.over()
        assert_whole(line)
        report.add(recovery)
        line.changed = False


def assert_whole(line):
    """One softwire, one client, one endpoint, native IPv6, and nothing left over of what was before."""
    line.wait(lambda: line.interface("wan")["up"] and line.status()["phase"] == "up", 60, "wan is up")
    assert line.router.check("echo /sys/class/net/sw-*").split() == ["/sys/class/net/sw-wan"]
    assert line.endpoints() == [addresses.ENDPOINT]
    assert len(line.client()) == 1
    assert line.router.run("pgrep -f softwire.script")[0].split() == []
    # A second one is the first one's child, which waits for some seconds before it becomes the script.
    one = "[ $(pgrep -x -f '.*odhcp6c .*eth1' | wc -l) = 1 ]"
    line.router.wait_until(one, 30, "one odhcp6c is on the line")
    assert line.router.check("ls /var/run/softwire").split() == ["wan.config", "wan.json", "wan@wan6"]
    line.wait(lambda: line.seen_by_ipv6().startswith("2001:db8:4000:300:"), 60, "native IPv6 works")


def diagnosed(line, step, code):
    """The doctor's code for what lasts just now: it must be this one."""
    told = Told(line)
    assert code in told.at(step), told.findings
    return code


def rounds(many, few):
    """How often: as the report wants it, or for the short run."""
    return many if LONG else few


def nothing_wrong(line):
    """The doctor has nothing to say against what lasts just now."""
    told = Told(line)
    assert told.wrong() == [], told.findings


def new_softwire(line):
    """The softwire is given up and asked for anew."""
    line.router.check("/sbin/ifup wan")
    line.wait_until_gone()


def held(line):
    """What a softwire that was left alone keeps."""
    return line.ifindex(), line.client(), len(line.requests())


def ask(line):
    """Until the client has asked once more and is up; whatever woke it before is behind it then."""
    asked = len(line.requests())
    line.router.check("ubus call network.interface.wan renew")
    line.wait(lambda: len(line.requests()) > asked, 60, "the client asks")
    line.wait(lambda: line.status()["phase"] == "up" and "error" not in line.status(), 60, "it is answered")


# --- the authentication server


def test_radius_silent(line, fault):
    """Silence for ten minutes while a softwire is wanted: patience, a bounded number of requests, then the softwire."""
    line.access("radius silent")
    new_softwire(line)
    line.wait_for_error("NO_ANSWER")
    before = len(line.requests())
    line.router.check(f"sleep {rounds(600, 20)}", 660)
    asked = len(line.requests()) - before
    # Five packets a try, and pauses that double up to five minutes.
    assert asked <= rounds(60, 25)
    assert line.seen_by_ipv6().startswith("2001:db8:4000:300:")
    told = diagnosed(line, "exchange", "NO_ANSWER")
    line.access("radius accept")
    fault(
        f"RADIUS silent for {rounds('ten minutes', '20 s')}, no softwire yet",
        f"{asked} packets, `NO_ANSWER`",
        told,
    )


def test_radius_restarted(line, fault):
    """Restarted while it is being asked."""
    line.access("radius stop")
    new_softwire(line)
    line.wait_for_error("NO_ANSWER")
    told = diagnosed(line, "exchange", "NO_ANSWER")
    line.access("radius start")
    fault("RADIUS server restarted while asked", "`NO_ANSWER`", told)


def test_radius_rejects_then_accepts(line, fault):
    """A subscriber whom the operator enters late."""
    line.access("radius reject")
    new_softwire(line)
    line.wait_for_error("AUTH_REJECTED")
    told = diagnosed(line, "exchange", "AUTH_REJECTED")
    line.access("radius accept")
    fault("RADIUS rejects, then accepts", "`AUTH_REJECTED`", told)


@pytest.fixture
def netem(line):
    """netem("loss 70%"): what Linux' network emulator does to everything that leaves the access network."""

    def emulate(words):
        line.lab.access.check(f"tc qdisc replace dev line0 root netem {words}")

    yield emulate
    line.lab.access.check("tc qdisc del dev line0 root")


def test_radius_loses_most_answers(line, fault, netem):
    """Three answers in ten arrive."""
    netem("loss 70%")
    new_softwire(line)
    line.wait(lambda: line.interface("wan")["up"], 600, "wan is up")
    named = "ANSWERED_LATE", "NO_ANSWER"  # one answer in three comes at once
    told = line.wait(
        lambda: [code for code in Told(line).at("exchange") if code in named], 900, "the doctor names it"
    )
    netem("loss 0%")
    fault("seven of ten packets from the operator lost", "came up by retransmission", told[0])


def test_radius_answers_twice_and_out_of_order(line, fault, netem):
    """Each answer comes twice, later than the next request, and the order is anybody's."""
    netem("delay 3s 1s duplicate 100%")
    new_softwire(line)
    line.wait(lambda: line.interface("wan")["up"], 300, "wan is up")
    told = diagnosed(line, "exchange", "ANSWERED_LATE")
    netem("duplicate 100%")
    diagnosed(line, "exchange", "ANSWERED_TWICE")
    netem("delay 0ms")
    fault("answers twice, late and out of order", "one softwire came up", told, "ANSWERED_TWICE")


def test_forged_answers_first(line, fault):
    """Answers from the server's address that do not know the secret are counted, and the right one is waited for."""
    access = line.lab.access
    # While the server is away, the forger's answers are the first.
    line.access("radius stop")
    with programs.running(line.lab.access, "forge", f"line0 {addresses.RADIUS}"):
        line.router.check("/sbin/ifup wan")
        access.wait_until(
            f"grep -q 'forged replies to {addresses.ENDPOINT} ' /tmp/forge.out", 60, "a forgery"
        )
        line.access("radius start")
        recovery = fault(
            "answers with a wrong authenticator come first", "counted in `softwire status`", "BAD_REPLIES"
        )
        line.wait_for_softwire()
        recovery.over()
        assert "BAD_REPLIES" in doctor_before_the_server(line).at("exchange")
    ignored = line.status()["answer"]["ignored"]
    assert ignored["authenticator"] >= 2 and ignored["malformed"] >= 1 and ignored["id"] >= 1
    assert line.status()["answer"]["attributes"]["SoftBank-v6-GW"] == [addresses.BORDER_ROUTER]


def doctor_before_the_server(line):
    """A doctor that asks while the server is away, and the server starts before it gives up."""
    line.access("radius stop")
    forged = "wc -l < /tmp/forge.out"
    before = int(line.lab.access.check(forged))
    line.router.check(
        "rm -f /tmp/told; (softwire doctor --json wan > /tmp/told.new; mv /tmp/told.new /tmp/told) &"
    )
    line.lab.access.wait_until(f"[ $({forged}) -gt {before} ]", 60, "a forged answer to the doctor")
    line.access("radius start")
    line.router.wait_until("[ -e /tmp/told ]", 120, "the doctor's report")
    return Told(line, output=line.router.check("cat /tmp/told"))


def test_flood_of_forged_answers(line, fault):
    """Thousands of them, stuffed and cut, while the right one is late: each is one more that is ignored."""
    router = line.router
    line.access("radius silent")
    with programs.running(line.lab.access, "forge", f"line0 {addresses.RADIUS} {rounds(200, 40)}"):
        new_softwire(line)
        ignored = re.findall(r"(\d+) (\w+)", line.wait_for_error("SECRET_MISMATCH").partition("ignored: ")[2])
        named = {reason: int(number) for number, reason in ignored}
        # Of eight kinds three are told by their authenticator, four by their length, one by its id.
        assert named["malformed"] > named["authenticator"] > named["id"] > 20, named
        client = line.client()
        told = diagnosed(line, "exchange", "SECRET_MISMATCH")
        line.access("radius accept")
        recovery = fault("", "", told)
        line.wait_for_softwire()
        recovery.over()
        sent = int(line.lab.access.check("tail -n 1 /tmp/forge.out").split()[-2])
        assert line.client() == client
    recovery.name = (
        f"{'thousands' if LONG else 'hundreds'} of forged, stuffed and cut answers before the right one"
    )
    recovery.meanwhile = f"{sent:,} sent; of one question's {sum(named.values()):,} were ignored"
    assert line.status()["answer"]["attributes"]["SoftBank-v6-GW"] == [addresses.BORDER_ROUTER]
    assert "INTERNAL" not in router.check("/sbin/logread | tail -n 100")


def shorten_session(line):
    """Until the softwire has the shortest session that it can have; the uptime at which that ends."""
    line.access("radius reply 'update reply { &Session-Timeout := 60 }'")
    ask(line)
    return line.status()["expires"]


def uptime(line):
    """The router's, in seconds."""
    return float(line.router.check("cat /proc/uptime").split()[0])


def test_session_ends_in_silence(line, fault):
    """Session-Timeout is the most that a session may last (RFC 2865 section 5.27): silence neither shortens nor
    lengthens it."""
    end = shorten_session(line)
    before = line.ifindex()
    line.access("radius silent")
    asked = len(line.requests())
    line.wait(lambda: len(line.requests()) > asked, 90, "a question before the session's end")
    if uptime(line) < end - 5:  # else this machine was too slow to look
        assert line.seen_by_ipv4() == addresses.IPV4 and line.ifindex() == before
    line.router.wait_until("! [ -e /sys/class/net/sw-wan ]", 120, "sw-wan is gone")
    assert uptime(line) >= end
    assert "the softwire has expired" in line.router.check("/sbin/logread | tail -n 100")
    line.wait_for_error("NO_ANSWER")
    told = diagnosed(line, "exchange", "NO_ANSWER")
    line.access("radius accept")
    fault("RADIUS silent from before the session's end", "IPv4 until its end, then `NO_ANSWER`", told)


def test_session_ended_by_a_reject(line, fault):
    """The operator's word on a renewal ends what is held at once, and it comes again as soon as he says so."""
    line.access("radius reject")
    line.router.check("ubus call network.interface.wan renew")
    line.router.wait_until("! [ -e /sys/class/net/sw-wan ]", 60, "sw-wan is gone")
    line.wait_for_error("AUTH_REJECTED")
    assert line.seen_by_ipv6().startswith("2001:db8:4000:300:")
    told = diagnosed(line, "exchange", "AUTH_REJECTED")
    line.access("radius accept")
    fault("RADIUS rejects a softwire in use, then accepts", "withdrawn at once", told)


# --- the line


def test_dhcpv6_server_gone(line, fault):
    """Gone at T1 and T2, back with another prefix: LAN and softwire move, and back again."""
    messages = capture.dhcpv6_messages
    before = messages(line.lab.capture)
    line.lab.access.check("kill -STOP $(cat /run/access/kea.pid)")
    for kind, name in (RENEW, "Renew at T1"), (REBIND, "Rebind at T2"):
        line.wait(
            lambda kind=kind: messages(line.lab.capture).count(kind) > before.count(kind), 120, f"a {name}"
        )
    assert line.seen_by_ipv4() == addresses.IPV4
    told = diagnosed(line, "DHCPv6", "DHCPV6_SILENT")
    line.lab.access.check("kill -CONT $(cat /run/access/kea.pid)")
    line.access(f"renumber {addresses.NEXT_PREFIX} {addresses.IPV4}")
    moved = reliability.Recovery(
        "the DHCPv6 server gone at T1 and T2, back with another prefix", "IPv4 passed", told
    )
    line.wait(lambda: line.endpoints() == [addresses.NEXT_ENDPOINT], 120, "the softwire has moved")
    line.wait(lambda: line.seen_by_ipv4() == addresses.IPV4, 60, "IPv4 passes")
    line.wait(lambda: line.seen_by_ipv6().startswith("2001:db8:4000:500:"), 60, "the LAN has the new prefix")
    moved.over()
    # odhcp6c keeps a withdrawn prefix until the Reply after next; only then may it come again.
    line.renew()
    line.access(f"renumber {addresses.PREFIX} {addresses.IPV4}")
    told = diagnosed(line, "DHCPv6", "PREFIX_MOVED")
    line.renew()
    fault("renumbered back, without a warning", "the LAN's hosts drop the old prefix", told).also(moved)
    line.wait(lambda: line.endpoints() == [addresses.ENDPOINT], 120, "the softwire is back")


class Delegation:
    """A DHCPv6 server in the place of the line's own (guest/delegate.py)."""

    FILE = "/run/access/delegated-prefixes"

    def __init__(self, line):
        self.line = line

    def says(self, *prefixes, t1=30, tail=""):
        """From now on: rows (prefix, preferred, valid lifetime), and octets in hexadecimal behind each answer."""
        rows = [f"{t1} {2 * t1}", tail, *(" ".join(map(str, row)) for row in prefixes)]
        text = shlex.quote("\n".join(rows) + "\n")
        self.line.lab.access.check(f"printf %s {text} > {self.FILE}.new; mv {self.FILE}.new {self.FILE}")

    def tells(self, *prefixes, **more):
        """The same, and until the router knows."""
        self.says(*prefixes, **more)
        self.line.wait_until_answered()
        self.line.router.check("ubus call network.interface.wan6 renew")
        wanted = {prefix: preferred for prefix, preferred, _ in prefixes if preferred}

        def known():
            told = self.line.interface("wan6").get("ipv6-prefix", [])
            left = {f"{entry['address']}/{entry['mask']}": entry.get("preferred", 0) for entry in told}
            left = {prefix: seconds for prefix, seconds in left.items() if seconds}
            return left.keys() == wanted.keys() and all(
                wanted[prefix] - 30 < left[prefix] <= wanted[prefix] for prefix in wanted
            )

        self.line.wait(known, 60, f"the router has {wanted}")


@contextlib.contextmanager
def delegation(line, *prefixes, **more):
    """A Delegation that says these; behind it the line's own server has the line again, with the usual prefix alone."""
    server = Delegation(line)
    server.says(*prefixes, **more)
    line.access("dhcpv6 stop")
    with programs.running(line.lab.access, "delegate", f"line0 {Delegation.FILE}"):
        server.tells(*prefixes, **more)
        yield server
    line.access("dhcpv6 start")


def test_prefixes_take_turns(line, fault):
    """Of two delegated prefixes now the one stays preferred longest and now the other: the one in use counts."""
    count = rounds(10, 3)
    with delegation(line, (addresses.PREFIX, 700, 1000)) as server:
        before = held(line)
        for _ in range(count):
            server.tells((addresses.PREFIX, 400, 1000), (addresses.NEXT_PREFIX, 700, 1000))
            assert line.seen_by_ipv4() == addresses.IPV4
            server.tells((addresses.PREFIX, 700, 1000), (addresses.NEXT_PREFIX, 400, 1000))
        server.tells((addresses.PREFIX, 400, 1000), (addresses.NEXT_PREFIX, 700, 1000))
        nothing_wrong(line)
        doctors = len(line.requests()) - before[2]
        assert doctors == 1, "the doctor's own question"
        ask(line)
        assert line.endpoints() == [addresses.ENDPOINT]
        assert held(line) == (*before[:2], before[2] + doctors + 1)
        server.tells((addresses.PREFIX, 700, 1000), (addresses.NEXT_PREFIX, 0, 0))
        line.renew()
    fault(f"two prefixes that overtake each other {2 * count} times", "nobody asked, nothing changed")


def test_prefix_dies(line, fault):
    """The server forgets a prefix that stays preferred for hours, and what is sent to it vanishes: the line asks."""
    hours = 10000, 14400
    with delegation(line, (addresses.PREFIX, *hours), t1=7200) as server:
        line.configure(watch="20")
        line.wait_for_softwire()
        line.changed = True
        told = Told(line)
        assert told.wrong() == [] and told.at("DHCPv6").get("PREFIX_MOVED") is None
        renewals = capture.dhcpv6_messages(line.lab.capture).count(RENEW)
        # The next prefix is another subscriber's name at the operator's.
        line.access(f"subscriber 2001:0db8:4000:0500 {addresses.IPV4}")
        server.says((addresses.NEXT_PREFIX, *hours), (addresses.PREFIX, 0, 0), t1=7200)
        line.lab.access.check(f"ip -6 route del {addresses.PREFIX} dev line0")
        told = diagnosed(line, "DHCPv6", "PREFIX_MOVED")
        assert line.seen_by_ipv4() == "" and line.seen_by_ipv6() == ""
        reliability.send_in_background(line.lanhost)
        try:
            line.wait(
                lambda: "asking again" in line.router.check("/sbin/logread | tail -n 100"), 480, "doubt"
            )
            recovery = fault(
                "the DHCPv6 server forgets a prefix of hours, whose packets vanish",
                "found by `option watch`; the line is told to renew",
                told,
            )
            line.wait(lambda: line.endpoints() == [addresses.NEXT_ENDPOINT], 240, "the softwire has moved")
        finally:
            reliability.stop_sending(line.lanhost)
        assert capture.dhcpv6_messages(line.lab.capture).count(RENEW) == renewals + 1
        line.wait(lambda: line.seen_by_ipv4() == addresses.IPV4, 60, "IPv4 passes")
        recovery.over()
        line.wait(lambda: line.seen_by_ipv6().startswith("2001:db8:4000:500:"), 60, "native IPv6 works")
        server.tells((addresses.PREFIX, 700, 1000), (addresses.NEXT_PREFIX, 0, 0))
        line.renew()
        line.wait(lambda: line.endpoints() == [addresses.ENDPOINT], 120, "the softwire is back")
    line.configure(watch=None)
    line.wait_for_softwire()


def test_octet_behind_the_answer(line, fault):
    """A DHCPv6 server that ends its messages with a NUL: nothing is lost, and nobody calls it silent."""
    with delegation(line, (addresses.PREFIX, 700, 1000), tail="00"):
        before = held(line)
        nothing_wrong(line)
        new_softwire(line)
        line.wait_for_softwire()
        told = line.status()["line"]
        assert told["prefixes"] == [addresses.PREFIX] and told["problems"] == [], told
    assert line.client() != before[1]
    fault("a NUL behind every DHCPv6 answer", "nothing wrong")


def test_many_routes(line, fault):
    """A line with hundreds of routes: netifd's status is long, and the client's heap is small."""
    count, router = 300, line.router
    before = held(line)
    section = "config route6\\n\\toption interface wan6\\n\\toption target 2001:db8:f%03d::/48\\n"
    section += "\\toption gateway fe80::1\\n\\n"
    router.check(f"for n in $(seq {count}); do printf '{section}' $n; done >> /etc/config/network", 120)
    router.check("/etc/init.d/network reload", 120)
    there = f"[ $(/sbin/ip -6 route | grep -c '^2001:db8:f') = {count} ]"
    router.wait_until(there, 180, f"{count} routes")
    assert len(line.interface("wan6")["route"]) > count
    line.renew()
    ask(line)
    assert held(line) == (*before[:2], before[2] + 1)
    memory = private_memory(line)
    nothing_wrong(line)
    assert line.status()["line"]["prefixes"] == [addresses.PREFIX]
    # A client that is new to them.
    new_softwire(line)
    line.wait_for_softwire()
    assert "INTERNAL" not in router.check("/sbin/logread | tail -n 100")
    router.check("cp /etc/network.saved /etc/config/network; /etc/init.d/network reload", 120)
    fault(f"{count} routes on the line", f"nothing wrong; client: {memory} KB")


def test_router_lifetime_zero(line, fault):
    """The line's router says that it is none any more: odhcp6c's own route through the DHCPv6 server carries all."""
    line.access("router-lifetime 0")
    line.router.wait_until(
        "/sbin/ip -6 route | grep -q 'default .* metric 4096'", 60, "the route of last resort"
    )
    line.wait(lambda: line.seen_by_ipv4() == addresses.IPV4, 60, "IPv4 passes by it")
    told = diagnosed(line, "line's router", "RA_NO_DEFAULT")
    line.access("router-lifetime 1800")
    line.router.wait_until(
        "/sbin/ip -6 route | grep -q 'default .* metric 512'", 60, "the router's own route"
    )
    fault(
        "router lifetime 0 in the router advertisement, and back",
        "IPv4 passed, by odhcp6c's route of last resort",
        told,
    )


def private_memory(line):
    """KB that the client has for itself."""
    (client,) = line.client()
    told = line.router.check(f"cat /proc/{client}/smaps_rollup")
    return int(re.search(r"Private_Dirty: +(\d+) kB", told)[1])


def test_cable(line, fault):
    """The WAN's cable pulled and plugged, many times: no more memory, no more processes than after three times."""
    memory = {}
    count = rounds(100, 4)
    for number in range(1, count + 1):
        line.lab.router.link("line", False)
        line.router.wait_until("grep -q 0 /sys/class/net/eth1/carrier", 30, "the carrier is gone")
        if number == 3:
            told = diagnosed(line, "cable", "NO_CARRIER")
        line.lab.router.link("line", True)
        if number == count:
            recovery = fault(f"the cable out and in {count} times", "", told)
        line.router.wait_until("grep -q 1 /sys/class/net/eth1/carrier", 30, "the carrier is back")
        if number in (3, count):
            line.wait_for_softwire()
            if number == count:
                recovery.over()
            memory[number] = private_memory(line)
    recovery.meanwhile = f"client: {memory[3]} KB after 3, {memory[count]} KB at the end"
    assert memory[count] <= memory[3] + 16


def test_border_router_forgets(line, fault):
    """Packets leave and none come back: asked again, which makes the border router know us again; not too often."""
    line.configure(watch="20")
    line.wait_for_softwire()
    line.changed = True
    before = len(line.requests())
    line.access("forget")
    reliability.send_in_background(line.lanhost)
    try:
        line.wait(lambda: len(line.requests()) > before, 400, "the client asks again")
    finally:
        reliability.stop_sending(line.lanhost)
    first, second = line.requests()[-2:]
    assert seconds_between(first, second) >= 300
    recovery = fault(
        "the border router forgets us", "asked again after five minutes at least", "BORDER_ROUTER_FORGOT"
    )
    line.wait(lambda: line.seen_by_ipv4() == addresses.IPV4, 60, "IPv4 passes")
    recovery.over()
    # The doctor's own question would have mended it before.
    line.access("forget")
    diagnosed(line, "border router", "BORDER_ROUTER_FORGOT")
    line.configure(watch=None)


# --- the router itself


def lose_address(line, device, address):
    """Until the doctor has named it, and the client has mended it: somebody deletes the endpoint's address."""
    delete = f"/sbin/ip -6 address del {address}/128 dev {device}"

    def named():
        line.router.run(delete)
        return "NO_ENDPOINT" in Told(line).at("endpoint")

    # The client looks once a minute, and whenever the line says something.
    line.wait(named, 300, "a doctor that is quicker")
    line.wait(lambda: line.seen_by_ipv4() == addresses.IPV4, 240, "IPv4 passes")
    line.wait(lambda: line.status()["phase"] == "up" and "error" not in line.status(), 240, "all is well")
    return delete


def test_endpoint_lost(line, fault):
    """The endpoint's address is deleted on lo: it is made anew, and nobody is asked."""
    delete = lose_address(line, "lo", addresses.ENDPOINT)
    before = held(line)
    line.router.check(delete)
    recovery = fault("somebody deletes the endpoint's address", "made anew, nobody asked", "NO_ENDPOINT")
    line.wait(lambda: line.endpoints() == [addresses.ENDPOINT], 120, "the endpoint is back")
    line.wait(lambda: line.seen_by_ipv4() == addresses.IPV4, 60, "IPv4 passes")
    recovery.over()
    assert held(line) == before


def test_onlink_endpoint_lost(line, fault):
    """On a line with a /64 alone the endpoint is on the WAN device, which is set down and up; then it is deleted there,
    where nothing happens for hours and duplicate address detection takes its time."""
    there = Profile(line, "next")
    there.wait_for_softwire(ONLINK_ENDPOINT)
    line.router.check("/sbin/ip link set eth1 down; /sbin/ip link set eth1 up")
    recovery = fault("the WAN device set down and up, the endpoint on it", "line and softwire made anew")
    line.wait(lambda: ONLINK_ENDPOINT in there.addresses(), 240, "the endpoint is back")
    line.wait(lambda: line.seen_by_ipv4() == addresses.IPV4, 120, "IPv4 passes")
    recovery.over()
    delete = lose_address(line, "eth1", ONLINK_ENDPOINT)
    before = held(line)
    line.router.check(delete)
    deleted = fault(
        "somebody deletes an endpoint on the WAN device", "made anew, nobody asked", "NO_ENDPOINT"
    )
    line.wait(lambda: ONLINK_ENDPOINT in there.addresses(), 240, "the endpoint is back")
    line.wait(lambda: line.seen_by_ipv4() == addresses.IPV4, 120, "IPv4 passes")
    deleted.over()
    deleted.also(recovery)
    assert held(line) == before
    Profile(line, "next-phone").wait_for_softwire(addresses.ENDPOINT)


def test_netifd_busy(line, fault):
    """netifd does not answer for a while: the softwire stays as it is, and status says what is so."""
    before = held(line)
    netifd = "$(pgrep -f /sbin/[n]etifd)"
    line.router.check(f"kill -STOP {netifd}")
    try:
        line.router.check("echo line 1<>/var/run/softwire/wan@wan6/wake")
        status, _ = line.router.run("softwire status wan", 120)
        assert "NETIFD_SILENT" in status and "down" not in status, status
        told = [item["code"] for item in Told(line).findings]
        assert "NETIFD_SILENT" in told, told
        line.router.check(f"sleep {rounds(120, 1)}", 180)
        assert line.seen_by_ipv4() == addresses.IPV4
        assert line.seen_by_ipv6().startswith("2001:db8:4000:300:")
        assert held(line) == before
    finally:
        line.router.check(f"kill -CONT {netifd}")
    recovery = fault("netifd does not answer", "IPv4 passed, `NETIFD_SILENT` in status", "NETIFD_SILENT")
    assert line.seen_by_ipv4() == addresses.IPV4
    recovery.over()
    ask(line)
    assert held(line)[:2] == before[:2]


def test_taken_down_while_asking(line, fault):
    """renew and ifdown do not wait for the answer that does not come, and nothing is left over."""
    router = line.router
    line.access("radius silent")
    longest = 0.0

    def questions():
        return [entry.partition(" id=")[2].split()[0] for entry in line.requests()]

    for _ in range(rounds(10, 2)):
        asked = questions()
        router.check("/sbin/ifup wan")
        line.wait(lambda asked=asked: len(questions()) > len(asked), 60, "a question")
        first = questions()
        client = line.client()
        router.check("ubus call network.interface.wan renew")
        # The one under way would be asked over for half a minute.
        line.wait(lambda first=first: set(questions()) - set(first), 20, "another question")
        assert line.client() == client
        began = time.monotonic()
        router.check("/sbin/ifdown wan")
        gone = '[ -z "$(ls -A /var/run/softwire)" ] && ! ubus list network.interface.wan_ep'
        router.wait_until(gone, 20, "files and endpoint are gone")
        line.wait(lambda: line.client() == [] and line.endpoints() == [], 20, "client and address are gone")
        longest = max(longest, time.monotonic() - began)
        assert router.run("pgrep -f softwire.script")[0].split() == []
    told = diagnosed(line, "settings", "TURNED_OFF")
    line.access("radius accept")
    router.check("/sbin/ifup wan")
    fault(
        "renew and ifdown while nobody answers a question",
        f"another question at once; all gone within {longest:.0f} s",
        told,
    )


def test_second_writer(line, fault):
    """Somebody commits other changes and reloads while `softwire configure` waits: nobody's are lost."""
    router = line.router
    words = f"softwire configure softbank --auth-server {addresses.RADIUS} --mtu 1440 --yes --secrets /tmp/secrets"
    secrets = f"shared_secret={addresses.SHARED_SECRET}\npassword={addresses.PASSWORD}\n"
    before = held(line)
    router.check("umask 077; mkfifo /tmp/secrets")
    router.check(f"({words} > /tmp/told 2>&1; echo $? >> /tmp/told) < /dev/null > /dev/null 2>&1 &")
    router.wait_until(
        "[ -s /var/run/softwire.configure.*/after/network ]", 60, "it has read the configuration"
    )
    router.check("uci set network.lan.metric=5; uci commit network; /etc/init.d/network reload")
    router.check(f"printf '{secrets}' > /tmp/secrets")
    router.wait_until("tail -n 1 /tmp/told | grep -qx 1", 60, "it ends with 1")
    told = router.check("cat /tmp/told")
    assert "UNCOMMITTED: /etc/config/network was changed meanwhile" in told, told
    assert (
        router.check("uci get network.lan.metric").strip() == "5" and router.run("uci get network.wan.mtu")[1]
    )
    router.check("uci set network.lan.metric=6")
    router.check(f"printf '{secrets}' > /tmp/secrets.file")
    told, status = router.run(words.replace("/tmp/secrets", "/tmp/secrets.file"), 120)
    assert status == 1 and "UNCOMMITTED: uci holds changes to network" in told, told
    router.check("uci commit network")
    told = router.check(words.replace("/tmp/secrets", "/tmp/secrets.file"), 120)
    assert [secret for secret in (addresses.SHARED_SECRET, addresses.PASSWORD) if secret in told] == []
    router.check("rm /tmp/secrets /tmp/secrets.file")
    assert (held(line)[:2], line.seen_by_ipv4()) == (before[:2], addresses.IPV4)
    told = diagnosed(line, "settings", "NOT_RELOADED")
    router.check("/etc/init.d/network reload")
    recovery = fault(
        "another program's changes and reload while `softwire configure` runs",
        "`UNCOMMITTED`; no change lost",
        told,
    )
    router.wait_until("/sbin/ip link show dev sw-wan | grep -q ' mtu 1440 '", 60, "both changes are there")
    assert router.check("uci get network.lan.metric").strip() == "6"
    line.wait_for_softwire()
    recovery.over()
    router.check("softwire configure --undo --yes --apply", 120)
    router.check("uci -q delete network.lan.metric; uci commit network; /etc/init.d/network reload")
    router.wait_until("/sbin/ip link show dev sw-wan | grep -q ' mtu 1460 '", 60, "all is as it was")


TWIN = Softwire(71, "twin", ip6prefix=None)


def test_two_with_one_endpoint(line, fault):
    """The second softwire of the same endpoint says so, and leaves the first one alone, going and coming."""
    before = held(line)
    table = Softwires(line, [TWIN])
    table.subscribe()
    line.access("radius accept")
    table.configure([TWIN])
    assert "of interface wan already" in line.wait(
        lambda: next(
            (
                error["data"][0]
                for error in line.interface("twin").get("errors", [])
                if error["code"] == "ENDPOINT_TAKEN"
            ),
            None,
        ),
        120,
        "ENDPOINT_TAKEN",
    )
    told = Told(line, "twin")
    assert "ENDPOINT_TAKEN" in told.at("endpoint"), told.findings
    assert line.seen_by_ipv4() == addresses.IPV4
    assert held(line) == before
    line.router.check("/sbin/ifdown twin; /sbin/ifup twin")
    line.wait(lambda: "ENDPOINT_TAKEN" in line.errors("twin"), 120, "ENDPOINT_TAKEN again")
    table.configure([])
    recovery = fault("two softwires with one endpoint", "the first one was not touched", "ENDPOINT_TAKEN")
    assert line.seen_by_ipv4() == addresses.IPV4
    recovery.over()
    line.wait(lambda: table.seen(TWIN) == TWIN.ipv4, 120, "the second one carries packets, too")
    assert line.seen_by_ipv4() == addresses.IPV4
    assert (line.ifindex(), line.client()) == before[:2]
    table.remove()
    line.lab.access.check("rm /run/access/subscribers")
    line.access("restore", 120)


def test_reload_and_ifup_in_every_state(line, fault):
    """network reload, ifdown and ifup while it is down, setting up, asking, waiting to retry and up."""
    line.router.check("/sbin/ifdown wan")
    told = diagnosed(line, "settings", "TURNED_OFF")
    line.access("radius silent")
    for _ in range(rounds(20, 2)):
        for command in "/sbin/ifup wan", "/etc/init.d/network reload", "/sbin/ifdown wan; /sbin/ifup wan":
            line.router.check(command)
            line.router.check("/etc/init.d/network reload")
    line.access("radius accept")
    for _ in range(rounds(20, 2)):
        for command in (
            "/sbin/ifup wan",
            "/sbin/ifdown wan6; /sbin/ifup wan6",
            "/sbin/ifup wan6; /sbin/ifup wan",
        ):
            line.router.check(command)
            line.router.check("/etc/init.d/network reload")
    fault("reload, ifdown and ifup of both interfaces in every state", "", told)


def test_client_killed_in_every_state(line, fault):
    """kill -9 while it has no prefix that will do, asks, waits to try again, and holds a softwire."""

    @contextlib.contextmanager
    def killing():
        killed = line.client()
        yield f"kill -9 {' '.join(killed)}"
        line.wait(lambda: len(line.client()) == 1 and line.client() != killed, 60, "another client runs")

    line.access("delegate 2001:db8:4000:300::/72")
    line.router.check("ubus call network.interface.wan6 renew")
    line.wait_for_error("PREFIX_TOO_LONG")
    with killing() as command:
        line.router.check(command)
    line.access(f"delegate {addresses.PREFIX}")
    line.router.check("ubus call network.interface.wan6 renew")
    for word, state in ("silent", "asking"), ("reject", "retrying"), ("accept", "up"):
        line.access(f"radius {word}")
        line.router.check("/sbin/ifup wan")
        # The pauses between tries are short at first.
        line.wait(lambda state=state: line.status()["phase"] == state, 240, f"the client is {state}")
        with killing() as command:
            told = Told(line, program=f"{command}; softwire")
    (told,) = [code for code in ("NOT_UP", "JUST_UP") if code in told.at("softwire")]
    fault(
        "kill -9 of the client while it waits for the line, asks, waits and holds",
        "netifd starts another",
        told,
    )


def step_clock(line, years):
    """Sets the router's clock."""
    line.router.check(f"date -s @$(($(date +%s) + {years} * 31557600))")


def test_clock_stepped(line, fault):
    """Ten years forward and back while it waits: nobody is asked, nothing changes."""
    before = line.requests(), line.client(), line.ifindex()
    for years in 10, -20, 10:
        step_clock(line, years)
        assert line.seen_by_ipv4() == addresses.IPV4
    assert (line.requests(), line.client(), line.ifindex()) == before
    # A new softwire does not mind either.
    step_clock(line, -10)
    told = diagnosed(line, "router", "CLOCK_WRONG")
    new_softwire(line)
    line.wait_for_softwire()
    step_clock(line, 10)
    fault("the clock stepped by ten years, both ways", "nobody asked, nothing changed", told)


def test_run_directory_full(line, fault):
    """/var/run full when the interface is set up: said, tried again, and well as soon as there is room."""
    line.router.check("/sbin/ifdown wan")
    line.router.check("mkdir -p /var/run/softwire && mount -t tmpfs -o size=4k tmpfs /var/run/softwire")
    try:
        line.router.check("head -c 65536 /dev/zero > /var/run/softwire/full 2> /dev/null || :")
        line.router.check("/sbin/ifup wan")
        assert "is /var full?" in line.wait_for_error("NO_RUN_DIRECTORY")
        assert line.seen_by_ipv6().startswith("2001:db8:4000:300:")
        told = diagnosed(line, "router", "NO_RUN_DIRECTORY")
    finally:
        line.router.check("umount /var/run/softwire")
    fault("/var/run full", "`NO_RUN_DIRECTORY`", told)


# --- two lines

SECOND_LINE = """
config interface 'wan6b'
	option device 'line2'
	option proto 'static'
	option ip6addr '2001:db8:5000::2/64'
	option ip6gw 'fe80::2'
	option ip6prefix '2001:db8:5000:100::/56'

config interface 'second'
	option proto 'softwire'
	option tunlink 'wan6b'
	option auth_server '{server}'
	option shared_secret '{secret}'
	option password '{password}'
	option metric '20'
"""


def test_two_lines(line, fault):
    """Two softwires over two lines with a metric each: when one line is lost, the other's goes on untouched."""
    ipv4, prefix = "203.0.113.50", "2001:0db8:5000:0100"
    access, router = line.lab.access, line.router
    router_side = "fe80::5054:ff:fe12:3401"
    access.check("ip link add link line0 name line2 type vlan id 2; ip link set line2 up")
    access.check("ip -6 address add fe80::2/64 dev line2 nodad")
    access.check(f"ip -6 route add 2001:db8:5000::/36 via {router_side} dev line2")
    access.check(f"echo {prefix} {ipv4} >> /run/access/subscribers")
    line.access("radius accept")
    router.check("/sbin/ip link add link eth1 name line2 type vlan id 2")
    text = SECOND_LINE.format(
        server=addresses.RADIUS, secret=addresses.SHARED_SECRET, password=addresses.PASSWORD
    )
    router.check(f"printf %s {shlex.quote(text)} >> /etc/config/network; /etc/init.d/network reload")
    zone = "firewall.@zone[1].network"
    router.check("cp /etc/config/firewall /tmp/firewall.saved")
    router.check(f"uci add_list {zone}=wan6b; uci add_list {zone}=second; uci commit firewall")
    router.check("/etc/init.d/firewall reload", 60)
    through = f"curl --interface sw-second -4 -s -m 5 http://{addresses.INTERNET4}/"
    line.wait(lambda: router.run(through)[0].strip() == ipv4, 120, "the second softwire carries packets")
    assert line.seen_by_ipv4() == addresses.IPV4
    routes = router.check("/sbin/ip -4 route show default")
    assert "dev sw-wan" in routes.splitlines()[0] and "dev sw-second" in routes and " metric 20" in routes
    told = Told(line, "second", addresses.INTERNET4)
    assert "leaves through sw-wan" in told.at("softwire")["OTHER_DEFAULT_ROUTE"]["text"], told.findings
    assert told.wrong() == [] and Told(line).notes() == []
    before = line.ifindex(), line.client(), len(line.requests())
    router.check("/sbin/ifdown wan6b")
    router.wait_until("! [ -e /sys/class/net/sw-second ]", 30, "the second softwire is gone")
    assert line.seen_by_ipv4() == addresses.IPV4
    told = Told(line, "second")
    told.names("cable", "TURNED_OFF", "interface wan6b is turned off")
    router.check("/sbin/ifup wan6b")
    recovery = fault(
        "one of two lines lost and back",
        "the other softwire was not touched",
        "TURNED_OFF",
        "OTHER_DEFAULT_ROUTE",
    )
    line.wait(lambda: router.run(through)[0].strip() == ipv4, 120, "the second softwire carries packets")
    recovery.over()
    assert (line.ifindex(), line.client()) == before[:2]
    router.check("cp /etc/network.saved /etc/config/network; /etc/init.d/network reload")
    router.wait_until("! ubus list network.interface.second_ep", 60, "the second softwire is gone")
    router.check("cp /tmp/firewall.saved /etc/config/firewall; /etc/init.d/firewall reload", 60)
    router.check("/sbin/ip link delete line2")
    access.check("ip link delete line2; rm /run/access/subscribers")
    line.access("restore", 120)
