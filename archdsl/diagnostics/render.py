"""Source lines for a terminal, with a span underlined and parts coloured by their roles."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Literal

from archdsl.diagnostics.printable import printable
from archdsl.diagnostics.source import Span

_SOURCE_WIDTH = 96  # characters of a source line shown around the span

Role = Literal["error", "warning", "message", "gutter", "help"]
Paint = Callable[[Role, str], str]
"""Colours a part of a rendered diagnostic by its role."""


def plain(_: Role, text: str) -> str:
    """The paint of files and pipes: the text as it is."""
    return text


def excerpt(span: Span, label: str | None, severity: Role, paint: Paint) -> list[str]:
    """The source line and a second one that underlines the span, long lines cut around it."""
    number, column = span.position
    text = span.source.line(number)
    first = column - 1
    last = max(first + 1, min(len(text), first + span.end - span.start))
    cut = max(0, first - _SOURCE_WIDTH // 2) if len(text) > _SOURCE_WIDTH else 0
    stop = min(len(text), cut + _SOURCE_WIDTH)
    last = min(last, max(stop, first + 1))
    before, after = ("…" if cut else ""), ("…" if stop < len(text) else "")
    shown = printable(text[cut:stop])
    lead = before + printable(text[cut:first])
    marked = printable(text[first:last]) or " "
    mark = "^" * max(1, _columns(marked))
    mark = paint(severity, f"{mark} {printable(label)}" if label else mark)
    return [
        paint("gutter", f"{number:5} | ") + before + shown + after,
        paint("gutter", f"{'':5} | ") + " " * _columns(lead) + mark,
    ]


def _columns(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    marks = sum(unicodedata.combining(c) != 0 for c in text)
    return len(text) + wide - marks
