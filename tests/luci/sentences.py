# SPDX-License-Identifier: Apache-2.0
"""The sentences of Python sources as the pages' lists have them."""

from __future__ import annotations

import ast
import re
import typing


class Text(typing.NamedTuple):
    """One string of a source. nodes: what it stands in, from the outside to the inside."""

    value: str
    nodes: list[ast.AST]


def texts(source: str) -> typing.Iterator[Text]:
    """Every string of it but the docstrings; an f-string as one with {} for what is put in."""

    def walk(node: ast.AST, around: list[ast.AST]) -> typing.Iterator[Text]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in child.values]
                yield Text("".join(parts), around + [node])
                for part in child.values:
                    if isinstance(part, ast.FormattedValue):
                        yield from walk(part, around + [node, child])
            elif isinstance(child, ast.Constant):
                if isinstance(child.value, str) and not isinstance(node, ast.Expr):
                    yield Text(child.value, around + [node])
            else:
                yield from walk(child, around + [node])

    yield from walk(ast.parse(source), [])


def is_sentence(text: str) -> bool:
    """Whether it has two words."""
    return " " in text.strip()


def written(text: str) -> str:
    """{1} for what is put in, also where another text is joined on."""
    text = "{}" * text.startswith((" ", ",", ";", ": ")) + text + "{}" * text.endswith(" ")
    numbers = iter(range(1, 10))
    return re.sub(r"\{[^}]*\}", lambda _: f"{{{next(numbers)}}}", text)
