"""Damage that word processors, PDF readers, chat programs and web pages do to a text.

They put quotation marks for angle brackets, long dashes for minus signs, characters that nobody
sees, HTML's entities, and Markdown's fences. Most of it can be undone without a doubt.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from archdsl.diagnostics import Diagnostic, listing
from archdsl.diagnostics.source import Source, Span
from archdsl.text.comments import COMMENT
from archdsl.text.words import with_article

_OPEN, _CLOSE = "‹⟨〈〈＜❮﹤˂", "›⟩〉〉＞❯﹥˃"
_OPEN_DOUBLE, _CLOSE_DOUBLE = "«≪《⟪", "»≫》⟫"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"
_QUOTES = {**dict.fromkeys("“”„‟＂", '"'), **dict.fromkeys("‘’‚‛＇", "'")}
_MEANT: dict[str, str] = {
    **dict.fromkeys(_OPEN, "<"),
    **dict.fromkeys(_CLOSE, ">"),
    # Nothing in the language is written <<, but a >> is.
    **dict.fromkeys(_OPEN_DOUBLE, "<"),
    **dict.fromkeys("‐‑‒–—―−﹣－", "-"),
    **dict.fromkeys("，﹐、", ","),
    **dict.fromkeys("；﹔\u037e", ";"),
    **dict.fromkeys(_INVISIBLE, ""),
    "：": ":",
    "（": "(",
    "）": ")",
    "＝": "=",
    "＋": "+",
    "＊": "*",
    "％": "%",
    "．": ".",
    "…": "...",
}
_CHARACTERS = "".join((*_MEANT, *_CLOSE_DOUBLE))
_PIECE = re.compile(
    rf"""
      (?P<comment> {COMMENT} )
    | (?P<fence> ^[ \t]*(?:```|~~~)[^\n]*(?:\n|\Z) )
    | (?P<include> ^[ \t]*\#[ \t]*include\b[^\n]* )
    | (?P<entity> &(?:lt|gt|amp|quot|apos|nbsp|\#[0-9]{{1,7}}|\#x[0-9a-f]{{1,6}}); )
    | (?P<character> [{_CHARACTERS}] )
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
_LINE_NUMBER = re.compile(r"^[ \t]*([0-9]{1,5})(?:[ \t]*[:|.)])?(?=[ \t]|$)", re.MULTILINE)
LIKE_BRACKETS = f"[{_OPEN}{_OPEN_DOUBLE}]|&lt;|&#60;"
"""Pattern of what stands in a network whose ``<`` are lost."""


class Damage(NamedTuple):
    """A place that a text did not have where it comes from."""

    start: int
    end: int
    meant: str | None
    """The characters that stood there; ``None`` where it cannot be told."""
    about: str
    """A noun for it, such as ``single left-pointing angle quotation mark``."""


def repaired(text: str) -> str:
    """The text with all damage undone that leaves no doubt; the rest stays as it is."""
    parts, at = [], 0
    for damage in damages(text):
        if damage.meant is not None:
            parts += [text[at : damage.start], damage.meant]
            at = damage.end
    return "".join((*parts, text[at:]))


def damages(text: str) -> list[Damage]:
    """The damage outside of comments, in order."""
    numbered = _line_numbers(text)
    if numbered:
        return numbered
    double = _double_closer(text) if any(c in text for c in _CLOSE_DOUBLE) else None
    return [damage for found in _PIECE.finditer(text) for damage in _of_piece(found, double)]


def complaint(source: Source) -> Diagnostic | None:
    """The error about a text's damage, at the first place; ``None`` for a text without any."""
    found = damages(source.text)
    if not found:
        return None
    first = found[0]
    span = Span(source, first.start, first.end)
    if first.meant:
        message = f"'{span.text}' stands where '{first.meant}' belongs"
    elif first.meant is None:
        message = f"'{span.text}' stands where '>' or '>>' belongs"
    else:
        message = f"{with_article(first.about)} stands here"
    notes = []
    if first.meant:
        notes.append(f"it is {with_article(first.about)}, which the text got on its way here")
    if len(found) > 1:
        kinds = groupby(sorted(damage.about for damage in found))
        notes.append(f"in all: {listing(f'{about} ({len([*n])})' for about, n in kinds)}")
    certain = all(damage.meant is not None for damage in found)
    help = "archdsl fmt --fix repairs it" if certain else "write > or >>, as it is meant"
    return Diagnostic(message, span, tuple(notes), help, code="E016")


def _of_piece(found: re.Match[str], double: str | None) -> Iterator[Damage]:
    start, end = found.span()
    if found.lastgroup == "fence":
        yield Damage(start, end, "", "line of Markdown")
    elif found.lastgroup == "include":
        for at, character in enumerate(found[0], start):
            if character in _QUOTES:
                yield Damage(at, at + 1, _QUOTES[character], _name(character))
    elif found.lastgroup == "entity":
        yield Damage(start, end, html.unescape(found[0].lower()), "character as HTML writes it")
    elif found.lastgroup == "character":
        character = found[0]
        meant = double if character in _CLOSE_DOUBLE else _MEANT[character]
        yield Damage(start, end, meant, _name(character))


def _line_numbers(text: str) -> list[Damage]:
    """The numbers of a listing's lines, which nothing in the language begins with."""
    found = list(_LINE_NUMBER.finditer(text))
    lines = sum(1 for line in text.split("\n") if line.strip())
    if lines < 2 or [int(number[1]) for number in found] != list(range(1, lines + 1)):
        return []
    return [Damage(number.start(1), number.end(), "", "line number") for number in found]


def _name(character: str) -> str:
    name = unicodedata.name(character, "character").lower()
    return f"{name} (U+{ord(character):04X})" if character in _INVISIBLE else name


def _double_closer(text: str) -> str | None:
    """The meaning of a double closing mark: as many ``>`` as make the brackets match."""
    code = _PIECE.sub(lambda found: "" if found.lastgroup == "comment" else found[0], text)
    code = html.unescape(code)
    opened = sum(code.count(c) for c in ("<", *_OPEN, *_OPEN_DOUBLE))
    closed = sum(code.count(c) for c in (">", *_CLOSE))
    doubles = sum(code.count(c) for c in _CLOSE_DOUBLE)
    lacking = opened - closed
    return {doubles: ">", 2 * doubles: ">>"}.get(lacking)
