# SPDX-License-Identifier: Apache-2.0
"""UCI files: the text format of /etc/config, staged changes in /tmp/.uci, `package.section.option` paths
(OpenWrt wiki, UCI)."""

import contextlib
import os
import re

CONFIG_DIR = "/etc/config"
STAGE_DIR = "/tmp/.uci"
NAME = re.compile(r"^[A-Za-z0-9_]+$")


class UciError(Exception):
    """A file or path that uci refuses; the text names the place."""


class Section:
    """One `config` block: type, name, options in file order (str, or list of str), anonymous or not."""

    def __init__(self, kind, name, anonymous):
        self.kind = kind
        self.name = name
        self.anonymous = anonymous
        self.options = {}


def split_lines(text, where):
    """(place, words) of each line, with uci's quoting: '…' literal, "…" and bare with backslash escapes, both over
    line ends; a bare # starts a comment even within a word. A bare ; begins a new command there, and is refused here.
    """
    words, word, quote, at, number = [], None, None, 0, 1
    place = f"{where} line 1"
    text += "\n"
    while at < len(text):
        char = text[at]
        at += 1
        number += char == "\n"
        if char == "\\" and quote != "'":
            # at the end of a line: the next one goes on with it
            word = (word or "") + (text[at : at + 1] if text[at : at + 1] != "\n" else "")
            at += 1
        elif quote:
            if char == quote:
                quote = None
            else:
                word += char
        elif char in "'\"":
            quote, word = char, word or ""
        elif char == ";":
            raise UciError(f"{place}: ';' needs quotes")
        elif char in "# \t\n":
            if word is not None:
                words.append(word)
            word = None
            if char == "#":
                at = text.index("\n", at)
            elif char == "\n":
                if words:
                    yield place, words
                words, place = [], f"{where} line {number}"
        else:
            word = (word or "") + char
    if quote:
        raise UciError(f"{place}: unterminated {quote}")


def parse(text, package):
    """Sections of one file in order. Raises UciError with the line number."""
    sections, current = [], None
    for where, words in split_lines(text, package):
        if words[0] == "package":
            continue
        if words[0] == "config" and len(words) in (2, 3):
            name = words[2] if len(words) == 3 else None
            if name is not None and not NAME.match(name):
                raise UciError(f"{where}: invalid section name '{name}'")
            # the same name once more adds to the section, as libuci's import does
            current = next((known for known in sections if name is not None and known.name == name), None)
            if current is None:
                current = Section(words[1], name or f"cfg{len(sections) + 1:02x}", name is None)
                sections.append(current)
        elif words[0] in ("option", "list") and len(words) == 3 and current:
            if not NAME.match(words[1]):
                raise UciError(f"{where}: invalid option name '{words[1]}'")
            options = current.options
            if words[0] == "list":
                known = options.get(words[1], [])
                options[words[1]] = ([known] if isinstance(known, str) else known) + [words[2]]
            elif words[2]:
                options[words[1]] = words[2]
            else:
                options.pop(words[1], None)  # an empty value is none
        else:
            raise UciError(f"{where}: not understood: {' '.join(words[:2])}")
    return sections


def quoted(value):
    return "'" + value.replace("'", "'\\''") + "'"


def render(sections, package=None):
    """The text that uci itself would write."""
    lines = [f"package {package}"] if package else []
    for section in sections:
        head = f"config {section.kind}"
        lines += ["", head if section.anonymous else f"{head} {quoted(section.name)}"]
        for name, value in section.options.items():
            if isinstance(value, str):
                lines.append(f"\toption {name} {quoted(value)}")
            else:
                lines += [f"\tlist {name} {quoted(item)}" for item in value]
    return "\n".join(lines) + "\n"


class Package:
    """A configuration with its staged changes applied, as netifd and every other reader sees it."""

    def __init__(self, name, config_dir=CONFIG_DIR, stage_dir=STAGE_DIR):
        self.name = name
        self.path = os.path.join(config_dir, name)
        self.stage = os.path.join(stage_dir, name)
        source = self.stage if os.path.exists(self.stage) else self.path
        try:
            with open(source, encoding="utf-8", errors="surrogateescape") as file:
                self.sections = parse(file.read(), name)
        except FileNotFoundError:
            raise UciError("Entry not found") from None

    def find(self, selector):
        """The section `name` or `@type[index]` names, None when there is none."""
        extended = re.match(r"^@([^\[]*)\[(-?\d+)\]$", selector)
        if not extended:
            return next((section for section in self.sections if section.name == selector), None)
        kind, index = extended.group(1), int(extended.group(2))
        chosen = [section for section in self.sections if kind in ("", section.kind)]
        return chosen[index] if -len(chosen) <= index < len(chosen) else None

    def of(self, kind):
        return [section for section in self.sections if section.kind == kind]

    def write(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        temporary = f"{path}.new"
        # Like libuci: a full file system leaves an empty file, and nobody is told.
        with contextlib.suppress(OSError), open(temporary, "wb") as file:
            file.write(render(self.sections).encode(errors="surrogateescape"))
        os.chmod(temporary, os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o600)
        os.rename(temporary, path)

    def save(self):
        """Stage: what `uci set` does before `uci commit`."""
        self.write(self.stage)

    def commit(self):
        self.write(self.path)
        if os.path.exists(self.stage):
            os.unlink(self.stage)
