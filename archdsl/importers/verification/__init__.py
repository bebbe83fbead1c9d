"""Comparison of two PyTorch networks, and transfer of weights from one to the other."""

from archdsl.analysis.equivalence.errors import MatchError
from archdsl.analysis.equivalence.graph import CanonicalGraph, CanonicalNode
from archdsl.analysis.equivalence.labels import InputSlot, Label
from archdsl.analysis.equivalence.match import Match, match, match_bodies
from archdsl.importers.trace.canonical import canonical
from archdsl.importers.verification.compare import Verification, verify
from archdsl.importers.verification.references import has_auxiliary_heads, reference
from archdsl.importers.verification.weight_transfer import transfer_state_dict, transfer_weights

__all__ = [
    "CanonicalGraph",
    "CanonicalNode",
    "InputSlot",
    "Label",
    "Match",
    "MatchError",
    "Verification",
    "canonical",
    "has_auxiliary_heads",
    "match",
    "match_bodies",
    "reference",
    "transfer_state_dict",
    "transfer_weights",
    "verify",
]
