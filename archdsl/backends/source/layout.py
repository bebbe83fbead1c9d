"""Python source in the usual style: lines of 88 characters, brackets broken as black does."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterable
from itertools import pairwise

from archdsl.diagnostics import fail

WIDTH = 88
INDENT = "    "

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|.')
"""A string literal, in which brackets and commas mean nothing, or a character."""


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
    opened = _opened(text) if len(indent) + len(text) > WIDTH else None
    if opened is None:
        return [indent + text]
    before, items, after = opened
    together = indent + INDENT + ", ".join(items)
    called = re.search(r"[\w)\]].$", before)  # else a list or tuple, with an item a line
    if len(items) == 1:
        inside = lines(items[0], depth + 1)
    elif called and len(together) <= WIDTH:
        inside = [together]
    else:
        inside = [line for item in items for line in lines(f"{item},", depth + 1)]
    return [indent + before, *inside, indent + after]


def _opened(text: str) -> tuple[str, list[str], str] | None:
    """The text up to a bracket, the items in it, and the text behind them.

    It is the last of the outermost ones with something in them, of a definition the first.
    """
    depth, ends, found = 0, [0], None
    for token in _TOKEN.finditer(text):
        opens, closes = (token[0] in brackets for brackets in ("([{", ")]}"))
        depth -= closes
        if depth == 0 and opens:
            ends = [token.end()]
        elif depth == 1 and token[0] == ",":
            ends.append(token.end())
        elif depth == 0 and closes and ends != [token.start()]:
            # The comma of a tuple of one is part of its item.
            bounds = [*(ends if ends[1:] != [token.start()] else ends[:1]), token.end()]
            items = [text[a : b - 1].strip() for a, b in pairwise(bounds)]
            found = text[: ends[0]], items, text[token.start() :]
            if text.startswith("def "):
                break
        depth += opens
    return found


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
