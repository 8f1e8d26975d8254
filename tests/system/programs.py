# SPDX-License-Identifier: Apache-2.0
"""Programs of guest/, which run in a machine of the lab while a test looks at what follows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.lab.guest import Guest

GUEST = Path(__file__).parent / "guest"


@contextlib.contextmanager
def running(guest: Guest, program: str, words: str, namespace: str = "") -> Iterator[str]:
    """guest/<program>.py meanwhile, in a namespace perhaps; the path of the file that has what it prints."""
    path = f"/tmp/{program}"
    guest.push((GUEST / f"{program}.py").read_text(encoding="utf-8"), f"{path}.py")
    inside = f"ip netns exec {namespace} " if namespace else ""
    command = f"setsid {inside}python3 {path}.py {words} > {path}.out 2>&1"
    guest.check(f"({command} < /dev/null & echo $! > {path}.pid)")
    try:
        yield f"{path}.out"
    finally:
        guest.run(f"kill $(cat {path}.pid)")
