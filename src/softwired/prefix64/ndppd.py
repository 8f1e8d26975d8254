# SPDX-License-Identifier: Apache-2.0
"""ndppd.conf(5) -> ranges of ours, and what of it cannot be had here."""

from __future__ import annotations

import ipaddress
import json
import re
import typing

from softwired.prefix64 import ranges

# Milliseconds there, seconds here.
TIMES = {"timeout": (10, 10000), "ttl": (100, 3600000)}
FLAGS = {"yes": True, "true": True, "no": False, "false": False}
METHODS = ("static", "auto", "iface")
# What it is for ndppd, and why nothing is lost without it.
NOT_NEEDED = {
    "route-ttl": "routes are read at most every ten seconds",
    "address-ttl": "the kernel tells of changed addresses at once",
    "keepalive": "a neighbour is asked again once its answer is old",
    "retries": "a neighbour is asked three times",
    "promiscuous": "the interface takes all multicast, which is enough",
    "deadtime": "a neighbour that did not answer is asked again after `ttl`",
}
NOT_HAD = {
    "autovia": "a route to a neighbour that answered is one on the link: give others a route of their own",
}
TOKEN = re.compile(r'\s+|#[^\n]*|//[^\n]*|/\*.*?\*/|([{};])|"([^"\n]*)"|([^\s{};"]+)', re.DOTALL)
MOST_TOKENS = 100000

Tokens = typing.Iterator[tuple[int, str]]


class NdppdError(Exception):
    """What is wrong with the file: line and reason."""


class Imported(typing.NamedTuple):
    """Ranges as keys of [[prefix64.range]], and remarks for people."""

    ranges: list[dict[str, typing.Any]]
    remarks: list[str]


def tokens(text: str) -> list[tuple[int, str]]:
    """(line, token)"""
    found: list[tuple[int, str]] = []
    at, line = 0, 1
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise NdppdError(f"line {line}: {text[at : at + 20]!r} is no token")
        word = match[1] or match[2] or match[3]
        if word:
            if not word.isprintable():
                raise NdppdError(f"line {line}: {word[:20]!r} is no token")
            found.append((line, word))
            if len(found) > MOST_TOKENS:
                raise NdppdError(f"line {line}: more than {MOST_TOKENS} tokens")
        elif "\n" in match[0] and found and found[-1][1] != "\n":
            # An option ends with its line.
            found.append((line, "\n"))
        line += match[0].count("\n")
        at = match.end()
    return found


