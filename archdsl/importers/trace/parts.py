"""Parts of tensors of known sizes: whatever spells them, each is a range along one dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Part(NamedTuple):
    """The places from ``start`` up to ``stop`` along a dimension."""

    dimension: int
    start: int
    stop: int


def parts_of_index(index: object, sizes: Sequence[int]) -> list[Part] | None:
    """The parts that indexing takes, one behind the other; None for indexing of another kind."""
    places = index if isinstance(index, tuple) else (index,)
    if Ellipsis in [place for place in places if place is Ellipsis]:
        before = places.index(Ellipsis)
        left_out = len(sizes) - (len(places) - 1)
        places = (*places[:before], *[slice(None)] * left_out, *places[before + 1 :])
    if len(places) > len(sizes):
        return None
    found: list[Part] = []
    for dimension, (place, size) in enumerate(zip(places, sizes, strict=False)):
        if not isinstance(place, slice) or not _plain(place):
            return None
        start, stop, step = place.indices(size)
        if step != 1 or stop <= start:
            return None
        if (start, stop) != (0, size):
            found.append(Part(dimension, start, stop))
    return found


def _plain(place: slice) -> bool:
    return all(end is None or isinstance(end, int) for end in (place.start, place.stop, place.step))


def chunked(size: int, chunks: int) -> list[int]:
    """Sizes of the parts that torch.chunk makes."""
    return divided(size, -(-size // chunks))


def divided(size: int, each: int) -> list[int]:
    """Sizes of the parts of equal size, of which the last may be smaller."""
    return [min(each, size - start) for start in range(0, size, each)]


def in_a_row(dimension: int, lengths: Sequence[int]) -> list[Part]:
    """Parts of these lengths, one behind the other."""
    found, start = [], 0
    for length in lengths:
        found.append(Part(dimension, start, start + length))
        start += length
    return found


def cropped(sides: Sequence[int], sizes: Sequence[int]) -> list[Part]:
    """The parts that negative padding leaves; ``sides`` are those of the last dimension first."""
    found: list[Part] = []
    for place in range(len(sides) // 2):
        first, last = sides[2 * place : 2 * place + 2]
        dimension = len(sizes) - 1 - place
        if first < 0 or last < 0:
            found.append(Part(dimension, max(-first, 0), sizes[dimension] + min(last, 0)))
    return sorted(found)
