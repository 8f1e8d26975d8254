# SPDX-License-Identifier: Apache-2.0
"""A password that an operator gives: at the terminal or by standard input, never among the arguments."""

from __future__ import annotations

import getpass
import sys

from softwired.service import StartError


def read(name: str) -> str:
    """Of this user; StartError."""
    if sys.stdin.isatty():
        found = getpass.getpass(f"Password of {name}: ")
    else:
        found = sys.stdin.readline().rstrip("\n")
    if not found or "\0" in found:
        raise StartError("the password: a line of text would be right")
    return found
