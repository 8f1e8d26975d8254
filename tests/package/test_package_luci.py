# SPDX-License-Identifier: Apache-2.0
"""LuCI's pages as packages: what is in them, what their scripts do, and that the Japanese of every text is there."""

import importlib.util
import pathlib
import re
import struct
import subprocess
import typing

import pytest

from package.sdk import pack

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = ROOT / "package/luci-proto-softwire"
# Where a file of luci-proto-softwire lies in the packages: in its own, and in that of softwired's pages.
SHARED = {
    "htdocs/luci-static/resources/softwire/address.js": "www/luci-static/resources/{}/address.js",
    "htdocs/luci-static/resources/softwire/jobs.js": "www/luci-static/resources/{}/jobs.js",
    "htdocs/luci-static/resources/softwire/sentences.js": "www/luci-static/resources/{}/sentences.js",
    "root/usr/libexec/softwire-job": "usr/libexec/{}-job",
    "root/usr/share/ucode/softwire/jobs.uc": "usr/share/ucode/{}/jobs.uc",
}


class Pages(typing.NamedTuple):
    """A package of pages and its Japanese. name: of what the pages show, and so of their folders."""

    package: str
    name: str
    shared: bool

    @property
    def source(self):
        return ROOT / "package" / self.package

    @property
    def japanese(self):
        return f"luci-i18n-{self.name}-ja"

    @property
    def catalogue(self):
        return f"usr/lib/lua/luci/i18n/{self.name}.ja.lmo"

    def files(self):
        """{path on the router: path in the tree}"""
        found = {}
        for folder, place in (("htdocs", "www/"), ("root", "")):
            for path in (self.source / folder).rglob("*"):
                if path.is_file():
                    found[place + str(path.relative_to(self.source / folder))] = path
        if self.shared:
            found |= {place.format(self.name): SOURCE / path for path, place in SHARED.items()}
        return found

    def messages(self):
        """(English, Japanese) of all its catalogues."""
        paths = [*(self.source / "po/ja").glob("*.po")] + [SOURCE / "po/ja/jobs.po"] * self.shared
        return [pair for path in paths for pair in po2lmo().messages(path.read_text(encoding="utf-8"))]

    def texts(self):
        """Every text that the pages translate, and the titles of menu and rights, which LuCI does."""
        found = set()
        for path in self.files().values():
            source = path.read_text(encoding="utf-8")
            if path.suffix == ".json":
                found |= set(re.findall(r'"(?:title|description)": "([^"]*)"', source))
            if path.suffix != ".js":
                continue
            for mark, text in re.findall(r"""\b_\(\s*(['"])((?:\\.|(?!\1).)*)\1""", source):
                found.add(text.replace("\\" + mark, mark))
            # Sentences that are looked up by hand: one a line.
            block = re.search(r"const SENTENCES = `\n(.*?)\n`;", source, re.DOTALL)
            if block:
                found |= {line.strip() for line in block[1].replace("\n\t\t", " ").splitlines()}
            # A text that is put together cannot be looked up.
            assert not re.search(r"""\b_\(\s*(?:[^'"\s]|(['"])(?:\\.|(?!\1).)*\1\s*\+)""", source), path
        return found


ALL = (Pages("luci-proto-softwire", "softwire", False), Pages("luci-app-softwired", "softwired", True))
every = pytest.mark.parametrize("pages", ALL, ids=[pages.package for pages in ALL])


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    return {package.name: package for package in pack.stage(tmp_path_factory.mktemp("stage"))}


def po2lmo():
    """The Makefile's tool, which is no part of a Python package."""
    spec = importlib.util.spec_from_file_location("po2lmo", SOURCE / "po2lmo.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def entries(data):
    """{hash: text} of a catalogue, as LuCI's lmo.c reads it."""
    (start,) = struct.unpack(">I", data[-4:])
    found, last = {}, -1
    for at in range(start, len(data) - 4, 16):
        key, _, offset, length = struct.unpack(">4I", data[at : at + 16])
        assert key > last and offset % 4 == 0 and offset + length <= start
        found[key], last = data[offset : offset + length].decode(), key
    return found


@every
def test_files(packages, pages):
    """The pages are the tree's; no page is a stand-in's."""
    package, tree = packages[pages.package], pages.files()
    there = {str(path) for path in package.paths() if (package.files / path).is_file()}
    assert there == set(tree) and len(tree) > 10
    for path in there:
        assert (package.files / path).read_bytes() == tree[path].read_bytes(), path
        wanted = 0o755 if path.startswith("usr/libexec/") else 0o644
        assert (package.files / path).stat().st_mode & 0o777 == wanted, path
    japanese = packages[pages.japanese]
    assert {str(path) for path in japanese.paths() if (japanese.files / path).is_file()} == {
        pages.catalogue, "etc/uci-defaults/" + pages.japanese
    }  # fmt: skip


def test_nothing_is_in_two_packages(packages):
    """opkg refuses a file that another package has."""
    seen = {}
    for name in [
        *(name for pages in ALL for name in (pages.package, pages.japanese)),
        "softwire",
        "softwired",
    ]:
        for path in packages[name].paths():
            if (packages[name].files / path).is_file():
                assert path not in seen, (path, name, seen.get(path))
                seen[path] = name


@every
def test_japanese_is_complete(packages, pages):
    """Every text, none that is gone, conversions in number and kind; and all of it is in the catalogue."""
    messages = pages.messages()
    pairs = dict(messages)
    assert set(pairs) == pages.texts() and len(pairs) == len(messages) > 250
    for english, japanese in pairs.items():
        assert re.findall("%.", english) == re.findall("%.", japanese), english
        assert sorted(re.findall(r"\{\d\}", english)) == sorted(re.findall(r"\{\d\}", japanese)), english
    found = entries((packages[pages.japanese].files / pages.catalogue).read_bytes())
    assert len(found) == len(pairs) and set(found.values()) == set(pairs.values())


@every
def test_scripts(packages, tmp_path, pages):
    """rpcd and LuCI look anew; in an image that is being made there is nobody to tell."""
    (tmp_path / "killall").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/told\n')
    (tmp_path / "killall").chmod(0o755)

    def run(script, **environment):
        text = (
            packages[pages.package]
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


@every
def test_shellcheck(packages, pages):
    scripts = [item for name in (pages.package, pages.japanese) for item in packages[name].texts.items()]
    for script, text in scripts:
        if text.startswith("#!"):
            done = subprocess.run(
                ["shellcheck", "-s", "dash", "-"], input=text, stdout=subprocess.PIPE, text=True
            )
            assert done.returncode == 0, f"{script}: {done.stdout}"
