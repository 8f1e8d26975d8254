# SPDX-License-Identifier: Apache-2.0
"""Every shell file of the tree passes shellcheck, as the shell that its first line names (sh: dash)."""

import pathlib
import re
import subprocess

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SHEBANG = re.compile(rb"#! *(?:/usr)?/bin/(?:env +|busybox +)?(sh|ash|dash|bash)\b")

# "Not following": the libraries that are sourced by absolute path are the router's.
SOURCED_ELSEWHERE = "SC1091"


def shell_files():
    listed = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=REPOSITORY, text=True
    )
    for name in sorted(set(listed.split("\0")) - {""}):
        path = REPOSITORY / name
        # A template is no shell yet; what is made of it, its own tests check.
        if not path.is_file() or path.is_symlink() or path.suffix == ".j2":
            continue
        with path.open("rb") as file:
            found = SHEBANG.match(file.readline())
        if found or path.suffix == ".sh":
            yield name, "bash" if found and found.group(1) == b"bash" else "dash"


FILES = list(shell_files())


def test_the_handlers_are_among_them():
    names = {name for name, _ in FILES}
    assert {"lib/netifd/proto/flets.sh", "lib/netifd/softwire.script", "files/usr/sbin/softwire"} <= names


@pytest.mark.parametrize(("name", "shell"), FILES)
def test_shellcheck(name, shell):
    done = subprocess.run(
        ["shellcheck", "-s", shell, "-e", SOURCED_ELSEWHERE, name],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
