# SPDX-License-Identifier: Apache-2.0
"""The rules of the whole tree (CONTRIBUTING.md): SPDX first, no registry's host, no machine's path, short lines."""

import re
import sys

from tree import ROOT, files

# Of what ruff does not see.
COLUMNS = 120
# Data, prose and pictures: no SPDX line, any width.
DATA = {".bin", ".json", ".md", ".svg", ".txt", ".hex", ".pcap", ".png"}
NO_SPDX = {"LICENSE"}

# Written so that they do not find themselves.
FORBIDDEN = (
    (re.compile(r"(deb|security)[.]deb[i]an[.]|py[p]i[.]|python[h]osted|npm[j]s[.]"), "a registry's host"),
    (re.compile(r"/w[o]rk/[a-z.]|/f[a]rm/|/tmp/br[i]ef"), "a path of one machine"),
)
# OpenWrt's feed scan takes a Makefile with these words for a package.
PACKAGE_CALL = re.compile(r"include \$\(TOPDIR\)|Build[P]ackage")


def faults(path):
    """(line number, what is wrong) of one file."""
    data = (ROOT / path).read_bytes()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        if path.suffix not in DATA:
            yield 1, "not UTF-8"
        return
    lines = text.splitlines()
    for pattern, what in FORBIDDEN:
        for found in pattern.finditer(text):
            yield text.count("\n", 0, found.start()) + 1, what + ": " + found.group()
    if text and not text.endswith("\n") and path.suffix != ".bin":
        yield len(lines), "no newline at the end"
    for number, line in enumerate(lines, 1):
        if line != line.rstrip() and path.suffix not in DATA:
            yield number, "blanks at the end"
    if path.name in NO_SPDX or path.suffix in DATA or not text:
        return
    first = lines[1:2] if text.startswith("#!") else lines[:1]
    if not first or "SPDX-License-Identifier: Apache-2.0" not in first[0]:
        yield 1, "the first line (after #!) is not the SPDX line"
    for number, line in enumerate(lines if path.suffix != ".py" else [], 1):
        if len(line.expandtabs(4)) > COLUMNS:
            yield number, f"{len(line.expandtabs(4))} columns, at most {COLUMNS}"


def main():
    paths = list(files())
    found = [f"{path}:{number}: {what}" for path in paths for number, what in faults(path)]
    if PACKAGE_CALL.search((ROOT / "Makefile").read_text()):
        found.append("Makefile: holds the words of a package build call")
    tests: dict[str, list[str]] = {}
    for path in paths:
        if path.match("test_*.py"):
            tests.setdefault(path.name, []).append(str(path))
    # pytest imports them by these names alone.
    found += [f"{' and '.join(same)} have one name" for same in tests.values() if len(same) > 1]
    print("\n".join(found), end="\n" if found else "")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
