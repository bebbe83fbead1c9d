"""Outputs of a compiled network and of its origin, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from archdsl.importers import Proof

if TYPE_CHECKING:
    from archdsl.importers.weight_map import Array

_TOLERANCE = 1e-4  # of an output's largest value; runtimes fuse and reorder what they add up


def compared(ours: Sequence[Array], theirs: Sequence[Array], whose: str, weights: str) -> Proof:
    """Comparison of outputs up to rounding: the verdict, and the line that tells it.

    ``whose`` names what ran the origin, ``weights`` says which both had.
    """
    shapes = [[tuple(part.shape) for part in side] for side in (ours, theirs)]
    if shapes[0] != shapes[1]:
        return Proof(False, (f"outputs {shapes[0]}, and {whose} gives {shapes[1]}",))
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if b.size]
    apart = [_apart(a, b) for a, b in pairs]
    same = all(d <= _TOLERANCE * _largest(b) for d, (_, b) in zip(apart, pairs, strict=True))
    furthest = max(apart, default=0.0)
    return Proof(same, (f"outputs as {whose}'s with {weights}, largest difference {furthest:.3g}",))


def _apart(ours: Array, theirs: Array) -> float:
    """The largest difference; equal infinities are equal, and what is no number is so in both."""
    equal = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    with np.errstate(invalid="ignore"):
        differences = np.where(equal, 0, abs(ours - theirs))
    return float(np.nan_to_num(differences, nan=np.inf, posinf=np.inf).max())


def _largest(values: Array) -> float:
    """The largest finite value without its sign, 0 without any."""
    return float(abs(values[np.isfinite(values)]).max(initial=0))
