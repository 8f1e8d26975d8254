# SPDX-License-Identifier: Apache-2.0
"""The packages that go into a real OpenWrt, and what is said of its package managers' answers, without booting it."""

import gzip
import subprocess
import sys

import pytest

from openwrt_root import HERE
from package.sdk import pack
from tests.lab.guest import LabError
from tests.lab.openwrt import feed
from tests.lab.openwrt.image import Image
from tests.lab.openwrt.router import OpenWrt

NEEDED = "micropython-mbedtls", "micropython-lib", "kmod-ip6-tunnel"


def package(name, folder, **fields):
    """An .ipk with one file."""
    files = folder / "files" / name
    (files / "etc").mkdir(parents=True)
    (files / "etc" / name).write_text(name)
    words = "depends conflicts provides section license license_files url maintainer source userid".split()
    told = {**dict.fromkeys(words, ""), "name": name, "version": "1-r1", "arch": "all", **fields}
    return pack.ipk(pack.Package(told, {"description": name}, files), folder)


@pytest.fixture
def theirs(tmp_path):
    """A feed with a folder in it, as a copy of a server's has."""
    (tmp_path / "feed/base").mkdir(parents=True)
    package("micropython-mbedtls", tmp_path / "feed", provides="micropython")
    package("kmod-ip6-tunnel", tmp_path / "feed/base")
    return tmp_path / "feed"


def test_index(theirs, tmp_path):
    """Both of ours, theirs with an index of theirs alone, and their names."""
    made = feed.make(theirs, tmp_path / "work")
    folder = made.folder / "opkg"
    assert made.names["opkg"] == {"micropython-mbedtls", "micropython", "kmod-ip6-tunnel"}
    index = gzip.decompress((folder / "Packages.gz").read_bytes()).decode()
    named = [line[10:] for line in index.splitlines() if line.startswith("Filename: ")]
    assert sorted(named) == ["kmod-ip6-tunnel_1-r1_all.ipk", "micropython-mbedtls_1-r1_all.ipk"]
    assert sorted(made.ours["opkg"]) == ["softwire", "softwire-python3"]
    ours = {*made.ours["opkg"].values(), *made.newer["opkg"].values()}
    assert len(ours) == 4
    assert {path.name for path in folder.iterdir()} == {*named, *ours, "Packages", "Packages.gz"}
    control = feed.read_control(folder / made.newer["opkg"]["softwire"])
    assert f"\nVersion: {feed.NEWER}\n" in control
    assert (made.sources / "softwire/__main__.py").is_file()


def test_no_feed(tmp_path):
    """Ours go in all the same, without an index."""
    made = feed.make(None, tmp_path / "work")
    assert not made.indexed("opkg") and made.ours["opkg"]
    assert not (made.folder / "opkg/Packages.gz").exists()


def test_apk(tmp_path):
    """The same for apk, where its tools are here; else what is missing is told."""
    try:
        tool = pack.find_apk()
    except pack.PackError as error:
        assert feed.make(None, tmp_path / "work").no_apk == str(error)
        pytest.skip("apk-tools 3 is not here")
    (tmp_path / "feed").mkdir()
    command = [tool, "mkpkg", "--info", "name:theirs", "--info", "version:1-r0", "--info", "provides:other"]
    subprocess.run([*command, "--output", str(tmp_path / "feed/theirs-1-r0.apk")], check=True)
    made = feed.make(tmp_path / "feed", tmp_path / "work")
    assert made.names == {"apk": {"theirs", "other"}}
    assert (made.folder / "apk/packages.adb").is_file()
    assert sorted(made.ours["apk"]) == sorted(made.newer["apk"]) == ["softwire", "softwire-python3"]


def test_wrong_feed(tmp_path):
    with pytest.raises(LabError, match="^NO_FEED: .* is not there"):
        feed.make(tmp_path / "nowhere", tmp_path / "work")
    (tmp_path / "feed").mkdir()
    with pytest.raises(LabError, match="^NO_FEED: .* has no .ipk"):
        feed.make(tmp_path / "feed", tmp_path / "work")
    (tmp_path / "feed/broken.ipk").write_bytes(gzip.compress(b"nothing")[:-4])
    with pytest.raises(LabError, match="^BAD_PACKAGE: .*broken.ipk"):
        feed.make(tmp_path / "feed", tmp_path / "work")


# --- what the package manager says; the texts are those of opkg (23.05) and apk-tools 3.0.6


class Router(OpenWrt):
    """A router whose console is played from `answers`: (a word of the command, output, exit status)."""

    def __init__(self, folder, answers, names=(), manager="opkg"):
        made = feed.Feed(folder, {manager: {}}, {}, {manager: set(names)}, folder)
        super().__init__("router", folder, 0, [], folder, Image(disk=folder / "image"), made)
        self.manager = manager
        self.answers = answers

    def run(self, command, timeout=60):
        return next((output, status) for word, output, status in self.answers if word in command)


