# SPDX-License-Identifier: Apache-2.0
"""softwired's packages for OpenWrt: what is in them, that it runs from there, what becomes of /etc/config/softwired."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from package.sdk import pack
from tests.softwired import network

NAMES = (
    "softwired",
    "softwired-dhcp4o6",
    "softwired-dstm",
    "softwired-prefix64",
    "softwired-tep",
    "softwired-tunnels",
)
SHELLS = {"ash": ["busybox", "ash"], "dash": ["dash"]}
# Parts of Python that OpenWrt has in packages of their own.
ELSEWHERE = set(
    "asyncio cgi concurrent curses dbm decimal distutils email hashlib http html lib2to3 logging lzma multiprocessing"
    " readline sqlite3 ssl unittest urllib uuid xml xmlrpc".split()
)


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    staged = pack.stage(tmp_path_factory.mktemp("stage"))
    return {package.name: package for package in staged if package.name in NAMES}


@pytest.fixture(scope="module")
def root(packages, tmp_path_factory):
    """All packages unpacked over each other, the launcher's library here."""
    folder = tmp_path_factory.mktemp("root")
    for package in packages.values():
        shutil.copytree(package.files, folder, dirs_exist_ok=True)
    launcher = folder / "usr/sbin/softwired"
    text = launcher.read_text().replace("/usr/lib/softwired", f"{folder}/usr/lib/softwired")
    launcher.write_text(text.replace("exec python3", f"exec {sys.executable}"))
    return folder


def test_no_file_is_in_two(packages):
    files = [set(path for path in one.paths() if (one.files / path).is_file()) for one in packages.values()]
    assert len(files) == len(NAMES) and all(files)
    assert sum(map(len, files)) == len(set().union(*files))


def test_every_module_is_in_one_of_them(root):
    source = network.TREE / "src/softwired"
    there = {
        path.relative_to(root / "usr/lib/softwired/softwired")
        for path in root.rglob("softwired/softwired/**/*.py")
    }
    assert there == {path.relative_to(source) for path in source.rglob("*.py")}


TEP = (
    '[tep]\naddress = "2001:db8::1"\nipv4 = "192.0.2.1"\nprefixes = ["198.51.100.0/24"]\n'
    'servers = ["2001:db8:53::1"]\n'
)


def test_it_runs_without_what_other_packages_have(root, tmp_path):
    """With nothing but its own copies of softwire's formats; a module of OpenWrt's other packages is an ImportError."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {ELSEWHERE!r}:\n"
        "            raise ImportError(name + ' is in another package')\n"
        "sys.meta_path.insert(0, Absent())\n"
        "for name in list(sys.modules):\n"
        f"    if name.partition('.')[0] in {ELSEWHERE!r}:\n"
        "        del sys.modules[name]\n"
    )
    config = tmp_path / "softwired.toml"
    config.write_text(
        '[dhcp4o6]\nport = 6767\n[[dhcp4o6.interface]]\nname = "x"\n'
        '[prefix64]\n[[prefix64.range]]\ninterface = "x"\nprefix = "2001:db8::/64"\n' + TEP
    )
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(tmp_path)}
    for words in (["check"], ["dhcp4o6", "select", "0b000000", "--interface", "x"], ["--version"]):
        done = subprocess.run(
            [str(root / "usr/sbin/softwired"), "--config", str(config), *words],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert not done.stderr, done.stderr


def test_the_user(packages):
    assert "\nRequire-User: softwired=547:softwired=547\n" in pack.control(packages["softwired"])
    for name in NAMES[1:]:
        assert "Require-User" not in pack.control(packages[name])


def test_one_version(packages):
    text = (network.TREE / "src/softwired/__init__.py").read_text()
    version = re.search(r'__version__ = "(.*)"', text).group(1)
    assert {one.fields["version"] for one in packages.values()} == {version + "-r1"}


UCI = r"""
config dhcp4o6 'dhcp4o6'
	option enabled '1'
	option port '6767'
	list servers '2001:db8:1::1'
	list servers 'ff02::1:2'

config dhcp4o6_interface
	option name 'lan'
	option serve_information 'yes'

config dhcp4o6_interface
	option name 'eth7'
	list addresses '2001:db8:1::1'

config dhcp4o6_class
	option name 'a"b\c'
	option option '16'

config dhcp4o6_callout
	option hook 'buffer6_send'
	list command '/usr/bin/mark'
	list command 'two words'
	option time_limit '0.5'

