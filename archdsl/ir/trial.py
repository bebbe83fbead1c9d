"""Random arguments for a trial run of a network, as data; a backend draws them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RandomValues:
    """A tensor of numbers drawn evenly from 0..1."""

    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RandomBoxes:
    """A tensor count×4 of boxes (x1, y1, x2, y2), none of them empty, in pixels of an image."""

    count: int
    height: int
    width: int


Trial = RandomValues | RandomBoxes | list[RandomValues] | list[RandomBoxes]
"""One tensor, or a list with one for each image."""
