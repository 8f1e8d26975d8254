# SPDX-License-Identifier: Apache-2.0
"""`softwire configure` on a router's file tree with the stand-in's uci; on a terminal and without one.

Beside CPython under MicroPython, and with a real uci, where this machine has them.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from sandbox import REPOSITORY
from uci_router import DEFAULT, FIREWALL, LAN, PASSWORD, SECRET, SOFTBANK

FRONT, COMMANDS_PAGE = (
    (REPOSITORY / path).read_text(encoding="utf-8") for path in ("README.md", "docs/commands.md")
)
PPPOE = (
    LAN
    + """
config interface 'wan6'
\toption device '@wan'
\toption proto 'dhcpv6'
\tlist ip6prefix '2001:db8:5::/48'

config interface 'wan'
\toption device 'eth1'
\toption proto 'pppoe'
\toption username 'user@isp'
\toption password 'old word of the provider'
\tlist dns '192.0.2.53'
\tlist dns '192.0.2.54'

config interface 'iptv'
\toption device 'eth1.20'
\toption proto 'dhcp'
"""
)
RECORD = "etc/softwire/before.json"
FOREIGN_FIREWALL = """config zone
\toption name 'lan'
\tlist network 'lan'

config zone
\toption name 'internet'
\toption network 'iptv'
\toption masq '1'
\toption mtu_fix '1'
"""


def test_default_configuration(router):
    status, output = router.scripted(*SOFTBANK)
    assert (
        output
        == """Interface wan: dhcp becomes softwire
Interface wan6: dhcpv6 becomes flets
/etc/config/network:
  config interface 'wan'
-     option device 'eth1'
-     option proto 'dhcp'
+     option proto 'softwire'
+     option tunlink 'wan6'
+     option provisioning 'softbank'
+     list auth_server '2001:db8:1812::1'
+     option shared_secret (not shown)
+     option password (not shown)
  config interface 'wan6'
      option device 'eth1'
-     option proto 'dhcpv6'
+     option proto 'flets'

Written. 'softwire configure --undo' puts back what was there before (/etc/softwire/before.json).
Now run:
  /etc/init.d/network reload
  /etc/init.d/firewall reload
Then 'softwire status wan' tells how it goes.
"""
    )
    assert status == 0
    written = router.sections()
    assert written["wan6"] == {"device": ["eth1"], "proto": ["flets"]}
    assert written["wan"] == {
        "proto": ["softwire"],
        "tunlink": ["wan6"],
        "provisioning": ["softbank"],
        "auth_server": ["2001:db8:1812::1"],
        "shared_secret": [SECRET],
        "password": [PASSWORD],
    }
    assert "\tlist auth_server '2001:db8:1812::1'\n" in router.read()
    assert router.read().startswith(("\n" + LAN, LAN)) and router.read("firewall") == FIREWALL
    assert router.mode("etc/softwire/before.json") == 0o600


def test_a_login_is_asked_for_where_there_is_somebody_to_log_in_as(router):
    """`configure auto --wan eth1` is the whole set-up of a line that nothing is known of; so it is with hb46pp."""
    for method in ("auto", "hb46pp"):
        status, output = router.configure(method, "--wan", "eth1", "--yes")
        assert status == 0, output
        wanted = {"proto": ["softwire"], "tunlink": ["wan6"], "provisioning": [method]}
        assert router.sections()["wan"] == wanted
        assert router.sections()["wan6"] == {"device": ["eth1"], "proto": ["flets"]}
    for words in (("hb46pp", "--user-name", "u"), ("auto", "--auth-server", "2001:db8:1812::1")):
        status, output = router.configure(*words, "--wan", "eth1", "--yes")
        assert status == 1 and "is missing: type it, or give --secrets FILE" in output


def test_for_who_writes_it_himself(router):
    """LuCI is told what to write, without a secret, old or new, and nothing is written; then the way back alone."""
    router.write("etc/config/network", PPPOE)
    before = router.read(), router.read("firewall")
    words = (*SOFTBANK, "--mtu", "1400")
    status, output = router.configure(*words, "--plan")
    assert status == 0
    plan = json.loads(output)
    wan6, wan = plan["changes"]
    assert (wan["section"], wan["new"], wan["secrets"]) == ("wan", False, ["password", "shared_secret"])
    assert wan["values"] == {
        "proto": "softwire", "tunlink": "wan6", "provisioning": "softbank", "mtu": "1400",
        "auth_server": ["2001:db8:1812::1"],
    }  # fmt: skip
    assert wan["deleted"] == ["device", "dns", "username"] and wan6["values"]["proto"] == "flets"
    assert [line for name, line in plan["difference"] if name == "network" and "(not shown)" in line]
    assert (router.read(), router.read("firewall")) == before and not (router.root / RECORD).exists()
    assert router.configure(*words, "--keep") == (0, "")
    assert (router.read(), router.read("firewall")) == before
    router.scripted(*words)
    router.configure("--undo", "--yes")
    assert router.sections()["wan"]["username"] == ["user@isp"]


def test_a_secret_that_need_not_be(router):
    """Both of a login or none: without one nobody is asked for a password, and LuCI's plan is right either way."""
    assert router.configure("hb46pp", "--wan", "eth1", "--yes")[0] == 0
    assert "password" not in router.sections()["wan"]
    for words in (), ("--user-name", "me"):
        status, output = router.configure("hb46pp", "--wan", "eth1", *words, "--plan")
        assert status == 0, output


