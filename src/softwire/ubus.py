# SPDX-License-Identifier: Apache-2.0
"""Asks over ubus: through pyubus where it can be imported, else through the ubus command."""

import json
import os

try:
    import ubus as pyubus
except ImportError:
    pyubus = None

SOCKET = "/var/run/ubus/ubus.sock"
# libubus' codes; the command ends with them or with 256 less the code, and with 255 where it finds no ubus.
REASONS = {4: "ubus does not know it", 6: "not allowed", 7: "no answer in time", 255: "ubus does not run"}


class UbusError(Exception):
    """The call was refused, or nobody answered."""


def call(object_name, method, message=None):
    """The answer of one call as a dict ({} where the answer is empty); UbusError."""
    ask = _call_library if pyubus else _call_command
    return ask(object_name, method, message or {})


def _call_library(object_name, method, message):
    try:
        pyubus.connect(SOCKET)
        try:
            answers = pyubus.call(object_name, method, message)
        finally:
            pyubus.disconnect()
    except Exception as error:  # pyubus raises RuntimeError, OSError and more
        raise UbusError("{} {}: {}".format(object_name, method, error))
    return answers[0] if answers else {}


def _call_command(object_name, method, message):
    try:
        text = output(["ubus", "-t", "5", "call", object_name, method, json.dumps(message)])
        return json.loads(text or "{}")
    except OSError as error:
        status = error.args[0]
        reason = (
            REASONS.get(status) or REASONS.get(256 - status) or "the command ended with {}".format(status)
        )
        raise UbusError("{} {}: {}".format(object_name, method, reason))
    except ValueError as error:
        raise UbusError("{} {}: {}".format(object_name, method, error))


def output(words):
    """What a command prints; OSError with its exit status where it fails."""
    # MicroPython has no pipes: the answer goes through a file, which the launcher's umask keeps private.
    path = "/var/run/softwire.ubus." + "".join(["%02x" % octet for octet in os.urandom(6)])
    try:
        status = os.system("exec {} >{} 2>/dev/null".format(" ".join([quote(word) for word in words]), path))
        if status:
            raise OSError(status >> 8, words[0])
        with open(path) as answer:
            return answer.read()
    finally:
        try:
            os.remove(path)
        except OSError:
            pass


def quote(text):
    """`text` as one word of a shell command."""
    return "'" + text.replace("'", "'\\''") + "'"
