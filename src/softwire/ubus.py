# SPDX-License-Identifier: Apache-2.0
"""Asks over ubus: through pyubus where it can be imported, else through the ubus command."""

import json
import os
from binascii import hexlify

try:
    import ubus as pyubus
except ImportError:
    pyubus = None

SOCKET = "/var/run/ubus/ubus.sock"
FOLDER = "/var/run"
# Octets: a line's status has about five thousand. MicroPython wants one piece of memory for what it is told to read.
LONG, PART = 16384, 2048
SECONDS = 5  # that one answer may take
# libubus' codes. The command ends with 256 less the code where the object refused, or never answered, with the code
# itself where there is no such object, and with 255 where there is no ubus. pyubus tells libubus' text alone.
NOT_FOUND, TIMEOUT, CODES = 4, 7, 14
NO_UBUS = 255
REASONS = {NOT_FOUND: "ubus does not know it", 6: "not allowed", TIMEOUT: "no answer in time"}
TEXTS = {"Not found": NOT_FOUND, "Request timed out": TIMEOUT}


class UbusError(Exception):
    """The call was refused, or nobody answered.

    code: libubus', None for what has none. found: whether there is such an object at all.
    """

    def __init__(self, text, code=None, found=True):
        super().__init__(text)
        self.code = code
        self.found = found


def call(object_name, method, message=None):
    """The answer of one call as a dict ({} where the answer is empty); UbusError."""
    ask = _call_library if pyubus else _call_command
    return ask(object_name, method, message or {})


def _call_library(object_name, method, message):
    called = "{} {}: ".format(object_name, method)
    try:
        pyubus.connect(SOCKET)
    except Exception as error:  # pyubus raises RuntimeError, OSError and more
        raise UbusError(called + str(error), found=False)
    try:
        answers = pyubus.call(object_name, method, message, timeout=SECONDS * 1000)
    except Exception as error:
        text = str(error)
        found = not text.startswith("Object ")  # ... was not found
        raise UbusError(called + text, TEXTS.get(text.rpartition(": ")[2]) if found else NOT_FOUND, found)
    finally:
        pyubus.disconnect()
    return answers[0] if answers else {}


def _call_command(object_name, method, message):
    called = "{} {}: ".format(object_name, method)
    try:
        words = ["ubus", "-t", str(SECONDS), "call", object_name, method, json.dumps(message)]
        status, text = run(words, _brief)
        if not status:
            return json.loads(text or "{}")
    except OSError as error:
        raise UbusError(called + "{} cannot be written: error {}".format(FOLDER, error.errno))
    except ValueError as error:
        raise UbusError(called + str(error))
    if status == NO_UBUS:
        raise UbusError(called + "ubus does not run", found=False)
    code = status if status < CODES else 256 - status
    reason = REASONS.get(code, "the command ended with {}".format(status))
    raise UbusError(called + reason, code if code < CODES else None, status != NOT_FOUND)


def _brief(file):
    """The text of an answer, without the routes of a line that has hundreds of them."""
    size = file.seek(0, 2)
    file.seek(0)
    if size <= LONG:
        return file.read().decode()
    # Loaded by those alone that have such a line.
    from softwire.skim import without_routes

    return without_routes(file.read(PART), file).decode()


def output(words):
    """What a command prints; OSError with its exit status where it fails."""
    status, text = run(words)
    if status:
        raise OSError(status, words[0])
    return text


def run(words, read=None):
    """(exit status, what the command printed, or what read(file) makes of its octets); OSError without room for it."""
    # MicroPython has no pipes: the answer goes through a file, which the launcher's umask keeps private. It has lost
    # its name before the command starts, so that nothing stays whatever ends us; the shell finds it with its parent.
    path = "{}/softwire.ubus.{}".format(FOLDER, hexlify(os.urandom(6)).decode())
    answer = open(path, "w+b")
    try:
        os.remove(path)
        command = "exec {} >/proc/$PPID/fd/{} 2>/dev/null".format(quote(*words), answer.fileno())
        status = os.system(command)
        # A signal is told as shells tell it.
        status = status >> 8 or (status & 127 and 128 + (status & 127))
        return status, read(answer) if read else text_of(answer.read())
    finally:
        answer.close()


def text_of(octets):
    """UTF-8 as text; anything else as ISO 8859-1, so that one octet does not lose all the others."""
    try:
        return octets.decode()
    except ValueError:
        return "".join([chr(octet) for octet in octets])


def quote(*words):
    """The texts as words of a shell command."""
    # Few new texts: for each MicroPython looks through all names that it knows.
    return "'{}'".format("' '".join([word.replace("'", "'\\''") for word in words]))
