# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong has its code in ifstatus and one clear line in the log, and spoils nothing else."""

import contextlib
import re
import time

import pytest

from tests.lab import addresses
from tests.lab.guest import LabError
from tests.system.softwires import Softwire, Softwires

OTHER_SECRET = "not-the-server-s"
SECRETS = addresses.SHARED_SECRET, addresses.PASSWORD, OTHER_SECRET
# A port of the RADIUS server's address that takes packets and says nothing.
SILENT = "1813"


class Case(Softwire):
    """One thing that is wrong: the code that netifd shows, and what people are told."""

    def __init__(self, number, name, code, told, **options):
        super().__init__(number, name, **options)
        self.code = code
        self.told = told
        self.blocks = code == "BAD_CONFIG"  # netifd starts it no more, until the user does

    def __repr__(self):
        return self.name


# The options of an interface that is wrong, or the version of a unit that the operator's server answers wrongly.
CONFIGURATION = [
    Case(
        16, "nosecret", "BAD_CONFIG", "option shared_secret is missing: the RADIUS secret", shared_secret=None
    ),
    Case(18, "mtu", "BAD_CONFIG", "option mtu '67': a number from 68 to 65495 would be right", mtu="67"),
    Case(19, "identifier", "BAD_CONFIG", "option interface_id '::1': ", interface_id="::1"),
    Case(20, "method", "BAD_CONFIG", "option provisioning 'ds-lite': one of ", provisioning="ds-lite"),
]
ANSWER = [
    Case(32, "rejected", "AUTH_REJECTED", "rejected 2001:0db8:4000:0320:", hardware_version="rejected"),
    Case(33, "no204", "BAD_ANSWER", "lacks SoftBank-WANv4-IP (204)", hardware_version="no204"),
    Case(34, "no207", "BAD_ANSWER", "lacks SoftBank-v6-GW (207)", hardware_version="no207"),
    Case(35, "multicast207", "BAD_ANSWER", "SoftBank-v6-GW (207) ff02::1: ", hardware_version="multicast207"),
    Case(
        36, "loopback204", "BAD_ANSWER", "SoftBank-WANv4-IP (204) 127.0.0.1: ", hardware_version="loopback204"
    ),
]
SILENCE = [
    Case(37, "silent", "NO_ANSWER", f"[{addresses.RADIUS}]:{SILENT} is silent", auth_port=SILENT),
    Case(
        38,
        "mismatch",
        "SECRET_MISMATCH",
        "option shared_secret is not the server's",
        shared_secret=OTHER_SECRET,
    ),
]
# netifd does not even start the client: `softwire status` explains.
TUNLINK = [
    Case(48, "unknown6", "NO_DEVICE", "there is no interface 'wan7', which option tunlink", tunlink="wan7"),
    Case(49, "down6", "NO_DEVICE", "interface off6 ", tunlink="off6"),
    Case(50, "unanswered6", "NO_DEVICE", "interface mute6 is not up (nothing came", tunlink="mute6"),
    Case(51, "noroute6", "NO_DEVICE", "interface fixed6 has no IPv6 way to the internet", tunlink="fixed6"),
]
CASES = CONFIGURATION + ANSWER + SILENCE + TUNLINK

# In post-auth: a Reject after the parameters were added, and Accepts that lack one or have one that cannot be right.
WRONG_ANSWERS = """
switch "%{SoftBank-Hardware-Version}" {
	case "rejected" {
		reject
	}
	case "no204" {
		update reply {
			&SoftBank-WANv4-IP !* ANY
		}
	}
	case "no207" {
		update reply {
			&SoftBank-v6-GW !* ANY
		}
	}
	case "multicast207" {
		update reply {
			&SoftBank-v6-GW := "ff02::1"
		}
	}
	case "loopback204" {
		update reply {
			&SoftBank-WANv4-IP := 127.0.0.1
		}
	}
}
"""
# Interfaces of IPv6 that a softwire cannot go over; quiet0 is a cable to a machine that says nothing.
TUNLINKS = """
config interface "off6"
	option device "quiet0"
	option proto "flets"
	option auto "0"

config interface "mute6"
	option device "quiet0"
	option proto "flets"

config interface "fixed6"
	option device "quiet1"
	option proto "static"
	option ip6addr "2001:db8:f::1/64"

"""


