# SPDX-License-Identifier: Apache-2.0
"""The kinds of line that the lab has, a folder each in lines/: `network` and `dhcp` are what a user of OpenWrt writes
for it, `access` is what the access network does, `server` what the server machine is, where the line has one."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "lines"
BASE = HERE / "router/etc/config"
NAMES = sorted(path.name for path in FOLDER.iterdir())


def about(name: str) -> str:
    """What is special about the line: the first comment of its `network`."""
    text = (FOLDER / name / "network").read_text(encoding="utf-8").partition("\n\n")[0]
    return " ".join(line.lstrip("# ") for line in text.splitlines()[1:])


def has_server(name: str) -> bool:
    """Whether the line has a machine `server` (server/)."""
    return (FOLDER / name / "server").exists()


def sections(text: str) -> dict[str, str]:
    """The sections of a file of uci, by name; what stands before the first one has the name ''."""
    parts = re.split(r"^(?=config )", text, flags=re.M)
    found = {"": parts[0].rstrip() + "\n"}
    for part in parts[1:]:
        name = re.match(r"config \S+(?: '(.*)')?", part)
        assert name
        found[name[1] or f"#{len(found)}"] = part.rstrip() + "\n"
    return found


def configuration(name: str, openwrt: bool = False) -> dict[str, str]:
    """The router's files in /etc/config for this line: the base's, the line's sections in place of the same ones.

    A real OpenWrt keeps files of its own where the line has nothing to say.
    """
    files = {}
    for base in BASE.iterdir():
        if openwrt and base.name != "network" and not (FOLDER / name / base.name).exists():
            continue
        merged = sections(base.read_text(encoding="utf-8"))
        own = FOLDER / name / base.name
        if own.exists():
            merged.update(
                {key: text for key, text in sections(own.read_text(encoding="utf-8")).items() if key}
            )
        files[base.name] = "\n".join(merged.values())
    return files


def write(folder: Path, chosen: str, openwrt: bool = False) -> None:
    """The router's tree: every line's files in /etc/lines/<name>, the chosen one's in /etc/config as well.

    A real OpenWrt has a configuration of its own at first.
    """
    if chosen not in NAMES:
        raise ValueError(f"LINE '{chosen}': one of {', '.join(NAMES)} would be right")
    for name in NAMES:
        for place in [f"etc/lines/{name}"] + ["etc/config"] * (name == chosen and not openwrt):
            (folder / place).mkdir(parents=True, exist_ok=True)
            for file, text in configuration(name, openwrt).items():
                (folder / place / file).write_text(text, encoding="utf-8")