class Parser:
    """One file."""

    def __init__(self, text: str) -> None:
        self.tokens = tokens(text)
        self.at = 0
        self.ranges: list[dict[str, typing.Any]] = []
        self.remarks: list[str] = []

    def read(self) -> Imported:
        """NdppdError."""
        while (word := self.next()) is not None:
            if word == "proxy":
                self.proxy()
            else:
                self.other(word)
        return Imported(self.ranges, self.remarks)

    def next(self) -> str | None:
        """The next word that is no end of a line; None at the end."""
        while self.at < len(self.tokens):
            self.at += 1
            if self.tokens[self.at - 1][1] not in ("\n", ";"):
                return self.tokens[self.at - 1][1]
        return None

    def fail(self, text: str) -> typing.NoReturn:
        line = self.tokens[self.at - 1][0] if self.at else 1
        raise NdppdError(f"line {line}: {text}")

    def argument(self, of: str) -> str:
        word = self.next()
        if word is None or word in "{}":
            self.fail(f"{of}: a value is missing")
        return word

    def open(self, of: str) -> None:
        if self.next() != "{":
            self.fail(f"{of}: '{{' is missing")

    def words(self, of: str) -> typing.Iterator[str]:
        """What begins an option, until the block ends."""
        while (word := self.next()) != "}":
            if word is None:
                self.fail(f"{of}: '}}' is missing")
            yield word

    def proxy(self) -> None:
        interface = self.argument("proxy")
        self.open("proxy")
        common: dict[str, typing.Any] = {"router": True}
        rules: list[dict[str, typing.Any]] = []
        for word in self.words("proxy"):
            if word == "rule":
                rules.append(self.rule(interface))
            elif word == "router":
                common["router"] = self.flag(word)
            elif word == "autowire":
                common["wire"] = self.flag(word)
            elif word in TIMES:
                common[word] = self.time(word)
            else:
                self.other(word)
        if not rules:
            self.remarks.append(f"proxy {interface}: it has no rule, so nothing of it is kept")
        for rule in rules:
            kept = {**common, **rule}
            if "forward" not in rule:
                for key in ("timeout", "ttl", "wire"):
                    kept.pop(key, None)
            self.keep(kept)

    def rule(self, interface: str) -> dict[str, typing.Any]:
        text = self.argument("rule")
        try:
            prefix = ipaddress.IPv6Network(text, strict=False)
        except ValueError:
            self.fail(f"rule {text}: an IPv6 address or prefix would be right")
        if "/" in text and text.partition("/")[0] != str(prefix.network_address):
            self.remarks.append(f"rule {text}: taken as {prefix}")
        found = {"interface": interface, "prefix": str(prefix), "local": False}
        self.open("rule")
        methods = []
        for word in self.words("rule"):
            if word in METHODS:
                methods.append(word)
                if word != "static":
                    found["forward"] = self.argument(word) if word == "iface" else word
            else:
                self.other(word)
        if len(methods) > 1:
            self.fail(f"rule {text}: only one of {', '.join(METHODS)} would be right")
        if found.get("forward") == interface:
            self.remarks.append(
                f"rule {text}: iface {interface} is the proxy's own: it is answered without asking"
            )
            del found["forward"]
        return found

    def keep(self, rule: dict[str, typing.Any]) -> None:
        """ndppd takes the first rule that holds an address; ranges do not overlap."""
        span = ranges.of(ipaddress.IPv6Network(rule["prefix"]))
        for other in self.ranges:
            before = ranges.of(ipaddress.IPv6Network(other["prefix"]))
            if other["interface"] != rule["interface"] or not ranges.overlap(span, before):
                continue
            if ranges.within(span, before):
                self.remarks.append(
                    f"rule {rule['prefix']}: left out, since {other['prefix']} comes before it"
                )
                return
            rule.setdefault("exceptions", []).append(other["prefix"])
        self.ranges.append(rule)

    def flag(self, of: str) -> bool:
        word = self.argument(of)
        if word not in FLAGS:
            self.fail(f"{of} {word}: yes or no would be right")
        return FLAGS[word]

    def time(self, of: str) -> float:
        word = self.argument(of)
        least, most = TIMES[of]
        if not word.isdecimal() or not word.isascii() or len(word) > 12:
            self.fail(f"{of} {word}: milliseconds would be right")
        value = min(max(int(word), least), most)
        if value != int(word):
            self.remarks.append(f"{of} {word}: taken as {value}, the nearest that can be had")
        return value / 1000

    def other(self, word: str) -> None:
        if word in NOT_NEEDED:
            value = self.argument(word)
            self.remarks.append(f"{word} {value}: not needed: {NOT_NEEDED[word]}")
        elif word in NOT_HAD:
            if self.flag(word):
                self.remarks.append(f"{word}: NOT DONE here: {NOT_HAD[word]}")
        else:
            self.fail(f"{word}: unknown")


def read(text: str) -> Imported:
    """A whole file; NdppdError."""
    return Parser(text).read()


def toml(imported: Imported) -> str:
    """[prefix64] as our configuration has it, the remarks in front."""
    lines = [f"# {remark}" for remark in imported.remarks] + ["[prefix64]"]
    for entry in imported.ranges:
        lines += ["", "[[prefix64.range]]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in entry.items()]
    return "\n".join(lines) + "\n"
