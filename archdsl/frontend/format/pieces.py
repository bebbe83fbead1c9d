"""A text as pieces: its tokens, each with what stood before it, in statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from archdsl.frontend.syntax.parser import tokens_before

_PART = re.compile(r"(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<space>\s+)", re.DOTALL)
_NAME_SPACE = re.compile(r"(?<!\btemplate) ")
_INCLUDE = re.compile(r"#[ \t]*include[ \t]*")
_OPENERS = frozenset({"HEAD", "TEMPLATE", "LPAR", "MEMBER_HEAD", "_OPEN"})
_CLOSERS = frozenset({"CLOSE", "RPAR", "_SHUT"})
# What scopes.lark adds: structs, namespaces and their members are laid out by their authors.
_SCOPES = frozenset({"_OPEN", "_SHUT", "MEMBER", "MEMBER_HEAD", "STRUCT", "TYPEDEF", "_ACCESS"})


class Comment(NamedTuple):
    """A comment; ``column`` is where it stood, ``blank`` tells of an empty line before it."""

    text: str
    column: int
    blank: bool


@dataclass(slots=True)
class Gap:
    """What stands between two tokens.

    ``trailing`` comments are on the first token's line with nothing behind them, ``own`` ones on
    lines of their own, ``inline`` ones on the second token's line. ``column`` is the indentation of
    that line, where there was a ``newline``; without newline and comments ``spaces`` counts.
    """

    trailing: list[Comment]
    own: list[Comment]
    inline: list[Comment]
    newline: bool = False
    blank: bool = False
    column: int = 0
    spaces: int = 0

    @property
    def forces(self) -> bool:
        """Whether the second token has to start a line."""
        return bool(self.trailing or self.own)


@dataclass(slots=True)
class Piece:
    """A token; its text has no whitespace that it need not have."""

    kind: str
    text: str
    gap: Gap
    start: int
    end: int

    @property
    def shown(self) -> str:
        """The text with the comments directly before it."""
        if not self.gap.inline:
            return self.text
        comments = " ".join(comment.text for comment in self.gap.inline)
        return comments + ("" if self.kind in _TIGHT else " ") + self.text


_TIGHT = frozenset({"COMMA", "CLOSE", "SEMICOLON", "RPAR"})


def split(text: str) -> tuple[list[list[Piece]], Gap]:
    """The statements of a text that parses, and what stands behind the last one."""
    pieces: list[Piece] = []
    end = 0
    for token in tokens_before(text, len(text)):
        start = int(token.start_pos or 0)
        gap = _gap(text, end, start)
        end = start + len(token)
        pieces.append(Piece(token.type, _tidy(token.type, str(token)), gap, start, end))
    statements = [_as_written(text, pieces) for pieces in _statements(pieces)]
    return statements, _gap(text, end, len(text))


def _as_written(text: str, statement: list[Piece]) -> list[Piece]:
    """A statement with scopes as a single piece, others as they are."""
    if not any(piece.kind in _SCOPES for piece in statement):
        return statement
    first, last = statement[0], statement[-1]
    lines = text[first.start : last.end].split("\n")
    written = "\n".join(line.rstrip() for line in lines)
    return [Piece("WRITTEN", written, first.gap, first.start, last.end)]


def _tidy(kind: str, text: str) -> str:
    if kind == "INCLUDE":
        return _INCLUDE.sub("#include ", text, count=1).rstrip()
    if kind == "CTYPE":
        return " ".join(text.split())
    if kind == "TEMPLATE":
        return "template <"
    # "::template f" is the one name with a space in it.
    return _NAME_SPACE.sub("", " ".join(text.split()))


def _gap(text: str, start: int, end: int) -> Gap:
    gap = Gap([], [], [], newline=start == 0)
    if start == end:
        return gap
    pending: list[Comment] = []  # since the last line end
    blank = False  # before what comes next
    for part in _PART.finditer(text, start, end):
        space = part["space"]
        if space is None:
            comment = "\n".join(line.rstrip() for line in part["comment"].split("\n"))
            column = part.start() - (text.rfind("\n", 0, part.start()) + 1)
            pending.append(Comment(comment, column, blank))
            blank = False
        elif "\n" in space:
            _settle(gap, pending)
            gap.newline = True
            blank = space.count("\n") > 1
            gap.column = len(space.rpartition("\n")[2].expandtabs(8))
        else:
            gap.spaces = len(space.expandtabs(4))
    if any("\n" in comment.text or comment.text.startswith("//") for comment in pending):
        _settle(gap, pending)
        gap.newline = True
    gap.inline = pending
    gap.blank = blank or any(comment.blank for comment in pending)
    if gap.newline or gap.inline:
        gap.spaces = 0
    return gap


def _settle(gap: Gap, pending: list[Comment]) -> None:
    """Comments behind which the line ends; one of several lines is no trailing comment."""
    for comment in pending:
        first_line = not gap.newline and not gap.own and "\n" not in comment.text
        (gap.trailing if first_line else gap.own).append(comment)
    pending.clear()


def _statements(pieces: list[Piece]) -> Iterator[list[Piece]]:
    start = depth = 0
    for index, piece in enumerate(pieces):
        if piece.kind in _OPENERS:
            depth += 1
        elif piece.kind in _CLOSERS:
            depth -= 1
        if depth:
            continue
        # A network by itself ends with its closer, a namespace with its brace.
        alone = pieces[start].kind in ("HEAD", "NAME", "INCLUDE") or (
            piece.kind == "_SHUT" and pieces[start].kind in ("NAMESPACE", "_OPEN")
        )
        followed = index + 1 < len(pieces) and pieces[index + 1].kind == "SEMICOLON"
        if piece.kind == "SEMICOLON" or (alone and not followed):
            yield pieces[start : index + 1]
            start = index + 1
