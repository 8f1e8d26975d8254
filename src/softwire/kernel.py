# SPDX-License-Identifier: Apache-2.0
"""What the kernel tells in files (proc(5), sysfs(5)), and whether it has a module (modules.builtin, modules.dep)."""

import os


def read(path):
    """A file's text without blanks around it; empty where there is none, or where it is no text."""
    try:
        with open(path) as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""


def listdir(path):
    """The names in a folder, sorted; none where there is no folder."""
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def lines(path):
    """Those of a file, one after the other: all of them at once may be more than a small heap holds."""
    try:
        with open(path) as file:
            yield from file
    except (OSError, ValueError):
        pass


def has_module(name, read=read, listdir=listdir, lines=lines):
    """Whether a module is loaded, built in, or there to be loaded; `name` with _, as lsmod prints it."""
    # One built in shows in /sys/module only where it has parameters.
    if name in listdir("/sys/module"):
        return True
    folder = "/lib/modules/" + read("/proc/sys/kernel/osrelease")
    # OpenWrt has them all in one folder, and no modules.dep
    if any([_is(file, name) for file in listdir(folder)]):
        return True
    for index in "modules.builtin", "modules.dep":
        for line in lines(folder + "/" + index):
            if _is(line.partition(":")[0].rpartition("/")[2], name):
                return True
    return False


def _is(file, name):
    return ".ko" in file and file.partition(".ko")[0].replace("-", "_") == name
