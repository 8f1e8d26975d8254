# SPDX-License-Identifier: Apache-2.0
"""Edits /etc/config as the uci command does (OpenWrt's uci: file.c, cli.c), with a last step that is checked.

uci works on private copies in memory: on a full flash `uci commit` leaves an empty file behind and says that all is
well (seen on 23.05). So the finished files are copied beside the old ones, and take their places once all are whole.
"""

import os

from softwire.errors import ProvisioningError
from softwire.ubus import quote, text_of
from softwire.uci import keyed, read_file, sounds_secret


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
    if sounds_secret(option):
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


def exists(path):
    """Whether there is anything of that name."""
    try:
        os.stat(path)
    except OSError:
        return False
    return True


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

    def _errors(self):
        with open(self._path("errors"), "rb") as file:
            return text_of(file.read()).strip().replace("\n", "; ")

    def copy(self, name):
        """A file as it was, opened: whole, it may be more than fits into the heap."""
        return open(self._path("before/" + name), "rb")

    def write(self, name, text):
        """Leaves a file beside the copies, for put()."""
        with open(self._path(name), "w") as file:
            file.write(text)

    def _uci(self, words, name, source="/dev/null"):
        """Runs uci among the copies for a file: what it printed, opened; BAD_CONFIG where it complained."""
        command = "umask 077; cd {} && uci {} <{} >output 2>errors".format(self.folder, words, source)
        status = shell(command)
        told = self._errors()
        if status or told:
            raise ProvisioningError(
                "BAD_CONFIG", "uci refused /etc/config/{}: {}".format(name, told or words)
            )
        return open(self._path("output"), "rb")

    def _export(self, words, name):
        with self._uci(words, name) as file:
            return read_file(file)

    def open(self, names):
        """Copies those that are there; UNCOMMITTED where uci holds changes of somebody else."""
        if shell("umask 077; mkdir -p {0}/before {0}/after {0}/stage".format(self.folder)):
            raise ProvisioningError("CANNOT_WRITE", self.folder + " cannot be made: is /var full?")
        for name in names:
            if not exists("/etc/config/" + name):
                continue
            with self._uci("changes " + name, name) as changes:
                staged = changes.read(1)
            if staged:
                raise ProvisioningError(
                    "UNCOMMITTED",
                    "uci holds changes to {0} that nobody committed: see 'uci changes {0}', then run "
                    "'uci commit {0}' or 'uci revert {0}'".format(name),
                )
            copy = "umask 077; cd {1} && cp /etc/config/{0} before/{0} && cp before/{0} after/{0}"
            if shell(copy.format(name, self.folder)):
                raise ProvisioningError("CANNOT_WRITE", self.folder + " cannot be written: is /var full?")
            self.names.append(name)

    def look(self, name):
        """The sections of a file that is left alone; none where it is not there or broken."""
        try:
            return self._export("-q export " + name, name)
        except ProvisioningError:
            return []

    def before(self, name):
        """The sections of a file as they are."""
        return self._sections("before", name)

    def after(self, name):
        """The sections of a file as they will be."""
        return self._sections("after" if name in self.edited else "before", name)

    def _sections(self, copies, name):
        key = copies + "/" + name
        if name in self.names and key not in self.known:
            self.known[key] = self._export("-c {} -t stage export {}".format(copies, name), name)
        return self.known.get(key) or []

    def edit(self, name, commands):
        """Applies lines for `uci batch`, which come to it on its standard input: secrets are never arguments."""
        if commands:
            self.write("batch", "\n".join(commands + ["commit " + name]) + "\n")
            self._uci("-c after -t stage batch", name, "batch").close()
            self.known.pop("after/" + name, None)
            self.edited.append(name)

    def _same(self, name):
        with open("/etc/config/" + name, "rb") as now, self.copy(name) as before:
            while True:
                part = now.read(512)
                if part != before.read(512):
                    return False
                if not part:
                    return True

    def put(self, names, others=(), gone=()):
        """Everything into place or nothing; `others` are (name beside the copies, path), `gone` paths to remove.

        Where nothing could be written, `done` stays False; it is True as soon as anything stays changed.
        """
        for name in names:
            if not self._same(name):
                raise ProvisioningError(
                    "UNCOMMITTED", "/etc/config/{} was changed meanwhile: run it again".format(name)
                )
        moves = [_Move(source, path, True) for source, path in others]
        moves += [_Move("after/" + name, "/etc/config/" + name, False) for name in names]
        moves += [_Move(None, path, True) for path in gone]
        forget = [move.forget() for move in moves]
        steps = forget + [move.keep() for move in moves] + [move.fill() for move in moves] + ["sync"]
        back = []
        for number, move in enumerate(moves):
            steps.append("{} && moved={}".format(move.replace(), number + 1))
            # What did not move needs no way back, and could be refused one for the same reason.
            back.append(
                "{{ {{ [ $moved -le {} ] || {}; }} && {}; }} || status=3".format(
                    number, move.restore(), move.forget()
                )
            )
        # One shell: Ctrl-C comes before all of it or after.
        status = shell(
            "umask 077; trap '' HUP INT TERM; cd {} && exec 2>errors || exit 1; moved=0; "
            "if {}; then {}; exit 0; fi; status=1; {}; exit $status".format(
                self.folder, " && ".join(steps), "; ".join(forget), "; ".join(back)
            )
        )
        self.done = status in (0, 3)
        if status:
            told = self._errors() + ": is the flash full? 'df /overlay' tells"
            kept = ["{} as {}".format(move.path, move.old) for move in moves if exists(move.old)]
            if self.done:
                told += "; what was there could not be put back: " + (", ".join(kept) or "see /etc/config")
            raise ProvisioningError("CANNOT_WRITE", told)

    def close(self):
        """Nothing of it stays."""
        shell("rm -rf " + self.folder)


class _Move:
    """A file of the copies on its way to its place, by lines of shell; without a source, one that goes away."""

    def __init__(self, source, path, private):
        self.source, self.path, self.private = source, path, private
        folder, _, name = path.rpartition("/")
        self.new, self.old = ["{}/.{}.{}".format(folder, name, end) for end in ("new", "old")]
        self.was_there = exists(path)

    def keep(self):
        """What is there gets a second name; a copy where the file system has no links."""
        if not self.was_there:
            return ":"
        return "{{ ln {0} {1} 2>/dev/null || cp -p {0} {1}; }}".format(self.path, self.old)

    def fill(self):
        """The new one beside it, with mode and owner of what it replaces."""
        if not self.source:
            return ":"
        rights = "cp -p {} {} && ".format(self.path, self.new)
        return "{}cat {} >{}".format(
            rights if self.was_there and not self.private else "", self.source, self.new
        )

    def replace(self):
        return "mv -f {} {}".format(self.new, self.path) if self.source else "rm -f " + self.path

    def restore(self):
        """As before, once it has been replaced."""
        return "mv -f {} {}".format(self.old, self.path) if self.was_there else "rm -f " + self.path

    def forget(self):
        return "rm -f {} {}".format(self.old, self.new)