config dhcp4o6_subnet
	option prefix '2001:db8:1::/48'
	option interface 'lan'
	option refresh_time 'soon'

config dhcp4o6_limits
	option in_flight '8'

config prefix64 'prefix64'
	option enabled '1'
	option mark '0x40'

config prefix64_range
	option interface 'lan'
	option delegated 'lan'
	option number '2'
	list ports '80'
	list ports 'http'
	option local '1'

config prefix64_range
	option interface 'eth7'
	option delegated 'eth8'
	option forward 'auto'

config prefix64_range
	option interface 'eth7'
	option prefix '2001:db8:9::/64'
	list exceptions '2001:db8:9::1'
	option forward 'lan'
	option wire '1'
	option delay '0.5'

config prefix64_limits
	option answers '100'

config dstm 'dstm'
	option enabled '1'
	option lifetime '600'
	list mechanisms 'ANONYMOUS'
	list listen '2001:db8::1'
	list listen '::1'
	option code_ia_dstm '65000'

config dstm_interface
	option name 'lan'

config dstm_pool
	list addresses '198.51.100.0/24'
	list teps '2001:db8::1'
	option ports_of_a_node '2048'

config dstm_tep
	option address '2001:db8::1'
	option tell '0'
	option ipv4 '192.0.2.1'

config dstm_limits
	option leases_of_a_user '2'

config tep 'tep'
	option enabled '1'
	option address '2001:db8:b::1'
	list listen '2001:db8:b::1'
	list prefixes '198.51.100.0/24'
	option learn '0'

config tep_tls
	option authorities '/etc/ca.pem'

config tep_learning
	list clients '2001:db8:c::/48'
	option age '60'

config tunnels 'tunnels'
	option enabled '1'
	option address '192.0.2.1'
	option prefix '2001:db8:1::/48'
	option tunnels '100'
	list hook '/usr/bin/warn'
	list hook 'two words'
	list closed_ports '25'
	list closed_ports '465'

config tunnels_pool
	option prefix '2001:db8:2::/48'
	option length '56'

config tunnels_dns
	list reverse '1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa'

config tunnels_page
	list proxies '::1'
	option echo '0'
	option accounts '1'

config tunnels_limits
	option new '5'
	option logins_of_a_name '7'
"""
TOML = r"""[softwired]
run_directory = "/var/run/softwired"

[dhcp4o6]
port = 6767
servers = ["2001:db8:1::1", "ff02::1:2", ]

[[dhcp4o6.interface]]
name = "br-lan"
serve_information = true

[[dhcp4o6.interface]]
name = "eth7"
addresses = ["2001:db8:1::1", ]

[[dhcp4o6.class]]
name = "a\"b\\c"
option = 16

[[dhcp4o6.subnet]]
interface = "br-lan"
prefix = "2001:db8:1::/48"
refresh_time = "soon"

[[dhcp4o6.callout]]
hook = "buffer6_send"
command = ["/usr/bin/mark", "two words", ]
time_limit = 0.5

[dhcp4o6.limits]
in_flight = 8
[prefix64]
mark = "0x40"

[[prefix64.range]]
interface = "br-lan"
delegated = "2001:db8:40::/56"
number = 2
local = true
ports = [80, "http", ]

[[prefix64.range]]
interface = "eth7"
delegated = "eth8"
forward = "auto"

[[prefix64.range]]
interface = "eth7"
prefix = "2001:db8:9::/64"
exceptions = ["2001:db8:9::1", ]
delay = 0.5
forward = "br-lan"
wire = true

[prefix64.page]
key_file = "/etc/softwired.key"

[prefix64.limits]
answers = 100
[dstm]
listen = ["2001:db8::1", "::1", ]
lifetime = 600
mechanisms = ["ANONYMOUS", ]
code_ia_dstm = 65000

[[dstm.interface]]
name = "br-lan"

[[dstm.pool]]
addresses = ["198.51.100.0/24", ]
teps = ["2001:db8::1", ]
ports_of_a_node = 2048

[[dstm.tep]]
address = "2001:db8::1"
tell = false
ipv4 = "192.0.2.1"

[dstm.limits]
leases_of_a_user = 2
[tep]
listen = ["2001:db8:b::1", ]
address = "2001:db8:b::1"
prefixes = ["198.51.100.0/24", ]
learn = false

[tep.tls]
authorities = "/etc/ca.pem"

