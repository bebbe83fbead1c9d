"""Comments that allow a warning: ``// archdsl: allow W003, as in dlib``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.codes import explanations
from archdsl.diagnostics.source import Source, Span

_ALLOW = re.compile(r"//\s*archdsl:\s*allow\s+((?:W\d+[,\s]*)+)")
_CODE = re.compile(r"W\d+")
_PIECE = re.compile(r"//[^\r\n]*|/\*.*?\*/|;|[^\s;/]+|/", re.DOTALL)


class _Region(NamedTuple):
    """The part of a text in which a code is allowed."""

    code: str
    start: int
    end: int
    comment: Span


class Allowances:
    """Warnings allowed by the comments of a network's texts: the spec and the files it includes."""

    def __init__(self, own: Source) -> None:
        self._own = own
        self._regions: dict[Source, list[_Region]] = {}

    def cover(self, warning: Diagnostic) -> bool:
        """True if the text at the warning, or at an expansion that led there, allows it."""
        given = [warning.span, *(frame.span for frame in warning.frames)]
        spans = [span.outer for span in given if span is not None]
        whole = any(_whole(r, self._own) and r.code == warning.code for r in self._of(self._own))
        return whole or any(
            region.code == warning.code and region.start <= span.start < region.end
            for span in spans
            for region in self._of(span.source)
        )

    def unknown(self) -> Iterator[Diagnostic]:
        """Warnings about comments of the spec that allow what does not exist."""
        for region in self._of(self._own):
            if region.code not in explanations():
                message = f"there is no warning {region.code} to allow"
                help = "archdsl explain lists all codes"
                yield Diagnostic(
                    message, region.comment, help=help, severity="warning", code="W008"
                )

    def _of(self, source: Source) -> list[_Region]:
        if source not in self._regions:
            # Nearly no text allows anything, and then it is not read again.
            found = list(_regions(source)) if "archdsl:" in source.text else []
            self._regions[source] = found
        return self._regions[source]


def _whole(region: _Region, source: Source) -> bool:
    return region.start == 0 and region.end == len(source.text)


def _regions(source: Source) -> Iterator[_Region]:
    """The regions of a text in which a comment allows a code: all of it, or one definition.

    Before all code it is the text. On a line of its own it is the definition that goes on or
    follows there; behind code it is the definition of that code.
    """
    text = source.text
    start, last = 0, -1  # of the definition that is being read; the end of the code so far
    waiting: list[tuple[str, Span]] = []  # allowed in the definition that is being read
    before: tuple[int, int] | None = None  # the definition that has ended last
    for piece in _PIECE.finditer(text):
        allow = _ALLOW.match(piece.group())
        if allow is not None:
            span = Span(source, piece.start(), piece.end())
            behind = last >= 0 and "\n" not in text[last : piece.start()]
            for code in _CODE.findall(allow.group(1)):
                if last < 0:
                    yield _Region(code, 0, len(text), span)
                elif behind and before is not None and start >= last:
                    yield _Region(code, *before, span)
                else:
                    waiting.append((code, span))
        elif not piece.group().startswith(("//", "/*")):
            last = piece.end()
            if piece.group() == ";":
                before = start, last
                yield from (_Region(code, *before, span) for code, span in waiting)
                waiting, start = [], last
    yield from (_Region(code, start, len(text), span) for code, span in waiting)
