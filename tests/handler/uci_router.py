# SPDX-License-Identifier: Apache-2.0
"""A router's file tree with a uci, an interpreter and our command in it, for the tests of `softwire configure`."""

import json
import shlex
import shutil
import subprocess
import sys

from sandbox import REPOSITORY, Sandbox
from terminal import Terminal

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
FIREWALL = (REPOSITORY / "tests/openwrt/root/etc/config/firewall").read_text(encoding="utf-8")
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
            "sys/module/ip6_tunnel",
        ):
            (root / name).mkdir(parents=True)
        self.ports("eth1")
        for applet in ("cp", "ln"):
            (root / "bin" / applet).symlink_to(shutil.which("busybox"))
        self.program("sync", "exit 0")  # this machine's disks have nothing to do with it
        here = ["-c", str(root / "etc/config"), "-t", str(root / "tmp/.uci")]
        library = REPOSITORY / "tests/openwrt/root/usr/lib/openwrt-standin"
        self.program("uci", f"PYTHONPATH={library} exec " + shlex.join(uci + here) + ' "$@"')
        self.program("odhcp6c", "exit 0")
        self.program(interpreter, f'exec {shutil.which(interpreter) or sys.executable} "$@"')
        self.secrets_file = self.write("root/secrets", f"shared_secret={SECRET}\npassword={PASSWORD}\n")
        self.know("flets", "softwire")

    def ports(self, *names):
        """The ports that it has."""
        net = self.root / "sys/class/net"
        shutil.rmtree(net, ignore_errors=True)
        for name in names:
            (net / name / "device").mkdir(parents=True)

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

    def mode(self, name):
        return (self.root / name).stat().st_mode & 0o777

    def fail(self, applet, when, told):
        """An applet that fails where its arguments match a pattern of the shell's."""
        busybox = shutil.which("busybox")
        self.program(
            applet, f'case "$*" in {when}) echo "{told}" >&2; exit 1;; esac\nexec {busybox} {applet} "$@"'
        )

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

    def scripted(self, *words):
        """The same with the secrets of a file, and without a question."""
        return self.configure(*words, "--secrets", self.secrets_file, "--yes")


INTERPRETERS = ["python3"] + [name for name in ["micropython"] if shutil.which(name)]
PROGRAMS = {"stand-in": STAND_IN, "real": [shutil.which("uci")]}
KINDS = [name for name, words in PROGRAMS.items() if words[0]]
VARIANTS = [(interpreter, kind) for interpreter in INTERPRETERS for kind in KINDS]


def make(root, variant):
    """A router of one of VARIANTS with OpenWrt's default configuration."""
    made = Router(root, variant[0], PROGRAMS[variant[1]])
    made.write("etc/config/network", DEFAULT)
    made.write("etc/config/firewall", FIREWALL)
    return made
