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

from sandbox import REPOSITORY, Sandbox
from terminal import Terminal

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
STAND_IN = [sys.executable, str(REPOSITORY / "tests/openwrt/root/sbin/uci")]
SECRET, PASSWORD = 'it\'s a "secret" \\ $x #; `y`', "パス word "

LAN = """config interface 'loopback'
\toption device 'lo'
\toption proto 'static'

config device
\toption name 'br-lan'
\toption type 'bridge'
\tlist ports 'eth0'

config interface 'lan'
\toption device 'br-lan'
\toption proto 'static'
\toption ipaddr '192.168.1.1'
\toption ip6assign '60'
"""
DEFAULT = (
    LAN
    + """
config interface 'wan'
\toption device 'eth1'
\toption proto 'dhcp'

config interface 'wan6'
\toption device 'eth1'
\toption proto 'dhcpv6'
"""
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
FIREWALL = (REPOSITORY / "tests/openwrt/root/etc/config/firewall").read_text(encoding="utf-8")
FOREIGN_FIREWALL = """config zone
\toption name 'lan'
\tlist network 'lan'

config zone
\toption name 'internet'
\toption network 'iptv'
\toption masq '1'
\toption mtu_fix '1'
"""
SOFTBANK = ("softbank", "--wan", "eth1", "--auth-server", "2001:db8:1812::1")


class Router(Sandbox):
    """A router's tree with uci, our command and an interpreter."""

    def __init__(self, root, interpreter, uci):
        super().__init__(root, "dash")
        self.interpreter = interpreter
        for module in (REPOSITORY / "src/softwire").rglob("*.py"):
            self.install(module, "usr/lib/softwire/" + str(module.relative_to(REPOSITORY / "src")))
        shutil.copytree(REPOSITORY / "src/pyrad_lite", root / "usr/lib/softwire/pyrad_lite")
        if interpreter == "micropython":
            shutil.copytree("/usr/lib/micropython", root / "usr/lib/micropython")
        for name in (
            "etc/config",
            "etc/softwire",
            "tmp",
            "sys/class/net/eth1/device",
            "sys/module/ip6_tunnel",
        ):
            (root / name).mkdir(parents=True)
        (root / "bin/cp").symlink_to(shutil.which("busybox"))
        self.program("sync", "exit 0")  # this machine's disks have nothing to do with it
        here = ["-c", str(root / "etc/config"), "-t", str(root / "tmp/.uci")]
        library = REPOSITORY / "tests/openwrt/root/usr/lib/openwrt-standin"
        self.program("uci", f"PYTHONPATH={library} exec " + shlex.join(uci + here) + ' "$@"')
        self.program("odhcp6c", "exit 0")
        self.program(interpreter, f'exec {shutil.which(interpreter) or sys.executable} "$@"')
        self.secrets_file = self.write("root/secrets", f"shared_secret={SECRET}\npassword={PASSWORD}\n")
        self.know("flets", "softwire")

    def know(self, *protocols):
        """The protocols that netifd knows."""
        self.program(
            "ubus",
            f"""case "$*" in
            *" network get_proto_handlers "*) echo '{json.dumps(dict.fromkeys(protocols, {}))}';;
            *" status "*) echo '{{"autostart": true}}';;
            *) exit 4;;
            esac""",
        )

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return str(path)

    def read(self, name="network"):
        return (self.root / "etc/config" / name).read_text(encoding="utf-8")

    def sections(self, name="network"):
        """{section as uci addresses it: {option: value, or list of values}}."""
        done = subprocess.run(
            [self.root / "bin/uci", "show", name], capture_output=True, text=True, check=True
        )
        found = {}
        for line in done.stdout.splitlines():
            path, _, value = line.partition("=")
            section, _, option = path.partition(".")[2].partition(".")
            if option:
                found[section][option] = shlex.split(value)
            else:
                found[section] = {}
        return found

    def environment(self):
        return {
            "PATH": str(self.root / "bin"),
            "SOFTWIRE_PYTHON": str(self.root / "bin" / self.interpreter),
            "LANG": "C",
        }

    def command(self, *words):
        return [*self.shell, str(self.root / "usr/sbin/softwire"), "configure", *words]

    def configure(self, *words, text="", cwd=None):
        """(exit status, output) without a terminal."""
        done = subprocess.run(
            self.command(*words),
            env=self.environment(),
            cwd=cwd,
            input=text.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        assert list((self.root / "var/run").iterdir()) == []
        assert [path for path in (self.root / "etc").rglob(".*")] == []
        output = self.plain(done.stdout.decode())
        for secret in (SECRET, PASSWORD, "old word"):
            assert secret not in output
        return done.returncode, output

    def terminal(self, *words):
        return Terminal(self.command(*words), self.environment())


INTERPRETERS = ["python3"] + [name for name in ["micropython"] if shutil.which(name)]
PROGRAMS = {"stand-in": STAND_IN, "real": [shutil.which("uci")]}
KINDS = [name for name, words in PROGRAMS.items() if words[0]]


@pytest.fixture(params=[(one, uci) for one in INTERPRETERS for uci in KINDS], ids="-".join)
def router(request, tmp_path):
    """One with OpenWrt's default configuration."""
    made = Router(tmp_path, request.param[0], PROGRAMS[request.param[1]])
    made.write("etc/config/network", DEFAULT)
    made.write("etc/config/firewall", FIREWALL)
    return made


@pytest.fixture
def person(router):
    """person(words…): a terminal on which the command runs."""
    opened = []

    def open_terminal(*words):
        opened.append(router.terminal(*words))
        return opened[-1]

    yield open_terminal
    for terminal in opened:
        terminal.close()


def scripted(router, *words):
    return router.configure(*words, "--secrets", router.secrets_file, "--yes")


def test_default_configuration(router):
    status, output = scripted(router, *SOFTBANK)
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
    for name in ("etc/config/network", "etc/softwire/before.json"):
        assert (router.root / name).stat().st_mode & 0o777 == 0o600


def test_twice(router):
    scripted(router, *SOFTBANK)
    before = router.read(), (router.root / "etc/softwire/before.json").read_text()
    for secrets in (("--secrets", router.secrets_file), ()):
        status, output = router.configure(*SOFTBANK, *secrets, "--yes")
        assert (status, output) == (0, "Nothing to change: the configuration is already like that.\n")
    assert (router.read(), (router.root / "etc/softwire/before.json").read_text()) == before


@pytest.mark.parametrize("start", [DEFAULT, PPPOE, LAN], ids=["default", "pppoe", "lan"])
def test_readme(router, start):
    """README's command and README's lines for uci end with the same."""
    section = README[README.index("## Configure") :]
    words = shlex.split(re.search(r"^softwire configure (softbank .*)$", section, re.M).group(1))
    lines = re.search(r"^uci batch <<'EOF'\n.*?\nEOF$", section, re.M | re.S).group()
    shown = re.search(r"^config interface 'wan6'\n.*?(?=^```)", section, re.M | re.S).group()
    router.write("etc/config/network", start)
    router.write("root/secrets", "shared_secret=the shared secret\npassword=the password\n")
    assert scripted(router, *words)[0] == 0
    by_command = router.sections()

    router.write("etc/config/network", start)
    subprocess.run(["sh", "-c", lines], env={"PATH": str(router.root / "bin") + ":/bin:/usr/bin"}, check=True)
    assert router.sections() == by_command
    assert shown.replace("…", "the shared secret", 1).replace("…", "the password") in router.read()


@pytest.mark.parametrize("start", [DEFAULT, PPPOE, LAN], ids=["default", "pppoe", "lan"])
def test_undo(router, start):
    router.write("etc/config/network", start)
    before = router.sections()
    assert scripted(router, *SOFTBANK)[0] == 0
    # Once more, otherwise: what was there before the first time is what counts.
    assert scripted(router, *SOFTBANK, "--mtu", "1400")[0] == 0
    status, output = router.configure("--undo")
    assert status == 1 and "There is no terminal to ask on: --yes writes without asking." in output
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


def test_undo_goes_back_to_what_a_person_wrote_since(router):
    scripted(router, *SOFTBANK)
    router.write("etc/config/network", PPPOE)
    before = router.sections()
    scripted(router, *SOFTBANK)
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
    status, output = scripted(router, *SOFTBANK)
    assert status == 1 and "NO_FIREWALL_ZONE: /etc/config/firewall has no zone 'wan'" in output
    assert router.read() == DEFAULT

    assert scripted(router, *SOFTBANK, "--firewall-zone", "internet")[0] == 0
    assert router.sections("firewall")["@zone[1]"]["network"] == ["iptv wan wan6"]
    assert router.configure("--undo", "--yes")[0] == 0
    assert router.sections("firewall") == before

    assert scripted(router, *SOFTBANK, "--add-zone")[0] == 0
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


# Words, the exit status, and what is told; nothing is written.
REFUSED = [
    ((*SOFTBANK, "--mtu", "100"), 1, "BAD_CONFIG: option mtu '100': a number from 1280 to 65495 would be right"),
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
    (("pppoe", "--wan", "eth1"), 2, "'pppoe' is no method: softbank or static would be right"),
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
    status, output = scripted(router, "softbank", "--wan", "eth0", "--auth-server", "2001:db8:1812::1")
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
    status, output = scripted(router, *SOFTBANK, "--apply")
    assert status == 0, output
    assert (router.root / "done").read_text() == "network reload\nifup wan6\nifup wan\nfirewall reload\n"


def test_other_changes_wait(router):
    subprocess.run([router.root / "bin/uci", "set", "network.lan.mtu=1400"], check=True)
    status, output = scripted(router, *SOFTBANK)
    assert status == 1 and "UNCOMMITTED: uci holds changes to network that nobody committed" in output
    assert router.read() == DEFAULT


def test_broken_file(router):
    router.write("etc/config/network", DEFAULT + "\nnonsense\n")
    status, output = scripted(router, *SOFTBANK)
    assert status == 1 and "BAD_CONFIG: uci refused: " in output
    router.write("etc/config/network", "")
    (router.root / "etc/config/network").unlink()
    assert "/etc/config/network is not there: is this OpenWrt?" in scripted(router, *SOFTBANK)[1]


@pytest.mark.parametrize("full", ["config/.network.new", "config/.firewall.new", "softwire/.before.json.new"])
def test_no_room(router, full):
    """Whichever of the files does not fit: all stay as they were."""
    firewall = FIREWALL.replace("\tlist network 'wan6'\n", "")
    router.write("etc/config/firewall", firewall)
    (router.root / "etc" / full).symlink_to("/dev/full")
    status, output = scripted(router, *SOFTBANK)
    assert status == 1 and "CANNOT_WRITE: " in output and "No space left on device" in output
    assert (router.read(), router.read("firewall")) == (DEFAULT, firewall)
    assert os.listdir(router.root / "etc/softwire") == []


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
    table = README[README.index("| `--wan PORT`") : README.index("The same without the command")]
    named = re.findall(r"`(--[a-z-]+)", "\n".join(row.split(" | ")[0] for row in table.splitlines()))
    assert len(named) == 9
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