def test_a_plan_for_a_zone_without_a_name_of_its_own(router):
    """An anonymous section is found by what it says."""
    router.write("etc/config/firewall", FOREIGN_FIREWALL)
    status, output = router.configure(*SOFTBANK, "--firewall-zone", "internet", "--plan")
    assert status == 0
    (zone,) = [change for change in json.loads(output)["changes"] if change["config"] == "firewall"]
    assert (zone["type"], zone["match"]) == ("zone", {"name": "internet"})
    assert sorted(zone["values"]["network"].split()) == ["iptv", "wan", "wan6"]


def test_twice(router):
    router.scripted(*SOFTBANK)
    before = router.read(), (router.root / "etc/softwire/before.json").read_text()
    for secrets in (("--secrets", router.secrets_file), ()):
        status, output = router.configure(*SOFTBANK, *secrets, "--yes")
        assert (status, output) == (0, "Nothing to change: the configuration is already like that.\n")
    assert (router.read(), (router.root / "etc/softwire/before.json").read_text()) == before


@pytest.mark.parametrize("start", [DEFAULT, PPPOE, LAN], ids=["default", "pppoe", "lan"])
def test_pages(router, start):
    """The front page's command and the lines for uci end with the same."""
    section = FRONT[FRONT.index("## Configure") :]
    words = shlex.split(re.search(r"^softwire configure (softbank .*)$", section, re.M).group(1))
    lines = re.search(r"^uci batch <<'EOF'\n.*?\nEOF$", COMMANDS_PAGE, re.M | re.S).group()
    shown = re.search(r"^config interface 'wan6'\n.*?(?=^```)", section, re.M | re.S).group()
    router.write("etc/config/network", start)
    router.write("root/secrets", "shared_secret=the shared secret\npassword=the password\n")
    assert router.scripted(*words)[0] == 0
    by_command = router.sections()

    router.write("etc/config/network", start)
    subprocess.run(["sh", "-c", lines], env={"PATH": str(router.root / "bin") + ":/bin:/usr/bin"}, check=True)
    assert router.sections() == by_command
    assert shown.replace("…", "the shared secret", 1).replace("…", "the password") in router.read()


@pytest.mark.parametrize("start", [DEFAULT, PPPOE, LAN], ids=["default", "pppoe", "lan"])
def test_undo(router, start):
    router.write("etc/config/network", start)
    before = router.sections()
    assert router.scripted(*SOFTBANK)[0] == 0
    # Once more, otherwise: what was there before the first time is what counts.
    assert router.scripted(*SOFTBANK, "--mtu", "1400")[0] == 0
    status, output = router.configure("--undo")
    assert status == 1 and "There is no terminal to ask on: --yes does it without asking." in output
    assert router.sections()["wan"]["mtu"] == ["1400"]
    status, output = router.configure("--undo", "--yes")
    assert status == 0
    assert ("Put back as before: wan, wan6." if start != LAN else "Removed: wan, wan6.") in output
    assert router.sections() == before
    if start == PPPOE:
        assert "\tlist dns '192.0.2.53'\n\tlist dns '192.0.2.54'\n" in router.read()
    assert not (router.root / "etc/softwire/before.json").exists()
    status, output = router.configure("--undo", "--yes")
    assert (status, output) == (1, "Nothing to undo: /etc/softwire/before.json is not there.\n")


