"""The difference of two networks: parts → aligned parts → changes → a table or a document.

Networks are trees: scopes hold scopes and layers. :mod:`parts` reads them, :mod:`alignment` finds
the counterpart of every part in the other network, :mod:`changes` lists their differences.
"""

from __future__ import annotations

from archdsl.analysis.diff.changes import Change, Difference, Status, difference

__all__ = ["Change", "Difference", "Status", "difference"]
