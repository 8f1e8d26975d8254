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


def has_module(name, read=read, listdir=listdir):
    """Whether a module is loaded, built in, or there to be loaded; `name` with _, as lsmod prints it."""
    folder = "/lib/modules/" + read("/proc/sys/kernel/osrelease")
    files = listdir(folder)  # OpenWrt has them all in one folder, and no modules.dep
    for index in "modules.builtin", "modules.dep":
        files += [
            line.partition(":")[0].rpartition("/")[2] for line in read(folder + "/" + index).split("\n")
        ]
    # One built in shows in /sys/module only where it has parameters.
    return name in listdir("/sys/module") or name in [
        file.partition(".ko")[0].replace("-", "_") for file in files if ".ko" in file
    ]
