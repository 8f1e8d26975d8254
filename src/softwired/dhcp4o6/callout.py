# SPDX-License-Identifier: Apache-2.0
"""The process of a callout that is a Python function: package.module:function(packet) -> packet, or None to drop it.

python -m softwired.dhcp4o6.callout package.module:function [--check]
"""

from __future__ import annotations

import importlib
import os
import sys
import typing


def load(entry_point: str) -> typing.Callable[[bytes], bytes | None]:
    """The function; whatever importing it raises."""
    module, _, name = entry_point.partition(":")
    found = getattr(importlib.import_module(module), name)
    if not callable(found):
        raise TypeError(f"{entry_point} is no function")
    return typing.cast("typing.Callable[[bytes], bytes | None]", found)


def serve(function: typing.Callable[[bytes], bytes | None], packets: typing.BinaryIO, answers: int) -> None:
    """Until there are no more packets. An exception of the function ends it: its packet goes unchanged."""
    while len(head := packets.read(2)) == 2:
        packet = packets.read(int.from_bytes(head, "big"))
        changed = function(packet)
        changed = b"" if changed is None else bytes(changed)
        if len(changed) > 65535:
            raise ValueError(f"a packet of {len(changed)} octets: at most 65535")
        octets = len(changed).to_bytes(2, "big") + changed
        while octets:
            octets = octets[os.write(answers, octets) :]


def main(words: list[str]) -> int:
    try:
        function = load(words[0])
    except Exception as error:  # whatever the module does
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    if "--check" in words:
        return 0
    # What the function prints must not get between the packets.
    answers = os.dup(1)
    os.dup2(2, 1)
    serve(function, sys.stdin.buffer, answers)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