@pytest.mark.parametrize(
    ("installed", "names", "forced", "chosen"),
    [
        ("base-files - 1\nmicropython-mbedtls - 1.23\n", [], "", "softwire"),
        ("base-files - 1\n", NEEDED, "", "softwire"),
        ("micropython-nossl - 1.23\npython3-light - 3.11\n", [], "", "softwire"),
        ("micropython-lib - 1.23\npython3-light - 3.11\n", [], "", "softwire-python3"),
        ("base-files - 1\n", ["python3-light"], "", "softwire-python3"),
        ("micropython-mbedtls - 1.23\n", [], "softwire-python3", "softwire-python3"),
    ],
)
def test_choice(tmp_path, installed, names, forced, chosen):
    router = Router(tmp_path, [("list-installed", installed, 0)], names)
    assert router.choose({"SOFTWIRE_PACKAGE": forced}) == chosen


def test_no_choice(tmp_path):
    router = Router(tmp_path, [("list-installed", "base-files - 1\nlua - 5\n", 0)])
    with pytest.raises(LabError, match="^NO_INTERPRETER"):
        router.choose({})
    with pytest.raises(LabError, match="^WRONG_PACKAGE: SOFTWIRE_PACKAGE 'other'"):
        router.choose({"SOFTWIRE_PACKAGE": "other"})


def test_extras(tmp_path):
    """What tests on the router ask by is installed where the feed has it, whichever interpreter was chosen."""
    made = []

    class Recorded(Router):
        """Notes what is installed."""

        def add(self, what):
            made.append(what)
            return ""

    answers = [("list-installed", "base-files - 1\n", 0), ("", "0.1.0\n", 0)]
    router = Recorded(tmp_path, answers, [*NEEDED, "curl", "ip-full", "iputils-ping", "python3-light"])
    router.feed.ours["opkg"]["softwire"] = "softwire.ipk"
    router.install(lambda text: None)
    assert sorted(made[-1].split()) == ["curl", "ip-full", "iputils-ping", "python3-light"]


SAID = {
    "dependency, opkg": (
        "opkg",
        "Unknown package 'softwire'.\nCollected errors:\n"
        " * pkg_hash_check_unresolved: cannot find dependency micropython-mbedtls for softwire\n"
        " * pkg_hash_check_unresolved: cannot find dependency micropython-lib for softwire\n"
        " * pkg_hash_fetch_best_installation_candidate: Packages for softwire found, but incompatible with the "
        "architectures configured\n * opkg_install_cmd: Cannot install package softwire.\n",
        255,
        "MISSING_DEPENDENCY: .* has micropython-lib, micropython-mbedtls, which",
    ),
    "dependency, apk": (
        "apk",
        "ERROR: unable to select packages:\n  micropython-lib (no such package):\n"
        "    required by: softwire-0.1.0-r1[micropython-lib]\n",
        2,
        "MISSING_DEPENDENCY: .* has micropython-lib, which",
    ),
    "room, opkg": (
        "opkg",
        "Collected errors:\n * verify_pkg_installable: Only have 16kb available on filesystem /overlay, "
        "pkg softwire needs 34\n",
        255,
        r"NO_ROOM: no room for softwire_1\.ipk:\nFilesystem .* /overlay\n",
    ),
    "room, apk": ("apk", "ERROR: Failed to create x: No space left on device\n", 1, "NO_ROOM"),
    "something else": ("opkg", "Segmentation fault\n", 139, "NOT_INSTALLED: .* status 139:\nSegmentation"),
}


@pytest.mark.parametrize("case", SAID)
def test_refused(tmp_path, case):
    manager, output, status, told = SAID[case]
    room = "Filesystem 1K-blocks Used Available Use% Mounted on\noverlay 16 16 0 100% /overlay\n"
    router = Router(tmp_path, [("df /overlay", room, 0), ("softwire_1", output, status)], (), manager)
    with pytest.raises(LabError, match=f"(?s)^{told}"):
        router.add("/tmp/lab/softwire_1.ipk")


ANSWERS = {
    "zone": ("NO_FIREWALL_ZONE: the firewall has no zone 'wan': --firewall-zone, or --add-zone\n", 1),
    "MD5": ("Warning: NO_MD5: RADIUS needs MD5, which this interpreter lacks\nWritten.\n", 0),
    "module": ("Warning: MISSING_PACKAGE: install the package kmod-ip6-tunnel\nWritten.\n", 0),
    "something else": ("Segmentation fault\n", 139),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_not_configured(tmp_path, case):
    """What `softwire configure` warns of ends the run at this step, under the code that it has there."""
    said, status = ANSWERS[case]
    router = Router(tmp_path, [("softwire configure", said, status), ("", "", 0)])
    code = said.replace("Warning: ", "").partition(":")[0] if ": " in said else "NOT_CONFIGURED"
    with pytest.raises(LabError, match=f"^{code}: "):
        router.configure()


# --- the command


def test_nothing_given():
    """`make test-openwrt` without an image is an error, before anything boots."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab.openwrt"], cwd=HERE.parents[1], env={}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("test-openwrt: NO_IMAGE: OPENWRT_IMAGE is not given")
