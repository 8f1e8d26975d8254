# SPDX-License-Identifier: Apache-2.0
"""The links of every Markdown file: what they name is in the tree, and has the heading behind the #."""

import re
import sys

from tree import ROOT, files

CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.M | re.S)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*)$", re.M)
FOREIGN = re.compile(r"[a-z]+:")


def anchors(text):
    """The names that forges give the headings."""
    names: list[str] = []
    for heading in HEADING.findall(re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)):
        shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        names.append(re.sub(r"[^\w -]", "", shown).replace(" ", "-"))
    return {name + f"-{names[:at].count(name)}" * (name in names[:at]) for at, name in enumerate(names)}


def faults(path):
    """(line number, what is wrong) of one file."""
    text = (ROOT / path).read_text(encoding="utf-8")
    # The same length, so that lines keep their numbers; the words of a link may be code.
    prose = CODE.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)
    for found in LINK.finditer(prose):
        target, _, anchor = found.group(1).partition("#")
        if FOREIGN.match(target):
            continue
        aim = (ROOT / path.parent / target).resolve() if target else ROOT / path
        number = prose.count("\n", 0, found.start()) + 1
        if not aim.is_relative_to(ROOT) or not aim.exists():
            yield number, f"no such file: {target}"
        elif anchor and anchor not in anchors(aim.read_text(encoding="utf-8")):
            yield number, f"no such heading: {found.group(1)}"


def main():
    paths = list(files("*.md"))
    found = [f"{path}:{number}: {what}" for path in paths for number, what in faults(path)]
    # A page that no other page leads to is not found by those who need it.
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    found += [
        f"{path}: docs/README.md has no link to it"
        for path in paths
        if path.parts[0] == "docs" and path.name != "README.md" and f"]({path.name})" not in index
    ]
    print("\n".join(found), end="\n" if found else "")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
