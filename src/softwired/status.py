# SPDX-License-Identifier: Apache-2.0
"""What a running service told, as text for people."""

from __future__ import annotations

import time
import typing

# Of the frame; a service's own keys follow as they come.
FRAME = "service version pid configuration started reloaded user capabilities no_new_privs problems counters".split()


def text(told: dict[str, typing.Any], now: float | None = None) -> str:
    """A line for each thing."""
    now = time.time() if now is None else now
    lines = [
        f"{told['service']}: runs since {_span(now - told['started'])}, version {told['version']}, pid {told['pid']}",
        f"  configuration: {told['configuration']}" + _reloaded(told["reloaded"], now),
        f"  user {told['user']}, capabilities {told['capabilities']}, no_new_privs {_plain(told['no_new_privs'])}",
    ]
    lines += [f"  problem: {problem}" for problem in told["problems"]]
    for key, value in told.items():
        if key not in FRAME:
            lines += _lines(key, value)
    for name, family in told["counters"]["families"].items():
        shown = ", ".join(f"{label} {count}" for label, count in family["values"].items() if count)
        lines.append(f"  {_words(name.removesuffix('_total'))}: {shown or 'none'}")
    for name, gauge in told["counters"]["gauges"].items():
        lines.append(f"  {_words(name)}: {gauge['value']:g}")
    return "\n".join(lines) + "\n"


def _reloaded(reloaded: dict[str, typing.Any], now: float) -> str:
    if not reloaded:
        return ""
    said = f", reloaded {_span(now - reloaded['at'])} ago"
    return said + (f", in vain: {reloaded['error']}" if reloaded["error"] else "")


def _lines(key: str, value: typing.Any) -> typing.Iterator[str]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield f"  {_words(key)} {name}: {_plain(one)}"
    elif isinstance(value, list):
        for one in value:
            if isinstance(one, dict):
                one = ", ".join(f"{name} {_plain(entry)}" for name, entry in one.items() if entry != "")
            yield f"  {_words(key)}: {one}"
    else:
        yield f"  {_words(key)}: {_plain(value)}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _plain(value: typing.Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _span(seconds: float) -> str:
    whole = int(seconds)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if whole >= 2 * size:
            return f"{whole // size} {unit}"
    return f"{whole} s"
