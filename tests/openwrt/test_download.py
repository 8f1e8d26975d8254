# SPDX-License-Identifier: Apache-2.0
"""`make openwrt-image` against a release on this machine: right, wrong checksum, cut, missing, and no mirror at all."""

import contextlib
import gzip
import hashlib
import http.server
import os
import subprocess
import sys
import threading

import pytest

from openwrt_root import HERE
from test_image import disk, kernel

RELEASE = "24.10.4"
NAME = f"openwrt-{RELEASE}-x86-64-generic-%s-combined.img.gz"
PACKED = gzip.compress(disk(kernel()), mtime=0) + b"metadata"


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves the `files` of its server; a file that is to be `cut` ends in its middle."""

    def do_GET(self):
        content = self.server.files.get(self.path)
        self.server.asked.append(self.path)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        cut = len(content) // 2 if self.path in self.server.cut else len(content)
        with contextlib.suppress(ConnectionError):
            self.wfile.write(content[:cut])

    def log_message(self, *words):
        pass


@pytest.fixture
def mirror():
    """A release in both kinds, on the loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    server.folder = f"/mirror/releases/{RELEASE}/targets/x86/64/"
    names = [NAME % kind for kind in ("squashfs", "ext4")]
    others = [names[0].replace("combined", "combined-efi"), NAME.replace("-combined", "") % "rootfs"]
    sums = "".join(f"{hashlib.sha256(PACKED).hexdigest()} *{name}\n" for name in names + others)
    server.files = {server.folder + name: PACKED for name in names}
    server.files[server.folder + "sha256sums"] = sums.encode()
    server.cut, server.asked = set(), []
    server.address = f"http://127.0.0.1:{server.server_port}/mirror"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(mirror, tmp_path):
    """run(RELEASE=…): (exit status, standard output, standard error) of the command."""

    def command(**variables):
        program = (
            "import sys, pathlib; from tests.lab.openwrt import download as d;"
            f"d.get.__defaults__ = (pathlib.Path({str(tmp_path)!r}),); sys.exit(d.main())"
        )
        given = {"RELEASE": RELEASE, "OPENWRT_MIRROR": mirror.address, **variables}
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=HERE.parents[1], env={**kept, "IMAGE": "", **given},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    return command


@pytest.mark.parametrize("kind", ["squashfs", "ext4"])
def test_right(run, mirror, tmp_path, kind):
    """The image is unpacked, its path is all that standard output has, and it is not fetched twice."""
    path = tmp_path / (NAME % kind)[:-3]
    status, told, progress = run(IMAGE="" if kind == "squashfs" else kind)
    assert (status, told) == (0, f"{path}\n"), progress
    assert f"{len(PACKED) / 1e6:.1f} MB" in progress
    assert path.read_bytes() == disk(kernel())
    run(IMAGE=kind)
    assert mirror.asked.count(mirror.folder + NAME % kind) == 1
    # A file that was changed since is.
    (tmp_path / (NAME % kind)).write_bytes(b"")
    assert run(IMAGE=kind)[0] == 0
    assert mirror.asked.count(mirror.folder + NAME % kind) == 2


def refused(run, tmp_path, code, **variables):
    """One line with the code, and nothing left that could be taken for an image."""
    status, told, errors = run(**variables)
    last = errors.splitlines()[-1]
    assert (status, told) == (1, "") and last.startswith(f"openwrt-image: {code}: "), errors
    assert "Traceback" not in errors
    assert list(tmp_path.glob("*.img*")) == []
    return last


def test_wrong_checksum(run, mirror, tmp_path):
    mirror.files[mirror.folder + NAME % "squashfs"] = PACKED[:-1] + b"!"
    assert hashlib.sha256(PACKED).hexdigest() in refused(run, tmp_path, "WRONG_CHECKSUM")


def test_cut(run, mirror, tmp_path):
    mirror.cut.add(mirror.folder + NAME % "squashfs")
    assert f"of {len(PACKED)} octets" in refused(run, tmp_path, "CUT")


def test_missing_release(run, tmp_path):
    assert "/releases/24.10.99/" in refused(run, tmp_path, "NO_RELEASE", RELEASE="24.10.99")


def test_missing_image(run, mirror, tmp_path):
    del mirror.files[mirror.folder + NAME % "squashfs"]
    refused(run, tmp_path, "NO_RELEASE")


def test_no_checksum(run, mirror, tmp_path):
    mirror.files[mirror.folder + "sha256sums"] = b"not what it was\n"
    refused(run, tmp_path, "NO_CHECKSUM")


def test_nobody_answers(run, mirror, tmp_path):
    mirror.shutdown()
    mirror.server_close()
    refused(run, tmp_path, "NO_ANSWER")


@pytest.mark.parametrize(
    ("variables", "code", "told"),
    [
        ({"OPENWRT_MIRROR": ""}, "NO_MIRROR", "OPENWRT_MIRROR is not given"),
        ({"OPENWRT_MIRROR": "/srv/mirror"}, "NO_MIRROR", "http://"),
        ({"RELEASE": ""}, "NO_RELEASE", "24.10.4 is right"),
        ({"RELEASE": "../24"}, "NO_RELEASE", "24.10.4 is right"),
        ({"IMAGE": "vdi"}, "WRONG_IMAGE", "squashfs or ext4"),
    ],
)
def test_wrong_words(run, mirror, tmp_path, variables, code, told):
    assert told in refused(run, tmp_path, code, **variables)
    assert mirror.asked == []