class Evidence:
    """What was seen of each case, by name: while it was wrong, and what the IPv4 internet saw after it was mended."""

    def __init__(self, booted):
        self.line = booted
        self.mark = f"bad-input-{time.monotonic()}"
        booted.router.check(f"logger {self.mark}")
        self.errors = {}
        self.blocked = {}
        self.status = {}
        self.log = {}
        self.everything = ""
        self.line_seen = []
        self.came_up = {}

    def logread(self):
        """The log since the beginning."""
        return self.line.router.check("/sbin/logread").rpartition(self.mark)[2]

    def wait_for_errors(self, table, cases, seconds):
        """Until ifstatus showed each case's code once; then looks at all else."""

        def failed(case, interface):
            for error in interface.get("errors", []):
                self.errors.setdefault(case.name, {})[error["code"]] = error.get("data")
            self.blocked[case.name] = not interface["autostart"]
            return case.code in self.errors.get(case.name, {}) and self.blocked[case.name] == case.blocks

        def all_failed():
            known = table.interfaces()
            return all([failed(case, known[case.name]) for case in cases])

        with contextlib.suppress(LabError):  # which case did not is for its own test to say
            self.line.wait(all_failed, seconds, "all cases show their error")
        self.line_seen.append((self.line.seen_by_ipv4(), self.line.seen_by_ipv6()))
        for case in cases:
            self.status[case.name] = self.line.router.run(f"softwire status {case.name}")
        log = self.logread()
        for case in cases:
            self.log[case.name] = re.findall(rf"netifd: {case.name} \(\d+\): (.*)", log)

    def wait_until_mended(self, table, seconds):
        """Until all are up, and who the IPv4 internet sees then."""
        with contextlib.suppress(LabError):
            table.wait_until_up(seconds)
        self.came_up.update({case.name: table.seen(case) for case in table.softwires})


def wrong_by_itself(evidence):
    """What is wrong on the router: its configuration, or the interface under the softwire."""
    table = Softwires(evidence.line, CONFIGURATION + TUNLINK)
    Softwires(evidence.line, CASES).subscribe()
    evidence.line.access("radius accept")
    for device in "quiet0", "quiet1":
        table.router.check(f"/sbin/ip link add {device} type veth peer name to-{device}")
        table.router.check(f"/sbin/ip link set to-{device} up")
    table.configure(table.softwires, also=TUNLINKS)
    evidence.wait_for_errors(table, table.softwires, 180)
    table.configure([])
    for case in CONFIGURATION:
        table.router.check(f"/sbin/ifup {case.name}")
    evidence.wait_until_mended(table, 180)
    table.remove()
    table.router.check("/sbin/ip link delete quiet0; /sbin/ip link delete quiet1")


def wrong_by_the_server(evidence):
    """What the RADIUS server answers; those that it answers wrongly recover by themselves as soon as it is right."""
    line = evidence.line
    table = Softwires(line, ANSWER + SILENCE)
    line.access(f"radius reply '{WRONG_ANSWERS.strip()}'")
    silence = f"UDP6-RECV:{SILENT},bind=[{addresses.RADIUS}]"
    line.lab.access.check(f"(setsid socat -u '{silence}' OPEN:/dev/null & echo $! > /tmp/silent)")
    table.configure(table.softwires)
    evidence.wait_for_errors(table, ANSWER, 180)
    line.access("radius accept")
    evidence.wait_for_errors(table, SILENCE, 240)
    table.configure(ANSWER)
    evidence.wait_until_mended(table, 180)
    line.lab.access.check("kill $(cat /tmp/silent)")
    table.remove()
    line.access("restore", 120)


@pytest.fixture(scope="module")
def seen(booted):
    """All cases of a kind at once: one reload to make them wrong, one to mend them."""
    evidence = Evidence(booted)
    wrong_by_itself(evidence)
    wrong_by_the_server(evidence)
    booted.changed = False
    evidence.everything = evidence.logread() + repr((evidence.errors, evidence.status))
    yield evidence


