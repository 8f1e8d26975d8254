# SPDX-License-Identifier: Apache-2.0
"""Another user, only the capabilities that are needed, no way back (capabilities(7), prctl(2)); and what came of it."""

from __future__ import annotations

import ctypes
import os
import pwd
import struct
import typing

# linux/capability.h, linux/prctl.h
NET_BIND_SERVICE, NET_ADMIN, NET_RAW = 10, 12, 13
NAMES = {NET_BIND_SERVICE: "CAP_NET_BIND_SERVICE", NET_ADMIN: "CAP_NET_ADMIN", NET_RAW: "CAP_NET_RAW"}
VERSION_3 = 0x20080522
SET_KEEPCAPS, CAPBSET_READ, CAPBSET_DROP, SET_NO_NEW_PRIVS, CAP_AMBIENT = 8, 23, 24, 38, 47
CAP_AMBIENT_RAISE, CAP_AMBIENT_CLEAR_ALL = 2, 4

libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, first: int = 0, second: int = 0) -> bool:
    words = [ctypes.c_ulong(word) for word in (first, second, 0, 0)]
    return bool(libc.prctl(option, *words) >= 0)


def _permitted() -> int:
    header, data = struct.pack("=Ii", VERSION_3, 0), ctypes.create_string_buffer(24)
    libc.capget(ctypes.c_char_p(header), data)
    words = struct.unpack("=6I", data.raw)
    return int(words[1] | words[4] << 32)


def _set(capabilities: int, inheritable: int = 0) -> bool:
    header = struct.pack("=Ii", VERSION_3, 0)
    low, high = capabilities & 0xFFFFFFFF, capabilities >> 32
    # effective, permitted, inheritable: what is started from here gets none, unless they are lent
    data = struct.pack("=6I", low, low, inheritable & 0xFFFFFFFF, high, high, inheritable >> 32)
    return bool(libc.capset(ctypes.c_char_p(header), ctypes.c_char_p(data)) == 0)


def become(user: str) -> None:
    """Root is somebody else from now on; KeyError where there is nobody of that name, OSError."""
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)


def shed(user: str, keep: typing.Iterable[int]) -> list[str]:
    """Becomes `user` if it is root ('': stays) and keeps at most the capabilities named; tells what it could not."""
    wanted = sum(1 << number for number in keep)
    problems = []
    if os.geteuid() == 0:
        for number in range(64):
            if not wanted >> number & 1 and libc.prctl(CAPBSET_READ, ctypes.c_ulong(number), 0, 0, 0) == 1:
                _prctl(CAPBSET_DROP, number)
        if user:
            try:
                _prctl(SET_KEEPCAPS, 1)
                become(user)
            except KeyError:
                problems.append(f"there is no user '{user}' (softwired.user)")
            except OSError as error:
                problems.append(f"cannot become user '{user}': {error.strerror}")
    _prctl(CAP_AMBIENT, CAP_AMBIENT_CLEAR_ALL)
    _set(_permitted() & wanted)
    _prctl(SET_NO_NEW_PRIVS, 1)
    return problems + judge(state(), wanted)


def lend() -> None:
    """In a child before its program starts: that program has what we have, and no more."""
    ours = _permitted()
    _set(ours, ours)
    for number in range(64):
        if ours >> number & 1:
            _prctl(CAP_AMBIENT, CAP_AMBIENT_RAISE, number)


def state() -> dict[str, int]:
    """What the kernel says of this process: uid, capabilities, no_new_privs."""
    with open("/proc/self/status", encoding="utf-8", errors="replace") as file:
        said = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    return {
        "uid": int(said["Uid"].split()[1]),
        "effective": int(said["CapEff"], 16),
        "permitted": int(said["CapPrm"], 16),
        "no_new_privs": int(said.get("NoNewPrivs", "0")),
    }


def judge(found: dict[str, int], wanted: int) -> list[str]:
    """What is not as it should be."""
    problems = []
    if found["uid"] == 0:
        problems.append("runs as root")
    more = (found["effective"] | found["permitted"]) & ~wanted
    if more:
        problems.append(f"has more capabilities than it needs: {more:#x}")
    for number, name in NAMES.items():
        if wanted >> number & 1 and not found["effective"] >> number & 1:
            problems.append(f"has no {name}")
    if not found["no_new_privs"]:
        problems.append("no_new_privs is not set")
    return problems
