# SPDX-License-Identifier: Apache-2.0
"""The lab's server: Debian with systemd as its first process, our packages installed by apt from a folder of files."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.lab.guest import LabError, SystemdGuest, need, pack

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/lab"
# Where the guest has our packages.
PACKAGES = "/lab/packages"


def repository(folder: Path) -> Path:
    """Our Debian packages in a folder that apt installs from: the files and their index."""
    need("dh", "debhelper")
    command = [ROOT / "package/debian/build", folder.resolve()]
    built = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if built.returncode:
        raise LabError("the Debian packages could not be built; the reason is above")
    index = subprocess.run(
        [need("dpkg-scanpackages", "dpkg-dev"), "."],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    (folder / "Packages").write_bytes(index.stdout)
    return folder


class Server(SystemdGuest):
    """Off until a line wants it; lines/<line>/server says what it is then, tests/lab/server/server makes it that."""

    def __init__(self, directory: Path, nics: list[tuple[str, str, str]]):
        super().__init__("server", directory, 384, nics, directory / "server.tar")
        self.line = ""
        self.units: list[str] = []

    def start(self, image: Path, line: str) -> None:
        """Boots it, installs what the line's server has, and starts its units."""
        tree = [
            (HERE / "server", "/lab/server"),
            (HERE / "lines", "/lab/lines"),
            (repository(self.directory / "packages"), PACKAGES),
        ]
        pack(tree, self.files)
        self.power_on(image)
        self.log_in()
        self.unpack()
        self.become(line)

    def become(self, line: str) -> None:
        """The server of this line."""
        self.line = line
        self.units = self.check(f"sh /lab/server/server start {line}", timeout=400).split()

    def collect(self, into: Path) -> None:
        """Its journal, and Kea's leases."""
        self.run("journalctl --no-pager > /var/log/journal.txt")
        self.fetch("/var/log /var/lib/kea", into)
