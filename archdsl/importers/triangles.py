"""The layers that fill one side of a diagonal with a number, by that number alone."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from archdsl.layers.sequences import TrilDiag

_DIAGONALS = range(-8, 9)
_DENOMINATOR = 10_000
"""The largest denominator of a number that is told as a fraction."""


def diagonals(number: float) -> Iterator[TrilDiag]:
    """A layer for each diagonal that is looked for; ``number`` is finite."""
    part = Fraction(number).limit_denominator(_DENOMINATOR)
    for diagonal in _DIAGONALS:
        yield TrilDiag(diagonal, part.numerator, part.denominator)
