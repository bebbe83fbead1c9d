"""What changed between two networks: parts → aligned parts → changes → a table or a document.

Networks are trees: scopes hold scopes and layers. :mod:`parts` reads them, :mod:`aligning` finds
which parts of the one are which of the other, :mod:`changes` says what is different about them.
"""

from __future__ import annotations

from archdsl.analysis.diff.changes import Change, Difference, Status, difference

__all__ = ["Change", "Difference", "Status", "difference"]
