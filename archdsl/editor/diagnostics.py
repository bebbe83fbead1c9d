"""The compiler's errors and warnings as an editor shows them."""

from __future__ import annotations

from lsprotocol import types

from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.source import Source, Span
from archdsl.editor.document import Document, Reading
from archdsl.editor.files import View

_MAX_FRAMES = 8
_SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
}


def diagnostics(document: Document, reading: Reading | None = None) -> list[types.Diagnostic]:
    """Everything that is wrong with a document, or doubtful, once each.

    It is of how the document stands, or of a reading that it has not taken yet.
    """
    reading = reading or Reading(document.file, document.checked)
    place = _Placing(document, reading)
    found: dict[tuple[str, str], types.Diagnostic] = {}
    for finding in reading.checked.findings:
        shown = place.diagnostic(finding)
        found.setdefault((repr(shown.range), shown.message), shown)
    excess = document.excess(reading.checked)
    if excess is not None:
        message = f"{excess} are too many to check while you type; archdsl check does"
        severity = types.DiagnosticSeverity.Information
        first = reading.file.range(0, 1)
        return [types.Diagnostic(first, message, severity=severity, source="archdsl")]
    return list(found.values())


class _Placing:
    """Finds the ranges of spans: in the text itself, or of the include that leads to their file."""

    def __init__(self, document: Document, reading: Reading) -> None:
        self._file = reading.file
        self._offsets = reading.checked.offsets
        self._document = document
        self._found_view: View | None = None

    @property
    def _view(self) -> View:
        if self._found_view is None:  # most texts have no errors in includes
            self._found_view = self._document.view_of(self._file)
        return self._found_view

    def diagnostic(self, finding: Diagnostic) -> types.Diagnostic:
        help = f"help: {finding.help}" if finding.help else None
        message = "\n".join(filter(None, (finding.message, *finding.notes, help)))
        related = []
        frames = finding.frames[:_MAX_FRAMES]
        where = self._own(finding.span)
        if where is None and finding.span is not None:
            related.append(self._related(finding.span, finding.message))
            own = (self._own(frame.span) for frame in finding.frames)
            where = next(filter(None, own), None) or self._door(finding.span.source)
        for frame in frames:
            related.append(self._related(frame.span, f"in {frame.instance}, expanded here"))
        return types.Diagnostic(
            where or self._file.range(0, 0),
            message,
            severity=_SEVERITIES[finding.severity],
            code=finding.code,
            source="archdsl",
            related_information=[r for r in related if r is not None] or None,
        )

    def _own(self, span: Span | None) -> types.Range | None:
        """The range of a span of the text itself."""
        if span is None or span.source not in self._offsets:
            return None
        offset = self._offsets[span.source]
        return self._file.range(offset + span.start, offset + max(span.end, span.start + 1))

    def _door(self, source: Source) -> types.Range | None:
        """The include that leads to a file."""
        include = self._view.doors.get(source.path) if source.path is not None else None
        return None if include is None else self._file.range(include.start, include.end)

    def _related(self, span: Span, message: str) -> types.DiagnosticRelatedInformation | None:
        own = self._own(span)
        if own is not None:
            location = types.Location(self._file.uri, own)
            return types.DiagnosticRelatedInformation(location, message)
        for file in self._view.files:
            if file.source.path == span.source.path:
                location = types.Location(file.uri, file.range(span.start, span.end))
                return types.DiagnosticRelatedInformation(location, message)
        return None
