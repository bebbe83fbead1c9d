"""The error of a comparison that cannot be made."""

from __future__ import annotations

from archdsl.diagnostics import ArchError, Diagnostic


class MatchError(ArchError):
    """A reference cannot be had or read, or weights do not fit; the message is for the user."""

    def __init__(self, message: str) -> None:
        super().__init__(Diagnostic(message))
