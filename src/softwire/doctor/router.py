# SPDX-License-Identifier: Apache-2.0
"""What the doctor sees of the router: netifd, uci, kernel files, processes and, through `network`, the line."""

import os

from softwire import state, ubus
from softwire.doctor import network
from softwire.endpoint import present


class Router:
    """Looks, and changes nothing. A test stands in for all of it."""

    network = network
    present = staticmethod(present)
    uptime = staticmethod(state.uptime)

    def status(self, interface):
        """netifd's status of an interface, or None where it knows none; UbusError where it does not answer."""
        name = "network.interface." + interface
        try:
            return ubus.call(name, "status")
        except ubus.UbusError:
            # A busy router is no reason to call an interface missing.
            if self.run("ubus", "list", "network") and not self.run("ubus", "list", name):
                return None
        return ubus.call(name, "status")

    def run(self, *words):
        """What a command prints; empty where it fails."""
        try:
            return ubus.output(words)
        except OSError:
            return ""

    def uci(self, package):
        """Sections of /etc/config/<package>, in order, as (name, type, {option: text or list})."""
        return read_uci(self.run("uci", "-q", "show", package))

    def read(self, path):
        """A file's text without blanks around it; empty where there is none."""
        try:
            with open(path) as file:
                return file.read().strip()
        except (OSError, ValueError):
            return ""

    def listdir(self, path):
        """Names in a folder."""
        try:
            return sorted(os.listdir(path))
        except OSError:
            return []

    def settings(self, interface):
        """The options that netifd handed over at the last setup, or None."""
        return state.read(state.config_path(interface))

    def state(self, interface):
        """What the client wrote last; what one left behind says nothing once the interface was torn down."""
        return (self.settings(interface) and state.read(state.state_path(interface))) or {}

    def others(self, interface):
        """The other softwires that netifd has set up."""
        return [name for name in state.interfaces() if name != interface]

    def unwritable(self):
        """Why the run directory takes no file: an error number, or None."""
        path = (state.RUN_DIR if self.listdir(state.RUN_DIR) else "/var/run") + "/.doctor"
        try:
            try:
                with open(path, "w") as file:
                    file.write(" " * 4096)
            finally:
                os.remove(path)
        except OSError as error:
            return error.errno
        return None

    def processes(self):
        """The arguments of every process that runs."""
        found = []
        for number in self.listdir("/proc"):
            if number.isdigit():
                try:
                    with open("/proc/{}/cmdline".format(number), "rb") as file:
                        found.append([word.decode() for word in file.read().split(b"\0")[:-1]])
                except (OSError, ValueError):
                    pass
        return found


def read_uci(text):
    """The answer of `uci show <package>` -> sections, see Router.uci."""
    sections: list = []
    for line in text.split("\n"):
        path, equals, value = line.partition("=")
        name, dot, option = path.partition(".")[2].partition(".")
        # An anonymous section's name may hold no dot, so the first one after it ends it.
        if equals and dot and sections and sections[-1][0] == name:
            words = _unquote(value)
            sections[-1][2][option] = words[0] if len(words) == 1 else words
        elif equals and name and not dot and "'" not in value:
            sections.append((name, value, {}))
    return sections


def _unquote(text):
    words: list = []
    word, quoted, escaped = None, False, False
    for char in text:
        if escaped:
            word, escaped = (word or "") + char, False
        elif char == "'":
            word, quoted = word or "", not quoted
        elif quoted:
            word = (word or "") + char
        elif char == "\\":
            escaped = True
        elif char == " ":
            words, word = words + ([word] if word is not None else []), None
        else:
            word = (word or "") + char
    return words + ([word] if word is not None else [])


def as_list(value):
    """An option's items, whether it was written as a list or as an option with blanks."""
    return value if isinstance(value, list) else str(value or "").split()