def test_old_secrets_are_kept_until_forgotten(router, person):
    """They are needed to go back, root's alone, and said; a word removes them."""
    record = router.root / "etc/softwire/before.json"
    router.write("etc/config/network", PPPOE)
    status, output = router.scripted(*SOFTBANK)
    assert (
        "\nIt holds old secrets (wan.password), for root alone: 'softwire configure --forget' removes it once nobody "
        "wants to go back.\n"
    ) in output
    assert (
        "old word of the provider" in record.read_text() and router.mode("etc/softwire/before.json") == 0o600
    )

    status, output = router.configure("--forget")
    assert status == 1 and "There is no terminal to ask on" in output and record.exists()
    for answer, there in ("n", True), ("y", False):
        terminal = person("--forget")
        terminal.see("before.json, after which --undo can put nothing back? [y/N] ")
        terminal.type(answer + "\n")
        assert (terminal.end() == 1, record.exists()) == (there, there)
    assert router.sections()["wan"]["proto"] == ["softwire"]
    status, output = router.configure("--forget", "--yes")
    assert (status, output) == (0, "Nothing to forget: /etc/softwire/before.json is not there.\n")
    assert router.configure("--undo", "--yes")[0] == 1


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "{}", '{"network": [], "zones": []}'])
def test_a_record_that_is_broken(router, text):
    """Nothing is written over it, and nothing dies of it; a word removes it."""
    router.write("etc/softwire/before.json", text)
    for words in (*SOFTBANK, "--secrets", router.secrets_file), ("--undo",):
        status, output = router.configure(*words, "--yes")
        assert status == 1 and "BAD_CONFIG: /etc/softwire/before.json cannot be understood: " in output
        assert "Traceback" not in output and router.read() == DEFAULT
    assert router.configure("--forget", "--yes") == (0, "Removed.\n")
    assert router.scripted(*SOFTBANK)[0] == 0


def test_undo_goes_back_to_what_a_person_wrote_since(router):
    router.scripted(*SOFTBANK)
    router.write("etc/config/network", PPPOE)
    before = router.sections()
    router.scripted(*SOFTBANK)
    assert router.configure("--undo", "--yes")[0] == 0
    assert router.sections() == before


def test_static_beside_a_line_that_stays(router):
    router.write("etc/config/network", DEFAULT.replace("'wan6'", "'line'"))
    status, output = router.configure(
        "static", "--line=line", "--interface", "wan", "--peeraddr=2001:db8:b::1", "--ipaddr", "192.0.2.1/29",
        "--firewall-zone", "wan", "--yes",
    )  # fmt: skip
    assert status == 0, output
    assert router.sections()["line"] == {"device": ["eth1"], "proto": ["dhcpv6"]}
    assert router.sections()["wan"] == {
        "proto": ["softwire"],
        "tunlink": ["line"],
        "provisioning": ["static"],
        "peeraddr": ["2001:db8:b::1"],
        "ipaddr": ["192.0.2.1/29"],
    }
    # The line's name was in no zone.
    assert "+     list network 'line'" in output and "/etc/init.d/firewall reload" in output
    assert router.sections("firewall")["@zone[1]"]["network"] == ["wan", "wan6", "line"]
    assert router.configure("--undo", "--yes")[0] == 0
    assert router.sections("firewall")["@zone[1]"]["network"] == ["wan", "wan6"]


def test_without_the_zone(router):
    router.write("etc/config/firewall", FOREIGN_FIREWALL)
    before = router.sections("firewall")
    status, output = router.scripted(*SOFTBANK)
    assert status == 1 and "NO_FIREWALL_ZONE: /etc/config/firewall has no zone 'wan'" in output
    assert router.read() == DEFAULT

    assert router.scripted(*SOFTBANK, "--firewall-zone", "internet")[0] == 0
    assert router.sections("firewall")["@zone[1]"]["network"] == ["iptv wan wan6"]
    assert router.configure("--undo", "--yes")[0] == 0
    assert router.sections("firewall") == before

    assert router.scripted(*SOFTBANK, "--add-zone")[0] == 0
    made = router.sections("firewall")
    assert made["@zone[2]"] == {
        "name": ["wan"],
        "network": ["wan", "wan6"],
        "input": ["REJECT"],
        "output": ["ACCEPT"],
        "forward": ["REJECT"],
        "masq": ["1"],
        "mtu_fix": ["1"],
    }
    assert made["@forwarding[0]"] == {"src": ["lan"], "dest": ["wan"]}
    assert router.configure("--undo", "--yes")[0] == 0
    assert router.sections("firewall") == before


