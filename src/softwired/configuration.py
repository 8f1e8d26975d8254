# SPDX-License-Identifier: Apache-2.0
"""/etc/softwired.toml (TOML 1.0) -> checked values; an error names file, key, value and what would be right."""

from __future__ import annotations

import ipaddress
import re
import tomllib
import types
import typing

PATH = "/etc/softwired.toml"

Check = typing.Callable[[typing.Any], typing.Any]
# A table is checked key by key: a Field, a table, or a list with the one table that each entry of an array has.
Table = typing.Mapping[str, typing.Any]
Fault = tuple[str, typing.Any, str]  # key, value, what would be right
MISSING = object()


class ConfigurationError(Exception):
    """Everything that is wrong, a line each."""


class Field(typing.NamedTuple):
    """A key: its check raises ValueError that says what would be right. Without a default it must be there."""

    check: Check
    default: typing.Any = MISSING


# What a value may be


def flag(value: typing.Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false would be right")
    return value


def whole(least: int, most: int) -> Check:
    """A whole number in these bounds."""

    def check(value: typing.Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most} would be right")
        return value

    return check


def seconds(least: float, most: float) -> Check:
    """A time span; also less than a second."""

    def check(value: typing.Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
            raise ValueError(f"seconds from {least:g} to {most:g} would be right")
        return float(value)

    return check


def text(pattern: str, right: str) -> Check:
    """A text that matches all of a pattern, else an error that says what would be right."""

    def check(value: typing.Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(right)
        return value

    return check


def one_of(*words: str) -> Check:
    """One of these texts."""
    right = f"one of {', '.join(map(repr, words))} would be right"
    return text("|".join(map(re.escape, words)), right)


file_path = text(r"/\S+|", "an absolute path would be right")
plain_name = text(r"[A-Za-z0-9_.-]{1,64}", "a name of letters, digits, '_', '-' and '.' would be right")


def list_of(one: Check, least: int = 0) -> Check:
    """A list, each entry checked."""

    def check(value: typing.Any) -> list[typing.Any]:
        if not isinstance(value, list) or len(value) < least:
            raise ValueError(
                f"a list of at least {least} entries would be right" if least else "a list would be right"
            )
        found = []
        for entry in value:
            try:
                found.append(one(entry))
            except ValueError as error:
                raise ValueError(f"{shown(entry)}: {error}") from None
        return found

    return check


def device(value: typing.Any) -> str:
    """A network device's name as Linux allows it."""
    if not isinstance(value, str) or not re.fullmatch(r"[^\s/:%]{1,15}", value) or value in (".", ".."):
        raise ValueError("a network device's name such as 'eth1' would be right")
    return value


def ipv6(value: typing.Any) -> ipaddress.IPv6Address:
    """An IPv6 address without a zone."""
    try:
        if not isinstance(value, str) or "%" in value:
            raise ValueError
        return ipaddress.IPv6Address(value)
    except ValueError:
        raise ValueError("an IPv6 address such as '2001:db8::1' would be right") from None


def unicast(value: typing.Any) -> ipaddress.IPv6Address:
    """One that others reach from beyond the link."""
    address = ipv6(value)
    if address.is_multicast or address.is_link_local or address.is_unspecified:
        raise ValueError("a unicast address that is not link-local would be right")
    return address


def ipv6_prefix(value: typing.Any) -> ipaddress.IPv6Network:
    """An IPv6 prefix; its host bits are zero."""
    try:
        if not isinstance(value, str) or "/" not in value:
            raise ValueError
        return ipaddress.IPv6Network(value)
    except ValueError:
        raise ValueError("an IPv6 prefix such as '2001:db8:1::/48', host bits zero, would be right") from None


def ipv4(value: typing.Any) -> ipaddress.IPv4Address:
    """An IPv4 address."""
    try:
        if not isinstance(value, str):
            raise ValueError
        return ipaddress.IPv4Address(value)
    except ValueError:
        raise ValueError("an IPv4 address such as '192.0.2.1' would be right") from None


def ipv4_prefix(value: typing.Any) -> ipaddress.IPv4Network:
    """An IPv4 prefix; its host bits are zero."""
    try:
        if not isinstance(value, str) or "/" not in value:
            raise ValueError
        return ipaddress.IPv4Network(value)
    except ValueError:
        raise ValueError("an IPv4 prefix such as '192.0.2.0/24', host bits zero, would be right") from None


def database(value: typing.Any) -> str:
    """An SQLAlchemy URL of what softwired.store knows; who has no such table needs no SQLAlchemy."""
    if (
        isinstance(value, str)
        and value.startswith("sqlite:")
        and not re.fullmatch(r"sqlite:////[^?]+", value)
    ):
        raise ValueError("sqlite:/// and an absolute path, so four slashes, would be right")
    if not isinstance(value, str) or not re.match(r"(sqlite|postgresql)://", value):
        raise ValueError("sqlite:// or postgresql:// would be right")
    return value


def octets(value: typing.Any) -> bytes:
    """Octets as hexadecimal text, with or without colons."""
    try:
        return bytes.fromhex(value.replace(":", " "))
    except (AttributeError, ValueError):
        raise ValueError("hexadecimal octets such as '00:03:00:01' would be right") from None


def shown(value: typing.Any) -> str:
    """A value for an error's text: short, on one line."""
    plain = repr(value)
    return plain if len(plain) <= 60 else plain[:57] + "..."


# The whole file

COMMON: Table = {
    "user": Field(
        text(r"[a-z_][a-z0-9_-]{0,31}|", "a user, or '' to stay who starts it, would be right"),
        "softwired",
    ),
    "run_directory": Field(text(r"/\S+", "an absolute path would be right"), "/run/softwired"),
}


def read(path: str) -> dict[str, typing.Any]:
    """The file as TOML has it; ConfigurationError."""
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: not TOML: {error}") from None


def run_directory(path: str) -> str:
    """Where services answer, also of a file that is wrong: what runs may be asked; ConfigurationError."""
    table = read(path).get("softwired")
    found = table.get("run_directory") if isinstance(table, dict) else None
    return found if isinstance(found, str) else str(COMMON["run_directory"].default)


def check(
    path: str,
    raw: typing.Mapping[str, typing.Any],
    tables: typing.Mapping[str, Table],
    together: typing.Mapping[str, typing.Callable[[types.SimpleNamespace], typing.Iterable[Fault]]],
) -> dict[str, types.SimpleNamespace]:
    """Values by table: `softwired` always, another where the file has it; ConfigurationError with every fault.

    `tables` are those that may be there, `together` what holds between a table's keys.
    """
    faults: list[Fault] = []
    known = {"softwired": COMMON, **tables}
    for name, value in raw.items():
        if name not in known:
            faults.append((name, value, "unknown; known are " + ", ".join(sorted(known))))
    values = {}
    for name, table in known.items():
        if name in raw or name == "softwired":
            before = len(faults)
            values[name] = _table(name, raw.get(name, {}), table, faults)
            if len(faults) == before and name in together:
                faults += [
                    (f"{name}.{key}", value, right) for key, value, right in together[name](values[name])
                ]
    if faults:
        raise ConfigurationError(
            "\n".join(
                f"{path}: {key}{'' if value is MISSING else ' = ' + shown(value)}: {right}"
                for key, value, right in faults
            )
        )
    return values


def _equals(value: typing.Any) -> str:
    return "" if value is MISSING else f" = {shown(value)}"


def _table(name: str, raw: typing.Any, table: Table, faults: list[Fault]) -> types.SimpleNamespace:
    found = types.SimpleNamespace()
    if not isinstance(raw, dict):
        faults.append((name, raw, f"a table [{name}] would be right"))
        return found
    for key, value in raw.items():
        if key not in table:
            faults.append((f"{name}.{key}", value, "unknown; known are " + ", ".join(sorted(table))))
    for key, wanted in table.items():
        full = f"{name}.{key}"
        if isinstance(wanted, Field):
            setattr(found, key, _field(full, raw.get(key, MISSING), wanted, faults))
        elif isinstance(wanted, list):
            setattr(found, key, _array(full, raw.get(key, []), wanted[0], faults))
        else:
            setattr(found, key, _table(full, raw.get(key, {}), wanted, faults))
    return found


def _array(name: str, raw: typing.Any, table: Table, faults: list[Fault]) -> list[types.SimpleNamespace]:
    if not isinstance(raw, list):
        faults.append((name, raw, f"tables [[{name}]] would be right"))
        return []
    return [_table(f"{name}[{number}]", entry, table, faults) for number, entry in enumerate(raw, 1)]


def _field(name: str, value: typing.Any, field: Field, faults: list[Fault]) -> typing.Any:
    if value is MISSING:
        if field.default is MISSING:
            faults.append((name, MISSING, "missing, and there is no default"))
        return field.default
    try:
        return field.check(value)
    except ValueError as error:
        faults.append((name, value, str(error)))
        return field.default
