"""Positions in a text as editors and SARIF count them: lines and UTF-16 code units."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.diagnostics.source import Source, Span


class Position(NamedTuple):
    """A line and a UTF-16 code unit in it, both from 0, as the Language Server Protocol has it."""

    line: int
    character: int


def position(source: Source, offset: int) -> Position:
    """Line and UTF-16 column of a character, given its offset in the text."""
    line, column = source.locate(offset)
    before = source.line(line)[: column - 1]
    return Position(line - 1, len(before.encode("utf-16-le", "surrogatepass")) // 2)


def range_of(span: Span) -> tuple[Position, Position]:
    """Start and end positions of a span, the end exclusive."""
    return position(span.source, span.start), position(span.source, span.end)
