# SPDX-License-Identifier: Apache-2.0
"""What the uci command prints of /etc/config, read (OpenWrt's uci: file.c, cli.c): sections, options, their names."""

# An option with one of these in its name holds a secret ...
SECRET_PARTS = ("password", "passwd", "passphrase", "secret", "psk", "token", "pincode", "pwd")
# ... or with one of these for a word of it, such as key in private_key; not pin in ping, or key in keepalive.
SECRET_WORDS = ("pass", "key", "pin")


# In the place of each octet that is not ASCII, where a text is not UTF-8.
UNREADABLE = "\ufffd"


class Section:
    """type, name (None where it is anonymous), and the lines in order as (`option` or `list`, name, value)."""

    def __init__(self, kind, name=None):
        self.kind = kind
        self.name = name
        self.items: list = []

    def values(self, option):
        """All values of an option or list."""
        return [value for _, name, value in self.items if name == option]

    def get(self, option):
        """The value of an option, or None."""
        return (self.values(option) or [None])[0]

    def options(self):
        """All of them by name: the value of an option, the values of a list."""
        return {name: self.values(name) if word == "list" else value for word, name, value in self.items}


def read_sections(text):
    """The sections of `uci export` in order."""
    return _sections([line + "\n" for line in text.split("\n")])


def read_file(file):
    """The same from a file of octets, line by line: a big firewall's text alone does not fit into a small heap."""
    return _sections(_text(line) for line in file)


def _text(octets):
    # uci takes any octets, and a name in Shift JIS is nobody's fault.
    try:
        return octets.decode()
    except UnicodeError:
        return "".join([chr(octet) if octet < 0x80 else UNREADABLE for octet in octets])


def _sections(lines):
    sections: list = []
    known: dict = {}  # names come again and again: each is kept once
    begun = ""
    for line in lines:
        words = _plain(line) if not begun else None
        if words is None:
            words = _words(begun + line)
            begun = begun + line if words is None else ""
        if not words:
            continue
        if words[0] == "config" and len(words) > 1:
            sections.append(Section(known.setdefault(words[1], words[1]), (words + [None])[2]))
        elif words[0] in ("option", "list") and len(words) == 3 and sections:
            word, name = [known.setdefault(part, part) for part in words[:2]]
            sections[-1].items.append((word, name, words[2]))
    return sections


def _plain(line):
    """The words of a line that quotes the last of them at most, as nearly all do; None for any other."""
    head, opened, rest = line.partition("'")
    value, closed, tail = rest.partition("'")
    if "\\" in head or opened and not closed or tail.strip():
        return None
    return head.split() + ([value] if opened else [])


def _words(line):
    """The words of any line; None where a quoted value goes on in the next one."""
    words: list = []
    word = None
    quoted = escaped = False
    for char in line:
        if escaped or (quoted and char != "'"):
            word = (word or "") + char
            escaped = False
        elif char == "'":
            quoted = not quoted
            word = word or ""
        elif char == "\\":
            escaped = True
        elif char not in " \t\n":
            word = (word or "") + char
        elif word is not None:
            words.append(word)
            word = None
    return None if quoted else words


def find(sections, name):
    """The section of that name, or None."""
    for section in sections:
        if section.name == name:
            return section
    return None


def keyed(sections):
    """(name or `@type[index]`, section) for each, as uci addresses them."""
    counts: dict = {}
    pairs = []
    for section in sections:
        index = counts[section.kind] = counts.get(section.kind, -1) + 1
        pairs.append((section.name or "@{}[{}]".format(section.kind, index), section))
    return pairs


def sounds_secret(option):
    """Whether an option holds a secret, by its name alone: of all protocols, ours among them."""
    words = [word.strip("0123456789") for word in option.lower().split("_")]
    return bool(
        [part for part in SECRET_PARTS if part in option.lower()]
        or [word for word in words if word in SECRET_WORDS or word.endswith("key")]
    )