[tep.learning]
clients = ["2001:db8:c::/48", ]
age = 60
[tunnels]
hook = ["/usr/bin/warn", "two words", ]
address = "192.0.2.1"
prefix = "2001:db8:1::/48"
tunnels = 100
closed_ports = [25, 465, ]

[[tunnels.pool]]
prefix = "2001:db8:2::/48"
length = 56

[tunnels.dns]
reverse = ["1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", ]

[tunnels.page]
proxies = ["::1", ]
echo = false
accounts = true

[tunnels.limits]
new = 5
logins_of_a_name = 7
"""


def uci_to_toml(folder: pathlib.Path, shell, uci):
    """What the init script makes of a configuration, under a shell with OpenWrt's library."""
    standin = network.TREE / "tests/openwrt/root"
    (folder / "etc/config").mkdir(parents=True, exist_ok=True)
    (folder / "etc/config/softwired").write_text(uci)
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin/uci").write_text(
        f"#!/bin/sh\nPYTHONPATH={standin}/usr/lib/openwrt-standin exec {sys.executable} {standin}/sbin/uci"
        f' -c {folder}/etc/config -p {folder} "$@"\n'
    )
    (folder / "bin/uci").chmod(0o755)
    library = "\n".join((standin / name).read_text() for name in ("lib/functions.sh", "lib/config/uci.sh"))
    init = (network.TREE / "package/softwired/files/softwired.init").read_text()
    script = folder / "script"
    # lan is a network whose device is br-lan; eth7 is none.
    mocks = """
ifstatus() { [ "$1" = lan ] && echo '{"l3_device": "br-lan"}'; }
jsonfilter() {
	grep -q br-lan || return
	case "$2" in
		*prefix*) printf '2001:db8:40::\\n56\\n' ;;
		*) echo br-lan ;;
	esac
}
toml
"""
    script.write_text(library.replace("/etc/config", f"{folder}/etc/config") + "\n" + init + mocks)
    done = subprocess.run(
        [*SHELLS[shell], str(script)],
        env={"PATH": f"{folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        text=True,
    )
    assert not done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_uci_becomes_toml(tmp_path, shell):
    assert uci_to_toml(tmp_path, shell, UCI) == TOML


@pytest.mark.parametrize("shell", SHELLS)
def test_folders_of_the_default_configuration(tmp_path, shell):
    """Made once; what somebody made by hand keeps its owner."""
    init = (network.TREE / "package/softwired/files/softwired.init").read_text()
    for place in ("/etc/softwired", "/var/lib/softwired"):
        init = init.replace(f"{place} ", f"{tmp_path}{place} ").replace(f"{place};", f"{tmp_path}{place};")
    script = tmp_path / "script"
    script.write_text(init + f"\nchown() {{ echo $* >>{tmp_path}/owned; }}\nmake_folders\nmake_folders\n")
    (tmp_path / "var/lib/softwired").mkdir(parents=True)
    subprocess.run([*SHELLS[shell], str(script)], check=True)
    made = tmp_path / "etc/softwired"
    assert made.stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "owned").read_text() == f"softwired:softwired {made}\n"


def test_a_sysupgrade_keeps_what_must_not_be_forgotten(root):
    """As sysupgrade reads it: lines that are no comment are paths; the default configuration's are among them."""
    lines = (root / "lib/upgrade/keep.d/softwired").read_text().splitlines()
    (kept,) = [line for line in lines if not line.startswith("#")]
    dstm = (root / "etc/config/softwired").read_text().partition("config dstm ")[2].partition("\nconfig ")[0]
    paths = re.findall(r"option (?:database|users) '(?:sqlite:///)?(/.*)'", dstm)
    assert len(paths) == 2 and all(path.startswith(kept) for path in paths)


def test_the_default_configuration(tmp_path, root):
    """It configures nothing; once enabled it is right."""
    shipped = (root / "etc/config/softwired").read_text()
    nothing = uci_to_toml(tmp_path, "ash", shipped)
    assert not {"[dhcp4o6]", "[dstm]", "[prefix64]", "[tep]", "[tunnels]"} & set(nothing.splitlines())
    config = tmp_path / "softwired.toml"
    config.write_text(uci_to_toml(tmp_path, "ash", shipped.replace("enabled '0'", "enabled '1'")))
    done = subprocess.run(
        [str(root / "usr/sbin/softwired"), "--config", str(config), "check"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["softwired.init", "softwired"])
def test_shellcheck(name):
    path = network.TREE / "package/softwired/files" / name
    done = subprocess.run(["shellcheck", "-s", "dash", str(path)], stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout
