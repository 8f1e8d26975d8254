# SPDX-License-Identifier: Apache-2.0
"""LuCI's pages as packages: what is in them, what their scripts do, and that the Japanese of every text is there."""

import importlib.util
import pathlib
import re
import struct
import subprocess

import pytest

from package.sdk import pack

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = ROOT / "package/luci-proto-softwire"
PAGES, JAPANESE = "luci-proto-softwire", "luci-i18n-softwire-ja"
CATALOGUE = "usr/lib/lua/luci/i18n/softwire.ja.lmo"


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    return {package.name: package for package in pack.stage(tmp_path_factory.mktemp("stage"))}


def po2lmo():
    """The Makefile's tool, which is no part of a Python package."""
    spec = importlib.util.spec_from_file_location("po2lmo", SOURCE / "po2lmo.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def texts():
    """Every text that the pages translate, and the titles of menu and rights, which LuCI does."""
    found = set()
    for path in SOURCE.rglob("*.js"):
        source = path.read_text(encoding="utf-8")
        for mark, text in re.findall(r"""\b_\(\s*(['"])((?:\\.|(?!\1).)*)\1""", source):
            found.add(text.replace("\\" + mark, mark))
        # A text that is put together cannot be looked up.
        assert not re.search(r"""\b_\(\s*(?:[^'"\s]|(['"])(?:\\.|(?!\1).)*\1\s*\+)""", source), path
    for path in SOURCE.rglob("*.d/*.json"):
        found |= set(re.findall(r'"(?:title|description)": "([^"]*)"', path.read_text()))
    return found


def entries(data):
    """{hash: text} of a catalogue, as LuCI's lmo.c reads it."""
    (start,) = struct.unpack(">I", data[-4:])
    found, last = {}, -1
    for at in range(start, len(data) - 4, 16):
        key, _, offset, length = struct.unpack(">4I", data[at : at + 16])
        assert key > last and offset % 4 == 0 and offset + length <= start
        found[key], last = data[offset : offset + length].decode(), key
    return found


def test_files(packages):
    """The pages are the tree's; no page is a stand-in's."""
    package = packages[PAGES]
    there = {str(path) for path in package.paths() if (package.files / path).is_file()}
    tree = {"www/" + str(path.relative_to(SOURCE / "htdocs")) for path in (SOURCE / "htdocs").rglob("*.js")}
    tree |= {
        str(path.relative_to(SOURCE / "root")) for path in (SOURCE / "root").rglob("*") if path.is_file()
    }
    assert there == tree and len(tree) > 10
    for path in there:
        wanted = 0o755 if path == "usr/libexec/softwire-job" else 0o644
        assert (package.files / path).stat().st_mode & 0o777 == wanted, path
    assert {str(path) for path in packages[JAPANESE].paths() if (packages[JAPANESE].files / path).is_file()} == {
        CATALOGUE, "etc/uci-defaults/luci-i18n-softwire-ja"
    }  # fmt: skip


def test_nothing_is_in_two_packages(packages):
    """opkg refuses a file that another package has."""
    seen = {}
    for name in (PAGES, JAPANESE, "softwire", "softwired"):
        for path in packages[name].paths():
            if (packages[name].files / path).is_file():
                assert path not in seen, (path, name, seen.get(path))
                seen[path] = name


def test_japanese_is_complete(packages):
    """Every text, none that is gone, conversions in number and kind; and all of it is in the catalogue."""
    read = [po2lmo().messages(path.read_text(encoding="utf-8")) for path in (SOURCE / "po/ja").glob("*.po")]
    pairs = {english: japanese for messages in read for english, japanese in messages}
    assert set(pairs) == texts() and len(pairs) > 250
    for english, japanese in pairs.items():
        assert re.findall("%.", english) == re.findall("%.", japanese), english
    found = entries((packages[JAPANESE].files / CATALOGUE).read_bytes())
    assert len(found) == len(pairs) and set(found.values()) == set(pairs.values())


def test_scripts(packages, tmp_path):
    """rpcd and LuCI look anew; in an image that is being made there is nobody to tell."""
    (tmp_path / "killall").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/told\n')
    (tmp_path / "killall").chmod(0o755)

    def run(script, **environment):
        text = (
            packages[PAGES]
            .texts[script]
            .replace("/tmp/luci", f"{tmp_path}/luci")
            .replace("/var/run", str(tmp_path))
        )
        environment = {"PATH": f"{tmp_path}:/bin:/usr/bin", **environment}
        done = subprocess.run(["dash", "-c", text], env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    for script in ("postinst", "postrm"):
        (tmp_path / "luci-indexcache.123.json").touch()
        (tmp_path / "luci-modulecache").mkdir(exist_ok=True)
        run(script, IPKG_INSTROOT="/image")
        assert (tmp_path / "luci-modulecache").exists() and not (tmp_path / "told").exists()
        run(script)
        assert not list(tmp_path.glob("luci*")) and (tmp_path / "told").read_text() == "-HUP rpcd\n"
        (tmp_path / "told").unlink()


@pytest.mark.parametrize("name", [PAGES, JAPANESE])
def test_shellcheck(packages, name):
    for script, text in packages[name].texts.items():
        if text.startswith("#!"):
            done = subprocess.run(
                ["shellcheck", "-s", "dash", "-"], input=text, stdout=subprocess.PIPE, text=True
            )
            assert done.returncode == 0, f"{script}: {done.stdout}"
