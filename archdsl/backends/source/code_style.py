"""Python source in the usual style: lines of 88 characters, brackets broken as black does."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from typing import NamedTuple, Union

WIDTH = 88
INDENT = "    "


class DocGroup(NamedTuple):
    """Something in brackets, with commas: it may be broken over lines.

    What is ``listed``, a list and no call, has an item a line then.
    """

    opening: str
    items: tuple[Doc, ...]
    closing: str
    listed: bool = False


Doc = Union[str, "DocGroup", "Sequence"]
"""A piece of source: a text that stays on one line, a group, or pieces behind each other."""


class Sequence(NamedTuple):
    """Pieces behind each other, without space between them."""

    pieces: tuple[Doc, ...]


def joined(*pieces: Doc) -> Sequence:
    """Pieces behind each other."""
    return Sequence(pieces)


def call(name: Doc, arguments: Iterable[Doc]) -> Sequence:
    """A call: ``name(arguments)``."""
    return joined(name, DocGroup("(", tuple(arguments), ")"))


def tupled(items: tuple[Doc, ...]) -> DocGroup:
    """A tuple."""
    only = (joined(items[0], ","),) if len(items) == 1 else tuple(items)
    return DocGroup("(", only, ")", listed=True)


def flat(doc: Doc) -> str:
    """The piece on one line."""
    if isinstance(doc, str):
        return doc
    if isinstance(doc, DocGroup):
        return doc.opening + ", ".join(map(flat, doc.items)) + doc.closing
    return "".join(map(flat, doc.pieces))


def lines(doc: Doc, depth: int, end: str = "") -> list[str]:
    """A statement in lines, indented by ``depth`` levels; ``end`` follows on its last line."""
    indent = INDENT * depth
    text = flat(doc) + end
    if len(indent) + len(text) <= WIDTH:
        return [indent + text]
    pieces = doc.pieces if isinstance(doc, Sequence) else (doc,)
    pieces = _spliced(pieces)
    last = max(
        (i for i, p in enumerate(pieces) if isinstance(p, DocGroup) and p.items), default=None
    )
    if last is None:
        return [indent + text]
    group = pieces[last]
    assert isinstance(group, DocGroup)
    before = flat(Sequence(pieces[:last])) + group.opening
    after = group.closing + flat(Sequence(pieces[last + 1 :])) + end
    return [indent + before, *_inside(group, depth + 1), indent + after]


def _inside(group: DocGroup, depth: int) -> list[str]:
    together = ", ".join(map(flat, group.items))
    if len(INDENT * depth) + len(together) <= WIDTH and not group.listed:
        return [INDENT * depth + together]
    if len(group.items) == 1:
        return lines(group.items[0], depth)
    return [line for item in group.items for line in lines(item, depth, ",")]


def _spliced(pieces: tuple[Doc, ...]) -> tuple[Doc, ...]:
    """The pieces with sequences inside them opened."""
    found: list[Doc] = []
    for piece in pieces:
        found.extend(_spliced(piece.pieces) if isinstance(piece, Sequence) else (piece,))
    return tuple(found)


def literal(value: Hashable) -> str:
    """A constant as it is written; raises ValueError for what has no literal."""
    if value is None or isinstance(value, (bool, int)):
        return repr(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f'float("{value}")'
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, tuple):
        inside = ", ".join(map(literal, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    raise ValueError(f"no literal for {type(value).__name__}")


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