def test_what_others_wrote_for_the_zone_stays(router):
    """Undo takes its own forwarding, the one from the LAN, and names what then speaks of no zone."""
    router.write("etc/config/firewall", FOREIGN_FIREWALL)
    assert router.scripted(*SOFTBANK, "--add-zone")[0] == 0
    own = (
        "\nconfig forwarding\n\toption src 'guest'\n\toption dest 'wan'\n\nconfig rule\n\toption src 'wan'\n"
    )
    router.write("etc/config/firewall", own + router.read("firewall"))
    status, output = router.configure("--undo", "--yes")
    assert status == 0
    for key in "@forwarding[0]", "@rule[0]":
        assert f"Warning: {key} of the firewall names the zone 'wan', which goes\n" in output
    after = router.sections("firewall")
    assert after["@forwarding[0]"] == {"src": ["guest"], "dest": ["wan"]} and "@forwarding[1]" not in after
    assert "@rule[0]" in after and "@zone[2]" not in after

    # A zone that has got other members, or a forwarding that was there before, is not ours to take away.
    router.write("etc/config/firewall", FOREIGN_FIREWALL + own.replace("guest", "lan"))
    assert router.scripted(*SOFTBANK, "--add-zone")[0] == 0
    assert "@forwarding[1]" not in router.sections("firewall")
    firewall = router.read("firewall").replace("list network 'wan6'", "list device 'tun0'")
    router.write("etc/config/firewall", firewall)
    assert router.configure("--undo", "--yes")[0] == 0
    after = router.sections("firewall")
    assert after["@forwarding[0]"] == {"src": ["lan"], "dest": ["wan"]}
    assert after["@zone[2]"]["device"] == ["tun0"] and "network" not in after["@zone[2]"]


# Words, the exit status, and what is told; nothing is written.
REFUSED = [
    ((*SOFTBANK, "--mtu", "60"), 1, "BAD_CONFIG: option mtu '60': a number from 68 to 65495 would be right"),
    ((*SOFTBANK, "--line-type", "10g"), 1, "BAD_CONFIG: option line_type '10g': one of "),
    ((*SOFTBANK, "--auth-server", "a b"), 1, "BAD_CONFIG: option auth_server 'a b': "),
    ((*SOFTBANK, "--peeraddr", "2001:db8::1"), 1, "BAD_CONFIG: option peeraddr is not one that softbank looks at: "),
    (("softbank", "--wan", "eth1"), 1, "BAD_CONFIG: option auth_server is missing: "),
    (("static", "--wan", "eth1", "--ipaddr", "192.0.2.1"), 1, "BAD_CONFIG: option peeraddr is missing: "),
    ((*SOFTBANK, "--line", "wan"), 1, "BAD_CONFIG: --interface and --line are both 'wan'"),
    ((*SOFTBANK, "--interface", "wan.5"), 1, "BAD_CONFIG: --interface 'wan.5': letters, digits and _ would be right"),
    ((*SOFTBANK, "--wan", "@wan"), 1, "BAD_CONFIG: option --wan '@wan': the name of a port"),
    (("softbank", "--auth-server", "::2", "--line", "new"), 1, "BAD_CONFIG: --wan is missing: "),
    ((*SOFTBANK, "--secrets", "/nowhere"), 1, "BAD_CONFIG: --secrets /nowhere: the file cannot be read"),
    ((*SOFTBANK, "--interface", "globals"), 1, "BAD_CONFIG: network.globals is a section of type globals"),
    (("pppoe", "--wan", "eth1"), 2, "'pppoe' is no method: "),
    ((), 2, "the method is missing"),
    ((*SOFTBANK, "--password", "geheim"), 2, "password on a command line could be read by others"),
    ((*SOFTBANK, "--shared_secret=geheim"), 2, "shared_secret on a command line could be read by others"),
    ((*SOFTBANK, "--colour", "red"), 2, "--colour"),
    ((*SOFTBANK, "--mtu"), 2, "--mtu"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "code", "told"), REFUSED, ids=lambda value: None)
