"""Deciding whether two PyTorch networks are the same architecture, and carrying weights over."""

from archdsl.matching.canonical import canonical
from archdsl.matching.compare import Verification, verify
from archdsl.matching.errors import MatchError
from archdsl.matching.graph import CanonicalGraph, CanonicalNode
from archdsl.matching.labels import Label, Slot
from archdsl.matching.match import Match, match
from archdsl.matching.references import has_auxiliary_heads, reference
from archdsl.matching.transplant import carry_state_dict, transplant

__all__ = [
    "CanonicalGraph",
    "CanonicalNode",
    "Label",
    "Match",
    "MatchError",
    "Slot",
    "Verification",
    "canonical",
    "carry_state_dict",
    "has_auxiliary_heads",
    "match",
    "reference",
    "transplant",
    "verify",
]
