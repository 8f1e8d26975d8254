# SPDX-License-Identifier: Apache-2.0
"""Every `logread -e` that docs and doctor advise prints something on an OpenWrt, by lines that one has written."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", *(ROOT / "src").rglob("*.py")]

# netifd and odhcp6c of the development branch, wan6 up and wan over it; a client's output is tagged as odhcp6c's is.
LOG = """netifd: Interface 'wan6' is setting up now
netifd: wan6 (238): Failed to send RS (Cannot assign requested address)
netifd: Interface 'wan6' is now up
netifd: Interface 'wan' is now up
netifd: tunnel 'sw-wan' link is up
""".splitlines()


def patterns():
    """(file, pattern), names of interfaces filled in."""
    for path in SOURCES:
        for pattern in re.findall(r"logread -e ([^\s'`;,]+)", path.read_text(encoding="utf-8")):
            yield path.name, re.sub(r"\{\w*\}", "wan", pattern)


def test_what_is_advised_prints_something():
    found = list(patterns())
    assert {name for name, _ in found} >= {"codes.md", "line.py", "tunnel.py", "finding.py"}
    assert [one for one in found if not any(re.search(one[1], line) for line in LOG)] == []


def test_what_clients_say_is_found_by_the_docs_advice():
    text = (ROOT / "docs/codes.md").read_text(encoding="utf-8")
    assert "`netifd: wan6 (`" in text and LOG[1].startswith("netifd: wan6 (")