def test_refused(router, words, code, told):
    start = DEFAULT + "\nconfig globals 'globals'\n\toption packet_steering '1'\n"
    router.write("etc/config/network", start)
    secrets = () if "--secrets" in words or code == 2 else ("--secrets", router.secrets_file)
    status, output = router.configure(*words, *secrets, "--yes")
    assert (status, told in output, "geheim" in output) == (code, True, False), output
    assert "Traceback" not in output
    assert router.read() == start and os.listdir(router.root / "etc/softwire") == []


@pytest.mark.parametrize("text", ["passwort=geheim\n", "password\n", "password=\x07geheim\nshared_secret=x"])
def test_secrets_that_are_not_right(router, text):
    status, output = router.configure(*SOFTBANK, "--secrets", "-", "--yes", text=text)
    assert status == 1 and "BAD_CONFIG: " in output and "geheim" not in output
    assert router.read() == DEFAULT


def test_secrets_from_elsewhere(router):
    status, output = router.configure(*SOFTBANK, "--yes")
    assert status == 1 and "option shared_secret is missing: type it, or give --secrets FILE" in output
    os.chmod(router.secrets_file, 0o644)
    status, output = router.configure(*SOFTBANK, "--secrets", "secrets", "--yes", cwd=router.root / "root")
    assert status == 0 and "secrets can be read by others: chmod 600" in output
    text = pathlib.Path(router.secrets_file).read_text(encoding="utf-8")
    assert "Nothing to change" in router.configure(*SOFTBANK, "--secrets", "-", "--yes", text=text)[1]


def test_what_is_missing_is_told(router):
    (router.root / "bin/odhcp6c").unlink()
    shutil.rmtree(router.root / "sys/module/ip6_tunnel")
    router.write("etc/config/network", DEFAULT.replace("\toption ip6assign '60'\n", ""))
    router.know("static", "dhcpv6")
    status, output = router.scripted("softbank", "--wan", "eth0", "--auth-server", "2001:db8:1812::1")
    assert status == 0
    for warning in (
        "this router has no port eth0 (it has eth1)",
        "port eth0 belongs to the bridge br-lan: take it out of br-lan first",
        "no interface has option ip6assign, so the hosts of the LAN get no IPv6: ",
        "MISSING_PACKAGE: install the package kmod-ip6-tunnel",
        "MISSING_PACKAGE: install the package odhcp6c",
    ):
        assert "\nWarning: " + warning in output
    assert "network restart  # a new protocol: netifd learns it only when it starts\n" in output


def test_apply(router):
    for name in ("network", "firewall"):
        router.write(f"etc/init.d/{name}", f"#!/bin/sh\necho {name} $1 >> {router.root}/done\n")
        (router.root / "etc/init.d" / name).chmod(0o755)
    router.program("ifup", f"echo ifup $1 >> {router.root}/done")
    router.write("etc/config/firewall", FIREWALL.replace("\tlist network 'wan6'\n", ""))
    ubus = router.root / "bin/ubus"
    ubus.write_text(ubus.read_text().replace("true", "false"))
    status, output = router.scripted(*SOFTBANK, "--apply")
    assert status == 0, output
    assert (router.root / "done").read_text() == "network reload\nifup wan6\nifup wan\nfirewall reload\n"


def test_apply_reloads_the_firewall_behind_netifd(router):
    """netifd tells the old device, then none, while it takes the line down: fw4 would find none in the zone."""
    on_wan = DEFAULT.replace("'eth1'\n\toption proto 'dhcpv6'", "'@wan'\n\toption proto 'flets'")
    router.write("etc/config/network", on_wan)
    shown = router.root / "shown"
    reloads = {"network": f"echo 0 > {shown}", "firewall": f"cp {shown} {router.root}/done"}
    for name, script in reloads.items():
        router.write(f"etc/init.d/{name}", f"#!/bin/sh\n{script}\n")
        (router.root / "etc/init.d" / name).chmod(0o755)
    ubus = router.root / "bin/ubus"
    # From the reload on it counts how often wan6 was asked for.
    statuses = f"""*wan6*)
            asked=2
            [ ! -e {shown} ] || {{ read -r asked < {shown}; echo $((asked + 1)) > {shown}; }}
            case $asked in 0) device='"device": "eth0",';; 1) device=;; *) device='"device": "eth1",';; esac
            echo "{{ $device \\"autostart\\": true }}";;
            *" status "*)"""
    ubus.write_text(ubus.read_text().replace('*" status "*)', statuses))
    status, output = router.scripted("softbank", "--auth-server", "2001:db8:1812::1", "--apply")
    assert status == 0, output
    assert "firewall reload  # once 'ifstatus wan6' tells the device eth1\n" in output
    assert (router.root / "done").read_text() == "3\n"


