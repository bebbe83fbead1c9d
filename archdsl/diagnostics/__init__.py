"""Errors and warnings as values, and the text that a person reads of them.

A diagnostic is data (message, span, notes, help, the template expansions that led there);
:func:`render` turns it into text. Stages collect diagnostics and raise one :class:`ArchError`.
"""

from archdsl.diagnostics.model import (
    ArchError,
    Diagnostic,
    Frame,
    coded,
    fail,
    listing,
    nearest,
    render,
)
from archdsl.diagnostics.render import Paint, Role

__all__ = [
    "ArchError",
    "Diagnostic",
    "Frame",
    "Paint",
    "Role",
    "coded",
    "fail",
    "listing",
    "nearest",
    "render",
]
