# SPDX-License-Identifier: Apache-2.0
"""Every program that the router starts, with its arguments, as the kernel tells (Documentation/trace/kprobetrace)."""

from __future__ import annotations

import re

from tests.lab.guest import Commands

TRACING = "/sys/kernel/tracing"
# Where execve finds argv: the second argument in the registers of the system call, x86-64.
ARGUMENTS = " ".join(f"a{index}=+0(+u{8 * index}(+104(%di))):ustring" for index in range(8))


def watch(router: Commands) -> None:
    """From now on every execve is kept, if the kernel has kprobes."""
    router.run(
        f"mount -t tracefs tracefs {TRACING}; cd {TRACING} && echo 16384 > buffer_size_kb"
        f" && echo 'p:execve __x64_sys_execve {ARGUMENTS}' > kprobe_events && echo 1 > events/kprobes/execve/enable"
    )


def watched(router: Commands) -> bool:
    """Whether watch() could do it: OpenWrt's own kernels cannot."""
    return router.run(f"test -e {TRACING}/events/kprobes/execve")[1] == 0


# An argument may have several lines.
EVENTS = (
    '/ execve: / { tell(); event = $0; next } { event = event " " $0 } END { tell() }'
    " function tell() { if (event ~ /PATTERN/) print event }"
)


def started(router: Commands, pattern: str) -> list[list[str]]:
    """The first arguments of each program that was started with something that the pattern (of awk) describes."""
    counts = router.check(f"grep -m 1 entries-in-buffer {TRACING}/trace")
    kept, written = re.findall(r"\d+", counts)[:2]
    assert kept == written, "the kernel's buffer was too small for the run"
    events = router.check(f"awk '{EVENTS.replace('PATTERN', pattern)}' {TRACING}/trace").split("\n")
    # Each command of a test is a `sh -c` of the console's shell, and has labgrid's variable in its environment.
    own = re.compile(r' a0="sh" a1="-c" a2=.* a3=\(fault\) .*="MARKER=')
    # What was not in memory yet is a (fault).
    return [
        [quoted or "(fault)" for quoted in re.findall(r' a\d=(?:"(.*?)"|\(fault\))(?= a\d=|$)', event)]
        for event in events
        if event and not own.search(event)
    ]
