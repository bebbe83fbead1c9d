"""dlib's layout of the levels of an image pyramid as tiles of one picture.

Source: dlib's image_transforms/image_pyramid.h, compute_tiled_image_pyramid_details and
pyramid_down. Sizes are in pixels; nothing here needs torch.
"""

from __future__ import annotations

import math
from typing import NamedTuple

_LEAST_HEIGHT = 5
"""Least number of rows of a level; smaller levels are left out."""

_WORD = 2**64


class Tile(NamedTuple):
    """The rectangle of pixels that a level takes; ``right`` and ``bottom`` are included."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left + 1

    @property
    def height(self) -> int:
        return self.bottom - self.top + 1


class Tiling(NamedTuple):
    """A picture of all levels: its size, and its tiles, the whole image's first."""

    height: int
    width: int
    tiles: tuple[Tile, ...]


class LevelStep(NamedTuple):
    """Map from a level to the next finer one: a position is multiplied by a factor, then moved."""

    factor: float
    across: float
    down: float


def step_up(n: int) -> LevelStep:
    """The map from positions in a level of pyramid_down<n> to positions in the next finer level."""
    if n == 2:
        return LevelStep(2.0, 2.5, 1.5)
    if n == 3:
        return LevelStep(1.5, 1.5, 1.5)
    return LevelStep(n / (n - 1.0), 0.3, 0.3) if n > 1 else LevelStep(0.0, 0.0, 0.0)


def tiled(height: int, width: int, n: int, padding: int, outer: int) -> Tiling:
    """The tiles of an image under pyramid_down<n>.

    ``padding`` pixels lie between tiles, ``outer`` around all of them.
    """
    levels = _levels(height, width, n)
    total = sum(rows + padding for rows, _ in levels) - 2 * padding
    reach, before = 0, 0
    for rows, columns in levels:
        # The first column ends where a level fits beside the one before, behind half of all. What
        # dlib compares are unsigned numbers: too little room counts as a lot. The first level's
        # own turn is left out; dlib writes outside of its memory for images of a few pixels.
        fits = columns <= (width - before - padding) % _WORD
        if reach and fits and (reach - height) * 2 % _WORD >= (total - height) % _WORD:
            break
        reach += rows + padding
        before = columns
    reach -= padding
    tiles: list[Tile] = []
    y = outer
    for rows, columns in levels:
        if y >= reach + outer:
            break
        tiles.append(Tile(outer, y, outer + columns - 1, y + rows - 1))
        y += rows + padding
    y -= padding
    for rows, columns in levels[len(tiles) :]:
        # Back up at the right, until the image itself is in the way.
        right, bottom = outer + width - 1, y - 1
        tile = Tile(right - columns + 1, bottom - rows + 1, right, bottom)
        if tile.top <= tiles[0].bottom and tile.left <= tiles[0].right:
            break
        tiles.append(tile)
        y -= rows + padding
    return Tiling(reach + 2 * outer, width + 2 * outer, tuple(tiles))


def _levels(height: int, width: int, n: int) -> list[tuple[int, int]]:
    """Rows and columns of every level."""
    levels = [(height, width)]
    while True:
        height, width = _smaller(height, n), _smaller(width, n)
        if height * width <= 0 or height < _LEAST_HEIGHT:
            return levels
        levels.append((height, width))


def _smaller(size: int, n: int) -> int:
    # C++ divides towards zero; no level is left where the numerator is negative.
    if n == 1:
        return 0
    if n == 2:
        return max(0, size - 3) // 2
    if n == 3:
        return 2 * max(0, size - 2) // 3
    return math.floor((n - 1.0) / n * size)
