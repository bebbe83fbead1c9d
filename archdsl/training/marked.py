"""Objects that are marked in pictures, as files of several formats know them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


class Marked(NamedTuple):
    """An object in a picture."""

    box: tuple[float, float, float, float]
    """Left, top, right and bottom in pixels; it ends where its last pixel ends."""
    label: int
    outline: Any = None
    """COCO's polygons or run lengths."""
    ignored: bool = False
    """True for what is neither to be found nor not: a crowd, or what dlib's imglab crosses out."""


@dataclass(frozen=True)
class Objects:
    """The contents of a file of marked pictures."""

    marked: Sequence[tuple[str, Sequence[Marked]]]
    """Files of pictures, by their folder, each with what is in it."""
    classes: tuple[str, ...]