@pytest.mark.parametrize("case", CASES, ids=repr)
class TestTable:
    def test_code(self, seen, case):
        """ifstatus shows the code and the text; only a wrong configuration waits for the user."""
        assert case.code in seen.errors[case.name]
        assert case.code == "NO_DEVICE" or case.told in seen.errors[case.name][case.code][0]
        assert seen.blocked[case.name] == case.blocks

    def test_status(self, seen, case):
        """`softwire status` says it in words."""
        text, exit_status = seen.status[case.name]
        assert exit_status == 1
        assert text.startswith(f"{case.name}: down")
        assert case.code in text and case.told in text

    def test_log(self, seen, case):
        """One line a try, which says the same."""
        told = seen.log[case.name]
        if case.code == "NO_DEVICE":
            assert told == []
        elif case.code == "BAD_CONFIG":
            assert len(told) == 1 and told[0].startswith(f"BAD_CONFIG: {case.told}")
        else:
            # Beside what was decided of the line.
            tries = [entry for entry in told if not entry.startswith("line_type auto: ")]
            assert tries and all(re.fullmatch(r"[A-Z_]+: .*; next try in \d+ s", entry) for entry in tries)
            assert any(entry.startswith(case.code) and case.told in entry for entry in tries)

    def test_mended(self, seen, case):
        """Traffic flows after the configuration or the server was put right, with the client's own next try."""
        assert seen.came_up[case.name] == case.ipv4


def test_line_goes_on(seen):
    """All the time the line and its first softwire are as they were."""
    for ipv4, ipv6 in seen.line_seen:
        assert ipv4 == addresses.IPV4
        assert ipv6.startswith("2001:db8:4000:300:")


def test_no_secret_and_no_trace(seen):
    """Nothing told a secret, nor where in a program it happened."""
    assert [secret for secret in SECRETS if secret in seen.everything] == []
    assert "Traceback" not in seen.everything and "INTERNAL" not in seen.everything


# --- the line


def test_prefix_too_long(line):
    """A prefix that holds no /64 ends the softwire that is up; the old prefix brings it back."""
    with line.undone():
        line.access("delegate 2001:db8:4000:300::/72")
        line.router.check("ubus call network.interface.wan6 renew")
        told = line.wait_for_error("PREFIX_TOO_LONG")
        assert "interface wan6 was delegated 2001:db8:4000:300::/72" in told and "/64 or shorter" in told
        line.router.check("! [ -e /sys/class/net/sw-wan ]")
        line.access(f"delegate {addresses.PREFIX}")
        line.router.check("ubus call network.interface.wan6 renew")
        line.wait_for_softwire()


# --- DHCPv6 option 17


@pytest.fixture
def option17(line):
    """Makes Kea send any octets in option 17, to whoever asks; put back afterwards."""
    configuration = "/lab/access/kea-dhcp6.conf"
    library = "/usr/lib/x86_64-linux-gnu/kea/hooks/libdhcp_flex_option.so"

    def send(octets):
        options = f'[ {{ "code": 17, "supersede": "0x{octets}" }} ]'
        hook = f'{{ "library": "{library}", "parameters": {{ "options": {options} }} }}, {{'
        line.lab.access.check(
            f"sed 's|\\(\"hooks-libraries\": \\[ \\){{|\\1{hook}|' /tmp/kea.saved > {configuration}"
        )
        line.access(f"delegate {addresses.PREFIX}")
        line.router.check("ubus call network.interface.wan6 renew")

    line.lab.access.check(f"cp {configuration} /tmp/kea.saved")
    with line.undone():
        yield send
        line.lab.access.check(f"cp /tmp/kea.saved {configuration}")
        line.access(f"delegate {addresses.PREFIX}")
        line.router.check("ubus call network.interface.wan6 renew")
        line.wait(lambda: line.status()["line"]["problems"] == [], 60, "option 17 is right again")


@pytest.mark.parametrize(
    ("octets", "problem", "numbers"),
    [
        # 202 = 0312345678; 201 says that it has 6 octets, there are 2.
        ("000000d2 00ca000a30333132333435363738 00c900065254", "sub-option: 6 octets wanted", ["0312345678"]),
        # Empty sub-options, 204 = a compression pointer to itself.
        ("000000d2 00000000 00000000 00cc0002c000", "sub-option 204: ", []),
        # Not even an enterprise number.
        ("0000d2", "option 17: enterprise number: 4 octets wanted", []),
    ],
    ids=["truncated", "looping", "short"],
)
def test_option17(line, option17, octets, problem, numbers):
    """What cannot be read is told, what can be is used, and the softwire does without."""
    option17(octets.replace(" ", ""))
    line.wait(lambda: line.status()["line"]["problems"], 60, "the problem is told")
    told = line.status()["line"]
    assert any(entry.startswith(problem) for entry in told["problems"]), told["problems"]
    assert told["numbers"] == numbers and told["mac_echo"] is None
    line.router.check("/sbin/ifup wan")
    line.wait_for_softwire()
    assert problem in line.router.check("softwire status wan")
