"""Python source in the usual style: lines of 88 characters, brackets broken as black does."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterable, Iterator
from typing import NamedTuple

from archdsl.diagnostics import fail

WIDTH = 88
INDENT = "    "

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|.')
"""A string literal, in which brackets and commas mean nothing, or a character."""


class _Group(NamedTuple):
    """Something in brackets: the text before, the items, and the text from the last bracket on."""

    before: str
    items: list[str]
    after: str

    @property
    def listed(self) -> bool:
        """True for a list, tuple or dict, no call: it has an item a line where it is broken."""
        return not re.search(r"[\w)\]].$", self.before)


def block(statements: Iterable[str], depth: int) -> list[str]:
    """Statements in lines, indented by ``depth`` levels and by the spaces that they begin with."""
    found: list[str] = []
    for text in statements:
        statement = text.lstrip()
        found += lines(statement, depth + (len(text) - len(statement)) // len(INDENT))
    return found


def lines(text: str, depth: int) -> list[str]:
    """A statement in lines, indented by ``depth`` levels."""
    indent = INDENT * depth
    groups = [] if len(indent) + len(text) <= WIDTH else list(_groups(text))
    if not groups:
        return [indent + text]
    group = groups[0 if text.startswith("def ") else -1]
    return [indent + group.before, *_inside(group, depth + 1), indent + group.after]


def _inside(group: _Group, depth: int) -> list[str]:
    together = ", ".join(group.items)
    if len(group.items) == 1:
        return lines(together, depth)
    if len(INDENT * depth) + len(together) <= WIDTH and not group.listed:
        return [INDENT * depth + together]
    return [line for item in group.items for line in lines(f"{item},", depth)]


def _groups(text: str) -> Iterator[_Group]:
    """The outermost brackets with something in them."""
    depth = start = 0
    commas: list[int] = []
    for found in _TOKEN.finditer(text):
        if found[0] in "([{":
            depth += 1
            if depth == 1:
                start, commas = found.end(), []
        elif found[0] in ")]}":
            depth -= 1
            end = found.start()
            if depth == 0 and end > start:
                # The comma of a tuple of one is part of its item.
                ends = [*commas, end] if commas != [end - 1] else [end]
                begins = [start, *(at + 1 for at in commas)]
                items = [text[a:b].strip() for a, b in zip(begins, ends, strict=False)]
                yield _Group(text[:start], items, text[end:])
        elif found[0] == "," and depth == 1:
            commas.append(found.start())


def call(name: str, arguments: Iterable[str]) -> str:
    """A call: ``name(arguments)``."""
    return f"{name}({', '.join(arguments)})"


def tupled(items: Iterable[str]) -> str:
    """A tuple of expressions."""
    first, *rest = items
    return f"({', '.join((first, *rest))})" if rest else f"({first},)"


def literal(value: Hashable) -> str:
    """A constant as it is written; raises ArchError for what has no literal."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, tuple):
        return tupled(map(literal, value)) if value else "()"
    raise fail(f"a {type(value).__name__} cannot be written as source")


def quoted(text: str) -> str:
    """A string literal in double quotes, of ASCII characters alone."""
    escaped = text.encode("unicode_escape").decode("ascii").replace('"', '\\"')
    return f'"{escaped}"'


def prose(text: str) -> str:
    """A line of text for a comment or docstring: nothing in it can end or change either.

    Letters and signs of any language stay; control characters, marks of direction and backslashes
    do not, nor do quotes that could be taken for those of a docstring.
    """
    kept = "".join(c if c.isprintable() else " " for c in text)
    kept = kept.replace("\\", "/").strip()
    at_end = kept.startswith('"') or kept.endswith('"') or '""' in kept
    return kept.replace('"', "'") if at_end else kept
