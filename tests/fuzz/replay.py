# SPDX-License-Identifier: Apache-2.0
"""The saved corpus and mutations of it, always the same ones, on CPython and on MicroPython."""

import os
import time
from binascii import hexlify
from hashlib import sha256

try:
    from tests.fuzz import mutation, targets
except ImportError:  # MicroPython, where this folder is in the path
    import mutation
    import targets

CORPUS = __file__.rpartition("/")[0] + "/../corpus/"
COMPARED = 100  # mutations whose outcome is compared between interpreters
# As long as an input may be, of the smallest parts that there are.
SUB_OPTIONS = b"\0\xc9\0\0" * 1020
VENDOR = b"".join([bytes([number, 2]) for number in range(124)])
LONG = (
    b"\0\x11\x0f\xf4\0\0\0\xd2" + SUB_OPTIONS,
    b"\0\0\0\xd2" + SUB_OPTIONS,
    (b"\0\0\0\xd2\xff" + b"\xc9\0" * 127 + b"\xc9") * 15,
    b"\0\1\0\0" * 1024,
    b"\1a" * 2048,
    b"\2" + b"".join([b"\x1a\xfe\0\0\0" + bytes([number]) + VENDOR for number in range(15)]),
    b"[" * 4096,
    b":" * 4096,
    b"1" * 4096,
)
# Seconds for one input: of the processor, where the interpreter knows, else of an emulated one on a busy machine.
CLOCK, SLOWEST = (time.process_time, 5) if hasattr(time, "process_time") else (time.time, 60)


def folders():
    """The targets of this interpreter that have a corpus, sorted."""
    names = os.listdir(CORPUS)
    return sorted(
        [name for name in names if targets.server_targets or not name.startswith(targets.OTHER_END)]
    )


def saved(name):
    """The inputs in tests/corpus/<target>/, by name."""
    found = []
    for file in sorted(os.listdir(CORPUS + name)):
        with open(CORPUS + name + "/" + file, "rb") as content:
            found.append(content.read())
    return found


def inputs(name, mutations):
    """The corpus, long ones, then so many mutations of the corpus."""
    corpus = saved(name)
    for data in tuple(corpus) + LONG:
        yield data
    random = mutation.Random(mutations)
    for count in range(mutations):
        data = corpus[random.below(len(corpus))]
        changed = None
        if name in targets.JSON and count % 4:
            changed = mutation.mutate_json(data, random)
        yield (changed or mutation.mutate(data, random, corpus))[: targets.LONGEST]


def text_of(value):
    """A value as text that is the same on both interpreters."""
    if isinstance(value, dict):
        return "{" + ", ".join(sorted([text_of([key, value[key]]) for key in value])) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join([text_of(item) for item in value]) + "]"
    if isinstance(value, bytes):
        return hexlify(value).decode()
    return str(value)


def replay(name, mutations):
    """Runs a target over its inputs; (their number, a digest of all that came out)."""
    outcome = b""
    number = 0
    for data in inputs(name, mutations):
        started = CLOCK()
        try:
            told = text_of(targets.run(name, data))
        except Exception as error:
            raise AssertionError(
                "%s: %s %s on %s" % (name, type(error).__name__, error, hexlify(data).decode())
            )
        if CLOCK() - started > SLOWEST:
            raise AssertionError("%s: took too long on %s" % (name, hexlify(data).decode()))
        outcome = sha256(outcome + told.encode()).digest()
        number += 1
    return number, hexlify(outcome).decode()
