# SPDX-License-Identifier: Apache-2.0
"""`make openwrt-image`: fetches an official x86-64 image from a mirror that is named, checks its published checksum,
unpacks it into build/openwrt/ and prints the path.

RELEASE=24.10.4 OPENWRT_MIRROR=<address above releases/> [IMAGE=squashfs|ext4]
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import sys
import typing
import urllib.error
import urllib.request
from pathlib import Path

from tests.lab.guest import LabError
from tests.lab.openwrt import image

FOLDER = Path(__file__).resolve().parents[3] / "build/openwrt"
KINDS = "squashfs", "ext4"
SECONDS = 60  # of silence


def address(release: str, mirror: str) -> str:
    """The folder of the release's images."""
    if not mirror:
        raise LabError(
            "NO_MIRROR: OPENWRT_MIRROR is not given: the address (http or https) of OpenWrt's download server or of a "
            "mirror of it, up to the folder that has releases/"
        )
    if not re.match(r"https?://[^/]+", mirror):
        raise LabError(
            f"NO_MIRROR: OPENWRT_MIRROR '{mirror}': an address that begins with http:// or https:// is right"
        )
    if not re.fullmatch(r"\d+\.\d+\.\d+(-rc\d+)?", release):
        raise LabError(f"NO_RELEASE: RELEASE '{release}': a whole version such as 24.10.4 is right")
    return f"{mirror.rstrip('/')}/releases/{release}/targets/x86/64/"


def open_address(url: str) -> http.client.HTTPResponse:
    """The answer to a GET."""
    try:
        return urllib.request.urlopen(url, timeout=SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise LabError(f"NO_RELEASE: {url} is not there: check RELEASE and OPENWRT_MIRROR") from None
        raise LabError(f"NO_ANSWER: {url}: {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise LabError(f"NO_ANSWER: {url}: {getattr(error, 'reason', error)}") from None


def checksum_of(sums: str, pattern: str, url: str) -> tuple[str, str]:
    """(SHA-256, file name) of the one line of sha256sums that the pattern fits."""
    found = re.findall(rf"^([0-9a-f]{{64}}) [ *]({pattern})$", sums, re.M)
    if len(found) != 1:
        raise LabError(f"NO_CHECKSUM: {url}sha256sums has {len(found)} lines for {pattern}")
    return found[0]


def show(done: int, size: int, last: bool) -> None:
    """Progress: in place on a terminal, else the end alone."""
    if sys.stderr.isatty() or last:
        of = f" of {size / 1e6:.1f}" if size else ""
        end = "\n" if last else "\r"
        print(f"openwrt-image: {done / 1e6:6.1f}{of} MB", end=end, file=sys.stderr, flush=True)


def fetch(url: str, sha256: str, target: Path) -> None:
    """Fetches one file, which is in its place only if it is whole and right."""
    partial = target.with_name(target.name + ".part")
    digest, done = hashlib.sha256(), 0
    with open_address(url) as answer, partial.open("wb") as file:
        size = int(answer.headers.get("Content-Length") or 0)
        try:
            while octets := answer.read(1 << 20):
                file.write(octets)
                digest.update(octets)
                done += len(octets)
                show(done, size, False)
        except http.client.IncompleteRead as error:
            done += len(error.partial)
        except OSError as error:
            raise LabError(f"CUT: {url} ended after {done} octets: {error}") from None
        show(done, size, True)
    if size and done != size:
        partial.unlink()
        raise LabError(f"CUT: {url} ended after {done} of {size} octets: try again")
    if digest.hexdigest() != sha256:
        partial.unlink()
        raise LabError(
            f"WRONG_CHECKSUM: {url} has SHA-256 {digest.hexdigest()}, sha256sums says {sha256}: "
            "it was changed on the way, or the mirror is just being updated"
        )
    partial.replace(target)


def is_whole(path: Path, sha256: str) -> bool:
    """Is there from before, and right."""
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def get(environment: typing.Mapping[str, str], folder: Path = FOLDER) -> Path:
    """The unpacked image."""
    kind = environment.get("IMAGE") or KINDS[0]
    if kind not in KINDS:
        raise LabError(f"WRONG_IMAGE: IMAGE '{kind}': {' or '.join(KINDS)} is right")
    url = address(environment.get("RELEASE", ""), environment.get("OPENWRT_MIRROR", ""))
    with open_address(url + "sha256sums") as answer:
        sums = answer.read(1 << 20).decode("utf-8", "replace")
    pattern = rf"openwrt-\S*x86-64-generic-{kind}-combined\.img\.gz"
    sha256, name = checksum_of(sums, pattern, url)
    folder.mkdir(parents=True, exist_ok=True)
    packed = folder / name
    if not is_whole(packed, sha256):
        print(f"openwrt-image: {url}{name}", file=sys.stderr)
        fetch(url + name, sha256, packed)
    unpacked = image.gunzip(packed, folder)
    image.check_disk(unpacked)
    return unpacked


def main() -> int:
    try:
        print(get(os.environ))
    except LabError as error:
        print(f"openwrt-image: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
