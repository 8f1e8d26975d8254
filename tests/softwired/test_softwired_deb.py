# SPDX-License-Identifier: Apache-2.0
"""softwired's Debian package: what is in it, the same bytes each time, a unit that systemd reads without complaint."""

import os
import pathlib
import shutil
import subprocess

import pytest

from softwired import SERVICES
from tests.softwired import network

FORMATS = {f"{name}.py" for name in "__init__ address dhcpv4message dhcpv6 iadstm tsp tspdigest wire".split()}
UNITS = [f"lib/systemd/system/softwired-{service}.service" for service in (*SERVICES, "prefix64-page")]


def build(folder):
    done = subprocess.run(
        [str(network.TREE / "package/debian/build"), str(folder)],
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return pathlib.Path(done.stdout.strip().removeprefix("deb: "))


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    """The package, its files and its scripts, unpacked."""
    folder = tmp_path_factory.mktemp("deb")
    package = build(folder)
    subprocess.run(["dpkg-deb", "-R", package, folder / "root"], check=True)
    return folder


def test_the_same_bytes_again(deb, tmp_path):
    (package,) = deb.glob("*.deb")
    before = os.umask(0o077)
    try:
        assert build(tmp_path).read_bytes() == package.read_bytes()
    finally:
        os.umask(before)


def test_what_is_in_it(deb):
    root = deb / "root"
    modules = {
        path.relative_to(root / "usr/lib/softwired") for path in (root / "usr/lib/softwired").rglob("*.py")
    }
    source = network.TREE / "src"
    formats = {path for path in modules if path.parts[0] == "softwire"}
    assert {path.name for path in formats} == FORMATS
    assert modules - formats == {path.relative_to(source) for path in (source / "softwired").rglob("*.py")}
    for path in modules:
        assert (root / "usr/lib/softwired" / path).read_bytes() == (source / path).read_bytes()
    for name in ("usr/sbin/softwired", *UNITS, "usr/lib/sysusers.d/softwired.conf"):
        assert (root / name).is_file(), name
    for name in (
        "softwired.md",
        "dhcp4o6.md",
        "dstm.md",
        "prefix64.md",
        "tep.md",
        "tunnels.md",
        "tunnels.md",
        "examples/softwired.toml",
    ):
        # Long ones are packed.
        assert list((root / "usr/share/doc/softwired").glob(f"{name}*")), name
    assert (root / "usr/share/doc/softwired/prefix64.svg").is_file()
    control = (root / "DEBIAN/control").read_text()
    assert "\nDepends: python3 (>= 3.11)" in control and "\nArchitecture: all\n" in control
    postinst = (root / "DEBIAN/postinst").read_text()
    assert "systemd-sysusers" in postinst
    # What runs is started anew by an upgrade, nothing is enabled by itself.
    assert "_dh_action=restart" in postinst
    for service in SERVICES:
        assert f"deb-systemd-invoke $_dh_action 'softwired-{service}.service'" in postinst
    assert postinst.index("was-enabled") < postinst.index("deb-systemd-helper enable")
    assert not list(root.rglob("__pycache__"))


def test_it_runs(deb, tmp_path):
    """From where it is unpacked, with the example for a configuration."""
    root = deb / "root"
    launcher = tmp_path / "softwired"
    launcher.write_text((root / "usr/sbin/softwired").read_text().replace("/usr/lib", f"{root}/usr/lib"))
    example = root / "usr/share/doc/softwired/examples/softwired.toml"
    done = subprocess.run(
        ["sh", str(launcher), "--config", str(example), "check"],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("right; it configures dhcp4o6, dstm, prefix64, tep, tunnels\n")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
@pytest.mark.parametrize("name", UNITS)
def test_the_unit(deb, tmp_path, name):
    unit = tmp_path / os.path.basename(name)
    # The program is not installed here.
    unit.write_text((deb / "root" / name).read_text().replace("/usr/sbin/softwired", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
