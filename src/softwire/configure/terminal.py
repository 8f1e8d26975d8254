# SPDX-License-Identifier: Apache-2.0
"""Asks a person: a line of text, and one that is not shown while it is typed (termios(3))."""

import os
import sys

try:
    import termios
except ImportError:
    termios = None  # type: ignore[assignment]
try:
    from micropython import kbd_intr
except ImportError:
    kbd_intr = None

# MicroPython's termios does not name it; the same on every architecture of Linux. A stock OpenWrt has no stty.
ECHO = 8


def is_there():
    """Whether somebody sits at the standard input."""
    return os.system("[ -t 0 ]") == 0


def heed_interrupts():
    """Makes Ctrl-C a KeyboardInterrupt: started with -m MicroPython dies of it, and leaves a terminal without echo."""
    if kbd_intr:
        kbd_intr(3)


def ask(question):
    """What was typed, without the newline; EOFError where the input ends."""
    sys.stdout.write(question)
    sys.stdout.flush()
    answer = sys.stdin.readline()
    if not answer:
        raise EOFError
    return answer.rstrip("\r\n")


def ask_secret(question):
    """The same without echo; the terminal is put back whatever happens."""
    before = termios.tcgetattr(0)
    silent = list(before)
    silent[3] &= ~ECHO
    try:
        termios.tcsetattr(0, termios.TCSANOW, silent)
        return ask(question)
    finally:
        termios.tcsetattr(0, termios.TCSANOW, before)
        print()