def test_other_changes_wait(router):
    subprocess.run([router.root / "bin/uci", "set", "network.lan.mtu=1400"], check=True)
    status, output = router.scripted(*SOFTBANK)
    assert status == 1 and "UNCOMMITTED: uci holds changes to network that nobody committed" in output
    assert router.read() == DEFAULT


def test_broken_file(router):
    # netifd takes neither of them.
    for broken in "\nnonsense\n", "\nconfig interface 'wan-6'\n":
        router.write("etc/config/network", DEFAULT + broken)
        status, output = router.scripted(*SOFTBANK)
        assert status == 1 and "BAD_CONFIG: uci refused /etc/config/network: " in output and "line " in output
        assert router.read() == DEFAULT + broken
    router.write("etc/config/network", "")
    (router.root / "etc/config/network").unlink()
    assert "/etc/config/network is not there: is this OpenWrt?" in router.scripted(*SOFTBANK)[1]


# What does not work (an applet, its arguments), and what is told of it.
UNWRITABLE = {
    "network": ("cat", "after/network", "write error: No space left on device"),
    "firewall": ("cat", "after/firewall", "write error: No space left on device"),
    "record": ("cat", "record", "write error: No space left on device"),
    "second name without links": ("cp", "*firewall.old", "write error: No space left on device"),
    "first to move": ("mv", "*before.json.new*", "can't rename: No space left on device"),
    "last to move": ("mv", "*firewall*", "can't rename: Device or resource busy"),
    "last to move without links": ("mv", "*firewall*", "can't rename: Device or resource busy"),
}


@pytest.mark.parametrize("fault", UNWRITABLE)
def test_no_room(router, fault):
    """Whichever of the files cannot be written, and wherever it stops: all are as they were, modes included."""
    firewall = FIREWALL.replace("\tlist network 'wan6'\n", "")
    router.write("etc/config/firewall", firewall)
    (router.root / "etc/config/firewall").chmod(0o644)
    if "link" in fault:
        router.fail("ln", "*", "ln: Operation not permitted")
    applet, when, told = UNWRITABLE[fault]
    router.fail(applet, when, told)
    status, output = router.scripted(*SOFTBANK)
    assert status == 1 and "CANNOT_WRITE: " + told in output
    assert "\nNothing was changed.\n" in output
    assert (router.read(), router.read("firewall")) == (DEFAULT, firewall)
    assert (router.mode("etc/config/network"), router.mode("etc/config/firewall")) == (0o600, 0o644)
    assert os.listdir(router.root / "etc/softwire") == []


def test_what_cannot_be_put_back_is_told(router):
    """The one word that would not be true is not said; what was there is kept, and where."""
    router.write("etc/config/firewall", FIREWALL.replace("\tlist network 'wan6'\n", ""))
    router.fail("mv", "*network.old*|*firewall.new*", "can't rename: Read-only file system")
    command = router.command(*SOFTBANK, "--secrets", router.secrets_file, "--yes")
    done = subprocess.run(command, env=router.environment(), capture_output=True, text=True, check=False)
    told = router.plain(done.stderr)
    assert done.returncode == 1 and "CANNOT_WRITE: " in told and "Nothing was changed" not in told
    assert "could not be put back: /etc/config/network as /etc/config/.network.old" in told
    assert (router.root / "etc/config/.network.old").read_text() == DEFAULT


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_mode_and_owner_stay(router, mode):
    """Of the files that are edited; what holds the old passwords is root's alone."""
    network = router.root / "etc/config/network"
    network.chmod(mode)
    if os.geteuid() == 0:
        os.chown(network, 1000, 1001)
    before = network.stat()
    router.write("etc/softwire/before.json", '{"network": {}, "zones": []}')
    (router.root / "etc/softwire/before.json").chmod(0o644)
    assert router.scripted(*SOFTBANK)[0] == 0
    after = network.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert router.mode("etc/softwire/before.json") == 0o600
    assert router.configure("--undo", "--yes")[0] == 0
    assert network.stat().st_mode == before.st_mode


