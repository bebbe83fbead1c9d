"""Deciding whether two PyTorch networks are the same architecture, and carrying weights over."""

from archdsl.analysis.equivalence.errors import MatchError
from archdsl.analysis.equivalence.graph import CanonicalGraph, CanonicalNode
from archdsl.analysis.equivalence.labels import InputSlot, Label
from archdsl.analysis.equivalence.match import Match, match
from archdsl.importers.trace.canonical import canonical
from archdsl.importers.verification.compare import Verification, verify
from archdsl.importers.verification.references import has_auxiliary_heads, reference
from archdsl.importers.verification.transplant import carry_state_dict, transplant

__all__ = [
    "CanonicalGraph",
    "CanonicalNode",
    "InputSlot",
    "Label",
    "Match",
    "MatchError",
    "Verification",
    "canonical",
    "carry_state_dict",
    "has_auxiliary_heads",
    "match",
    "reference",
    "transplant",
    "verify",
]
