# SPDX-License-Identifier: Apache-2.0
"""JSON as ubus carries it: a value of another type than a method's policy names does not exist for that
method (libubox, blobmsg)."""

import json

ARRAY, TABLE, STRING, INT64, INT32, BOOL, DOUBLE = 1, 2, 3, 4, 5, 7, 8
NAMES = {
    ARRAY: "Array",
    TABLE: "Table",
    STRING: "String",
    INT64: "Integer",
    INT32: "Integer",
    BOOL: "Boolean",
}
TRUE = ("1", "true", "yes", "on", "enabled")
FALSE = ("0", "false", "no", "off", "disabled")


def kind_of(value):
    """The blobmsg type that a JSON value gets on its way to ubus; None for null."""
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int):
        return INT32 if -(1 << 31) <= value < 1 << 31 else INT64
    if isinstance(value, float):
        return DOUBLE
    if isinstance(value, str):
        return STRING
    if isinstance(value, list):
        return ARRAY
    if isinstance(value, dict):
        return TABLE
    return None


def select(policy, message):
    """Those members of `message` that the policy {name: type} knows with exactly that type."""
    return {
        name: value for name, value in message.items() if name in policy and kind_of(value) == policy[name]
    }


def from_uci(policy, options):
    """uci options as the JSON that the policy asks for; what can't be converted is silently left out, as
    in netifd."""
    result = {}
    for name, value in options.items():
        kind = policy.get(name)
        if kind is None:
            continue
        if kind == ARRAY:
            result[name] = value.split() if isinstance(value, str) else list(value)
        elif not isinstance(value, str):
            continue  # a `list` where an `option` is declared does not reach the handler
        elif kind == STRING:
            result[name] = value
        elif kind == BOOL:
            if value in TRUE or value in FALSE:
                result[name] = value in TRUE
        elif kind in (INT32, INT64):
            try:
                number = int(value.strip(), 10)
            except ValueError:
                continue
            # netifd keeps 32 bits; its JSON shows them signed
            result[name] = (number & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
    return result


def parse(text):
    """The message of `ubus call`; ValueError when it is not one JSON object."""
    message = json.loads(text)
    if not isinstance(message, dict):
        raise ValueError("not an object")
    return message


def compact(value):
    """The one-line form: a handler's command line, `ubus -S`."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def pretty(value, depth=0):
    """The tab-indented form that `ubus call` prints; an empty table or array keeps its blank line."""
    if not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    inner = "\t" * (depth + 1)
    if isinstance(value, dict):
        items = [f"{inner}{json.dumps(name)}: {pretty(item, depth + 1)}" for name, item in value.items()]
        marks = "{}"
    else:
        items = [f"{inner}{pretty(item, depth + 1)}" for item in value]
        marks = "[]"
    return marks[0] + "\n" + (",\n".join(items) or inner) + "\n" + "\t" * depth + marks[1]
