# SPDX-License-Identifier: Apache-2.0
"""What the doctor sees of the router: netifd, uci, kernel files, processes and, through `network`, the line."""

import os

from softwire import kernel, portuse, state, ubus
from softwire.doctor import network
from softwire.endpoint import present
from softwire.netifd import Netifd
from softwire.uci import keyed, read_file


class Router:
    """Looks, and changes nothing. A test stands in for all of it."""

    network = network
    connections = portuse.CONNECTIONS
    present = staticmethod(present)
    read = staticmethod(kernel.read)
    lines = staticmethod(kernel.lines)
    listdir = staticmethod(kernel.listdir)
    uptime = staticmethod(state.uptime)

    def __init__(self, status_of=None):
        self._status_of = status_of or Netifd().status

    def status(self, interface):
        """netifd's status of an interface, or None where it knows none; ProvisioningError NETIFD_SILENT."""
        return self._status_of(interface)

    def run(self, *words):
        """What a command prints; empty where it fails."""
        try:
            return ubus.output(words)
        except OSError:
            return ""

    def log(self, count, wanted, most):
        """Of the log's last `count` lines the last ones that have a word of `wanted`; all of them octets."""
        found: list = []

        def read(file):
            for line in file:
                if any([word in line for word in wanted]):
                    found.append(line.rstrip(b"\n"))
                    del found[:-most]

        try:
            ubus.run(["logread", "-l", str(count)], read)
        except OSError:
            pass
        return found

    def uci(self, package):
        """Sections of /etc/config/<package>, in order, as (name, type, {option: its text, or a list's items})."""
        return [(name, section.kind, section.options()) for name, section in keyed(self.sections(package))]

    def sections(self, package):
        """The same as uci.Section; none where uci refuses."""
        try:
            # `uci show` would not tell a list of one from an option.
            return ubus.run(["uci", "-q", "export", package], read_file)[1]
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


def as_list(value):
    """An option's items, whether it was written as a list or as an option with blanks."""
    return value if isinstance(value, list) else str(value or "").split()
