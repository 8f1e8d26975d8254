# SPDX-License-Identifier: Apache-2.0
"""/etc/config as the uci command reads and edits it (OpenWrt's uci: file.c, cli.c), and a last step that is checked.

uci works on private copies in memory: on a full flash `uci commit` leaves an empty file behind and says that all is
well (seen on 23.05). So the finished files are copied beside the old ones, and take their places once all are whole.
"""

import os

from softwire.errors import ProvisioningError
from softwire.ubus import quote

# The words in the name of an option whose value is not shown.
SECRET_WORDS = ("pass", "secret", "key", "pin", "token")


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


def read_words(text):
    """The lines of `uci export` as lists of words; a quoted value may go over several lines."""
    lines: list = []
    line: list = []
    word = None
    quoted = escaped = False
    for char in text:
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
        else:
            if word is not None:
                line.append(word)
                word = None
            if char == "\n":
                if line:
                    lines.append(line)
                line = []
    return lines


def read_sections(text):
    """The sections of `uci export` in order."""
    sections: list = []
    for words in read_words(text):
        if words[0] == "config":
            sections.append(Section(words[1], words[2] if len(words) > 2 else None))
        elif words[0] in ("option", "list"):
            sections[-1].items.append(tuple(words))
    return sections


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


def rewrite(package, name, old, items):
    """The lines for `uci batch` that make an interface of these items out of section `old` (or of nothing)."""
    path = package + "." + name
    commands = [] if old else ["set {}={}".format(path, quote("interface"))]
    options = []
    for _, option, _ in items + (old.items if old else []):
        if option not in options:
            options.append(option)
    for option in options:
        new = [item for item in items if item[1] == option]
        was = [item for item in old.items if item[1] == option] if old else []
        if new == was:
            continue
        if was:
            commands.append("delete {}.{}".format(path, option))
        for word, _, value in new:
            word = "add_list" if word == "list" else "set"
            commands.append("{} {}.{}={}".format(word, path, option, quote(value)))
    return commands


def _shown(item):
    word, option, value = item
    if [part for part in SECRET_WORDS if part in option]:
        return "     {} {} (not shown)".format(word, option)
    return "     {} {} '{}'".format(word, option, "".join([char if char >= " " else "?" for char in value]))


def difference(before, after):
    """What changes, for people: the lines of every section that is not as it was, with - and + before them."""
    lines = []
    old, new = dict(keyed(before)), dict(keyed(after))
    for key, section in keyed(after) + [pair for pair in keyed(before) if pair[0] not in new]:
        was = old[key].items if key in old else []
        now = new[key].items if key in new else []
        if key in old and key in new and was == now:
            continue
        sign = "+" if key not in old else "-" if key not in new else " "
        title = "config " + section.kind + (" '{}'".format(section.name) if section.name else "")
        lines.append(sign + " " + title)
        for item in was:
            lines.append((" " if item in now else "-") + _shown(item))
        for item in now:
            if item not in was:
                lines.append("+" + _shown(item))
    return lines


def shell(command):
    """The exit status of a shell command; KeyboardInterrupt where Ctrl-C ended it."""
    status = os.system(command)
    if status & 127 == 2 or status >> 8 == 130:
        raise KeyboardInterrupt
    return status >> 8


class Files:
    """Private copies of files of /etc/config: open, edit, put or forget; close in any case."""

    def __init__(self):
        name = "".join(["%02x" % octet for octet in os.urandom(6)])
        self.folder = "/var/run/softwire.configure." + name
        self.names: list = []
        self.known: dict = {}
        self.edited: list = []
        self.done = False

    def _path(self, name):
        return self.folder + "/" + name

    def _read(self, name):
        with open(self._path(name)) as file:
            return file.read()

    def write(self, name, text):
        """Leaves a file beside the copies, for put()."""
        with open(self._path(name), "w") as file:
            file.write(text)

    def _uci(self, words, source="/dev/null"):
        """Runs uci among the copies: what it printed; BAD_CONFIG with its words where it complained."""
        command = "umask 077; cd {} && uci {} <{} >output 2>errors".format(self.folder, words, source)
        status = shell(command)
        errors = self._read("errors").strip()
        if status or errors:
            raise ProvisioningError("BAD_CONFIG", "uci refused: " + (errors or words).replace("\n", "; "))
        return self._read("output")

    def open(self, names):
        """Copies those that are there; UNCOMMITTED where uci holds changes of somebody else."""
        if shell("umask 077; mkdir -p {0}/before {0}/after {0}/stage".format(self.folder)):
            raise ProvisioningError("CANNOT_WRITE", self.folder + " cannot be made: is /var full?")
        for name in names:
            if shell("[ -f /etc/config/{} ]".format(name)):
                continue
            if self._uci("changes " + name):
                raise ProvisioningError(
                    "UNCOMMITTED",
                    "uci holds changes to {0} that nobody committed: see 'uci changes {0}', then run "
                    "'uci commit {0}' or 'uci revert {0}'".format(name),
                )
            copy = "umask 077; cd {1} && cp /etc/config/{0} before/{0} && cp before/{0} after/{0}"
            if shell(copy.format(name, self.folder)):
                raise ProvisioningError("CANNOT_WRITE", self.folder + " cannot be written: is /var full?")
            self.names.append(name)

    def before(self, name):
        """The sections of a file as they are."""
        return self._sections("before", name)

    def after(self, name):
        """The sections of a file as they will be."""
        return self._sections("after" if name in self.edited else "before", name)

    def _sections(self, copies, name):
        key = copies + "/" + name
        if name in self.names and key not in self.known:
            self.known[key] = read_sections(self._uci("-c {} -t stage export {}".format(copies, name)))
        return self.known.get(key) or []

    def edit(self, name, commands):
        """Applies lines for `uci batch`, which come to it on its standard input: secrets are never arguments."""
        if commands:
            self.write("batch", "\n".join(commands + ["commit " + name]) + "\n")
            self._uci("-c after -t stage batch", "batch")
            self.known.pop("after/" + name, None)
            self.edited.append(name)

    def put(self, names, others=(), gone=()):
        """Everything into place or nothing; `others` are (name beside the copies, path), `gone` paths to remove."""
        for name in names:
            with open("/etc/config/" + name) as file:
                if file.read() != self._read("before/" + name):
                    raise ProvisioningError(
                        "UNCOMMITTED", "/etc/config/{} was changed meanwhile: run it again".format(name)
                    )
        moves = [(source, path) for source, path in others]
        moves += [("after/" + name, "/etc/config/" + name) for name in names]
        new = ["{0}/.{2}.new".format(*path.rpartition("/")) for _, path in moves]
        copies = ["cp {} {}".format(moves[index][0], new[index]) for index in range(len(moves))]
        renames = ["mv -f {} {}".format(new[index], moves[index][1]) for index in range(len(moves))]
        removals = ["rm -f " + path for path in gone]
        # One shell: Ctrl-C comes before all of it or after.
        script = (
            "umask 077; trap '' HUP INT TERM; cd {}; {{ {} || {{ rm -f {}; exit 1; }}; }} 2>errors".format(
                self.folder, " && ".join(copies + ["sync"] + renames + removals), " ".join(new)
            )
        )
        if shell(script):
            raise ProvisioningError(
                "CANNOT_WRITE",
                "{}: is the flash full? 'df /overlay' tells".format(self._read("errors").strip()),
            )
        self.done = True

    def close(self):
        """Nothing of it stays."""
        shell("rm -rf " + self.folder)
