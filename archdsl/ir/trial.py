"""Random arguments for a trial run of a network, as data; a backend draws them."""

from __future__ import annotations

from typing import NamedTuple


class RandomValues(NamedTuple):
    """A tensor of numbers drawn evenly from 0..1."""

    shape: tuple[int, ...]


class RandomBoxes(NamedTuple):
    """A tensor count×4 of boxes (x1, y1, x2, y2), none of them empty, in pixels of an image."""

    count: int
    height: int
    width: int


Trial = RandomValues | RandomBoxes | list[RandomValues] | list[RandomBoxes]
"""One tensor, or a list with one for each image."""
