"""Diagnostics as JSON documents, for programs that read them."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics.model import Diagnostic
from archdsl.diagnostics.source import Span


def diagnostic_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """The document of a diagnostic, for ``--json`` and for pages.

    ``line`` and ``column`` count characters from 1, for people; ``range`` counts lines and UTF-16
    code units from 0, as the Language Server Protocol does. Ends are exclusive.
    """
    document: dict[str, Any] = {
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "notes": list(diagnostic.notes),
        "help": diagnostic.help,
        "expansions": [
            {
                "instance": frame.instance,
                "at": frame.span.where,
                "file": frame.span.source.name,
                "range": range_json(frame.span),
            }
            for frame in diagnostic.frames
        ],
    }
    if diagnostic.span is not None:
        span = diagnostic.span
        line, column = span.position
        end_line, end_column = span.source.locate(span.end)
        document |= {
            "file": span.source.name,
            "line": line,
            "column": column,
            "end_line": end_line,
            "end_column": end_column,
            "range": range_json(span),
        }
    return document


def range_json(span: Span) -> dict[str, Any]:
    """A place in a text: lines and UTF-16 code units from 0, its end exclusive."""
    start, end = span.range
    return {"start": start._asdict(), "end": end._asdict()}