def test_a_big_firewall(router):
    """Four hundred rules and MicroPython's heap."""
    rule = "\nconfig rule\n\toption name 'service {0}'\n\toption src 'wan'\n\toption dest_port '{0}'\n"
    rules = "".join(rule.format(10000 + number) for number in range(400))
    router.write("etc/config/firewall", FIREWALL.replace("\tlist network 'wan6'\n", "") + rules)
    before = router.sections("firewall")
    status, output = router.scripted(*SOFTBANK)
    assert status == 0, output
    assert "+     list network 'wan6'" in output and "service" not in output
    assert router.configure("--undo", "--yes")[0] == 0
    assert router.sections("firewall") == before


def type_secrets(terminal):
    for name, secret in (("shared_secret", SECRET), ("password", PASSWORD)):
        terminal.see(name + " (not shown")
        terminal.see_silence()
        terminal.type(secret + "\n")


def test_terminal(router, person):
    terminal = person(*SOFTBANK)
    type_secrets(terminal)
    terminal.see("Write this? [y/N] ")
    assert terminal.echo()
    assert router.read() == DEFAULT
    terminal.type("y\n")
    assert terminal.end() == 0
    assert SECRET not in terminal.shown and PASSWORD not in terminal.shown
    assert router.sections()["wan"]["password"] == [PASSWORD]

    terminal = person(*SOFTBANK, "--mtu", "1400")
    for name in ("shared_secret", "password"):
        terminal.see(name + " (not shown; Enter keeps the present one): ")
        terminal.see_silence()
        terminal.type("\n")
    terminal.see("Write this? [y/N] ")
    terminal.type("y\n")
    assert terminal.end() == 0
    assert router.sections()["wan"]["shared_secret"] == [SECRET]


@pytest.mark.parametrize("answer", ["\n", "n\n", "what?\n"])
def test_no(router, person, answer):
    terminal = person(*SOFTBANK, "--secrets", router.secrets_file)
    terminal.see("Write this? [y/N] ")
    terminal.type(answer)
    assert terminal.end() == 1
    assert "Nothing was changed." in terminal.shown
    assert router.read() == DEFAULT and os.listdir(router.root / "etc/softwire") == []


@pytest.mark.parametrize(
    "where", ["shared_secret (not shown): ", "password (not shown): ", "Write this? [y/N] "]
)
@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["ctrl-c", "ctrl-d"])
def test_interrupted(router, person, where, key):
    """Everything stays as it was, the terminal's echo included."""
    terminal = person(*SOFTBANK)
    for name, secret in (("shared_secret", SECRET), ("password", PASSWORD)):
        if not where.startswith(name):
            terminal.see(name + " (not shown")
            terminal.see_silence()
            terminal.type(secret + "\n")
            continue
        break
    terminal.see(where)
    if where[0] != "W":
        terminal.see_silence()
    terminal.type(key)
    terminal.see("Nothing was changed.")
    assert terminal.echo()
    assert terminal.end() == 130
    assert router.read() == DEFAULT and os.listdir(router.root / "etc/softwire") == []
    assert os.listdir(router.root / "var/run") == []


def test_changed_while_it_asks(router, person):
    terminal = person(*SOFTBANK, "--secrets", router.secrets_file)
    terminal.see("Write this? [y/N] ")
    router.write("etc/config/network", PPPOE)
    terminal.type("y\n")
    assert terminal.end() == 1
    assert "UNCOMMITTED: " in terminal.shown and "was changed meanwhile: run it again" in terminal.shown
    assert router.read() == PPPOE


def test_help(router):
    status, output = router.configure("--help")
    assert status == 0
    named = re.findall(r"`(--[a-z-]+)", "\n".join(re.findall(r"^\| `--[^|]*", COMMANDS_PAGE, re.M)))
    assert len(named) == 12
    for word in ("--auth-server", "--line-type", "softwire configure static", *named):
        assert word in output
    assert "--password" not in output


def test_the_client_loads_none_of_it():
    """Modules that a resident process never needs cost it memory."""
    code = "import sys, softwire.client, softwire.status, softwire.probe; print([*sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY / "src", capture_output=True, text=True, check=True
    )
    assert "softwire.client" in done.stdout and "softwire.configure" not in done.stdout
