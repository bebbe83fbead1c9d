"""Blocks of cells that become channels or windows, and back: a regrouping and an exchange."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.analysis.equivalence.graph import CanonicalNode
from archdsl.analysis.equivalence.labels import Label


def moved_blocks(
    before: Sequence[int], grouped: Sequence[int], order: object, after: Sequence[int]
) -> Label | None:
    """The shuffle of cells that a regrouping, an exchange and a regrouping amount to, if any.

    Sizes are those of the tensor, of the first regrouping, and of the last one.
    """
    if len(before) != 4 or len(after) != 4 or len(grouped) != 6:
        return None
    samples, channels, height, width = before
    if order == (0, 1, 3, 5, 2, 4):
        factor = grouped[3]
        high, wide = height // factor, width // factor
        parts = (samples, channels, high, factor, wide, factor)
        whole = (samples, channels * factor**2, high, wide)
        label = Label.of("pixel_unshuffle", {"downscale_factor": factor})
    elif order == (0, 1, 4, 2, 5, 3):
        factor = grouped[2]
        parts = (samples, channels // factor**2, factor, factor, height, width)
        whole = (samples, channels // factor**2, height * factor, width * factor)
        label = Label.of("pixel_shuffle", {"upscale_factor": factor})
    elif order == (0, 2, 4, 3, 5, 1):
        rows, high, columns, wide = grouped[2:]
        parts = (samples, channels, rows, height // rows, columns, width // columns)
        whole = (samples, rows * columns, high * wide, channels)
        label = Label.of("window_partition", {"height": high, "width": wide})
    elif order == (0, 5, 1, 3, 2, 4):
        windows, cells, depth = before[1:]
        rows, columns, high, wide = grouped[1:5]
        parts = (samples, rows, windows // rows, high, cells // high, depth)
        whole = (samples, depth, rows * high, columns * wide)
        label = Label.of("window_reverse", {"rows": rows, "height": high})
    else:
        return None
    return label if tuple(grouped) == parts and tuple(after) == whole else None


def merged_patches(
    sources: Sequence[int], dimension: int, nodes: Sequence[CanonicalNode]
) -> int | None:
    """The map N×H×W×C whose 2×2 cells a concatenation makes one, as Swin Transformers do.

    None where it is no such concatenation. The map is the one before a last row or column of zeros.
    """
    if len(sources) != 4 or dimension not in (-1, 3):
        return None
    parts = [nodes[source] for source in sources]
    whole = {part.inputs for part in parts}
    found = [part.label.value("b") for part in parts if part.label.operation == "getitem"]
    if len(whole) != 1 or [_firsts(index) for index in found] != _CORNERS:
        return None
    (source,) = whole.pop()
    padding = nodes[source]
    if padding.label.operation != "pad" or padding.label.value("value") != 0:
        return source
    sides = padding.label.value("padding")
    if not isinstance(sides, tuple):
        return source
    # Of N×H×W×C, the last axis first: a column and a row at the far ends.
    odd = not any((*sides[:3], *sides[4:5])) and all(map(_of_odd_sizes, (*sides[3:4], *sides[5:])))
    return padding.inputs[0] if odd and len(sides) <= 6 else source


_CORNERS = [(0, 0), (1, 0), (0, 1), (1, 1)]
"""Rows and columns of the cells of a patch, in the order in which they are joined."""


def _of_odd_sizes(cells: object) -> bool:
    """True for the cells that make a size even, also where the size is not known."""
    asked = isinstance(cells, tuple) and (cells[0], cells[-1]) == ("mod of", 2)
    return asked or cells in (0, 1)


def _firsts(index: object) -> tuple[object, object] | None:
    """The first row and column of an index that takes every second of both."""
    every = ("slice", None, None, None)
    places = [place for place in index if place is not ...] if isinstance(index, tuple) else []
    if places[:1] == [every] and len(places) > 2:
        places = places[1:]
    rows, columns, *rest = places if len(places) > 1 else (None, None)
    if any(place != every for place in rest):
        return None
    if not (isinstance(rows, tuple) and isinstance(columns, tuple)):
        return None
    if rows[2:] != (None, 2) or columns[2:] != (None, 2):
        return None
    return rows[1], columns[1]
